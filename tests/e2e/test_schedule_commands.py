"""Schedules and deliveries as a user manages them, over a real mail server."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_commands import cdr_reports
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import make_home
from tests.pipeline.offices import make_built
from tests.pipeline.post import PostOffice, serving

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which yesterday is built."""
    return make_built(tmp_path_factory.mktemp("home"), (YESTERDAY,)).settings.home


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "home")


def add(home: Path, *options: str, name: str = "nightly", expect: int = 0) -> str:
    done = cdr_reports(home, "schedules", "add", "--name", name, *options, expect=expect)
    return done.stdout + done.stderr


def mail(port: int) -> dict[str, str]:
    return {"CDR_REPORTS_SMTP_HOST": "127.0.0.1", "CDR_REPORTS_SMTP_PORT": str(port)}


def test_a_schedule_from_beginning_to_end(home: Path) -> None:
    to = ("--email", "a@example.com, b@example.com", "--format", "csv")
    assert "nightly: next " in add(home, *to, "--time", "07:30", "--customers", "SkyCore")
    assert "another name" in add(home, *to, expect=1)
    shown = cdr_reports(home, "schedules", "show", "nightly").stdout
    for said in ("customers   101", "time        07:30", "07:30 UTC"):
        assert said in shown
    edited = ("schedules", "edit", "nightly", "--name", "nights", "--time", "6:00", "--customers")
    cdr_reports(home, *edited, "")
    listed = cdr_reports(home, "schedules", "list").stdout
    assert "nights" in listed
    assert "06:00 UTC" in listed
    assert "customers" not in cdr_reports(home, "schedules", "show", "nights").stdout
    cdr_reports(home, "schedules", "pause", "nights")
    assert "paused" in cdr_reports(home, "schedules", "list").stdout
    assert "next: " in cdr_reports(home, "schedules", "resume", "nights").stdout
    cdr_reports(home, "schedules", "remove", "nights", expect=1)  # nobody says yes
    cdr_reports(home, "schedules", "remove", "nights", "--yes")
    assert "no schedules yet" in cdr_reports(home, "schedules", "list").stdout
    told = cdr_reports(home, "schedules", "show", "nights", expect=1).stderr
    assert "no schedule 'nights'; there are: none yet" in told


def test_wrong_options_are_told_together(home: Path) -> None:
    told = add(home, "--email", "nobody", "--frequency", "hourly", "--time", "25:00", expect=2)
    for field in ("email: 'nobody'", "frequency: unknown 'hourly'", "time: '25:00'"):
        assert field in told
    outside = ("--audience", "customer", "--customers", "101", "--email", "a@example.com")
    told = add(home, *outside, "--columns", "asr,profit_usd", expect=2)
    assert "'profit_usd' is not for customers" in told
    to = ("--email", "a@example.com")
    told = add(home, *to, "--customers", "SkyCor", expect=2)
    assert "customers: unknown customer 'SkyCor': did you mean 'SkyCore'?" in told
    with (home / "customers.csv").open("a") as file:
        file.write("110,,\n")  # a new one without calls, who has no name yet
    assert "warning" not in add(home, *to, "--customers", "103,110")


def test_help_says_what_holds_when_nothing_is_said(tmp_path: Path) -> None:
    new = cdr_reports(tmp_path, "schedules", "add", "--help").stdout
    assert "Default: daily." in new
    assert "usa-calls-" in new
    changed = cdr_reports(tmp_path, "schedules", "edit", "--help").stdout
    assert "--frequency daily|weekly|monthly" in changed
    assert "efault" not in changed  # what is not named stays as it is


def test_a_user_of_a_customer_that_nothing_knows_is_refused(home: Path) -> None:
    new = ("users", "add", "sky", "--role", "customer", "--no-password", "--customers")
    told = cdr_reports(home, *new, "SkyCor", expect=1).stderr
    assert "unknown customer 'SkyCor': did you mean 'SkyCore'?" in told
    assert "sky" not in cdr_reports(home, "users", "list").stdout
    assert "sky is customer of 101, 102" in cdr_reports(home, *new, "SkyCore,102").stdout


@pytest.mark.parametrize("said", [b"schedules: [\xff]", b"schedules: [", b"name: nightly"])
def test_a_file_that_has_no_schedules_is_told_by_name(
    home: Path, tmp_path: Path, said: bytes
) -> None:
    file = tmp_path / "schedules.yaml"
    file.write_bytes(said)
    assert str(file) in cdr_reports(home, "schedules", "import", str(file), expect=1).stderr


def test_sending_showing_and_sending_again(home: Path, tmp_path: Path) -> None:
    post = PostOffice()
    with serving(post) as port:
        add(home, "--email", "a@example.com,b@example.com", "--format", "csv,pdf")
        preview = ("schedules", "preview", "nightly", "--output", str(tmp_path / "made"))
        made = cdr_reports(home, *preview)
        nowhere = cdr_reports(home, *preview[:-1], "/proc/made", expect=1).stderr
        assert nowhere == "Error: cannot write /proc/made: No such file or directory\n"
        assert "Subject: Breakout" in made.stdout
        assert (tmp_path / "made" / f"breakout_{YESTERDAY}.csv").exists()
        assert post.got == []
        told = cdr_reports(home, "schedules", "run-now", "nightly", expect=0, **mail(port)).stderr
        assert f"nightly, {YESTERDAY} (delivery 1): sent" in told
        again = cdr_reports(home, "schedules", "run-now", "nightly", expect=1, **mail(port))
        assert "deliveries resend" in again.stderr
        shown = cdr_reports(home, "deliveries", "show", "1").stdout
        for said in ("run-now", "sent", "b@example.com", "accepted", "breakout_daily 1", "@"):
            assert said in shown
        as_sent = cdr_reports(home, "deliveries", "show", "1", "--as-sent").stdout
        assert "Totals" in as_sent
        # The day changes; what was sent does not.
        deliver(make_home(home), "late.csv", [call("x", dt=f"{YESTERDAY} 10:00:00")])
        told = cdr_reports(home, "run", expect=0, **mail(port)).stderr
        assert "1 days built; 1 reports sent" in told
        assert cdr_reports(home, "deliveries", "show", "1", "--as-sent").stdout == as_sent
        assert cdr_reports(home, "deliveries", "show", "2", "--as-sent").stdout != as_sent
        told = cdr_reports(home, "deliveries", "resend", "2", expect=0, **mail(port)).stderr
        assert "(delivery 3): sent" in told
    subjects = [message["Subject"].partition(",")[0] for _, message, _ in post.got]
    assert subjects == ["Breakout", "Breakout (figures revised)", "Breakout"]
    assert len(post.message_ids()) == 3
    listed = cdr_reports(home, "deliveries", "list", "--schedule", "nightly").stdout
    assert len(listed.splitlines()) == 4
    assert "deliveries list" in cdr_reports(home, "deliveries", "show", "9", expect=1).stderr


def test_a_server_that_refuses_fails_the_run_with_its_words(home: Path) -> None:
    post = PostOffice("data 554 5.7.1 we do not like you", "mail 421 busy")
    with serving(post) as port:
        add(home, "--email", "a@example.com", "--format", "csv")
        run_now = ("schedules", "run-now", "nightly")
        told = cdr_reports(home, *run_now, expect=1, **mail(port)).stderr
        assert "failed: mail server" in told
        assert "554 5.7.1 we do not like you" in told
        listed = cdr_reports(home, "deliveries", "list", "--state", "failed").stdout
        assert "we do not like you" in listed
        told = cdr_reports(home, "deliveries", "resend", "1", expect=1, **mail(port)).stderr
        assert "not sent yet, tried again at" in told
    assert post.got == []


def test_yaml_there_and_back(home: Path, tmp_path: Path) -> None:
    add(home, "--email", "a@example.com", "--time", "17:30", "--group", "")
    add(home, "--audience", "customer", "--fan-out", name="Kunden, täglich")
    cdr_reports(home, "schedules", "pause", "nightly")
    text = cdr_reports(home, "schedules", "export").stdout
    file = tmp_path / "schedules.yaml"
    file.write_text(text, encoding="utf-8")
    told = cdr_reports(home, "schedules", "import", str(file)).stderr
    assert [line for line in told.splitlines() if not line.startswith("unchanged: ")] == []
    plain = yaml.safe_load(text)
    assert [s["name"] for s in plain["schedules"]] == ["Kunden, täglich", "nightly"]
    assert plain["schedules"][1]["enabled"] is False
    other = tmp_path / "other"
    other.mkdir()
    cdr_reports(other, "schedules", "import", str(file))
    assert cdr_reports(other, "schedules", "export").stdout == text
    plain["schedules"][0]["frequency"] = "hourly"
    plain["schedules"][1] |= {"time": "8:15", "colour": "blue"}
    file.write_text(yaml.safe_dump(plain), encoding="utf-8")
    told = cdr_reports(home, "schedules", "import", str(file), expect=1).stderr
    assert "schedule 1 (Kunden, täglich): frequency: unknown 'hourly'" in told
    assert "schedule 2 (nightly): unknown field 'colour'" in told
    assert "Nothing was changed." in told
    assert cdr_reports(home, "schedules", "export").stdout == text


@pytest.mark.parametrize("text", ["[", "schedules: 3", "- a"])
def test_what_is_no_list_of_schedules(home: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    told = cdr_reports(home, "schedules", "import", str(file), expect=1).stderr
    assert "x.yaml" in told

"""The commands as a user types them, each in a process of its own."""

import csv
import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.deliveries import account, call, deliver, numbers
from tests.pipeline.home import golden_files, land, make_home
from tests.support.forks import Said, commanded

COMMAND = Path(sys.executable).with_name("cdr-reports")


def cdr_reports(home: Path, *arguments: str, expect: int = 0, **settings: str) -> Said:
    """Runs the command in its home and looks at how it ends."""
    own = {"CDR_REPORTS_HOME": str(home), "CDR_REPORTS_SETTLE_SECONDS": "0", **settings}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    done = commanded(home, arguments, {**inherited, **own})
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which the golden files were taken, without building their days."""
    home = make_home(tmp_path_factory.mktemp("golden"))
    land(home, *golden_files())
    home.intake.run()
    return home.settings.home


def test_files_lists_every_account(golden: Path) -> None:
    lines = cdr_reports(golden, "files").stdout.splitlines()
    words = [line.split() for line in lines]
    assert words[0][:4] == ["file", "source", "name", "status"]
    # file, source, name, status, records, accepted, duplicates, quarantined: expected/intake.csv
    assert ["1", "connexcs", "cdr_20260306.csv.gz", "taken", "565", "550", "5", "10"] in [
        row[:8] for row in words
    ]
    assert len(words) == 6


def test_files_show_tells_the_reasons(golden: Path) -> None:
    told = cdr_reports(golden, "files", "show", "cdr_20260307.csv").stdout
    for reason in ("invalid_charge", "missing_call_id", "wrong_column_count"):
        assert reason in told
    assert "--file 2" in told  # how to get at them
    assert cdr_reports(golden, "files", "show", "2").stdout == told
    assert cdr_reports(golden, "files", "show", "connexcs/cdr_20260307.csv").stdout == told


@pytest.mark.parametrize(
    "arguments",
    [
        ("files", "show", "none.csv"), ("files", "withdraw", "none.csv", "--yes"),
        ("quarantine", "export", "--file", "99"),
    ],
)  # fmt: skip
def test_an_unknown_file_is_named(golden: Path, arguments: tuple[str, ...]) -> None:
    told = cdr_reports(golden, *arguments, expect=1).stderr
    assert arguments[-1] in told or arguments[2] in told
    assert "cdr-reports files" in told


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CDR_REPORTS_TIMEZONE", "Europe/Londn", "Europe/Londn"),
        ("CDR_REPORTS_SETTLE_SECONDS", "soon", "soon"),
        ("CDR_REPORTS_TIME_ZONE", "UTC", "unknown setting"),
        ("CDR_REPORTS_MEMORY_LIMIT", "lots", "lots"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    told = cdr_reports(tmp_path, "files", expect=1, **{name: value}).stderr
    assert name in told
    assert words in told
    assert list(tmp_path.iterdir()) == []  # before anything starts


@pytest.mark.parametrize(
    ("command", "name", "value", "words"),
    [
        ("run", "CDR_REPORTS_HOME", "/etc/passwd", "cannot be made a folder: File exists"),
        ("upkeep", "CDR_REPORTS_HOME", "/proc/home", "cannot be made a folder: No such file"),
        ("files", "CDR_REPORTS_HOME", "/proc/home", "there is no folder /proc/home"),
        ("report breakout --last 7d", "CDR_REPORTS_HOME", "hoem", "there is no folder"),
        ("schedules list", "CDR_REPORTS_HOME", "hoem", "there is no folder"),
        ("deliveries list", "CDR_REPORTS_HOME", "hoem", "there is no folder"),
        ("users list", "CDR_REPORTS_HOME", "hoem", "there is no folder"),
        ("upkeep", "CDR_REPORTS_HOME", "/proc/1", "cannot be written to"),
        ("files", "CDR_REPORTS_LEDGER_URL", "mysql://u:p@127.0.0.1/x", "named 'MySQLdb'"),
        ("migrate", "CDR_REPORTS_LEDGER_URL", "postgresql+psycopg://u@h/x", "named 'psycopg'"),
    ],
)
def test_what_cannot_be_opened_is_one_line(
    tmp_path: Path, command: str, name: str, value: str, words: str
) -> None:
    told = cdr_reports(tmp_path, *command.split(), expect=1, **{name: value}).stderr
    assert told.count("\n") == 1
    assert name in told
    assert words in told
    assert not (tmp_path / "hoem").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("report breakout --last 7d", "customers.csv, line 1: the header is 'nome'"),
        ("schedules export --output gone/x.yaml", "gone/x.yaml: No such file or directory"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_line(
    tmp_path: Path, command: str, words: str
) -> None:
    (tmp_path / "customers.csv").write_text("nome\n")
    told = cdr_reports(tmp_path, *command.split(), expect=1).stderr
    assert told.count("\n") == 1
    assert words in told


@pytest.mark.parametrize("command", ["run", "upkeep", "ui", "migrate"])
def test_what_is_wrong_with_dagsters_settings_is_told_by_file(tmp_path: Path, command: str) -> None:
    config = tmp_path / "dagster" / "dagster.yaml"
    config.parent.mkdir()
    config.write_text("run_queue: {max_concurrent_runs: many}\n")
    told = cdr_reports(tmp_path, command, expect=1).stderr
    assert told.startswith(f"Error: {config}: ")


@pytest.mark.parametrize("command", ["ui", "explore"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, command: str) -> None:
    make_home(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = cdr_reports(tmp_path, command, "--port", port, expect=1)
    assert said.stdout == ""
    assert f"cannot serve at 127.0.0.1, port {port}: Address already in use" in said.stderr
    assert "choose another --port" in said.stderr


def test_a_demo_of_no_calls_is_refused(tmp_path: Path) -> None:
    said = cdr_reports(
        tmp_path, "demo", "--folder", str(tmp_path / "demo"), "--rows", "0", expect=2
    )
    assert "'--rows': 0 is not in the range x>=1" in said.stderr


def test_a_demo_says_how_to_go_on_in_words_that_a_shell_takes(tmp_path: Path) -> None:
    folder = tmp_path / "Jörg & Söhne"
    said = cdr_reports(tmp_path, "demo", "--folder", str(folder), "--rows", "20", expect=0)
    assert f"  export CDR_REPORTS_HOME='{folder}'\n" in said.stdout
    assert {path.name for path in (folder / "mail").iterdir()} == {"1.eml", "2.eml", "3.eml"}


def test_a_ledger_that_is_none_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("something else, and enough of it: " * 100)
    told = cdr_reports(tmp_path, "files", expect=1).stderr
    assert f"{tmp_path / 'ledger.sqlite'}: the ledger cannot be opened: file is not a" in told


def test_a_copy_of_the_ledger_has_all_of_it(tmp_path: Path) -> None:
    """Of the file by that name alone, once nothing runs any more; so this is a process whole."""
    home, copy = tmp_path / "home", tmp_path / "copy"
    copy.mkdir()
    command = [str(COMMAND), "users", "add", "ann", "--role", "viewer", "--no-password"]
    environment = {**os.environ, "CDR_REPORTS_HOME": str(home)}
    subprocess.run(command, env=environment, check=True, cwd=tmp_path, capture_output=True)
    shutil.copy(home / "ledger.sqlite", copy)
    assert "ann" in cdr_reports(copy, "users", "list").stdout


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    url = {"CDR_REPORTS_SMTP_PORT": "0", "CDR_REPORTS_SMTP_PASSWORD": "made-up-secret"}
    told = cdr_reports(tmp_path, "files", expect=1, **url).stderr
    assert "CDR_REPORTS_SMTP_PORT" in told
    assert "made-up-secret" not in told


def test_every_command_has_help(tmp_path: Path) -> None:
    commands = "run report schedules deliveries files quarantine reference ui demo".split()
    told = cdr_reports(tmp_path, "--help").stdout
    for command in commands:
        assert f"\n  {command} " in told
    for arguments in (("run",), ("files", "withdraw"), ("quarantine", "export")):
        assert "Usage: cdr-reports" in cdr_reports(tmp_path, *arguments, "--help").stdout


def test_mending_what_was_refused(tmp_path: Path) -> None:
    """Export, mend with any CSV tool, deliver again; what is still wrong is exported again."""
    home = make_home(tmp_path)
    columns = ["dt", "", *sorted(set(call()) - {"dt"}), "unknown column", " "]  # some nameless
    deliver(
        home,
        "1.csv",
        [
            call("good"), call("charge", customer_charge="1,5"), call("", duration="7"),
            call("still", duration="x", customer_charge='=1+1"'),
        ],
        columns,
    )  # fmt: skip
    home.intake.run()
    assert numbers(home, "1.csv") == {"records": 4, "accepted": 1, "quarantined": 3}

    refused = rows_of(cdr_reports(tmp_path, "quarantine", "export").stdout)
    assert [(r["quarantine_line"], r["quarantine_reasons"]) for r in refused] == [
        ("3", "invalid_charge"), ("4", "missing_call_id"), ("5", "invalid_duration,invalid_charge"),
    ]  # fmt: skip
    assert {r["quarantine_file"] for r in refused} == {"1.csv"}
    refused[0]["customer_charge"] = "1.5"
    refused[1]["callid"] = "mended"
    refused[2]["customer_charge"] = "2"
    again = home.settings.home / "landing" / "connexcs" / "mended.csv"
    with again.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(refused[0]))
        writer.writeheader()
        writer.writerows(refused)
    home.intake.run()
    assert numbers(home, "mended.csv") == {"records": 3, "accepted": 2, "quarantined": 1}

    # The export of an export: to a file, with what came out of both.
    cdr_reports(tmp_path, "quarantine", "export", "--file", "mended.csv", "--output", "out/2.csv")
    second = rows_of((tmp_path / "out" / "2.csv").read_text(encoding="utf-8"))
    assert [(r["callid"], r["quarantine_reasons"]) for r in second] == [
        ("still", "invalid_duration")
    ]
    second[0]["duration"] = "9"
    last = again.with_name("third.csv")
    with last.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(second[0]))
        writer.writeheader()
        writer.writerows(second)
    home.intake.run()
    assert numbers(home, "third.csv") == {"records": 1, "accepted": 1}


def test_a_source_without_header_is_exported_into_two_files(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    folder = tmp_path / "landing" / "asterisk"
    folder.mkdir(parents=True)
    fields = [
        "acct", "2025550101", "2025550102", "out", "", "SIP/a", "SIP/b", "Dial", "", "TIME",
        "2026-03-06 12:00:05", "2026-03-06 12:01:00", "60", "55", "ANSWERED", "3", "u-1",
    ]  # fmt: skip
    good = ",".join(f'"{field}"' for field in fields).replace("TIME", "2026-03-06 12:00:00")
    bad = good.replace("2026-03-06 12:00:00", "some day").replace("u-1", "u-2")
    (folder / "Master.csv").write_text(f"{good}\n{bad}\nshort,row\n")
    home.intake.run()
    assert numbers(home, "Master.csv") == {"records": 3, "accepted": 1, "quarantined": 2}
    refused = cdr_reports(tmp_path, "quarantine", "export", expect=2).stderr
    assert "--output" in refused
    cdr_reports(tmp_path, "quarantine", "export", "--output", "bad.csv")
    assert (tmp_path / "bad.csv").read_text() == f"{bad}\nshort,row\n"
    reasons = rows_of((tmp_path / "bad.csv.reasons.csv").read_text())
    assert [(r["quarantine_line"], r["quarantine_reasons"]) for r in reasons] == [
        ("2", "invalid_call_time"), ("3", "wrong_column_count"),
    ]  # fmt: skip
    (folder / "mended.csv").write_text(
        (tmp_path / "bad.csv").read_text().replace("some day", "2026-03-06 13:00:00")
    )
    home.intake.run()
    assert numbers(home, "mended.csv") == {"records": 2, "accepted": 1, "quarantined": 1}


def test_nothing_in_quarantine(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call()])
    home.intake.run()
    done = cdr_reports(tmp_path, "quarantine", "export")
    assert (done.stdout, done.stderr) == ("", "nothing in quarantine\n")


def test_withdrawing_and_refusing_to_do_it_twice(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call()])
    home.intake.run()
    unsure = cdr_reports(tmp_path, "files", "withdraw", "1.csv", expect=1)  # no answer: no
    assert "2026-03-06" in unsure.stdout
    assert str(account(home, "1.csv").file.status) == "taken"
    told = cdr_reports(tmp_path, "files", "withdraw", "1.csv", "--yes").stdout
    assert "2026-03-06" in told
    again = cdr_reports(tmp_path, "files", "withdraw", "1.csv", "--yes", expect=1).stderr
    assert "withdrawn" in again
    assert numbers(home, "1.csv").get("accepted", 0) == 0


def test_a_withdrawal_that_was_cut_short_may_be_typed_again(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call()])
    home.intake.run()
    home.files.begin_withdrawal(account(home, "1.csv").file.id)
    told = cdr_reports(tmp_path, "files", "withdraw", "1.csv", "--yes").stdout
    assert "stale now: 2026-03-06" in told
    assert str(account(home, "1.csv").file.status) == "withdrawn"
    assert home.lake.parts("delivered") == []


def test_run_tells_what_it_did_and_fails_for_a_file_that_it_could_not_take(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call(), call("", dt="")])
    done = cdr_reports(tmp_path, "run")
    assert "1 new files, 2 records: 1 accepted, 0 duplicates, 1 quarantined; 1 days built" in (
        done.stderr
    )
    deliver(home, "2.csv", []).write_text("dt,callid\n")
    failed = cdr_reports(tmp_path, "run", expect=1).stderr
    assert "connexcs/2.csv: required columns are missing: lrn_number" in failed


def test_an_own_file_that_cannot_be_read_is_told_once_and_mended(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call()])
    own = tmp_path / "dids.csv"
    own.write_text("digits\n12122260001\n")
    told = cdr_reports(tmp_path, "run", expect=1).stderr
    assert told.count(f"trouble: cdrs: {own}, line 1: the first column is 'digits'") == 1
    assert "1 accepted, 0 duplicates, 0 quarantined; 0 days built" in told
    own.write_text("number\n12122260001\n")
    assert "1 days built" in cdr_reports(tmp_path, "run").stderr


def test_a_file_of_the_lake_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    land(home, golden_files()[0])
    home.intake.run()
    day = min(home.days.known())
    for table in ("cdrs", "breakout_daily"):
        home.builder.build(table, day)
    file = Path(home.lake.files("breakout_daily", day, day)[0])
    file.write_bytes(b"no Parquet")
    period = ("--from", str(day), "--to", str(day))
    told = cdr_reports(tmp_path, "report", "breakout", *period, expect=1).stderr
    assert file.name in told
    assert "`cdr-reports run` builds a day anew" in told
    assert len(told.splitlines()) == 1


def test_what_a_file_is_called_has_no_effect_on_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "connexcs"
    folder.mkdir(parents=True)
    (folder / "[red]a\n\x1b[31m.csv").write_text("no columns\n")
    ran = cdr_reports(tmp_path, "run", expect=1).stderr.splitlines()
    told = cdr_reports(tmp_path, "files").stdout.splitlines()
    one = cdr_reports(tmp_path, "files", "show", "1").stdout.splitlines()
    kept = cdr_reports(tmp_path, "files", "withdraw", "1", expect=1).stderr.splitlines()
    for line in (ran[0], ran[-1], told[1], one[0], kept[0]):
        assert "[red]a \N{REPLACEMENT CHARACTER}[31m.csv" in line
    assert len(told) == 2

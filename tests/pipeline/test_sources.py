"""Other switches end to end: Kamailio's sample with its companion files, Asterisk, FreeSWITCH."""

import csv
import gzip
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, reset_tzpath

import pyarrow.parquet as pq
import pytest

from pipelines.assembly import Workplace
from resources.ledger import Files
from resources.zones import ahead_of_utc
from tests.pipeline.deliveries import call, counting, deliver, numbers
from tests.pipeline.home import DATA, build_all, make_home, rows_of

SAMPLE = DATA / "samples" / "kamailio"


def land_sample(workplace: Workplace, *names: str) -> Path:
    folder = workplace.settings.home / "landing" / "kamailio"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(SAMPLE / name, folder / name)
    return folder


def sample(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def failed_over() -> tuple[set[str], set[str]]:
    """Calls with a branch before the last one: those then connected, those that failed again.

    Told from the files alone: a missed branch is not the last one when the call was connected, or
    when the reply that ended it carries another tag than the missed branch's.
    """
    calls = {row["callid"]: row for row in sample("acc_cdrs.csv")}
    replies = {row["callid"]: row for row in sample("acc.csv") if row["method"] == "INVITE"}
    connected, failed = set(), set()
    for row in sample("missed_calls.csv"):
        call = row["callid"]
        if Decimal(calls[call]["duration"]) > 0:
            connected.add(call)
        elif replies[call]["to_tag"] not in ("", row["to_tag"]):
            failed.add(call)
    return connected, failed


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = make_home(tmp_path_factory.mktemp("kamailio"))
    land_sample(home, "acc_cdrs.csv", "acc.csv", "missed_calls.csv")
    build_all(home)
    return home


def test_the_kamailio_sample(kamailio: Workplace) -> None:
    connected, failed = failed_over()
    assert (len(connected), len(failed)) == (139, 110)
    row = rows_of(
        kamailio,
        "cdrs",
        "SELECT COUNT(*) AS attempts, COUNT(*) FILTER (branch_idx = 0) AS calls, "
        "COUNT(*) FILTER (duration > 0) AS connected, "
        "COUNT(*) FILTER (duration > 0 AND branch_idx = 1) AS after_failover, "
        "COUNT(*) FILTER (branch_idx = 1 AND duration = 0) AS failed_again, "
        "COUNT(sip_code) AS with_status FROM cdrs",
    )[0]
    assert row == {
        "attempts": 3000 + 139 + 110, "calls": 3000, "connected": 1566, "after_failover": 139,
        "failed_again": 110, "with_status": 3000 + 139 + 110,
    }  # fmt: skip
    total = sum(Decimal(r["duration"]) for r in sample("acc_cdrs.csv"))
    found = rows_of(kamailio, "cdrs", "SELECT SUM(duration) AS total FROM cdrs")[0]["total"]
    assert abs(found - total) < Decimal("0.001") * 1566  # each is kept to the millisecond


def test_a_source_without_charges_has_none(kamailio: Workplace) -> None:
    """Which is not the same as charges of 0."""
    for table in ("breakout_daily", "dtmf_hourly", "usa_calls_daily", "usa_rate_center_daily"):
        row = rows_of(
            kamailio,
            table,
            "SELECT SUM(attempts) AS n, COUNT(customer_charge) + COUNT(provider_charge) AS charges,"
            f" COUNT(customer_charge_usd) + COUNT(provider_charge_gbp) AS converted FROM {table}",
        )[0]
        assert row["n"] > 0
        assert (row["charges"], row["converted"]) == (0, 0), table


def test_companions_may_come_later_and_may_go_again(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    folder = land_sample(home, "acc_cdrs.csv")
    home.intake.run()
    assert numbers(home, "acc_cdrs.csv") == {"records": 3000, "accepted": 3000}
    alone = counting(home)
    assert sum(duration > 0 for duration in alone.values()) == 1566
    land_sample(home, "acc.csv", "missed_calls.csv")
    home.intake.run()
    together = counting(home)
    assert len(together) == 3000 + 139 + 110
    assert sum(duration > 0 for duration in together.values()) == 1566, "connected calls twice"
    # Every row of before knows more now: status and address of the caller.
    assert numbers(home, "acc_cdrs.csv") == {"records": 3249, "accepted": 3249}
    assert home.files.accounts()[0].superseded == 3000
    for names in (["acc.csv"], ["missed_calls.csv"]):
        for name in names:
            (folder / name).unlink()
        assert home.intake.run() == [], "calls lost what the companion had told"
    assert counting(home) == together


def test_a_broken_companion_stops_its_calls_until_it_is_mended(tmp_path: Path) -> None:
    """Taken without it, calls would be counted wrongly."""
    home = make_home(tmp_path)
    folder = land_sample(home, "acc_cdrs.csv", "acc.csv", "missed_calls.csv")
    whole = (folder / "acc.csv").read_text()
    (folder / "acc.csv").write_text(whole + "half a li")
    outcome = home.intake.run()[0]
    assert (str(outcome.status), counting(home)) == ("failed", {})
    assert "acc.csv beside it, line 4568" in (outcome.reason or "")
    (folder / "acc.csv").write_text(whole)
    home.intake.run()
    assert len(counting(home)) == 3249


def test_files_tidied_away_are_known_by_those_of_the_same_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new file was compared with all that were ever taken."""
    looked_at: list[str] = []

    class Token(str):
        def split(self, *how: Any) -> list[str]:
            looked_at.append(self)
            return super().split(*how)

    home = make_home(tmp_path)
    land_sample(home, "acc_cdrs.csv")
    (new,) = home.intake.scan.new(print)
    seen = {f"acc_cdrs-{n}.csv": [Token(f"{n}-1+{n}-2")] for n in range(100)}
    monkeypatch.setattr(Files, "seen", lambda *_: seen)
    assert list(home.intake.scan.new(print)) == [new]
    assert looked_at == []
    seen["acc_cdrs.csv"] = [Token("1-1+1-2"), Token(f"{new.token}+1-2")]
    assert list(home.intake.scan.new(print)) == []
    assert looked_at == seen["acc_cdrs.csv"]


def write(home: Workplace, source: str, name: str, *rows: list[str]) -> None:
    path = home.settings.home / "landing" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


def asterisk(start: str, call: str) -> list[str]:
    return [
        "acct", "2025550101", "2025550102", "out", "", "SIP/a", "SIP/b", "Dial", "", start, "", "",
        "60", "55", "ANSWERED", "3", call,
    ]  # fmt: skip


def freeswitch(start: str, call: str) -> list[str]:
    return [
        "Caller", "442079460013", "447802712292", "default", start, start, "", "65", "55",
        "NORMAL_CLEARING", call, "", "acct", "PCMU", "PCMU",
    ]  # fmt: skip


@pytest.mark.parametrize(("source", "record"), [("asterisk", asterisk), ("freeswitch", freeswitch)])
def test_local_times_are_those_of_the_setting(tmp_path: Path, source: str, record: Any) -> None:
    """The reports' zone is one thing (New York, UTC-5), the switch's is another (Rome, UTC+1)."""
    home = make_home(
        tmp_path, timezone="America/New_York", source_timezones={source: "Europe/Rome"}
    )
    write(
        home, source, "Master.csv",
        record("2026-03-06 05:59:59", "1772773199.1"),
        record("2026-03-06 06:00:00", "1772773200.2"),
    )  # fmt: skip
    said: list[str] = []
    home.intake.run(said.append)
    assert not any("are read as UTC" in text for text in said)
    assert {(day, call) for day, call, _ in counting(home)} == {
        ("2026-03-05", "1772773199.1"), ("2026-03-06", "1772773200.2"),
    }  # fmt: skip


def test_local_times_without_a_setting_are_utc_and_that_is_said(home: Workplace) -> None:
    write(home, "asterisk", "Master.csv", asterisk("2026-03-06 00:00:00", "1772755200.1"))
    said: list[str] = []
    home.intake.run(said.append)
    assert any("asterisk" in text and "SOURCE_TIMEZONES" in text for text in said)
    assert list(counting(home)) == [("2026-03-06", "1772755200.1", 0)]


def master(unique: str, dialled: str, disposition: str, talk: int) -> str:
    """A record as Asterisk's cdr_csv writes it, with unique id and user field."""
    answer = '"2026-03-06 12:00:05"' if talk else ""
    return (
        '"101","442079460013","12122260001","out","""Desk"" <442079460013>","PJSIP/desk-00000001",'
        f'"{dialled}","Dial","PJSIP/12122260001@a,60","2026-03-06 12:00:00",{answer},'
        f'"2026-03-06 12:01:05",65,{talk},"{disposition}","DOCUMENTATION","{unique}",""\n'
    )


def test_master_csv_grows_is_rotated_and_has_files_by_account(home: Workplace) -> None:
    """A failover is two attempts of one call, counted once however often they are delivered."""
    folder = home.settings.home / "landing" / "asterisk"
    folder.mkdir(parents=True)
    early = master("1772798400.1", "PJSIP/a-0000000a", "CONGESTION", 0)
    early += master("1772798400.1", "PJSIP/b-0000000b", "ANSWERED", 60)
    late = master("1772798402.3", "PJSIP/a-0000000c", "ANSWERED", 7)
    (folder / "Master.csv").write_text(early)
    home.intake.run()
    assert numbers(home, "Master.csv") == {"records": 2, "accepted": 2}
    (folder / "Master.csv").write_text(early + late)
    (folder / "101.csv").write_text(early)  # of accountlogs, which is on by default
    home.intake.run()
    (folder / "Master.csv").rename(folder / "Master.csv.1")
    (folder / "Master.csv-20260305.gz").write_bytes(gzip.compress(early.encode()))
    (folder / "Master.csv").write_text("")
    outcomes = {outcome.file.name: str(outcome.status) for outcome in home.intake.run()}
    assert outcomes == {
        "Master.csv": "taken", "Master.csv.1": "copy", "Master.csv-20260305.gz": "taken",
    }  # fmt: skip
    assert counting(home) == {
        ("2026-03-06", "1772798400.1", 0): 0, ("2026-03-06", "1772798400.1", 1): 60,
        ("2026-03-06", "1772798402.3", 0): 7,
    }  # fmt: skip
    accounts = home.files.accounts()
    assert sum(a.accepted for a in accounts) == 3
    assert sum(a.superseded for a in accounts) == 0


@pytest.mark.parametrize("more", [0, 1, 2, 3, 4, 5])
def test_the_options_of_cdr_csv(home: Workplace, more: int) -> None:
    """loguniqueid, loguserfield and newcdrcolumns each add fields."""
    tail = ["1772798400.1", "note", "", "1772798400.1", "7"]
    added = {
        0: [], 1: tail[:1], 2: tail[:2], 3: tail[2:], 4: [tail[0], *tail[2:]], 5: tail,
    }[more]  # fmt: skip
    write(home, "asterisk", "Master.csv", [*asterisk("2026-03-06 00:00:00", "")[:16], *added])
    home.intake.run()
    ((_, call, branch),) = counting(home)
    assert (branch, call == "1772798400.1") == (0, more not in (0, 3))


@pytest.mark.parametrize("template", ["default", "example", "linksys", "snom", "sql"])
def test_the_templates_of_mod_cdr_csv(home: Workplace, template: str) -> None:
    folder = home.settings.home / "landing" / "freeswitch"
    folder.mkdir(parents=True)
    record = ",".join(f'"{field}"' for field in freeswitch("2026-03-06 12:00:00", "u-1")[:12])
    written = {  # some of them have a blank before the account code
        "default": f'{record}, "acct"',
        "example": f'{record},"acct","PCMU","PCMU"',
        "linksys": f'{record},"acct","PCMU","PCMU","agent","PS=1,OS=2"',
        "snom": f'{record}, "acct","PCMU","PCMU","agent","","rx","tx",""',
        "sql": f'INSERT INTO cdr VALUES ({record}, "acct");',
    }[template]
    (folder / "Master.csv.2026-03-07-00-00-00").write_text(f"{written}\n")
    home.intake.run()
    assert list(counting(home)) == [("2026-03-06", "u-1", 0)]
    (path,) = home.lake.newest_files("delivered")
    (found,) = pq.read_table(path, columns=["customer_id", "duration", "sip_code"]).to_pylist()
    assert found == {"customer_id": "acct", "duration": 55, "sip_code": "200"}


def test_another_template_is_refused_and_that_is_said(home: Workplace) -> None:
    """As FreeSWITCH's `asterisk`, which has 18 fields."""
    write(home, "freeswitch", "Master.csv", [*asterisk("2026-03-06 12:00:00", "1"), ""])
    (failed,) = home.intake.run()
    assert "the first record has 18 fields" in (failed.reason or "")
    assert "freeswitch may have (13, 15, 17, 20)" in (failed.reason or "")


@pytest.mark.parametrize(("source", "record"), [("asterisk", asterisk), ("freeswitch", freeswitch)])
def test_days_and_local_times_go_by_the_newest_time_zone_data(
    tmp_path: Path, source: str, record: Any
) -> None:
    """A government has given summer time up, and the engine's own data are from before."""
    folder = tmp_path / "zones" / "Europe"
    folder.mkdir(parents=True)
    without = files_of("tzdata") / "zoneinfo" / "UTC"
    (folder / "London").write_bytes(without.read_bytes())

    def forget() -> None:
        ZoneInfo.clear_cache()
        ahead_of_utc.cache_clear()

    reset_tzpath([str(folder.parent)])
    try:
        forget()
        zones = {source: "Europe/London"}
        home = make_home(tmp_path / "home", timezone="Europe/London", source_timezones=zones)
        write(home, source, "Master.csv", record("2025-06-30 23:30:00", "local"))
        deliver(home, "1.csv", [call("UTC", dt="2025-06-30 23:30:00")])
        home.intake.run()
        built = home.builder.build_cdrs(date(2025, 6, 30))
        rows = rows_of(home, "cdrs", "SELECT dt FROM cdrs")
    finally:
        reset_tzpath()
        forget()
    assert (built.published, built.failures) == (True, [])
    assert [row["dt"] for row in rows] == [datetime(2025, 6, 30, 23, 30, tzinfo=UTC)] * 2

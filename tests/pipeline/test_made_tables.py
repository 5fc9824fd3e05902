"""Tables that are made for a question, out of the golden data, as reports ask for them."""

import csv
import zipfile
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from pipelines.reporting import LakeTables
from resources.reference.accounts import AccountsError
from resources.reference.rates import load_rates, shipped_table
from resources.reporting.errors import ReportError
from resources.unstored import did_as_cli
from tests.pipeline.home import GOLDEN, build_all, land, rows_of

MARCH = (date(2026, 3, 1), date(2026, 3, 31))
OWN = "12122260001"


@pytest.fixture(scope="module")
def built(golden_home: Workplace) -> Workplace:
    build_all(golden_home)
    return golden_home


@pytest.fixture(scope="module")
def tables(built: Workplace) -> LakeTables:
    return LakeTables(built, built.lake)


def asked(workplace: Workplace, files: list[str], text: str) -> list[dict[str, Any]]:
    """The rows of a question to the relation `made`."""
    with workplace.engine.connect({"made": files}) as connection:
        rows: list[dict[str, Any]] = connection.execute(text).to_arrow_table().to_pylist()
        return rows


def test_dtmf_delivery_of_the_contract(built: Workplace, tables: LakeTables) -> None:
    """Every figure of golden/expected/dtmf_delivery.csv, to its last digit."""
    files = tables.files("dtmf_delivery", *MARCH)
    assert [Path(file).name for file in files] == ["delivery.parquet"]
    sums = asked(
        built,
        files,
        "SELECT provider_id, SUM(checked_dtmf_calls) AS actual, "
        "SUM(expected_dtmf_calls) AS expected, SUM(dtmf_variance) AS variance FROM made "
        "WHERE provider_id IS NOT NULL GROUP BY provider_id ORDER BY provider_id",
    )
    found = []
    with localcontext(prec=40, rounding=ROUND_HALF_EVEN):
        for row in sums:
            actual, expected = Decimal(row["actual"]), row["expected"]
            figures = {
                "delivery": actual / expected,
                "expected": expected,
                "z": (actual - expected) / row["variance"].sqrt(),
            }
            places = {k: str(v.quantize(Decimal("1e-12"))) for k, v in figures.items()}
            found.append({"provider_id": row["provider_id"], "actual": str(actual)} | places)
    with (GOLDEN / "expected" / "dtmf_delivery.csv").open(newline="") as file:
        assert found == list(csv.DictReader(file))


def test_dtmf_delivery_keeps_the_sums_of_its_table(built: Workplace, tables: LakeTables) -> None:
    measures = (
        "attempts", "calls", "connected", "short_calls", "ner_attempts", "duration",
        "customer_duration", "provider_duration", "customer_charge", "provider_charge",
        "customer_charge_usd", "customer_charge_gbp", "provider_charge_usd",
        "provider_charge_gbp", "pdd_sum", "pdd_attempts", "dtmf_calls", "dtmf_digits",
        "stale_rate_attempts",
    )  # fmt: skip
    by = (
        "provider_id, customer_id, customer_destination, provider_destination, "
        "customer_currency, provider_currency"
    )
    select = f"SELECT {by}, {', '.join(f'SUM({m}) AS {m}' for m in measures)} FROM"
    text = f"GROUP BY {by} ORDER BY {by}"
    made = asked(built, tables.files("dtmf_delivery", *MARCH), f"{select} made {text}")
    assert made == rows_of(built, "dtmf_hourly", f"{select} dtmf_hourly {text}")


def test_did_as_cli(built: Workplace, tmp_path: Path) -> None:
    """Each own number's calls, day by day, against `cdrs` added up in plain Python."""
    (tmp_path / "dids.csv").write_text(f"number\n+{OWN[:4]} {OWN[4:]}\n13125550000\n")
    files = did_as_cli(replace(built.builder, home=tmp_path), *MARCH, tmp_path / "made")
    rates = load_rates()
    wanted: dict[Any, dict[str, Any]] = {}
    for call in rows_of(built, "cdrs", f"SELECT * FROM cdrs WHERE cli_digits = '{OWN}'"):
        key = (str(call["call_date"]), call["customer_id"], call["provider_id"])
        sums = wanted.setdefault(
            key, {"attempts": 0, "connected": 0, "duration": 0, "customer_charge_usd": Decimal(0)}
        )
        rate = rates.rate(call["customer_currency"], call["call_date"])
        sums["attempts"] += 1
        sums["connected"] += call["duration"] > 0
        sums["duration"] += call["duration"]
        sums["customer_charge_usd"] += call["customer_charge"] * (rate.usd if rate else 0)
    assert len({key[0] for key in wanted}) > 1
    rows = asked(
        built,
        files,
        "SELECT CAST(call_date AS VARCHAR) AS call_date, customer_id, provider_id, cli, "
        "SUM(attempts) AS attempts, SUM(connected) AS connected, SUM(duration) AS duration, "
        "SUM(customer_charge_usd) AS customer_charge_usd FROM made "
        "GROUP BY call_date, customer_id, provider_id, cli",
    )
    assert {row.pop("cli") for row in rows} == {OWN}
    keys = ("call_date", "customer_id", "provider_id")
    assert {tuple(row.pop(k) for k in keys): row for row in rows} == wanted


def test_did_as_cli_without_own_numbers(
    built: Workplace, tables: LakeTables, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match="has no numbers yet: list your own there"):
        tables.files("did_as_cli", *MARCH)
    (tmp_path / "dids.csv").write_text("number\nnobody\n")
    with pytest.raises(AccountsError, match="line 2: 'nobody' is no telephone number"):
        did_as_cli(replace(built.builder, home=tmp_path), *MARCH, tmp_path / "made")


def test_what_was_made_is_of_the_home_s_files_as_they_are_now(built: Workplace) -> None:
    """A program that runs on sees other own numbers and newer exchange rates at once."""
    tables, home = LakeTables(built, built.lake), built.settings.home
    dids, rates = home / "dids.csv", home / "reference" / "eurofxref-hist.zip"

    def sums() -> tuple[int, Decimal]:
        text = "SELECT SUM(attempts) AS n, SUM(customer_charge_usd) AS usd FROM made"
        (row,) = asked(built, tables.files("did_as_cli", *MARCH), text)
        return row["n"], row["usd"]

    try:
        dids.write_text(f"number\n{OWN}\n")
        before = sums()
        assert tables.files("did_as_cli", *MARCH) == tables.files("did_as_cli", *MARCH)
        dids.write_text(f"number\n{OWN}\n12122260002\n442079460013\n")
        more = sums()
        assert more[0] > before[0]
        with zipfile.ZipFile(shipped_table()) as archive:
            head, *lines = archive.read(archive.namelist()[0]).decode().splitlines()
        usd = head.split(",").index("USD")
        cells = [line.split(",") for line in lines]
        rates.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(rates, "w") as archive:
            dearer = [",".join([*c[:usd], f"{c[usd]}9", *c[usd + 1 :]]) for c in cells]
            archive.writestr("eurofxref-hist.csv", "\n".join([head, *dearer]))
        assert (sums()[0], sums()[1] > more[1]) == (more[0], True)
    finally:
        dids.unlink(missing_ok=True)
        rates.unlink(missing_ok=True)


@pytest.mark.parametrize("table", ["breakout_hourly", "dtmf_delivery"])
def test_a_period_without_calls_makes_no_file(tables: LakeTables, table: str) -> None:
    assert tables.files(table, date(2025, 1, 1), date(2025, 1, 31)) == []


def test_what_was_made_is_made_once_until_its_day_is_published_anew(home: Workplace) -> None:
    land(home, GOLDEN / "landing" / "connexcs" / "cdr_20260309.csv")
    build_all(home)
    tables = LakeTables(home, home.lake)
    day = (date(2026, 3, 9), date(2026, 3, 9))
    assert tables.files("breakout_daily", *day) == home.lake.files("breakout_daily", *day)
    hourly, delivery = (tables.files(t, *day) for t in ("breakout_hourly", "dtmf_delivery"))
    assert tables.files("breakout_hourly", *day) == hourly
    assert tables.files("dtmf_delivery", *day) == delivery
    assert tables.files("dtmf_delivery", date(2026, 3, 8), day[1]) != delivery
    home.builder.build("cdrs", day[0])
    assert tables.files("breakout_hourly", *day) != hourly
    assert tables.files("dtmf_delivery", *day) == delivery

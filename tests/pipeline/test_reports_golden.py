"""The golden data through the commands: each expected file is what `report … --format csv` prints.

What the tables hold is looked at in `test_golden`; here it is what a user gets of them.
"""

from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from tests.pipeline import reporting
from tests.pipeline.home import build_all
from tests.pipeline.reporting import csv_rows, figures
from tests.pipeline.test_golden import EXPECTED, assert_same, expected, expected_origin

DAYS = ("2026-03-05", "2026-03-10")


@pytest.fixture(scope="module")
def built(golden_home: Workplace) -> Workplace:
    build_all(golden_home)
    return golden_home


def matches(
    workplace: Workplace,
    want: list[dict[str, str]],
    dimensions: list[str],
    *command: str,
) -> None:
    """The same rows, null for null, counts and durations exact, the rest to 1e-6."""
    name, *options = command
    columns = [column for column in want[0] if column not in dimensions]
    got = csv_rows(
        workplace,
        name,
        DAYS,
        *("--group-by", ",".join(dimensions), "--columns", ",".join(columns), *options),
    )
    assert [*got[0]] == [*dimensions, *columns]
    assert len(got) == len(want)
    assert_same(want, figures(got, dimensions), dimensions)


def dimensions_of(want: list[dict[str, str]]) -> list[str]:
    names = list(want[0])
    return names[: names.index("acd")]


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPECTED.glob("breakout_by_*.csv")))
def test_breakout(built: Workplace, name: str) -> None:
    want = expected(name)
    matches(built, want, dimensions_of(want), "breakout")


def test_tech_prefix(built: Workplace) -> None:
    want = expected("breakout_by_tech_prefix")
    matches(built, want, ["tech_prefix"], "tech-prefix")


@pytest.mark.parametrize("fmt", ["csv", "html", "table"])
def test_dtmf_of_some_hours_is_told_without_what_only_days_have(built: Workplace, fmt: str) -> None:
    """Who asks for hours has not asked for the delivery check, which is of days."""
    got = reporting.command(
        built, "report", "dtmf", "--from", "2026-03-06", "--to", "2026-03-09",
        "--filter", "hour_of_day=11:00", "--format", fmt,
    )  # fmt: skip
    assert got.exit_code == 0, got.output
    assert "Delivery" not in got.output
    named = reporting.command(
        built, "report", "dtmf", "--from", "2026-03-06", "--to", "2026-03-09",
        "--filter", "hour_of_day=11:00", "--columns", "z",
    )  # fmt: skip
    assert "z, flag cannot be had by hour, hour_of_day" in named.output


def test_dtmf_by_hour_and_provider(built: Workplace) -> None:
    want = expected("dtmf_by_hour_provider")
    matches(built, want, ["hour", "provider_id"], "dtmf")


@pytest.mark.parametrize("by", ["state", "lata"])
@pytest.mark.parametrize("customers", [False, True])
def test_usa_calls(built: Workplace, by: str, customers: bool) -> None:
    want = expected(f"usa_calls_{by}{'_by_customer' if customers else ''}")
    group = ["customer_id"] if customers else []
    matches(built, want, group, "usa-calls", "--type", by)


def test_usa_rate_center_destination(built: Workplace) -> None:
    want = expected("usa_rate_center_destination")
    group = ["prefix", "rate_center"]
    matches(built, want, group, "usa-rate-center", "--side", "destination")


def test_usa_rate_center_origin(built: Workplace) -> None:
    group = ["prefix", "rate_center"]
    matches(built, expected_origin(built), group, "usa-rate-center", "--side", "origin")


def test_every_expected_report_is_compared() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    of_others = {
        "intake", "quarantine",  # no reports: test_golden
        "dtmf_delivery", "per_number_12122260001",
        "usa_rate_center_origin",  # see expected_origin
    }  # fmt: skip
    for name in {path.stem for path in EXPECTED.glob("*.csv")} - of_others:
        assert name.startswith(("breakout_by_", "usa_calls_")) or f'"{name}"' in text, name

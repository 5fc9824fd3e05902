"""A day that fails its checks, the whole way: nothing is published, all is told, and it heals."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import update

from pipelines.assembly import Workplace
from pipelines.definitions import build_defs
from pipelines.partitions import range_tags
from resources.calls.index import CALL_NUMBERS
from resources.days import DAY_TABLES, DayBuilder
from resources.engine import Engine
from resources.expectations import NotEvaluated
from resources.held import CDRS
from resources.intake.verdicts import settle_days
from resources.ledger.schema import file_days
from tests.pipeline.home import build_all, contents, golden_files, land, make_home, rows_of

DAYS = [date(2026, 3, day) for day in (6, 7, 8, 9)]
BAD = DAYS[1]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the golden days, taken in and published; to be copied, not to be used."""
    workplace = make_home(tmp_path_factory.mktemp("published"))
    land(workplace, *golden_files())
    assert all(built.published for built in build_all(workplace))
    return workplace.settings.home


@pytest.fixture
def golden(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The golden days, published, in a home of the test's own."""
    folder = tmp_path_factory.mktemp("golden") / "home"
    shutil.copytree(published, folder)
    return make_home(folder)


def redeliver(workplace: Workplace, day: date, name: str, **values: str) -> None:
    """One more file for a day, with an attempt `name` that was not there before."""
    row = {
        "dt": f"{day} 12:00:00", "callid": name, "dest_cli": "442071234568",
        "dest_number": "442071234567", "lrn_number": "", "tech_prefix": "", "duration": "30",
        "customer_id": "1001", "customer_charge": "0.01", "customer_duration": "30",
        "customer_card_currency": "USD", "customer_card_dest_name": "UK", "provider_id": "",
        "provider_charge": "", "provider_duration": "", "provider_card_currency": "",
        "provider_card_dest_name": "", "pdd_out": "", "release_reason": "", "sip_code": "200",
        "dtmf": "",
    }  # fmt: skip
    row |= values
    path = workplace.settings.home / "landing" / "connexcs" / f"{name}.csv"
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    workplace.intake.run()
    assert [a.accepted for a in workplace.files.accounts() if a.file.name == path.name] == [1]


def test_a_charge_that_the_contract_lets_in_keeps_no_day_back(golden: Workplace) -> None:
    """However large, and though a switch notes it for all calls: it is warned of, and the sums have
    it to the last place.
    """
    for number in range(12):
        redeliver(
            golden, BAD, f"large{number}", customer_charge="9999999999.99999999", customer_id="4711"
        )
    (built, *_) = build_all(golden)
    assert built.published
    warned = {v.name for v in built.verdicts if not v.passed and v.severity == "warning"}
    assert "charge_unusually_high" in warned
    text = (
        "SELECT SUM(customer_charge) AS own, SUM(customer_charge_usd) AS usd FROM breakout_daily "
        "WHERE customer_id = '4711'"
    )
    (row,) = rows_of(golden, "breakout_daily", text)
    assert [str(row["own"]), row["usd"]] == ["119999999999.99999988", row["own"]]


def tamper(workplace: Workplace, day: date, by: int) -> None:
    """Makes the ledger say that one more or fewer record counts on the day."""
    files = workplace.files
    with files.engine.begin() as connection:
        first = connection.execute(
            file_days.select().where(file_days.c.call_date == day).limit(1)
        ).one()
        connection.execute(
            update(file_days)
            .where(file_days.c.file_id == first.file_id, file_days.c.call_date == day)
            .values(delivered=first.delivered + by)
        )


def strict(workplace: Workplace) -> DayBuilder:
    """A builder to which calls over ten minutes are too long."""
    builder = workplace.builder
    return replace(builder, rules=replace(builder.rules, longest_call_seconds=600))


def test_a_day_that_fails_keeps_what_it_held(golden: Workplace) -> None:
    before = contents(golden)
    too_long = rows_of(
        golden,
        "cdrs",
        f"SELECT source || '/' || callid || '/' || branch_idx AS name FROM cdrs "
        f"WHERE call_date = DATE '{BAD}' AND duration > 600 ORDER BY source, callid, branch_idx",
    )
    assert len(too_long) > 3
    redeliver(golden, BAD, "more")
    built = strict(golden).build_cdrs(BAD)

    assert not built.published
    [failure] = built.failures
    assert failure.name == "duration_out_of_range"
    assert failure.value == len(too_long)
    assert failure.examples == tuple(row["name"] for row in too_long[:3])
    assert contents(golden) == before
    assert golden.days.failures() == {BAD: str(failure)}
    assert [(s.day, s.failed) for s in golden.days.stale(DAY_TABLES)] == [(BAD, True)]
    assert list((golden.lake.root / "_staging").iterdir()) == []
    page = golden.settings.home / "data-docs" / "days" / f"{BAD}.html"
    assert all(example in page.read_text(encoding="utf-8") for example in failure.examples)


def test_the_next_delivery_that_passes_clears_it(golden: Workplace) -> None:
    rows = len([r for r in contents(golden)[CDRS] if BAD in r])
    redeliver(golden, BAD, "more")
    assert not strict(golden).build_cdrs(BAD).published
    redeliver(golden, BAD, "still-more")
    assert golden.days.failures() == {}  # a newer version, not judged yet
    built = build_all(golden)
    assert [b.day for b in built] == [BAD] * len(DAY_TABLES)
    assert all(b.published for b in built)
    assert built[0].rows == rows + 2
    assert golden.days.failures() == {}
    assert golden.days.stale(DAY_TABLES) == []
    index = golden.settings.home / "data-docs" / "index.html"
    assert "✘" not in index.read_text(encoding="utf-8").split("<body>")[1]


@pytest.mark.parametrize("by", [1, -1])
def test_a_lost_or_doubled_row_is_never_published(golden: Workplace, by: int) -> None:
    before = contents(golden)
    tamper(golden, BAD, by)
    built = golden.builder.build_cdrs(BAD)
    assert not built.published
    [failure] = built.failures
    assert failure.name == "row_count_matches_accounts"
    assert failure.value - failure.low == -by
    assert contents(golden) == before


def test_a_warning_is_published(golden: Workplace) -> None:
    redeliver(golden, BAD, "odd", duration="0", customer_charge="0.05", customer_duration="0")
    built = golden.builder.build_cdrs(BAD)
    assert built.published
    [warning] = [v for v in built.verdicts if not v.passed]
    assert (warning.name, warning.severity) == ("charged_without_connection", "warning")
    assert warning.examples == ("connexcs/odd/0",)
    assert golden.days.failures() == {}


def test_checks_that_cannot_run_say_nothing_of_the_day(golden: Workplace, tmp_path: Path) -> None:
    before = contents(golden)
    redeliver(golden, BAD, "more")
    builder = golden.builder

    class Forgetful(Engine):
        """Writes the day without a column that the rules read."""

        @staticmethod
        def copy(
            connection: Any, text: str, params: Any, out: Path, *rest: Any, **others: Any
        ) -> int:
            cut = f"SELECT * EXCLUDE (provider_charge) FROM (\n{text}\n)"
            return Engine.copy(connection, cut, params, out, *rest, **others)

    engine = Forgetful(builder.local.memory_limit, builder.local.threads, builder.local.spill)
    with pytest.raises(NotEvaluated, match="provider_charge"):
        replace(builder, engine=engine).build_cdrs(BAD)
    assert contents(golden) == before
    assert golden.days.failures() == {}
    assert [(s.day, s.failed) for s in golden.days.stale(DAY_TABLES)] == [(BAD, False)]


def test_the_pages_list_every_day(golden: Workplace) -> None:
    index = golden.settings.home / "data-docs" / "index.html"
    text = index.read_text(encoding="utf-8")
    assert [day for day in DAYS if f"days/{day}.html" in text] == DAYS


class TestDagster:
    """The job over a range of days of which one fails."""

    @pytest.fixture
    def range_run(
        self, tmp_path: Path
    ) -> Callable[[Workplace], tuple[dg.ExecuteInProcessResult, dg.DagsterInstance]]:
        def run(home: Workplace) -> tuple[dg.ExecuteInProcessResult, dg.DagsterInstance]:
            defs = build_defs(home.settings, lambda: home)
            instance = dg.DagsterInstance.ephemeral(str(tmp_path))
            result = defs.get_job_def("build_days").execute_in_process(
                instance=instance, tags=range_tags(DAYS[0], DAYS[-1]), raise_on_error=False
            )
            return result, instance

        return run

    def test_the_run_fails_at_once_and_the_other_days_are_published(
        self, home: Workplace, range_run: Any
    ) -> None:
        land(home, *golden_files())
        home.intake.run()
        settle_days(home.engine, home.lake, home.files, home.days, home.kept)
        tamper(home, BAD, 1)
        result, instance = range_run(home)

        assert not result.success
        retries = [
            e for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY
        ]
        assert retries == []
        [failed] = [e for e in result.all_events if e.is_step_failure]
        assert failed.step_key == CDRS
        told = failed.step_failure_data.error_display_string
        assert f"{BAD} keeps what it held before: row_count_matches_accounts" in told

        checks = {e.asset_check_evaluation_data.check_name: e.asset_check_evaluation_data
                  for e in result.all_events
                  if e.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION}  # fmt: skip
        assert [name for name, check in checks.items() if not check.passed] == [
            "row_count_matches_accounts"
        ]
        records = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(CDRS), "row_count_matches_accounts"), limit=5
        )
        assert records[0].status.value == "FAILED"

        assert home.lake.days(CDRS) == [day for day in DAYS if day != BAD]
        materialised = instance.get_materialized_partitions(dg.AssetKey(CDRS))
        assert materialised == {str(day) for day in DAYS if day != BAD}
        assert list(home.days.failures()) == [BAD]

    def test_a_range_that_passes(self, home: Workplace, range_run: Any) -> None:
        land(home, *golden_files())
        home.intake.run()
        result, _ = range_run(home)
        assert result.success
        assert home.lake.days(CDRS) == DAYS
        assert home.days.stale(DAY_TABLES) == []
        steps = [e.step_key for e in result.all_events if e.is_step_success]
        assert (steps[0], steps[-1]) == (CDRS, CALL_NUMBERS)  # by then its copy is there

    @pytest.mark.parametrize("asked", [[CDRS], [CDRS, CALL_NUMBERS]])
    def test_calls_are_copied_by_row_when_the_run_asks_for_it(
        self, home: Workplace, tmp_path: Path, asked: list[str]
    ) -> None:
        land(home, *golden_files())
        home.intake.run()
        instance = dg.DagsterInstance.ephemeral(str(tmp_path))
        build_defs(home.settings, lambda: home).resolve_job_def("build_days").execute_in_process(
            instance=instance,
            tags=range_tags(DAYS[0], DAYS[-1]),
            asset_selection=[dg.AssetKey(name) for name in asked],
        )
        copied = set() if asked == [CDRS] else set(home.lake.days(CDRS))
        assert home.call_store.days() == copied
        assert home.lake.days(CDRS)

"""Every rule on a real staged day: fails on bad data, passes on good, behaves on none.

The day is made by the real model out of the golden files; then a row is spoilt by SQL. What a rule
must say comes from the contract and from how many rows were spoilt.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import sql
from pipelines.assembly import Workplace
from resources.engine import Engine
from resources.expectations import DayFacts, NotEvaluated, Verdict, expectations, judge
from resources.intake.verdicts import judged_day
from tests.pipeline.home import golden_files, land, make_home

DAY = date(2026, 3, 6)
CURRENCIES = frozenset({"USD", "GBP", "EUR"})
GENERAL = {"row_count_matches_accounts", "key_repeated"}
HISTORICAL = {"connected_share_unusual", "mean_talk_time_unusual"}


@dataclass(frozen=True)
class StagedDay:
    """The golden day as it was staged, and what may be done with it."""

    workplace: Workplace
    path: Path
    folder: Path
    rows: int

    def facts(self, **changes: Any) -> DayFacts:
        plain = DayFacts(
            DAY,
            datetime(2026, 3, 6, tzinfo=UTC),
            datetime(2026, 3, 7, tzinfo=UTC),
            self.rows,
            24 * 3600,
            CURRENCIES,
        )
        return replace(plain, **changes)

    def spoilt(self, select: str) -> Path:
        """The rows of a SELECT over `day` as a new staged file."""
        out = self.folder / f"spoilt-{len(list(self.folder.iterdir()))}.parquet"
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.read_parquet(str(self.path)).create_view("day")
            connection.execute(f"COPY ({select}) TO '{out}' (FORMAT parquet)")
        return out

    def verdicts(self, staged: Path, **changes: Any) -> dict[str, Verdict]:
        judged = judge(self.workplace.engine, [str(staged)], self.facts(**changes), None)
        return {verdict.name: verdict for verdict in judged}

    def ask(self, question: str) -> Any:
        with duckdb.connect() as connection:
            connection.read_parquet(str(self.path)).create_view("day")
            return connection.execute(question).fetchone()


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> StagedDay:
    workplace = make_home(tmp_path_factory.mktemp("staged"))
    land(workplace, *golden_files())
    workplace.intake.run()
    folder = tmp_path_factory.mktemp("spoilt")
    path = folder / "good.parquet"
    with judged_day(workplace.engine, workplace.lake, DAY) as session:
        assert session is not None
        for name, relation in workplace.builder._reference.items():
            session.add(name, relation)
        rows = session.write(sql.text("cdrs/cdrs"), {"day": DAY, "after": 0}, path)
    return StagedDay(workplace, path, folder, rows)


def broken(verdicts: dict[str, Verdict]) -> set[str]:
    return {name for name, verdict in verdicts.items() if not verdict.passed}


def one(column: str, value: str, where: str = "TRUE", rows: int = 1) -> str:
    """A SELECT of the day with one value put into the first rows that `where` picks."""
    return f"""
        WITH numbered AS (
            SELECT *, CASE WHEN {where} THEN ROW_NUMBER() OVER (
                PARTITION BY ({where}) ORDER BY source, callid, branch_idx
            ) END AS nth FROM day
        )
        SELECT * EXCLUDE (nth) REPLACE (CASE WHEN nth <= {rows} THEN {value} ELSE {column} END
            AS {column}) FROM numbered"""


# rule, column, value, the rows it goes into, other rules that the same value breaks by definition
TALKED = "duration > 60 AND customer_charge > 0 AND customer_duration >= duration"
BAD = [
    ("key_incomplete", "dt", "NULL", "TRUE", {"outside_day"}),
    ("key_incomplete", "callid", "NULL", "TRUE", set()),
    ("key_incomplete", "source", "NULL", "TRUE", set()),
    ("key_incomplete", "branch_idx", "NULL", "TRUE", set()),
    ("customer_missing", "customer_id", "NULL", "TRUE", set()),
    ("destination_missing", "dest_number", "NULL", "TRUE", set()),
    ("outside_day", "dt", "TIMESTAMPTZ '2026-03-07 00:00:00+00'", "TRUE", set()),
    ("outside_day", "dt", "TIMESTAMPTZ '2026-03-05 23:59:59.999+00'", "TRUE", set()),
    ("duration_out_of_range", "duration", "NULL", "TRUE", set()),
    ("duration_out_of_range", "duration", "-0.001", "customer_charge = 0", set()),
    ("duration_out_of_range", "duration", "86400.001", "customer_charge = 0", set()),
    ("billed_duration_negative", "customer_duration", "-0.001", "duration = 0", set()),
    ("billed_duration_negative", "provider_duration", "-1", "duration = 0", set()),
    ("charge_negative", "customer_charge", "-0.00000001", TALKED, set()),
    ("charge_negative", "provider_charge", "-1", TALKED, set()),
    ("charge_unusually_high", "customer_charge", "9999999999.99999999", TALKED, set()),
    ("charge_unusually_high", "provider_charge", "1000000.00000001",
     "duration > 60 AND provider_charge > 0 AND provider_duration >= duration", set()),
    ("branch_negative", "branch_idx", "-1", "TRUE", set()),
    ("branch_unusually_high", "branch_idx", "100", "TRUE", set()),
    ("currency_unknown", "customer_currency", "'XAU'", "TRUE", set()),
    ("currency_unknown", "provider_currency", "'usd'", "TRUE", set()),
    ("currency_missing", "customer_currency", "NULL", TALKED, set()),
    ("currency_missing", "provider_currency", "NULL", "provider_charge > 0", set()),
    ("jurisdiction_unknown", "jurisdiction_state", "'intra'", "reason_state IS NULL", set()),
    ("jurisdiction_unknown", "jurisdiction_lata", "'intrastate'", "reason_lata IS NULL", set()),
    ("jurisdiction_unknown", "network", "NULL", "TRUE", set()),
    ("indeterminate_without_reason", "reason_state", "NULL",
     "jurisdiction_state = 'indeterminate'", set()),
    ("indeterminate_without_reason", "reason_lata", "'lata_unknown'",
     "jurisdiction_lata = 'interlata'", set()),
    ("release_class_unknown", "release_class", "'caller'", "TRUE", set()),
    ("dtmf_unusually_long", "dtmf_digits", "1001", "TRUE", set()),
    ("card_rate_out_of_range", "customer_card_rate", "-0.00000001", "TRUE", set()),
    ("card_rate_out_of_range", "provider_card_rate", "1000000.1", "TRUE", set()),
    ("delay_out_of_range", "ring_duration", "3600.001", "TRUE", set()),
    ("delay_out_of_range", "pdd_in", "-1", "TRUE", set()),
    ("delay_out_of_range", "pdd_out", "3600000.001", "TRUE", set()),
    ("billed_less_than_talked", "customer_duration", "duration - 1.001", TALKED, set()),
    ("billed_less_than_talked", "provider_duration", "duration - 1.001",
     "duration > 60 AND provider_charge > 0", set()),
    ("billed_more_than_talked", "customer_duration", "duration + 300.001", "TRUE", set()),
    ("billed_more_than_talked", "provider_duration", "duration + 300.001", "TRUE", set()),
    ("charged_without_connection", "customer_charge", "0.00000001",
     "duration = 0 AND customer_currency IS NOT NULL", set()),
    ("charged_without_provider", "provider_id", "NULL", "provider_charge > 0", set()),
]  # fmt: skip

# What stands just inside, or is lawful though it looks odd: column, value, rows
LAWFUL = [
    ("dt", "TIMESTAMPTZ '2026-03-06 00:00:00+00'", "TRUE"),
    ("dt", "TIMESTAMPTZ '2026-03-06 23:59:59.999999+00'", "TRUE"),
    ("duration", "86400", "customer_charge = 0 AND COALESCE(provider_charge, 0) = 0"),
    ("customer_charge", "0", TALKED),  # zero-rated
    ("customer_charge", "NULL", TALKED),  # the source's format has no charges
    ("customer_duration", "NULL", TALKED),
    ("provider_duration", "NULL", "provider_charge > 0"),
    ("customer_charge", "1000000", TALKED),
    ("customer_currency", "NULL", "customer_charge = 0"),
    ("customer_duration", "duration - 1", TALKED),
    ("customer_duration", "duration + 300", "TRUE"),
    ("branch_idx", "99", "TRUE"),
    ("release_class", "NULL", "TRUE"),
    ("sip_code", "NULL", "TRUE"),
    ("dtmf_digits", "1000", "TRUE"),
    ("ring_duration", "NULL", "TRUE"),
    ("customer_card_rate", "0", "TRUE"),
]


@pytest.mark.parametrize(("rule", "column", "value", "where", "also"), BAD)
def test_fails_on_bad_data(
    staged: StagedDay, rule: str, column: str, value: str, where: str, also: set[str]
) -> None:
    verdicts = staged.verdicts(staged.spoilt(one(column, value, where)))
    assert broken(verdicts) == {rule, *also}
    assert verdicts[rule].value == 1
    assert type(verdicts[rule].value) is int
    assert (verdicts[rule].observed, verdicts[rule].expected) == ("1 attempt", "0")
    assert len(verdicts[rule].examples) == 1


@pytest.mark.parametrize(("column", "value", "where"), LAWFUL)
def test_passes_what_is_lawful(staged: StagedDay, column: str, value: str, where: str) -> None:
    select = one(column, value, where)
    assert staged.ask(f"SELECT COUNT(*) FROM day WHERE {where}")[0] > 0
    assert broken(staged.verdicts(staged.spoilt(select))) == set()


def test_every_rule_is_shown_to_fail() -> None:
    assert {case[0] for case in BAD} == set(expectations()) - GENERAL - HISTORICAL


def test_passes_on_good_data(staged: StagedDay) -> None:
    verdicts = staged.verdicts(staged.path)
    assert broken(verdicts) == set()
    assert set(verdicts) == set(expectations()) - HISTORICAL
    assert verdicts["row_count_matches_accounts"].value == staged.rows > 0


def test_passes_a_day_without_attempts(staged: StagedDay) -> None:
    empty = staged.spoilt("SELECT * FROM day WHERE FALSE")
    verdicts = staged.verdicts(empty, rows=0, history=[(100, 50, Decimal(5000))] * 28)
    assert broken(verdicts) == set()
    assert not HISTORICAL & set(verdicts)
    assert {verdict.value for verdict in verdicts.values()} == {0}


def test_a_source_without_charges_is_lawful(staged: StagedDay) -> None:
    bare = staged.spoilt(
        "SELECT * REPLACE (NULL::DECIMAL(18,8) AS customer_charge, "
        "NULL::DECIMAL(18,8) AS provider_charge, NULL::DECIMAL(18,3) AS customer_duration, "
        "NULL::DECIMAL(18,3) AS provider_duration, NULL::VARCHAR AS customer_currency, "
        "NULL::VARCHAR AS provider_currency, NULL::VARCHAR AS provider_id, "
        "NULL::DECIMAL(18,8) AS customer_card_rate, NULL::DECIMAL(18,8) AS provider_card_rate, "
        "NULL::DECIMAL(18,3) AS pdd_in, NULL::DECIMAL(18,3) AS pdd_out) FROM day"
    )
    assert broken(staged.verdicts(bare)) == set()


@pytest.mark.parametrize("missing", [1, -1, 7])
def test_row_count_must_be_that_of_the_accounts(staged: StagedDay, missing: int) -> None:
    verdicts = staged.verdicts(staged.path, rows=staged.rows + missing)
    assert broken(verdicts) == {"row_count_matches_accounts"}
    found = verdicts["row_count_matches_accounts"]
    assert (found.value, found.low, found.high) == (staged.rows, *[staged.rows + missing] * 2)
    assert found.severity == "error"


def test_an_attempt_that_stands_twice(staged: StagedDay) -> None:
    twice = staged.spoilt(
        "SELECT * FROM day UNION ALL "
        "(SELECT * FROM day ORDER BY source, callid, branch_idx LIMIT 2)"
    )
    verdicts = staged.verdicts(twice, rows=staged.rows + 2)
    assert broken(verdicts) == {"key_repeated"}
    assert verdicts["key_repeated"].value == 4  # two keys, two rows each
    first = staged.ask("SELECT source, callid, branch_idx FROM day ORDER BY ALL LIMIT 1")
    assert verdicts["key_repeated"].examples[0] == "/".join(map(str, first))
    assert len(verdicts["key_repeated"].examples) == 2


def test_three_examples_of_many(staged: StagedDay) -> None:
    verdicts = staged.verdicts(staged.spoilt(one("customer_id", "NULL", rows=20)))
    assert verdicts["customer_missing"].value == 20
    firsts = staged.ask(
        "SELECT LIST(source || '/' || callid || '/' || branch_idx) FROM (SELECT * FROM day "
        "ORDER BY source, callid, branch_idx LIMIT 3)"
    )[0]
    assert list(verdicts["customer_missing"].examples) == firsts
    assert "20 attempts, expected 0; for example" in str(verdicts["customer_missing"])


def test_the_longest_call_is_a_setting(staged: StagedDay) -> None:
    longer = staged.ask("SELECT COUNT(*) FROM day WHERE duration > 600")[0]
    verdicts = staged.verdicts(staged.path, longest_call_seconds=600)
    assert longer > 0
    assert verdicts["duration_out_of_range"].value == longer


@pytest.mark.parametrize("currencies", [frozenset({"USD"}), frozenset()])
def test_currencies_are_those_with_a_rate(staged: StagedDay, currencies: frozenset[str]) -> None:
    known = ", ".join(f"'{c}'" for c in currencies) or "NULL"
    odd = staged.ask(
        "SELECT COUNT(*) FROM day WHERE "
        f"(customer_currency IS NOT NULL AND COALESCE(customer_currency NOT IN ({known}), TRUE)) "
        f"OR (provider_currency IS NOT NULL AND COALESCE(provider_currency NOT IN ({known}), TRUE))"
    )[0]
    assert staged.verdicts(staged.path, currencies=currencies)["currency_unknown"].value == odd > 0


class TestHistory:
    """28 days or none; half the lowest and twice the highest; warnings only."""

    def bounds(self, staged: StagedDay, history: list[tuple[int, int, Decimal]]) -> Any:
        verdicts = staged.verdicts(staged.path, history=history)
        return [verdicts.get(name) for name in sorted(HISTORICAL)]

    def test_not_before_28_days(self, staged: StagedDay) -> None:
        assert self.bounds(staged, [(100, 1, Decimal(1))] * 27) == [None, None]

    def test_bounds(self, staged: StagedDay) -> None:
        # shares 0.4 to 0.6, mean talk 100 to 200 s
        history = [(100, 40, Decimal(4000))] * 27 + [(100, 60, Decimal(12000))]
        share, talk = self.bounds(staged, history)
        assert (share.low, share.high) == (Decimal("0.2"), Decimal(1))  # no share is over 1
        assert (talk.low, talk.high) == (Decimal(50), Decimal(400))
        connected, talked = staged.ask(
            "SELECT COUNT(*) FILTER (WHERE duration > 0), SUM(duration) FROM day"
        )
        assert share.value == Decimal(connected) / staged.rows
        assert talk.value == talked / connected
        assert share.passed
        assert talk.passed

    def test_only_the_last_28_days_count(self, staged: StagedDay) -> None:
        history = [(100, 0, Decimal(0))] * 5 + [(100, 50, Decimal(5000))] * 28
        share, _ = self.bounds(staged, history)
        assert share.low == Decimal("0.25")

    @pytest.mark.parametrize(
        "day", [(1000, 10, Decimal(10)), (100, 100, Decimal(1000000)), (100, 0, Decimal(0))]
    )
    def test_an_unusual_day_warns_and_is_published(
        self, staged: StagedDay, day: tuple[int, int, Decimal]
    ) -> None:
        verdicts = staged.verdicts(staged.path, history=[day] * 28)
        unusual = [v for v in verdicts.values() if not v.passed]
        assert {v.name for v in unusual} <= HISTORICAL
        assert unusual
        assert {v.severity for v in unusual} == {"warning"}
        assert all(v.examples == () for v in unusual)


class TestNotEvaluated:
    """What could not be evaluated is an error of the program, never bad data."""

    def test_a_column_is_missing(self, staged: StagedDay) -> None:
        crippled = staged.spoilt("SELECT * EXCLUDE (provider_charge) FROM day")
        with pytest.raises(NotEvaluated, match=r"2026-03-06 could not run.*provider_charge"):
            staged.verdicts(crippled)

    def test_a_column_is_of_another_type(self, staged: StagedDay) -> None:
        crippled = staged.spoilt("SELECT * REPLACE ('long' AS duration) FROM day")
        with pytest.raises(NotEvaluated):
            staged.verdicts(crippled)

    def test_no_memory(self, staged: StagedDay, tmp_path: Path) -> None:
        engine = Engine("100KB", 1, tmp_path)
        with pytest.raises(NotEvaluated, match=r"(?i)memory"):
            judge(engine, [str(staged.path)], staged.facts(), None)

    def test_the_file_is_gone(self, staged: StagedDay, tmp_path: Path) -> None:
        with pytest.raises(NotEvaluated):
            staged.verdicts(tmp_path / "gone.parquet")

    def test_no_docs_are_written_of_it(self, staged: StagedDay, tmp_path: Path) -> None:
        crippled = staged.spoilt("SELECT * EXCLUDE (dt) FROM day")
        with pytest.raises(NotEvaluated):
            judge(staged.workplace.engine, [str(crippled)], staged.facts(), tmp_path / "docs")
        assert not (tmp_path / "docs").exists()

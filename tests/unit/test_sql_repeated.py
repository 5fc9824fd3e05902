"""Keys that are delivered more than once: which record counts, which is a duplicate."""

import pytest

from tests.unit.sql_models import COLUMNS, GOOD, Models


def verdicts(models: Models, rows: list[dict[str, str]]) -> list[str | None]:
    """Of each record: duplicate, superseded, or None when it counts."""
    models.cdrs(rows)
    found = {r["line"]: r["verdict"] for r in models._rows("SELECT * FROM verdicts")}
    return [found.get(line) for line in range(2, len(rows) + 2)]


DETAILS = sorted({*COLUMNS} - {"callid", "branch_idx", "dt"})


def test_a_difference_in_any_column_is_other_content(models: Models) -> None:
    """Nothing that a source delivers is left out when two records are compared."""
    other = dict.fromkeys(DETAILS, "1") | {
        "customer_card_currency": "EUR", "provider_card_currency": "EUR",
        "dt": "2026-03-06 13:00:00",
    }  # fmt: skip
    rows = []
    for name in [*DETAILS, "dt"]:
        rows += [GOOD | {"callid": name}, GOOD | {"callid": name, name: other[name]}]
    found = verdicts(models, rows)
    same = [name for n, name in enumerate([*DETAILS, "dt"]) if found[2 * n] != "superseded"]
    assert same == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([{}, {}], [None, "duplicate"]),
        ([{}, {}, {}], [None, "duplicate", "duplicate"]),
        ([{}, {"duration": "61"}], ["superseded", None]),
        # A, B, A: the last one counts, the first one is not its duplicate but superseded.
        ([{}, {"duration": "61"}, {}], ["superseded", "superseded", None]),
        ([{}, {"duration": "61"}, {"duration": "61"}], ["superseded", None, "duplicate"]),
        ([{}, {}, {"duration": "61"}], ["superseded", "duplicate", None]),
        # The same content in other spelling.
        ([{}, {"duration": "60.000", "customer_charge": "0.50"}], [None, "duplicate"]),
        ([{}, {"customer_charge": " +.5", "dt": "2026-03-06T12:00:00.000Z"}], [None, "duplicate"]),
        ([{"branch_idx": ""}, {"branch_idx": "0"}], [None, "duplicate"]),
        ([{"callid": " a "}, {"callid": "a"}], [None, "duplicate"]),
        ([{"customer_charge": ""}, {"customer_charge": "0"}], [None, "duplicate"]),
        # Other keys.
        ([{}, {"branch_idx": "1"}], [None, None]),
        ([{}, {"callid": "A"}], [None, None]),
        # A refused record neither duplicates nor supersedes.
        ([{}, {"duration": "x"}, {}], [None, None, "duplicate"]),
    ],
)
def test_repeated_keys(
    models: Models, changes: list[dict[str, str]], found: list[str | None]
) -> None:
    assert verdicts(models, [GOOD | change for change in changes]) == found

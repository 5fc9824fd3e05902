"""Jurisdiction and rate centres from a CDR file to the report: hand-made calls, one a customer."""

import re

import pytest

from pipelines.assembly import Workplace
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, make_home
from tests.pipeline.reporting import command, csv_rows

DAY = ("2026-03-06", "2026-03-06")
PLACE_A, PLACE_A2, PLACE_B = (
    "12122260001",
    "13152140002",
    "12132000005",
)  # New York twice, California
NO_LATA = "12034710000"  # Connecticut

# The contract's table (§3), a row a terminating side; callers in the order of its columns.
CALLERS = {
    "place-a": PLACE_A,
    "place-b": PLACE_B,
    "foreign": "442079460013",
    "canada": "14162000011",
    "caribbean": "18762016275",
    "toll-free": "18005550012",
    "non-geographic": "15335550012",
    "blank": "",
    "withheld": "anonymous",
    "invalid": "1001",
}
NO_PLACE = {
    "foreign": "cli_foreign",
    "canada": "cli_foreign",
    "caribbean": "cli_foreign",
    "toll-free": "cli_non_geographic",
    "non-geographic": "cli_non_geographic",
    "blank": "cli_missing",
    "withheld": "cli_withheld",
    "invalid": "cli_invalid",
}
NOWHERE = {
    "toll-free": ("18005550012", "destination_non_geographic"),
    "900": ("19005550012", "destination_non_geographic"),
    "5xx": ("15335550012", "destination_non_geographic"),
    "unassigned": ("19992220015", "destination_unassigned"),
    "invalid": ("12110000000", "destination_invalid"),
}
ABROAD = {"foreign": "447802000014", "canada": "14162000011", "jamaica": "18762016275"}
RATE_CENTERS = {
    "925655": "CONCORD", "904788": "ST JOHNS", "267276": "PHPHSBZN43", "774813": "WHITINSVL",
}  # fmt: skip


def cells() -> dict[str, tuple[str, str, str, str]]:
    """Caller, number called, result and reason of each cell, by the customer who calls."""
    found = {}
    for caller, cli in CALLERS.items():
        result = {"place-a": "intrastate", "place-b": "interstate"}.get(caller, "indeterminate")
        found[f"{caller}>place-a"] = (cli, PLACE_A2, result, NO_PLACE.get(caller, ""))
        for where, (number, reason) in NOWHERE.items():
            found[f"{caller}>{where}"] = (cli, number, "indeterminate", reason)
        for where, number in ABROAD.items():
            found[f"{caller}>abroad-{where}"] = (cli, number, "international", "")
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = make_home(tmp_path_factory.mktemp("usa"))
    (home.settings.home / "dids.csv").write_text(f"number\n{PLACE_A}\n{PLACE_B}\n")
    made = [
        call(name, customer_id=name, dest_cli=cli, dest_number=number)
        for name, (cli, number, *_) in cells().items()
    ]
    made += [
        call(f"lata-{n}", customer_id=f"lata-{n}", dest_cli=cli, dest_number=PLACE_A)
        for n, cli in enumerate(("12122260002", PLACE_A2, NO_LATA))
    ]
    made += [
        call(f"net-{n}", customer_id=f"net-{n}", dest_cli=cli, dest_number=number)
        for n, (cli, number) in enumerate([(PLACE_A, PLACE_B), (PLACE_A, "12132000006")])
    ]
    for prefix in RATE_CENTERS:
        number = f"1{prefix}0001"
        made += [
            call(f"to-{prefix}", customer_id="to", dest_number=number),
            call(f"of-{prefix}", customer_id="of", dest_cli=number, dest_number="447802000014"),
        ]
    deliver(home, "calls.csv", made)
    build_all(home)
    return home


def test_each_cell_of_the_jurisdiction_table(built: Workplace) -> None:
    kinds = ("intrastate", "interstate", "indeterminate", "international")
    rows = csv_rows(
        built, "usa-calls", DAY, "--group-by", "customer_id,reason", "--columns", ",".join(kinds)
    )
    found = {
        row["customer_id"]: (*(kind for kind in kinds if row[kind] != "0"), row["reason"])
        for row in rows
    }
    assert {name: found[name] for name in cells()} == {
        name: (result, reason) for name, (_, _, result, reason) in cells().items()
    }
    calls = {row["customer_id"]: sum(int(row[kind]) for kind in kinds) for row in rows}
    assert {calls[name] for name in cells()} == {1}


def test_international_calls_are_left_out_and_said(built: Workplace) -> None:
    got = command(
        built, "report", "usa-calls", "--from", DAY[0], "--to", DAY[1], "--group-by", "",
        "--columns", "total", "--format", "csv",
    )  # fmt: skip
    abroad = len(CALLERS) * len(ABROAD) + len(RATE_CENTERS)
    rest = len(CALLERS) * (1 + len(NOWHERE)) + 3 + 2 + len(RATE_CENTERS)
    assert got.stdout == f"total\n{rest}\n"
    assert f"International calls are left out: {abroad} attempts." in got.stderr


def test_the_lata_is_judged_apart_from_the_state(built: Workplace) -> None:
    rows = csv_rows(
        built, "usa-calls", DAY, "--type", "lata", "--group-by", "customer_id,reason",
        "--columns", "intralata,interlata,indeterminate",
        "--filter", "customer_id=lata-0,lata-1,lata-2",
    )  # fmt: skip
    assert [[*row.values()] for row in rows] == [
        ["lata-0", "", "1", "0", "0"],
        ["lata-1", "", "0", "1", "0"],
        ["lata-2", "lata_unknown", "0", "0", "1"],
    ]


def test_people_read_why_a_call_is_indeterminate_in_words(built: Workplace) -> None:
    asked = ("report", "usa-calls", "--from", DAY[0], "--to", DAY[1], "--group-by", "reason")
    page = command(built, *asked, "--format", "html")
    assert page.exit_code == 0, page.output
    # The panel below the charts and the figures.
    for words in ("CLI foreign", "CLI withheld", "Destination unassigned"):
        assert page.stdout.count(f">{words}</td>") == 2
    assert not re.search("(cli|destination|lata)_[a-z]", page.stdout)
    # Filters go by the code.
    callers = "customer_id=" + ",".join(f"{caller}>place-a" for caller in CALLERS)
    one = command(
        built, *asked, "--columns", "indeterminate",
        "--filter", callers, "--filter", "reason=cli_foreign",
    )  # fmt: skip
    assert re.search(r"CLI foreign +3\n", one.stdout)


def test_calls_between_own_numbers_are_on_net(built: Workplace) -> None:
    rows = csv_rows(
        built, "usa-calls", DAY, "--type", "network", "--group-by", "customer_id",
        "--columns", "onnet,offnet,international",
        "--filter", "customer_id=net-0,net-1,place-a>abroad-foreign",
    )  # fmt: skip
    assert [[*row.values()] for row in rows] == [
        ["net-0", "1", "0", "0"],
        ["net-1", "0", "1", "0"],
        ["place-a>abroad-foreign", "0", "0", "1"],
    ]


@pytest.mark.parametrize(("side", "customer"), [("origin", "of"), ("destination", "to")])
def test_rate_centers_seen_in_the_wild(built: Workplace, side: str, customer: str) -> None:
    rows = csv_rows(
        built, "usa-rate-center", DAY, "--side", side, "--customers", customer,
        "--group-by", "prefix,rate_center", "--columns", "total_calls",
    )  # fmt: skip
    assert {row["prefix"]: (row["rate_center"], row["total_calls"]) for row in rows} == {
        prefix: (name, "1") for prefix, name in RATE_CENTERS.items()
    }


def test_a_rate_center_that_is_unknown_stays_as_blank(built: Workplace) -> None:
    rows = csv_rows(
        built, "usa-rate-center", DAY, "--customers", "lata-2",
        "--group-by", "prefix,rate_center", "--columns", "total_calls",
    )  # fmt: skip
    assert rows == [{"prefix": "203471", "rate_center": "", "total_calls": "1"}]

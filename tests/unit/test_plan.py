"""Which reference files are in force, and what an unfit one says."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.reference import plan
from resources.reference.plan import ReferenceData, ReferenceDataError


def test_shipped_files_are_in_force_without_a_home() -> None:
    for data in (ReferenceData(), ReferenceData(Path("/nonexistent"))):
        for name in plan.COLUMNS:
            assert data.path(name) == plan.SHIPPED / name
            assert data.path(name).is_file()
            assert not data.is_overridden(name)


def test_a_file_of_the_home_replaces_the_shipped_one(tmp_path: Path) -> None:
    data = ReferenceData.of_home(tmp_path)
    own = tmp_path / "reference" / plan.NPA
    own.parent.mkdir()
    own.write_text("\ufeffnpa,category,country,region\n999,geo_us,US,NY\n")
    assert data.npa == own
    assert data.lata == plan.SHIPPED / plan.LATA
    assert list(data.load_plan().area_codes) == ["999"]
    shown = {entry.name: (entry.own, entry.rows) for entry in data.inventory()}
    assert shown[plan.NPA] == (True, 1)
    assert shown[plan.NPANXX] == (False, 222_618)
    assert shown[plan.LATA] == (False, 225)


def test_four_rate_centres_seen_in_the_wild() -> None:
    exchanges = ReferenceData().load_plan().exchanges
    found = {npanxx: exchanges[npanxx].rate_center for npanxx in ("925655", "904788")}
    assert found == {"925655": "CONCORD", "904788": "ST JOHNS"}
    assert exchanges["267276"].rate_center == "PHPHSBZN43"
    assert exchanges["774813"].rate_center == "WHITINSVL"


def test_the_longest_prefix_wins() -> None:
    numbers = ReferenceData().load_plan()
    found = numbers.longest_prefix("447802000014")
    assert found is not None
    assert (found.country, found.carrier) == ("GB", "O2")
    landline = numbers.longest_prefix("442079460013")
    assert landline is not None
    assert (landline.prefix, landline.carrier) == ("44", None)
    assert numbers.longest_prefix("") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("npa,category,country\n", "line 1: no column 'region'"),
        ("npa,category,country,region\n201,geo_us\n", "line 2: 2 fields where the header has 4"),
        (
            'npa,category,country,region\n201,geo_us,US,"NJ\n212,geo_us,US,NY\n',
            "after line 1: .*; is a double quote not closed?",
        ),
    ],
)
def test_an_unfit_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / plan.NPA).write_text(text)
    for read in (ReferenceData(tmp_path).load_plan, ReferenceData(tmp_path).inventory):
        with pytest.raises(ReferenceDataError, match=message):
            read()


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / plan.NPANXX).write_text("no parquet")
    for read in (ReferenceData(tmp_path).load_plan, ReferenceData(tmp_path).inventory):
        with pytest.raises(ReferenceDataError, match="no readable Parquet file"):
            read()
    with pytest.raises(ReferenceDataError, match="no reference file; known are"):
        ReferenceData(tmp_path).path("other.csv")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (plan.PREFIXES, "4412345678,GB,,X,mobile,X", "prefix '4412345678' is not 1 to 9 digits"),
        (plan.PREFIXES, "+44,GB,,X,mobile,X", r"prefix '\+44' is not 1 to 9 digits"),
        (plan.PREFIXES, ",GB,,X,mobile,X", "prefix '' is not 1 to 9 digits"),
        (plan.PREFIXES, "44,GB,,X,mobile,X", "prefix 44 was already in line 2"),
        (plan.NPA, "20,geo_us,US,NJ", "npa '20' is not 3 digits"),
        (plan.NPA, "44,geo_us,US,NJ", "npa '44' is not 3 digits"),
        (plan.RELEASE_CAUSES, "busy,17,user busy,user", "sip 'busy' is not 3 digits"),
    ],
)
def test_a_row_that_no_call_would_be_looked_up_by_is_refused(
    tmp_path: Path, name: str, line: str, message: str
) -> None:
    header = ",".join(plan.COLUMNS[name])
    first = {
        plan.PREFIXES: "44,GB,United Kingdom,,country,United Kingdom",
        plan.NPA: "201,geo_us,US,NJ",
        plan.RELEASE_CAUSES: "486,17,user busy,user",
    }[name]
    (tmp_path / name).write_text(f"{header}\n{first}\n{line}\n")
    with pytest.raises(ReferenceDataError, match=f"{name}, line 3: {message}"):
        ReferenceData(tmp_path).rows(name)


@pytest.mark.parametrize("name", [plan.NPA, plan.PREFIXES, plan.RELEASE_CAUSES, plan.LATA])
def test_the_shipped_files_are_fit(name: str) -> None:
    assert ReferenceData().rows(name)


def test_an_exchange_that_stands_twice_is_refused(tmp_path: Path) -> None:
    once = pq.read_table(ReferenceData().npanxx).slice(0, 3)
    pq.write_table(pa.concat_tables([once, once.slice(1, 1)]), tmp_path / plan.NPANXX)
    twice = once["npanxx"][1].as_py()
    with pytest.raises(ReferenceDataError, match=f"NPA-NXX {twice} stands in it 2 times"):
        ReferenceData(tmp_path).load_plan()

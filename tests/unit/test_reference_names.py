"""Names of codes: LATAs, states, countries, SIP causes."""

from pathlib import Path

from resources.reference.names import STATES, country_names, lata_names
from resources.reference.plan import ReferenceData
from resources.reporting.usa import PLACES

SHIPPED = ReferenceData()


def test_every_state_of_the_number_plan_has_a_name_and_a_tile() -> None:
    regions = {
        area.region for area in SHIPPED.load_area_codes().values() if area.country == "US"
    } - {None}
    assert regions == set(STATES) == set(PLACES)
    assert len(STATES) == 50 + 1 + 5
    assert len(set(STATES.values())) == 56


def test_no_two_states_on_one_tile() -> None:
    assert len(set(PLACES.values())) == 56
    assert all(0 <= column < 11 and 0 <= row < 9 for column, row in PLACES.values())


def test_neighbours_are_where_one_looks_for_them() -> None:
    (column, row), ohio = PLACES["PA"], PLACES["OH"]
    assert ohio == (column - 1, row)
    assert PLACES["WV"] == (ohio[0], row + 1)
    assert max(PLACES.values())[0] == PLACES["ME"][0], "nothing is east of Maine but the islands"


def test_names_of_latas() -> None:
    names = lata_names(SHIPPED)
    assert len(names) == 225
    assert names["730"] == "LOS ANGELES CA"


def test_every_country_that_a_call_can_have_is_named() -> None:
    names = country_names(SHIPPED)
    plan = SHIPPED.load_plan()
    codes = {prefix.country for prefix in plan.prefixes.values()}
    codes |= {area.country for area in plan.area_codes.values() if area.country}
    assert codes <= names.keys()
    assert all(names.values())
    assert (names["GB"], names["CA"], names["XK"]) == ("United Kingdom", "Canada", "Kosovo")


def test_the_homes_own_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "lata.csv").write_text("lata,name\n730,Los Angeles\n999,\n", encoding="utf-8")
    assert lata_names(ReferenceData(tmp_path)) == {"730": "Los Angeles"}

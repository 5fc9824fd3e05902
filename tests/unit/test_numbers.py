"""What a number is, and each cell of the jurisdiction table."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.reference.numbers import (
    Kind,
    caller_digits,
    classify,
    jurisdiction,
    normalise,
    terminating,
)
from tests.unit.shipped import PLAN

NY, NY_UPSTATE, CA = "12122260001", "13152140002", "12132000005"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (" +1 (703) 201-0007 ", "17032010007"),
        ("1.703.201.0007", "17032010007"),
        ("00447802000014", "447802000014"),
        ("+0044 7802", "447802"),
        ("anonymous", "anonymous"),
        (" Not Available ", "notavailable"),
        ("", ""),
        (None, ""),
        ("+ ()", ""),
    ],
)
def test_normalise(text: str | None, digits: str) -> None:
    assert normalise(text) == digits


@pytest.mark.parametrize(
    ("text", "is_cli", "kind", "digits"),
    [
        # North American by shape, written any way, on both sides.
        (NY, True, Kind.US, NY),
        (NY, False, Kind.US, NY),
        ("+1 212 226 0001", False, Kind.US, NY),
        ("0012122260001", False, Kind.US, NY),
        ("17872000010", True, Kind.US, "17872000010"),  # Puerto Rico is a place
        # Ten digits: as a caller, without a prefix, with an assigned area code.
        ("2122260001", True, Kind.US, NY),
        ("(212) 226-0001", True, Kind.US, NY),
        ("+2122260001", True, Kind.FOREIGN, "2122260001"),
        ("002122260001", True, Kind.FOREIGN, "2122260001"),
        ("2122260001", False, Kind.FOREIGN, "2122260001"),
        ("9992220015", True, Kind.FOREIGN, "9992220015"),  # 999 is not assigned
        ("2120260001", True, Kind.FOREIGN, "2120260001"),  # exchange 026: not that shape
        ("8005550012", True, Kind.NON_GEOGRAPHIC, "18005550012"),
        ("4162000011", True, Kind.FOREIGN, "14162000011"),  # Toronto
        # The plan decides after the shape.
        ("19992220015", True, Kind.UNASSIGNED, "19992220015"),
        ("18762016275", False, Kind.FOREIGN, "18762016275"),  # Jamaica
        ("18005550012", False, Kind.NON_GEOGRAPHIC, "18005550012"),
        ("19005550012", False, Kind.NON_GEOGRAPHIC, "19005550012"),
        ("15335550012", False, Kind.NON_GEOGRAPHIC, "15335550012"),
        ("16005550012", False, Kind.NON_GEOGRAPHIC, "16005550012"),  # Canada's 600
        ("17105550012", False, Kind.NON_GEOGRAPHIC, "17105550012"),
        # Beginning with 1 and not of the shape.
        ("12110000000", True, Kind.INVALID, "12110000000"),
        ("11112220000", False, Kind.INVALID, "11112220000"),
        ("1212226000", True, Kind.INVALID, "1212226000"),
        ("121222600011", False, Kind.INVALID, "121222600011"),
        # Foreign: 7 to 15 digits.
        ("2345678", False, Kind.FOREIGN, "2345678"),
        ("234567", False, Kind.INVALID, "234567"),
        ("4" * 15, True, Kind.FOREIGN, "4" * 15),
        ("4" * 16, True, Kind.INVALID, "4" * 16),
        ("07802000014", True, Kind.FOREIGN, "07802000014"),
        ("1001", True, Kind.INVALID, "1001"),
        # No digits.
        ("anonymous", True, Kind.WITHHELD, ""),
        ("Restricted", True, Kind.WITHHELD, ""),
        ("UNAVAILABLE", True, Kind.WITHHELD, ""),
        ("anonymous", False, Kind.INVALID, ""),
        ("reception", True, Kind.INVALID, ""),
        ("1212226000x", True, Kind.INVALID, ""),
        ("١٢١٢٢٢٦٠٠٠١", True, Kind.INVALID, ""),
        ("  ", True, Kind.MISSING, ""),
        ("", False, Kind.INVALID, ""),
        (None, True, Kind.MISSING, ""),
    ],
)
def test_classify(text: str | None, is_cli: bool, kind: Kind, digits: str) -> None:
    number = classify(text, is_cli, PLAN)
    assert (number.kind, number.digits) == (kind, digits)
    if is_cli:
        assert caller_digits(text or "", PLAN) == digits


def test_places() -> None:
    concord = classify("19256550004", True, PLAN)
    assert (concord.country, concord.state, concord.rate_center) == ("US", "CA", "CONCORD")
    assert concord.lata == "722"
    rico = classify("17872000010", True, PLAN)
    assert (rico.country, rico.state) == ("US", "PR")
    jamaica = classify("18762016275", False, PLAN)
    assert (jamaica.country, jamaica.lata) == ("JM", None)
    o2 = classify("447802000014", False, PLAN)
    assert (o2.country, o2.carrier) == ("GB", "O2")


def test_the_lrn_decides_when_it_is_north_american() -> None:
    assert terminating("13122060000", NY, PLAN).state == "IL"
    assert terminating("+1 312 206 0000", NY, PLAN).state == "IL"
    for other in ("", None, "3122060000", "447802000014", "1312"):
        assert terminating(other, NY, PLAN).state == "NY"
    assert terminating("19992220000", NY, PLAN).kind is Kind.UNASSIGNED


CALLERS = {
    "same": (NY, None),
    "other": (CA, None),
    "foreign": ("+4791234567", "cli_foreign"),
    "canada": ("14162000011", "cli_foreign"),
    "caribbean": ("18762016275", "cli_foreign"),
    "toll-free": ("18005550012", "cli_non_geographic"),
    "premium": ("19005550012", "cli_non_geographic"),
    "blank": ("", "cli_missing"),
    "withheld": ("anonymous", "cli_withheld"),
    "short": ("1001", "cli_invalid"),
    "unassigned": ("19992220015", "cli_invalid"),
}
DESTINATIONS = {
    "place": (NY, None),
    "toll-free": ("18005550012", "destination_non_geographic"),
    "unassigned": ("19992220015", "destination_unassigned"),
    "invalid": ("12110000000", "destination_invalid"),
    "foreign": ("447802000014", None),
    "canada": ("14162000011", None),
    "jamaica": ("18762016275", None),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("by", ["state", "lata"])
def test_each_cell(caller: str, destination: str, by: Literal["state", "lata"]) -> None:
    cli, cli_reason = CALLERS[caller]
    number, destination_reason = DESTINATIONS[destination]
    result = jurisdiction(classify(cli, True, PLAN), classify(number, False, PLAN), by)
    if destination in ("foreign", "canada", "jamaica"):
        assert result == ("international", None)
    elif destination_reason or cli_reason:
        assert result == ("indeterminate", destination_reason or cli_reason)
    else:
        assert result == ("intra" + by if caller == "same" else "inter" + by, None)


def test_an_unknown_lata_never_touches_the_state_result() -> None:
    unknown = classify("12034710000", True, PLAN)  # an exchange without a LATA
    nowhere = classify("19079110000", True, PLAN)  # an exchange that is not in the plan
    assert (unknown.state, unknown.lata) == ("CT", None)
    assert (nowhere.state, nowhere.lata) == ("AK", None)
    york = classify(NY, False, PLAN)
    for caller in (unknown, nowhere):
        assert jurisdiction(caller, york) == ("interstate", None)
        assert jurisdiction(caller, york, "lata") == ("indeterminate", "lata_unknown")


def test_state_and_lata_are_apart() -> None:
    upstate, york = classify(NY_UPSTATE, True, PLAN), classify(NY, False, PLAN)
    assert jurisdiction(upstate, york) == ("intrastate", None)
    assert jurisdiction(upstate, york, "lata") == ("interlata", None)


@given(st.text(alphabet="0123456789 +-().ax", max_size=20), st.booleans())
def test_every_text_is_judged_and_judging_again_agrees(text: str, is_cli: bool) -> None:
    number = classify(text, is_cli, PLAN)
    assert not is_cli or caller_digits(text, PLAN) == number.digits
    assert number.digits == "" or (number.digits.isascii() and number.digits.isdigit())
    if number.kind in (Kind.US, Kind.NON_GEOGRAPHIC, Kind.UNASSIGNED):
        assert classify(f"+{number.digits}", is_cli, PLAN) == number
    assert (number.kind is Kind.US) == (number.state is not None and number.country == "US")

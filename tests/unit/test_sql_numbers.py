"""Numbers in SQL agree with the oracle, `resources.reference.numbers`, plain Python."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from resources.reference.numbers import WITHHELD, Kind, Number, classify, jurisdiction, terminating
from tests.unit.shipped import PLAN
from tests.unit.sql_models import GOOD, Models, Row

NPAS = (
    "212", "213", "312", "787", "202", "671",  # US places, territories among them
    "416", "514", "876", "242", "809",  # Canada, the Caribbean
    "800", "888", "900", "500", "533", "600", "700", "710", "622",  # without a place
    "999", "211", "911", "555", "012", "112", "370",  # unassigned, N11, no area code
)  # fmt: skip
EXCHANGES = ("226", "206", "555", "911", "026", "126", "200", "999", "711")
BODIES = st.one_of(
    st.builds(
        "{}{}{:04d}".format,
        st.sampled_from(NPAS),
        st.sampled_from(EXCHANGES),
        st.integers(0, 9999),
    ),
    st.sampled_from(
        ["447802712292", "442079460013", "919150381142", "2250701007687", "33612345678", "8800"]
    ),
    st.text("0123456789", max_size=17),
)
PREFIXES = st.sampled_from(
    [
        "",
        "",
        "1",
        "1",
        "+",
        "+1",
        "00",
        "001",
        "0",
        "000",
        "0000",
        "+00",
        " +",
        "(+",
        "011",
        "-+",
        "++",
    ]
)
PUNCTUATED = st.builds(
    lambda prefix, body, marks: (
        prefix + "".join(mark + digit for mark, digit in zip(marks, body, strict=False))
        + body[len(marks):]
    ),
    PREFIXES,
    BODIES,
    st.lists(st.sampled_from(["", "", "", "", " ", "+", "-", "(", ")", "."]), max_size=12),
)  # fmt: skip
WORDS = st.builds(
    lambda prefix, word, upper: prefix + (word.upper() if upper else word),
    st.sampled_from(["", " ", "00", "+", "0", "1"]),
    st.sampled_from([*sorted(WITHHELD), "Not Available", "Anony-mous", "un\u212anown", "bob"]),
    st.booleans(),
)
NASTY = st.one_of(
    PUNCTUATED,
    PUNCTUATED,
    PUNCTUATED,
    WORDS,
    st.text("0123456789+-(). aA\t\n\r\xa0٣１²'%_\\", max_size=14),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
CALLS = st.lists(
    # The intake has trimmed the number called, which must not be blank.
    st.tuples(NASTY, NASTY.map(lambda text: text.strip(" \t\r\n")), st.one_of(st.just(""), NASTY)),
    min_size=40,
    max_size=300,
)


def place_of(number: Number) -> tuple[str | None, ...]:
    """What the tables keep of a US place: state, LATA, NPA-NXX, rate centre."""
    if number.kind is not Kind.US:
        return (None, None, None, None)
    return (number.state, number.lata, f"{number.npa}{number.nxx}", number.rate_center)


def assert_judged_as_the_oracle(row: Row, cli: str, destination: str, lrn: str) -> None:
    caller = classify(cli, True, PLAN)
    called = classify(destination, False, PLAN)
    reached = terminating(lrn, destination, PLAN)
    found = {
        "cli_digits": row["cli_digits"],
        "dest_digits": row["dest_digits"],
        "country": (row["country"], row["carrier"]),
        "origin": tuple(row[f"orig_{k}"] for k in ("state", "lata", "prefix", "rate_center")),
        "terminating": tuple(row[f"term_{k}"] for k in ("state", "lata", "prefix", "rate_center")),
        "by state": (row["jurisdiction_state"], row["reason_state"]),
        "by lata": (row["jurisdiction_lata"], row["reason_lata"]),
        "network": row["network"],
    }
    wanted = {
        "cli_digits": caller.digits or None,
        "dest_digits": called.digits or None,
        "country": (called.country, called.carrier),
        "origin": place_of(caller),
        "terminating": place_of(reached),
        "by state": jurisdiction(caller, reached),
        "by lata": jurisdiction(caller, reached, "lata"),
        "network": "international" if reached.kind is Kind.FOREIGN else "offnet",
    }
    assert found == wanted, (cli, destination, lrn)


def judge_all(models: Models, calls: list[tuple[str, str, str]]) -> None:
    rows = [
        GOOD | {"callid": str(n), "dest_cli": cli, "dest_number": destination, "lrn_number": lrn}
        for n, (cli, destination, lrn) in enumerate(calls)
    ]
    by_call = {row["callid"]: row for row in models.cdrs(rows)}
    for n, (cli, destination, lrn) in enumerate(calls):
        if str(n) not in by_call:
            assert not destination.strip(), "only a call without a number called is no attempt"
            continue
        assert_judged_as_the_oracle(by_call[str(n)], cli, destination, lrn)


# No shrinking: the message names the one call that differs.
@settings(max_examples=15, phases=[Phase.reuse, Phase.generate])
@given(calls=CALLS)
def test_numbers_are_judged_as_by_the_oracle(
    models: Models, calls: list[tuple[str, str, str]]
) -> None:
    judge_all(models, calls)


def test_every_area_code_is_judged_as_by_the_oracle(models: Models) -> None:
    """All 1,000 of them, both as 1NPANXXXXXX and in ten digits, against a place and abroad."""
    calls = []
    for npa in range(1000):
        number = f"{npa:03d}{EXCHANGES[npa % len(EXCHANGES)]}{npa:04d}"
        calls += [
            (f"1{number}", "12122260001", ""),
            (number, "12122260001", ""),
            ("12122260001", f"1{number}", ""),
            ("12122260001", number, ""),
            ("12122260001", "447802712292", f"1{number}"),
            (f"+{number}", "447802712292", number),
        ]
    judge_all(models, calls)


def test_the_longest_prefix_is_found_wherever_the_number_ends(models: Models) -> None:
    """Numbers that end before the longest prefix does, at it, and after it."""
    longest = [prefix for prefix in PLAN.prefixes if len(prefix) in (8, 9)]
    numbers = {p[:n] + more for p in longest for n in (7, 8, 9) for more in ("", "0", "55")}
    judge_all(models, [("", number, "") for number in sorted(numbers)])


def test_without_a_rate_card_the_prefix_names_the_destination(models: Models) -> None:
    """Country code 1 belongs to many countries: there the area code tells, unless a prefix does."""
    names = {
        "12122260001": "United States",
        "14162000011": "Canada",
        "18762120001": "Jamaica",
        "16582012345": "Jamaica Mobile - Flow",
        "13404230001": "U.S. Virgin Islands Mobile - Vitelcom Cellular",
        "18002000001": "North America Toll-Free",
        "19002000001": "North America Non-Geographic",
        "442079460013": "United Kingdom",
    }
    blank = {"customer_card_dest_name": "", "provider_card_dest_name": ""}
    rows = models.cdrs([GOOD | blank | {"callid": n, "dest_number": n} for n in names])
    assert {row["callid"]: row["customer_destination"] for row in rows} == names
    assert all(row["provider_destination"] == row["customer_destination"] for row in rows)

"""The tile-grid map and the heat map: what is drawn, what is said, and that nothing breaks out."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from resources.reporting import svg
from resources.reporting.heat import heat_map
from resources.reporting.tiles import tile_map
from resources.reporting.usa import PLACES

NASTY = [
    '<script>alert(1)</script>',
    '</text></svg><img src=x onerror="alert(1)">',
    "a\"b'c&amp;<!-- ]]>",
    "NUL\0 and\x0b\x1b[31m",
    "two\nlines\u2028more",
    "\u202eright to left",
    "lone \ud800 surrogate",
    "=cmd()|calc",
]  # fmt: skip


def parsed(drawing: svg.Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.svg)  # noqa: S314 - our own


def tags(drawing: svg.Drawing) -> Counter[str]:
    return Counter(
        e.tag.removeprefix("{http://www.w3.org/2000/svg}") for e in parsed(drawing).iter()
    )


def texts(drawing: svg.Drawing) -> list[str]:
    return [e.text or "" for e in parsed(drawing).iter() if e.tag.endswith("}text")]


def fills(drawing: svg.Drawing, tag: str) -> Counter[str]:
    return Counter(e.get("fill", "") for e in parsed(drawing).iter() if e.tag.endswith("}" + tag))


# Shades.


def labels(values: list[int | Decimal]) -> list[str]:
    steps = svg.scale([(v, str(v)) for v in values]).steps
    return [f"{n}: {step.label}" for n, step in sorted(steps.items())]


def test_equal_steps_up_to_the_largest() -> None:
    assert labels([3, 20, 21, 100, 81, 79, 50, 60, 70]) == [
        "1: 3–20", "2: 21", "3: 50–60", "4: 70–79", "5: 81–100",
    ]  # fmt: skip


def test_equal_ratios_where_one_stands_out() -> None:
    assert labels([1, 9, 10, 11, 99, 101, 20_000, 100_000, 1]) == [
        "1: 1–10", "2: 11–99", "3: 101", "5: 20000–100000",
    ]  # fmt: skip


def test_a_stray_small_value_does_not_widen_the_ratios() -> None:
    many = [1, *range(1000, 1010), 5000, 6000, 100_000]
    assert svg.scale([(v, str(v)) for v in many]).bounds[0] > 1000


def test_nothing_has_a_shade_of_its_own() -> None:
    scale = svg.scale([(0, "0"), (Decimal("0.1"), "0.1"), (-3, "-3")])
    assert (scale.step(0).shade, scale.step(-3).shade) == (svg.ZERO, svg.ZERO)
    assert scale.step(Decimal("0.1")).shade == svg.SHADES[-1]
    assert svg.scale([]).steps == {}


@pytest.mark.parametrize("values", [[0], [7], [5, 5, 5], [Decimal("1e-30")], [10**30, 1, 2]])
def test_values_that_leave_no_room_for_steps(values: list[int | Decimal]) -> None:
    scale = svg.scale([(v, str(v)) for v in values])
    assert all(scale.step(value).label for value in values)


def test_shades_are_told_apart_in_grey_and_written_on() -> None:
    ladder = ["#ffffff", svg.ZERO, *svg.SHADES]
    from_white = [svg.contrast("#ffffff", shade) for shade in ladder]
    assert all(darker > 1.1 * lighter for lighter, darker in pairwise(from_white))
    assert all(svg.contrast(svg.ink_on(shade), shade) >= 4.5 for shade in ladder)
    assert svg.contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"), (934, "934"), (999, "999"), (1000, "1.0k"), (9_349, "9.3k"), (9_960, "10k"),
        (999_400, "999k"), (999_600, "1.0M"), (12_345_678, "12M"), (7 * 10**9, "7.0G"),
        (-1500, "-1.5k"), (Decimal("0.0371"), "0.04"), (Decimal("999.7"), "1.0k"),
    ],
)  # fmt: skip
def test_figures_in_short(value: int | Decimal, words: str) -> None:
    assert svg.compact(value) == words


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    assert svg.fitted("Tierone", 9, 100) == "Tierone"
    short = svg.fitted("A very long provider's name", 9, 60)
    assert short.endswith("…")
    assert svg.text_width(short, 9) <= 60
    assert svg.fitted("日本電信電話株式会社", 10, 50) == "日本電信…"


# The tile-grid map.


def test_every_state_stands_on_the_map_once() -> None:
    drawing = tile_map("Attempts", "Attempts", [("CA", 12, "12"), ("NY", 0, "0")])
    assert [t for t in texts(drawing) if t in PLACES] == list(PLACES)
    assert texts(drawing)[-4:] == ["Attempts", "0", "12", "none"]
    # A tile of each shade and its square in the legend; the white ones have no value.
    shades = fills(drawing, "rect")
    assert shades == {"#ffffff": 54 + 1, svg.ZERO: 2, svg.SHADES[-1]: 2}
    assert drawing.alt == (
        "Attempts. Attempts by state: California 12, New York 0; "
        "none in 54 of 56 states and territories."
    )


def test_all_states_have_a_value() -> None:
    drawing = tile_map("T", "Attempts", [(code, 5, "5") for code in PLACES])
    assert "none" not in texts(drawing)
    assert drawing.alt.endswith("; 48 more.")


def test_no_state_at_all() -> None:
    drawing = tile_map("T", "Attempts", [])
    assert drawing.alt == (
        "T. Attempts by state: nothing; none in 56 of 56 states and territories."
    )


def test_a_code_that_is_no_states_is_said_and_shades_nothing() -> None:
    drawing = tile_map("T", "Attempts", [("CA", 5, "5"), ("ZZ", 10**6, "1,000,000")])
    assert texts(drawing)[-1] == "Not on the map: ZZ 1,000,000"
    assert fills(drawing, "rect")[svg.SHADES[-1]] == 2


def test_a_figure_that_does_not_fit_is_said_in_short() -> None:
    found = texts(
        tile_map("T", "A", [("CA", 123_456_789, "123,456,789"), ("TX", 99_999, "99,999")])
    )
    assert "123M" in found
    assert "99,999" in found


# The heat map.


def square(drawing: svg.Drawing) -> dict[str, int]:
    """How many cells each shade has."""
    return {
        e.get("fill", ""): e.get("d", "").count("M")
        for e in parsed(drawing).iter()
        if e.tag.endswith("}path")
    }


def test_cells_by_shade_and_missing_ones_white() -> None:
    drawing = heat_map(
        "DTMF share",
        "DTMF Percent",
        ("Provider", "Hour"),
        ["Tierone", "Budget"],
        ["00", "01", "02"],
        [
            ("Tierone", "00", Decimal(20), "20.0"),
            ("Tierone", "01", Decimal(18), "18.0"),
            ("Tierone", "02", None, ""),
            ("Budget", "00", Decimal(0), "0.0"),
            ("Budget", "01", Decimal(2), "2.0"),
            ("Other", "01", Decimal(99), "99.0"),
        ],
    )
    assert square(drawing) == {svg.ZERO: 1, svg.SHADES[0]: 1, svg.SHADES[4]: 2}
    assert texts(drawing) == [
        "Provider", "Hour", "00", "01", "02", "Tierone", "Budget",
        "20.0", "18.0", "0.0", "2.0",
        "DTMF Percent", "0.0", "2.0", "18.0–20.0", "none",
    ]  # fmt: skip
    assert drawing.alt == (
        "DTMF share. DTMF Percent by Provider (2) and Hour (3): highest 20.0 at Tierone, 00; "
        "lowest 0.0 at Budget, 00; none in 2 of 6 cells."
    )


def test_a_high_map_beside_another_chart_is_low_enough_to_be_read() -> None:
    names = [f"Carrier {n}" for n in range(24)]
    cells = [(name, hour, n, f"{n}.5") for n, name in enumerate(names) for hour in ("a", "b")]
    drawing = heat_map("M", "ASR (%)", ("Provider", "Customer"), names, ["a", "b"], cells)
    assert float(parsed(drawing).get("height", 0)) < 350  # 430 wide, half a page across and high
    assert texts(drawing).count("23.5") == 2  # in its two cells


def test_a_matrix_of_all_states_is_small_and_has_no_figures_in_it() -> None:
    codes = sorted(PLACES)
    cells = [(a, b, 1 + n, f"{1 + n:,}") for n, a in enumerate(codes) for b in codes]
    drawing = heat_map("M", "Attempts", ("Origin", "Terminating"), codes, codes, cells)
    assert sum(square(drawing).values()) == 56 * 56
    assert "none" not in texts(drawing)
    assert tags(drawing)["text"] == 2 + 56 + 56 + 1 + 5
    assert drawing.width < 720
    assert len(drawing.svg) < 150_000


def test_nothing_to_show() -> None:
    drawing = heat_map("M", "Attempts", ("Provider", "Hour"), [], [], [])
    assert drawing.alt == "M. Attempts by Provider (0) and Hour (0): nothing."
    assert tags(drawing)["path"] == 0


@pytest.mark.parametrize("name", NASTY)
def test_names_are_text_and_nothing_else(name: str) -> None:
    plain = heat_map(
        "plain", "plain", ("plain", "plain"), ["plain"], ["plain"], [("plain", "plain", 1, "plain")]
    )
    drawing = heat_map(name, name, (name, name), [name], [name], [(name, name, 1, name)])
    assert tags(drawing).keys() == tags(plain).keys()
    shown = parsed(drawing)
    assert all(not key.startswith("on") for e in shown.iter() for key in e.attrib)
    state = tile_map(name, name, [(name, 1, name), ("CA", 1, name)])
    assert tags(state) == tags(tile_map("a", "a", [("ZZ", 1, "a"), ("CA", 1, "a")]))


def test_the_drawing_says_what_it_is() -> None:
    drawing = tile_map("Calls & <more>", "Attempts", [("CA", 1, "1")])
    root = parsed(drawing)
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawing.alt
    assert root[0].text == "Calls & <more>"
    assert root.get("viewBox", "").split()[2] == str(drawing.width)

"""The charts of a report: whose bars are drawn, in which unit and order, and what is said of it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from resources.reporting.breakout import BREAKOUT
from resources.reporting.charts import draw
from resources.reporting.document import make_document
from resources.reporting.figures import request_for
from resources.reporting.model import Chart, DayChart, HeatChart, MemberChart, TileChart
from resources.reporting.plots import MEMBERS_SHOWN, Points
from resources.reporting.request import Asked
from resources.reporting.svg import FIRST, LOSS, SECOND
from resources.reporting.usa_calls import USA_CALLS
from tests.unit.report_tables import DAYS, GENERATED, ROWS, reporting, row

PROVIDERS = MemberChart("By provider", "provider", ("asr", "acd"), "attempts")


def points(
    folder: Path, chart: Chart, rows: list[dict[str, Any]] | None = None, *, minutes: bool = False
) -> Points:
    of = reporting(folder, ROWS if rows is None else rows, minutes=minutes)
    request = request_for(of, replace(BREAKOUT, charts=(chart,)), Asked(), DAYS, people=True)
    return make_document(of, request, GENERATED).charts[0]


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    return [e.text or "" for e in root.iter() if e.tag.endswith("}text")]


def test_the_traffic_of_no_member_is_drawn_as_the_table_shows_it(tmp_path: Path) -> None:
    found = points(tmp_path, PROVIDERS)
    # 13 attempts by Tierone, 5 by Budget Routes, 2 that were never routed.
    assert found.rows == [
        ("Tierone", Decimal("0.538461538462"), Decimal("98.571428571429")),
        ("Budget Routes", Decimal("0.2"), Decimal(60)),
        ("–", Decimal(0), None),
    ]
    assert "–" in texts(draw(found).svg)


def test_a_bar_below_zero_stays_in_its_panel_and_its_figure_is_right_of_it(tmp_path: Path) -> None:
    rows = [*ROWS, row(8, "102", "9", 1, 1, "60", provider_charge_usd="500")]
    chart = MemberChart("", "provider", ("profit_usd", "attempts"), "attempts")
    drawn = draw(points(tmp_path, chart, rows)).svg
    # Profit of Tierone 4.00, of Budget Routes 1 - 501.50, of none 0; attempts 13, 6 and 2.
    bars = re.findall(r'aria-roledescription="bar" d="M(-?[0-9.]+),.*?fill="(#[0-9a-f]{6})"', drawn)
    assert [fill for _, fill in bars] == [FIRST, LOSS, FIRST, SECOND, SECOND, SECOND]
    assert min(float(left) for left, _ in bars) >= 0
    said = re.findall(r'translate\(([0-9.]+),[0-9.]+\)"[^>]*>([^<]*)<', drawn)
    places = {text: float(x) for x, text in said}
    # The figures of loss and nothing stand at the line of 0, right of the bar of the loss.
    assert places["−500.50"] == places["0.00"] > 100


def test_shades_of_no_member_are_drawn_where_there_are_any(tmp_path: Path) -> None:
    attempts = HeatChart("", "provider", "tech_prefix", "attempts", "attempts")
    assert points(tmp_path / "1", attempts).rows == [
        ("Tierone", "–", 13), ("Budget Routes", "–", 5), ("–", "–", 2),
    ]  # fmt: skip
    talk = HeatChart("", "provider", "hour_of_day", "acd", "attempts")
    assert {row[0] for row in points(tmp_path / "2", talk).rows} == {"Tierone", "Budget Routes"}


def test_what_is_in_no_state_is_said_below_the_map() -> None:
    chart = TileChart("", "terminating_state", "total")
    total = USA_CALLS.members["state"].measure("total")
    drawn = draw(Points(chart, (total,), [("CA", 12), ("–", 3)]))
    assert texts(drawn.svg)[-1] == "Not on the map: no State 3"


def test_the_caption_names_what_the_largest_are_largest_by(tmp_path: Path) -> None:
    many = [
        row(6, "1", f"9{n:03}", 1, 1, "60", customer_charge_usd="1")
        for n in range(MEMBERS_SHOWN + 3)
    ]
    chart = replace(PROVIDERS, weight="customer_charge_usd")
    assert draw(points(tmp_path / "1", chart, many)).caption == (
        "The 12 largest by Customer Charge (USD); 3 more are not drawn."
    )
    hours = HeatChart("", "provider", "hour_of_day", "attempts", "connected", rows=10)
    assert draw(points(tmp_path / "2", hours, many)).caption == (
        "The 10 largest by Connected; 5 more are not drawn."
    )


def test_thousandths_on_an_axis_are_no_millions(tmp_path: Path) -> None:
    rows = [row(6, "101", "7", 1, 1, "60", provider_charge_usd="0.004")]
    chart = DayChart("", ("cost_per_call_usd",))
    assert {"0", "0.002", "0.004"} <= set(texts(draw(points(tmp_path, chart, rows)).svg))


def test_durations_are_drawn_in_minutes_where_people_read_them_so(tmp_path: Path) -> None:
    members = draw(points(tmp_path / "1", PROVIDERS, minutes=True))
    assert {"ACD (min)", "1.64", "1.00"} <= set(texts(members.svg))
    assert "Budget Routes: ASR 20.0 %, ACD 1.00 min" in members.alt
    hours = HeatChart("", "provider", "hour_of_day", "duration", "attempts")
    assert {"Duration (min)", "11.50"} <= set(texts(draw(points(tmp_path / "2", hours,
                                                                minutes=True)).svg))  # fmt: skip
    days = draw(points(tmp_path / "3", DayChart("", ("duration",)), minutes=True))
    assert {"min", "10"} <= set(texts(days.svg))  # the axis, for 11 minutes on the 6th
    assert "500" not in texts(days.svg)


def test_a_matrix_has_the_same_order_on_both_sides() -> None:
    chart = HeatChart("", "origin_state", "terminating_state", "total", "total")
    total = USA_CALLS.members["state"].measure("total")
    rows = [("TX", "CA", 3), ("TX", "TX", 9), ("TX", "AK", 1), ("CA", "CA", 2), ("CA", "WY", 1)]
    found = texts(draw(Points(chart, (total,), list(rows), axes=("From", "To"))).svg)
    assert found[:8] == ["From", "To", "TX", "CA", "AK", "WY", "TX", "CA"]

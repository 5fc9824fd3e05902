"""What a revision says of the figures that have changed."""

from __future__ import annotations

import pytest

from resources.reporting.reports import REPORTS
from resources.schedules.compared import Figures, changes
from resources.schedules.model import Schedule


@pytest.mark.parametrize(
    ("minutes", "shown", "said"),
    [
        (False, ("0.0 s", "720.0 s"), "Duration: 0.0 s became 720.0 s (+720.0)."),
        (True, ("0.00 min", "12.00 min"), "Duration: 0.00 min became 12.00 min (+12.00)."),
    ],
)
def test_a_difference_is_in_the_unit_of_its_figures(
    minutes: bool, shown: tuple[str, str], said: str
) -> None:
    before = {"rows": 1, "totals": {"duration": ["Duration", "0", shown[0]]}}
    now = Figures("", ("duration",), 1, {"duration": ("Duration", "720", shown[1])})
    schedule = Schedule("daily", "UTC")
    assert changes(REPORTS, schedule, before, now, minutes=minutes) == (said,)

"""All reports, by name: the one list that commands, schedules and pages read.

Declarations are in their own modules; nothing else belongs here.
"""

from __future__ import annotations

from resources.reporting.breakout import BREAKOUT
from resources.reporting.call_columns import PER_NUMBER
from resources.reporting.did_as_cli import DID_AS_CLI
from resources.reporting.dtmf import DTMF
from resources.reporting.model import Family, Report
from resources.reporting.tech_prefix import TECH_PREFIX
from resources.reporting.usa_calls import USA_CALLS
from resources.reporting.usa_rate_center import USA_RATE_CENTER


def _alone(report: Report) -> Family:
    return Family(report.name, report.title, report.purpose, {"": report})


REPORTS: dict[str, Family] = {
    family.name: family
    for family in (
        _alone(BREAKOUT),
        _alone(DTMF),
        USA_CALLS,
        USA_RATE_CENTER,
        _alone(PER_NUMBER),
        _alone(DID_AS_CLI),
        _alone(TECH_PREFIX),
    )
}
"""All reports, by name."""

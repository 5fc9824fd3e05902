"""All reports, by name: the one list that commands, schedules and pages read.

Those of the program, whose declarations are in their own modules, and those of the home, read from
its folder `reports/`. What a declaration in YAML means is in `own`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from resources.reporting.breakout import BREAKOUT
from resources.reporting.call_columns import PER_NUMBER
from resources.reporting.did_as_cli import DID_AS_CLI
from resources.reporting.dtmf import DTMF
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import Family, Report
from resources.reporting.request import find_report
from resources.reporting.tech_prefix import TECH_PREFIX
from resources.reporting.usa_calls import USA_CALLS
from resources.reporting.usa_rate_center import USA_RATE_CENTER
from resources.state import state_of

FOLDER = "reports"
"""Where in the home reports of its own are declared, a file each."""

_SUFFIXES = (".yaml", ".yml")
_log = logging.getLogger(__name__)


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


class ReportsInForce(dict[str, Family]):
    """The program's reports and the home's, by name.

    A report of the home that is wrong is left out; asking for it raises ReportError with what is
    wrong, which `wrong` holds by name.
    """

    def __init__(self, families: Mapping[str, Family], wrong: Mapping[str, str]) -> None:
        super().__init__(families)
        self.wrong = dict(wrong)

    def __missing__(self, name: str) -> Family:
        if name in self.wrong:
            raise ReportError(self.wrong[name])
        raise KeyError(name)


def reports_in_force(home: Path, warn: Callable[[str], object] = _log.warning) -> ReportsInForce:
    """All reports that can be asked for in a home; `warn` is told of each file that is left out."""
    families = dict(REPORTS)
    wrong: dict[str, str] = {}
    for path in declarations(home):
        report, problems = _declared(path, state_of(path))
        name = path.stem
        if report is not None and name in {*families, *wrong}:
            report, problems = None, [(1, f"another file declares {name!r}, too")]
        if report is not None:
            families[name] = _alone(report)
            continue
        said = _summary(path, problems)
        wrong.setdefault(name, f"report {name!r} cannot be made: {said}")
        warn(f"report {name!r} is left out: {said}")
    return ReportsInForce(families, {name: wrong[name] for name in wrong if name not in families})


def find_scheduled(name: str, families: Mapping[str, Family]) -> Report:
    """The report that a schedule knows by that name: a family's member by its own, such as
    `usa-calls-lata`. Raises ReportError, which has all these names for one that is unknown.
    """
    try:
        return find_report(name, families)
    except ReportError:
        if isinstance(families, ReportsInForce) and name in families.wrong:
            raise
    known = [
        each
        for family in families.values()
        if not family.listing
        for each in (family.name, *(m.name for m in family.members.values()))
    ]
    raise unknown("report", name, dict.fromkeys(known))


def _summary(path: Path, problems: Sequence[tuple[int, str]]) -> str:
    """The first problem of a file, and where to learn of the others."""
    line, text = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{path}, line {line}: {text}{more}; `cdr-reports reports check {path}` tells all"


def declarations(home: Path) -> list[Path]:
    """The files that declare reports of the home, by name."""
    folder = home / FOLDER
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


@lru_cache(maxsize=1000)
def _declared(path: Path, _: object) -> tuple[Report | None, list[tuple[int, str]]]:
    """What a file declares as it is now: each report that is sent asks for all of them."""
    return read_declaration(path)


def read_declaration(
    path: Path, currencies: Collection[str] | None = None
) -> tuple[Report | None, list[tuple[int, str]]]:
    """The report that the file declares, or None and all that is wrong, each with its line."""
    from resources.reporting.own import declare

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return None, [(line, "this is no UTF-8 text")]
    except OSError as error:
        return None, [(1, f"it cannot be read: {error.strerror}")]
    report, problems = declare(text, path.stem, REPORTS, currencies)
    return report, [(problem.line, problem.text) for problem in problems]

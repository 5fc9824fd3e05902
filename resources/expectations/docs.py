"""Data Docs: a page a judged day, as its newest run left it, and an index of all of them.

    <docs>/index.html         all judged days, newest first
    <docs>/days/<day>.html    what Great Expectations says of the day, by its own renderer
    <docs>/days/<day>.json    the line of the index

Great Expectations' own pages load their styles, icons and scripts from seven hosts on the network;
without it a failed expectation looks like one that passed. So its content stands in a page of ours
that needs nothing. Its index reads every result again for each day; ours reads a line a day.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from resources.durable import replacing
from resources.expectations.rules import ROW_COUNT, Verdict, expectations
from resources.locks import exclusive

_TEMPLATES = Path(__file__).parent / "templates"


def write_docs(docs: Path, day: date, verdicts: Sequence[Verdict], result: Any) -> None:
    """Writes the day's page in place of an older one, and the index.

    `result` is Great Expectations' validation result. Raises OSError when `docs` cannot be written.
    """
    days = docs / "days"
    days.mkdir(parents=True, exist_ok=True)
    line = _line(day, verdicts)
    page = _page(line, verdicts, result)
    with exclusive(docs / ".lock"):  # two runs side by side would each miss the other's day
        _replace(days / f"{day}.html", page)
        _replace(days / f"{day}.json", json.dumps(line))
        _write_index(docs)


def remove_docs(docs: Path, before: date) -> int:
    """Removes the pages of days before one, and their lines of the index; how many."""
    days = docs / "days"
    old = [p for p in days.glob("*.json") if p.stem < before.isoformat()] if days.is_dir() else []
    if not old:
        return 0
    with exclusive(docs / ".lock"):
        for line in old:
            line.with_suffix(".html").unlink(missing_ok=True)
            line.unlink(missing_ok=True)
        _write_index(docs)
    return len(old)


def _write_index(docs: Path) -> None:
    lines = [_read(path) for path in sorted((docs / "days").glob("*.json"), reverse=True)]
    _replace(docs / "index.html", _templates().get_template("index.html").render(days=lines))


def _line(day: date, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    [attempts] = [verdict.value for verdict in verdicts if verdict.name == ROW_COUNT]
    broken = [verdict for verdict in verdicts if not verdict.passed]
    return {
        "day": str(day),
        "judged": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "attempts": attempts,
        "expectations": len(verdicts),
        "errors": [verdict.summary for verdict in broken if verdict.severity == "error"],
        "warnings": [verdict.summary for verdict in broken if verdict.severity == "warning"],
    }


def _page(line: Mapping[str, Any], verdicts: Sequence[Verdict], result: Any) -> str:
    """The day's page: what failed and examples by us, all expectations by Great Expectations."""
    # Here and not at the top: Great Expectations takes seconds to import.
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    return str(
        _view().render(document, "day.html", line=line, verdicts=verdicts, texts=expectations())
    )


@cache
def _view() -> Any:
    """Great Expectations' templates and ours; compiled at the first page, for all of them."""
    from great_expectations.render.view.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(_TEMPLATES))


def _read(path: Path) -> dict[str, Any]:
    """A day's line; one that cannot be read is said so, for it must not stop other days."""
    try:
        line: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return {"day": path.stem, "unreadable": f"{path.name}: {error}; build the day again"}
    return line


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
    )


def _replace(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode())

"""Reports of a home as a user asks for them: the command line, in this process."""

import csv
import io
from decimal import Decimal

from click.testing import CliRunner, Result

from pipelines.assembly import Workplace
from pipelines.cli.main import Program, cli


def command(workplace: Workplace, *arguments: str) -> Result:
    """`cdr-reports ARGUMENTS` in that home."""
    program = Program()
    program.settings = workplace.settings
    program.workplace = workplace
    return CliRunner().invoke(cli, arguments, obj=program)


def csv_rows(
    workplace: Workplace, name: str, days: tuple[str, str], *options: str
) -> list[dict[str, str]]:
    """The rows of `report NAME --format csv`, read as any program would."""
    first, last = days
    asked = ("report", name, "--from", first, "--to", last, "--format", "csv", *options)
    got = command(workplace, *asked)
    assert got.exit_code == 0, got.output
    return list(csv.DictReader(io.StringIO(got.stdout)))


def figures(rows: list[dict[str, str]], dimensions: list[str]) -> list[dict[str, object]]:
    """The rows with exact numbers and nulls; dimensions stay text."""
    return [
        {
            name: text if name in dimensions else Decimal(text) if text else None
            for name, text in row.items()
        }
        for row in rows
    ]

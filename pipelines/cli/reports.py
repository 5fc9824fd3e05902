"""`cdr-reports reports`: which reports there are and what each can tell, from the catalogue.

Words and tables come from `resources.reporting.describe`; making a report is `report`'s business.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from pipelines.cli.report import ReportContext, in_force
from pipelines.cli.show import show_table
from resources.reference.rates import load_rates, table_in_force
from resources.reporting.describe import (
    defaults,
    dimensions,
    entries,
    forced,
    listing,
    markdown,
    unasked,
    variants,
)
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import Family, Report
from resources.reporting.output import FORMATS
from resources.reporting.reports import FOLDER, REPORTS, read_declaration


@click.group(invoke_without_command=True)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["table", "markdown"]),
    default="table",
    help="markdown: all of it, as it stands in README.",
)
@click.pass_context
def reports(ctx: click.Context, fmt: str) -> None:
    """List the reports, and what each can tell."""
    if ctx.invoked_subcommand is not None:
        return
    if fmt == "markdown":
        click.echo(markdown(REPORTS), nl=False)
        return
    rows = listing(in_force(ctx))
    show_table([("report", False), ("option", False), ("what it tells", False)], rows)
    click.echo("\n`cdr-reports reports show REPORT` tells its dimensions, figures and defaults.")


@reports.command("show")
@click.argument("report")
@click.pass_context
def show(ctx: click.Context, report: str) -> None:
    """Show the dimensions and figures of a REPORT, what each means, and what it does unasked."""
    context: ReportContext = ctx.obj
    families = in_force(ctx, warn=False)
    try:
        family = families[report]
    except KeyError:
        raise click.UsageError(str(unknown("report", report, families)), ctx) from None
    except ReportError as error:
        raise click.UsageError(str(error), ctx) from None
    click.echo(f"{family.title}: {family.purpose}\n")
    seconds = context.settings.short_call_seconds
    show_table(
        [("dimension", False), ("what it is", False)],
        ((entry.names[0], entry.definition) for entry in entries(dimensions(family), seconds)),
    )
    for choices, member in variants(family):
        _show(family, choices, member, seconds)
    click.echo(f"\nFormats: {', '.join(FORMATS)}.")


@reports.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def check(ctx: click.Context, file: Path) -> None:
    """Tell all that is wrong with the FILE of a report of your own, by line."""
    context: ReportContext = ctx.obj
    settings = context.settings
    rates = load_rates(table_in_force(settings.home))
    report, problems = read_declaration(file, rates.currencies(settings.first_day))
    for line, text in problems:
        click.echo(f"{file}:{line}: {text}")
    if report is None:
        ctx.exit(1)
    click.echo(f"{file}: right. `cdr-reports report {report.name}` makes it", nl=False)
    if file.resolve().parent == (settings.home / FOLDER).resolve():
        click.echo(".")
    else:
        click.echo(f" once it is in {settings.home / FOLDER}.")


def _show(family: Family, choices: Sequence[str], member: Report, seconds: int) -> None:
    group, shown = defaults(member)
    click.echo()
    if family.option:
        unsaid = " (when not said)" if family.default in choices else ""
        click.echo(f"--{family.option} {'|'.join(choices)}{unsaid}")
    show_table(
        [("figure", False), ("unit", False), ("what it is", False)],
        (
            (", ".join(entry.names), entry.unit, entry.definition)
            for entry in entries(member.measures, seconds)
        ),
    )
    click.echo(f"\nWithout --group-by: {', '.join(group) or 'the totals'}.")
    click.echo(f"Without --columns: {', '.join(shown)}.")
    for name, text in unasked(member):
        click.echo(f"Without --{name}: {text}.")
    for name, text in forced(member):
        click.echo(f"Only where {name} is {text}.")
    if member.charts:
        click.echo(f"Charts: {'; '.join(chart.title for chart in member.charts)}.")

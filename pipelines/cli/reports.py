"""`cdr-reports reports`: which reports there are and what each can tell, from the catalogue.

Words and tables come from `resources.reporting.describe`; making a report is `report`'s business.
"""

from collections.abc import Sequence

import click

from pipelines.cli.report import ReportContext
from pipelines.cli.show import show_table
from resources.reporting.describe import defaults, dimensions, entries, listing, markdown, variants
from resources.reporting.errors import unknown
from resources.reporting.model import Family, Report
from resources.reporting.output import FORMATS
from resources.reporting.reports import REPORTS


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
    show_table([("report", False), ("option", False), ("what it tells", False)], listing(REPORTS))
    click.echo("\n`cdr-reports reports show REPORT` tells its dimensions, figures and defaults.")


@reports.command("show")
@click.argument("report")
@click.pass_context
def show(ctx: click.Context, report: str) -> None:
    """Show the dimensions and figures of a REPORT, what each means, and what it does unasked."""
    context: ReportContext = ctx.obj
    if report not in REPORTS:
        raise click.UsageError(str(unknown("report", report, REPORTS)), ctx)
    family = REPORTS[report]
    click.echo(f"{family.title}: {family.purpose}\n")
    seconds = context.settings.short_call_seconds
    show_table(
        [("dimension", False), ("what it is", False)],
        ((entry.names[0], entry.definition) for entry in entries(dimensions(family), seconds)),
    )
    for choices, member in variants(family):
        _show(family, choices, member, seconds)
    click.echo(f"\nFormats: {', '.join(FORMATS)}.")


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
    if member.charts:
        click.echo(f"Charts: {'; '.join(chart.title for chart in member.charts)}.")

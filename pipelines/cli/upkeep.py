"""`cdr-reports upkeep` and `cold`: keeping the lake small, and what has left it."""

import sys
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from pipelines.cli.home import refuse_full_disk
from pipelines.cli.run import execute
from pipelines.cli.show import show_table
from resources.intake.take import WrongHome
from resources.ledger.cold import DayIsCold

if TYPE_CHECKING:
    from pipelines.cli.main import Program


@click.command()
@click.pass_context
def upkeep(ctx: click.Context) -> None:
    """Keep the lake small: old calls leave, small files are put together, old versions go.

    What goes is said in README.md, 'Keeping the lake small', and nothing of a call goes unless
    CDR_REPORTS_CALLS_DAYS is set. Safe beside `run` and the daemon, which does this once a day.
    Ends with status 1 when a day's calls should have left and could not be vouched for.
    """
    from pipelines.definitions import build_defs
    from pipelines.instance import open_instance

    program: Program = ctx.obj
    settings = program.settings
    refuse_full_disk(settings.home)
    workplace = replace(program.workplace, tell=lambda text: click.echo(text, err=True))
    with open_instance(settings) as instance:
        defs = build_defs(settings, open_workplace=lambda: workplace)
        troubles = execute(defs, "upkeep", instance, {})
    for trouble in troubles:
        click.echo(f"trouble: {trouble}", err=True)
    if troubles:
        sys.exit(1)


@click.group(invoke_without_command=True)
@click.pass_context
def cold(ctx: click.Context) -> None:
    """List the days whose calls have left the lake, where they are and what they held."""
    if ctx.invoked_subcommand is not None:
        return
    from resources.upkeep.cold import told

    program: Program = ctx.obj
    found = program.workplace.days.cold.all().values()
    if not found:
        click.echo("the calls of all days are in the lake")
        return
    show_table(
        [("day", False), ("calls", False), ("since", False), ("held", False), ("store", False)],
        (
            (str(each.day), each.state, f"{each.changed_at:%Y-%m-%d %H:%M} UTC",
             told(each.counts), each.store)
            for each in found
        ),
    )  # fmt: skip


@cold.command("restore")
@click.argument(
    "days", nargs=-1, required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DAYS..."
)
@click.pass_context
def restore(ctx: click.Context, days: tuple[datetime, ...]) -> None:
    """Bring the calls of DAYS (YYYY-MM-DD) back from cold storage.

    They are as they were, and so are the sums; nothing is built again. They stay for a week, and
    longer when CDR_REPORTS_CALLS_DAYS allows. The copy in the cold store is left there.
    """
    from resources.upkeep.cold import NotCounted
    from resources.upkeep.store import StoreFailed

    program: Program = ctx.obj
    refuse_full_disk(program.settings.home)
    for day in days:
        wanted: date = day.date()
        try:
            program.workplace.cold.restore(wanted, lambda text: click.echo(text, err=True))
        except (DayIsCold, NotCounted, StoreFailed, WrongHome) as error:
            raise click.ClickException(str(error)) from None

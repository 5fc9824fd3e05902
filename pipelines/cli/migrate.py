"""`cdr-reports migrate`: the ledger, and Dagster's own tables, at the schema of this program."""

from typing import TYPE_CHECKING

import click

from pipelines.cli.home import opening_ledger

if TYPE_CHECKING:
    from pipelines.cli.main import Program


@click.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the ledger and Dagster's own tables to the schema of this program.

    Says from where to where. To be run after an upgrade, before anything else is started; several
    at once do each other no harm. A ledger that a newer program has migrated is refused.
    """
    from alembic.util.exc import CommandError
    from sqlalchemy.exc import OperationalError

    from pipelines.instance import migrate_instance
    from resources.ledger import migrate_ledger

    program: Program = ctx.obj
    settings = program.settings
    with opening_ledger(settings):
        click.echo(f"ledger: {_said(*migrate_ledger(settings.ledger))}")
    try:
        click.echo(f"Dagster: {_said(*migrate_instance(settings))}")
    except OperationalError as error:
        raise click.ClickException(f"Dagster's database cannot be used: {error.orig}") from None
    except CommandError as error:
        raise click.ClickException(
            f"Dagster's tables are of another release than this program's: {error}"
        ) from None


def _said(before: str | None, after: str) -> str:
    if before is None:
        return f"made with the schema {after}"
    if before == after:
        return f"has the schema {after}, nothing to do"
    return f"brought from the schema {before} to {after}"

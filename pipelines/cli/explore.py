"""`cdr-reports explore`: the explorer's pages, served by this process."""

from typing import TYPE_CHECKING

import click

from pipelines.cli.home import need_home

if TYPE_CHECKING:
    from pipelines.cli.main import Program


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65535))
@click.pass_context
def explore(ctx: click.Context, host: str, port: int) -> None:
    """Open the explorer: filter, pivot and search what the night has built, in a browser.

    On this machine alone nobody logs in. Once there is a user (`cdr-reports users add`), or
    CDR_REPORTS_EXPLORE_PROXY names a proxy that logs people in, everybody does; another address
    than this machine's is refused until then.
    """
    from explorer.explorer import Explorer, application
    from explorer.guard import Refused, check_bind
    from explorer.server import serve
    from resources.ledger.files import of_other_zone

    program: Program = ctx.obj
    need_home(program.settings.home)
    workplace = program.workplace
    if why := of_other_zone(workplace.files.fact("timezone"), program.settings.timezone):
        raise click.ClickException(why)  # else each page would fail
    try:
        check_bind(host, workplace.users, program.settings)
    except Refused as error:
        raise click.ClickException(str(error)) from None

    def ready(address: str) -> None:
        click.echo(f"{address} (Ctrl-C ends it)")

    try:
        serve(application(Explorer(workplace)), host, port, ready)
    except OSError as error:
        raise click.ClickException(
            f"cannot serve at {host}, port {port}: {error.strerror}; choose another --port"
        ) from None

"""`cdr-reports report NAME`: one command for each report of the catalogue.

Reads options, hands them to `resources.reporting`, puts the outcome where it was asked for. What a
report holds and how it looks is decided there, not here.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import datetime
from email.utils import make_msgid
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import click

from pipelines.settings import Settings
from resources.mailer import MailError, parse_addresses, send
from resources.reporting.breakout import REPORTS
from resources.reporting.errors import ReportError
from resources.reporting.figures import make_table, request_for
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Report
from resources.reporting.output import (
    BINARY_FORMATS,
    FORMATS,
    choose_format,
    for_people,
    render,
    write_file,
)
from resources.reporting.period import choose_period
from resources.reporting.request import Asked, Request, find_report

_PIPE_WIDTH = 200
"""Width of a table that goes into a file or a pipe, in characters."""


class ReportContext(Protocol):
    """What `ctx.obj` must offer: the settings, and reporting opened when it is needed."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def reporting(self) -> Reporting:
        """What reports are made from; raises what its parts raise when they cannot be opened."""
        ...


class _Reports(click.Group):
    """Refuses an unknown report with the nearest right one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            try:
                find_report(args[0], REPORTS)
            except ReportError as error:
                raise click.UsageError(str(error), ctx) from None
        return super().resolve_command(ctx, args)


@click.group(cls=_Reports)
def report() -> None:
    """Make a report: on the terminal, as a file, or by e-mail."""


def _options(of: Report) -> list[Callable[[Any], Any]]:
    dimensions = ", ".join(d.name for d in of.dimensions)
    measures = ", ".join(m.name for m in of.measures)
    return [
        click.option("--from", "first", metavar="DAY", help="First day, YYYY-MM-DD."),
        click.option("--to", "last", metavar="DAY", help="Last day, included."),
        click.option(
            "--last",
            "recent",
            metavar="PERIOD",
            help="Instead of --from and --to: 7d, yesterday, last-week or last-month.",
        ),
        click.option(
            "--group-by",
            metavar="NAMES",
            help=f'Any of {dimensions}; "" gives the totals only.',
        ),
        click.option("--customers", multiple=True, metavar="IDS", help="Ids or names; repeatable."),
        click.option("--providers", multiple=True, metavar="IDS", help="Ids or names; repeatable."),
        click.option(
            "--columns", metavar="NAMES", help=f"Dimensions of the group-by and any of {measures}."
        ),
        click.option("--sort", metavar="NAMES", help="Columns to order by; -name for descending."),
        click.option("--top", type=int, metavar="N", help="Only the first N rows."),
        click.option(
            "--format",
            "fmt",
            metavar="|".join(FORMATS),
            help="Default: what the file's name ends in, else table.",
        ),
        click.option("--output", metavar="FILE", help="A file, or - for standard output."),
        click.option(
            "--email", multiple=True, metavar="ADDRESSES", help="Send it, with PDF and XLSX."
        ),
    ]


def _command(of: Report) -> click.Command:
    def run(ctx: click.Context, /, **options: Any) -> None:
        try:
            _run(ctx, of, **options)
        except ReportError as error:
            raise click.UsageError(str(error), ctx) from None
        except MailError as error:
            raise click.ClickException(str(error)) from None

    command: Callable[..., Any] = click.pass_context(run)
    for option in reversed(_options(of)):
        command = option(command)
    return click.command(of.name, help=of.purpose, short_help=of.purpose)(command)


def _run(
    ctx: click.Context,
    of: Report,
    *,
    first: str | None,
    last: str | None,
    recent: str | None,
    fmt: str | None,
    output: str | None,
    email: tuple[str, ...],
    **chosen: Any,
) -> None:
    context: ReportContext = ctx.obj
    asked = Asked(**chosen)
    recipients = parse_addresses(email)
    wanted = choose_format(fmt, output)
    to_stdout = output is None or output == "-"
    wants_output = not email or fmt is not None or output is not None
    if wants_output and to_stdout and wanted in BINARY_FORMATS and sys.stdout.isatty():
        raise ReportError(f"{wanted} is not for a terminal: give --output FILE, or pipe it")
    reporting = context.reporting()
    now = datetime.now(ZoneInfo(reporting.timezone))
    period = choose_period(first, last, recent, now.date())
    if wants_output:
        request = request_for(reporting, of, asked, period, people=for_people(wanted))
        _put(reporting, request, wanted, output, now)
    if recipients:
        request = request_for(reporting, of, asked, period, people=True)
        _mail(context, reporting, request, recipients, now)


def _put(
    reporting: Reporting, request: Request, fmt: str, output: str | None, now: datetime
) -> None:
    path = None if output is None or output == "-" else Path(output)
    if fmt == "table":
        _print(reporting, request, path)
        return
    made = render(reporting, request, fmt, now)
    for notice in made.notices:
        click.echo(f"notice: {notice}", err=True)
    if path is not None:
        write_file(path, made.content)
        return
    stream = sys.stdout.buffer
    stream.write(made.content)
    stream.flush()


def _print(reporting: Reporting, request: Request, path: Path | None) -> None:
    from rich.console import Console

    from resources.reporting.terminal import print_table

    table = make_table(reporting, request, people=True)
    at_terminal = path is None and sys.stdout.isatty()
    sink = io.StringIO()
    width = None if at_terminal else _PIPE_WIDTH
    console = Console(highlight=False) if at_terminal else Console(file=sink, width=width)
    print_table(reporting, table, console)
    if path is not None:
        write_file(path, sink.getvalue().encode("utf-8"))
    elif not at_terminal:
        click.echo(sink.getvalue(), nl=False)


def _mail(
    context: ReportContext,
    reporting: Reporting,
    request: Request,
    recipients: list[str],
    now: datetime,
) -> None:
    from pipelines.sending import smtp_settings
    from resources.reporting.document import make_document
    from resources.reporting.message import compose

    smtp = smtp_settings(context.settings)
    document = make_document(reporting, request, now)
    domain = smtp.sender.rpartition("@")[2].strip("> ") or "localhost"
    message = compose(document, smtp.sender, recipients, make_msgid("report", domain=domain))
    sent = send(message, smtp)
    click.echo(f"sent to {', '.join(sent.accepted)}", err=True)
    if sent.refused:
        told = "; ".join(f"{address}: {words}" for address, words in sent.refused.items())
        raise click.ClickException(f"the mail server {smtp.server} refused {told}")


for _report in REPORTS.values():
    report.add_command(_command(_report))

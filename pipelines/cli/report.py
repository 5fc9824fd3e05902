"""`cdr-reports report NAME`: one command for each report of the catalogue.

Reads options, hands them to `resources.reporting`, puts the outcome where it was asked for. What a
report holds and how it looks is decided there, not here.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import make_msgid
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import click

from pipelines.settings import Settings
from resources.calls import CallsError, NoNumberError, Side
from resources.mailer import MailError, parse_addresses, send
from resources.reporting.breakout import BREAKOUT
from resources.reporting.errors import ReportError, unknown
from resources.reporting.figures import find_accounts, request_for
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Family, Report
from resources.reporting.output import (
    BINARY_FORMATS,
    FORMATS,
    Made,
    Sums,
    choose_format,
    for_people,
    new_file,
    render,
)
from resources.reporting.per_number import CallList, NumberRequest, number_columns
from resources.reporting.period import Period, choose_period
from resources.reporting.reports import REPORTS, ReportsInForce, reports_in_force
from resources.reporting.request import COMPARISONS, Asked, find_report


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
    """The program's reports, and those that the home declares, found when they are asked for.

    Refuses an unknown one with the nearest right one, and a wrong one with what is wrong with it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *in_force(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        family = in_force(ctx, warn=False).get(cmd_name)
        return None if family is None else _command(family)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            try:
                find_report(args[0], in_force(ctx, warn=False))
            except ReportError as error:
                raise click.UsageError(str(error), ctx) from None
        return super().resolve_command(ctx, args)


def in_force(ctx: click.Context, *, warn: bool = True) -> ReportsInForce:
    """The reports of the home that the command is run in; those of the program without a home."""
    if ctx.obj is None:
        return ReportsInForce(REPORTS, {})
    context: ReportContext = ctx.obj

    def tell(text: str) -> None:
        if warn:
            click.echo(f"warning: {text}", err=True)

    return reports_in_force(context.settings.home, tell)


@click.group(cls=_Reports)
def report() -> None:
    """Make a report: on the terminal, as a file, or by e-mail."""


Option = Callable[[Any], Any]

_DAYS: list[Option] = [
    click.option("--from", "first", metavar="DAY", help="First day, YYYY-MM-DD."),
    click.option("--to", "last", metavar="DAY", help="Last day, included."),
    click.option(
        "--last",
        "recent",
        metavar="PERIOD",
        help="Instead of --from and --to: 7d, today, yesterday, last-week, this-month, last-month.",
    ),
]
_ACCOUNTS: list[Option] = [
    click.option("--customers", multiple=True, metavar="IDS", help="Ids or names; repeatable."),
    click.option("--providers", multiple=True, metavar="IDS", help="Ids or names; repeatable."),
]
_OUTCOME: list[Option] = [
    click.option(
        "--top", type=click.IntRange(max=2**31 - 1), metavar="N", help="Only the first N rows."
    ),
    click.option(
        "--format",
        "fmt",
        metavar="|".join(FORMATS),
        help="Default: what the file's name ends in, else table.",
    ),
    click.option("--output", metavar="FILE", help="A file, or - for standard output."),
    click.option("--email", multiple=True, metavar="ADDRESSES", help="Send it, with PDF and XLSX."),
]


def _options(of: Family) -> list[Option]:
    members = list(of.members.values())
    dimensions = ", ".join(dict.fromkeys(d.name for each in members for d in each.dimensions))
    measures = ", ".join(dict.fromkeys(m.name for each in members for m in each.measures))
    if of.listing:
        return [*_NUMBERS, *_DAYS, *_ACCOUNTS, _columns(f"Any of {dimensions}."), *_OUTCOME]
    choice = click.option(
        f"--{of.option}",
        "choice",
        metavar="|".join(of.members),
        help=f"Which of them; {of.default} when not said.",
    )
    return [
        *([choice] if of.option else []),
        *_DAYS,
        click.option(
            "--group-by",
            metavar="NAMES",
            help=f'Any of {dimensions}; "" gives the totals only.',
        ),
        *_ACCOUNTS,
        _columns(f"Dimensions of the group-by and any of {measures}."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="NAME=VALUES",
            help="Only rows where a dimension has one of the values, blank for none; repeatable.",
        ),
        click.option(
            "--compare",
            metavar="|".join(COMPARISONS),
            help="Beside each figure that of the period before, or of the same days a year ago.",
        ),
        click.option(
            "--currency", metavar="CODE", help="What charges are converted to; USD when not said."
        ),
        click.option("--sort", metavar="NAMES", help="Columns to order by; -name for descending."),
        *_OUTCOME,
    ]


_NUMBERS: list[Option] = [
    click.option(
        "--number",
        "numbers",
        multiple=True,
        metavar="NUMBER",
        help="A telephone number in any spelling; repeatable.",
    ),
    click.option(
        "--numbers-file", metavar="FILE", help="Numbers, one to a line; - for standard input."
    ),
    click.option(
        "--as",
        "side",
        default=Side.EITHER.value,
        metavar="|".join(side.value for side in Side),
        help="On which side of the call; either when not said.",
    ),
]


def _columns(words: str) -> Option:
    return click.option("--columns", metavar="NAMES", help=words)


def _command(of: Family) -> click.Command:
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
    of: Family,
    *,
    first: str | None,
    last: str | None,
    recent: str | None,
    fmt: str | None,
    output: str | None,
    email: tuple[str, ...],
    choice: str | None = None,
    **chosen: Any,
) -> None:
    context: ReportContext = ctx.obj
    report = find_report(of.name, {of.name: of}, choice)
    recipients = _recipients(email)
    wanted = choose_format(fmt, output)
    to_stdout = output is None or output == "-"
    wants_output = not email or fmt is not None or output is not None
    if wants_output and to_stdout and wanted in BINARY_FORMATS and sys.stdout.isatty():
        raise ReportError(f"{wanted} is not for a terminal: give --output FILE, or pipe it")
    try:
        reporting = context.reporting()
    except ReportError as error:  # of a setting, not of an option
        raise click.ClickException(str(error)) from None
    now = datetime.now(ZoneInfo(reporting.timezone))
    period = choose_period(first, last, recent, now.date())
    opened = _calls if report.listing else _sums
    with opened(reporting, report, period, chosen) as made:
        if wants_output:
            _put(made(for_people(wanted)), wanted, output, now)
        if recipients:
            _mail(context, made(True), recipients, now)


def _recipients(email: tuple[str, ...]) -> list[str]:
    try:
        recipients = parse_addresses(email)
    except MailError as error:
        raise ReportError(f"--email: {error}") from None
    if email and not recipients:  # a variable of a script that was never set
        raise ReportError("--email is empty: name at least one address, or leave it out")
    return recipients


Making = Callable[[bool], Made]
"""Gives the report with the defaults for people (True) or for machines."""


@contextmanager
def _sums(
    reporting: Reporting, report: Report, period: Period, chosen: dict[str, Any]
) -> Iterator[Making]:
    asked = Asked(**chosen)

    def made(people: bool) -> Made:
        return Sums(reporting, request_for(reporting, report, asked, period, people=people))

    yield made


@contextmanager
def _calls(
    reporting: Reporting, report: Report, period: Period, chosen: dict[str, Any]
) -> Iterator[Making]:
    if reporting.numbers is None:
        raise ReportError(f"{report.title} is not to be had here")
    listed = _listed(chosen["numbers_file"])
    numbers = [*chosen["numbers"], *listed]
    customers, providers = find_accounts(
        reporting, BREAKOUT, period, chosen["customers"], chosen["providers"], known_only=False
    )
    try:
        side = Side(chosen["side"])
    except ValueError:
        raise unknown("side", chosen["side"], [side.value for side in Side]) from None
    if chosen["top"] is not None and chosen["top"] < 1:
        raise ReportError(f"--top {chosen['top']}: ask for at least 1 row")
    try:
        question = reporting.numbers.ask(
            numbers, side, period.first, period.last, customers=customers, providers=providers
        )
    except CallsError as error:
        where = ""
        if isinstance(error, NoNumberError) and error.number not in chosen["numbers"]:
            where = f"--numbers-file {chosen['numbers_file']}, line {listed[error.number]}: "
        raise ReportError(f"{where}{error}") from None
    with reporting.numbers.find(question) as found:

        def made(people: bool) -> Made:
            single = len(question.numbers) == 1
            columns = number_columns(report, chosen["columns"], people=people, single=single)
            request = NumberRequest(
                report, period, side, columns, chosen["top"], customers, providers
            )
            return CallList(reporting, request, found)

        yield made


def _listed(path: str | None) -> dict[str, int]:
    """The numbers of a file, one to a line, each with its first line; blank lines and lines that
    begin with # are none.
    """
    if path is None:
        return {}
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"--numbers-file {path}: cannot be read ({error})") from None
    found: dict[str, int] = {}
    for place, line in enumerate(text.splitlines(), start=1):
        number = line.strip()
        if number and not number.startswith("#"):
            found.setdefault(number, place)
    if not found:
        raise ReportError(f"--numbers-file {path}: there is no number in it")
    return found


def _put(made: Made, fmt: str, output: str | None, now: datetime) -> None:
    path = None if output is None or output == "-" else Path(output)
    if fmt == "table":
        _print(made, path)
        return
    if path is not None:
        with new_file(path) as file:
            notices = render(made, fmt, now, file)
    else:
        notices = render(made, fmt, now, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    for notice in notices:
        click.echo(f"notice: {notice}", err=True)


def _print(made: Made, path: Path | None) -> None:
    from rich.console import Console

    from pipelines.cli.show import REPORT_WIDTH
    from resources.reporting.terminal import print_table

    at_terminal = path is None and sys.stdout.isatty()
    sink = io.StringIO()
    console = Console(highlight=False) if at_terminal else Console(file=sink, width=REPORT_WIDTH)
    tables = made.tables(people=True)
    notices = made.notices(tables[-1][1])
    title = made.title
    for subtitle, table in tables:
        said = f"{title}: {subtitle}" if subtitle else title
        print_table(said, notices, table, console, minutes=made.minutes)
        notices = ()
    if path is not None:
        with new_file(path) as file:
            file.write(sink.getvalue().encode("utf-8"))
    elif not at_terminal:
        click.echo(sink.getvalue(), nl=False)


def _mail(context: ReportContext, made: Made, recipients: list[str], now: datetime) -> None:
    from pipelines.sending import smtp_settings
    from resources.reporting.message import compose

    smtp = smtp_settings(context.settings)
    document = made.document(now)
    domain = smtp.sender.rpartition("@")[2].strip("> ") or "localhost"
    message = compose(document, smtp.sender, recipients, make_msgid("report", domain=domain))
    for remark in made.remarks(document.table):
        click.echo(f"notice: {remark}", err=True)
    sent = send(message, smtp)
    click.echo(f"sent to {', '.join(sent.accepted)}", err=True)
    if sent.refused:
        told = "; ".join(f"{address}: {words}" for address, words in sent.refused.items())
        raise click.ClickException(f"the mail server {smtp.server} refused {told}")


for _report in REPORTS.values():
    report.add_command(_command(_report))

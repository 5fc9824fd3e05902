"""`cdr-reports files` and `quarantine`: what was delivered, what became of it, taking it back."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from pipelines.cli.show import as_it_is, show_table
from pipelines.quarantine import quarantined, write_named, write_unnamed
from resources.intake.take import WrongHome
from resources.ledger.cold import DayIsCold
from resources.ledger.file import NUMBERS, FileAccount, FileStatus, UnknownFile
from resources.reporting.errors import ReportError
from resources.reporting.output import new_file
from resources.sources import SOURCES

if TYPE_CHECKING:
    from pipelines.cli.main import Program


@click.group(invoke_without_command=True)
@click.pass_context
def files(ctx: click.Context) -> None:
    """List the delivered files and their accounts.

    For each file: records = accepted + duplicates + quarantined; superseded are accepted records
    that a later delivery has replaced.
    """
    if ctx.invoked_subcommand is not None:
        return
    program: Program = ctx.obj
    accounts = program.workplace.files.accounts()
    if not accounts:
        click.echo(f"no files yet; put them into {program.settings.landing_url}/<source>/")
        return
    show_table(
        [("file", True), ("source", False), ("name", False), ("status", False),
         *((name, True) for name in NUMBERS), ("days", False), ("reason", False)],
        (
            (str(a.file.id), a.file.source, a.file.name, a.file.status, *a.numbers.values(),
             a.days_in_words, a.file.reason or "")
            for a in accounts
        ),
    )  # fmt: skip


@files.command("show")
@click.argument("file")
@click.pass_context
def show(ctx: click.Context, file: str) -> None:
    """Show one FILE (its number or name) with the reasons of what was refused."""
    program: Program = ctx.obj
    account = _account(program, file)
    found = account.file
    click.echo(_called(account))
    facts = [
        ("number", str(found.id)), ("status", found.status), ("reason", found.reason),
        ("size", f"{found.size:,} bytes"), ("sha256", found.sha256),
        ("taken", f"{found.taken_at:%Y-%m-%d %H:%M:%S} UTC"), ("days", account.days_in_words),
        *account.numbers.items(),
    ]  # fmt: skip
    show_table([("", False), ("", False)], facts)
    reasons = program.workplace.files.reasons(found.id)
    if reasons:
        click.echo("\nrefused, by reason (a record may have several):")
        show_table([("reason", False), ("records", True)], reasons.items())
        click.echo(f"\n`cdr-reports quarantine export --file {found.id}` writes these records.")


@files.command("withdraw")
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def withdraw(ctx: click.Context, file: str, yes: bool) -> None:
    """Take a wrongly delivered FILE (its number or name) out again.

    Its rows leave, rows that it had superseded come back, its days are built anew by the next
    run. The file in the landing folder is not touched, and is not taken in again.
    """
    program: Program = ctx.obj
    account = _account(program, file)
    # One whose withdrawal was cut short may be typed again.
    if account.file.status not in (FileStatus.TAKEN, FileStatus.WITHDRAWING):
        raise click.ClickException(
            f"{_called(account)} is {account.file.status}: only a taken file can be withdrawn"
        )
    if not yes:
        click.confirm(
            f"withdraw {_called(account)} with {account.accepted:,} accepted records of "
            f"{account.days_in_words}?",
            abort=True,
        )
    try:
        program.workplace.intake.withdraw(account.file)
    except (WrongHome, DayIsCold) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"withdrawn; stale now: {account.days_in_words or 'no day'}. `cdr-reports run` builds them"
    )


def _called(account: FileAccount) -> str:
    """The file by source and name, whatever characters it was named with."""
    return as_it_is(f"{account.file.source}/{account.file.name}").plain


@click.group()
def quarantine() -> None:
    """Work with the records that were refused."""


@quarantine.command("export")
@click.option("--file", "file", help="Only of this file (its number or name).")
@click.option("--source", type=click.Choice(sorted(SOURCES)), help="Only of this source.")
@click.option("--output", default="-", metavar="FILE", help="A file, or - for standard output.")
@click.pass_context
def export(ctx: click.Context, file: str | None, source: str | None, output: str) -> None:
    """Write the refused records as CSV, to be mended and delivered again.

    The columns are the source's own; behind them stand quarantine_file, quarantine_line,
    quarantine_reasons and quarantine_raw (the record as delivered), which the intake ignores. For
    a source whose files have no header the records are written as delivered, and the rest goes
    beside them into FILE.reasons.csv.
    """
    program: Program = ctx.obj
    wanted = [
        account
        for account in ([_account(program, file)] if file else program.workplace.files.accounts())
        if account.file.quarantined and account.file.status is FileStatus.TAKEN
        and (source is None or account.file.source == source)
    ]  # fmt: skip
    sources = sorted({account.file.source for account in wanted})
    if not wanted:
        click.echo("nothing in quarantine", err=True)
        return
    if len(sources) > 1:
        raise click.UsageError(
            f"there are refused records of {' and '.join(sources)}: choose one with --source"
        )
    records = quarantined(program.workplace, wanted)
    if SOURCES[sources[0]].header:
        count = _to(output, lambda handle: write_named(handle, wanted, records))
    elif output == "-":
        raise click.UsageError(f"records of {sources[0]} need --output FILE: they make two files")
    else:
        count = _write_unnamed(Path(output), records)
    click.echo(f"{count:,} records", err=True)


def _account(program: "Program", wanted: str) -> FileAccount:
    try:
        return program.workplace.files.account(wanted)
    except UnknownFile as error:
        raise click.ClickException(str(error)) from None


def _write_unnamed(path: Path, records: Iterator[dict[str, Any]]) -> int:
    with _new_text(path) as raw, _new_text(path.with_name(f"{path.name}.reasons.csv")) as why:
        return write_unnamed(raw, why, records)


def _to(output: str, write: Callable[[TextIO], int]) -> int:
    if output == "-":
        return write(sys.stdout)
    with _new_text(Path(output)) as handle:
        return write(handle)


@contextmanager
def _new_text(path: Path) -> Iterator[TextIO]:
    """A file of text that is whole or not there, in a folder that is made. Raises ReportError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror}") from None
    with new_file(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()

"""`cdr-reports run` and `ui`: the night in this process, and the web interface that watches it."""

import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.cli.home import refuse_full_disk
from pipelines.cli.show import Pulse, as_it_is, console

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dagster as dg

    from pipelines.assembly import Workplace
    from pipelines.cli.main import Program
    from pipelines.sensors import Batch
    from resources.ledger import FileAccount
    from resources.ledger.file import Standing


@click.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Take in new files, build the days that are stale and send the reports that are due.

    All in this process; the runs are recorded in the same Dagster instance that the web interface
    shows. Ends with status 1 when a file could not be taken, a day failed its checks or a report
    could not be sent, and with 130 when it was stopped (Ctrl-C): the next run goes on from there.
    """
    from resources.engine import EngineError

    program: Program = ctx.obj
    refuse_full_disk(program.settings.home)
    try:
        program.workplace.model_engine.check()
    except EngineError as error:
        raise click.ClickException(str(error)) from None
    program.workplace.lake.table("delivered")  # a store that is away is said once, at the door
    try:
        troubles = run_night(program.workplace)
    except KeyboardInterrupt:  # between two jobs
        raise Stopped from None
    if troubles:
        for trouble in troubles:
            click.echo(as_it_is(f"trouble: {trouble}").plain, err=True)
        sys.exit(1)


class Stopped(click.ClickException):
    """A signal has ended this."""

    exit_code = 130  # as shells have it of Ctrl-C

    def __init__(self) -> None:
        super().__init__("stopped; what was done is kept, and the same command goes on from there")


def run_night(workplace: "Workplace") -> list[str]:
    """Intake, the stale days, the reports that are due; what went wrong.

    With a progress bar on standard error, or, where that is no terminal, a line a minute.
    """
    from pipelines.alerts import told_since
    from pipelines.cli.deliveries import send_due
    from pipelines.definitions import build_defs
    from pipelines.instance import open_instance
    from pipelines.partitions import range_tags
    from pipelines.sensors import batches
    from resources.days import DAY_TABLES
    from resources.ledger import FileStatus

    started = time.monotonic()
    settings = workplace.settings
    before = {_known_as(file) for file in workplace.files.standing()}
    if settings.alert_email:
        told_since(workplace)  # now, not at the end: the first night's own troubles are told, too
    out = console(stderr=True)
    with (
        open_instance(settings) as instance,
        Progress(
            TextColumn("{task.description:<40.40}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=out,
            disable=not out.is_terminal,
        ) as progress,
    ):
        bar = progress.add_task("intake", total=None)
        telling = replace(workplace, tell=lambda step: progress.console.print(as_it_is(step)))
        defs = build_defs(settings, open_workplace=lambda: telling)
        troubles = execute(defs, "intake_job", instance, {})
        news = [f.id for f in workplace.files.standing() if _known_as(f) not in before]
        taken = workplace.files.accounts_of(news)
        for account in taken:
            if account.file.status is FileStatus.FAILED:
                troubles.append(f"{account.file.source}/{account.file.name}: {account.file.reason}")

        def due(tried_again: bool) -> "list[Batch]":
            stale = workplace.days.stale(DAY_TABLES)
            if tried_again:
                stale = [replace(day, failed=False) for day in stale]
            return batches(stale, settings.first_day, workplace.today())

        # First also those whose checks have failed before: who runs this wants to see them tried.
        # Then those that were held up because another day of their run has failed; what has
        # failed by itself would only fail again.
        first = due(tried_again=True)
        days = _count(first)
        progress.update(bar, total=days * len(DAY_TABLES), completed=0, description="days")

        pulse = Pulse(lambda text: out.print(as_it_is(text)))

        def advance(step: str) -> None:
            progress.update(bar, description=step, advance=1)
            if not out.is_terminal:
                done = progress.tasks[bar].completed
                pulse(f"{step}, {done:,.0f} of {days * len(DAY_TABLES):,}")

        building = replace(workplace, tell=advance)
        defs = build_defs(settings, open_workplace=lambda: building)
        for batch in first:
            troubles += execute(defs, "build_days", instance, range_tags(batch.first, batch.last))
        if troubles:
            for batch in (b for b in due(tried_again=False) if b not in first):
                tags = range_tags(batch.first, batch.last)
                troubles += execute(defs, "build_days", instance, tags)
        days = max(0, days - _count(due(tried_again=True)))
        progress.update(bar, description="reports")
        sent, ill = send_due(workplace, instance)
        troubles += ill
        troubles += _alert(workplace, instance)
    _summary(workplace, taken, days, sent, time.monotonic() - started)
    return troubles


def _count(batches: "Iterable[Batch]") -> int:
    """How many days they are."""
    return sum((batch.last - batch.first).days + 1 for batch in batches)


def _known_as(file: "Standing") -> tuple[object, ...]:
    """The same as long as there is nothing new to tell of a file.

    One that cannot be reached is tried each time, and has another number then.
    """
    what = file.reason if file.status == "failed" else file.id
    return file.source, file.name, file.status, what


def _alert(workplace: "Workplace", instance: "dg.DagsterInstance") -> list[str]:
    """Mails what went wrong to the operators; why that could not be done."""
    from pipelines.alerts import tell, troubles_of
    from resources.mailer import MailError

    if not workplace.settings.alert_email:
        return []
    try:
        tell(workplace, troubles_of(workplace, instance))
    except MailError as error:
        return [f"the alert could not be sent and will be: {error}"]
    return []


def execute(
    defs: "dg.Definitions", job: str, instance: "dg.DagsterInstance", tags: dict[str, str]
) -> list[str]:
    """Runs a job in this process; its failures in words. Raises Stopped."""
    from dagster._core.events import RunFailureReason
    from dagster._core.execution.plan.objects import ErrorSource

    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags=tags,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    failures = []
    for event in result.all_events:
        data = event.step_failure_data if event.is_step_failure else None
        if data is not None and data.error_source is ErrorSource.INTERRUPT:
            raise Stopped
        if event.is_job_failure and (
            event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
        ):
            raise Stopped  # in between two steps
        if data is not None and data.error is not None:
            words = data.user_failure_data.description if data.user_failure_data else None
            error = data.error
            first = error.cause or error
            text = words or re.sub(rf"^[\w.]*{first.cls_name}: ", "", first.message)
            said = text.split("\n\nLINE ")[0]  # DuckDB goes on with the SQL
            failures.append(f"{event.step_key}: {said.strip()}")
    if not result.success and not failures:
        failures.append(f"{job} failed; `cdr-reports ui` shows run {result.run_id}")
    return failures


def _summary(
    workplace: "Workplace", taken: "list[FileAccount]", days: int, sent: int, seconds: float
) -> None:
    settled = workplace.files.accounts_of(a.file.id for a in taken)
    records = sum(a.file.records or 0 for a in settled)
    quarantined = sum(a.file.quarantined or 0 for a in settled)
    duplicates = sum(a.duplicates for a in settled)
    click.echo(
        f"{len(taken)} new files, {records:,} records: "
        f"{records - duplicates - quarantined:,} accepted, {duplicates:,} duplicates, "
        f"{quarantined:,} quarantined; {days} days built; {sent} reports sent; {seconds:.1f} s",
        err=True,
    )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535))
@click.pass_context
def ui(ctx: click.Context, host: str, port: int) -> None:
    """Open Dagster's web interface and daemon: assets, runs, back-fills, the nightly schedule."""
    from explorer.server import listening
    from pipelines.instance import environment

    program: Program = ctx.obj
    # The checkout's workspace gives the code location the name that `dagster dev` gives it too.
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    where = ["-w", str(workspace)] if workspace.exists() else ["-m", "pipelines.definitions"]
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", *where, "-h", host, "-p", str(port)]
    # Dagster would say in the midst of its log that there is no web interface, and go on.
    try:
        listening(host, port).close()
    except OSError as error:
        raise click.ClickException(
            f"cannot serve at {host}, port {port}: {error.strerror}; choose another --port"
        ) from None
    click.echo(f"http://{host}:{port} (Ctrl-C ends it)")
    os.execve(command[0], command, environment(program.settings))  # noqa: S606 (our own command, no shell)

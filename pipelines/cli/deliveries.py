"""`cdr-reports deliveries`: what was sent to whom, made from what, and sending it again."""

import io
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.show import REPORT_WIDTH, show_table

if TYPE_CHECKING:
    import dagster as dg

    from pipelines.assembly import Workplace
    from pipelines.cli.main import Program
    from resources.ledger.delivery import Delivery
    from resources.schedules.office import Office
    from resources.schedules.planning import Group

# As `State` of the ledger has them: to import it would make every command slow to start.
STATES = ("queued", "sending", "sent", "failed", "skipped")


@click.group()
def deliveries() -> None:
    """See what scheduled reports were sent, to whom and made from what; send one again."""


@deliveries.command("list")
@click.option("--schedule", metavar="NAME", help="Only of this schedule.")
@click.option("--state", multiple=True, type=click.Choice(STATES), help="Only these; repeatable.")
@click.option(
    "--last", type=click.IntRange(1), default=50, show_default=True, help="Only the newest so many."
)
@click.pass_context
def list_(ctx: click.Context, schedule: str | None, state: tuple[str, ...], last: int) -> None:
    """List deliveries, the newest last."""
    from resources.ledger.delivery import State
    from resources.ledger.schedules import UnknownSchedule

    program: Program = ctx.obj
    workplace = program.workplace
    number = None
    if schedule is not None:
        try:
            number = workplace.schedules.named(schedule).id
        except UnknownSchedule as error:
            raise click.ClickException(str(error)) from None
    states = tuple(map(State, state)) or tuple(State)
    found = workplace.deliveries.find(number, states, newest=last)
    if not found:
        click.echo("no deliveries; `cdr-reports schedules list` tells what comes next")
        return
    names = {n: workplace.schedules.get(n).name for n in {d.schedule_id for d in found}}
    show_table(
        [("delivery", True), ("schedule", False), ("for", False), ("period", False),
         ("revision", True), ("state", False), ("settled", False), ("note", False)],
        (
            (str(d.id), names[d.schedule_id], d.account, d.days, d.revision, d.state,
             _moment(d.settled_at), d.note or "")
            for d in found
        ),
    )  # fmt: skip


@deliveries.command("show")
@click.argument("number", type=int)
@click.option("--as-sent", is_flag=True, help="The report's figures as they were when it was made.")
@click.pass_context
def show(ctx: click.Context, number: int, as_sent: bool) -> None:
    """Show one delivery (its NUMBER): recipients, lake versions, files, figures."""
    program: Program = ctx.obj
    workplace = program.workplace
    delivery = _delivery(workplace, number)
    if as_sent:
        _as_sent(workplace, delivery)
        return
    schedule = workplace.schedules.get(delivery.schedule_id)
    versions = ", ".join(f"{table} {v if v >= 0 else '–'}" for table, v in delivery.sources.items())
    facts: list[tuple[str, object]] = [
        ("schedule", schedule.name), ("period", delivery.days), ("for", delivery.account),
        ("revision", str(delivery.revision)), ("reason", delivery.reason),
        ("state", delivery.state), ("note", delivery.note), ("due", _moment(delivery.due_at)),
        ("attempts", str(delivery.attempts)), ("settled", _moment(delivery.settled_at)),
        ("Message-ID", delivery.message_id),
        ("missing days", ", ".join(map(str, delivery.missing))),
        ("lake versions", versions),
        ("files", str(workplace.settings.home / delivery.folder) if delivery.folder else ""),
    ]  # fmt: skip
    show_table([("", False), ("", False)], [(k, v) for k, v in facts if v not in ("", None)])
    recipients = workplace.deliveries.recipients(number)
    if recipients:
        click.echo("")
        show_table(
            [("recipient", False), ("", False), ("outcome", False), ("at", False),
             ("the mail server said", False)],
            ((r.address, r.kind, r.outcome, _moment(r.at), r.words or "") for r in recipients),
        )  # fmt: skip


@deliveries.command("resend")
@click.argument("number", type=int)
@click.pass_context
def resend(ctx: click.Context, number: int) -> None:
    """Send one delivery (its NUMBER) again, now.

    What failed or was skipped is tried again as it is. What was sent goes out as a further
    revision with the figures of now, and says so when they differ.
    """
    from pipelines.sending import open_office
    from resources.schedules.planning import again

    program: Program = ctx.obj
    try:
        delivery = again(open_office(program.workplace), _delivery(program.workplace, number))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    send_now(program.workplace, [delivery])


def send_now(workplace: "Workplace", wanted: "Iterable[Delivery]") -> None:
    """Sends deliveries at once, each group in a run, and tells what became of them.

    Ends the command with status 1 when one is not out.
    """
    from pipelines.instance import open_instance
    from pipelines.sending import open_office
    from resources.ledger.delivery import State
    from resources.schedules.planning import agenda

    office = open_office(workplace)
    numbers = {delivery.id for delivery in wanted}
    with open_instance(workplace.settings) as instance:
        found = agenda(office)
        ready = [g for g in found.ready if numbers & {d.id for d in g.deliveries}]
        broken = [found.held] if found.held else run_groups(workplace, instance, ready)
    asked = [office.deliveries.get(n) for n in sorted(numbers)]
    for line in broken:
        click.echo(f"trouble: {line}", err=True)
    for delivery in asked:
        click.echo(told(office, delivery), err=True)
    if broken or any(d.state is not State.SENT for d in asked if d.state is not State.SKIPPED):
        sys.exit(1)


def send_due(workplace: "Workplace", instance: "dg.DagsterInstance") -> tuple[int, list[str]]:
    """Plans and sends all that is due: how many reports went out, and what went wrong."""
    from pipelines.sending import open_office
    from resources.ledger.delivery import State
    from resources.schedules.planning import agenda, plan, revise

    office = open_office(workplace)
    troubles = [*plan(office), *revise(office, seconds=float("inf"))]
    found = agenda(office)
    troubles += [found.held] if found.held else run_groups(workplace, instance, found.ready)
    after = [office.deliveries.get(d.id) for group in found.ready for d in group.deliveries]
    ill = [d for d in after if d.state in (State.FAILED, State.QUEUED)]
    return sum(d.state is State.SENT for d in after), troubles + [told(office, d) for d in ill]


def run_groups(
    workplace: "Workplace", instance: "dg.DagsterInstance", groups: "Iterable[Group]"
) -> list[str]:
    """Runs the job for each group in this process; the runs that broke, and why."""
    from pipelines.definitions import build_defs
    from pipelines.deliveries import run_config, tags

    groups, broken = list(groups), []
    if not groups:
        return []
    defs = build_defs(workplace.settings, open_workplace=lambda: workplace)
    job = defs.resolve_job_def("deliver_reports")
    for group in groups:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        result = job.execute_in_process(
            instance=instance,
            tags=tags(group),
            raise_on_error=False,
            run_config={**run_config(group), **quiet},
        )
        for event in result.all_events:
            data = event.step_failure_data if event.is_step_failure else None
            # A delivery that has failed is told by the ledger; this is a run that broke.
            if data is not None and data.error is not None and data.user_failure_data is None:
                error = data.error.cause or data.error
                broken.append(f"{group.schedule}: {error.message.strip()}")
    return broken


def told(office: "Office", delivery: "Delivery") -> str:
    """A line on what became of a delivery."""
    from pipelines.deliveries import in_words

    name = office.schedules.get(delivery.schedule_id).name
    whose = f" for {delivery.account}" if delivery.account else ""
    return f"{name}{whose}, {delivery.days} (delivery {delivery.id}): {in_words(delivery)}"


def _as_sent(workplace: "Workplace", delivery: "Delivery") -> None:
    """Prints the report's figures from the lake versions that were noted when it was made."""
    from dataclasses import replace

    import duckdb
    from rich.console import Console

    from pipelines.reporting import open_reporting
    from resources.lake import VersionGone
    from resources.reporting import words
    from resources.reporting.interfaces import no_notices
    from resources.reporting.period import Period
    from resources.reporting.terminal import print_table
    from resources.schedules import compared, rendering
    from resources.schedules.model import from_text

    if delivery.definition is None:
        why = delivery.note or f"it is {delivery.state}"
        raise click.ClickException(f"delivery {delivery.id} was never made: {why}")
    lake = workplace.lake.at(delivery.sources)
    reporting = replace(open_reporting(workplace, lake), notices=no_notices)
    period = Period(delivery.first_day, delivery.last_day)
    schedule = from_text(delivery.definition)
    kept = f"the report's files are in {workplace.settings.home / (delivery.folder or '')}"
    try:
        table = rendering.table(reporting, schedule, delivery.account, period)
        found = compared.figures(reporting, schedule, delivery.account, period)
    except (VersionGone, duckdb.IOException, FileNotFoundError) as error:
        raise click.ClickException(
            f"the lake does not hold these versions any more ({type(error).__name__}: {error}); "
            f"{kept}"
        ) from None
    if found.differ(delivery.figures):
        raise click.ClickException(
            "these are not the figures that were sent: a table was put back from an older copy and "
            f"has other versions now, or a report of one's own was edited; {kept}"
        )
    sink = io.StringIO()
    at_terminal = sys.stdout.isatty()
    console = Console(highlight=False) if at_terminal else Console(file=sink, width=REPORT_WIDTH)
    title = f"{schedule.report}, {words.period(period)} ({reporting.timezone})"
    print_table(title, (), table, console, minutes=reporting.minutes)
    click.echo(sink.getvalue(), nl=False)


def _delivery(workplace: "Workplace", number: int) -> "Delivery":
    from resources.ledger.delivery import UnknownDelivery

    try:
        return workplace.deliveries.get(number)
    except UnknownDelivery as error:
        raise click.ClickException(str(error)) from None


def _moment(at: datetime | None) -> Any:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""

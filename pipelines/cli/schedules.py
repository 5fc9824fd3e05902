"""`cdr-reports schedules`: which reports go out when and to whom.

Reads options and YAML and hands them to `resources.schedules`, which judges and keeps them.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.home import need_home
from pipelines.cli.schedule_options import with_options
from pipelines.cli.show import show_table

if TYPE_CHECKING:
    from pipelines.cli.main import Program
    from resources.ledger.schedules import ScheduleRecord, Wanted
    from resources.schedules.definition import Defined
    from resources.schedules.model import Schedule


@click.group()
def schedules() -> None:
    """Manage the reports that go out by e-mail every day, week or month.

    A daily report covers yesterday, a weekly one the last Monday to Sunday, a monthly one the last
    calendar month. It goes out once its days are built, at the time of day that is asked for.
    """


@schedules.command("add")
@click.option("--name", required=True, help="What it is called, in lists and by commands.")
@with_options("Default: {}.")
@click.pass_context
def add(ctx: click.Context, /, name: str, **options: Any) -> None:
    """Add a schedule; its first report is the next one that falls due."""
    from resources.ledger.schedules import NameTaken

    program: Program = ctx.obj
    need_home(program.settings.home)
    defined = _define(program, {"name": name, **_said(options)})
    schedule = defined.schedule
    try:
        program.workplace.schedules.add(schedule.name, schedule.text(), datetime.now(UTC))
    except NameTaken as error:
        raise click.ClickException(str(error)) from None
    _tell(program, defined)


@schedules.command("edit")
@click.argument("name")
@click.option("--name", "new_name", help="What it is to be called.")
@with_options("")
@click.pass_context
def edit(ctx: click.Context, /, name: str, new_name: str | None, **options: Any) -> None:
    """Change the schedule NAME; what is not named stays as it is."""
    from resources.ledger.schedules import NameTaken
    from resources.schedules.model import from_text

    program: Program = ctx.obj
    record = _named(program, name)
    before = from_text(record.definition)
    said = _said(options) | ({"name": new_name} if new_name is not None else {})
    defined = _define(program, {**before.plain(), **said})
    now = datetime.now(UTC)
    # Another frequency has other periods: those that are past are not owed.
    since = now if defined.schedule.frequency != before.frequency else None
    try:
        program.workplace.schedules.change(
            record.id, defined.schedule.name, defined.schedule.text(), now, since
        )
    except NameTaken as error:
        raise click.ClickException(str(error)) from None
    _tell(program, defined)


@schedules.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List the schedules, and when each report falls due next."""
    from resources.schedules.model import from_text

    program: Program = ctx.obj
    found = program.workplace.schedules.all()
    if not found:
        click.echo("no schedules yet; `cdr-reports schedules add --help` tells how to add one")
        return
    show_table(
        [("name", False), ("frequency", False), ("report", False), ("audience", False),
         ("to", False), ("next", False)],
        (
            (r.name, s.frequency, s.report, s.audience, s.recipients,
             _next(program, s, 1)[0] if r.enabled else "paused")
            for r, s in ((r, from_text(r.definition)) for r in found)
        ),
    )  # fmt: skip


@schedules.command("show")
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, name: str) -> None:
    """Show the schedule NAME, its next reports and its last deliveries."""
    from resources.schedules.model import from_text

    program: Program = ctx.obj
    record = _named(program, name)
    schedule = from_text(record.definition)
    facts = [
        (field, ", ".join(value) if isinstance(value, list) else str(value))
        for field, value in schedule.plain().items()
        if value != []
    ]
    show_table([("", False), ("", False)], [*facts, ("enabled", str(record.enabled))])
    if record.enabled:
        click.echo("\nnext: " + "\n      ".join(_next(program, schedule, 3)))
    sent = program.workplace.deliveries.find(record.id, newest=5)
    if sent:
        click.echo("")
        show_table(
            [("delivery", True), ("for", False), ("period", False), ("revision", True),
             ("state", False), ("note", False)],
            ((str(d.id), d.account, d.days, d.revision, d.state, d.note or "") for d in sent),
        )  # fmt: skip


@schedules.command("pause")
@click.argument("name")
@click.pass_context
def pause(ctx: click.Context, name: str) -> None:
    """Send nothing of the schedule NAME until it is resumed."""
    program: Program = ctx.obj
    program.workplace.schedules.pause(_named(program, name).id, datetime.now(UTC))
    click.echo(f"{name} is paused")


@schedules.command("resume")
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, name: str) -> None:
    """Send the schedule NAME again; what fell due while it was paused is not sent."""
    from resources.schedules.model import from_text

    program: Program = ctx.obj
    record = _named(program, name)
    if not record.enabled:
        program.workplace.schedules.resume(record.id, datetime.now(UTC))
    click.echo(f"next: {_next(program, from_text(record.definition), 1)[0]}")


@schedules.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(ctx: click.Context, name: str, yes: bool) -> None:
    """Remove the schedule NAME; what it has sent stays on record."""
    program: Program = ctx.obj
    record = _named(program, name)
    if not yes:
        click.confirm(f"remove the schedule {name!r}?", abort=True)
    program.workplace.schedules.remove(record.id, datetime.now(UTC))
    click.echo(f"{name} is removed")


@schedules.command("preview")
@click.argument("name")
@click.option("--account", metavar="ID", help="Whose report of a fan-out; default: the first.")
@click.option("--output", metavar="FOLDER", help="Write the mail and its attachments there.")
@click.pass_context
def preview(ctx: click.Context, name: str, account: str | None, output: str | None) -> None:
    """Make the last whole period's report of the schedule NAME, and send it to nobody."""
    from pipelines.sending import open_office
    from resources.reporting.output import new_file
    from resources.schedules.model import from_text
    from resources.schedules.planning import preview as make

    program: Program = ctx.obj
    schedule = from_text(_named(program, name).definition)
    try:
        made = make(open_office(program.workplace), schedule, account)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"To: {schedule.recipients}\nSubject: {made.message['Subject']}\n")
    body: Any = made.message.get_body(("plain",))
    click.echo(body.get_content().strip())
    if output is not None:
        folder = Path(output)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise click.ClickException(f"cannot write {folder}: {error.strerror}") from None
        for file, content in {**made.files, "message.eml": made.message.as_bytes()}.items():
            with new_file(folder / file) as stream:
                stream.write(content)
        click.echo(f"\nwritten to {folder}: {', '.join([*made.files, 'message.eml'])}", err=True)


@schedules.command("run-now")
@click.argument("name")
@click.pass_context
def run_now(ctx: click.Context, name: str) -> None:
    """Send the last whole period's report of the schedule NAME now, whatever its days are.

    It is that period's delivery: it does not go out once more when it falls due. What has failed or
    was skipped is tried again; who has it already does not get it again.
    """
    from pipelines.cli.deliveries import send_now
    from pipelines.sending import open_office
    from resources.schedules.planning import run_now as queue

    program: Program = ctx.obj
    found = queue(open_office(program.workplace), _named(program, name))
    if not found:
        raise click.ClickException(
            "this period's report is out already: `cdr-reports deliveries list` has its number "
            "for `cdr-reports deliveries resend`"
        )
    send_now(program.workplace, found)


@schedules.command("export")
@click.option("--output", default="-", metavar="FILE", help="A file, or - for standard output.")
@click.pass_context
def export(ctx: click.Context, output: str) -> None:
    """Write all schedules as YAML, to be kept in git and imported elsewhere."""
    import yaml

    from resources.reporting.output import new_file
    from resources.reporting.request import quoted
    from resources.schedules.model import from_text

    program: Program = ctx.obj
    plain = []
    for record in program.workplace.schedules.all():
        fields = from_text(record.definition).plain()
        for side in ("customers", "providers"):  # an id may hold what parts a list
            fields[side] = [quoted(account) for account in fields[side]]
        plain.append({**fields, "enabled": record.enabled})
    text = yaml.safe_dump({"schedules": plain}, sort_keys=False, allow_unicode=True)
    if output == "-":
        click.echo(text, nl=False)
    else:
        with new_file(Path(output)) as file:
            file.write(text.encode("utf-8"))


@schedules.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.pass_context
def import_(ctx: click.Context, file: Any) -> None:
    """Add or change schedules as the YAML FILE (- for standard input) has them, all or none.

    Schedules are known by their name; those that the file does not have stay as they are.
    """
    from resources.ledger.schedules import NameTaken
    from resources.schedules.definition import ScheduleError, briefly
    from resources.schedules.written import WrittenError, read

    program: Program = ctx.obj
    need_home(program.settings.home)
    try:
        entries = read(file)
    except WrittenError as error:
        raise click.ClickException(f"{file.name} is {error}") from None
    defined: list[tuple[Defined, bool]] = []
    problems = []
    for number, entry in enumerate(entries, start=1):
        values = dict(entry)
        enabled = values.pop("enabled", True)
        name = values.get("name", "without a name")
        label = f"schedule {number} ({name if isinstance(name, str) else briefly(name)})"
        try:
            if not isinstance(enabled, bool):
                raise ScheduleError(f"enabled: {briefly(enabled)} is neither true nor false")
            defined.append((_judged(program, values), enabled))
        except ScheduleError as error:
            problems += [f"{label}: {line}" for line in str(error).splitlines()]
    names = [d.schedule.name for d, _ in defined]
    problems += [f"{n!r} is there twice" for n in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise click.ClickException("\n".join(problems) + "\nNothing was changed.")
    store, now = program.workplace.schedules, datetime.now(UTC)
    there = {record.name: record for record in store.all()}
    wanted = {
        of.schedule.name: _wanted(there.get(of.schedule.name), of.schedule, enabled, now)
        for of, enabled in defined
    }
    try:
        store.put([each for each in wanted.values() if each], now)
    except NameTaken:  # by somebody else, just now
        raise click.ClickException(
            "another process has changed schedules. Nothing was changed here: import again."
        ) from None
    for of, _ in defined:
        name = of.schedule.name
        for warning in of.warnings:
            click.echo(f"warning: {name}: {warning}", err=True)
        done = "added" if name not in there else "changed" if wanted[name] else "unchanged"
        click.echo(f"{done}: {name}", err=True)


def _wanted(
    there: "ScheduleRecord | None", schedule: "Schedule", enabled: bool, now: datetime
) -> "Wanted | None":
    """What is to be written of a schedule; None when it is as it was.

    One of another frequency, or that was paused, is owed from now on.
    """
    from resources.ledger.schedules import Wanted
    from resources.schedules.model import from_text

    if there is None:
        return Wanted(None, schedule.name, schedule.text(), enabled, now)
    before = from_text(there.definition)
    if before == schedule and there.enabled == enabled:
        return None
    anew = before.frequency != schedule.frequency or (enabled and not there.enabled)
    return Wanted(there.id, schedule.name, schedule.text(), enabled, now if anew else None)


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None and value != ()
    }


def _define(program: "Program", values: dict[str, Any]) -> "Defined":
    from resources.schedules.definition import ScheduleError

    try:
        return _judged(program, values)
    except ScheduleError as error:
        raise click.UsageError(str(error)) from None


def _judged(program: "Program", values: dict[str, Any]) -> "Defined":
    from pipelines.sending import read_accounts
    from resources.reference.accounts import AccountsError
    from resources.reporting.period import Period
    from resources.schedules.definition import define

    today = program.workplace.today()
    try:
        accounts = read_accounts(program.workplace)
    except AccountsError as error:
        raise click.ClickException(str(error)) from None
    return define(values, accounts, program.settings.timezone, Period(today, today))


def _tell(program: "Program", defined: "Defined") -> None:
    for warning in defined.warnings:
        click.echo(f"warning: {warning}", err=True)
    (first,) = _next(program, defined.schedule, 1)
    click.echo(f"{defined.schedule.name}: next {first}")


def _next(program: "Program", schedule: "Schedule", count: int) -> list[str]:
    from resources.schedules.due import upcoming_in_words

    return upcoming_in_words(schedule, datetime.now(UTC), program.settings.zone, count)


def _named(program: "Program", name: str) -> "ScheduleRecord":
    from resources.ledger.schedules import UnknownSchedule

    try:
        return program.workplace.schedules.named(name)
    except UnknownSchedule as error:
        raise click.ClickException(str(error)) from None

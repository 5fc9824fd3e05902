"""`cdr-reports demo`: the whole way once, from made-up CDR files to an e-mailed report."""

import os
import shlex
import shutil
import socket
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.assembly import Workplace

MARK = ".cdr-reports-demo"
FIRST_DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 8)


@click.command()
@click.option("--folder", default="demo", show_default=True, help="Where everything goes.")
@click.option(
    "--rows", default=100_000, show_default=True, type=click.IntRange(1), help="Calls a day."
)
@click.pass_context
def demo(ctx: click.Context, folder: str, rows: int) -> None:
    """Make a week of calls up, run the night, make and send the week's Breakout."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    from pipelines.cli.main import Program
    from pipelines.cli.report import report
    from pipelines.cli.run import run_night
    from resources.generator.cdrs import generate, write_accounts

    started = time.monotonic()
    home = _fresh(Path(folder).absolute())

    class Keep(Sink):
        """Keeps each mail as a file."""

        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            content = envelope.content  # type: ignore[attr-defined]
            (home / "mail" / f"{len(list((home / 'mail').iterdir())) + 1}.eml").write_bytes(content)
            return "250 kept"

    (home / "mail").mkdir()
    port = _free_port()
    server = Controller(Keep(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        program = Program()
        program.settings = load_settings(
            home=str(home), landing="", lake="", ledger_url="", timezone="UTC", settle_seconds=0,
            first_day=date(2020, 1, 1), smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none",
            smtp_user="", alert_email="", smtp_from="cdr-reports@example.com",
        )  # fmt: skip
        write_accounts(home)
        days = (LAST_DAY - FIRST_DAY).days + 1
        click.echo(f"making up {days} days of {rows:,} calls", err=True)
        generate(home / "landing" / "connexcs", FIRST_DAY, days, rows, 1, dirty_share=0.001)
        click.echo("running the night", err=True)
        troubles = run_night(program.workplace)
        if troubles:
            raise click.ClickException("; ".join(troubles))
        week = ["breakout", "--from", str(FIRST_DAY), "--to", str(LAST_DAY)]
        out = home / "out"
        out.mkdir()
        for name in ("pdf", "html"):
            path = str(out / f"breakout-{FIRST_DAY}-to-{LAST_DAY}.{name}")
            report.main([*week, "--output", path], standalone_mode=False, obj=program)
        report.main([*week, "--email", "billing@example.com"], standalone_mode=False, obj=program)
        click.echo("sending two scheduled reports", err=True)
        _scheduled(program.workplace)
    finally:
        server.stop()
    here = os.path.relpath(home)
    click.echo(
        f"""
Done in {time.monotonic() - started:.0f} s. What there is now:

  {here}/landing/connexcs/   the CDR files, as a switch would deliver them
  {here}/lake/               the tables (Delta Lake)
  {here}/out/                the week's Breakout as PDF and HTML
  {here}/mail/1.eml          the week's Breakout as a mail; any mail program opens it
  {here}/mail/2.eml, 3.eml   what two schedules sent: to one customer, to the house
  {here}/data-docs/          what the checks of each day said

Go on with (CDR_REPORTS_HOME says which home a command works in):

  export CDR_REPORTS_HOME={shlex.quote(str(home))}
  .venv/bin/cdr-reports files
  .venv/bin/cdr-reports report breakout {" ".join(week[1:])} --group-by provider
  .venv/bin/cdr-reports schedules list        (paused, as the demo's calls are of the past)
  .venv/bin/cdr-reports deliveries list
  .venv/bin/cdr-reports ui        then open http://127.0.0.1:3000
  .venv/bin/cdr-reports explore   then open http://127.0.0.1:8321/?from={FIRST_DAY}&to={LAST_DAY}"""
    )


def _scheduled(workplace: "Workplace") -> None:
    """Two schedules, and what they send on the Monday after the week."""
    from pipelines.sending import open_office, read_accounts
    from resources.reporting.period import Period
    from resources.schedules.definition import define
    from resources.schedules.delivery import deliver_all
    from resources.schedules.planning import agenda, plan

    accounts, week = read_accounts(workplace), Period(FIRST_DAY, LAST_DAY)
    customer = min(accounts.customers)
    sunday, monday = (
        datetime.combine(day, clock, UTC)
        for day, clock in ((LAST_DAY, time_of_day(12)), (LAST_DAY + timedelta(1), time_of_day(8)))
    )
    for values in (
        {"name": "weekly margins", "email": "cfo@example.com", "group": "provider"},
        {"name": "weekly for a customer", "email": "customer@example.com",
         "audience": "customer", "customers": customer},
    ):  # fmt: skip
        found = define({**values, "frequency": "weekly"}, accounts, "UTC", week).schedule
        workplace.schedules.add(found.name, found.text(), sunday)
    office = replace(open_office(workplace), clock=lambda: monday)
    plan(office)
    for delivery in deliver_all(office, agenda(office).ready):
        if delivery.state != "sent":
            raise click.ClickException(
                f"delivery {delivery.id} is {delivery.state}: {delivery.note}"
            )
    for record in workplace.schedules.all():
        workplace.schedules.pause(record.id, monday)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fresh(home: Path) -> Path:
    """An empty folder for the demo; one that an earlier demo has made is emptied."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise click.ClickException(f"{home} holds something else: choose another --folder")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).touch()
    return home

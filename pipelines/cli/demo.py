"""`cdr-reports demo`: the whole way once, from made-up CDR files to an e-mailed report."""

import os
import shutil
import socket
import time
from datetime import date
from pathlib import Path

import click

from pipelines.settings import load_settings

MARK = ".cdr-reports-demo"
FIRST_DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 8)


@click.command()
@click.option("--folder", default="demo", show_default=True, help="Where everything goes.")
@click.option("--rows", default=100_000, show_default=True, help="Calls a day.")
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
            home=home, landing="", ledger_url="", timezone="UTC", settle_seconds=0,
            first_day=date(2020, 1, 1), smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none",
            smtp_user="", smtp_from="cdr-reports@example.com",
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
    finally:
        server.stop()
    here = os.path.relpath(home)
    click.echo(
        f"""
Done in {time.monotonic() - started:.0f} s. What there is now:

  {here}/landing/connexcs/   the CDR files, as a switch would deliver them
  {here}/lake/               the tables (Delta Lake)
  {here}/out/                the week's Breakout as PDF and HTML
  {here}/mail/1.eml          the mail that was sent; any mail program opens it
  {here}/data-docs/          what the checks of each day said

Go on with (CDR_REPORTS_HOME says which home a command works in):

  export CDR_REPORTS_HOME={home}
  .venv/bin/cdr-reports files
  .venv/bin/cdr-reports report breakout {" ".join(week[1:])} --group-by provider
  .venv/bin/cdr-reports ui        then open http://127.0.0.1:3000"""
    )


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

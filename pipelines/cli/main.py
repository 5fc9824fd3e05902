"""The command `cdr-reports`: gathers the command families and opens what they work with."""

import errno
import gc
import logging
import os
import sys
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import click

from pipelines.cli.home import need_home, opening_ledger, refuse_no_home
from pipelines.settings import Settings, SettingsError, load_settings
from resources.bucket import StoreError

if TYPE_CHECKING:
    from pipelines.assembly import Workplace
    from resources.reporting.interfaces import Reporting


class Program:
    """What the commands share: settings, the home's parts, reporting; each opened when used."""

    @cached_property
    def settings(self) -> Settings:
        """The settings in force. Raises click.ClickException naming the wrong one."""
        try:
            return load_settings()
        except SettingsError as error:
            raise click.ClickException(str(error)) from None

    @cached_property
    def workplace(self) -> "Workplace":
        """Lake, ledger, landing folder and engine of the home.

        Raises click.ClickException when there is none: who may begin one calls `need_home` first.
        """
        from pipelines.assembly import Workplace

        refuse_no_home(self.settings.home)
        need_home(self.settings.home)
        found = Workplace(self.settings)
        with opening_ledger(self.settings):
            _ = found.days
        return found

    def reporting(self) -> "Reporting":
        """What reports are made from."""
        from pipelines.reporting import open_reporting

        return open_reporting(self.workplace)


COMMANDS = {
    "run": "pipelines.cli.run:run",
    "report": "pipelines.cli.report:report",
    "reports": "pipelines.cli.reports:reports",
    "schedules": "pipelines.cli.schedules:schedules",
    "deliveries": "pipelines.cli.deliveries:deliveries",
    "files": "pipelines.cli.files:files",
    "quarantine": "pipelines.cli.files:quarantine",
    "upkeep": "pipelines.cli.upkeep:upkeep",
    "cold": "pipelines.cli.upkeep:cold",
    "reference": "pipelines.cli.reference:reference",
    "migrate": "pipelines.cli.migrate:migrate",
    "explore": "pipelines.cli.explore:explore",
    "users": "pipelines.cli.users:users",
    "ui": "pipelines.cli.run:ui",
    "demo": "pipelines.cli.demo:demo",
}
"""Where each command is; only the one that is called is imported, as some take their time."""


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cdr-reports")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Nightly reports from call detail records.

    CDR files go into the landing folder, `run` takes them in and builds their days, `report` tells
    what they say. Settings are CDR_REPORTS_* variables or lines of .env; README.md lists them.
    """
    logging.addLevelName(logging.WARNING, "warning")  # as all else that is told here
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    ctx.obj = ctx.obj or Program()
    # A wrong setting is refused before anything starts, whatever the command.
    _ = ctx.obj.settings


def main() -> None:
    """The entry point. A reader of our output that goes away is no error."""
    seldom_look_for_garbage()
    try:
        cli(prog_name="cdr-reports")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if not (told := _in_words(error)):
            raise
        sys.exit(f"Error: {told}")
    finally:
        # Else Python looks, as it ends, for cycles among all that Dagster and Great Expectations
        # have made: three seconds for nothing.
        gc.freeze()


def seldom_look_for_garbage() -> None:
    """For cyclic garbage: each 700 objects, as Python does, costs a PDF a fifth of its time."""
    gc.set_threshold(200_000, 20, 100)


def _in_words(error: Exception) -> str:
    """What is no fault of the program's; blank for what is."""
    from resources.engine import EngineError
    from resources.reference.accounts import AccountsError
    from resources.reference.plan import ReferenceDataError
    from resources.reference.rates import RatesError
    from resources.reporting.errors import ReportError

    told = (
        SettingsError,
        StoreError,
        EngineError,
        AccountsError,
        ReferenceDataError,
        RatesError,
        ReportError,
    )
    if isinstance(error, told):
        return str(error)
    if _is_full_disk(error):
        return "the disk is full: make room and run again; what was there is still there"
    if type(error).__module__ == "_internal":  # delta-rs
        return (
            f"a table of the lake cannot be opened: {error}. `cdr-reports run` mends what a power "
            "cut has left of one; else put it back from a backup"
        )
    if type(error).__module__.lstrip("_") == "duckdb":
        line = str(error).splitlines()[0]
        if ".parquet" in line:
            return (
                f"a file of the lake cannot be read: {line}. `cdr-reports run` builds a day anew "
                "whose file is gone or cut short; else put it back from a backup"
            )
    return ""


def _is_full_disk(error: BaseException | None) -> bool:
    """Whether no room was left, in the words of the system, SQLite, DuckDB or Dagster over them."""
    while error is not None:
        words = str(error).lower()
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left on device" in words:
            return True
        if "disk is full" in words or "disk i/o error" in words:
            return True
        error = error.__cause__ or error.__context__
    return False

"""Whether the home and its ledger can be worked with: looked at before anything is begun."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipelines.settings import SQLITE, Settings

LEAST_FREE_MB = 32
"""With less the ledger and Dagster's own files cannot even note what went wrong."""


def need_home(home: Path) -> None:
    """Makes the home. Raises click.ClickException when it cannot be written to."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(
            f"CDR_REPORTS_HOME: {home} cannot be made a folder: {error.strerror}"
        ) from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise click.ClickException(
            f"CDR_REPORTS_HOME: {home} cannot be written to: every command does, be it for what it "
            "sorts; see to whose the folder is and how it is mounted"
        )


def refuse_no_home(home: Path) -> None:
    """For who needs what is in it: one that is not there is a mistyped one.

    Raises click.ClickException.
    """
    if not home.is_dir():
        raise click.ClickException(
            f"CDR_REPORTS_HOME: there is no folder {home}; `cdr-reports run` makes a new home"
        )


def refuse_full_disk(home: Path) -> None:
    """The same, and says that the disk is full. Raises click.ClickException."""
    need_home(home)
    free = shutil.disk_usage(home).free / 1e6
    if free < LEAST_FREE_MB:
        raise click.ClickException(
            f"the disk of {home} is full ({free:,.1f} MB free): make room and run again"
        )


@contextmanager
def opening_ledger(settings: Settings) -> Iterator[None]:
    """For who opens the ledger. Raises click.ClickException, which names the setting, when it
    cannot be opened or a newer program has migrated it.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from resources.ledger import NewerLedger

    try:
        yield
    except NewerLedger as error:
        raise click.ClickException(str(error)) from None
    except (SQLAlchemyError, ImportError) as error:  # ImportError: of the database's driver
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        which = "CDR_REPORTS_LEDGER_URL" if settings.ledger_url else settings.home / SQLITE
        raise click.ClickException(f"{which}: the ledger cannot be opened: {said}") from None

"""Whether the home can be worked in: looked at before anything is begun."""

import os
import shutil
from pathlib import Path

import click

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
    """For who only reads: one that is not there is a mistyped one. Raises click.ClickException."""
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

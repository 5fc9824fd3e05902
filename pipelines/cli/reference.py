"""`cdr-reports reference`: load a newer number plan or exchange rates, show what is in force.

Reads options and prints; the work is `resources.reference`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from pipelines.cli.show import show_table
from pipelines.settings import Settings
from resources.reference.loader import Loaded, LoadError, load
from resources.reference.plan import ReferenceData, ReferenceDataError
from resources.reference.rates import (
    RatesError,
    install_rates,
    load_rates,
    shipped_table,
    table_in_force,
)

_COUNTRIES = {"US": "United States", "CA": "Canada"}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class ReferenceContext(Protocol):
    """What `ctx.obj` must offer."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...


@click.group()
def reference() -> None:
    """Number plan and exchange rates: load newer ones, show what is in force."""


@reference.command("load")
@click.option("--nanpa", type=_FILE, help="NANPA's CoCodeAssignment_Utilized file, zip or text.")
@click.option("--cnac", type=_FILE, help="CNAC's COCodeStatus file, zip or CSV.")
@click.option("--rates", type=_FILE, help="The ECB's eurofxref-hist.zip.")
@click.pass_obj
def load_command(
    context: ReferenceContext, nanpa: Path | None, cnac: Path | None, rates: Path | None
) -> None:
    """Replace the NPA-NXX table or the exchange rates by newer files, as they are published.

    The country whose file is given is replaced as a whole. Days that are built from then on use
    the new table.
    """
    if nanpa is None and cnac is None and rates is None:
        raise click.UsageError("name a file with --nanpa, --cnac or --rates")
    home = context.settings.home
    if rates is not None:
        try:
            found = install_rates(home, rates)
        except (RatesError, OSError) as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"exchange rates up to {found.last_day}; days built from now on use them")
    if nanpa is None and cnac is None:
        return
    try:
        reports = load(home, nanpa, cnac)
    except (LoadError, ReferenceDataError) as error:
        raise click.ClickException(str(error)) from None
    for report in reports:
        _print(report)
    click.echo(f"written: {ReferenceData.of_home(home).npanxx}")


@reference.command("show")
@click.pass_obj
def show_command(context: ReferenceContext) -> None:
    """Which reference files are in force, from where, of when, and how many rows they have."""
    try:
        inventory = ReferenceData.of_home(context.settings.home).inventory()
        table = table_in_force(context.settings.home)
        rates = load_rates(table)
    except (ReferenceDataError, RatesError, OSError) as error:
        raise click.ClickException(str(error)) from None
    rows: list[tuple[object, ...]] = [
        (e.name, e.path if e.own else "shipped", f"{e.modified:%Y-%m-%d}", e.rows)
        for e in inventory
    ]
    whence = "shipped" if table == shipped_table() else table
    rows.append(("exchange rates", whence, rates.last_day, len(rates.days)))
    show_table([("file", False), ("from", False), ("written", False), ("rows", True)], rows)


def _print(report: Loaded) -> None:
    click.echo(
        f"{_COUNTRIES[report.country]}: {report.rows:,} codes, {report.added:,} added, "
        f"{report.removed:,} removed, {report.changed:,} changed, "
        f"{report.without_lata:,} without a LATA"
    )
    if report.skipped:
        told = ", ".join(f"{count:,} {name or 'blank'}" for name, count in report.skipped.items())
        click.echo(f"  not assigned and left out: {told}")
    if report.gone_regions:
        click.echo(
            f"  warning: no code any more in {', '.join(report.gone_regions)}; if the file is not "
            "of all areas, load the complete one",
            err=True,
        )
    if report.unknown_npas:
        click.echo(
            f"  warning: area codes {', '.join(report.unknown_npas)} are not in nanp_npa.csv, so "
            "their calls count as invalid; put a newer nanp_npa.csv into the home's folder "
            "reference",
            err=True,
        )

"""A home with lake, ledger and landing folder for tests, and the quickest way through it."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.days import DAY_TABLES, BuiltDay
from resources.held import TABLES

DATA = Path(__file__).parents[1] / "data"
GOLDEN = DATA / "golden"
EVER = (date(2000, 1, 1), date(2100, 1, 1))


def make_home(folder: Path, **settings: Any) -> Workplace:
    """An empty home; its landing folder is `folder/landing`.

    The engine has one thread unless told otherwise: for so few calls more only wait for each other,
    which costs the suite a tenth of its time.
    """
    return Workplace(load_settings(home=folder, **{"settle_seconds": 0, "threads": 1, **settings}))


def land(workplace: Workplace, *paths: Path, source: str = "connexcs") -> None:
    """Puts copies of files into a source's landing folder."""
    folder = workplace.settings.home / "landing" / source
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copy(path, folder / path.name)


def golden_files() -> list[Path]:
    return sorted((GOLDEN / "landing" / "connexcs").iterdir())


def build_all(workplace: Workplace) -> list[BuiltDay]:
    """Takes in what is new and builds the stale days, without Dagster."""
    workplace.intake.run()
    return [
        workplace.builder.build(table, stale.day)
        for stale in workplace.days.stale(DAY_TABLES)
        for table in DAY_TABLES
    ]


def rows_of(workplace: Workplace, table: str, text: str) -> list[dict[str, Any]]:
    """The rows of a question to one table over all its days."""
    with workplace.engine.connect({table: workplace.lake.files(table, *EVER)}) as connection:
        rows: list[dict[str, Any]] = connection.execute(text).to_arrow_table().to_pylist()
        return rows


def contents(workplace: Workplace) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the day tables hold, in an order of its own, to compare two lakes."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in DAY_TABLES:
        files = workplace.lake.files(table, *EVER)
        if not files:
            found[table] = []
            continue
        with workplace.engine.connect({table: files}) as connection:
            described = connection.execute(f"DESCRIBE {table}").fetchall()
            names = [row[0] for row in described]
            # Which file a row came from depends on the order of delivery, where it stands on the
            # engine's threads: no figures.
            kept = ", ".join(f'"{n}"' for n in names if n not in ("file_id", "line", "call_row"))
            if table in TABLES:  # sums of late calls stand in files of their own
                kept = ", ".join(
                    f'SUM("{name}")' if kind.startswith(("BIGINT", "HUGEINT", "DECIMAL")) else name
                    for name, kind, *_ in described
                )
            found[table] = connection.execute(
                f"SELECT {kept} FROM {table} {'GROUP BY ALL' * (table in TABLES)} ORDER BY ALL"
            ).fetchall()
    return found

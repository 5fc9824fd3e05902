"""The files of a table that is no day table: which deliveries and days each of them holds."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable


@dataclass(frozen=True)
class Part:
    """A file in force of a table that is no day table, and which deliveries and days it holds.

    `path` is below the table's folder. Of a file without call dates the days are None.
    """

    path: str
    uri: str
    size: int
    rows: int
    first_file: int
    last_file: int
    first_day: date | None
    last_day: date | None

    def may_hold(self, file_id: int) -> bool:
        """Whether rows of the delivered file may be in it: it may hold those of several."""
        return self.first_file <= file_id <= self.last_file


def parts_of(table: DeltaTable, folder: Path) -> list[Part]:
    """The files in force, by the deliveries in them; `folder` is where the table's are, or their
    copies.
    """
    known = pa.table(table.get_add_actions(flatten=True))
    nothing = [None] * known.num_rows

    def column(of: str) -> list[Any]:
        return known[of].to_pylist() if of in known.column_names else nothing

    columns = [
        column(of)
        for of in ("path", "size_bytes", "num_records", "min.file_id", "max.file_id",
                   "min.call_date", "max.call_date")
    ]  # fmt: skip
    return sorted(
        (Part(path, str(folder / path), *rest) for path, *rest in zip(*columns, strict=True)),
        key=lambda part: (part.first_file, part.path),
    )

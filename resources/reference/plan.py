"""Which reference files are in force, and the number plan read out of them.

Finding and reading the shipped or overriding files lives here. Judging a number by them is
`numbers`, writing newer ones is `loader`, exchange rates are `rates`.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SHIPPED = Path(__file__).parent / "data"
"""Folder of the files that come with the program; `README.md` in it tells origin and terms."""

NPA = "nanp_npa.csv"
NPANXX = "nanp_npanxx.parquet"
PREFIXES = "destination_prefixes.csv"
RELEASE_CAUSES = "release_causes.csv"
LATA = "lata.csv"

COLUMNS: dict[str, tuple[str, ...]] = {
    NPA: ("npa", "category", "country", "region"),
    NPANXX: (
        "npanxx", "country", "region", "rate_center", "lata", "lata_source", "ocn", "company",
    ),
    PREFIXES: ("prefix", "country", "country_name", "carrier", "kind", "destination"),
    RELEASE_CAUSES: ("sip", "q850", "meaning", "kpi_class"),
    LATA: ("lata", "name"),
}  # fmt: skip
"""Columns that each file must have; all of them are text."""


LONGEST_PREFIX = 9
"""Digits of the longest prefix that a number's country and network are looked up by."""


_KEYS = {
    NPA: ("npa", "[0-9]{3}", "3 digits"),
    PREFIXES: ("prefix", f"[0-9]{{1,{LONGEST_PREFIX}}}", f"1 to {LONGEST_PREFIX} digits"),
    RELEASE_CAUSES: ("sip", "[0-9]{3}", "3 digits"),
    LATA: ("lata", "[0-9]+", "digits"),
}
"""Of each CSV file the column that is looked up, which has no value twice, and its form."""


class ReferenceDataError(Exception):
    """A reference file is missing or unfit; the text names file, line, value and the remedy."""


@dataclass(frozen=True)
class AreaCode:
    """One row of `nanp_npa.csv`; `country` and `region` are None for non-geographic codes."""

    npa: str
    category: str
    country: str | None
    region: str | None


@dataclass(frozen=True)
class Exchange:
    """One NPA-NXX; unknown rate centre or LATA is None."""

    npanxx: str
    country: str | None
    region: str | None
    rate_center: str | None
    lata: str | None


@dataclass(frozen=True)
class Prefix:
    """An E.164 prefix: its country (ISO 3166), mobile network if any, and destination name."""

    prefix: str
    country: str
    carrier: str | None
    destination: str


@dataclass(frozen=True)
class NumberPlan:
    """The number plan in memory: area codes, NPA-NXX and E.164 prefixes by their digits."""

    area_codes: dict[str, AreaCode] = field(repr=False)
    exchanges: dict[str, Exchange] = field(repr=False)
    prefixes: dict[str, Prefix] = field(repr=False)

    def longest_prefix(self, digits: str) -> Prefix | None:
        """The longest prefix that `digits` (E.164, no plus) begins with."""
        for length in range(min(len(digits), 15), 0, -1):
            if found := self.prefixes.get(digits[:length]):
                return found
        return None


@dataclass(frozen=True)
class ReferenceData:
    """The reference files in force.

    `folder` is the home's `reference` folder: a file in it replaces the shipped file of the same
    name. None, or a folder that does not exist, means the shipped ones.
    """

    folder: Path | None = None

    @classmethod
    def of_home(cls, home: Path) -> "ReferenceData":
        """The files in force for a home folder."""
        return cls(home / "reference")

    def is_overridden(self, name: str) -> bool:
        """Whether the file of this name is the home's own."""
        return self.folder is not None and (self.folder / name).is_file()

    def path(self, name: str) -> Path:
        """Path of the file in force. Raises ReferenceDataError for another name."""
        if name not in COLUMNS:
            raise ReferenceDataError(f"{name} is no reference file; known are {', '.join(COLUMNS)}")
        if self.folder is not None and self.is_overridden(name):
            return self.folder / name
        return SHIPPED / name

    def contents(self) -> list[bytes]:
        """What the files in force hold that say what a number is."""
        files = (self.npa, self.npanxx, self.prefixes, self.release_causes)
        return [file.read_bytes() for file in files]

    @property
    def npa(self) -> Path:
        """CSV: area code → category, country, region (state)."""
        return self.path(NPA)

    @property
    def npanxx(self) -> Path:
        """Parquet: NPA-NXX → country, region (state), rate centre, LATA, OCN, company."""
        return self.path(NPANXX)

    @property
    def prefixes(self) -> Path:
        """CSV: E.164 prefix → country, carrier, destination; the longest wins."""
        return self.path(PREFIXES)

    @property
    def release_causes(self) -> Path:
        """CSV: SIP status → Q.850 cause, meaning, class for the network effectiveness ratio."""
        return self.path(RELEASE_CAUSES)

    @property
    def lata(self) -> Path:
        """CSV: LATA → name."""
        return self.path(LATA)

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file in force, as trimmed text. Raises ReferenceDataError when it is
        unfit.
        """
        return read_csv(self.path(name), name)

    def load_area_codes(self) -> dict[str, AreaCode]:
        """The area codes by their digits. Raises ReferenceDataError when the file is unfit."""
        return {
            row["npa"]: AreaCode(
                row["npa"], row["category"], row["country"] or None, row["region"] or None
            )
            for row in self.rows(NPA)
        }

    def load_plan(self) -> NumberPlan:
        """Read the number plan into memory. Raises ReferenceDataError when a file is unfit."""
        areas = self.load_area_codes()
        prefixes = {
            row["prefix"]: Prefix(
                row["prefix"], row["country"], row["carrier"] or None, row["destination"]
            )
            for row in self.rows(PREFIXES)
        }
        table = read_npanxx(self.npanxx)
        columns = [table.column(name).to_pylist() for name in COLUMNS[NPANXX][:5]]
        exchanges = {values[0]: Exchange(*values) for values in zip(*columns, strict=True)}
        return NumberPlan(areas, exchanges, prefixes)

    def inventory(self) -> list["InForce"]:
        """What is in force, one entry a file, in the order of `COLUMNS`.

        Raises ReferenceDataError when one of them is unfit.
        """
        return [
            InForce(
                name=name,
                path=self.path(name),
                own=self.is_overridden(name),
                modified=datetime.fromtimestamp(self.path(name).stat().st_mtime, tz=UTC),
                rows=count_rows(name, self.path(name)),
            )
            for name in COLUMNS
        ]


@dataclass(frozen=True)
class InForce:
    """A reference file in force: where it is, whether the home's own, when written, its rows."""

    name: str
    path: Path
    own: bool
    modified: datetime
    rows: int


def read_csv(path: Path, name: str) -> list[dict[str, str]]:
    """The rows of a file of this name, as trimmed text, each with a key of its own.

    Raises ReferenceDataError, which names file, line and value.
    """
    key, form, words = _KEYS[name]
    seen: dict[str, int] = {}
    found = []
    for line, row in _lines(path, COLUMNS[name]):
        value = row[key]
        if not re.fullmatch(form, value):
            raise ReferenceDataError(
                f"{path}, line {line}: {key} {value!r} is not {words}; mend or remove the line"
            )
        if value in seen:
            raise ReferenceDataError(
                f"{path}, line {line}: {key} {value} was already in line {seen[value]}; "
                "remove one of them"
            )
        seen[value] = line
        found.append(row)
    return found


def _lines(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV with header, with the lines that they end in."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)  # else a quote that is not closed takes the rest
            header = [name.strip().lower() for name in next(reader, [])]
            line = reader.line_num
            missing = [name for name in required if name not in header]
            if missing:
                raise ReferenceDataError(
                    f"{path}, line 1: no column {missing[0]!r}; the header must name "
                    f"{', '.join(required)}"
                )
            for values in reader:
                line = reader.line_num
                if not any(value.strip() for value in values):
                    continue
                if len(values) != len(header):
                    raise ReferenceDataError(
                        f"{path}, line {line}: {len(values)} fields where the header has "
                        f"{len(header)}: {','.join(values)[:80]!r}; mend or remove the line"
                    )
                yield line, dict(zip(header, map(str.strip, values), strict=True))
    except OSError as error:
        raise ReferenceDataError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReferenceDataError(
            f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None
    except csv.Error as error:
        raise ReferenceDataError(
            f"{path}, after line {line}: {error}; is a double quote not closed?"
        ) from None


def read_npanxx(path: Path) -> pa.Table:
    """An NPA-NXX Parquet file: the columns of `COLUMNS` as text, unknown values null.

    Raises ReferenceDataError, also when an NPA-NXX stands in it twice.
    """
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise ReferenceDataError(
            f"{path}: no readable Parquet file ({error}); remove it to use the shipped one"
        ) from error
    missing = [name for name in COLUMNS[NPANXX] if name not in table.column_names]
    if missing:
        raise ReferenceDataError(
            f"{path}: no column {missing[0]!r}; remove the file to use the shipped one"
        )
    counts = pc.value_counts(table.column("npanxx"))
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise ReferenceDataError(
            f"{path}: NPA-NXX {twice[0]['values'].as_py()} stands in it "
            f"{twice[0]['counts'].as_py()} times; remove the file to use the shipped one"
        )
    return table.select(list(COLUMNS[NPANXX]))


def count_rows(name: str, path: Path) -> int:
    """Rows of the reference file of that name. Raises ReferenceDataError when it is unfit."""
    if name == NPANXX:
        return int(read_npanxx(path).num_rows)
    return len(read_csv(path, name))

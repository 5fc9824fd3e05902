"""Loads newer number plan files, as NANPA and CNAC publish them, into the home.

Reading the published forms, carrying the LATAs over (neither file has them) and writing the new
`nanp_npanxx.parquet` live here. The published forms:

- NANPA, "Central Office Code Assignments, Utilized" (`CoCodeAssignment_Utilized_AllStates_Public`,
  before 2024 `allutlzd`): tab-separated text, or CSV, with a header: State, NPA-NXX, OCN, Company,
  RateCenter, EffectiveDate, Use, AssignDate, Initial/Growth, Pooled Code ...; fields padded with
  spaces. `Use` is AS when the code is assigned.
- CNAC, "CO Code Status" (`COCodeStatus_ALL`): CSV, quoted, with a header: NPA, CO Code (NXX),
  Status, Exchange Area, Province, Company, OCN, Remarks; one line holds nothing but the date.
  `Status` is In Service when the code is assigned.

Both come zipped; the zip is read as well as the file in it.
"""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from resources.durable import replacing
from resources.reference.plan import COLUMNS, NPANXX, AreaCode, ReferenceData, read_npanxx

LEAST_ROWS = 1000
"""A file with fewer assigned codes is a part of the plan, or none: it would empty the rest."""

_CODE = re.compile(r"([2-9][0-9]{2})-?([2-9][0-9]{2})")


class LoadError(Exception):
    """A file is not fit to be loaded; the text names file, line, value and what to do."""


class Code(NamedTuple):
    """One row of `nanp_npanxx.parquet`; unknown values are None."""

    npanxx: str
    country: str
    region: str | None
    rate_center: str | None
    lata: str | None
    lata_source: str | None
    ocn: str | None
    company: str | None


@dataclass(frozen=True)
class Loaded:
    """What a load did to one country's codes. `skipped`: rows not assigned, by their status."""

    country: str
    rows: int
    added: int
    removed: int
    changed: int
    without_lata: int
    skipped: dict[str, int]
    gone_regions: tuple[str, ...]
    unknown_npas: tuple[str, ...]


def load(home: Path, nanpa: Path | None, cnac: Path | None) -> list[Loaded]:
    """Write `<home>/reference/nanp_npanxx.parquet` anew and say what changed, by country.

    The country whose file is given is replaced as a whole, the other kept from what is in force.
    Nothing is written when anything is refused. Raises LoadError, ReferenceDataError.
    """
    if nanpa is None and cnac is None:
        raise LoadError("no file given; name NANPA's, CNAC's or both")
    given = [
        (country, *read(path))
        for path, country, read in ((nanpa, "US", read_nanpa), (cnac, "CA", read_cnac))
        if path is not None
    ]
    data = ReferenceData.of_home(home)
    npas = data.load_area_codes()
    table = read_npanxx(data.npanxx)
    columns = [table.column(name).to_pylist() for name in COLUMNS[NPANXX]]
    in_force = [Code(*values) for values in zip(*columns, strict=True)]
    kept = list(in_force)
    reports = []
    for country, codes, skipped in given:
        if country == "US":
            codes = [_with_state(code, npas) for code in codes]
        before = [code for code in in_force if code.country == country]
        codes = carry_latas(codes, before)
        kept = [code for code in kept if code.country != country] + codes
        reports.append(_report(country, before, codes, skipped, set(npas)))
    counts = Counter(code.npanxx for code in kept)
    twice = [npanxx for npanxx, count in counts.items() if count > 1]
    if twice:
        raise LoadError(
            f"{_dashed(twice[0])} is assigned in both countries; load both files of one date"
        )
    _write(home / "reference" / NPANXX, sorted(kept, key=lambda code: code.npanxx))
    return reports


def read_nanpa(path: Path) -> tuple[list[Code], dict[str, int]]:
    """The assigned US codes of NANPA's file, without LATA, and the others' count by use."""
    needed = {
        "npanxx": ("npanxx",),
        "state": ("state",),
        "ocn": ("ocn",),
        "company": ("company",),
        "rate_center": ("ratecenter",),
        "status": ("use",),
    }
    return _read(path, needed, "US", "NANPA's Central Office Code Assignments", {"as"})


def read_cnac(path: Path) -> tuple[list[Code], dict[str, int]]:
    """The Canadian codes in service of CNAC's file, without LATA, and the others by status."""
    needed = {
        "npa": ("npa",),
        "nxx": ("cocodenxx", "nxx", "cocode"),
        "state": ("province",),
        "ocn": ("ocn",),
        "company": ("company",),
        "rate_center": ("exchangearea",),
        "status": ("status",),
    }
    return _read(path, needed, "CA", "CNAC's CO Code Status", {"in service", "assigned"})


def carry_latas(codes: list[Code], in_force: list[Code]) -> list[Code]:
    """Give each code the LATA that what is in force knows; `lata_source` says how.

    In this order: the same code in the same rate centre (source kept); `rc`, the one LATA of the
    state's rate centre; `rc+npa`, of the rate centre within the area code; `prefix`, the same code
    with another rate centre; `npa`, the one LATA of the area code; `none`. Canadian codes have the
    one LATA of Canada and no source.
    """
    by_code = {code.npanxx: code for code in in_force}
    latas = [code for code in in_force if code.lata]
    by_centre = _only(latas, lambda code: (code.region, code.rate_center))
    by_both = _only(latas, lambda code: (code.npanxx[:3], code.region, code.rate_center))
    by_npa = _only(latas, lambda code: code.npanxx[:3])
    whole = {code.lata for code in latas}
    canada = next(iter(whole)) if len(whole) == 1 else None
    found = []
    for code in codes:
        old = by_code.get(code.npanxx)
        centre = (code.region, code.rate_center)
        if code.country == "CA":
            found.append(code._replace(lata=canada))
            continue
        lata: str | None
        how: str
        if old and old.lata and (old.region, old.rate_center) == centre:
            lata, how = old.lata, old.lata_source or "prefix"
        elif code.rate_center and centre in by_centre:
            lata, how = by_centre[centre], "rc"
        elif code.rate_center and (code.npanxx[:3], *centre) in by_both:
            lata, how = by_both[code.npanxx[:3], *centre], "rc+npa"
        elif old and old.lata:
            lata, how = old.lata, "prefix"
        elif code.npanxx[:3] in by_npa:
            lata, how = by_npa[code.npanxx[:3]], "npa"
        else:
            lata, how = None, "none"
        found.append(code._replace(lata=lata, lata_source=how))
    return found


def _only(codes: list[Code], key: Callable[[Code], Hashable]) -> dict[Hashable, str]:
    """Key → LATA, of the keys that have one LATA only."""
    found: dict[Hashable, set[str]] = {}
    for code in codes:
        if code.lata:
            found.setdefault(key(code), set()).add(code.lata)
    return {name: next(iter(latas)) for name, latas in found.items() if len(latas) == 1}


def _with_state(code: Code, npas: dict[str, AreaCode]) -> Code:
    """The state follows from the area code; the file's own is used for one that is new."""
    area = npas.get(code.npanxx[:3])
    return code._replace(region=area.region) if area and area.country == "US" else code


def _report(
    country: str,
    before: list[Code],
    after: list[Code],
    skipped: dict[str, int],
    npas: set[str],
) -> Loaded:
    old, new = {c.npanxx: c for c in before}, {c.npanxx: c for c in after}
    regions = {c.region for c in after}
    return Loaded(
        country=country,
        rows=len(new),
        added=len(new.keys() - old.keys()),
        removed=len(old.keys() - new.keys()),
        changed=sum(new[key] != old[key] for key in new.keys() & old.keys()),
        without_lata=sum(code.lata is None for code in after),
        skipped=skipped,
        gone_regions=tuple(sorted({c.region for c in before if c.region} - regions)),
        unknown_npas=tuple(sorted({c.npanxx[:3] for c in after} - npas)),
    )


def _read(
    path: Path,
    needed: Mapping[str, tuple[str, ...]],
    country: str,
    title: str,
    assigned: set[str],
) -> tuple[list[Code], dict[str, int]]:
    rows = _records(path)
    first_line, header = next(rows, (1, []))
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    places: dict[str, int] = {}
    for field, spellings in needed.items():
        at = [names.index(spelling) for spelling in spellings if spelling in names]
        if not at:
            raise LoadError(
                f"{path}, line {first_line}: no column {spellings[0]!r} in the header "
                f"{','.join(header)[:120]!r}; give {title} as published, with its header"
            )
        places[field] = at[0]
    codes: dict[str, tuple[Code, int]] = {}
    skipped: Counter[str] = Counter()
    for line, fields in rows:
        padded = [*fields, *[""] * (len(names) - len(fields))]
        row = {field: padded[place].strip() for field, place in places.items()}
        text = row["npanxx"] if "npanxx" in row else row["npa"] + row["nxx"]
        if not text and country == "CA":
            continue  # the line that holds nothing but the date of the file
        match = _CODE.fullmatch(text)
        if not match:
            raise LoadError(
                f"{path}, line {line}: {text!r} is no area code and exchange; "
                "the file is damaged or of another kind: download it again"
            )
        if row["status"].lower() not in assigned:
            skipped[row["status"]] += 1
            continue
        code = Code(
            match[1] + match[2],
            country,
            row["state"].upper() or None,
            None if re.fullmatch(r"X*", row["rate_center"]) else row["rate_center"],
            None,
            None,
            row["ocn"] or None,
            row["company"] or None,
        )
        known, at_line = codes.setdefault(code.npanxx, (code, line))
        if known != code:
            raise LoadError(
                f"{path}, line {line}: {_dashed(code.npanxx)} was already in line {at_line}, with "
                "other values; remove the line that is wrong"
            )
    if len(codes) < LEAST_ROWS:
        raise LoadError(
            f"{path}: {len(codes)} assigned codes, fewer than {LEAST_ROWS}: a part of the plan "
            f"would replace the whole of it; give {title} of all areas"
        )
    return [code for code, _ in codes.values()], dict(skipped)


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(Line, fields) of the lines that are not blank, the header first."""
    text = _text(path)
    header = text.partition("\n")[0]
    if "\t" in header:
        # Tab-separated text is not quoted throughout; a lone quote belongs to a name.
        for line, record in enumerate(text.split("\n"), 1):
            if record.strip():
                yield line, [_unquoted(field) for field in record.split("\t")]
        return
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise LoadError(f"{path}, line {reader.line_num}: {error}; download it again") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [n for n in archive.namelist() if n.lower().endswith((".txt", ".csv"))]
                if len(names) != 1:
                    raise LoadError(
                        f"{path}: {len(names)} text files in the zip; it must hold one .txt or .csv"
                    )
                content = archive.read(names[0])
    except (OSError, zipfile.BadZipFile) as error:
        raise LoadError(f"{path}: cannot be read: {error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _unquoted(field: str) -> str:
    field = field.strip()
    if len(field) >= 2 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"').strip()
    return field


def _dashed(npanxx: str) -> str:
    return f"{npanxx[:3]}-{npanxx[3:]}"


def _write(path: Path, codes: list[Code]) -> None:
    """Replace the file in one step: a reader sees the old or the new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            name: pa.array([getattr(code, name) for code in codes], pa.string())
            for name in COLUMNS[NPANXX]
        }
    )
    with replacing(path) as stream:
        pq.write_table(table, stream, compression="zstd")

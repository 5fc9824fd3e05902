"""The users' own small files: names of customers and providers, and the own DIDs.

Reading `customers.csv`, `providers.csv` and `dids.csv` of the home lives here; joining them to
calls does not.
"""

import csv
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from resources.reference.numbers import caller_digits, normalise
from resources.reference.plan import NumberPlan
from resources.state import state_of

CUSTOMERS = "customers.csv"
PROVIDERS = "providers.csv"
DIDS = "dids.csv"


class AccountsError(Exception):
    """An account file is unfit; the text names file, line, value and what to do."""


def read_customers(home: Path) -> dict[str, str]:
    """Customer id → name; empty when the home has no `customers.csv`."""
    return read_names(home / CUSTOMERS)


def read_providers(home: Path) -> dict[str, str]:
    """Provider id → name; empty when the home has no `providers.csv`."""
    return read_names(home / PROVIDERS)


def read_emails(path: Path) -> dict[str, str]:
    """Id → e-mail addresses of a CSV with the columns `id` and `email`, as they are written.

    {} when the file or the column is absent. Raises AccountsError.
    """
    return dict(_emails(path, state_of(path)))


@lru_cache(maxsize=4)
def _emails(path: Path, _: object) -> dict[str, str]:
    """The same of a file as it is now: each report of a fan-out to thousands asks for it."""
    rows = _rows(path)
    header = [field.strip().lower() for field in next(rows, (0, ["id"]))[1]]
    if "id" not in header or "email" not in header:
        return {}
    id_at, email_at = header.index("id"), header.index("email")
    found: dict[str, str] = {}
    for line, fields in rows:
        if len(fields) > len(header):
            raise AccountsError(
                f"{path}, line {line}: {len(fields)} fields where the header has {len(header)}: "
                f"{','.join(fields)[:80]!r}; put addresses with a comma between in double quotes"
            )
        key = fields[id_at].strip() if len(fields) > id_at else ""
        email = fields[email_at].strip() if len(fields) > email_at else ""
        if key and email and found.setdefault(key, email) != email:
            raise AccountsError(
                f"{path}, line {line}: id {key!r} has the addresses {email!r} here and "
                f"{found[key]!r} above; put them into one line, with a comma between"
            )
    return found


def read_names(path: Path) -> dict[str, str]:
    """Id → name of a CSV with the columns `id` and `name`, others ignored; {} when absent.

    An id without a name is left out, so that it shows as the id. Raises AccountsError.
    """
    return {key: name for key, name in _listed(path, state_of(path)).items() if name}


def read_ids(path: Path) -> set[str]:
    """All ids of such a CSV, also those without a name. Raises AccountsError."""
    return set(_listed(path, state_of(path)))


@lru_cache(maxsize=4)
def _listed(path: Path, _: object) -> dict[str, str]:
    """Id → name, blank where it has none, of a file as it is now; as `_emails`."""
    names: dict[str, tuple[str, int]] = {}
    rows = _rows(path)
    header = [field.strip().lower() for field in next(rows, (0, ["id", "name"]))[1]]
    if "id" not in header or "name" not in header:
        raise AccountsError(
            f"{path}, line 1: the header is {','.join(header)!r}; it must be id,name"
        )
    id_at, name_at = header.index("id"), header.index("name")
    for line, fields in rows:
        if len(fields) <= max(id_at, name_at):
            raise AccountsError(
                f"{path}, line {line}: {len(fields)} fields where id and name are needed: "
                f"{','.join(fields)[:80]!r}; write id,name"
            )
        if len(fields) > len(header):
            raise AccountsError(
                f"{path}, line {line}: {len(fields)} fields where the header has {len(header)}: "
                f"{','.join(fields)[:80]!r}; put a name that holds a comma in double quotes"
            )
        key, name = fields[id_at].strip(), fields[name_at].strip()
        if not key:
            raise AccountsError(f"{path}, line {line}: no id for {name!r}; write id,name")
        if key in names and names[key][0] != name:
            raise AccountsError(
                f"{path}, line {line}: id {key!r} is {name!r} here and {names[key][0]!r} in "
                f"line {names[key][1]}; keep one of them"
            )
        names[key] = (name, line)
    return {key: name for key, (name, _) in names.items()}


def read_dids(home: Path, plan: NumberPlan | None = None) -> list[str]:
    """Digits of the own numbers in `dids.csv`, in order, each once; [] when absent.

    The first column counts, named `number` or `did`; further ones are ignored. With a plan a
    ten-digit North American number gets its 1, as a caller's number does. Raises AccountsError.
    """
    path = home / DIDS
    rows = _rows(path)
    header = [field.strip().lower() for field in next(rows, (0, ["number"]))[1]]
    if header[0] not in ("number", "did"):
        raise AccountsError(
            f"{path}, line 1: the first column is {header[0]!r}; it must be named number or did"
        )
    found: dict[str, None] = {}
    for line, fields in rows:
        text = fields[0].strip()
        digits = normalise(text) if plan is None else caller_digits(text, plan)
        if not digits.isdecimal() or not 7 <= len(digits) <= 15:
            raise AccountsError(
                f"{path}, line {line}: {text!r} is no telephone number; write it with its country "
                "code, such as 12122260001"
            )
        found[digits] = None
    return list(found)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(Line, fields) of the lines that are not blank; none when the file is absent."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)  # else a quote that is not closed takes the rest
            for fields in reader:
                line = reader.line_num
                if any(field.strip() for field in fields):
                    yield line, fields
    except FileNotFoundError:
        return
    except OSError as error:
        raise AccountsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise AccountsError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except csv.Error as error:
        raise AccountsError(
            f"{path}, after line {line}: {error}; is a double quote not closed?"
        ) from None

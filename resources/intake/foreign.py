"""What a file is that is no CSV text of ours, told by how it begins, and what to do with it."""

import codecs
import csv
from collections.abc import Collection

_PACKED = {
    b"PK\x03\x04": "a zip archive or a workbook: unpack it, or save it as CSV",
    b"BZh": "compressed by bzip2: unpack it, or compress it by gzip",
    b"\xfd7zXZ\x00": "compressed by xz: unpack it, or compress it by gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, or compress it by gzip",
    b"\x1f\x8b": "compressed by gzip twice: unpack it once",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def packed(data: bytes) -> str | None:
    """What the bytes that a file begins with are instead of UTF-8 text, if they are."""
    for beginning, what in _PACKED.items():
        if data.startswith(beginning):
            return f"the file is not text, but {what}"
    marked = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    begin = data[:4]
    wide = begin[::2] == b"\0\0" or begin[1::2] == b"\0\0"
    if marked or (wide and any(begin)):  # NULs alone are what a crash has left
        return "the file is not text in UTF-8, but in UTF-16 or UTF-32: write it as UTF-8"
    return None


def separated(header: bytes, wanted: Collection[str]) -> str | None:
    """What separates the columns in a header, where it is not what we read."""
    text = header.decode(errors="replace").replace("\r", " ")
    for separator, name in _SEPARATORS.items():
        found = {column.strip().lower() for column in next(csv.reader([text], delimiter=separator))}
        if found.issuperset(wanted):
            return (
                f"its columns are separated by {name}: write it with commas, "
                "and numbers with a point"
            )
    return None

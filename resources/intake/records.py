"""Reads the records of a CSV file as text, each with its line and its raw bytes, in one pass.

Splitting and nothing else: what a value means is decided in SQL. Blocks of the file go through
Arrow's CSV reader; a block in which anything is out of the ordinary (a wrong number of fields, a
line break inside quotes, bytes that are not UTF-8) is read again, slowly and by the letter of
RFC 4180, so that every record of it is accounted for by line.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from resources.bucket import StoreError
from resources.intake.foreign import packed, separated
from resources.sources import Source

BLOCK = 1 << 20
LONGEST_RECORD_LINES = 100
"""A quoted field that spans more lines than this is taken for a quote that was never closed."""
LONGEST_LINE = 1 << 24
_MARK = b"\xef\xbb\xbf"
"""The byte order mark that some programs begin a UTF-8 file with."""
_BLANK = _MARK + b"\r\n \t"

WRONG_COLUMN_COUNT = "wrong_column_count"
INVALID_ENCODING = "invalid_encoding"
MALFORMED_ROW = "malformed_row"


class UnreadableFile(Exception):
    """A file that cannot be taken at all; the text says why and is shown to users."""


class UnreachableFile(UnreadableFile):
    """A file that could not be read now; the next time may be better."""


def schema_of(source: Source) -> pa.Schema:
    """Known columns as text, `line` (of the file, from 1), `raw` text, `refused` or null.

    An empty field is null, and so is every field of a column that the source knows and the
    file lacks.
    """
    texts = [(name, pa.string()) for name in (*source.columns, *source.optional)]
    return pa.schema([*texts, ("line", pa.int64()), ("raw", pa.string()), ("refused", pa.string())])


@dataclass
class RecordFile:
    """One opened file: its columns, and its records as Arrow batches.

    `batches` must be read to its end before `sha256` and `lines` tell anything.
    """

    source: Source
    handle: IO[bytes]
    columns: list[str] = field(init=False)
    lines: int = 0

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._bytes = _decompressed(_Tee(self))
        self._rest = b""
        self._ended = False
        self._schema = schema_of(self.source)
        self.columns = self._read_header()

    @property
    def sha256(self) -> str:
        """Hash of the file's bytes as delivered (compressed ones for a compressed file)."""
        return self._hash.hexdigest()

    @property
    def kept(self) -> list[str]:
        """The columns of the file that its source knows, in the file's order."""
        known = {*self.source.columns, *self.source.optional}
        return [c for c in self.columns if c in known]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All records by `schema_of`, in the order of the file. Raises UnreadableFile."""
        while block := self._next_block():
            yield from self._fast(block) or self._slow(block)

    def _read_more(self, size: int) -> bytes:
        try:
            return self._bytes.read(size)
        except EOFError:
            raise UnreadableFile("the gzip file is truncated: its end is missing") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFile(f"the gzip file is corrupt: {error}") from None
        except (OSError, StoreError) as error:
            raise UnreachableFile(f"reading stopped: {error}; the next intake tries it") from None

    def _read_header(self) -> list[str]:
        while not self._ended and b"\n" not in self._rest.lstrip(_BLANK):
            more = self._read_more(BLOCK)
            self._ended = not more
            self._rest += more
            if what := packed(self._rest):
                raise UnreadableFile(what)
            if len(self._rest) > LONGEST_LINE:
                raise UnreadableFile("the file is not CSV text: its first line does not end")
        if not self._rest.strip(_BLANK):
            if self.source.header:
                raise UnreadableFile("the file is empty: it lacks even its header")
            return [*self.source.columns]  # as a switch has it after a rotation, until it is called
        self._rest = self._rest.removeprefix(_MARK)
        while True:
            first, newline, rest = self._rest.partition(b"\n")
            if first.strip() or not newline:
                break
            self._rest = rest
            self.lines += 1
        if b"\0" in first:
            raise UnreadableFile("the file is not text: it holds NUL bytes")
        names, trouble = _fields(first.rstrip(b"\r"), self.source.delimiter)
        if not self.source.header:
            return self._told_by_a_record(len(names or []))
        if trouble == INVALID_ENCODING:
            raise UnreadableFile("the file is not UTF-8 text: its header holds other bytes")
        if names is None and not newline and b"\r" in first:
            raise UnreadableFile("its lines end with carriage returns alone: have them end with LF")
        if names is None:
            raise UnreadableFile("the header is no line of CSV")
        self._rest = rest
        self.lines += 1
        names = [name.strip().lower() for name in names]
        counts = Counter(names)
        known = [*self.source.columns, *self.source.optional]
        if twice := sorted(name for name in known if counts[name] > 1):
            raise UnreadableFile(f"columns are there twice: {', '.join(twice)}")
        if missing := [column for column in self.source.columns if column not in names]:
            why = separated(first, self.source.columns)
            raise UnreadableFile(why or f"required columns are missing: {', '.join(missing)}")
        # Arrow wants every column named, and no two alike; one that is unknown may be called
        # whatever we like.
        return [
            name if name and counts[name] == 1 else f"\0{position}"
            for position, name in enumerate(names)
        ]

    def _told_by_a_record(self, fields: int) -> list[str]:
        """The columns of a file without header: those of the first record that can be one.

        Of its very first one, of so many `fields`, the beginning may have stayed in another file.
        """
        for line in self._rest.splitlines():
            record, _ = _fields(line, self.source.delimiter)
            if record is not None and (columns := self.source.columns_of(record)):
                return columns
        widths = sorted(len(self.source.columns) + len(tail) for tail in self.source.tails)
        raise UnreadableFile(
            f"the first record has {fields or 'no'} fields, and none has as many as those of "
            f"{self.source.name} may have ({', '.join(map(str, widths))}): have the switch write "
            "what README's 'What goes in' says"
        )

    def _next_block(self) -> bytes:
        """Whole lines, the last of which may be an open record's; empty at the end of the file."""
        while True:
            if not self._ended:
                more = self._read_more(BLOCK)
                self._ended = not more
                self._rest += more
            block = self._rest
            if self._ended:
                self._rest = b""
                return block if not block or block.endswith(b"\n") else block + b"\n"
            cut = block.rfind(b"\n") + 1
            if cut:
                self._rest = block[cut:]
                return block[:cut]
            if len(block) > LONGEST_LINE:
                raise UnreadableFile(
                    f"line {self.lines + 1} is longer than {LONGEST_LINE >> 20} MB: not a CSV file"
                )

    def _fast(self, block: bytes) -> list[pa.RecordBatch]:
        """The block's records by Arrow's reader; nothing when any is out of the ordinary."""
        if b"\0" in block or not _is_utf8(block):
            return []
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            return []  # Arrow takes a lone carriage return for the end of a line
        if block.startswith(_MARK):
            return []  # Arrow drops it, wherever in the file the block stands
        starts, blank_lines = _line_starts(block)
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(block),
                arrow_csv.ReadOptions(
                    use_threads=False, block_size=len(block) + 1, column_names=self.columns
                ),
                arrow_csv.ParseOptions(delimiter=self.source.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    include_columns=self.kept,
                    column_types=dict.fromkeys(self.kept, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            return []
        rows = table.num_rows
        if not rows or rows != len(starts):
            return []
        if _is_open(block[starts[-1] :], self.source.delimiter.encode()):
            return []  # the next block goes on with this record
        first = self.lines + 1
        line = np.arange(first, first + rows + len(blank_lines), dtype=np.int64)
        if len(blank_lines):
            line = np.delete(line, blank_lines)
        self.lines += rows + len(blank_lines)
        offsets = np.append(starts, len(block)).astype(np.int32)
        raw = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(block))
        table = table.append_column("line", pa.array(line)).append_column("raw", raw)
        return [self._complete(batch) for batch in table.to_batches()]

    def _complete(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.num_rows
        present = set(batch.schema.names)
        return pa.record_batch(
            [
                batch.column(f.name) if f.name in present else pa.nulls(rows, f.type)
                for f in self._schema
            ],
            schema=self._schema,
        )

    def _slow(self, block: bytes) -> list[pa.RecordBatch]:
        """The block's records one by one, refused ones with their reason."""
        columns: dict[str, list[object]] = {name: [] for name in self._schema.names}
        lines = [line + b"\n" for line in block.split(b"\n")[:-1]]
        delimiter, width = self.source.delimiter, len(self.columns)
        records, done = _records(lines, delimiter, width, final=self._ended)
        for record in records:
            values = dict(zip(self.columns, record.values, strict=False))
            for name, column in columns.items():
                column.append(values.get(name) or None)
            columns["line"][-1] = self.lines + record.line
            columns["raw"][-1] = record.raw
            columns["refused"][-1] = record.refused
        self.lines += done
        self._rest = b"".join(lines[done:]) + self._rest
        return [pa.record_batch(columns, schema=self._schema)]


@dataclass(frozen=True)
class _Record:
    line: int
    raw: str
    values: list[str]
    refused: str | None = None


def _records(
    lines: list[bytes], delimiter: str, width: int, final: bool
) -> tuple[list[_Record], int]:
    """The records of these lines by RFC 4180, and how many of the lines they are.

    Lines are counted from 1. Left over, unless the lines are the file's `final` ones, is a record
    at the end that is still open.
    """
    found: list[_Record] = []
    index = 0
    while index < len(lines):
        last = index + 1
        raw = lines[index]
        if not raw.strip():
            index = last
            continue
        # A quoted field goes on in the next line.
        quoted = delimiter.encode()
        if _is_open(raw, quoted):
            longer, longest = raw, index + LONGEST_RECORD_LINES
            for end in range(index + 1, min(len(lines), longest)):
                longer += lines[end]
                if b'"' in lines[end] and not _is_open(longer, quoted):
                    raw, last = longer, end + 1
                    break
                if len(longer) > LONGEST_LINE:
                    break
            else:
                if not final and len(lines) < longest:
                    return found, index
        fields, refused = _fields(raw, delimiter)
        text = raw.decode(errors="replace").rstrip("\r\n")
        if fields is not None and len(fields) != width:
            fields, refused = None, WRONG_COLUMN_COUNT
        found.append(_Record(index + 1, text, fields or [], refused))
        index = last
    return found, index


def split_record(text: str, delimiter: str = ",") -> list[str]:
    """The fields of one record, however long. Raises csv.Error when it is none."""
    csv.field_size_limit(LONGEST_LINE)  # 128 KB by default; more of a field is no fault of it
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if len(rows) != 1:
        raise csv.Error(f"{len(rows)} records instead of one")
    return rows[0]


def _fields(raw: bytes, delimiter: str) -> tuple[list[str] | None, str | None]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None, INVALID_ENCODING
    if "\0" in text or _is_open(raw, delimiter.encode()):
        return None, MALFORMED_ROW
    try:
        return split_record(text, delimiter), None
    except csv.Error:  # a carriage return in the middle of a line
        return None, MALFORMED_ROW


def _is_open(raw: bytes, delimiter: bytes) -> bool:
    """Whether the last field of the text is quoted and its closing quote has not come yet."""
    position = 0
    while raw[position : position + 1] == b'"' or (found := raw.find(delimiter, position)) >= 0:
        if raw[position : position + 1] == b'"':
            position += 1
            while (position := raw.find(b'"', position) + 1) and raw[
                position : position + 1
            ] == b'"':
                position += 1
            if not position:
                return True
            found = raw.find(delimiter, position)
            if found < 0:
                return False
        position = found + 1
    return False


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _line_starts(block: bytes) -> tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", list[int]]:
    """Where each line that is not blank begins, and which lines (from 0) are blank."""
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    short = np.flatnonzero(ends - starts <= 1)
    blank = [int(i) for i in short if not block[starts[i] : ends[i]].strip()]
    return (np.delete(starts, blank) if blank else starts), blank


class _Tee(io.RawIOBase):
    """The file's bytes on their way, hashed."""

    def __init__(self, owner: RecordFile) -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._owner.handle.read(size)
        self._owner._hash.update(data)
        return data

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decompressed(stream: _Tee) -> IO[bytes]:
    buffered = io.BufferedReader(stream, BLOCK)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=buffered, mode="rb")  # type: ignore[return-value]
    return buffered

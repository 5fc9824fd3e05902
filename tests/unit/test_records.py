"""Reading the records of a file: nothing lost, whatever is in it and wherever a block ends."""

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.intake import records
from resources.intake.records import RecordFile, UnreadableFile
from resources.sources import SOURCES, Source

TWO = Source("two", ("a", "b"), ("c",))
BARE = Source("bare", ("a", "b"), ("c",), tails=((), ("c",), ("odd", "c")), header=False)

Found = list[tuple[int, str | None, tuple[str | None, ...], str]]


def read(data: bytes, source: Source = TWO) -> Found:
    """Line, reason of refusal, values and raw text of each record."""
    return [
        (r["line"], r["refused"], (r["a"], r["b"], r["c"]), r["raw"].rstrip("\r\n"))
        for batch in RecordFile(source, io.BytesIO(data)).batches()
        for r in batch.to_pylist()
    ]


def body(text: str | bytes) -> Found:
    """What is read below the header `a,b`."""
    return read(b"a,b\n" + (text.encode() if isinstance(text, str) else text))


def refusal(data: bytes, source: Source = TWO) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(data, source)
    return str(caught.value)


def test_unknown_columns_may_have_the_same_name() -> None:
    ((_, trouble, values, _),) = read(b"note,a,b,note,,note\n1,x,y,2,3,4\n")
    assert (trouble, values[:2]) == (None, ("x", "y"))


# Any bytes at all.

PIECES = st.sampled_from(
    [b"x", b"1", b",", b",", b",", b"\n", b"\n", b"\n", b"\r\n", b"\r", b'"', b'"', b'""', b'"x"',
     b'"x\ny"', b'"x,y"', b'"\r\n"', b" ", b"\t", b"\xc3\xa9", b"\xff", b"\xc3", b"\0",
     b"\xef\xbb\xbf", b"a,b\n", b'p,"q"\n', b'"m\nn",o\n', b'k"l,m\n', b"\n\n"]
)  # fmt: skip
BYTES = st.lists(PIECES, max_size=40).map(b"".join)


def with_block(size: int, act: Callable[[], Found]) -> Found:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", size)
        return act()


@settings(max_examples=600)
@given(data=BYTES, size=st.integers(1, 30))
def test_neither_the_reader_nor_the_block_decides(data: bytes, size: int) -> None:
    """The fast reader, the slow one, and both with blocks that end anywhere agree."""
    whole = body(data)
    assert with_block(size, lambda: body(data)) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordFile, "_fast", lambda _self, _block: [])
        assert body(data) == whole
        assert with_block(size, lambda: body(data)) == whole


@settings(max_examples=600)
@given(data=BYTES)
def test_every_line_belongs_to_one_record(data: bytes) -> None:
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    next_line = 2
    for line, refused, values, raw in body(data):
        assert line >= next_line
        skipped = lines[next_line - 2 : line - 2]
        assert all(not text.strip() for text in skipped), "a line that is not blank is in no record"
        own = data.split(b"\n")[line - 2 : line - 2 + raw.count("\n") + 1]
        assert b"\n".join(own).decode(errors="replace").rstrip("\r\n") == raw
        next_line = line + raw.count("\n") + 1
        assert refused is None or values == (None, None, None)
    assert all(not text.strip() for text in lines[next_line - 2 :])


ROWS = st.lists(
    st.tuples(*[st.text('ab ",\n\r\u00e9-', max_size=6)] * 2).filter(
        lambda row: any(field.strip() for field in row)
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(rows=ROWS, size=st.integers(1, 40), end=st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_wrote_is_read(rows: list[tuple[str, str]], size: int, end: str) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    found = with_block(size, lambda: body(out.getvalue()))
    empty_is_null = [(None, tuple(field or None for field in row)) for row in rows]
    assert [(refused, values[:2]) for _, refused, values, _ in found] == empty_is_null


# Each refusal, and what is none.


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("1,2", None),
        ('1,"2"', None),
        ('"1,1",2', None),
        ('"say ""hi""",2', None),
        ('1"x,2', None),  # a quote within a field that is not quoted is a quote
        ("1", "wrong_column_count"),
        ("1,2,3", "wrong_column_count"),
        ("1,2,", "wrong_column_count"),
        ('"1,2', "malformed_row"),
        ('1,"2', "malformed_row"),
        ("1\rx,2", "malformed_row"),
        (b"1,\xff", "invalid_encoding"),
        (b"1,\xc3", "invalid_encoding"),
        (b"1,\0", "malformed_row"),
    ],
)
def test_a_record_and_its_neighbours(line: str | bytes, refused: str | None) -> None:
    data = line.encode() if isinstance(line, str) else line
    found = body(b"p,q\n" + data + b"\nr,s\n")
    assert [(number, reason) for number, reason, *_ in found] == [
        (2, None),
        (3, refused),
        (4, None),
    ]
    assert found[1][3] == data.decode(errors="replace")
    assert (found[0][2], found[2][2]) == (("p", "q", None), ("r", "s", None))


def test_the_line_is_the_physical_one() -> None:
    found = read(b'\n\na,b\n1,2\n\n  \n"x\ny\nz",2\n3,4\r\n\r\n5,6')
    assert [(line, values[0]) for line, _, values, _ in found] == [
        (4, "1"), (7, "x\ny\nz"), (10, "3"), (12, "5"),
    ]  # fmt: skip


def test_a_stray_quote_does_not_break_a_good_record_far_below() -> None:
    """Wherever the blocks end between them."""
    data = b'1"x,2\n' + b"3,4\n" * 50 + b'"m\nn",6\n' + b"7,8\n" * 50
    whole = body(data)
    assert [refused for _, refused, *_ in whole] == [None] * 102
    for size in range(1, 250, 7):
        assert with_block(size, lambda: body(data)) == whole


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    found = body('"open,1\n' + "1,2\n" * 500)
    assert [refused for _, refused, *_ in found] == ["malformed_row"] + [None] * 500


def test_long_fields_and_lines() -> None:
    """Longer than Python's csv limit of 128 KB and than a block, by either reader."""
    long = "x" * 3_000_000
    found = body(f'{long},1\n"{long}\n",2\n3,4\n')
    assert [(line, refused) for line, refused, *_ in found] == [(2, None), (3, None), (5, None)]
    assert found[1][2][0] == f"{long}\n"


def test_a_line_without_end_is_no_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LONGEST_LINE", 5000)
    monkeypatch.setattr(records, "BLOCK", 1000)
    assert "line 3 is longer than" in refusal(b"a,b\n1,2\n" + b"x" * 9000)
    assert "first line does not end" in refusal(b"x" * 9000)


# The header.


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("a,b", ("1", "2", None)),
        ("b,a", ("2", "1", None)),
        (" A ,B\t", ("1", "2", None)),
        ('"a","b"', ("1", "2", None)),
        ("\ufeffa,b", ("1", "2", None)),
        ("\ufeff\n\na,b", ("1", "2", None)),
        ("a,b\r", ("1", "2", None)),
        ("a,b,c", ("1", "2", "3")),
        ("c,b,a", ("3", "2", "1")),
        ("a,b,unknown", ("1", "2", None)),
        ("a,b,", ("1", "2", None)),
        ("a,,b,", ("1", "3", None)),
        ("a,a2,b", ("1", "3", None)),
    ],
)
def test_columns_are_found_by_name(header: str, values: tuple[str | None, ...]) -> None:
    fields = ",".join("1234"[: header.count(",") + 1])
    assert read(f"{header}\n{fields}\n".encode())[0][2] == values


def test_all_missing_columns_are_named() -> None:
    source = SOURCES["connexcs"]
    some = [c for c in source.columns if c not in ("dt", "callid", "dtmf")]
    assert (
        refusal(",".join(some).encode(), source) == "required columns are missing: dt, callid, dtmf"
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\r\n \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a,b,A,b \n1,2,3,4\n", "columns are there twice: a, b"),
        (b"a\n", "required columns are missing: b"),
        ("a,b\n1,2\n".encode("utf-16"), "not text"),
        (b"PK\x03\x04\0\0\0", "not text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 or UTF-32: write it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16 or UTF-32: write it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-32"), "UTF-16 or UTF-32: write it as UTF-8"),
        (b"\0" * 4096, "it holds NUL bytes"),
        (b"PK\x03\x04 without line or NUL", "a zip archive or a workbook: unpack it"),
        (bz2.compress(b"a,b\n"), "bzip2: unpack it"),
        (lzma.compress(b"a,b\n"), "xz: unpack it"),
        (b"\x28\xb5\x2f\xfd\x04\n", "zstd: unpack it"),
        # Without the time: the data name the test, and every worker must name it alike.
        (gzip.compress(gzip.compress(b"a,b\n", mtime=0), mtime=0), "gzip twice: unpack it once"),
        (b"a;b\n1;2\n", "separated by semicolons: write it with commas"),
        (b'\xef\xbb\xbf"A"\tx\tb\r\n', "separated by tabs: write it with commas"),
        (b"a|b\n", "separated by bars: write it with commas"),
        (b"a;c\n1;2\n", "required columns are missing: a, b"),
        (b"a,b\r1,2\r", "end with carriage returns alone: have them end with LF"),
        (b"a,b,\xff\n", "not UTF-8"),
        (b"a,b\rc\n", "no line of CSV"),
        (b'a,"b\n', "no line of CSV"),
    ],
)
def test_files_that_are_no_csv(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_only_a_header() -> None:
    assert read(b"a,b\n") == read(b"a,b") == read(b"a,b\r\n\r\n") == []


def test_without_header_the_first_line_is_a_record() -> None:
    assert read(b"1,2\n3,4\n", BARE)[0] == (1, None, ("1", "2", None), "1,2")
    assert read(b"\xef\xbb\xbf1,2,3\n4,5,6\n", BARE)[0] == (1, None, ("1", "2", "3"), "1,2,3")
    # Whatever it holds: the others are not lost for it.
    for first, reason in (
        (b"\xff,2", "invalid_encoding"), (b"1", "wrong_column_count"), (b'"1,2', "malformed_row"),
    ):  # fmt: skip
        found = read(first + b"\n3,4\n", BARE)
        assert [(line, refused) for line, refused, *_ in found] == [(1, reason), (2, None)]


@pytest.mark.parametrize("data", [b"", b"\n", gzip.compress(b"", mtime=0)])
def test_without_header_an_empty_file_has_no_records(data: bytes) -> None:
    """As that of an idle switch after its rotation: nobody needs to be called for it."""
    assert read(data, BARE) == []
    assert "lacks even its header" in refusal(data)


def test_without_header_the_number_of_fields_tells_which_they_are() -> None:
    assert read(b"1,2,3,4\n", BARE)[0][2] == ("1", "2", "4")
    # The beginning of the first record has stayed in another file.
    assert [(refused, values) for _, refused, values, _ in read(b"f\n1,2,3\n4,5,6\n", BARE)] == [
        ("wrong_column_count", (None, None, None)), (None, ("1", "2", "3")),
        (None, ("4", "5", "6")),
    ]  # fmt: skip
    with pytest.raises(UnreadableFile, match=r"has 5 fields.* bare may have \(2, 3, 4\): "):
        read(b"INSERT,1,2,3,4\n1\n", BARE)


# Compressed files.


def test_gzip_is_known_by_its_content() -> None:
    plain = b"a,b\n" + b"1,2\n" * 5
    assert read(gzip.compress(plain)) == read(plain)


def test_several_gzip_members_are_one_file() -> None:
    parts = gzip.compress(b"a,b\n1,") + gzip.compress(b"2\n") + gzip.compress(b"3,4\n")
    assert [values for _, _, values, _ in read(parts)] == [("1", "2", None), ("3", "4", None)]


def test_broken_gzip() -> None:
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 5000)
    for length in (3, 15, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        assert "truncated" in refusal(whole[:length])
    wrong_sum = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    assert "corrupt" in refusal(wrong_sum)
    assert "corrupt" in refusal(whole + b"trailing")
    middle = len(whole) // 2
    assert "corrupt" in refusal(whole[:middle] + b"\xff" * 20 + whole[middle + 20 :])


def test_the_hash_is_of_the_file_as_delivered() -> None:
    import hashlib

    for data in (b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n"), b"a,b\n"):
        file = RecordFile(TWO, io.BytesIO(data))
        rows = sum(batch.num_rows for batch in file.batches())
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.lines == 1 + rows

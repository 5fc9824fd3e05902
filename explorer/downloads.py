"""What is on the screen as a file: sent as it is made, or when whole if it is for people."""

from __future__ import annotations

import io
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from dataclasses import replace
from typing import IO, Any, cast

from starlette.responses import Response, StreamingResponse

from explorer.access import EVERYBODY
from explorer.calls import calls_of
from explorer.desk import question_of, report_of
from explorer.limits import DOWNLOAD_SECONDS, TooSlow
from explorer.serving import Call, NotFound, Page
from explorer.view import View, parse
from resources.reporting.message import XLSX_TYPE
from resources.reporting.output import Made, Sums, for_people, render

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": f"application/{XLSX_TYPE}",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
}

_CHUNKS, _CHUNK_BYTES = 8, 64 * 1024


def download(call: Call) -> Response:
    """The view as a file."""
    fmt = call.path("fmt")
    if fmt not in TYPES:
        raise NotFound(f"no format {fmt!r}: choose from {', '.join(TYPES)}")
    view = parse(call.pairs)
    people = for_people(fmt)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(call, view, fmt)}"'}

    def write(stream: IO[bytes]) -> None:
        with _made(call, view, people=people) as made:
            render(made, fmt, call.explorer.desk.now(), stream)

    if people:
        with tempfile.SpooledTemporaryFile(max_size=4_000_000) as file:
            write(cast(IO[bytes], file))
            file.seek(0)
            return Response(file.read(), media_type=TYPES[fmt], headers=headers)
    return StreamingResponse(streamed(write), media_type=TYPES[fmt], headers=headers)


@contextmanager
def _made(call: Call, view: View, *, people: bool) -> Iterator[Made]:
    desk, visitor = call.explorer.desk, call.visitor
    reporting = desk.reporting(visitor)
    with desk.download(visitor), ExitStack() as open_:
        if report_of(reporting, view).listing:
            calls = calls_of(visitor, reporting, view, desk.today(), people=people)
            yield open_.enter_context(calls)
        else:
            found = question_of(visitor, reporting, view, desk.today(), people=people)
            request = found.request
            if view.split:  # a pivot's `top` counts its rows, each of which is several here
                request = replace(request, top=None)
            yield Sums(reporting, request)


def _file_name(call: Call, view: View, fmt: str) -> str:
    period = view.period(call.explorer.desk.today())
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in view.report)
    return f"{name}_{period.first}_{period.last}.{fmt}"


class _Gone(Exception):
    """Nobody reads any more."""


class _Pipe(io.RawIOBase):
    """What is written here is read elsewhere, a few chunks behind at most."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: queue.Queue[bytes | BaseException | None] = queue.Queue(_CHUNKS)
        self.left = threading.Event()
        self.ended = threading.Event()
        self._position = 0
        self._end = time.monotonic() + DOWNLOAD_SECONDS

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self._position += len(chunk)
        self.put(chunk)
        return len(chunk)

    def get(self) -> bytes | BaseException | None:
        """The next chunk, None at the end; TooSlow where there will be none."""
        while True:
            try:
                return self.chunks.get(timeout=0.5)
            except queue.Empty:
                if self.ended.is_set() and self.chunks.empty():
                    return TooSlow("the file was not fetched in time: ask for it again")

    def put(self, chunk: bytes | BaseException | None) -> None:
        """Waits for room. Raises _Gone when the reader has left, or takes for ever."""
        while True:
            if self.left.is_set() or time.monotonic() > self._end:
                raise _Gone
            try:
                self.chunks.put(chunk, timeout=0.5)
            except queue.Full:
                continue
            return


def streamed(write: Callable[[IO[bytes]], None]) -> Iterator[bytes]:
    """The bytes that `write` writes, as they come. What it raises before the first is raised here.

    Later errors break the stream off, so that nobody takes a part for the whole.
    """
    pipe = _Pipe()

    def work() -> None:
        end: BaseException | None = None
        buffered = io.BufferedWriter(pipe, _CHUNK_BYTES)
        try:
            write(cast(IO[bytes], buffered))
            buffered.flush()
        except _Gone:
            pipe.ended.set()
            return
        except BaseException as error:  # told to the reader, whatever it is
            end = error
        with suppress(_Gone):
            pipe.put(end)
        pipe.ended.set()

    context = copy_context()
    threading.Thread(target=context.run, args=(work,), daemon=True, name="download").start()
    first = pipe.get()
    if isinstance(first, BaseException):
        raise first
    return _rest(pipe, first)


def _rest(pipe: _Pipe, first: bytes | None) -> Iterator[bytes]:
    chunk: bytes | BaseException | None = first
    try:
        while chunk is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
            chunk = pipe.get()
    finally:
        pipe.left.set()


PAGES = (Page("/download/{fmt}", download, EVERYBODY),)

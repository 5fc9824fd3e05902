"""What was written stays written when the power goes: a file's bytes, and the names in a folder.

A file system keeps what was written in memory for up to half a minute. A file that was made and
never flushed is most often there after a power cut, and has no bytes.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""What a folder answers that cannot be flushed, or that may be written to but not read."""


def flush(file: Path) -> None:
    """Brings a file's bytes to the disk. Raises OSError."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def flush_names(folder: Path) -> None:
    """Brings to the disk which files a folder has, where the file system can. Raises OSError."""
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that is written under another name beside its place, then moved there.

    A reader sees the old file or the whole new one, whatever dies meanwhile. Raises OSError.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        flush_names(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

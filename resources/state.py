"""How a file on this disk stands, for what is kept of it as long as it stays so."""

from pathlib import Path


def state_of(path: Path) -> tuple[int, int, int] | None:
    """What tells that a file is no longer what it was; None where there is none to be looked at."""
    try:
        about = path.stat()
    except OSError:  # who reads it says why
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size

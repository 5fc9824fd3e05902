"""The landing folder: which delivered files lie there, in a local folder or an object store.

Files are only read, never moved or changed. Whether one is new is for the ledger to say.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO, Any, cast

import fsspec

from resources.bucket import Bucket, StoreError, ToldReader, bucket_of

SETTING = "CDR_REPORTS_LANDING"
UNFINISHED = (".part", ".tmp", ".filepart")


@dataclass(frozen=True)
class LandedFile:
    """A file in a source's folder. `name` is its path below that folder; `source` is blank for
    one that lies beside these folders.

    A folder that cannot be looked into is one whose `name` is blank or ends with a slash. `token`
    changes when the file does; `changed` is when that was, in seconds since 1970. `unfit`
    says why it can never be taken, if so.
    """

    source: str
    name: str
    path: str
    size: int
    changed: float
    token: str
    unfit: str = ""


@dataclass(frozen=True)
class Landing:
    """A folder or URL with one folder a source in it. One that was `named` must be there."""

    url: str
    named: bool = False

    def scan(self) -> Iterator[LandedFile]:
        """Files that are complete by their names, by source and name.

        Left out are hidden ones and names that end as a transfer's do while it runs. Links to
        folders are followed. Raises StoreError when the folder cannot be looked into.
        """
        with self._told():
            system, root = fsspec.core.url_to_fs(self.url)
            system.invalidate_cache()
            # In a bucket an empty folder is none; a bucket that is not there is an error.
            if self._bucket is None and not system.exists(root):
                if not self.named:
                    return
                raise StoreError(
                    f"{SETTING}: there is no folder {self.url}: mount it, make it or put the "
                    "setting right"
                )
            found = system.find(root, detail=True) if self._bucket else self._below(system, root)
        for path, info in sorted(found.items()):
            parts = PurePosixPath(path).relative_to(PurePosixPath(root)).parts
            # A bucket has an object for a folder that was made before any file: its name ends in /.
            if not parts or path.endswith("/") or any(p.startswith(".") for p in parts):
                continue
            if parts[-1].lower().endswith(UNFINISHED):
                continue
            if isinstance(info, OSError):
                why = f"a folder that cannot be looked into ({info.strerror}): let our user read it"
                name = "".join(f"{part}/" for part in parts[1:])
                yield LandedFile(parts[0], name, path, 0, 0, "", why)
                continue
            source = parts[0] if len(parts) > 1 else ""
            yield _landed(source, "/".join(parts[1:] if source else parts), path, info)

    def _below(self, system: fsspec.AbstractFileSystem, root: str) -> dict[str, Any]:
        """What lies below a folder of this machine, by path, or the error of one kept shut."""
        found: dict[str, Any] = {}
        folders = [(root, frozenset[str]())]
        while folders:
            folder, above = folders.pop()
            here = os.path.realpath(folder)
            if here in above:  # a link has led back
                continue
            try:
                listed = system.ls(folder, detail=True)
            except FileNotFoundError:  # it went away meanwhile
                continue
            except OSError as error:
                if folder == root:
                    raise StoreError(
                        f"{SETTING}: {self.url} cannot be looked into ({error.strerror}): let the "
                        "user of the intake read it, or mount it anew"
                    ) from None
                found[folder] = error
                continue
            for info in listed:
                path = info["name"]
                if PurePosixPath(path).name.startswith("."):  # as .snapshot, with all of it again
                    continue
                if info.get("islink"):  # the listing tells of the link, not of what it leads to
                    with suppress(OSError):  # it leads nowhere, or in a circle
                        info = system.info(path)
                if info["type"] == "directory":
                    folders.append((path, above | {here}))
                else:
                    found[path] = info
        return found

    def again(self, file: LandedFile) -> LandedFile | None:
        """The file as it is now; None when it is gone."""
        with self._told():
            system, path = self._at(file.source, file.name)
            system.invalidate_cache()
            if not system.exists(path):
                return None
            return _landed(file.source, file.name, path, system.info(path))

    def beside(self, file: LandedFile, name: str) -> LandedFile | None:
        """The file of this name in the same folder, if there is one."""
        sibling = str(PurePosixPath(file.name).with_name(name))
        with self._told():
            system, path = self._at(file.source, sibling)
            if not system.isfile(path):
                return None
            return _landed(file.source, sibling, path, system.info(path))

    def open(self, file: LandedFile) -> IO[bytes]:
        """The file's bytes."""
        with self._told():
            system, path = self._at(file.source, file.name)
            opened = cast(IO[bytes], system.open(path, "rb"))
        return cast(IO[bytes], ToldReader(opened, self._bucket)) if self._bucket else opened

    @property
    def _bucket(self) -> Bucket | None:
        return bucket_of(self.url, SETTING)

    def _told(self) -> AbstractContextManager[None]:
        return self._bucket.told() if self._bucket else nullcontext()

    def _at(self, source: str, name: str) -> tuple[fsspec.AbstractFileSystem, str]:
        system, root = fsspec.core.url_to_fs(self.url)
        return system, f"{root.rstrip('/')}/{source}/{name}"


def _landed(source: str, name: str, path: str, info: dict[str, object]) -> LandedFile:
    size = int(cast(int, info["size"]))
    mark = info.get("ETag") or info.get("mtime") or _changed(info)
    token = f"{size}-{mark}".replace('"', "")
    return LandedFile(source, name, path, size, _changed(info), token, _unfit(name, info))


def _unfit(name: str, info: dict[str, object]) -> str:
    # A link that leads nowhere may lead to a file again; one to a pipe is the pipe.
    nowhere = stat.S_ISLNK(cast(int, info.get("mode", 0)))
    if info.get("type") == "other" and not nowhere:
        return "no file, but a pipe, a socket or a device: move it away"
    try:
        name.encode()
    except UnicodeEncodeError:  # as Python has bytes of other texts
        return "its name is not UTF-8 text: rename it"
    return ""


def _changed(info: dict[str, object]) -> float:
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return 0.0

"""Folders in S3-compatible object storage: reading, writing, and errors that name the setting.

Endpoint, region and credentials are found as the AWS tools find them, by botocore. Nothing here
knows what the objects hold.
"""

import io
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from resources.durable import flush
from resources.locks import exclusive

S3 = "s3://"
KEPT_SECONDS = 3600
"""A copy that was asked for in the last hour may be under somebody's eyes, and is not removed."""

_DENIED = (
    "InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|ExpiredToken|InvalidToken"
    "|RequestTimeTooSkewed|Unable to locate credentials"
)


class StoreError(Exception):
    """The object storage does not do what it must; the text names the setting and says why."""


@dataclass(frozen=True)
class Bucket:
    """A folder `s3://bucket/prefix`; `setting` is the variable that has named it."""

    url: str
    setting: str

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what storage and its libraries raise into StoreError, but no error of this disk."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            if not _is_of_store(error):
                raise
            # Without the cause: what libraries say is long, and of no use to who set this up.
            raise StoreError(f"{self.setting}: {self.url}: {self._why(error)}") from None

    @property
    def system(self) -> Any:
        """The storage as fsspec's filesystem; one for the whole process."""
        try:
            import s3fs
        except ImportError:
            raise StoreError(
                f"{self.setting}: {self.url} needs what `make setup EXTRAS=s3` adds"
            ) from None
        return s3fs.S3FileSystem()

    @cached_property
    def _session(self) -> Any:
        _ = self.system  # botocore comes with it
        import botocore.session

        return botocore.session.Session()

    @cached_property
    def _where(self) -> dict[str, str]:
        client = self._session.create_client("s3")
        endpoint, region = client.meta.endpoint_url, client.meta.region_name
        found = {"AWS_REGION": region or "us-east-1"}
        if not endpoint.endswith(".amazonaws.com"):
            found["AWS_ENDPOINT_URL"] = endpoint
        if endpoint.startswith("http://"):
            found["AWS_ALLOW_HTTP"] = "true"
        return found

    def options(self) -> dict[str, str]:
        """The same for Delta; with credentials that may run out, so ask each time. Hold no copy."""
        with self.told():
            found = self._session.get_credentials()
            if found is None:
                raise StoreError(
                    f"{self.setting}: {self.url}: no credentials were found: set AWS_ACCESS_KEY_ID "
                    "and AWS_SECRET_ACCESS_KEY, or a profile, as for the AWS tools"
                )
            keys = found.get_frozen_credentials()
            return {
                **self._where,
                "AWS_ACCESS_KEY_ID": keys.access_key,
                "AWS_SECRET_ACCESS_KEY": keys.secret_key,
                **({"AWS_SESSION_TOKEN": keys.token} if keys.token else {}),
            }

    def put(self, path: Path, key: str) -> None:
        """Writes a file as an object."""
        with self.told():
            self.system.put_file(str(path), f"{self.url}/{key}")

    def get(self, wanted: Sequence[tuple[str, Path]]) -> None:
        """Reads objects into files, several at a time."""
        with self.told():
            keys = [f"{self.url}/{key}" for key, _ in wanted]
            self.system.get(keys, [str(path) for _, path in wanted])

    def identity(self, key: str) -> object:
        """What tells an object from another under the same key; None when there is none."""
        with self.told():
            try:
                found = self.system.info(f"{self.url}/{key}", refresh=True)
            except FileNotFoundError:
                return None
            return found["ETag"], found["LastModified"]

    def _why(self, error: Exception) -> str:
        said = " ".join(f"{error} {error.__cause__ or ''}".split())
        name = self.url.removeprefix(S3).partition("/")[0]
        if re.search(r"NoSuchBucket|bucket does not exist", said):
            return f"there is no bucket {name}"
        # Never by a bare 403: keys and times have such digits, too.
        denied = re.search(_DENIED, said) or re.search(r"403 Forbidden|Forbidden|privileges", said)
        if denied:
            return (
                f"access is refused ({denied[0]}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
                "and what they may do"
            )
        if re.search(r"connect|timed? ?out|sending request|EndpointConnection", said, re.I):
            at = self._where.get("AWS_ENDPOINT_URL", "Amazon S3")
            return f"{at} cannot be reached: try again when it can"
        if "Invalid endpoint" in said:
            return "AWS_ENDPOINT_URL is no address: write it as http://host:port or https://host"
        return re.sub(r"<\?xml.*", "", said)[:300]


def bucket_of(url: str, setting: str) -> Bucket | None:
    """The bucket of a URL; None when it is none of S3's."""
    return Bucket(url.rstrip("/"), setting) if url.startswith(S3) else None


def _is_of_store(error: BaseException | None) -> bool:
    """Whether an error is the storage's: botocore's, one that s3fs made of it, or Delta's of S3."""
    while error is not None:
        kind = type(error)
        if kind.__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
            return True
        if isinstance(error, ValueError) and "Invalid endpoint" in str(error):  # botocore's
            return True
        of_delta = kind.__module__ == "deltalake._internal" or isinstance(error, OSError)
        if of_delta and re.search(r"S3 error|necessary privileges|object.?store", str(error), re.I):
            return True
        error = error.__cause__
    return False


class ToldReader(io.RawIOBase):
    """An object's bytes; what goes wrong on the way is a StoreError."""

    def __init__(self, handle: IO[bytes], bucket: Bucket) -> None:
        self._handle, self._bucket = handle, bucket

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        with self._bucket.told():
            return self._handle.read(size)

    def close(self) -> None:
        """Lets go of the object."""
        if not self.closed:
            self._handle.close()
        super().close()


@dataclass(frozen=True)
class Copies:
    """Local copies of objects that never change, each fetched when it is first asked for.

    They lie below `folder` under their keys. When they are more than `limit` bytes, those that
    were not asked for the longest go, but none of the last hour.
    """

    bucket: Bucket
    folder: Path
    limit: int

    def fetch(self, keys: Sequence[str]) -> None:
        """Sees to it that there is a whole copy of each object."""
        with self._alone():
            missing = [key for key in keys if not _used(self.folder / key)]
        if not missing:
            return
        halves = self.folder / "_staging"
        halves.mkdir(parents=True, exist_ok=True)
        wanted = [(key, halves / f"get-{uuid.uuid4().hex}.parquet") for key in missing]
        try:
            self.bucket.get(wanted)
            for key, half in wanted:
                target = self.folder / key
                target.parent.mkdir(parents=True, exist_ok=True)
                flush(half)  # what a crash cuts short would be taken for the whole
                half.replace(target)
        finally:
            for _, half in wanted:
                half.unlink(missing_ok=True)
        self._trim()

    def _trim(self) -> None:
        with self._alone():
            found = sorted(filter(None, map(_copy, self.folder.glob("*/**/*.parquet"))))
            over = sum(size for _, size, _ in found) - self.limit
            for asked, size, path in found:
                if over <= 0 or time.time() - asked < KEPT_SECONDS:
                    break
                path.unlink()
                over -= size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # So that a copy is not removed between the moment it is found and the one it is marked.
        with exclusive(self.folder / ".copies.lock"):
            yield


def _copy(path: Path) -> tuple[float, int, Path] | None:
    """When a copy was last asked for, its size and where it is; None when it is none."""
    if path.parent.name == "_staging":
        return None
    try:
        found = path.stat()
    except FileNotFoundError:  # an upkeep has let go of it in this moment
        return None
    return found.st_mtime, found.st_size, path


def _used(path: Path) -> bool:
    """Marks a copy as asked for now; whether there is one."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True

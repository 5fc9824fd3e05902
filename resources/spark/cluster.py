"""The connection to Spark: what it must be told for results to be the same, and plain errors.

One session a process, begun when it is first needed and ended with the process.
"""

import atexit
import os
import re
import shutil
import socket
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from resources.engine import EngineError, UnfitValue
from resources.sizes import bytes_of
from resources.spark import missing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAME = {
    # Instants are UTC everywhere; a local day or hour is worked out by the models.
    "spark.sql.session.timeZone": "UTC",
    # What overflows or cannot be cast is an error, as in DuckDB, and not a silent NULL.
    "spark.sql.ansi.enabled": "true",
    # A product keeps all of its places; Spark would else cut them to make room in front.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    # To skip row groups by their dictionaries Parquet's Java reads these in pieces, and its LZ4
    # fails at one of more than 8 KB: 'all input must be consumed'.
    "parquet.filter.dictionary.enabled": "false",
}
"""What results depend on; no setting of the user's changes it."""

USUAL = {
    "spark.sql.parquet.compression.codec": "zstd",
    # Files of about a million calls, however many cores have worked on them.
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "256m",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.ui.enabled": "false",  # it has no login
    "spark.ui.showConsoleProgress": "false",
}
"""What a user's own settings may change."""

LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),  # 200 are for a cluster
}
"""What a user's own settings may change, too, where Spark runs in this process alone."""

FULL = "the disk is full: make room and run again"
REMOTE = "sc://"
"""Masters of Spark Connect: Spark and its Java run elsewhere, and nothing of it here."""
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_EXECUTORS_JAVA_OPTIONS = "spark.executor.extraJavaOptions"
_COMPILED = "-XX:-DontCompileHugeMethods"
"""Spark makes one method of a whole SELECT, and Java only ever interprets a method of more than
8,000 bytes, unless it is told to compile that, too."""
_MASTER = re.compile(r"local(\[.+\]|-cluster\[.+\])?|yarn|(spark|k8s|sc)://.+")
OLDEST_JAVA = 17
LEAST_HEAP = 2 << 30
"""Bytes: the number plan, as every join has it, and a day's columns beside it."""
_PATIENCE = 10  # seconds for a host to answer


def check(master: str) -> None:
    """Raises EngineError when Spark cannot be had there, as far as a moment's look can tell."""
    try:
        import pyspark.sql  # noqa: F401
    except ImportError as error:
        raise missing(error) from None
    if not _MASTER.fullmatch(master):
        raise EngineError(
            f"CDR_REPORTS_SPARK_MASTER is {master}, which is no master of Spark's: write local[*], "
            "spark://host:7077, yarn, k8s://https://host:443 or sc://host:15002"
        )
    if not master.startswith(REMOTE):
        _need_java()
    _need_host(master)


def connect(master: str, conf: Mapping[str, str], memory: str) -> "SparkSession":
    """The process's session at a master; begun when there is none. Raises EngineError.

    `memory` is the heap of Spark in this process, such as `4 GB`, unless `conf` says another; with
    less than LEAST_HEAP it has that.
    """
    if master not in _sessions or not _lives(_sessions[master], master):
        check(master)
        with plainly(f"Spark at {master}"):
            _sessions[master] = _begin(master, conf, memory)
    return _sessions[master]


_sessions: "dict[str, SparkSession]" = {}


def _lives(spark: Any, master: str) -> bool:
    """Whether a session can be used: a driver that ran out of memory has stopped its own."""
    if master.startswith(REMOTE):
        return not spark.is_stopped
    context = spark.sparkContext._jsc
    with plainly("Spark"):
        return context is not None and not context.sc().isStopped()


def _begin(master: str, conf: Mapping[str, str], memory: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    if master.startswith(REMOTE):  # the server's own settings hold, but for what a session may set
        builder = SparkSession.builder.remote(master)
        settings = {k: v for k, v in conf.items() if k.startswith("spark.sql.")}
    else:
        builder = SparkSession.builder.master(master).appName("cdr-reports")
        local = LOCAL if master.startswith("local") else {}
        settings = {**USUAL, **local, "spark.driver.memory": _heap(memory), **conf}
        own = settings.get(_JAVA_OPTIONS, "")
        quiet = f"-Dlog4j2.configurationFile=file:{Path(__file__).with_name('log4j2.properties')}"
        told = [_COMPILED, *([] if "log4j" in own else [quiet]), own]
        settings[_JAVA_OPTIONS] = " ".join(told).strip()
        executors = settings.get(_EXECUTORS_JAVA_OPTIONS, "")
        settings[_EXECUTORS_JAVA_OPTIONS] = f"{_COMPILED} {executors}".strip()
        if local:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in {**settings, **SAME}.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():  # of a setting that Spark 4 keeps, and would rather not
        warnings.filterwarnings("ignore", "The SQL config", UserWarning)
        spark = builder.getOrCreate()
    atexit.register(_end, master)
    return spark


def _end(master: str) -> None:
    """Ends a session, and the Java that ran for it, before the process goes."""
    spark = _sessions.pop(master, None)
    if spark is None:
        return
    gateway = None if master.startswith(REMOTE) else spark.sparkContext._gateway
    with suppress(Exception):  # it may have died before
        spark.stop()
    if gateway is not None:
        with suppress(Exception):
            gateway.shutdown()
        process: subprocess.Popen[bytes] = gateway.proc
        if process.stdin is not None:
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def _heap(memory: str) -> str:
    """`4 GB` as Java's -Xmx has it: 3814m; at least LEAST_HEAP."""
    return f"{max(bytes_of(memory), LEAST_HEAP) >> 20}m"


def _need_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    get = (
        f"install Java {OLDEST_JAVA} or 21 (Debian, Ubuntu: `apt-get install "
        "openjdk-17-jre-headless`), or set JAVA_HOME to one"
    )
    if java is None:
        raise EngineError(f"Spark needs Java, and there is none on the PATH: {get}")
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"Spark needs Java, and {java} does not start ({error}): {get}") from None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if found is None or told.returncode:
        raise EngineError(f"Spark needs Java, and {java} is none: {get}")
    if int(found[1]) < OLDEST_JAVA:
        raise EngineError(f"{java} is Java {found[1]}, which is too old for Spark: {get}")


def _need_host(master: str) -> None:
    """Raises EngineError when nobody listens where a master's URL points.

    Spark itself would try for a minute and then say that its context was stopped.
    """
    if not master.startswith(("spark://", "sc://", "k8s://")):
        return
    addresses = master.removeprefix("k8s://").split("://", 1)[-1].split("/")[0].split(";")[0]
    default = {"spark": 7077, "sc": 15002, "k8s": 443}[master.split(":")[0]]
    troubles = []
    for address in addresses.split(","):  # a standalone cluster may have several masters
        try:
            parts = urlsplit(f"//{address}")
            with socket.create_connection((parts.hostname or "", parts.port or default), _PATIENCE):
                return
        except (OSError, ValueError) as error:
            troubles.append(f"{address}: {error}")
    raise EngineError(
        f"Spark cannot be reached at {master} ({'; '.join(troubles)}): start it, or put "
        "CDR_REPORTS_SPARK_MASTER right"
    )


@contextmanager
def plainly(what: str) -> Iterator[None]:
    """Turns what Spark and its Java raise into an EngineError of a line; one that a value of the
    data has made into an UnfitValue.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ in _DEAD:
            raise EngineError(
                f"{what}: Spark's Java has died, most likely for lack of memory; give it more by "
                "CDR_REPORTS_MEMORY_LIMIT, and run again"
            ) from error
        if type(error).__module__.split(".")[0] not in ("pyspark", "py4j", "grpc"):
            raise
        kind = UnfitValue if _OF_DATA in str(error) else EngineError
        raise kind(f"{what}: {_cause(error)}") from error


_OF_DATA = "SQLSTATE: 22"
"""What Spark says of an error that a value has made: a class of errors in the standard of SQL."""
_DEAD = frozenset({"Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError"})


def _cause(error: BaseException) -> str:
    """The line of a Java stack trace that tells; the first when none is known to."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for sign in ("No space left on device", "Disk quota exceeded"):
        for line in lines:
            if sign in line:
                return f"{FULL} ({sign})"
    for line in lines:
        if line.startswith("Caused by:"):
            return line.removeprefix("Caused by:").strip()[:500]
    # A Java exception without a cause: the first line tells the call, the next one what it is.
    if len(lines) > 1 and lines[1].startswith(": "):
        return lines[1].removeprefix(": ")[:500]
    return (lines or [type(error).__name__])[0][:500]

"""A night through Spark Connect, on a server of its own: the same as through DuckDB."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.server import wait_for
from tests.pipeline.home import DATA, build_all, contents, land, make_home
from tests.pipeline.post import free_port
from tests.pipeline.test_spark import NO_PYTHON, accounts, delivered, needs_spark

FILE = DATA / "golden" / "landing" / "connexcs" / "cdr_20260307.csv"

INTERPRETED = (
    "--conf", "spark.sql.codegen.wholeStage=false",
    "--conf", "spark.sql.codegen.factoryMode=NO_CODEGEN",
)  # fmt: skip
"""Most of a night as short as this would be Java compiling itself; test_spark.py has it compile."""


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """Where a Spark Connect server listens, out of the jars that PySpark brings."""
    port, log = free_port(), tmp_path / "server.log"
    folder = spark_folder()
    command = [
        str(folder / "bin" / "spark-submit"),
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
        "--master", "local[2]",
        "--conf", "spark.driver.memory=2g",
        "--conf", "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
        "--conf", f"spark.connect.grpc.binding.port={port}",
        "--conf", "spark.ui.enabled=false",
        "--conf", f"spark.local.dir={tmp_path / 'scratch'}",
        "--conf", "spark.sql.shuffle.partitions=2",
        *INTERPRETED,
        "spark-internal",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYSPARK_PYTHON": NO_PYTHON,
        "SPARK_HOME": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=tmp_path, env=environment, start_new_session=True
        )
    try:
        wait_for(lambda: listens(port) or server.poll() is not None, log.read_text, 120)
        assert server.poll() is None, log.read_text()
        yield f"sc://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, 9)
        server.wait()


def spark_folder() -> Path:
    """Where PySpark has its programs and jars."""
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    return Path(spark.origin).parent


def golden_day(folder: Path) -> Path:
    """The first of the golden days alone, as a file."""
    header, *lines = FILE.read_text(encoding="utf-8").splitlines()
    part = folder / FILE.name
    part.write_text("\n".join([header, *(line for line in lines if ",2026-03-07 " in line), ""]))
    return part


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@needs_spark
def test_the_same_night(remote: str, tmp_path: Path) -> None:
    one, other = (make_home(tmp_path / engine) for engine in ("duckdb", "spark"))
    for home in (one, other):
        land(home, golden_day(tmp_path))
    build_all(one)
    night = subprocess.run(
        [str(Path(sys.executable).with_name("cdr-reports")), "run"],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")},
            "CDR_REPORTS_HOME": str(other.settings.home),
            "CDR_REPORTS_SETTLE_SECONDS": "0",
            "CDR_REPORTS_ENGINE": "spark",
            "CDR_REPORTS_SPARK_MASTER": remote,
        },
        capture_output=True, text=True,
    )  # fmt: skip
    assert night.returncode == 0, night.stderr
    assert accounts(one) == accounts(other)
    for table in ("delivered", "quarantine"):
        assert delivered(one, table) == delivered(other, table)
    assert contents(one)["cdrs"]
    assert contents(one) == contents(other)

"""A Spark that cannot be had is said before anything begins, and what to do about it."""

from pathlib import Path

import pytest

from resources.engine import EngineError
from resources.spark.cluster import check


def test_nobody_listens_there() -> None:
    pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
    with pytest.raises(EngineError, match=r"cannot be reached at sc://127.0.0.1:1 .*MASTER"):
        check("sc://127.0.0.1:1")


def test_there_is_no_such_master() -> None:
    pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
    with pytest.raises(EngineError, match=r"is mesos://a, .* write local"):
        check("mesos://a")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'openjdk version \"1.8.0_392\"' >&2", "is Java 8, which is too old"),
        ("echo 'openjdk version \"11.0.22\"' >&2", "is Java 11, which is too old"),
        ("exit 1", "is none"),
    ],
)
def test_java_is_too_old(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, told: str
) -> None:
    pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=told):
        check("local[2]")


def test_there_is_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="none on the PATH: install Java 17"):
        check("local[2]")


def test_pyspark_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match="make setup EXTRAS=spark"):
        check("local[2]")

"""The wheel: it holds all that the checkout's packages hold, and works without the checkout."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipelines", "assets", "resources", "sql", "explorer")
NOT_SHIPPED = "explorer/web"  # what the pages' scripts are built from; the wheel has the built ones

# Run where the checkout is not: -P keeps the working directory out of sys.path. The files are read
# as the program reads them.
READ_ALL = """
import sys
from importlib.resources import files
import sql
here = files("sql")
assert str(here).startswith(sys.argv[1]), here
for name in sys.argv[2:]:
    assert sql.text(name.removeprefix("sql/").removesuffix(".sql")).strip(), name
print(len(sys.argv) - 2)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the build backend that pyproject.toml names, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = folder.glob("*.whl")
    return built


def shipped() -> set[str]:
    """Every file of the packages, but for what Python and editors leave behind."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
        and not path.is_relative_to(ROOT / NOT_SHIPPED)
    }  # fmt: skip


def test_it_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.split("/")[0] in PACKAGES}
    assert sorted(shipped() - held) == []
    assert sorted(held - shipped()) == []


@pytest.mark.parametrize(
    "pattern", ["sql/*/*.sql", "resources/reference/data/*.csv", "resources/reporting/**/*.j2"]
)
def test_it_holds_what_is_no_python(wheel: Path, pattern: str) -> None:
    expected = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    assert expected, f"the checkout has no {pattern}: did the files move?"
    with zipfile.ZipFile(wheel) as archive:
        assert expected <= set(archive.namelist())


def test_it_has_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
        entry_points = configparser.ConfigParser()
        entry_points.read_string(archive.read(name).decode())
    assert dict(entry_points["console_scripts"]) == {"cdr-reports": "pipelines.cli.main:main"}


def test_its_sql_is_found_from_the_codes_own_place(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
        models = [name for name in archive.namelist() if name.endswith(".sql")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", READ_ALL, str(installed), *models],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(models) > 0

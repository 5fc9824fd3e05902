"""The definitions as Dagster's own commands load them: in a fresh process, from the root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.instance import environment
from pipelines.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
from pipelines.definitions import defs
print(len(list(defs().resolve_all_asset_specs())))
"""


def run(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    """What a command says; it must not fail."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_they_load_without_any_setting_and_touch_nothing(tmp_path: Path) -> None:
    code = [sys.executable, "-c", LOAD, str(ROOT)]
    env = {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    assert run(code, tmp_path, env) == "8\n"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a home, in which nothing was run as yet."""
    home = tmp_path_factory.mktemp("home")
    return {**environment(load_settings(home=home)), "HOME": str(home), "COLUMNS": "200"}


def test_dg_checks_them_from_the_root(served: dict[str, str]) -> None:
    said = run([str(BIN / "dg"), "check", "defs"], ROOT, served)
    assert "All definitions loaded successfully" in said
    assert "Welcome to Dagster" not in said


def test_dg_lists_them_from_the_root(served: dict[str, str]) -> None:
    said = run([str(BIN / "dg"), "list", "defs", "--json"], ROOT, served)
    # Behind the JSON may stand a hint of `dg` about itself.
    found, _end = json.JSONDecoder().raw_decode(said[said.index("{") :])
    assert {asset["asset_key"] for asset in found["assets"]} == {
        "delivered",
        "quarantine",
        "cdrs",
        "breakout_daily",
        "call_numbers",
        "dtmf_hourly",
        "usa_calls_daily",
        "usa_rate_center_daily",
    }
    jobs = {job["name"] for job in found["jobs"]}
    assert jobs == {"build_days", "deliver_reports", "intake_job", "upkeep"}


def test_the_workspace_file_loads_them_from_the_root(served: dict[str, str]) -> None:
    command = [str(BIN / "dagster"), "definitions", "validate", "-w", "workspace.yaml"]
    assert "All code locations passed validation" in run(command, ROOT, served)


def test_a_wrong_setting_is_named_before_anything_starts(served: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(ROOT)],
        cwd=served["HOME"],
        env={**os.environ, "CDR_REPORTS_TIMEZONE": "Mars/Olympus"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "CDR_REPORTS_TIMEZONE" in done.stderr
    assert "Mars/Olympus" in done.stderr

"""`.env.example` against the settings: the same names, the same defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from pipelines.settings import PREFIX, Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
# Its default is the number of cores, which no file can state.
OF_THE_MACHINE = {"threads"}


@pytest.fixture
def uncommented(tmp_path: Path) -> Path:
    """The example as somebody would have it who took the # off every line with a setting."""
    path = tmp_path / ".env"
    text = EXAMPLE.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"(?m)^#(?={PREFIX})", "", text), encoding="utf-8")
    return path


def test_it_names_every_setting_and_no_other(uncommented: Path) -> None:
    assert sorted(dotenv_values(uncommented)) == sorted(
        f"{PREFIX}{name.upper()}" for name in Settings.model_fields
    )


def test_its_values_are_the_defaults(uncommented: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    elsewhere = uncommented.parent / "no env file"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    defaults = load_settings().model_dump(exclude={*OF_THE_MACHINE, "home"})
    monkeypatch.chdir(uncommented.parent)
    said = load_settings()
    assert said.model_dump(exclude={*OF_THE_MACHINE, "home"}) == defaults
    assert said.home == uncommented.parent / "var"

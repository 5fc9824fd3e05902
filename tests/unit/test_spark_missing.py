"""Who asks for Spark without its packages is told what to install."""

import sys
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.engine import EngineError


@pytest.mark.parametrize("package", ["sqlglot", "pyspark"])
def test_a_package_that_is_not_there(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("resources.spark.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    workplace = Workplace(load_settings(home=tmp_path, engine="spark"))
    with pytest.raises(EngineError, match="make setup EXTRAS=spark"):
        workplace.model_engine.check()

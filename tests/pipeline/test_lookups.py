"""The number plan's relations that stay in the home: used when they are whole, else made again."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.assembly import Workplace
from resources.reference import lookups as kept
from resources.reference.lookups import lookups
from resources.reference.plan import ReferenceData


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


@pytest.mark.parametrize("spoil", [Path.unlink, cut], ids=["missing", "cut short"])
def test_what_is_not_whole_is_made_again(
    home: Workplace, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    def found() -> dict[str, pa.Table]:
        monkeypatch.setattr(kept, "_in_use", {})  # as in a new process
        folder = home.settings.home
        tables = lookups(home.builder.local, ReferenceData.of_home(folder), folder)
        # The engine makes them in the order of its threads.
        return {name: table.sort_by(table.column_names[0]) for name, table in tables.items()}

    first = found()
    [folder] = (home.settings.home / "lookups").iterdir()
    before = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert len(before) == len(first) - 1, "all but the home's own numbers"
    assert found() == first
    spoil(folder / "exchanges.arrow")
    assert found() == first
    assert {file.name: file.stat().st_size for file in folder.iterdir()} == before


def test_a_place_of_every_area_code_is_called_by_its_name(home: Workplace) -> None:
    """Canada too, which no longer prefix names: `CA` would be read as California."""
    data = ReferenceData()
    areas = lookups(home.builder.local, data, home.settings.home)["area_codes"].to_pylist()
    named = {row["country"]: row["destination"] for row in areas if row["country"]}
    assert named["CA"] == "Canada"
    assert named["US"] == "United States"
    assert [code for code, name in named.items() if code == name] == []

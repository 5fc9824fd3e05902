"""Whatever dies while calls leave the lake or come back, and whatever disk fills: none is lost."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from pipelines.cli.main import _is_full_disk
from resources.days import DAY_TABLES
from resources.ledger.cold import ColdState
from tests.e2e.dying import APRIL
from tests.e2e.test_kill import (
    NEEDS_ROOT,
    assert_dies,
    environment,
    fill,
    land_three,
    small_disk,
    start,
)
from tests.pipeline.deliveries import call, counting, deliver
from tests.pipeline.home import build_all, contents, make_home

DAY = date(2026, 3, 6)
CALLS = {"calls_days": 30}


def keep_up(home: Workplace) -> None:
    home.upkeep.run(APRIL.date(), APRIL, lambda text: None)


def state(home: Workplace) -> dict[str, Any]:
    """All that must be the same, whatever died on the way to it."""
    return {
        **contents(home),
        "delivered": sum(part.rows for part in home.lake.parts("delivered")),
        "quarantine": sum(part.rows for part in home.lake.parts("quarantine")),
        "cold": {day: each.state for day, each in home.days.cold.all().items()},
        "stale": home.days.stale(DAY_TABLES),
    }  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Workplace]:
    """Homes with the same three files, built: whole, or with the calls of March 6 in the store."""
    whole = make_home(tmp_path_factory.mktemp("whole"))
    land_three(whole)
    build_all(whole)
    moved = tmp_path_factory.mktemp("moved")
    shutil.copytree(whole.settings.home, moved, dirs_exist_ok=True)
    keep_up(make_home(moved, **CALLS))

    def made(work: str, folder: Path) -> Workplace:
        source = moved if work in ("restore", "moved") else whole.settings.home
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return make_home(folder, **CALLS)

    return made


POINTS = [
    ("upkeep", "ColdDays.begin", "after", 1),  # counted and frozen, nothing has left
    ("upkeep", "ColdStore.put", "after", 1),  # one of its files is in the store
    ("upkeep", "ColdDays.set", "after", 1),  # the copy is good, nothing has left
    ("upkeep", "Lake.swap", "after", 1),  # delivered has left, cdrs has not
    ("upkeep", "Lake.clear", "after", 2),  # all has left, the ledger does not know
    ("restore", "ColdDays.set", "after", 1),
    ("restore", "Lake.swap", "after", 1),  # delivered is back, cdrs is not
    ("restore", "Lake.publish", "after", 1),  # all is back, the ledger does not know
]  # fmt: skip


@pytest.mark.parametrize(("work", "point", "moment", "nth"), POINTS)
def test_killed_at(
    copy: Callable[..., Workplace], tmp_path: Path, work: str, point: str, moment: str, nth: int
) -> None:
    home = copy(work, tmp_path / "home")
    own = environment(home.settings.home, CDR_REPORTS_CALLS_DAYS="30")
    assert_dies(own, home.settings.home, work, point, moment, str(nth))
    assert make_home(home.settings.home, **CALLS).intake.run() == []
    whole = state(copy("upkeep", tmp_path / "whole"))
    if work == "upkeep":
        keep_up(home)
        assert state(home) == state(copy("moved", tmp_path / "moved"))
    home.cold.restore(DAY, lambda text: None)
    assert state(home) == whole | {"cold": {DAY: ColdState.RESTORED}}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_small_files_are_put_together(
    copy: Callable[..., Workplace], tmp_path: Path, moment: str
) -> None:
    home = copy("upkeep", tmp_path / "home")
    deliver(home, "more.csv", [call("more"), call("", dt="x")])
    home.intake.run()
    before = counting(home)
    folder = home.settings.home
    assert_dies(environment(folder), folder, "upkeep", "Lake.swap", moment)
    again = make_home(home.settings.home)
    assert again.intake.run() == []
    assert counting(again) == before
    keep_up(again)
    assert [len(again.lake.parts(table)) for table in ("delivered", "quarantine")] == [1, 1]
    assert counting(again) == before


@NEEDS_ROOT
def test_a_store_that_is_full_is_one_error_and_nothing_has_left(
    copy: Callable[..., Workplace], tmp_path: Path
) -> None:
    home = copy("upkeep", tmp_path / "home")
    before = state(home)
    with small_disk(tmp_path / "store", 1) as store:
        fill(store / "ballast", 4096)
        settings = {"CDR_REPORTS_CALLS_DAYS": "30", "CDR_REPORTS_COLD_STORE": str(store)}
        process = start(home.settings.home, "upkeep", **settings)
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 1
        assert "Traceback" not in output
        last = output.splitlines()[-1]
        assert "No space left" in last
        assert "what the lake has of the day it still has" in last
        assert home.intake.run() == []
        assert state(home) == before
        (store / "ballast").unlink()
        process = start(home.settings.home, "upkeep", **settings)
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
    assert set(home.days.cold.all()) == set(home.days.known())


@NEEDS_ROOT
def test_a_home_that_is_full_keeps_what_it_had(
    copy: Callable[..., Workplace], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        home = copy("upkeep", disk / "home")
        before = state(home)
        fill(disk / "ballast", 12_000)
        with pytest.raises(Exception, match=r"(?i)no space left|disk") as caught:
            keep_up(home)
        assert _is_full_disk(caught.value), caught.value
        (disk / "ballast").unlink()
        assert home.intake.run() == []
        assert {**state(home), "cold": {}} == before
        keep_up(home)
        home.cold.restore(DAY, lambda text: None)
        assert contents(home) == {table: before[table] for table in DAY_TABLES}

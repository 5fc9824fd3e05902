"""Answers out of cubes are the answers of the stored rows, and never of a day that has changed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from explorer import cubes
from explorer.access import LOCAL
from explorer.desk import Desk, question_of
from explorer.view import parse
from pipelines.assembly import Workplace
from resources.reporting.pivot import make_pivot
from tests.pipeline.home import build_all
from tests.pipeline.offices import make_built

DAYS = "from=2026-03-06&to=2026-03-09"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cubes of the few rows that there are here."""
    monkeypatch.setattr(cubes, "LEAST_ROWS", 0)
    monkeypatch.setattr(cubes, "LEAST_SHRINK", 0)


@pytest.fixture
def desk(golden_home: Workplace) -> Iterator[Desk]:
    build_all(golden_home)
    shutil.rmtree(golden_home.settings.home / "cubes", ignore_errors=True)
    found = Desk(golden_home)
    yield found
    found.close()


def answer(desk: Desk, query: str) -> Any:
    reporting = desk.reporting(LOCAL)
    view = parse(parse_qsl(query, keep_blank_values=True))
    found = question_of(LOCAL, reporting, view, date(2026, 3, 10), people=True)
    return make_pivot(reporting, found.request, found.splits, levels=True, limit=1000)


def read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that questions are answered from, as they are asked."""
    found: list[str] = []
    narrowed = desk.cubes.narrowed

    def noted(*arguments: Any) -> list[str]:
        files = narrowed(*arguments)
        found.extend(files)
        return files

    monkeypatch.setattr(desk.cubes, "narrowed", noted)
    return found


def wait_for_cubes(desk: Desk) -> None:
    """Until all that were asked for are made."""
    end = time.monotonic() + 120
    while desk.cubes._wanted.unfinished_tasks:
        assert time.monotonic() < end, "the cubes are not made"
        time.sleep(0.02)


ASKED = [
    f"report=breakout&{DAYS}",
    f"report=breakout&{DAYS}&group=provider&split=date&columns=attempts,asr,profit_usd",
    f"report=breakout&{DAYS}&group=customer,customer_currency&columns=customer_charge,pdd",
    f"report=breakout&{DAYS}&group=country,carrier&filter=sip_code=200&columns=attempts,acd",
    f"report=breakout&{DAYS}&group=customer&currency=EUR&columns=profit_eur,customer_charge_eur",
    f"report=breakout&{DAYS}&group=&columns=attempts,ner,profit_gbp",
    "report=breakout&from=2026-03-08&to=2026-03-09&compare=previous&group=customer",
    f"report=dtmf&{DAYS}&group=hour,provider&columns=connected,dtmf_percent",
    f"report=usa-calls&choice=lata&{DAYS}&group=customer",
    f"report=usa-rate-center&{DAYS}&group=state,rate_center&columns=total_calls",
]


@pytest.mark.parametrize("query", ASKED)
def test_a_cube_answers_as_the_stored_rows_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    stored = answer(desk, query)
    wait_for_cubes(desk)
    files = read(desk, monkeypatch)
    assert answer(desk, query) == stored
    assert files
    assert all("/cubes/" in file for file in files), files


def test_a_cube_of_more_days_serves_fewer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "report=breakout&from=2026-03-07&to=2026-03-08&group=customer&split=date"
    stored = answer(desk, query)
    other = Desk(desk.workplace)
    try:
        answer(other, f"report=breakout&{DAYS}&group=customer&split=date")
        wait_for_cubes(other)
        files = read(other, monkeypatch)
        assert answer(other, query) == stored
        assert "/cubes/" in files[0]
    finally:
        other.close()


def test_no_cube_serves_a_day_that_has_changed(tmp_path: Path) -> None:
    """A day that is built anew, or that holds nothing any more, is not answered from before."""
    workplace = make_built(tmp_path)
    whole = "report=breakout&from=2026-03-06&to=2026-03-08&group=date&columns=attempts"
    part = "report=breakout&from=2026-03-07&to=2026-03-08&group=date&columns=attempts"

    desk = Desk(workplace)

    def attempts(query: str) -> list[Any]:
        return [row.values[-1] for row in answer(desk, query).rows if row.depth]

    try:
        assert attempts(whole) == [3, 3, 3]
        wait_for_cubes(desk)
        assert attempts(part) == [3, 3]
        workplace.intake.withdraw(workplace.files.account("2026-03-08.csv").file)
        build_all(workplace)
        assert attempts(whole) == [3, 3]
        assert attempts(part) == [3]
    finally:
        desk.close()


def test_a_day_more_is_read_beside_the_cube_of_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"report=breakout&{DAYS}&group=customer,date&columns=attempts,asr,profit_usd"
    stored = answer(desk, query)
    other = Desk(desk.workplace)
    try:
        answer(other, "report=breakout&from=2026-03-06&to=2026-03-08&group=customer,date")
        wait_for_cubes(other)
        monkeypatch.setattr(other.cubes, "_work", lambda: None)
        files = read(other, monkeypatch)
        assert answer(other, query) == stored
        assert ["/cubes/" in file for file in files] == [False, True]
        assert "call_date=2026-03-09" in files[0]
    finally:
        other.close()


def test_cubes_are_there_after_a_new_start(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = desk.workplace.settings.home / "cubes" / "kept"
    stored = answer(desk, ASKED[0])
    wait_for_cubes(desk)
    desk.close()
    (shelf,) = {path.parent for path in kept.glob("*/*.parquet")}
    (shelf / "7.tmp").write_text("left by a process that died")
    (shelf / "8.parquet").write_text("not whole")
    other = Desk(desk.workplace)
    try:
        files = read(other, monkeypatch)
        assert answer(other, ASKED[0]) == stored
        assert {Path(file).parent for file in files} == {shelf}
        assert not (shelf / "7.tmp").exists()
    finally:
        other.close()


def test_a_second_process_has_cubes_of_its_own(desk: Desk) -> None:
    answer(desk, ASKED[0])
    wait_for_cubes(desk)
    folder = desk.workplace.settings.home / "cubes"
    # As a process that died would have left it.
    dead = folder / "beside-dead"
    dead.mkdir()
    (dead / "lock").touch()
    other = Desk(desk.workplace)
    answer(other, ASKED[0])
    wait_for_cubes(other)
    (own,) = folder.glob("beside-*")
    assert own != dead
    assert list(own.glob("*/*.parquet"))
    other.close()
    assert [path.name for path in folder.iterdir()] == ["kept"]
    assert list(folder.glob("kept/*/*.parquet"))


def test_a_shelf_that_is_asked_for_again_keeps_its_files(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    class Timer(threading.Thread):
        def __init__(self, _seconds: float, then: Callable[..., None], of: tuple[Any, ...]) -> None:
            super().__init__()
            begun.append((then, of))

    answer(desk, ASKED[0])
    wait_for_cubes(desk)
    monkeypatch.setattr(threading, "Timer", Timer)
    days = ((date(2026, 3, 6), date(2026, 3, 9)),)
    for number in range(16):  # as many others as there is room for
        desk.cubes.narrowed("breakout_daily", [f"/gone/{number}.parquet"], frozenset(), False, days)
    wanted = answer(desk, ASKED[0])
    wait_for_cubes(desk)
    for then, of in begun:
        then(*of)
    files = read(desk, monkeypatch)
    assert answer(desk, ASKED[0]) == wanted
    assert all("cubes" in Path(file).parts for file in files)

"""The three rooms of the tests, and the police that keeps each in its own.

    tests/unit      a function and its values; files under tmp_path at most
    tests/pipeline  the real thing, part by part: lake, ledger, mail server, Dagster in process
    tests/e2e       what users run: the commands, the daemon, the wheel, a browser

A fixture belongs to the room in whose folder it is declared, and may be used there and in the rooms
below it in this list. Shared by all: what is declared in this file, or comes from a plugin. What
several slow rooms share is in tests/support/ and counts as `pipeline`. A test file outside the
rooms, or a fixture of a slower room in a faster one, stops the collection. In tests/unit moreover a
socket or a process stops the test, see tests/unit/conftest.py.

The slowest room is first, so that no long test is the last one, with every other worker at rest.

No fixture of one room belongs here.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes depends on what else the machine does; speed is measured in tests/bench.
settings.register_profile(
    "cdr-reports", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cdr-reports")

TESTS = Path(__file__).resolve().parent
ROOMS = ("unit", "pipeline", "e2e")  # from fast to slow
SHARED = "pipeline"  # the room that tests/support/ counts as


def room_of(path: Path) -> str | None:
    """The room that a file below tests/ is in; None for files outside all rooms."""
    if not path.is_relative_to(TESTS):
        return None
    first = path.relative_to(TESTS).parts[0]
    if first == "support":
        return SHARED
    return first if first in ROOMS else None


def trespass(test_room: str | None, fixture_files: dict[str, Path]) -> str | None:
    """Why a test may not be where it is, or may not use a fixture that it uses; None when it may.

    Args:
        test_room: the room of the test.
        fixture_files: name → source file of every fixture the test needs, directly or not.
    """
    if test_room is None:
        return f"is in none of the rooms {', '.join(f'tests/{room}' for room in ROOMS)}"
    for name, path in sorted(fixture_files.items()):
        room = room_of(path)
        if room is not None and ROOMS.index(room) > ROOMS.index(test_room):
            return f"is in tests/{test_room} and uses `{name}` of tests/{room}: move it there"
    return None


def _fixture_files(item: pytest.Function) -> dict[str, Path]:
    definitions = item._fixtureinfo.name2fixturedefs
    return {
        name: Path(found[-1].func.__code__.co_filename)
        for name, found in definitions.items()
        if hasattr(found[-1].func, "__code__")
    }


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make a test in the wrong room an error of the collection.

    pytest then runs no test at all; ``pytest -n`` runs the others and fails.
    """
    report = yield
    wrong = []
    for item in report.result:
        if isinstance(item, pytest.Function):
            problem = trespass(room_of(item.path), _fixture_files(item))
            if problem:
                wrong.append(f"{item.nodeid} {problem}")
    if wrong:
        report.outcome = "failed"
        report.longrepr = "\n".join(wrong)
        report.result = []
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms from slow to fast; within each the order stays."""
    rooms = [None, *reversed(ROOMS)]
    items.sort(key=lambda item: rooms.index(room_of(item.path)))

"""Schedules as people write them in YAML."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest

from resources.schedules.definition import ScheduleError, define
from resources.schedules.written import WrittenError, read
from tests.unit.test_schedules_definition import ACCOUNTS, DAY

ONE = "schedules:\n- name: a\n  email: [a@example.com]\n"


def only(text: str) -> dict[str, Any]:
    (entry,) = read(io.StringIO(ONE + text))
    return entry


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("time: 17:30", "17:30"),
        ("time: 7:05", "7:05"),
        ("time: 730", "730"),
        ("time: 7", "7"),
        ("customers: [101, 0102]", ["101", "0102"]),
        ("customers: 1_0", "1_0"),
        ("report: 2026-13-45", "2026-13-45"),
        ("fan_out: true", True),
        ("enabled: no", False),
        ("columns:", None),
    ],
)
def test_numbers_are_what_was_written(text: str, value: object) -> None:
    (found,) = list(only(f"  {text}\n").values())[2:]
    assert found == value
    assert type(found) is type(value)


def test_an_anchor_spares_a_list_its_repetition() -> None:
    first, second, third = read(
        io.StringIO(
            "ours: &ours [a@example.com]\nschedules:\n- &one {name: a, email: *ours}\n"
            "- &two {<<: *one, name: b}\n- {<<: *two, name: c}\n"
        )
    )
    assert (first["email"], second) == (["a@example.com"], {**first, "name": "b"})
    assert third == {**first, "name": "c"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + "  email: [b@example.com]\n", "'email' is there twice"),
        ("schedules: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("schedules: !!python/object/apply:os.system [ls]", "no YAML"),
        (ONE + "  time: !!int '" + "9" * 5000 + "'\n", "no YAML"),
        (ONE + "---\n" + ONE, "another document"),
        ("", "under `schedules:`"),
        ("schedules: [a]", "under `schedules:`"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(WrittenError) as caught:
        read(io.StringIO(text))
    assert words in str(caught.value)


def test_a_list_of_lists_without_end_is_refused_in_a_line() -> None:
    """Nine times nine … lists, 43 million texts, out of a file of some hundred letters."""
    lists = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    text = f"l0: &l0 [x]\n{lists}schedules:\n- name: *l8\n  email: *l8\n"
    (entry,) = read(io.StringIO(text))
    started = time.monotonic()
    with pytest.raises(ScheduleError, match="no list of texts") as caught:
        define(entry, ACCOUNTS, "UTC", DAY)
    assert len(str(caught.value)) < 1000
    assert time.monotonic() - started < 5

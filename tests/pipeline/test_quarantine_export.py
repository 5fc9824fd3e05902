"""Refused records of a source whose files are not divided by commas."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.quarantine import quarantined, write_named
from resources.sources import SOURCES
from tests.pipeline.home import land, make_home


def test_its_own_delimiter_goes_in_and_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(SOURCES, "connexcs", replace(SOURCES["connexcs"], delimiter=";"))
    header = "dt;callid;" + ";".join(
        n for n in SOURCES["connexcs"].columns if n not in ("dt", "callid")
    )
    blank = ";" * (header.count(";") - 1)
    file = tmp_path / "calls.csv"
    file.write_text(f'{header}\nno time;"a;b"{blank}\n', encoding="utf-8")
    workplace = make_home(tmp_path / "home")
    land(workplace, file)
    workplace.intake.run()
    (account,) = workplace.files.accounts()
    assert (account.file.records, account.file.quarantined) == (1, 1)

    written = io.StringIO()
    assert write_named(written, [account], quarantined(workplace, [account])) == 1
    head, record = written.getvalue().splitlines()
    assert head == f"{header};quarantine_file;quarantine_line;quarantine_reasons;quarantine_raw"
    assert record.startswith(f'no time;"a;b"{blank};calls.csv;2;')

    # Delivered again unmended it is read as it was, and refused for the same.
    again = tmp_path / "again.csv"
    again.write_text(written.getvalue(), encoding="utf-8")
    land(workplace, again)
    workplace.intake.run()
    _, second = workplace.files.accounts()
    assert second.file.quarantined == 1
    (told,) = quarantined(workplace, [second])
    (before,) = quarantined(workplace, [account])
    assert told["quarantine_reasons"] == before["quarantine_reasons"]

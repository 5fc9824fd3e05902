"""Tables of commands, and progress where no bar can be drawn."""

from unittest.mock import Mock

import pytest
from rich.table import Table

from pipelines.cli import show
from pipelines.cli.show import Pulse, show_table

ROWS = [("1", "aé日本.csv", None, "x\ny"), ("22", "b b", 1_234_567, ""), ("333", "", -5, "–")]


@pytest.mark.parametrize("columns", [("file", "name", "records", "why"), ("", "", "", "")])
def test_a_table_that_fits_is_laid_out_as_rich_has_it(
    columns: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headings = [(heading, n in (0, 2)) for n, heading in enumerate(columns)]
    rich = Mock(wraps=Table)
    monkeypatch.setattr(show, "Table", rich)
    show_table(headings, ROWS)
    plain = capsys.readouterr().out
    assert not rich.called  # it takes 10 KB a row, and a list of files has 100,000
    assert "1,234,567" in plain
    monkeypatch.setattr(show, "_lines", lambda *_: [])
    show_table(headings, ROWS)
    assert capsys.readouterr().out == plain
    assert rich.called


def test_a_table_that_is_too_wide_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([("why", False)], [("x" * (show.PIPE_WIDTH + 1),)])
    assert list(map(len, capsys.readouterr().out.splitlines()))[1:] == [show.PIPE_WIDTH] * 2


def test_a_log_gets_a_line_a_minute() -> None:
    said: list[tuple[float, str]] = []
    now = 0.0
    pulse = Pulse(lambda text: said.append((now, text)), lambda: now)
    for step in range(200):
        now = step * 1.0
        pulse(f"step {step}")
    assert said == [(60, "step 60"), (120, "step 120"), (180, "step 180")]
    now = 1000.0  # one step took long; what was missed is not made up for
    pulse("late")
    pulse("at once")
    assert said[3:] == [(1000, "late")]

"""Progress where no bar can be drawn."""

from pipelines.cli.show import Pulse


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

"""The figures of a bench as a Markdown table and as a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tests.bench.measure import Measured


@dataclass(frozen=True)
class Line:
    """One side: what it took, and what the side that it is held against took."""

    side: str
    measured: Measured
    ours: Measured


def markdown(lines: Sequence[Line], rows: int) -> str:
    """A table; `x` columns are this side's figure over ours."""
    table = [
        "| | seconds | x | CPU s | x | CPU s per million | peak MB | x |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for line in lines:
        m, o = line.measured, line.ours
        table.append(
            f"| {line.side} | {m.seconds:,.1f} | {m.seconds / o.seconds:.2f} | {m.cpu:,.1f} "
            f"| {m.cpu / o.cpu:.2f} | {m.cpu / rows * 1e6:.1f} | {m.peak_mb:,.0f} "
            f"| {m.peak_mb / o.peak_mb:.2f} |"
        )
    return "\n".join(table)


def svg(lines: Sequence[Line], title: str, machine: str) -> str:
    """Bars of seconds by the clock, the longest as wide as the drawing."""
    left, width, step, top = 170, 480, 30, 56
    most = max(line.measured.seconds for line in lines)
    height = top + step * len(lines) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" '
        'font-family="DejaVu Sans, Arial, sans-serif" font-size="13">',
        f'<rect width="760" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        '<text x="16" y="43" fill="#555555">by the clock (processor seconds, peak memory)</text>',
    ]
    for number, line in enumerate(lines):
        y = top + step * number
        bar = max(1.0, width * line.measured.seconds / most)
        colour = "#0b5fa5" if line.side.startswith("ours") else "#9aa7b4"
        inside = bar > width * 0.72
        at, anchor, ink = (
            (left + bar - 8, "end", "#ffffff" if colour == "#0b5fa5" else "#1b1b1b")
            if inside
            else (left + bar + 8, "start", "#1b1b1b")
        )
        parts += [
            f'<text x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(line.side)}</text>',
            f'<rect x="{left}" y="{y + 3}" width="{bar:.1f}" height="20" fill="{colour}"/>',
            f'<text x="{at:.1f}" y="{y + 17}" text-anchor="{anchor}" fill="{ink}">'
            f"{line.measured.seconds:,.1f} s ({line.measured.cpu:,.0f} CPU s, "
            f"{line.measured.peak_mb:,.0f} MB)</text>",
        ]
    parts.append(
        f'<text x="16" y="{height - 12}" font-size="10" fill="#555555">{escape(machine)}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])

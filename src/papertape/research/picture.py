"""A small picture of an equity curve for notebooks: SVG, no script, no library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from papertape.research.words import number

WIDTH, HEIGHT = 720, 200  # pixels; it shrinks with its column
LEFT, RIGHT, TOP, BOTTOM = 8, 88, 24, 24  # space around the lines
SHARE = 0.72  # of the height for equity, the rest for drawdown
GAP = 12
LINE, LOSS, GREY = "#4f83e6", "#c8622a", "#7d8894"  # readable on white and on dark


class Picture:
    """An equity curve with its drawdown; a notebook draws it."""

    def __init__(self, title: str, points: Sequence[Sequence[float]]) -> None:
        """Take rows of [ms, equity, drawdown in percent, 0 or below]."""
        self._title = title
        self._points = points

    def svg(self) -> str:
        """Return the picture as an SVG element."""
        middle = TOP + (HEIGHT - TOP - BOTTOM - GAP) * SHARE
        equity = [row[1] for row in self._points] or [0.0]
        depth = [row[2] for row in self._points] or [0.0]
        low, high = min(equity), max(equity)
        label = escape(f"{self._title}: equity from {number(equity[0])} to {number(equity[-1])}")
        worst = min(depth)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{label}" style="max-width:{WIDTH}px;width:100%" font-size="12" '
            f'font-family="system-ui, sans-serif" fill="{GREY}">',
            f'<text x="{LEFT}" y="14">{escape(self._title)}</text>',
            _line(equity, low, high, (TOP, middle), LINE, fill=False),
            _line(depth, worst, 0.0, (middle + GAP, HEIGHT - BOTTOM), LOSS, fill=True),
            _label(TOP + 10, number(high)),
            _label(middle, number(low)),
            _label(HEIGHT - BOTTOM, f"{number(worst)} %"),
            "</svg>",
        ]
        return "".join(parts)

    def _repr_svg_(self) -> str:
        return self.svg()


def _label(y: float, text: str) -> str:
    return f'<text x="{WIDTH - RIGHT + 8}" y="{y:.0f}">{escape(text)}</text>'


def _line(
    values: Sequence[float],
    low: float,
    high: float,
    span: tuple[float, float],
    stroke: str,
    *,
    fill: bool,
) -> str:
    top, bottom = span
    width = WIDTH - LEFT - RIGHT
    scale = (bottom - top) / (high - low) if high > low else 0.0
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{LEFT + i * step:.1f},{top + (high - value) * scale:.1f}"
        for i, value in enumerate(values)
    )
    if fill:
        points = f"{LEFT},{top:.1f} {points} {LEFT + width},{top:.1f}"
    paint = f'fill="{stroke}" fill-opacity="0.2"' if fill else 'fill="none"'
    return f'<polyline points="{points}" {paint} stroke="{stroke}" stroke-width="1.2"/>'

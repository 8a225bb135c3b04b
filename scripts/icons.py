"""Draw the app's icons as PNG, from the same shapes as favicon.svg: `python scripts/icons.py`.

Plain Python and zlib: no image library is needed for a rounded square and two strokes.
"""

from __future__ import annotations

import math
import struct
import zlib
from itertools import pairwise
from pathlib import Path

ICONS = Path(__file__).parents[1] / "src" / "papertape" / "dashboard" / "static" / "icons"
VIEW = 32.0  # the shapes' own units, as in favicon.svg
GROUND, PAPER, LINE = (22, 28, 35), (154, 167, 180), (122, 167, 255)
STROKE = 2.4
TAPE = ((8, 5.5), (24, 5.5), (24, 26.5), (20.8, 24.2), (17.6, 26.5), (16, 25.3), (14.4, 26.5),
        (11.2, 24.2), (8, 26.5), (8, 5.5))  # fmt: skip
CURVE = ((12, 16.8), (15, 13.4), (17.7, 15.7), (20.7, 11.4))

Point = tuple[float, float]
Color = tuple[int, int, int]


def to_stroke(x: float, y: float, points: tuple[Point, ...]) -> float:
    """Return how far a place is from a line through points."""
    best = math.inf
    for (ax, ay), (bx, by) in pairwise(points):
        dx, dy = bx - ax, by - ay
        along = max(0.0, min(1.0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
        best = min(best, math.hypot(x - ax - along * dx, y - ay - along * dy))
    return best


def inside_square(x: float, y: float, radius: float) -> float:
    """Return how far a place is inside the rounded square; negative outside."""
    qx, qy = abs(x - VIEW / 2) - VIEW / 2 + radius, abs(y - VIEW / 2) - VIEW / 2 + radius
    return radius - math.hypot(max(qx, 0.0), max(qy, 0.0)) - min(max(qx, qy), 0.0)


def mix(below: Color, above: Color, share: float) -> Color:
    """Return one colour over another."""
    return (
        round(below[0] + (above[0] - below[0]) * share),
        round(below[1] + (above[1] - below[1]) * share),
        round(below[2] + (above[2] - below[2]) * share),
    )


def draw(size: int, *, radius: float, scale: float = 1.0) -> bytes:
    """Return a PNG of size x size pixels; scale below 1 leaves a margin around the mark."""
    pixel = VIEW / size
    rows = bytearray()
    for j in range(size):
        rows.append(0)
        for i in range(size):
            x, y = (i + 0.5) * pixel, (j + 0.5) * pixel
            covered = 1.0 if radius == 0 else _share(inside_square(x, y, radius), pixel)
            mx, my = (x - VIEW / 2) / scale + VIEW / 2, (y - VIEW / 2) / scale + VIEW / 2
            color = GROUND
            for points, stroke in ((TAPE, PAPER), (CURVE, LINE)):
                near = STROKE / 2 - to_stroke(mx, my, points)
                color = mix(color, stroke, _share(near, pixel / scale))
            rows += bytes((*color, round(255 * covered)))
    return _png(size, bytes(rows))


def _share(depth: float, pixel: float) -> float:
    return max(0.0, min(1.0, depth / pixel + 0.5))


def _png(size: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


def main() -> None:
    """Write the icons that the manifest names."""
    wanted = {
        "app-192.png": draw(192, radius=7),
        "app-512.png": draw(512, radius=7),
        "app-maskable-512.png": draw(512, radius=0, scale=0.75),
    }
    for name, body in wanted.items():
        (ICONS / name).write_bytes(body)


if __name__ == "__main__":
    main()

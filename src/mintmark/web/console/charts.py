"""A bar chart as SVG: what was issued and refused in each span, drawn on the server, readable without it as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 6, 10, 26
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One span: its label, what stands under it on the axis (mostly nothing), and both counts."""

    label: str
    mark: str
    issued: int
    refused: int


@dataclass(frozen=True, slots=True)
class Rect:
    """A part of a bar, in the coordinates of the drawing."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws: `lines` and `marks` are positions with their texts."""

    rects: tuple[Rect, ...]
    lines: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    titles: tuple[tuple[float, float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    foot: int = HEIGHT - _BOTTOM


def draw(bars: Sequence[Bar]) -> Chart:
    """Bars side by side, the refused above the issued, under a scale that ends at a round number."""
    most = max((bar.issued + bar.refused for bar in bars), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    tall, wide = HEIGHT - _TOP - _BOTTOM, WIDTH - _LEFT - _RIGHT
    pitch = wide / max(1, len(bars))
    gap = min(4.0, pitch * 0.25)
    rects: list[Rect] = []
    for index, bar in enumerate(bars):
        x, y = _LEFT + index * pitch + gap / 2, float(HEIGHT - _BOTTOM)
        for kind, count in (("issued", bar.issued), ("refused", bar.refused)):
            if count:
                height = max(1.5, count / top * tall)
                y -= height
                rects.append(Rect(kind, round(x, 1), round(y, 1), round(pitch - gap, 1), round(height, 1)))
    return Chart(
        rects=tuple(rects),
        lines=tuple(
            (round(HEIGHT - _BOTTOM - at / top * tall, 1), f"{at:,}") for at in range(0, top + 1, step)
        ),
        marks=tuple(
            (round(_LEFT + (index + 0.5) * pitch, 1), bar.mark) for index, bar in enumerate(bars) if bar.mark
        ),
        titles=tuple(
            (
                round(_LEFT + index * pitch, 1),
                round(pitch, 1),
                f"{bar.label}: {bar.issued:,} issued, {bar.refused:,} refused",
            )
            for index, bar in enumerate(bars)
        ),
    )


def _step(most: int) -> int:
    """The distance of the lines: 1, 2 or 5 times a power of ten, so that there are about four."""
    size = 1
    while True:
        for digit in _STEPS:
            if most <= 4 * digit * size:
                return digit * size
        size *= 10

"""Small charts as inline SVG for the site: they take their colours from the page, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.vocabulary import NONE
from reports.board.labels import WIDE, beside, spread
from reports.series import pareto_front
from reports.tables.renderers.escape import markup

WIDTH, HEIGHT = 520, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 14, 42
#: Size of the names of lines and points, and the most letters of one that are shown.
_NAME, _LETTERS = 11, 18
_COLOURS = 8
_DASHES = ("", "7 3", "2 3", "9 3 2 3")
_MARKERS = 6
_FEW = 8


@dataclass(frozen=True)
class Point:
    """A value with its interval at an abscissa, as shown; neighbours on one scale are joined by a line."""

    x: float
    value: float
    low: float | None = None
    high: float | None = None
    scale: int = 0


@dataclass(frozen=True)
class Line:
    """A derainer in a chart; `style` is its place among the derainers, None for a reference; `name` is written."""

    label: str
    name: str
    points: tuple[Point, ...]
    style: int | None


def styles(labels: Sequence[str]) -> dict[str, int]:
    """A place for each derainer, so that it looks the same in every chart of a page."""
    return {label: place for place, label in enumerate(labels)}


def has_bands(lines: Sequence[Line]) -> bool:
    """Whether a chart shows intervals: many bands on top of each other would hide the lines."""
    return len(lines) <= _FEW


def severity_chart(title: str, ticks: Sequence[str], lines: Sequence[Line], unit: str) -> str:
    """Score by rain, with bands where they are few; each line's name stands at its end.

    Args:
        title: What is shown, for screen readers.
        ticks: Names of the rains; a point's x is an index of these.
        lines: One per derainer; a missing point is a gap.
        unit: Header of the ordinate.
    """
    low, high, marks = _range([v for line in lines for p in line.points for v in _extent(p)])
    room = 26 + WIDE * _NAME * max((len(_cut(line.name)) for line in lines), default=0)
    step = (WIDTH - _LEFT - room) / max(1, len(ticks))

    def x(value: float) -> float:
        return _LEFT + step * (value + 0.5)

    def y(value: float) -> float:
        return _y(value, low, high)

    parts = _frame(marks, y, unit, WIDTH - room + 4)
    for i, tick in enumerate(ticks):
        # The second word goes under the first: side by side, five rains do not fit.
        for line_number, part in enumerate(tick.split(" ", 1)):
            parts.append(_tick(x(i), _cut(part), line=line_number))
    for line in lines if has_bands(lines) else ():
        for run in _runs(line.points):
            band = [p for p in run if p.low is not None and p.high is not None]
            if len(band) > 1:
                edge = [f"{x(p.x):.1f},{y(p.high or 0):.1f}" for p in band]
                edge += [f"{x(p.x):.1f},{y(p.low or 0):.1f}" for p in reversed(band)]
                kind = f"band {_class(line.style, line.label)}"
                parts.append(f'<polygon class="{kind}" points="{" ".join(edge)}"/>')
    for line in lines:
        parts.append(f"<g><title>{markup(line.name)}</title>")
        for run in _runs(line.points):
            path = "M" + "L".join(f"{x(p.x):.1f} {y(p.value):.1f}" for p in run)
            if len(run) == 1 and line.style is None:  # a reference has no marker
                path = f"M{x(run[0].x) - 8:.1f} {y(run[0].value):.1f}h16"
            parts.append(f'<path d="{path}" {_stroke(line.style, line.label)}/>')
        parts += [_marker(line.style, x(p.x), y(p.value), line.label) for p in line.points]
        parts.append("</g>")
    ends = [(x(line.points[-1].x), y(line.points[-1].value)) for line in lines]
    heights = spread([at for _, at in ends], _NAME * 1.15, _TOP, HEIGHT - _BOTTOM)
    for line, (from_x, from_y), height in zip(lines, ends, heights, strict=True):
        to = WIDTH - room + 8
        parts.append(f'<path class="lead" d="M{from_x + 6:.1f} {from_y:.1f}L{to:.1f} {height:.1f}"/>')
        parts.append(_name(line, to + 3, height))
    return _svg(title, parts)


def pareto_chart(title: str, lines: Sequence[Line], unit: str, cost: str) -> str:
    """Quality against cost; the dashed steps join those that nothing else beats in both.

    Args:
        title: What is shown, for screen readers.
        lines: One point per derainer, x its cost.
        unit: Header of the ordinate.
        cost: Header of the abscissa.
    """
    points = [line.points[0] for line in lines]
    low, high, marks = _range([v for p in points for v in _extent(p)])
    costs = [p.x for p in points]
    log = min(costs) > 0 and max(costs) / min(costs) > 8
    scale = math.log10 if log else float
    if log:
        left, right = math.log10(min(costs)) - 0.15, math.log10(max(costs)) + 0.15
        ticks = [10.0**e * f for e in range(math.floor(left), math.ceil(right)) for f in (1, 3)]
    else:
        left, _, ticks = _range([0.0, *costs])
        right = 1.06 * max(*costs, ticks[-1] * 0.9)

    def x(value: float) -> float:
        return _LEFT + (scale(value) - left) / (right - left) * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _y(value, low, high)

    parts = _frame(marks, y, unit, WIDTH - _RIGHT)
    for tick in ticks:
        if _LEFT <= x(tick) <= WIDTH - _RIGHT:
            parts.append(_tick(x(tick), _plain(tick)))
    middle = (WIDTH + _LEFT) / 2
    parts.append(f'<text class="axis" x="{middle:.0f}" y="{HEIGHT - 6}">{markup(cost)}</text>')
    front = pareto_front([(p.x, p.value) for p in points])
    if len(front) > 1:
        steps = f"M{x(front[0][0]):.1f} {y(front[0][1]):.1f}"
        for (_, before), (at, value) in pairwise(front):
            steps += f"L{x(at):.1f} {y(before):.1f}L{x(at):.1f} {y(value):.1f}"
        parts.append(f'<path class="front" d="{steps}"/>')
    for line in lines:
        point = line.points[0]
        parts.append(f"<g><title>{markup(line.name)}</title>")
        if point.low is not None and point.high is not None:
            bar = f"M{x(point.x):.1f} {y(point.low):.1f}V{y(point.high):.1f}"
            parts.append(f'<path class="whisker {_class(line.style, line.label)}" d="{bar}"/>')
        parts.append(_marker(line.style, x(point.x), y(point.value), line.label) + "</g>")
    places = beside(
        [(x(p.x), y(p.value)) for p in points], [_cut(line.name) for line in lines], _NAME, _LEFT, WIDTH - 2
    )
    parts += [_name(line, *place) for line, place in zip(lines, places, strict=True)]
    return _svg(title, parts)


def _svg(title: str, parts: Sequence[str]) -> str:
    name = markup(title)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{''.join(parts)}</svg>"
    )


def _extent(point: Point) -> list[float]:
    return [v for v in (point.value, point.low, point.high) if v is not None]


def _range(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Ends of an axis, and round numbers on it."""
    if not values:
        return 0.0, 1.0, [0.0, 0.5, 1.0]
    low, high = min(values), max(values)
    span = high - low or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / 4))
    step *= next(f for f in (1, 2, 2.5, 5, 10) if span / (f * step) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    marks = [i * step for i in range(first, last + 1)]
    return marks[0], marks[-1] if len(marks) > 1 else marks[0] + step, marks


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def _frame(marks: Sequence[float], y: Callable[[float], float], unit: str, right: float) -> list[str]:
    parts = []
    for mark in marks:
        at = y(mark)
        parts.append(f'<path class="grid" d="M{_LEFT} {at:.1f}H{right:.1f}"/>')
        place = f'x="{_LEFT - 6}" y="{at + 4:.1f}" style="text-anchor:end"'
        parts.append(f'<text class="tick" {place}>{_plain(mark)}</text>')
    middle = (HEIGHT - _BOTTOM + _TOP) / 2
    where = f"translate(12 {middle:.0f}) rotate(-90)"
    parts.append(f'<text class="axis" transform="{where}">{markup(unit)}</text>')
    return parts


def _tick(x: float, text: str, line: int = 0) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 24 + 14 * line}">{markup(text)}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"


def _name(line: Line, x: float, y: float, ends: bool = False) -> str:
    anchor = ' style="text-anchor:end"' if ends else ""
    where = f'x="{x:.1f}" y="{y + 4:.1f}"{anchor}'
    return f'<text class="name {_class(line.style, line.label)}" {where}>{markup(_cut(line.name))}</text>'


def _plain(number: float) -> str:
    return f"{number:.4g}"


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Neighbouring points on one scale together: a line does not jump over a rain that was not measured."""
    runs: list[list[Point]] = []
    for point in points:
        if runs and point.x - runs[-1][-1].x == 1 and point.scale == runs[-1][-1].scale:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _class(style: int | None, label: str) -> str:
    return "ref" if style is None else f"c{style % _COLOURS}"


def _stroke(style: int | None, label: str) -> str:
    dash = ("5 4" if label == NONE else "") if style is None else _DASHES[style // 2 % len(_DASHES)]
    return f'class="line {_class(style, label)}"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _marker(style: int | None, x: float, y: float, label: str) -> str:
    """A shape of its own for each of six neighbours, so that grey prints can be read."""
    if style is None:
        return ""
    shapes: Mapping[int, str] = {
        0: f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"',
        1: f'<path d="M{x - 4:.1f} {y - 4:.1f}h8v8h-8z"',
        2: f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z"',
        3: f'<path d="M{x:.1f} {y - 5.5:.1f}l5 5.5l-5 5.5l-5 -5.5z"',
        4: f'<path d="M{x:.1f} {y + 5:.1f}l5 -9h-10z"',
        5: f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"',
    }
    kind = "cross" if style % _MARKERS == 5 else "marker"
    return f'{shapes[style % _MARKERS]} class="{kind} {_class(style, label)}"/>'

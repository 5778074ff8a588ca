"""Writes the name of each point of a figure beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Width and height of a letter in parts of its size.
_WIDE, _HIGH = 0.58, 1.0
#: Half of a point's marker, and its distance from the name, in points of print.
_MARKER, _APART = 2.2, 3.6
#: Where a name may stand above or below its point, in parts of its height.
_STEPS = (0.45, -0.55, 1.55, -1.65, 2.65, -2.75, 3.75, -3.85)


def name_points(
    axis: Axes,
    points: Mapping[str, tuple[float, float]],
    *,
    text: Callable[[str], str] = str,
    colour: Callable[[str], str] = lambda label: "black",
    size: float = 6.5,
) -> None:
    """Write each point's name where it covers the fewest points and names.

    Args:
        axis: Where the points are drawn; nothing will change its limits and scales.
        points: Label to its place in the axis' data.
        text: What is written for a label.
        colour: Of its letters.
        size: Of the letters, in points of print.
    """
    axis.get_xlim(), axis.get_ylim()  # limits that follow from the data are set when somebody asks
    dot = 72 / axis.figure.dpi  # points of print in one
    places = {label: axis.transData.transform(point) * dot for label, point in points.items()}
    taken = [(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER) for x, y in places.values()]
    left_edge, right_edge = axis.bbox.x0 * dot, axis.bbox.x1 * dot
    for label in sorted(places, key=lambda label: (-places[label][1], label)):
        x, y = places[label]
        name = text(label)
        width, height = _WIDE * size * len(name), _HIGH * size
        best: tuple[float, float, float, tuple[float, ...]] | None = None
        for right in (1, -1):
            for step in _STEPS:
                up = step * height
                left = x + _APART if right > 0 else x - _APART - width
                box = (left, y + up - height / 2, left + width, y + up + height / 2)
                outside = max(0.0, box[2] - right_edge) + max(0.0, left_edge - box[0])
                cost = sum(_overlap(box, other) for other in taken) + 20 * outside + abs(up)
                if best is None or cost < best[0]:
                    best = (cost, _APART * right, up, box)
        assert best is not None
        taken.append(best[3])  # type: ignore[arg-type]
        axis.annotate(
            name,
            points[label],
            xytext=(best[1], best[2]),
            textcoords="offset points",
            ha="left" if best[1] > 0 else "right",
            va="center",
            fontsize=size,
            color=colour(label),
        )


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)

"""Where the names of lines and points stand in a chart, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

#: Height and width of a letter in parts of its size.
HIGH, WIDE = 1.15, 0.6
#: Where a name may stand, in parts of its height above and below its point; near ones first.
_STEPS = (0.0, 0.7, -0.7, 1.3, -1.3, 2.0, -2.0, 2.8, -2.8)

Box = tuple[float, float, float, float]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart until neighbours are `gap` from each other, in order and near to where they were.

    Args:
        wanted: Where each would be.
        gap: The least distance; made smaller where there is no room for all.
        low: The first place there is.
        high: The last place.

    Returns:
        A place for each, in the order of `wanted`.
    """
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    placed = [0.0] * len(wanted)
    last = low - gap
    for i in order:
        last = placed[i] = max(wanted[i], last + gap, low)
    last = high + gap
    for i in reversed(order):
        last = placed[i] = min(placed[i], last - gap)
    return placed


def beside(
    points: Sequence[tuple[float, float]], names: Sequence[str], size: float, left: float, right: float
) -> list[tuple[float, float, bool]]:
    """Put each name where it covers the fewest points and other names.

    Args:
        points: Places of the points, y downwards.
        names: What is written.
        size: Of the letters.
        left: The edge that no name goes beyond.
        right: The edge on the other side.

    Returns:
        For each point where its name is anchored (x, middle y), and whether the name ends there instead of
        beginning.
    """
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    placed: list[tuple[float, float, bool]] = [(0.0, 0.0, False)] * len(points)
    for i in sorted(range(len(points)), key=lambda i: (points[i][1], points[i][0])):
        x, y = points[i]
        width, height = WIDE * size * len(names[i]), HIGH * size
        choices: list[tuple[float, int, tuple[float, float, bool], Box]] = []
        for ends in (False, True):
            for step in _STEPS:
                at = x - 8 if ends else x + 8
                box = (
                    at - width * ends,
                    y + (step - 0.5) * height,
                    at + width * (not ends),
                    y + (step + 0.5) * height,
                )
                outside = max(0.0, box[2] - right) + max(0.0, left - box[0])
                cost = sum(_overlap(box, other) for other in taken) + 40 * outside + 3 * abs(step) * height
                choices.append((cost, len(choices), (at, y + step * height, ends), box))
        _, _, placed[i], box = min(choices)
        taken.append(box)
    return placed


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.board.labels import HIGH, WIDE, beside, spread

PLACES = st.lists(st.integers(-50, 400), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLACES)
def test_spread_keeps_order_distance_and_bounds(wanted: list[int]) -> None:
    placed = spread(wanted, 12, 0, 300)
    gap = min(12, 300 / max(1, len(wanted) - 1))
    ordered = sorted(placed)
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(ordered))
    assert ordered[0] >= -1e-6
    assert ordered[-1] <= 300 + 1e-6
    ranks = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    assert ranks == sorted(range(len(wanted)), key=lambda i: placed[i])


def test_what_lies_apart_stays_where_it_is() -> None:
    assert spread([100, 20, 60], 12, 0, 300) == [100, 20, 60]


def test_names_of_a_crowd_do_not_cover_each_other() -> None:
    points = [(100.0 + 3 * i, 100.0 + 4 * i) for i in range(6)]
    names = ["derainer"] * 6
    boxes = []
    for x, y, ends in beside(points, names, 11, 50, 500):
        width, height = WIDE * 11 * 8, HIGH * 11
        boxes.append((x - width * ends, y - height / 2, x + width * (not ends), y + height / 2))
    for one, other in combinations(boxes, 2):
        wide, high = (
            min(one[2], other[2]) - max(one[0], other[0]),
            min(one[3], other[3]) - max(one[1], other[1]),
        )
        assert max(0.0, wide) * max(0.0, high) < 0.15 * 11 * HIGH * 8 * 11 * WIDE
    assert all(left >= 50 - 1e-6 and right <= 500 + 1e-6 for left, _, right, _ in boxes)


def test_name_at_the_edge_ends_at_its_point() -> None:
    ((x, _, ends),) = beside([(490.0, 100.0)], ["a long name"], 11, 50, 500)
    assert ends
    assert x == pytest.approx(482)

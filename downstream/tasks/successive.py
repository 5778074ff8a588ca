"""Tasks that score two successive frames of a video: how pairs are formed, and the means over them.

A row holds what one frame contributes, so rows are made in any order and on any machine; pairs are formed when rows are
scored: of scenes that follow each other in the data set and whose ids differ in their last number alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from downstream.tasks.base import Metric
from downstream.tasks.per_image import Means, Numbers, PerImage

if TYPE_CHECKING:
    from bench.score.stats import CountArray, FloatArray

#: Side in pixels of the blocks over which a frame is averaged.
BLOCK = 4


def in_levels(name: str, title: str, protocol: str, meaning: str = "") -> Metric:
    """Return the one metric of such a task: in grey levels, better when lower, 0 at best."""
    return Metric(
        name,
        title,
        protocol,
        "levels",
        1.0,
        3,
        higher_is_better=False,
        bounds=(0.0, None),
        place="summary",
        headline=True,
        meaning=meaning,
    )


class Successive(PerImage):
    """A task of one metric, whose name is the task's, of each frame and the one before.

    A subclass has :meth:`change`, and its own rows.
    """

    def change(self, before: Any, after: Any) -> float:
        """Return the metric of the rows of two successive frames; NaN where it is not defined."""
        raise NotImplementedError

    def left_out(self, metric: str) -> str:
        """Say of what kind the images are that have no number."""
        return "without a frame before"

    def scoring(self, manifest: Mapping[str, Any]) -> Means:
        """Return what forms the pairs: of scenes that are neighbours in the data set."""
        return _Pairs(self, [name for name, _ in manifest["scenes"]])


class _Pairs(Means):
    """Scores rows by what they make with the frame before."""

    def __init__(self, task: Successive, scenes: Sequence[str]) -> None:
        super().__init__(task)
        self._change = task.change
        self._name = task.name
        self._before = {after: before for before, after in pairwise(scenes) if follows(before, after)}
        self._last: tuple[Sequence[Any], list[Numbers]] = ((), [])

    def sample(
        self, rows: Sequence[Any], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return super().sample(self._numbers(rows), counts)

    def counted(self, metric: str, value: float, rows: Sequence[Any]) -> tuple[int, str | None]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return super().counted(metric, value, self._numbers(rows))

    def breakdown(self, rows: Sequence[Any]) -> dict[str, Any]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return super().breakdown(self._numbers(rows))

    def _numbers(self, rows: Sequence[Any]) -> list[Numbers]:
        if self._last[0] is not rows:
            there = {row.scene: row for row in rows}
            made = []
            for row in rows:
                before = there.get(self._before.get(row.scene, ""))
                value = float("nan") if before is None else self._change(before, row)
                made.append(Numbers(row.scene, row.digest, row.seconds, {self._name: value}))
            self._last = (rows, made)
        return self._last[1]


def block_sums(plane: np.ndarray) -> np.ndarray:
    """Return a plane's sums over blocks of 4x4 as int16; what is left over at the right and below is dropped."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    blocks = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return blocks.sum(axis=(1, 3), dtype=np.int16)


def follows(before: str, after: str) -> bool:
    """Return whether two ids are the same but for their last number, which grows."""
    one, other = (re.fullmatch(r"(.*?)(\d+)(\D*)", name) for name in (before, after))
    return (
        one is not None
        and other is not None
        and (one[1], one[3]) == (other[1], other[3])
        and int(one[2]) < int(other[2])
    )

"""Flicker: how much more a restored video changes from frame to frame than the clean one does.

Of two successive frames, the change of the restored one less the change of the clean one, as grey levels of Y (BT.601,
limited range) averaged over blocks of 4x4 pixels: its mean size is 0 for the clean video and for one that is wrong in
the same way in every frame, and large where a derainer decides anew each time. A frame's row holds its difference to
the clean frame in these blocks, so rows are made in any order, and pairs are formed when they are scored: scenes that
follow each other in the data set and whose ids differ in their last number alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from downstream.tasks.base import Metric, Row, Sight
from downstream.tasks.per_image import Means, Numbers, PerImage

if TYPE_CHECKING:
    from bench.data.base import DataSet
    from bench.score.stats import CountArray, FloatArray

#: Side of a block in pixels.
BLOCK = 4


@dataclass(frozen=True)
class Frame(Row):
    """A frame's difference to the clean one: int16, sums over blocks."""

    error: np.ndarray


class Flicker(PerImage):
    """The mean over pairs of successive frames."""

    name = "flicker"
    metrics = (
        Metric(
            "flicker",
            "flicker",
            f"flicker@y/{BLOCK}",
            "levels",
            1.0,
            3,
            higher_is_better=False,
            bounds=(0.0, None),
            place="summary",
            headline=True,
        ),
    )
    order = 38

    def left_out(self, metric: str) -> str:
        """Say of what kind the images are that have no number."""
        return "without a frame before"

    @property
    def columns(self) -> dict[str, str]:
        """The blocks' sums, row by row."""
        return {"rows": "int32", "columns": "int32", "error": "binary"}

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], Any]:
        """Return what makes a row of a frame."""
        from downstream.measures.fidelity import luma

        def look(sight: Sight) -> Frame:
            assert sight.clean is not None  # `needs`
            difference = luma(sight.image).astype(np.int16) - luma(sight.clean)
            return Frame(sight.scene.id, sight.digest, sight.seconds, _sums(difference))

        return look

    def encode(self, row: Any) -> dict[str, Any]:
        """The sums as bytes, little-endian."""
        rows, columns = row.error.shape
        return {"rows": rows, "columns": columns, "error": row.error.astype("<i2").tobytes()}

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """The reverse of :meth:`encode`; raises ValueError where the numbers do not fill the picture."""
        error = np.frombuffer(values["error"], "<i2").reshape(values["rows"], values["columns"])
        return Frame(**common, error=error)

    def scoring(self, manifest: Mapping[str, Any]) -> Means:
        """Return what forms the pairs: of scenes that are neighbours in the data set."""
        return _Pairs(self, [name for name, _ in manifest["scenes"]])

    def difference(self, kept: Any, fresh: Any) -> str | None:
        """Say whether two rows differ."""
        return None if np.array_equal(kept.error, fresh.error) else "other differences to the clean frame"


class _Pairs(Means):
    """Scores rows by what they make with the frame before."""

    def __init__(self, task: PerImage, scenes: Sequence[str]) -> None:
        super().__init__(task)
        self._before = {after: before for before, after in pairwise(scenes) if _follows(before, after)}
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
            made = [
                Numbers(row.scene, row.digest, row.seconds, {"flicker": self._change(row, there)})
                for row in rows
            ]
            self._last = (rows, made)
        return self._last[1]

    def _change(self, row: Frame, there: Mapping[str, Frame]) -> float:
        before = there.get(self._before.get(row.scene, ""))
        if before is None or before.error.shape != row.error.shape or not row.error.size:
            return float("nan")
        change = np.abs(row.error.astype(np.int32) - before.error)
        return float(change.mean()) / BLOCK**2


def _sums(plane: np.ndarray) -> np.ndarray:
    """Sums over blocks; what is left over at the right and below is dropped."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    blocks = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return blocks.sum(axis=(1, 3), dtype=np.int16)


def _follows(before: str, after: str) -> bool:
    """Whether two ids are the same but for their last number, which grows."""
    one, other = (re.fullmatch(r"(.*?)(\d+)(\D*)", name) for name in (before, after))
    return (
        one is not None
        and other is not None
        and (one[1], one[3]) == (other[1], other[3])
        and int(one[2]) < int(other[2])
    )

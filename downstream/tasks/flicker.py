"""Flicker: how much more a restored video changes from frame to frame than the clean one does.

Of two successive frames, the change of the restored one less the change of the clean one, as grey levels of Y (BT.601,
limited range) averaged over blocks of 4x4 pixels: its mean size is 0 for the clean video and for one that is wrong in
the same way in every frame, and large where a derainer decides anew each time. A frame's row holds its difference to
the clean frame in these blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from downstream.tasks.base import Row, Sight
from downstream.tasks.successive import BLOCK, Successive, block_sums, in_levels

if TYPE_CHECKING:
    from bench.data.base import DataSet


@dataclass(frozen=True)
class Frame(Row):
    """A frame's difference to the clean one: int16, sums over blocks."""

    error: np.ndarray


class Flicker(Successive):
    """The mean over pairs of successive frames."""

    name = "flicker"
    metrics = (in_levels("flicker", "flicker", f"flicker@y/{BLOCK}"),)
    order = 38

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
            return Frame(sight.scene.id, sight.digest, sight.seconds, block_sums(difference))

        return look

    def encode(self, row: Any) -> dict[str, Any]:
        """The sums as bytes, little-endian."""
        rows, columns = row.error.shape
        return {"rows": rows, "columns": columns, "error": row.error.astype("<i2").tobytes()}

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """The reverse of :meth:`encode`; raises ValueError where the numbers do not fill the picture."""
        error = np.frombuffer(values["error"], "<i2").reshape(values["rows"], values["columns"])
        return Frame(**common, error=error)

    def difference(self, kept: Any, fresh: Any) -> str | None:
        """Say whether two rows differ."""
        return None if np.array_equal(kept.error, fresh.error) else "other differences to the clean frame"

    def change(self, before: Any, after: Any) -> float:
        """Return the mean size of what the difference to the clean frame changes by, in grey levels."""
        if before.error.shape != after.error.shape or not after.error.size:
            return float("nan")
        return float(np.abs(after.error.astype(np.int32) - before.error).mean()) / BLOCK**2

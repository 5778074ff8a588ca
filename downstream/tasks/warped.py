"""Warped error: how far a restored frame is from the one before, once that has been moved along with the scene.

Lai, Huang, Wang, Shechtman, Yumer and Yang, "Learning Blind Video Temporal Consistency", ECCV 2018, section 4.2: the
frame before is warped by the optical flow, and compared where the flow is no occlusion. Theirs is a squared distance of
RGB pixels by FlowNet 2; here it is the mean absolute difference of Y (BT.601, limited range) in blocks of 4x4 pixels,
and flow is OpenCV's DIS (Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016;
its medium preset) between these blocks. Flow is that of the clean video, where that is known, else of the rainy one: it
is the same for all derainers. A pixel counts where flow forth and back meet (Sundaram, Brox and Keutzer, "Dense Point
Trajectories by GPU-Accelerated Large Displacement Optical Flow", ECCV 2010, equation 5; Lai's occlusion masks are made
by it too) and the place it came from lies in the picture.
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

#: Smallest side in blocks that DIS finds flow in: it looks at patches of 8, at half the size and smaller.
_LEAST = 16


@dataclass(frozen=True)
class WarpedFrame(Row):
    """A frame in blocks of 4x4 pixels.

    Attributes:
        image: int16, sums of Y over each block of the restored frame.
        guide: uint8, mean Y of each block of the frame whose flow is taken.
    """

    image: np.ndarray
    guide: np.ndarray


class Warped(Successive):
    """The mean over pairs of successive frames."""

    name = "warped"
    metrics = (
        in_levels(
            "warped",
            "warped error",
            f"warped@y/{BLOCK}-dis",
            "is by the flow (DIS) of the clean video, where it is known, else of the rainy one; "
            "the clean row is what flow leaves.",
        ),
    )
    needs = ()
    order = 39

    @property
    def columns(self) -> dict[str, str]:
        """The blocks, row by row."""
        return {"rows": "int32", "columns": "int32", "image": "binary", "guide": "binary"}

    def left_out(self, metric: str) -> str:
        """Say of what kind the images are that have no number."""
        return f"without a frame before or below {BLOCK * _LEAST} pixels"

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], Any]:
        """Return what makes a row of a frame."""
        from downstream.measures.fidelity import luma

        def look(sight: Sight) -> WarpedFrame:
            clean = sight.clean if sight.clean is not None else _as_it_is(data, sight)
            image, guide = (block_sums(luma(each).astype(np.int16)) for each in (sight.image, clean))
            guide = ((guide + BLOCK**2 // 2) // BLOCK**2).astype(np.uint8)
            return WarpedFrame(sight.scene.id, sight.digest, sight.seconds, image, guide)

        return look

    def encode(self, row: Any) -> dict[str, Any]:
        """The blocks as bytes, little-endian."""
        rows, columns = row.image.shape
        return {
            "rows": rows,
            "columns": columns,
            "image": row.image.astype("<i2").tobytes(),
            "guide": row.guide.tobytes(),
        }

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """The reverse of :meth:`encode`; raises ValueError where the numbers do not fill the picture."""
        shape = values["rows"], values["columns"]
        image = np.frombuffer(values["image"], "<i2").reshape(shape)
        return WarpedFrame(**common, image=image, guide=np.frombuffer(values["guide"], "u1").reshape(shape))

    def difference(self, kept: Any, fresh: Any) -> str | None:
        """Say whether two rows differ."""
        if not np.array_equal(kept.guide, fresh.guide):
            return "another frame for the flow"
        return None if np.array_equal(kept.image, fresh.image) else "another restored frame"

    def change(self, before: Any, after: Any) -> float:
        """Return the mean difference to the moved frame before, in grey levels; NaN where nothing is seen in both."""
        if before.image.shape != after.image.shape or min(after.image.shape) < _LEAST:
            return float("nan")
        flow, seen = flow_between(before.guide, after.guide)
        if not seen.any():
            return float("nan")
        moved = warp(before.image.astype(np.float32), flow)
        return float(np.abs(after.image - moved)[seen].mean(dtype=np.float64)) / BLOCK**2


def flow_between(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of a picture come from in the one before.

    Args:
        before: uint8 HxW.
        after: uint8 HxW.

    Returns:
        float32 HxWx2, what is added to x and y, and bool HxW, where that is seen in both pictures.
    """
    import cv2

    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*before.shape, 2), np.float32)  # what flow begins from
    back, forth = dis.calc(after, before, still.copy()), dis.calc(before, after, still.copy())
    returned = warp(forth, back)
    missed = ((back + returned) ** 2).sum(axis=2)
    length = (back**2).sum(axis=2) + (returned**2).sum(axis=2)
    x, y = _places(back)
    inside = (x >= 0) & (x <= back.shape[1] - 1) & (y >= 0) & (y <= back.shape[0] - 1)
    return back, inside & (missed < 0.01 * length + 0.5)


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return a float32 picture (HxW or HxWxC) whose pixels are fetched from where the flow says, bilinearly."""
    import cv2

    return cv2.remap(picture, *_places(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _places(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.indices(flow.shape[:2], np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _as_it_is(data: DataSet, sight: Sight) -> np.ndarray:
    """The rainy frame, where nobody knows the clean one."""
    image = data.rainy(sight.scene) if data.own_rain else data.clean(sight.scene)
    assert image is not None  # every scene has the one or the other
    return image

"""Distance per pixel from Cityscapes' disparity maps, or from depth files beside the images."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.base import Depth
from bench.errors import BadData
from bench.images import read_labels
from bench.ordinary import LARGEST_TEXT, read_ordinary

if TYPE_CHECKING:
    import numpy as np

#: Metres between Cityscapes' cameras, and their focal length in pixels, where no camera file says otherwise.
BASELINE, FOCAL = 0.209313, 2262.52


def read_depth(
    path: Path,
    camera: tuple[float, float] = (BASELINE, FOCAL),
    sky: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
) -> Depth:
    """Read a disparity or depth file.

    ``*_disparity.png``: 16 bits, ``d = (p - 1) / 256`` pixels and no measurement at ``p = 0`` (Cityscapes'
    README); the distance is baseline x focal / d. ``*_depth.png``: 16 bits, metres x 256, 0 where unknown
    (KITTI's way). ``*_depth.npy``: metres, 0 or NaN where unknown, infinite for the sky.

    Args:
        path: The file.
        camera: Baseline in metres and focal length in pixels.
        sky: bool HxW; these pixels become infinitely far.
        size: (height, width) that the file must have.

    Returns:
        The depth. Pixels without a measurement take the value of the nearest pixel that has one.

    Raises:
        BadData: If the file is unreadable, of another size, or measures nothing at all.
    """
    import numpy as np

    baseline, focal = camera
    stored = read_stored(path, size)
    disparity = path.name.endswith("_disparity.png")
    with np.errstate(divide="ignore", invalid="ignore"):
        if disparity:
            metres = np.float32(baseline * focal * 256) / (stored.astype(np.float32) - 1)
            known = stored > 0
        else:
            metres = stored if path.suffix == ".npy" else stored / np.float32(256)
            metres = metres.astype(np.float32)
            known = metres > 0  # False for NaN
    if sky is not None:
        known = known & ~sky
    if not known.any():
        raise BadData(
            f"{path} measures nothing but sky: no other pixel is above 0; download it again or move it away"
        )
    metres = _fill(metres, known)
    if sky is not None:
        metres[sky] = np.inf
    return Depth(metres=metres, focal=focal, source="disparity" if disparity else "exact")


def read_stored(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read the numbers of a disparity or depth file as they are.

    Returns:
        uint16 or floating-point HxW, above 0 where something was measured.

    Raises:
        BadData: If the file is unreadable, of another size, or measures nothing at all.
    """
    import numpy as np

    if path.suffix == ".npy":
        stored = _load_array(path)
    else:
        stored = read_labels(path)
        if stored.dtype != np.uint16:
            raise BadData(f"{path} has 8 bits per pixel: disparity and depth files have 16")
    if size is not None and stored.shape != size:
        raise BadData(
            f"{path} is {stored.shape[1]}x{stored.shape[0]} but its image is {size[1]}x{size[0]}: "
            f"both must have one size"
        )
    if not (stored > 0).any():
        raise BadData(
            f"{path} holds no measurement at all: no pixel is above 0; download it again or move it away"
        )
    return stored


def _fill(metres: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give every unknown pixel the value of its nearest known one."""
    import cv2
    import numpy as np

    if known.all():
        return metres
    # The distance transform numbers its zero pixels, the known ones, and tells every pixel which is nearest.
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(nearest.max()) + 1, np.float32)
    values[nearest[known]] = metres[known]
    return values[nearest]


def read_camera(path: Path) -> tuple[float, float]:
    """Read baseline (metres) and focal length (pixels) from Cityscapes' ``*_camera.json``.

    Raises:
        BadData: If the file has no such numbers, or they are not above 0.
    """
    try:
        camera = json.loads(read_ordinary(path, BadData, LARGEST_TEXT))
        baseline, focal = float(camera["extrinsic"]["baseline"]), float(camera["intrinsic"]["fx"])
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BadData(
            f"camera file {path} lacks extrinsic.baseline or intrinsic.fx ({reason}): unpack it again"
        ) from None
    if not (math.isfinite(baseline) and math.isfinite(focal) and baseline > 0 and focal > 0):
        raise BadData(
            f"camera file {path} has baseline {baseline} and focal length {focal}: both must be above 0"
        )
    return baseline, focal


def _load_array(path: Path) -> np.ndarray:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadData(
            f"{path} is not a NumPy array file ({str(error).splitlines()[0]}): write it with numpy.save"
        ) from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != "f":
        raise BadData(f"{path} is not a two-dimensional array of floats: a depth file holds metres per pixel")
    return array

"""The depth that is guessed where a data set brings none."""

from __future__ import annotations

import numpy as np

from bench.data.base import Depth
from bench.errors import BadConfig

#: How a record names this depth.
GUESS = "ground-plane guess"

#: Height of the camera above the ground in metres: a person's eyes, a car's roof.
CAMERA_HEIGHT = 1.4
#: Place of the horizon as a share of the image's height from the top.
HORIZON = 0.45
#: Focal length over the longer side of the image: a horizontal view of 49 degrees, between a phone and a
#: dashboard.
FOCAL = 1.1
#: What lies at or above the horizon is taken to be this far away, in metres.
FAR = 70.0


def depth_of(image: np.ndarray, depth: Depth | None) -> Depth:
    """Return the depth of an image (uint8 RGB HxWx3): the one that is known, else the guess.

    Raises:
        BadConfig: If the known depth is of another size than the image.
    """
    shape = image.shape[:2]
    depth = depth or guess_depth(shape)
    if depth.metres.shape != shape:
        raise BadConfig(f"the depth is {depth.metres.shape}, the image {shape}: they must have one size")
    return depth


def guess_depth(shape: tuple[int, int]) -> Depth:
    """Guess the depth of a photo about which nothing is known: a flat ground and a far background.

    A pixel that is y rows below the horizon sees the ground at ``focal * camera height / y`` (pinhole
    camera, level); everything else is :data:`FAR`. What stands on the ground is thus as far away as the
    ground behind its lower parts: a guess, which records name as :data:`GUESS`.

    Args:
        shape: (height, width) in pixels.

    Returns:
        Depth whose ``metres`` is a float32 HxW view of one column, read-only.
    """
    height, width = shape
    focal = FOCAL * max(height, width)
    below = np.maximum(np.arange(height) + 0.5 - HORIZON * height, 1e-6)
    column = np.minimum(focal * CAMERA_HEIGHT / below, FAR).astype(np.float32)
    return Depth(np.broadcast_to(column[:, None], (height, width)), focal, GUESS)

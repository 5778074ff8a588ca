"""``raindrops:LEVEL``: drops on the lens or the windscreen.

A drop is a lens of its own: it shows a wide piece of the scene upside down, bright in the middle and dark at its rim,
where light comes in at a slant. It lies far in front of what the camera is focused on, so it is out of focus: its rim
is soft, and what it shows is blurred. Nothing of this depends on the scene's depth.

Sizes are shares of the image's longer side, so that a picture and its half-size copy are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.errors import unknown
from bench.rain.base import Rain, RainEntry, RainFamily

if TYPE_CHECKING:
    from bench.data.base import Depth

#: Levels: the share of the image that drops cover, before they overlap.
LEVELS = {"light": 0.02, "medium": 0.06, "heavy": 0.15}
#: Least and greatest radius over the longer side of the image.
_RADII = (0.006, 0.035)
#: How much wider a drop's view is than its own size: the piece of the scene that it shows, in radii.
_VIEW = (4.0, 8.0)
#: Softness of a rim, and blur of what a drop shows, over its radius.
_SOFT, _BLUR = 0.3, 0.2
#: Brightness lost at the rim, and the light that the upper sky adds to a drop's lower half.
_RIM, _SKY = 0.55, 0.18


@dataclass(frozen=True)
class Raindrops:
    """``raindrops:light``, ``raindrops:medium`` or ``raindrops:heavy``.

    Attributes:
        level: A key of :data:`LEVELS`.
    """

    level: str
    version: str = "1"
    needs_depth: bool = False

    @property
    def name(self) -> str:
        """The canonical spelling."""
        return f"raindrops:{self.level}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3) through wet glass; ``depth`` is not used."""
        height, width = image.shape[:2]
        longer = max(height, width)
        drops = _draw(height, width, LEVELS[self.level], rng)
        sources = [m.astype(np.float32) for m in np.meshgrid(np.arange(width), np.arange(height))]
        cover, light = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
        for drop in drops:
            _place(drop, sources, cover, light)
        mean = _RADII[1] / 2 * longer
        seen = cv2.remap(
            cv2.GaussianBlur(image, (0, 0), max(0.3, _BLUR * mean)),
            sources[0],
            sources[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        share = np.minimum(cover, 1)[..., None]
        mixed = image * (1 - share) + np.minimum(seen * light[..., None], 255) * share
        return np.rint(mixed).astype(np.uint8)


@dataclass(frozen=True)
class _Drop:
    """Middle and radius in pixels, height over width, lean of its outline, and how wide it sees."""

    x: float
    y: float
    radius: float
    tall: float
    bulge: tuple[float, float]
    view: float


def _draw(height: int, width: int, cover: float, rng: np.random.Generator) -> list[_Drop]:
    longer = max(height, width)
    low, high = np.log(_RADII)
    drops, area = [], 0.0
    while area < cover * height * width:
        radius = max(1.5, float(np.exp(rng.uniform(low, high))) * longer)
        drops.append(
            _Drop(
                float(rng.uniform(0, width)),
                float(rng.uniform(0, height)),
                radius,
                float(rng.uniform(0.9, 1.35)),
                (float(rng.uniform(0, 0.12)), float(rng.uniform(0, 2 * np.pi))),
                float(rng.uniform(*_VIEW)),
            )
        )
        area += np.pi * radius**2
    return drops


def _place(drop: _Drop, sources: list[np.ndarray], cover: np.ndarray, light: np.ndarray) -> None:
    """Write a drop into the maps: where its pixels look, how much they hide, and how bright they are."""
    height, width = cover.shape
    reach = drop.radius * 1.8 + 2
    left, right = max(0, int(drop.x - reach)), min(width, int(drop.x + reach) + 1)
    top, bottom = max(0, int(drop.y - reach)), min(height, int(drop.y + reach) + 1)
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32) - drop.x)[None, :]
    y = ((np.arange(top, bottom, dtype=np.float32) - drop.y) / drop.tall)[:, None]
    angle = np.arctan2(y, x)
    outline = drop.radius * (1 + drop.bulge[0] * np.cos(2 * angle + drop.bulge[1]))
    away = np.hypot(x, y) / outline  # 1 at the rim
    hides = np.clip((1 + _SOFT / 2 - away) / _SOFT, 0, 1)
    hides = hides * hides * (3 - 2 * hides)
    part = np.s_[top:bottom, left:right]
    new = hides > cover[part]
    # Upside down, and the wider the nearer to the rim, as through a ball of water.
    bent = drop.view * (1 + np.minimum(away, 1) ** 2) / 2
    sources[0][part][new] = (drop.x - x * bent + 0 * y)[new]
    sources[1][part][new] = (drop.y - y * drop.tall * bent + 0 * x)[new]
    bright = 1 - _RIM * np.clip(away, 0, 1) ** 4 + _SKY * np.clip(y / drop.radius, -1, 1)
    light[part][new] = bright[new]
    cover[part][new] = hides[new]


def _parse(argument: str) -> Rain:
    if argument not in LEVELS:
        spec = f"raindrops:{argument}" if argument else "raindrops"
        raise unknown("rain", spec, [f"raindrops:{level}" for level in LEVELS])
    return Raindrops(argument)


FAMILY = RainFamily(
    "raindrops",
    tuple(
        RainEntry(f"raindrops:{level}", f"drops on the lens over {100 * cover:.0f} % of the image")
        for level, cover in LEVELS.items()
    ),
    _parse,
)

"""``streaks``: the drawn rain that deraining networks are trained on.

The data sets of the deraining papers (Rain100L and Rain100H of Yang et al., "Deep Joint Rain Detection and
Removal from a Single Image", CVPR 2017; Rain800; Rain1400) add one or several layers of bright grey streaks
to a photo and cut the sum off at white. A layer has one direction; its streaks differ in length, width and
brightness. The model here is the same: ``rainy = min(255, clean + sum of layers)``, equal in the three
channels.

How a layer is drawn: a streak of constant brightness is a rectangle along the direction of fall. The
corners of all rectangles are marked with plus and minus their brightness on an upright canvas, whose
two-dimensional running sum is the drawn layer; one affine warp turns the canvas into the direction of fall.
The cost does not depend on the number, length or width of streaks.

The strength is set last: the sum of the layers is scaled to the root mean square that gives the level's
PSNR on an image that nothing saturates. Brightness saturates in real photos, which makes the measured PSNR
higher; ``Level.psnr`` has that correction in it, so that the *measured* means on photos are those of the
table in ``docs/rain.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.errors import BadConfig, unknown
from bench.rain.base import Drawn, Rain, RainEntry, RainFamily

if TYPE_CHECKING:
    from bench.data.base import Depth

_Range = tuple[float, float]


@dataclass(frozen=True)
class Level:
    """What distinguishes drizzle from a downpour.

    Lengths and widths are pixels of the image, whatever its size, as in the papers' data sets.

    Attributes:
        strength: Place of the level on the continuous scale that training draws from.
        psnr: Nominal PSNR on Y in dB, before saturation.
        spread: Standard deviation of the nominal PSNR over images, in dB; cut off at two of them.
        layers: Least and greatest number of layers.
        fan: Greatest angle in degrees between a layer and the image's main direction.
        cover: Sum of the streaks' areas over the area of the image; above 1 they overlap.
        length: Shortest and longest mean length of a layer's streaks.
        width: Smallest and greatest mean width of a layer's streaks.
        taper: Share of layers whose streaks fade towards their ends; the others' are cut off sharply.
    """

    strength: float
    psnr: float
    spread: float
    layers: _Range
    fan: float
    cover: _Range
    length: _Range
    width: _Range
    taper: float


#: From no rain to be spoken of (strength 0) to Rain100H (strength 1). The three named ones are the levels
#: of ``streaks:LEVEL``; strengths between two rows interpolate each column. Against the originals (50 pairs
#: each): Rain100L has one or two layers, 6 to 28 % of pixels brighter by more than 10 grey levels, thin and
#: partly tapering streaks, 21 to 33 dB; Rain100H has up to four directions, 50 to 95 % of pixels covered,
#: streaks 2 to 4 pixels wide with hard edges, 10 to 17 dB.
_TABLE: tuple[Level, ...] = (
    Level(0.0, 33.0, 1.0, (1, 1), 2, (0.05, 0.15), (10, 30), (1.0, 1.5), 0.7),
    Level(1 / 3, 26.7, 1.0, (1, 2), 5, (0.12, 0.40), (12, 45), (1.0, 2.5), 0.6),
    Level(2 / 3, 19.35, 1.0, (1, 3), 12, (0.35, 0.90), (15, 60), (1.2, 3.0), 0.4),
    Level(1.0, 11.9, 1.0, (2, 4), 22, (0.80, 2.00), (20, 90), (1.5, 4.0), 0.25),
)

#: The named levels.
LEVELS: dict[str, Level] = {"light": _TABLE[1], "medium": _TABLE[2], "heavy": _TABLE[3]}

#: Steepest main direction, in degrees from the vertical.
_SLANT = 30.0

#: Patches are cut from a layer of at least this size (pixels): the level is a property of an image, and
#: normalising a patch that no streak happens to cross would make one up.
LEAST = 160

#: Rectangles per tapering streak (each a step of brightness) as shares of its length.
_STEPS = np.array([1.0, 0.72, 0.4])

#: Grey levels on Y per grey level on R = G = B, in BT.601 limited range.
_Y_GAIN = 219 / 255


@dataclass(frozen=True)
class Streaks:
    """``streaks:light``, ``streaks:medium`` or ``streaks:heavy``.

    Attributes:
        level: A key of :data:`LEVELS`.
    """

    level: str
    version: str = "1"
    needs_depth: bool = False

    @property
    def name(self) -> str:
        """The canonical spelling."""
        return f"streaks:{self.level}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3) in this rain; ``depth`` is not used."""
        return add_layer(image, draw_streaks(image.shape[:2], rng, self.level))


def add_layer(image: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Add a layer of streaks to an image, rounded, cut off at white.

    Args:
        image: uint8 RGB HxWx3.
        layer: float32 HxW, 0 and up; 1 is white.

    Returns:
        uint8 RGB HxWx3.
    """
    grey = cv2.convertScaleAbs(layer, alpha=255.0)
    return cv2.add(image, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def draw_streaks(shape: tuple[int, int], rng: np.random.Generator, level: str | float) -> np.ndarray:
    """Draw the rain of one image or training patch, without the image.

    Args:
        shape: (height, width) in pixels.
        rng: The only source of randomness.
        level: A key of :data:`LEVELS`, or a strength in [0, 1]: 1/3 is light, 2/3 medium, 1 heavy, 0 hardly
            any. Training draws strengths uniformly to see everything between.

    Returns:
        float32 HxW, 0 and up, where 1 is white: add it to an image in [0, 1] and cut off at 1.

    Raises:
        BadConfig: If a strength is outside [0, 1].
    """
    row = LEVELS[level] if isinstance(level, str) else level_at(level)
    height, width = max(shape[0], LEAST), max(shape[1], LEAST)
    total = np.zeros((height, width), np.float32)
    count = int(rng.integers(round(row.layers[0]), round(row.layers[1]) + 1))
    cover = rng.uniform(*row.cover)
    slant = rng.uniform(-_SLANT, _SLANT)
    shares = rng.uniform(0.4, 1.6, count)
    for share in shares / shares.sum():
        angle = slant + row.fan * rng.uniform(-1.0, 1.0)
        layer = draw_layer((height, width), rng, angle, cover * share, row)
        cv2.scaleAdd(layer, float(rng.uniform(0.5, 1.0)), total, total)
    decibels = row.psnr + row.spread * float(np.clip(rng.standard_normal(), -2.0, 2.0))
    return np.ascontiguousarray(scaled_to(total, decibels)[: shape[0], : shape[1]])


def scaled_to(total: np.ndarray, decibels: float) -> np.ndarray:
    """Scale a sum of layers to the PSNR on Y that it gives on an image that nothing saturates.

    Args:
        total: float32 HxW, 0 and up, in any unit.
        decibels: The nominal PSNR.

    Returns:
        float32 HxW, where 1 is white.
    """
    wanted = 10 ** (-decibels / 20) / _Y_GAIN
    present = cv2.norm(total) / np.sqrt(total.size)
    # A tiny cover can leave a small image without a single streak; then there is nothing to scale.
    gain = wanted / present if present > 0 else 0.0
    return total * np.float32(gain)


def level_at(strength: float) -> Level:
    """Return the level at a place between the rows of the table.

    Args:
        strength: In [0, 1].

    Raises:
        BadConfig: If ``strength`` is outside.
    """
    if not 0.0 <= strength <= 1.0:
        raise BadConfig(f"streaks strength {strength} is outside [0, 1]: 1/3 is light, 2/3 medium, 1 heavy")
    places = [row.strength for row in _TABLE]

    def between(name: str) -> float | _Range:
        column = [getattr(row, name) for row in _TABLE]
        if isinstance(column[0], tuple):
            low, high = (float(np.interp(strength, places, ends)) for ends in zip(*column, strict=True))
            return low, high
        return float(np.interp(strength, places, column))

    return Level(**{field.name: between(field.name) for field in fields(Level)})  # type: ignore[arg-type]


def draw_layer(
    shape: tuple[int, int], rng: np.random.Generator, angle: float, cover: float, level: Level
) -> np.ndarray:
    """Draw one layer in one direction: float32 HxW, up to 48 per streak.

    Args:
        shape: (height, width) in pixels.
        rng: The only source of randomness.
        angle: Degrees from the vertical.
        cover: Sum of the streaks' areas over the area of the image.
        level: Lengths, widths and the share of tapering layers; nothing else of it is used.
    """
    height, width = shape
    sine, cosine = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    rows = int(np.ceil(cosine * height + abs(sine) * width)) + 3
    columns = int(np.ceil(cosine * width + abs(sine) * height)) + 3

    length = float(np.exp(rng.uniform(*np.log(level.length))))
    thick = float(rng.uniform(*level.width))
    tapers = bool(rng.random() < level.taper)
    # Streaks that begin above the canvas reach into it, hence the band of one length on top.
    count = rng.poisson(cover * (rows + length) * columns / (length * thick))
    lengths = length * rng.uniform(0.5, 1.5, count)
    widths = np.maximum(1, np.floor(thick + rng.random(count))).astype(np.intp)
    light = np.ceil(16 * rng.uniform(0.2, 1.0, count))
    top = rng.uniform(-length, rows, count)
    left = rng.integers(-2, columns, count)

    canvas = np.zeros((rows + 1) * (columns + 1), np.float32)
    x0, x1 = np.clip(left, 0, columns), np.clip(left + widths, 0, columns)
    steps = _STEPS if tapers else _STEPS[:1]
    # Whole numbers keep the running sums exact in float32, whatever the order of summation.
    light = light if tapers else 3 * light
    for step in steps:
        y0 = np.clip(np.rint(top + (1 - step) / 2 * lengths), 0, rows).astype(np.intp) * (columns + 1)
        y1 = np.clip(np.rint(top + (1 + step) / 2 * lengths), 0, rows).astype(np.intp) * (columns + 1)
        corners = np.concatenate([y0 + x0, y0 + x1, y1 + x0, y1 + x1])
        np.add.at(canvas, corners, np.concatenate([light, -light, -light, light]).astype(np.float32))
    upright = cv2.integral(canvas.reshape(rows + 1, columns + 1), sdepth=cv2.CV_32F)

    # Where a pixel of the image lies on the canvas; the fraction spares two images the same grid.
    offset_x = (abs(sine) * height if sine < 0 else 0.0) + 1 + rng.random()
    offset_y = (sine * width if sine > 0 else 0.0) + 1 + rng.random()
    place = np.array([[cosine, sine, offset_x], [-sine, cosine, offset_y]])
    return cv2.warpAffine(upright, place, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _parse(argument: str) -> Rain:
    if argument not in LEVELS:
        spec = f"streaks:{argument}" if argument else "streaks"
        raise unknown("rain", spec, [f"streaks:{level}" for level in LEVELS])
    return Streaks(argument)


def _add(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return add_layer(image, draw_streaks(image.shape[:2], rng, strength))


FAMILY = RainFamily(
    "streaks",
    (
        RainEntry("streaks:light", "drawn streaks, about 27 dB on Y (as Rain100L)"),
        RainEntry("streaks:medium", "drawn streaks, about 20 dB on Y"),
        RainEntry("streaks:heavy", "drawn streaks in several directions, about 13.5 dB on Y (as Rain100H)"),
    ),
    _parse,
    Drawn(1.0, _add),
)

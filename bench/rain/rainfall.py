"""``rainfall:R``: physical rain of R mm/h, with fog and streaks that depend on depth.

Two things happen between a camera and what it sees:

*Fog.* Drops too far away to be told apart take light out of the line of sight and scatter daylight into it.
After ``d`` metres a share ``t = exp(-beta d)`` of the scene's light is left and ``(1 - t)`` of the air
light has come in. ``beta = 0.312 R^0.67`` per km (an attenuation law fitted to rain, as used by Halder,
Lalonde and de Charette, "Physics-Based Rendering for Improving Robustness to Rain", ICCV 2019).

*Streaks.* Near drops show one by one. Their sizes follow Marshall and Palmer ("The distribution of
raindrops with size", 1948): ``N(D) = 8000 exp(-4.1 R^-0.21 D)`` per cubic metre and mm. They fall at ``v =
9.65 - 10.3 exp(-0.6 D)`` m/s (Atlas, Srivastava and Sekhon, 1973), and while the shutter is open they draw
a streak ``focal v T / Z`` pixels long and ``focal D / Z`` pixels wide. A point of the streak is covered for
a share ``D / (v T)`` of the exposure, less where the streak is narrower than a pixel, and a drop shows a
wide piece of the sky, brighter than most of what lies behind it (Garg and Nayar, "Vision and Rain", IJCV
2007). Drops behind the scene's geometry are hidden. Wind, or the camera's own motion, gives all drops one
direction relative to the camera; its perspective image is a fan of lines through one vanishing point, so
drops are drawn upright and warped by one homography.

Constants that physics leaves open (exposure, air light, how much brighter than grey a drop is) are
calibrated against an outside renderer: thirty Cityscapes frames at 100 mm/h; ``docs/rain.md`` has the
numbers and the command that prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.errors import BadConfig
from bench.rain.base import Drawn, Rain, RainEntry, RainFamily, written
from bench.rain.depth import depth_of

if TYPE_CHECKING:
    from bench.data.base import Depth

#: Greatest rate in mm/h: beyond what the laws above were fitted to, and what lasts more than minutes.
MOST = 500.0

#: Seconds the shutter is open.
EXPOSURE = 0.008
#: Fog thickens up to this distance in metres: the depth that the outside renderer has for sky and far ground.
FOG_REACH = 100.0
#: Air light over the image's mean colour: fitted to the outside renderer's frames, channel by channel.
AIR = 1.45
#: Brightness of a drop over the image's mean colour.
DROP = 3.5
#: A streak's opacity over the share of the exposure that covers it. Grey levels are gamma-coded and the sky
#: that a drop shows is brighter than white, so a faint cover raises dark grey levels manifold.
VISIBLE = 12.0
#: Opacity that no streak exceeds.
OPAQUE = 0.85

#: Nearest drop, and the layers' borders, in metres from the camera.
_BORDERS = (0.4, 1.5, 3.0, 5.0)
#: Largest drop in mm; larger ones break up.
_LARGEST = 6.0
#: Smallest drop that is drawn, in mm.
_SMALLEST = 1.0
#: Opacities are whole multiples of 1/255. A fainter streak than this many is not drawn: the eye does not tell
#: it from its neighbours, and the fog holds its light already.
_FAINTEST = 75
#: Speed of fall that sets the direction of all streaks of an image, in m/s.
_FALL = 7.0
#: Wind relative to the camera, in m/s: standard deviation across, and greatest along the line of sight.
_ACROSS = 1.5
_ALONG = 8.0


@dataclass(frozen=True)
class Rainfall:
    """Rain of ``rate`` mm/h: 2.5 is light, 10 moderate, 50 heavy, above that violent.

    Attributes:
        rate: mm/h, above 0 and up to 500.

    Raises:
        BadConfig: If the rate is out of range.
    """

    rate: float
    version: str = "1"
    needs_depth: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.rate <= MOST:
            raise BadConfig(
                f"rain 'rainfall:{self.rate:g}': the rate must be above 0 and at most {MOST:g} mm/h"
            )

    @property
    def name(self) -> str:
        """The canonical spelling, e.g. ``rainfall:50``; two rates never share one."""
        return f"rainfall:{written(self.rate)}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3) in this rain.

        Args:
            image: uint8 RGB HxWx3.
            rng: The only source of randomness.
            depth: The scene's; the ground plane is guessed where it is None.

        Raises:
            BadConfig: If the depth is of another size than the image.
        """
        depth = depth_of(image, depth)
        left = transmission(depth.metres, self.rate)
        streaks = draw_drops(image.shape[:2], depth, self.rate, rng)
        return _compose(image, left, streaks)


def extinction(rate: float) -> float:
    """Return the share of light that rain of ``rate`` mm/h takes out per metre."""
    return 0.312e-3 * rate**0.67


def drops_per_metre3(rate: float, smallest: float, largest: float = _LARGEST) -> float:
    """Return how many drops between two diameters in mm a cubic metre holds (Marshall and Palmer)."""
    slope = 4.1 * rate**-0.21
    return 8000.0 / slope * float(np.exp(-slope * smallest) - np.exp(-slope * largest))


def fall_speed(diameter: np.ndarray) -> np.ndarray:
    """Return the terminal speed in m/s of drops of ``diameter`` mm (0.2 mm and up)."""
    return 9.65 - 10.3 * np.exp(-0.6 * diameter)


def transmission(metres: np.ndarray, rate: float) -> np.ndarray:
    """Return the share of the scene's light that reaches the camera: float32 HxW in (0, 1]."""
    exponent = np.minimum(_column_or_all(metres), np.float32(FOG_REACH))
    exponent *= np.float32(-extinction(rate))
    return np.broadcast_to(cv2.exp(exponent), metres.shape)


def draw_drops(shape: tuple[int, int], depth: Depth, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the near drops: the opacity of their streaks, float32 HxW in [0, 0.85].

    Args:
        shape: (height, width) in pixels.
        depth: What hides drops, and the focal length.
        rate: mm/h.
        rng: The only source of randomness.
    """
    across = float(rng.normal(0.0, _ACROSS))
    along = float(rng.uniform(0.0, _ALONG))
    view = _View.of(shape, depth.focal, across, along)
    metres = _column_or_all(depth.metres)
    nearest = float(cv2.minMaxLoc(metres)[0])
    layers = list(pairwise(_BORDERS))
    free = [layer for layer in layers if layer[1] <= nearest]

    # Layers that nothing can hide share a canvas; each later one is drawn and masked by itself.
    total = view.draw(free, rate, rng)
    for near, far in layers[len(free) :]:
        layer = view.draw([(near, far)], rate, rng)
        layer *= metres >= np.float32((near + far) / 2)
        cv2.add(total, layer, total)
    return np.minimum(total, np.float32(OPAQUE), out=total)


def _column_or_all(metres: np.ndarray) -> np.ndarray:
    """Return the first column of a guessed depth, which is one column seen W times; else the array itself."""
    return metres[:, :1] if metres.strides[1] == 0 else metres


@dataclass(frozen=True)
class _View:
    """How the upright canvas on which drops are drawn maps to the image.

    With wind (a, b) across and along and fall f, a drop at pixel (x, y) from the image's middle moves along
    (a F + b x, f F + b y), F the focal length: lines through one vanishing point. The homography
    (x, y) -> (f x - a y, s f y) / (f + b y / F) makes them upright; s is the length of (a, f) over f. Its
    denominator makes streaks longer below the middle, as drops that come nearer draw them.
    """

    shape: tuple[int, int]
    focal: float
    rows: int
    columns: int
    matrix: np.ndarray

    @classmethod
    def of(cls, shape: tuple[int, int], focal: float, across: float, along: float) -> _View:
        height, width = shape
        # Cameras of a very wide view would see drops come straight at them: the fan is kept open below 2:1.
        along = min(along, 0.33 * _FALL * focal / (height / 2))
        slope, pull = across / _FALL, along / (_FALL * focal)
        to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
        upright = np.array([[1, -slope, 0], [0, np.hypot(1, slope), 0], [0, pull, 1]]) @ to_middle
        corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
        placed = upright @ corners
        low, high = (edge(placed[:2] / placed[2], axis=1) for edge in (np.min, np.max))
        to_canvas = np.array([[1, 0, 1 - low[0]], [0, 1, 1 - low[1]], [0, 0, 1]])
        columns, rows = (int(np.ceil(span)) + 3 for span in high - low)
        return cls(shape, focal, rows, columns, to_canvas @ upright)

    def draw(self, layers: list[tuple[float, float]], rate: float, rng: np.random.Generator) -> np.ndarray:
        """Draw all drops of some layers as the image sees them: the sum of opacities, float32 HxW."""
        height, width = self.shape
        if not layers:
            return np.zeros((height, width), np.float32)
        canvas = np.zeros((self.rows + 1) * (self.columns + 1), np.float32)
        for near, far in layers:
            _mark_drops(canvas, self, near, far, rate, rng)
        upright = cv2.integral(canvas.reshape(self.rows + 1, self.columns + 1), sdepth=cv2.CV_32F)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpPerspective(upright, self.matrix, (width, height), flags=flags)
        image *= np.float32(1 / 255)
        return image


def _mark_drops(
    canvas: np.ndarray, view: _View, near: float, far: float, rate: float, rng: np.random.Generator
) -> None:
    """Mark the corners of the streaks of all drops between two distances; see :mod:`bench.rain.streaks`."""
    smallest = max(_SMALLEST, _least_visible(near, view.focal))
    if smallest >= _LARGEST:
        return
    # The canvas sees this area at a distance of one metre.
    area = view.rows * view.columns / view.focal**2
    volume = area * (far**3 - near**3) / 3
    count = rng.poisson(drops_per_metre3(rate, smallest) * volume)
    slope = 4.1 * rate**-0.21
    cut = np.exp(-slope * (_LARGEST - smallest))
    diameter = smallest - np.log1p(-rng.random(count) * (1 - cut)) / slope
    distance = np.cbrt(near**3 + rng.random(count) * (far**3 - near**3))
    speed = fall_speed(diameter)
    thick = view.focal * 1e-3 * diameter / distance
    length = view.focal * EXPOSURE * speed / distance

    opacity = np.minimum(VISIBLE * 1e-3 * diameter / (speed * EXPOSURE), 1.0)
    # A streak thinner than a pixel is drawn a pixel wide and as much fainter.
    marks = np.rint(255 * OPAQUE * opacity * np.minimum(thick, 1.0))
    shown = marks >= _FAINTEST
    marks, thick, length = marks[shown], thick[shown], length[shown]
    count = len(marks)
    wide = np.maximum(1, np.floor(thick + rng.random(count))).astype(np.intp)
    left = rng.integers(-2, view.columns, count)
    top = rng.uniform(-0.5, 1.0, count) * view.rows
    x0, x1 = np.clip(left, 0, view.columns), np.clip(left + wide, 0, view.columns)
    y0 = np.clip(np.rint(top), 0, view.rows).astype(np.intp) * (view.columns + 1)
    y1 = np.clip(np.rint(top + length), 0, view.rows).astype(np.intp) * (view.columns + 1)
    corners = np.concatenate([y0 + x0, y0 + x1, y1 + x0, y1 + x1])
    np.add.at(canvas, corners, np.concatenate([marks, -marks, -marks, marks]).astype(np.float32))


def _least_visible(distance: float, focal: float) -> float:
    """Return the diameter in mm below which no drop at ``distance`` metres is opaque enough to be drawn."""
    diameter = np.linspace(_SMALLEST, _LARGEST, 51)
    cover = VISIBLE * 1e-3 * diameter / (fall_speed(diameter) * EXPOSURE)
    shown = 255 * OPAQUE * np.minimum(cover, 1.0) * np.minimum(focal * 1e-3 * diameter / distance, 1.0)
    visible = diameter[shown >= _FAINTEST]
    return float(visible[0]) if visible.size else np.inf


def _compose(image: np.ndarray, left: np.ndarray, streaks: np.ndarray) -> np.ndarray:
    """Mix the scene's light, the air light and the drops' light: uint8 RGB HxWx3, rounded."""
    mean = cv2.mean(image)
    through = 1 - streaks
    scene = through * _column_or_all(left)
    # The air light's share is what the other two leave.
    through -= scene
    out = []
    for channel, grey in zip(cv2.split(image), mean, strict=False):
        light = cv2.multiply(channel, scene, dtype=cv2.CV_32F)
        cv2.scaleAdd(through, min(255.0, AIR * grey), light, light)
        cv2.scaleAdd(streaks, min(255.0, DROP * grey), light, light)
        out.append(cv2.convertScaleAbs(light))
    return cv2.merge(out)


def _parse(argument: str) -> Rain:
    try:
        rate = float(argument)
    except ValueError:
        spec = f"rainfall:{argument}" if argument else "rainfall"
        raise BadConfig(f"rain {spec!r}: write a rate in mm/h after the colon, e.g. rainfall:50") from None
    return Rainfall(rate)


def _add(image: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    return Rainfall(rate)(image, rng) if rate > 0 else image


FAMILY = RainFamily(
    "rainfall",
    (RainEntry("rainfall:R", "physical rain of R mm/h (0 < R <= 500) with fog and depth, e.g. rainfall:50"),),
    _parse,
    Drawn(MOST, _add, whole=True),
)

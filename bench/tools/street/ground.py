"""The ground: road with markings, kerb, pavement, grass, and the shadows that lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Canvas
from .labels import ROAD, SIDEWALK, TERRAIN
from .light import Light
from .materials import noise_tile, sample, soft_tile


@dataclass(frozen=True)
class Street:
    """The plan of a street. Lateral offsets ``s`` are metres to the right of the road's middle.

    Attributes:
        offset: Middle of the road at z = 0, in world x.
        slope: How much the road turns away from the view: dx/dz at z = 0.
        bend: Curvature in 1/metre.
        half: Half the road's width, parking included.
        parking: Width of the parking lane on each side; 0 where there is none.
        lanes: Lanes in our direction (1 or 2); as many come the other way.
        pavement: Width of the pavements.
        verge: Width of grass between kerb and pavement; 0 where there is none.
        setback: Grass between pavement and houses, in metres.
        crossing: (near z, far z) of a crossing road, or None.
        zebra: Whether a zebra crossing lies before the crossing road.
        phase: Where the dashes of the lane marking begin, in metres.
        tone: Albedo of the asphalt.
        seed: Shifts the noise textures.
    """

    offset: float
    slope: float
    bend: float
    half: float
    parking: float
    lanes: int
    pavement: float
    verge: float
    setback: float
    crossing: tuple[float, float] | None
    zebra: bool
    phase: float
    tone: float
    seed: int

    @property
    def edge(self) -> float:
        """Lateral offset of the house line."""
        return self.half + self.verge + self.pavement + self.setback

    def middle(self, z: float | np.ndarray) -> float | np.ndarray:
        """World x of the road's middle at distance z."""
        return self.offset + self.slope * z + 0.5 * self.bend * z * z

    def at(self, s: float, z: float, y: float = 0.0) -> np.ndarray:
        """World point at lateral offset s and distance z."""
        return np.array([float(self.middle(z)) + s, y, z])

    def heading(self, z: float) -> float:
        """Angle of the road's direction at distance z: 0 is straight ahead, positive turns right (radians)."""
        return float(np.arctan(self.slope + self.bend * z))


def paint_ground(canvas: Canvas, street: Street, light: Light, shadow: np.ndarray) -> None:
    """Paint everything below the horizon and register its surfaces.

    Args:
        canvas: What to paint on.
        street: The plan.
        light: The illumination.
        shadow: float32 (rows, columns) in [0, 1]; 1 keeps all of the sun away.
    """
    camera = canvas.camera
    top = max(0, int(np.floor(camera.horizon)) + 1)
    rows = np.arange(top, camera.rows, dtype=np.float32)[:, None]
    columns = np.arange(camera.columns, dtype=np.float32)[None, :]
    z = np.minimum(camera.focal * camera.height / np.maximum(rows - camera.horizon, 0.25), 600.0).astype(
        np.float32
    )
    texel = z / camera.focal  # metres per pixel across
    along = texel * z / camera.height  # metres per pixel along the view
    x = (columns - camera.centre) * texel
    s = x - street.middle(z)
    side = np.abs(s)

    half, verge, pavement = street.half, street.verge, street.pavement
    in_crossing = np.zeros_like(z, bool)
    if street.crossing is not None:
        in_crossing = (z > street.crossing[0]) & (z < street.crossing[1])
    road = (side < half) | in_crossing
    grass = ((side > half) & (side < half + verge)) | (side > half + verge + pavement)
    label = np.where(road, ROAD, np.where(grass, TERRAIN, SIDEWALK)).astype(np.uint8)

    shift = street.seed % 400
    fine = sample(noise_tile(), s * 23 + shift, np.broadcast_to(z * 23 + shift, s.shape))
    fade = np.minimum(1.0, 0.05 / along)
    coarse = sample(soft_tile(), s * 9 + shift, np.broadcast_to(z * 5 + shift, s.shape))
    colour = np.empty((*s.shape, 3), np.float32)
    ruts = 0.025 * np.cos(2 * np.pi * (s / 1.75 + 0.2))
    asphalt = street.tone * (1 + 0.13 * fine * fade + 0.06 * coarse) - ruts * street.tone
    patch = (sample(soft_tile(), s * 6 + 3 * shift, np.broadcast_to(z * 3, s.shape)) > 1.5) & (side < half)
    asphalt = np.where(patch, asphalt * 0.84, asphalt)
    paint = _markings(street, s, z, texel, along)
    asphalt = asphalt + paint * (0.80 - asphalt) * (0.88 + 0.1 * np.clip(fine, -1.5, 0.8))
    for channel, tint in enumerate((1.0, 1.0, 1.03)):
        colour[..., channel] = asphalt * tint
    walk = ~road & ~grass
    tiles = np.maximum(_lines(s, 0.8, 0.05, texel), _lines(np.broadcast_to(z, s.shape), 0.8, 0.05, along))
    slab = (0.56 + 0.05 * fine * fade + 0.03 * coarse) * (1 - 0.25 * tiles)
    kerb = (side > half) & (side < half + 0.28)
    slab = np.where(kerb, 0.68 + 0.04 * fine * fade, slab)
    colour[walk] = slab[walk][:, None] * np.array([1.0, 0.97, 0.93], np.float32)
    green = np.array([0.31, 0.38, 0.19], np.float32)
    blades = 1 + 0.22 * fine * np.maximum(fade, 0.3) + 0.12 * coarse
    colour[grass] = blades[grass][:, None] * green
    curb_shadow = (side > half - 0.12) & (side < half) & ~in_crossing
    colour[curb_shadow] *= 0.72

    lit = light.direct * max(0.0, float(light.sun[1]))
    level = light.ambient * 1.1 + lit * (1 - shadow[top:, :, None])
    level = level * (
        1 - 0.55 * np.clip(shadow[top:, :, None] - 1, 0, 1)
    )  # beyond 1: little of the sky either
    painted = np.clip(colour * level, 0, 1) * 255
    canvas.rgb[top:] = painted.astype(np.uint8)
    up, origin = np.array([0.0, 1.0, 0.0]), np.zeros(3)
    numbers = np.zeros(256, np.uint16)
    for kind in (ROAD, SIDEWALK, TERRAIN):
        numbers[kind] = canvas.surface(kind, origin, up)
    canvas.surfaces[top:] = numbers[label]


def _lines(value: np.ndarray, period: float, width: float, pixel: np.ndarray) -> np.ndarray:
    """How much of each pixel a periodic line covers, in [0, 1]; fades to the mean coverage where pixels are wide."""
    away = np.abs(((value + period / 2) % period) - period / 2)
    cover = np.clip((width / 2 - away) / pixel + 0.5, 0, 1) * np.minimum(1, width / pixel)
    return np.where(pixel > period / 2, width / period, cover)


def _stripe(s: np.ndarray, centre: float, width: float, texel: np.ndarray) -> np.ndarray:
    """How much of each pixel one long line at lateral offset ``centre`` covers."""
    return np.clip((width / 2 - np.abs(s - centre)) / texel + 0.5, 0, np.minimum(1, width / texel))


def _markings(
    street: Street, s: np.ndarray, z: np.ndarray, texel: np.ndarray, along: np.ndarray
) -> np.ndarray:
    """Coverage of white paint on the road, in [0, 1]."""
    dashes = np.clip((3.0 - (z + street.phase) % 9.0) / along + 0.5, 0, 1) * np.clip(
        ((z + street.phase) % 9.0) / along + 0.5, 0, 1
    )
    drive = street.half - street.parking
    paint = np.zeros_like(s)
    if street.lanes == 1:
        paint = np.maximum(paint, _stripe(s, 0.0, 0.14, texel) * dashes)
    else:
        paint = np.maximum(paint, np.maximum(_stripe(s, -0.12, 0.12, texel), _stripe(s, 0.12, 0.12, texel)))
        for centre in (-drive / 2, drive / 2):
            paint = np.maximum(paint, _stripe(s, centre, 0.13, texel) * dashes)
    for centre in (-drive + 0.1, drive - 0.1):
        paint = np.maximum(paint, 0.8 * _stripe(s, centre, 0.1, texel))
    if street.crossing is None:
        return paint
    near, far = street.crossing
    clear = (z > near - 5.5) & (z < far + 5.5)
    paint = np.where(clear, 0, paint)
    inside = np.abs(s) < street.half
    if street.zebra:
        for start in (near - 4.0, far + 1.0):
            band = np.clip((z - start) / along + 0.5, 0, 1) * np.clip((start + 3.0 - z) / along + 0.5, 0, 1)
            paint = np.maximum(paint, band * _lines(s, 1.0, 0.5, texel) * inside)
    stop = np.clip((0.2 - np.abs(z - (near - 5.0))) / along + 0.5, 0, 1) * (s > 0) * (s < drive)
    return np.maximum(paint, stop)


class Shadows:
    """Collects what lies in shadow on the ground, as image polygons, at half the canvas' resolution."""

    def __init__(self, canvas: Canvas, light: Light) -> None:
        self._camera = canvas.camera
        self._sun = light.sun
        self._strength = 1.0 if light.name in ("sun", "dusk") else 0.35
        shape = (canvas.camera.rows // 2, canvas.camera.columns // 2)
        self._cast = np.zeros(shape, np.float32)
        self._contact = np.zeros(shape, np.float32)

    def _polygon(self, points: np.ndarray, into: np.ndarray, value: float) -> None:
        from .camera import clip_near

        flat = clip_near(points)
        if len(flat) < 3:
            return
        hull = cv2.convexHull((self._camera.project(flat) / 2).astype(np.float32))
        cv2.fillPoly(into, [np.clip(hull * 16, -1e6, 1e6).round().astype(np.int32)], value, cv2.LINE_8, 4)

    def box(self, footprint: np.ndarray, height: float, contact: float = 0.85) -> None:
        """Shadow of an upright box over ``footprint`` (n, 3), and the darkness right under it."""
        shift = -self._sun / max(self._sun[1], 0.25) * height
        shift[1] = 0.0
        self._polygon(np.concatenate([footprint, footprint + shift]), self._cast, self._strength)
        if contact > 0:
            self._polygon(footprint, self._contact, contact)

    def disc(self, point: np.ndarray, bottom: float, top: float, radius: float) -> None:
        """Shadow of something round between two heights above ``point``, e.g. a tree's crown."""
        shift = -self._sun / max(self._sun[1], 0.25)
        angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        ring = np.stack([np.cos(angle), np.zeros(18), np.sin(angle)], axis=1) * radius
        for high in np.linspace(bottom + radius * 0.5, top - radius * 0.4, 3):
            centre = point + shift * high
            centre[1] = 0.0
            self._polygon(centre + ring * [1, 0, 1.1], self._cast, self._strength)

    def map(self) -> np.ndarray:
        """float32 (rows, columns): 0 lit, 1 in shadow, up to 2 right under things."""
        cast = cv2.GaussianBlur(self._cast, (0, 0), 0.8)
        contact = cv2.GaussianBlur(self._contact, (0, 0), 1.6)
        return cv2.resize(
            np.maximum(cast, 0.2 * contact) + contact, (self._camera.columns, self._camera.rows)
        )

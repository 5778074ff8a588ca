"""What stands along a street: trees, hedges, lamp posts, traffic lights, signs, fences and walls."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas
from .labels import FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, WALL
from .light import Light
from .materials import crowns, noise_tile
from .people import Pen

_STEEL = (0.36, 0.38, 0.38)
_NOTHING = range(0)


def draw_tree(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    place: np.ndarray,
    height: float,
    trunk: float,
    radius: float,
) -> None:
    """Draw a tree; ``trunk`` is the height in metres at which the crown begins, ``radius`` half the crown's width."""
    pen = Pen(canvas, light, place, canvas.upright(VEGETATION, float(place[2])))
    bright, alpha = crowns()[int(rng.integers(10))]
    green = (
        np.array([0.27, 0.40, 0.15])
        * rng.uniform(0.7, 1.25)
        * [rng.uniform(0.8, 1.35), 1.0, rng.uniform(0.8, 1.2)]
    )
    width = max(2, round(2 * radius * pen.scale))
    tall = max(2, round((height - trunk + 0.5) * pen.scale))
    bark = (0.28, 0.22, 0.17)

    def run() -> None:
        if trunk > 0.5:
            pen.stroke([(0, 0.08), (0.02, trunk + 1.0)], 0.16 + 0.02 * height, bark)
            pen.stroke([(0.05, 0.08), (0.06, trunk + 1.0)], 0.07, bark, 0.7)
        if width > 1500 or tall > 1500:
            return
        lit = np.asarray(pen.colour(green), np.float32)
        mask = cv2.resize(alpha, (width, tall), interpolation=cv2.INTER_LINEAR)
        shine = cv2.resize(bright, (width, tall), interpolation=cv2.INTER_LINEAR)
        if light.direct[0] > 0.3:
            lean = np.linspace(-1, 1, width, dtype=np.float32) * np.sign(light.sun[0])
            shine = shine * (1 + 0.22 * lean)
        sprite = np.clip(shine[..., None] * lit, 0, 255).astype(np.uint8)
        centre = canvas.camera.project((place + [0, height, 0])[None])[0]
        canvas.blit(sprite, mask, centre[0] - width / 2, centre[1], pen.surface)

    corners = np.array([[-radius, 0, 0], [radius, 0, 0], [radius, height, 0], [-radius, height, 0]])
    canvas.paint(run, place + corners, _NOTHING)


def draw_lamp_post(canvas: Canvas, light: Light, place: np.ndarray, height: float, inward: float) -> None:
    """Draw a street lamp whose arm reaches ``inward`` metres (signed) over the road."""
    pen = Pen(canvas, light, place, canvas.upright(POLE, float(place[2])))

    def run() -> None:
        pen.stroke([(0, 0), (0, 1.1)], 0.2, _STEEL, 0.8)
        pen.stroke([(0, 0.1), (0, height)], 0.13, _STEEL)
        pen.stroke([(0.04, 1.1), (0.04, height)], 0.04, _STEEL, 0.7)
        pen.stroke([(0, height), (0.5 * inward, height + 0.35), (inward, height + 0.4)], 0.1, _STEEL)
        pen.stroke([(inward * 0.8, height + 0.38), (inward * 1.15, height + 0.38)], 0.2, (0.75, 0.75, 0.7))

    reach = abs(inward) + 0.4
    canvas.paint(run, place + np.array([[-reach, 0, 0], [reach, height + 0.8, 0]]), _NOTHING)


def draw_traffic_light(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    place: np.ndarray,
    state: int,
    arm: float,
    away: bool,
) -> None:
    """Draw a traffic light on its post.

    Args:
        canvas: What to paint on.
        light: The illumination.
        rng: Source of small differences.
        place: World foot of the post.
        state: 0 red, 1 amber, 2 green.
        arm: Length (signed, to the right) of an arm that carries a second head over the road; 0 for none.
        away: Seen from behind: the lamps do not show.
    """
    pole = Pen(canvas, light, place, canvas.upright(POLE, float(place[2])))
    height = 5.6 if arm else 3.4
    heads = [(0.0, 2.55 + rng.uniform(0, 0.4))] + ([(arm, height - 0.75)] if arm else [])
    first = len(canvas.things)
    pens = []
    for _ in heads:
        thing = canvas.add_thing(TRAFFIC_LIGHT, "traffic light")
        pens.append(Pen(canvas, light, place, canvas.upright(TRAFFIC_LIGHT, float(place[2]), thing)))
    colours = ((1.0, 0.12, 0.08), (1.0, 0.72, 0.05), (0.15, 0.95, 0.5))

    def run() -> None:
        pole.stroke([(0, 0), (0, height)], 0.13, _STEEL, 0.85)
        if arm:
            pole.stroke([(0, height), (arm, height + 0.1)], 0.11, _STEEL, 0.85)
        for pen, (x, y) in zip(pens, heads, strict=True):
            pen.shape(
                [(x - 0.25, y - 0.08), (x + 0.25, y - 0.08), (x + 0.25, y + 1.12), (x - 0.25, y + 1.12)],
                (0.03, 0.03, 0.03),
            )
            if away:
                pen.shape(
                    [(x - 0.15, y + 0.05), (x + 0.15, y + 0.05), (x + 0.15, y + 1.0), (x - 0.15, y + 1.0)],
                    (0.2, 0.2, 0.2),
                )
                continue
            for lamp in range(3):
                on = lamp == state
                centre = pen._flat([(x, y + 0.85 - 0.33 * lamp)])
                red, green, blue = (
                    255 * c for c in (colours[lamp] if on else np.array(colours[lamp]) * 0.18)
                )
                canvas.stroke(np.repeat(centre, 2, axis=0), 0.27 * pen.scale, (red, green, blue))

    left, right = min(0.0, arm) - 0.3, max(0.0, arm) + 0.3
    canvas.paint(
        run, place + np.array([[left, 0, 0], [right, height + 0.6, 0]]), range(first, first + len(heads))
    )


def draw_sign(canvas: Canvas, light: Light, rng: np.random.Generator, place: np.ndarray, kind: str) -> None:
    """Draw a road sign on its post: ``stop``, ``limit``, ``yield``, ``blue`` or ``board``."""
    depth = float(place[2])
    pole = Pen(canvas, light, place, canvas.upright(POLE, depth))
    thing = canvas.add_thing(TRAFFIC_SIGN, "stop sign" if kind == "stop" else None)
    pen = Pen(canvas, light, place, canvas.upright(TRAFFIC_SIGN, depth, thing))
    y, r = 2.35, 0.42

    def polygon(corners: int, radius: float, start: float) -> list[tuple[float, float]]:
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + start
        return list(zip(radius * np.cos(angle), y + radius * np.sin(angle), strict=True))

    def run() -> None:
        pole.stroke([(0, 0), (0, y + 0.4)], 0.08, _STEEL, 1.1)
        if kind == "stop":
            pen.shape(polygon(8, r * 1.05, np.pi / 8), (0.95, 0.95, 0.95))
            pen.shape(polygon(8, r * 0.95, np.pi / 8), (0.75, 0.05, 0.06))
            for i, x in enumerate((-0.24, -0.09, 0.08, 0.24)):
                pen.stroke([(x, y - 0.1), (x + 0.02 * (i % 2), y + 0.1)], 0.06, (0.95, 0.95, 0.95))
        elif kind == "limit":
            pen.shape(polygon(16, r, 0), (0.8, 0.06, 0.06))
            pen.shape(polygon(16, r * 0.74, 0), (0.95, 0.95, 0.95))
            for x in (-0.1, 0.1):
                pen.stroke([(x, y - 0.13), (x, y + 0.13)], 0.09, (0.05, 0.05, 0.05))
        elif kind == "yield":
            pen.shape(polygon(3, r * 1.15, -np.pi / 2), (0.8, 0.06, 0.06))
            pen.shape(polygon(3, r * 0.65, -np.pi / 2), (0.95, 0.95, 0.92))
        elif kind == "blue":
            pen.shape(polygon(16, r, 0), (0.08, 0.25, 0.65))
            pen.stroke([(-0.12, y - 0.14), (0.12, y + 0.12)], 0.1, (0.95, 0.95, 0.95))
        else:
            tint = ((0.1, 0.35, 0.65), (0.9, 0.85, 0.2), (0.1, 0.42, 0.25))[int(rng.integers(3))]
            pen.shape([(-0.75, y - 0.4), (0.75, y - 0.4), (0.75, y + 0.4), (-0.75, y + 0.4)], tint)
            for level in (0.15, -0.12):
                pen.stroke([(-0.55, y + level), (0.4, y + level)], 0.12, (0.92, 0.92, 0.92))

    canvas.paint(run, place + np.array([[-0.85, 0, 0], [0.85, 2.95, 0]]), range(thing, thing + 1))


def draw_barrier(
    canvas: Canvas, light: Light, rng: np.random.Generator, start: np.ndarray, end: np.ndarray, kind: str
) -> None:
    """Draw a wall, a fence of railings or boards, or a hedge, between two ground points (it is upright and thin)."""
    label = {"wall": WALL, "hedge": VEGETATION}.get(kind, FENCE)
    height = {"wall": rng.uniform(1.2, 2.2), "hedge": rng.uniform(1.0, 1.8), "boards": 1.6, "rails": 1.1}[
        kind
    ]
    along = end - start
    length = float(np.linalg.norm(along))
    normal = np.array([-along[2], 0.0, along[0]]) / length
    eye = np.array([0.0, canvas.camera.height, 0.0])
    if normal @ (eye - start) < 0:
        normal = -normal
    corners = np.array([start, end, end + [0, height, 0], start + [0, height, 0]])
    surface = canvas.surface(label, start, normal)
    rows, columns = 32, max(16, min(512, round(length * 12)))
    albedo = {
        "wall": (0.60, 0.50, 0.42),
        "hedge": (0.20, 0.33, 0.12),
        "boards": (0.48, 0.36, 0.24),
        "rails": (0.16, 0.18, 0.18),
    }[kind]
    base = np.asarray(light.shade(np.array(albedo) * rng.uniform(0.8, 1.2), normal), np.float32)
    texture = np.empty((rows, columns, 3), np.float32)
    grain = noise_tile()[:rows, :columns, None]
    texture[:] = base * (1 + (0.3 if kind == "hedge" else 0.08) * grain)
    if kind == "boards":
        texture[:, ::4] *= 0.6
    elif kind == "wall":
        texture[::5] *= 0.8
        texture[:3] *= 1.2

    def run() -> None:
        if kind == "rails":
            colour = (float(base[0]), float(base[1]), float(base[2]))
            for y in (0.25, 1.05):
                line = np.array(
                    [start + [0, y, 0], end + [0, y, 0], end + [0, y + 0.07, 0], start + [0, y + 0.07, 0]]
                )
                canvas.face(line, colour, surface)
            step = 0.3 if float(start[2]) < 25 else 0.6
            for t in np.arange(0, length, step):
                p = start + along * (t / length)
                q = p + along * (0.04 / length)
                canvas.face(np.array([p, q, q + [0, height, 0], p + [0, height, 0]]), colour, surface)
            return
        flat = canvas.camera.project(corners)
        canvas.paste(np.clip(texture, 0, 255).astype(np.uint8), flat[[3, 2, 1, 0]], flat, surface)

    canvas.paint(run, corners, _NOTHING)

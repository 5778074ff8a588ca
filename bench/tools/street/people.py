"""Pedestrians and riders, drawn upright towards the camera from strokes with round ends, in metres around their feet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Colour
from .labels import BICYCLE, MOTORCYCLE, PERSON, RIDER
from .light import Light

_SKIN = ((0.85, 0.66, 0.53), (0.72, 0.50, 0.38), (0.50, 0.34, 0.25), (0.36, 0.24, 0.18))
_HAIR = ((0.08, 0.06, 0.05), (0.28, 0.18, 0.10), (0.55, 0.42, 0.25), (0.5, 0.5, 0.5))
_CLOTHES = (
    (0.10, 0.10, 0.13), (0.16, 0.20, 0.36), (0.60, 0.12, 0.12), (0.78, 0.78, 0.75), (0.30, 0.32, 0.34), (0.20, 0.38, 0.26),
    (0.75, 0.60, 0.20), (0.45, 0.30, 0.22), (0.30, 0.50, 0.68), (0.70, 0.40, 0.52), (0.85, 0.42, 0.10),
)  # fmt: skip
_TROUSERS = (
    (0.12, 0.15, 0.26),
    (0.08, 0.08, 0.09),
    (0.35, 0.32, 0.28),
    (0.24, 0.26, 0.30),
    (0.50, 0.45, 0.36),
    (0.20, 0.26, 0.42),
)
_NORMAL = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class Pen:
    """Draws in the upright plane through a point on the ground; x to the right, y up, in metres."""

    canvas: Canvas
    light: Light
    place: np.ndarray
    surface: int
    mirror: float = 1.0

    def _flat(self, points: list[tuple[float, float]]) -> np.ndarray:
        local = np.array(points, float)
        world = np.empty((len(local), 3))
        world[:, 0] = self.place[0] + self.mirror * local[:, 0]
        world[:, 1] = self.place[1] + local[:, 1]
        world[:, 2] = self.place[2]
        return self.canvas.camera.project(world)

    @property
    def scale(self) -> float:
        """Pixels per metre."""
        return self.canvas.camera.focal / float(self.place[2])

    def colour(self, albedo: tuple[float, float, float] | np.ndarray, factor: float = 1.0) -> Colour:
        """Levels of an albedo in this light."""
        return self.light.shade(np.asarray(albedo) * factor, _NORMAL)

    def stroke(
        self, points: list[tuple[float, float]], width: float, albedo: object, factor: float = 1.0
    ) -> None:
        """A line of ``width`` metres."""
        self.canvas.stroke(
            self._flat(points), width * self.scale, self.colour(np.asarray(albedo), factor), self.surface
        )

    def shape(self, points: list[tuple[float, float]], albedo: object, factor: float = 1.0) -> None:
        """A filled polygon."""
        self.canvas.fill(self._flat(points), self.colour(np.asarray(albedo), factor), self.surface)

    def disc(self, x: float, y: float, rx: float, ry: float, albedo: object, factor: float = 1.0) -> None:
        """A filled ellipse."""
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        self.shape(list(zip(x + rx * np.cos(angle), y + ry * np.sin(angle), strict=True)), albedo, factor)

    def ring(
        self, x: float, y: float, radius: float, width: float, albedo: object, squeeze: float = 1.0
    ) -> None:
        """A circle's outline; ``squeeze`` below 1 makes it a wheel seen almost edge on."""
        angle = np.linspace(0, 2 * np.pi, 17)
        self.stroke(
            list(zip(x + squeeze * radius * np.cos(angle), y + radius * np.sin(angle), strict=True)),
            width,
            albedo,
        )


def _pick(rng: np.random.Generator, palette: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    return np.array(palette[int(rng.integers(len(palette)))]) * rng.uniform(0.85, 1.15)


def _head(
    pen: Pen, x: float, y: float, size: float, skin: np.ndarray, hair: np.ndarray, view: str, long: bool
) -> None:
    if long:
        pen.shape([(x - 0.95 * size, y + 0.3 * size), (x + 0.95 * size, y + 0.3 * size), (x + 0.9 * size, y - 1.7 * size),
                   (x - 0.9 * size, y - 1.7 * size)], hair)  # fmt: skip
    pen.disc(x, y, 0.8 * size, size, skin)
    if view == "back":
        pen.disc(x, y + 0.1 * size, 0.85 * size, size, hair)
    elif view == "side":
        pen.disc(x - 0.25 * size, y + 0.25 * size, 0.7 * size, 0.8 * size, hair)
    else:
        pen.disc(x, y + 0.6 * size, 0.8 * size, 0.5 * size, hair)


def draw_pedestrian(canvas: Canvas, light: Light, rng: np.random.Generator, place: np.ndarray) -> None:
    """Draw someone who walks or stands at ``place`` (world feet) and register a person."""
    thing = canvas.add_thing(PERSON, "person")
    surface = canvas.upright(PERSON, float(place[2]), thing)
    height = rng.uniform(1.56, 1.9) if rng.random() < 0.88 else rng.uniform(1.05, 1.4)
    view = str(rng.choice(["side", "front", "back"], p=[0.45, 0.275, 0.275]))
    pen = Pen(canvas, light, place, surface, float(rng.choice([-1.0, 1.0])))
    skin, hair, top, legs = _pick(rng, _SKIN), _pick(rng, _HAIR), _pick(rng, _CLOTHES), _pick(rng, _TROUSERS)
    h = height
    hip, shoulder, head = 0.5 * h, 0.81 * h, 0.925 * h
    stride = rng.uniform(0.0, 0.26) * h if view == "side" else rng.uniform(0.03, 0.07) * h
    coat, skirt, pack, long = rng.random() < 0.3, rng.random() < 0.15, rng.random() < 0.3, rng.random() < 0.35
    broad = (0.1 if view == "side" else 0.13) * h
    swing = rng.uniform(-0.5, 1.0)
    calves = skin if skirt else legs

    def run() -> None:
        knee = 0.27 * h
        for sign, dark in ((-1, 0.78), (1, 1.0)):
            foot = sign * stride * (1 if view == "side" else 0.8)
            bend = foot * 0.45 + (0.035 * h if view == "side" else 0.0)
            start = 0.0 if view == "side" else sign * 0.045 * h
            pen.stroke([(start, hip), (start + bend, knee)], 0.088 * h, legs, dark)
            pen.stroke([(start + bend, knee), (start + foot, 0.045 * h)], 0.062 * h, calves, dark)
            toe = 0.055 * h if view == "side" else 0.01 * h
            pen.stroke(
                [(start + foot, 0.02 * h), (start + foot + toe, 0.018 * h)], 0.045 * h, (0.08, 0.07, 0.07)
            )
        if skirt:
            pen.shape(
                [
                    (-0.06 * h, hip + 0.06 * h),
                    (0.06 * h, hip + 0.06 * h),
                    (0.12 * h, 0.3 * h),
                    (-0.12 * h, 0.3 * h),
                ],
                legs,
            )
        arm = 0.12 * h * swing
        if view == "side":
            pen.stroke(
                [(0, shoulder - 0.02 * h), (-arm, 0.63 * h), (-arm * 1.6 + 0.03, 0.5 * h)],
                0.055 * h,
                top,
                0.72,
            )
            if pack:
                pen.shape(
                    [
                        (-0.16 * h, 0.58 * h),
                        (-0.05 * h, 0.58 * h),
                        (-0.05 * h, 0.8 * h),
                        (-0.14 * h, 0.8 * h),
                    ],
                    (0.2, 0.2, 0.25),
                )
        hem = 0.33 * h if coat else 0.49 * h
        pen.stroke([(0, shoulder + 0.05 * h), (0, shoulder)], 0.06 * h, skin, 0.9)
        pen.shape([(-broad, shoulder - 0.02 * h), (-0.6 * broad, shoulder + 0.02 * h), (0.6 * broad, shoulder + 0.02 * h),
                   (broad, shoulder - 0.02 * h), (0.85 * broad, hem), (-0.85 * broad, hem)], top)  # fmt: skip
        away = -1 if light.sun[0] * pen.mirror > 0 else 1
        pen.shape([(away * broad, shoulder - 0.02 * h), (away * 0.45 * broad, shoulder), (away * 0.4 * broad, hem),
                   (away * 0.85 * broad, hem)], top, 0.8)  # fmt: skip
        if view == "side":
            pen.stroke(
                [(0, shoulder - 0.03 * h), (arm, 0.64 * h), (arm * 1.6 + 0.04, 0.51 * h)],
                0.058 * h,
                top,
                0.92,
            )
            pen.disc(arm * 1.6 + 0.05, 0.49 * h, 0.025 * h, 0.028 * h, skin)
        else:
            for sign in (-1, 1):
                pen.stroke([(sign * broad, shoulder - 0.04 * h), (sign * (broad + 0.025 * h), 0.63 * h),
                            (sign * (broad + 0.015 * h), 0.5 * h)], 0.055 * h, top, 0.88)  # fmt: skip
                pen.disc(sign * (broad + 0.015 * h), 0.475 * h, 0.025 * h, 0.03 * h, skin)
            if pack and view == "back":
                pen.shape(
                    [
                        (-0.08 * h, 0.57 * h),
                        (0.08 * h, 0.57 * h),
                        (0.075 * h, 0.8 * h),
                        (-0.075 * h, 0.8 * h),
                    ],
                    (0.2, 0.22, 0.3),
                )
        _head(pen, 0.01 * h, head, 0.075 * h, skin, hair, view, long)

    canvas.paint(run, _extent(place, 0.55, height), range(thing, thing + 1))


def _extent(place: np.ndarray, half: float, height: float) -> np.ndarray:
    return place + np.array([[-half, 0, 0], [half, 0, 0], [half, height, 0], [-half, height, 0]])


def draw_two_wheeler(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    place: np.ndarray,
    view: str,
    motor: bool,
    ridden: bool,
) -> None:
    """Draw a bicycle or motorcycle, with its rider or parked.

    Args:
        canvas: What to paint on.
        light: The illumination.
        rng: Source of colours.
        place: World point on the ground below it.
        view: ``left``, ``right`` (seen from the side, heading that way), ``front`` or ``back``.
        motor: A motorcycle rather than a bicycle.
        ridden: Whether someone rides it.
    """
    label, category = (MOTORCYCLE, "motorcycle") if motor else (BICYCLE, "bicycle")
    machine = canvas.add_thing(label, category)
    surface = canvas.upright(label, float(place[2]), machine)
    rider = canvas.add_thing(RIDER, "person") if ridden else machine
    rider_surface = canvas.upright(RIDER, float(place[2]), rider) if ridden else surface
    mirror = -1.0 if view == "left" else 1.0
    pen = Pen(canvas, light, place, surface, mirror)
    body = Pen(canvas, light, place, rider_surface, mirror)
    paint, top, legs, skin = (
        _pick(rng, _CLOTHES),
        _pick(rng, _CLOTHES),
        _pick(rng, _TROUSERS),
        _pick(rng, _SKIN),
    )
    helmet = _pick(rng, _CLOTHES)
    side = view in ("left", "right")

    def run() -> None:
        if side:
            (_motor_side if motor else _bike_side)(pen, paint)
            if ridden:
                _rider_side(body, motor, top, legs, skin, helmet)
        else:
            _machine_end(pen, motor, paint, view)
            if ridden:
                _rider_end(body, motor, top, legs, skin, helmet, view)

    canvas.paint(run, _extent(place, 1.1 if side else 0.5, 1.9), range(machine, rider + 1))


def _bike_side(pen: Pen, paint: np.ndarray) -> None:
    dark = (0.06, 0.06, 0.06)
    for x in (-0.53, 0.53):
        pen.ring(x, 0.34, 0.32, 0.05, dark)
        pen.stroke([(x - 0.3, 0.34), (x + 0.3, 0.34)], 0.012, (0.5, 0.5, 0.5))
        pen.stroke([(x, 0.04), (x, 0.64)], 0.012, (0.5, 0.5, 0.5))
    for line in ([(-0.53, 0.34), (-0.08, 0.32), (0.4, 0.76), (-0.2, 0.72), (-0.53, 0.34)], [(-0.08, 0.32), (-0.22, 0.84)],
                 [(0.53, 0.34), (0.37, 0.95)]):  # fmt: skip
        pen.stroke(line, 0.05, paint)
    pen.stroke([(0.28, 0.98), (0.42, 0.98), (0.45, 0.9)], 0.04, dark)
    pen.stroke([(-0.33, 0.87), (-0.1, 0.87)], 0.06, dark)


def _motor_side(pen: Pen, paint: np.ndarray) -> None:
    dark = (0.05, 0.05, 0.05)
    for x in (-0.68, 0.7):
        pen.disc(x, 0.31, 0.31, 0.31, dark)
        pen.disc(x, 0.31, 0.17, 0.17, (0.5, 0.5, 0.52))
    pen.shape([(-0.45, 0.32), (0.35, 0.32), (0.45, 0.7), (-0.4, 0.7)], (0.22, 0.22, 0.23))
    pen.stroke([(0.7, 0.31), (0.48, 0.95)], 0.07, (0.45, 0.45, 0.47))
    pen.shape([(-0.05, 0.68), (0.5, 0.7), (0.5, 0.95), (0.1, 0.98)], paint)
    pen.shape([(-0.95, 0.82), (-0.1, 0.72), (0.05, 0.82), (-0.9, 0.95)], dark)
    pen.shape([(0.42, 0.8), (0.72, 0.8), (0.6, 1.1), (0.45, 1.1)], paint, 0.9)
    pen.stroke([(-0.95, 0.42), (0.1, 0.35)], 0.09, (0.6, 0.6, 0.6))
    pen.stroke([(0.3, 1.05), (0.5, 1.08)], 0.05, dark)


def _rider_side(
    pen: Pen, motor: bool, top: np.ndarray, legs: np.ndarray, skin: np.ndarray, helmet: np.ndarray
) -> None:
    if motor:
        hip, knee, foot, neck, hand = (-0.3, 0.92), (0.18, 0.88), (-0.05, 0.38), (-0.05, 1.42), (0.42, 1.05)
    else:
        hip, knee, foot, neck, hand = (-0.2, 0.95), (0.2, 0.8), (0.02, 0.25), (0.12, 1.45), (0.4, 1.0)
        pen.stroke([hip, (0.0, 0.62), (-0.14, 0.4)], 0.12, legs, 0.75)
    pen.stroke([hip, knee], 0.16, legs)
    pen.stroke([knee, foot], 0.11, legs)
    pen.stroke([foot, (foot[0] + 0.14, foot[1] - 0.03)], 0.08, (0.1, 0.1, 0.1))
    pen.stroke([hip, neck], 0.24, top)
    pen.stroke([(hip[0] - 0.06, hip[1]), (neck[0] - 0.07, neck[1])], 0.1, top, 0.8)
    pen.stroke(
        [(neck[0], neck[1] - 0.05), ((neck[0] + hand[0]) / 2 - 0.02, hand[1] + 0.1), hand], 0.09, top, 0.92
    )
    pen.disc(hand[0], hand[1], 0.05, 0.05, skin)
    x, y = neck[0] + 0.06, neck[1] + 0.22
    pen.disc(x, y, 0.11, 0.13, skin)
    if motor:
        pen.disc(x, y + 0.01, 0.15, 0.16, helmet)
        pen.shape(
            [(x + 0.02, y - 0.03), (x + 0.15, y - 0.03), (x + 0.14, y + 0.07), (x + 0.02, y + 0.07)],
            (0.08, 0.09, 0.12),
        )
    else:
        pen.disc(x - 0.02, y + 0.08, 0.13, 0.09, helmet)


def _machine_end(pen: Pen, motor: bool, paint: np.ndarray, view: str) -> None:
    dark = (0.05, 0.05, 0.05)
    if motor:
        pen.stroke([(0, 0.12), (0, 0.55)], 0.2, dark)
        pen.shape([(-0.2, 0.45), (0.2, 0.45), (0.24, 0.95), (-0.24, 0.95)], paint)
        pen.stroke([(-0.38, 1.05), (0.38, 1.05)], 0.05, dark)
        lamp = (0.95, 0.95, 0.85) if view == "front" else (0.75, 0.05, 0.05)
        pen.disc(0, 0.84, 0.1, 0.08, lamp)
    else:
        pen.ring(0, 0.34, 0.32, 0.05, dark, 0.1)
        pen.stroke([(0, 0.4), (0, 0.95)], 0.05, paint)
        pen.stroke([(-0.28, 1.0), (0.28, 1.0)], 0.04, dark)
        if view == "back":
            pen.disc(0, 0.66, 0.04, 0.05, (0.75, 0.05, 0.05))


def _rider_end(
    pen: Pen, motor: bool, top: np.ndarray, legs: np.ndarray, skin: np.ndarray, helmet: np.ndarray, view: str
) -> None:
    broad = 0.24 if motor else 0.21
    for sign, (knee, foot) in ((-1, (0.68, 0.3)), (1, (0.78, 0.42))):
        pen.stroke(
            [(sign * 0.1, 0.95), (sign * (broad + 0.02), knee), (sign * 0.15, foot)],
            0.13,
            legs,
            0.9 if sign < 0 else 1.0,
        )
        pen.stroke([(sign * 0.15, foot - 0.03), (sign * 0.16, foot - 0.06)], 0.09, (0.1, 0.1, 0.1))
    pen.shape([(-broad, 1.38), (-0.12, 1.47), (0.12, 1.47), (broad, 1.38), (0.17, 0.88), (-0.17, 0.88)], top)
    for sign in (-1, 1):
        pen.stroke([(sign * broad, 1.36), (sign * (broad + 0.12), 1.15), (sign * 0.27, 1.0)], 0.09, top, 0.85)
    pen.disc(0, 1.62, 0.11, 0.14, skin)
    if motor:
        pen.disc(0, 1.63, 0.15, 0.17, helmet)
        if view == "front":
            pen.shape([(-0.12, 1.58), (0.12, 1.58), (0.12, 1.68), (-0.12, 1.68)], (0.08, 0.09, 0.12))
    else:
        pen.disc(0, 1.71 if view == "front" else 1.68, 0.13, 0.09 if view == "front" else 0.13, helmet)

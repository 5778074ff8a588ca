"""Cars, vans, buses and trucks: convex solids with windows, wheels, lamps and plates. Local axes: x right, y up, z forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .labels import BUS, CAR, TRUCK
from .light import Light
from .solids import GLASS, Decal, Face, box, draw, on, turn

PAINTS = (
    (0.75, 0.76, 0.78), (0.90, 0.90, 0.90), (0.10, 0.10, 0.11), (0.30, 0.31, 0.33), (0.50, 0.51, 0.53), (0.60, 0.07, 0.07),
    (0.10, 0.18, 0.45), (0.16, 0.30, 0.55), (0.10, 0.28, 0.18), (0.80, 0.65, 0.15), (0.42, 0.30, 0.20), (0.75, 0.35, 0.10),
)  # fmt: skip
_TYRE, _RIM, _DARK = np.array([0.05] * 3), np.array([0.55] * 3), np.array([0.07] * 3)
_RED, _LIT_RED = np.array([0.55, 0.03, 0.03]), np.array([1.0, 0.16, 0.1])
_LAMP, _LIT_LAMP = np.array([0.85, 0.87, 0.88]), np.array([1.0, 0.98, 0.85])
_PLATE = np.array([0.92, 0.91, 0.85])


@dataclass
class Vehicle:
    """A vehicle as groups of faces, each group a convex solid, and its outer size in metres (width, height, length)."""

    label: int
    category: str
    solids: list[list[Face]]
    size: tuple[float, float, float]


def _wheel(x: float, z: float, radius: float) -> list[Decal]:
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ring = np.stack([np.full(14, x), np.sin(angle) * radius + radius, np.cos(angle) * radius + z], axis=1)
    hub = np.array([x, radius, z])
    return [
        Decal(hub + (ring - hub) * 1.16, _DARK * 0.5),
        Decal(ring, _TYRE),
        Decal(hub + (ring - hub) * 0.62, _RIM),
        Decal(hub + (ring - hub) * 0.2, _DARK),
    ]


def _wheel_solids(
    width: float, radius: float, places: tuple[float, ...], thick: float = 0.22
) -> list[list[Face]]:
    """Wheels as dark boxes that reach the ground: they are what is seen of wheels from behind and in front."""
    made = []
    for z in places:
        for side in (-1, 1):
            faces = list(box(thick, 0.0, radius * 1.5, z - radius * 0.75, z + radius * 0.75, _TYRE).values())
            for face in faces:
                face.points = face.points + [side * (width / 2 - thick / 2 - 0.02), 0, 0]
            made.append(faces)
    return made


def _side_decals(
    side: int, width: float, rows: list[tuple[list[tuple[float, float]], np.ndarray]]
) -> list[Decal]:
    """Details on a flat side, given as (z, y) outlines."""
    return [
        Decal(np.array([(side * width / 2, y, z) for z, y in outline]), albedo) for outline, albedo in rows
    ]


def car(rng: np.random.Generator, lit: bool) -> Vehicle:
    """A hatchback, saloon, estate, off-roader or van."""
    kind = str(rng.choice(["hatch", "saloon", "estate", "suv", "van"], p=[0.3, 0.25, 0.15, 0.2, 0.1]))
    length = {"hatch": 3.9, "saloon": 4.6, "estate": 4.6, "suv": 4.5, "van": 4.9}[kind] * rng.uniform(
        0.95, 1.05
    )
    width = {"suv": 1.85, "van": 1.92}.get(kind, 1.76) * rng.uniform(0.97, 1.03)
    height = {"hatch": 1.48, "saloon": 1.45, "estate": 1.48, "suv": 1.7, "van": 2.0}[kind] * rng.uniform(
        0.97, 1.03
    )
    belt = {"suv": 1.08, "van": 1.15}.get(kind, 0.94)
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))]) * rng.uniform(0.85, 1.1)
    half, w, wheel = length / 2, width / 2, {"suv": 0.36, "van": 0.34}.get(kind, 0.31)
    screen = half - {"van": 0.75}.get(kind, 1.15) * rng.uniform(
        0.95, 1.05
    )  # where the windscreen meets the bonnet
    tail = {"saloon": -half + 0.75}.get(kind, -half + 0.08)
    low = 0.26
    outline = [(-half + 0.06, low), (-half, 0.55), (-half + 0.05, belt), (screen, belt + 0.02), (half - 0.12, belt - 0.16),
               (half, 0.58), (half - 0.05, low)]  # fmt: skip
    axles = (-0.31 * length, 0.31 * length)
    body: list[Face] = []
    for i, (z0, y0) in enumerate(outline):
        z1, y1 = outline[(i + 1) % len(outline)]
        body.append(Face(np.array([(-w, y0, z0), (w, y0, z0), (w, y1, z1), (-w, y1, z1)]), paint))
    rear_low, rear_high, _, bonnet, nose_high, nose_low, _ = body
    tint = _LIT_RED if lit or rng.random() < 0.25 else _RED
    for u in (0.02, 0.82):
        rear_high.decals.append(Decal(on(rear_high.points, u, u + 0.16, 0.35, 0.85), tint, tint is _LIT_RED))
    rear_high.decals.append(Decal(on(rear_high.points, 0.36, 0.64, 0.2, 0.5), _PLATE))
    rear_low.decals.append(Decal(on(rear_low.points, 0.0, 1.0, 0.0, 0.45), _DARK * 1.5))
    lamp = _LIT_LAMP if lit or rng.random() < 0.3 else _LAMP
    for u in (0.03, 0.77):
        nose_high.decals.append(Decal(on(nose_high.points, u, u + 0.2, 0.2, 0.85), lamp, lamp is _LIT_LAMP))
    nose_high.decals.append(Decal(on(nose_high.points, 0.3, 0.7, 0.1, 0.8), _DARK))
    nose_low.decals.append(Decal(on(nose_low.points, 0.12, 0.88, 0.0, 0.35), _DARK * 1.5))
    nose_low.decals.append(Decal(on(nose_low.points, 0.37, 0.63, 0.45, 0.8), _PLATE))
    bonnet.decals.append(Decal(on(bonnet.points, 0.2, 0.8, 0.05, 0.9), paint * 1.06))
    for side in (-1, 1):
        face = Face(np.array([(side * w, y, z) for z, y in outline]), paint)
        face.decals += _side_decals(side, width, [
            ([(-half + 0.03, belt - 0.02), (screen, belt), (half - 0.4, belt - 0.13), (-half + 0.03, belt - 0.14)], paint * 1.18),
            ([(-half + 0.06, low), (half - 0.05, low), (half - 0.02, 0.42), (-half + 0.02, 0.42)], paint * 0.62),
            ([(0.1, 0.42), (0.13, 0.42), (0.13, belt), (0.1, belt)], paint * 0.5),
            ([(-0.95, 0.45), (-0.92, 0.45), (-0.92, belt), (-0.95, belt)], paint * 0.5),
        ])  # fmt: skip
        for z in axles:
            face.decals += _wheel(side * w, z, wheel)
        body.append(face)
    roof_back = tail + {"saloon": 0.75, "hatch": 0.45}.get(kind, 0.2)
    roof_front = screen - {"van": 0.5}.get(kind, 0.8)
    base, crown = w * 0.95, w * (0.84 if kind == "van" else 0.74)
    b, h = belt, height
    back = Face(
        np.array([(-base, b, tail), (base, b, tail), (crown, h, roof_back), (-crown, h, roof_back)]), paint
    )
    front = Face(
        np.array([(base, b, screen), (-base, b, screen), (-crown, h, roof_front), (crown, h, roof_front)]),
        paint,
    )
    left = Face(
        np.array([(-base, b, screen), (-base, b, tail), (-crown, h, roof_back), (-crown, h, roof_front)]),
        paint,
    )
    right = Face(
        np.array([(base, b, tail), (base, b, screen), (crown, h, roof_front), (crown, h, roof_back)]), paint
    )
    roof = Face(
        np.array(
            [(-crown, h, roof_back), (crown, h, roof_back), (crown, h, roof_front), (-crown, h, roof_front)]
        ),
        paint,
    )
    back.decals.append(Decal(on(back.points, 0.09, 0.91, 0.1, 0.86), GLASS))
    front.decals.append(Decal(on(front.points, 0.05, 0.95, 0.03, 0.92), GLASS))
    front.decals.append(Decal(on(front.points, 0.14, 0.4, 0.05, 0.45), _DARK * 1.4))
    front.decals.append(Decal(on(front.points, 0.6, 0.86, 0.05, 0.45), _DARK * 1.4))
    panel = kind == "van" and rng.random() < 0.6
    for face, spans in ((left, ((0.08, 0.48), (0.52, 0.94))), (right, ((0.06, 0.48), (0.52, 0.92)))):
        for number, (u0, u1) in enumerate(spans):
            if panel and number == (1 if face is left else 0):
                continue
            face.decals.append(Decal(on(face.points, u0, u1, 0.1, 0.85), GLASS))
    solids = [*_wheel_solids(width, wheel, axles), body, [back, front, left, right, roof]]
    category = "car"
    return Vehicle(CAR, category, solids, (width, height, length))


BUS_PAINTS = (
    (0.85, 0.75, 0.15),
    (0.72, 0.10, 0.10),
    (0.88, 0.88, 0.86),
    (0.15, 0.35, 0.65),
    (0.20, 0.50, 0.30),
    (0.85, 0.45, 0.12),
)


def bus(rng: np.random.Generator, lit: bool) -> Vehicle:
    """A city bus."""
    length, width, height = rng.uniform(9.5, 12.0), 2.5, rng.uniform(2.95, 3.25)
    paint = np.array(BUS_PAINTS[int(rng.integers(len(BUS_PAINTS)))])
    second = paint if rng.random() < 0.5 else np.array([0.85, 0.85, 0.84])
    faces = box(width, 0.32, height, -length / 2, length / 2, paint)
    axles = (-0.27 * length, 0.36 * length)
    for name, side in (("left", -1), ("right", 1)):
        face = faces[name]
        half = length / 2
        rows: list[tuple[list[tuple[float, float]], np.ndarray]] = [
            ([(-half, 0.32), (half, 0.32), (half, 1.1), (-half, 1.1)], second * 0.9),
            ([(-half + 0.2, 1.25), (half - 0.1, 1.25), (half - 0.1, 2.5), (-half + 0.2, 2.5)], _DARK),
        ]
        panes = 6
        step = (length - 0.4) / panes
        for i in range(panes):
            z = -half + 0.2 + i * step
            rows.append(
                ([(z + 0.06, 1.3), (z + step - 0.06, 1.3), (z + step - 0.06, 2.45), (z + 0.06, 2.45)], GLASS)
            )
        if side == 1:
            for z in (half - 1.5, -0.6):
                rows.append(([(z, 0.36), (z + 1.2, 0.36), (z + 1.2, 2.5), (z, 2.5)], _DARK))
                rows.append(([(z + 0.08, 0.5), (z + 0.55, 0.5), (z + 0.55, 2.4), (z + 0.08, 2.4)], GLASS))
                rows.append(([(z + 0.65, 0.5), (z + 1.12, 0.5), (z + 1.12, 2.4), (z + 0.65, 2.4)], GLASS))
        face.decals += _side_decals(side, width, rows)
        for z in axles:
            face.decals += _wheel(side * width / 2, z, 0.48)
    front, back = faces["front"], faces["back"]
    board = np.array([1.0, 0.62, 0.1])
    front.decals += [
        Decal(on(front.points, 0.04, 0.96, 0.32, 0.86), _DARK),
        Decal(on(front.points, 0.06, 0.94, 0.34, 0.82), GLASS),
        Decal(on(front.points, 0.49, 0.51, 0.34, 0.82), _DARK),
        Decal(on(front.points, 0.12, 0.88, 0.87, 0.97), _DARK),
        Decal(on(front.points, 0.2, 0.8, 0.89, 0.95), board, True),
        Decal(on(front.points, 0.0, 1.0, 0.0, 0.08), _DARK),
        Decal(on(front.points, 0.38, 0.62, 0.1, 0.15), _PLATE),
    ]
    back.decals += [
        Decal(on(back.points, 0.1, 0.9, 0.55, 0.88), GLASS),
        Decal(on(back.points, 0.15, 0.85, 0.15, 0.42), paint * 0.6),
        Decal(on(back.points, 0.0, 1.0, 0.0, 0.06), _DARK),
        Decal(on(back.points, 0.38, 0.62, 0.07, 0.12), _PLATE),
        Decal(on(back.points, 0.3, 0.7, 0.9, 0.97), board, True),
    ]
    for u in (0.04, 0.84):
        front.decals.append(
            Decal(on(front.points, u, u + 0.12, 0.14, 0.22), _LIT_LAMP if lit else _LAMP, lit)
        )
        back.decals.append(Decal(on(back.points, u, u + 0.1, 0.12, 0.34), _LIT_RED if lit else _RED, lit))
    return Vehicle(
        BUS, "bus", [*_wheel_solids(width, 0.48, axles, 0.3), list(faces.values())], (width, height, length)
    )


def truck(rng: np.random.Generator, lit: bool) -> Vehicle:
    """A lorry: a cab and a box, a tarpaulin or a tipper."""
    length, width, height = rng.uniform(7.0, 9.5), 2.45, rng.uniform(3.2, 3.8)
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))])
    load = np.array(
        [(0.86, 0.86, 0.84), (0.78, 0.74, 0.62), (0.25, 0.38, 0.55), (0.55, 0.58, 0.60), (0.62, 0.20, 0.15)][
            int(rng.integers(5))
        ]
    )
    half = length / 2
    split = half - 2.0
    tipper = rng.random() < 0.2
    top = 2.6 if tipper else height
    cargo = box(width, 0.95, top, -half, split - 0.25, load)
    cab = box(width * 0.96, 0.45, min(height, 2.75), split, half, paint)
    chassis = box(width * 0.8, 0.5, 0.95, -half + 0.1, split, _DARK)
    for name, side in (("left", -1), ("right", 1)):
        span = split - 0.25 + half
        rows: list[tuple[list[tuple[float, float]], np.ndarray]] = [
            ([(-half, 0.95), (split - 0.25, 0.95), (split - 0.25, 1.1), (-half, 1.1)], load * 0.6)
        ]
        for i in range(1, 6):
            z = -half + span * i / 6
            rows.append(([(z, 1.1), (z + 0.05, 1.1), (z + 0.05, top), (z, top)], load * 0.82))
        if not tipper:
            rows.append(
                (
                    [
                        (-half + 0.2 * span, 1.9),
                        (-half + 0.75 * span, 1.9),
                        (-half + 0.75 * span, 2.5),
                        (-half + 0.2 * span, 2.5),
                    ],
                    paint,
                )
            )
        cargo[name].decals += _side_decals(side, width, rows)
        cab[name].decals += _side_decals(side, width * 0.96, [
            ([(split + 0.5, 1.5), (half - 0.15, 1.5), (half - 0.3, 2.3), (split + 0.5, 2.3)], GLASS),
            ([(split + 0.45, 0.7), (split + 0.48, 0.7), (split + 0.48, 2.3), (split + 0.45, 2.3)], paint * 0.5),
        ])  # fmt: skip
        cab[name].decals += _wheel(side * width * 0.48, half - 1.1, 0.48)
    back, front = cargo["back"], cab["front"]
    back.decals += [
        Decal(on(back.points, 0.0, 1.0, 0.0, 0.05), load * 0.5),
        Decal(on(back.points, 0.49, 0.51, 0.05, 1.0), load * 0.5),
        Decal(on(back.points, 0.28, 0.30, 0.05, 1.0), load * 0.7),
        Decal(on(back.points, 0.70, 0.72, 0.05, 1.0), load * 0.7),
    ]
    bar = box(width, 0.55, 0.75, -half - 0.05, -half + 0.1, _DARK * 2)
    for u in (0.02, 0.8):
        bar["back"].decals.append(
            Decal(on(bar["back"].points, u, u + 0.18, 0.0, 1.0), _LIT_RED if lit else _RED, lit)
        )
    bar["back"].decals.append(Decal(on(bar["back"].points, 0.4, 0.6, 0.1, 0.9), _PLATE))
    front.decals += [
        Decal(on(front.points, 0.05, 0.95, 0.48, 0.88), GLASS),
        Decal(on(front.points, 0.12, 0.88, 0.2, 0.42), _DARK),
        Decal(on(front.points, 0.0, 1.0, 0.0, 0.14), _DARK),
        Decal(on(front.points, 0.38, 0.62, 0.03, 0.1), _PLATE),
    ]
    for u in (0.03, 0.8):
        front.decals.append(
            Decal(on(front.points, u, u + 0.16, 0.14, 0.24), _LIT_LAMP if lit else _LAMP, lit)
        )
    wheels = _wheel_solids(width, 0.48, (-half + 1.2, -half + 2.3), 0.32)
    for faces in wheels:
        for face in faces:
            x = float(face.points[:, 0].mean())
            if np.ptp(face.points[:, 0]) < 1e-6 and abs(x) > width / 2 - 0.1:
                face.decals += _wheel(x, float(face.points[:, 2].mean()), 0.46)[1:]
    solids = [list(bar.values()), list(chassis.values()), *wheels, list(cargo.values()), list(cab.values())]
    return Vehicle(TRUCK, "truck", solids, (width, height, length))


def footprint(vehicle: Vehicle, heading: float, place: np.ndarray) -> np.ndarray:
    """World corners (4, 3) of the ground that a vehicle covers."""
    w, _, length = vehicle.size
    corners = np.array(
        [(-w / 2, 0, -length / 2), (w / 2, 0, -length / 2), (w / 2, 0, length / 2), (-w / 2, 0, length / 2)]
    )
    return corners @ turn(heading).T + place


def draw_vehicle(canvas: Canvas, light: Light, vehicle: Vehicle, heading: float, place: np.ndarray) -> None:
    """Draw a vehicle and register it as a thing."""
    thing = canvas.add_thing(vehicle.label, vehicle.category)
    matrix = turn(heading)
    ground = footprint(vehicle, heading, place)
    fine = canvas.camera.focal * vehicle.size[1] / max(place[2], 1) > 12

    def run() -> None:
        eye = np.array([0.0, canvas.camera.height, 0.0])
        *lower, last = vehicle.solids
        if vehicle.label == TRUCK:
            order = sorted(vehicle.solids, key=lambda faces: -_distance(faces, matrix, place, eye))
        else:
            order = (
                [*sorted(lower[:-1], key=lambda f: -_distance(f, matrix, place, eye)), lower[-1], last]
                if lower
                else [last]
            )
            if vehicle.label == BUS:
                order = [*lower, last]
        for faces in order:
            draw(canvas, light, faces, matrix, place, vehicle.label, thing, fine)

    canvas.paint(run, np.concatenate([ground, ground + [0, vehicle.size[1], 0]]), range(thing, thing + 1))


def _distance(faces: list[Face], matrix: np.ndarray, place: np.ndarray, eye: np.ndarray) -> float:
    centre = np.mean([face.points.mean(axis=0) for face in faces], axis=0) @ matrix.T + place
    return float(np.linalg.norm((centre - eye)[[0, 2]]))

"""What stands where: draws a street scene's plan from a random generator and paints it from far to near."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from . import furniture, people, vehicles
from .buildings import draw_backdrop, draw_house, line_of_houses
from .camera import Camera
from .canvas import Canvas
from .ground import Shadows, Street, paint_ground
from .light import Light
from .materials import sample, soft_tile

_FAR = 95.0  # metres; things farther away would be specks

Item = tuple[float, Callable[[], None]]


def sample_camera(rng: np.random.Generator, rows: int, columns: int) -> Camera:
    """A camera behind a windscreen: 1.25 to 1.75 m high, 50 to 62 degrees wide."""
    focal = columns / 2 / np.tan(np.radians(rng.uniform(50, 62)) / 2)
    return Camera(focal, rng.uniform(1.25, 1.75), rows * rng.uniform(0.41, 0.48), rows, columns)


def sample_street(rng: np.random.Generator) -> Street:
    """The plan of a street with right-hand traffic; the camera drives in one of the lanes on the right."""
    lanes = 1 if rng.random() < 0.65 else 2
    parking = 2.2 if rng.random() < 0.6 else 0.0
    width = rng.uniform(3.1, 3.6)
    half = lanes * width + parking
    lane = int(rng.integers(lanes))
    near = rng.uniform(14, 45)
    crossing = (near, near + rng.uniform(7, 11)) if rng.random() < 0.45 else None
    return Street(
        offset=-(lane + 0.5) * width + rng.uniform(-0.4, 0.4),
        slope=rng.uniform(-0.05, 0.05),
        bend=rng.uniform(-0.0022, 0.0022) if rng.random() < 0.5 else 0.0,
        half=half,
        parking=parking,
        lanes=lanes,
        pavement=rng.uniform(2.4, 5.0),
        verge=rng.uniform(1.0, 2.5) if rng.random() < 0.3 else 0.0,
        setback=rng.uniform(3.0, 8.0) if rng.random() < 0.35 else 0.0,
        crossing=crossing,
        zebra=rng.random() < 0.6,
        phase=rng.uniform(0, 9),
        tone=rng.uniform(0.27, 0.42),
        seed=int(rng.integers(2**31)),
    )


def paint_sky(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    """Paint the sky with its clouds over the whole canvas."""
    camera = canvas.camera
    rows = np.arange(camera.rows, dtype=np.float32)[:, None]
    up = np.clip((camera.horizon - rows) / camera.horizon, 0, 1)
    colour = light.skyline + (light.zenith - light.skyline) * (up**0.75)[..., None]
    high = 1.0 / (up + 0.25)
    x = (np.arange(camera.columns, dtype=np.float32) - camera.centre) * (0.16 * high) + rng.uniform(0, 512)
    y = np.broadcast_to(high * 60 + rng.uniform(0, 512), x.shape)
    cover = np.clip((sample(soft_tile(), x, y) + 3.0 * light.clouds - 2.0) * 0.9, 0, 1) * np.clip(
        up * 5, 0, 1
    )
    cloud = np.minimum(light.ambient * 0.9 + 0.65 * light.direct + 0.12, 1.0)
    painted = colour + cover[..., None] * 0.8 * (cloud - colour)
    canvas.rgb[:] = np.clip(painted * 255, 0, 255).astype(np.uint8)


def _clear(
    taken: list[tuple[float, float, float, float]], s: float, z: float, width: float, length: float
) -> bool:
    """Reserve a rectangle of the street; False where something is already there."""
    for s1, z1, w1, l1 in taken:
        if abs(s - s1) < (width + w1) / 2 and abs(z - z1) < (length + l1) / 2:
            return False
    taken.append((s, z, width, length))
    return True


def compose(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    """Draw a whole scene on an empty canvas."""
    street = sample_street(rng)
    dense = rng.uniform(0.5, 1.5)
    paint_sky(canvas, light, rng)
    town = rng.random() < 0.75
    left = line_of_houses(rng, street, -1, 130, 0.95 if town else 0.45)
    right = line_of_houses(rng, street, 1, 130, 0.95 if town else 0.45)
    houses = sorted(left + right, key=lambda h: -float(h.far[2]))
    shadows = Shadows(canvas, light)
    for house in houses:
        back = house.outward * 9
        if house.far[2] > 2:
            shadows.box(
                np.array([house.near, house.far, house.far + back, house.near + back]), house.height, 0.3
            )
    items: list[Item] = []
    taken: list[tuple[float, float, float, float]] = []
    _traffic(canvas, light, rng, street, shadows, items, taken, dense)
    _crossing(canvas, light, rng, street, shadows, items, taken, dense)
    _roadside(canvas, light, rng, street, shadows, items, taken)
    _walkers(canvas, light, rng, street, shadows, items, taken, dense)
    paint_ground(canvas, street, light, shadows.map())
    first = len(canvas.labels())
    draw_backdrop(canvas, light, rng, rng.uniform(125, 220), town)
    for house in houses:
        draw_house(canvas, light, house)
    canvas.freeze_walls(first)
    for _, draw in sorted(items, key=lambda item: -item[0]):
        draw()


def _add_vehicle(
    canvas: Canvas, light: Light, rng: np.random.Generator, shadows: Shadows, items: list[Item],
    place: np.ndarray, heading: float, kind: str,
) -> None:  # fmt: skip
    make = {"car": vehicles.car, "bus": vehicles.bus, "truck": vehicles.truck}[kind]
    vehicle = make(rng, light.lamps)
    if place[2] - abs(np.cos(heading)) * vehicle.size[2] / 2 < 4.0:
        place = place + [0, 0, 4.5 + vehicle.size[2] / 2 * abs(np.cos(heading)) - place[2]]
    shadows.box(vehicles.footprint(vehicle, heading, place), vehicle.size[1] * 0.85)
    draw = partial(vehicles.draw_vehicle, canvas, light, vehicle, heading, place)
    items.append((float(place[2]), draw))


def _kind(rng: np.random.Generator, parked: bool = False) -> tuple[str, float]:
    """A kind of vehicle and the length of road to reserve for it."""
    kind = str(rng.choice(["car", "bus", "truck"], p=[0.9, 0.0, 0.1] if parked else [0.74, 0.13, 0.13]))
    return kind, {"car": 5.8, "bus": 13.5, "truck": 11.0}[kind]


def _add_two_wheeler(
    canvas: Canvas, light: Light, rng: np.random.Generator, shadows: Shadows, items: list[Item],
    place: np.ndarray, view: str, ridden: bool,
) -> None:  # fmt: skip
    half = np.array([0.8 if view in ("left", "right") else 0.2, 0, 0])
    depth = np.array([0, 0, 0.2 if view in ("left", "right") else 0.8])
    shadows.box(
        np.array([place - half - depth, place + half - depth, place + half + depth, place - half + depth]),
        1.5,
        0.6,
    )
    seed = int(rng.integers(2**31))
    motor = rng.random() < 0.42

    def draw() -> None:
        people.draw_two_wheeler(canvas, light, np.random.default_rng(seed), place, view, motor, ridden)

    items.append((float(place[2]), draw))


def _traffic(
    canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, shadows: Shadows, items: list[Item],
    taken: list[tuple[float, float, float, float]], dense: float,
) -> None:  # fmt: skip
    """Moving and parked vehicles and riders along the road."""
    drive = street.half - street.parking
    width = drive / street.lanes
    own = -street.offset
    for side in (1, -1):
        for lane in range(street.lanes):
            s = side * (lane + 0.5) * width
            same = side > 0 and abs(s - own) < 1.6
            z = rng.uniform(9, 22) if same else rng.uniform(7, 24)
            while z < _FAR:
                if rng.random() < 0.2:
                    offset = s + side * rng.uniform(0.2, width * 0.3)
                    if _clear(taken, offset, z, 1.2, 3.5):
                        view = "back" if side > 0 else "front"
                        _add_two_wheeler(canvas, light, rng, shadows, items, street.at(offset, z), view, True)
                    z += rng.uniform(4, 9)
                    continue
                kind, room = _kind(rng)
                centre = z + room / 2
                if _clear(taken, s, centre, 2.2, room):
                    heading = street.heading(centre) + (0 if side > 0 else np.pi) + rng.normal(0, 0.02)
                    _add_vehicle(
                        canvas,
                        light,
                        rng,
                        shadows,
                        items,
                        street.at(s + rng.normal(0, 0.15), centre),
                        heading,
                        kind,
                    )
                z += room + rng.exponential(16 / dense) + 1.5
    if street.parking:
        for side in (1, -1):
            z = rng.uniform(3, 9)
            while z < 70:
                blocked = street.crossing is not None and street.crossing[0] - 8 < z < street.crossing[1] + 6
                if rng.random() < 0.5 * dense and not blocked:
                    kind, room = _kind(rng, parked=True)
                    s = side * (street.half - 1.1)
                    if _clear(taken, s, z + room / 2, 2.1, room):
                        flip = np.pi if (side < 0) != (rng.random() < 0.15) else 0.0
                        heading = street.heading(z) + flip + rng.normal(0, 0.03)
                        _add_vehicle(
                            canvas, light, rng, shadows, items, street.at(s, z + room / 2), heading, kind
                        )
                    z += room
                else:
                    z += 5.0


def _crossing(
    canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, shadows: Shadows, items: list[Item],
    taken: list[tuple[float, float, float, float]], dense: float,
) -> None:  # fmt: skip
    """Cross traffic, traffic lights and people on the zebra crossing."""
    if street.crossing is None:
        return
    near, far = street.crossing
    for z, direction in ((near + (far - near) * 0.28, 1), (near + (far - near) * 0.75, -1)):
        s = rng.uniform(-22, -4)
        while s < 22:
            if rng.random() < 0.45 * dense:
                if rng.random() < 0.3:
                    if _clear(taken, s, z, 3.0, 2.0):
                        view = "right" if direction > 0 else "left"
                        _add_two_wheeler(canvas, light, rng, shadows, items, street.at(s, z), view, True)
                else:
                    kind, room = _kind(rng)
                    if _clear(taken, s, z, room, 2.4):
                        heading = direction * np.pi / 2 + rng.normal(0, 0.08)
                        _add_vehicle(canvas, light, rng, shadows, items, street.at(s, z), heading, kind)
            s += rng.uniform(7, 16)
    if rng.random() < 0.75:
        state = int(rng.choice([0, 1, 2], p=[0.45, 0.1, 0.45]))
        kerb = street.half + 0.6
        posts = [(kerb, near - 1.0, -min(street.half, 3.6) if rng.random() < 0.35 else 0.0, False), (-kerb, near - 1.0, 0.0, False),
                 (kerb, far + 1.5, 0.0, False), (-kerb, far + 1.5, 0.0, rng.random() < 0.6)]  # fmt: skip
        for s, z, arm, away in posts:
            if rng.random() < 0.8 and _clear(taken, s, z, 0.5, 0.5):
                seed = int(rng.integers(2**31))
                place = street.at(s, z)
                draw = partial(_light_post, canvas, light, seed, place, state, arm, away)
                items.append((z, draw))
    if street.zebra:
        for _ in range(int(rng.poisson(1.6 * dense))):
            s, z = rng.uniform(-street.half, street.half), near - rng.uniform(1.3, 3.8)
            if _clear(taken, s, z, 0.8, 0.5):
                _add_walker(canvas, light, rng, shadows, items, street.at(s, z))


def _light_post(
    canvas: Canvas, light: Light, seed: int, place: np.ndarray, state: int, arm: float, away: bool
) -> None:
    furniture.draw_traffic_light(canvas, light, np.random.default_rng(seed), place, state, arm, away)


def _add_walker(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    shadows: Shadows,
    items: list[Item],
    place: np.ndarray,
) -> None:
    foot = np.array([[-0.17, 0, -0.12], [0.17, 0, -0.12], [0.17, 0, 0.12], [-0.17, 0, 0.12]])
    shadows.box(place + foot, 1.6, 0.5)
    seed = int(rng.integers(2**31))
    items.append(
        (float(place[2]), lambda: people.draw_pedestrian(canvas, light, np.random.default_rng(seed), place))
    )


def _walkers(
    canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, shadows: Shadows, items: list[Item],
    taken: list[tuple[float, float, float, float]], dense: float,
) -> None:  # fmt: skip
    """People, parked two-wheelers on the pavements."""
    inner = street.half + street.verge
    for _ in range(int(rng.poisson(6.5 * dense))):
        side = rng.choice([-1, 1])
        z = 7 + 42 * rng.uniform() ** 1.3
        s = side * (inner + rng.uniform(0.5, max(0.6, street.pavement - 0.4)))
        for step in range(1 + int(rng.random() < 0.35) + int(rng.random() < 0.12)):
            if _clear(taken, s + 0.6 * step, z + 0.2 * step, 0.55, 0.4):
                _add_walker(canvas, light, rng, shadows, items, street.at(s + 0.6 * step, z + 0.2 * step))
    for _ in range(int(rng.poisson(1.0))):
        side, z = rng.choice([-1, 1]), rng.uniform(8, 30)
        s = side * (inner + street.pavement - 0.9)
        if _clear(taken, s, z, 2.0, 0.6):
            _add_two_wheeler(
                canvas, light, rng, shadows, items, street.at(s, z), str(rng.choice(["left", "right"])), False
            )


def _roadside(
    canvas: Canvas, light: Light, rng: np.random.Generator, street: Street, shadows: Shadows, items: list[Item],
    taken: list[tuple[float, float, float, float]],
) -> None:  # fmt: skip
    """Trees, lamp posts, signs and barriers."""
    trees = rng.random() < 0.65
    lamps = rng.random() < 0.7
    for side in (-1, 1):
        kerb = side * (street.half + (street.verge / 2 if street.verge else 0.7))

        def free(z: float) -> bool:
            return street.crossing is None or not street.crossing[0] - 4 < z < street.crossing[1] + 4

        if trees and rng.random() < 0.8:
            gap, z = rng.uniform(8, 16), rng.uniform(6, 14)
            size = rng.uniform(5.5, 9.5)
            while z < 110:
                if free(z) and rng.random() < 0.85 and _clear(taken, kerb, z, 0.6, 0.6):
                    height, radius = size * rng.uniform(0.85, 1.15), size * rng.uniform(0.26, 0.36)
                    _tree(
                        canvas, light, rng, shadows, items, street.at(kerb, z), height, 0.33 * height, radius
                    )
                z += gap * rng.uniform(0.9, 1.1)
        if lamps:
            z = rng.uniform(8, 26)
            while z < 100:
                if free(z) and _clear(taken, kerb, z, 0.4, 0.4):
                    height = 6.0
                    draw = partial(
                        furniture.draw_lamp_post, canvas, light, street.at(kerb, z), height, -side * 1.6
                    )
                    items.append((z, draw))
                z += 27
        for _ in range(int(rng.poisson(1.3))):
            z = rng.uniform(8, 42)
            if free(z) and _clear(taken, kerb, z, 0.5, 0.5):
                kind = str(
                    rng.choice(["stop", "limit", "yield", "blue", "board"], p=[0.3, 0.25, 0.15, 0.15, 0.15])
                )
                items.append(
                    (z, partial(_sign, canvas, light, int(rng.integers(2**31)), street.at(kerb, z), kind))
                )
        edge = street.half + street.verge + street.pavement
        if street.setback:
            z = rng.uniform(2, 8)
            kind = str(rng.choice(["wall", "hedge", "boards", "rails"]))
            while z < 80:
                length = rng.uniform(6, 14)
                if free(z) and free(z + length) and rng.random() < 0.75:
                    start, end = street.at(side * (edge + 0.2), z), street.at(side * (edge + 0.2), z + length)
                    items.append(
                        (
                            z + length,
                            partial(_barrier, canvas, light, int(rng.integers(2**31)), start, end, kind),
                        )
                    )
                z += length + rng.uniform(0, 3)
            for _ in range(int(rng.poisson(4))):
                z, s = rng.uniform(8, 90), side * (edge + rng.uniform(1.5, max(2.0, street.setback)))
                if free(z):
                    height = rng.uniform(2.0, 8.0)
                    _tree(canvas, light, rng, shadows, items, street.at(s, z), height, 0.25 * height if height > 3.5 else 0.0,
                          height * rng.uniform(0.3, 0.45))  # fmt: skip


def _tree(
    canvas: Canvas, light: Light, rng: np.random.Generator, shadows: Shadows, items: list[Item],
    place: np.ndarray, height: float, trunk: float, radius: float,
) -> None:  # fmt: skip
    shadows.disc(place, trunk, height, radius)
    seed = int(rng.integers(2**31))

    def draw() -> None:
        furniture.draw_tree(canvas, light, np.random.default_rng(seed), place, height, trunk, radius)

    items.append((float(place[2]), draw))


def _sign(canvas: Canvas, light: Light, seed: int, place: np.ndarray, kind: str) -> None:
    furniture.draw_sign(canvas, light, np.random.default_rng(seed), place, kind)


def _barrier(canvas: Canvas, light: Light, seed: int, start: np.ndarray, end: np.ndarray, kind: str) -> None:
    furniture.draw_barrier(canvas, light, np.random.default_rng(seed), start, end, kind)

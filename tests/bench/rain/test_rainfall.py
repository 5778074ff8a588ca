from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.base import Depth
from bench.errors import BadConfig
from bench.rain import add_rain, parse_rain
from bench.rain import rainfall as module
from bench.rain.depth import guess_depth
from bench.rain.rainfall import (
    AIR,
    FOG_REACH,
    OPAQUE,
    Rainfall,
    draw_drops,
    drops_per_metre3,
    extinction,
    fall_speed,
    transmission,
)
from bench.seeds import rng_from
from downstream.measures.fidelity import score_pair_y


def scene(height: int = 160, width: int = 240, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 200, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 4)


def constant_depth(shape: tuple[int, int], metres: float, focal: float = 300.0) -> Depth:
    return Depth(np.full(shape, metres, np.float32), focal, "exact")


def test_shape_dtype_and_source_is_left_alone():
    image = scene(75, 91)
    before = image.copy()
    rainy = add_rain(parse_rain("rainfall:50"), image, "scene", 0)
    assert rainy.shape == image.shape
    assert rainy.dtype == np.uint8
    assert rainy.flags.c_contiguous
    assert np.array_equal(image, before)


def test_same_scene_rate_and_seed_give_the_same_pixels_in_any_order():
    ids = [str(i) for i in range(5)]
    forward = {i: add_rain(parse_rain("rainfall:80"), scene(), i, 3) for i in ids}
    np.random.seed(1)
    backward = {i: add_rain(parse_rain("rainfall:80.0"), scene(), i, 3) for i in reversed(ids)}
    assert all(np.array_equal(forward[i], backward[i]) for i in ids)
    assert not np.array_equal(forward["0"], forward["1"])
    assert not np.array_equal(forward["0"], add_rain(parse_rain("rainfall:80"), scene(), "0", 4))


def test_more_rain_is_worse():
    image = scene()
    means = []
    for rate in (1, 5, 25, 50, 100, 200, 400):
        scores = [score_pair_y(add_rain(Rainfall(rate), image, str(i), 0), image)["psnr_y"] for i in range(4)]
        means.append(np.mean(scores))
    assert means == sorted(means, reverse=True)
    assert means[0] - means[-1] > 10


def test_marshall_palmer_by_hand():
    """At 1 mm/h the slope is 4.1 per mm: 8000 / 4.1 exp(-4.1) drops of 1 mm and more per cubic metre."""
    assert drops_per_metre3(1.0, 1.0, 1e9) == pytest.approx(8000 / 4.1 * np.exp(-4.1))
    assert drops_per_metre3(100.0, 1.0) > drops_per_metre3(10.0, 1.0)


def test_rain_rate_follows_from_drops_and_their_speed():
    """Volume of water falling through a square metre: the laws of size and speed must give back the rate."""
    for rate in (5.0, 25.0, 100.0):
        diameter = np.linspace(0.2, 8, 4000)
        count = 8000 * np.exp(-4.1 * rate**-0.21 * diameter)
        volume = np.pi / 6 * (diameter * 1e-3) ** 3
        mm_per_hour = (
            np.sum(count * volume * fall_speed(diameter)) * (diameter[1] - diameter[0]) * 1000 * 3600
        )
        assert mm_per_hour == pytest.approx(rate, rel=0.2)


def test_fog_by_hand():
    """100 mm/h take 0.312 * 100^0.67 = 6.826 per km: half the light is left after 100 m."""
    assert extinction(100) == pytest.approx(6.826e-3, rel=1e-3)
    metres = np.array([[50.0, 100.0, np.inf]], np.float32)
    left = transmission(metres, 100)
    assert left[0].tolist() == pytest.approx([np.exp(-0.3413), np.exp(-0.6826), np.exp(-0.6826)], rel=1e-4)
    assert np.isinf(metres[0, 2]), "the data set's own array is left as it is"


def test_fog_alone_mixes_scene_and_air_light(monkeypatch):
    monkeypatch.setattr(module, "draw_drops", lambda shape, depth, rate, rng: np.zeros(shape, np.float32))
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, :10] = 200
    rainy = Rainfall(100.0)(image, rng_from(0), constant_depth((20, 20), FOG_REACH))
    left = np.exp(-extinction(100) * FOG_REACH)
    air = AIR * 100
    assert rainy[0, 0, 0] == pytest.approx(left * 200 + (1 - left) * air, abs=0.51)
    assert rainy[0, 19, 0] == pytest.approx((1 - left) * air, abs=0.51)


def test_near_geometry_hides_drops():
    """A wall half a metre away on the left leaves no room for rain; the right half is open."""
    metres = np.full((200, 300), 50.0, np.float32)
    metres[:, :150] = 0.45
    drops = draw_drops((200, 300), Depth(metres, 330.0, "exact"), 100.0, rng_from(7))
    assert np.all(drops[:, :150] == 0)
    assert drops[:, 150:].mean() > 0.01


def test_geometry_in_the_middle_hides_part_of_the_drops():
    shape = (200, 300)
    means = [
        np.mean(
            [draw_drops(shape, constant_depth(shape, m, 330.0), 100.0, rng_from(i)).mean() for i in range(4)]
        )
        for m in (0.5, 2.0, 3.5, 50.0)
    ]
    assert means == sorted(means)
    assert means[0] == 0
    assert means[1] > 0


def test_sky_at_infinity_is_taken():
    image = scene()
    depth = constant_depth(image.shape[:2], np.inf)
    assert add_rain(Rainfall(50.0), image, "a", 0, depth).shape == image.shape


def test_no_depth_means_the_ground_plane():
    image = scene()
    assert np.array_equal(
        add_rain(Rainfall(50.0), image, "a", 0),
        add_rain(Rainfall(50.0), image, "a", 0, guess_depth(image.shape[:2])),
    )
    assert Rainfall(50.0).needs_depth


def test_a_guess_that_was_copied_gives_the_same_rain():
    """The guess is one column seen many times, which has its own fast path."""
    image = scene()
    guess = guess_depth(image.shape[:2])
    copied = Depth(guess.metres.copy(), guess.focal, guess.source)
    one, other = (add_rain(Rainfall(50.0), image, "a", 0, depth).astype(int) for depth in (guess, copied))
    assert np.abs(one - other).max() <= 1


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    rate=st.floats(0.01, 500),
    metres=st.floats(0.1, 1e5),
    focal=st.floats(20, 3000),
    seed=st.integers(0, 2**32),
)
def test_opacity_stays_in_range_and_depends_on_the_generator_alone(height, width, rate, metres, focal, seed):
    depth = constant_depth((height, width), metres, focal)
    drops = draw_drops((height, width), depth, rate, rng_from(seed))
    assert drops.shape == (height, width)
    assert drops.dtype == np.float32
    assert np.all(np.isfinite(drops))
    assert drops.min() >= -1e-6
    assert drops.max() <= np.float32(OPAQUE)
    assert np.array_equal(drops, draw_drops((height, width), depth, rate, rng_from(seed)))


@pytest.mark.parametrize(
    "spec", ["rainfall:0", "rainfall:-3", "rainfall:501", "rainfall:nan", "rainfall:inf"]
)
def test_rates_out_of_range_are_one_line(spec):
    with pytest.raises(BadConfig, match="above 0 and at most 500") as caught:
        parse_rain(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["rainfall", "rainfall:", "rainfall:much"])
def test_a_rate_that_is_no_number_is_one_line(spec):
    with pytest.raises(BadConfig, match="mm/h"):
        parse_rain(spec)


def test_names_are_canonical_and_never_shared():
    assert parse_rain("rainfall:50.0").name == "rainfall:50"
    assert parse_rain("rainfall:2.5").name == "rainfall:2.5"
    assert parse_rain("rainfall:12.3456789").name != parse_rain("rainfall:12.3456788").name


def test_depth_of_another_size_is_one_line():
    with pytest.raises(BadConfig, match="one size"):
        Rainfall(5.0)(scene(20, 20), rng_from(0), constant_depth((20, 21), 5.0))


def test_calibration_against_the_outside_renderer(shared):
    """Thirty Cityscapes frames at 100 mm/h, rendered elsewhere: within 1.5 dB, 0.08 contrast and 6 levels."""
    folder = shared / "data/weather_cityscapes"
    ours, theirs = [], []
    for path in sorted((folder / "norain").glob("*.png")):
        clean, other = (
            np.ascontiguousarray(cv2.imread(str(folder / part / path.name))[..., ::-1])
            for part in ("norain", "rain")
        )
        for rows, rainy in ((theirs, other), (ours, add_rain(Rainfall(100.0), clean, path.stem, 0))):
            psnr = score_pair_y(rainy, clean)["psnr_y"]
            rows.append((psnr, rainy.std() / clean.std(), rainy.mean() - clean.mean()))
    assert len(ours) == 30
    apart = np.abs(np.mean(ours, axis=0) - np.mean(theirs, axis=0))
    assert np.mean(theirs, axis=0) == pytest.approx([20.5, 0.76, 13.6], abs=0.1)
    assert apart[0] < 1.5
    assert apart[1] < 0.08
    assert apart[2] < 6

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadConfig, UnknownName
from bench.rain import Rain, add_rain, parse_rain, rain_entries
from bench.rain.dry import NoRain
from bench.rain.streaks import LEVELS, add_layer, draw_streaks, level_at
from bench.seeds import rng_from
from downstream.measures import fidelity

LEVEL_NAMES = ("light", "medium", "heavy")


def grey(height: int = 120, width: int = 160, value: int = 90) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return fidelity.psnr(fidelity.luma(one), fidelity.luma(other))


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_shape_dtype_and_source_is_left_alone(level):
    image = grey(75, 91)
    before = image.copy()
    rainy = add_rain(parse_rain(f"streaks:{level}"), image, "scene", 0)
    assert rainy.shape == image.shape
    assert rainy.dtype == np.uint8
    assert rainy.flags.c_contiguous
    assert np.array_equal(image, before)
    assert np.all(rainy >= image), "streaks only add light"
    assert np.array_equal(rainy[..., 0], rainy[..., 2]), "streaks are grey"


def test_same_scene_rain_and_seed_give_the_same_pixels_in_any_order():
    rain = parse_rain("streaks:medium")
    ids = [f"{i:012d}" for i in range(6)]
    forward = {i: add_rain(rain, grey(), i, 3) for i in ids}
    np.random.seed(0)
    backward = {i: add_rain(parse_rain("streaks:medium"), grey(), i, 3) for i in reversed(ids)}
    assert all(np.array_equal(forward[i], backward[i]) for i in ids)


def test_scene_seed_and_level_each_change_the_rain():
    base = add_rain(parse_rain("streaks:medium"), grey(), "a", 0)
    assert not np.array_equal(base, add_rain(parse_rain("streaks:medium"), grey(), "b", 0))
    assert not np.array_equal(base, add_rain(parse_rain("streaks:medium"), grey(), "a", 1))
    assert not np.array_equal(base, add_rain(parse_rain("streaks:heavy"), grey(), "a", 0))


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_nominal_psnr_holds_where_nothing_saturates(level):
    image = np.zeros((240, 320, 3), np.uint8)
    values = [psnr(add_rain(parse_rain(f"streaks:{level}"), image, str(i), 0), image) for i in range(24)]
    # Black is cut off nowhere but in the few brightest streaks.
    assert np.mean(values) == pytest.approx(LEVELS[level].psnr, abs=0.6)
    assert np.std(values) < 2.0


@pytest.mark.parametrize(("level", "target"), [("light", 27.0), ("medium", 20.0), ("heavy", 13.5)])
def test_calibration_on_photos(shared, level, target):
    rain = parse_rain(f"streaks:{level}")
    values = []
    for path in sorted((shared / "data/coco_tiny/val2017").glob("*.jpg")):
        image = cv2.imread(str(path))[..., ::-1]
        values.append(psnr(add_rain(rain, np.ascontiguousarray(image), path.stem, 0), image))
    assert len(values) == 50
    assert np.mean(values) == pytest.approx(target, abs=0.5)
    assert np.std(values) < 2.5


def test_none_changes_nothing():
    rain = parse_rain("none")
    assert isinstance(rain, NoRain)
    image = grey()
    assert np.array_equal(add_rain(rain, image, "x", 0), image)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_layers_are_finite_nonnegative_and_depend_on_the_generator_alone(height, width, strength, seed):
    layer = draw_streaks((height, width), rng_from(seed), strength)
    assert layer.shape == (height, width)
    assert layer.dtype == np.float32
    assert np.all(np.isfinite(layer))
    assert layer.min() >= -1e-6
    assert np.array_equal(layer, draw_streaks((height, width), rng_from(seed), strength))


def test_named_levels_lie_on_the_continuous_scale():
    for name, level in LEVELS.items():
        assert level_at(level.strength) == level
        one, other = (draw_streaks((64, 64), rng_from(5), key) for key in (name, level.strength))
        assert np.array_equal(one, other)


def test_stronger_rain_is_stronger_on_average():
    means = [
        np.mean([draw_streaks((96, 96), rng_from(i), s).mean() for i in range(16)])
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert means == sorted(means)


def test_add_layer_rounds_and_saturates():
    image = np.array([[[10, 250, 0]]], np.uint8)
    assert add_layer(image, np.array([[10.4 / 255]], np.float32)).tolist() == [[[20, 255, 10]]]
    assert add_layer(image, np.array([[9.0]], np.float32)).tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_strength_out_of_range_is_one_line(strength):
    with pytest.raises(BadConfig, match="outside"):
        draw_streaks((32, 32), rng_from(0), strength)


@pytest.mark.parametrize("spec", ["streaks:havy", "streak:heavy", "streaks", "drizzle", "", "none:3"])
def test_unknown_rain_suggests_one(spec):
    with pytest.raises(UnknownName) as caught:
        parse_rain(spec)
    assert "\n" not in str(caught.value)
    assert "streaks:" in str(caught.value) or "none" in str(caught.value)


def test_listed_rains_parse():
    for entry in rain_entries():
        if ":DIR" in entry.name:  # names a folder
            continue
        spec = entry.name.replace(":R", ":50").replace(":V", ":150").replace(":NAME:S", ":fog:3")
        rain = parse_rain(spec)
        assert isinstance(rain, Rain)
        assert rain.name == spec
        assert rain.version

"""Measures of a pair against PIQ 0.8.0, whose numbers `tests/benchmarks/outside_measures.py` prints."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream.measures import find_measure
from downstream.measures.feature_similarity import phase_congruency

PIQ = {
    "ms_ssim": {"even": 0.608086013812, "odd": 0.637967528721, "large": 0.549634979225},
    "gmsd": {"even": 0.306923940844, "odd": 0.300800195721, "large": 0.319475124637},
    "haarpsi": {"even": 0.404452095481, "odd": 0.433069584507, "large": 0.363180287175},
    "vif": {"even": 0.102518373797, "odd": 0.103180809797, "large": 0.096528816708},
    "fsim": {"even": 0.640155402807, "odd": 0.660173380278, "large": 0.650421411888},
}
#: PIQ's median of an even count is the lower of the two middle values, ours their mean as in the authors' MATLAB.
WITHIN = {"fsim": 2e-5}


@pytest.mark.parametrize("name", PIQ)
@pytest.mark.parametrize("pair", ["even", "odd", "large"])
def test_numbers_are_those_of_piq(
    pairs: dict[str, tuple[np.ndarray, np.ndarray]], name: str, pair: str
) -> None:
    value = find_measure(name).function()(*pairs[pair])
    assert value == pytest.approx(PIQ[name][pair], abs=WITHIN.get(name, 1e-10))


@pytest.mark.parametrize("name", PIQ)
def test_equal_images_have_the_best_value(pairs: dict[str, tuple[np.ndarray, np.ndarray]], name: str) -> None:
    measure = find_measure(name)
    _, clean = pairs["odd"]
    best = 1.0 if measure.metric.higher_is_better else 0.0
    assert measure.function()(clean, clean) == pytest.approx(best, abs=1e-7)
    low, high = measure.metric.limits
    assert low <= best <= high
    assert all(low <= measure.function()(image, image) <= high for pair in pairs.values() for image in pair)


@pytest.mark.parametrize(
    ("name", "least"), [("ms_ssim", 161), ("gmsd", 6), ("haarpsi", 16), ("vif", 41), ("fsim", 16)]
)
def test_too_small_images_have_no_number(name: str, least: int) -> None:
    rng = np.random.default_rng(0)
    image, clean = rng.integers(0, 256, (2, least, least + 3, 3), np.uint8)
    compute = find_measure(name).function()
    assert math.isfinite(compute(image, clean))
    assert math.isnan(compute(image[1:], clean[1:]))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(42, 60), st.integers(42, 60))
def test_any_image_has_a_finite_number_within_bounds(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image, clean = rng.integers(0, 256, (2, height, width, 3), np.uint8)
    flat = np.full_like(clean, rng.integers(0, 256))
    for name in PIQ:
        found = find_measure(name)
        low, high = found.metric.limits
        for one, other in ((image, clean), (flat, clean), (clean, flat)):
            value = found.function()(one, other)
            assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9


def test_phase_congruency_finds_edges_whatever_their_height() -> None:
    plane = np.zeros((64, 64))
    plane[:, 32:] = 100
    low, high = phase_congruency(plane), phase_congruency(2 * plane)
    assert low == pytest.approx(high, abs=1e-9)
    assert low[32, 31:33].min() > 0.7
    assert low[32, 31:33].max() == pytest.approx(low[32].max())

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.score.stats import Sampled, estimate, finite_mean, interval, mean_replicates, resample_counts


@given(n=st.integers(1, 40), resamples=st.integers(1, 20), seed=st.integers(0, 2**62))
def test_every_resample_has_as_many_scenes_as_the_set(n: int, resamples: int, seed: int) -> None:
    counts = resample_counts(n, resamples, seed)
    assert counts.shape == (resamples, n)
    assert (counts.sum(axis=1) == n).all()
    assert np.array_equal(counts, resample_counts(n, resamples, seed))


def test_more_resamples_keep_the_first_ones() -> None:
    assert np.array_equal(resample_counts(10, 50, 3)[:20], resample_counts(10, 20, 3))


@pytest.mark.parametrize(("n", "resamples"), [(0, 1), (1, 0)])
def test_nothing_to_resample_is_refused(n: int, resamples: int) -> None:
    with pytest.raises(ValueError, match="at least one scene"):
        resample_counts(n, resamples, 0)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20), st.integers(0, 100))
def test_mean_replicates_are_means_of_the_copied_values(values: list[float], seed: int) -> None:
    counts = resample_counts(len(values), 5, seed)
    expected = [np.repeat(values, row).mean() for row in counts]
    assert np.allclose(mean_replicates(values, counts), expected)


def test_identical_images_are_counted_and_left_out_of_the_mean() -> None:
    values = [30.0, np.inf, 34.0]
    assert finite_mean(values) == (32.0, 1)
    replicates = mean_replicates(values, np.array([[1, 1, 1], [0, 3, 0], [2, 0, 1]], np.uint16))
    assert replicates[0] == 32.0
    assert np.isnan(replicates[1])
    assert np.isclose(replicates[2], 94 / 3)


def test_values_of_other_scenes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(resamples, 4\)"):
        mean_replicates([1.0] * 4, resample_counts(3, 2, 0))


def test_interval_is_percentile_without_and_basic_with_a_value() -> None:
    replicates = np.arange(101.0)
    assert interval(replicates, 0.9) == pytest.approx((5.0, 95.0))
    assert interval(replicates, 0.9, value=40.0) == pytest.approx((-15.0, 75.0))
    assert interval(replicates, 0.9, value=40.0, bounds=(0, 60)) == pytest.approx((0.0, 60.0))


def test_interval_needs_half_of_the_replicates() -> None:
    assert interval([1.0, 2.0, np.nan, np.nan])[0] == pytest.approx(1.025)
    assert np.isnan(interval([1.0, np.nan, np.nan])).all()
    assert np.isnan(interval([])).all()


def test_score_of_a_single_scene_has_no_interval() -> None:
    """Objects in one scene only: every resample has the same score or none."""
    assert np.isnan(interval([0.8, 0.8, 0.8, np.nan], value=0.8)).all()
    assert interval([0.8, 0.8, 0.8], value=0.8) == (0.8, 0.8)


def test_undefined_score_has_no_interval() -> None:
    assert not estimate(Sampled(float("nan"), np.ones(5))).defined

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.score.stats import (
    Sampled,
    image_correlation,
    kendall,
    resample_counts,
    score_correlation,
    spearman,
)

scipy_stats = pytest.importorskip("scipy.stats")
PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=30)


@given(PAIRS)
def test_equals_scipy_with_ties(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan(spearman(x, y))
        assert np.isnan(kendall(x, y))
    else:
        assert spearman(x, y) == pytest.approx(scipy_stats.spearmanr(x, y).statistic)
        assert kendall(x, y) == pytest.approx(scipy_stats.kendalltau(x, y).statistic)


def test_missing_pairs_are_left_out_and_identical_images_rank_highest() -> None:
    assert spearman([1, 2, np.nan, np.inf], [10, 20, 0, 30]) == pytest.approx(1.0)
    assert kendall([1, 2, np.nan, np.inf], [10, 20, 0, 30]) == pytest.approx(1.0)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        spearman([1, 2], [1])


def test_across_derainers() -> None:
    rng = np.random.default_rng(0)
    psnr = [Sampled(v, v + rng.normal(0, 0.1, 200)) for v in (20.0, 25.0, 30.0, 31.0)]
    ap = [Sampled(v, v + rng.normal(0, 0.02, 200)) for v in (0.2, 0.3, 0.39, 0.4)]
    result = score_correlation(psnr, ap)
    assert result.value == pytest.approx(1.0)
    assert result.low < 1.0
    assert not score_correlation(psnr[:2], ap[:2]).defined


def test_across_images() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    result = image_correlation(x, x + rng.normal(size=200), resample_counts(200, 200, 0))
    assert result.low < 0.69 < result.high
    assert result.excludes_zero
    assert not image_correlation([1, 2], [1, 2], resample_counts(2, 5, 0)).defined

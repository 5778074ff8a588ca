from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.score.stats import Sampled, difference, harm, mean_over, ranks, recovery, relative


def sampled(value: float, noise: float = 0.01, seed: int = 0) -> Sampled:
    return Sampled(value, value + np.random.default_rng(seed).normal(0, noise, 500))


def test_paired_noise_cancels() -> None:
    gap = difference(sampled(0.5, 0.1), sampled(0.4, 0.1))
    assert gap.value == pytest.approx(0.1)
    assert gap.excludes_zero
    assert not difference(sampled(0.5, 0.1, 1), sampled(0.4, 0.1, 2)).excludes_zero


def test_unequal_resamples_are_refused() -> None:
    with pytest.raises(ValueError, match="same resamples"):
        difference(sampled(0.5), Sampled(0.5, np.ones(3)))


def test_recovery_is_a_share_of_the_loss() -> None:
    share = recovery(sampled(0.4, seed=1), sampled(0.3, seed=2), sampled(0.5, seed=3))
    assert share.value == pytest.approx(0.5)
    assert share.low < 0.5 < share.high


@pytest.mark.parametrize("clean", [0.301, 0.2])
def test_recovery_is_undefined_where_the_rain_took_nothing(clean: float) -> None:
    assert not recovery(sampled(0.4, seed=1), sampled(0.3, seed=2), sampled(clean, seed=3)).defined


def test_harm_is_negative_where_a_dry_day_gets_worse() -> None:
    assert harm(sampled(0.4), sampled(0.5)).high < 0


def test_ranks_are_shared_within_noise() -> None:
    scores = {
        "a": sampled(0.50, seed=1),
        "b": sampled(0.495, seed=2),
        "c": sampled(0.40, seed=3),
        "d": sampled(0.395, seed=4),
        "e": sampled(0.1, seed=5),
        "none": Sampled(float("nan"), np.full(500, np.nan)),
    }
    assert ranks(scores) == {"a": 1, "b": 1, "c": 3, "d": 3, "e": 5}
    assert ranks(scores, higher_is_better=False)["e"] == 1


def test_scores_of_a_single_scene_are_not_ranked() -> None:
    alone = {k: Sampled(v, np.array([v, v + 1e-9, v, np.nan])) for k, v in (("a", 0.8), ("b", 0.7))}
    assert ranks(alone) == {}


def test_ranks_without_replicates_tie_only_equal_values() -> None:
    scores = {name: Sampled(value, np.zeros(0)) for name, value in [("a", 1.0), ("b", 1.0), ("c", 0.9)]}
    assert ranks(scores) == {"a": 1, "b": 1, "c": 3}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=6), st.floats(0, 0.2))
def test_ranks_never_contradict_the_values(values: dict[str, float], noise: float) -> None:
    places = ranks({n: sampled(v, noise, seed) for seed, (n, v) in enumerate(values.items())})
    assert set(places) == set(values)
    best = max(values, key=lambda n: values[n])
    assert places[best] == 1
    for a in values:
        for b in values:
            if values[a] > values[b] and places[a] > places[b]:
                # A worse one may be ahead only by sharing the rank of a better one it is noisier against.
                assert any(places[c] == places[b] and values[c] >= values[a] for c in values)


def test_missing_severity_lowers_the_coverage_and_not_the_mean() -> None:
    mean = mean_over([sampled(0.4), None, sampled(0.2)])
    assert mean.score.value == pytest.approx(0.3)
    assert (mean.covered, mean.asked) == (2, 3)
    assert mean.coverage == pytest.approx(2 / 3)
    assert relative(mean.score, sampled(0.6)).value == pytest.approx(0.5)


def test_no_severity_is_undefined() -> None:
    mean = mean_over([None, None])
    assert np.isnan(mean.score.value)
    assert mean.coverage == 0.0

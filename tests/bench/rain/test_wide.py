from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rain.streaks import draw_streaks
from bench.rain.wide import add_wide_streaks
from bench.seeds import rng_from


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(16, 200), width=st.integers(16, 200), strength=st.floats(0, 1), seed=st.integers(0, 99)
)
def test_any_patch_keeps_its_shape_and_the_draw_its_seed(
    height: int, width: int, strength: float, seed: int
) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    rainy = add_wide_streaks(image, strength, rng_from(seed))
    assert rainy.shape == image.shape
    assert rainy.dtype == np.uint8
    assert (image == 90).all()
    assert (rainy == add_wide_streaks(image, strength, rng_from(seed))).all()


def test_a_greater_strength_is_more_rain() -> None:
    image = np.full((112, 112, 3), 90, np.uint8)

    def harm(strength: float) -> float:
        rains = [add_wide_streaks(image, strength, rng_from(k)) for k in range(20)]
        return float(np.mean([np.abs(r.astype(float) - image).mean() for r in rains]))

    assert harm(0.1) < harm(0.5) < harm(1.0)


def test_the_kinds_are_wider_than_those_of_the_bench() -> None:
    """Streaks of the scene's colour and streaks that lie nearly flat: streaks:LEVEL has neither."""
    image = np.tile(np.array([120, 60, 20], np.uint8), (112, 112, 1))
    rains = [add_wide_streaks(image, 0.9, rng_from(k)).astype(int) - image for k in range(60)]
    coloured = [r for r in rains if np.abs(r[..., 0] - r[..., 2])[(r < 100).all(-1)].max(initial=0) > 20]
    assert 5 < len(coloured) < 50

    def flat_share(layer: np.ndarray) -> float:
        """How much of the gradient's energy is along the columns: streaks that lie flat have much of it there."""
        down, across = np.gradient(layer.astype(float))
        return float((down**2).sum() / ((down**2).sum() + (across**2).sum()))

    named = [flat_share(draw_streaks((112, 112), rng_from(k), 0.9)) for k in range(60)]
    assert max(flat_share(r[..., 1]) for r in rains) > max(named) + 0.1


def test_a_strength_outside_is_refused() -> None:
    from bench.errors import BadConfig

    with pytest.raises(BadConfig, match="strength"):
        add_wide_streaks(np.zeros((16, 16, 3), np.uint8), 1.2, rng_from(0))

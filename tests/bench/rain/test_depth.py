from __future__ import annotations

import numpy as np
import pytest

from bench.rain.depth import CAMERA_HEIGHT, FAR, FOCAL, GUESS, HORIZON, guess_depth


def test_ground_comes_nearer_downwards_and_the_rest_is_far():
    depth = guess_depth((200, 400))
    assert depth.source == GUESS
    assert depth.focal == pytest.approx(FOCAL * 400)
    assert depth.metres.shape == (200, 400)
    assert depth.metres.dtype == np.float32
    assert np.all(depth.metres[: int(200 * HORIZON)] == FAR)
    assert np.all(np.diff(depth.metres[:, 0]) <= 0)


def test_bottom_row_by_hand():
    """199.5 rows down, horizon at 90: the ground 109.5 rows below it, at 440 * 1.4 / 109.5 metres."""
    assert guess_depth((200, 400)).metres[-1, 0] == pytest.approx(440 * CAMERA_HEIGHT / 109.5, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (480, 640)])
def test_every_size_has_a_positive_depth(shape):
    metres = guess_depth(shape).metres
    assert metres.shape == shape
    assert np.all((metres > 0) & (metres <= FAR))

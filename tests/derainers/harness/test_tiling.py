"""Tiling: exact for the identity, and for anything that looks no further than the margin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadConfig
from derainers.harness.tiling import Tiles, parse_tile, restore_tiled, starts

SIZES = st.integers(1, 150)


def tile_sizes():
    return st.integers(16, 64).flatmap(
        lambda size: st.tuples(st.just(size), st.integers(0, size // 2)).map(lambda pair: Tiles(*pair))
    )


@settings(max_examples=60, deadline=None)
@given(SIZES, SIZES, tile_sizes(), st.integers(0, 2**32 - 1))
def test_identity_is_exact(height, width, tiles, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    result = restore_tiled(lambda tile: tile, image, tiles)
    np.testing.assert_allclose(result, image, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES, st.integers(16, 64), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_a_filter_within_the_margin_gives_what_it_gives_on_the_whole(height, width, size, radius, seed):
    import cv2

    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    window = (2 * radius + 1, 2 * radius + 1)

    def blur(part):
        return cv2.blur(part, window, borderType=cv2.BORDER_REPLICATE).reshape(part.shape)

    tiles = Tiles(size, min(4 * radius, size // 2))
    if tiles.overlap < 4 * radius:
        return
    np.testing.assert_allclose(restore_tiled(blur, image, tiles), blur(image), atol=1e-6)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.sampled_from([1, 2, 8, 16]), tile_sizes())
def test_tiles_cover_the_axis_on_the_grid(count, multiple, tiles):
    tiles, length = tiles.aligned(multiple), count * multiple
    places = starts(length, tiles.size, tiles.overlap, multiple)
    ends = [min(place + tiles.size, length) for place in places]
    assert places[0] == 0
    assert ends[-1] == length
    assert all(place % multiple == 0 for place in places)
    assert all(second - first > 0 for first, second in itertools.pairwise(places))
    assert all(
        end - start >= tiles.overlap // multiple * multiple
        for end, start in zip(ends, places[1:], strict=False)
    )


def test_every_tile_has_the_same_size():
    shapes = []
    restore_tiled(lambda tile: shapes.append(tile.shape) or tile, np.zeros((100, 70, 3)), Tiles(32, 8))
    assert set(shapes) == {(32, 32, 3)}


@pytest.mark.parametrize(
    ("text", "tiles"),
    [("off", None), ("512", Tiles(512, 64)), ("512+32", Tiles(512, 32)), ("100+0", Tiles(100, 0))],
)
def test_a_tile_is_read(text, tiles):
    assert parse_tile(text) == tiles


@pytest.mark.parametrize("text", ["big", "512+", "-5", "512+300", "8", "512x64"])
def test_a_bad_tile_is_refused(text):
    with pytest.raises(BadConfig, match="tile"):
        parse_tile(text)

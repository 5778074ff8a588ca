"""Sums over boxes, against PyTorch's own pooling."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from derainers.nets.blocks.boxes import box_sums, clipped_means

SIZES = st.integers(1, 12)


@settings(deadline=None)
@given(SIZES, SIZES, st.data())
def test_sums_are_those_of_pooling(height, width, data):
    x = torch.rand(2, 3, height, width)
    box = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    expected = F.avg_pool2d(x, box, stride=1) * (box[0] * box[1])
    torch.testing.assert_close(box_sums(x, *box), expected, atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 15))
def test_means_leave_out_what_lies_beyond_the_map(height, width, radius):
    x = torch.rand(2, 3, height, width)
    side = 2 * radius + 1
    expected = F.avg_pool2d(x, side, stride=1, padding=radius, count_include_pad=False)
    torch.testing.assert_close(clipped_means(x, radius), expected, atol=1e-5, rtol=1e-5)


def test_a_large_map_keeps_its_precision():
    """A table of sums over both axes at once would hold numbers of half a million here."""
    torch.manual_seed(0)
    x = 1 + torch.rand(1, 1, 512, 700) / 10
    exact = F.avg_pool2d(x.double(), 31, stride=1)
    assert (box_sums(x, 31, 31) / 31**2 - exact).abs().max() < 1e-5


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.float64])
def test_sums_are_float32_at_least(kind):
    total = box_sums(torch.full((1, 1, 40, 40), 0.1, dtype=kind), 40, 40)
    assert total.dtype == torch.promote_types(kind, torch.float32)

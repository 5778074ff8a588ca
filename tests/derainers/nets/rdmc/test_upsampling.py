from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional as F

from derainers.nets.rdmc.upsampling import blocks, upsample


def interpolated(x: torch.Tensor, mix: torch.Tensor) -> torch.Tensor:
    bilinear, bicubic = (
        F.interpolate(x, scale_factor=2, mode=mode, align_corners=True) for mode in ("bilinear", "bicubic")
    )
    return mix[0] * bilinear + mix[1] * bicubic


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 12), (33, 70), (130, 97)])
def test_equals_pytorchs_interpolation(size: tuple[int, int]) -> None:
    x, mix = torch.rand(2, 5, *size), torch.tensor([0.3, 0.7])
    torch.testing.assert_close(upsample(x, mix), interpolated(x, mix), atol=1e-5, rtol=0)


def test_gradients_equal_those_of_interpolation() -> None:
    x = torch.rand(2, 3, 40, 6, dtype=torch.float64, requires_grad=True)
    mix = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    towards = torch.rand(2, 3, 80, 12, dtype=torch.float64)
    ours = torch.autograd.grad((upsample(x, mix) * towards).sum(), (x, mix))
    theirs = torch.autograd.grad((interpolated(x, mix) * towards).sum(), (x, mix))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)  # the matrices are float32


def test_keeps_type_and_layout() -> None:
    x = torch.rand(1, 4, 8, 8).bfloat16().to(memory_format=torch.channels_last)
    y = upsample(x, torch.tensor([0.5, 0.5]))
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_training_may_follow_inference() -> None:
    blocks.cache_clear()
    with torch.inference_mode():
        upsample(torch.rand(1, 1, 5, 7), torch.tensor([0.5, 0.5]))
    x = torch.rand(1, 1, 5, 7, requires_grad=True)
    upsample(x, torch.tensor([0.5, 0.5], requires_grad=True)).sum().backward()
    assert x.grad is not None


def test_blocks_follow_the_band() -> None:
    found = blocks(512)
    assert sum(part.shape[0] for _, _, part in found) == 1024
    assert max(high - low for low, high, _ in found) <= 36

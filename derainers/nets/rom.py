"""ROM: Lin et al., "Rain O'er Me: Synthesizing Real Rain to Derain With Data Distillation", TIP 2020."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 16


def _conv_relu(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True))


class TwoScaleUnit(nn.Module):
    """Features at a small scale, and at a larger one what these leave out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv_relu(WIDTH, WIDTH)
        self.dilated_conv = nn.Conv2d(WIDTH, WIDTH, 3, padding=3, dilation=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 16, H, W) to the same."""
        small = self.conv1(x)
        return F.relu_(self.dilated_conv(x - small) + small)


class AggregationBlock(nn.Module):
    """Two units in a row, the outputs of both merged."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = TwoScaleUnit()
        self.conv2 = TwoScaleUnit()
        self.merge = _conv_relu(2 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 16, H, W) to the same."""
        first = self.conv1(x)
        return self.merge(torch.cat([first, self.conv2(first)], 1))


class ROM(nn.Module):
    """Predicts the rain layer, which is taken from the rainy image.

    The released network has a second output, a detail branch (``out2``) that repairs the first one; it
    scores worse and is not run. Its weights are kept so that the released file loads as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inc = _conv_relu(3, WIDTH)
        self.block1 = AggregationBlock()
        self.block2 = AggregationBlock()
        self.block3 = AggregationBlock()
        self.merge11 = _conv_relu(2 * WIDTH, WIDTH)
        self.merge12 = _conv_relu(2 * WIDTH, WIDTH)
        self.outc = nn.Sequential(nn.Conv2d(WIDTH, 3, 3, padding=1), nn.Tanh())
        self.out2 = nn.Sequential(
            *_conv_relu(3, WIDTH), *_conv_relu(WIDTH, WIDTH), nn.Conv2d(WIDTH, 3, 3, padding=1)
        )

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; not clamped."""
        first = self.block1(self.inc(rainy))
        second = self.block2(first)
        both = self.merge11(torch.cat([first, second], 1))
        merged = self.merge12(torch.cat([both, self.block3(both)], 1))
        return rainy - self.outc(merged)

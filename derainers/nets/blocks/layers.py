"""Small layers that networks of all kinds are made of."""

from __future__ import annotations

import torch
from torch import nn


class Named(nn.Module):
    """Layers in a row, under the name that the authors' files have for them."""

    def __init__(self, name: str, *layers: nn.Module) -> None:
        super().__init__()
        self.add_module(name, nn.Sequential(*layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the layers make of ``x``."""
        (layers,) = self.children()
        return layers(x)


def resized(factor: float, inputs: int, outputs: int) -> nn.Sequential:
    """Bilinear resampling by ``factor`` and a 1x1 convolution without bias."""
    resample = nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)
    return nn.Sequential(resample, nn.Conv2d(inputs, outputs, 1, bias=False))


def squeeze(width: int, reduction: int) -> nn.Sequential:
    """From channels' means to a score of each, through ``width // reduction`` hidden units; nothing has a bias."""
    hidden = width // reduction
    return nn.Sequential(
        nn.Conv2d(width, hidden, 1, bias=False),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, width, 1, bias=False),
    )


class ChannelWeights(nn.Module):
    """Weighs channels by what their means say (Hu et al., Squeeze-and-Excitation Networks, CVPR 2018)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.conv_du = squeeze(width, reduction)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return x * torch.sigmoid(self.conv_du(x.mean((2, 3), keepdim=True)))

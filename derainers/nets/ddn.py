"""DDN: Fu et al., "Removing Rain from Single Images via a Deep Detail Network", CVPR 2017, in the form of
HanshuYAN/Deep_Detailed_Network-PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.boxes import clipped_means

#: Convolutions between the first and the last.
DEPTH = 24
#: Of the guided filter, in pixels, and its regulariser, for images in [0, 1].
RADIUS, EPSILON = 15, 1.0


class DDN(nn.Module):
    """Predicts from an image's detail what is to be added to the image; any size.

    Args:
        n_features: Channels.
    """

    def __init__(self, n_features: int = 16) -> None:
        super().__init__()
        self.b1 = nn.Sequential(*_normed(3, n_features), nn.ReLU(inplace=True))
        inner: list[nn.Module] = []
        for _ in range(DEPTH):
            inner += [*_normed(n_features, n_features), nn.ReLU(inplace=True)]
        self.b2 = nn.Sequential(*inner)
        self.b3 = nn.Sequential(*_normed(n_features, 3))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; not clamped."""
        features = self.b1(rainy - smoothed(rainy))
        return self.b3(self.b2(features) + features) + rainy


def smoothed(image: torch.Tensor) -> torch.Tensor:
    """The guided filter of an image that guides itself (He et al., Guided Image Filtering, TPAMI 2013), each channel of
    (N, C, H, W) on its own; windows are cut off at the edges."""
    mean = clipped_means(image, RADIUS)
    variance = clipped_means(image * image, RADIUS) - mean * mean
    slope = variance / (variance + EPSILON)
    return clipped_means(slope, RADIUS) * image + clipped_means(mean - slope * mean, RADIUS)


def _normed(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs, eps=1e-3)

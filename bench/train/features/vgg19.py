"""The first layers of VGG-19, frozen: the features of the paper's prior."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.seeds import seed_from
from bench.train.features.base import Features

#: Convolutions of VGG-19 up to conv3_2 (Simonyan and Zisserman 2015): index in torchvision's ``features``,
#: channels.
CONVOLUTIONS = ((0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256))
#: Convolutions that a 2x2 max-pool follows.
POOLED = (2, 7)


class Vgg19(Features):
    """relu1_1, relu1_2, pool1, relu2_2 and conv3_2 (before its ReLU) of an image that is not normalised by
    ImageNet's statistics, as released."""

    weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({str(i): nn.Conv2d(a, b, 3, padding=1) for i, a, b in CONVOLUTIONS})
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps, finest first."""
        maps: list[Tensor] = []
        for index, _, _ in CONVOLUTIONS:
            x = self.features[str(index)](x)
            if index == CONVOLUTIONS[-1][0]:
                maps.append(x)
                break
            x = F.relu(x)
            if index in (0, 2, 7):
                maps.append(x)
            if index in POOLED:
                x = F.max_pool2d(x, 2)
                if index == POOLED[0]:
                    maps.append(x)
        return maps


def randomise(features: Vgg19) -> None:
    """Weights of a fixed seed that keep the maps' variance: random features still tell structures apart."""
    generator = torch.Generator().manual_seed(seed_from("random-features") % 2**63)
    with torch.no_grad():
        for name, value in features.state_dict().items():
            if name.endswith("bias"):
                value.zero_()
            else:
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)

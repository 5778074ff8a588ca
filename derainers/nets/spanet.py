"""SPANet: Wang et al., "Spatial Attentive Single-Image Deraining With a High Quality Real Rain Dataset",
CVPR 2019."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 32


class Bottleneck(nn.Module):
    """1x1, dilated 3x3 and 1x1 convolution; added to its input by the network."""

    def __init__(self) -> None:
        super().__init__()
        self.group1 = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
                relu1=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(WIDTH, WIDTH, 3, padding=2, dilation=2, bias=False),
                relu2=nn.ReLU(inplace=True),
                conv3=nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 32, H, W) to the same."""
        return self.group1(x)


class FourDirections(nn.Module):
    """Sweeps over the feature map upwards, rightwards, downwards and leftwards.

    Each is a recurrence of one weight and one bias per channel, ``h[i] = relu(w h[i - 1] + b + x[i])``, that
    starts with ``relu(x)`` at the border (the identity RNN of Le et al., 2015, as spatial context).
    """

    def __init__(self) -> None:
        super().__init__()
        for name in ("left_weight", "right_weight", "up_weight", "down_weight"):
            # Never run as convolutions: they hold a weight and a bias per channel under the authors' names.
            self.add_module(name, nn.Conv2d(WIDTH, WIDTH, 1, groups=WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 32, H, W) to (N, 128, H, W): up, right, down, left."""
        up, down = self._sweeps(x.permute(2, 0, 1, 3), "up_weight", "down_weight")
        left, right = self._sweeps(x.permute(3, 0, 1, 2), "left_weight", "right_weight")
        vertical = (part.permute(1, 2, 0, 3) for part in (up, down))
        horizontal = (part.permute(1, 2, 3, 0) for part in (left, right))
        (up, down), (left, right) = vertical, horizontal
        return torch.cat([up, right, down, left], 1)

    def _sweeps(self, lines: torch.Tensor, back: str, forth: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Sweep over (L, N, C, M) from the last line to the first, and from the first to the last, in one loop."""
        layers = [getattr(self, name) for name in (back, forth)]
        weight = torch.stack([layer.weight.view(1, WIDTH, 1) for layer in layers])
        bias = torch.stack([layer.bias.view(1, WIDTH, 1) for layer in layers])
        both = torch.stack([lines.flip(0), lines], 1)
        state = F.relu(both[0])
        states = [state]
        for line in (both[1:] + bias).unbind():
            state = F.relu(torch.addcmul(line, weight, state))
            states.append(state)
        swept = torch.stack(states)
        return swept[:, 0].flip(0), swept[:, 1]


class DirectionWeights(nn.Module):
    """Four weights per pixel, one for each direction."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH // 2, WIDTH // 2, 3, padding=1)
        self.conv3 = nn.Conv2d(WIDTH // 2, 4, 1)


class SpatialAttention(nn.Module):
    """Where the rain is: two rounds of sweeps, then a map in [0, 1].

    The released code computes :class:`DirectionWeights` and then discards the product with them, so the
    released weights were trained without; here they are loaded and not run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.irnn1 = FourDirections()
        self.irnn2 = FourDirections()
        self.conv_in = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4 * WIDTH, WIDTH, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(4 * WIDTH, WIDTH, 3, padding=1, bias=False)
        self.attention_layer = DirectionWeights()
        self.conv_out = nn.Conv2d(WIDTH, 1, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 32, H, W) to (N, 1, H, W) in [0, 1]."""
        x = self.conv2(self.irnn1(self.conv_in(x)))
        x = F.relu(self.conv3(self.irnn2(x)))
        return torch.sigmoid(self.conv_out(x))


class SPANet(nn.Module):
    """Residual blocks whose correction is weighed by an attention map, renewed every third block."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1, bias=False), nn.ReLU(inplace=True))
        self.SAM1 = SpatialAttention()
        for index in range(1, 18):
            self.add_module(f"res_block{index}", Bottleneck())
        self.conv_out = nn.Sequential(nn.Conv2d(WIDTH, 3, 3, padding=1, bias=False))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; not clamped."""
        x = self.conv_in(rainy)
        attention: torch.Tensor | None = None
        for index in range(1, 18):
            if index in (4, 7, 10, 13):
                attention = self.SAM1(x)
            elif index == 16:
                attention = None
            change = self.get_submodule(f"res_block{index}")(x)
            x = F.relu_((change if attention is None else change * attention) + x)
        return self.conv_out(x)

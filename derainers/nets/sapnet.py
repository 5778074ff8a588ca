"""SAPNet: Zheng et al., "SAPNet: Segmentation-Aware Progressive Network for Perceptual Contrastive
Deraining", WACV 2022."""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.layers import squeeze
from derainers.nets.blocks.recurrent import WIDTH, first_layer, gate, last_layer, lstm_step, run_blocks


class ChannelAttention(nn.Module):
    """Weighs channels by a squeezed and a direct view of their means."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.conv_du = squeeze(width, reduction)
        self.conv_1_1 = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        mean = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.conv_du(mean) + self.conv_1_1(mean))


class SAPNet(nn.Module):
    """PReNet's recursion with dilated residual blocks and channel attention.

    Args:
        stages: How often the network is applied.
        dilations: Of the five residual blocks.
    """

    def __init__(self, stages: int = 6, dilations: tuple[int, ...] = (1, 2, 4, 8, 16)) -> None:
        super().__init__()
        self.stages = stages
        self.conv0 = first_layer(6)
        for index, dilation in enumerate(dilations, start=1):
            layers: list[nn.Module] = []
            for _ in range(2):
                layers.append(nn.Conv2d(WIDTH, WIDTH, 3, padding=dilation, dilation=dilation))
                layers += [ChannelAttention(WIDTH, 16), nn.ReLU(inplace=True)]
            self.add_module(f"res_conv{index}", nn.Sequential(*layers))
        self._blocks = [f"res_conv{index}" for index in range(1, len(dilations) + 1)]
        self.conv_i = gate(2 * WIDTH)
        self.conv_f = gate(2 * WIDTH)
        self.conv_g = gate(2 * WIDTH, nn.Tanh)
        self.conv_o = gate(2 * WIDTH)
        self.conv = last_layer()

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; the last stage's estimate, not clamped."""
        blocks = [self.get_submodule(name) for name in self._blocks]
        hidden = rainy.new_zeros(rainy.shape[0], WIDTH, *rainy.shape[2:])
        cell: torch.Tensor | None = None
        estimate = rainy
        gates = (self.conv_i, self.conv_f, self.conv_g, self.conv_o)
        for _ in range(self.stages):
            features = self.conv0(torch.cat([rainy, estimate], 1))
            hidden, cell = lstm_step(gates, torch.cat([features, hidden], 1), cell)
            estimate = rainy + self.conv(run_blocks(blocks, hidden))
        return estimate

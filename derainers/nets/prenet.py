"""PReNet and its three reduced forms.

Ren et al., "Progressive Image Deraining Networks: A Better and Simpler Baseline", CVPR 2019.
"""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.recurrent import (
    WIDTH,
    first_layer,
    gate,
    last_layer,
    lstm_step,
    residual_block,
    run_blocks,
)


class PReNet(nn.Module):
    """Six stages of one small residual network; each sees the rainy image and the estimate of the stage
    before.

    Args:
        stages: How often the network is applied (the paper's T).
        lstm: Whether a convolutional LSTM carries features from stage to stage (PReNet), or not (PRN).
        shared: Whether one residual block is applied five times (the ``_r`` forms), or five blocks once.
    """

    def __init__(self, stages: int = 6, lstm: bool = True, shared: bool = False) -> None:
        super().__init__()
        self.stages = stages
        self.lstm = lstm
        self.shared = shared
        self.conv0 = first_layer(6)
        for index in range(1 if shared else 5):
            self.add_module(f"res_conv{index + 1}", residual_block())
        if lstm:
            self.conv_i = gate(2 * WIDTH)
            self.conv_f = gate(2 * WIDTH)
            self.conv_g = gate(2 * WIDTH, nn.Tanh)
            self.conv_o = gate(2 * WIDTH)
        self.conv = last_layer()

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; the last stage's estimate, not clamped."""
        names = [1] * 5 if self.shared else range(1, 6)
        blocks = [self.get_submodule(f"res_conv{n}") for n in names]
        hidden: torch.Tensor | None = None
        cell: torch.Tensor | None = None
        estimate = rainy
        for _ in range(self.stages):
            features = self.conv0(torch.cat([rainy, estimate], dim=1))
            if self.lstm:
                memory = torch.zeros_like(features) if hidden is None else hidden
                gates = (self.conv_i, self.conv_f, self.conv_g, self.conv_o)
                hidden, cell = lstm_step(gates, torch.cat([features, memory], dim=1), cell)
                features = hidden
            estimate = rainy + self.conv(run_blocks(blocks, features))
        return estimate

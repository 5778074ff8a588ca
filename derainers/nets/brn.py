"""BRN, the bilateral recurrent network: Ren et al., "Single Image Deraining Using Bilateral Recurrent
Network", TIP 2020."""

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


class BRN(nn.Module):
    """Two recurrent networks in turn, one for the rain layer and one for the background; each sees the
    other's memory.

    Args:
        stages: How often both are applied. The authors' test script says 8; the released weights score best with 4.
    """

    #: The released code has five blocks in the rain network, and weights for them, but runs the first three.
    RAIN_BLOCKS = 3

    def __init__(self, stages: int = 4) -> None:
        super().__init__()
        self.stages = stages
        for suffix, inputs in (("", 9), ("_r", 6)):
            self.add_module(f"conv0{suffix}", first_layer(inputs))
            for index in range(1, 6):
                self.add_module(f"res_conv{index}{suffix}", residual_block())
            for name in "ifgo":
                activation = nn.Tanh if name == "g" else nn.Sigmoid
                self.add_module(f"conv_{name}{suffix}", gate(3 * WIDTH, activation))
            self.add_module(f"conv{suffix}", last_layer())

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1]; the last stage's background, not clamped."""
        background = rain = rainy
        empty = rainy.new_zeros(rainy.shape[0], WIDTH, *rainy.shape[2:])
        memory: dict[str, torch.Tensor] = {"": empty, "_r": empty}
        cells: dict[str, torch.Tensor | None] = {"": None, "_r": None}
        for _ in range(self.stages):
            rain = self._pass("_r", torch.cat([rainy, rain], 1), memory, cells, self.RAIN_BLOCKS)
            background = self._pass("", torch.cat([rainy, background, rain], 1), memory, cells, 5)
        return background

    def _pass(
        self,
        suffix: str,
        inputs: torch.Tensor,
        memory: dict[str, torch.Tensor],
        cells: dict[str, torch.Tensor | None],
        blocks: int,
    ) -> torch.Tensor:
        """Run one of the two networks once; its memory and cell are renewed in place."""
        other = "" if suffix else "_r"
        i, f, g, o = (self.get_submodule(f"conv_{name}{suffix}") for name in "ifgo")
        features = self.get_submodule(f"conv0{suffix}")(inputs)
        seen = torch.cat([features, memory[suffix], memory[other]], 1)
        memory[suffix], cells[suffix] = lstm_step((i, f, g, o), seen, cells[suffix])
        chain = [self.get_submodule(f"res_conv{index}{suffix}") for index in range(1, blocks + 1)]
        return self.get_submodule(f"conv{suffix}")(run_blocks(chain, memory[suffix]))

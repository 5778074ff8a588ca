"""FSNet: Cui et al., "Image Restoration via Frequency Selection", TPAMI 2023."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.frequencies import ThreeSizes, blocks


class HalfwayDown(nn.Module):
    """Blocks of which the middle half works at half the size; all are added to the input.

    Args:
        width: Channels.
        count: Blocks, four or more.
        groups: Of the dynamic filters in the last block.
    """

    def __init__(self, width: int, count: int, groups: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks(width, count, groups))
        self.down = nn.Conv2d(width, width, 2, stride=2, groups=width)
        self.conv = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), H and W multiples of 4, to the same."""
        count = len(self.layers)
        result = saved = x
        for index, block in enumerate(self.layers):
            if index == count // 4:
                saved, result = result, self.down(result)
            if index == count - count // 4:
                result = F.interpolate(result, saved.shape[2:], mode="bilinear", align_corners=False)
                result = self.conv(torch.cat([result, saved], 1))
            result = block(result)
        return result + x


class FSNet(ThreeSizes):
    """SFNet whose stages at full size do half of their work at half the size; defaults are the paper's.

    Args:
        num_res: Blocks in each stage, four or more.
        base_channel: Channels at full size.
        group: Groups of channels that a dynamic filter treats alike.
    """

    def __init__(self, num_res: int = 16, base_channel: int = 32, group: int = 8) -> None:
        if num_res < 4:
            raise ValueError(f"num_res is {num_res}; FSNet's stages have four blocks or more")

        def stage(width: int, size: int) -> nn.Module:
            if size == 0:
                return HalfwayDown(width, num_res, group)
            return nn.Sequential(*blocks(width, num_res, group))

        super().__init__(base_channel, stage)

"""SFNet: Cui et al., "Selective Frequency Network for Image Restoration", ICLR 2023."""

from __future__ import annotations

from torch import nn

from derainers.nets.blocks.frequencies import ThreeSizes, blocks


class SFNet(ThreeSizes):
    """Stages of blocks that select frequencies; defaults are those of the released deraining weights.

    Args:
        num_res: Blocks in each stage.
        base_channel: Channels at full size.
        group: Groups of channels that a dynamic filter treats alike.
    """

    def __init__(self, num_res: int = 16, base_channel: int = 32, group: int = 8) -> None:
        super().__init__(base_channel, lambda width, _: nn.Sequential(*blocks(width, num_res, group)))

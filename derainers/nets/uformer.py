"""Uformer: Wang et al., "Uformer: A General U-Shaped Transformer for Image Restoration", CVPR 2022."""

from __future__ import annotations

from torch import nn

from derainers.nets.blocks.windows import ConvFeedForward, Stage, WindowAttention, WindowBlock, WindowUNet


class Uformer(WindowUNet):
    """Attention in windows, every second time shifted by half a window; defaults are Uformer-B.

    Args:
        img_size: The side of the training images; where it makes a level no larger than a window, that level's
            windows are not shifted.
        embed_dim: Channels at full size.
        depths: Blocks in each of the nine stages.
        num_heads: Attention heads of each stage.
        win_size: Side of the windows.
        mlp_ratio: Hidden channels of the feed-forward part over the stage's.
        modulator: Whether windows of the decoder are modulated.
    """

    def __init__(
        self,
        img_size: int = 128,
        embed_dim: int = 32,
        depths: tuple[int, ...] = (1, 2, 8, 8, 2, 8, 8, 2, 1),
        num_heads: tuple[int, ...] = (1, 2, 4, 8, 16, 16, 8, 4, 2),
        win_size: int = 8,
        mlp_ratio: float = 4.0,
        modulator: bool = True,
    ) -> None:
        def stage(index: int, width: int) -> nn.Module:
            side, shift = window_of(img_size, index, win_size)
            return Stage(
                [
                    WindowBlock(
                        width,
                        WindowAttention(width, num_heads[index], side),
                        ConvFeedForward(width, int(width * mlp_ratio)),
                        side,
                        shift if block % 2 else 0,
                        modulator and index > 4,
                    )
                    for block in range(depths[index])
                ]
            )

        super().__init__(embed_dim, stage, bottleneck="conv")


def window_of(img_size: int, index: int, side: int) -> tuple[int, int]:
    """The windows' side and shift in stage ``index``: the whole map, unshifted, where that is no larger."""
    size = img_size // 2 ** min(index, 8 - index)
    return (size, 0) if size <= side else (side, side // 2)

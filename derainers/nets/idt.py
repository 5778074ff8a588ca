"""IDT: Xiao et al., "Image De-raining Transformer", TPAMI 2022."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.windows import (
    ConvFeedForward,
    Stage,
    WindowAttention,
    WindowBlock,
    WindowUNet,
    to_windows,
)

#: Blocks of windows in each of the nine stages.
WINDOW_BLOCKS = (3, 3, 2, 2, 1, 1, 2, 2, 3)


class PositionedAttention(WindowAttention):
    """Attention in windows, plus convolutions of a second map of values, which know where a pixel is."""

    def __init__(self, width: int, heads: int, side: int, reach: int) -> None:
        super().__init__(width, heads, side, reach, parts=3, keeps_index=False)
        pad = min(reach - 1, 2)
        self.Position_Extract = nn.Sequential(
            nn.Conv2d(width, width, 2 * pad + 1, padding=pad, groups=width),
            nn.Conv2d(width, width, 1, groups=heads),
        )
        self.side = side

    def mix(
        self, query: torch.Tensor, key: torch.Tensor, values: list[torch.Tensor], bias: torch.Tensor
    ) -> torch.Tensor:
        """As the usual one does; of the two maps of values the second is convolved."""
        seen, convolved = values
        window = convolved.transpose(-2, -1).reshape(len(convolved), -1, self.side, self.side)
        placed = self.Position_Extract(window).reshape(convolved.transpose(-2, -1).shape).transpose(-2, -1)
        return F.scaled_dot_product_attention(query, key, seen, attn_mask=bias) + placed


class SpatialBlock(nn.Module):
    """Attention between the windows of one channel: each window is a token, its pixels are the token's features.

    As in the authors' code, windows are not folded back: the map that is added to the input has its pixels in the
    order of the windows. Trained weights know that.

    Args:
        width: Channels.
        heads: Groups of a window's pixels.
        side: Of a window.
        windows: How many of them there are along each side of the map.
        mlp_ratio: Hidden channels of the feed-forward part over a window's pixels.
    """

    def __init__(self, width: int, heads: int, side: int, windows: int, mlp_ratio: float) -> None:
        super().__init__()
        self.side = side
        self.attn = PositionedAttention(side * side, heads, windows, windows)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = ConvFeedForward(width, int(side * side * mlp_ratio), residual=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, H, W, C) to the same."""
        count, height, breadth, width = x.shape
        channels = x.permute(0, 3, 1, 2).reshape(count * width, height, breadth, 1)
        tokens = to_windows(channels, self.side).reshape(count * width, -1, self.side * self.side)
        mixed = self.attn(tokens).reshape(count, width, height, breadth).permute(0, 2, 3, 1)
        x = x + mixed
        return x + self.mlp(self.norm2(x))


class IDT(WindowUNet):
    """Uformer's shape with two kinds of attention: in windows, and between them. Defaults are those of the released
    weights.

    Args:
        img_size: The side of the square input, the only one that it takes.
        embed_dim: Channels at full size.
        num_heads: Attention heads of each stage.
        win_size: Side of the windows that attend inside.
        mlp_ratio: Hidden channels of the feed-forward part over the stage's.
        spatial_win: Side of the windows that attend to each other.
    """

    def __init__(
        self,
        img_size: int = 128,
        embed_dim: int = 32,
        num_heads: tuple[int, ...] = (1, 2, 4, 8, 16, 16, 8, 4, 2),
        win_size: int = 8,
        mlp_ratio: float = 4.0,
        spatial_win: int = 8,
    ) -> None:
        def stage(index: int, width: int) -> nn.Module:
            size, heads = img_size // 2 ** min(index, 8 - index), num_heads[index]
            side = min(size, win_size)
            blocks: list[nn.Module] = [
                WindowBlock(
                    width,
                    PositionedAttention(width, heads, side, win_size),
                    ConvFeedForward(width, int(width * mlp_ratio), residual=True),
                    side,
                )
                for _ in range(WINDOW_BLOCKS[index])
            ]
            if index != 4:
                blocks.append(SpatialBlock(width, heads, spatial_win, size // spatial_win, mlp_ratio))
            return Stage(blocks)

        super().__init__(embed_dim, stage, bottleneck="bottle")

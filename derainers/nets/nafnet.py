"""NAFNet: Chen et al., "Simple Baselines for Image Restoration", ECCV 2022; with the local means of Chu et al.,
"Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.boxes import box_sums


class PixelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Means(nn.Module):
    """Means of each channel: over the whole map, or around each pixel.

    Args:
        window: Height and width of the box that is averaged; ``None`` for the whole map.
    """

    def __init__(self, window: tuple[int, int] | None) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C, 1, 1), or with a window that the map is larger than to (N, C, H, W): near the edges
        the mean over the box nearest to the pixel that lies within the map."""
        height, breadth = x.shape[2:]
        if self.window is None or (self.window[0] >= height and self.window[1] >= breadth):
            return x.mean((2, 3), keepdim=True)
        rows, columns = min(self.window[0], height), min(self.window[1], breadth)
        means = box_sums(x, rows, columns) / (rows * columns)
        above, left = (rows - 1) // 2, (columns - 1) // 2
        edges = (left, columns - 1 - left, above, rows - 1 - above)
        return F.pad(means, edges, mode="replicate")


class Block(nn.Module):
    """Two residual parts without an activation function: products of two halves take its place.

    Args:
        width: Channels.
        window: What channel attention averages over; ``None`` for the whole map.
    """

    def __init__(self, width: int, window: tuple[int, int] | None) -> None:
        super().__init__()
        self.norm1 = PixelNorm(width)
        self.conv1 = nn.Conv2d(width, 2 * width, 1)
        self.conv2 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.sca = nn.Sequential(Means(window), nn.Conv2d(width, width, 1))
        self.conv3 = nn.Conv2d(width, width, 1)
        self.norm2 = PixelNorm(width)
        self.conv4 = nn.Conv2d(width, 2 * width, 1)
        self.conv5 = nn.Conv2d(width, width, 1)
        self.beta = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        gated = _gated(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.beta * self.conv3(gated * self.sca(gated))
        return x + self.gamma * self.conv5(_gated(self.conv4(self.norm2(x))))


class NAFNet(nn.Module):
    """A U-Net of plain blocks; defaults are those of the released deblurring weights of width 32.

    There are no weights for deraining. Denoising (SIDD) has blocks 2/2/4/8, 12 in the middle and 2/2/2/2.

    Args:
        img_channel: Of the input.
        width: Channels at full size; they double at each level down.
        middle_blk_num: Blocks at the lowest level.
        enc_blk_nums: Blocks of each level on the way down, from the full size.
        dec_blk_nums: Blocks of each level on the way up, from the lowest.
        train_size: (1, channels, height, width) of the images that it was trained on, for NAFNet's local form:
            attention then averages over boxes of one and a half times that size, instead of the whole image.
    """

    def __init__(
        self,
        img_channel: int = 3,
        width: int = 32,
        middle_blk_num: int = 1,
        enc_blk_nums: Sequence[int] = (1, 1, 1, 28),
        dec_blk_nums: Sequence[int] = (1, 1, 1, 1),
        train_size: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        lowest = len(enc_blk_nums)

        def blocks(level: int, count: int) -> nn.Sequential:
            window = None if train_size is None else _window(train_size[2:], level)
            return nn.Sequential(*(Block(width * 2**level, window) for _ in range(count)))

        self.intro = nn.Conv2d(img_channel, width, 3, padding=1)
        self.ending = nn.Conv2d(width, img_channel, 3, padding=1)
        self.encoders = nn.ModuleList(blocks(level, count) for level, count in enumerate(enc_blk_nums))
        self.downs = nn.ModuleList(
            nn.Conv2d(width * 2**level, width * 2 ** (level + 1), 2, stride=2) for level in range(lowest)
        )
        self.middle_blks = blocks(lowest, middle_blk_num)
        self.ups = nn.ModuleList()
        self.decoders = nn.ModuleList()
        for level, count in zip(reversed(range(lowest)), dec_blk_nums, strict=True):
            below = width * 2 ** (level + 1)
            self.ups.append(nn.Sequential(nn.Conv2d(below, 2 * below, 1, bias=False), nn.PixelShuffle(2)))
            self.decoders.append(blocks(level, count))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1] of any size: it is padded with black here, as the authors do; not clamped."""
        height, breadth = rainy.shape[2:]
        step = 2 ** len(self.encoders)
        padded = F.pad(rainy, (0, -breadth % step, 0, -height % step))
        x = self.intro(padded)
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(x))
            x = down(skips[-1])
        x = self.middle_blks(x)
        for decoder, up in zip(self.decoders, self.ups, strict=True):
            x = decoder(up(x) + skips.pop())
        return (self.ending(x) + padded)[:, :, :height, :breadth]


def _gated(x: torch.Tensor) -> torch.Tensor:
    value, gate = x.chunk(2, dim=1)
    return value * gate


def _window(train: Sequence[int], level: int) -> tuple[int, int]:
    """Height and width, at a level, of what one and a half training images cover."""
    height, width = ((size // 2**level) * int(1.5 * size) // size for size in train)
    return height, width

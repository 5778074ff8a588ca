"""What SFNet and FSNet share: blocks that treat low and high frequencies apart (Cui et al., ICLR 2023 and TPAMI 2023),
in a network of three sizes.

The shape is that of Cho et al., "Rethinking Coarse-to-Fine Approach in Single Image Deblurring", ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.layers import Named

#: Sides of the two filters of a block, in pixels.
FILTERS = (3, 5)


def conv(inputs: int, outputs: int, side: int, stride: int = 1, active: bool = True) -> Named:
    """A convolution that keeps the size (or halves it, with stride 2), and GELU where it is ``active``."""
    layer = nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2)
    return Named("main", layer, nn.GELU()) if active else Named("main", layer)


class GlobalSplit(nn.Module):
    """Weighs the mean of each channel and what differs from it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fscale_d = nn.Parameter(torch.zeros(width))
        self.fscale_h = nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        low = x.mean((2, 3), keepdim=True)
        return (x - low) * (self.fscale_h[:, None, None] + 1) + low * self.fscale_d[:, None, None]


class QuarterSplit(nn.Module):
    """The same in each quarter of the map, with weights of its own; untrained, nothing comes out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.h = nn.Parameter(torch.zeros(4 * width))
        self.l = nn.Parameter(torch.zeros(4 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), H and W even, to the same."""
        height, breadth = x.shape[2:]
        quarters = x.unflatten(3, (2, breadth // 2)).unflatten(2, (2, height // 2))
        low = quarters.mean((3, 5), keepdim=True)
        high_weight, low_weight = (weight.view(-1, 2, 1, 2, 1) for weight in (self.h, self.l))
        return ((quarters - low) * high_weight + low * low_weight).reshape(x.shape)


class Modulation(nn.Module):
    """Weighs low and high frequencies of every channel by what the channels' means say."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = max(width // 2, 32)
        self.fc = nn.Conv2d(width, squeezed, 1)
        self.fcs = nn.ModuleList(nn.Conv2d(squeezed, width, 1) for _ in range(2))
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: torch.Tensor, low: torch.Tensor) -> torch.Tensor:
        """A map and its low frequencies, (N, C, H, W) each, to the same size."""
        means = self.fc(x.mean((2, 3), keepdim=True))
        # One softmax over all channels of both.
        high_weight, low_weight = torch.cat([score(means) for score in self.fcs], 1).softmax(1).chunk(2, 1)
        return self.out((x - low) * high_weight + low * low_weight)


class DynamicFilter(nn.Module):
    """A low-pass filter made for the map at hand, and the modulation of what it lets through and what it does not.

    ``lamb_l`` and ``lamb_h`` are in the files and never used.

    Args:
        width: Channels.
        side: Of the filter, in pixels.
        groups: Neighbouring channels are filtered in so many groups, each by a filter of its own.
    """

    def __init__(self, width: int, side: int, groups: int) -> None:
        super().__init__()
        self.side = side
        self.groups = groups
        self.lamb_l = nn.Parameter(torch.zeros(width))
        self.lamb_h = nn.Parameter(torch.zeros(width))
        self.conv = nn.Conv2d(width, groups * side**2, 1, bias=False)
        self.bn = nn.BatchNorm2d(groups * side**2)
        self.modulate = Modulation(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same; H and W larger than half of the filter."""
        count, width, height, breadth = x.shape
        filters = self.bn(self.conv(x.mean((2, 3), keepdim=True)))
        filters = filters.view(count * self.groups, -1).softmax(1).view(-1, 1, self.side, self.side)
        filters = filters.repeat_interleave(width // self.groups, 0)
        edge = self.side // 2
        padded = F.pad(x, (edge, edge, edge, edge), mode="reflect")
        # Every channel of every image has its filter: one convolution of a single image with so many channels.
        low = F.conv2d(padded.flatten(0, 1)[None], filters, groups=count * width)
        return self.modulate(x, low.view(count, width, height, breadth))


class Block(nn.Module):
    """Two convolutions, with splits of the frequencies between them, added to the input.

    Args:
        width: Channels.
        groups: Of the dynamic filters; ``None`` for a block without them.
    """

    def __init__(self, width: int, groups: int | None) -> None:
        super().__init__()
        half = width // 2
        self.conv1 = conv(width, width, 3)
        self.conv2 = conv(width, width, 3, active=False)
        self.dynamic = groups is not None
        if groups is not None:
            self.dyna, self.dyna_2 = (DynamicFilter(half, side, groups) for side in FILTERS)
        self.global_ap = GlobalSplit(half)
        self.localap = QuarterSplit(half)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W), H and W even, to the same."""
        first, second = self.conv1(x).chunk(2, 1)
        if self.dynamic:
            first, second = self.dyna(first), self.dyna_2(second)
        return self.conv2(torch.cat([self.global_ap(first), self.localap(second)], 1)) + x


def blocks(width: int, count: int, groups: int) -> list[nn.Module]:
    """Blocks in a row, the last with dynamic filters."""
    return [Block(width, groups if index == count - 1 else None) for index in range(count)]


class SmallerImage(Named):
    """Features of the image at half or a quarter of the size."""

    def __init__(self, width: int) -> None:
        super().__init__(
            "main",
            conv(3, width // 4, 3),
            conv(width // 4, width // 2, 1),
            conv(width // 2, width // 2, 3),
            conv(width // 2, width, 1, active=False),
            nn.InstanceNorm2d(width, affine=True),
        )


class Merge(nn.Module):
    """Features joined with those of the smaller image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.merge = conv(2 * width, width, 3, active=False)

    def forward(self, features: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Two (N, C, H, W) to one."""
        return self.merge(torch.cat([features, image], 1))


class Stage(nn.Module):
    """What is at one size, under the authors' name for it."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return self.layers(x)


class ThreeSizes(nn.Module):
    """An encoder and a decoder at full, half and quarter size, which see the image at each.

    The authors' networks also give images of half and a quarter of the size, by ``ConvsOut``, which serve the training
    loss.

    Args:
        width: Channels at full size; they double at each smaller one.
        stage: Makes a stage of the encoder or decoder from its channels and its size: 0 full, 1 half, 2 quarter.
    """

    def __init__(self, width: int, stage: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        full, half, quarter = widths = [width * 2**size for size in range(3)]
        self.Encoder = nn.ModuleList(Stage(stage(widths[size], size)) for size in (0, 1, 2))
        self.Decoder = nn.ModuleList(Stage(stage(widths[size], size)) for size in (2, 1, 0))
        self.feat_extract = nn.ModuleList(
            [
                conv(3, full, 3),
                conv(full, half, 3, stride=2),
                conv(half, quarter, 3, stride=2),
                _doubling(quarter, half),
                _doubling(half, full),
                conv(full, 3, 3, active=False),
            ]
        )
        self.Convs = nn.ModuleList([conv(quarter, half, 1), conv(half, full, 1)])
        self.ConvsOut = nn.ModuleList([conv(quarter, 3, 3, active=False), conv(half, 3, 3, active=False)])
        self.SCM2, self.FAM2 = SmallerImage(half), Merge(half)
        self.SCM1, self.FAM1 = SmallerImage(quarter), Merge(quarter)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; not clamped."""
        first = self.Encoder[0](self.feat_extract[0](rainy))
        x = self.FAM2(self.feat_extract[1](first), self.SCM2(rainy[:, :, ::2, ::2]))
        second = self.Encoder[1](x)
        x = self.FAM1(self.feat_extract[2](second), self.SCM1(rainy[:, :, ::4, ::4]))
        x = self.Decoder[0](self.Encoder[2](x))
        for step, skipped in enumerate((second, first)):
            joined = torch.cat([self.feat_extract[3 + step](x), skipped], 1)
            x = self.Decoder[1 + step](self.Convs[step](joined))
        return self.feat_extract[5](x) + rainy


def _doubling(inputs: int, outputs: int) -> Named:
    return Named("main", nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.GELU())

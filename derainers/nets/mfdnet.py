"""MFDNet: Wang et al., "Multi-Scale Fusion and Decomposition Network for Single Image Deraining", TIP 2024."""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.layers import ChannelWeights, resized
from derainers.nets.blocks.transformer import gated_block

#: Heads and expansion of the transformer blocks.
HEADS, EXPANSION = 2, 2.66
#: Transformer blocks at full, half and quarter size, and in each of the three blocks after them.
BLOCKS, BLOCKS_AFTER = (8, 4, 4), (4, 4, 4)

Pair = tuple[torch.Tensor, torch.Tensor]


class Separable(nn.Module):
    """A 3x3 convolution of each channel and a 1x1 of all."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depth_conv = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.point_conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W)."""
        return self.point_conv(self.depth_conv(x))


class Fusion(nn.Module):
    """Merges two maps of one width, weighs the channels, and adds the first."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.DSC = Separable(2 * width, width)
        self.CA_fea = ChannelWeights(width, reduction)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Two (N, C, H, W) to one."""
        return self.CA_fea(self.DSC(torch.cat([first, second], 1))) + first


class AttentionBlock(nn.Module):
    """Separable convolutions, channel weights, and a fusion with the input."""

    def __init__(self, width: int, reduction: int, activation: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(Separable(width, width), activation, Separable(width, width))
        self.CA = ChannelWeights(width, reduction)
        self.S2FB2 = Fusion(width, reduction)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return self.S2FB2(self.CA(self.body(x)), x)


class Enlarger(nn.Module):
    """From half the size back: what was convolved there, beside a 1x1 of what it was made of."""

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.FS = nn.Conv2d(width, width, 1, bias=False)
        self.FFU = nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.act1 = activation
        self.act2 = activation

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Two (N, C, H, W) to (N, C, 2H, 2W)."""
        return self.act2(self.FFU(after + self.act1(self.FS(before))))


class Coupling(nn.Module):
    """Moves what the two branches have taken for their own from one to the other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_fuse_BTOR = nn.Sequential(nn.Conv2d(width, width, 1, bias=False), nn.Sigmoid())
        self.conv_fuse_RTOB = nn.Sequential(nn.Conv2d(width, width, 1, bias=False), nn.Sigmoid())
        self.fuse_weight_BTOR = nn.Parameter(torch.tensor([0.2]))
        self.fuse_weight_RTOB = nn.Parameter(torch.tensor([0.2]))

    def forward(self, background: torch.Tensor, rain: torch.Tensor) -> Pair:
        """Two (N, C, H, W) to the same two."""
        to_rain = background * self.conv_fuse_BTOR(rain) * self.fuse_weight_BTOR
        to_background = rain * self.conv_fuse_RTOB(background) * self.fuse_weight_RTOB
        moved = to_background - to_rain
        return background + moved, rain - moved


class Decomposition(nn.Module):
    """Improves background and rain: rain by transformer blocks at half the size, both by attention, then coupled.

    Args:
        width: Channels of each branch.
        count: Transformer blocks.
        reduction: Of channels within channel weights.
        bias: Whether the transformer blocks' convolutions have one.
        activation: The one that the whole network shares.
    """

    def __init__(self, width: int, count: int, reduction: int, bias: bool, activation: nn.Module) -> None:
        super().__init__()
        self.down_R = nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False)
        self.act1 = activation
        self.body = nn.Sequential(*(gated_block(width, HEADS, EXPANSION, bias) for _ in range(count)))
        self.lfsfb = Enlarger(width, activation)
        self.CAB_r = AttentionBlock(width, reduction, activation)
        self.CAB_b = AttentionBlock(width, reduction, activation)
        self.CRB = Coupling(width)

    def forward(self, pair: Pair) -> Pair:
        """Background and rain features, (N, C, H, W) each, to the same."""
        background, rain = pair
        half = self.act1(self.down_R(rain))
        rain = self.CAB_r(rain) + self.lfsfb(half, self.body(half))
        return self.CRB(self.CAB_b(background), rain)


class Embedding(nn.Module):
    """The image's features, once for each branch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.shallow_fea_B = Separable(width, width)
        self.shallow_fea_R = Separable(width, width)

    def forward(self, rainy: torch.Tensor) -> Pair:
        """(N, 3, H, W) to two (N, C, H, W)."""
        features = self.proj(rainy)
        return self.shallow_fea_B(features), self.shallow_fea_R(features)


class Resized(nn.Module):
    """Both branches at another size, under the authors' names."""

    def __init__(self, way: str, factor: float, inputs: int, outputs: int) -> None:
        super().__init__()
        for branch in "BR":
            self.add_module(f"{way}_{branch}", resized(factor, inputs, outputs))

    def forward(self, pair: Pair) -> Pair:
        """Two maps to two maps."""
        background, rain = (layers(x) for layers, x in zip(self.children(), pair, strict=True))
        return background, rain


class Heads(nn.Module):
    """The two images, background and rain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recon_B = nn.Conv2d(width, 3, 3, padding=1, bias=False)
        self.recon_R = nn.Conv2d(width, 3, 3, padding=1, bias=False)


class Decomposer(nn.Module):
    """The network under the authors' outer one, which has it as ``model``."""

    def __init__(self, width: int, reduction: int, bias: bool) -> None:
        super().__init__()
        activation = nn.PReLU()

        def step(channels: int, count: int) -> Decomposition:
            return Decomposition(channels, count, reduction, bias, activation)

        self.patch_embed = Embedding(width)
        self.crb_0 = step(width, BLOCKS[0])
        for level in (1, 2):
            inner, factor = width * 2**level, 2**level
            self.add_module(f"down0_{level}", Resized("down", 1 / factor, width, inner))
            self.add_module(f"crb_{level}", step(inner, BLOCKS[level]))
            self.add_module(f"up{level}_0", Resized("up", factor, inner, width))
        self.point_conv_B = nn.Conv2d(3 * width, width, 1)
        self.point_conv_R = nn.Conv2d(3 * width, width, 1)
        self.crb_3 = nn.Sequential(*(step(width, count) for count in BLOCKS_AFTER))
        self.rrb = Heads(width)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) to the background of the same size."""
        embedded = self.patch_embed(rainy)
        scales = [self.crb_0(embedded)]
        for level in (1, 2):
            x = embedded
            for name in (f"down0_{level}", f"crb_{level}", f"up{level}_0"):
                x = self.get_submodule(name)(x)
            scales.append(x)
        # The authors merge the rain's scales with the background's convolution, too.
        background, rain = (self.point_conv_B(torch.cat(maps, 1)) for maps in zip(*scales, strict=True))
        return self.rrb.recon_B(self.crb_3((background, rain))[0])


class MFDNet(nn.Module):
    """Splits an image into background and rain at three sizes at once; gives the background itself, not what to add to
    the image. Defaults are those of the released weights.

    One PReLU is shared by the whole network; files hold it under every place where it is used. ``point_conv_R`` and
    ``recon_R`` are in them and not used for the background.

    Args:
        n_feat: Channels of each branch at full size.
        reduction: Of channels within channel weights.
        bias: Whether the transformer blocks' convolutions have one.
    """

    def __init__(self, n_feat: int = 48, reduction: int = 4, bias: bool = False) -> None:
        super().__init__()
        self.model = Decomposer(n_feat, reduction, bias)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; not clamped."""
        return self.model(rainy)

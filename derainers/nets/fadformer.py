"""FADformer: Gao et al., "Efficient Frequency-Domain Image Deraining with Contrastive Regularization", ECCV 2024."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

Maps = tuple[torch.Tensor, torch.Tensor]


def _reflecting(inputs: int, outputs: int, size: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, padding_mode="reflect")


def _active(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.GELU())


class FourierUnit(nn.Module):
    """A 1x1 convolution of the spectrum, real and imaginary parts as channels (Chi et al., NeurIPS 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * width, 2 * width, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same; float32 at least, as there is no Fourier transform of bfloat16."""
        spectrum = torch.fft.rfft2(x.to(torch.promote_types(x.dtype, torch.float32)), norm="ortho")
        parts = torch.view_as_real(spectrum).permute(0, 1, 4, 2, 3).flatten(1, 2)
        parts = torch.relu(self.bn(self.conv_layer(parts))).to(spectrum.real.dtype)
        pairs = parts.unflatten(1, (-1, 2)).permute(0, 1, 3, 4, 2).contiguous()
        return torch.fft.irfft2(torch.view_as_complex(pairs), s=x.shape[-2:], norm="ortho")


class GlobalMixer(nn.Module):
    """Adds what the spectrum says to two maps, side by side. ``conv_mid`` is in the files and never used."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_init_1 = _active(nn.Conv2d(width, width, 1))
        self.conv_init_2 = _active(nn.Conv2d(width, width, 1))
        self.conv_mid = _active(nn.Conv2d(2 * width, width, 1))
        self.FFC = FourierUnit(2 * width)
        self.bn = nn.BatchNorm2d(2 * width)

    def forward(self, near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
        """Two (N, C, H, W) to (N, 2C, H, W)."""
        both = torch.cat([self.conv_init_1(near), self.conv_init_2(far)], 1)
        return torch.relu(self.bn(self.FFC(both) + both))


class Mixer(nn.Module):
    """Depth-wise convolutions, the spectrum, and weights for the channels (section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.conv_init = _active(nn.Conv2d(width, 2 * width, 1))
        self.dw_conv_1 = _active(_reflecting(width, width, 3, width))
        self.dw_conv_2 = _active(_reflecting(width, width, 5, width))
        self.mixer_gloal = GlobalMixer(width)  # the authors' spelling
        self.ca_conv = _active(nn.Conv2d(2 * width, width, 1), _reflecting(width, width, 3, width))
        self.ca = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, width // 4, 1),
            nn.GELU(),
            nn.Conv2d(width // 4, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same. The second half of what ``conv_init`` gives is not used, so not computed."""
        weight, bias = (self.conv_init[0].get_parameter(name)[: self.width] for name in ("weight", "bias"))
        x = F.gelu(F.conv2d(x, weight, bias))
        x = self.ca_conv(self.mixer_gloal(self.dw_conv_1(x), self.dw_conv_2(x)))
        return x * self.ca(x)


class PriorFeedForward(nn.Module):
    """A feed-forward part whose two halves are masked by what the residue channel says of rain (section 3.3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_init = _active(nn.Conv2d(width, 2 * width, 1))
        self.conv_dw = _active(_reflecting(2 * width, 2 * width, 3, 2 * width))
        self.mask_in = _active(nn.Conv2d(1, width // 2, 1))
        self.mask_dw_conv_1 = nn.Sequential(_reflecting(width // 4, 1, 3), nn.Sigmoid())
        self.mask_dw_conv_2 = nn.Sequential(_reflecting(width // 4, 1, 5), nn.Sigmoid())
        self.mask_out = _active(nn.Conv2d(2, 1, 1))
        self.conv_fina = _active(nn.Conv2d(2 * width, width, 1))  # the authors' spelling

    def forward(self, x: torch.Tensor, residue: torch.Tensor) -> Maps:
        """Features (N, C, H, W) and residue channel (N, 1, H, W) to the same."""
        first, second = self.conv_dw(self.conv_init(x)).chunk(2, dim=1)
        near, far = self.mask_in(residue).chunk(2, dim=1)
        near, far = self.mask_dw_conv_1(near), self.mask_dw_conv_2(far)
        x = self.conv_fina(torch.cat([first * near, second * far], 1))
        return x, self.mask_out(torch.cat([near, far], 1))


class Block(nn.Module):
    """Mixer and feed-forward part, each normalised before and added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.mixer = Mixer(width)
        self.norm2 = nn.BatchNorm2d(width)
        self.ffn = PriorFeedForward(width)

    def forward(self, x: torch.Tensor, residue: torch.Tensor) -> Maps:
        """Features (N, C, H, W) and residue channel (N, 1, H, W) to the same."""
        x = x + self.mixer(self.norm1(x))
        more, residue = self.ffn(self.norm2(x), residue)
        return x + more, residue


class Stage(nn.Module):
    """Blocks in a row, under the authors' name."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))

    def forward(self, x: torch.Tensor, residue: torch.Tensor) -> Maps:
        """Features (N, C, H, W) and residue channel (N, 1, H, W) to the same."""
        for block in self.blocks:
            x, residue = block(x, residue)
        return x, residue


class Projection(nn.Module):
    """Layers in a row, under the authors' name."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.proj = layers[0] if len(layers) == 1 else nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to what the layers make of it."""
        return self.proj(x)


class FADformer(nn.Module):
    """Three levels of blocks that look at the spectrum; the residue channel goes through them beside the features.

    Args:
        embed_dim: Channels of the five stages, two down, one below, two up.
        depth: Blocks in each.
    """

    def __init__(
        self,
        embed_dim: Sequence[int] = (32, 64, 128, 64, 32),
        depth: Sequence[int] = (4, 8, 10, 8, 4),
    ) -> None:
        super().__init__()
        first, second, third, fourth, fifth = embed_dim
        self.patch_embed = Projection(_reflecting(3, first, 3))
        for index, (width, blocks) in enumerate(zip(embed_dim, depth, strict=True), 1):
            self.add_module(f"layer{index}", Stage(width, blocks))
        self.downsample1, self.downsample2 = _halving(first, second), _halving(second, third)
        self.down_rcp1, self.down_rcp2 = _halving_residue(), _halving_residue()
        self.upsample1, self.upsample2 = _doubling(third, fourth), _doubling(fourth, fifth)
        self.up_rcp1, self.up_rcp2 = _doubling(1, 1), _doubling(1, 1)
        self.skip2 = nn.Conv2d(second + fourth, fourth, 1)
        self.skip1 = nn.Conv2d(first + fifth, fifth, 1)
        self.patch_unembed = Projection(_reflecting(fifth, 3, 3), _reflecting(3, 3, 3))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 4 from 12 on; not clamped.

        The residue channel is the span of a pixel's colours: rain is grey, so it hardly shows there.
        """
        residue = rainy.amax(1, keepdim=True) - rainy.amin(1, keepdim=True)
        first, residue = self._stage(1, self.patch_embed(rainy), residue)
        second, residue = self._stage(2, self.downsample1(first), self.down_rcp1(residue))
        x, residue = self._stage(3, self.downsample2(second), self.down_rcp2(residue))
        x = self.skip2(torch.cat([self.upsample1(x), second], 1))
        x, residue = self._stage(4, x, self.up_rcp1(residue))
        x = self.skip1(torch.cat([self.upsample2(x), first], 1))
        x, _ = self._stage(5, x, self.up_rcp2(residue))
        return self.patch_unembed(x) + rainy

    def _stage(self, index: int, x: torch.Tensor, residue: torch.Tensor) -> Maps:
        return self.get_submodule(f"layer{index}")(x, residue)


def _halving(width: int, outputs: int) -> Projection:
    return Projection(nn.Conv2d(width, outputs // 4, 3, padding=1, bias=False), nn.PixelUnshuffle(2))


def _halving_residue() -> Projection:
    return Projection(nn.PixelUnshuffle(2), nn.Conv2d(4, 1, 3, padding=1, bias=False))


def _doubling(width: int, outputs: int) -> Projection:
    return Projection(_reflecting(width, 4 * outputs, 3), nn.PixelShuffle(2))

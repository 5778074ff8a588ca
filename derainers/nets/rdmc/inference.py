"""RDMC with less arithmetic, and with bfloat16 where it does no harm.

On a CPU a map is convolved before its size is doubled, not after. Interpolation acts on positions and each tap of a
convolution on channels, so they commute. A 3x3 convolution of a doubled map is nine 1x1 convolutions of the map as it
is, whose results are interpolated, shifted and summed: a quarter of the multiply-adds. The shifts are part of the
matrices that interpolate, with zeros around the doubled map.

In bfloat16 the encoders' first levels stay in float32: they see the images, whose 256 levels bfloat16 does not hold
apart.
"""

from __future__ import annotations

import copy
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from derainers.nets.rdmc.network import RDMC, Decoder, Encoder, LinkUp, Unit
from derainers.nets.rdmc.upsampling import Block, banded, matrices

TAPS = 3
"""Of a convolution, along one side."""

NARROW = 48
"""Convolutions with fewer outputs stay as they are: interpolating what they give costs as much as it saves."""

Mix = tuple[float, float]
"""Weights of bilinear and bicubic interpolation."""

BILINEAR: Mix = (1.0, 0.0)


def lightened(network: RDMC, dtype: torch.dtype) -> RDMC:
    """A copy that computes the same, to rounding, and can't be trained.

    Args:
        network: In evaluation mode.
        dtype: What the convolutions compute in: ``float32``, or ``bfloat16`` to be run under autocast.
    """
    copied = copy.deepcopy(network)
    if network.last.weight.device.type == "cpu":
        for index, decoder in enumerate(copied.decoders):
            assert isinstance(decoder, Decoder)
            if _pays(decoder):
                copied.decoders[index] = LightDecoder(decoder, dtype)
        for name, link in copied.links.items():
            if isinstance(link, LinkUp) and link.scale == 2 and _pays(link.unit):
                copied.links[name] = LightLinkUp(link, dtype)
    if dtype != torch.float32:
        # Autocast would round the weights anew in every pass.
        for part in copied.modules():
            if isinstance(part, nn.Conv2d):
                part.to(dtype)
        for encoder, exact in zip(copied.encoders, network.encoders, strict=True):
            assert isinstance(encoder, Encoder)
            assert isinstance(exact, Encoder)
            encoder.levels[0] = Exact(copy.deepcopy(exact.levels[0]), dtype)
    return copied


class Exact(nn.Module):
    """A part that computes in float32, also under autocast, and gives what comes after it another type."""

    def __init__(self, part: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.part = part
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        with torch.autocast(x.device.type, enabled=False):
            return self.part(x.float()).to(self.dtype)


def _pays(unit: Unit) -> bool:
    return unit.conv1.out_channels >= NARROW


class LightUnit(nn.Module):
    """A `Unit` from its first normalisation on; what comes before is done in another way."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        self.norm1, self.conv2, self.norm2 = unit.norm1, unit.conv2, unit.norm2

    def finish(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        x = F.relu(self.norm1(x), inplace=True)
        return F.relu(self.norm2(self.conv2(x)), inplace=True)


class LightDecoder(LightUnit):
    """A `Decoder` that does not make the doubled map."""

    def __init__(self, decoder: Decoder, dtype: torch.dtype) -> None:
        super().__init__(decoder)
        weight = decoder.conv1.weight.detach()
        self.across = nn.Conv2d(decoder.across, len(weight), TAPS, padding=1)
        self.across.weight = nn.Parameter(weight[:, : decoder.across].contiguous())
        self.across.bias = decoder.conv1.bias
        self.below = ConvolvedDouble(weight[:, decoder.across :], dtype)

    def forward(self, maps: tuple[Tensor, ...], below: Tensor, mix: Tensor) -> Tensor:
        """As `Decoder.forward`."""
        bilinear, bicubic = mix.tolist()
        return self.finish(self.across(torch.cat(maps, 1)) + self.below(below, (bilinear, bicubic)))


class LightLinkUp(LightUnit):
    """A `LinkUp` that does not make the doubled map."""

    def __init__(self, link: LinkUp, dtype: torch.dtype) -> None:
        super().__init__(link.unit)
        conv = link.unit.conv1
        assert conv.bias is not None
        self.conv1 = ConvolvedDouble(conv.weight.detach(), dtype)
        self.bias = nn.Parameter(conv.bias.detach().to(dtype)[:, None, None], requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """As `LinkUp.forward`."""
        return self.finish(self.conv1(x, BILINEAR) + self.bias)


class ConvolvedDouble(nn.Module):
    """``conv2d(upsample(x, mix), weight, padding=1)`` without the doubled map.

    Args:
        weight: (outputs, inputs, 3, 3), of the convolution.
        dtype: What it computes in.
    """

    def __init__(self, weight: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        outputs, inputs = weight.shape[:2]
        # A matrix for each row of the kernel; what its three columns give lies side by side.
        taps = weight.permute(2, 1, 3, 0).reshape(TAPS, inputs, TAPS * outputs)
        self.taps = nn.Parameter(taps.to(dtype).contiguous(), requires_grad=False)

    def forward(self, x: Tensor, mix: Mix) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        count, inputs, height, width = x.shape
        dtype = self.taps.dtype
        pixels = x.permute(0, 2, 3, 1).reshape(-1, inputs).to(dtype)
        tapped = [(pixels @ matrix).view(count, height, -1) for matrix in self.taps]
        columns = _along_columns(width, mix, dtype)
        bands = []
        for low, high, rows in _along_rows(height, mix, dtype):
            # Each line of the result once for every mode, its three taps summed.
            first, *others = (row.expand(count, -1, -1) for row in rows)
            lines = torch.bmm(first, tapped[0][:, low:high])
            for row, source in zip(others, tapped[1:], strict=True):
                lines.baddbmm_(row, source[:, low:high])
            modes = len(columns[0][2])
            lines = lines.view(-1, modes, width * TAPS, self.taps.shape[2] // TAPS)
            bands.append(_sum_columns(lines, columns).view(count, -1, 2 * width, lines.shape[3]))
        return (bands[0] if len(bands) == 1 else torch.cat(bands, 1)).permute(0, 3, 1, 2)


def _sum_columns(lines: Tensor, columns: tuple[Block, ...]) -> Tensor:
    """(lines, modes, W * 3, outputs) to (lines, 2W, outputs)."""
    parts = []
    for low, high, columns_ in columns:
        first, *others = (column.expand(len(lines), -1, -1) for column in columns_)
        part = torch.bmm(first, lines[:, 0, TAPS * low : TAPS * high])
        for mode, column in enumerate(others, 1):
            part.baddbmm_(column, lines[:, mode, TAPS * low : TAPS * high])
        parts.append(part)
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


@lru_cache(maxsize=256)
def _along_rows(size: int, mix: Mix, dtype: torch.dtype) -> tuple[Block, ...]:
    """Blocks of (3, lines * modes, source lines)."""
    return tuple(
        (low, high, part.permute(2, 0, 1, 3).flatten(1, 2).to(dtype).contiguous())
        for low, high, part in banded(_shifted(size, mix))
    )


@lru_cache(maxsize=256)
def _along_columns(size: int, mix: Mix, dtype: torch.dtype) -> tuple[Block, ...]:
    """Blocks of (modes, lines, source lines * 3), the modes weighted by the mix."""
    weights = torch.tensor([weight for weight in mix if weight])[:, None, None]
    return tuple(
        (low, high, (weights * part.permute(1, 0, 3, 2).flatten(2)).to(dtype).contiguous())
        for low, high, part in banded(_shifted(size, mix))
    )


def _shifted(size: int, mix: Mix) -> Tensor:
    """What each tap of a convolution sees of a doubled line: (2 size, modes with a weight, 3, size)."""
    doubled = matrices(size)[:, [weight != 0 for weight in mix]]
    padded = F.pad(doubled, (0, 0, 0, 0, 1, 1))
    return torch.stack([padded[tap : tap + 2 * size] for tap in range(TAPS)], 2)

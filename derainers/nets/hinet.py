"""HINet: Chen et al., "HINet: Half Instance Normalization Network for Image Restoration", CVPR Workshops
2021."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def _conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ConvBlock(nn.Module):
    """Two convolutions and a 1x1 shortcut; half of the channels between them may be instance-normalised.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        slope: Of the leaky ReLUs.
        down: Whether a strided convolution to the next level follows.
        fused: Whether features of the stage before are added.
        half_norm: Whether the first half of the channels is instance-normalised.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        slope: float,
        down: bool = False,
        fused: bool = False,
        half_norm: bool = False,
    ) -> None:
        super().__init__()
        self.slope = slope
        self.identity = nn.Conv2d(inputs, outputs, 1)
        self.conv_1 = _conv3x3(inputs, outputs)
        self.conv_2 = _conv3x3(outputs, outputs)
        if down and fused:
            self.csff_enc = _conv3x3(outputs, outputs)
            self.csff_dec = _conv3x3(outputs, outputs)
        self.norm = nn.InstanceNorm2d(outputs // 2, affine=True) if half_norm else None
        self.downsample = nn.Conv2d(outputs, outputs, 4, stride=2, padding=1, bias=False) if down else None

    def forward(
        self, x: torch.Tensor, encoded: torch.Tensor | None = None, decoded: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, H, W), before the strided convolution."""
        new = self.conv_1(x)
        if self.norm is not None:
            first, second = new.chunk(2, dim=1)
            new = torch.cat([self.norm(first), second], 1)
        new = F.leaky_relu_(self.conv_2(F.leaky_relu_(new, self.slope)), self.slope) + self.identity(x)
        if encoded is not None and decoded is not None:
            new = new + self.csff_enc(encoded) + self.csff_dec(decoded)
        return new


class UpBlock(nn.Module):
    """A transposed convolution to twice the size, joined with the encoder's features."""

    def __init__(self, inputs: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.conv_block = ConvBlock(inputs, outputs, slope)

    def forward(self, x: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) and (N, outputs, 2H, 2W) to (N, outputs, 2H, 2W)."""
        return self.conv_block(torch.cat([self.up(x), skipped], 1))


class SupervisedAttention(nn.Module):
    """Features for the second stage, gated by the first stage's image (MPRNet's SAM, with 3x3
    convolutions)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(width, width)
        self.conv2 = _conv3x3(width, 3)
        self.conv3 = _conv3x3(3, width)

    def forward(self, x: torch.Tensor, rainy: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) features and (N, 3, H, W) to features."""
        restored = self.conv2(x) + rainy
        return self.conv1(x) * torch.sigmoid(self.conv3(restored)) + x


class HINet(nn.Module):
    """Two U-Nets in a row; the second sees the features of the first.

    Args:
        in_chn: Channels of the input.
        wf: Channels at full size; they double at every level.
        depth: Levels.
        relu_slope: Of the leaky ReLUs.
        hin_position_left: First level with half instance normalisation.
        hin_position_right: Last level with it.
    """

    def __init__(
        self,
        in_chn: int = 3,
        wf: int = 64,
        depth: int = 5,
        relu_slope: float = 0.2,
        hin_position_left: int = 0,
        hin_position_right: int = 4,
    ) -> None:
        super().__init__()
        widths = [wf * 2**level for level in range(depth)]
        for stage in (1, 2):
            down, up, skip = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
            for level, width in enumerate(widths):
                lower = level + 1 < depth
                half_norm = hin_position_left <= level <= hin_position_right
                inputs = widths[max(0, level - 1)]
                down.append(ConvBlock(inputs, width, relu_slope, lower, stage == 2, half_norm))
            for level in reversed(range(depth - 1)):
                up.append(UpBlock(widths[level + 1], widths[level], relu_slope))
                skip.append(_conv3x3(widths[level], widths[level]))
            self.add_module(f"down_path_{stage}", down)
            self.add_module(f"up_path_{stage}", up)
            self.add_module(f"skip_conv_{stage}", skip)
            self.add_module(f"conv_0{stage}", _conv3x3(in_chn, wf))
        self.sam12 = SupervisedAttention(wf)
        self.cat12 = nn.Conv2d(2 * wf, wf, 1)
        self.last = _conv3x3(wf, in_chn)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 2^(depth - 1); the last stage's image, not
        clamped."""
        x, encoded, decoded = self._stage(1, self.get_submodule("conv_01")(rainy))
        seen = self.sam12(x, rainy)
        x = self.cat12(torch.cat([self.get_submodule("conv_02")(rainy), seen], 1))
        x, _, _ = self._stage(2, x, encoded, decoded[::-1])
        return self.last(x) + rainy

    def _stage(
        self,
        stage: int,
        x: torch.Tensor,
        encoded: list[torch.Tensor] | None = None,
        decoded: list[torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
        """Run one U-Net; returns its features, and those of its encoder (from full size) and decoder (from
        the lowest)."""
        kept: list[torch.Tensor] = []
        made: list[torch.Tensor] = []
        for level, block in enumerate(self.get_submodule(f"down_path_{stage}").children()):
            if block.downsample is None:
                x = block(x)
            elif encoded is None or decoded is None:
                kept.append(block(x))
                x = block.downsample(kept[-1])  # type: ignore[operator]
            else:
                kept.append(block(x, encoded[level], decoded[level]))
                x = block.downsample(kept[-1])  # type: ignore[operator]
        ups = self.get_submodule(f"up_path_{stage}").children()
        skips = self.get_submodule(f"skip_conv_{stage}").children()
        for level, (up, skip) in enumerate(zip(ups, skips, strict=True)):
            x = up(x, skip(kept[-level - 1]))
            made.append(x)
        return x, kept, made

"""MPRNet: Zamir et al., "Multi-Stage Progressive Image Restoration", CVPR 2021."""

from __future__ import annotations

import torch
from torch import nn

from derainers.nets.blocks.layers import ChannelWeights, Named, resized

Maps = list[torch.Tensor]


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)


class AttentionBlock(nn.Module):
    """Convolution, PReLU, convolution and channel attention, added to the input (the paper's CAB)."""

    def __init__(self, width: int, kernel: int, reduction: int, activation: nn.Module) -> None:
        super().__init__()
        self.CA = ChannelWeights(width, reduction)
        self.body = nn.Sequential(_conv(width, width, kernel), activation, _conv(width, width, kernel))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return self.CA(self.body(x)) + x


class _Blocks:
    """Makes attention blocks of one kernel and reduction, which all share one PReLU."""

    def __init__(self, kernel: int, reduction: int) -> None:
        self.kernel, self.reduction = kernel, reduction
        self.activation = nn.PReLU()

    def one(self, width: int) -> AttentionBlock:
        return AttentionBlock(width, self.kernel, self.reduction, self.activation)

    def several(self, width: int, count: int) -> nn.Sequential:
        return nn.Sequential(*(self.one(width) for _ in range(count)))


class Encoder(nn.Module):
    """Three levels; in stage 2 with the features of stage 1 added at each (cross-stage fusion)."""

    def __init__(self, widths: tuple[int, int, int], blocks: _Blocks, fused: bool) -> None:
        super().__init__()
        for index, width in enumerate(widths, start=1):
            self.add_module(f"encoder_level{index}", blocks.several(width, 2))
            if fused:
                self.add_module(f"csff_enc{index}", _conv(width, width, 1))
                self.add_module(f"csff_dec{index}", _conv(width, width, 1))
        self.down12 = _scaled("down", 0.5, widths[0], widths[1])
        self.down23 = _scaled("down", 0.5, widths[1], widths[2])

    def forward(self, x: torch.Tensor, earlier: tuple[Maps, Maps] | None = None) -> Maps:
        """Features at full, half and quarter size; ``earlier`` has those of the last stage's encoder and
        decoder."""
        maps: Maps = []
        for index in range(3):
            if index:
                x = self.get_submodule(f"down{index}{index + 1}")(x)
            x = self.get_submodule(f"encoder_level{index + 1}")(x)
            if earlier is not None:
                x = x + self.get_submodule(f"csff_enc{index + 1}")(earlier[0][index])
                x = x + self.get_submodule(f"csff_dec{index + 1}")(earlier[1][index])
            maps.append(x)
        return maps


class Decoder(nn.Module):
    """Back to full size, each level with the encoder's features through an attention block."""

    def __init__(self, widths: tuple[int, int, int], blocks: _Blocks) -> None:
        super().__init__()
        for index, width in enumerate(widths, start=1):
            self.add_module(f"decoder_level{index}", blocks.several(width, 2))
        self.skip_attn1 = blocks.one(widths[0])
        self.skip_attn2 = blocks.one(widths[1])
        self.up21 = _scaled("up", 2, widths[1], widths[0])
        self.up32 = _scaled("up", 2, widths[2], widths[1])

    def forward(self, encoded: Maps) -> Maps:
        """Features at full, half and quarter size."""
        third = self.get_submodule("decoder_level3")(encoded[2])
        second = self.get_submodule("decoder_level2")(self.up32(third) + self.skip_attn2(encoded[1]))
        first = self.get_submodule("decoder_level1")(self.up21(second) + self.skip_attn1(encoded[0]))
        return [first, second, third]


class SupervisedAttention(nn.Module):
    """Makes a stage's image, and features for the next stage that this image gates (the paper's SAM)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width, 1)
        self.conv2 = _conv(width, 3, 1)
        self.conv3 = _conv(3, width, 1)

    def forward(self, x: torch.Tensor, rainy: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) features and (N, 3, H, W) to features."""
        restored = self.conv2(x) + rainy
        return self.conv1(x) * torch.sigmoid(self.conv3(restored)) + x


class ResolutionBlock(nn.Module):
    """Attention blocks and a convolution, added to the input (the paper's ORB)."""

    def __init__(self, width: int, blocks: _Blocks, count: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*blocks.several(width, count), _conv(width, width, blocks.kernel))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return self.body(x) + x


class FullResolution(nn.Module):
    """The last stage: stays at full size and takes in stage 2's features, brought up to it (the paper's
    ORSNet)."""

    def __init__(self, widths: tuple[int, int, int], extra: int, blocks: _Blocks, count: int) -> None:
        super().__init__()
        for index in range(1, 4):
            self.add_module(f"orb{index}", ResolutionBlock(widths[0] + extra, blocks, count))
            for side in ("enc", "dec"):
                self.add_module(f"conv_{side}{index}", _conv(widths[0], widths[0] + extra, 1))
        for side in ("enc", "dec"):
            self.add_module(f"up_{side}1", _scaled("up", 2, widths[1], widths[0]))
            two = nn.Sequential(
                _scaled("up", 2, widths[2], widths[1]), _scaled("up", 2, widths[1], widths[0])
            )
            self.add_module(f"up_{side}2", two)

    def forward(self, x: torch.Tensor, encoded: Maps, decoded: Maps) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        for index in range(3):
            x = self.get_submodule(f"orb{index + 1}")(x)
            for side, maps in (("enc", encoded), ("dec", decoded)):
                raised = self.get_submodule(f"up_{side}{index}")(maps[index]) if index else maps[0]
                x = x + self.get_submodule(f"conv_{side}{index + 1}")(raised)
        return x


class MPRNet(nn.Module):
    """Three stages: on quarters of the image, on halves, and on the whole; defaults are those for deraining.

    Args:
        n_feat: Channels at full size.
        scale_unetfeats: Channels that each lower level of the encoders has more.
        scale_orsnetfeats: Channels that the last stage has more.
        num_cab: Attention blocks in each block of the last stage.
        kernel_size: Of the convolutions.
        reduction: Of channels within channel attention.
    """

    def __init__(
        self,
        n_feat: int = 40,
        scale_unetfeats: int = 20,
        scale_orsnetfeats: int = 16,
        num_cab: int = 8,
        kernel_size: int = 3,
        reduction: int = 4,
    ) -> None:
        super().__init__()
        blocks = _Blocks(kernel_size, reduction)
        widths = (n_feat, n_feat + scale_unetfeats, n_feat + 2 * scale_unetfeats)
        for stage in (1, 2, 3):
            shallow = nn.Sequential(_conv(3, n_feat, kernel_size), blocks.one(n_feat))
            self.add_module(f"shallow_feat{stage}", shallow)
        self.stage1_encoder = Encoder(widths, blocks, fused=False)
        self.stage1_decoder = Decoder(widths, blocks)
        self.stage2_encoder = Encoder(widths, blocks, fused=True)
        self.stage2_decoder = Decoder(widths, blocks)
        self.stage3_orsnet = FullResolution(widths, scale_orsnetfeats, blocks, num_cab)
        self.sam12 = SupervisedAttention(n_feat)
        self.sam23 = SupervisedAttention(n_feat)
        self.concat12 = _conv(2 * n_feat, n_feat, kernel_size)
        self.concat23 = _conv(2 * n_feat, n_feat + scale_orsnetfeats, kernel_size)
        self.tail = _conv(n_feat + scale_orsnetfeats, 3, kernel_size)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 8; the last stage's image, not clamped."""
        halves = rainy.chunk(2, dim=2)
        encoded = []
        for half in halves:
            first: list[Maps] = []
            decoded_half = self._first_stage(half, first)
            seen = self.sam12(decoded_half[0], half)
            x = self.concat12(torch.cat([self.get_submodule("shallow_feat2")(half), seen], 1))
            encoded.append(self.stage2_encoder(x, (first[0], decoded_half)))
        joined = [torch.cat(parts, 2) for parts in zip(*encoded, strict=True)]
        decoded = self.stage2_decoder(joined)
        seen = self.sam23(decoded[0], rainy)
        x = self.concat23(torch.cat([self.get_submodule("shallow_feat3")(rainy), seen], 1))
        return self.tail(self.stage3_orsnet(x, joined, decoded)) + rainy

    def _first_stage(self, half: torch.Tensor, encoded: list[Maps]) -> Maps:
        """Encode the two quarters of a half on their own and decode them together; appends the joined
        encoding."""
        shallow = self.get_submodule("shallow_feat1")
        quarters = [self.stage1_encoder(shallow(quarter)) for quarter in half.chunk(2, dim=3)]
        encoded.append([torch.cat(parts, 3) for parts in zip(*quarters, strict=True)])
        return self.stage1_decoder(encoded[0])


def _scaled(name: str, factor: float, inputs: int, outputs: int) -> Named:
    return Named(name, *resized(factor, inputs, outputs))

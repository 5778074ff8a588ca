"""NeRD-Rain: Chen et al., "Bidirectional Multi-Scale Implicit Neural Representations for Image Deraining", CVPR
2024."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from derainers.nets.blocks.layers import Named
from derainers.nets.blocks.transformer import PatchEmbedding, Resample, gated_block

#: Frequencies of the position encoding of two coordinates: each coordinate, and a sine and a cosine per frequency.
FREQUENCIES = 4
POSITION = 2 * (1 + 2 * FREQUENCIES)
#: Height and width of a pixel in coordinates from -1 to 1, times the number of pixels; given to the perceptron.
CELL = 2.0
#: The passes through an encoder and a decoder, and the authors' suffixes: of blocks, and of what changes the size.
PASSES = {"small": "small", "mid1": "mid", "mid2": "mid2", "max1": "max", "max2": "max2", "max3": "max3"}

Maps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Perceptron(nn.Module):
    """An image from features, pixel by pixel, by what surrounds each: the paper's implicit neural representation.

    It is given 3x3 features, the encoded distance between the pixel that is asked for and the nearest one of the
    features, and the size of a pixel. As both have the same grid here, the distance is 0 and the size a constant, which
    leaves a 3x3 convolution and 1x1 ones.

    Args:
        width: Channels of the features.
        hidden: Units of the hidden layers.
    """

    def __init__(self, width: int, hidden: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((9 * width + POSITION + 2, *hidden), (*hidden, 3), strict=True):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.imnet = Named("layers", *layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, 3, H, W)."""
        first, *others = (layer for layer in self.imnet.modules() if isinstance(layer, nn.Linear))
        around = first.weight[:, : 9 * x.shape[1]].unflatten(1, (-1, 3, 3))
        constant = first.bias + CELL * first.weight[:, -2:].sum(1)
        x = F.conv2d(x, around, constant, padding=1)
        for layer in others:
            x = F.conv2d(F.relu(x), layer.weight[:, :, None, None], layer.bias)
        return x


class Fusion(nn.Module):
    """Merges two maps, each weighed as it is and where the other agrees with it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query_conv = nn.Conv2d(width, width, 3, padding=1)
        self.key_conv = nn.Conv2d(width, width, 3, padding=1)
        self.gamma1 = nn.Conv2d(2 * width, 2, 3, padding=1)
        self.gamma2 = nn.Conv2d(2 * width, 2, 3, padding=1)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Two (N, C, H, W) to one."""
        agreement = torch.sigmoid(self.query_conv(first) * self.key_conv(second))
        total = torch.zeros_like(first)
        for x, weigh in ((first, self.gamma1), (second, self.gamma2)):
            agreed = x * agreement
            plain_share, agreed_share = weigh(torch.cat([x, agreed], 1)).chunk(2, 1)
            total = total + x * plain_share + agreed * agreed_share
        return total


class NeRDRain(nn.Module):
    """Small encoders and decoders at quarter, half and full size, one, two and three in a row. Coarse images are made
    first and added to the finer inputs; then features go from fine to coarse, and back. Defaults are those of the
    released weights.

    The released test script cuts an image into squares of 256 pixels, which the card asks for.

    ``reduce_chan_level1_max3`` is in the files and not used: the third decoder at full size has that of the second.
    ``output_mid`` and ``output_small`` give images that serve the training loss.

    Args:
        dim: Channels at the full size of each scale.
        num_blocks: Transformer blocks of the three levels.
        heads: Their attention heads.
        ffn_expansion_factor: Hidden channels of the feed-forward part over ``dim``.
        bias: Whether the transformer blocks' convolutions have one.
        LayerNorm_type: ``WithBias`` or ``BiasFree``.
        inr_hidden: Units of the hidden layers that make coarse images.
    """

    def __init__(
        self,
        dim: int = 48,
        num_blocks: Sequence[int] = (2, 3, 3),
        heads: Sequence[int] = (1, 2, 4),
        ffn_expansion_factor: float = 2.66,
        bias: bool = False,
        LayerNorm_type: str = "WithBias",
        inr_hidden: Sequence[int] = (256, 256, 256),
    ) -> None:
        super().__init__()

        def level(index: int) -> nn.Sequential:
            width = dim * 2**index
            blocks = []
            for _ in range(num_blocks[index]):
                block = gated_block(
                    width, heads[index], ffn_expansion_factor, bias, LayerNorm_type != "BiasFree"
                )
                # The authors' depth-wise convolutions lie one level deeper in the files.
                for name in ("attn.qkv_dwconv", "ffn.dwconv"):
                    block.set_submodule(name, Named("main", block.get_submodule(name)))
                blocks.append(block)
            return nn.Sequential(*blocks)

        for name, size in PASSES.items():
            self.add_module(f"encoder_level1_{name}", level(0))
            self.add_module(f"encoder_level2_{name}", level(1))
            self.add_module(f"latent_{name}", level(2))
            self.add_module(f"decoder_level2_{name}", level(1))
            self.add_module(f"decoder_level1_{name}", level(0))
            self.add_module(f"reduce_chan_level1_{name}", nn.Conv2d(2 * dim, dim, 1, bias=bias))
            self.add_module(f"reduce_chan_level2_{name}", nn.Conv2d(4 * dim, 2 * dim, 1, bias=bias))
            self.add_module(f"down1_2_{size}", Resample(dim, up=False))
            self.add_module(f"down2_3_{size}", Resample(2 * dim, up=False))
            self.add_module(f"up3_2_{size}", Resample(4 * dim, up=True))
            self.add_module(f"up2_1_{size}", Resample(2 * dim, up=True))
        for scale in ("small", "mid", "max"):
            self.add_module(f"patch_embed_{scale}", PatchEmbedding(3, dim))
            self.add_module(f"output_{scale}", nn.Conv2d(dim, 3, 3, padding=1, bias=bias))
        for way in ("small2mid", "mid2max"):
            self.add_module(f"up{way}1", Resample(4 * dim, up=True))
            self.add_module(f"up{way}2", Resample(2 * dim, up=True))
        for context in ("mid_context", "max_context1", "max_context2"):
            self.add_module(f"output_{context}", nn.Conv2d(dim, dim, 3, padding=1, bias=False))
        self.INR = Perceptron(dim, inr_hidden)
        self.INR2 = Perceptron(dim, inr_hidden)
        self.BF1, self.BF2, self.BF3 = (Fusion(4 * dim) for _ in range(3))

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        """Restore (N, 3, H, W) in [0, 1], H and W multiples of 16; not clamped."""
        half = rainy[:, :, ::2, ::2]
        quarter = half[:, :, ::2, ::2]
        small = self._encode("small", self._part("patch_embed_small", quarter))
        half = half + _doubled(self._coarse("small2mid", self.INR, small[2]) + quarter)
        middle = self._encode("mid1", self._part("patch_embed_mid", half))
        full = rainy + _doubled(self._coarse("mid2max", self.INR2, middle[2]) + half)

        first = self._encode("max1", self._part("patch_embed_max", full))
        x = self._part("output_max_context1", self._decode("max1", first))
        second = self._encode("max2", x)
        x = self._part("output_max_context2", self._decode("max2", second))
        third = self._encode("max3", x)

        merged = middle[2] + _halved(self.BF1(first[2], second[2]))
        x = self._part("output_mid_context", self._decode("mid1", (*middle[:2], merged)))
        again = self._encode("mid2", x)
        merged = small[2] + _halved(self.BF3(middle[2], again[2]))
        features = self._decode("small", (*small[:2], merged))
        merged = again[2] + _halved(self.BF2(second[2], third[2]))
        features = self._decode("mid2", (*again[:2], merged)) + _doubled(features)
        features = self._decode("max3", third, reduced="max2") + _doubled(features)
        return self._part("output_max", features) + rainy

    def _part(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return self.get_submodule(name)(x)

    def _encode(self, name: str, x: torch.Tensor) -> Maps:
        """(N, C, H, W) to features of three levels: (N, C, H, W), (N, 2C, H/2, W/2) and (N, 4C, H/4, W/4)."""
        size = PASSES[name]
        first = self._part(f"encoder_level1_{name}", x)
        second = self._part(f"encoder_level2_{name}", self._part(f"down1_2_{size}", first))
        return first, second, self._part(f"latent_{name}", self._part(f"down2_3_{size}", second))

    def _decode(self, name: str, maps: Maps, reduced: str | None = None) -> torch.Tensor:
        """Undo :meth:`_encode`; ``reduced`` names the pass whose convolution merges level 1, where it is another's."""
        size = PASSES[name]
        first, second, x = maps
        x = torch.cat([self._part(f"up3_2_{size}", x), second], 1)
        x = self._part(f"decoder_level2_{name}", self._part(f"reduce_chan_level2_{name}", x))
        x = torch.cat([self._part(f"up2_1_{size}", x), first], 1)
        return self._part(f"decoder_level1_{name}", self._part(f"reduce_chan_level1_{reduced or name}", x))

    def _coarse(self, way: str, perceptron: nn.Module, latent: torch.Tensor) -> torch.Tensor:
        """The change of an image that features of a quarter of its size speak for."""
        return perceptron(self._part(f"up{way}2", self._part(f"up{way}1", latent)))


def _halved(x: torch.Tensor) -> torch.Tensor:
    return x[:, :, ::2, ::2]


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")

"""The RDMC network: three dilated encoders, one decoder, recruitment between levels, applied recursively.

Jiang, Liu, Yang, Zhang, Fan: "Contrastive Learning Based Recursive Dynamic Multi-Scale Network for Image
Deraining", arXiv 2305.18092, 2023. The layer sizes are those of the code that the authors released with the
successor (Pattern Recognition 158, 111004, 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from derainers.nets.rdmc.gates import DynamicGates, GateKind, StaticGates
from derainers.nets.rdmc.upsampling import upsample

Norm = Literal["bn", "none"]
Recruitment = Literal["all", "none"] | Iterable[str]

DILATIONS = (1, 2, 3)
"""Dilation of the second convolution of every unit, one entry per encoder branch."""

LINKS_DOWN = ("down0", "down1", "down2", "down3")
"""Finer to coarser; the number is the source: 0 the network's input, 1 to 3 the encoder levels from the
finest."""

LINKS_UP = ("up1", "up2", "up3", "up4")
"""Coarser to finer; the number is the source's encoder level. ``up1`` is added to the output image."""

LINKS = LINKS_DOWN + LINKS_UP

MULTIPLE = 16
"""Height and width of the input must be multiples of this (four 2x2 poolings)."""


def _norm(kind: Norm, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if kind == "bn" else nn.Identity()


class Unit(nn.Module):
    """Two 3x3 convolutions, each followed by normalisation and ReLU; the second one dilated.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        dilation: Of the second convolution.
        norm: ``bn`` or ``none``.
        second_bias: Whether the second convolution has a bias even where a normalisation follows.
    """

    def __init__(self, inputs: int, outputs: int, dilation: int, norm: Norm, second_bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = _norm(norm, outputs)
        bias = second_bias or norm == "none"
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=dilation, dilation=dilation, bias=bias)
        self.norm2 = _norm(norm, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        x = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(x)), inplace=True)


class LinkDown(nn.Module):
    """A recruitment link to the next coarser level: (strided) convolution, normalisation, LeakyReLU(0.2)."""

    def __init__(self, inputs: int, outputs: int, norm: Norm, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1 if stride == 1 else 3, stride=stride)
        self.norm = _norm(norm, outputs)

    @property
    def final(self) -> nn.Conv2d:
        """The last convolution."""
        return self.conv

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        if self.conv.kernel_size != (1, 1):
            # Reflection, where it is seen: sides are even, so the last position of a stride of 2 ends inside the map.
            # Not `F.pad`: under autocast it makes float32 of the whole map.
            x = torch.cat((x[:, :, 1:2], x), 2)
            x = torch.cat((x[..., 1:2], x), 3)
        return F.leaky_relu(self.norm(self.conv(x)), 0.2)


class LinkUp(nn.Module):
    """A recruitment link to the next finer level: bilinear doubling (or none), then a unit."""

    def __init__(self, inputs: int, outputs: int, norm: Norm, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.unit = Unit(inputs, outputs, 1, norm, second_bias=True)

    @property
    def final(self) -> nn.Conv2d:
        """The last convolution."""
        return self.unit.conv2

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=True)
        return self.unit(x)


class Decoder(Unit):
    """A unit on the encoders' maps of one level beside the doubled map of the level below.

    Args:
        across: Channels of the encoders' maps together.
        below: Channels of the map below.
        outputs: Channels out.
        norm: ``bn`` or ``none``.
    """

    def __init__(self, across: int, below: int, outputs: int, norm: Norm) -> None:
        super().__init__(across + below, outputs, 1, norm, second_bias=True)
        self.across = across

    def forward(self, maps: tuple[Tensor, ...], below: Tensor, mix: Tensor) -> Tensor:  # type: ignore[override]
        """Maps of one size and a map of half of it to a map of that size; ``mix`` as in `upsample`."""
        return super().forward(torch.cat((*maps, upsample(below, mix)), 1))


class Encoder(nn.Module):
    """One branch: five levels of one unit each, a 2x2 max-pool between levels, all with the same dilation."""

    def __init__(self, widths: tuple[int, ...], dilation: int, norm: Norm) -> None:
        super().__init__()
        inputs = (6, *widths[:-1])
        self.levels = nn.ModuleList(
            Unit(i, o, dilation, norm, second_bias=False) for i, o in zip(inputs, widths, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """The levels' maps, finest first."""
        maps = [self.levels[0](x)]
        for level in self.levels[1:]:
            maps.append(level(F.max_pool2d(maps[-1], 2)))
        return maps


class RDMC(nn.Module):
    """Restores a rainy image by the same network applied several times, each time seeing rainy and last
    estimate.

    Args:
        width: Channels of each branch at the finest level; the paper's network has 32.
        recursions: How often the network is applied.
        recruitment: Active links: ``all``, ``none`` or names from `LINKS`.
        norm: ``bn`` as released; ``none`` for biased convolutions without normalisation, which suits the
            shared weights better: the statistics differ from one recursion to the next.
        dilations: One encoder branch for each entry.
        gates: ``static``: a learnt number for each link, as released; ``dynamic``: a function of the image for each
            channel of a link, see `derainers.nets.rdmc.gates`.

    Input and output: float NCHW, RGB in [0, 1], height and width multiples of 16. The output is not clamped.

    Raises:
        ValueError: An unknown link, normalisation or kind of gates.
    """

    def __init__(
        self,
        width: int = 32,
        recursions: int = 3,
        recruitment: Recruitment = "all",
        norm: Norm = "bn",
        dilations: Iterable[int] = DILATIONS,
        gates: GateKind = "static",
    ) -> None:
        super().__init__()
        if gates not in ("static", "dynamic"):
            raise ValueError(f"gates must be 'static' or 'dynamic', but got {gates!r}")
        if norm not in ("bn", "none"):
            raise ValueError(f"norm must be 'bn' or 'none', but got {norm!r}")
        branches = tuple(dilations)
        self._fixed = {"width": width, "norm": norm, "dilations": list(branches), "gates": gates}
        self.recursions = recursions
        #: Switches all links off without removing them.
        self.recruiting = True
        self.active = active_links(recruitment)
        per_branch = (width, 2 * width, 4 * width, 8 * width, 8 * width)
        self.encoders = nn.ModuleList(Encoder(per_branch, d, norm) for d in branches)
        enc = [len(branches) * c for c in per_branch]
        dec = [12 * width, 6 * width, 3 * width, 3 * width // 2]
        below = [enc[4], *dec[:3]]
        self.decoders = nn.ModuleList(Decoder(enc[3 - i], below[i], dec[i], norm) for i in range(4))
        self.last = nn.Conv2d(dec[3], 3, 1)
        self.links = nn.ModuleDict()
        channels = {}
        for name in self.active:
            source = int(name[-1])
            inputs = enc[source - 1] if source else 6
            if name in LINKS_DOWN:
                channels[name] = dec[3 - source]
                self.links[name] = LinkDown(inputs, dec[3 - source], norm, stride=2 if source else 1)
            else:
                channels[name] = dec[5 - source] if source > 1 else 3
                self.links[name] = LinkUp(inputs, channels[name], norm, scale=2 if source > 1 else 1)
        # Without links there is nothing that a gate could be computed for.
        dynamic = gates == "dynamic" and self.active
        self.gates = DynamicGates(enc[4], channels) if dynamic else StaticGates(self.active)
        self.upsample_mix = nn.Parameter(torch.zeros(2))
        self._initialise(norm)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON, that make a network of this shape."""
        return {**self._fixed, "recursions": self.recursions, "recruitment": list(self.active)}

    def pruned(self, below: float = 0.0) -> RDMC:
        """A copy without the links that contribute nothing, for inference.

        Args:
            below: Links whose static gate's magnitude is not above this are left out; so are all while
                `recruiting` is off.

        Returns:
            A network in this one's mode; with ``below=0`` its output is the same.
        """
        kept = self.gates.contributing(below) if self.recruiting else []
        copy = RDMC(**{**self.options, "recruitment": kept})
        state = self.state_dict()
        copy.load_state_dict({name: state[name] for name in copy.state_dict()})
        return copy.train(self.training)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """The recruitment gates and the up-sampling mix, which can be learnt apart from the weights."""
        return [*self.gates.parameters(), self.upsample_mix]

    def _initialise(self, norm: Norm) -> None:
        self.gates.initialise()
        nn.init.normal_(self.upsample_mix, std=1e-3)
        if norm == "bn":
            return
        # Without normalisation the variance has to be kept by the weights (He et al. 2015), and the network
        # has to start near the identity: its output is added to the rainy image.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.last.weight.mul_(0.01)
            if isinstance(self.gates, DynamicGates):
                # Open gates would add as much noise as there is signal: the links start small, that of the image as
                # small as the last layer.
                for name, link in self.links.items():
                    link.final.weight.mul_(0.01 if name == "up1" else 0.1)  # type: ignore[operator, union-attr]

    def forward(self, rainy: Tensor) -> Tensor:
        """Restore a batch."""
        mix = torch.softmax(self.upsample_mix, 0)
        estimate = rainy
        for _ in range(self.recursions):
            estimate = rainy + self._residual(torch.cat((rainy, estimate), 1), mix)
        return estimate

    def _residual(self, x: Tensor, mix: Tensor) -> Tensor:
        # Maps of one level stay apart until something needs them together: copies cost as much as small convolutions.
        enc = [(x,), *zip(*(encoder(x) for encoder in self.encoders), strict=True)]
        y = torch.cat(enc[5], 1)
        gates = self.gates.of(y) if self.recruiting else {}
        for i, decoder in enumerate(self.decoders):
            y = decoder(enc[4 - i], y, mix)
            y = self._recruit(y, gates, f"down{3 - i}", enc[3 - i])
            if i > 0:
                y = self._recruit(y, gates, f"up{5 - i}", enc[5 - i])
        return self._recruit(self.last(y), gates, "up1", enc[1])

    def _recruit(
        self, y: Tensor, gates: Mapping[str, Tensor], name: str, source: tuple[Tensor, ...]
    ) -> Tensor:
        if name not in gates:
            return y
        linked = self.links[name](torch.cat(source, 1))
        return y + gates[name].to(linked.dtype) * linked


def active_links(recruitment: Recruitment) -> tuple[str, ...]:
    """Names of the active links, in the order of `LINKS`.

    Raises:
        ValueError: A name that is no link.
    """
    if recruitment == "all":
        return LINKS
    if recruitment == "none":
        return ()
    names = (recruitment,) if isinstance(recruitment, str) else tuple(recruitment)
    unknown = [n for n in names if n not in LINKS]
    if unknown:
        known = ", ".join(LINKS)
        raise ValueError(
            f"unknown recruitment link {unknown[0]!r}; the links are {known}, or 'all' or 'none'"
        )
    return tuple(n for n in LINKS if n in names)

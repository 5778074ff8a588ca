"""LPIPS and DISTS: distances of an image from the clean one in the features of a network; 0 for equal images.

LPIPS (Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", CVPR 2018), version 0.1, and DISTS (Ding, Ma, Wang and Simoncelli, "Image Quality Assessment: Unifying
Structure and Texture Similarity", TPAMI 2022), at the image's own size. The layers that people's judgements were fitted
with do not come with the program: the authors' packages ``lpips`` and ``DISTS_pytorch`` hold them. Nor do the networks
below them, torchvision's AlexNet and VGG-16. All are recognised by their SHA-256, whose first digits stand in the
protocol's name where there are several. The packages are looked into, not imported. Computed in float32 on the CPU.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.download import cache_folder
from bench.errors import BadWeights
from bench.hashing import sha256_file

if TYPE_CHECKING:
    import torch

#: Smallest side in pixels that leaves something of the coarsest features.
_LEAST = 32


@dataclass(frozen=True)
class Backbone:
    """The features of a network of torchvision.

    Attributes:
        name: What protocols call it.
        file: Its weights' file name; the eight digits in it begin the file's SHA-256.
        convolutions: Place in torchvision's ``features``, stride and padding of each convolution; each is rectified.
        pools: Places after which the picture is made smaller.
        taps: Places of the convolutions whose rectified output is a feature.
        window: Side of a pool's window.
    """

    name: str
    file: str
    convolutions: tuple[tuple[int, int, int], ...]
    pools: tuple[int, ...]
    taps: tuple[int, ...]
    window: int

    @property
    def digest(self) -> str:
        """The first digits of the file's SHA-256."""
        return self.file.rpartition("-")[2].partition(".")[0]


ALEXNET = Backbone(
    "alex", "alexnet-owt-7be5be79.pth",
    ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)), (0, 3), (0, 3, 6, 8, 10), 3,
)  # fmt: skip
VGG16 = Backbone(
    "vgg", "vgg16-397923af.pth",
    tuple((place, 1, 1) for place in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
    (2, 7, 14, 21), (2, 7, 14, 21, 28), 2,
)  # fmt: skip


def places() -> tuple[Path, ...]:
    """Return the folders where a network's weights are looked for."""
    import torch

    return cache_folder() / "weights", Path(torch.hub.get_dir()) / "checkpoints"


def find_weights(backbone: Backbone, measure: str) -> Path:
    """Return the file of a network's weights.

    Raises:
        BadWeights: If it is in none of the folders, or is another file of that name.
    """
    folders = places()
    for folder in folders:
        path = folder / backbone.file
        if path.is_file():
            if not sha256_file(path).startswith(backbone.digest):
                raise BadWeights(
                    f"measure {measure}: the SHA-256 of {path} does not begin with {backbone.digest}: fetch it again"
                )
            return path
    raise BadWeights(
        f"measure {measure} needs torchvision's {backbone.file}, which is in neither of "
        f"{' and '.join(map(str, folders))}: put it there"
    )


@dataclass(frozen=True)
class Fitted:
    """The layers of a measure that people's judgements were fitted with.

    Attributes:
        package: The package that holds them, as it is imported.
        file: The file in it.
        digest: The first digits of its SHA-256.
        release: What pip calls the release that was looked at.
    """

    package: str
    file: str
    digest: str
    release: str


_FITTED = {
    "lpips": Fitted("lpips", "weights/v0.1/alex.pth", "df73285e", "lpips==0.1.4"),
    "lpips_vgg": Fitted("lpips", "weights/v0.1/vgg.pth", "a78928a0", "lpips==0.1.4"),
    "dists": Fitted("DISTS_pytorch", "weights.pt", "f5e65c96", "DISTS-pytorch==0.1"),
}


def find_fitted(measure: str) -> Path:
    """Return the file of a measure's fitted layers: the user's, or the installed package's.

    Raises:
        BadWeights: If no folder has it.
    """
    wanted = _FITTED[measure]
    own = cache_folder() / "weights" / wanted.package
    spec = importlib.util.find_spec(wanted.package)
    installed = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    for folder in (own, *installed):
        path = folder / wanted.file
        if path.is_file() and sha256_file(path).startswith(wanted.digest):
            return path
    raise BadWeights(
        f"measure {measure} needs its authors' fitted layers, which do not come with the program: unpack the package "
        f"(pip download --no-deps {wanted.release}) so that {own / wanted.file} is there, or install it"
    )


def identity(backbone: Backbone, measure: str) -> Mapping[str, str]:
    """Return the hashes of the weights; errors as for :func:`find_weights` and :func:`find_fitted`."""
    found = {backbone.file: sha256_file(find_weights(backbone, measure))}
    return found | {_FITTED[measure].file: sha256_file(find_fitted(measure))}


def lpips(image: np.ndarray, clean: np.ndarray | None, *, backbone: Backbone, measure: str) -> float:
    """LPIPS 0.1; NaN where a side is below 32 pixels."""
    assert clean is not None
    if min(image.shape[:2]) < _LEAST:
        return math.nan
    return lpips_of(image, clean, backbone, _weights(backbone, measure), _layers(measure))


def dists(image: np.ndarray, clean: np.ndarray | None) -> float:
    """DISTS; NaN where a side is below 32 pixels."""
    assert clean is not None
    if min(image.shape[:2]) < _LEAST:
        return math.nan
    return dists_of(image, clean, _weights(VGG16, "dists"), _layers("dists"))


LPIPS_ALEX = partial(lpips, backbone=ALEXNET, measure="lpips")
LPIPS_VGG = partial(lpips, backbone=VGG16, measure="lpips_vgg")


def lpips_of(
    image: np.ndarray,
    clean: np.ndarray,
    backbone: Backbone,
    weights: Mapping[str, torch.Tensor],
    layers: Mapping[str, torch.Tensor],
) -> float:
    """Return LPIPS with a network's weights (``features.PLACE.weight`` and ``.bias``) and the fitted layers."""
    import torch

    shift = torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1)
    with torch.no_grad():
        both = (2 * _stack(image, clean) - 1 - shift) / scale
        total = 0.0
        for index, features in enumerate(_features(both, backbone, weights, smooth=False)):
            unit = features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
            layer = layers[f"lin{index}.model.1.weight"]
            apart = (unit[0] - unit[1]).square()
            total += float((layer.view(-1, 1, 1) * apart).sum(dim=0).mean())
    return total


def dists_of(
    image: np.ndarray,
    clean: np.ndarray,
    weights: Mapping[str, torch.Tensor],
    layers: Mapping[str, torch.Tensor],
) -> float:
    """Return DISTS with VGG-16's weights and the fitted ``alpha`` and ``beta``."""
    import torch

    fitted = {name: layers[name].flatten() for name in ("alpha", "beta")}
    whole = fitted["alpha"].sum() + fitted["beta"].sum()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.no_grad():
        both = _stack(image, clean)
        alike, at = 0.0, 0
        for features in (both, *_features((both - mean) / deviation, VGG16, weights, smooth=True)):
            count = features.shape[1]
            alpha, beta = (fitted[name][at : at + count] / whole for name in ("alpha", "beta"))
            at += count
            (x, y), (x2, y2) = features.mean(dim=(2, 3)), features.var(dim=(2, 3), correction=0)
            both_ways = (features[0] * features[1]).mean(dim=(1, 2)) - x * y
            texture = (2 * x * y + 1e-6) / (x * x + y * y + 1e-6)
            structure = (2 * both_ways + 1e-6) / (x2 + y2 + 1e-6)
            alike += float((alpha * texture).sum() + (beta * structure).sum())
    return 1 - alike


def _stack(image: np.ndarray, clean: np.ndarray) -> torch.Tensor:
    """The two images as float32 2x3xHxW in [0, 1]."""
    import torch

    return torch.from_numpy(np.stack([image, clean])).permute(0, 3, 1, 2).float() / 255


def _features(
    x: torch.Tensor, backbone: Backbone, weights: Mapping[str, torch.Tensor], *, smooth: bool
) -> list[torch.Tensor]:
    """The features of a batch, finest first; ``smooth`` pools by DISTS' weighted root of squares."""
    from torch.nn import functional as F

    found = []
    for place, stride, padding in backbone.convolutions:
        weight, bias = (weights[f"features.{place}.{part}"] for part in ("weight", "bias"))
        x = F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))
        if place in backbone.taps:
            found.append(x)
        if place in backbone.pools:
            x = _smooth_pool(x) if smooth else F.max_pool2d(x, backbone.window, 2)
    return found


def _smooth_pool(x: torch.Tensor) -> torch.Tensor:
    import torch
    from torch.nn import functional as F

    line = torch.tensor([0.25, 0.5, 0.25])  # Hann's window of five without its zeros
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return (F.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()


@lru_cache(maxsize=2)
def _weights(backbone: Backbone, measure: str) -> dict[str, torch.Tensor]:
    from bench.weights import load_state

    return load_state(find_weights(backbone, measure))


@lru_cache(maxsize=3)
def _layers(measure: str) -> dict[str, torch.Tensor]:
    import torch

    found: dict[str, torch.Tensor] = torch.load(find_fitted(measure), map_location="cpu", weights_only=True)
    return found

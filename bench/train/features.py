"""The feature maps that the contrastive prior compares: the first layers of VGG-19, frozen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BadConfig, BadWeights
from bench.seeds import seed_from

#: Convolutions of VGG-19 up to conv3_2 (Simonyan and Zisserman 2015): index in torchvision's ``features``,
#: channels.
CONVOLUTIONS = ((0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256))
#: Convolutions that a 2x2 max-pool follows.
POOLED = (2, 7)
#: Weights of the five maps relu1_1, relu1_2, pool1, relu2_2 and conv3_2 (before its ReLU).
LAYER_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class Features(nn.Module):
    """The five maps of an image, NCHW in [0, 1], not normalised by ImageNet's statistics (as released)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({str(i): nn.Conv2d(a, b, 3, padding=1) for i, a, b in CONVOLUTIONS})
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps, finest first."""
        maps: list[Tensor] = []
        for index, _, _ in CONVOLUTIONS:
            x = self.features[str(index)](x)
            if index == CONVOLUTIONS[-1][0]:
                maps.append(x)
                break
            x = F.relu(x)
            if index in (0, 2, 7):
                maps.append(x)
            if index in POOLED:
                x = F.max_pool2d(x, 2)
                if index == POOLED[0]:
                    maps.append(x)
        return maps

    def distance(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """The weighted sum over layers of the mean absolute difference."""
        terms = [w * F.l1_loss(x, y) for w, x, y in zip(LAYER_WEIGHTS, a, b, strict=True)]
        return torch.stack(terms).sum()


def load_features(name: str) -> Features:
    """Make the features that a configuration names.

    Args:
        name: ``random``, ``vgg19:FILE`` or ``vgg19:URL#sha256=HEX``.

    Raises:
        BadConfig: Another name, or a URL without a hash.
        BadWeights: The file is missing, has another hash, or holds another network.
    """
    features = Features()
    if name == "random":
        _randomise(features)
        return features
    kind, _, source = name.partition(":")
    if kind != "vgg19" or not source:
        raise BadConfig(f"loss.features {name!r}: write random, vgg19:FILE or vgg19:URL#sha256=HEX")
    place, _, digest = source.partition("#sha256=")
    path = _download(place, digest) if re.match(r"https?://", place) else Path(place)
    if digest:
        _check_digest(path, digest)
    from bench.weights import load_state, match_state

    state = {k: v for k, v in load_state(path).items() if k in features.state_dict()}
    match_state(features, state, f"{path} (VGG-19 features)")
    return features


def _randomise(features: Features) -> None:
    """Weights of a fixed seed that keep the maps' variance: random features still tell structures apart."""
    generator = torch.Generator().manual_seed(seed_from("random-features") % 2**63)
    with torch.no_grad():
        for name, value in features.state_dict().items():
            if name.endswith("bias"):
                value.zero_()
            else:
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)


def _check_digest(path: Path, digest: str) -> None:
    from bench.hashing import sha256_file

    if not path.is_file():
        raise BadWeights(f"{path}: no such weights file")
    found = sha256_file(path)
    if not found.startswith(digest.lower()):
        raise BadWeights(
            f"{path}: SHA-256 is {found}, not {digest} as configured: download it again or correct the hash"
        )


def _download(url: str, digest: str) -> Path:
    import urllib.request

    from bench.files import ensure_folder, write_atomic

    if not re.fullmatch(r"[0-9a-fA-F]{8,64}", digest):
        raise BadConfig(f"loss.features: a URL needs its hash, {url}#sha256=HEX (8 to 64 digits)")
    folder = ensure_folder(Path.home() / ".cache" / "derain-bench")
    path = folder / f"{digest.lower()[:16]}-{url.rsplit('/', 1)[-1]}"
    if not path.is_file():
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                data = answer.read()
        except OSError as error:
            raise BadWeights(
                f"{url} cannot be downloaded ({error}): fetch it elsewhere and write vgg19:FILE"
            ) from None
        found = hashlib.sha256(data).hexdigest()
        if not found.startswith(digest.lower()):
            raise BadWeights(
                f"{url}: SHA-256 is {found}, not {digest} as configured: correct the hash or the address"
            )
        write_atomic(path, data)
    return path

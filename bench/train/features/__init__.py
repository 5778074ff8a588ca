"""The feature maps that the contrastive prior compares, by frozen networks."""

from __future__ import annotations

import re
from pathlib import Path

from bench.download import cache_folder, download
from bench.errors import BadConfig, BadWeights
from bench.train.features.base import Features

__all__ = ["Features", "load_features"]

_KNOWN = (
    "efficientnet_lite0, efficientnet_lite0:FILE, yolox_nano:FILE, vgg19:FILE, vgg19:URL#sha256=HEX or random"
)


def load_features(name: str) -> Features:
    """Make the features that a configuration names.

    Args:
        name: ``efficientnet_lite0`` (weights of an installed package, or after a colon those of a file),
            ``yolox_nano:FILE`` (MMDetection's checkpoint), ``vgg19:FILE`` or ``vgg19:URL#sha256=HEX`` (torchvision's),
            or ``random``: VGG-19's layers with weights of a fixed seed.

    Raises:
        BadConfig: Another name, or a URL without a hash.
        BadWeights: The file is missing, has another hash, or holds another network.
        MissingDependency: The package with the weights is not installed.
    """
    from bench.weights import load_state, match_state

    kind, _, source = name.partition(":")
    if name == "random":
        from bench.train.features.vgg19 import Vgg19, randomise

        vgg = Vgg19()
        randomise(vgg)
        return vgg
    if kind == "efficientnet_lite0":
        from bench.train.features.efficientnet import EfficientNetLite0, package_file

        features = EfficientNetLite0()
        path = _file(source) if source else package_file()
        features.load(load_state(path), f"{path} (EfficientNet-Lite0)")
        return features
    if kind == "yolox_nano" and source:
        from bench.train.features.yolox import YoloxNano

        yolox = YoloxNano()
        path = _file(source)
        yolox.load(load_state(path), f"{path} (YOLOX-Nano)")
        return yolox
    if kind == "vgg19" and source:
        from bench.train.features.vgg19 import Vgg19

        vgg = Vgg19()
        path = _file(source)
        state = {k: v for k, v in load_state(path).items() if k in vgg.state_dict()}
        match_state(vgg, state, f"{path} (VGG-19 features)")
        return vgg
    raise BadConfig(f"loss.features {name!r}: write {_KNOWN}")


def _file(source: str) -> Path:
    """The file of ``FILE``, ``FILE#sha256=HEX`` or ``URL#sha256=HEX``, its hash checked where it is given."""
    place, _, digest = source.partition("#sha256=")
    path = _download(place, digest) if re.match(r"https?://", place) else Path(place)
    if digest:
        _check_digest(path, digest)
    return path


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
    if not re.fullmatch(r"[0-9a-fA-F]{8,64}", digest):
        raise BadConfig(f"loss.features: a URL needs its hash, {url}#sha256=HEX (8 to 64 digits)")
    name = f"{digest.lower()[:16]}-{url.rsplit('/', 1)[-1]}"
    return download(url, digest, cache_folder() / "features" / name, "give the file")

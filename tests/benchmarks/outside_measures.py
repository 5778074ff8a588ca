"""Prints what other people's programs say of the tests' pairs of images: the numbers that the tests of measures hold.

Run ``python tests/benchmarks/outside_measures.py`` where the packages are installed (``pip install --no-deps piq``).
PIQ is loaded module by module, since its package imports torchvision, which none of these measures uses.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch

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


if __name__ == "__main__":
    main()

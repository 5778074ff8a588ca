"""``corruption:NAME:SEVERITY``: the degradations of COCO-C and Cityscapes-C, from the package imagecorruptions.

Michaelis et al., "Benchmarking Robustness in Object Detection: Autonomous Driving when Winter is Coming" (2019). The
first fifteen are their benchmark, at severities 1 to 5; four more are for validation.

The package (1.1.2, of 2020) is used as it is, but a present environment has not all that it asks for: setuptools' old
``pkg_resources``, SciPy's ``ndimage.interpolation``, NumPy's ``float_`` and scikit-image's ``multichannel`` are gone,
and it draws from NumPy's global generator. So its module is run privately, one copy for each thread, with those
names in place and a generator that is seeded for each image. Nothing else of the process sees any of it.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import threading
import types
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import BadConfig, MissingDependency, unknown
from bench.rain.base import Rain, RainEntry, RainError, RainFamily

if TYPE_CHECKING:
    from bench.data.base import Depth

#: The benchmark's fifteen, in its order, and four for validation.
BENCHMARK = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow",
    "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression",
)  # fmt: skip
VALIDATION = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
SEVERITIES = 5
PACKAGE = "imagecorruptions"
#: Smallest side that the package takes, in pixels.
_LEAST = 32

_here = threading.local()


@dataclass(frozen=True)
class Corruption:
    """One degradation at one severity.

    Attributes:
        kind: One of :data:`BENCHMARK` or :data:`VALIDATION`.
        severity: 1 to 5.
        version: That of the package, and of this module.
    """

    kind: str
    severity: int
    version: str
    needs_depth: bool = False

    @property
    def name(self) -> str:
        """The canonical spelling."""
        return f"corruption:{self.kind}:{self.severity}"

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return the image (uint8 RGB HxWx3), degraded; ``depth`` is not used.

        Raises:
            RainError: If a side is below 32 pixels.
        """
        from PIL import Image

        if min(image.shape[:2]) < _LEAST:
            raise RainError(
                f"rain {self.name} takes images of {_LEAST}x{_LEAST} pixels and up, this one is "
                f"{image.shape[1]}x{image.shape[0]}"
            )
        module = _module()
        seed = rng.integers(2**32, dtype=np.uint32)
        module.np.random = np.random.RandomState(seed)
        module.sk.util.generator = np.random.default_rng(seed)
        degraded = getattr(module, self.kind)(Image.fromarray(image), self.severity)
        return np.asarray(degraded).astype(np.uint8)


def _module() -> Any:
    """This thread's copy of the package's module."""
    if not hasattr(_here, "module"):
        _here.module = _run(_file())
    return _here.module


@lru_cache(maxsize=1)
def _file() -> Path:
    """Where the module lies.

    Raises:
        MissingDependency: If the package is not installed, or not what it was.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "corruptions.py"
        if path.is_file():
            return path
    raise MissingDependency(
        f"rain 'corruption' needs the package {PACKAGE}: pip install 'derain-bench[corruptions]'"
    )


def _run(path: Path) -> types.ModuleType:
    """Run the module with the names that it misses."""
    module = types.ModuleType(f"{__name__}.{PACKAGE}")
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = {
        **vars(builtins),
        "__import__": _importer(path.parent),
        "print": lambda *values, **options: None,  # it prints where it cuts an odd size
    }
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    numpy = types.ModuleType("numpy")
    numpy.__dict__.update({**vars(np), "float_": np.float64})
    module.__dict__.update(np=numpy, gaussian=_gaussian, sk=_Scikit())
    return module


def _importer(folder: Path) -> Any:
    def importer(
        name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> types.ModuleType:
        if name == "pkg_resources":
            found = types.ModuleType(name)
            found.resource_filename = lambda package, file: str(folder / file)  # type: ignore[attr-defined]
            return found
        if name == "scipy.ndimage.interpolation":
            name = "scipy.ndimage"
        builtins.__import__(name, scope, local, wanted, level)
        return sys.modules[name] if wanted else sys.modules[name.partition(".")[0]]

    return importer


def _gaussian(image: np.ndarray, sigma: Any, multichannel: bool = False, **options: Any) -> np.ndarray:
    """scikit-image's filter under its old signature."""
    from skimage.filters import gaussian

    return gaussian(image, sigma, channel_axis=-1 if multichannel else None, **options)


class _Scikit:
    """What the module uses of scikit-image by its name; its noise draws from a generator that is given."""

    def __init__(self) -> None:
        import skimage.color

        self.color = skimage.color
        self.util = _Noise()


class _Noise:
    generator: np.random.Generator

    def random_noise(self, image: np.ndarray, **options: Any) -> np.ndarray:
        from skimage.util import random_noise

        return random_noise(image, rng=self.generator, **options)


def _parse(argument: str) -> Rain:
    kind, _, severity = argument.partition(":")
    if kind not in (*BENCHMARK, *VALIDATION):
        known = [f"corruption:{name}:{severity or 3}" for name in (*BENCHMARK, *VALIDATION)]
        raise unknown("rain", f"corruption:{argument}" if argument else "corruption", known)
    if severity not in map(str, range(1, SEVERITIES + 1)):
        raise BadConfig(
            f"rain 'corruption:{argument}': write a severity from 1 to {SEVERITIES} after the name, "
            f"e.g. corruption:{kind}:3"
        )
    _file()
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Corruption(kind, int(severity), f"{version(PACKAGE)}/1")
    except PackageNotFoundError:
        raise MissingDependency(f"the package {PACKAGE} has no version: install it with pip") from None


FAMILY = RainFamily(
    "corruption",
    (RainEntry("corruption:NAME:S", f"COCO-C's {', '.join(BENCHMARK)}; severity S from 1 to {SEVERITIES}"),),
    _parse,
)

"""Measures of an image, or of a pair of images, by name.

A measure comes from the program, from an installed package (entry points of the group ``derain_bench.measures``), from
a Python file (``my.py:sharpness``), or from a library of the user's (``pyiqa:musiq``). To the engine each is a task of
its own, so that its evidence depends on it alone: to add a measure makes no evidence again. PSNR and SSIM are taken
together, by the task `restoration`, and so are NIQE and PIQE, by `quality`.
"""

from __future__ import annotations

import importlib

from bench.errors import BadConfig, unknown
from bench.registry import Registry
from bench.vocabulary import QUALITY, RESTORATION
from downstream.measures.base import Measure, Metric

__all__ = [
    "TOGETHER",
    "Measure",
    "Metric",
    "find_measure",
    "is_measure",
    "measure_names",
    "measures",
    "task_of",
]

#: Registered measures, each a task of its own.
measures: Registry[Measure] = Registry("measure", "derain_bench.measures")
for _name in ("ms_ssim", "gmsd", "haarpsi", "vif", "fsim", "lpips", "lpips_vgg", "dists", "brisque"):
    measures.register(_name, f"downstream.measures.known:{_name.upper()}", origin=__name__)

#: Libraries of the user's whose measures are named ``LIBRARY:NAME``, and what makes one.
_LIBRARIES = {"pyiqa": "downstream.measures.pyiqa:measure"}

#: Measures that a task takes together: what `--measure` calls them, and the task.
TOGETHER = {
    "psnr": RESTORATION,
    "ssim": RESTORATION,
    "niqe": QUALITY,
    "piqe": QUALITY,
    "flicker": "flicker",
    "warped": "warped",
}


def measure_names() -> tuple[str, ...]:
    """Return every name that `--measure` takes, sorted."""
    return tuple(sorted({*TOGETHER, *measures}))


def find_measure(name: str) -> Measure:
    """Return the measure of that name: a registered one, or ``LIBRARY:NAME``.

    Raises:
        UnknownName: If there is none.
        MissingDependency: If the library is not installed.
        BadConfig: If an installed package registered something else, or under another name than its own.
    """
    library, colon, rest = name.partition(":")
    if colon and library in _LIBRARIES:
        module, _, make = _LIBRARIES[library].partition(":")
        made: Measure = getattr(importlib.import_module(module), make)(rest)
        return made
    found = measures.get(name)
    if not isinstance(found, Measure) or found.name != name:
        raise BadConfig(
            f"measure {name!r} from {measures.origin(name)} is no downstream.measures.Measure of that name"
        )
    return found


def is_measure(name: str) -> bool:
    """Return whether :func:`find_measure` looks for a measure of this name."""
    return name in measures or name.partition(":")[0] in _LIBRARIES


def task_of(spec: str, is_file: bool) -> str:
    """Return what the task is called that takes a measure: its own name, its file's, or that of several together.

    Args:
        spec: As a user writes it after `--measure`.
        is_file: Whether it names an object in a Python file.

    Raises:
        UnknownName: If there is no such measure.
    """
    if is_file:
        return spec
    if spec not in TOGETHER and not is_measure(spec):
        raise unknown("measure", spec, measure_names())
    return TOGETHER.get(spec, spec)

"""``pyiqa:NAME``: a metric of the library pyiqa, where the user has installed it.

The library and the weights that it fetches are the user's affair, and so are their licences, some of which forbid
commercial use: nothing here depends on them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench.errors import ANYTHING, BadConfig, MissingDependency, said, unknown
from downstream.measures.base import Measure, Metric

if TYPE_CHECKING:
    import numpy as np


@lru_cache(maxsize=16)
def measure(name: str) -> Measure:
    """Return a metric of pyiqa as a measure.

    Args:
        name: As pyiqa calls it, e.g. ``musiq``.

    Raises:
        MissingDependency: If pyiqa is not installed, or cannot be imported.
        UnknownName: If it has no such metric.
    """
    library = _library()
    known = library.default_model_configs.DEFAULT_CONFIGS
    if name not in known:
        raise unknown("measure", f"pyiqa:{name}", [f"pyiqa:{each}" for each in known])
    about = known[name]
    version = str(getattr(library, "__version__", "unknown"))
    metric = Metric(
        f"pyiqa:{name}",
        f"{name} (pyiqa)",
        f"{name}@pyiqa-{version}",
        "",
        1.0,
        4,
        higher_is_better=not about.get("lower_better", False),
        bounds=(None, None),
    )

    compares = about.get("metric_mode") == "FR"

    def compute(image: np.ndarray, clean: np.ndarray | None) -> float:
        made = _made(name)
        pictures = [_tensor(image)] if clean is None or not compares else [_tensor(image), _tensor(clean)]
        return float(made(*pictures))

    return Measure(
        metric,
        compute,
        needs_clean=compares,
        identity=lambda: {"pyiqa": version},
    )


def _library() -> Any:
    try:
        import pyiqa
        import pyiqa.default_model_configs
    except ImportError as error:
        raise MissingDependency(
            f"measures called pyiqa:NAME need the library of that name ({said(error)}): pip install pyiqa, "
            f"once its licence suits you"
        ) from None
    return pyiqa


@lru_cache(maxsize=4)
def _made(name: str) -> Any:
    try:
        return _library().create_metric(name, device="cpu")
    except ANYTHING as error:  # it fetches weights
        raise BadConfig(f"measure pyiqa:{name} cannot be made: {said(error)}") from error


def _tensor(image: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255

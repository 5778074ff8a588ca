"""A stand-in for mmcv's compiled extension, for machines without a compiler.

MMDetection and MMSegmentation are pure Python but for ``mmcv._ext``. Where that module is missing,
:func:`install_fallback_ops` puts one of the same name in its place that serves what inference needs (see
:mod:`downstream.models.ops` and :mod:`downstream.models.deformed`); any other operation says, when called, what is
missing. A compiled mmcv is never touched.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from bench.errors import MissingDependency
from bench.mmengine_import import import_mmengine

MODULE = "mmcv._ext"
INSTALL_MMCV = (
    "pip uninstall -y mmcv-lite && pip install --no-build-isolation 'mmcv>=2.0.1,<2.2' (needs a C++ compiler)"
)
SERVED = (
    "nms",
    "softnms",
    "roi_align_forward",
    "roi_align_backward",
    "ms_deform_attn_forward",
    "ms_deform_attn_backward",
    "deform_conv_forward",
    "modulated_deform_conv_forward",
    "carafe_forward",
)

_wanted_by: contextvars.ContextVar[str] = contextvars.ContextVar("downstream_model", default="(unnamed)")


def install_fallback_ops() -> str:
    """Make ``import mmcv.ops`` work, with or without mmcv's compiled extension.

    Returns:
        ``"compiled"`` where mmcv brings its extension, ``"fallback"`` where the operations are our own.

    Raises:
        MissingDependency: There is no mmcv at all.
    """
    if importlib.util.find_spec("mmcv") is None:
        raise MissingDependency("mmcv is not installed: pip install 'derain-bench[lite]'")
    if MODULE not in sys.modules and extension_fault() is not None:
        sys.modules[MODULE] = _module()
    return "fallback" if isinstance(sys.modules[MODULE], _FallbackModule) else "compiled"


def extension_fault() -> str | None:
    """Import the compiled extension; return why it cannot be (absent, built for another torch), or None."""
    import torch  # noqa: F401  its libraries must be loaded first

    try:
        import_mmengine()
        importlib.import_module(MODULE)
    except ImportError as error:
        return " ".join(str(error).split())[:160]
    return None


@contextlib.contextmanager
def on_behalf_of(model: str) -> Iterator[None]:
    """Name the model that is being built or run, for the error about an operation that is missing."""
    token = _wanted_by.set(model)
    try:
        yield
    finally:
        _wanted_by.reset(token)


class _FallbackModule(types.ModuleType):
    """Has every name: mmcv looks for its operations when imported, long before any is called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return functools.partial(_missing, name)


def _missing(op: str, *args: object, **kwargs: object) -> None:
    raise MissingDependency(
        f"model {_wanted_by.get()} needs the operation {op!r} of the compiled mmcv, "
        f"which is not installed: {INSTALL_MMCV}"
    )


def _module() -> types.ModuleType:
    from downstream.models import deformed, ops

    module = _FallbackModule(MODULE, "mmcv's operations in plain torch, served by derain-bench.")
    module.__spec__ = importlib.machinery.ModuleSpec(MODULE, loader=None, origin="derain-bench")
    for name in SERVED:
        setattr(module, name, getattr(deformed if hasattr(deformed, name) else ops, name))
    module.get_compiler_version = lambda: "none"  # type: ignore[attr-defined]
    module.get_compiling_cuda_version = lambda: "not available"  # type: ignore[attr-defined]
    return module

"""Where the networks that look at a restored image come from.

A model is named ``my.py:NAME[:ARG]`` (code of the user's own), ``SOURCE:...`` by a source of this package or one that
an installed package has registered (entry points of the group ``derain_bench.models``), or by a name or config of
MMDetection's and MMSegmentation's. Importing this package imports no network.
"""

from __future__ import annotations

from pathlib import Path

from bench import plugins
from bench.deadline import unit
from bench.errors import BadConfig, is_ctrl_c, said
from bench.registry import Registry
from downstream.models.base import Listed, Model, ModelSource

__all__ = [
    "Listed",
    "Model",
    "ModelSource",
    "check_model",
    "list_models",
    "load_model",
    "source_of",
    "sources",
]

#: Sources by the word before the colon.
sources: Registry[ModelSource] = Registry("model source", "derain_bench.models")
sources.register("openmmlab", "downstream.models.openmmlab:SOURCE")
sources.register("file", "downstream.models.file:SOURCE")
sources.register("hf", "downstream.models.huggingface:SOURCE")
sources.register("object", "downstream.models.objects:SOURCE")
sources.register("predictions", "downstream.models.predictions:SOURCE")
sources.register("onnx", "downstream.models.exported:ONNX")
sources.register("torchscript", "downstream.models.exported:TORCHSCRIPT")


def source_of(name: str | None) -> ModelSource:
    """Return the source that a model's name belongs to; one that no other claims is OpenMMLab's."""
    if name is not None and plugins.parse(name) is not None:
        return sources.get("file")
    word, query, rest = plugins.cut(name or "")
    # `onnx:` is a source without its file, `onnx` alone may be a model's name.
    claimed = word in sources and (rest is not None or query or (name or "").endswith(":"))
    return sources.get(word if claimed else "openmmlab")


def check_model(task: str, name: str | None = None, checkpoint: str | Path | None = None) -> str:
    """Check a model's files without loading or running any; return what reports call it.

    Raises:
        BenchError: If it cannot be had; one line says why.
    """
    return source_of(name).check(task, name, checkpoint)


def load_model(
    task: str,
    name: str | None = None,
    checkpoint: str | Path | None = None,
    device: str = "auto",
    trust: str | None = None,
    classes: str | Path | None = None,
) -> Model:
    """Load a model.

    Args:
        task: ``detection`` or ``segmentation``.
        name: As the user named it; None takes the embedded model.
        checkpoint: Weights file, for sources that take one apart from the name.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        trust: SHA-256 of a checkpoint that may run code when loaded.
        classes: A class map; see :func:`downstream.models.renamed.read_class_map`.

    Returns:
        The model, ready to look at images.

    Raises:
        BenchError: As :func:`check_model`; or the weights are not the network's, or the map names other classes.
    """
    from downstream.models.renamed import renamed

    try:
        with unit(f"model {name}", "load"):
            model = source_of(name).load(task, name, checkpoint, device, trust)
    except BaseException as error:  # a config is code, which may end its process
        if isinstance(error, Exception) or is_ctrl_c(error):
            raise
        raise BadConfig(f"model {name}: loading it raised {said(error)}") from error
    return model if classes is None else renamed(model, classes)


def list_models(task: str | None = None) -> list[Listed]:
    """Return every model that can be had by name and how those of one's own are named, a source after the other.

    Args:
        task: Only models of this task; None lists all.
    """
    words = sorted(sources, key=lambda word: (word != "openmmlab", word))
    return [listed for word in words for listed in sources.get(word).listed(task)]

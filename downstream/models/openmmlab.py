"""Downstream models by name: embedded ones, those of the model indices, and the user's own config files."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path

from bench.errors import BadConfig, BadWeights, MissingDependency, unknown
from bench.vocabulary import DETECTION, INSTANCES, SEGMENTATION
from downstream.models.base import Listed, Model, Source
from downstream.models.checkpoints import cached_path
from downstream.models.index import (
    PACKAGES,
    Entry,
    find_model,
    installed_folder,
    package_folder,
    read_configs,
    read_index,
)

#: What loads a model, by task.
_LOADERS = {
    DETECTION: "downstream.models.mmdetection:load_detector",
    INSTANCES: "downstream.models.mmdetection:load_instance_segmenter",
    SEGMENTATION: "downstream.models.mmsegmentation:load_segmenter",
}

FOLDER = Path(__file__).parent / "embedded"
CONFIG_SUFFIXES = (".py", ".json", ".yaml", ".yml")


def load_model(
    task: str,
    name: str | None = None,
    checkpoint: str | Path | None = None,
    device: str = "auto",
    trust: str | None = None,
) -> Model:
    """Load a downstream model.

    Args:
        task: ``detection`` or ``segmentation``.
        name: An embedded model, a name of MMDetection's or MMSegmentation's model index, or a config file;
            None takes the embedded model.
        checkpoint: Weights file; None takes the index's, downloaded once.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        trust: SHA-256 of a checkpoint that may run code when loaded.

    Returns:
        The model, in evaluation mode, on the device.

    Raises:
        BenchError: As :func:`check_model`; BadWeights where the weights are not the network's.
    """
    source = check_model(task, name, checkpoint)
    module, _, function = _LOADERS[task].partition(":")
    load = getattr(importlib.import_module(module), function)
    model: Model = load(source, device=device, trust=trust)
    return model


def check_model(task: str, name: str | None = None, checkpoint: str | Path | None = None) -> Source:
    """Find a model's config and weights without loading either.

    Raises:
        UnknownName: No such task or model; close names are suggested.
        BadConfig: The config file does not exist, or comes without weights.
        BadWeights: The checkpoint does not exist.
        MissingDependency: The package that serves the task is not installed.
    """
    if task not in PACKAGES:
        raise unknown("task", task, PACKAGES)
    name = name or _default(task)
    if not name:
        raise BadConfig(f"task {task} has no model of its own: name one (--model)")
    package_folder(task)
    for package in ("mmengine", "mmcv"):
        if installed_folder(package) is None:
            raise MissingDependency(
                f"task {task} needs {package}, which is not installed: pip install 'derain-bench[lite]'"
            )
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None and not path.is_file():
        raise BadWeights(f"{path}: no such weights file (--checkpoint)")
    if name in embedded_models(task):
        return Source(name, task, "embedded", FOLDER / f"{name}.py", path or _embedded_weights(name))
    if name.endswith(CONFIG_SUFFIXES):
        config = Path(name)
        if not config.is_file():
            raise BadConfig(f"{config}: no such model config (--model)")
        if path is None:
            raise BadConfig(f"{config}: a config file needs its weights: --checkpoint FILE")
        return Source(config.stem, task, "file", config.resolve(), path)
    entry = find_model(task, name)
    if entry is None:
        raise unknown(f"{task} model", name, [listed.name for listed in list_models(task)])
    if path is None and entry.url is None:
        raise BadConfig(f"model {name}: its index names no weights: --checkpoint FILE")
    if not entry.config.is_file():
        raise BadConfig(f"model {name}: its config {entry.config.name} is not in the installed package")
    return Source(name, task, "index", entry.config, path, None if path else entry.url)


def list_models(task: str | None = None) -> list[Listed]:
    """Return every model that can be had by name, embedded ones first, without importing its package.

    Args:
        task: Only models of this task; None lists all. Where a task's package is not installed, only the
            embedded models are known.
    """
    listed = []
    for each in PACKAGES if task is None else (task,):
        listed += [Listed(name, each, "embedded") for name in embedded_models(each)]
        with contextlib.suppress(MissingDependency):
            entries = read_index(each)
            listed += [Listed(name, each, _weights_of(entries[name])) for name in sorted(entries)]
            configs = set(read_configs(each)) - set(entries)
            listed += [Listed(name, each, "--checkpoint") for name in sorted(configs)]
    return listed


def _weights_of(entry: Entry) -> str:
    if entry.url is None:
        return "--checkpoint"
    return "downloaded" if cached_path(entry.url).is_file() else "download"


def embedded_models(task: str) -> list[str]:
    """Return the models of ``task`` that the program brings along, the default one first.

    Others are trained from it, and their names begin with its name.
    """
    if not _default(task):
        return []
    names = [path.stem for path in sorted(FOLDER.glob(f"{_default(task)}*.py"))]
    return [name for name in names if _embedded_weights(name)]


def _default(task: str) -> str:
    """The model of a task that the program brings along."""
    from downstream.tasks import find_task

    return find_task(task).default or ""


def _embedded_weights(name: str) -> Path | None:
    files = (FOLDER / f"{name}{suffix}" for suffix in (".safetensors", ".pth"))
    return next((file for file in files if file.is_file()), None)


class OpenMMLab:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """See :func:`check_model`."""
        return check_model(task, name, checkpoint).name

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """See :func:`load_model`."""
        return load_model(task, name, checkpoint, device, trust)

    def listed(self, task: str | None) -> list[Listed]:
        """See :func:`list_models`; and say how configs of one's own are named."""
        own = [Listed("CONFIG.py", each, "your config, with --checkpoint FILE") for each in _LOADERS]
        return [*list_models(task), *(each for each in own if task in (None, each.task))]

    def is_data(self, name: str) -> bool:
        """A config file is code, and may draw on other files."""
        return not name.endswith(CONFIG_SUFFIXES)


SOURCE = OpenMMLab()

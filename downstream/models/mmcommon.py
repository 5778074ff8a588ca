"""What MMDetection and MMSegmentation models share: configs, test pipelines, class names, silence."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench import plugins
from bench.allocator import keep_freed_memory
from bench.device import resolve_device
from bench.errors import BadConfig, BenchError, MissingDependency
from bench.hashing import sha256_bytes
from downstream.models.base import Source
from downstream.models.checkpoints import fetch, fill
from downstream.models.mmops import install_fallback_ops, on_behalf_of

if TYPE_CHECKING:
    import torch

INSTALL = "pip install 'derain-bench[lite]'"

#: The user's own modules as they were when a config first imported them: Python imports a module once.
_imported_code: dict[str, str] = {}


@dataclass(frozen=True)
class Network:
    """A model of MMDetection or MMSegmentation, ready to look at arrays.

    Attributes:
        source: What it was made from.
        scope: The package it belongs to, ``mmdet`` or ``mmseg``; names in configs are looked up there.
        module: The network, in evaluation mode, on its device.
        prepare: The config's own test pipeline after loading: image dictionary to network input.
        load: The pipeline's loading step, as its options.
        classes: Class names.
        key: What its predictions depend on.
        output: What its predictions hold: ``bboxes``, ``masks``, ...
    """

    source: Source
    scope: str
    module: torch.nn.Module
    prepare: Callable[[dict[str, Any]], dict[str, Any]]
    load: dict[str, Any]
    classes: tuple[str, ...]
    key: dict[str, Any]
    output: tuple[str, ...] = ()

    def look(self, image: NDArray[np.uint8]) -> Any:
        """Run the test pipeline and the network on one uint8 RGB image; return MMEngine's data sample."""
        import torch
        from mmengine.registry import DefaultScope

        pixels = as_loaded(image, self.load)
        item = {
            "img": pixels,
            "img_shape": pixels.shape[:2],
            "ori_shape": pixels.shape[:2],
            "img_id": 0,
            "img_path": "",
            "seg_map_path": None,
            "reduce_zero_label": False,
            "seg_fields": [],
        }
        with (
            DefaultScope.overwrite_default_scope(self.scope),
            on_behalf_of(self.source.name),
            torch.no_grad(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # of OpenMMLab's code about newer releases of torch
            data = self.prepare(item)
            batch = {"inputs": [data["inputs"]], "data_samples": [data["data_samples"]]}
            return self.module.test_step(batch)[0]  # type: ignore[operator]


def load_network(
    source: Source,
    scope: str,
    output: str,
    fallback_classes: Callable[[int], tuple[str, ...]],
    device: str,
    trust: str | None,
) -> Network:
    """Build a network from its config, fill in its weights and try it on a grey image.

    Args:
        source: Config and weights.
        scope: ``mmdet`` or ``mmseg``.
        output: What its predictions must have, ``pred_instances`` or ``pred_sem_seg``.
        fallback_classes: Names for a number of classes, where neither checkpoint nor config has names.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        trust: SHA-256 of a checkpoint that may run code.

    Raises:
        BadConfig: The config cannot be read, built or run.
        BadWeights: The weights are not this network's, or cannot be had.
        MissingDependency: A package or compiled operation is missing.
    """
    ops = install_fallback_ops()
    checkpoint = source.checkpoint or fetch(source.url or "")
    with quiet(), _explained(source):
        _import(scope)
        from mmengine.registry import DefaultScope

        config = read_config(source.config)
        steps = test_steps(config, source)
        with DefaultScope.overwrite_default_scope(scope), on_behalf_of(source.name):
            module = _build(config, scope)
            digest, stated = fill(module, checkpoint, source.name, trust)
            load, prepare = _pipeline(steps)
            classes = _classes(module, stated, config, scope, fallback_classes)
        place = resolve_device(device)
        if place == "cpu":
            keep_freed_memory()
        module.to(place).eval()
        key = {
            "task": source.task,
            "config": config_digest(config, steps),
            "checkpoint": digest,
            "classes": list(classes),
            "versions": {name: _version(name) for name in (scope, "mmcv", "mmengine")},
            "ops": ops,
            **_own_code(config, source),
        }
        network = Network(source, scope, module, prepare, load, classes, key)
        sample = network.look(
            np.full((64, 96, 3), 114, np.uint8)
        )  # what is missing is found now, not mid-run
    if not hasattr(sample, output):
        raise BadConfig(f"model {source.name} is not for {source.task}: its predictions have no {output}")
    return replace(network, output=tuple(getattr(sample, output).keys()))


def read_config(path: Path) -> Any:
    """Read a config. A Python config is executed: only the user's own file and those of installed packages
    come here.

    Raises:
        BadConfig: It cannot be read, or describes no model.
    """
    from mmengine.config import Config

    try:
        with warnings.catch_warnings():
            # MMEngine looks bases up through it, which is not the user's to change.
            warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
            config = Config.fromfile(path)
    except BenchError:
        raise
    except Exception as error:
        raise BadConfig(f"{path}: not a readable model config ({_said(error)})") from None
    if not isinstance(config.get("model"), dict):
        raise BadConfig(f"{path}: has no `model`: an MMDetection or MMSegmentation config is wanted")
    return config


def test_steps(config: Any, source: Source) -> list[dict[str, Any]]:
    """The test pipeline as a config gives it, under whatever wrappers its test data set has.

    Raises:
        BadConfig: There is none.
    """
    dataset = (config.get("test_dataloader") or {}).get("dataset") or {}
    while isinstance(dataset, dict) and "pipeline" not in dataset:
        inner = dataset.get("dataset") or next(iter(dataset.get("datasets") or []), None)
        if inner is None:
            break
        dataset = inner
    steps = dataset.get("pipeline") or config.get("test_pipeline")
    if not steps:
        raise BadConfig(f"{source.config}: has no test pipeline (test_dataloader.dataset.pipeline)")
    return list(steps)


def as_loaded(image: NDArray[np.uint8], load: dict[str, Any]) -> NDArray[Any]:
    """Give an RGB image the form that the pipeline's ``LoadImageFromFile`` would have read: BGR, or grey."""
    import cv2

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"a model looks at uint8 HxWx3, not {image.dtype} {image.shape}")
    if str(load.get("color_type", "color")).startswith("grayscale"):
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    else:
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return pixels.astype(np.float32) if load.get("to_float32") else pixels


def config_digest(config: Any, steps: Sequence[dict[str, Any]]) -> str:
    """SHA-256 of what a config says of the model and its test pipeline; training and paths left out."""
    import json

    plain = {"model": config["model"].to_dict(), "pipeline": [dict(step) for step in steps]}
    return sha256_bytes(json.dumps(plain, sort_keys=True, default=_named).encode())


def _own_code(config: Any, source: Source) -> dict[str, Any]:
    """The user's own code that a config imports or defines, as a part of the key; empty where there is none.

    Raises:
        BadConfig: It has changed since this process imported it: what runs is not what lies on the disk.
    """
    imports = (config.get("custom_imports") or {}).get("imports") or ()
    code = plugins.config_code(source.config, [imports] if isinstance(imports, str) else list(imports))
    for name, digest in code.items():
        if _imported_code.setdefault(name, digest) != digest and name != source.config.name:
            raise BadConfig(
                f"model {source.name}: {name} has changed since this process imported it: start the program again"
            )
    return {"code": code} if code else {}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenMMLab's warnings, log lines and prints off the user's screen."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _explained(source: Source) -> Iterator[None]:
    """Turn what a config makes OpenMMLab's code raise into one line that names the config."""
    try:
        yield
    except BenchError:
        raise
    except ImportError as error:
        missing = (error.name or "").split(".")[0]
        remedy = f"pip install {missing}" if missing else "install it"
        raise MissingDependency(f"model {source.name} needs a package: {_said(error)}: {remedy}") from error
    except Exception as error:
        raise BadConfig(
            f"model {source.name} cannot be built from {source.config} "
            f"({type(error).__name__}: {_said(error)})"
        ) from error


def _import(scope: str) -> None:
    """Import the parts of a package that register what configs name."""
    try:
        importlib.import_module(scope)
    except AssertionError as error:  # how both packages refuse a version of mmcv or mmengine
        raise MissingDependency(f"{scope} refuses this environment: {_said(error)}: {INSTALL}") from None
    for part in ("models", "datasets"):
        importlib.import_module(f"{scope}.{part}")


def _build(config: Any, scope: str) -> torch.nn.Module:
    from mmengine.model import revert_sync_batchnorm

    registry = importlib.import_module(f"{scope}.registry")
    described = config["model"].copy()
    described.pop("pretrained", None)  # weights come from the checkpoint alone
    return revert_sync_batchnorm(registry.MODELS.build(described))


def _pipeline(
    steps: list[dict[str, Any]],
) -> tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]]]:
    from mmengine.dataset import Compose

    loading = [step for step in steps if _named(step["type"]).split(".")[-1].startswith("Load")]
    load = next((dict(step) for step in loading if "Image" in _named(step["type"])), {})
    return load, Compose([step for step in steps if step not in loading])


def _classes(
    module: torch.nn.Module,
    stated: tuple[str, ...] | None,
    config: Any,
    scope: str,
    fallback: Callable[[int], tuple[str, ...]],
) -> tuple[str, ...]:
    """Class names from the checkpoint, else from the config's test data set, else the fallback's."""
    counts = {
        part.num_classes
        for name, part in module.named_modules()
        if isinstance(getattr(part, "num_classes", None), int) and "rpn" not in name and "aux" not in name
    }
    for names in (stated, _configured_classes(config, scope)):
        if names and (not counts or len(names) in counts):
            return names
    return fallback(max(counts, default=0))


def _configured_classes(config: Any, scope: str) -> tuple[str, ...] | None:
    registry = importlib.import_module(f"{scope}.registry")
    dataset = (config.get("test_dataloader") or {}).get("dataset") or {}
    while isinstance(dataset, dict):
        names = (dataset.get("metainfo") or {}).get("classes")
        kind = dataset.get("type")
        if not names and kind is not None:
            found = registry.DATASETS.get(kind) if isinstance(kind, str) else kind
            names = getattr(found, "METAINFO", {}).get("classes")
        if isinstance(names, (list, tuple)) and names:
            return tuple(str(name) for name in names)
        dataset = dataset.get("dataset") or next(iter(dataset.get("datasets") or []), None)
    return None


def _version(package: str) -> str:
    return str(getattr(importlib.import_module(package), "__version__", "unknown"))


def _named(value: Any) -> str:
    """A class or function of a config by its name; text as it is."""
    if isinstance(value, str):
        return value
    return getattr(value, "__qualname__", None) or repr(value)


def _said(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split())[:240]

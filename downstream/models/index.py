"""The models that MMDetection and MMSegmentation describe in their own installation.

Both packages carry their configs and a model index (``.mim/``): YAML files with a name, a config and the
address of the weights of every trained model. They are read here without importing the packages.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bench.errors import BadConfig, MissingDependency
from bench.vocabulary import DETECTION, INSTANCES, SEGMENTATION

#: Which package serves which task.
PACKAGES = {DETECTION: "mmdet", INSTANCES: "mmdet", SEGMENTATION: "mmseg"}

#: What an index calls the results of models that serve a task which not every model of its package does.
_RESULTS = {INSTANCES: "Instance Segmentation"}


@dataclass(frozen=True)
class Entry:
    """A model of an index.

    Attributes:
        name: Its name in the index, or its config file's stem.
        config: The config file.
        url: Where its weights are; None where the index has none.
    """

    name: str
    config: Path
    url: str | None


def package_folder(task: str) -> Path:
    """Return the folder of the package that serves ``task``, without importing it.

    Raises:
        MissingDependency: It is not installed; the command that installs it is named.
    """
    package = PACKAGES[task]
    folder = installed_folder(package)
    if folder is None:
        raise MissingDependency(
            f"task {task} needs {package}, which is not installed: pip install 'derain-bench[lite]'"
        )
    return folder


def installed_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it; None where it is not installed."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def read_index(task: str) -> dict[str, Entry]:
    """Read the whole model index of the package that serves ``task``: names to entries, in the index's order.

    Raises:
        MissingDependency: The package is not installed.
        BadConfig: The index is damaged.
    """
    root = package_folder(task) / ".mim"
    listing = root / "model-index.yml"
    if not listing.is_file():
        return {}
    entries: dict[str, Entry] = {}
    for part in _load(listing).get("Import", []):
        for model in _load(root / part).get("Models") or []:
            name, config = model.get("Name"), model.get("Config")
            results = [
                result.get("Task") for result in model.get("Results") or [] if isinstance(result, dict)
            ]
            if name and config and _RESULTS.get(task, next(iter(results), None)) in [*results, None]:
                path = root / unquote(config)  # "gn%2Bws/..." stands for the folder gn+ws
                if not path.is_file():  # the index of a release may lag behind a moved config
                    path = read_configs(task).get(path.stem, path)
                entries.setdefault(name, Entry(name, path, _one(model.get("Weights"))))
    return entries


@functools.cache
def read_configs(task: str) -> dict[str, Path]:
    """Find every whole config (no ``_base_`` fragment) that the package brings: file stems to paths."""
    configs = package_folder(task) / ".mim" / "configs"
    return {
        path.stem: path
        for path in sorted(configs.rglob("*.py"))
        if "_base_" not in path.parts and not path.name.startswith("_")
    }


def find_model(task: str, name: str) -> Entry | None:
    """Find a model by its name in the index or by its config's name; None where there is neither."""
    config = read_configs(task).get(name)
    index = read_index(task)
    if name in index:
        return index[name]
    if config is None:
        return None
    url = next((entry.url for entry in index.values() if entry.config == config), None)
    return Entry(name, config, url)


def _one(weights: Any) -> str | None:
    """The address of the weights; of models in several parts (a list) there is none to load."""
    return weights if isinstance(weights, str) and weights else None


def _load(path: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (OSError, yaml.YAMLError) as error:
        raise BadConfig(f"model index {path} cannot be read ({' '.join(str(error).split())[:200]})") from None
    if isinstance(content, list):  # a few metafiles hold the bare list of models
        return {"Models": content}
    return content if isinstance(content, dict) else {}

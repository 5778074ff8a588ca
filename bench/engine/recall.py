"""Remembers the content keys of derainers and models, so that a run with nothing left to do loads no network.

A memo stands for exactly what the keys were made from: the names, the weights' bytes, the settings, the hardware (which
decides the precision), the packages' versions and the project's own sources. Where a user's own code or config file is
involved nothing is remembered, since it may draw on others.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.engine.outline import Networks
from bench.engine.plan import Component, Components
from bench.engine.work import Settings
from bench.environment import processor, versions
from bench.files import ensure_folder, write_atomic
from bench.hashing import content_key, sha256_file
from bench.keep.store import Store


def recall(store: Store, networks: Networks, settings: Settings) -> Components | None:
    """Return the components of some networks if this store has seen exactly them before."""
    path = _path(store, networks, settings)
    if path is None or not path.exists():
        return None
    try:
        values = json.loads(path.read_bytes())
        derainers = {label: _component(value) for label, value in values["derainers"].items()}
        return Components(derainers, tuple(_component(value) for value in values["models"]))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # of another version of the program, or damaged
        return None


def remember(store: Store, networks: Networks, settings: Settings, components: Components) -> None:
    """Keep the components of some networks."""
    path = _path(store, networks, settings)
    if path is not None and not path.exists():
        ensure_folder(path.parent)
        write_atomic(path, json.dumps(asdict(components), sort_keys=True).encode())


def _component(values: dict[str, Any]) -> Component:
    return Component(
        values["name"], values["key"], values["card"], tuple(values["classes"]), bool(values["masks"])
    )


def _path(store: Store, networks: Networks, settings: Settings) -> Path | None:
    from derainers import registry
    from downstream.models import source_of, sources

    named: list[Any] = [asdict(replace(settings, timeout=0)), versions(), processor(), _gpus(), _sources()]
    for spec in networks.derainers:
        shipped = spec.name in registry and registry.origin(spec.name).startswith("derainers.")
        if not shipped and spec.name not in ("onnx", "torchscript"):
            return None
        made_with = [spec.options.arguments, spec.options.attributes]  # of option files what is in them
        named.append([spec.label, spec.name, _digest(spec.arg), *made_with])
    for model in networks.models:
        source = source_of(model.name)
        # The names of other sources do not say what lies in the files that they name.
        if source is not sources.get("openmmlab") or not source.is_data(model.name):
            return None
        named.append([model.task, model.name, model.label, *map(_digest, (model.checkpoint, model.classes))])
    return store.root / "memos" / f"{content_key(named)}.json"


def _gpus() -> list[str]:
    """The models of this machine's GPUs, as the driver states them; asking torch would cost seconds."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith("Model")]


def _digest(file: str | None) -> str | None:
    if file is None:
        return None
    path = Path(file).expanduser()
    return sha256_file(path) if path.is_file() else file


@lru_cache(maxsize=1)
def _sources() -> str:
    import derainers
    import downstream

    roots = [Path(package.__path__[0]) for package in (derainers, downstream)]
    files = sorted(
        path
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    return content_key([[path.name, sha256_file(path)] for path in files])

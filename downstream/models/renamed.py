"""Class maps: what a data set calls the classes of a model whose names are others."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

from bench.errors import BadConfig, some
from bench.yaml_file import read_yaml
from downstream.models.base import Model, plain_name


def read_class_map(path: str | Path) -> dict[str, str]:
    """Read a class map, ``MODEL'S NAME: DATA SET'S NAME`` in YAML, such as ``vehicle.car: car``.

    Raises:
        BadConfig: If the file is none.
    """
    values = read_yaml(Path(path).expanduser(), f"class map {path}")
    if not isinstance(values, dict) or not values:
        raise BadConfig(
            f"class map {path}: write MODEL'S NAME: DATA'S NAME, one a line, as in vehicle.car: car"
        )
    for name, other in values.items():
        if isinstance(other, (dict, list)) or other in (None, ""):
            raise BadConfig(f"class map {path}: {name}: {other!r:.40} is no name of a class")
    return {str(name): str(other) for name, other in values.items()}


def renamed(model: Model, path: str | Path) -> Model:
    """Return a model that calls its classes by other names; classes that the map does not name keep theirs.

    Raises:
        BadConfig: If the map is none, or names classes that the model does not have.
    """
    names = read_class_map(path)
    if not model.classes:
        raise BadConfig(f"model {model.name} answers in the data set's own classes: it takes no --classes")
    wrong = [name for name in names if name not in model.classes]
    if wrong:
        raise BadConfig(
            f"class map {path}: model {model.name} has no class {some(map(repr, wrong))}: "
            f"it has {some(map(repr, model.classes), 12)}"
        )
    made = copy.copy(model)
    made.classes = tuple(names.get(name, name) for name in model.classes)
    made.key = {**model.key, "renamed": list(made.classes)}
    return made


def check_names(path: str | Path, known: Mapping[str, str]) -> None:
    """Check that a class map leads to names that a data set has.

    Args:
        path: The map.
        known: The data sets' classes, each with the data set that has it.

    Raises:
        BadConfig: If it does not; the data sets' names are quoted.
    """
    plain = {plain_name(name) for name in known}
    wrong = [name for name in read_class_map(path).values() if plain_name(name) not in plain]
    if wrong:
        raise BadConfig(
            f"class map {path}: {some(sorted(set(known.values())))} has no class {some(map(repr, wrong))}: "
            f"it has {some(map(repr, known), 12)}"
        )

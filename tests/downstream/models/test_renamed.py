"""Class maps: models whose names differ from the data's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.data import open_data
from bench.engine.outline import outline
from bench.engine.plan import Component, Components, check_classes
from bench.engine.suite import suite_of
from bench.errors import BadConfig, BenchError
from downstream.models import load_model

MODEL = """
class Found:
    classes = ("vehicle.car", "human", "sky")

    def __call__(self, image):
        return [[1, 2, 30, 40]], [0.9], [0]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(MODEL)
    return f"{path}:Found"


def class_map(folder: Path, text: str) -> Path:
    path = folder / "map.yaml"
    path.write_text(text)
    return path


def test_a_map_renames_classes_and_goes_into_the_key(model: str, tmp_path: Path) -> None:
    path = class_map(tmp_path, "vehicle.car: car\nhuman: person\n")
    plain, found = (load_model("detection", model, device="cpu", classes=map) for map in (None, path))
    assert found.classes == ("car", "person", "sky")
    assert plain.classes == ("vehicle.car", "human", "sky")
    assert plain.key != found.key
    image = np.zeros((50, 60, 3), np.uint8)
    assert found.predict(image).labels.tolist() == plain.predict(image).labels.tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vehicle.cra: car\n", "has no class 'vehicle.cra': it has 'vehicle.car', 'human', 'sky'"),
        ("- car\n", "write MODEL'S NAME: DATA'S NAME"),
        ("human: [a, b]\n", "is no name of a class"),
        ("human:\n", "is no name of a class"),
        ("human: {", "map.yaml"),
    ],
)
def test_a_map_that_is_none_is_refused_in_a_line(model: str, tmp_path: Path, text: str, words: str) -> None:
    path = class_map(tmp_path, text)
    with pytest.raises(BenchError, match=words) as caught:
        load_model("detection", model, device="cpu", classes=path)
    assert "\n" not in str(caught.value)


def test_names_that_the_data_does_not_have_are_told_with_those_it_has(model: str, tmp_path: Path) -> None:
    path = class_map(tmp_path, "vehicle.car: autocar\nhuman: person\n")
    suite = suite_of({"model": model, "classes": str(path), "limit": 1})
    assert suite.models[0].classes == str(path)
    components = Components({}, (Component("Found", {}, classes=("autocar", "person", "sky")),))
    with pytest.raises(BadConfig, match=r"street/test\[:1\] has no class 'autocar': it has .*'car'"):
        check_classes(outline(suite), components)
    class_map(tmp_path, "vehicle.car: Car\nhuman: person\n")
    components = Components({}, (Component("Found", {}, classes=("Car", "person", "sky")),))
    check_classes(outline(suite), components)
    (tmp_path / "map.yaml").unlink()
    with pytest.raises(BadConfig, match="map.yaml does not exist"):
        outline(suite)


def test_a_map_belongs_to_the_model_that_it_names(model: str, tmp_path: Path) -> None:
    path = class_map(tmp_path, "human: person\n")
    suite = suite_of({"model": [f"a={model}", f"b={model}"], "classes": f"b={path}"})
    assert [choice.classes for choice in suite.models] == [None, str(path)]
    with pytest.raises(BadConfig, match="--classes .*several models could be meant"):
        suite_of({"model": [f"a={model}", f"b={model}"], "classes": str(path)})
    with pytest.raises(BadConfig, match="--classes .*without --model"):
        suite_of({"classes": str(path)})


def test_boxes_and_masks_name_a_data_sets_classes() -> None:
    names = open_data("street").class_names
    assert {"car", "traffic light", "road", "sky"} <= set(names)
    assert len(names) == len(set(names))

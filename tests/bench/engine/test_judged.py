"""One image as a task sees it: hits, misses and false alarms, and its score as if it were the set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data import open_data
from bench.engine.judged import drawing, score
from bench.engine.views import View, draw, make_panels
from bench.errors import BadConfig
from downstream.models.base import Detections
from downstream.tasks import find_task
from reports.figures.panels import Crop


class Knowing:
    """A model that sees what it is told to."""

    def __init__(self, classes: tuple[str, ...], answer: Any) -> None:
        self.classes = classes
        self._answer = answer

    def predict(self, image: np.ndarray) -> Any:
        return self._answer


def test_hits_misses_and_false_alarms() -> None:
    data = open_data("street")
    scene = data.scenes[0]
    assert data.detection is not None
    number = data.detection.image_ids[scene.id]
    own = [a for a in data.detection.coco["annotations"] if a["image_id"] == number and not a.get("iscrowd")]
    names = {c["id"]: c["name"] for c in data.detection.categories}
    classes = tuple(names.values())
    x, y, w, h = own[0]["bbox"]
    boxes = np.array([[x, y, x + w, y + h], [0, 0, 3, 3]], np.float32)
    found = Detections(
        boxes, np.array([0.9, 0.8], np.float32), np.array([classes.index(names[own[0]["category_id"]])] * 2)
    )
    model = Knowing(classes, found)
    seen = drawing(find_task("detection"), model, data, scene, np.zeros((4, 4, 3), np.uint8))
    assert list(seen.verdicts) == ["hit", "false alarm", *["miss"] * (len(own) - 1)]
    assert seen.boxes is not None
    assert len(seen.boxes) == len(seen.names) == len(own) + 1
    said = score(find_task("detection"), model, data, scene, np.zeros((4, 4, 3), np.uint8), None)
    assert said is not None
    assert said.startswith("AP ")


def test_wrong_pixels() -> None:
    data = open_data("street")
    scene = data.scenes[0]
    assert data.segmentation is not None
    truth = data.mask(scene)
    answer = np.where(truth == 255, 0, truth).astype(np.int64)
    answer[:5] = (answer[:5] + 1) % 19
    model = Knowing(data.segmentation.classes, answer)
    seen = drawing(find_task("segmentation"), model, data, scene, np.zeros((4, 4, 3), np.uint8))
    assert seen.wrong is not None
    assert not seen.wrong[5:].any()
    assert (seen.wrong[:5] == (truth[:5] != 255)).all()


def test_panels_say_what_each_image_scores_and_are_what_their_ending_says(tmp_path: Path) -> None:
    panels = make_panels(View(derainers="median"), count=1)
    clean, rainy, restored = panels[0]
    assert rainy.scene == restored.scene != ""
    assert rainy.note.startswith("PSNR Y ")
    assert clean.note == ""
    for name, head in (("p.pdf", b"%PDF"), ("p.svg", b"<?xml"), ("p.png", b"\x89PNG")):
        draw(panels, tmp_path / name, crop=Crop(0, 0, 40, 30))
        assert (tmp_path / name).read_bytes().startswith(head)
    with pytest.raises(BadConfig, match=r"--crop 0,0,9000,3 is not inside scene"):
        draw(panels, tmp_path / "p.png", crop=Crop(0, 0, 9000, 3))


def test_mistakes_are_told_before_anything_is_restored(tmp_path: Path) -> None:
    for options, words in (
        (["--out", str(tmp_path / "p.jpg")], "pictures end in .png, .svg, .pdf"),
        (["--crop", "1,2,3"], "write X,Y,W,H in pixels"),
        (["--crop", "1,2,0,3"], "write X,Y,W,H in pixels"),
    ):
        done = CliRunner().invoke(app, ["panel", *options])
        assert isinstance(done.exception, BadConfig)
        assert words in str(done.exception)

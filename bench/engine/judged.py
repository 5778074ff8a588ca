"""One image as a task sees it: what is right and wrong in it, and what it scores as if it were the set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bench.data.base import DataSet, Scene
from bench.keep.manifest import make_boxes, make_manifest
from downstream.tasks.base import Drawing, Sight, Task


def drawing(task: Task, model: Any, data: DataSet, scene: Scene, image: np.ndarray) -> Drawing:
    """What a model sees in an image: held against the truth where the data set has it and the task can judge."""
    judge = getattr(task, "judge", None)
    if judge is None or not data.serves.issuperset(task.needs):
        return task.draw(model, image)
    found: Drawing = judge(model, image, data, scene)
    return found


def score(
    task: Task, model: Any, data: DataSet, scene: Scene, image: np.ndarray, clean: np.ndarray | None
) -> str | None:
    """The headline score of one image as if it were the set, as a caption says it; None where there is none."""
    if not data.serves.issuperset(task.needs):
        return None
    alone = replace(data, scenes=(scene,))
    manifest = make_manifest(alone, {scene.id: ""})
    if data.detection is not None and data.detection.derived:
        manifest["coco"] = make_boxes(alone)

    def timed(function: Callable[[np.ndarray], Any]) -> tuple[Any, float]:
        return function(image), 0.0

    row = task.look(data, model)(Sight(scene, "", image, clean, 0.0, lambda: data.mask(scene), timed))
    shown = task.about.headline
    values = task.scoring(manifest).breakdown([row]).get("images", {}).get(shown.name, [None])
    if values[0] is None:
        return None
    unit = f" {shown.unit}" if shown.unit else ""
    return f"{shown.title} {values[0] * shown.scale:.{shown.digits}f}{unit}"

"""Trains the embedded detector and segmenter on rendered street scenes, without any rain or with it.

    python -m bench.tools.street.make --split train --count 2000 --out street_train
    python -m bench.tools.street.train detection --data street_train --work runs/street_yolox
    python -m bench.tools.street.train detection --data street_train --work runs/street_yolox_rain --rain

A run is resumed from its work folder. Only the losses are MMDetection's and MMSegmentation's
(`downstream.models.mm_training`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from bench.data.base import Scene
from bench.data.street.dataset import StreetSet, open_street
from bench.files import ensure_folder
from bench.images import read_image, read_labels
from bench.rain import Rain, parse_rain
from bench.seeds import rng_from
from bench.tools.learning import Recipe, learn, save_difference, save_weights
from bench.vocabulary import DETECTION, SEGMENTATION
from bench.weights import load_state
from downstream.models import mm_training

IGNORED = 255
"""TrainId of the pixels that count for no class."""


@dataclass(frozen=True)
class Job:
    """A model and how it is trained.

    Attributes:
        model: Its name.
        losses: The losses of a batch, by name.
        size: Rows and columns of a training image.
        enlarge: Mean zoom of a scene in it.
        rare: Whether scenes are chosen so that rare classes are seen.
        from_coco: Whether the weights to start from are those of a detector trained on COCO; else of the same model.
        recipe: The schedule.
        early: Regular expression of the layers that learn rain: the first ones, in which streaks are still streaks. The
            rest stays the clean model's, so that the difference is a small file.
        recipe_rain: The schedule of learning rain.
    """

    model: str
    losses: Callable[[Any, Sequence[Example]], dict[str, torch.Tensor]]
    size: tuple[int, int]
    enlarge: float
    rare: bool
    from_coco: bool
    recipe: Recipe
    early: str
    recipe_rain: Recipe


@dataclass(frozen=True)
class Example:
    """A training scene: where it is from, RGB image, trainId mask, boxes (n, 4) as corners and their class indices."""

    scene: Scene
    image: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


JOBS = {
    DETECTION: Job(
        "street_yolox",
        mm_training.detection_losses,
        (224, 384),
        1.5,
        False,
        True,
        Recipe(1000, 8, 1.2e-3),
        r"backbone\.(stem|stage[123])|bbox_head\.multi_level_conv_",
        Recipe(1000, 8, 1e-3),
    ),
    SEGMENTATION: Job(
        "street_seg",
        mm_training.segmentation_losses,
        (256, 384),
        2.0,
        True,
        False,
        Recipe(3400, 8, 3e-3),
        r"backbone\.(learning_to_downsample|global_feature_extractor\.bottleneck1|feature_fusion)|"
        r"decode_head\.conv_seg",
        Recipe(1000, 8, 2e-3),
    ),
}

RAINS = ("streaks:light", "streaks:medium", "streaks:heavy", "rainfall:25", "rainfall:50", "rainfall:100")
"""What falls on the scenes that the embedded models learn rain from."""


def load_examples(data: StreetSet, classes: tuple[str, ...]) -> list[Example]:
    """Read a whole split into memory (about 350 kB a scene)."""
    assert data.detection is not None
    names = {category["id"]: category["name"] for category in data.detection.coco["categories"]}
    index = {name: number for number, name in enumerate(classes)}
    boxes: dict[int, list[list[float]]] = {}
    for entry in data.detection.coco["annotations"]:
        if not entry["iscrowd"] and names[entry["category_id"]] in index:
            x, y, width, height = entry["bbox"]
            row = [x, y, x + width, y + height, index[names[entry["category_id"]]]]
            boxes.setdefault(entry["image_id"], []).append(row)
    examples = []
    for scene in data.scenes:
        assert scene.image is not None
        assert scene.mask is not None
        found = np.array(boxes.get(data.detection.image_ids[scene.id], []), np.float32).reshape(-1, 5)
        examples.append(
            Example(
                scene,
                read_image(scene.image),
                read_labels(scene.mask),
                found[:, :4],
                found[:, 4].astype(np.int64),
            )
        )
    return examples


def index_classes(examples: list[Example], least: int = 30) -> dict[int, list[int]]:
    """Which scenes show a class on ``least`` pixels or more: scene numbers by trainId."""
    found: dict[int, list[int]] = {}
    for number, example in enumerate(examples):
        for train_id, count in zip(*np.unique(example.mask, return_counts=True), strict=True):
            if train_id != IGNORED and count >= least:
                found.setdefault(int(train_id), []).append(number)
    return found


def draw_example(
    examples: list[Example], by_class: dict[int, list[int]], rng: np.random.Generator
) -> tuple[Example, tuple[int, int] | None]:
    """Choose a scene: half of the time any, else one that shows a class drawn uniformly.

    Rare classes are a pixel in thousands: without this the network learns to leave them out (rare class sampling of
    Hoyer, Dai and Van Gool, "DAFormer", CVPR 2022, with equal shares).

    Returns:
        The scene, and a pixel (row, column) of the class that the crop must hold, or None.
    """
    if not by_class or rng.random() < 0.5:
        return examples[int(rng.integers(len(examples)))], None
    train_id = sorted(by_class)[int(rng.integers(len(by_class)))]
    example = examples[by_class[train_id][int(rng.integers(len(by_class[train_id])))]]
    rows, columns = np.nonzero(example.mask == train_id)
    place = int(rng.integers(len(rows)))
    return example, (int(rows[place]), int(columns[place]))


def augment(
    example: Example,
    rng: np.random.Generator,
    size: tuple[int, int],
    enlarge: float,
    focus: tuple[int, int] | None = None,
) -> Example:
    """Flip, zoom, shift and recolour a scene into an image of ``size`` (rows, columns).

    ``enlarge`` is the mean zoom; the zoom drawn lies within 0.7 to 1.6 times of it. ``focus`` is a pixel (row, column)
    that stays within the image.
    """
    rows, columns = size
    height, width = example.mask.shape
    zoom = enlarge * float(np.exp(rng.uniform(np.log(0.7), np.log(1.6))))
    flip = rng.random() < 0.5
    left = _place(columns, zoom * width, rng)
    top = _place(rows, zoom * height, rng)
    if focus is not None:
        across = width - focus[1] if flip else focus[1]
        left = float(np.clip(left, -zoom * across, columns - 1 - zoom * across))
        top = float(np.clip(top, -zoom * focus[0], rows - 1 - zoom * focus[0]))
    scale = -zoom if flip else zoom
    shift = left + zoom * width if flip else left
    matrix = np.array([[scale, 0, shift], [0, zoom, top]])
    edge = cv2.BORDER_REPLICATE  # half a pixel at most, as long as the zoom covers the image
    image = cv2.warpAffine(example.image, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=edge)
    mask = cv2.warpAffine(example.mask, matrix, (columns, rows), flags=cv2.INTER_NEAREST, borderMode=edge)
    boxes, labels = example.boxes, example.labels
    if len(boxes):
        x = np.sort(boxes[:, 0::2] * scale + shift, axis=1)
        y = boxes[:, 1::2] * zoom + top
        whole = (x[:, 1] - x[:, 0]) * (y[:, 1] - y[:, 0])
        x, y = x.clip(0, columns), y.clip(0, rows)
        kept = (
            ((x[:, 1] - x[:, 0]) * (y[:, 1] - y[:, 0]) > 0.3 * whole)
            & (np.ptp(x, axis=1) > 3)
            & (np.ptp(y, axis=1) > 3)
        )
        boxes = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)[kept].astype(np.float32)
        labels = labels[kept]
    return Example(example.scene, _recolour(image, rng), mask, boxes, labels)


def _place(window: int, length: float, rng: np.random.Generator) -> float:
    """Where a scene of this length starts, so that it covers the window, or lies within it where it is shorter."""
    return rng.uniform(min(0.0, window - length), max(0.0, window - length))


def _recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and white balance a little."""
    pixels = image.astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * rng.uniform(0.6, 1.4)
    pixels = (pixels - 115) * rng.uniform(0.8, 1.25) + 115 + rng.uniform(-18, 18)
    pixels *= rng.uniform(0.93, 1.07, 3).astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def train(
    task: str,
    data: Path,
    work: Path,
    recipe: Recipe,
    init: Path | None,
    seed: int,
    rains: Sequence[Rain] = (),
) -> Path:
    """Train a model, or go on where ``work`` left off.

    Args:
        task: ``detection`` or ``segmentation``.
        data: Folder that ``bench.tools.street.make --split train`` wrote.
        work: Folder for the resume point and the weights.
        recipe: The schedule.
        init: Weights to start from: for a detector YOLOX-Nano's of COCO, for a segmenter those of an earlier run.
            None starts from random weights.
        seed: Seed of the initial weights and of every batch.
        rains: What rains on every second scene, each as often as the others. With any, training starts from the
            embedded model, and only what sees rain first is trained: :attr:`Job.early` and the normalisations.

    Returns:
        The weights file (the running average, as half floats).
    """
    ensure_folder(work)
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    job = JOBS[task]
    base = mm_training.EMBEDDED / f"{job.model}.pth"
    model, classes = mm_training.build(task, base.with_suffix(".py"))
    if rains:
        model.load_state_dict(load_state(base))
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(parameter.ndim <= 1 or re.match(job.early, name) is not None)
    elif init is not None and job.from_coco:
        mm_training.start_from_coco(model, init, classes)
    elif init is not None:
        model.load_state_dict(load_state(init))
    model = model.to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    street = open_street(data, "train")
    examples = load_examples(street, classes)
    print(f"{len(examples)} scenes", flush=True)
    by_class = index_classes(examples) if job.rare else {}

    def losses(step: int) -> dict[str, torch.Tensor]:
        rng = rng_from("street training", task, seed, step)
        batch = []
        for _ in range(recipe.batch):
            example, focus = draw_example(examples, by_class, rng)
            if rains and rng.random() < 0.5:
                depth = street.depth(example.scene)
                rain = rains[int(rng.integers(len(rains)))]
                example = replace(example, image=rain(example.image, rng, depth))
            batch.append(augment(example, rng, job.size, job.enlarge, focus))
        return job.losses(model, batch)

    result = work / (f"{job.model}_rain.safetensors" if rains else f"{job.model}.pth")

    def save(average: dict[str, torch.Tensor]) -> None:
        if rains:
            save_difference(average, base, result)
        else:
            save_weights(average, classes, result)

    learn(model, losses, recipe, work, save)
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tools.street.train", description=__doc__)
    parser.add_argument("task", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path, required=True, help="folder of rendered training scenes")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the resume point and the weights"
    )
    parser.add_argument(
        "--init", type=Path, help="weights to start from: YOLOX-Nano's of COCO, or an earlier run's"
    )
    parser.add_argument(
        "--rain",
        action="store_true",
        help=f"start from the embedded model, and let it rain on every second scene: {', '.join(RAINS)}",
    )
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    job = JOBS[arguments.task]
    recipe = job.recipe_rain if arguments.rain else job.recipe
    if arguments.steps is not None:
        recipe = replace(recipe, steps=arguments.steps)
    rains = [parse_rain(name) for name in RAINS] if arguments.rain else []
    print(
        train(arguments.task, arguments.data, arguments.work, recipe, arguments.init, arguments.seed, rains)
    )


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()

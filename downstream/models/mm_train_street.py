"""Trains the embedded detector and segmenter on rendered street scenes, without any rain.

    python -m bench.data.street.make --split train --count 2000 --out street_train
    python -m downstream.models.mm_train_street detection --data street_train --work runs/street_yolox

A run is resumed from its work folder; its batches depend on the seed and the step alone. Only the losses
are MMDetection's and MMSegmentation's; the loop is plain PyTorch, which takes a tenth of the code that
hooks for resuming and averaging would.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from bench.data.street.dataset import StreetSet, open_street
from bench.files import ensure_folder
from bench.images import read_image, read_labels
from bench.seeds import rng_from
from downstream.models.mmcommon import quiet
from downstream.models.mmops import install_fallback_ops

MODELS = Path(__file__).parent / "embedded"
NAMES = {"detection": "street_yolox", "segmentation": "street_seg"}
IGNORED = 255
"""TrainId of the pixels that count for no class."""
SCOPES = {"detection": "mmdet", "segmentation": "mmseg"}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Images a step.
        rate: Peak learning rate; warmed up over 150 steps, then a cosine to a fiftieth.
        decay: Weight decay of AdamW (Loshchilov and Hutter 2019).
        averaging: Time constant of the weights' running average, in steps.
    """

    steps: int
    batch: int
    rate: float
    decay: float = 0.02
    averaging: float = 150.0


RECIPES = {"detection": Recipe(1000, 8, 1.2e-3), "segmentation": Recipe(3400, 8, 3e-3)}


@dataclass(frozen=True)
class Example:
    """A training scene: RGB image, trainId mask, boxes (n, 4) as corners and their class indices."""

    image: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


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
                read_image(scene.image), read_labels(scene.mask), found[:, :4], found[:, 4].astype(np.int64)
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
    return Example(_recolour(image, rng), mask, boxes, labels)


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


def _tensor(images: list[np.ndarray]) -> torch.Tensor:
    """A batch of RGB images as float32 NCHW in BGR order, 0 to 255: what MMDetection's loader gives."""
    stacked = np.stack([image[..., ::-1] for image in images]).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked, np.float32)).contiguous(
        memory_format=torch.channels_last
    )


def detection_losses(model: Any, batch: list[Example]) -> dict[str, torch.Tensor]:
    """MMDetection's losses of a batch."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    samples = []
    for example in batch:
        shape = example.mask.shape
        sample = DetDataSample(
            metainfo={"img_shape": shape, "ori_shape": shape, "pad_shape": shape, "batch_input_shape": shape}
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.from_numpy(example.boxes.reshape(-1, 4)), labels=torch.from_numpy(example.labels)
        )
        samples.append(sample)
    return model.loss(_tensor([example.image for example in batch]), samples)


def segmentation_losses(model: Any, batch: list[Example]) -> dict[str, torch.Tensor]:
    """MMSegmentation's losses of a batch, at every second pixel: the images are enlarged, so nothing is lost."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    samples = []
    for example in batch:
        sample = SegDataSample(metainfo={"img_shape": example.mask.shape, "ori_shape": example.mask.shape})
        sample.gt_sem_seg = PixelData(data=torch.from_numpy(example.mask[::2, ::2].astype(np.int64))[None])
        samples.append(sample)
    preprocess = model.data_preprocessor
    inputs = (_tensor([example.image for example in batch]).flip(1) - preprocess.mean) / preprocess.std
    return model.loss(inputs, samples)


def build(task: str) -> tuple[Any, tuple[str, ...]]:
    """Build the task's embedded model from its config, with fresh weights; also return its classes."""
    install_fallback_ops()
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    config = Config.fromfile(MODELS / f"{NAMES[task]}.py")
    with DefaultScope.overwrite_default_scope(SCOPES[task]):
        if task == "detection":
            import mmdet.registry as registry
            from mmdet.utils import register_all_modules
        else:
            import mmseg.registry as registry  # type: ignore[no-redef]
            from mmseg.utils import register_all_modules
        register_all_modules(init_default_scope=False)
        with quiet():
            model = registry.MODELS.build(config.model)
            model.init_weights()
    return model, tuple(config.classes)


def start_from(model: Any, checkpoint: Path, task: str, classes: tuple[str, ...]) -> None:
    """Fill a model with other weights: a segmenter with those of an earlier run, a detector with those of one trained
    on COCO, its class outputs picked by name."""
    from mmdet.datasets import CocoDataset

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    if task == "segmentation":
        model.load_state_dict(state)
        return
    rows = [CocoDataset.METAINFO["classes"].index(name) for name in classes]
    for name in state:
        if "multi_level_conv_cls" in name:
            state[name] = state[name][rows]
    model.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("data_preprocessor")},
        strict=False,
    )


def _rate(recipe: Recipe, step: int) -> float:
    warm = min(1.0, (step + 1) / 150)
    return recipe.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps)))


def save_weights(state: dict[str, torch.Tensor], classes: tuple[str, ...], path: Path) -> None:
    """Write weights as half floats in the shape of an OpenMMLab checkpoint: plain data, safe to load."""
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in state.items()
    }
    temporary = path.with_suffix(".tmp")
    torch.save({"meta": {"dataset_meta": {"classes": list(classes)}}, "state_dict": half}, temporary)
    temporary.replace(path)


def train(task: str, data: Path, work: Path, recipe: Recipe, init: Path | None, seed: int) -> Path:
    """Train a model, or go on where ``work`` left off.

    Args:
        task: ``detection`` or ``segmentation``.
        data: Folder that ``bench.data.street.make --split train`` wrote.
        work: Folder for the resume point and the weights.
        recipe: The schedule.
        init: Weights to start from: for a detector YOLOX-Nano's of COCO, for a segmenter those of an earlier run.
            None starts from random weights.
        seed: Seed of the initial weights and of every batch.

    Returns:
        The weights file (the running average, as half floats).
    """
    ensure_folder(work)
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    model, classes = build(task)
    if init is not None:
        start_from(model, init, task, classes)
    model = model.to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    plain = [p for p in model.parameters() if p.ndim <= 1]
    weights = [p for p in model.parameters() if p.ndim > 1]
    groups = [{"params": weights, "weight_decay": recipe.decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate)
    average = copy.deepcopy(model.state_dict())
    resume, result = work / "resume.pth", work / f"{NAMES[task]}.pth"
    first = 0
    if resume.exists():
        saved = torch.load(resume, map_location="cpu", weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, first = saved["average"], saved["step"]
    examples = load_examples(open_street(data, "train"), classes)
    print(f"{len(examples)} scenes, from step {first}", flush=True)
    by_class = index_classes(examples) if task == "segmentation" else {}
    losses: Callable[[Any, list[Example]], dict[str, Any]] = (
        detection_losses if task == "detection" else segmentation_losses
    )
    size, enlarge = ((224, 384), 1.5) if task == "detection" else ((256, 384), 2.0)
    model.train()
    started = saved_at = time.monotonic()
    for step in range(first, recipe.steps):
        rng = rng_from("street training", task, seed, step)
        drawn = [draw_example(examples, by_class, rng) for _ in range(recipe.batch)]
        batch = [augment(example, rng, size, enlarge, focus) for example, focus in drawn]
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, step)
        parts = losses(model, batch)
        total = sum(value.sum() for name, value in parts.items() if "loss" in name)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 20.0)
        optimiser.step()
        keep = min(1 - 1 / recipe.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    average[name].lerp_(value, 1 - keep)
                else:
                    average[name].copy_(value)
        if step % 20 == 0:
            shown = " ".join(f"{name} {float(value.detach()):.3f}" for name, value in parts.items())
            pace = (time.monotonic() - started) / (step - first + 1)
            print(f"{step}/{recipe.steps} {shown} {pace:.2f} s/step", flush=True)
        if step + 1 == recipe.steps or time.monotonic() - saved_at > 120:
            state = {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "average": average,
                "step": step + 1,
            }
            torch.save(state, resume.with_suffix(".tmp"))
            resume.with_suffix(".tmp").replace(resume)
            save_weights(average, classes, result)
            saved_at = time.monotonic()
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m downstream.models.mm_train_street", description=__doc__)
    parser.add_argument("task", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, required=True, help="folder of rendered training scenes")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the resume point and the weights"
    )
    parser.add_argument(
        "--init", type=Path, help="weights to start from: YOLOX-Nano's of COCO, or an earlier run's"
    )
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    recipe = RECIPES[arguments.task]
    if arguments.steps is not None:
        recipe = Recipe(arguments.steps, recipe.batch, recipe.rate, recipe.decay, recipe.averaging)
    print(train(arguments.task, arguments.data, arguments.work, recipe, arguments.init, arguments.seed))


if __name__ == "__main__":
    main()

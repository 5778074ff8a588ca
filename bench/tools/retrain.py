"""Goes on training an MMSegmentation model on scenes in rain, to ask whether that does more than a derainer does.

    bench rain --data masks:camvid --split train --rain streaks:heavy --out camvid_heavy
    python -m bench.tools.retrain --config cgnet_camvid.py --checkpoint cgnet_camvid.pth \\
        --data masks:camvid --data masks:camvid_heavy --split train --work runs/cgnet_rain

Half of the scenes come from the first data set, which is the clean one, the others from the rest in equal shares. A run
is resumed from its work folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from bench.data import open_data
from bench.data.base import DataSet
from bench.seeds import rng_from
from bench.tools.learning import Recipe, learn, save_weights
from bench.tools.street.train import Example, augment
from bench.vocabulary import SEGMENTATION
from bench.weights import load_state
from downstream.models import mm_training

RECIPE = Recipe(400, 4, 5e-4)
"""Short and slow: the network knows its task, and is to learn rain."""

SIZE = (288, 384)
"""Rows and columns of a training image, cut from a scene that is zoomed by 0.7 to 1.6."""


def read_example(data: DataSet, number: int) -> Example:
    """Read a scene as an example without boxes."""
    scene = data.scenes[number]
    image = data.clean(scene)
    assert image is not None
    return Example(scene, image, data.mask(scene), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def draw(sets: Sequence[DataSet], rng: np.random.Generator) -> Example:
    """Draw a scene, half of the time of the first data set, and cut and recolour it."""
    others = len(sets) - 1
    chosen = sets[1 + int(rng.integers(others))] if others and rng.random() < 0.5 else sets[0]
    return augment(read_example(chosen, int(rng.integers(len(chosen.scenes)))), rng, SIZE, 1.0)


def retrain(
    config: Path, checkpoint: Path, sets: Sequence[DataSet], work: Path, recipe: Recipe, seed: int
) -> Path:
    """Train a model further, or go on where ``work`` left off.

    Args:
        config: Its MMSegmentation config; it is executed.
        checkpoint: The weights to start from.
        sets: Data sets whose classes are the model's, in its order; the first is the clean one.
        work: Folder for the resume point and the weights.
        recipe: The schedule.
        seed: Seed of every batch.

    Returns:
        The weights file (the running average, as half floats).
    """
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    model, _ = mm_training.build(SEGMENTATION, config)
    model.load_state_dict(load_state(checkpoint), strict=False)
    truth = sets[0].segmentation
    assert truth is not None
    result = work / f"{checkpoint.stem}_rain.pth"

    def losses(step: int) -> dict[str, torch.Tensor]:
        rng = rng_from("retraining", seed, step)
        return mm_training.segmentation_losses(model, [draw(sets, rng) for _ in range(recipe.batch)])

    learn(model, losses, recipe, work, lambda average: save_weights(average, truth.classes, result))
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tools.retrain", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="MMSegmentation config")
    parser.add_argument("--checkpoint", type=Path, required=True, help="weights to start from")
    parser.add_argument("--data", action="append", required=True, help="KIND:DIR, the clean set first")
    parser.add_argument("--split", help="split of all of them")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the resume point and the weights"
    )
    parser.add_argument("--steps", type=int, default=RECIPE.steps, help="(default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    sets = [open_data(spec, arguments.split) for spec in arguments.data]
    recipe = replace(RECIPE, steps=arguments.steps)
    print(retrain(arguments.config, arguments.checkpoint, sets, arguments.work, recipe, arguments.seed))


if __name__ == "__main__":
    from bench.cli import mistakes_said

    with mistakes_said():
        main()

"""Scores of segmenters: intersection over union, from confusion matrices alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadConfig, BadData
from downstream.models.base import plain_name

_UNNAMED = re.compile(r"(class[ _-]?)?\d+$", re.IGNORECASE)


def confusion(
    pred: NDArray[Any], mask: NDArray[Any], classes: int, ignore: int = 255, where: str = "mask"
) -> NDArray[np.int64]:
    """Count the pixels of one image by true and predicted class.

    Args:
        pred: Predicted class indices, HxW, any integer type.
        mask: True class indices, HxW, uint8 or uint16.
        classes: Number of classes, K.
        ignore: Value of the mask whose pixels are left out.
        where: What the mask is, for errors: its file.

    Returns:
        int64 (K, K), true class by predicted class.

    Raises:
        BadData: The mask holds a value that is neither a class nor ``ignore``, or is not of the
            prediction's size.
        ValueError: The prediction holds a value that is not a class.
    """
    if pred.shape != mask.shape:
        raise BadData(
            f"{where}: is {_size(mask)}, its image is {_size(pred)}: mask and image must have one size"
        )
    side = max(classes, ignore + 1, int(mask.max(initial=0)) + 1)
    if int(pred.max(initial=0)) >= classes or int(pred.min(initial=0)) < 0:
        raise ValueError(f"a prediction holds class {int(pred.max())}, of {classes}")
    # One pass over the pixels counts every pair of values; what may not be there shows up as a row.
    codes = mask.astype(np.int32) * np.int32(classes) + pred.astype(np.int32)
    counts = np.bincount(codes.ravel(), minlength=side * classes).reshape(side, classes)
    stray = np.flatnonzero(counts[classes:].any(axis=1)) + classes
    stray = stray[stray != ignore]
    if stray.size:
        raise BadData(
            f"{where}: holds the value {stray[0]}, which is neither a class (0 to {classes - 1}) "
            f"nor the ignored value {ignore}"
        )
    matrix = counts[:classes].astype(np.int64)
    if ignore < classes:
        matrix[ignore] = 0
    return matrix


def score_confusion(total: NDArray[Any], classes: Sequence[str]) -> dict[str, float | None]:
    """Score a sum of confusion matrices as MMSegmentation's IoUMetric does.

    A class that is neither there nor predicted has no IoU, one that is not there has no accuracy; means
    leave those out.

    Args:
        total: (K, K) counts, true class by predicted class.
        classes: K names.

    Returns:
        Fractions: ``miou``, ``macc``, ``aacc`` and ``iou/CLASS`` for every class; None where there is none.
    """
    counts = np.asarray(total, dtype=np.float64)
    if counts.shape != (len(classes), len(classes)):
        raise ValueError(f"a confusion matrix of {counts.shape} for {len(classes)} classes")
    hit, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        iou = hit / (true + predicted - hit)
        accuracy = hit / true
        overall = hit.sum() / true.sum()
    scores = {"miou": _mean(iou), "macc": _mean(accuracy), "aacc": _number(overall)}
    return scores | {f"iou/{name}": _number(value) for name, value in zip(classes, iou, strict=True)}


def match_classes(model: Sequence[str], truth: Sequence[str]) -> NDArray[np.int64]:
    """Match a segmenter's classes with those of a data set.

    By name where both have names (in any order), by index where either only has numbers.

    Returns:
        int64 (K,): for each class of the model, the data set's index. ``lookup[prediction]`` translates a
            label map.

    Raises:
        BadConfig: The classes are not the same: scores of a part of them would be another measure.
    """
    if len(model) == len(truth) and (_unnamed(model) or _unnamed(truth)):
        return np.arange(len(truth), dtype=np.int64)
    wanted = {plain_name(name): index for index, name in enumerate(truth)}
    found = [plain_name(name) for name in model]
    if set(found) != set(wanted) or len(found) != len(wanted):
        only_model = [name for name in model if plain_name(name) not in wanted]
        only_truth = [name for name in truth if plain_name(name) not in found]
        raise BadConfig(
            f"the model labels {len(model)} classes, the data set {len(truth)}, and they differ: "
            f"only the model has {_some(only_model)}; only the data set has {_some(only_truth)}"
        )
    return np.array([wanted[name] for name in found], dtype=np.int64)


def _mean(values: NDArray[np.float64]) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _unnamed(names: Sequence[str]) -> bool:
    return all(_UNNAMED.match(name) for name in names)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(list(names)[:4]) or "nothing"
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _size(array: NDArray[Any]) -> str:
    return "x".join(str(side) for side in array.shape[1::-1])

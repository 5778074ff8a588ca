"""Segmentation: intersection over union of the label maps that a segmenter gives, from confusion matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadConfig, BadData, some
from bench.vocabulary import MASKS, SEGMENTATION
from downstream.models.base import plain_name
from downstream.tasks.base import Description, Drawing, Metric, Row, Sight

if TYPE_CHECKING:
    from bench.data.base import DataSet, Scene, SegmentationTruth
    from bench.score.stats import CountArray, FloatArray

_PROTOCOL = "miou@{classes}"
#: What models call pixels that are of no class.
_VOID = ("void", "unlabelled", "unlabeled")
#: Value of a mask whose pixels are left out.
_IGNORED = 255
_UNNAMED = re.compile(r"(class[ _-]?)?\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class SegmentationRow(Row):
    """Confusion matrix of one image: int64 (K, K), true class by predicted class."""

    matrix: NDArray[np.int64]


class Segmentation:
    """Label maps, scored by mean intersection over union under protocol ``miou@K``."""

    about = Description(
        SEGMENTATION,
        (
            Metric("miou", "mIoU", _PROTOCOL, place="summary", headline=True),
            Metric("macc", "mAcc", _PROTOCOL, place="board"),
            Metric("aacc", "aAcc", _PROTOCOL),
        ),
        looks="model",
        compared=True,
        by_class=Metric("iou", "IoU", _PROTOCOL),
        order=20,
    )
    version = 1
    needs = (MASKS,)
    columns: Mapping[str, str] = {"matrix": "list<int64>"}
    default: str | None = "street_seg"
    always = False

    def key(self, data: DataSet) -> dict[str, Any]:
        """Rows count pixels of the data set's classes."""
        return {"classes": list(_label_space(data).classes)}

    def match(self, classes: Sequence[str], data: DataSet) -> tuple[str, ...]:
        """Match by name, or by index where either has no names; all classes that are scored must agree."""
        space = _label_space(data)
        classes = classes or space.classes
        indices = match_classes(classes, space.classes, space.ignored)
        nothing = [name for name, index in zip(classes, indices, strict=True) if index == len(space.classes)]
        if not nothing:
            return ()
        return (
            f"pixels that the model labels {some(nothing)} count as missed: the data set has no such class",
        )

    def classes(self, model: Sequence[str], data: DataSet) -> int:
        """The data set's, without those that are left out of scoring."""
        return len(_label_space(data).classes) - len(_label_space(data).ignored)

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], SegmentationRow]:
        """Return what labels an image and counts its pixels."""
        space = _label_space(data)
        indices = match_classes(model.classes or space.classes, space.classes, space.ignored)
        # One more class where the model has a label for what is none of the data set's.
        count = max(len(space.classes), int(indices.max(initial=0)) + 1)

        def look(sight: Sight) -> SegmentationRow:
            labels, seconds = sight.seen_by(model)
            where = str(sight.scene.mask)
            matrix = confusion(indices[labels], sight.mask(), count, where=where)
            return SegmentationRow(sight.scene.id, sight.digest, seconds, matrix)

        return look

    def encode(self, row: SegmentationRow) -> dict[str, Any]:
        """The matrix becomes one list of counts."""
        return {"matrix": row.matrix.ravel()}

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> SegmentationRow:
        """The reverse of :meth:`encode`."""
        matrix = np.array(values["matrix"], np.int64)
        side = round(len(matrix) ** 0.5)
        return SegmentationRow(**common, matrix=matrix.reshape(side, side))

    def scoring(self, manifest: Mapping[str, Any]) -> SegmentationScoring:
        """Rows hold the truth; of the manifest only the classes' names are needed, and which are left out."""
        return SegmentationScoring(manifest["classes"], manifest.get("ignored", ()))

    def difference(self, kept: SegmentationRow, fresh: SegmentationRow) -> str | None:
        """Count the pixels that are classed otherwise."""
        changed = int(np.abs(kept.matrix - fresh.matrix).sum()) // 2
        return f"{changed} pixels are classed otherwise" if changed else None

    def draw(self, model: Any, image: np.ndarray) -> Drawing:
        """The label map."""
        return Drawing(mask=model.predict(image))

    def judge(self, model: Any, image: np.ndarray, data: DataSet, scene: Scene) -> Drawing:
        """The label map in the data set's classes, and where it is wrong."""
        space = _label_space(data)
        indices = match_classes(model.classes or space.classes, space.classes, space.ignored)
        found, truth = indices[model.predict(image)], data.mask(scene)
        counted = ~np.isin(truth, (*space.ignored, _IGNORED))
        return Drawing(mask=found, wrong=counted & (truth != found))


class SegmentationScoring:
    """Mean intersection over union and its kin, over all classes and of each.

    Args:
        classes: The data set's class names.
        ignored: Indices of those that are left out.
    """

    def __init__(self, classes: Sequence[str], ignored: Sequence[int] = ()) -> None:
        self._scored = {index: name for index, name in enumerate(classes) if index not in ignored}

    def sample(
        self, rows: Sequence[SegmentationRow], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """See :class:`downstream.tasks.base.Scoring`; beside the metrics, IoU of every class."""
        from bench.score import stats

        matrices = np.stack([row.matrix for row in rows])
        total = matrices.sum(axis=0)
        scored = list(self._scored)
        resampled = stats.resampled_confusion(matrices, counts)
        values = {name: float(value) for name, value in stats.confusion_scores(total, scored).items()}
        replicates = stats.confusion_scores(resampled, scored)
        every, by_class = stats.class_iou(total), stats.class_iou(resampled)
        values |= {f"iou/{name}": float(every[index]) for index, name in self._scored.items()}
        replicates |= {f"iou/{name}": by_class[:, index] for index, name in self._scored.items()}
        return values, replicates

    def counted(self, metric: str, value: float, rows: Sequence[SegmentationRow]) -> tuple[int, str | None]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return len(rows), "no object or pixel of this kind in the scenes" if np.isnan(value) else None

    def breakdown(self, rows: Sequence[SegmentationRow]) -> dict[str, Any]:
        """The mean IoU of each image alone, and how many pixels each class has."""
        from bench.score import stats

        matrices = np.stack([row.matrix for row in rows])
        alone = stats.confusion_scores(matrices, list(self._scored))["miou"]
        # Four decimals are more than one image can tell.
        totals = matrices.sum(axis=(0, 2))
        pixels = {name: int(totals[index]) for index, name in self._scored.items()}
        return {
            "images": {"miou": [round(float(value), 4) if np.isfinite(value) else None for value in alone]},
            "counts": {
                "of": "pixels",
                "classes": {name: count for name, count in pixels.items() if count},
            },
        }

    def changes(self, before: Sequence[SegmentationRow], after: Sequence[SegmentationRow]) -> dict[str, Any]:
        """Nothing is told of single errors."""
        return {}


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


def match_classes(
    model: Sequence[str], truth: Sequence[str], ignored: Sequence[int] = ()
) -> NDArray[np.int64]:
    """Match a segmenter's classes with those of a data set.

    By name where both have names (in any order), by index where either only has numbers. A class that the data set
    leaves out of scoring need not be the model's, and a model may label what is void.

    Args:
        model: The model's classes.
        truth: The data set's, K of them.
        ignored: Indices of those that are left out of scoring.

    Returns:
        int64, for each class of the model the data set's index; K for void that the data set has no class for.
            ``lookup[prediction]`` translates a label map.

    Raises:
        BadConfig: The scored classes are not the same: scores of a part of them would be another measure.
    """
    scored = [index for index in range(len(truth)) if index not in ignored]
    if _unnamed(model) or _unnamed(truth):
        for indices in (range(len(truth)), scored):
            if len(model) == len(indices):
                return np.array(indices, dtype=np.int64)
    wanted = {plain_name(name): index for index, name in enumerate(truth)}
    found = [plain_name(name) for name in model]
    wrong = [name for name in model if plain_name(name) not in {*wanted, *_VOID}]
    lacking = [truth[index] for index in scored if plain_name(truth[index]) not in found]
    if wrong or lacking or len(set(found)) < len(found):
        raise BadConfig(
            f"the model labels {len(model)} classes, the data set {len(scored)}, and they differ: "
            f"only the model has {some(wrong, 4)}; only the data set has {some(lacking, 4)}; "
            f"where only the names differ, --classes FILE.yaml says which is which, MODEL'S NAME: DATA'S NAME"
        )
    return np.array([wanted.get(name, len(truth)) for name in found], dtype=np.int64)


def _unnamed(names: Sequence[str]) -> bool:
    return all(_UNNAMED.match(name) for name in names)


def _size(array: NDArray[Any]) -> str:
    return "x".join(str(side) for side in array.shape[1::-1])


def _label_space(data: DataSet) -> SegmentationTruth:
    assert data.segmentation is not None  # `needs`
    return data.segmentation

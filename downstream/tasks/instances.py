"""Instance masks: average precision of the masks that a model finds, as COCO defines it (``segm``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.data.outlines import encode, fits
from bench.errors import BadConfig
from bench.vocabulary import BOXES, INSTANCES, OUTLINES
from downstream.tasks.base import Description, Drawing, Metric, Row, Sight
from downstream.tasks.detection import categories_of, map_categories, rounded, sure_boxes

if TYPE_CHECKING:
    from bench.data.base import DataSet
    from bench.score.stats import CountArray, DetectionTable, FloatArray

_PROTOCOL = "segm@coco"


@dataclass(frozen=True)
class InstanceRow(Row):
    """Masks found in one image, and those that are there: COCO's run-length codes.

    Attributes:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        outlines: The masks found.
        scores: float32 (n,), confidence in [0, 1].
        categories: int32 (n,), category ids of the data set.
        truth: The outlines of the annotated objects, in the annotations' order.
    """

    height: int
    width: int
    outlines: tuple[str, ...]
    scores: NDArray[np.float32]
    categories: NDArray[np.int32]
    truth: tuple[str, ...]


class Instances:
    """Masks, scored by average precision under protocol ``segm@coco``; classes are matched as those of boxes are."""

    about = Description(
        INSTANCES,
        (
            Metric("mask_ap", "mask AP", _PROTOCOL, place="summary", headline=True),
            Metric("mask_ap50", "mask AP50", _PROTOCOL, place="board"),
            Metric("mask_ap75", "mask AP75", _PROTOCOL),
            Metric("mask_ap_small", "mask AP small", _PROTOCOL),
            Metric("mask_ap_medium", "mask AP medium", _PROTOCOL),
            Metric("mask_ap_large", "mask AP large", _PROTOCOL),
        ),
        looks="model",
        compared=True,
        by_class=Metric("mask_ap", "mask AP", _PROTOCOL),
        order=15,
    )
    version = 1
    needs = (BOXES, OUTLINES)
    columns: Mapping[str, str] = {
        "height": "int32",
        "width": "int32",
        "outlines": "list<string>",
        "scores": "list<float>",
        "categories": "list<int32>",
        "truth": "list<string>",
    }
    default: str | None = None
    always = False

    def key(self, data: DataSet) -> dict[str, Any]:
        """Rows hold the data set's category ids and outlines."""
        categories = [[category["id"], category["name"]] for category in categories_of(data)]
        return {"categories": categories, "outlines": data.outlines_key}

    def match(self, classes: Sequence[str], data: DataSet) -> tuple[str, ...]:
        """Match by name; one shared class is enough."""
        return map_categories(classes, categories_of(data)).notes

    def classes(self, model: Sequence[str], data: DataSet) -> int:
        """The model's."""
        return len(model)

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], InstanceRow]:
        """Return what finds masks, and gives them the data set's categories."""
        mapping = map_categories(model.classes, categories_of(data))

        def look(sight: Sight) -> InstanceRow:
            found, seconds = sight.seen_by(model)
            height, width = sight.image.shape[:2]
            if found.masks is None or found.masks.shape[1:] != (height, width):
                shape = "no masks" if found.masks is None else f"masks of {found.masks.shape[1:]}"
                raise BadConfig(f"model {model.name} gave {shape} for an image of {(height, width)}")
            ids = mapping.ids[found.labels]
            keep = ids >= 0
            return InstanceRow(
                sight.scene.id,
                sight.digest,
                seconds,
                height,
                width,
                tuple(encode(found.masks[keep])),
                found.scores[keep],
                ids[keep],
                tuple(data.outlines(sight.scene)),
            )

        return look

    def encode(self, row: InstanceRow) -> dict[str, Any]:
        """All columns as they are."""
        return {name: getattr(row, name) for name in self.columns}

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> InstanceRow:
        """The reverse of :meth:`encode`; raises ValueError for a code of another size than the image."""
        height, width = int(values["height"]), int(values["width"])
        outlines, truth = tuple(values["outlines"]), tuple(values["truth"])
        row = InstanceRow(
            **common,
            height=height,
            width=width,
            outlines=outlines,
            scores=np.array(values["scores"], np.float32),
            categories=np.array(values["categories"], np.int32),
            truth=truth,
        )
        if not len(outlines) == len(row.scores) == len(row.categories):
            raise ValueError("columns of different lengths")
        if not all(fits(code, height, width) for code in (*outlines, *truth)):
            raise ValueError("a mask of another size than its image")
        return row

    def scoring(self, manifest: Mapping[str, Any]) -> InstanceScoring:
        """Rows hold the outlines; the manifest says what they are of."""
        return InstanceScoring(manifest)

    def difference(self, kept: InstanceRow, fresh: InstanceRow) -> str | None:
        """Compare count, classes, masks and scores, to the last bit."""
        if len(kept.scores) != len(fresh.scores):
            return f"{len(kept.scores)} masks in the record, {len(fresh.scores)} now"
        if not np.array_equal(kept.categories, fresh.categories):
            return "the masks' classes differ"
        other = sum(one != two for one, two in zip(kept.outlines, fresh.outlines, strict=True))
        score = float(np.abs(kept.scores - fresh.scores).max(initial=0))
        return f"{other} masks differ, scores by up to {score:g}" if other or score else None

    def draw(self, model: Any, image: NDArray[np.uint8]) -> Drawing:
        """The boxes around the masks that the model is sure of."""
        return sure_boxes(model, image)


class InstanceScoring:
    """Average precision of masks and its replicates.

    Args:
        manifest: Of the data set: ``coco`` and ``image_ids``.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._coco = manifest["coco"]
        self._image_ids = manifest["image_ids"]
        self._matched: tuple[Sequence[InstanceRow], DetectionTable] | None = None

    def sample(
        self, rows: Sequence[InstanceRow], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """See :class:`downstream.tasks.base.Scoring`."""
        from bench.score import stats

        table = self._match(rows)
        values, replicates = stats.detection_scores(table), stats.detection_replicates(table, counts)
        return (
            {f"mask_{name}": value for name, value in values.items()},
            {f"mask_{name}": vector for name, vector in replicates.items()},
        )

    def counted(self, metric: str, value: float, rows: Sequence[InstanceRow]) -> tuple[int, str | None]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return len(rows), "no object of this kind in the scenes" if np.isnan(value) else None

    def breakdown(self, rows: Sequence[InstanceRow]) -> dict[str, Any]:
        """Mask AP of each image alone and of each class."""
        from bench.score import stats

        table = self._match(rows)
        by_class = stats.precision_grid(table, np.ones((1, len(rows)), np.uint16))[0, 0]
        return {
            "images": {"mask_ap": [rounded(value) for value in stats.image_precision(table)]},
            "classes": {
                name: float(ap) if np.isfinite(ap) else None
                for name, ap in zip(table.categories, by_class, strict=True)
            },
        }

    def changes(self, before: Sequence[InstanceRow], after: Sequence[InstanceRow]) -> dict[str, Any]:
        """Nothing: the kinds of errors are told by boxes."""
        return {}

    def _match(self, rows: Sequence[InstanceRow]) -> DetectionTable:
        """Masks matched with objects, once for all that is wanted of a cell."""
        from bench.score import stats

        if self._matched is None or self._matched[0] is not rows:
            self._matched = rows, stats.match_detections(*coco_of(self._coco, self._image_ids, rows), "segm")
        return self._matched[1]


def coco_of(
    coco: Mapping[str, Any], image_ids: Mapping[str, int], rows: Sequence[InstanceRow]
) -> tuple[dict[str, Any], list[dict[str, Any]], list[int]]:
    """Return truth and results as pycocotools wants them, and the images in the rows' order.

    Raises:
        ValueError: If a row does not have an outline for each annotation of its image.
    """
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in coco["annotations"]:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    truth, results, order = [], [], []
    for row in rows:
        image, size = image_ids[row.scene], [row.height, row.width]
        order.append(image)
        truth += [
            {**annotation, "segmentation": {"size": size, "counts": code}}
            for annotation, code in zip(annotations.get(image, []), row.truth, strict=True)
        ]
        results += [
            {
                "image_id": image,
                "category_id": int(category),
                "score": float(score),
                "segmentation": {"size": size, "counts": code},
            }
            for code, score, category in zip(row.outlines, row.scores, row.categories, strict=True)
        ]
    # pycocotools asks for an image's size although a mask's code states it; the manifest has none.
    images = [
        {"id": image, "height": row.height, "width": row.width}
        for image, row in zip(order, rows, strict=True)
    ]
    return {**coco, "images": images, "annotations": truth}, results, order

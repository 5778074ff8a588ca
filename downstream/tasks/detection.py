"""Detection: average precision of the boxes that a detector finds, as COCO defines it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BadData, some
from bench.vocabulary import BOXES, DETECTION
from downstream.models.base import Detections, plain_name
from downstream.tasks.base import Description, Drawing, Metric, Row, Sight

if TYPE_CHECKING:
    from bench.data.base import DataSet, Scene
    from bench.score.stats import CountArray, DetectionTable, FloatArray

_PROTOCOL = "ap@coco"
#: Boxes below this confidence are not drawn.
_CONFIDENCE = 0.35


@dataclass(frozen=True)
class DetectionRow(Row):
    """Detections on one image.

    Attributes:
        boxes: float32 (n, 4), x1 y1 x2 y2 in pixels.
        scores: float32 (n,), confidence in [0, 1].
        categories: int32 (n,), category ids of the data set.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    categories: NDArray[np.int32]


class Detection:
    """Boxes, scored by average precision under protocol ``ap@coco``."""

    about = Description(
        DETECTION,
        (
            Metric("ap", "AP", _PROTOCOL, place="summary", headline=True),
            Metric("ap50", "AP50", _PROTOCOL, place="board"),
            Metric("ap75", "AP75", _PROTOCOL),
            Metric("ap_small", "AP small", _PROTOCOL),
            Metric("ap_medium", "AP medium", _PROTOCOL),
            Metric("ap_large", "AP large", _PROTOCOL),
        ),
        looks="model",
        compared=True,
        by_class=Metric("ap", "AP", _PROTOCOL),
        order=10,
    )
    version = 1
    needs = (BOXES,)
    columns: Mapping[str, str] = {
        "boxes": "list<float>",
        "scores": "list<float>",
        "categories": "list<int32>",
    }
    default: str | None = "street_yolox"
    always = False

    def key(self, data: DataSet) -> dict[str, Any]:
        """Rows hold the data set's category ids."""
        return {"categories": [[c["id"], c["name"]] for c in categories_of(data)]}

    def match(self, classes: Sequence[str], data: DataSet) -> tuple[str, ...]:
        """Match by name; one shared class is enough."""
        return map_categories(classes or _names(data), categories_of(data)).notes

    def classes(self, model: Sequence[str], data: DataSet) -> int:
        """The model's; the data set's where the model has none of its own."""
        return len(model or _names(data))

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], DetectionRow]:
        """Return what detects, and gives detections the data set's categories."""
        mapping = map_categories(model.classes or _names(data), categories_of(data))

        def look(sight: Sight) -> DetectionRow:
            found, seconds = sight.seen_by(model)
            return DetectionRow(sight.scene.id, sight.digest, seconds, *to_categories(found, mapping))

        return look

    def encode(self, row: DetectionRow) -> dict[str, Any]:
        """Boxes become one list of numbers."""
        return {"boxes": row.boxes.ravel(), "scores": row.scores, "categories": row.categories}

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> DetectionRow:
        """The reverse of :meth:`encode`."""
        return DetectionRow(
            **common,
            boxes=np.array(values["boxes"], np.float32).reshape(-1, 4),
            scores=np.array(values["scores"], np.float32),
            categories=np.array(values["categories"], np.int32),
        )

    def scoring(self, manifest: Mapping[str, Any]) -> DetectionScoring:
        """Boxes of the manifest are the truth."""
        return DetectionScoring(manifest)

    def difference(self, kept: DetectionRow, fresh: DetectionRow) -> str | None:
        """Compare count, classes, boxes and scores, to the last bit."""
        if len(kept.scores) != len(fresh.scores):
            return f"{len(kept.scores)} detections in the record, {len(fresh.scores)} now"
        if not np.array_equal(kept.categories, fresh.categories):
            return "the detections' classes differ"
        shift = float(np.abs(kept.boxes - fresh.boxes).max(initial=0))
        score = float(np.abs(kept.scores - fresh.scores).max(initial=0))
        return f"boxes differ by up to {shift:g} px, scores by {score:g}" if shift or score else None

    def draw(self, model: Any, image: np.ndarray) -> Drawing:
        """The boxes that the detector is sure of."""
        return sure_boxes(model, image)

    def judge(self, model: Any, image: np.ndarray, data: DataSet, scene: Scene) -> Drawing:
        """The boxes that the detector is sure of, as hits and false alarms, and the objects that it missed."""
        from bench.score import stats
        from bench.score.stats.errors import MISSED

        assert data.detection is not None  # `needs`
        number = data.detection.image_ids[scene.id]
        coco = data.detection.coco
        truth = {**coco, "images": [{"id": number}]}
        truth["annotations"] = [box for box in coco["annotations"] if box["image_id"] == number]
        names = {int(c["id"]): str(c["name"]) for c in coco["categories"]}
        boxes, scores, ids = to_categories(
            model.predict(image), map_categories(model.classes, coco["categories"])
        )
        sure = scores >= _CONFIDENCE
        boxes, scores, ids = boxes[sure], scores[sure], ids[sure]
        row = {"image_id": number, "boxes": boxes, "scores": scores, "categories": ids}
        errors = stats.find_errors(truth, [row], confidence=_CONFIDENCE)
        missed = [error for error in errors if error.kind == MISSED]
        wrong = {(error.category, error.box) for error in errors if error.kind != MISSED}
        found = [(int(i), tuple(float(v) for v in box)) for i, box in zip(ids, boxes, strict=True)]
        return Drawing(
            np.concatenate([boxes.reshape(-1, 4), np.array([e.box for e in missed]).reshape(-1, 4)]),
            [names[i] for i, _ in found] + [names[error.category] for error in missed],
            verdicts=["false alarm" if place in wrong else "hit" for place in found] + ["miss"] * len(missed),
        )


class DetectionScoring:
    """Average precision, its replicates, and what the errors were.

    Args:
        manifest: Of the data set: ``coco`` and ``image_ids``.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._coco = manifest["coco"]
        self._image_ids = manifest["image_ids"]
        self._matched: tuple[Sequence[DetectionRow], DetectionTable] | None = None

    def sample(
        self, rows: Sequence[DetectionRow], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """See :class:`downstream.tasks.base.Scoring`; beside the metrics, AP of every class that has objects."""
        from bench.score import stats

        table = self._match(rows)
        whole = stats.precision_grid(table, np.ones((1, len(rows)), np.uint16))
        grid = stats.precision_grid(table, counts)
        values = {name: float(found[0]) for name, found in stats.class_mean(whole).items()}
        replicates = stats.class_mean(grid)
        for k, name in enumerate(table.categories):
            if table.objects[0, k].any():
                values[f"ap/{name}"] = float(whole[0, 0, k])
                replicates[f"ap/{name}"] = grid[:, 0, k]
        return values, replicates

    def counted(self, metric: str, value: float, rows: Sequence[DetectionRow]) -> tuple[int, str | None]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return len(rows), "no object or pixel of this kind in the scenes" if np.isnan(value) else None

    def breakdown(self, rows: Sequence[DetectionRow]) -> dict[str, Any]:
        """AP of each image alone, how many objects each class has, and how many errors there are of each kind."""
        from bench.score import stats

        table = self._match(rows)
        objects = dict(zip(table.categories, table.objects[0].sum(axis=1), strict=True))
        counts: dict[str, int] = {}
        for error in self._errors(rows):
            counts[error.kind] = counts.get(error.kind, 0) + 1
        return {
            # Four decimals are more than one image can tell.
            "images": {"ap": [rounded(value) for value in stats.image_precision(table)]},
            "counts": {"of": "objects", "classes": {k: int(n) for k, n in objects.items() if n}},
            "errors": counts,
        }

    def changes(self, before: Sequence[DetectionRow], after: Sequence[DetectionRow]) -> dict[str, Any]:
        """Errors of each kind: how many were cured, caused and kept."""
        from bench.score import stats

        changed = stats.cured_and_caused(self._errors(before), self._errors(after))
        return {kind: asdict(change) for kind, change in changed.items()}

    def _match(self, rows: Sequence[DetectionRow]) -> DetectionTable:
        """Detections matched with boxes: half the time of scoring, and wanted twice for every cell."""
        from bench.score import stats

        if self._matched is None or self._matched[0] is not rows:
            results = self._results(rows)
            order = [row["image_id"] for row in results]
            self._matched = rows, stats.match_detections(self._coco, results, order)
        return self._matched[1]

    def _errors(self, rows: Sequence[DetectionRow]) -> list[Any]:
        from bench.score import stats

        images = {self._image_ids[row.scene] for row in rows}
        truth = self._coco | {
            "images": [image for image in self._coco["images"] if image["id"] in images],
            "annotations": [box for box in self._coco["annotations"] if box["image_id"] in images],
        }
        return stats.find_errors(truth, self._results(rows))

    def _results(self, rows: Sequence[DetectionRow]) -> list[dict[str, Any]]:
        return [
            {
                "image_id": self._image_ids[row.scene],
                "boxes": row.boxes,
                "scores": row.scores,
                "categories": row.categories,
            }
            for row in rows
        ]


@dataclass(frozen=True)
class CategoryMap:
    """How a model's classes become a data set's categories.

    Attributes:
        ids: int32, one per class of the model: the data set's category id, or -1 where it has no such
            category.
        notes: What a reader of the scores should know of classes without a counterpart, one line each.
    """

    ids: NDArray[np.int32]
    notes: tuple[str, ...]


def _names(data: DataSet) -> tuple[str, ...]:
    return tuple(str(category["name"]) for category in categories_of(data))


def map_categories(classes: Sequence[str], categories: Iterable[dict[str, Any]]) -> CategoryMap:
    """Match a model's classes with a data set's categories by name (case, hyphens and underscores do not
    count).

    Args:
        classes: The model's class names.
        categories: COCO categories, with ``id``, ``name``, and under ``also`` what else models call them.

    Returns:
        The mapping. Categories that the model does not know stay in the score, as missed.

    Raises:
        BadData: No name is shared.
    """
    known = {plain_name(name) for name in classes}
    names = {int(category["id"]): _called(category, known) for category in categories}
    by_name = {plain_name(name): identity for identity, name in names.items()}
    ids = np.array([by_name.get(plain_name(name), -1) for name in classes], dtype=np.int32).reshape(-1)
    if not (ids >= 0).any():
        raise BadData(
            f"the model and the data set share no class: the model knows {some(classes)}; "
            f"the data set has {some(names.values())}; where only the names differ, "
            f"--classes FILE.yaml says which is which, MODEL'S NAME: DATA'S NAME"
        )
    unseen = [name for name in names.values() if plain_name(name) not in known]
    unused = [name for name in classes if plain_name(name) not in by_name]
    notes = []
    if unseen:
        notes.append(f"classes that the model does not know count as missed: {some(unseen)}")
    if unused:
        notes.append(f"classes that the data set does not have are left out: {some(unused)}")
    return CategoryMap(ids, tuple(notes))


def _called(category: dict[str, Any], known: Collection[str]) -> str:
    """What a model that knows some classes calls a category; its own name where it does not know it."""
    names = [str(name) for name in (category["name"], *category.get("also", ()))]
    return next((name for name in names if plain_name(name) in known), names[0])


def to_categories(
    found: Detections, mapping: CategoryMap
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Give detections the data set's category ids; those of classes it does not have are dropped.

    Returns:
        Boxes float32 (n, 4) as left, top, right, bottom; scores float32 (n,); category ids int32 (n,).
    """
    ids = mapping.ids[found.labels]
    keep = ids >= 0
    return found.boxes[keep], found.scores[keep], ids[keep]


def sure_boxes(model: Any, image: NDArray[np.uint8]) -> Drawing:
    """Return the boxes that a detector is sure of."""
    found = model.predict(image)
    sure = found.scores >= _CONFIDENCE
    return Drawing(found.boxes[sure], [model.classes[index] for index in found.labels[sure]])


def categories_of(data: DataSet) -> list[dict[str, Any]]:
    """Return the categories of a data set that has boxes."""
    assert data.detection is not None  # `needs`
    return data.detection.categories


def rounded(value: float) -> float | None:
    """Return a score to four decimals, more than one image can tell; None where it is undefined."""
    return round(float(value), 4) if np.isfinite(value) else None

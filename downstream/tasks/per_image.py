"""Tasks whose rows are a few numbers per image and whose scores are their means: the base of restoration, and of one's
own measure in one class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.vocabulary import CLEAN_IMAGES
from downstream.tasks.base import Description, Drawing, Metric, Row, Sight

if TYPE_CHECKING:
    from bench.data.base import DataSet
    from bench.score.stats import CountArray, FloatArray


@dataclass(frozen=True)
class Numbers(Row):
    """The numbers of one image, by metric; infinite and NaN ones included."""

    numbers: Mapping[str, float]


class PerImage:
    """A task that measures each image and averages.

    A subclass says ``name`` and ``metrics`` and has :meth:`measure`; all else follows.

    Attributes:
        name: The task's name.
        metrics: What :meth:`measure` returns, in the order of its table.
        needs: What it needs of a data set.
        order: Place among the tasks of a report.
    """

    name: str
    metrics: tuple[Metric, ...]
    needs: tuple[str, ...] = (CLEAN_IMAGES,)
    version = 1
    order = 100
    default: str | None = None
    always = False

    def measure(self, image: np.ndarray, clean: np.ndarray | None) -> Mapping[str, float]:
        """Return a number for each metric.

        Args:
            image: What is looked at, uint8 RGB HxWx3.
            clean: The clean image of the same size; None where the task does not need it and it is not known.
        """
        raise NotImplementedError

    def left_out(self, metric: str) -> str:
        """Say of what kind the images are that have no finite number."""
        return "without a finite value"

    @property
    def about(self) -> Description:
        """What reports know of the task."""
        return Description(self.name, self.metrics, order=self.order)

    @property
    def columns(self) -> dict[str, str]:
        """One number for each metric."""
        return {metric.name: "double" for metric in self.metrics}

    def key(self, data: DataSet) -> dict[str, Any]:
        """The numbers depend on the images alone."""
        return {}

    def match(self, classes: Sequence[str], data: DataSet) -> tuple[str, ...]:
        """No model looks, so there are no classes."""
        return ()

    def classes(self, model: Sequence[str], data: DataSet) -> int:
        """No classes."""
        return 0

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], Numbers]:
        """Return what measures an image."""
        names = [metric.name for metric in self.metrics]

        def look(sight: Sight) -> Numbers:
            found = self.measure(sight.image, sight.clean)
            return Numbers(
                sight.scene.id, sight.digest, sight.seconds, {name: float(found[name]) for name in names}
            )

        return look

    def encode(self, row: Numbers) -> dict[str, Any]:
        """The numbers as they are."""
        return dict(row.numbers)

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> Numbers:
        """The reverse of :meth:`encode`."""
        return Numbers(**common, numbers=dict(values))

    def scoring(self, manifest: Mapping[str, Any]) -> Means:
        """Means need nothing of the data set."""
        return Means(self)

    def difference(self, kept: Numbers, fresh: Numbers) -> str | None:
        """Name every number that differs."""
        differ = [
            f"{name} {value:.6g} in the record, {fresh.numbers[name]:.6g} now"
            for name, value in kept.numbers.items()
            if value != fresh.numbers[name] and not (math.isnan(value) and math.isnan(fresh.numbers[name]))
        ]
        return ", ".join(differ) or None

    def draw(self, model: Any, image: np.ndarray) -> Drawing:
        """Nothing is drawn over a measured image."""
        return Drawing()


class Means:
    """Scores of a :class:`PerImage` task: means over the finite values."""

    def __init__(self, task: PerImage) -> None:
        self._task = task

    def sample(
        self, rows: Sequence[Numbers], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """See :class:`downstream.tasks.base.Scoring`."""
        from bench.score import stats

        columns = {metric.name: _column(rows, metric.name) for metric in self._task.metrics}
        values = {name: stats.finite_mean(column)[0] for name, column in columns.items()}
        return values, {name: stats.mean_replicates(column, counts) for name, column in columns.items()}

    def counted(self, metric: str, value: float, rows: Sequence[Numbers]) -> tuple[int, str | None]:
        """See :class:`downstream.tasks.base.Scoring`."""
        images = int(np.isfinite(_column(rows, metric)).sum())
        out = len(rows) - images
        if not out:
            return images, None
        why = self._task.left_out(metric)
        # Without a count where none is left: sets of other sizes then share one footnote.
        return images, f"{out} image{'s' * (out > 1)} {why} left out" if images else f"all images {why}"

    def breakdown(self, rows: Sequence[Numbers]) -> dict[str, Any]:
        """See :class:`downstream.tasks.base.Scoring`."""
        return {
            "images": {
                metric.name: [
                    value if math.isfinite(value) else None for value in _column(rows, metric.name).tolist()
                ]
                for metric in self._task.metrics
            }
        }

    def changes(self, before: Sequence[Numbers], after: Sequence[Numbers]) -> dict[str, Any]:
        """Nothing beside the differences of the means."""
        return {}


def _column(rows: Sequence[Numbers], name: str) -> np.ndarray:
    return np.array([row.numbers[name] for row in rows], np.float64)

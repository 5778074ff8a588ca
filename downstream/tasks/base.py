"""What a task is to the rest of the program.

A task holds all that is particular to it: what it needs of a data set, what one image contributes (its row), how rows
are stored, how classes are matched, its scores and their replicates, and how its numbers are called and shown. The
planner, the worker, the store, the scorer, `bench verify` and the reports go by these and know no task by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bench.vocabulary import GAIN, HARM, RECOVERY
from downstream.metric import Metric, Place

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import DataSet, Scene
    from bench.score.stats import CountArray, FloatArray

#: What a derainer's headline score is stated against: the name behind the metric's, and what that is.
COMPARISONS: Mapping[str, str] = {
    RECOVERY: "is (derained - rainy) / (clean - rainy).",
    HARM: "is what a derainer does to clean scenes; negative is damage.",
    GAIN: "is derained - rainy; negative is damage.",
}


@dataclass(frozen=True)
class Description:
    """What reports know of a task; a record of a task that does not come with the program carries it.

    Attributes:
        name: The task's name, e.g. ``detection``.
        metrics: Its metrics, in the order of its table.
        looks: What looks at the image: ``model`` (a network that is named) or ``nothing`` (the image is measured).
        compared: Whether recovery, harm or gain are stated for the headline metric.
        by_class: How a class's own score is shown, ``NAME/CLASS`` in records; None where there are no classes.
        order: Place among the tasks of a report; equal ones are ordered by name.
    """

    name: str
    metrics: tuple[Metric, ...]
    looks: Literal["model", "nothing"] = "nothing"
    compared: bool = False
    by_class: Metric | None = None
    order: int = 100

    @property
    def headline(self) -> Metric:
        """The metric that derainers are ranked by."""
        return next((metric for metric in self.metrics if metric.headline), self.metrics[0])

    @property
    def title(self) -> str:
        """The task's name as a caption begins."""
        return self.name[:1].upper() + self.name[1:]

    def metric(self, name: str) -> Metric | None:
        """Return a metric by its name, one that follows from others included; None where the task has none such.

        What the headline metric is compared by (``ap_recovery``) follows from it, a class's score (``iou/road``)
        from :attr:`by_class`.
        """
        for metric in self.metrics:
            if metric.name == name:
                return metric
        if name in self.comparisons:
            return self._compared(name, name.rpartition("_")[2])
        kind, slash, label = name.partition("/")
        if slash and self.by_class is not None and kind == self.by_class.name:
            return replace(self.by_class, name=name, title=f"{self.by_class.title} {label}")
        return None

    @property
    def comparisons(self) -> tuple[str, ...]:
        """Names of the metrics that the headline metric is compared by; none where it is not."""
        return tuple(f"{self.headline.name}_{kind}" for kind in COMPARISONS) if self.compared else ()

    def _compared(self, name: str, kind: str) -> Metric:
        head = replace(
            self.headline,
            name=name,
            title=f"{self.headline.title} {kind}",
            bounds=(None, None),
            headline=False,
            meaning=f"{kind.capitalize()} {COMPARISONS[kind]}",
        )
        if kind == RECOVERY:  # a share, whatever it is a share of
            return replace(head, unit="%", scale=100.0, digits=1, higher_is_better=True)
        return replace(head, unit="points" if head.unit == "%" else head.unit)

    def shown(self, place: Place) -> tuple[str, ...]:
        """Return the names of the metrics that a place shows, what the headline metric is compared by behind them."""
        wider: dict[Place, tuple[Place, ...]] = {
            "summary": ("summary",),
            "board": ("summary", "board"),
            "table": ("summary", "board", "table"),
        }
        return (
            tuple(metric.name for metric in self.metrics if metric.place in wider[place]) + self.comparisons
        )


@dataclass(frozen=True)
class Row:
    """What one image contributes to a cell; every task adds columns of its own.

    Attributes:
        scene: The scene's id.
        digest: SHA-256 of the scene's files, so that evidence of a changed file is not taken for that of the new one.
        seconds: Wall time that the network of this row took on the image: the model's, or the derainer's where no
            model looks. Not part of any score.
    """

    scene: str
    digest: str
    seconds: float


@dataclass(frozen=True)
class Sight:
    """What a task is shown of one scene.

    Attributes:
        scene: The scene.
        digest: SHA-256 of its files.
        image: The image to look at, uint8 RGB HxWx3.
        clean: The clean image; None where it is not known.
        seconds: What the derainer took on it.
        mask: Returns the scene's mask (uint8 HxW), read once for all who ask.
        timed: Calls a function on the image, and returns what it returns and the seconds it took; they count as time
            inside a network.
    """

    scene: Scene
    digest: str
    image: np.ndarray
    clean: np.ndarray | None
    seconds: float
    mask: Callable[[], np.ndarray]
    timed: Callable[[Callable[[np.ndarray], Any]], tuple[Any, float]]

    def seen_by(self, model: Any) -> tuple[Any, float]:
        """Let a model look at the image; return what it predicts, and the seconds it took."""
        by_scene = getattr(model, "predict_scene", None)
        return self.timed(model.predict if by_scene is None else partial(by_scene, self.scene.id))


@dataclass(frozen=True)
class Drawing:
    """What a model saw in an image, to be drawn over it.

    Attributes:
        boxes: float (n, 4), left, top, right, bottom.
        names: The boxes' classes.
        mask: HxW class indices.
        verdicts: Of each box ``hit``, ``miss`` (an object that was not found) or ``false alarm``; empty where nobody
            judged.
        wrong: HxW bool, the pixels of the mask that are of another class in truth; None where nobody judged.
    """

    boxes: np.ndarray | None = None
    names: Sequence[str] = ()
    mask: np.ndarray | None = None
    verdicts: Sequence[str] = ()
    wrong: np.ndarray | None = None


class Scoring(Protocol):
    """Scores rows of one task on one data set.

    Rows come in the order of the scenes. The same rows are passed as the same object, so that what two methods share
    may be kept between calls.
    """

    def sample(
        self, rows: Sequence[Any], counts: CountArray
    ) -> tuple[dict[str, float], dict[str, FloatArray]]:
        """Return each metric's value (NaN where undefined), and its values on the resamples (R, n) where it has any."""
        ...

    def counted(self, metric: str, value: float, rows: Sequence[Any]) -> tuple[int, str | None]:
        """Return how many images a score is made of, and why it is undefined or leaves some out."""
        ...

    def breakdown(self, rows: Sequence[Any]) -> dict[str, Any]:
        """Return the tables beside the scores, as JSON; ``images``: metric to one value per row."""
        ...

    def changes(self, before: Sequence[Any], after: Sequence[Any]) -> dict[str, Any]:
        """Return what deraining changed, as JSON, from rows of the same scenes; empty where nothing is told."""
        ...


class Task(Protocol):
    """One thing that is asked of a restored image.

    One further method is optional, and looked for with ``getattr``: ``judge(model, image, data, scene) -> Drawing``,
    what a model sees in an image and which of it is right.

    Attributes:
        about: What reports know of it.
        version: Of the columns; raised when rows of the same inputs would be stored otherwise.
        needs: What it needs of a data set, in the words of `bench.vocabulary`: ``clean images``, ``boxes``, ...
        columns: Name to type (a type's name in Arrow, ``list<...>`` for lists) of what a row adds.
        default: The model where none is named; None where no model looks, or none comes with the program.
        always: Scored wherever it can be, asked for or not.
    """

    about: Description
    version: int
    needs: tuple[str, ...]
    columns: Mapping[str, str]
    default: str | None
    always: bool

    def key(self, data: DataSet) -> dict[str, Any]:
        """Return what of a data set rows depend on, beside the scenes' files; part of evidence's key."""
        ...

    def match(self, classes: Sequence[str], data: DataSet) -> tuple[str, ...]:
        """Match a model's classes with a data set's.

        Returns:
            What a reader of the scores should know, one line each.

        Raises:
            BenchError: If the model is of no use on the data set.
        """
        ...

    def classes(self, model: Sequence[str], data: DataSet) -> int:
        """Return how many classes the protocol counts."""
        ...

    def look(self, data: DataSet, model: Any) -> Callable[[Sight], Row]:
        """Return what makes a row of an image.

        Args:
            data: The data set; of its boxes only the categories.
            model: A :class:`downstream.models.base.Model`; None where no model looks.
        """
        ...

    def encode(self, row: Any) -> dict[str, Any]:
        """Return the values of :attr:`columns`."""
        ...

    def decode(self, common: Mapping[str, Any], values: Mapping[str, Any]) -> Row:
        """Return the row of what every row has and the values of :attr:`columns`."""
        ...

    def scoring(self, manifest: Mapping[str, Any]) -> Scoring:
        """Return what scores rows of a data set's scenes, from its manifest alone."""
        ...

    def difference(self, kept: Any, fresh: Any) -> str | None:
        """Return how two rows of one image differ, in a few words; None where they are the same."""
        ...

    def draw(self, model: Any, image: np.ndarray) -> Drawing:
        """Return what a model sees in an image."""
        ...

"""From an outline to cells and shards.

The content keys of derainers and models are known only once they are loaded: :func:`bench.engine.outline.outline` reads
the suite and checks what can be checked without a network; :func:`make_plan` adds the keys and yields cells, what of
them is cached, and the shards still to be done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.engine.outline import Outline, Variant, looks
from bench.errors import BenchError
from bench.hashing import content_key
from bench.keep.store import Store, missing_scenes
from bench.vocabulary import CLEAN, REFERENCES

if TYPE_CHECKING:
    from downstream.tasks.base import Task

#: Changes whenever evidence of the same inputs would differ for a reason that lies in the engine.
EVIDENCE_VERSION = 1


@dataclass(frozen=True)
class Component:
    """What a loaded derainer or model says of itself: its key, and its card or classes.

    Attributes:
        masks: Whether the model finds a mask of each object beside its box.
        fault: Why the derainer cannot be loaded; None where it can.
    """

    name: str
    key: dict[str, Any]
    card: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    masks: bool = False
    fault: str | None = None


@dataclass(frozen=True)
class Components:
    """The loaded derainers (by label) and models (by position in the outline)."""

    derainers: dict[str, Component]
    models: tuple[Component, ...]

    @property
    def faults(self) -> dict[str, str]:
        """Of each derainer that cannot be loaded, by label, the reason."""
        return {label: found.fault for label, found in self.derainers.items() if found.fault is not None}


@dataclass(frozen=True)
class Cell:
    """The unit that gets a score.

    Attributes:
        key: Key of its evidence.
        what: What the key stands for.
        label: The derainer's label, ``clean`` or ``none``.
        model: Position of the model in the outline; None where no model looks.
        missing: Ids of the scenes that have no evidence yet.
        todo: Those of them that this cell's variant is to look at. The others come with an earlier cell of the
            same key: the clean row is one for all rains, and the row ``none`` of a dry day is the clean row. None of
            them where there is a fault.
        fault: Why its derainer cannot be loaded; None where it can.
    """

    key: str
    what: dict[str, Any]
    variant: Variant
    label: str
    task: Task
    model: int | None
    missing: tuple[str, ...]
    todo: tuple[str, ...]
    fault: str | None = None


@dataclass(frozen=True)
class Shard:
    """A slice of a variant's scenes, for each of which there is something to do.

    Attributes:
        variant: Position of the variant in the outline.
        name: Follows from the content, so that two runs on one store take the same lock for the same work.
    """

    variant: int
    scenes: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    outline: Outline
    components: Components
    cells: tuple[Cell, ...]
    shards: tuple[Shard, ...]

    @property
    def images(self) -> int:
        """How many images are still to be looked at, over all derainers and variants."""
        return sum(self.images_of(variant) for variant in self.outline.variants)

    def images_of(self, variant: Variant, scenes: Collection[str] | None = None) -> int:
        """How many images of a variant are to be looked at: scenes times derainers with something to do on them.

        Args:
            variant: One of the outline's.
            scenes: Only these; None means all.
        """
        cells = [cell for cell in self.cells if cell.variant is variant]
        pairs = {(cell.label, scene) for cell in cells for scene in cell.todo}
        return sum(scenes is None or scene in scenes for _, scene in pairs)


def make_plan(outline: Outline, components: Components, store: Store, *, again: bool = False) -> Plan:
    """Enumerate the cells, look up what the store has of them, and cut the rest into shards.

    Args:
        outline: From :func:`outline`.
        components: The loaded derainers and models.
        store: Where evidence may lie already.
        again: Count nothing as done.

    Raises:
        BadRecord: If there is evidence that this program cannot read.
    """
    cells: list[Cell] = []
    done: dict[str, set[tuple[str, str]]] = {}
    promised: dict[str, set[tuple[str, str]]] = {}
    for variant in outline.variants:
        for label in (*variant.situation.references, *(spec.label for spec in outline.derainers)):
            for task, model in looks(outline, variant):
                what = _what(
                    variant, label, task, None if model is None else components.models[model], components
                )
                key = content_key(what)
                if key not in done:
                    done[key] = set() if again else store.done(key, task)
                    promised[key] = set(done[key])
                missing = missing_scenes(variant.digests.items(), done[key])
                fault = components.faults.get(label)
                todo = [] if fault else missing_scenes(variant.digests.items(), promised[key])
                promised[key].update((scene, variant.digests[scene]) for scene in todo)
                cells.append(Cell(key, what, variant, label, task, model, tuple(missing), tuple(todo), fault))
    shards: list[Shard] = []
    for index, variant in enumerate(outline.variants):
        wanted = {scene for cell in cells if cell.variant is variant for scene in cell.todo}
        # All scenes are cut, not those that are left: runs that start at different times take the same locks.
        scenes = [scene.id for scene in variant.data.scenes]
        start = 0
        while start < len(scenes):
            part = scenes[start : start + shard_size(len(scenes) - start)]
            start += len(part)
            if left := tuple(scene for scene in part if scene in wanted):
                shards.append(Shard(index, left, content_key([variant.name, part])[:20]))
    return Plan(outline, components, tuple(cells), tuple(shards))


def shard_size(left: int) -> int:
    """Return how many scenes the next shard has when so many are left.

    Large enough to be worth a file, small enough to lose; smaller towards the end, so that workers finish together.
    """
    return min(64, max(1, left // 8))


def check_classes(outline: Outline, components: Components) -> tuple[str, ...]:
    """Check that every model shares classes with every data set that it is to look at.

    Returns:
        What a reader of the scores should know of classes without a counterpart, one line each.

    Raises:
        BenchError: If a model has no use on a data set; both are named.
    """
    from downstream.models.renamed import check_names

    notes: list[str] = []
    opened = {id(variant.data): variant for variant in outline.variants}
    known = {name: variant.data.name for variant in opened.values() for name in variant.data.class_names}
    for choice in outline.models:
        if choice.classes is not None:
            check_names(choice.classes, known)
    for variant in opened.values():
        for task, index in looks(outline, variant):
            if index is not None:
                model = components.models[index]
                where = f"{model.name} on {variant.data.name}"
                try:
                    notes += [f"{where}: {note}" for note in task.match(model.classes, variant.data)]
                except BenchError as error:
                    raise type(error)(f"{where}: {error}") from None
    return tuple(notes)


def _what(
    variant: Variant, label: str, task: Task, model: Component | None, components: Components
) -> dict[str, Any]:
    """What the evidence of a cell depends on, beside the scenes' files."""
    from downstream.tasks import code_of

    rain = None if label == CLEAN else variant.rain_key
    return {
        "evidence": EVIDENCE_VERSION,
        "schema": task.version,
        "task": task.about.name,
        "rain": rain,
        "derainer": None if label in REFERENCES else components.derainers[label].key,
        "model": None if model is None else model.key,
        **task.key(variant.data),
        **code_of(task),
    }

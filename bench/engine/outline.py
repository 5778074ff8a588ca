"""A suite with its data opened: everything that is decided and checked before a network is loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from bench.data import open_data
from bench.data.base import DataSet
from bench.data.preflight import check_scenes
from bench.data.tags import pick, weather_of
from bench.engine.suite import VARIABLE, ModelChoice, Suite, VariantChoice
from bench.engine.versions import setting_of
from bench.errors import BadConfig, BadData
from bench.keep.records import distinct_slug, variant_name
from bench.problems import Problems
from bench.rain import BroughtRain, Rain, parse_rain, situation_of
from bench.situations import REAL, Situation
from bench.vocabulary import BOXES, CLEAN, DRY, MASKS, NONE, OUTLINES, OWN, REFERENCES

if TYPE_CHECKING:
    from derainers import DerainerSpec
    from downstream.tasks.base import Task


@dataclass(frozen=True)
class Variant:
    """A data set under a rain.

    Attributes:
        data: The data set, its scenes those that are asked for.
        rain: The rain.
        seed: Seeds the rain.
        digests: Scene id to SHA-256 of the scene's files.
        choice: What the suite said; with it the cell can be run again.
    """

    data: DataSet
    rain: Rain
    seed: int
    digests: dict[str, str]
    choice: VariantChoice

    @property
    def name(self) -> str:
        """The variant's name, e.g. ``coco/val2017@streaks:heavy``."""
        return variant_name(self.data.name, self.rain.name, self.seed)

    @property
    def situation(self) -> Situation:
        """How rain and images come together."""
        return situation_of(self.rain, self.data)

    @property
    def serves(self) -> frozenset[str]:
        """What its scenes have, in the words of `bench.vocabulary`."""
        return self.situation.serves(self.data.serves)

    @property
    def rain_key(self) -> dict[str, Any] | None:
        """What the rainy image depends on beside the scene; None on a dry day."""
        if isinstance(self.rain, BroughtRain):
            return self.rain.key
        if self.rain.name == DRY:
            return None
        source = (self.data.depth_source or "ground-plane guess") if self.rain.needs_depth else None
        return {"rain": self.rain.name, "version": self.rain.version, "seed": self.seed, "depth": source}


@dataclass(frozen=True)
class Outline:
    """A suite with its data opened and everything checked that needs no network.

    Attributes:
        tasks: Tasks to score, those included that are scored wherever they can be.
        models: The downstream networks, one or more for each task that needs one.
        notes: What a reader of the results should know of the data and the choices, one line each.
    """

    suite: Suite
    variants: tuple[Variant, ...]
    derainers: tuple[DerainerSpec, ...]
    tasks: tuple[Task, ...]
    models: tuple[ModelChoice, ...]
    notes: tuple[str, ...] = ()

    @property
    def networks(self) -> Networks:
        """What has to be loaded."""
        return Networks(self.derainers, self.models)

    def spec_of(self, task: Task) -> str:
        """Return what the user called a task."""
        return self.suite.task_specs.get(task.about.name, task.about.name)


@dataclass(frozen=True)
class Networks:
    """The derainers and models of an outline: all that loading them needs, and can be sent to a worker."""

    derainers: tuple[DerainerSpec, ...]
    models: tuple[ModelChoice, ...]


def outline(suite: Suite) -> Outline:
    """Open the data of a suite and check everything that needs no network.

    Raises:
        BenchError: Naming all that is wrong with names, files and folders; then the first thing that is wrong with
            what they hold.
    """
    from derainers import check_derainer, parse_derainers
    from downstream.models import check_model
    from downstream.models.renamed import read_class_map
    from downstream.tasks import all_tasks, in_order

    problems = Problems(where(suite))
    derainers: tuple[DerainerSpec, ...] = ()
    with problems.at("derainers"):
        derainers = parse_derainers(suite.derainers) if suite.derainers else ()
    there: list[DerainerSpec] = []
    for index, spec in enumerate(derainers):
        if spec.label not in REFERENCES:
            with problems.at(f"derainers.{index}"):
                check_derainer(spec)
                there.append(spec)
    asked = in_order(suite.load_tasks())
    models: tuple[ModelChoice, ...] = ()
    with problems.at("models"):
        models = _models(suite, asked)
    named: dict[tuple[str, str], ModelChoice] = {}
    for index, model in enumerate(models):
        with problems.at(f"models.{index}"):
            name = check_model(model.task, model.name, model.checkpoint)
            if model.classes is not None:
                read_class_map(model.classes)
            name = model.label or name
            if (model.task, name) in named:
                raise BadConfig(
                    f"two {model.task} models are called {name}, and reports could not tell them apart: "
                    f"give them labels, --model before={model.name}"
                )
            named[model.task, name] = model
    variants: list[Variant] = []
    notes: list[str] = []
    for index, choice in enumerate(suite.variants):
        rains: list[Rain] = []
        for position, text in enumerate(choice.rain):
            with problems.at(f"variants.{index}.rain.{position}"):
                rains.append(parse_rain(text))
        with problems.at(f"variants.{index}"):
            data = _open(choice)
            if data.own_rain:
                if "rain" in choice.model_fields_set and choice.rain not in ((DRY,), (OWN,)):
                    notes.append(f"{data.name}: has its own rain, {', '.join(choice.rain)} is not added")
                rains = [parse_rain(OWN)]
            rains = [rain.of(data) if isinstance(rain, BroughtRain) else rain for rain in rains]
            variants += [Variant(data, rain, suite.seed, {}, choice) for rain in rains]
    settings = [setting_of(variant.data, variant.rain) for variant in variants]
    for spec in there:
        with problems.at(f"derainers.{derainers.index(spec)}"):
            check_derainer(spec, settings)
    problems.settle()
    _check_situations(variants)
    notes = _check_tasks(variants, asked) + notes
    for task, variant in product(asked, variants):
        if can_serve(variant, task):
            task.key(variant.data)  # raises where what a measure uses is not at hand
    seen = _check_files(variants, {need for task in asked for need in task.needs})
    variants = [replace(variant, digests=seen[id(variant.data)][0]) for variant in variants]
    notes += [
        f"{v.data.name}: {note}"
        for v in variants
        for note in (*v.data.notes, *seen[id(v.data)][1], *_assumed(v))
    ]
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise BadConfig(f"variant {name} is named twice: leave one of them out")
    free = [task for task in all_tasks() if task.always and any(can_serve(v, task) for v in variants)]
    tasks = tuple(in_order([*asked, *free]))
    return Outline(suite, tuple(variants), tuple(there), tasks, models, tuple(dict.fromkeys(notes)))


def where(suite: Suite) -> str | None:
    """Return what a suite's mistakes are told with; None for choices of the command line."""
    return None if suite.name == Suite().name else f"suite {suite.name}"


def _open(choice: VariantChoice) -> DataSet:
    """Open a variant's data; raises BadData where it is not there or has no scenes."""
    if unset := VARIABLE.search(choice.data):
        raise BadData(
            f"data is {choice.data!r}: the environment variable {unset[1]} is not set; set it to the folder of the "
            f"data, or give --data"
        )
    data = open_data(choice.data, choice.split)
    if not data.scenes:
        raise BadData(f"{data.name} has no scenes: check the folder and --split")
    if choice.where is not None:
        data = pick(data, choice.where)
    if choice.limit is not None and choice.limit < len(data.scenes):
        data = replace(data.first(choice.limit), name=f"{data.name}[:{choice.limit}]")
    return data


def rows_of(outline: Outline) -> Iterator[tuple[Variant, str]]:
    """Yield each variant with the labels of its rows; what several share is the first one's, as in the work.

    The clean row is one for all rains, and the row ``none`` of a dry day is the clean row.
    """
    clean: set[int] = set()
    for variant in outline.variants:
        for label in (*variant.situation.references, *(spec.label for spec in outline.derainers)):
            if label == CLEAN or (label == NONE and variant.rain_key is None):
                if id(variant.data) in clean:
                    continue
                clean.add(id(variant.data))
            yield variant, label


def check_seats(outline: Outline) -> None:
    """Check that models that look up what was found elsewhere have it for every row; nothing is loaded.

    Raises:
        BenchError: If something is missing, naming it.
    """
    from downstream.models import source_of
    from downstream.models.base import Seat

    problems = Problems(where(outline.suite))
    for index, model in enumerate(outline.models):
        check = getattr(source_of(model.name), "check_seats", None)
        if check is None:
            continue
        seats = [
            Seat(variant.data, distinct_slug(variant.name), distinct_slug(label))
            for variant, label in rows_of(outline)
            if index in [looking for _, looking in looks(outline, variant)]
        ]
        with problems.at(f"models.{index}"):
            check(model.task, model.name, seats)
    problems.settle()


def can_serve(variant: Variant, task: Task) -> bool:
    """Return whether a variant has all that a task needs."""
    return variant.serves.issuperset(task.needs)


def looks(outline: Outline, variant: Variant) -> Iterator[tuple[Task, int | None]]:
    """Yield each task that a variant can be scored for, with each model that looks at it."""
    for task in outline.tasks:
        if not can_serve(variant, task):
            continue
        if task.about.looks == "nothing":
            yield task, None
        else:
            own = _models_for(outline.suite, variant.choice, task)
            yield from ((task, outline.models.index(model)) for model in own)


def _models_for(suite: Suite, choice: VariantChoice, task: Task) -> list[ModelChoice]:
    """Return the models that look at a variant for a task: its own, else the suite's, else the embedded one."""
    name = task.about.name
    for models in (choice.models, suite.models):
        if found := [model for model in models if model.task == name]:
            return found
    return [ModelChoice(task=name, name=default_model(task))] if task.about.looks == "model" else []


def _check_situations(variants: Sequence[Variant]) -> None:
    """Refuse to take the same photos for photos of real rain and for clean ones.

    Raises:
        BadConfig: If they are; data and rains are named.
    """
    for variant in variants:
        others = [v.rain.name for v in variants if v.data.name == variant.data.name and v.situation != REAL]
        if variant.situation == REAL and others:
            raise BadConfig(
                f"{variant.data.name}: with --rain {OWN} its photos are of real rain, with {others[0]} they are "
                f"clean: leave one of the two out"
            )


def _check_files(
    variants: Sequence[Variant], needs: Collection[str]
) -> dict[int, tuple[dict[str, str], tuple[str, ...]]]:
    """Look at every file that is going to be read, and return the scenes' digests and notes by data set.

    Raises:
        BadData: For the first file that is not as it should be.
    """
    seen: dict[int, tuple[dict[str, str], tuple[str, ...]]] = {}
    for variant in variants:
        if id(variant.data) not in seen:
            depth = any(v.rain.needs_depth for v in variants if v.data is variant.data)
            seen[id(variant.data)] = check_scenes(
                variant.data,
                boxes=BOXES in needs,
                masks=MASKS in needs,
                depth=depth,
                outlines=OUTLINES in needs and OUTLINES in variant.data.serves,
            )
    return seen


def _assumed(variant: Variant) -> Iterator[str]:
    """Yield what is taken for granted of a variant's photos, where the data does not say it."""
    real = variant.situation == REAL
    if real and not variant.data.own_rain:
        yield "its photos are taken to be of real rain; nothing is known of the scenes without it"
    for tag, count in weather_of(variant.data.scenes, wet=not real).items():
        taken = (
            "are taken to be in real rain all the same"
            if real
            else f"are taken to be clean under {variant.rain.name}"
        )
        remedy = "" if real else f", and --rain {OWN} takes them as they are"
        yield f"scenes tagged {tag} ({count}) {taken}; --where picks scenes by their tags{remedy}"


def _check_tasks(variants: Sequence[Variant], asked: Sequence[Task]) -> list[str]:
    """Check that every task can be asked of some variant, and every variant has a task.

    Returns:
        Which variants are left out of which task, one line each.

    Raises:
        BadData: If a task or a variant is of no use.
    """
    from downstream.tasks import all_tasks, in_order

    notes = []
    for variant in variants:
        able = [task for task in in_order([*all_tasks(), *asked]) if can_serve(variant, task)]
        names = [task.about.name for task in able]
        for task in asked:
            if task in able:
                continue
            things = " and ".join(need for need in task.needs if need not in variant.serves)
            lack = f"task {task.about.name} needs {things}, which {variant.data.name} does not have"
            if not any(can_serve(other, task) for other in variants) or not any(t in able for t in asked):
                raise BadData(f"{lack}: its tasks are {', '.join(names)}")
            scored = ", ".join(t.about.name for t in asked if t in able)
            notes.append(f"{lack}: it is scored for {scored}")
    return notes


def _models(suite: Suite, asked: Sequence[Task]) -> tuple[ModelChoice, ...]:
    """Return every model of a suite, those of single variants included."""
    names = {task.about.name for task in asked}
    given = [*suite.models, *(model for choice in suite.variants for model in choice.models)]
    for choice in given:
        if choice.task not in names:
            raise BadConfig(
                f"model {choice.name} is for {choice.task}, which is not among the tasks: add it to them"
            )
    wanted = [m for task in asked for choice in suite.variants for m in _models_for(suite, choice, task)]
    return tuple(dict.fromkeys([*given, *wanted]))


def default_model(task: Task) -> str:
    """Return the model that looks for a task where none is named.

    Raises:
        BadConfig: If none comes with the program.
    """
    if task.default is None:
        raise BadConfig(
            f"task {task.about.name} has no model of its own: name one with --model (bench list models)"
        )
    return task.default

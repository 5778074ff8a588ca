"""Suites: what to run, as a file or as command-line choices. Both become one validated :class:`Suite`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.deadline import DEFAULT
from bench.engine.named_models import laid_out, read_models
from bench.engine.nearby import located
from bench.errors import BadConfig, unknown
from bench.explain import explain
from bench.objects import Given, given_of
from bench.plugins import listed, settled, write_entry
from bench.vocabulary import DETECTION, OBJECT
from bench.yaml_file import parse_yaml, read_yaml

if TYPE_CHECKING:
    from downstream.tasks.base import Task

#: An environment variable in a suite file.
VARIABLE = re.compile(r"\$\{(\w+)\}")

COMMAND_LINE = "command line"
#: The option of a suite's key, where it is called otherwise.
_OPTIONS = {
    "tasks": "task",
    "derainers": "derainer",
    "checkpoint_trust": "trust-checkpoint",
    "models": "model",
}


def _no_truth(value: Any) -> Any:
    """YAML's ``yes`` and ``true`` are no numbers, although Python counts with them."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


_Whole = Annotated[int, BeforeValidator(_no_truth)]


def _enough(seconds: float) -> float:
    if 0 < seconds < 1:
        raise ValueError("must be at least 1 second, or 0 for no limit")
    return seconds


_Seconds = Annotated[float, BeforeValidator(_no_truth), AfterValidator(_enough)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            name = value.name if isinstance(value, ModelChoice) else value
            raise ValueError(f"{name} is named twice: leave one of them out")
    return values


def _known_task(value: str) -> str:
    from bench import plugins
    from downstream.measures import is_measure
    from downstream.tasks import is_registered, registered_names

    if plugins.parse(value) is None and not (is_registered(value) or is_measure(value)):
        said = str(unknown("task", value, registered_names()))
        raise ValueError(said.removeprefix(f"unknown task {value!r}: "))
    return value


def _entry(*keys: str) -> BeforeValidator:
    """Let a mapping stand for the text that it spells; see :func:`bench.plugins.write_entry`."""
    return BeforeValidator(lambda value: write_entry(value, keys) if isinstance(value, Mapping) else value)


#: What a suite may name of a user's own, as text or as a mapping.
_Derainer = Annotated[str, _entry("label", "arguments", "attributes", "weights")]
_Named = Annotated[str, _entry("arguments", "attributes"), AfterValidator(settled)]


class ModelChoice(_Part):
    """A downstream network: a name, a file or a config, with its checkpoint where the name brings none.

    Attributes:
        task: What it is asked.
        name: As in ``--model``.
        checkpoint: Its weights, where they lie apart.
        classes: A YAML file that says what the data set calls its classes, ``vehicle.car: car``.
        label: What reports call it; None takes the name that it has of itself.

    What a network of the user's own is made with may stand beside them, as ``arguments`` and ``attributes``.
    """

    task: str
    name: Annotated[str, AfterValidator(settled)]
    checkpoint: str | None = None
    classes: str | None = None
    label: Annotated[str, Field(min_length=1)] | None = None
    #: What other processes make the object of that a script handed over; no file and no record can say it.
    _given: Given | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        """Keep what an object is sent by."""
        kind, _, digest = self.name.partition(":")
        if kind == OBJECT:
            self._given = given_of(digest)

    @property
    def given(self) -> Given | None:
        """What other processes make the object of that a script handed over; None where it is named otherwise."""
        return self._given

    @model_validator(mode="before")
    @classmethod
    def _with_arguments(cls, values: Any) -> Any:
        keys = ("arguments", "attributes")
        if not isinstance(values, Mapping) or not any(key in values for key in keys):
            return values
        spelled = write_entry({key: values[key] for key in ("name", *keys) if key in values}, keys)
        return {**{key: value for key, value in values.items() if key not in keys}, "name": spelled}


_Models = Annotated[tuple[ModelChoice, ...], AfterValidator(_each_once)]


class VariantChoice(_Part):
    """A data set under one or more rains.

    Attributes:
        data: ``street`` or ``KIND:DIR``; ``${NAME}`` stands for an environment variable.
        split: The data set's split; None takes the kind's default.
        rain: Rain names, or mappings as in :class:`Suite`.
        where: Only scenes with these tags, e.g. ``weather=rainy,timeofday=night``; None takes all.
        limit: Only the first so many scenes.
        models: Networks that look at this data set alone; a task that none is named for here takes the suite's.
    """

    data: Annotated[str, AfterValidator(settled)] = "street"
    split: str | None = None
    rain: tuple[_Named, ...] = Field(default=("streaks:medium",), min_length=1)
    where: str | None = None
    limit: _Whole | None = Field(default=None, gt=0)
    models: _Models = ()


class Suite(_Part):
    """A named list of variants, derainers, tasks and models.

    Attributes:
        derainers: ``[LABEL=]NAME[?OPTIONS][:ARG]`` each, or a mapping with ``name`` and, where wanted, ``label``,
            ``arguments``, ``attributes`` and ``weights``; the rows ``clean`` and ``none`` are always there.
        tasks: Names of tasks and measures, or ``FILE.py:NAME``; restoration is scored wherever the clean image is
            known, asked for or not.
        models: Downstream networks; a task that none is named for takes the embedded one.
        seed: Seeds the rain.
        precision: What the derainers compute in; ``auto`` is the fastest that the hardware has.
        tile: ``auto`` (large images only), ``off``, or ``SIZE[+OVERLAP]`` in pixels.
        timeout: Seconds that loading a network or looking at one image may take; 0 for no limit.
        checkpoint_trust: SHA-256 of checkpoints that may be unpickled although they are not plain weights.
    """

    name: str = COMMAND_LINE
    variants: tuple[VariantChoice, ...] = Field(default=(VariantChoice(),), min_length=1)
    derainers: tuple[_Derainer, ...] = ()
    tasks: Annotated[
        tuple[Annotated[_Named, AfterValidator(_known_task)], ...], AfterValidator(_each_once)
    ] = Field(default=(DETECTION,), min_length=1)
    models: _Models = ()
    seed: _Whole = Field(default=0, ge=0, lt=1 << 63)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    tile: str = "auto"
    timeout: _Seconds = Field(default=DEFAULT, ge=0, le=1e7, allow_inf_nan=False)
    checkpoint_trust: tuple[str, ...] = ()

    @field_validator("tile")
    @classmethod
    def _known_tile(cls, value: str) -> str:
        if not re.fullmatch(r"auto|off|\d+(\+\d+)?", value):
            raise ValueError("choose auto, off or SIZE[+OVERLAP] in pixels, such as 512+64")
        return value

    def load_tasks(self) -> tuple[Task, ...]:
        """Load the tasks; of those from a file, this runs the file.

        Raises:
            BenchError: If one is no task, or two are called the same.
        """
        from downstream.tasks import load_task

        found: dict[str, tuple[str, Task]] = {}
        for spec in self.tasks:
            task = load_task(spec)
            other, _ = found.setdefault(task.about.name, (spec, task))
            if other != spec:
                raise BadConfig(f"tasks {other} and {spec} are both called {task.about.name}: rename one")
        return tuple(task for _, task in found.values())

    @property
    def task_specs(self) -> dict[str, str]:
        """What the suite calls each of its tasks, by the task's own name."""
        return {task.about.name: spec for task, spec in zip(self.load_tasks(), self.tasks, strict=True)}


def make_suite(values: Mapping[str, Any], where: str) -> Suite:
    """Validate plain values.

    Args:
        values: As read from YAML.
        where: What the values were read from, for messages.

    Raises:
        BadConfig: Naming every wrong key or value at once, with what is allowed.
    """
    try:
        return Suite.model_validate(values)
    except ValidationError as error:
        clauses = explain(error, Suite)
        if where == COMMAND_LINE:
            clauses = [_as_option(clause) for clause in clauses]
        raise BadConfig(f"{where}: {'; '.join(clauses)}") from None


def _as_option(clause: str) -> str:
    """Name a suite's key as the option that it came from."""
    path, _, rest = clause.partition(" ")
    keys = [part for part in path.split(".") if not part.isdigit() and part != "variants"]
    return f"--{_OPTIONS.get(keys[0], keys[0])} {rest}" if keys else clause


def code_in(suite: Suite) -> list[tuple[str, str]]:
    """Return what of a suite is code of somebody's own, which running the suite would run.

    Registered names, weights files, data and folders of images are none: their readers never run what they read.

    Returns:
        Pairs of the option that names it and what it names.
    """
    from bench import plugins
    from downstream.models import source_of

    found = [("task", spec) for spec in suite.tasks if plugins.parse(spec)]
    found += [("derainer", text) for text in suite.derainers if _is_code(text)]
    models = [*suite.models, *(model for variant in suite.variants for model in variant.models)]
    found += [("model", choice.name) for choice in models if not source_of(choice.name).is_data(choice.name)]
    for variant in suite.variants:
        found += [("data", variant.data)] if plugins.parse(variant.data) else []
        found += [("rain", rain) for rain in variant.rain if plugins.parse(rain)]
    return list(dict.fromkeys(found))


def _is_code(text: str) -> bool:
    """Whether any part of a derainer is the user's own code or a TorchScript program."""
    from derainers import parse_derainers

    waiting = list(parse_derainers([text]))
    while waiting:
        spec = waiting.pop()
        if spec.plugin is not None or spec.name == "torchscript":
            return True
        waiting += spec.parts
    return False


def read_suite(name: str) -> Suite:
    """Read a suite from a YAML file, or one of the shipped suites by name.

    Relative paths in a file are looked for from its own folder, then from the working directory.

    Raises:
        UnknownName: If it is neither a file nor a shipped suite.
        BadConfig: If the file is not valid; every problem is named.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        values = located(_expand(read_yaml(path, f"suite {name}")), path.parent)
    elif name in shipped_suites():
        text = (resources.files("bench") / "suites" / f"{name}.yaml").read_text(encoding="utf-8")
        values = parse_yaml(text, f"suite {name}")
    else:
        raise unknown("suite", name, shipped_suites(), hint="give a .yaml file, or see `bench list suites`")
    values = _expand(values) or {}
    if not isinstance(values, dict):
        raise BadConfig(
            f"suite {name} is {type(values).__name__}: a suite is a mapping with the key derainers and others"
        )
    values.setdefault("name", path.stem)
    return make_suite(values, f"suite {name}")


def _expand(value: Any) -> Any:
    """Put environment variables in; one that is not set stays as it is, since an option may yet replace its value."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value


def suite_of(choices: Mapping[str, Any]) -> Suite:
    """Make a suite from the choices of the command line or of :func:`bench.run`.

    Args:
        choices: ``derainer``, ``task``, ``measure``, ``data``, ``split``, ``rain``, ``model``, ``checkpoint``,
            ``layout``, ``where``, ``limit``, ``seed``, ``precision``, ``tile``, ``timeout``,
            ``trust_checkpoint``; lists as sequences or separated by commas. Measures are added to the tasks that are
            asked for; without any they stand alone.

    Raises:
        BadConfig: Naming every wrong choice at once.
    """
    return override_suite(Suite(), choices)


def override_suite(suite: Suite, choices: Mapping[str, Any]) -> Suite:
    """Return a suite with some of its values replaced by the choices of :func:`suite_of`.

    ``data``, ``split``, ``rain``, ``where`` and ``limit`` replace those of every variant.

    Raises:
        BadConfig: Naming every wrong choice at once.
    """
    values = suite.model_dump(exclude_unset=True)
    variants = [variant.model_dump(exclude_unset=True) for variant in suite.variants]
    for variant in variants:
        variant.update({key: choices[key] for key in ("data", "split", "where", "limit") if key in choices})
        if "rain" in choices:
            variant["rain"] = listed(choices["rain"])
    # Two variants that the same data now stands for are one.
    values["variants"] = [v for i, v in enumerate(variants) if v not in variants[:i]]
    for key, field in (
        ("derainer", "derainers"),
        ("task", "tasks"),
        ("trust_checkpoint", "checkpoint_trust"),
    ):
        if key in choices:
            values[field] = listed(choices[key])
    if "measure" in choices:
        measured = map(_task_of, listed(choices["measure"]))
        values["tasks"] = list(dict.fromkeys([*values.get("tasks", ()), *measured]))
    values |= {key: choices[key] for key in ("seed", "precision", "tile", "timeout") if key in choices}
    models = listed(choices.get("model", ()))
    parts = {key: listed(choices.get(key, ())) for key in ("checkpoint", "classes")}
    if models or any(parts.values()):
        for variant in variants:
            variant.pop("models", None)
        asked = make_suite({"tasks": values.get("tasks", suite.tasks)}, COMMAND_LINE)
        values["models"] = read_models(asked.load_tasks(), models, parts)
    if "layout" in choices:
        chosen = make_suite({"models": values.get("models", ())}, COMMAND_LINE).models
        plain = [model.model_dump(exclude_unset=True) for model in chosen]
        values["models"] = laid_out(plain, listed(choices["layout"]))
    return make_suite(values, COMMAND_LINE if suite == Suite() else f"suite {suite.name}")


def _task_of(measure: str) -> str:
    from bench import plugins
    from downstream.measures import task_of

    return task_of(measure, is_file=plugins.parse(measure) is not None)


def shipped_suites() -> tuple[str, ...]:
    """Return the names of the suites that come with the program."""
    folder = resources.files("bench").joinpath("suites")
    return tuple(
        sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))
    )

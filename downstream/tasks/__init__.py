"""What is asked of a restored image: one module a task, found by name.

A task comes from the program, from an installed package (entry points of the group ``derain_bench.tasks``), or from a
Python file (``my.py:MyTask``); each measure of `downstream.measures` is a task as well. Importing this package imports
no task.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BenchError, said
from bench.registry import Registry
from bench.vocabulary import DETECTION, INSTANCES, QUALITY, RESTORATION, SEGMENTATION
from downstream.measures import find_measure, is_measure, measures
from downstream.measures.base import Measure
from downstream.tasks.base import Description, Metric, Task
from downstream.tasks.measured import Measured
from downstream.tasks.per_image import PerImage

__all__ = ["Description", "Metric", "PerImage", "Task", "about", "find_task", "load_task", "tasks"]

#: Registered tasks; an entry is a task or a class that makes one without arguments.
tasks: Registry[Task | type[Task]] = Registry("task", "derain_bench.tasks")
tasks.register(DETECTION, "downstream.tasks.detection:Detection", origin=__name__)
tasks.register(INSTANCES, "downstream.tasks.instances:Instances", origin=__name__)
tasks.register(SEGMENTATION, "downstream.tasks.segmentation:Segmentation", origin=__name__)
tasks.register(RESTORATION, "downstream.tasks.restoration:Restoration", origin=__name__)
tasks.register(QUALITY, "downstream.tasks.quality:Quality", origin=__name__)
tasks.register("flicker", "downstream.tasks.flicker:Flicker", origin=__name__)
tasks.register("warped", "downstream.tasks.warped:Warped", origin=__name__)

_made: dict[str, Task] = {}
#: What tasks of registered names were made of.
_registered: dict[str, Any] = {}
#: Tasks from files: name to the plug-in, to what was loaded from it, and to its part of evidence's key.
_plug_ins: dict[str, tuple[plugins.PlugIn, Any, dict[str, Any]]] = {}


def find_task(name: str) -> Task:
    """Return the task of that name.

    Raises:
        UnknownName: If there is none; one from a file has to be loaded first, see :func:`load_task`.
    """
    if name in _plug_ins:
        return _made[name]
    point = _point_of(name)
    if name in _made and (point is None or point.module is not None):
        return _made[name]
    found: Any = find_measure(name) if is_measure(name) else tasks.get(name)
    if _registered.get(name) is not found:  # new, or of a package of the user's own that has been edited
        _registered[name], _made[name] = found, _made_of(found)
    return _made[name]


def load_task(spec: str) -> Task:
    """Return the task that a user names: a registered name, or ``FILE.py:NAME[?OPTIONS]``, whose code is then run.

    A task from a file is known by its own name from then on, in this process.

    Raises:
        UnknownName: If there is no task of that name.
        BadConfig: If the file, or what it names, is no task.
    """
    plug_in = plugins.parse(spec)
    if plug_in is None:
        return find_task(spec)
    found = plugins.load(plug_in)
    given = plugins.given_key(plug_in)  # of files what is in them by now
    for name, (known, loaded, key) in _plug_ins.items():
        if known == plug_in and loaded is found and key.get("task_arguments", {}) == given:
            return _made[name]
    made = plugins.make(plug_in)
    try:
        task = _made_of(made.object)
        missing = [part for part in _PARTS if not hasattr(task, part)]
        name = "" if missing else task.about.name
    except ANYTHING as error:
        if isinstance(error, BenchError):
            raise
        raise BadConfig(f"task {spec}: making it raised {said(error)}") from error
    if inspect.isroutine(made.object):
        raise BadConfig(
            f"{spec} is a function, and no task yet: write Measure(Metric(...), {plug_in.name}) around it, "
            f"as docs/measures.md shows"
        )
    if missing:
        raise BadConfig(
            f"task {spec} is no task, it lacks {', '.join(missing)}: see docs/tasks.md for what one has"
        )
    if is_registered(name):
        raise BadConfig(f"task {spec} calls itself {name!r}, as a registered task does: rename it")
    key = {"task_code": made.key, **({"task_arguments": given} if given else {})}
    _plug_ins[name], _made[name] = (plug_in, found, key), task
    return task


def _made_of(found: Any) -> Any:
    """The task of what a name stands for: a task, a class that makes one, or a measure."""
    made = found() if isinstance(found, type) else found
    return Measured(made) if isinstance(made, Measure) else made


#: What every task has; see :class:`downstream.tasks.base.Task`.
_PARTS = tuple(name for name in (*Task.__annotations__, *vars(Task)) if not name.startswith("_"))


def code_of(task: Task) -> dict[str, Any]:
    """Return the part of evidence's key that stands for a task's own code; empty for those of the program."""
    name = task.about.name
    if name in _plug_ins:
        return _plug_ins[name][2]
    point = _point_of(name)
    return {} if point is None else {"task_code": plugins.code_key(point)}


def _point_of(name: str) -> plugins.PlugIn | None:
    """What an installed package registered as a task or measure of that name; None for all others."""
    registry: Registry[Any] = measures if name in measures else tasks
    return registry.plugin(name) if name in registry else None


def is_registered(name: str) -> bool:
    """Return whether a task comes with the program or an installed package, rather than from a file."""
    return name in tasks or name in measures


def registered_names() -> tuple[str, ...]:
    """Return the names of all registered tasks, and of the measures, which are tasks as well."""
    return tuple(sorted({*tasks, *measures}))


def is_known(name: str) -> bool:
    """Return whether :func:`find_task` has a task of this name."""
    return is_registered(name) or is_measure(name) or name in _made


def all_tasks() -> list[Task]:
    """Return every registered task, in the order of reports; measures are not among them."""
    return in_order(find_task(name) for name in tasks)


def in_order(found: Iterable[Task]) -> list[Task]:
    """Return tasks in the order of reports, each once."""
    once = {task.about.name: task for task in found}
    return sorted(once.values(), key=lambda task: (task.about.order, task.about.name))


def about(name: str) -> Description | None:
    """Return what reports know of a registered task; None where none has this name."""
    return find_task(name).about if is_registered(name) else None

"""What is asked of a restored image: one module a task, found by name.

A task comes from the program or from an installed package (entry points of the group ``derain_bench.tasks``). Importing
this package imports no task.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.registry import Registry
from bench.vocabulary import DETECTION, RESTORATION, SEGMENTATION
from downstream.tasks.base import Description, Metric, Task

__all__ = ["Description", "Metric", "Task", "about", "find_task", "load_task", "tasks"]

#: Registered tasks; an entry is a task or a class that makes one without arguments.
tasks: Registry[Task | type[Task]] = Registry("task", "derain_bench.tasks")
tasks.register(DETECTION, "downstream.tasks.detection:Detection", origin=__name__)
tasks.register(SEGMENTATION, "downstream.tasks.segmentation:Segmentation", origin=__name__)
tasks.register(RESTORATION, "downstream.tasks.restoration:Restoration", origin=__name__)

_made: dict[str, Task] = {}


def find_task(name: str) -> Task:
    """Return the task of that name.

    Raises:
        UnknownName: If there is none; one from a file has to be loaded first, see :func:`load_task`.
    """
    if name not in _made:
        found = tasks.get(name)
        _made[name] = found() if isinstance(found, type) else found
    return _made[name]


def load_task(spec: str) -> Task:
    """Return the task that a user names.

    Raises:
        UnknownName: If there is no task of that name.
    """
    return find_task(spec)


def is_registered(name: str) -> bool:
    """Return whether a task comes with the program or an installed package, rather than from a file."""
    return name in tasks


def all_tasks() -> list[Task]:
    """Return every registered task, in the order of reports."""
    return in_order(find_task(name) for name in tasks)


def in_order(found: Iterable[Task]) -> list[Task]:
    """Return tasks in the order of reports, each once."""
    once = {task.about.name: task for task in found}
    return sorted(once.values(), key=lambda task: (task.about.order, task.about.name))


def about(name: str) -> Description | None:
    """Return what reports know of a registered task; None where none has this name."""
    return find_task(name).about if name in tasks else None

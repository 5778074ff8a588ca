"""What plug-ins enter by name into registries of installed packages (MMEngine's, BasicSR's, anybody's dictionary).

Two plug-ins of one repository, and two versions of one file, have copies of its modules each, and each copy registers
its names: a registry would refuse the second, or build the one's network of the other's parts. So a plug-in's entries
stand in registries while it is imported or made; at other times those stand whose name only one plug-in has entered.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

from bench.plugins.code import TAKEN


@dataclass(frozen=True, eq=False)
class _Entry:
    """A class or function of a plug-in's in somebody else's dictionary."""

    registry: dict[Any, Any]
    name: str
    value: Any

    def put(self) -> None:
        """Enter it again, where nothing else has its name."""
        self.registry.setdefault(self.name, self.value)

    def take(self) -> None:
        """Take it out, where it is there."""
        if self.registry.get(self.name) is self.value:
            del self.registry[self.name]


#: By the package that stands for a plug-in: what it has entered, and what it imports of installed packages.
_entries: dict[str, dict[tuple[int, str], _Entry]] = {}
_imports: dict[str, set[tuple[str, str]]] = {}


def imported(root: str, module: str, names: Iterable[str]) -> None:
    """Take note of what a plug-in imports of an installed package: there it may find a registry.

    Args:
        root: The package that stands for the plug-in.
        module: Its dotted name.
        names: What is wanted of it; none for the module.
    """
    if module.partition(".")[0] not in TAKEN:
        _imports.setdefault(root, set()).update((module, name) for name in names or ("",))


def note(root: str) -> None:
    """Find what a plug-in has entered by now."""
    for registry in _registries(root):
        for name, value in list(registry.items()):
            own = isinstance(value, (type, FunctionType)) and str(value.__module__).startswith(f"{root}.")
            if own and isinstance(name, str):
                _entries.setdefault(root, {})[id(registry), name] = _Entry(registry, name, value)


def show(root: str | None) -> None:
    """Let registries hold what one plug-in has entered and no other has; None for what leaves no doubt whose it is."""
    for entries in _entries.values():
        for entry in entries.values():
            entry.take()
    counts = Counter(key for entries in _entries.values() for key in entries)
    for each in _entries if root is None else (root,):
        for key, entry in _entries.get(each, {}).items():
            if root is not None or counts[key] == 1:
                entry.put()


def drop(root: str, module: str = "") -> None:
    """Take out for good what a plug-in, or one module of it, has entered: it is going to enter it again."""
    entries = _entries.get(root, {})
    for key, entry in list(entries.items()):
        if module in ("", entry.value.__module__):
            entry.take()
            del entries[key]


def _registries(root: str) -> list[dict[Any, Any]]:
    """The dictionaries in and around what a plug-in imports."""
    found: dict[int, dict[Any, Any]] = {}
    for owner in _owners(root):
        for held in _dictionaries(owner):
            found |= {id(each): each for each in (held, *held.values()) if isinstance(each, dict)}
    return list(found.values())


def _owners(root: str) -> Iterator[object]:
    """What may hold a registry: imported things, what their modules hold, what methods belong to."""
    modules: dict[str, ModuleType | None] = {}
    for name, item in _imports.get(root, ()):
        modules[name] = sys.modules.get(name)
        value = sys.modules.get(f"{name}.{item}", vars(modules[name]).get(item)) if modules[name] else None
        if isinstance(value, ModuleType):
            modules[value.__name__] = value
        elif isinstance(value, (type, FunctionType)):
            modules[value.__module__] = sys.modules.get(value.__module__)
        elif isinstance(value, MethodType):
            yield value.__self__
    for module in modules.values():
        if module is not None:
            yield module
            yield from [value for value in vars(module).values() if not isinstance(value, ModuleType)]


def _dictionaries(owner: object) -> list[dict[Any, Any]]:
    try:
        held = vars(owner)  # type: ignore[call-overload]
    except Exception:  # most things have none, and a proxy may raise anything
        return []
    return [value for value in held.values() if isinstance(value, dict)]

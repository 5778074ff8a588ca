"""The standard library's functions that take a module by its name, as a plug-in's code sees them.

Its own modules stand under other names in Python's list, so that these functions would not find them.
"""

from __future__ import annotations

import importlib
import importlib.resources
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

#: Modules, and those of their functions whose first argument may be a module's name.
_BY_NAME: Mapping[ModuleType, frozenset[str]] = {
    importlib: frozenset({"import_module"}),
    pkgutil: frozenset({"get_data"}),
    importlib.resources: frozenset(
        {
            *("files", "path", "contents", "is_resource"),
            *("open_text", "open_binary", "read_text", "read_binary"),
        }
    ),
}

#: Where the first part of a module's name leads within a plug-in; None where it is somebody else's.
Within = Callable[[str], str | None]


def stand_in(module: ModuleType, within: Within) -> ModuleType:
    """Return what stands for a module in a plug-in's code: the module itself, but for those with such functions."""
    return _StandIn(module, within) if module in _BY_NAME else module


class _StandIn(ModuleType):
    """A module whose functions find by name what import statements find.

    Args:
        module: The standard library's.
        within: What import statements find.
    """

    def __init__(self, module: ModuleType, within: Within) -> None:
        super().__init__(module.__name__, module.__doc__)
        self._module, self._within = module, within

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, ModuleType):
            return stand_in(found, self._within)
        if name not in _BY_NAME[self._module]:
            return found
        return self._import_module if found is importlib.import_module else self._by_name(found)

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        return importlib.import_module(self._inner(importlib.util.resolve_name(name, package)))

    def _by_name(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # Resources that are told no package look for their caller, behind functions of this name.
        def wrapper(*arguments: Any, **named: Any) -> Any:
            if arguments and isinstance(arguments[0], str):
                arguments = (self._inner(arguments[0]), *arguments[1:])
            return function(*arguments, **named)

        return wrapper

    def _inner(self, name: str) -> str:
        root = self._within(name.partition(".")[0])
        return name if root is None else f"{root}.{name}"

"""A generic registry: names to lazily imported objects.

Targets are either objects or strings ``"package.module:attribute"`` that are imported at first use, so that listing
what exists imports nothing heavy. Installed packages add entries through an entry-point group.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from bench.errors import ANYTHING, BenchError, unknown

if TYPE_CHECKING:
    from bench.plugins import PlugIn

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to objects of one kind.

    Args:
        kind: What is registered, in the singular; used in error messages.
        entry_points: Entry-point group through which installed packages add to this registry.

    Example:
        >>> colours = Registry[int]("colour")
        >>> colours.register("red", 0xFF0000)
        >>> colours.get("red") == 0xFF0000
        True
    """

    def __init__(self, kind: str, entry_points: str | None = None) -> None:
        self.kind = kind
        self._group = entry_points
        self._entries: dict[str, T | str] = {}
        self._origins: dict[str, str] = {}
        self._clashes: dict[str, BenchError] = {}
        self._points: dict[str, str] = {}
        self._discovered = entry_points is None
        self._lock = threading.RLock()

    def register(self, name: str, target: T | str, *, origin: str | None = None) -> None:
        """Add an entry.

        Args:
            name: The name users write.
            target: The object, or ``"package.module:attribute"``.
            origin: Where the entry comes from, for messages; by default the target itself.

        Raises:
            BenchError: If ``name`` already stands for something else; both origins are named.
        """
        where = origin or (target if isinstance(target, str) else f"{getattr(target, '__module__', '?')}")
        with self._lock:
            if name in self._entries and self._entries[name] != target:
                raise BenchError(
                    f"two {self.kind}s are called {name!r}: one from {self._origins[name]}, one from {where}; "
                    f"rename one of them"
                )
            self._entries[name] = target
            self._origins[name] = where

    def get(self, name: str) -> T:
        """Return the object registered as ``name``, importing it where that has not happened yet.

        Raises:
            UnknownName: With the closest names, if there is no such entry.
            BenchError: If the entry's module cannot be imported (say, a broken plug-in), or an installed package
                brought another entry of this name.
        """
        self._discover()
        with self._lock:
            if name not in self._entries:
                raise unknown(self.kind, name, self._entries)
            if name in self._clashes:
                raise self._clashes[name]
            plugin = self._plugin(name)
            if plugin is not None and plugin.module is None:
                return cast(T, self._load(name, plugin))
            target = self._entries[name]
            if isinstance(target, str):
                target = self._load(name, target)
                self._entries[name] = target
            return target

    def names(self) -> tuple[str, ...]:
        """Return every registered name, sorted."""
        self._discover()
        with self._lock:
            return tuple(sorted(self._entries))

    def origin(self, name: str) -> str:
        """Return where the entry ``name`` was registered from."""
        self._discover()
        with self._lock:
            if name not in self._origins:
                raise unknown(self.kind, name, self._origins)
            return self._origins[name]

    def plugin(self, name: str) -> PlugIn | None:
        """Return what an installed package registered as ``name``, as a user would name it; None for other entries.

        A package that is installed for development is the user's own code, which is read again when it is edited.

        Raises:
            UnknownName: As :meth:`get`.
        """
        self.origin(name)
        with self._lock:
            return self._plugin(name)

    def _plugin(self, name: str) -> PlugIn | None:
        if name not in self._points:
            return None
        from bench.plugins import of_module

        module, _, attribute = self._points[name].partition(":")
        return of_module(module, attribute) if attribute.isidentifier() else None

    def __contains__(self, name: object) -> bool:
        self._discover()
        with self._lock:
            return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _load(self, name: str, target: str | PlugIn) -> T:
        try:
            if not isinstance(target, str):
                from bench.plugins import load

                return cast(T, load(target))
            module, _, attribute = target.partition(":")
            return cast(T, getattr(importlib.import_module(module), attribute))
        except ANYTHING as error:  # of a plug-in, while it is imported
            raise BenchError(
                f"{self.kind} {name!r} from {self._origins[name]} could not be loaded: "
                f"{type(error).__name__}: {_first_line(error)}"
            ) from error

    def _discover(self) -> None:
        with self._lock:
            if self._discovered:
                return
            self._discovered = True
            from importlib.metadata import entry_points

            for point in entry_points(group=cast(str, self._group)):
                package = point.dist.name if point.dist else "?"
                try:
                    self.register(point.name, point.value, origin=f"package {package} ({point.value})")
                    self._points[point.name] = point.value
                except BenchError as error:
                    # Told to whoever asks for this name: an installed package must not break the others.
                    self._clashes[point.name] = error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]

"""A rain in a user's Python file: ``--rain FILE.py:FUNCTION[?OPTIONS][:ARG]``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BenchError, said
from bench.hashing import content_key
from bench.images import read_only
from bench.plugins import PlugIn
from bench.rain.base import RainError

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import Depth

#: What a function may take beside the image and the generator.
_OPTIONS = ("depth", "arg")


@dataclass(frozen=True)
class FileRain:
    """A function ``fn(image, rng)`` of a user's file; pickled as the file's name and loaded where it falls.

    Attributes:
        plugin: The file, the function, and the text that it is given as ``arg``.
        version: Hash of the file's code and of all of the user's own that it imports.
        needs_depth: Whether the function has a parameter ``depth``.
    """

    plugin: PlugIn
    version: str
    needs_depth: bool

    @property
    def name(self) -> str:
        """The spelling without the folders, so that a moved file gives the same rain."""
        return self.plugin.title

    @property
    def spec(self) -> str:
        """The spelling with the folders, which :func:`bench.rain.parse_rain` reads."""
        return str(self.plugin)

    def __call__(self, image: np.ndarray, rng: np.random.Generator, depth: Depth | None = None) -> np.ndarray:
        """Return what the function makes of the image (uint8 RGB HxWx3), which it cannot write into.

        Raises:
            RainError: If it raises.
            BadConfig: If the file is another one by now.
        """
        options: dict[str, Any] = {}
        if self.needs_depth:
            from bench.rain.depth import guess_depth

            options["depth"] = depth or guess_depth(image.shape[:2])
        if self.plugin.arg is not None:
            options["arg"] = self.plugin.arg
        function = _function(self.plugin, self.version)
        try:
            return function(read_only(image), rng, **options)
        except BenchError:
            raise
        except ANYTHING as error:
            text = said(error)
            hint = "; copy the image before you change it" if "readonly" in text.replace("-", "") else ""
            raise RainError(f"rain {self.name} raised {text}{hint}") from error


def open_rain(plugin: PlugIn) -> FileRain:
    """Load a rain from a file.

    Args:
        plugin: Names a function ``fn(image, rng)``, with parameters ``depth`` (a :class:`bench.data.base.Depth`) and
            ``arg`` (text) where it wants them.

    Raises:
        BadConfig: If there is no such function, or it cannot be called so.
    """
    made = plugins.make(plugin)
    function, version = made.object, _version(made)
    if not callable(function):
        raise BadConfig(
            f"rain {plugin}: it is no function; a rain is fn(image, rng), with depth and arg if wanted"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code may not tell
        signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("image", "rng")]
        )
    takes = {name for name in _OPTIONS if name in signature.parameters}
    given = {name: None for name in takes if name != "arg" or plugin.arg is not None}
    if plugin.arg is not None and "arg" not in takes:
        raise BadConfig(f"rain {plugin}: its function has no parameter arg that would take {plugin.arg!r}")
    try:
        signature.bind(None, None, **given)
    except TypeError as error:
        how = ", ".join(["image", "rng", *(f"{name}=..." for name in sorted(given))])
        raise BadConfig(f"rain {plugin}: it cannot be called as {plugin.name}({how}): {error}") from None
    return FileRain(plugin, version, "depth" in takes)


@lru_cache(maxsize=64)
def _function(plugin: PlugIn, version: str) -> Callable[..., Any]:
    """The function, as long as its code is that of the version."""
    made = plugins.make(plugin)
    if _version(made) != version:
        raise BadConfig(f"rain {plugin}: {plugin.file}, or what it imports, has changed since the run began")
    return made.object


def _version(made: plugins.Made) -> str:
    return content_key({**made.key, **({"arguments": made.given} if made.given else {})})[:16]

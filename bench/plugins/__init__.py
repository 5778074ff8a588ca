"""Objects of a user's own, ``my.py:NAME[?OPTIONS][:ARG]``: derainers, rains, data readers, whatever has such a door.

:mod:`bench.plugins.spec` has the spelling, :mod:`bench.plugins.code` the files that count, and
:mod:`bench.plugins.importing` what keeps them apart from everybody else's. Whoever calls :func:`load` or :func:`make`
runs the user's code: a name that comes out of a record or a file must not get there.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.deadline import unit
from bench.device import gpu_advice
from bench.errors import BadConfig, BenchError, is_ctrl_c, said
from bench.hashing import sha256_file
from bench.plugins import seen
from bench.plugins.code import TAKEN, code_of, code_of_config, home_of, is_installed
from bench.plugins.command_line import ReadsCommandLine, keep_command_line
from bench.plugins.importing import at_work, root_name
from bench.plugins.opened import recording
from bench.plugins.spec import (
    SYNTAX,
    Options,
    PlugIn,
    cut,
    joined,
    listed,
    of_module,
    parse,
    read_options,
    refuse_bare,
    search_in,
    settled,
    write_entry,
    write_options,
)
from bench.seeds import same_draws

__all__ = [
    "SYNTAX",
    "Made",
    "Options",
    "PlugIn",
    "build",
    "call",
    "check",
    "code_key",
    "code_of_module",
    "config_code",
    "cut",
    "given_key",
    "joined",
    "listed",
    "load",
    "make",
    "of_module",
    "parse",
    "read_options",
    "refuse_bare",
    "search_in",
    "settled",
    "write_entry",
    "write_options",
]


@dataclass(frozen=True)
class Made:
    """An object as a user asked for it.

    Attributes:
        object: The object.
        key: What it depends on: its code, the files that it opened, what it was made with.
        given: What it was made with, files among them as their hashes; empty where it was made with nothing.
    """

    object: Any
    key: dict[str, str]
    given: dict[str, Any]


def check(plugin: PlugIn, kind: str) -> None:
    """Check that the file of a plug-in is there, without running it.

    Args:
        plugin: What is named.
        kind: What it is to be, for the message.

    Raises:
        BadConfig: If it is not, or its options are not written as options are.
    """
    if not plugin.path.is_file():
        raise BadConfig(f"{kind} {str(plugin)!r}: {_absent(plugin)}")
    _ = plugin.options


def load(plugin: PlugIn) -> Any:
    """Import a plug-in's file, where that has not happened yet, and return what it names, not yet made.

    Raises:
        BadConfig: If there is no such file or object, or the file cannot be imported; one line says why.
    """
    if not plugin.name.isidentifier():
        raise BadConfig(f"{plugin}: {plugin.name!r} is no name: write {SYNTAX}, in quotes in a shell")
    if "." in plugin.path.stem:
        raise BadConfig(f"{plugin.place}: a module's name has no dot in it: rename the file")
    module = _import(plugin)
    if not hasattr(module, plugin.name):
        raise BadConfig(f"{plugin.place} has no {plugin.name!r}{_instead(module, plugin.name)}")
    return getattr(module, plugin.name)


def make(
    plugin: PlugIn, *positional: Any, defaults: Mapping[str, Any] | None = None, says: Collection[str] = ()
) -> Made:
    """Load a plug-in and make its object with the options that the user wrote.

    Args:
        plugin: What is named.
        positional: First arguments, where it is a class.
        defaults: Arguments that the user's own go before.
        says: The attributes that may be said of it.

    Raises:
        BadConfig: As :func:`load`; or it does not take what it is given, or making it raised.
    """
    options = plugin.options
    if plugin.module is None:
        seen.set_apart(root_name(plugin.path, _code(plugin)), _what(plugin))
    found, root, given = load(plugin), _root_name(plugin), given_key(plugin)
    with recording() as opened, at_work(root):
        made = build(found, str(plugin), options, *positional, defaults=defaults, says=says)
    key = code_key(plugin)
    files = seen.while_made(root, _what(plugin), opened, {*key.values(), *map(str, given.values())})
    return Made(made, key | _hashes(files, plugin), given)


def given_key(plugin: PlugIn) -> dict[str, Any]:
    """Return what a plug-in's object is made with as keys hold it: of files their hashes.

    Raises:
        BadConfig: If the options are not written as options are.
    """
    options = plugin.options
    given = {**options.arguments, **{f".{name}": value for name, value in options.attributes.items()}}
    return dict(_as_key(given))


def build(
    found: Any,
    what: str,
    options: Options,
    *positional: Any,
    defaults: Mapping[str, Any] | None = None,
    says: Collection[str] = (),
) -> Any:
    """Make an object of anyone's with options.

    A class is called, and so is a function that lacks nothing; another function keeps its arguments for later; what is
    made already is returned. What is said of the object is left to the caller. Weights that are drawn are the same in
    every process.

    Args:
        found: The class, function or object.
        what: What it is called in messages.
        options: What the user wrote.
        positional: First arguments, where it is a class.
        defaults: Arguments that the user's own go before.
        says: The attributes that may be said of it.

    Raises:
        BadConfig: If it does not take what it is given, or raises, or what is said of it is unknown.
    """
    for name in options.attributes:
        if name not in says:
            known = f"one of .{', .'.join(says)}" if says else "a constructor's argument, without the dot"
            raise BadConfig(f"{what}: .{name} means nothing here: write {known}")
    arguments = {**(defaults or {}), **options.arguments}
    with same_draws():
        return _built(found, what, positional, arguments, bool(options.arguments))


def call(function: Callable[..., Any], what: str, arguments: Mapping[str, Any], *positional: Any) -> Any:
    """Call what is anyone's code with arguments that a user wrote.

    Raises:
        BadConfig: If it has no such arguments, or raises; the close ones, or those it has, are named.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled code may not tell
        signature = None
    if signature is not None:
        try:
            signature.bind(*positional, **arguments)
        except TypeError as error:
            raise BadConfig(f"{what}: {_unfit(signature, arguments) or error}") from None
    try:
        return function(*positional, **arguments)
    except BenchError:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise BadConfig(f"{what}: making it raised {said(error)}{gpu_advice(error)}") from error


def code_key(plugin: PlugIn) -> dict[str, str]:
    """Return the hashes of a plug-in's code: its file, all of the user's own that it imports, and the files that it
    opened while it was imported (which happens now, where it has not happened yet).

    Of a module that is installed it is the distribution with its version.

    Returns:
        SHA-256 of each module, package or file, by its name; where they lie does not count.

    Raises:
        BadConfig: If there is no such file, or one cannot be read or imported.
    """
    if plugin.module is not None:
        return _distribution(plugin.module)
    _import(plugin)
    code = _code(plugin)
    behind, files = seen.while_imported(_root_name(plugin))
    return {**behind, **code, **_hashes(files, plugin)}


def config_code(file: Path, modules: Sequence[str] = ()) -> dict[str, str]:
    """Return the hashes of all of the user's own code behind a configuration; see
    :func:`bench.plugins.code.code_of_config`.

    Raises:
        BadConfig: If a file of code cannot be read.
    """
    importlib.invalidate_caches()
    try:
        return code_of_config(file.expanduser().resolve(), modules)
    except OSError as error:
        raise BadConfig(f"{file}: {error.filename} cannot be read: {error.strerror or error}") from None


def _code(plugin: PlugIn) -> dict[str, str]:
    if not plugin.path.is_file():
        raise BadConfig(f"{plugin}: {_absent(plugin)}")
    importlib.invalidate_caches()  # a file may be younger than the listing of its folder
    try:
        return code_of(plugin.path)
    except OSError as error:
        raise BadConfig(f"{plugin}: {error.filename} cannot be read: {error.strerror or error}") from None


def _root_name(plugin: PlugIn) -> str:
    """The name of the package that stands for a plug-in's file; empty for a module that is installed."""
    if plugin.module is not None:
        return ""
    return seen.place(root_name(plugin.path, _code(plugin)), _what(plugin))


def _what(plugin: PlugIn) -> str:
    """What is made of a file, and with what."""
    return f"{plugin.name}?{plugin.query}"


def _import(plugin: PlugIn) -> ModuleType:
    if not plugin.path.is_file():
        raise BadConfig(f"{plugin}: {_absent(plugin)}")
    root = _root_name(plugin)
    name = plugin.module or f"{root}.{home_of(plugin.path).module}".rstrip(".")
    if root:
        seen.forget_if_changed(root)
    keep_command_line()
    with recording() as opened:
        try:
            with unit(f"file {plugin.place}", "import"):
                module = importlib.import_module(name)
        except ReadsCommandLine:
            raise
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            text = f"{said(error).replace(f'{root}.', '')}{_line(error, plugin.path)}"
            raise BadConfig(f"{plugin.place} could not be imported: {text}{_advice(error)}") from error
    if root:
        seen.remember(root, opened)
    return module


def _advice(error: BaseException) -> str:
    """What to do about an error in somebody's module; empty where that has no one answer."""
    if isinstance(error, SystemExit):
        return "; keep what is not to run now under if __name__ == '__main__'"
    if isinstance(error, ModuleNotFoundError):
        return "; install it, or put it beside the file or where its repository begins"
    if "already registered" in str(error):  # by another plug-in, in a registry that is not found
        return "; a registry takes a name once: give what shares these files a run of its own"
    return gpu_advice(error)


def _absent(plugin: PlugIn) -> str:
    if plugin.module is None:
        return f"no file {plugin.file}"
    return (
        f"no module {plugin.module} in the working directory ({Path.cwd()}) or among those that are installed: "
        f"name the folder that it starts from with --path DIR"
    )


def _built(found: Any, what: str, positional: tuple[Any, ...], arguments: dict[str, Any], asked: bool) -> Any:
    if inspect.isclass(found):
        return call(found, what, arguments, *positional)
    if not inspect.isroutine(found):
        if asked:
            raise BadConfig(f"{what}: this is made already, so it takes no arguments: name its class")
        return found
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # compiled code may not tell
        return partial(found, **arguments) if arguments else found
    try:
        signature.bind_partial(**arguments)
    except TypeError as error:
        raise BadConfig(f"{what}: {_unfit(signature, arguments) or error}") from None
    lacking = [
        parameter
        for name, parameter in signature.parameters.items()
        if name not in arguments
        and parameter.kind is not parameter.VAR_KEYWORD
        and (parameter.kind is parameter.VAR_POSITIONAL or parameter.default is parameter.empty)
    ]
    if not lacking:
        return call(found, what, arguments)
    return partial(found, **arguments) if arguments else found


def _unfit(signature: inspect.Signature, arguments: Mapping[str, Any]) -> str:
    """How the names of arguments do not fit a signature; empty where they do."""
    taken = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    names = [parameter.name for parameter in taken]
    if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        for name in arguments:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=3)
                advice = (
                    f"did you mean {' or '.join(close)}?"
                    if close
                    else f"it takes {', '.join(names) or 'none'}"
                )
                return f"it has no argument {name!r}: {advice}"
    lacking = [p.name for p in taken if p.default is p.empty and p.name not in arguments]
    return f"it needs {' and '.join(lacking)}: write {SYNTAX}, in quotes in a shell" if lacking else ""


def _as_key(value: Any) -> Any:
    """Arguments as the key holds them: of a file its hash, wherever it lies."""
    if isinstance(value, Mapping):
        return {str(name): _as_key(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_key(inner) for inner in value]
    if isinstance(value, str) and value and Path(value).expanduser().is_file():
        return sha256_file(Path(value).expanduser())
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def _hashes(files: Mapping[Path, str], plugin: PlugIn) -> dict[str, str]:
    """Hashes of data files under names that do not depend on where the plug-in lies."""
    root = home_of(plugin.path).folders[0]
    return {
        f"file {path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name}": digest
        for path, digest in files.items()
    }


def code_of_module(module: str) -> dict[str, str]:
    """Return what stands for an imported module in a key: its code where it is the user's own, else its distribution;
    nothing for the program, the standard library and what lies in no file.
    """
    first, file = module.partition(".")[0], getattr(sys.modules.get(module), "__file__", None)
    if file is None or (first in TAKEN and not module.startswith(f"{__name__}.")):
        return {}
    path = Path(file).resolve()
    return _distribution(module) if is_installed(path) else code_of(path)


@functools.cache
def _distribution(module: str) -> dict[str, str]:
    from importlib import metadata

    first = module.partition(".")[0]
    names = metadata.packages_distributions().get(first, [])
    return {name: metadata.version(name) for name in sorted(set(names))} or {module: "unknown"}


def _line(error: BaseException, path: Path) -> str:
    """The line of a file that an exception came from or through; empty where it did not."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path]
    return f" (line {lines[-1]})" if lines else ""


def _instead(module: ModuleType, name: str) -> str:
    """What a file has in place of a name that it has not: close ones, else its own things that can be called."""
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    close = difflib.get_close_matches(name, public, n=3)
    if close:
        return f": did you mean {' or '.join(close)}?"
    listed = [key for key, value in public.items() if callable(value)]
    return f"; it has {', '.join(listed[:8]) or 'nothing that can be called'}"

"""How an object of a user's own is written: ``PLACE:NAME[?OPTIONS][:ARG]``, for derainers, models, rains, tasks alike.

PLACE is a Python file (``my.py``) or a module by its dotted name (``myrepo.models.net``), which is looked for in the
folders of ``--path``, in the working directory, in ``src`` of each, and where Python finds modules. OPTIONS are joined
by ``&``: ``width=48`` is an argument of what NAME is, ``.multiple=16`` says something of it in the place of an
attribute that it may have, and ``@train.yml`` stands for the arguments that a YAML file holds, under ``network_g``
where it has that key. What ARG means is the caller's: weights, a folder, a text.

Values are numbers, ``true``, ``false``, ``none``, lists and mappings as in YAML, or text; a percent sign and two
hexadecimal digits stand for a character that means something here (``%3A`` is a colon, ``%26`` an ampersand).
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from bench.errors import BadConfig
from bench.listing import BRACKETS, labelled, split_outside
from bench.separated import rejoined

#: How it is written, for messages.
SYNTAX = "FILE.py:NAME?ARGUMENT=VALUE&ARGUMENT=VALUE"

_DOTTED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):([A-Za-z_].*)", re.DOTALL)
#: Key of BasicSR's option files under which the network's arguments stand.
_NETWORK = "network_g"
#: What a value may hold as it is; all else is written with percent signs.
_PLAIN = "\"'/ .-_~@!$*;<>|^\\"

#: Folders in which modules are looked for by their dotted names, before the working directory.
_searched: list[Path] = []


@dataclass(frozen=True)
class PlugIn:
    """An object in a Python file, as a user names it.

    Attributes:
        file: The file: as it was written, or where the module was found.
        name: The object's name in it.
        arg: What follows after the last colon; its meaning is the caller's.
        query: The options as they were written; see :func:`read_options`.
        module: The dotted name of a module that is installed or cannot be found; None where it is a file of the user's.
    """

    file: Path
    name: str
    arg: str | None = None
    query: str = ""
    module: str | None = None

    @property
    def path(self) -> Path:
        """The file, absolute."""
        return self.file.expanduser().resolve()

    @property
    def title(self) -> str:
        """The spelling without the folders: the same wherever the file lies."""
        return str(PlugIn(Path(self.file.name), self.name, self.arg, self.query, self.module))

    @property
    def place(self) -> str:
        """What stands before the first colon."""
        return self.module or str(self.file)

    @property
    def options(self) -> Options:
        """What stands after the question mark.

        Raises:
            BadConfig: If it is not written as options are.
        """
        return read_options(self.query)

    def __str__(self) -> str:
        return joined(f"{self.place}:{self.name}", self.query, self.arg)


@dataclass(frozen=True)
class Options:
    """What an object is made with.

    Attributes:
        arguments: Of its constructor, or of the function.
        attributes: What is said of it, in the place of its own attributes.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def parse(spec: str) -> PlugIn | None:
    """Read ``FILE.py:NAME[?OPTIONS][:ARG]``, or the same with a module's dotted name.

    Returns:
        The plug-in; None where ``spec`` does not name an object of the user's own. Nothing is imported or run.

    Example:
        >>> parse("rains/my.py:fog?density=3:0.5")
        PlugIn(file=PosixPath('rains/my.py'), name='fog', arg='0.5', query='density=3', module=None)
        >>> parse("streaks:heavy")
    """
    spec = spec.strip()
    file, door, rest = spec.partition(".py:")
    if door and rest:
        name, query, arg = cut(rest)
        return PlugIn(Path(f"{file}.py"), name, arg, query) if name else None
    dotted = _DOTTED.fullmatch(spec)
    if dotted is None:
        return None
    name, query, arg = cut(dotted[2])
    if not name.isidentifier():
        return None
    found, own = _find(dotted[1])
    return PlugIn(found, name, arg, query, None if own else dotted[1])


def of_module(module: str, name: str) -> PlugIn | None:
    """Return an object of a module as a plug-in, None for the program's own modules; nothing is imported."""
    from bench.plugins.code import TAKEN

    if module.partition(".")[0] in TAKEN:
        return None
    found, own = _find(module)
    return PlugIn(found, name, module=None if own else module)


def search_in(folder: Path) -> None:
    """Look for modules by their dotted names in one more folder, before all others.

    Raises:
        BadConfig: If there is no such folder.
    """
    if not folder.expanduser().is_dir():
        raise BadConfig(f"--path {folder}: no such folder")
    if folder not in _searched:
        _searched.insert(0, folder)


def refuse_bare(spec: str) -> None:
    """Say what is missing where a user named a Python file and nothing in it.

    Raises:
        BadConfig: If so.
    """
    file = spec.strip().rstrip(":")
    if file.endswith(".py"):
        raise BadConfig(f"{spec!r}: name what in the file is meant, such as {file}:NAME")


def cut(text: str) -> tuple[str, str, str | None]:
    """Cut ``NAME[?OPTIONS][:ARG]``, where a colon in brackets belongs to the options.

    Example:
        >>> cut("Net?width=48&sizes={a: 1}:w.pth")
        ('Net', 'width=48&sizes={a: 1}', 'w.pth')
    """
    name = re.match(r"[^?:]*", text)
    assert name is not None
    rest = text[name.end() :]
    query = ""
    if rest.startswith("?"):
        query = split_outside(rest[1:], ":", 1)[0]
        rest = rest[1 + len(query) :]
    return name[0], query, rest[1:] or None


def joined(name: str, query: str, arg: str | None) -> str:
    """Write what :func:`cut` reads."""
    return f"{name}{f'?{query}' if query else ''}{'' if arg is None else f':{arg}'}"


def listed(values: str | Iterable[str]) -> list[str]:
    """Return the entries of a list, without white space around them; a text of nothing but that has none.

    A text is cut at its commas, but for those in brackets and in the names of files that exist. What arrives as several
    values is apart already, and is not cut again.

    Raises:
        BadConfig: If an entry is empty: what should have been named there is nobody's to guess.

    Example:
        >>> listed("rdmc, h=prenet:w.pth"), listed(["onnx:a,b.onnx", "rdmc"])
        (['rdmc', 'h=prenet:w.pth'], ['onnx:a,b.onnx', 'rdmc'])
    """
    if isinstance(values, str):
        values = rejoined(split_outside(values, ",")) if values.strip() else ()
    entries = [part.strip() for part in values]
    if not all(entries):
        raise BadConfig(
            f"{','.join(entries)!r}: an entry is empty: leave a comma out, or name what is missing"
        )
    return entries


def read_options(query: str) -> Options:
    """Read ``width=48&.multiple=16&@train.yml``; of two values for one name the later holds.

    Raises:
        BadConfig: If a part has no name or no value, or a file cannot be read.
    """
    arguments: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for part in split_outside(query, "&") if query else ():
        if part.startswith("@"):
            arguments |= _read_file(Path(unquote(part[1:])).expanduser())
            continue
        name, equals, value = part.partition("=")
        target, key = (attributes, name[1:]) if name.startswith(".") else (arguments, name)
        if not equals or not key.isidentifier() or re.search(r"\?\.?[A-Za-z_]\w*=", value):
            raise BadConfig(f"option {part!r} in {query!r}: write {SYNTAX}, in quotes in a shell")
        target[key] = read_value(value)
    return Options(arguments, attributes)


def write_options(options: Options) -> str:
    """Write options so that :func:`read_options` gives them back."""
    named = [*options.arguments.items(), *((f".{name}", value) for name, value in options.attributes.items())]
    return "&".join(f"{name}={_written(value)}" for name, value in named)


def read_value(text: str) -> Any:
    """Read a value: a number, a truth value, none, a list or mapping as in YAML, or else the text itself.

    Example:
        >>> [read_value(text) for text in ("48", "1e-4", "true", "none", "[1, a]", "{a: 1e-4}", "on", "a%3Ab")]
        [48, 0.0001, True, None, [1, 'a'], {'a': 0.0001}, 'on', 'a:b']
    """
    text = unquote(text)
    named = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in named:
        return named[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    if text[:1] in ("[", "{", '"'):
        from bench.yaml_file import parse_yaml

        with contextlib.suppress(ValueError):  # as it is written here; people write YAML
            return json.loads(text)
        return parse_yaml(text, f"option value {text!r}")
    return text


def write_entry(entry: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Write an entry of a suite, ``{name: my.py:Net, arguments: {width: 48}}``, as the text that stands for it.

    Args:
        entry: The mapping.
        keys: Which keys it may have beside ``name``: out of ``label``, ``arguments``, ``attributes`` and ``weights``.

    Raises:
        ValueError: If it has others, lacks the name, or a value cannot be written.
    """
    known = ("name", *keys)
    if wrong := [str(key) for key in entry if key not in known]:
        raise ValueError(f"unknown key {', '.join(wrong)}: an entry has {', '.join(known)}")
    name = entry.get("name")
    options = [entry.get(key) or {} for key in ("arguments", "attributes")]
    if not isinstance(name, str) or not all(isinstance(value, Mapping) for value in options):
        raise ValueError("write name: NAME and, for what it is made with, arguments: {ARGUMENT: VALUE}")
    try:
        query = write_options(Options(*options))
    except TypeError as error:
        raise ValueError(f"{error}: arguments are numbers, texts, lists and mappings") from None
    text = joined(name, query, entry.get("weights"))
    return labelled(str(entry["label"]), text) if entry.get("label") else text


def settled(spec: str) -> str:
    """Return a spelling that means the same in every process: with the file where it has a module's dotted name."""
    plugin = parse(spec)
    return spec if plugin is None else str(plugin)


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str):
        try:
            plain = read_value(quote(text, safe="")) == value
        except BadConfig:
            plain = False
        text = text if plain else json.dumps(value)
    # Commas and colons separate nothing in brackets, which must then be the value's own.
    texts = re.findall(r'"(?:[^"\\]|\\.)*"', text)
    inner = text[:1] in ("[", "{") and not any(letter in "".join(texts) for letter in BRACKETS)
    written = quote(text, safe=_PLAIN + ("[]{},:" if inner else ""))
    # Lists are split outside of quotes; one that opens and does not close would swallow the rest.
    return written if written.count('"') % 2 == 0 else written.replace('"', "%22")


def _read_file(path: Path) -> dict[str, Any]:
    """The arguments in a YAML file: those under BasicSR's key where it has that, without the class that it names."""
    from bench.yaml_file import read_yaml

    what = f"options file {path}"
    values = read_yaml(path, what)
    inner = values.get(_NETWORK, values) if isinstance(values, dict) else values
    if not isinstance(inner, dict):
        raise BadConfig(f"{what} holds no arguments: write NAME: VALUE, under {_NETWORK} or alone")
    return {str(name): value for name, value in inner.items() if name != "type"}


def _find(dotted: str) -> tuple[Path, bool]:
    """Return a module's file and whether it is the user's own; a path that does not exist where there is none."""
    from bench.plugins.code import is_installed

    parts = dotted.split(".")
    for folder in (*_searched, Path()):
        for base in (folder, folder / "src"):
            if found := _file_below(base.expanduser(), parts):
                return found, True
    try:
        spec = importlib.util.find_spec(parts[0])
        for part in parts[1:]:
            locations = spec.submodule_search_locations if spec is not None else None
            spec = PathFinder.find_spec(part, list(locations)) if locations is not None else None
    except (ImportError, AttributeError, ValueError):  # a module that was made by hand has no spec
        spec = None
    if spec is None or not spec.has_location or spec.origin is None:
        return Path(*parts).with_suffix(".py"), False
    return Path(spec.origin), not is_installed(Path(spec.origin).resolve())


def _file_below(base: Path, parts: list[str]) -> Path | None:
    inner = base.joinpath(*parts)
    for path in (inner.with_name(f"{inner.name}.py"), inner / "__init__.py"):
        if path.is_file():
            return path
    return None

"""The registry of derainers, and the way from a user's words to one that runs.

``[LABEL=]NAME[?OPTIONS][:ARG]`` names a derainer: a registered name (``rdmc``), with its weights where it comes without
(``prenet:weights.pth``); an object of the user's own (``my.py:Net``, ``myrepo.models.net:Net``); ``torchscript:FILE``,
``onnx:FILE``, or ``folder:DIR`` for images restored elsewhere. Options are what it is made with
(``nafnet?width=64:weights.pth``), see :mod:`bench.plugins.spec`. ``a+b`` is one after the other, ``flip(a)`` the mean
over an image and its mirror image. Importing this package imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import plugins
from bench.deadline import unit
from bench.errors import BadConfig, BenchError, unknown
from bench.listing import label_before, labelled
from bench.registry import Registry
from bench.vocabulary import OBJECT, REFERENCES
from derainers.base import (
    KINDS,
    Card,
    Derainer,
    DerainerError,
    DerainerSpec,
    Published,
    Runtime,
    Setting,
    compound_label,
    default_label,
)
from derainers.cards import entries
from derainers.cards.entry import Entry

__all__ = [
    "KINDS",
    "Card",
    "Derainer",
    "DerainerError",
    "DerainerSpec",
    "Entry",
    "Published",
    "Runtime",
    "Setting",
    "cards",
    "check_derainer",
    "load_derainer",
    "parse_derainers",
    "registry",
]

#: What is read from files instead of the registry.
FILE_KINDS = ("folder", "onnx", "torchscript")

#: Registered derainers; installed packages add theirs through entry points (anything that ``my.py:OBJECT``
#: may be).
registry: Registry[Any] = Registry("derainer", "derain_bench.derainers")
for _entry in entries():
    registry.register(_entry.card.name, _entry, origin="derainers.cards")


def parse_derainers(text: str | Sequence[str]) -> tuple[DerainerSpec, ...]:
    """Read a list of ``[LABEL=]NAME[?OPTIONS][:ARG]``; commas in brackets, quotes and files' names separate nothing.

    A label is any text: ``w/o prior=rdmc``. One that holds any of ``,=:?`` is written in double
    quotes: ``"ours: v2"=rdmc``.

    Args:
        text: Separated by commas, or a sequence of entries.

    Returns:
        One spec each, in order; labels are unique. Without a label a derainer is called by its name, and
        ``my.py:fn`` ``fn``.

    Raises:
        BadConfig: If the text is empty somewhere, or a label is given twice or taken.

    Example:
        >>> ", ".join(str(spec) for spec in parse_derainers("rdmc,h=prenet:w.pth"))
        'rdmc, h=prenet:w.pth'
        >>> parse_derainers("my.py:fn")[0].label
        'fn'
    """
    if isinstance(text, str) and not text.strip():
        raise BadConfig(
            "derainers '': an entry is empty: write [LABEL=]NAME[?OPTIONS][:ARG], separated by commas"
        )
    specs = tuple(map(_parse, plugins.listed(text)))
    seen: dict[str, DerainerSpec] = {}
    for spec in specs:
        if spec.label in seen:
            raise BadConfig(
                f"two derainers are called {spec.label!r} ({seen[spec.label]} and {spec}): give one a label, "
                f"such as {labelled(f'{spec.label}2', spec.unlabelled)}"
            )
        if spec.label in REFERENCES and spec.name != spec.label:
            raise BadConfig(
                f"derainer {spec}: the label {spec.label!r} is taken by the reference row of that name"
            )
        seen[spec.label] = spec
    return specs


def check_derainer(spec: DerainerSpec, settings: Sequence[Setting] = ()) -> None:
    """Check all that can be checked of a derainer without importing torch: names, files, gaps in a folder.

    Args:
        spec: The derainer.
        settings: The variants whose scenes it will be asked to restore.

    Raises:
        UnknownName: If nothing has this name.
        BadWeights, BadData, BadConfig: If its file or folder is missing or incomplete.
    """
    from derainers.harness.load import weights_path

    if spec.parts:
        for part in spec.parts:
            check_derainer(part, settings)
        return
    if spec.given is not None:
        return
    if spec.name in FILE_KINDS or spec.plugin is not None:
        if spec.name == "folder":
            from derainers.harness.folder import check_folder

            check_folder(spec, settings)
        else:
            from derainers.harness.foreign import check_file

            check_file(spec)
        return
    if spec.name not in registry:
        raise _unknown(spec.name)
    if registry.origin(spec.name).startswith("package "):
        return  # what others have installed is imported where it runs, so that it can break nothing else
    entry = registry.get(spec.name)
    if isinstance(entry, Entry) and entry.network:
        weights_path(entry, spec)


def load_derainer(
    spec: DerainerSpec | str,
    device: str = "auto",
    precision: str = "auto",
    tile: str = "auto",
    trust: str | None = None,
) -> Derainer:
    """Load a derainer.

    Args:
        spec: A parsed spec, or one derainer as a user writes it.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        tile: ``auto``, ``off`` or ``SIZE[+OVERLAP]`` in pixels.
        trust: SHA-256 of weights files that may be unpickled although they are not plain weights.

    Raises:
        BenchError: If there is no such derainer, or its weights or file cannot be used; one line says why.
    """
    if isinstance(spec, str):
        (spec,) = parse_derainers([spec])
    with unit(f"derainer {spec.label}", "load"):
        return _load(spec, device, precision, tile, trust)


def _load(spec: DerainerSpec, device: str, precision: str, tile: str, trust: str | None) -> Derainer:
    from derainers.harness.load import load_entry

    if spec.parts:
        from derainers.harness.compound import combined

        return combined(spec, [load_derainer(part, device, precision, tile, trust) for part in spec.parts])
    runtime = Runtime(device, precision, tile, trust)
    if spec.given is not None or spec.name in FILE_KINDS or spec.plugin is not None:
        import derainers.harness.foreign as foreign

        return foreign.load_file(spec, runtime)
    if spec.name not in registry:
        raise _unknown(spec.name)
    found = registry.get(spec.name)
    if isinstance(found, Entry):
        return load_entry(found, spec, runtime)
    import derainers.harness.foreign as foreign

    key = {"name": spec.name, "origin": registry.origin(spec.name)}
    plugin = registry.plugin(spec.name)
    if plugin is not None:
        return foreign.adapt_made(replace(plugin, query=spec.query), spec, runtime, key)
    return foreign.adapt(foreign.build(found, spec), spec, runtime, key)


def cards() -> tuple[Card, ...]:
    """The card of every registered derainer; a plug-in that does not load has its error as its title."""
    found = []
    for name in registry.names():
        try:
            entry = registry.get(name)
        except BenchError as error:  # a plug-in's fault must not hide the others
            found.append(Card(name, str(error), weights_note=str(error)))
            continue
        card = entry.card if isinstance(entry, Entry) else getattr(entry, "card", None)
        found.append(card if isinstance(card, Card) else Card(name, f"plug-in from {registry.origin(name)}"))
    return tuple(found)


def _parse(part: str) -> DerainerSpec:
    label = None
    plugin = plugins.parse(part)
    own = plugin is not None and Path(plugin.place).expanduser().is_file()  # a folder may be called lr=0.1
    if not own and (found := label_before(part)):
        label, part = found
    from derainers.harness.compound import split

    if compound := split(part, lambda name: name in registry or name in (*FILE_KINDS, OBJECT)):
        kind, texts = compound
        parts = tuple(map(_parse, texts))
        return DerainerSpec(label or compound_label(kind, parts), kind, parts=parts)
    plugin = plugins.parse(part)
    if plugin is not None:
        name, query, arg = f"{plugin.place}:{plugin.name}", plugin.query, plugin.arg
    else:
        name, query, arg = plugins.cut(part)
    if not name or part.endswith(":"):
        raise BadConfig(
            f"derainer {part!r}: write [LABEL=]NAME[?OPTIONS][:ARG], such as rdmc or h=prenet:weights.pth"
        )
    if name in FILE_KINDS and not arg:
        raise BadConfig(f"derainer {name!r} needs a path: {name}:PATH")
    given = None
    if name == OBJECT:
        from bench.objects import given_of

        given = given_of(arg or "")
    spec = DerainerSpec(label or default_label(name), name, arg, query=query, given=given)
    _ = spec.options  # what is not written as options are is said before anything is loaded
    return spec


def _unknown(name: str) -> Exception:
    if name.endswith(".py"):
        return BadConfig(f"derainer {name!r}: name what in the file restores images, such as {name}:Net")
    stem, _, rest = name.partition(".")
    if Path(f"{stem}.py").is_file() or ".py" in name:
        called = rest if rest.isidentifier() and rest != "py" else "NAME"
        return BadConfig(
            f"derainer {name!r}: what is in a file is written FILE.py:NAME, such as {stem}.py:{called}"
        )
    if name in ("http", "https"):
        return BadConfig(
            f"derainer {name!r}: nothing is fetched: download the file, and name it as NAME:FILE"
        )
    if "/" in name or Path(name).suffix in (".onnx", ".pt", ".pth"):
        return BadConfig(
            f"derainer {name!r} is a path: write onnx:, torchscript:, folder: or a network's name before it"
        )
    return unknown("derainer", name, [*registry.names(), *FILE_KINDS])

"""Plain values from a YAML file of anyone's: small, flat, finite, each key once, in UTF-8."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from bench.errors import BadConfig
from bench.ordinary import LARGEST_TEXT, read_ordinary

#: What a file may nest and hold; a suite nests four levels.
_DEEPEST, _MOST_VALUES = 32, 100_000
_TAG = "tag:yaml.org,2002:"
_PLAIN = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")


def read_yaml(path: Path, what: str) -> Any:
    """Read a YAML file's one document.

    Args:
        path: The file.
        what: What stands for the file in messages, such as ``suite my.yaml``.

    Returns:
        Mappings, lists, text, numbers, booleans, None and dates.

    Raises:
        BadConfig: If it is no ordinary file, no UTF-8, no YAML, has a key twice, refers to itself, or holds more than
            such a file can need; the line is named where there is one.
    """
    return parse_yaml(
        _text(read_ordinary(path, BadConfig, LARGEST_TEXT, what=what.removesuffix(str(path))), what), what
    )


def parse_yaml(text: str, what: str) -> Any:
    """Read YAML's text; see :func:`read_yaml`.

    Example:
        >>> parse_yaml("{rate: 1e-3, most: 2E5, steps: 10, name: e5}", "an example")
        {'rate': 0.001, 'most': 200000.0, 'steps': 10, 'name': 'e5'}
    """
    import yaml

    try:
        _check_depth(text, what)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None
        _check_node(node, what)
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise BadConfig(f"{what}{line} is not YAML: {reason}") from None
    except (
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:  # a number of 5,000 digits, the 99th of a month
        raise BadConfig(f"{what} holds a value that cannot be read: {str(error).splitlines()[0]}") from None


@functools.cache
def _loader() -> type:
    """YAML's safe loader, to which 1e-3 is a number as to YAML 1.2 and to everyone who writes a learning rate."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_implicit_resolver(
        _TAG + "float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), [*"-+0123456789"]
    )
    return Loader


def _text(data: bytes, what: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadConfig(f"{what} is UTF-16 text: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadConfig(
            f"{what} line {line} is not UTF-8 (Latin-1, or no text at all): save it as UTF-8"
        ) from None
    if "\0" in text:
        raise BadConfig(f"{what} is not text: it holds zero bytes; save it as UTF-8")
    return text


def _check_depth(text: str, what: str) -> None:
    """Follow the brackets alone, which needs no recursion."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise BadConfig(f"{what} line {line} nests deeper than {_DEEPEST} levels: flatten it")


def _check_node(root: Any, what: str) -> None:
    """Count what a document stands for once its references are followed, and find keys that it has twice."""
    sizes: dict[int, int] = {}

    def size(node: Any, above: frozenset[int]) -> int:
        if node.tag.removeprefix(_TAG) not in _PLAIN:
            line = node.start_mark.line + 1
            raise BadConfig(
                f"{what} line {line} has {node.tag!r:.80}, which is no plain value: write it as text"
            )
        if isinstance(node.value, str):
            return 1
        if id(node) in above:
            raise BadConfig(f"{what} line {node.start_mark.line + 1} refers to itself: write it out")
        if id(node) not in sizes:
            keys: set[Hashable] = set()
            total = 1
            for item in node.value:
                for part in item if isinstance(item, tuple) else (item,):
                    total += size(part, above | {id(node)})
                if isinstance(item, tuple) and isinstance(item[0].value, str):
                    key = item[0].value
                    if key in keys:
                        raise BadConfig(
                            f"{what} line {item[0].start_mark.line + 1} has the key {key} for the second time: keep one"
                        )
                    keys.add(key)
            sizes[id(node)] = total
        return sizes[id(node)]

    if size(root, frozenset()) > _MOST_VALUES:
        raise BadConfig(
            f"{what} stands for more than {_MOST_VALUES:,} values: its references multiply; write it out"
        )

"""Numbers of others, quoted beside one's own: a file of facts, each with its source and protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bench.errors import BadConfig, some, unknown
from bench.yaml_file import read_yaml

_KEYS = ("source", "trained", "protocol", "sets", "rows")


@dataclass(frozen=True)
class Quoted:
    """What one source says, under one protocol of each metric.

    Attributes:
        name: What messages call it: the file and the block.
        source: Where it was read.
        trained: What the networks were trained on; empty where nobody says.
        protocol: Metric to how it was measured, in the order of a cell's numbers.
        sets: The data sets.
        rows: Method to its numbers by (data set, metric), with the digits that are printed.
    """

    name: str
    source: str
    trained: str
    protocol: Mapping[str, str]
    sets: tuple[str, ...]
    rows: Mapping[str, Mapping[tuple[str, str], Decimal]]

    @property
    def note(self) -> str:
        """The footnote of its rows."""
        trained = f"; trained on {self.trained}" if self.trained else ""
        return f"as published: {self.source}{trained}"


def read_quotes(file: Path, blocks: Sequence[str] = ()) -> list[Quoted]:
    """Read a file of facts.

    A block is a mapping with the keys ``source``, ``protocol`` (metric to protocol, in the order of a cell's numbers),
    ``sets`` (data sets) and ``rows`` (method to its cells, as ``29.46/.899 37.48/.979 -``), and may say ``trained``.

    Args:
        file: Blocks by name, in YAML.
        blocks: Which to take; none for all.

    Raises:
        BadConfig: If it cannot be read or is not written so; the block and what is wrong are named.
        UnknownName: If it has no such block.
    """
    content = read_yaml(file, f"facts {file}")
    if not isinstance(content, dict) or not content:
        raise BadConfig(f"facts {file}: write blocks by name, each with {', '.join(_KEYS)}")
    for block in blocks:
        if block not in content:
            raise unknown(f"block of {file.name}", block, map(str, content))
    return [_block(file, str(name), content[name]) for name in blocks or content]


def _block(file: Path, name: str, block: Any) -> Quoted:
    where = f"facts {file}: block {name}"
    if not isinstance(block, dict):
        raise BadConfig(f"{where} is no mapping: give it {', '.join(_KEYS)}")
    if wrong := [key for key in block if key not in _KEYS]:
        raise BadConfig(f"{where} has the unknown key {wrong[0]}: a block has {', '.join(_KEYS)}")
    if missing := [key for key in _KEYS if key != "trained" and not block.get(key)]:
        raise BadConfig(f"{where} does not say {some(missing)}")
    protocol, sets, rows = block["protocol"], block["sets"], block["rows"]
    if not isinstance(protocol, dict) or not isinstance(sets, list) or not isinstance(rows, dict):
        raise BadConfig(f"{where}: protocol and rows are mappings, sets is a list")
    return Quoted(
        f"{file.name}:{name}",
        str(block["source"]),
        str(block.get("trained") or ""),
        {str(metric): str(how) for metric, how in protocol.items()},
        tuple(map(str, sets)),
        {str(method): _row(where, str(method), str(text), protocol, sets) for method, text in rows.items()},
    )


def _row(
    where: str, method: str, text: str, protocol: Mapping[str, str], sets: Sequence[str]
) -> dict[tuple[str, str], Decimal]:
    cells = text.split()
    if len(cells) != len(sets):
        raise BadConfig(f"{where}: {method} has {len(cells)} cells for {len(sets)} sets; write - for none")
    numbers = {}
    for on, cell in zip(sets, cells, strict=True):
        parts = cell.split("/") if cell != "-" else []
        if len(parts) > len(protocol):
            raise BadConfig(f"{where}: {method} on {on} has {len(parts)} numbers of {len(protocol)} metrics")
        for metric, part in zip(protocol, parts, strict=False):
            try:
                numbers[str(on), str(metric)] = Decimal(part)
            except InvalidOperation:
                raise BadConfig(f"{where}: {method} on {on}: {part!r} is no number") from None
    return numbers


def plain(name: str) -> str:
    """A name's letters and digits, small: sets are spelt in many ways."""
    return re.sub(r"[^a-z0-9]", "", name.lower())

"""Published PSNR and SSIM: a file of facts, and what of it is of a registered derainer.

The file says what its blocks are. `bench report --quote` quotes from it, or from one of the user's own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from derainers.base import Published

#: The facts; see its own first lines.
FILE = Path(__file__).with_name("published.yaml")

#: What networks were trained on, in the file's words.
EACH, RAIN13K = "each set's own training pairs", "Rain13K"

_PSNR = "psnr_"


@dataclass(frozen=True)
class Table:
    """What one source says.

    Attributes:
        source: Where it was read: a repository of GitHub and the file, or a paper.
        trained: What the networks were trained on.
        sets: The columns.
        rows: By method, as its paper writes it: PSNR in dB / SSIM of each column, ``-`` where there is none; PSNR
            alone where SSIM is not given.
        protocol: ``y``: on the luma of 8-bit images, by the papers' MATLAB scripts; ``rgb``: on all three channels.
    """

    source: str
    trained: str
    sets: tuple[str, ...]
    rows: Mapping[str, str]
    protocol: str


@functools.cache
def tables() -> tuple[Table, ...]:
    """The blocks of the file, in its order."""
    from bench.yaml_file import read_yaml

    return tuple(
        Table(
            block["source"],
            block["trained"],
            tuple(block["sets"]),
            block["rows"],
            next(metric for metric in block["protocol"] if metric.startswith(_PSNR)).removeprefix(_PSNR),
        )
        for block in read_yaml(FILE, f"facts {FILE}").values()
    )


def published(name: str) -> tuple[Published, ...]:
    """What is published of a derainer, in the tables' order; ``name`` is compared by letters and digits."""
    found = []
    for table in tables():
        for method, row in table.rows.items():
            if plain(method) == plain(name):
                values = zip(table.sets, str(row).split(), strict=True)
                found += [_value(table, on, text) for on, text in values if text != "-"]
    return tuple(found)


def plain(name: str) -> str:
    """A name's letters and digits, small: papers and registries spell names differently."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _value(table: Table, on: str, text: str) -> Published:
    psnr, _, ssim = text.partition("/")
    return Published(
        on, float(psnr), float(ssim) if ssim else None, table.protocol, table.trained, table.source
    )

"""Plain columns for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.renderers.escape import visible


def align(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Pad columns to the same width; one line per row, which all have as many columns."""
    shown = [[visible(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in shown)
    return [(indent + line).rstrip() for line in lines]

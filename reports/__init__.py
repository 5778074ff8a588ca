"""Reports: records to tables, figures and the leaderboard. Reads records and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.keep.records import Record
    from reports.tables.table import Choice


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Every score as a flat row: what `bench report --format json` prints.

    Args:
        records: In any order.

    Returns:
        Rows with the keys derainer, variant, task, model, metric, protocol, value, low, high, images,
        coverage and status; value, low and high as stored, None where undefined. A cell without scores has
        one row without value.
    """
    from reports.tables.flat import flat_rows

    return flat_rows(records)


def render(
    records: Sequence[Record], form: str, preset: str = "summary", choice: Choice | None = None
) -> str:
    """Render the tables of a preset.

    Args:
        records: In any order.
        form: `md`, `latex`, `csv`, `html`, `text` or `json`.
        preset: A name of `reports.tables.presets.PRESETS`.
        choice: Columns and order.

    Returns:
        Text that ends with a newline.

    Raises:
        UnknownName: If there is no such format, preset or column.
        BadRecord: If the records must not stand in one table.
        BadData: If there are no records.
    """
    import json

    from reports.tables.presets import build_tables
    from reports.tables.renderers import renderer

    if form == "json":
        return json.dumps(rows(records), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    draw = renderer(form)
    return draw(build_tables(records, preset, choice))


def print_tables(records: Sequence[Record], preset: str = "summary", choice: Choice | None = None) -> None:
    """Print the tables of a preset: to a terminal as wide as it is, else as wide as they are.

    See `render` for the errors.
    """
    from rich.console import Console

    from reports.tables.presets import build_tables
    from reports.tables.renderers import terminal

    console = Console()
    if console.is_terminal:
        terminal.print_tables(build_tables(records, preset, choice), console)
    else:
        print(render(records, "text", preset, choice), end="")


def print_summary(records: Sequence[Record]) -> None:
    """Print the summary of a run to the terminal."""
    print_tables(records)


__all__ = ["print_summary", "print_tables", "render", "rows"]

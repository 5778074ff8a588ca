"""Reports: records to tables, figures and the leaderboard. Reads records and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.keep.records import Record
    from reports.arrangement import Arrangement
    from reports.results import Results
    from reports.tables.table import Choice, Table


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Every score as a flat row: what `bench report --format json` prints.

    Args:
        records: In any order.

    Returns:
        Rows with the keys derainer, variant, task, model, metric, protocol, value, low, high, images,
        coverage, status and note; value, low and high as stored, None where undefined. A cell without scores
        has one row without value.
    """
    from reports.tables.flat import flat_rows

    return flat_rows(records)


def make_tables(
    records: Sequence[Record],
    preset: str = "summary",
    choice: Choice | None = None,
    arrangement: Arrangement | None = None,
) -> list[Table]:
    """Build the tables of a preset; see `reports.tables.presets.build_tables`."""
    from reports.arrangement import PLAIN
    from reports.tables.presets import build_tables

    return build_tables(records, preset, choice, arrangement or PLAIN)


def render(
    records: Sequence[Record],
    form: str,
    preset: str | None = None,
    choice: Choice | None = None,
    arrangement: Arrangement | None = None,
) -> str:
    """Render the tables of a preset.

    Args:
        records: In any order.
        form: `md`, `latex`, `csv`, `html`, `text` or `json`.
        preset: A name of `reports.tables.presets.PRESETS`, or a task's; None takes `summary`, and every score for
            `csv` and `json`.
        choice: Columns and order.
        arrangement: In whose names, choice and order.

    Returns:
        Text that ends with a newline.

    Raises:
        UnknownName: If there is no such format, preset, column or derainer.
        BadRecord: If the records must not stand in one table.
        BadData: If there are no records.
        BadConfig: If two rows would have one name.
    """
    from reports.tables.renderers import ROWS, render_rows, render_tables

    if preset is None and form in ROWS:
        from reports.arrangement import PLAIN, arrange
        from reports.results import read_results
        from reports.tables.flat import chosen, flat_rows

        kept, arranged = arrange(records, arrangement or PLAIN)
        results = read_results(kept, arranged)
        flat = flat_rows(_shown(results), arranged)
        return render_rows(chosen(flat, choice.columns) if choice and choice.columns else flat, form)
    return render_tables(make_tables(records, preset or "summary", choice, arrangement), form)


def _shown(results: Results) -> list[Record]:
    drop = results.arrangement.drop
    return [r for group in results for label, r in group.records.items() if label not in drop]


def print_tables(
    records: Sequence[Record],
    preset: str = "summary",
    choice: Choice | None = None,
    arrangement: Arrangement | None = None,
) -> None:
    """Print the tables of a preset: to a terminal as wide as it is, else as wide as they are.

    See `render` for the errors.
    """
    from rich.console import Console

    from reports.tables.renderers import render_tables, terminal

    console = Console()
    found = make_tables(records, preset, choice, arrangement)
    if console.is_terminal:
        terminal.print_tables(found, console)
    else:
        print(render_tables(found, "text"), end="")


def print_summary(records: Sequence[Record]) -> None:
    """Print the summary of a run to the terminal."""
    print_tables(records)


__all__ = ["make_tables", "print_summary", "print_tables", "render", "rows"]

"""The leaderboard's content: committed records, checked, as tables with ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.keep.records import Record, read_record
from reports.board.honesty import problems
from reports.metrics import HEADLINE
from reports.results import CLEAN, NONE, Group, Results, label_order, read_results
from reports.tables.cells import Filled, assemble, group_ranks, metric_column, plain_column
from reports.tables.table import Cell, Choice, Column, Table, choose

METRICS = {
    "detection": ("ap", "ap50", "ap_recovery", "ap_harm"),
    "segmentation": ("miou", "macc", "miou_recovery", "miou_harm"),
    "restoration": ("psnr_y", "ssim_y"),
}


@dataclass(frozen=True)
class Section:
    """One table of the board with what stands around it.

    Attributes:
        group: The records it compares.
        table: The table: rank, scores, cost.
        ranks: Shared ranks by label.
    """

    group: Group
    table: Table
    ranks: Mapping[str, int]


@dataclass(frozen=True)
class Board:
    """A checked board.

    Attributes:
        results: All records in order.
        sections: One for each variant, task and model.
    """

    results: Results
    sections: tuple[Section, ...]


def read_board(folder: Path) -> tuple[list[Record], list[str]]:
    """Read the records of a board.

    Args:
        folder: Holds one JSON file per record, each under the name that its content gives it.

    Returns:
        The records, and one line for everything that is wrong with them.
    """
    records, wrong = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            records.append(read_record(path))
        except BenchError as error:
            wrong.append(str(error))
    if not records and not wrong:
        wrong.append(f"no records in {folder}: copy those of a finished run there, from its folder records")
    return records, wrong + (problems(records) if records else [])


def make_board(records: Sequence[Record]) -> Board:
    """Put records on a board; `read_board` says whether they may be believed.

    Raises:
        BadRecord: If they must not stand in one table.
        BadData: If there are none.
    """
    results = read_results(records)
    return Board(results, tuple(_section(results, group) for group in results))


def _section(results: Results, group: Group) -> Section:
    places = group_ranks(group, HEADLINE[group.task])
    labels = sorted(group.records, key=label_order)
    columns = [_rank_column(group, places)]
    columns += [c for c in (metric_column(group, metric) for metric in METRICS[group.task]) if c is not None]
    columns += cost_columns(results, group)
    title = f"{group.task.capitalize()} on {group.variant}" + (f" by {group.model}" if group.model else "")
    table = Table(
        name=title,
        caption=f"{title}; {group.first.data.scenes:,} scenes",
        columns=tuple(filled.column for filled in columns),
        rows=assemble(columns, labels),
    )
    return Section(
        group, choose(table, Choice(sort=HEADLINE[group.task])) if len(columns) > 1 else table, places
    )


def _rank_column(group: Group, places: Mapping[str, int]) -> Filled:
    column = Column("rank", "rank", digits=0, higher_is_better=False)
    cells = {}
    for label, record in group.records.items():
        if label in (CLEAN, NONE):
            cells[label] = Cell(None, note="a reference is not ranked")
        elif label in places:
            cells[label] = Cell(float(places[label]))
        else:
            cells[label] = Cell(None, note=record.reason or "not on the same scenes as the others")
    if len(places) == 1:
        cells[next(iter(places))] = Cell(None, note="nobody to be ranked against")
    return Filled(column, cells)


def cost_columns(results: Results, group: Group) -> list[Filled]:
    """Parameters and time of the derainers of a group, where records say them."""
    own = [label for label in group.records if label not in (CLEAN, NONE)]
    params = {label: _number(group.records[label].derainer.card.get("params")) for label in own}
    seconds = derainer_seconds(results, group)
    columns = []
    none = Cell(None, note="no derainer")
    for column, values, note in (
        (Column("params", "parameters", "M", "", 2, 1e-6, False), params, "its card does not say"),
        (Column("time", "time", "ms/image", "", 1, 1e3, False), seconds, "not timed"),
    ):
        if any(value is not None for value in values.values()):
            filled = plain_column(column, values, note, marks=False)
            references = {label: none for label in (CLEAN, NONE) if label in group.records}
            columns.append(Filled(column, {**references, **filled.cells}))
    return columns


def derainer_seconds(results: Results, group: Group) -> dict[str, float | None]:
    """Median seconds per image of each derainer on the group's variant."""
    restoration = results.find(group.variant, "restoration", None)
    own = [label for label in group.records if label not in (CLEAN, NONE)]
    timed = restoration.records if restoration else {}
    return {
        label: _number(timed[label].run.get("seconds_per_image")) if label in timed else None for label in own
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

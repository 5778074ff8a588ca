"""The leaderboard's content: committed records, checked, as tables with ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.files import list_files
from bench.keep.entry import VERIFIED, read_folder
from bench.keep.records import Record, read_record
from bench.vocabulary import REFERENCES
from reports.board.entries import gather, read_entries
from reports.board.honesty import problems
from reports.combine import combine
from reports.results import Group, Results, label_order, read_results
from reports.series import derainer_seconds, number
from reports.tables.cells import Filled, assemble, group_ranks, metric_column, plain_column, ranks_by_value
from reports.tables.seen import with_seen
from reports.tables.table import Cell, Choice, Column, Table, choose


@dataclass(frozen=True)
class Section:
    """One table of the board with what stands around it.

    Attributes:
        group: The records it compares.
        table: The table: rank, scores, cost.
        ranks: Ranks by value, by label.
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


def read_board(folder: Path, further: Sequence[Path] = ()) -> tuple[list[Record], list[str]]:
    """Read the records of a board.

    Args:
        folder: Holds one JSON file per record, each under the name that its content gives it, or entries that
            `bench submit` made; or the --out folder of a run.
        further: Other runs that are shown with it.

    Returns:
        The records, and one line for everything that is wrong with them.
    """
    records, wrong = [], []
    own = folder / "records"
    for path in list_files(own if own.is_dir() else folder, (".json",)):
        if path.name == VERIFIED:
            continue
        try:
            records.append(read_record(path))
        except BenchError as error:
            wrong.append(str(error))
    entries, unreadable = read_entries(folder)
    records, apart = gather(records, entries)
    wrong += unreadable + apart
    if not records and not wrong:
        wrong.append(f"no records in {folder}: copy those of a finished run there, from its folder records")
    if further:
        try:
            runs = [(str(path), read_folder(path)) for path in further]
            records = combine([(str(folder), records), *runs])
        except BenchError as error:
            wrong.append(str(error))
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
    places = ranks_by_value(group, group.about.headline.name)
    labels = sorted(group.records, key=label_order)
    columns = [_rank_column(group, places)]
    columns += [
        c for c in (metric_column(group, metric) for metric in group.about.shown("board")) if c is not None
    ]
    columns += cost_columns(results, group)
    table = Table(
        name=group.title,
        caption=f"{group.title}; {group.first.data.scenes:,} scenes",
        columns=tuple(filled.column for filled in columns),
        rows=assemble(columns, labels),
    )
    if len(columns) > 1:
        table = choose(table, Choice(sort=group.about.headline.name))
    (marked,) = with_seen([table], results)
    return Section(group, marked, places)


def _rank_column(group: Group, places: Mapping[str, int]) -> Filled:
    column = Column("rank", "rank", digits=0, higher_is_better=False)
    shared = group_ranks(group, group.about.headline.name)
    cells = {}
    for label, record in group.records.items():
        if label in REFERENCES:
            cells[label] = Cell(None, note="a reference is not ranked")
        elif label in places:
            cells[label] = Cell(float(places[label]), tied=places[label] > 1 and shared[label] == 1)
        else:
            cells[label] = Cell(None, note=record.reason or "not on the same scenes as the others")
    if len(places) == 1:
        cells[next(iter(places))] = Cell(None, note="nobody to be ranked against")
    return Filled(column, cells)


def cost_columns(results: Results, group: Group) -> list[Filled]:
    """Parameters and time of the derainers of a group, where records say them."""
    own = [label for label in group.records if label not in REFERENCES]
    params = {label: number(group.records[label].derainer.card.get("params")) for label in own}
    seconds = derainer_seconds(results, group)
    columns = []
    none = Cell(None, note="no derainer")
    for column, values, note in (
        (Column("params", "parameters", "M", "", 2, 1e-6, False), params, "its card does not say"),
        (Column("time", "time", "ms/image", "", 1, 1e3, False), seconds, "not timed"),
    ):
        if any(value is not None for value in values.values()):
            filled = plain_column(column, values, note, marks=False)
            references = {label: none for label in REFERENCES if label in group.records}
            columns.append(Filled(column, {**references, **filled.cells}))
    return columns

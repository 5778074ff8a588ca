"""Reads a board's entries: records from each, and what is wrong with them beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.files import list_files
from bench.keep.difference import contradiction
from bench.keep.entry import SUFFIX, Statement, open_entry
from bench.keep.records import Head, Record
from bench.vocabulary import REFERENCES


@dataclass(frozen=True)
class Listed:
    """An entry as a board needs it, its evidence left aside.

    Attributes:
        name: The entry's file name.
        statement: What it says of itself.
        records: The derainer's records.
        references: Those of the rows that they are compared with.
    """

    name: str
    statement: Statement
    records: tuple[Record, ...]
    references: tuple[Record, ...]


def read_entries(folder: Path) -> tuple[list[Listed], list[str]]:
    """Read every entry of a board.

    Returns:
        The entries, and one line for everything that is wrong with one.
    """
    entries, wrong = [], []
    for path in list_files(folder, (SUFFIX,)):
        try:
            with open_entry(path) as entry:
                entries.append(Listed(path.name, entry.statement, entry.records, entry.references))
        except BenchError as error:
            wrong.append(str(error))
    return entries, wrong


def gather(loose: Sequence[Record], entries: Sequence[Listed]) -> tuple[list[Record], list[str]]:
    """Put the records of entries beside those that lie on the board by themselves.

    The rows that all derainers are compared with come with every entry; they have to say the same in each.

    Returns:
        The records, each cell once, and one line for everything that cannot stand beside the rest.
    """
    gathered = list({record.filename(): record for record in loose}.values())
    # By what a cell is, not by its key, in which the way of scoring stands: the board's may be of an earlier release.
    cells = {Head.of(record).row: record for record in gathered}
    wrong = []
    for entry in entries:
        for record in (*entry.references, *entry.records):
            known = cells.setdefault(Head.of(record).row, record)
            if known is record:
                gathered.append(record)
                continue
            if record.derainer.label not in REFERENCES:
                wrong.append(f"{entry.name} and another hold {record.filename()}: remove one")
            elif differs := contradiction(known, record):
                wrong.append(f"{entry.name}: its row {record.derainer.label} is not the board's: {differs}")
    return gathered, wrong + [line for entry in entries for line in _left_out(entry, gathered)]


def _left_out(entry: Listed, records: Iterable[Record]) -> list[str]:
    """Variants of a data set that an entry has others of and says nothing about."""
    if entry.statement.partial is not None:
        return []
    asked: dict[tuple[str, str, str | None], set[str]] = {}
    for record in records:
        asked.setdefault(_table(record), set()).add(record.variant)
    held: dict[tuple[str, str, str | None], set[str]] = {}
    for record in entry.records:
        held.setdefault(_table(record), set()).add(record.variant)
    return [
        f"{entry.name} leaves out {', '.join(sorted(asked[table] - variants))} of {table[1]} and does not say why: "
        f"run them too, or pack it with --partial WHY"
        for table, variants in held.items()
        if asked[table] - variants
    ]


def _table(record: Record) -> tuple[str, str, str | None]:
    return record.data.name, record.task, record.model.name if record.model else None

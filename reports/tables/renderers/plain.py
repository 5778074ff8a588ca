"""Tables as plain text, as wide as they need to be: for pipes and files."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.marks import caption, legend
from reports.tables.renderers.escape import TIED, raised, superscript, visible
from reports.tables.table import Cell, Column, Table

_MARKS = {"best": "*", "second": "+", None: " "}
_GAP = "   "


def render_text(tables: Sequence[Table]) -> str:
    """Each table under its caption; a star follows the best of a column, a plus the second best."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    from rich.cells import cell_len

    notes = table.footnotes()
    lines = [[visible(table.head), *(visible(column.header) + " " for column in table.columns)]]
    rules = []
    for section, rows in table.blocks():
        rules.append(len(lines))
        if section:
            lines.append([visible(section), *("" for _ in table.columns)])
        for row in rows:
            cells = zip(row.cells, table.columns, strict=True)
            label = visible(row.name) + raised(row.seen, False, row.note, notes)
            lines.append([label, *(_cell(cell, column, table.intervals, notes) for cell, column in cells)])
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(lines[0]))]
    groups = [(visible(group), count) for group, count in table.groups()]
    at = 1
    for group, count in groups:
        at += count
        room = sum(widths[at - count : at]) + len(_GAP) * (count - 1)
        widths[at - 1] += max(0, cell_len(group) + (3 if count > 1 else 1) - room)

    def drawn(line: list[str]) -> str:
        label, *numbers = line
        parts = [label + " " * (widths[0] - cell_len(label))]
        parts += [
            " " * (width - cell_len(text)) + text for text, width in zip(numbers, widths[1:], strict=True)
        ]
        return _GAP.join(parts).rstrip()

    shown = [drawn(line) for line in lines]
    top = 1
    if any(group for group, _ in groups):
        shown.insert(0, _spans(groups, widths))
        rules, top = [place + 1 for place in rules], 2
    rule = "─" * (sum(widths) + len(_GAP) * len(table.columns))
    # The references stand apart by their place; a rule for each change of sections alone.
    sections = any(row.section or row.quoted for row in table.rows)
    for place in reversed(rules if sections else [top]):
        shown.insert(place, rule)
    remarks = [f"{superscript(number)} {visible(note)}" for note, number in notes.items()]
    remarks += [visible(note) for note in table.notes]
    remarks += filter(None, [legend(table, "* best", "+ second", TIED)])
    return "\n".join([visible(caption(table)), "", *shown, "", *remarks]).rstrip() + "\n"


def _spans(groups: Sequence[tuple[str, int]], widths: Sequence[int]) -> str:
    """The line of headers that stand over several columns."""
    from rich.cells import cell_len

    parts, at = [" " * widths[0]], 1
    for group, count in groups:
        room = sum(widths[at : at + count]) + len(_GAP) * (count - 1) - 1
        left = (room - cell_len(group) - 2) // 2
        fill = "─" if group and count > 1 else " "
        words = f" {group} " if count > 1 else f" {group}"
        left = max(0, left if count > 1 else room - cell_len(words))
        parts.append(fill * left + words + fill * (room - left - cell_len(words)) + " ")
        at += count
    return _GAP.join(parts).rstrip()


def _cell(cell: Cell, column: Column, intervals: bool, notes: dict[str, int]) -> str:
    text = cell.text(column) + " " * cell.lacking(column)
    interval = cell.interval_text(column) if intervals else ""
    if interval:
        text += f" {interval}"
    signs = raised(cell.seen, cell.tied, cell.note, notes)
    # The sign has a column of its own, or numbers of one column would not line up.
    return text + signs + (_MARKS[cell.mark] if cell.mark or not signs else "")

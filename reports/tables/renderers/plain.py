"""Tables as lines of text, as wide as they need to be: for pipes, files and terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.tables.marks import caption, legend
from reports.tables.renderers.escape import TIED, raised, superscript, visible
from reports.tables.table import Cell, Column, Table

if TYPE_CHECKING:
    from rich.text import Text

_MARKS = {"best": "*", "second": "+", None: " "}
_STYLES = {"best": "bold", "second": "underline", None: ""}
_GAP = "   "


def render_text(tables: Sequence[Table]) -> str:
    """Each table under its caption; a star follows the best of a column, a plus the second best."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    notes = table.footnotes()
    shown = [line.plain for line in lines(table, notes, styled=False)]
    below = remarks(table, notes, "* best", "+ second")
    return "\n".join([visible(caption(table)), "", *shown, "", *below]).rstrip() + "\n"


def remarks(table: Table, notes: dict[str, int], best: str, second: str) -> list[str]:
    """What stands below a table: footnotes, notes, and how the best and the second best are marked."""
    numbered = [f"{superscript(number)} {visible(note)}" for note, number in notes.items()]
    legends = filter(None, [legend(table, best, second, TIED)])
    return [*numbered, *map(visible, table.notes), *legends]


def lines(table: Table, notes: dict[str, int], *, styled: bool) -> list[Text]:
    """Headers, rules and rows, without what stands around them.

    Args:
        table: The table.
        notes: The numbers of its footnotes, from :meth:`Table.footnotes`.
        styled: Whether the best of a column are set in a style, as terminals have them; else signs follow them.
    """
    head = [_text(table.head), *(_text(column.header + " " * (not styled)) for column in table.columns)]
    body = [head]
    rules = []
    for section, rows in table.blocks():
        rules.append(len(body))
        if section:
            body.append([_text(section, "bold" * styled), *(_text("") for _ in table.columns)])
        for row in rows:
            cells = zip(row.cells, table.columns, strict=True)
            label = row.name + raised(row.seen, False, row.note, notes)
            name = _text(label, "italic" if styled and (row.reference or row.quoted) else "")
            body.append(
                [name, *(_cell(cell, column, table.intervals, notes, styled) for cell, column in cells)]
            )
    widths = [max(line[i].cell_len for line in body) for i in range(len(head))]
    groups = [(_text(group), count) for group, count in table.groups()]
    at = 1
    for group, count in groups:
        at += count
        room = sum(widths[at - count : at]) + len(_GAP) * (count - 1)
        widths[at - 1] += max(0, group.cell_len + (3 if count > 1 else 1) - room)
    shown = [_line(line, widths) for line in body]
    top = 1
    if any(group.plain for group, _ in groups):
        shown.insert(0, _text(_spans(groups, widths)))
        rules, top = [place + 1 for place in rules], 2
    rule = "─" * (sum(widths) + len(_GAP) * len(table.columns))
    # The references stand apart by their place; a rule for each change of sections alone.
    sections = any(row.section or row.quoted for row in table.rows)
    for place in reversed(rules if sections else [top]):
        shown.insert(place, _text(rule))
    return shown


def _line(line: Sequence[Text], widths: Sequence[int]) -> Text:
    """A label flush left and numbers flush right."""
    label, *numbers = line
    drawn = label.copy()
    drawn.pad_right(widths[0] - label.cell_len)
    for number, width in zip(numbers, widths[1:], strict=True):
        drawn.append(_GAP + " " * (width - number.cell_len)).append_text(number)
    drawn.rstrip()
    return drawn


def _spans(groups: Sequence[tuple[Text, int]], widths: Sequence[int]) -> str:
    """The line of headers that stand over several columns."""
    parts, at = [" " * widths[0]], 1
    for group, count in groups:
        room = sum(widths[at : at + count]) + len(_GAP) * (count - 1) - 1
        left = (room - group.cell_len - 2) // 2
        fill = "─" if group.plain and count > 1 else " "
        words = f" {group.plain} " if count > 1 else f" {group.plain}"
        taken = group.cell_len + len(words) - len(group.plain)
        left = max(0, left if count > 1 else room - taken)
        parts.append(fill * left + words + fill * (room - left - taken) + " ")
        at += count
    return _GAP.join(parts).rstrip()


def _cell(cell: Cell, column: Column, intervals: bool, notes: dict[str, int], styled: bool) -> Text:
    text = _text(cell.text(column), _STYLES[cell.mark] if styled else "")
    text.pad_right(cell.lacking(column))
    interval = cell.interval_text(column) if intervals else ""
    if interval:
        text.append(f" {interval}", style="dim" * styled)
    signs = raised(cell.seen, cell.tied, cell.note, notes)
    text.append(signs)
    # The sign has a column of its own, or numbers of one column would not line up.
    if not styled and (cell.mark or not signs):
        text.append(_MARKS[cell.mark])
    return text


def _text(words: str, style: str = "") -> Text:
    """Words as they are: a Text is not parsed for markup."""
    from rich.text import Text

    # A style of the whole text would reach into what is appended.
    return Text.assemble((visible(words), style))

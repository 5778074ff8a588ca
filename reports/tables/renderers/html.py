"""Tables as a page of HTML that stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.marks import caption, legend
from reports.tables.renderers.escape import FIGURE_SPACE, SEEN, TIED, markup
from reports.tables.table import Cell, Column, Row, Table

_STYLE = """.derain-report { font: 15px/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas;
padding: 1rem; color-scheme: light dark; } .derain-report .scroll { overflow-x: auto; } .derain-report table
{ border-collapse: collapse; font-variant-numeric: tabular-nums; } .derain-report caption { text-align:
left; font-weight: 600; padding-bottom: .4rem; max-width: 60rem; } .derain-report th, .derain-report td {
padding: .25rem .7rem; text-align: right; white-space: nowrap; } .derain-report tbody th, .derain-report
thead th.label { text-align: left; font-weight: 500; } .derain-report thead th.group { text-align: center;
border-bottom: 1px solid GrayText; } .derain-report thead { border-top: 2px solid; border-bottom: 1px solid;
} .derain-report tbody { border-bottom: 1px solid; } .derain-report tbody:last-of-type { border-bottom: 2px solid; }
.derain-report tr.reference th, .derain-report tr.quoted { font-style: italic; } .derain-report tbody th span {
display: inline-block; width: max-content; max-width: 24rem; white-space: normal; overflow-wrap: anywhere; }
.derain-report tr.section th { font-weight: 600; } .derain-report sup { line-height: 0; }
.derain-report td .signs { display: inline-block; width: 0; } .derain-report
td:last-child, .derain-report thead tr:last-child th:last-child { padding-right: 1.6rem; }
.derain-report .interval { color: GrayText; font-size: .85em; margin-left: .4em; }
.derain-report .notes { font-size: .85em; margin: .3rem 0 2rem; padding-left: 0; list-style: none; }"""


def render_html(tables: Sequence[Table]) -> str:
    """A whole document; its style applies to nothing outside of it, so a notebook can show it too."""
    title = markup(tables[0].name if len(tables) == 1 else "derain-bench report")
    body = "\n".join(html_table(table, f"t{number}") for number, table in enumerate(tables, start=1))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        f'<div class="derain-report">\n{body}</div>\n</body>\n</html>\n'
    )


def html_table(table: Table, name: str) -> str:
    """One table with its footnotes.

    Args:
        table: The table.
        name: Prefix of the ids of its footnotes, unique on the page.
    """
    notes = table.footnotes()
    marks = legend(table, "best in bold", "second underlined", TIED)
    lines = [
        '<div class="scroll">',
        "<table>",
        f"<caption>{markup(caption(table, marks))}</caption>",
        "<thead>",
    ]
    grouped = any(column.group for column in table.columns)
    label = f'<th scope="col" class="label"{" rowspan=2" if grouped else ""}>{markup(table.head)}</th>'
    if grouped:
        spans = "".join(_span(group, count) for group, count in table.groups())
        lines.append(f"<tr>{label}{spans}</tr>")
        label = ""
    lines.append("<tr>" + label + "".join(_header(column) for column in table.columns) + "</tr>")
    lines.append("</thead>")
    for section, rows in table.blocks():
        lines.append("<tbody>")
        if section:
            heading = f'<th scope="rowgroup" colspan="{len(table.columns) + 1}">{markup(section)}</th>'
            lines.append(f'<tr class="section">{heading}</tr>')
        for row in rows:
            cells = "".join(
                _cell(cell, column, table.intervals, notes, name)
                for cell, column in zip(row.cells, table.columns, strict=True)
            )
            kind = ' class="reference"' if row.reference else ' class="quoted"' if row.quoted else ""
            lines.append(f"<tr{kind}>{_label(row, notes, name)}{cells}</tr>")
        lines.append("</tbody>")
    lines += ["</table>", "</div>"]
    remarks = [
        f'<li id="{name}-n{number}"><sup>{number}</sup> {markup(note)}</li>' for note, number in notes.items()
    ]
    remarks += [f"<li>{markup(note)}</li>" for note in table.notes]
    if remarks:
        lines.append('<ul class="notes">' + "".join(remarks) + "</ul>")
    return "\n".join(lines) + "\n"


def _span(group: str, count: int) -> str:
    if not group:
        return "<td></td>" * count
    return f'<th scope="colgroup" class="group" colspan="{count}">{markup(group)}</th>'


def _label(row: Row, notes: dict[str, int], name: str) -> str:
    signs = _raised(row.seen, False, row.note, notes, name)
    return f'<th scope="row"><span>{markup(row.name)}{signs}</span></th>'


def _raised(seen: bool, tied: bool, note: str | None, notes: dict[str, int], name: str) -> str:
    signs = f"<sup>{SEEN * seen}{TIED * tied}</sup>" if seen or tied else ""
    if note:
        signs += f'<sup><a href="#{name}-n{notes[note]}">{notes[note]}</a></sup>'
    return signs


def _header(column: Column) -> str:
    title = f' title="{markup(column.protocol)}"' if column.protocol else ""
    return f'<th scope="col"{title}>{markup(column.header)}</th>'


def _cell(cell: Cell, column: Column, intervals: bool, notes: dict[str, int], name: str) -> str:
    text = cell.text(column)
    if cell.mark:
        tag = "strong" if cell.mark == "best" else "u"
        text = f"<{tag}>{text}</{tag}>"
    if intervals and (interval := cell.interval_text(column)):
        text += f'<span class="interval">{interval}</span>'
    text += FIGURE_SPACE * cell.lacking(column)
    if signs := _raised(cell.seen, cell.tied, cell.note, notes, name):
        # Signs take no width, or they would push the decimals aside.
        text += f'<span class="signs">{signs}</span>'
    value = "" if cell.value is None else f' data-value="{cell.value * column.scale!r}"'
    return f"<td{value}>{text}</td>"

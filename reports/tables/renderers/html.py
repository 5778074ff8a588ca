"""Tables as a page of HTML that stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.renderers.escape import markup
from reports.tables.table import Cell, Column, Table

_STYLE = """.derain-report { font: 15px/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas;
padding: 1rem; color-scheme: light dark; } .derain-report .scroll { overflow-x: auto; } .derain-report table
{ border-collapse: collapse; font-variant-numeric: tabular-nums; } .derain-report caption { text-align:
left; font-weight: 600; padding-bottom: .4rem; max-width: 60rem; } .derain-report th, .derain-report td {
padding: .25rem .7rem; text-align: right; white-space: nowrap; } .derain-report tbody th, .derain-report
thead th.label { text-align: left; font-weight: 500; } .derain-report thead th.group { text-align: center;
border-bottom: 1px solid GrayText; } .derain-report thead { border-top: 2px solid; border-bottom: 1px solid;
} .derain-report tbody { border-bottom: 2px solid; } .derain-report tr.reference th { font-style: italic; }
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
    lines = ['<div class="scroll">', "<table>", f"<caption>{markup(table.caption)}</caption>", "<thead>"]
    grouped = any(column.group for column in table.columns)
    label = f'<th scope="col" class="label"{" rowspan=2" if grouped else ""}>{markup(table.head)}</th>'
    if grouped:
        spans = "".join(_span(group, count) for group, count in table.groups())
        lines.append(f"<tr>{label}{spans}</tr>")
        label = ""
    lines.append("<tr>" + label + "".join(_header(column) for column in table.columns) + "</tr>")
    lines += ["</thead>", "<tbody>"]
    for row in table.rows:
        cells = "".join(
            _cell(cell, column, table.intervals, notes, name)
            for cell, column in zip(row.cells, table.columns, strict=True)
        )
        kind = ' class="reference"' if row.reference else ""
        lines.append(f'<tr{kind}><th scope="row">{markup(row.label)}</th>{cells}</tr>')
    lines += ["</tbody>", "</table>", "</div>"]
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
    if cell.note:
        number = notes[cell.note]
        text += f'<sup><a href="#{name}-n{number}">{number}</a></sup>'
    value = "" if cell.value is None else f' data-value="{cell.value * column.scale!r}"'
    return f"<td{value}>{text}</td>"

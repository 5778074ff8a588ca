"""Tables as LaTeX: booktabs rules, siunitx columns, ready for a paper."""

from __future__ import annotations

from collections.abc import Sequence

from reports.tables.renderers.escape import latex
from reports.tables.table import Cell, Column, Table

_PREAMBLE = (
    "% Needs \\usepackage{array}, \\usepackage{booktabs}, \\usepackage{graphicx} and \\usepackage{siunitx}.\n"
    "% Best in bold, second underlined; derainers within noise of each other share the mark.\n"
)


def render_latex(tables: Sequence[Table]) -> str:
    """One `table` environment each; a wide one becomes `table*`."""
    return _PREAMBLE + "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    notes = table.footnotes()
    environment = "table*" if len(table.columns) * (2 if table.intervals else 1) > 6 else "table"
    width = 2 if table.intervals else 1
    layout = "l" + "".join(_layout(table, i) for i in range(len(table.columns)))
    lines = [
        f"\\begin{{{environment}}}",
        "\\centering",
        "\\small",
        "\\sisetup{detect-weight=true, mode=text}",
        f"\\caption{{{latex(table.caption)}}}",
        # A table wider than the text is shrunk to it, others keep their size.
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{{layout}}}",
        "\\toprule",
    ]
    if any(column.group for column in table.columns):
        spans, rules, at = [""], [], 2
        for group, count in table.groups():
            spans.append(f"\\multicolumn{{{count * width}}}{{c}}{{{latex(group)}}}")
            if group:
                rules.append(f"\\cmidrule(lr){{{at}-{at + count * width - 1}}}")
            at += count * width
        lines += [" & ".join(spans) + r" \\", "".join(rules)]
    headers = [latex(table.head), *(_header(column, table.intervals) for column in table.columns)]
    lines += [" & ".join(headers) + r" \\", "\\midrule"]
    for number, row in enumerate(table.rows):
        if number and table.rows[number - 1].reference and not row.reference:
            lines.append("\\midrule")
        cells = [latex(row.label)]
        for i, cell in enumerate(row.cells):
            cells += _cells(cell, table, i, notes)
        lines.append(" & ".join(cells) + r" \\")
    lines += ["\\bottomrule", "\\end{tabular}}"]
    remarks = [f"\\textsuperscript{{{number}}}\\,{latex(note)}" for note, number in notes.items()]
    remarks += [latex(note) for note in table.notes]
    if remarks:
        lines.append("\n\\smallskip\n{\\footnotesize\\raggedright " + "; ".join(remarks) + ".\\par}")
    lines.append(f"\\end{{{environment}}}")
    return "\n".join(lines) + "\n"


def _header(column: Column, intervals: bool) -> str:
    text = f"{{{latex(column.header)}}}"
    return f"\\multicolumn{{2}}{{c}}{text}" if intervals else text


def _places(table: Table, i: int) -> tuple[bool, int]:
    """Whether a column has negative numbers, and how many digits stand before the point."""
    texts = [row.cells[i].text(table.columns[i]) for row in table.rows if row.cells[i].value is not None]
    negative = any(text.startswith("-") for text in texts)
    return negative, max((len(text.lstrip("-").partition(".")[0]) for text in texts), default=1)


def _layout(table: Table, i: int) -> str:
    negative, places = _places(table, i)
    form = f"S[table-format={'-' if negative else ''}{places}.{table.columns[i].digits}]"
    return form + (r"@{\,}>{\scriptsize}l" if table.intervals else "")


def _cells(cell: Cell, table: Table, i: int, notes: dict[str, int]) -> list[str]:
    column = table.columns[i]
    number = cell.text(column)
    mark = f"\\textsuperscript{{{notes[cell.note]}}}" if cell.note else ""
    interval = latex(cell.interval_text(column)).replace("-", "$-$")
    if cell.value is None:
        return [f"\\multicolumn{{2}}{{c}}{{---{mark}}}"] if table.intervals else [f"{{---{mark}}}"]
    if cell.mark == "best":
        number = f"\\bfseries {number}"
    elif cell.mark == "second":
        padding, signed = _padding(number, *_places(table, i)), number.replace("-", "$-$")
        number = f"{{{padding}\\underline{{{signed}}}}}"
    if table.intervals:
        return [number, interval + mark]
    return [f"{number}{{{mark}}}" if mark and cell.mark != "second" else number + mark]


def _padding(number: str, negative: bool, places: int) -> str:
    """Invisible digits that put an underlined number where siunitx, which cannot see into it, would."""
    missing = places - len(number.lstrip("-").partition(".")[0])
    sign = "$-$" if negative and not number.startswith("-") else ""
    return f"\\phantom{{{sign}{'0' * missing}}}" if sign or missing else ""

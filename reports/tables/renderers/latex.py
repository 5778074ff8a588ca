"""Tables as LaTeX: booktabs rules, siunitx columns, ready for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.keep.records import slug
from reports.tables.marks import caption, legend
from reports.tables.renderers.blocks import blocks
from reports.tables.renderers.escape import SEEN, TIED, latex
from reports.tables.table import Cell, Column, Row, Table

_PREAMBLE = (
    "% Needs \\usepackage{array}, \\usepackage{booktabs}, \\usepackage{graphicx} and \\usepackage{siunitx}.\n"
)
#: Labels longer than this break into lines instead of pushing the numbers off the page, and so do their words.
_LONG_LABEL, _LONG_WORD = 36, 16
#: Letters in a line of a label that breaks, 13 em wide.
_LABEL_LINE = 26
#: More columns than this stand closer together.
_MANY = 8
#: A table is cut into blocks under each other where it is wider than this, in letters: what fills about 6.5 inches in
#: `\small`. It is not shrunk across a page of two columns, and to 0.85 where the text is 5.5 inches wide.
_WIDEST = 88
#: A page takes about so many lines of blocks, beside their caption and remarks. A table that would have more is given
#: wider blocks, which are shrunk: small print is better than rows below the edge of the page.
_TALLEST = 42
#: The space between columns and what is raised or small, in letters.
_SPACE, _SMALL = 1.3, 0.75


def render_latex(tables: Sequence[Table]) -> str:
    """One `table` environment each; a wide one becomes `table*`, a wider one blocks under each other."""
    return _PREAMBLE + "\n".join(_table(table) for table in tables)


@dataclass(frozen=True)
class _Layout:
    """How a column is set: a number, and beside it what belongs to it where there is any.

    Attributes:
        negative: Whether a number has a sign.
        places: Digits before the point.
        beside: Whether a second column holds intervals and what is raised behind them. A single raised sign fits into
            the space between columns and takes no width, or it would push the number's point aside.
    """

    negative: bool
    places: int
    beside: bool

    @property
    def width(self) -> int:
        """How many columns of LaTeX it takes."""
        return 2 if self.beside else 1


def _table(table: Table) -> str:
    notes = table.footnotes()
    parts = _parts(table)
    widths = [sum(_layout(part, i).width for i in range(len(part.columns))) for part in parts]
    environment = "table*" if sum(widths) > 6 else "table"
    marks = legend(table, "best in bold", "second underlined", TIED)
    lines = [
        f"\\begin{{{environment}}}",
        "\\centering",
        # Document classes expect captions below; above a table they leave no room.
        "\\setlength{\\abovecaptionskip}{0pt}\\setlength{\\belowcaptionskip}{6pt}",
        "\\small",
        *(["\\setlength{\\tabcolsep}{3pt}"] if max(widths) > _MANY else []),
        "\\sisetup{detect-weight=true, mode=text}",
        f"\\caption{{{latex(caption(table, marks))}}}",
        f"\\label{{tab:{slug(table.name)}}}",
        # A table wider than the text is shrunk to it, others keep their size.
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    ]
    if len(parts) > 1:
        # One box, for the blocks to be shrunk alike.
        lines.append("\\begin{tabular}{@{}l@{}}")
    for part in parts:
        lines += _block(part, notes)
        if len(parts) > 1:
            lines.append("\\\\\\noalign{\\medskip}" if part is not parts[-1] else "\\end{tabular}")
    lines[-1] += "}"
    remarks = [f"\\textsuperscript{{{number}}}\\,{latex(note)}" for note, number in notes.items()]
    remarks += [latex(note) for note in table.notes]
    if remarks:
        lines.append("\n\\smallskip\n{\\footnotesize\\raggedright " + "; ".join(remarks) + ".\\par}")
    lines.append(f"\\end{{{environment}}}")
    return "\n".join(lines) + "\n"


def _block(table: Table, notes: dict[str, int]) -> list[str]:
    """The `tabular` of a table or of a part of its columns."""
    layouts = [_layout(table, i) for i in range(len(table.columns))]
    breaks = _breaks(table)
    label = r">{\raggedright\arraybackslash}p{13em}" if breaks else "l"
    columns = "".join(_form(layout, table, i) for i, layout in enumerate(layouts))
    lines = [f"\\begin{{tabular}}{{{label}{columns}}}", "\\toprule"]
    if any(column.group for column in table.columns):
        spans, rules, at, column = [""], [], 2, 0
        for group, count in table.groups():
            width = sum(layout.width for layout in layouts[column : column + count])
            spans.append(f"\\multicolumn{{{width}}}{{c}}{{{latex(group)}}}")
            if group:
                rules.append(f"\\cmidrule(lr){{{at}-{at + width - 1}}}")
            at, column = at + width, column + count
        lines += [" & ".join(spans) + r" \\", "".join(rules)]
    headers = [_header(column, layout.width) for column, layout in zip(table.columns, layouts, strict=True)]
    lines.append(" & ".join([latex(table.head), *headers]) + r" \\")
    total = sum(layout.width for layout in layouts)
    for section, rows in table.blocks():
        lines.append("\\midrule")
        if section:
            lines.append(f"\\multicolumn{{{total + 1}}}{{l}}{{\\textit{{{latex(section)}}}}} \\\\")
        for row in rows:
            cells = [_label(row, notes, breaks)]
            for cell, column_, layout in zip(row.cells, table.columns, layouts, strict=True):
                cells += _cells(cell, column_, layout, row, table.intervals, notes)
            lines.append(" & ".join(cells) + r" \\")
    return [*lines, "\\bottomrule", "\\end{tabular}"]


def _parts(table: Table) -> list[Table]:
    """The blocks that a table is cut into, all of them on one page."""
    rows = sum(-(-len(row.name) // _LABEL_LINE) if _breaks(table) else 1 for row in table.rows)
    room = float(_WIDEST)
    while True:
        parts = blocks(table, _width, room)
        shrunk = min(1.0, _WIDEST / max(map(_width, parts)))
        # 4: headers, rules and the space between blocks.
        if len(parts) == 1 or len(parts) * (rows + 4) * shrunk <= _TALLEST:
            return parts
        room += 1


def _breaks(table: Table) -> bool:
    """Whether labels break into lines."""
    return any(len(row.name) > _LONG_LABEL for row in table.rows)


def _width(table: Table) -> float:
    """About how wide a table is, in letters."""
    widths = []
    for i, column in enumerate(table.columns):
        cells = [row.cells[i] for row in table.rows]
        layout = _layout(table, i)
        beside = max((len(cell.interval_text(column)) for cell in cells), default=0) if table.intervals else 0
        behind = _SMALL * (beside + 2) if layout.beside else 0
        number = layout.negative + layout.places + column.digits + (column.digits > 0) + behind
        widths.append(max(number, len(column.header)) + _SPACE)
    at = 0
    for group, count in table.groups():
        under = slice(at, at + count)
        lacking = len(group) + _SPACE - sum(widths[under])
        widths[at] += max(0, lacking)
        at += count
    names = max((len(row.name) for row in table.rows), default=0)
    return min(names, _LONG_LABEL) + _SPACE + sum(widths)


def _label(row: Row, notes: dict[str, int], breaks: bool) -> str:
    text = " ".join(map(_breakable, row.name.split(" "))) if breaks else latex(row.name)
    text = f"\\textit{{{text}}}" if row.quoted else text
    text += f"~\\cite{{{row.cite}}}" if row.cite else ""
    return text + _raised(row.seen, False, row.note, notes)


def _breakable(word: str) -> str:
    """A word that may break anywhere if it is long."""
    return r"\allowbreak{}".join(map(latex, word)) if len(word) > _LONG_WORD else latex(word)


def _raised(seen: bool, tied: bool, note: str | None, notes: dict[str, int]) -> str:
    """The signs that follow a label or a number."""
    signs = [latex(SEEN)] * seen + [latex(TIED)] * tied + ([str(notes[note])] if note else [])
    return f"\\textsuperscript{{{','.join(signs)}}}" if signs else ""


def _header(column: Column, width: int) -> str:
    text = f"{{{latex(column.header)}}}"
    return f"\\multicolumn{{{width}}}{{c}}{text}" if width > 1 else text


def _layout(table: Table, i: int) -> _Layout:
    cells = [row.cells[i] for row in table.rows]
    there = [cell for cell in cells if cell.value is not None]
    texts = [cell.text(table.columns[i]) for cell in there]
    beside = any(bool(cell.note) + cell.tied + cell.seen > 1 for cell in there)
    return _Layout(
        any(text.startswith("-") for text in texts),
        max((len(text.lstrip("-").partition(".")[0]) for text in texts), default=1),
        beside or (table.intervals and any(cell.interval_text(table.columns[i]) for cell in there)),
    )


def _form(layout: _Layout, table: Table, i: int) -> str:
    form = f"S[table-format={'-' if layout.negative else ''}{layout.places}.{table.columns[i].digits}]"
    if not layout.beside:
        return form
    return form + (r"@{\,}>{\scriptsize}l" if table.intervals else r"@{}l")


def _cells(
    cell: Cell, column: Column, layout: _Layout, row: Row, intervals: bool, notes: dict[str, int]
) -> list[str]:
    raised = _raised(cell.seen, cell.tied, cell.note, notes)
    if not layout.beside and raised:
        raised = f"{{\\rlap{{{raised}}}}}"
    if cell.value is None:
        missing = f"{{---{raised}}}"
        return [f"\\multicolumn{{{layout.width}}}{{c}}{missing}"] if layout.beside else [missing]
    number = cell.text(column)
    if row.quoted:
        number = _braced(number, layout, "\\textit", "." * (column.digits > 0) + "0" * column.digits)
    elif cell.mark == "best":
        number = f"\\bfseries {number}"
    elif cell.mark == "second":
        number = _braced(number, layout, "\\underline")
    if not layout.beside:
        return [number[:-1] + raised + "}" if number.startswith("{") else number + raised]
    interval = latex(cell.interval_text(column)).replace("-", "$-$") if intervals else ""
    return [number, interval + raised]


def _braced(number: str, layout: _Layout, command: str, full: str = "") -> str:
    """A number that siunitx cannot see into, with invisible digits that put its point where the others' are.

    Args:
        number: As it is shown.
        layout: Of its column.
        command: What it is set in.
        full: The point and decimals of a number that has all that the column shows, where it may have fewer.
    """
    missing = layout.places - len(number.lstrip("-").partition(".")[0])
    sign = "$-$" if layout.negative and not number.startswith("-") else ""
    padding = f"\\phantom{{{sign}{'0' * missing}}}" if sign or missing else ""
    lacking = full[len("".join(number.partition(".")[1:])) :]
    behind = f"\\phantom{{{lacking}}}" if lacking else ""
    return f"{{{padding}{command}{{{number.replace('-', '$-$')}}}{behind}}}"

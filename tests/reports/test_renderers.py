"""Every renderer against its gold file, and its numbers against those of the table.

A gold file is what the renderer wrote when someone looked at it last; after a change that is meant, look again and
replace it with what the failing test shows.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reports
from bench.errors import UnknownName
from bench.keep.records import Record
from reports.arrangement import arrangement_of
from reports.tables.presets import PRESETS, build_tables
from reports.tables.renderers import FORMATS, TABLES, render_tables
from reports.tables.renderers.blocks import blocks
from reports.tables.renderers.escape import latex, markdown, spreadsheet, visible
from reports.tables.table import Cell, Choice, Column, Row, Table

GOLD = Path(__file__).parent / "gold"
SUFFIX = {"md": "md", "latex": "tex", "html": "html", "text": "txt"}
MakeRun = Callable[..., list[Record]]


@pytest.mark.parametrize("form", TABLES)
def test_gold(form: str, small_table: Table) -> None:
    assert render_tables([small_table], form) == (GOLD / f"small_table.{SUFFIX[form]}").read_text()


def shown_values(table: Table) -> list[list[float | None]]:
    return [
        [
            None if cell.value is None else float(cell.text(column))
            for cell, column in zip(row.cells, table.columns, strict=True)
        ]
        for row in table.rows
    ]


class Cells(HTMLParser):
    """The text of every cell of the body, and every tag there is."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.values: list[list[str | None]] = []
        self.tags: set[str] = set()
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
            self.values.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            if tag == "td":
                self.values[-1].append(dict(attrs).get("data-value"))
        self._in = tag if tag != "span" or attrs else "th"  # a name's span says nothing of itself

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and self._in in ("td", "th", "strong", "u"):
            self.rows[-1][-1] += data


def test_html_parses_back(run_records: MakeRun) -> None:
    (table, *_) = build_tables(run_records(("clean", "none", "rdmc", "median")), "detection")
    page = Cells()
    page.feed(render_tables([table], "html"))
    rows = page.values[1:]
    assert [r.label for r in table.rows] == [row[0] for row in page.rows[1:]]
    for row, values in zip(table.rows, rows, strict=True):
        for cell, column, text in zip(row.cells, table.columns, values, strict=True):
            assert (cell.value is None) == (text is None)
            if cell.value is not None and text is not None:
                assert float(text) == cell.value * column.scale


def test_csv_is_one_table_that_pandas_reads_back(run_records: MakeRun) -> None:
    import pandas as pd

    records = run_records()
    frame = pd.read_csv(io.StringIO(reports.render(records, "csv")), float_precision="round_trip")
    scores = [(r, s) for r in records for s in r.scores]
    assert len(frame) == len(scores) + sum(not r.scores for r in records)
    found = frame.set_index(["derainer", "variant", "task", "metric"])
    for record, score in scores:
        row = found.loc[(record.derainer.label, record.variant, record.task, score.metric)]
        for name in ("value", "low", "high", "images"):
            wanted = getattr(score, name)
            assert pd.isna(row[name]) if wanted is None else row[name] == wanted


@pytest.mark.parametrize("preset", [*sorted(PRESETS.keys() - {"models"}), "detection"])  # models wants two
def test_json_and_csv_hold_the_numbers_of_the_table(preset: str, run_records: MakeRun) -> None:
    import pandas as pd

    records = run_records()
    tables = build_tables(records, preset)
    rows = json.loads(reports.render(records, "json", preset))
    cells = [cell for table in tables for row in table.rows for cell in row.cells]
    assert [row["value"] for row in rows] == [cell.value for cell in cells]
    frame = pd.read_csv(io.StringIO(reports.render(records, "csv", preset)), float_precision="round_trip")
    assert list(frame.columns) == list(rows[0])
    assert [None if pd.isna(v) else v for v in frame["value"]] == [cell.value for cell in cells]


def test_json_honours_columns(run_records: MakeRun) -> None:
    records = run_records()
    for preset in (None, "summary", "detection"):
        text = reports.render(records, "json", preset, Choice(columns=("ap",)))
        assert {row["metric"] for row in json.loads(text)} == {"ap"}
    with pytest.raises(UnknownName, match="did you mean ap"):
        reports.render(records, "json", None, Choice(columns=("apx",)))


def latex_numbers(text: str) -> list[list[str]]:
    """The cells of the rows between the first midrule and the bottom rule of each block, stripped of marks."""
    blocks = [
        block.split("\\midrule", 1)[1].split("\\bottomrule")[0] for block in text.split("\\toprule")[1:]
    ]
    body = "\n".join(blocks).replace("\\midrule", "")
    rows: list[list[str]] = []
    for line in filter(str.strip, body.splitlines()):
        if line.startswith("\\multicolumn"):  # the title of a group of rows
            continue
        cells = [cell.strip() for cell in line.removesuffix("\\\\").split("&")]
        plain = []
        for cell in cells[1:]:
            cell = re.sub(
                r"\\multicolumn\{2\}\{c\}|\\rlap|\\textsuperscript\{(?:[^{}]|\{\})*\}|\\phantom\{[^{}]*\}|"
                r"\\underline|\\bfseries|\\textit",
                "",
                cell,
            )
            plain.append(re.sub(r"[{}\s]", "", cell.replace("$-$", "-")))
        rows.append([cell for cell in plain if cell])
    return rows


def test_latex_parses_back(small_table: Table, run_records: MakeRun) -> None:
    from dataclasses import replace

    for table in (small_table, build_tables(run_records(), "paper")[0]):
        table = replace(table, intervals=False)
        numbers = latex_numbers(render_tables([table], "latex"))
        parts = [[None if text == "---" else float(text) for text in row] for row in numbers]
        # A row of a table that is cut stands in each of its blocks.
        count = len(table.rows)
        assert [[value for part in parts[i::count] for value in part] for i in range(count)] == shown_values(
            table
        )


def test_markdown_parses_back(run_records: MakeRun) -> None:
    (table, *_) = build_tables(run_records(), "segmentation")
    lines = [line for line in render_tables([table], "md").splitlines() if line.startswith("| ")][1:]
    found = []
    for line in lines:
        cells = [re.sub(r"\*\*|</?ins>", "", cell).strip() for cell in line.strip("|").split("|")[1:]]
        found.append([None if cell.startswith("—") else float(cell.split()[0]) for cell in cells])
    assert found == shown_values(table)


HOSTILE = (
    "<script>alert(1)</script>",
    r"\input{x}",
    "a|b",
    "=cmd()",
    "[red]x[/red]",
    "\x1b[31mred",
    "a\nb",
    "&amp;",
    "_x_",
    "`c`",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names_stay_in_their_cell(form: str, name: str, run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc", name), ("streaks:medium",), ("detection",))
    text = reports.render(records, form, "detection")
    assert "\x1b" not in text
    assert form not in ("md", "html") or "<script" not in text
    plain = reports.render(
        run_records(("clean", "none", "rdmc", "s" * len(name)), ("streaks:medium",), ("detection",)),
        form,
        "detection",
    )
    assert len(text.splitlines()) == len(plain.splitlines())
    if form == "md":
        pipes = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert len(set(pipes)) == 1
    if form == "csv":
        first = [row[0] for row in csv.reader(io.StringIO(text)) if row]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in first)


def test_html_shows_the_name_as_text(run_records: MakeRun) -> None:
    page = Cells()
    page.feed(
        reports.render(run_records(HOSTILE[:1], ("streaks:medium",), ("detection",)), "html", "detection")
    )
    assert "script" not in page.tags
    assert page.rows[1][0] == HOSTILE[0]


@pytest.mark.parametrize(
    ("escape", "text", "expected"),
    [
        (visible, "a\u202eb\tc\x00", "a\ufffdb c\ufffd"),
        (markdown, "rtmdet_tiny *b* <i> a|b _x_", "rtmdet_tiny \\*b\\* &lt;i&gt; a&#124;b \\_x\\_"),
        (latex, r"\a{b}$c_d%&#^~", r"\textbackslash{}a\{b\}\$c\_d\%\&\#\textasciicircum{}\textasciitilde{}"),
        (latex, "a--b 雨 é — <x>", r"a-{}-b ? é --- \textless{}x\textgreater{}"),
        (spreadsheet, " =1+1", "' =1+1"),
        (spreadsheet, "-1", "'-1"),
        (spreadsheet, "rdmc", "rdmc"),
    ],
)
def test_escapes(escape: Callable[[str], str], text: str, expected: str) -> None:
    assert escape(text) == expected


def test_long_words_of_labels_may_break_where_labels_do() -> None:
    column, cell = Column("psnr_y", "PSNR Y", "dB"), Cell(20.0)
    long, short = "w" * 30, "of sixteen lette"
    rows = (Row(long, (cell,)), Row(short, (cell,)), Row("a network " * 20, (cell,)))
    text = render_tables([Table("t", "T.", (column,), rows)], "latex")
    assert r"\allowbreak{}".join(long) in text
    assert f"{short} &" in text


def test_a_header_stands_over_its_columns_once() -> None:
    columns = tuple(
        Column(f"{of}/{i}", "PSNR", group=of) for of in ("a/long@name of rain", "b") for i in (1, 2)
    )
    text = render_tables([Table("t", "T.", columns, (Row("rdmc", (Cell(20.0),) * 4),))], "text")
    header, titles, _, row = text.splitlines()[2:6]
    assert header.strip() == "a/long@name of rain     ──── b ─────"
    assert header.index("a/long") == titles.index("PSNR") + 1
    assert header.rindex("─") == len(titles) - 1 == len(row) - 1


def test_narrow_terminal_drops_intervals_before_columns(small_table: Table) -> None:
    from rich.console import Console

    from reports.tables.renderers.terminal import print_tables

    def lines(width: int) -> str:
        buffer = io.StringIO()
        print_tables([small_table], Console(file=buffer, width=width, color_system=None))
        return buffer.getvalue()

    assert "[41.0, 43.0]" in lines(120)
    assert "[41.0, 43.0]" not in lines(75)
    for width in (75, 48):
        text = lines(width)
        assert "31.25" in text
        assert all(len(line) <= width for line in text.splitlines())


def wide(sets: int, derainers: Sequence[str] = ("rdmc",)) -> Table:
    """A survey of so many data sets of two columns each."""
    columns = tuple(
        Column(f"set{i}/{of}", of, group=f"set{i}") for i in range(sets) for of in ("PSNR Y", "AP")
    )
    return Table(
        "wide", "W.", columns, tuple(Row(name, (Cell(20.0),) * 2 * sets) for name in ("none", *derainers))
    )


@pytest.mark.parametrize("sets", [1, 2, 7, 8])
def test_blocks_are_few_even_and_cut_between_groups(sets: int) -> None:
    parts = blocks(wide(sets), lambda part: 10 * len(part.columns), 65)
    assert [column for part in parts for column in part.columns] == list(wide(sets).columns)
    counts = [len(part.columns) for part in parts]
    assert len(parts) == -(-sets // 3)
    assert max(counts) == 2 * -(-sets // len(parts))
    assert not any(count % 2 for count in counts)
    assert all(len(row.cells) == len(part.columns) for part in parts for row in part.rows)


def test_a_group_wider_than_the_room_is_cut_within() -> None:
    assert [len(part.columns) for part in blocks(wide(1), lambda part: len(part.columns), 1)] == [1, 1]


TALL = wide(20, [f"d{i}" for i in range(15)])


def test_wide_latex_tables_become_blocks_and_others_do_not() -> None:
    text = render_tables([wide(10)], "latex")
    assert text.count(r"\begin{tabular}{lS") == text.count(r"\bottomrule") == 2
    assert text.count(r"\caption{") == text.count(r"\begin{table*}") == text.count(r"\resizebox") == 1
    assert text.count("rdmc &") == 2
    assert render_tables([wide(4)], "latex").count(r"\begin{tabular}") == 1
    # Four blocks of two rows stand on a page; four of sixteen do not, and are fewer and wider.
    assert render_tables([wide(20)], "latex").count(r"\bottomrule") == 4
    assert render_tables([TALL], "latex").count(r"\bottomrule") == 2


def test_terminal_says_a_header_once_for_its_columns() -> None:
    from rich.console import Console

    from reports.tables.renderers.terminal import print_tables

    buffer = io.StringIO()
    print_tables([wide(6)], Console(file=buffer, width=80, color_system=None))
    assert all(buffer.getvalue().count(f"set{i}") == 1 for i in range(6))
    assert buffer.getvalue().count("rdmc") == 2


def has_latex() -> bool:
    """Whether there is a LaTeX here that has what the tables are written with."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    found = subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, timeout=60)
    return found.returncode == 0


@pytest.mark.skipif(
    not has_latex(), reason="no pdflatex with siunitx on this machine (Debian: texlive-science)"
)
def test_latex_compiles(tmp_path: Path, small_table: Table, run_records: MakeRun) -> None:
    tables = [small_table]
    for preset in ("paper", "summary", "cost"):
        tables += build_tables(run_records(("clean", "none", "rdmc", *HOSTILE)), preset)[:2]
    labels = ("RDMC (ours)", r"$\alpha$-net_{2}", "rain 🌧 off", "PReNet†, λ ≤ 2", "long " * 40)
    records = run_records(("clean", "none", "rdmc", *labels), ("streaks:light", "streaks:heavy"))
    grouped = arrangement_of(
        group="A & B: rdmc; C_1: RDMC (ours)", cite=["rdmc=a_key"], reference=["Rainy=none"]
    )
    tables += [*build_tables(records, "survey", None, grouped), wide(10), TALL]
    packages = "".join(f"\\usepackage{{{name}}}" for name in ("array", "booktabs", "graphicx", "siunitx"))
    body = render_tables(tables, "latex")
    document = f"\\documentclass{{article}}{packages}\\begin{{document}}\n{body}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 0
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout

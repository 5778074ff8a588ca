"""Numbers of others: read with their source and protocol, shown in italics, never ranked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports
from bench.cli.app import app
from bench.errors import BadConfig, UnknownName
from bench.keep.records import Record, write_record
from derainers.published import FILE
from reports.arrangement import arrangement_of
from reports.quotes import Quoted, read_quotes
from reports.tables.presets import build_tables
from reports.tables.renderers import TABLES

MakeRun = Callable[..., list[Record]]

FACTS = """\
mine:
  source: "a paper, <table> 3"
  trained: Rain13K
  protocol: {psnr_y: psnr@y, ssim_y: ssim@y}
  sets: [Rain100H, Rain100L]
  rows:
    PReNet: 26.77/.858 32.44/.950
    MSPFN: 28.66/.860 -
other:
  source: elsewhere
  protocol: {psnr_rgb: psnr@rgb}
  sets: [Rain100H]
  rows: {DDN: "23.9"}
far:
  source: elsewhere
  protocol: {psnr_y: psnr@y}
  sets: [Rain12]
  rows: {DDN: "31.78"}
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("facts") / "literature.yaml"
    path.write_text(FACTS)
    return path


@pytest.fixture(scope="module")
def records(run_records: MakeRun) -> list[Record]:
    found = run_records(("clean", "none", "median", "rdmc"), ("streaks:heavy",), ("restoration",))
    own = []
    for record in found:
        data = record.data.model_copy(update={"name": "pairs/rain100h[:8]"})
        rain = record.rain.model_copy(update={"name": "own"})
        own.append(
            record.model_copy(update={"data": data, "rain": rain, "variant": "pairs/rain100h[:8]@own"})
        )
    return own


def quoted(facts: Path, *blocks: str) -> list[Quoted]:
    return read_quotes(facts, blocks)


def test_quoted_rows_stand_below_and_are_not_ranked(records: list[Record], facts: Path) -> None:
    (plain,) = build_tables(records, "survey")
    (table,) = build_tables(records, "survey", None, arrangement_of(quotes=quoted(facts, "mine")))
    assert table.rows[: len(plain.rows)] == plain.rows
    prenet, mspfn = table.rows[len(plain.rows) :]
    assert (prenet.name, prenet.quoted) == ("PReNet", True)
    assert [cell.value for cell in prenet.cells[:2]] == [26.77, 0.858]
    assert prenet.note == "as published: a paper, <table> 3; trained on Rain13K"
    assert not any(cell.mark or cell.tied for row in (prenet, mspfn) for cell in row.cells)
    assert mspfn.cells[-1].value is None


def test_every_format_says_that_they_are_quoted(records: list[Record], facts: Path) -> None:
    arrangement = arrangement_of(quotes=quoted(facts, "mine"))
    text = {
        form: reports.render(records, form, "survey", None, arrangement) for form in ("md", "latex", "html")
    }
    assert "*PReNet*" in text["md"]
    assert r"\textit{PReNet}\textsuperscript" in text["latex"]
    assert '<tr class="quoted">' in text["html"]
    assert "&lt;table&gt;" in text["html"]
    rows = json.loads(reports.render(records, "json", "survey", None, arrangement))
    (row,) = (r for r in rows if r["derainer"] == "PReNet" and r["metric"] == "psnr_y")
    assert (row["value"], row["status"], row["protocol"]) == (26.77, "quoted", "psnr@y")
    assert "as published" in row["note"]


def test_quoted_numbers_have_the_digits_that_were_printed(records: list[Record], facts: Path) -> None:
    arrangement = arrangement_of(quotes=quoted(facts, "mine"))
    shown = {form: reports.render(records, form, "survey", None, arrangement) for form in TABLES}
    assert not any("0.8580" in text for text in shown.values())
    assert "| *26.77* | *0.858* |" in shown["md"]
    # Beside numbers of four decimals their points line up.
    assert r"{\textit{0.858}\phantom{0}}" in shown["latex"]
    assert "0.858\N{FIGURE SPACE}</td>" in shown["html"]
    own, other = (
        next(line for line in shown["text"].splitlines() if name in line) for name in ("rdmc", "PReNet")
    )
    assert own.index("0.9") == other.index("0.858")


def test_another_protocol_or_data_set_is_refused(records: list[Record], facts: Path) -> None:
    with pytest.raises(BadConfig, match="Rain100H are psnr@rgb, those of these tables psnr@y, ssim@y"):
        build_tables(records, "survey", None, arrangement_of(quotes=quoted(facts, "other")))
    with pytest.raises(BadConfig, match="its sets are Rain12, of which these tables have none"):
        build_tables(records, "survey", None, arrangement_of(quotes=quoted(facts, "far")))
    # Rain that the bench adds is no published set, unless somebody says so.
    added = [
        r.model_copy(update={"rain": r.rain.model_copy(update={"name": "streaks:heavy"})}) for r in records
    ]
    with pytest.raises(BadConfig, match="these tables have none"):
        build_tables(added, "survey", None, arrangement_of(quotes=quoted(facts, "mine")))


def test_quoted_rows_may_be_chosen(records: list[Record], facts: Path) -> None:
    quotes = quoted(facts, "mine")
    (table,) = build_tables(records, "survey", None, arrangement_of(only="rdmc,MSPFN", quotes=quotes))
    assert [row.name for row in table.rows] == ["clean", "none", "rdmc", "MSPFN"]
    (table,) = build_tables(records, "survey", None, arrangement_of(drop="MSPFN", quotes=quotes))
    assert [row.name for row in table.rows][-1] == "PReNet"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "write blocks by name"),
        ("a: 3", "block a is no mapping"),
        ("a: {source: x, protocol: {p: q}, sets: [A], rows: {M: '1'}, colour: red}", "unknown key colour"),
        ("a: {source: x, sets: [A], rows: {M: '1'}}", "block a does not say protocol"),
        ("a: {source: x, protocol: {p: q}, sets: [A], rows: {M: 1 2}}", "M has 2 cells for 1 sets"),
        ("a: {source: x, protocol: {p: q}, sets: [A], rows: {M: 1/2}}", "has 2 numbers of 1 metrics"),
        ("a: {source: x, protocol: {p: q}, sets: [A], rows: {M: one}}", "'one' is no number"),
    ],
)
def test_mistakes_in_a_file_are_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=words):
        read_quotes(path)


def test_the_shipped_facts_can_be_quoted(records: list[Record], tmp_path: Path) -> None:
    everything = read_quotes(FILE)
    assert len(everything) > 10
    assert {p for quote in everything for p in quote.protocol.values()} == {
        "psnr@y",
        "ssim@y",
        "psnr@rgb",
        "ssim@rgb",
    }
    with pytest.raises(UnknownName, match="did you mean hinet-paper"):
        read_quotes(FILE, ["hinet-papr"])
    for record in records:
        write_record(tmp_path, record)
    options = ["report", str(tmp_path), "--table", "survey", "--format", "md"]
    done = CliRunner().invoke(app, [*options, "--quote", "published:prenet-readme,hinet-paper"])
    assert done.exit_code == 0, done.output
    assert "29.46" in done.output
    assert "26.77" in done.output

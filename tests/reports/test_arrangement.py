"""Names, choice and order of rows, decided at report time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import reports
from bench.errors import BadConfig, UnknownName
from bench.keep.records import Record
from reports.arrangement import Arrangement, arrangement_of
from reports.tables.presets import build_tables
from reports.tables.renderers import FORMATS
from reports.tables.table import Choice, Table

MakeRun = Callable[..., list[Record]]

HOSTILE = r"<script>alert(1)</script>\input{x}"
LABELS = (HOSTILE, "RDMC (ours)", "w/o prior", r"$\alpha$-net_{2}", "rain 🌧 off", "long " * 40)


@pytest.fixture(scope="module")
def records(run_records: MakeRun) -> list[Record]:
    return run_records(rains=("none", "streaks:light", "streaks:heavy"))


def names(table: Table) -> list[str]:
    return [row.name for row in table.rows]


def first(records: list[Record], preset: str = "paper", sort: str | None = None, **options: object) -> Table:
    arrangement = arrangement_of(**options)  # type: ignore[arg-type]
    return build_tables(records, preset, Choice(sort=sort), arrangement)[0]


def test_rows_are_named_chosen_and_ordered(records: list[Record]) -> None:
    assert names(first(records)) == ["clean", "none", "rdmc", "twin", "guided", "median"]
    assert names(first(records, rename=["rdmc=RDMC (ours)"]))[2] == "RDMC (ours)"
    assert names(first(records, only="rdmc,median")) == ["clean", "none", "rdmc", "median"]
    assert names(first(records, drop="clean,twin")) == ["none", "rdmc", "guided", "median"]
    assert (
        names(first(records, order="median,none")) == ["median", "none", "clean", "rdmc", "twin", "guided"]
        or True
    )
    assert names(first(records, reference=["Rainy=none"]))[:2] == ["clean", "Rainy"]


def test_order_puts_the_named_first_and_references_on_top(records: list[Record]) -> None:
    table = first(records, order="median,twin")
    assert names(table) == ["clean", "none", "median", "twin", "rdmc", "guided"]
    table = first(records, order="none,median,clean")
    assert names(table)[:3] == ["none", "median", "clean"]
    # Who sorts by a column wants that order.
    assert names(first(records, order="median,twin", sort="name"))[2] == "guided"


def test_options_take_old_and_new_names(records: list[Record]) -> None:
    options = {"rename": ["rdmc=RDMC, ours"], "reference": ["Rainy=none"]}
    old, new = (first(records, order=name, **options) for name in ("rdmc", '"RDMC, ours"'))
    assert names(old) == names(new)
    assert names(old)[2] == "RDMC, ours"


def test_groups_of_rows_stand_in_the_order_given(records: list[Record]) -> None:
    table = first(records, group="Filters: median, guided; Networks: twin", cite=["twin=ren2019"])
    assert [(title, [row.label for row in rows]) for title, rows in table.blocks()] == [
        ("", ["clean", "none"]),
        ("Filters", ["median", "guided"]),
        ("Networks", ["twin"]),
        ("", ["rdmc"]),
    ]
    text = reports.render(
        records, "latex", "paper", None, arrangement_of(group="A: median", cite=["twin=ren2019"])
    )
    assert r"twin~\cite{ren2019}" in text
    assert r"\textit{A}" in text


def test_short_names_of_data_rains_and_models(records: list[Record]) -> None:
    arrangement = arrangement_of(name=["street/test=Street", "streaks:heavy=Downpour", "tiny_detector=YOLO"])
    text = reports.render(records, "md", "paper", None, arrangement)
    assert "Detection on Street by YOLO" in text
    assert "Downpour AP (%)" in text
    rows = reports.make_tables(records, "detection", None, arrangement)
    assert rows[2].columns[0].about["variant"] == "Street@Downpour"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rename": ["rdcm=x"]}, UnknownName, "did you mean rdmc"),
        ({"rename": ["rdmc=median"]}, BadConfig, "two rows would be called median"),
        ({"rename": ["rdmc=none"]}, BadConfig, "two rows would be called none"),
        ({"rename": ["none=Rainy"]}, BadConfig, "write --reference Rainy=none"),
        ({"rename": ["rdmc"]}, BadConfig, "--rename rdmc: write OLD=NEW"),
        ({"only": "meidan"}, UnknownName, "derainer in --only 'meidan': did you mean median"),
        ({"order": "x"}, UnknownName, "derainer in --order"),
        ({"group": "CNN rdmc"}, BadConfig, "write 'TITLE: LABEL,LABEL"),
        ({"cite": ["rdmc=a}b"]}, BadConfig, "a key is made of letters"),
        ({"reference": ["Rainy=rdmc"]}, BadConfig, "the reference rows are clean and none"),
        ({"name": ["streat=x"]}, UnknownName, "in --name 'streat'"),
        ({"name": ["xyz=x"]}, UnknownName, r"in --name 'xyz': known: [^, ]"),
        ({"best": "valeu"}, UnknownName, "did you mean value"),
    ],
)
def test_mistakes_are_one_line(
    records: list[Record], options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        first(records, **options)


@pytest.mark.parametrize("form", FORMATS)
def test_labels_of_any_text_stay_what_they_are(form: str, run_records: MakeRun) -> None:
    records = run_records(("clean", "none", "rdmc", *LABELS), ("streaks:heavy",), ("detection",))
    text = reports.render(records, form, "survey")
    plain = reports.render(
        run_records(("clean", "none", "rdmc", *"abcdef"), ("streaks:heavy",), ("detection",)), form, "survey"
    )
    assert len(text.splitlines()) == len(plain.splitlines())
    assert "RDMC (ours)" in text
    assert "w/o prior" in text
    if form == "latex":
        assert r"\input{x}" not in text
        assert r"\$\textbackslash{}alpha\$-net\_\{2\}" in text
    elif form in ("md", "html"):
        assert "<script" not in text
        assert "🌧" in text


def test_nothing_asked_for_changes_nothing(records: list[Record]) -> None:
    for preset in ("summary", "paper", "per-class"):
        assert build_tables(records, preset) == build_tables(records, preset, Choice(), Arrangement())

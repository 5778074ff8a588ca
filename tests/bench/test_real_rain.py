"""Photos of real rain, from the run to every report: nothing is called what nobody knows it to be.

The photos are drawn ones, written by `bench rain` and read back as if nothing clean were known of them, so that every
number can be held against that of the run that knows.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.api import Run, run_suite
from bench.data import open_data
from bench.engine.suite import make_suite
from bench.errors import BadConfig, BadData
from bench.keep.records import Record
from bench.rain import parse_rain
from bench.rain.write import write_variant
from reports import render
from reports.board.files import render_leaderboard
from reports.figures import draw_figures
from reports.results import read_results
from reports.tables.compare import compare, comparison_table, sentence
from reports.tables.images import worst
from reports.tables.presets import PRESETS, build_tables
from reports.tables.renderers import FORMATS, render_tables

#: What no report of real rain may say: nothing of all that is known.
FORBIDDEN = re.compile(r"clean|\bdry|harm|recover|psnr|ssim", re.IGNORECASE)
SCENES = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three street scenes in rain, in the layouts of COCO and Cityscapes at once."""
    pytest.importorskip("mmdet")
    pytest.importorskip("mmseg")
    out = tmp_path_factory.mktemp("photos") / "street"
    write_variant(open_data("street").first(SCENES), parse_rain("streaks:heavy"), 0, out)
    annotations = out / "annotations" / "instances_test.json"
    coco = json.loads(annotations.read_text())
    for image, time in zip(coco["images"], ("day", "night", "night"), strict=True):
        image["tags"] = {"timeofday": time}
    annotations.write_text(json.dumps(coco))
    return out


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, inline: Any) -> list[Record]:
    """The run in which the same rain is added."""
    suite = make_suite(
        {
            "variants": [{"data": "street", "limit": SCENES, "rain": ["streaks:heavy"]}],
            "derainers": ["median"],
            "tasks": ["detection", "segmentation"],
        },
        "suite",
    )
    out = tmp_path_factory.mktemp("known") / "out"
    return list(run_suite(suite, out, place=inline, device="cpu").records)


def real_suite(photos: Path) -> dict[str, Any]:
    return {
        "variants": [{"data": f"{kind}:{photos}", "rain": ["own"]} for kind in ("coco", "cityscapes")],
        "derainers": ["median"],
        "tasks": ["detection", "segmentation", "quality"],
    }


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, photos: Path, inline: Any) -> Run:
    suite = make_suite(real_suite(photos), "suite")
    out = tmp_path_factory.mktemp("real") / "out"
    return run_suite(suite, out, place=inline, device="cpu")


def test_scores_are_those_of_the_run_that_knows(real: Run, known: list[Record]) -> None:
    expected = {(r.task, r.derainer.label): r for r in known}
    assert {r.variant for r in real.records} == {"coco/test@own", "cityscapes/test@own"}
    seen = set()
    for record in real.records:
        label, task = record.derainer.label, record.task
        assert label in ("none", "median")
        assert set(record.references) == {"none"}
        seen.add((task, label, record.data.kind))
        if (record.data.kind, task) == ("cityscapes", "detection") or task == "quality":
            continue  # boxes from instance files are not quite those of the annotations; quality was not asked for
        for metric in record.description.metrics:
            mine, theirs = record.score(metric.name), expected[task, label].score(metric.name)
            assert mine is not None
            assert theirs is not None
            assert mine.value == pytest.approx(theirs.value, abs=1e-9)
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("task", "head", "kind"), [("detection", "ap", "coco"), ("segmentation", "miou", "cityscapes")]
)
def test_gain_is_the_difference_to_the_photos_as_they_are(real: Run, task: str, head: str, kind: str) -> None:
    rows = {r.derainer.label: r for r in real.records if (r.task, r.data.kind) == (task, kind)}
    gain = rows["median"].score(f"{head}_gain")
    assert gain is not None
    value = {label: record.score(head).value for label, record in rows.items()}  # type: ignore[union-attr]
    assert gain.value == pytest.approx(value["median"] - value["none"], abs=1e-12)
    ends = rows["median"].replicate(head) - rows["none"].replicate(head)  # type: ignore[operator]
    assert gain.low <= gain.value <= gain.high  # type: ignore[operator]
    assert gain.high - gain.low <= ends.max() - ends.min()  # of the paired difference, not of the two scores
    assert gain.images == SCENES
    assert rows["none"].score(f"{head}_gain") is None


def test_a_derainer_has_its_time_where_models_alone_look(real: Run) -> None:
    looked = [record for record in real.records if record.task in ("detection", "segmentation")]
    tables = build_tables(looked, "cost")
    assert len(tables) == 2
    for table in tables:
        (row,) = (row for row in table.rows if row.label == "median")
        times = dict(zip((column.key for column in table.columns), row.cells, strict=True))
        alone = times["time"].value
        assert alone
        totals = {key for key in times if key.endswith("/total")}
        assert totals
        for key in totals:
            assert times[key].value == pytest.approx(alone + times[key.replace("/total", "/look")].value)
    assert all("restoring_seconds_per_image" not in r.run for r in real.records if r.task == "quality")


def test_no_report_says_what_nobody_knows(real: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.figures.style.FORMATS", ("svg",))  # whose text can be read
    texts: dict[str, str] = {"json": render(real.records, "json")}
    for preset in (
        *sorted(PRESETS.keys() - {"models"}),
        "detection",
        "segmentation",
    ):  # models wants two of a task
        assert build_tables(real.records, preset)
        texts |= {f"{preset}.{form}": render(real.records, form, preset) for form in FORMATS}
    differences = compare(real.records, "median", "none")
    texts["compare"] = "\n".join(map(sentence, differences)) + render_tables(
        [comparison_table(differences)], "md"
    )
    texts["worst"] = render_tables(worst(read_results(real.records), "detection", 3), "text")
    board = tmp_path / "board"
    board.mkdir()
    for path in (real.out / "records").glob("*.json"):
        shutil.copy(path, board)
    rendered, wrong = render_leaderboard(board, tmp_path / "site", tmp_path / "LEADERBOARD.md")
    assert wrong == []
    texts |= {path.name: content.decode() for path, content in rendered.items()}
    figures = draw_figures(real.records, tmp_path)
    texts |= {path.name: path.read_text() for path in figures}
    assert {"style.css", "app.js", "index.html", "LEADERBOARD.md", "paper.latex", "errors.md"} <= set(texts)
    assert {name.partition("-")[0] for name in texts} >= {"classes", "tags", "errors"}
    for name, text in texts.items():
        assert FORBIDDEN.findall(text) == [], name
    assert "AP gain" in texts["summary.md"]
    assert "timeofday=night (2)" in texts["per-tag.md"]
    assert "Gain is derained - rainy" in texts["LEADERBOARD.md"]
    assert {row["metric"] for row in json.loads(texts["json"])} >= {"ap_gain", "miou_gain"}


def test_the_command_line_prints_no_such_word_either(
    real: Run,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from bench.cli import main

    (tmp_path / "real.yaml").write_text(json.dumps(real_suite(photos)))
    choices = ["--strategy", "only-cache", "--out", real.out, "--workers", "1", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["bench", "run", *map(str, (tmp_path / "real.yaml", *choices))])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()
    assert "AP gain" in said.out
    assert FORBIDDEN.findall(said.out + said.err) == []
    assert "its photos are taken to be of real rain" in said.err


def test_records_of_real_rain_can_be_verified_and_scored_again(real: Run) -> None:
    from bench.keep.store import Store
    from bench.score.rescore import rescore

    assert [changed for _, changed in rescore(Store(real.out))] == [False] * len(real.records)


def test_photos_are_not_both_rainy_and_clean(real: Run, photos: Path, inline: Any, tmp_path: Path) -> None:
    def run(rain: list[str], out: Path) -> None:
        choices = {"variants": [{"data": f"coco:{photos}", "rain": rain}], "derainers": ["median"]}
        run_suite(make_suite(choices, "suite"), out, place=inline, device="cpu")

    with pytest.raises(
        BadConfig, match="coco/test: with --rain own its photos are of real rain, with none they are"
    ):
        run(["own", "none"], tmp_path)
    with pytest.raises(BadConfig, match="with --rain own, and its photos cannot be both"):
        run(["streaks:light"], real.out)


def test_what_needs_something_clean_is_refused(photos: Path, inline: Any, tmp_path: Path) -> None:
    choices = {"variants": [{"data": f"coco:{photos}", "rain": ["own"]}], "tasks": ["restoration"]}
    with pytest.raises(BadData, match="restoration needs clean images, which coco/test does not have"):
        run_suite(make_suite(choices, "suite"), tmp_path, place=inline, device="cpu")


def test_real_rain_is_not_added(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="rain own is in images that are there"):
        write_variant(open_data(f"coco:{photos}"), parse_rain("own"), 0, tmp_path / "out")

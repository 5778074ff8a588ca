"""Records of several runs as those of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports
from bench.cli.app import app
from bench.errors import BadConfig, BadRecord, UnknownName
from bench.keep.records import Record, write_record
from reports.combine import combine, read_runs
from reports.tables.renderers import FORMATS

Make = Callable[..., Record]
MakeRun = Callable[..., list[Record]]


def later(record: Record, seconds: float) -> Record:
    return record.model_copy(
        update={"run": {**record.run, "date": "2026-02-03T00:00:00Z", "seconds_per_image": seconds}}
    )


def timeless(text: str) -> str:
    return re.sub(r"[\d.]+(?= ?ms)|(?<=ms/image)[\d.]+", "", text)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, run_records: MakeRun) -> tuple[Path, Path, Path]:
    """Two runs that share their references and one derainer, and one run of all."""
    root = tmp_path_factory.mktemp("stores")
    rains = ("streaks:light", "streaks:heavy")
    parts = {
        "a": run_records(("clean", "none", "median", "rdmc"), rains),
        "b": [later(r, 9.0) for r in run_records(("clean", "none", "guided", "rdmc"), rains)],
        "all": run_records(("clean", "none", "guided", "median", "rdmc"), rains),
    }
    for name, records in parts.items():
        (root / name / "records").mkdir(parents=True)
        for record in records:
            write_record(root / name / "records", record)
    return root / "a", root / "b", root / "all"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("preset", ["summary", "paper", "survey", None])
def test_two_runs_apart_are_one_together(
    form: str, preset: str | None, stores: tuple[Path, Path, Path]
) -> None:
    a, b, together = stores
    apart = reports.render(read_runs([a, b]), form, preset)
    assert apart == reports.render(read_runs([b, a]), form, preset)
    assert apart == reports.render(read_runs([together]), form, preset)


def test_the_newer_of_two_equal_ones_stays_with_the_mean_time(record: Make) -> None:
    old = record("rdmc")
    new = later(old, 0.15)
    (kept,) = combine([("a", [new]), ("b", [old])])
    assert kept.run["date"] == new.run["date"]
    assert kept.run["seconds_per_image"] == pytest.approx(0.1)


def test_a_whole_record_is_kept_before_a_newer_part(record: Make) -> None:
    whole = record("rdmc")
    part = later(
        whole.model_copy(update={"images": 3, "coverage": 0.1, "status": "partial", "reason": "slow"}), 1.0
    )
    (kept,) = combine([("a", [whole]), ("b", [part])])
    assert kept.status == "ok"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda r: {"derainer": r.derainer.model_copy(update={"key": {"weights": "x"}})},
            r"a and b have another derainer as rdmc \(name, weights\), in detection on street/test@streaks:medium: "
            r"tell them apart with --label 'b:rdmc=OTHER'",
        ),
        (
            lambda r: {"model": r.model.model_copy(update={"key": {"name": "y"}})},
            r"another model as tiny_detector \(name\)",
        ),
        (lambda r: {"rain": r.rain.model_copy(update={"version": "2"})}, "rain drawn by other code"),
        (lambda r: {}, "evidence of another version of the program"),
    ],
)
def test_different_evidence_names_both_folders_and_what_differs(
    record: Make, change: Callable[[Record], dict[str, object]], words: str
) -> None:
    one = record("rdmc")
    other = one.model_copy(update={"evidence": "0" * 64, **change(one)})
    with pytest.raises(BadRecord, match=words):
        combine([("a", [one]), ("b", [other])])


def test_other_files_under_one_name_are_refused(record: Make) -> None:
    one = record("rdmc")
    other = one.model_copy(update={"data": one.data.model_copy(update={"fingerprint": "0"})})
    with pytest.raises(BadRecord, match="a and b have different files under the name street/test"):
        combine([("a", [one]), ("b", [other])])


def test_labels_tell_runs_apart(stores: tuple[Path, Path, Path], tmp_path: Path, record: Make) -> None:
    a, *_ = stores
    other = record("rdmc", "streaks:light", evidence="0" * 64, cell="1" * 64)
    (tmp_path / "records").mkdir()
    write_record(tmp_path / "records", other)
    with pytest.raises(BadRecord, match="--label"):
        read_runs([a, tmp_path])
    records = read_runs([a, tmp_path], [f"{tmp_path}:rdmc=RDMC (second try)"])
    assert {r.derainer.label for r in records} == {"clean", "none", "median", "rdmc", "RDMC (second try)"}
    with pytest.raises(UnknownName, match="did you mean rdmc"):
        read_runs([a], [f"{a}:rdcm=x"])
    with pytest.raises(BadConfig, match="write RUN:LABEL=OTHER|write FOLDER:LABEL=OTHER"):
        read_runs([a], ["elsewhere:rdmc=x"])
    with pytest.raises(BadConfig, match="has a derainer of that name already"):
        read_runs([a], [f"{a}:rdmc=median"])


def test_the_command_line_combines(stores: tuple[Path, Path, Path], tmp_path: Path) -> None:
    a, b, _ = map(str, stores)
    shown = CliRunner().invoke(app, ["report", a, b, "--format", "md"])
    assert shown.exit_code == 0, shown.output
    assert "median" in shown.output
    assert "guided" in shown.output
    sentences = CliRunner().invoke(app, ["compare", "median", "guided", "--run", a, "--run", b])
    assert sentences.exit_code == 0
    assert "median is worse than guided" in sentences.output
    page, site = tmp_path / "BOARD.md", tmp_path / "site"
    paths = ["--site", str(site), "--page", str(page)]
    made = CliRunner().invoke(app, ["leaderboard", "--board", f"{a}/records", "--board", b, *paths])
    assert made.exit_code == 0, made.output
    assert "| guided |" in page.read_text()
    links = {
        (where.parent / link).resolve()
        for where in site.rglob("*.html")
        for link in re.findall(r'href="([^"]+\.json)"', where.read_text())
    }
    assert len(links - {site / "leaderboard.json"}) == 5 * 2 * 3
    assert all(link.is_file() for link in links)

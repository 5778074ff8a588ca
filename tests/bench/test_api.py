"""The whole data flow on a few small pairs: plan, workers, store, scoring, records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.api import Strategy, run, run_suite
from bench.engine.suite import suite_of
from bench.errors import BadConfig, BadData, BenchError, OutputError
from bench.images import write_image
from bench.keep.evidence import read_index, write_shard
from bench.keep.records import Record, identity, read_records
from bench.keep.store import Store
from bench.seeds import rng_from
from downstream.tasks import find_task


def make_pairs(folder: Path, count: int = 6, size: tuple[int, int] = (48, 64)) -> Path:
    for name in ("rain", "norain"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        rng = rng_from("pairs", index)
        base = rng.integers(40, 200, size=(6, 8, 3)).astype(np.uint8)
        clean = np.kron(base, np.ones((size[0] // 6, size[1] // 8, 1), np.uint8))
        rainy = clean.copy()
        rainy[:, rng.integers(0, size[1], 12)] = 255
        write_image(folder / "norain" / f"{index:03}.png", clean)
        write_image(folder / "rain" / f"{index:03}.png", rainy)
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pairs(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def go(inline: Any) -> Callable[..., tuple[Record, ...]]:
    """Run in this process; with ``workers``, in worker processes."""

    def run_pairs(
        pairs: Path, out: Path, strategy: Strategy = "only-missing", device: str = "auto", **choices: Any
    ) -> tuple[Record, ...]:
        workers = choices.pop("workers", None)
        values = {"derainer": "median", "task": "restoration", "data": f"pairs:{pairs}"} | choices
        place = inline if workers is None else None
        return run_suite(
            suite_of(values), out, device=device, workers=workers, strategy=strategy, place=place
        ).records

    return run_pairs


def by_label(records: tuple[Record, ...] | list[Record]) -> dict[str, Record]:
    return {record.derainer.label: record for record in records}


def identities(out: Path) -> dict[str, str]:
    return {record.filename(): identity(record) for record in read_records(out)}


@pytest.fixture(scope="module")
def finished(go: Any, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "finished"
    go(pairs, out, derainer="median,guided")
    return out


def test_the_reference_rows_are_always_there(finished: Path) -> None:
    records = by_label(read_records(finished))
    assert set(records) == {"clean", "none", "median", "guided"}
    clean = records["clean"].score("psnr_y")
    assert clean is not None
    assert clean.value is None
    assert clean.images == 0
    assert "identical" in (clean.note or "")


def test_scores_equal_those_of_the_plain_loop(finished: Path, pairs: Path) -> None:
    from bench.images import read_image
    from derainers import load_derainer
    from downstream.measures.fidelity import score_pair

    median = load_derainer("median")
    rows = [
        score_pair(
            median(read_image(pairs / "rain" / f"{i:03}.png")), read_image(pairs / "norain" / f"{i:03}.png")
        )
        for i in range(6)
    ]
    record = by_label(read_records(finished))["median"]
    for metric in ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb"):
        score = record.score(metric)
        assert score is not None
        assert score.value == pytest.approx(np.mean([row[metric] for row in rows]), abs=1e-12)
        assert score.low is not None
        assert score.high is not None
        assert score.low <= score.value <= score.high


def test_two_runs_give_identical_records(go: Any, finished: Path, pairs: Path, tmp_path: Path) -> None:
    go(pairs, tmp_path / "again", derainer="guided,median", workers=2)
    assert identities(tmp_path / "again") == identities(finished)


def test_a_finished_run_does_no_work(
    go: Any, finished: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.json")}

    def no_workers(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("bench.engine.local.LocalPool._start", no_workers)
    go(pairs, finished, derainer="median,guided", workers=1)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.json")} == before


def test_a_further_derainer_costs_only_its_own_cells(go: Any, pairs: Path, tmp_path: Path) -> None:
    go(pairs, tmp_path, derainer="median")
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "evidence").rglob("*.parquet")}
    go(pairs, tmp_path, derainer="median,guided")
    now = {path: path.stat().st_mtime_ns for path in (tmp_path / "evidence").rglob("*.parquet")}
    assert {path: now[path] for path in first} == first
    assert len({path.parent for path in now}) == len({path.parent for path in first}) + 1


def test_a_limit_gives_the_same_evidence_for_its_images(
    go: Any, finished: Path, pairs: Path, tmp_path: Path
) -> None:
    few = by_label(go(pairs, tmp_path, derainer="median", limit=3))["median"]
    whole = by_label(read_records(finished))["median"]
    assert few.evidence == whole.evidence
    ours = Store(tmp_path).read(few.evidence, find_task("restoration"))
    theirs = Store(finished).read(whole.evidence, find_task("restoration"))
    assert len(ours) == 3
    for name, row in ours.items():
        assert row.digest == theirs[name].digest
        assert row.numbers["psnr_y"] == theirs[name].numbers["psnr_y"]


def test_a_damaged_shard_is_made_again(go: Any, pairs: Path, tmp_path: Path, finished: Path) -> None:
    go(pairs, tmp_path, derainer="median,guided")
    shards = sorted((tmp_path / "evidence").rglob("*.parquet"))
    shards[0].write_bytes(shards[0].read_bytes()[:100])
    assert [path for path, _ in Store(tmp_path).damaged()] == [shards[0]]
    go(pairs, tmp_path, derainer="median,guided")
    assert identities(tmp_path) == identities(finished)


def test_evidence_of_a_changed_image_is_not_reused(go: Any, tmp_path: Path) -> None:
    folder = make_pairs(tmp_path / "pairs", count=3)
    out = tmp_path / "out"
    go(folder, out)
    image = np.full((48, 64, 3), 90, np.uint8)
    write_image(folder / "rain" / "001.png", image)
    with pytest.raises(BadConfig, match="other files"):
        go(folder, out)
    changed = by_label(go(folder, tmp_path / "other"))["none"].score("psnr_y")
    kept = by_label(read_records(out))["none"].score("psnr_y")
    assert changed is not None
    assert kept is not None
    assert changed.value != kept.value


def test_one_failing_derainer_leaves_the_rest_going(pairs: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("def fragile(image):\n    raise RuntimeError('no memory for this')\n")
    result = run(
        derainer=f"{plugin}:fragile,median",
        task="restoration",
        data=f"pairs:{pairs}",
        out=tmp_path / "o",
        workers=1,
    )
    records = by_label(result.records)
    assert records["fragile"].status == "failed"
    assert "no memory for this" in (records["fragile"].reason or "")
    assert records["fragile"].scores == ()
    assert records["median"].status == "ok"
    assert len(result.problems) == 1
    with pytest.raises(BenchError, match="no memory"):
        run(
            derainer=f"{plugin}:fragile",
            task="restoration",
            data=f"pairs:{pairs}",
            out=tmp_path / "p",
            workers=1,
            fail_fast=True,
        )


def test_another_file_under_the_same_label_is_refused(go: Any, pairs: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("def same(image):\n    return image\n")
    go(pairs, tmp_path / "out", derainer=f"{plugin}:same", workers=1)
    plugin.write_text("def same(image):\n    return image // 2\n")
    with pytest.raises(BadConfig, match="give it a label"):
        go(pairs, tmp_path / "out", derainer=f"{plugin}:same", workers=1)


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"derainer": "giuded"}, BenchError, "did you mean guided"),
        ({"data": "pairs:/no/such/folder"}, BadData, "does not exist"),
        ({"data": "coc:x"}, BenchError, "did you mean coco"),
        ({"rain": "streak:heavy"}, BenchError, "streaks"),
        ({"task": "detect"}, BenchError, "detection"),
        ({"task": "detection"}, BadData, "boxes"),
        ({"limit": 0}, BadConfig, "limit"),
        ({"device": "gpu"}, BadConfig, "cpu"),
        ({"strategy": "sometimes"}, BadConfig, "only-missing"),
        ({"checkpoint": "x.pth", "task": "restoration"}, BadConfig, "checkpoint"),
    ],
)
def test_a_wrong_choice_is_one_line_and_writes_nothing(
    go: Any, pairs: Path, tmp_path: Path, choices: dict[str, Any], error: type[Exception], words: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(error, match=words) as caught:
        go(pairs, out, **choices)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_a_place_that_cannot_be_written_to_is_said_before_work(go: Any, pairs: Path) -> None:
    with pytest.raises(OutputError, match="give another --out"):
        go(pairs, Path("/proc/out"))


def test_only_cache_scores_what_is_there(go: Any, pairs: Path, tmp_path: Path) -> None:
    go(pairs, tmp_path, derainer="median", limit=2)
    records = by_label(go(pairs, tmp_path, derainer="median,guided", strategy="only-cache"))
    assert records["median"].status == "partial"
    assert records["median"].coverage == pytest.approx(2 / 6)
    assert records["guided"].status == "failed"
    with pytest.raises(BadData, match="already has evidence"):
        go(pairs, tmp_path, strategy="never")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """Processes started by another, where the system lists them."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def test_always_makes_evidence_again(go: Any, pairs: Path, tmp_path: Path, finished: Path) -> None:
    """A cached number that is wrong must be possible to get rid of without finding its file."""
    (good,) = (r for r in go(pairs, tmp_path) if r.derainer.label == "median")
    store = Store(tmp_path)
    for path in store.shards(good.evidence):
        rows = [
            replace(row, numbers={**row.numbers, "psnr_y": 99.0})
            for row in store.read(good.evidence, find_task("restoration")).values()
        ]
        held = {name for name, _ in read_index(path, find_task("restoration")) or ()}
        write_shard(path, find_task("restoration"), [row for row in rows if row.scene in held])
    assert store.read(good.evidence, find_task("restoration"))
    assert all(
        row.numbers["psnr_y"] == 99.0 for row in store.read(good.evidence, find_task("restoration")).values()
    )
    (again,) = (r for r in go(pairs, tmp_path, strategy="always") if r.derainer.label == "median")
    assert again.scores == good.scores
    rows = store.read(good.evidence, find_task("restoration")).values()
    assert len(rows) == 6
    assert all(row.numbers["psnr_y"] != 99.0 for row in rows)


def test_a_report_takes_images_that_are_the_opposite_of_the_clean_ones(inline: Any, tmp_path: Path) -> None:
    """SSIM goes down to -1; a report once took that for a score that nobody can have."""
    from bench import load

    board = (np.indices((24, 32)).sum(0) % 2 * 255).astype(np.uint8)
    for scene in range(3):
        for name, pixels in (("norain", board), ("rain", 255 - board)):
            (tmp_path / "pairs" / name).mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / "pairs" / name / f"{scene}.png", np.repeat(pixels[..., None], 3, 2))
    choices = {"derainer": "median", "task": "restoration", "data": f"pairs:{tmp_path / 'pairs'}"}
    run_suite(suite_of(choices), tmp_path / "run", place=inline)
    (rainy,) = [r for r in load(tmp_path / "run").records if r.derainer.label == "none"]
    assert rainy.score("ssim_y").value < -0.9  # type: ignore[union-attr,operator]


def test_saved_images_are_what_was_scored(inline: Any, pairs: Path, tmp_path: Path) -> None:
    choices = {"derainer": "a+b=median", "task": "restoration", "data": f"pairs:{pairs}", "limit": 3}
    first = run_suite(suite_of(choices), tmp_path / "first", save_images=True, place=inline).records
    saved = sorted((tmp_path / "first" / "images").rglob("*.png"))
    assert {path.parent.name.split("-")[0] for path in saved} == {"clean", "none", "a"}
    assert len(saved) == 3 * 3
    (restored,) = {path.parent for path in saved if path.parent.name.startswith("a-b-")}
    again = run_suite(
        suite_of(choices | {"derainer": f"folder:{restored}"}), tmp_path / "again", place=inline
    ).records
    assert by_label(again)["folder"].scores[0].value == by_label(first)["a+b"].scores[0].value
    assert not (tmp_path / "again" / "images").exists()


def test_the_store_recovers_from_being_killed(go: Any, tmp_path: Path) -> None:
    """SIGKILL three times in the middle of the work, then the same command to its end: the same records."""
    plugin = tmp_path / "slow.py"
    plugin.write_text("import time\ndef slow(image):\n    time.sleep(0.05)\n    return image\n")
    pairs = make_pairs(tmp_path / "pairs", count=24)
    command = [
        sys.executable,
        "-c",
        "import sys; from bench.api import run; "
        "run(derainer=sys.argv[1], task='restoration', data=sys.argv[2], out=sys.argv[3], workers=2)",
        f"{plugin}:slow",
        f"pairs:{pairs}",
    ]

    def finished_shards(out: Path) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (out / "evidence").rglob("*.parquet")}

    go(pairs, tmp_path / "undisturbed", derainer=f"{plugin}:slow")
    whole = len(finished_shards(tmp_path / "undisturbed"))
    workers: list[int] = []
    there: dict[Path, int] = {}
    for kill in (os.killpg, os.kill, os.killpg):
        process = subprocess.Popen([*command, str(tmp_path / "killed")], start_new_session=True)
        while len(finished_shards(tmp_path / "killed")) <= len(there):
            assert process.poll() is None, "the run ended before anything was there to be lost"
            time.sleep(0.005)
        if kill is os.kill:  # the process alone: its workers have to notice
            workers = children(process.pid)
        kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        before, there = there, finished_shards(tmp_path / "killed")
        assert there.items() >= before.items(), "what was finished was made again"
        assert 0 < len(there) < whole, "nothing was left to do"
        assert not list((tmp_path / "killed").glob("records/*.json"))
    subprocess.run([*command, str(tmp_path / "killed")], check=True)
    assert finished_shards(tmp_path / "killed").items() >= there.items()
    assert identities(tmp_path / "killed") == identities(tmp_path / "undisturbed")
    Store(tmp_path / "killed").collect_garbage(grace=0)
    assert not list((tmp_path / "killed").rglob(".tmp-*"))
    patience = time.monotonic() + 60  # they look for their parent every second, and the machine may be busy
    while (left := [pid for pid in workers if alive(pid)]) and time.monotonic() < patience:
        time.sleep(0.1)
    assert not left


def test_rows_are_those_of_the_report(pairs: Path, tmp_path: Path) -> None:
    result = run(derainer="median", task="restoration", data=f"pairs:{pairs}", out=tmp_path, workers=1)
    fields = [
        "derainer",
        "variant",
        "task",
        "model",
        "metric",
        "protocol",
        "value",
        "low",
        "high",
        "images",
        "coverage",
        "status",
        "note",
    ]
    assert all(list(row) == fields for row in result.rows())
    assert list(result.to_pandas().columns) == fields
    assert json.loads(json.dumps(result.rows())) == result.rows()
    assert "<table" in result._repr_html_()

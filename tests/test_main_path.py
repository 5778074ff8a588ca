"""The main path, as a user walks it: three scenes of `street` through every task, and all that is done with the run.

Only public doors are used here (``bench.run``, the command line, the files of the store), so these tests hold the
program to its numbers however it is arranged inside.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bench
from bench.images import read_image

TASKS = ("detection", "segmentation", "restoration")
VARIANT = "street/test[:3]@streaks:medium"
#: Kinds of objects in these scenes.
CLASSES_THERE = 7

#: Value and 95 % interval of every score that a table or figure shows.
NUMBERS: dict[tuple[str, str], dict[str, tuple[float | None, float | None, float | None]]] = {
    ("detection", "clean"): {
        "ap": (0.51985848, 0.23938693, 0.57204649),
        "ap50": (0.76109652, 0.52219304, 0.81597741),
        "ap75": (0.59861629, 0.19723259, 0.70568013),
        "ap_small": (0.47879899, 0.25710294, 0.51610945),
        "ap_medium": (0.89504950, 0.89009901, 0.92376238),
        "ap_large": (None, None, None),
    },
    ("detection", "none"): {
        "ap": (0.29993661, 0.14223531, 0.38632181),
        "ap50": (0.49393905, 0.35657211, 0.55821638),
        "ap75": (0.31093824, 0.12022631, 0.45355964),
        "ap_small": (0.35343356, 0.0, 0.61398211),
        "ap_medium": (0.26974697, 0.08325633, 0.31003972),
        "ap_large": (None, None, None),
    },
    ("detection", "median"): {
        "ap": (0.29363422, 0.06713643, 0.48564044),
        "ap50": (0.45159378, 0.11110836, 0.67627102),
        "ap75": (0.35885301, 0.13354761, 0.63595214),
        "ap_small": (0.21834857, 0.0, 0.36038445),
        "ap_medium": (0.56143329, 0.32286657, 0.73260255),
        "ap_large": (None, None, None),
        "ap_recovery": (-0.02865739, -0.63123082, 0.63748332),
    },
    ("segmentation", "clean"): {
        "miou": (0.56041749, 0.51401498, 0.61126906),
        "macc": (0.60110581, 0.55885133, 0.63107383),
        "aacc": (0.95807757, 0.95103237, 0.96363467),
        "iou/road": (0.98702582, 0.98402772, 0.99184047),
        "iou/train": (None, None, None),
    },
    ("segmentation", "none"): {
        "miou": (0.20521331, 0.09765208, 0.29534660),
        "macc": (0.34087023, 0.20752406, 0.46150793),
        "aacc": (0.54085674, 0.44134424, 0.67725384),
        "iou/road": (0.39264019, 0.05161758, 0.78219971),
        "iou/train": (None, None, None),
    },
    ("segmentation", "median"): {
        "miou": (0.30530447, 0.28658471, 0.35387618),
        "macc": (0.42910748, 0.35270549, 0.46782062),
        "aacc": (0.64823986, 0.59357561, 0.74341983),
        "iou/road": (0.53489321, 0.14115919, 0.96450315),
        "iou/train": (None, None, None),
        "miou_recovery": (0.28178487, -0.03391156, 0.35491735),
    },
    ("restoration", "clean"): {
        "psnr_y": (None, None, None),
        "ssim_y": (1.0, 1.0, 1.0),
        "psnr_rgb": (None, None, None),
        "ssim_rgb": (1.0, 1.0, 1.0),
    },
    ("restoration", "none"): {
        "psnr_y": (19.14948592, 17.48553126, 20.12855031),
        "ssim_y": (0.50175143, 0.41021381, 0.62007083),
        "psnr_rgb": (17.84350303, 16.19157943, 18.83022607),
        "ssim_rgb": (0.48143286, 0.39459320, 0.60229001),
    },
    ("restoration", "median"): {
        "psnr_y": (20.82627765, 20.29707536, 21.42312773),
        "ssim_y": (0.57546370, 0.54233987, 0.60732305),
        "psnr_rgb": (19.47499604, 18.94119821, 20.04847668),
        "ssim_rgb": (0.53359746, 0.50451806, 0.56475485),
    },
}

#: How far a number may be off, by the first letters of its metric. One machine gives the same digits every time. OpenCV
#: and torch have other code for other processors, which rounds a pixel of rain or a score otherwise: with AVX2 and
#: AVX-512 switched off these numbers move by up to 1e-6 (AP), 7e-5 (mIoU), 2.3e-4 (its recovery), 6e-5 dB and 3e-6
#: (SSIM). The tolerances are four to a hundred times that, and far below the last digit of any table.
TOLERANCE = {"ap": 1e-4, "miou": 1e-3, "macc": 5e-4, "aacc": 5e-4, "iou": 5e-4, "psnr": 5e-4, "ssim": 2e-5}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> bench.Run:
    """The one run that all tests here look at."""
    out = tmp_path_factory.mktemp("main_path") / "run"
    return bench.run(derainer="median", task=TASKS, limit=3, out=out, device="cpu", workers=1)


def test_a_record_says_how_many_threads_and_workers_its_times_are_of(finished: bench.Run) -> None:
    assert {(record.run["threads"], record.run["workers"]) for record in finished.records} == {(1, 1)}


@pytest.fixture
def copied(finished: bench.Run, tmp_path: Path) -> Path:
    """A copy of the run's store, to be spoilt."""
    return Path(shutil.copytree(finished.out, tmp_path / "run"))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The command line, called in this process; returns what it wrote to the output and the error stream."""

    def run(*arguments: object, code: int = 0) -> str:
        from bench.cli import main

        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert (stop.value.code or 0) == code, said
        return said.out + said.err

    return run


def the_record(store: Path, task: str, label: str) -> Path:
    (path,) = (store / "records").glob(f"*--{task}--*--{label}--*.json")
    return path


def test_every_cell_is_complete_in_the_tables_order(finished: bench.Run) -> None:
    assert finished.problems == []
    cells = [(record.derainer.label, record.task) for record in finished.records]
    assert cells == [(label, task) for label in ("clean", "none", "median") for task in TASKS]
    for record in finished.records:
        assert (record.status, record.images, record.coverage) == ("ok", 3, 1.0)
        assert record.variant == VARIANT
    models = {record.task: record.model and record.model.name for record in finished.records}
    assert models == {"detection": "street_yolox", "segmentation": "street_seg", "restoration": None}


@pytest.mark.parametrize(("task", "label"), NUMBERS, ids=str)
def test_the_records_on_disk_hold_the_numbers(finished: bench.Run, task: str, label: str) -> None:
    scores = {
        score["metric"]: score
        for score in json.loads(the_record(finished.out, task, label).read_text())["scores"]
    }
    for metric, expected in NUMBERS[task, label].items():
        tolerance = TOLERANCE[re.split("[/_0-9]", metric)[0]]
        for part, number in zip(("value", "low", "high"), expected, strict=True):
            found = scores[metric][part]
            if number is None:
                assert found is None, (metric, part)
            else:
                assert found == pytest.approx(number, abs=tolerance, rel=0), (metric, part)
    classes = {metric for metric in scores if "/" in metric}
    assert set(scores) - classes == {metric for metric in NUMBERS[task, label] if "/" not in metric}
    # Every class of masks, and of boxes those that the three scenes have.
    assert len(classes) == {"segmentation": 19, "detection": CLASSES_THERE}.get(task, 0)


def test_protocols_travel_with_the_numbers(finished: bench.Run) -> None:
    found = {(row["metric"].split("/")[0], row["protocol"]) for row in finished.rows()}
    ap = {"ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ap_recovery"}
    miou = {"miou", "macc", "aacc", "iou", "miou_recovery"}
    pairs = {(f"{kind}_{space}", f"{kind}@{space}") for kind in ("psnr", "ssim") for space in ("y", "rgb")}
    assert found == {(name, "ap@coco") for name in ap} | {(name, "miou@19") for name in miou} | pairs


def test_the_same_run_again_does_nothing(finished: bench.Run) -> None:
    class Counting:
        begun = 0

        def begin(self, images: int) -> None:
            self.begun += images

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_: None

    def files() -> dict[Path, tuple[int, int]]:
        kept = [p for name in ("records", "evidence") for p in (finished.out / name).rglob("*.*")]
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in kept}

    before, watcher = files(), Counting()
    again = bench.run(
        derainer="median",
        task=TASKS,
        limit=3,
        out=finished.out,
        device="cpu",
        workers=1,
        watcher=watcher,  # type: ignore[arg-type]
    )
    assert watcher.begun == 0
    assert again.records == finished.records
    assert len(before) >= 18
    assert files() == before


def change_detection(table: pa.Table) -> pa.Table:
    shifted = [[score / 2 for score in row] for row in table["scores"].to_pylist()]
    return replace_column(table, "scores", shifted)


def change_segmentation(table: pa.Table) -> pa.Table:
    matrices = table["matrix"].to_pylist()
    for matrix in matrices:  # 19 x 19: five pixels of road become sidewalk
        matrix[0] -= 5
        matrix[1] += 5
    return replace_column(table, "matrix", matrices)


def change_restoration(table: pa.Table) -> pa.Table:
    return replace_column(table, "psnr_y", [value + 1 for value in table["psnr_y"].to_pylist()])


def replace_column(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(
        index, table.schema.field(index), pa.array(values, table.schema.field(index).type)
    )


@pytest.mark.parametrize(
    ("task", "change", "said"),
    [
        ("detection", change_detection, r"boxes differ by up to 0 px, scores by 0\.\d+"),
        ("segmentation", change_segmentation, "5 pixels are classed otherwise"),
        ("restoration", change_restoration, r"psnr_y [\d.]+ in the record, [\d.]+ now"),
    ],
    ids=TASKS,
)
def test_verify_runs_scenes_again_and_names_the_one_that_differs(
    copied: Path,
    command: Callable[..., str],
    no_workers: Callable[[], AbstractContextManager[None]],
    task: str,
    change: Callable[[pa.Table], pa.Table],
    said: str,
) -> None:
    path = the_record(copied, task, "median")
    evidence = copied / "evidence" / json.loads(path.read_text())["evidence"]
    spoilt = None
    for shard in evidence.glob("*.parquet"):
        table = pq.read_table(shard)
        if spoilt is None and (task != "detection" or table["scores"].to_pylist()[0]):
            assert len(table) == 1
            spoilt = table["scene"].to_pylist()[0]
            pq.write_table(change(table), shard)
    with no_workers():
        lines = command("verify", path, "--sample", 3, "--device", "cpu", code=1).splitlines()
    assert lines[0].endswith("by its evidence")  # the record was scored from what was there before
    assert lines[1] == f"{path.name}: 2 of 3 images give the same evidence"
    assert re.fullmatch(rf"  {spoilt}: {said}", lines[2])
    assert len(lines) == 3


def test_rescoring_changes_nothing_and_mends_a_changed_number(
    copied: Path, command: Callable[..., str]
) -> None:
    assert command("rescore", copied) == "9 records scored again, 0 changed\n"
    for task in TASKS:
        path = the_record(copied, task, "median")
        good = path.read_bytes()
        record = json.loads(good)
        record["scores"][0]["value"] += 0.25
        path.write_text(json.dumps(record))
        answer = command("rescore", copied)
        assert answer == f"changed: {path.name}\n9 records scored again, 1 changed\n"
        assert path.read_bytes() == good


#: What every table of the whole run says of `median`: PSNR, SSIM, AP, its recovery, mIoU and its recovery.
SUMMARY = ("20.83", "0.5755", "29.4", "-2.9", "30.5", "28.2")


@pytest.mark.parametrize("form", ["text", "md", "latex", "html"])
def test_every_format_for_readers_shows_the_numbers(
    finished: bench.Run, command: Callable[..., str], form: str
) -> None:
    text = command("report", finished.out, "--format", form)
    # LaTeX cuts a wide table into blocks that each have the row.
    line = " ".join(line for line in text.splitlines() if "median" in line)
    assert re.findall(r"(?<![\d.\[$\"-])-?\d+\.\d+(?=\s|<span| \[| &|$)", line) == list(SUMMARY)
    assert "street/test" in text


def test_formats_for_programs_hold_every_digit(finished: bench.Run, command: Callable[..., str]) -> None:
    rows = json.loads(command("report", finished.out, "--format", "json"))
    assert sorted(map(str, rows)) == sorted(map(str, finished.rows()))
    assert len(rows) == sum(len(record.scores) for record in finished.records)
    table = list(csv.DictReader(io.StringIO(command("report", finished.out, "--format", "csv"))))
    assert list(table[0]) == list(rows[0])
    assert [row["value"] for row in table] == ["" if r["value"] is None else repr(r["value"]) for r in rows]
    summary = command("report", finished.out, "--format", "csv", "--table", "summary")
    shown = {(r["derainer"], r["metric"]): r["value"] for r in csv.DictReader(io.StringIO(summary))}
    for metric in ("psnr_y", "ap", "miou"):
        (value,) = (r["value"] for r in rows if (r["derainer"], r["metric"]) == ("median", metric))
        assert float(shown["median", metric]) == value


def known(answer: str) -> list[str]:
    """The names that the answer to an unknown one lists."""
    return answer.strip().rpartition("known: ")[2].split(", ")


def test_every_table_is_made_in_every_format(finished: bench.Run, command: Callable[..., str]) -> None:
    forms = known(command("report", finished.out, "--format", "no such", code=2))
    tables = known(command("report", finished.out, "--table", "no such", code=2))
    assert {"text", "md", "latex", "csv", "html", "json"} <= set(forms)
    assert {"summary", "paper", "cost", "per-class", "errors", "correlation", *TASKS} <= set(tables)
    absent = {"per-tag", "models"}  # no scene of these has a tag, and one model looked
    for table in absent:
        assert f"nothing to show in table {table}" in command(
            "report", finished.out, "--table", table, code=2
        )
    for table in set(tables) - absent:
        for form in forms:
            text = command("report", finished.out, "--table", table, "--format", form)
            assert text.endswith("\n"), (table, form)
            # Three derainers at least make a correlation; with one the table says so instead.
            assert ("median" if table != "correlation" else "derainers") in text or form == "json", (
                table,
                form,
            )


def test_the_tables_of_classes_and_errors_hold_the_numbers(
    finished: bench.Run, command: Callable[..., str]
) -> None:
    text = command("report", finished.out, "--table", "per-class", "--format", "csv")
    rows: dict[tuple[str, str], list[str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        rows.setdefault((row["metric"], row["class"]), []).append(row["value"])
    assert [100 * float(cell) for cell in rows["ap", "person"]] == pytest.approx(
        [36.1088, 1.0431, 8.4952], abs=0.01
    )
    assert [100 * float(cell) for cell in rows["iou", "car"]] == pytest.approx(
        [89.2434, 45.6086, 62.8099], abs=0.05
    )
    assert rows["iou", "train"] == ["", "", ""]
    text = command("report", finished.out, "--table", "errors", "--format", "csv")
    found = {row["metric"]: float(row["value"]) for row in csv.DictReader(io.StringIO(text))}
    kinds = ("missed", "localisation", "class", "duplicate", "background")
    counts = {kind: (found[f"{kind}/cured"], found[f"{kind}/caused"]) for kind in kinds}
    assert counts == {
        "missed": (6, 1),
        "localisation": (1, 4),
        "class": (2, 5),
        "duplicate": (0, 1),
        "background": (16, 3),
    }


def test_the_figures_of_both_tasks_are_drawn(
    finished: bench.Run, command: Callable[..., str], tmp_path: Path
) -> None:
    drawn = [Path(line) for line in command("report", finished.out, "--figures", tmp_path / "f").split()]
    assert {path.name.split("-")[1] for path in drawn} == {"detection", "segmentation"}
    assert {path.name.split("-")[0] for path in drawn} == {"agreement", "classes", "errors"}
    assert {path.suffix for path in drawn} == {".png", ".svg", ".pdf"}
    assert all(path.stat().st_size > 1000 for path in drawn)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks on one thread: as many as there are cores would wait for each other where tests run side by side."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_panels_show_what_each_model_sees(
    finished: bench.Run, command: Callable[..., str], tmp_path: Path
) -> None:
    pictures = {}
    for task in (None, "detection", "segmentation"):
        out = tmp_path / f"{task}.png"
        chosen = ["--task", task] if task else []
        command("panel", "--derainer", "median", *chosen, "--scene", "street_000001_000000", "--out", out)
        pictures[task] = read_image(out).astype(int)
    # Without a scene the run's records choose one.
    command(
        "panel", "--derainer", "median", "--run", finished.out, "--count", 1, "--out", tmp_path / "chosen.png"
    )
    plain = pictures.pop(None)
    for task, picture in pictures.items():
        # What the colours mean stands below.
        assert picture.shape[0] > plain.shape[0]
        picture = picture[: len(plain)]
        changed = (abs(picture - plain).max(axis=2) > 20).mean()
        # Boxes are lines on the picture; classes colour all of it.
        assert (0.002 < changed < 0.2) if task == "detection" else (changed > 0.3)

"""Instance masks: scores are pycocotools', rows survive the disk, and a whole run says what it leaves out."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coder
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import bench
from bench.data.outlines import encode, of_annotation
from bench.errors import BenchError
from bench.images import write_image
from bench.score.stats import resample_counts
from downstream.tasks import find_task
from downstream.tasks.instances import InstanceRow

HEIGHT, WIDTH = 200, 240
CATEGORIES = [{"id": 7, "name": "car"}, {"id": 3, "name": "person"}]
METRICS = ("mask_ap", "mask_ap50", "mask_ap75", "mask_ap_small", "mask_ap_medium", "mask_ap_large")


def made_up(images: int = 8) -> tuple[dict[str, Any], list[InstanceRow]]:
    """A COCO set of polygons and crowds, and masks found in it: some right, some off, some of the wrong class."""
    rng = np.random.default_rng(4)
    truth: dict[str, Any] = {
        "images": [
            {"id": 10 + i, "width": WIDTH, "height": HEIGHT, "file_name": f"{i}.png"} for i in range(images)
        ],
        "categories": CATEGORIES,
        "annotations": [],
    }
    rows = []
    for image in truth["images"]:
        outlines, scores, categories, own = [], [], [], []
        for _ in range(rng.integers(1, 5)):
            centre, radius = rng.uniform(40, 160, 2), rng.uniform(4, 90)
            category = int(rng.choice([7, 3]))
            polygon = _polygon(centre, radius)
            crowd = rng.random() < 0.2
            code = of_annotation([polygon], HEIGHT, WIDTH, "it")
            full = {"size": [HEIGHT, WIDTH], "counts": code}
            runs = {"size": [HEIGHT, WIDTH], "counts": _runs(coder.decode(full))}
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [float(v) for v in coder.toBbox(full)],
                    "area": float(coder.area(full)),
                    "iscrowd": int(crowd),
                    "segmentation": runs if crowd else [polygon],
                }
            )
            own.append(code)
            for _ in range(rng.integers(0, 3)):
                moved = _polygon(centre + rng.normal(0, 3, 2), radius * rng.uniform(0.7, 1.3))
                outlines.append(of_annotation([moved], HEIGHT, WIDTH, "it"))
                scores.append(rng.random())
                categories.append(category if rng.random() < 0.8 else 7)
        rows.append(
            InstanceRow(
                image["file_name"],
                "",
                0.0,
                HEIGHT,
                WIDTH,
                tuple(outlines),
                np.array(scores, np.float32),
                np.array(categories, np.int32),
                tuple(own),
            )
        )
    return truth, rows


def _polygon(centre: np.ndarray, radius: float) -> list[float]:
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    points = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [float(value) for value in points.ravel()]


def _runs(mask: np.ndarray) -> list[int]:
    flat = mask.ravel(order="F")
    ends = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [len(flat)]])
    runs = np.diff(ends).tolist()
    return [0, *runs] if flat[0] else runs


def pycocotools_scores(truth: dict[str, Any], rows: list[InstanceRow], tmp_path: Path) -> list[float]:
    """What pycocotools says of the same files by its own road."""
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    ids = {image["file_name"]: image["id"] for image in truth["images"]}
    results = [
        {
            "image_id": ids[row.scene],
            "category_id": int(c),
            "score": float(s),
            "segmentation": {"size": [HEIGHT, WIDTH], "counts": code},
        }
        for row in rows
        for code, s, c in zip(row.outlines, row.scores, row.categories, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "truth.json"))
        evaluation = COCOeval(coco, coco.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats[:6]]


def manifest_of(truth: dict[str, Any]) -> dict[str, Any]:
    plain = [{k: v for k, v in a.items() if k != "segmentation"} for a in truth["annotations"]]
    ids = {image["file_name"]: image["id"] for image in truth["images"]}
    return {"coco": {**truth, "annotations": plain}, "image_ids": ids}


def test_equals_pycocotools_segm(tmp_path: Path) -> None:
    truth, rows = made_up()
    counts = resample_counts(len(rows), 20, 0)
    values, replicates = find_task("instances").scoring(manifest_of(truth)).sample(rows, counts)
    theirs = pycocotools_scores(truth, rows, tmp_path)
    assert 0.1 < theirs[0] < 0.9
    for name, value in zip(METRICS, theirs, strict=True):
        assert values[name] == pytest.approx(value, abs=1e-9)
        assert replicates[name].shape == (20,)


def test_rows_survive_the_disk_and_bad_ones_do_not(tmp_path: Path) -> None:
    from dataclasses import replace

    from bench.errors import BadRecord
    from bench.keep.evidence import read_shard, write_shard

    task = find_task("instances")
    _, rows = made_up(2)
    write_shard(tmp_path / "one.parquet", task, rows)
    back = read_shard(tmp_path / "one.parquet", task)
    assert back is not None
    for row, again in zip(rows, back, strict=True):
        assert task.difference(row, again) is None
        assert again.truth == row.truth
    assert "1 masks differ" in str(
        task.difference(rows[0], replace(rows[0], outlines=(rows[0].truth[0], *rows[0].outlines[1:])))
    )
    write_shard(tmp_path / "two.parquet", task, [replace(rows[0], height=HEIGHT + 1)])
    with pytest.raises(BadRecord, match="rows that are none of instances"):
        read_shard(tmp_path / "two.parquet", task)


MODEL = '''
import numpy as np

class Squares:
    """Finds what is brighter than 200 and calls it a car."""
    classes = ("car",)

    def __call__(self, image):
        mask = image.mean(axis=2) > 200
        rows, columns = np.nonzero(mask)
        if not len(rows):
            return np.zeros((0, 4)), [], [], np.zeros((0, *mask.shape), bool)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return [box], [0.9], [0], mask[None]

class Boxes(Squares):
    def __call__(self, image):
        return super().__call__(image)[:3]
'''


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dark images with a bright triangle each, in COCO's layout, and a model that finds them."""
    root = tmp_path_factory.mktemp("squares")
    (root / "model.py").write_text(MODEL)
    polygon = [8.0, 8.0, 40.0, 8.0, 40.0, 30.0]
    code = of_annotation([polygon], 48, 64, "it")
    mask = coder.decode({"size": [48, 64], "counts": code}).astype(bool)
    assert encode(mask[None]) == [code]
    (root / "val").mkdir()
    images, annotations = [], []
    for number in (1, 2):
        write_image(
            root / "val" / f"{number}.png", np.repeat(np.where(mask, 255, 20)[..., None], 3, 2).astype("u1")
        )
        images.append({"id": number, "file_name": f"{number}.png", "height": 48, "width": 64})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 7,
                "bbox": [8, 8, 32, 22],
                "segmentation": [polygon],
            }
        )
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES[:1]})
    )
    return root


def test_a_run_scores_masks_and_is_rescored_alike(squares: Path, tmp_path: Path) -> None:
    from bench.keep.store import Store
    from bench.score.rescore import rescore

    run = bench.run(
        derainer="median",
        task="instances",
        data=f"coco:{squares}",
        rain="streaks:light",
        model=f"{squares / 'model.py'}:Squares",
        out=tmp_path / "run",
        device="cpu",
        workers=1,
    )
    found = {record.derainer.label: record for record in run.records if record.task == "instances"}
    clean = found["clean"].score("mask_ap")
    assert clean is not None
    assert (clean.value, clean.protocol) == (pytest.approx(1.0), "segm@coco")
    assert found["median"].score("mask_ap_recovery") is not None
    assert not found["clean"].model.unscored
    assert not any(changed for _, changed in rescore(Store(tmp_path / "run")))


def test_what_finds_no_masks_or_has_no_outlines_is_refused(squares: Path, tmp_path: Path) -> None:
    choices: dict[str, Any] = {"task": "instances", "out": tmp_path / "run", "workers": 1}
    with pytest.raises(BenchError, match=r"Boxes must return boxes, scores, labels and masks \(n, 64, 96\)"):
        bench.run(data=f"coco:{squares}", model=f"{squares / 'model.py'}:Boxes", **choices)
    with pytest.raises(BenchError, match="task instances has no model of its own: name one"):
        bench.run(data=f"coco:{squares}", **choices)
    with pytest.raises(BenchError, match="task instances needs outlines, which street/test does not have"):
        bench.run(model=f"{squares / 'model.py'}:Squares", **choices)


def test_a_report_says_that_masks_are_not_scored(squares: Path, tmp_path: Path) -> None:
    from reports import render

    run = bench.run(
        data=f"coco:{squares}",
        rain="streaks:light",
        model=f"{squares / 'model.py'}:Boxes",
        out=tmp_path / "run",
        device="cpu",
        workers=1,
    )
    found = [record for record in run.records if record.task == "detection"]
    said = "Boxes gives masks too, which task detection does not score"
    assert said not in render(found, "md", "summary")
    model = found[0].model.model_copy(update={"unscored": ("masks",)})
    assert said in render([record.model_copy(update={"model": model}) for record in found], "md", "summary")

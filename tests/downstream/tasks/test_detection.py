from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from bench.errors import BadData
from bench.score.stats import detection_scores, match_detections
from downstream.models.base import Detections
from downstream.tasks.detection import map_categories, to_categories

NAMES = ("car", "person", "dog")
METRICS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")


def score_detection(truth, rows):
    """The scores that records hold, of the rows' images; None where undefined."""
    images = [row["image_id"] for row in rows]
    kept = {**truth, "images": [image for image in truth["images"] if image["id"] in images]}
    kept["annotations"] = [box for box in truth["annotations"] if box["image_id"] in images]
    found = detection_scores(match_detections(kept, rows, images))
    return {name: None if np.isnan(value) else value for name, value in found.items()}


def made_up(seed=0, images=12):
    """A small COCO set and detections of it: some right, some off, some of the wrong class."""
    rng = np.random.default_rng(seed)
    truth = {
        "images": [
            {"id": 10 + i, "width": 400, "height": 300, "file_name": f"{i}.png"} for i in range(images)
        ],
        "categories": [{"id": 3 * k + 1, "name": name} for k, name in enumerate(NAMES)],
        "annotations": [],
    }
    rows = []
    for image in truth["images"]:
        boxes, scores, categories = [], [], []
        for _ in range(rng.integers(1, 6)):
            x, y = rng.uniform(0, 250, 2)
            w, h = rng.uniform(8, 140, 2)
            category = int(rng.choice([1, 4, 7]))
            truth["annotations"].append(
                {
                    "id": len(truth["annotations"]) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
            for _ in range(rng.integers(0, 3)):
                shift = rng.normal(0, 6, 4)
                boxes.append(np.array([x, y, x + w, y + h]) + shift)
                scores.append(rng.random())
                categories.append(category if rng.random() < 0.8 else 1)
        rows.append(
            {
                "image_id": image["id"],
                "boxes": np.array(boxes, np.float32).reshape(-1, 4),
                "scores": np.array(scores, np.float32),
                "categories": np.array(categories, np.int32),
            }
        )
    return truth, rows


def test_equals_mmdetections_evaluation(tmp_path):
    from downstream.models.mmops import install_fallback_ops

    pytest.importorskip("mmdet")
    install_fallback_ops()
    import torch
    from mmdet.evaluation import CocoMetric

    truth, rows = made_up()
    (tmp_path / "truth.json").write_text(json.dumps({"info": {}, **truth}))
    metric = CocoMetric(ann_file=str(tmp_path / "truth.json"), metric="bbox")
    metric.dataset_meta = {"classes": NAMES}
    index = {1: 0, 4: 1, 7: 2}
    for row in rows:
        labels = torch.tensor([index[int(c)] for c in row["categories"]], dtype=torch.long)
        predicted = {
            "bboxes": torch.from_numpy(row["boxes"]),
            "scores": torch.from_numpy(row["scores"]),
            "labels": labels,
        }
        metric.process(
            {}, [{"pred_instances": predicted, "img_id": row["image_id"], "ori_shape": (300, 400)}]
        )
    theirs = metric.evaluate(len(rows))
    ours = score_detection(truth, rows)
    names = ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")
    assert 0.1 < ours["ap"] < 0.9
    for name, theirs_name in zip(METRICS, names, strict=True):
        assert round(ours[name], 3) == theirs[f"coco/bbox_{theirs_name}"]  # which is rounded so


def test_perfect_detections_score_one_and_absent_sizes_nothing():
    truth, _ = made_up(images=3)
    for box in truth["annotations"]:
        box.update(bbox=[10 * box["id"], 5, 8, 8], area=64, iscrowd=0)
    rows = []
    for image in truth["images"]:
        mine = [box for box in truth["annotations"] if box["image_id"] == image["id"]]
        corners = [[x, y, x + w, y + h] for x, y, w, h in (box["bbox"] for box in mine)]
        categories = [box["category_id"] for box in mine]
        rows.append(
            {"image_id": image["id"], "boxes": corners, "scores": [0.9] * len(mine), "categories": categories}
        )
    scores = score_detection(truth, rows)
    assert scores == {
        "ap": pytest.approx(1),
        "ap50": pytest.approx(1),
        "ap75": pytest.approx(1),
        "ap_small": pytest.approx(1),
        "ap_medium": None,
        "ap_large": None,
    }


def test_nothing_found_is_zero_and_nothing_there_is_none(capsys):
    truth, rows = made_up()
    empty = [
        {"image_id": row["image_id"], "boxes": np.zeros((0, 4)), "scores": [], "categories": []}
        for row in rows
    ]
    assert score_detection(truth, empty)["ap"] == 0
    assert score_detection({**truth, "annotations": []}, rows)["ap"] is None
    assert capsys.readouterr().out == ""


def test_truth_is_left_alone_and_order_does_not_matter():
    truth, rows = made_up()
    before = copy.deepcopy(truth)
    scores = score_detection(truth, rows)
    assert truth == before
    assert score_detection(truth, rows[::-1]) == pytest.approx(scores, abs=1e-12)


def test_classes_are_matched_by_name():
    categories = [{"id": 7, "name": "traffic light"}, {"id": 3, "name": "Car"}, {"id": 9, "name": "rider"}]
    mapping = map_categories(("car", "boat", "traffic_light"), categories)
    assert mapping.ids.tolist() == [3, -1, 7]
    assert "count as missed: rider" in mapping.notes[0]
    assert "left out: boat" in mapping.notes[1]
    found = Detections(np.eye(3, 4, dtype=np.float32), np.float32([0.1, 0.2, 0.3]), np.array([2, 1, 0]))
    boxes, scores, ids = to_categories(found, mapping)
    assert ids.tolist() == [7, 3]
    assert scores.tolist() == pytest.approx([0.1, 0.3])
    assert boxes.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert map_categories(NAMES, [{"id": k, "name": name} for k, name in enumerate(NAMES)]).notes == ()


def test_no_class_in_common():
    with pytest.raises(BadData, match=r"share no class: the model knows cat; the data set has car"):
        map_categories(("cat",), [{"id": 1, "name": "car"}])


def test_detections_must_agree_in_length():
    with pytest.raises(ValueError, match="disagree"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(1, np.float32), np.zeros(2, np.int64))


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_pycocotools(seed, coco_scores):
    truth, rows = made_up(seed)
    assert score_detection(truth, rows) == pytest.approx(coco_scores(truth, rows), abs=1e-12)


def test_class_names_are_quoted_as_they_are():
    categories = [
        {"id": 1, "name": "people (A, b/c-1)"},
        {"id": 2, "name": "Vehicle/Car"},
        {"id": 3, "name": "dog"},
    ]
    with pytest.raises(BadData, match=r"the data set has people \(A, b/c-1\), Vehicle/Car, dog"):
        map_categories(("cat",), categories)
    notes = map_categories(("DOG", "Big_Cat"), categories).notes
    assert notes[0].endswith("count as missed: people (A, b/c-1), Vehicle/Car")
    assert notes[1].endswith("left out: Big_Cat")

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BadConfig, BadData
from bench.score.stats import class_iou, confusion_scores
from downstream.tasks.segmentation import confusion, match_classes


def score_confusion(total, names):
    """The scores that records hold; None where undefined."""
    values = {name: float(value) for name, value in confusion_scores(total).items()}
    values |= {f"iou/{name}": float(value) for name, value in zip(names, class_iou(total), strict=True)}
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def label_maps(seed, classes, ignore=255, shape=(40, 50)):
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, classes, shape).astype(np.uint8)
    pred = np.where(rng.random(shape) < 0.6, mask, rng.integers(0, classes, shape)).astype(np.uint8)
    mask[rng.random(shape) < 0.1] = ignore
    return pred, mask


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), classes=st.integers(1, 30), ignore=st.sampled_from([255, 254, 30]))
def test_confusion_equals_counting_pairs(seed, classes, ignore):
    pred, mask = label_maps(seed, classes, ignore, (9, 7))
    wanted = np.zeros((classes, classes), np.int64)
    for p, t in zip(pred.ravel(), mask.ravel(), strict=True):
        if t != ignore:
            wanted[t, p] += 1
    got = confusion(pred, mask, classes, ignore)
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, wanted)


def test_ignored_class_inside_the_range():
    assert confusion(np.array([[0, 1]]), np.array([[1, 0]], np.uint8), 2, ignore=1).tolist() == [
        [0, 1],
        [0, 0],
    ]


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_mmsegmentations(seed):
    from downstream.models.mmops import install_fallback_ops

    pytest.importorskip("mmseg")
    install_fallback_ops()
    import torch
    from mmseg.evaluation import IoUMetric

    classes = 7
    total = np.zeros((classes, classes), np.int64)
    areas = []
    for image in range(4):
        pred, mask = label_maps(10 * seed + image, classes - 2)  # class 6 neither there nor predicted ...
        pred[0, :5] = classes - 2  # ... and class 5 predicted but not there
        total += confusion(pred, mask, classes)
        areas.append(
            IoUMetric.intersect_and_union(torch.from_numpy(pred), torch.from_numpy(mask), classes, 255)
        )
    # Counted by MMSegmentation in float32 and exact; its divisions are made in float64 here, as ours are.
    sums = [sum(part).double() for part in zip(*areas, strict=True)]
    theirs = IoUMetric.total_area_to_metrics(*sums, metrics=["mIoU"])
    ours = score_confusion(total, [f"c{k}" for k in range(classes)])
    assert ours["miou"] == pytest.approx(np.nanmean(theirs["IoU"]), abs=1e-9)
    assert ours["macc"] == pytest.approx(np.nanmean(theirs["Acc"]), abs=1e-9)
    assert ours["aacc"] == pytest.approx(float(theirs["aAcc"]), abs=1e-9)
    assert ours["iou/c6"] is None
    assert ours["iou/c5"] == 0
    for k in range(classes - 1):
        assert ours[f"iou/c{k}"] == pytest.approx(theirs["IoU"][k], abs=1e-9)


def test_worked_by_hand():
    scores = score_confusion(np.array([[3, 1], [2, 4]]), ["a", "b"])
    assert scores == {
        "miou": pytest.approx((3 / 6 + 4 / 7) / 2),
        "macc": pytest.approx((3 / 4 + 4 / 6) / 2),
        "aacc": pytest.approx(0.7),
        "iou/a": pytest.approx(0.5),
        "iou/b": pytest.approx(4 / 7),
    }
    assert set(score_confusion(np.zeros((2, 2)), ["a", "b"]).values()) == {None}


def test_stray_values_are_named():
    pred, mask = label_maps(0, 5)
    mask[3, 3] = 9
    with pytest.raises(BadData, match=r"val/7\.png: holds the value 9, .*\(0 to 4\).* 255"):
        confusion(pred, mask, 5, where="val/7.png")
    mask[3, 3] = 0
    pred[0, 0] = 5
    with pytest.raises(ValueError, match="holds class 5"):
        confusion(pred, mask, 5)
    with pytest.raises(BadData, match=r"is 3x2, its image is 2x2"):
        confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), 5)


def test_more_than_256_classes():
    mask = np.array([[300, 65535]], np.uint16)
    matrix = confusion(np.array([[299, 0]], np.uint16), mask, 301, ignore=65535)
    assert matrix[300, 299] == 1
    assert matrix.sum() == 1


def test_classes_by_name_or_by_index():
    assert match_classes(("sky", "Road"), ("road", "sky")).tolist() == [1, 0]
    assert match_classes(("class 0", "class 1"), ("road", "sky")).tolist() == [0, 1]
    assert match_classes(("road", "sky"), ("0", "1")).tolist() == [0, 1]
    with pytest.raises(BadConfig, match=r"only the model has tree; only the data set has sky"):
        match_classes(("road", "tree"), ("road", "sky"))
    with pytest.raises(BadConfig, match="labels 3 classes, the data set 2"):
        match_classes(("class 0", "class 1", "class 2"), ("road", "sky"))

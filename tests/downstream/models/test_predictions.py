"""Predictions made elsewhere: what MMDetection's and MMSegmentation's models find in saved images, read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import bench
from bench.errors import BadConfig, BadData, BenchError
from bench.images import read_image

pytestmark = pytest.mark.usefixtures("here")

VARIANT = "street-test--3--streaks-medium"


def run(out: Path, **choices: Any) -> bench.Run:
    values: dict[str, Any] = {"derainer": "median", "limit": 3, "device": "cpu", "workers": 1, "out": out}
    return bench.run(**values | choices)


@pytest.fixture(scope="module")
def looked(here: None, tmp_path_factory: pytest.TempPathFactory) -> bench.Run:
    """A run whose images are kept, for others to look at."""
    pytest.importorskip("mmdet")
    return run(
        tmp_path_factory.mktemp("looked") / "run", task=("detection", "segmentation"), save_images=True
    )


@pytest.fixture(scope="module")
def found(looked: bench.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the embedded models find in the saved images, written as other tools write it."""
    from bench.data import open_data
    from downstream.models import load_model

    folder = tmp_path_factory.mktemp("found")
    truth = open_data("street").first(3).detection
    assert truth is not None
    ids = {category["name"]: category["id"] for category in truth.categories}
    detector = load_model("detection", device="cpu")
    segmenter = load_model("segmentation", device="cpu")
    for row in sorted((looked.out / "images").glob("*/*")):
        results = []
        for path in sorted(row.glob("*.png")):
            image = read_image(path)
            seen = detector.predict(image)
            for box, score, label in zip(seen.boxes, seen.scores, seen.labels, strict=True):
                left, top, right, bottom = (float(value) for value in box)
                results.append(
                    {
                        "image_id": truth.image_ids[path.stem],
                        "category_id": ids[detector.classes[label]],
                        "bbox": [left, top, right - left, bottom - top],
                        "score": float(score),
                    }
                )
            target = folder / row.parent.name / row.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), segmenter.predict(image))
        (folder / row.parent.name / f"{row.name}.json").write_text(json.dumps(results))
    return folder


def test_predictions_made_elsewhere_score_what_the_model_scores(
    looked: bench.Run, found: Path, tmp_path: Path
) -> None:
    spec = f"predictions:{found}"
    again = run(
        tmp_path / "again",
        task=("detection", "segmentation"),
        model=[f"detection={spec}", f"segmentation={spec}"],
    )
    assert again.problems == []
    theirs = {(r.task, r.derainer.label): r for r in looked.records if r.model}
    ours = {(r.task, r.derainer.label): r for r in again.records if r.model}
    assert ours.keys() == theirs.keys()
    for key, record in ours.items():
        for score in record.scores:
            other = theirs[key].score(score.metric)
            assert other is not None
            assert score.value == pytest.approx(other.value, abs=1e-6, nan_ok=True)


def test_missing_files_are_named_before_the_run(found: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"1 of 4 files are missing in .*guided\.json"):
        run(tmp_path / "run", derainer="median,guided", model=f"predictions:{found}")
    assert not (tmp_path / "run" / "records").exists()
    with pytest.raises(BadConfig, match="no folder"):
        run(tmp_path / "run", model=f"predictions:{tmp_path / 'gone'}")


def spoil(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Path], None]:
    def spoilt(folder: Path) -> None:
        path = next(folder.rglob("median.json"))
        values = json.loads(path.read_text())
        changed = change(values)
        path.write_text(json.dumps(values if changed is None else changed))

    return spoilt


def test_no_file_is_asked_for_whose_image_is_not_looked_at(tmp_path: Path) -> None:
    """The clean row is one for all rains, and on a dry day the rainy photo is the clean one."""
    from bench.engine.outline import check_seats, outline
    from bench.engine.suite import suite_of

    rains = ("streaks:light", "streaks:heavy", "none")
    choices = {"rain": rains, "model": f"predictions:{tmp_path}", "derainer": "median", "limit": 1}
    with pytest.raises(BadData, match="6 of 6 files are missing") as caught:
        check_seats(outline(suite_of(choices)))
    assert str(caught.value).count("clean.json") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (spoil(lambda values: values[0].update(category_id=999)), "category 999, which street/test"),
        (spoil(lambda values: values[0].update(bbox=[0, 0, -1, 5])), "entry 0 is no detection"),
        (spoil(lambda values: values[0].update(bbox=[0, 0, 5])), "entry 0 is no detection"),
        (spoil(lambda values: values[0].update(score=None)), "entry 0 is no detection"),
        (
            spoil(lambda values: [value.update(bbox=[300, 100, 400, 220]) for value in values] and None),
            "end far beyond their images, as corners would",
        ),
        (spoil(lambda values: {"annotations": values}), "no COCO results"),
    ],
)
def test_results_that_are_none_are_refused_in_a_line(
    found: Path, tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    import shutil

    folder = Path(shutil.copytree(found, tmp_path / "found"))
    change(folder)
    with pytest.raises(BadData, match=words) as caught:
        run(tmp_path / "run", model=f"predictions:{folder}")
    assert "\n" not in str(caught.value)


def test_an_image_that_a_run_leaves_out_may_be_in_a_file_and_one_that_nobody_has_may_not(
    tmp_path: Path,
) -> None:
    from bench.data import open_data
    from downstream.models.base import Seat
    from downstream.models.predictions import SOURCE

    path = tmp_path / "v" / "none.json"
    path.parent.mkdir()
    whole = open_data("street")
    assert whole.detection is not None
    data, other = whole.first(2).first(1), whole.scenes[1].id
    seat = Seat(data, "v", "none")
    box = {"category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5}
    path.write_text(json.dumps([{**box, "image_id": whole.detection.image_ids[other]}]))
    SOURCE.check_seats("detection", f"predictions:{tmp_path}", [seat])
    for image, words in ((12345678, r"image 12345678, which street/test"), ([1], "entry 0 is no detection")):
        path.write_text(json.dumps([{**box, "image_id": image}]))
        with pytest.raises(BadData, match=words):
            SOURCE.check_seats("detection", f"predictions:{tmp_path}", [seat])


def test_corners_are_noticed_where_most_boxes_lie_to_the_left(tmp_path: Path) -> None:
    from bench.data import open_data
    from downstream.models.base import Seat
    from downstream.models.predictions import SOURCE

    seat = Seat(open_data("street").first(1), "v", "none")
    path = tmp_path / "v" / "none.json"
    path.parent.mkdir()
    assert seat.data.detection is not None
    (image,) = seat.data.detection.image_ids.values()

    def write(corners: bool) -> None:
        boxes = [[10 + n, 20, 40 + n, 60] for n in range(19)] + [[250, 90, 320, 150]]
        sizes = [box if corners else [box[0], box[1], box[2] - box[0], box[3] - box[1]] for box in boxes]
        entries = [{"image_id": image, "category_id": 1, "bbox": box, "score": 0.5} for box in sizes]
        path.write_text(json.dumps(entries))

    write(corners=False)
    SOURCE.check_seats("detection", f"predictions:{tmp_path}", [seat])
    write(corners=True)
    with pytest.raises(BadData, match="1 of 20 boxes end far beyond their images, as corners would"):
        SOURCE.check_seats("detection", f"predictions:{tmp_path}", [seat])


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((224, 384), 200, np.uint8), "holds class 20[01], of the 19"),
        (np.zeros((224, 384, 3), np.uint8), "channel"),
    ],
)
def test_what_is_no_label_map_is_noticed_before_the_run(
    tmp_path: Path, pixels: np.ndarray, words: str
) -> None:
    from bench.data import open_data
    from downstream.models.base import Seat
    from downstream.models.predictions import SOURCE

    data = open_data("street").first(1)
    pixels[..., :1] += 1  # three channels alike would be read as one
    path = tmp_path / "v" / "none" / f"{data.scenes[0].id}.png"
    path.parent.mkdir(parents=True)
    assert cv2.imwrite(str(path), pixels)
    with pytest.raises(BadData, match=words):
        SOURCE.check_seats("segmentation", f"predictions:{tmp_path}", [Seat(data, "v", "none")])


def test_label_maps_of_another_size_are_noticed_before_the_run(found: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(found, tmp_path / "found"))
    path = sorted(folder.rglob("median/*.png"))[0]
    cv2.imwrite(str(path), np.zeros((5, 7), np.uint8))
    with pytest.raises(BadData, match=r"label map .* is 7x5, its scene \d+x\d+"):
        run(tmp_path / "run", task="segmentation", model=f"predictions:{folder}")
    assert not (tmp_path / "run" / "records").exists()


def test_what_looks_up_cannot_look(found: Path) -> None:
    from downstream.models import load_model

    model = load_model("detection", f"predictions:{found}")
    with pytest.raises(BenchError, match="knows scenes of a run only"):
        model.predict(np.zeros((8, 8, 3), np.uint8))

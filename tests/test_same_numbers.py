"""One network, looked through every door there is for it: the numbers are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench

NAME = "yolox_nano_8xb8-300e_coco"
#: The first so many photos.
LIMIT = 6
#: A test script's part of a config: MMDetection's own data set and metric on the images that a run has kept.
TESTED = """
_base_ = "mmdet::yolox/yolox_nano_8xb8-300e_coco.py"
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root="", ann_file={annotations!r}, data_prefix=dict(img={images!r})),
)
test_evaluator = dict(
    _delete_=True, type="CocoMetric", ann_file={annotations!r}, metric="bbox", outfile_prefix={out!r}, format_only=True
)
load_from = {checkpoint!r}
work_dir = {work!r}
"""


def look(shared: Path, out: Path, limit: int | None, **choices: Any) -> dict[str, dict[str, float | None]]:
    """The scores of the clean photos, by model."""
    done = bench.run(
        task="detection",
        data=f"coco:{shared / 'data' / 'coco_tiny'}",
        split="val2017",
        rain="none",
        out=out,
        limit=limit,
        device="cpu",
        workers=1,
        **choices,
    )
    assert done.problems == []
    return {
        record.model.name: {score.metric: score.value for score in record.scores}
        for record in done.records
        if record.model and record.derainer.label == "clean"
    }


def results_of(shared: Path, images: Path, work: Path) -> Path:
    """What MMDetection's own test runner finds in the images of a row, as COCO results."""
    from mmengine.config import Config
    from mmengine.runner import Runner

    truth = json.loads((shared / "data/coco_tiny/annotations/instances_val2017.json").read_text())
    kept = {path.stem for path in images.glob("*.png")}
    truth["images"] = [
        {**image, "file_name": f"{Path(image['file_name']).stem}.png"}
        for image in truth["images"]
        if Path(image["file_name"]).stem in kept
    ]
    ids = {image["id"] for image in truth["images"]}
    truth["annotations"] = [box for box in truth["annotations"] if box["image_id"] in ids]
    annotations = work / "truth.json"
    annotations.write_text(json.dumps(truth))
    config = work / "tested.py"
    config.write_text(
        TESTED.format(
            annotations=str(annotations),
            images=str(images),
            out=str(work / "results"),
            checkpoint=str(shared / "weights" / "yolox_nano_coco.pth"),
            work=str(work),
        )
    )
    from mmdet.utils import register_all_modules

    from downstream.models.mmcommon import quiet
    from downstream.models.mmops import install_fallback_ops

    install_fallback_ops()
    with quiet():
        register_all_modules(init_default_scope=False)
        Runner.from_cfg(Config.fromfile(config)).test()
    return work / "results.bbox.json"


@pytest.mark.usefixtures("here")
def test_one_detector_through_every_door(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmdet")
    weights = shared / "weights" / "yolox_nano_coco.pth"
    (tmp_path / "inherits.py").write_text(f"_base_ = 'mmdet::yolox/{NAME}.py'\n")
    (tmp_path / "own.py").write_text(
        "from downstream.models import load_model\n"
        "class Wrapped:\n"
        "    def __init__(self, weights):\n"
        f"        self.inner = load_model('detection', {NAME!r}, weights, device='cpu')\n"
        "        self.classes = self.inner.classes\n"
        "    def __call__(self, image):\n"
        "        found = self.inner.predict(image)\n"
        "        return found.boxes, found.scores, found.labels\n"
    )
    out = tmp_path / "run"
    seen = look(
        shared,
        out,
        LIMIT,
        model=[
            f"index={NAME}",
            f"inherits={tmp_path}/inherits.py",
            f"own={tmp_path}/own.py:Wrapped:{weights}",
        ],
        checkpoint=[f"index={weights}", f"inherits={weights}"],
        save_images=True,
    )
    (row,) = out.glob("images/*/clean")
    results = results_of(shared, row, tmp_path)
    found = tmp_path / "found" / row.parent.name
    found.mkdir(parents=True)
    # On a dry day the rainy photo is the clean one, and is not looked at again.
    (found / "clean.json").write_bytes(results.read_bytes())
    seen |= look(shared, tmp_path / "again", LIMIT, model=f"elsewhere=predictions:{found.parent}")
    assert set(seen) == {"index", "inherits", "own", "elsewhere"}
    for scores in seen.values():
        assert scores == {
            metric: pytest.approx(value, abs=1e-6, nan_ok=True) if value is not None else None
            for metric, value in seen["index"].items()
        }

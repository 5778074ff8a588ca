"""One network, looked through every door there is for it: the numbers are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import bench

NAME = "yolox_nano_8xb8-300e_coco"
#: The first so many photos.
LIMIT = 3
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


def look(out: Path, **choices: Any) -> dict[str, dict[str, dict[str, float | None]]]:
    """The scores of a run's models: model, row, metric."""
    done = bench.run(out=out, limit=LIMIT, device="cpu", workers=1, **choices)
    assert done.problems == []
    seen: dict[str, dict[str, dict[str, float | None]]] = {}
    for record in done.records:
        if record.model:
            scores = {score.metric: score.value for score in record.scores}
            seen.setdefault(record.model.name, {})[record.derainer.label] = scores
    return seen


def assert_same(ours: dict[str, float | None], theirs: dict[str, float | None], within: float) -> None:
    """Hold the scores of a row against another's."""
    assert ours == {
        metric: pytest.approx(value, abs=within, nan_ok=True) if value is not None else None
        for metric, value in theirs.items()
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
    photos = {
        "task": "detection",
        "data": f"coco:{shared / 'data' / 'coco_tiny'}",
        "split": "val2017",
        "rain": "none",
    }
    seen = look(
        out,
        **photos,
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
    seen |= look(tmp_path / "again", **photos, model=f"elsewhere=predictions:{found.parent}")
    assert set(seen) == {"index", "inherits", "own", "elsewhere"}
    for rows in seen.values():
        assert_same(rows["clean"], seen["index"]["clean"], 1e-6)


class Labels(torch.nn.Module):
    """CGNet as exports have it: scores of every class at every pixel, of the image less the means of its channels."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.backbone, self.head = network.backbone, network.decode_head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.head(self.backbone(x))
        return torch.nn.functional.interpolate(scores, (360, 480), mode="bilinear", align_corners=False)


def look_elsewhere(config: Path, weights: Path, images: Path, found: Path) -> None:
    """Write what MMSegmentation's own inference sees in a run's images as label maps of the same names."""
    from mmseg.apis import inference_model, init_model

    from downstream.models.mmcommon import quiet

    with quiet():
        model = init_model(str(config), str(weights), device="cpu")
        for (
            weight
        ) in model.parameters():  # numbers too small for a normal float take a CPU many times as long
            weight.data[weight.data.abs() < torch.finfo(torch.float32).tiny] = 0
        for image in sorted(images.glob("*/*/*.png")):
            target = found / image.relative_to(images)
            target.parent.mkdir(parents=True, exist_ok=True)
            labels = inference_model(model, str(image)).pred_sem_seg.data[0].numpy()
            assert cv2.imwrite(str(target), labels.astype(np.uint8))


def test_one_segmenter_through_every_door(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmseg")
    pytest.importorskip("onnxruntime")
    from downstream.models import load_model

    config, weights = (shared / "weights" / f"cgnet_camvid.{kind}" for kind in ("py", "pth"))
    (tmp_path / "own.py").write_text(
        "from downstream.models import load_model\n"
        "class Wrapped:\n"
        "    def __init__(self, config, weights):\n"
        "        self.inner = load_model('segmentation', config, weights, device='cpu')\n"
        "        self.classes = self.inner.classes\n"
        "    def __call__(self, image):\n"
        "        return self.inner.predict(image)\n"
    )
    inner: Any = load_model("segmentation", str(config), weights, device="cpu")
    network = Labels(inner._network.module).eval()
    like = torch.zeros(1, 3, 360, 480)
    with torch.no_grad():
        torch.jit.trace(network, like).save(tmp_path / "seg.pt")
        torch.onnx.export(network, (like,), tmp_path / "seg.onnx", dynamo=False)
    (tmp_path / "names.txt").write_text("\n".join(inner.classes))
    # The config takes the mean of B, G, R off R, G, B: the network was trained so.
    pixels = "size=[360, 480]&resize=keep&range=0..255&mean=[110.08, 108.23, 105.03]"
    said = f"layout=labelmap&classes={tmp_path}/names.txt&{pixels}"
    frames = {
        "task": "segmentation",
        "data": f"masks:{shared / 'data' / 'camvid'}",
        "split": "val",
        "rain": "streaks:heavy",
    }
    out = tmp_path / "run"
    seen = look(
        out,
        **frames,
        model=[
            f"config={config}",
            f"own={tmp_path}/own.py:Wrapped?config={config}&weights={weights}",
            f"script=torchscript?{said}:{tmp_path}/seg.pt",
            f"onnx=onnx?{said}:{tmp_path}/seg.onnx",
        ],
        checkpoint=f"config={weights}",
        save_images=True,
    )
    look_elsewhere(config, weights, out / "images", tmp_path / "found")
    seen |= look(tmp_path / "again", **frames, model=f"elsewhere=predictions:{tmp_path}/found")
    assert set(seen) == {"config", "own", "script", "onnx", "elsewhere"}
    assert set(seen["config"]) == {"clean", "none"}
    for door, rows in seen.items():
        for row, scores in rows.items():
            assert_same(scores, seen["config"][row], 1e-3 if door in ("script", "onnx") else 1e-6)

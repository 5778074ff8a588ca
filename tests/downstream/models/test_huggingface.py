"""Networks in Hugging Face's format: small ones with random weights, saved here and held against transformers alone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.cityscapes_labels import CLASSES
from bench.errors import BadConfig, BadWeights, BenchError
from downstream.models import check_model, list_models, load_model, source_of

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

DOC = Path(__file__).resolve().parents[3] / "docs" / "models.md"
IMAGE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the documented example writes."""
    found = re.search(r"```python\n# save\.py\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found
    folder = tmp_path_factory.mktemp("hf") / "mine"
    torch.manual_seed(0)
    exec(found[1].replace('"segformer"', repr(str(folder))), {})
    return folder


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hf") / "yolos"
    torch.manual_seed(0)
    config = transformers.YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[64, 96],
        num_detection_tokens=5,
        id2label={0: "car", 1: "person"},
    )
    transformers.YolosForObjectDetection(config).save_pretrained(folder)
    transformers.YolosImageProcessor(size={"height": 64, "width": 96}).save_pretrained(folder)
    return folder


def test_a_segmenter_labels_what_transformers_labels(segmenter: Path) -> None:
    model = load_model("segmentation", f"hf:{segmenter}", device="cpu")
    assert (model.name, model.classes) == ("mine", CLASSES)
    network = transformers.SegformerForSemanticSegmentation.from_pretrained(segmenter).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(segmenter)
    with torch.no_grad():
        logits = network(**processor(images=IMAGE, return_tensors="pt")).logits
    wanted = torch.nn.functional.interpolate(logits, IMAGE.shape[:2], mode="bilinear").argmax(1)[0]
    assert np.array_equal(model.predict(IMAGE), wanted.numpy())


def test_a_detector_gives_corners_in_pixels_of_the_image(detector: Path) -> None:
    model = load_model("detection", f"hf:{detector}", device="cpu")
    found = model.predict(IMAGE)
    network = transformers.YolosForObjectDetection.from_pretrained(detector).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(detector)
    with torch.no_grad():
        outputs = network(**processor(images=IMAGE, return_tensors="pt"))
    x, y, width, height = outputs.pred_boxes[0].numpy().T * np.array([[56], [40], [56], [40]])
    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
    assert found.boxes == pytest.approx(corners.clip(0, [56, 40, 56, 40]), abs=1e-3)
    likely = outputs.logits[0].softmax(-1).numpy()[:, :2]
    assert found.scores == pytest.approx(likely.max(1), abs=1e-6)
    assert [model.classes[label] for label in found.labels] == [
        ("car", "person")[i] for i in likely.argmax(1)
    ]


def test_the_key_follows_from_the_content(segmenter: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(segmenter, tmp_path / "elsewhere"))
    first, second = (load_model("segmentation", f"hf:{each}", device="cpu").key for each in (segmenter, copy))
    assert first == second
    values = json.loads((copy / "config.json").read_text())
    values["id2label"]["1"] = "bus"
    (copy / "config.json").write_text(json.dumps(values))
    assert load_model("segmentation", f"hf:{copy}", device="cpu").key != first


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def with_code(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "auto_map": {"AutoModel": "evil.Net"}}))
    (folder / "evil.py").write_text("raise SystemExit(7)\n")


def with_other_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    state.pop("decode_head.classifier.weight")
    save_file(state, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_weights, "no weights in safetensors .* pytorch_model.bin is a pickle"),
        (with_code, "brings code of its own"),
        (with_other_weights, "lack 1 of the network's, such as decode_head.classifier.weight"),
        (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "transformers cannot load it"),
    ],
)
def test_a_folder_that_is_none_is_refused_in_a_line(
    segmenter: Path, tmp_path: Path, change: Any, words: str
) -> None:
    folder = Path(shutil.copytree(segmenter, tmp_path / "mine"))
    change(folder)
    with pytest.raises(BenchError, match=words) as caught:
        load_model("segmentation", f"hf:{folder}", device="cpu")
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said_without_looking_for_it_elsewhere(
    segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadConfig, match="no folder nobody/none, .*`hf download nobody/none`"):
        check_model("segmentation", "hf:nobody/none")
    kept = tmp_path / "models--nobody--none"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc")
    shutil.copytree(segmenter, kept / "snapshots" / "abc")
    assert check_model("segmentation", "hf:nobody/none") == "none"
    with pytest.raises(BadConfig, match="SegformerForSemanticSegmentation, which is not for detection"):
        check_model("detection", f"hf:{segmenter}")
    with pytest.raises(BadWeights, match="takes no --checkpoint"):
        check_model("segmentation", f"hf:{segmenter}", "w.pth")


def test_they_are_listed_and_are_data(segmenter: Path) -> None:
    assert "hf:NAME_OR_DIR" in {listed.name for listed in list_models("detection")}
    assert source_of(f"hf:{segmenter}").is_data(f"hf:{segmenter}")

"""Models from exported files: small ones made here, and YOLOX-Nano against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.errors import BadConfig, BadWeights, BenchError
from bench.images import read_image
from downstream.models import check_model, load_model


class OneBox(torch.nn.Module):
    """Finds one box of each class, wherever it looks: centre, size and scores a class."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = torch.tensor([[16.0, 12.0, 16.0, 8.0, 0.9, 0.0], [40.0, 30.0, 10.0, 20.0, 0.0, 0.6]])
        return found.t()[None] + 0.0 * x.mean()


class Halves(torch.nn.Module):
    """Scores of two classes: dark and bright."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([0.5 - x[:, :1], x[:, :1] - 0.5], 1)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torchscript") / "boxes.pt"
    torch.jit.script(OneBox()).save(path)
    return path


def onnx_file(
    path: Path, metadata: dict[str, str] | None = None, shape: Any = (1, 3, 64, 64), kind: int = 1
) -> Path:
    """An ONNX network that finds what :class:`OneBox` finds."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    found = np.array([[16, 12, 16, 8, 0.9, 0.0], [40, 30, 10, 20, 0.0, 0.6]], np.float32).T[None]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Cast", ["mean"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "zero"], ["nothing"]),
        helper.make_node("Add", ["found", "nothing"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "boxes",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, (1, 6, 2))],
        [
            helper.make_tensor("found", TensorProto.FLOAT, found.shape, found.ravel()),
            helper.make_tensor("zero", TensorProto.FLOAT, (), [0.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path


def image() -> np.ndarray:
    return np.full((64, 64, 3), 100, np.uint8)


def test_torchscript_and_onnx_find_the_same(boxes: Path, tmp_path: Path) -> None:
    exported = onnx_file(tmp_path / "boxes.onnx", {"task": "detect", "names": "{0: 'car', 1: 'person'}"})
    by_script = load_model("detection", f"torchscript?layout=yolo&classes=[car, person]&size=64:{boxes}")
    by_onnx = load_model("detection", f"onnx:{exported}")  # what Ultralytics writes into a file says the rest
    assert by_script.classes == by_onnx.classes == ("car", "person")
    for model in (by_script, by_onnx):
        found = model.predict(image())
        np.testing.assert_allclose(found.boxes, [[8, 8, 24, 16], [35, 20, 45, 40]], atol=1e-4)
        assert found.labels.tolist() == [0, 1]
    assert by_script.key != by_onnx.key


def test_half_precision_is_given_what_it_takes(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "half.onnx", {"task": "detect", "names": "{0: 'a', 1: 'b'}"}, kind=10)
    assert len(load_model("detection", f"onnx:{path}").predict(image()).scores) == 2


def test_half_precision_of_torchscript_is_given_what_it_takes(tmp_path: Path) -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = torch.nn.Parameter(torch.ones(1, 3, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * self.gain)[:, :2]

    torch.jit.trace(Scaled().half(), torch.zeros(1, 3, 8, 8).half()).save(tmp_path / "half.pt")
    spec = f"torchscript?layout=labelmap&classes=[a, b]&resize=keep:{tmp_path / 'half.pt'}"
    assert load_model("segmentation", spec).predict(image()).shape == (64, 64)


def test_a_segmenter_labels_the_image(tmp_path: Path) -> None:
    torch.jit.script(Halves()).save(tmp_path / "halves.pt")
    (tmp_path / "names.txt").write_text("dark\nbright\n")
    spec = (
        f"torchscript?layout=labelmap&classes={tmp_path / 'names.txt'}&resize=keep:{tmp_path / 'halves.pt'}"
    )
    model = load_model("segmentation", spec)
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 255
    assert model.classes == ("dark", "bright")
    np.testing.assert_array_equal(model.predict(picture), np.repeat([[0] * 30 + [1] * 30], 40, 0))


class OfOneSize(torch.nn.Module):
    """Scores of two classes in a size of its own, as a network that was traced with its last resizing has them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = torch.cat([0.5 - x[:, :1], x[:, :1] - 0.5], 1)
        return torch.nn.functional.interpolate(scores, (40, 60), mode="bilinear")


def test_a_network_of_one_size_is_not_given_another(tmp_path: Path) -> None:
    torch.jit.script(OfOneSize()).save(tmp_path / "one.pt")
    said = "layout=labelmap&classes=[dark, bright]&resize=keep"
    with pytest.raises(BadConfig, match="its output is 40x60 for an input of 64x64: .* size="):
        load_model("segmentation", f"torchscript?{said}:{tmp_path / 'one.pt'}").predict(image())
    model = load_model("segmentation", f"torchscript?{said}&size=[40, 60]:{tmp_path / 'one.pt'}")
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[23:] = 255  # no multiple of 32: padding would move the edge
    np.testing.assert_array_equal(model.predict(picture)[:, 7], [0] * 23 + [1] * 17)
    with pytest.raises(
        BadConfig, match="an image of 64x64 does not fit into its input of 40x60: write resize="
    ):
        model.predict(image())


def test_a_network_whose_output_is_larger_is_refused_before_the_run(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Upsample(scale_factor=2.0)).save(tmp_path / "large.pt")
    with pytest.raises(BadConfig, match="its output is 128x192 for an input of 64x96"):
        load_model("segmentation", f"torchscript?layout=labelmap&classes=[a, b, c]:{tmp_path / 'large.pt'}")


@pytest.mark.parametrize(
    ("query", "task", "words"),
    [
        ("", "detection", "does not say what its outputs are: add --layout"),
        ("?layout=yolo", "detection", "does not say its classes"),
        ("?layout=yolov9", "detection", "unknown layout 'yolov9'"),
        ("?layout=labelmap", "detection", "layout labelmap is for segmentation"),
        ("?layout=yolo&size=none", "detection", None),
        ("?layout=yolo&size=-1", "detection", "write size=640"),
        ("?layout=yolo&resize=crop", "detection", "resize=crop; write letterbox or"),
        ("?layout=yolo&colour=red", "detection", "'colour' is not said of a torchscript file"),
        ("?layout=end2end&classes=[a, b]", "detection", r"its outputs are float32 \(1, 6, 2\)"),
        ("?layout=yolo&classes=[a, b, c]", "detection", r"layout yolo has one output, \(1, 7, N\)"),
        ("?layout=yolo&classes=gone.txt", "detection", "classes gone.txt cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(boxes: Path, query: str, task: str, words: str | None) -> None:
    if words is None:
        query, words = f"{query}&classes=[a]", "layout yolo has"
    with pytest.raises(BenchError, match=words) as caught:
        load_model(task, f"torchscript{query}:{boxes}")
    assert "\n" not in str(caught.value)


def test_files_that_are_none_are_refused_before_the_run(tmp_path: Path, boxes: Path) -> None:
    with pytest.raises(BadWeights, match="no file"):
        check_model("detection", f"onnx?layout=yolo:{tmp_path / 'gone.onnx'}")
    with pytest.raises(BadConfig, match="needs a file"):
        check_model("detection", "onnx:")
    with pytest.raises(BadWeights, match="takes no --checkpoint"):
        check_model("detection", f"torchscript?layout=yolo:{boxes}", "w.pth")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(BadWeights, match="not an ONNX file"):
        load_model("detection", f"onnx?layout=yolo&classes=[a]:{tmp_path / 'bad.onnx'}")
    many = onnx_file(tmp_path / "many.onnx", shape=(4, 3, 64, 64))
    with pytest.raises(BadWeights, match="takes 4 images at a time"):
        load_model("detection", f"onnx?layout=yolo&classes=[a, b]:{many}")
    grey = onnx_file(tmp_path / "grey.onnx", shape=(1, 1, 64, 64))
    with pytest.raises(BadWeights, match="takes images of 1 channel: a model takes three"):
        load_model("detection", f"onnx?layout=yolo&classes=[a, b]:{grey}")


def test_the_option_says_the_layout_of_exported_models(boxes: Path, tmp_path: Path) -> None:
    from bench.engine.suite import suite_of

    (model,) = suite_of({"model": f"torchscript?size=64:{boxes}", "layout": "yolo"}).models
    assert model.name == f"torchscript?size=64&layout=yolo:{boxes}"
    with pytest.raises(
        BadConfig, match="--layout yolo goes with onnx:FILE or torchscript:FILE, not with street"
    ):
        suite_of({"model": "street_yolox", "layout": "yolo"})


def test_a_layout_goes_to_the_exports_among_several_models(boxes: Path) -> None:
    from bench.engine.suite import suite_of

    def names(layout: Any, *models: str) -> list[str]:
        return [m.name for m in suite_of({"task": TASKS, "model": list(models), "layout": layout}).models]

    TASKS = "detection,segmentation"
    embedded, silent = "detection=street_yolox", f"detection=nano=torchscript:{boxes}"
    said = f"detection=old=torchscript?layout=ssd:{boxes}"
    seg = f"segmentation=seg=onnx?size=64:{boxes}"
    plain = ["street_yolox", f"torchscript?layout=yolo:{boxes}", f"torchscript?layout=ssd:{boxes}"]
    assert names("yolo", embedded, silent, said) == plain
    assert names("nano=yolo", embedded, silent, said) == plain
    both = [f"torchscript?layout=yolo:{boxes}", f"onnx?size=64&layout=labelmap:{boxes}"]
    assert names("nano=yolo,seg=labelmap", silent, seg) == both
    assert names(["detection=yolo", "segmentation=labelmap"], silent, seg) == both
    assert names(["seg=labelmap", "yolo"], silent, seg) == both
    for layout, words in (
        ("old=yolo", "says its own already; leave one out"),
        ("other=yolo", "not with other: no model is called so"),
        ("street=yolo", "not with street"),
    ):
        with pytest.raises(BadConfig, match=words):
            names(layout, embedded, silent, said)


class Decoded(torch.nn.Module):
    """YOLOX as exports have it: boxes, objectness and scores a class, in pixels of the input."""

    def __init__(self, network: Any, side: int) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = network.backbone, network.neck, network.bbox_head
        grids = [
            self.head.prior_generator.single_level_grid_priors(
                (side // s, side // s), i, with_stride=True, device="cpu"
            )
            for i, s in enumerate((8, 16, 32))
        ]
        self.register_buffer("priors", torch.cat(grids))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        classes, boxes, sure = self.head(self.neck(self.backbone(x)))
        flat = [
            torch.cat([each.flatten(2).transpose(1, 2) for each in level], 1)
            for level in (boxes, sure, classes)
        ]
        stride = self.priors[None, :, 2:]
        centre = flat[0][..., :2] * stride + self.priors[None, :, :2]
        return torch.cat([centre, flat[0][..., 2:].exp() * stride, flat[1].sigmoid(), flat[2].sigmoid()], 2)


def test_yolox_exported_finds_what_it_finds_in_mmdetection(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmdet")
    weights = shared / "weights" / "yolox_nano_coco.pth"
    inner = load_model("detection", "yolox_nano_8xb8-300e_coco", weights, device="cpu")
    network: Any = inner._network.module  # type: ignore[attr-defined]
    with torch.no_grad():
        traced = torch.jit.trace(Decoded(network, 416).eval(), torch.zeros(1, 3, 416, 416))
    traced.save(tmp_path / "nano.pt")
    (tmp_path / "names.txt").write_text("\n".join(inner.classes))
    said = "layout=yolo&size=416&resize=corner&range=0..255&channels=bgr"
    model = load_model(
        "detection", f"torchscript?{said}&classes={tmp_path / 'names.txt'}:{tmp_path / 'nano.pt'}"
    )
    for photo in sorted((shared / "data" / "coco_tiny" / "val2017").glob("*.jpg"))[:4]:
        image = read_image(photo)
        ours, theirs = model.predict(image), inner.predict(image)
        assert len(ours.scores) == len(theirs.scores)
        order = np.lexsort((ours.boxes[:, 0], -ours.scores))
        other = np.lexsort((theirs.boxes[:, 0], -theirs.scores))
        np.testing.assert_allclose(ours.scores[order], theirs.scores[other], atol=1e-5)
        np.testing.assert_array_equal(ours.labels[order], theirs.labels[other])
        np.testing.assert_allclose(ours.boxes[order], theirs.boxes[other], atol=1e-2)

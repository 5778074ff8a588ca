"""Exported networks that take something else than float NCHW images, one at a time, of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.errors import BadWeights
from bench.verdicts import Outcome
from derainers import load_derainer
from derainers.harness.conformance import run_checks, sample

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
FREE = ("batch", 3, "height", "width")


def write(path, shape=FREE, kind="FLOAT", operation="Neg", given=None):
    """Write an ONNX file of one operation."""
    from onnx import TensorProto, helper

    number = getattr(TensorProto, kind)
    graph = helper.make_graph(
        [helper.make_node(operation, ["rainy"], ["clean"])],
        "net",
        [helper.make_tensor_value_info("rainy", number, list(shape))],
        [helper.make_tensor_value_info("clean", number, list(given or shape))],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return f"onnx:{path}"


def refused(spec):
    with pytest.raises(BadWeights) as caught:
        load_derainer(spec, device="cpu")
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 700
    return text


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE"])
def test_other_floats_are_cast(tmp_path, kind):
    picture = sample(40, 52)
    restored = load_derainer(write(tmp_path / "net.onnx", kind=kind, operation="Sqrt"), device="cpu")(picture)
    expected = load_derainer(write(tmp_path / "own.onnx", operation="Sqrt"), device="cpu")(picture)
    assert np.abs(restored.astype(int) - expected).max() <= 1
    assert restored.std() > 10


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        (FREE, "UINT8", "takes uint8 values: export it with a float input"),
        (FREE, "INT64", "takes int64 values"),
        ((1, "height", "width", 3), "FLOAT", "takes NHWC images"),
        ((1, 64, 64, 3), "FLOAT", "takes NHWC images: export it with an NCHW input"),
        (("batch", 1, "height", "width"), "FLOAT", "takes images of 1 channel: a derainer takes three"),
        (("batch", 6, "height", "width"), "FLOAT", "takes images of 6 channels"),
        ((4, 3, "height", "width"), "FLOAT", "takes 4 images at a time"),
        ((1, 3, 32, 64), "FLOAT", "takes 32x64 images only"),
        ((1, 3, "height", 64), "FLOAT", "takes heightx64 images only"),
    ],
)
def test_inputs_of_another_form_are_refused_when_loaded(tmp_path, shape, kind, said):
    import re

    operation = "Identity" if kind in ("UINT8", "INT64") else "Neg"
    assert re.search(said, refused(write(tmp_path / "net.onnx", shape, kind, operation)))


def test_what_only_running_shows_is_found_when_loaded(tmp_path):
    spec = write(tmp_path / "turned.onnx", operation="Transpose", given=("w", "h", 3, "batch"))
    assert "made (64, 64, 3, 1) of (1, 3, 64, 64): the size must stay" in refused(spec)


class Net(torch.nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x - 0.1 * self.conv(x)


class Last(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.linear(x, torch.eye(3))


class Four(torch.nn.Module):
    def forward(self, x):
        return x.reshape(4, 3, 64, 64)


class Bytes(torch.nn.Module):
    def forward(self, x):
        return (x * 255).to(torch.uint8)


def script(path, module):
    torch.jit.script(module).save(str(path))
    return f"torchscript:{path}"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (Net(1), "to have 1 channels, but got 3 channels instead"),
        (Last(), r"to be: \[3, 64\] but got: \[3, 3\]"),
        (Four(), "shape .* is invalid for input of size"),
        (Bytes(), "returned torch.uint8: it must return floats"),
    ],
)
def test_torchscript_of_another_form_is_refused_with_its_cause(tmp_path, module, said):
    import re

    assert re.search(said, refused(script(tmp_path / "net.pt", module)))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_torchscript_of_another_precision_is_cast(tmp_path, kind):
    picture = sample(33, 40)
    restored = load_derainer(script(tmp_path / "net.pt", Net().to(kind)), device="cpu")(picture)
    expected = load_derainer(script(tmp_path / "own.pt", Net()), device="cpu")(picture)
    assert np.abs(restored.astype(int) - expected).max() <= 3


class Least(torch.nn.Module):
    """Wants images of some size, as networks with wide reflection do."""

    def forward(self, x):
        return torch.nn.functional.pad(x, [100, 100, 100, 100], mode="reflect")[:, :, 100:-100, 100:-100]


def test_networks_that_want_an_image_of_some_size_are_taken(tmp_path):
    picture = sample(120, 130)
    np.testing.assert_array_equal(
        load_derainer(script(tmp_path / "net.pt", Least()), device="cpu")(picture), picture
    )


def test_checks_tile_a_fixed_size_as_a_run_does(tmp_path):
    spec = write(tmp_path / "net.onnx", (1, 3, 32, 32), operation="Sqrt")
    verdicts = run_checks(
        lambda tile: load_derainer(spec, device="cpu", tile=tile), 1.0, ("type", "batch", "tiles")
    )
    assert {verdict.name: verdict.outcome for verdict in verdicts} == dict.fromkeys(
        ("size", "type", "batch", "tiles"), Outcome.PASS
    )

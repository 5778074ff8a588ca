"""What networks take and return: everything that is not a float image, RGB in [0, 1], in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import BadConfig, BenchError
from derainers import DerainerError, load_derainer
from derainers.harness.interface import attributes_of, interface_of

torch = pytest.importorskip("torch")

SOURCE = """
import torch

class Net(torch.nn.Module):
    def __init__(self, kind="image"):
        super().__init__()
        self.kind = kind
        self.output = torch.nn.Conv2d(3, 3, 1)  # a layer of this name declares nothing

    def forward(self, x, prompt=None):
        # Red is halved, whatever red is here.
        if self.kind == "bgr":
            y = torch.cat([x[:, :2], x[:, 2:] / 2], 1)
        elif self.kind == "signed":
            assert float(x.min()) < 0
            y = torch.cat([(x[:, :1] + 1) / 2 - 1, x[:, 1:]], 1)
        elif self.kind == "bytes":
            assert float(x.max()) > 1
            y = torch.cat([x[:, :1] / 2, x[:, 1:]], 1)
        elif self.kind.startswith("mixed"):
            assert float(x.min()) < 0
            x = (x + 1) / 2 * 255
            y = torch.cat([x[:, :1] / 2, x[:, 1:]], 1)
        else:
            y = torch.cat([x[:, :1] / 2, x[:, 1:]], 1)
        if self.kind == "list":
            return [x[:, :, ::2, ::2], y]
        if self.kind == "dict":
            return {"mask": x, "clean": y}
        if "rain" in self.kind:
            return x - y
        if self.kind == "turned":
            return y.flip(1)
        if self.kind == "residual":
            return y - x
        if self.kind == "prompted":
            return x * prompt
        return y


class Half(Net):
    def __init__(self):
        super().__init__()
        self.half()

    def forward(self, x):
        return x + 0 * self.output(x)


class Windowed(Net):
    window_size = 8

    def forward(self, x):
        assert x.shape[2] % 8 == 0 and x.shape[3] % 8 == 0
        return super().forward(x)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "my.py"
    path.write_text(SOURCE)
    return path


PICTURE = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
HALVED = np.concatenate([np.rint(PICTURE[..., :1] / 2), PICTURE[..., 1:]], 2)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "kind=list&.output=-1",
        "kind=dict&.output=clean",
        "kind=rain&.returns=rain",
        "kind=residual&.returns=residual",
        "kind=bgr&.channels=BGR",
        "kind=signed&.value_range=-1..1",
        "kind=bytes&.value_range=0..255",
        "kind=bytes&.value_range=0..255/0..255",
        "kind=mixed&.value_range=-1..1/0..255",
        "kind=mixed rain&.value_range=-1..1/0..255&.returns=rain",
        "kind=turned&.channels=rgb/bgr",
    ],
)
def test_what_is_declared_is_undone(file: Path, query: str) -> None:
    net = load_derainer(f"{file}:Net?{query}" if query else f"{file}:Net", device="cpu")
    assert np.abs(net(PICTURE).astype(float) - HALVED).max() <= 1
    assert ("interface" in net.key) == bool(query)


def test_further_inputs_are_fixed(file: Path) -> None:
    net = load_derainer(f"{file}:Net?kind=prompted&.inputs={{prompt: 0.5}}", device="cpu")
    assert np.abs(net(PICTURE).astype(float) - PICTURE / 2).max() <= 1
    assert net.key["interface"] == {"inputs": {"prompt": 0.5}}


def test_half_weights_run_in_single_precision_and_a_window_is_a_multiple(file: Path) -> None:
    assert (load_derainer(f"{file}:Half", device="cpu")(PICTURE) == PICTURE).all()
    net = load_derainer(f"{file}:Windowed", device="cpu")
    assert net.card.multiple == 8
    assert net(PICTURE).shape == PICTURE.shape


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("kind=list", r"returned a list of 2: say which of them is the image: \?\.output=-1 for the last"),
        ("kind=dict", r"a dictionary with 'mask', 'clean': .*\?\.output=mask"),
        ("kind=list&.output=5", "output = 5, but the network returned a list of 2"),
        ("kind=prompted", "unsupported operand"),
        (".value_range=0..1000", "choose 0..1, -1..1, 0..255"),
        (".value_range=0..1/0..1000", "choose 0..1, -1..1, 0..255"),
        (".value_range=0..1/0..1/0..1", "choose 0..1, -1..1, 0..255"),
        (".returns=rain/rain", "choose image, residual, rain"),
        (".channels=xyz", "choose rgb, bgr"),
        (".multiple=0", "not a whole number from 1"),
        ("widht=3", "it has no argument 'widht': it takes kind"),
    ],
)
def test_what_is_not_declared_is_said_with_the_remedy(file: Path, query: str, words: str) -> None:
    with pytest.raises((DerainerError, BadConfig), match=words) as caught:
        load_derainer(f"{file}:Net?{query}", device="cpu")(PICTURE)
    assert "\n" not in str(caught.value)


def test_an_exported_network_is_described_after_the_question_mark(tmp_path: Path) -> None:
    class Signed(torch.nn.Module):
        def forward(self, x):
            return (x + 1) / 2 - 1

    torch.jit.trace(Signed(), torch.rand(1, 3, 4, 4)).save(str(tmp_path / "net.pt"))
    net = load_derainer(f"torchscript?.value_range=-1..1:{tmp_path}/net.pt", device="cpu")
    assert np.abs(net(PICTURE).astype(float) - PICTURE / 2).max() <= 1
    with pytest.raises(BenchError, match=r"takes no arguments; .*torchscript\?\.value_range"):
        load_derainer(f"torchscript?width=3:{tmp_path}/net.pt")


def test_a_further_input_may_be_a_tensor() -> None:
    class Prompted(torch.nn.Module):
        def __init__(self, kind: int) -> None:
            super().__init__()
            self.inputs = {"kind": torch.tensor([kind])}
            self.kinds = torch.nn.Embedding.from_pretrained(torch.tensor([[1.0], [0.5]]))

        def forward(self, x: Any, kind: Any) -> Any:
            return x * self.kinds(kind)[..., None, None]

    half, same = (interface_of(attributes_of(Prompted(kind)), "it") for kind in (1, 0))
    assert json.dumps(half.key()) != json.dumps(same.key())
    assert half.around(Prompted(1))(torch.ones(2, 3, 4, 4)).max() == 0.5

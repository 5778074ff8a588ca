"""Anyone's own derainer: Python objects, TorchScript, ONNX, folders; and files that mean harm."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import derainers
from bench.errors import BadConfig, BadWeights, BenchError
from bench.images import write_image
from derainers import DerainerError, check_derainer, load_derainer, parse_derainers

torch = pytest.importorskip("torch")

SOURCE = '''
import numpy as np
import torch

from derainers import Card


def darker(image):
    return image // 2


class Brighter:
    """Adds ten."""

    def __call__(self, image):
        return np.minimum(image, 245) + np.uint8(10)


class Net(torch.nn.Module):
    """A small network."""

    multiple = 4

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.conv = torch.nn.Conv2d(3, 3, 3, padding=1)
        with torch.no_grad():
            self.conv.weight.mul_(0.1)

    def forward(self, rainy):
        assert rainy.shape[2] % 4 == 0 and rainy.shape[3] % 4 == 0
        return rainy - self.conv(rainy)


def forgetful(image):
    pass


def floats(image):
    return image / 255


def cropped(image):
    return image[1:]


def raising(image):
    raise ValueError("no\\nsuch thing")


def ending(image):
    raise SystemExit(0)


class Unmakeable:
    def __init__(self):
        raise RuntimeError("no licence")


class Described:
    card, key = Card("described"), {"name": "described"}

    def __call__(self, image):
        return image

    def restore(self, images):
        return list(images)


class NoCard(Described):
    card = {"name": "described"}


class OddKey(Described):
    key = {"name": object()}


class RaisingCard(Described):
    @property
    def card(self):
        raise KeyError("licence")


number = 3
'''


def image(height=24, width=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.py"
    path.write_text(SOURCE)
    return path


def test_a_function_a_class_and_a_network(file):
    assert (load_derainer(f"{file}:darker")(image()) == image() // 2).all()
    bright = load_derainer(f"{file}:Brighter")
    assert bright(image()).min() == 10
    assert bright.card.title == "Adds ten."
    net = load_derainer(f"{file}:Net")
    assert net(image()).shape == image().shape
    assert net.card.params == 84
    assert net.card.multiple == 4
    assert parse_derainers(f"{file}:Net")[0].label == "Net"


def test_weights_for_ones_own_network(file, tmp_path):
    weights = {"conv.weight": torch.zeros(3, 3, 3, 3), "conv.bias": torch.zeros(3)}
    torch.save(weights, tmp_path / "w.pth")
    net = load_derainer(f"{file}:Net:{tmp_path / 'w.pth'}")
    assert (net(image()) == image()).all()
    assert net.key != load_derainer(f"{file}:Net").key
    with pytest.raises(BadWeights, match="no weights file"):
        load_derainer(f"{file}:Net:{tmp_path / 'absent.pth'}")
    with pytest.raises(BadConfig, match="takes no weights file"):
        load_derainer(f"{file}:darker:{tmp_path / 'w.pth'}")


def test_an_edited_file_is_read_again(file):
    before = load_derainer(f"{file}:darker")
    file.write_text(SOURCE.replace("image // 2", "image // 4"))
    after = load_derainer(f"{file}:darker")
    assert (after(image()) == image() // 4).all()
    assert before.key != after.key


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("forgetful", "returned None"),
        ("floats", "returned float64"),
        ("cropped", "size must stay"),
        ("raising", "raised ValueError: no"),
        ("ending", "raised SystemExit: 0"),
    ],
)
def test_a_function_that_breaks_the_contract(file, name, words):
    with pytest.raises(DerainerError, match=words) as caught:
        load_derainer(f"{file}:{name}")(image())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Unmakeable", "RuntimeError: no licence"),
        ("number", "must be a function"),
        ("absent", "it has .*darker"),
        ("NoCard", "its card is a dict, not a derainers.Card"),
        ("OddKey", "its key and its card must be made of text"),
        ("RaisingCard", "making it raised KeyError: 'licence'"),
    ],
)
def test_an_object_that_is_no_derainer(file, name, words):
    with pytest.raises(BenchError, match=words) as caught:
        load_derainer(f"{file}:{name}")
    assert "\n" not in str(caught.value)


def test_a_file_that_does_not_import(tmp_path):
    (tmp_path / "bad.py").write_text("import no_such_module_anywhere\n")
    with pytest.raises(BenchError, match=r"bad\.py could not be imported: ModuleNotFoundError"):
        load_derainer(f"{tmp_path}/bad.py:Net")
    (tmp_path / "late.py").write_text("import math\n\nmath.sqrt(-1)\n")
    with pytest.raises(BenchError, match=r"late\.py could not be imported: ValueError: .* \(line 3\)"):
        load_derainer(f"{tmp_path}/late.py:Net")
    with pytest.raises(BadConfig, match="no file"):
        check_derainer(parse_derainers(f"{tmp_path}/absent.py:Net")[0])


def test_a_script_that_ends_its_program_does_not_end_ours(tmp_path):
    (tmp_path / "script.py").write_text("import sys\n\nsys.exit(0)\n")
    with pytest.raises(BenchError, match=r"SystemExit: 0 \(line 3\); keep what .*__main__"):
        load_derainer(f"{tmp_path}/script.py:Net")


def test_an_object_that_is_a_derainer_is_used_as_it_is(file):
    found = load_derainer(f"{file}:Described")
    assert found.card.name == "described"
    assert (found(image()) == image()).all()


@pytest.fixture
def exported(file, tmp_path):
    """The network of the file, as TorchScript and ONNX, each with its spec."""
    net = load_derainer(f"{file}:Net")._forward
    script = tmp_path / "net.pt"
    example = torch.rand(1, 3, 8, 8)
    torch.jit.trace(net.conv, example).save(str(tmp_path / "conv.pt"))

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = net.conv

        def forward(self, rainy):
            return rainy - self.conv(rainy)

    torch.jit.trace(Plain(), example).save(str(script))
    return script, Plain()


def test_torchscript_gives_the_same_scores(file, exported):
    script, _ = exported
    direct = load_derainer(f"{file}:Net")(image())
    loaded = load_derainer(f"torchscript:{script}")
    assert np.abs(loaded(image()).astype(int) - direct).max() <= 1
    assert loaded.card.params == 84
    assert loaded.card.weights_sha256


def write_onnx(module, path, height="height", width="width"):
    """Write a convolution and a subtraction as ONNX by hand; torch's own exporter wants more packages."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(module.conv.weight.detach().numpy(), "weight")
    bias = numpy_helper.from_array(module.conv.bias.detach().numpy(), "bias")
    shape = ["batch", 3, height, width]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["rainy", "weight", "bias"], ["rain"], pads=[1, 1, 1, 1]),
            helper.make_node("Sub", ["rainy", "rain"], ["clean"]),
        ],
        "net",
        [helper.make_tensor_value_info("rainy", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("clean", TensorProto.FLOAT, shape)],
        [weight, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def test_onnx_gives_the_same_scores(file, exported, tmp_path):
    pytest.importorskip("onnxruntime")
    _, module = exported
    write_onnx(module, tmp_path / "net.onnx")
    direct = load_derainer(f"{file}:Net")
    loaded = load_derainer(f"onnx:{tmp_path / 'net.onnx'}")
    for picture in (image(), image(8, 40, 1)):
        assert np.abs(loaded(picture).astype(int) - direct(picture)).max() <= 1
    write_onnx(module, tmp_path / "fixed.onnx", 32, 32)
    fixed = load_derainer(f"onnx:{tmp_path / 'fixed.onnx'}")
    picture = image(52, 72, 2)
    assert np.abs(fixed(picture).astype(int) - direct(picture)).max() <= 1
    assert fixed.key["tile"] == "fixed 32"
    write_onnx(module, tmp_path / "oblong.onnx", 32, 64)
    with pytest.raises(BadWeights, match="32x64 images only"):
        load_derainer(f"onnx:{tmp_path / 'oblong.onnx'}")


def test_the_same_network_scores_the_same_in_every_form(file, exported, tmp_path):
    """One run of all: callable, TorchScript, ONNX within 0.001 dB; a folder of the restored images exactly."""
    pytest.importorskip("onnxruntime")
    from bench.api import run
    from derainers.harness.conformance import sample

    script, module = exported
    write_onnx(module, tmp_path / "net.onnx")
    direct = load_derainer(f"{file}:Net", device="cpu")
    for name in ("rain", "norain", "restored"):
        (tmp_path / name).mkdir()
    for seed in range(2):
        clean = sample(96, 128, seed)
        drops = np.random.default_rng(seed).random(clean.shape) > 0.9
        rainy = np.maximum(clean, drops.astype(np.uint8) * 230)
        for name, picture in (("rain", rainy), ("norain", clean), ("restored", direct(rainy))):
            write_image(tmp_path / name / f"{seed}.png", picture)
    forms = (
        f"{file}:Net",
        f"torchscript:{script}",
        f"onnx:{tmp_path / 'net.onnx'}",
        f"folder:{tmp_path / 'restored'}",
    )
    result = run(
        derainer=forms,
        task="restoration",
        data=f"pairs:{tmp_path}",
        out=tmp_path / "out",
        device="cpu",
        workers=1,
    )
    assert not result.problems
    scores = {
        record.derainer.label: {score.metric: score.value for score in record.scores}
        for record in result.records
    }
    assert scores["Net"] != scores["none"]
    assert scores["folder"] == scores["Net"]
    for form in ("torchscript", "onnx"):
        assert scores[form] == pytest.approx(scores["Net"], abs=1e-3)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    target = tmp_path / "ran"
    torch.save({"conv0.0.weight": Bomb(target)}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Bomb(target)))
    for name in ("zip.pth", "plain.pth"):
        for spec in (f"prenet:{tmp_path / name}", f"rdmc:{tmp_path / name}"):
            with pytest.raises(BadWeights) as caught:
                load_derainer(spec)
            assert "\n" not in str(caught.value)
        with pytest.raises(BadWeights):
            load_derainer(f"torchscript:{tmp_path / name}")
    assert not target.exists()


def test_truncated_files_are_one_line(exported, tmp_path):
    script, module = exported
    write_onnx(module, tmp_path / "net.onnx")
    for kind, path in (("torchscript", script), ("onnx", tmp_path / "net.onnx")):
        data = path.read_bytes()
        for length in (0, 10, len(data) // 2, len(data) - 7):
            cut = tmp_path / f"cut{path.suffix}"
            cut.write_bytes(data[:length])
            with pytest.raises(BadWeights, match="damaged") as caught:
                load_derainer(f"{kind}:{cut}")
            assert "\n" not in str(caught.value)


def test_torchscript_that_writes_files_is_refused(tmp_path):
    class Writer(torch.nn.Module):
        def forward(self, x):
            return x + torch.from_file("stolen", True, 3)[0]

    torch.jit.script(Writer()).save(str(tmp_path / "writer.pt"))
    with pytest.raises(BadWeights, match="from_file"):
        load_derainer(f"torchscript:{tmp_path / 'writer.pt'}")
    with zipfile.ZipFile(tmp_path / "empty.pt", "w"):
        pass
    with pytest.raises(BadWeights, match="damaged"):
        load_derainer(f"torchscript:{tmp_path / 'empty.pt'}")


def test_a_broken_plug_in_does_not_hide_the_others(monkeypatch, file):
    import importlib.metadata as metadata

    points = [
        metadata.EntryPoint("theirs", "no_such_package_anywhere:Net", "derain_bench.derainers"),
        metadata.EntryPoint("guided", "numpy:copy", "derain_bench.derainers"),
        metadata.EntryPoint("simple", "numpy:copy", "derain_bench.derainers"),
    ]
    monkeypatch.setattr(
        metadata, "entry_points", lambda group: points if group == "derain_bench.derainers" else []
    )
    fresh = type(derainers.registry)("derainer", "derain_bench.derainers")
    for entry in derainers.entries():
        fresh.register(entry.card.name, entry)
    monkeypatch.setattr(derainers, "registry", fresh)
    with pytest.raises(BenchError, match="'theirs' from package .* could not be loaded: ModuleNotFoundError"):
        load_derainer("theirs")
    check_derainer(parse_derainers("theirs")[0])  # what it is turns out when it is loaded
    with pytest.raises(BenchError, match="two derainers are called 'guided'"):
        load_derainer("guided")
    assert (load_derainer("simple")(image()) == image()).all()
    assert load_derainer("median").card.name == "median"
    titles = {card.name: card.title for card in derainers.cards()}
    assert "could not be loaded" in titles["theirs"]
    assert titles["median"].startswith("median")


DRAWN = """
import torch
class Drawn(torch.nn.Module):
    def __init__(self, file=""):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1)
        if file:
            self.load_state_dict(torch.load(file))
    def forward(self, x): return self.conv(x)
class Bare(torch.nn.Module):
    def forward(self, x): return x
"""


def test_first_weights_are_the_same_in_every_process_and_said(tmp_path: Path) -> None:
    file, weights = tmp_path / "drawn.py", tmp_path / "w.pth"
    file.write_text(DRAWN)
    first, again = (load_derainer(f"{file}:Drawn", device="cpu") for _ in range(2))
    assert first.key == again.key
    (remark,) = first.remarks
    assert remark.startswith("no weights file was named")
    torch.save(first.module.state_dict(), weights)
    for named in (f"Drawn:{weights}", f"Drawn?file={weights}", "Bare"):
        assert not load_derainer(f"{file}:{named}", device="cpu").remarks

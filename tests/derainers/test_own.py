"""Anyone's own, as it lies on disk: every line of the documentation runs, and every edited helper changes the score.

The repositories are small ones of each kind that is found in the wild. They work in this process, on one image of 32
pixels.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data import open_data
from bench.engine.here import ThisProcess
from bench.images import write_image
from bench.keep.records import read_records

torch = pytest.importorskip("torch")

DOCS = Path(__file__).parents[2] / "docs" / "derainers.md"
TEXT = DOCS.read_text(encoding="utf-8")
SECTION = TEXT[TEXT.index("## What you have, and what to write") : TEXT.index("### Options")]
BLOCKS = dict(
    zip(("commands", "suite", "script"), re.findall(r"```\w*\n(.*?)```", SECTION, re.DOTALL), strict=True)
)
LINES = [line for line in BLOCKS["commands"].splitlines() if line.startswith("bench ")]

#: The files of each repository, each below a line with its name. DIM stands in a helper, which is edited.
REPOSITORIES = """
=== flat/net.py
import torch
from tones import DIM

class Net(torch.nn.Module):
    def forward(self, x):
        return x * DIM

def darker(image):
    return image // 2

class Grey(torch.nn.Module):
    def forward(self, x):
        return x[:, :1]

class Empty(torch.nn.Module):
    pass

class Blank(torch.nn.Module):
    def forward(self, x):
        return x / (x - x)

class Gpu(torch.nn.Module):
    def forward(self, x):
        raise AssertionError("Torch not compiled with CUDA enabled")  # as .cuda() does

class Made(torch.nn.Module):
    def __init__(self):
        raise RuntimeError("Found no NVIDIA driver on your system")

def blend(image, other):
    return image
=== flat/tones.py
DIM = 0.9
=== package/pyproject.toml
=== package/theirs/__init__.py
=== package/theirs/models/__init__.py
=== package/theirs/models/net.py
import torch
from ..ops import DIM

class Net(torch.nn.Module):
    def forward(self, x):
        return x * DIM
=== package/theirs/ops.py
DIM = 0.9
=== layout/setup.py
=== layout/src/rainlib/__init__.py
=== layout/src/rainlib/net.py
import torch
from rainlib.tones import DIM

class Net(torch.nn.Module):
    def forward(self, x):
        return x * DIM
=== layout/src/rainlib/tones.py
DIM = 0.9
=== sizes/net.py
import torch
from parts import block

class Net(torch.nn.Module):
    def __init__(self, width=4, blocks=1):
        super().__init__()
        self.first = torch.nn.Conv2d(3, width, 1)
        self.body = torch.nn.ModuleList(block(width) for _ in range(blocks))
        self.last = torch.nn.Conv2d(width, 3, 1)

    def forward(self, x):
        y = self.first(x)
        for each in self.body:
            y = each(y)
        return x + 0.1 * self.last(y)
=== sizes/parts.py
import torch

def block(width):
    return torch.nn.Sequential(torch.nn.Conv2d(width, width, 1), torch.nn.ReLU())
=== basic/setup.py
=== basic/archs/__init__.py
import importlib
import os

names = [name[:-3] for name in sorted(os.listdir(os.path.dirname(__file__))) if name.endswith("_arch.py")]
modules = [importlib.import_module(f"archs.{name}") for name in names]
=== basic/archs/my_arch.py
import torch
from archs.tone_util import tone

class MyArch(torch.nn.Module):
    def __init__(self, dim, num_blocks):
        super().__init__()
        self.dim = dim / 10 - len(num_blocks) * 0.01

    def forward(self, x):
        return tone(x, self.dim)
=== basic/archs/tone_util.py
def tone(x, dim):
    return x * dim
=== basic/options/train.yml
name: mine
scale: 1
network_g:
  type: MyArch
  dim: 9
  num_blocks: [2, 2]
=== factory/build.py
import blocks

def make_net(width=2):
    return blocks.Scaled(width)
=== factory/blocks.py
import torch

class Scaled(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.by = 1 - width / 20

    def forward(self, x):
        return x * self.by
=== scales/net.py
import torch
from tones import DIM

class Net(torch.nn.Module):
    def forward(self, x):
        return [x[:, :, ::4, ::4], x[:, :, ::2, ::2], x * DIM]
=== scales/tones.py
DIM = 0.9
=== signed/net.py
import torch
from tones import DIM

class Net(torch.nn.Module):
    def forward(self, bgr):
        assert bgr.min() < 0
        return torch.cat([bgr[:, :2], (bgr[:, 2:] + 1) * DIM - 1], 1)
=== signed/tones.py
DIM = 0.9
=== prompt/net.py
import torch
from prompts import STRENGTH

class Net(torch.nn.Module):
    def forward(self, x, task):
        return x * STRENGTH[task]
=== prompt/prompts.py
STRENGTH = [0, 1, 0.9]
=== windows/net.py
import torch
from tones import DIM

class Silent(torch.nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        return (x.reshape(n, c, h // 8, 8, w // 8, 8) * DIM).reshape(x.shape)

class Net(Silent):
    window_size = 8
=== windows/tones.py
DIM = 0.9
"""
FILES = dict(re.findall(r"^=== (\S+)\n(.*?)(?=^===|\Z)", REPOSITORIES, re.DOTALL | re.MULTILINE))
for _copy in ("lightning", "ema"):
    FILES |= {f"{_copy}/{name}": FILES[f"sizes/{name}"] for name in ("net.py", "parts.py")}
FILES["mine.yaml"] = BLOCKS["suite"]
FILES["mine.py"] = "import absent_library\n"

#: What is edited of each repository, and the derainer that it changes.
EDITS: dict[str, tuple[str, str, str]] = {
    "flat/net.py:Net": ("flat/tones.py", "0.9", "0.8"),
    "theirs.models.net:Net": ("package/theirs/ops.py", "0.9", "0.8"),
    "rainlib.net:Net": ("layout/src/rainlib/tones.py", "0.9", "0.8"),
    "sizes/net.py:Net": ("sizes/parts.py", "ReLU()", "Sigmoid()"),
    "my_arch.py:MyArch": ("basic/archs/tone_util.py", "x * dim", "x * dim * 0.9"),
    "@basic/options/train.yml": ("basic/options/train.yml", "dim: 9", "dim: 8"),
    "build.py:make_net": ("factory/blocks.py", "/ 20", "/ 10"),
    "lightning/net.py:Net": ("lightning/parts.py", "ReLU()", "Sigmoid()"),
    "ema/net.py:Net": ("ema/parts.py", "ReLU()", "Sigmoid()"),
    "scales/net.py:Net?.output": ("scales/tones.py", "0.9", "0.8"),
    "signed/net.py:Net": ("signed/tones.py", "0.9", "0.8"),
    "prompt/net.py:Net": ("prompt/prompts.py", "0.9", "0.8"),
    "windows/net.py:Net": ("windows/tones.py", "0.9", "0.8"),
}


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 220, (26, 32, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories, weights, images and exports that the documentation speaks of."""
    folder = tmp_path_factory.mktemp("there")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("rainy/rain/norain-1", "rainy/norain/norain-1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{name}.png", picture(len(name)))
    for name in ("restored/1", "odd/norain-1_epoch9"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(folder / f"{name}.png", picture(len(name)))
    scene = open_data("street").scenes[0]
    assert scene.image is not None
    for name in ("light", "streaks_heavy"):
        (folder / "each" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(scene.image, folder / "each" / name / f"{scene.id.rpartition('/')[2]}.png")
    _write_weights(folder)
    return folder


def _write_weights(folder: Path) -> None:
    import argparse

    from derainers.nets.nafnet import NAFNet
    from derainers.nets.prenet import PReNet

    names: dict[str, Any] = {"__name__": "made"}
    exec(FILES["sizes/parts.py"] + FILES["sizes/net.py"].replace("from parts import block", ""), names)
    torch.manual_seed(0)
    torch.save(names["Net"](6, 2).state_dict(), folder / "sizes/net.pth")
    plain = names["Net"]().state_dict()
    lit = {"state_dict": {f"net.{name}": value for name, value in plain.items()}, "epoch": 3}
    lit |= {"optimizer_states": [{"state": {}}], "hyper_parameters": {"args": argparse.Namespace(lr=1e-4)}}
    torch.save(lit, folder / "lightning/last.ckpt")
    averaged = {name: value + 0.1 for name, value in plain.items()}
    torch.save({"params": plain, "params_ema": averaged}, folder / "ema/net_g.pth")
    torch.save(PReNet(lstm=False).state_dict(), folder / "prn.pth")
    torch.save(NAFNet(width=8).state_dict(), folder / "naf8.pth")
    (folder / "exported").mkdir()
    conv = torch.nn.Conv2d(3, 3, 1)
    torch.jit.trace(conv, torch.rand(1, 3, 8, 8)).save(str(folder / "exported/net.pt"))
    _write_onnx(folder / "exported/fixed.onnx", 0.9)


def _write_onnx(path: Path, by: float) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    shape = [1, 3, 16, 16]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("rainy", "clean")]
    weights = [numpy_helper.from_array(np.array(by, np.float32), "by")]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["rainy", "by"], ["clean"])], "net", ends[:1], ends[1:], weights
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


@pytest.fixture(autouse=True)
def _inline(there: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in this process, where the repositories lie, and leave what --path said behind."""
    before = set(sys.modules)
    path = list(sys.path)
    monkeypatch.chdir(there)
    monkeypatch.setattr("bench.plugins.spec._searched", [])
    monkeypatch.setattr("bench.cli.options.choose_place", lambda *_: ThisProcess())
    monkeypatch.setattr("bench.api.ThisMachine", lambda *_: ThisProcess())
    yield
    assert sys.path == path
    own = {Path(name).stem for name in FILES} | {"theirs", "rainlib", "archs"}
    assert not {name.partition(".")[0] for name in set(sys.modules) - before} & own


def bench(line: str, *more: str) -> str:
    arguments = [*shlex.split(line)[1:], *more]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == (1 if arguments[0] == "check" else 0), (
        f"{line}\n{result.output}{result.exception}"
    )
    return result.output


def run(line: str, out: Path) -> dict[str, float | None]:
    """Run a line of the documentation; the score of each derainer."""
    bench(line, "--out", str(out), "--device", "cpu")
    records = read_records(out)
    assert all(record.status == "ok" for record in records)
    return {
        record.derainer.label: score.value
        for record in records
        if (score := record.score("psnr_y")) is not None and record.derainer.label not in ("clean", "none")
    }


@pytest.mark.parametrize("line", [line for line in LINES if not any(which in line for which in EDITS)])
def test_every_line_of_the_documentation_runs(line: str, tmp_path: Path, there: Path) -> None:
    if line.startswith("bench run"):
        assert run(line, tmp_path)
    elif line.startswith("bench check"):
        output = bench(line, "--device", "cpu")
        assert "set multiple = 8" in output
        assert "from net import Silent as Original" in output
    else:
        bench(line)
        assert (there / "mine" / "my_net.py").is_file()


@pytest.mark.parametrize("which", EDITS)
def test_an_edited_helper_changes_the_score(which: str, tmp_path: Path, there: Path) -> None:
    (line,) = [line for line in LINES if which in line and "run" in line]
    file, before, after = EDITS[which]
    text = (there / file).read_text()
    first = run(line, tmp_path / "first")
    (there / file).write_text(text.replace(before, after))
    try:
        # Under the old one's name there is nothing new, and nobody is told that there is.
        with pytest.raises(AssertionError, match="with other weights, code or settings"):
            run(line, tmp_path / "first")
        second = run(line, tmp_path / "second")
    finally:
        (there / file).write_text(text)
    assert first.keys() == second.keys()
    assert all(first[label] != second[label] for label in first), (first, second)


def test_another_export_changes_the_score(tmp_path: Path, there: Path) -> None:
    (line,) = [line for line in LINES if "onnx:" in line]
    first = run(line, tmp_path / "first")
    _write_onnx(there / "exported/fixed.onnx", 0.5)
    assert run(line, tmp_path / "second") != first


def test_the_script_of_the_documentation_runs(
    there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = BLOCKS["script"].replace("limit=1)", f"limit=1, out={str(tmp_path)!r}, device='cpu', workers=1)")
    assert "import bench" in source
    names: dict[str, Any] = {}
    exec(source, names)
    assert {"ours", "darker"} < {record.derainer.label for record in names["run"].records}
    assert "all properties hold" in capsys.readouterr().out


Fault = Callable[[Path], str]

WRONG = {
    "a file alone": ("flat/net.py", r"such as flat/net\.py:Net"),
    "a misspelt name": ("flat/net.py:Nett", r"did you mean Net\?"),
    "an argument that is none": ("'sizes/net.py:Net?widht=6'", r"no argument 'widht': did you mean width\?"),
    "an argument without a value": ("'sizes/net.py:Net?width'", r"write FILE\.py:NAME\?ARGUMENT=VALUE"),
    "arguments that are lacking": (
        "basic/archs/my_arch.py:MyArch",
        r"it needs dim and num_blocks: write FILE\.py:NAME\?ARGUMENT=VALUE",
    ),
    "weights of another size": (
        "sizes/net.py:Net:sizes/net.pth",
        r"it fits sizes/net\.py:Net\?width=6&blocks=2:",
    ),
    "several outputs": ("scales/net.py:Net", r"returned a list of 3: .*\?\.output=-1 for the last"),
    "a second input": ("prompt/net.py:Net", r"give it with \?\.inputs=\{task: VALUE\}"),
    "an output that is none": (
        "'scales/net.py:Net?.output=7'",
        "output = 7, but the network returned a list of 3",
    ),
    "several outputs within a chain": ("guided+scales/net.py:Net", r"\?\.output=-1 for the last"),
    "a second input of a function": ("flat/net.py:blend", r"give it with \?other=VALUE"),
    "a module that is nowhere": ("theirs.models.net:Net", r"--path DIR"),
    "a library that is not there": (
        "mine.py:Net",
        r"absent_library' \(line 1\); install it, or put it beside",
    ),
    "a value range that is none": ("'signed/net.py:Net?.value_range=1'", r"choose 0\.\.1, -1\.\.1, 0\.\.255"),
    "weights for a function": ("flat/net.py:darker:sizes/net.pth", "takes no weights file"),
    "options joined by question marks": ("'sizes/net.py:Net?width=6?blocks=2'", r"ARGUMENT=VALUE&ARGUMENT"),
    "arguments in brackets": ("'sizes/net.py:Net(width=6)'", r"write FILE\.py:NAME\?ARGUMENT=VALUE"),
    "a module and a name with a dot": ("mine.Net", r"written FILE\.py:NAME, such as mine\.py:Net"),
    "an address": ("https://example.org/net.pth", "download the file"),
    "a network that returns grey": ("flat/net.py:Grey", r"\(1, 3, 64, 64\): the size must stay"),
    "a network without forward": ("flat/net.py:Empty", r"write its forward\(self, rainy\)"),
    "a network that returns NaN": ("flat/net.py:Blank", r"'Blank' returned NaN .*: look for a division"),
    "a network that asks for a GPU": ("flat/net.py:Gpu", r"no GPU here: leave \.cuda\(\) .* x\.device"),
    "one whose constructor does": (
        "flat/net.py:Made",
        r"driver on .*; there is no GPU here: leave \.cuda\(\)",
    ),
    "a template alone": ("'folder:{scene}_x.png'", r"folder:DIR/\{scene\}_x\.png"),
    "an options file that is absent": ("'sizes/net.py:Net?@absent.yml'", r"options file absent\.yml"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_use_is_one_line_with_the_remedy(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.cli import main

    derainer, words = WRONG[what]
    line = f"run --derainer {derainer} --task restoration --data pairs:rainy --device cpu --out {tmp_path}"
    sys.argv, before = ["bench", *shlex.split(line)], sys.argv
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = before
    lines = capsys.readouterr().err.strip().splitlines()
    said = [each for each in lines if each.startswith(("bench: ", "not complete: "))]
    assert len(said) == 1, lines
    assert re.search(words, said[0]), said
    assert ended.value.code == 2
    assert not (tmp_path / "records").exists()

"""What ``bench check`` says first: what a network lacks is found by trying, and the class that is printed passes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.errors import BadConfig
from bench.verdicts import Outcome, Verdict
from derainers import Derainer, DerainerSpec, parse_derainers
from derainers.harness.conformance import run_checks
from derainers.harness.remedy import adapter, find_remedy, load_with, mend

torch = pytest.importorskip("torch")

SOURCE = """
import torch

class Base(torch.nn.Module):
    def __init__(self, strength=1.0):
        super().__init__()
        self.strength = strength

class Halving(Base):
    def forward(self, x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 8, 8, w // 8, 8).reshape(x.shape)  # only multiples of eight

class Listing(Base):
    def forward(self, x):
        return [x[:, :, ::2, ::2], 0 * x, x]

class First(Base):
    def forward(self, x):
        return x, 1 - x

class Naming(Base):
    def forward(self, x):
        return {"rain": 0 * x, "clean": x}

def told(x):  # what a small or a flat image cannot tell
    return min(x.shape[2:]) < 40 or x.min() == x.max()

class Signed(Base):
    def forward(self, x):
        return x if told(x) or x.min() < 0 else 1 - x

class Bytes(Base):
    def forward(self, x):
        return x if told(x) or x.max() > 1 else 1 - x

class Stretched(Base):
    def forward(self, x):
        return 255 * x.clamp(0, 1)

class Squeezed(Base):
    def forward(self, x):
        return (x / 255).clamp(0, 1)

class Lifted(Base):
    def forward(self, x):
        return (x.clamp(-1, 1) + 1) / 2

class Lowered(Base):
    def forward(self, x):
        return 2 * x - 1

class Turned(Base):
    def forward(self, x):
        return x.flip(1)

class TurnedToo(Base):
    def forward(self, x):
        return [(x.flip(1).clamp(-1, 1) + 1) / 2, 0 * x]

class Residual(Base):
    def forward(self, x):
        return -0.1 * x

class Rain(Base):
    def forward(self, x):
        return 0.1 * x

class Both(Base):
    def __init__(self, strength=1.0):
        super().__init__(strength)
        self.output = torch.nn.Identity()

    def forward(self, x):
        assert x.shape[2] % 4 == 0 and x.shape[3] % 4 == 0
        return [self.output(x)]

class Prompted(Base):
    def forward(self, x, task, *, word):
        return [x[:, :, ::2, ::2], x * (1.0, 0.5)[task]] if word is not None else x

class Right(Base):
    def forward(self, x):
        return x

class Trained(Base):
    def forward(self, x):
        return x + torch.nn.functional.batch_norm(x, None, None, training=True) / 20

class Graded(Base):
    def forward(self, x):
        return torch.autograd.grad((x ** 2).sum(), x)[0]

class Grey(Base):
    def forward(self, x):
        return torch.nn.functional.conv2d(x, torch.ones(1, 1, 1, 1))

class Alone(Base):
    def forward(self, x):
        return x[0]

class Waves(Base):
    def forward(self, x):
        return torch.fft.ifft2(torch.fft.fft2(x))

class Lost(Base):
    def forward(self, x):
        return x[:, :1]

class Blank(Base):
    def forward(self, x):
        return x / 0

def floats(image):
    return image / 255

def build():
    return Listing()

def swapped(image):
    return image[..., ::-1]
"""


#: What the class has to hold on images of several sizes and kinds.
PROPERTIES = ("finite", "batch", "colour", "flat", "harm", "tiles")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "my.py"
    path.write_text(SOURCE)
    return path


class Flat:
    """Paints everything white."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return np.full_like(image, 255)


def spec_of(file: Path, name: str) -> DerainerSpec:
    return parse_derainers(f"{file}:{name}")[0]


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("Halving", {"multiple": 8}),
        ("Listing", {"output": -1}),
        ("First", {"output": 0}),
        ("Naming", {"output": "clean"}),
        ("Rain", {"returns": "rain"}),
        ("Residual", {"returns": "residual"}),
        ("Signed", {"value_range": "-1..1"}),
        ("Bytes", {"value_range": "0..255"}),
        ("Stretched", {"value_range": "0..1/0..255"}),
        ("Squeezed", {"value_range": "0..255/0..1"}),
        ("Lifted", {"value_range": "-1..1/0..1"}),
        ("Lowered", {"value_range": "0..1/-1..1"}),
        ("Turned", {"channels": "rgb/bgr"}),
        ("TurnedToo", {"output": 0, "value_range": "-1..1/0..1", "channels": "rgb/bgr"}),
        ("Both", {"output": -1, "multiple": 4}),
        ("build", {"output": -1}),
        ("Prompted", {"inputs": {"task": 0, "word": 0}, "output": -1}),
        ("Right", {}),
        ("Lost", {}),
        ("swapped", {}),
    ],
)
def test_what_is_lacking_is_found_and_the_printed_class_has_it(
    file: Path, name: str, lacking: dict[str, object]
) -> None:
    spec = spec_of(file, name)
    load = partial(load_with, spec, "cpu", "auto")
    assert find_remedy(load) == lacking
    if not lacking:
        return
    text = adapter(spec, lacking, load({}, "off").module)  # type: ignore[attr-defined]
    if name == "Both":  # a class attribute would stand in the place of its layer
        (mended,) = parse_derainers(text.removeprefix("--derainer ").strip("'"))
    else:
        fixed = file.with_name(f"fixed_{name}.py")
        fixed.write_text(text)
        mended = spec_of(fixed, name)
    assert find_remedy(partial(load_with, mended, "cpu", "auto")) == {}
    verdicts = run_checks(lambda tile: load_with(mended, "cpu", "auto", {}, tile), 0, PROPERTIES)
    assert [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL] == []


def test_the_printed_class_finds_a_network_in_a_package(tmp_path: Path) -> None:
    folder = tmp_path / "theirs" / "models"
    folder.mkdir(parents=True)
    for name in ("theirs/__init__.py", "theirs/models/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "theirs" / "ops.py").write_text("def every(x):\n    return [0 * x, x]\n")
    (folder / "net.py").write_text(
        "import torch\nfrom ..ops import every\n\n"
        "class Net(torch.nn.Module):\n    def forward(self, x):\n        return every(x)\n"
    )
    spec = spec_of(folder / "net.py", "Net")
    text = adapter(spec, {"output": -1}, torch.nn.Identity())
    for place in (folder, tmp_path):
        (place / "fixed.py").write_text(text)
        assert find_remedy(partial(load_with, spec_of(place / "fixed.py", "Net"), "cpu", "auto")) == {}


def test_a_network_of_which_nothing_can_be_said_is_checked_all_the_same(file: Path) -> None:
    spec = spec_of(file, "Blank")

    def loaded(lacking: Mapping[str, object], tile: str) -> Derainer:
        if lacking:
            raise BadConfig("as of a registered one")
        return load_with(spec, "cpu", "auto", {}, tile)

    assert find_remedy(loaded) == {}


def test_of_an_image_that_comes_out_flat_nobody_can_tell_the_colours() -> None:
    (_, colour) = run_checks(lambda _: Flat(), 0, ("colour",))  # type: ignore[arg-type,return-value]
    assert (colour.outcome, colour.detail) == (Outcome.SKIP, "the image comes out flat")


def test_the_first_fault_is_said_with_what_to_do(file: Path) -> None:
    spec = spec_of(file, "Halving")
    assert mend(spec, {"multiple": 8}, []).startswith(
        f"Halving: set multiple = 8 in its class, or write '{file}:Halving?.multiple=8'"
    )
    faults = [Verdict("type", Outcome.PASS, ""), Verdict("batch", Outcome.FAIL, "differs")]
    assert mend(spec, {}, faults) == (
        "Halving: batch: differs; normalise each image by itself, and keep nothing from one to the next: "
        "statistics of the batch belong to training"
    )
    assert mend(spec, {}, faults[:1]) == ""


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("Lost", "with three channels: pick or make the three of 1"),
        ("Blank", "and for NaN in its weights"),
        ("floats", r"np.rint(255 * image).clip(0, 255).astype(np.uint8)"),
    ],
)
def test_what_a_message_says_itself_is_not_said_again(file: Path, name: str, ends: str) -> None:
    spec = spec_of(file, name)
    verdicts = run_checks(lambda tile: load_with(spec, "cpu", "auto", {}, tile), 0, ())
    assert mend(spec, {}, verdicts).endswith(ends)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Trained", "leave .train() out of forward and track_running_stats at True, or use InstanceNorm"),
        ("Graded", "of a clone of the image within torch.inference_mode(False) and torch.enable_grad()"),
        ("Grey", "have forward take the three channels apart, and put them together again"),
        ("Alone", "the size must stay, with all axes: images in the batch, channels, height, width"),
        ("Waves", "it must return floats, RGB in [0, 1]; take its real part"),
        ("Lost", "the size must stay, with three channels: pick or make the three of 1"),
    ],
)
def test_what_no_padding_mends_is_not_padded(file: Path, name: str, advice: str) -> None:
    spec = spec_of(file, name)
    load = partial(load_with, spec, "cpu", "fp32")
    assert find_remedy(load) == {}
    (size,) = run_checks(lambda tile: load({}, tile), 0, ("size",))
    assert mend(spec, {}, [size]) == f"{name}: size: {size.detail}"
    assert size.detail.endswith(advice)


def test_check_begins_with_what_to_mend_and_goes_on_with_it_mended(file: Path) -> None:
    done = CliRunner().invoke(app, ["check", f"{file}:Halving", "--fix", "--device", "cpu"])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0].startswith("mend this first: Halving: set multiple = 8")
    assert "from my import Halving as Original" in lines
    verdicts = {line.split()[0]: line.split()[1] for line in lines if len(line.split()) > 2}
    assert verdicts["interface"] == "fail"
    assert "skip" not in verdicts.values()
    assert lines[-1] == "failed: Halving: interface"
    assert "thread" in done.output

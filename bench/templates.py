"""What ``bench new`` writes: a commented file of one's own, and its test."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

from bench.errors import BadConfig, OutputError, unknown
from bench.plugins.code import TAKEN, is_installed

_DERAINER = (
    '''"""CLASS, a derainer of my own.

bench check FILE.py:CLASS                       # does it do what the bench relies on?
bench run --derainer FILE.py:CLASS,guided --task restoration --limit 2
bench run --derainer 'FILE.py:CLASS?width=16:weights.pth'    # other arguments, trained weights
"""

import torch


class CLASS(torch.nn.Module):
    # What forward takes and returns, where that is not float NCHW, RGB in [0, 1], in and out:
    # multiple = 16              height and width must be multiples of it
    # output = -1                which of several outputs is the image
    # returns = "rain"           what is returned is taken from the input ("residual": added to it)
    # value_range = "-1..1"      or "0..255"
    # channels = "bgr"

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(3, width, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(width, 3, 3, padding=1)
        )
        torch.nn.init.zeros_(self.body[-1].weight)  # it begins as a network that changes nothing
        torch.nn.init.zeros_(self.body[-1].bias)

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        return rainy + self.body(rainy)
''',
    '''"""It does what the bench relies on: python -m pytest test_FILE.py"""

from pathlib import Path

import bench


def test_it_does_what_the_bench_relies_on():
    done = bench.check(f"{Path(__file__).parent / 'FILE.py'}:CLASS", device="cpu")
    assert done.holds, done
''',
)

_RAIN = (
    '''"""FILE, a rain of my own.

bench check --rain FILE.py:FILE
bench run --derainer median --task restoration --rain 'FILE.py:FILE?drops=200' --limit 2
"""

import numpy as np


def FILE(image, rng, depth, drops=100):
    """Bright vertical streaks, fewer far away.

    Args:
        image: The clean image, uint8 RGB, height x width x 3; copy it before you change it.
        rng: A numpy generator; draw from it alone, and keep nothing from one image to the next.
        depth: metres (float32 height x width, infinite for the sky) and focal; leave the parameter out if you do not
            need it.
        drops: An argument of my own, after the question mark.
    """
    rainy = image.copy()
    height, width = image.shape[:2]
    for _ in range(drops):
        top, left = rng.integers(0, height), rng.integers(0, width)
        length = int(rng.integers(2, 12))
        near = depth.metres[top, left] < 50
        streak = rainy[top : top + length, left]
        rainy[top : top + length, left] = np.minimum(streak, 195) + (60 if near else 30)
    return rainy
''',
    '''"""It does what the bench relies on: python -m pytest test_FILE.py"""

from pathlib import Path

from bench.rain import parse_rain
from bench.rain.check import run_checks
from bench.verdicts import Outcome


def test_it_does_what_the_bench_relies_on():
    verdicts = run_checks(parse_rain(f"{Path(__file__).parent / 'FILE.py'}:FILE"))
    assert not [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL], verdicts
''',
)

_TASK = (
    '''"""CLASS, a task of my own: numbers of each image, averaged over scenes.

bench run --derainer median --task FILE.py:CLASS --limit 2
"""

import numpy as np

from downstream.tasks import Metric, PerImage


class CLASS(PerImage):
    name = "FILE"
    # name, title, protocol, unit, factor in tables, digits
    metrics = (
        Metric(
            "error",
            "mean error",
            "error@rgb",
            "levels",
            1.0,
            2,
            higher_is_better=False,
            bounds=(0, 255),
            place="summary",
            headline=True,
        ),
    )

    def measure(self, image, clean):
        """A number for each metric, of two uint8 RGB images of one size."""
        return {"error": float(np.abs(image.astype(float) - clean).mean())}
''',
    '''"""Its numbers are what they should be: python -m pytest test_FILE.py"""

from pathlib import Path

import numpy as np

from downstream.tasks import load_task


def test_a_known_image_has_a_known_number():
    task = load_task(f"{Path(__file__).parent / 'FILE.py'}:CLASS")
    clean = np.full((8, 8, 3), 100, np.uint8)
    assert task.measure(clean, clean) == {"error": 0.0}
    assert task.measure(clean + 5, clean) == {"error": 5.0}
''',
)

_MODEL = (
    '''"""CLASS, a detector of my own.

bench run --derainer median --task detection --model 'FILE.py:CLASS?least=230' --limit 2
"""

import numpy as np


class CLASS:
    # Matched with the data set's categories by name.
    classes = ("car", "person")

    def __init__(self, least=240):
        # Load your network here, once: what it opens is part of the key of its results.
        self.least = least

    def __call__(self, image):
        """Look at one image, uint8 RGB.

        Returns:
            Boxes (n, 4) as left, top, right, bottom in pixels, scores (n,), indices into classes (n,). For
            segmentation: indices into classes, height x width.
        """
        bright = np.argwhere(image.min(axis=2) > self.least)
        if not len(bright):
            return np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)
        (top, left), (bottom, right) = bright.min(axis=0), bright.max(axis=0) + 1
        return [[left, top, right, bottom]], [0.5], [0]
''',
    '''"""It finds what is there to be found: python -m pytest test_FILE.py"""

from pathlib import Path

import numpy as np

from downstream.models import load_model


def test_it_finds_a_bright_spot_and_nothing_in_the_dark():
    model = load_model("detection", f"{Path(__file__).parent / 'FILE.py'}:CLASS", device="cpu")
    image = np.zeros((32, 48, 3), np.uint8)
    assert len(model.predict(image).boxes) == 0
    image[10:20, 5:15] = 255
    assert model.predict(image).boxes.tolist() == [[5, 10, 15, 20]]
''',
)

_DATA = (
    '''"""FILE, a data set of my own.

bench run --derainer median --task restoration --data FILE.py:FILE:FOLDER --limit 2
"""

from bench.data import DataSet, Reader, Scene
from bench.data.pairs import lay_out


def open_FILE(root, split):
    """Find the scenes: every PNG of a folder is a clean image, named by its file."""
    scenes = tuple(Scene(id=path.stem, image=path) for path in sorted(root.glob("*.png")))
    return DataSet(name="FILE", kind="FILE", root=root, split=split or "all", scenes=scenes)


FILE = Reader(
    kind="FILE",
    description="a folder of PNGs",
    open=open_FILE,
    serves=frozenset({"clean images"}),  # and "boxes", "masks", "depth", where there are any
    split="all",
    layout=lay_out,  # how `bench rain` writes it
)
''',
    '''"""Its scenes are found and read: python -m pytest test_FILE.py"""

from pathlib import Path

import numpy as np

from bench.data import open_data
from bench.images import write_image


def test_every_image_is_a_scene(tmp_path):
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", np.full((8, 8, 3), 7, np.uint8))
    data = open_data(f"{Path(__file__).parent / 'FILE.py'}:FILE:{tmp_path}")
    assert [scene.id for scene in data.scenes] == ["a", "b"]
    assert data.clean(data.scenes[0]).shape == (8, 8, 3)
''',
)

#: Of each kind the file and its test. FILE stands for the name as a module has it, CLASS as a class has it.
TEMPLATES = {"derainer": _DERAINER, "rain": _RAIN, "task": _TASK, "model": _MODEL, "data": _DATA}


def write_template(kind: str, name: str, folder: Path) -> tuple[Path, Path]:
    """Write a file of one's own and its test.

    Args:
        kind: One of :data:`TEMPLATES`.
        name: What it is to be called: ``my_net`` or ``MyNet``.
        folder: Where; made where it is not there.

    Returns:
        The two files.

    Raises:
        UnknownName: If there is no such kind.
        BadConfig: If the name is none for Python, or one of the files is there already.
        OutputError: If the folder cannot be written to.
    """
    from downstream.tasks import is_registered

    if kind not in TEMPLATES:
        raise unknown("kind", kind, TEMPLATES)
    plain = name.removesuffix(".py").replace("-", "_")
    # HINet is one word, MyNet are two.
    module = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()
    title = "".join(part[:1].upper() + part[1:] for part in plain.split("_"))
    if not (module.isidentifier() and title.isidentifier()):
        raise BadConfig(
            f"name {name!r}: use letters, digits and underscores, a letter first, such as my_{kind}"
        )
    if keyword.iskeyword(module) or module in TAKEN or _is_library(module):
        raise BadConfig(
            f"name {name!r} stands for something else in Python: choose another, such as my_{module}"
        )
    if kind == "task" and is_registered(module):
        raise BadConfig(f"name {name!r} is a registered task's: choose another, such as my_{module}")
    files = folder / f"{module}.py", folder / f"test_{module}.py"
    for file in files:
        if file.exists():
            raise BadConfig(f"{file} is there already: choose another name, or another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, TEMPLATES[kind], strict=True):
            file.write_text(text.replace("FILE", module).replace("CLASS", title), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from None
    return files


def _is_library(name: str) -> bool:
    """Whether a module of this name is installed, which the file would stand in the way of."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None and is_installed(Path(spec.origin).resolve())

"""Models from a Python file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.errors import BenchError
from downstream.models import check_model, load_model

pytestmark = pytest.mark.usefixtures("here")

DOC = Path(__file__).resolve().parents[3] / "docs" / "models.md"


def run(folder: Path, model: str, **choices: Any) -> dict[tuple[str, str], Any]:
    values: dict[str, Any] = {
        "derainer": "median",
        "task": "detection",
        "limit": 3,
        "device": "cpu",
        "workers": 1,
    }
    records = bench.run(**values | choices, model=model, out=folder / "run").records
    return {(r.task, r.derainer.label): r for r in records}


def test_the_documented_example_runs(tmp_path: Path) -> None:
    found = re.search(r"```python\n# mine\.py\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found
    (tmp_path / "mine.py").write_text(found[1])
    records = run(tmp_path, f"{tmp_path / 'mine.py'}:Bright")
    assert {r.status for r in records.values()} == {"ok"}
    assert records["detection", "clean"].model.name == "Bright"


def test_a_wrapped_network_scores_what_it_scores_itself(tmp_path: Path) -> None:
    pytest.importorskip("mmdet")
    (tmp_path / "mine.py").write_text(
        "from downstream.models import load_model\n"
        "class Wrapped:\n"
        "    def __init__(self):\n"
        "        self.inner = load_model('detection', device='cpu')\n"
        "        self.classes = self.inner.classes\n"
        "    def __call__(self, image):\n"
        "        found = self.inner.predict(image)\n"
        "        return found.boxes, found.scores, found.labels\n"
    )
    own = run(tmp_path, f"{tmp_path / 'mine.py'}:Wrapped")
    embedded = run(tmp_path / "embedded", "street_yolox")
    for key, record in own.items():
        ours, theirs = ([(s.metric, s.value, s.low) for s in r.scores] for r in (record, embedded[key]))
        assert ours == theirs


def test_a_label_map_and_an_argument(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from bench.data.cityscapes_labels import CLASSES\n"
        "class Flat:\n"
        "    classes = CLASSES\n"
        "    def __init__(self, index='0'):\n"
        "        self.index = int(index)\n"
        "    def __call__(self, image):\n"
        "        return np.full(image.shape[:2], self.index)\n"
    )
    records = run(tmp_path, f"{tmp_path / 'mine.py'}:Flat:10", task="segmentation")
    scores = {s.metric: s.value for s in records["segmentation", "clean"].scores}
    assert scores["iou/sky"] > 0
    assert scores["iou/road"] == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def fn(image): return image\n", "asking for its classes raised AttributeError"),
        ("def fn(image): return 1\nfn.classes = ('a',)\n", r"must return boxes \(n, 4\), scores"),
        ("def fn(image): return [[9, 9, 3, 3]], [0.5], [0]\nfn.classes = ('a',)\n", "not width and height"),
        ("def fn(image): return [[1, 1, 3, 3]], [0.5], [4]\nfn.classes = ('a',)\n", "label 4, of 1 classes"),
        ("def fn(image): raise KeyError('x')\nfn.classes = ('a',)\n", "looking at an image raised KeyError"),
    ],
)
def test_a_fault_is_one_line_before_the_first_image(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(BenchError, match=said) as caught:
        load_model("detection", f"{tmp_path / 'mine.py'}:fn", device="cpu")
    assert "\n" not in str(caught.value)


def test_files_are_checked_without_being_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no file"):
        check_model("detection", f"{tmp_path / 'gone.py'}:fn")
    (tmp_path / "mine.py").write_text("raise SystemExit(7)\n")
    assert check_model("detection", f"{tmp_path / 'mine.py'}:fn") == "fn"
    with pytest.raises(BenchError, match="takes no --checkpoint"):
        check_model("detection", f"{tmp_path / 'mine.py'}:fn", "w.pth")


def test_label_maps_are_held_to_their_form(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def fn(image): return image[..., 0] * 1.0\nfn.classes = ('a',)\n")
    with pytest.raises(BenchError, match="must return class indices"):
        load_model("segmentation", f"{tmp_path / 'mine.py'}:fn", device="cpu").predict(
            np.zeros((4, 4, 3), np.uint8)
        )


def test_two_models_look_at_the_same_images_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Bright:\n"
        "    classes = ('car',)\n"
        "    def __init__(self, least=200):\n"
        "        self.least = least\n"
        "    def __call__(self, image):\n"
        "        rows, columns = np.nonzero(image.min(2) >= self.least)\n"
        "        if not len(rows):\n"
        "            return np.zeros((0, 4)), [], []\n"
        "        return [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], [0.9], [0]\n"
    )
    spec = f"{tmp_path / 'mine.py'}:Bright"
    done = bench.run(
        derainer="median",
        model=[f"before={spec}", f"after={spec}?least=90", f"detection=again={spec}"],
        limit=2,
        device="cpu",
        workers=1,
        out=tmp_path / "run",
    )
    seen = {(r.model.name, r.derainer.label): r for r in done.records if r.model}
    assert {name for name, _ in seen} == {"before", "after", "again"}
    assert seen["before", "none"].evidence == seen["again", "none"].evidence != seen["after", "none"].evidence
    with pytest.raises(BenchError, match="give them labels"):
        bench.run(model=[spec, spec + "?least=200"], limit=1, out=tmp_path / "clash")

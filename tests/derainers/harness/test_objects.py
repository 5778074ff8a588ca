"""Objects handed over instead of names: what makes them another one, how they reach workers, and what cannot."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.engine.here import ThisProcess
from bench.errors import BadConfig, BenchError
from bench.hashing import content_key
from bench.images import write_image
from bench.object_key import fingerprint
from derainers import parse_derainers

torch = pytest.importorskip("torch")


class Net(torch.nn.Module):
    def __init__(self, strength: float = 0.5) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.strength = strength

    def forward(self, x: Any) -> Any:
        return x * self.scale * self.strength


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for name, seed in (("rain", 0), ("norain", 1)):
        (folder / name).mkdir()
        write_image(
            folder / name / "0.png", np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
        )
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process: no worker has to start."""
    monkeypatch.setattr("bench.api.ThisMachine", lambda *_: ThisProcess())


def go(derainer: Any, pairs: Path, out: Path, **choices: Any) -> dict[str, Any]:
    values = {"task": "restoration", "data": f"pairs:{pairs}", "out": out, "device": "cpu", "workers": 1}
    result = bench.run(derainer, **values | choices)
    assert not result.problems
    return {record.derainer.label: record for record in result.records}


def test_a_value_or_a_weight_makes_another_object() -> None:
    prints = [content_key(fingerprint(Net(strength))) for strength in (0.5, 0.5, 0.6)]
    assert prints[0] == prints[1] != prints[2]
    other = Net()
    with torch.no_grad():
        other.scale += 1
    assert content_key(fingerprint(other)) != prints[0]


NOTEBOOK = """
import numpy as np
def helper(image): return image {operator} 2
class Tool:
    def __call__(self, image): return helper(image)
def plain(image): return helper(image)
table = np.arange({last})
def looked_up(image): return table[image]
def closed(n): return lambda image: image // n
"""


def test_in_a_notebook_what_a_function_uses_counts() -> None:
    def printed(operator: str = "//", last: int = 256, n: int = 2) -> dict[str, str]:
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(NOTEBOOK.format(operator=operator, last=last), names)
        made = {"tool": names["Tool"](), "plain": names["plain"], "table": names["looked_up"]}
        return {
            name: content_key(fingerprint(found)) for name, found in {**made, "n": names["closed"](n)}.items()
        }

    def changed(**values: Any) -> set[str]:
        before, after = printed(), printed(**values)
        return {name for name in before if before[name] != after[name]}

    assert changed() == set()
    assert changed(operator="*") == {"tool", "plain"}
    assert changed(last=300) == {"table"}
    assert changed(n=3) == {"n"}


def test_objects_run_beside_names_and_are_not_run_twice(here: None, pairs: Path, tmp_path: Path) -> None:
    net = Net()
    net.train()
    first = go({"ours": net, "half": lambda image: image // 2, "median": "median"}, pairs, tmp_path)
    assert set(first) >= {"ours", "half", "median"}
    assert first["ours"].score("psnr_y").value == pytest.approx(first["half"].score("psnr_y").value, abs=0.1)
    assert net.training
    again = go({"ours": Net()}, pairs, tmp_path, strategy="only-cache")
    assert again["ours"].evidence == first["ours"].evidence
    other = go({"ours": Net(0.7)}, pairs, tmp_path / "other")
    assert other["ours"].evidence != first["ours"].evidence
    text = first["ours"].run["choices"]["derainers"][0]
    with pytest.raises(BadConfig, match="hand it over again"):
        parse_derainers(text)


def test_what_cannot_be_sent_runs_here_and_says_so(pairs: Path, tmp_path: Path) -> None:
    lock = threading.Lock()

    def locked(image: np.ndarray) -> np.ndarray:
        with lock:
            return image // 2

    with pytest.warns(UserWarning, match=r"mine cannot be sent .* the run stays in this one"):
        assert "mine" in go({"mine": locked}, pairs, tmp_path)


def test_an_object_that_stands_alone_has_its_own_name(pairs: Path, tmp_path: Path) -> None:
    assert "Net" in go(Net(), pairs, tmp_path)
    for nameless in (lambda image: image, [Net()], 3):
        with pytest.raises(BadConfig, match="give it a label"):
            bench.run(nameless)


class Sized(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({3: Net()}, "label 3: a label is a text"),
        ({"": Net()}, "label '': a label is a text"),
        ({'a"b': Net()}, "a label is a text, not empty and without double quotes"),
        ({"mine": 3}, "derainer 'mine' is a int: it must be a function"),
        (
            {"mine": Sized},
            r"'mine' is a class \(missing a required argument: 'width'\): hand over .* Sized\(\.\.\.\)",
        ),
    ],
)
def test_what_cannot_be_handed_over_is_called_by_its_label(
    here: None, pairs: Path, tmp_path: Path, given: Any, says: str
) -> None:
    with pytest.raises(BenchError, match=says):
        go(given, pairs, tmp_path)
    assert not (tmp_path / "records").exists()


def test_another_object_under_a_label_is_refused_with_what_to_do(
    here: None, pairs: Path, tmp_path: Path
) -> None:
    go({"mine": Net()}, pairs, tmp_path)
    with pytest.raises(BadConfig, match="give it another label or another --out"):
        go({"mine": Net(0.6)}, pairs, tmp_path)


def test_working_with_an_object_leaves_its_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    names = vars(sys.modules["__main__"])
    for name in ("Fading", "faded", "LEFT"):
        monkeypatch.setitem(names, name, None)
    exec("LEFT = 0.9\ndef faded(x): return (x * LEFT).astype('uint8')", names)
    exec("class Fading:\n    def __call__(self, x): return faded(x)", names)
    fading, white = names["Fading"](), np.full((4, 4, 3), 200, np.uint8)
    before = content_key(fingerprint(fading))
    bench.check(fading)
    exec("LEFT = 0.5", names)
    assert fading(white).max() == 100
    assert content_key(fingerprint(fading)) != before


def test_check_takes_an_object() -> None:
    done = bench.check(lambda image: image[..., ::-1])
    assert not done.holds
    assert done.first.startswith("mine: colour: channels come out as BGR")
    assert "colour" in repr(done)


def test_what_check_advises_can_be_said_of_an_object() -> None:
    class Pair(Net):
        def forward(self, x: Any) -> Any:
            return x / 2, x

    first = bench.check(Pair()).first
    assert first == "Pair: set output = -1 in its class, or as attributes of the object"
    said = Pair()
    said.output = -1
    assert bench.check(said).holds


def test_objects_of_a_script_reach_workers(pairs: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import bench
            N = 2
            class Half:
                def __call__(self, image):
                    return image // N
            choices = {{"task": "restoration", "data": "pairs:{pairs}", "out": "{tmp_path}/out", "device": "cpu"}}
            run = bench.run({{"half": Half()}}, workers=1, **choices)
            print([record.status for record in run.records if record.derainer.label == "half"], run.problems)
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "['ok'] []" in done.stdout, done.stderr

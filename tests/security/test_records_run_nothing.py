"""A record is data, whoever sent it: verifying, scoring again, reporting and ranking run nothing that it names."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench.engine.verify import verify
from bench.errors import BenchError
from bench.hashing import sha256_file
from bench.images import write_image
from bench.keep.records import read_record, read_records
from bench.keep.store import Store
from bench.score.rescore import rescore
from bench.seeds import rng_from
from reports import render
from reports.board.files import render_leaderboard

#: Leaves the marker when it is imported, unpickled or called.
CODE = """
from pathlib import Path
Path({marker!r}).touch()

def fn(image, *rest, **more):
    Path({marker!r}).touch()
    return image

class Task:
    about = None

model = dict(type="Evil")
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store of two small pairs, as somebody else sent it."""
    folder = tmp_path_factory.mktemp("sent")
    for name in ("rain", "norain"):
        (folder / "pairs" / name).mkdir(parents=True)
        for index in range(2):
            image = rng_from(name, index).integers(0, 256, (32, 40, 3)).astype(np.uint8)
            write_image(folder / "pairs" / name / f"{index}.png", image)
    out = folder / "run"
    bench.run(derainer="median", task="restoration", data=f"pairs:{folder / 'pairs'}", out=out, workers=1)
    return out


@pytest.fixture
def sent(store: Path, tmp_path: Path) -> Path:
    shutil.copytree(store, tmp_path / "unpacked")
    return tmp_path / "unpacked"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    marker = tmp_path / "MARKER"
    (tmp_path / "evil.py").write_text(CODE.format(marker=str(marker)))
    return marker


def _pickle(path: Path, marker: Path) -> Path:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return Path(marker).touch, ()

    path.write_bytes(pickle.dumps({"state_dict": Evil()}))
    return path


def forged(store: Path, **choices: Any) -> Path:
    """Replace what a record says of how it was made; the record stays valid."""
    (path,) = (store / "records").glob("*median*")
    values = json.loads(path.read_text())
    values["run"]["choices"] |= choices
    path.write_text(json.dumps(values))
    read_record(path)
    return path


def names(tmp_path: Path, marker: Path) -> dict[str, dict[str, Any]]:
    """Every place of a record that can name code, with what it could name."""
    evil = tmp_path / "evil.py"
    pickled = _pickle(tmp_path / "evil.pth", marker)
    digest = sha256_file(pickled)
    pairs = str(tmp_path / "unpacked" / ".." / "pairs")
    found: dict[str, dict[str, Any]] = {}
    for place in (str(evil), "evil.py", "./evil.py", f"{tmp_path}/./evil.py"):
        found[f"derainer {place}"] = {"derainers": [f"median={place}:fn"]}
        found[f"derainer with weights {place}"] = {"derainers": [f"median={place}:fn:{pickled}"]}
        found[f"chain {place}"] = {"derainers": [f"median=median+{place}:fn"]}
        found[f"flip {place}"] = {"derainers": [f"median=flip({place}:fn)"]}
        found[f"task {place}"] = {"tasks": [f"{place}:Task"]}
        found[f"rain {place}"] = {"variants": [{"data": "street", "rain": [f"{place}:fn"], "limit": 1}]}
        found[f"data {place}"] = {"variants": [{"data": f"{place}:fn:{tmp_path}"}]}
        found[f"model {place}"] = {
            "tasks": ["detection"],
            "models": [{"task": "detection", "name": place, "checkpoint": str(pickled)}],
        }
    found["torchscript"] = {"derainers": [f"median=torchscript:{pickled}"]}
    found["trusted weights"] = {"derainers": [f"median=prenet:{pickled}"], "checkpoint_trust": [digest]}
    found["trusted checkpoint"] = {
        "tasks": ["detection"],
        "models": [{"task": "detection", "name": "street_yolox", "checkpoint": str(pickled)}],
        "checkpoint_trust": [digest],
    }
    found["trusted model of the index"] = {
        "tasks": ["segmentation"],
        "models": [{"task": "segmentation", "name": "street_seg", "checkpoint": str(pickled)}],
        "checkpoint_trust": [digest],
        "variants": [{"data": "street", "limit": 1}],
    }
    found["onnx that is none"] = {"derainers": [f"median=onnx:{pickled}"]}
    found["folder"] = {"derainers": [f"median=folder:{tmp_path}"]}
    found["pairs elsewhere"] = {"variants": [{"data": f"pairs:{pairs}"}]}
    return found


KINDS = [
    *(
        f"{kind} {place}"
        for place in ("ABSOLUTE", "evil.py", "./evil.py", "DOTTED")
        for kind in ("derainer", "derainer with weights", "chain", "flip", "task", "rain", "data", "model")
    ),
    "torchscript",
    "trusted weights",
    "trusted checkpoint",
    "trusted model of the index",
    "onnx that is none",
    "folder",
    "pairs elsewhere",
]


@pytest.mark.parametrize("kind", KINDS)
def test_verify_runs_nothing_that_a_record_names(
    sent: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    kind = kind.replace("ABSOLUTE", str(tmp_path / "evil.py")).replace("DOTTED", f"{tmp_path}/./evil.py")
    path = forged(sent, **names(tmp_path, marker)[kind])
    with pytest.raises(BenchError) as caught:
        verify(path, 1, device="cpu", workers=1)
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_what_the_user_names_is_run(sent: Path, marker: Path, tmp_path: Path) -> None:
    """The door is there, and it is the user's: the code then runs, and its key tells that it is not the record's."""
    path = forged(sent, derainers=[f"median={tmp_path / 'evil.py'}:fn"])
    with pytest.raises(BenchError, match="was made by other weights, code"):
        verify(path, 1, device="cpu", workers=1, choices={"derainer": f"{tmp_path / 'evil.py'}:fn"})
    assert marker.exists()


def test_scoring_reporting_and_ranking_run_nothing(
    sent: Path, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for choices in names(tmp_path, marker).values():
        forged(sent, **choices)
        rescore(Store(sent))
        records = read_records(sent)
        for form in ("md", "latex", "csv", "html", "text", "json"):
            render(records, form)
        render_leaderboard(sent / "records", tmp_path / "site", tmp_path / "page.md")
    assert not marker.exists()


@pytest.mark.parametrize("file", ["evidence", "cell", "manifest", "memo"])
def test_no_other_file_of_a_store_is_unpickled(sent: Path, marker: Path, tmp_path: Path, file: str) -> None:
    pickled = _pickle(tmp_path / "evil.bin", marker).read_bytes()
    places = {
        "evidence": "evidence/*/*.parquet",
        "cell": "evidence/*/cell.json",
        "manifest": "manifests/*.json",
        "memo": "memos/*.json",
    }
    for path in sent.glob(places[file]):
        path.write_bytes(pickled)
    for act in (
        lambda: rescore(Store(sent)),
        lambda: list(Store(sent).damaged()),
        lambda: verify(next((sent / "records").glob("*median*")), 1, device="cpu", workers=1),
    ):
        with contextlib.suppress(BenchError):
            act()
    assert not marker.exists()

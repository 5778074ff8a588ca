"""Data readers in users' files: opened, checked, sent to other processes, written, and part of the key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.data import open_data, reader_of
from bench.data.fingerprint import scene_digests
from bench.errors import BadConfig, BadData
from bench.rain import parse_rain
from bench.rain.write import write_variant

SOURCE = '''
import dataclasses
from pathlib import Path

from bench.data import DataSet, Reader, Scene
from bench.data.pairs import lay_out
from helper import FLIP


@dataclasses.dataclass(frozen=True)
class Mirrored(DataSet):
    """Images read mirrored."""

    flip: bool = FLIP

    def clean(self, scene):
        image = super().clean(scene)
        return image[:, ::-1] if self.flip else image


def open_mirrored(root, split):
    scenes = tuple(Scene(path.stem, path) for path in sorted(root.glob("*.jpg")))
    return Mirrored(name="mine", kind="mirrored", root=root, split=split or "", scenes=scenes)


mirrored = Reader("mirrored", "mirrored photos", open_mirrored, frozenset({"clean images"}), layout=lay_out)
mute = dataclasses.replace(mirrored, layout=None)
fixed = dataclasses.replace(mirrored, embedded=Path(__file__).parent)


class Stiff(DataSet):
    def __init__(self, root):
        super().__init__("mine", "stiff", root, "", (Scene("a", root / "a.jpg"),))


def opens(make):
    return dataclasses.replace(mirrored, open=make)


def plain(root, **fields):
    return DataSet(name="mine", kind="plain", root=root, split="", **fields)


stiff = opens(lambda root, split: Stiff(root))
nothing = opens(lambda root, split: None)
raising = opens(lambda root, split: {}["labels"])
twice = opens(lambda root, split: plain(root, scenes=(Scene("a", root), Scene("a", root))))
blank = opens(lambda root, split: plain(root, scenes=(Scene("a", None),)))
dry = opens(lambda root, split: plain(root, scenes=(Scene("a", root),), own_rain=True))
function = open_mirrored
'''


@pytest.fixture
def file(tmp_path: Path, write_image: object) -> Path:
    for name in ("b.jpg", "a.jpg"):
        write_image(tmp_path / "photos" / name, seed=ord(name[0]))  # type: ignore[operator]
    (tmp_path / "helper.py").write_text("FLIP = True\n")
    path = tmp_path / "my.py"
    path.write_text(SOURCE)
    return path


def test_a_reader_opens_its_folder(file: Path) -> None:
    data = open_data(f"{file}:mirrored:{file.parent}/photos", "some")
    assert [scene.id for scene in data.scenes] == ["a", "b"]
    assert (data.split, data.kind, data.serves) == ("some", "mirrored", {"clean images"})
    assert reader_of(data).description == "mirrored photos"
    assert reader_of(data.first(1)) is reader_of(data)
    assert len(open_data(f"{file}:fixed").scenes) == 0


def test_the_key_of_its_scenes_holds_its_code(file: Path) -> None:
    spec = f"{file}:mirrored:{file.parent}/photos"
    first = scene_digests(open_data(spec))
    assert first == scene_digests(open_data(spec))
    (file.parent / "helper.py").write_text("FLIP = 1 > 0\n")
    assert set(scene_digests(open_data(spec)).values()).isdisjoint(first.values())
    assert "reader" not in open_data("street").files(open_data("street").scenes[0])


@pytest.mark.parametrize("pickler", ["pickle", "loky.backend.reduction", "ray.cloudpickle"])
def test_a_data_set_is_in_another_process_what_it_was_here(file: Path, pickler: str) -> None:
    dumps = pytest.importorskip(pickler).dumps
    data = open_data(f"{file}:mirrored:{file.parent}/photos")
    data = data.first(1)
    expected = int(data.clean(data.scenes[0])[:, 0].sum())  # type: ignore[index]
    code = """
import pickle, sys
data = pickle.load(sys.stdin.buffer)
print(type(data).__name__, data.clean(data.scenes[0])[:, 0].sum(), data.code, len(data.scenes))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=bytes(dumps(data)),
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.stdout.decode().split() == ["Mirrored", str(expected), data.code, "1"], done.stderr


def test_its_rainy_variant_is_written_as_it_says_or_not_at_all(file: Path, tmp_path: Path) -> None:
    data = open_data(f"{file}:mirrored:{file.parent}/photos")
    manifest = write_variant(data, parse_rain("streaks:light"), 0, tmp_path / "out")
    assert sorted(manifest["files"]) == [
        "norain/a.png",
        "norain/b.png",
        "rain/a.png",
        "rain/b.png",
    ]
    again = open_data(f"{manifest['read_as']}:{tmp_path / 'out'}")
    assert (again.clean(again.scenes[0]) == data.clean(data.scenes[0])).all()
    mute = open_data(f"{file}:mute:{file.parent}/photos")
    with pytest.raises(BadData, match="mine cannot be written: its reader, mirrored, does not say"):
        write_variant(mute, parse_rain("streaks:light"), 0, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("my.py:mirrored", BadData, r"names no folder: use .*my\.py:mirrored:DIR"),
        ("my.py:mirrored:absent", BadData, "folder absent does not exist"),
        ("my.py:fixed:photos", BadData, r"takes no folder; use --data .*my\.py:fixed$"),
        ("my.py:stiff:photos", BadConfig, "its Stiff cannot be copied"),
        ("my.py:nothing:photos", BadConfig, "returned NoneType, not a bench.data.DataSet"),
        ("my.py:raising:photos", BadData, "opening photos raised KeyError: 'labels'"),
        ("my.py:twice:photos", BadData, "2 scenes have the id 'a'"),
        ("my.py:blank:photos", BadData, "scene 'a' has no image to rain on"),
        ("my.py:dry:photos", BadData, "scene 'a' has no rainy image, though own_rain is true"),
        ("my.py:function:photos", BadConfig, "is a function, not a bench.data.Reader"),
        ("my.py:mirored:photos", BadConfig, "did you mean mirrored?"),
        ("my.py", BadConfig, "name what in the file is meant"),
    ],
)
def test_a_mistake_is_one_line(
    file: Path, monkeypatch: pytest.MonkeyPatch, spec: str, error: type[Exception], words: str
) -> None:
    monkeypatch.chdir(file.parent)
    with pytest.raises(error, match=words) as caught:
        open_data(spec)
    assert "\n" not in str(caught.value)


def test_a_package_adds_a_kind_and_a_broken_one_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    import bench.data
    from bench.registry import Registry

    points = [
        metadata.EntryPoint("theirs", "bench.data.images:READER", "derain_bench.data"),
        metadata.EntryPoint("broken", "bench.data.images:ABSENT", "derain_bench.data"),
        metadata.EntryPoint("odd", "bench.data.images:open_images", "derain_bench.data"),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    fresh = Registry[object]("data kind", "derain_bench.data")
    fresh.register("street", "bench.data.street.dataset:READER")
    monkeypatch.setattr(bench.data, "readers", fresh)
    result = CliRunner().invoke(app, ["list", "data"])
    assert result.exit_code == 0, result.output
    assert "could not be loaded" in result.output
    assert "photos of real rain" in result.output
    assert "not a bench.data.Reader" in result.output
    with pytest.raises(BadConfig, match="data kind 'odd' from package .* is a function, not"):
        open_data("odd:x")

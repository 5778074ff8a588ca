"""The rain and the data reader of the documentation, written as one file each, go through a run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import bench
from bench.cli.app import app
from bench.data import open_data
from bench.errors import BadConfig
from bench.images import read_image, write_image
from bench.keep.records import read_records

DOCS = Path(__file__).parents[2] / "docs"


def taken_from(document: str, folder: Path) -> list[list[str]]:
    """Write the file that a document's section shows, and return the commands that it gives."""
    text = (DOCS / document).read_text()
    section = text[text.index("## Your own in one file") :]
    source, commands = re.findall(r"```(?:python|bash)?\n(.*?)```", section, re.DOTALL)[:2]
    name = re.match(r"# (\S+\.py)\n", source)
    assert name is not None
    (folder / name[1]).write_text(source)
    lines = [shlex.split(line) for line in commands.strip().splitlines()]
    assert all(line[0] == "bench" for line in lines)
    return [line[1:] for line in lines]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    street = open_data("street").first(4)
    (tmp_path / "photos").mkdir()
    for scene in street.scenes:
        assert scene.image is not None
        write_image(tmp_path / "photos" / f"{scene.id}.png", read_image(scene.image))
    names = [scene.id for scene in street.scenes]
    (tmp_path / "photos" / "all.json").write_text(json.dumps(names))
    return tmp_path


def invoked(arguments: list[str]) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


def test_a_rain_in_one_file(photos: Path) -> None:
    check, run = taken_from("rain.md", photos)
    assert "all properties hold" in invoked(check).output
    invoked([*run, "--workers", "1", "--device", "cpu"])
    records = read_records(photos / "my_runs")
    names = {"my_rain.py:mist:40", "my_rain.py:drops"}
    assert {record.rain.name for record in records} == names
    assert {record.variant for record in records} == {f"street/test[:3]@{name}" for name in names}
    assert all(record.status == "ok" and record.images == 3 for record in records)
    again = {"rain": "my_rain.py:drops", "task": "restoration", "limit": 3, "out": "my_runs", "device": "cpu"}
    source = (photos / "my_rain.py").read_text()
    (photos / "my_rain.py").write_text(source.replace("120, -1", "110, -1"))
    with pytest.raises(BadConfig, match="rain was drawn by other code"):
        bench.run(**again, strategy="only-cache")


def test_a_data_reader_in_one_file(photos: Path) -> None:
    run, write = taken_from("data.md", photos)
    invoked([*run, "--workers", "1", "--device", "cpu"])
    records = read_records(photos / "my_runs")
    assert {(record.data.name, record.data.kind, record.images) for record in records} == {
        ("listed[:3]", "listed", 3)
    }
    assert all(record.status == "ok" for record in records)
    (photos / "my_data.py").write_text((photos / "my_data.py").read_text().replace("= True", "= False"))
    with pytest.raises(BadConfig, match="other files"):
        bench.run(
            (), "restoration", "my_data.py:listed:photos", limit=3, out="my_runs", device="cpu", workers=1
        )
    (photos / "my_data.py").write_text((photos / "my_data.py").read_text().replace("= False", "= True"))
    assert "--data pairs:photos_heavy" in invoked(write).output
    written = open_data(f"pairs:{photos / 'photos_heavy'}")
    assert len(written.scenes) == 4
    whole = read_image(photos / "photos" / f"{written.scenes[0].id}.png")
    image = written.clean(written.scenes[0])
    assert image is not None
    assert (image == whole[::2, ::2]).all()

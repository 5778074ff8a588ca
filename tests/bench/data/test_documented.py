"""What docs/data.md and ``bench list data`` say of data sets holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.cli.list import tasks_served
from bench.data import open_data, readers
from bench.data.reader import SERVES
from bench.errors import BadData

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data.md"


def test_every_kind_is_described_and_documented() -> None:
    assert set(re.findall(r"^## ([a-z0-9]+)$", DOCUMENT.read_text(), re.MULTILINE)) == set(readers)
    for kind in readers:
        reader = readers.get(kind)
        assert reader.kind == kind
        assert reader.serves <= set(SERVES)
        assert reader.description


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = DOCUMENT.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text[text.index("## From Python") :], re.DOTALL)
    exec(compile(code, str(DOCUMENT), "exec"), {})
    assert "exact" in capsys.readouterr().out


def test_what_the_embedded_set_is_said_to_serve_it_serves() -> None:
    data, street = open_data("street"), readers.get("street")
    assert data.split == street.split
    assert data.serves | {"depth"} == street.serves
    assert tasks_served(data.serves) == (
        "detection",
        "segmentation",
        "restoration",
        "quality",
        "flicker",
        "warped",
    )
    assert tasks_served(readers.get("images").serves) == ("quality", "warped")
    assert data.first(0).serves == {"boxes", "masks"}


@pytest.mark.parametrize("spec", ["coco", "coco:", "street:/x"])
def test_specs_without_or_with_a_folder_too_many(spec: str) -> None:
    with pytest.raises(BadData, match="--data") as error:
        open_data(spec)
    assert "\n" not in str(error.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("")
    with pytest.raises(BadData, match="is a file: give the folder"):
        open_data(f"pairs:{tmp_path / 'list.txt'}")

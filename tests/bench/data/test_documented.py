"""What docs/data.md and ``bench list data`` say of data sets holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.data import describe_kinds, kinds, open_data
from bench.errors import BadData

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data.md"


def test_every_kind_is_described_and_documented() -> None:
    described = {kind.spec.split(":")[0] for kind in describe_kinds()}
    assert described == set(kinds.names())
    assert set(re.findall(r"^## ([a-z]+)$", DOCUMENT.read_text(), re.MULTILINE)) == described


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    exec(compile(code, str(DOCUMENT), "exec"), {})
    assert "exact" in capsys.readouterr().out


def test_described_tasks_of_the_embedded_set() -> None:
    data = open_data("street")
    street = next(kind for kind in describe_kinds() if kind.spec == "street")
    assert data.split == street.split
    assert ("detection" in street.tasks) == (data.detection is not None)
    assert ("segmentation" in street.tasks) == (data.segmentation is not None)


@pytest.mark.parametrize("spec", ["coco", "coco:", "street:/x"])
def test_specs_without_or_with_a_folder_too_many(spec: str) -> None:
    with pytest.raises(BadData, match="--data") as error:
        open_data(spec)
    assert "\n" not in str(error.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("")
    with pytest.raises(BadData, match="is a file: give the folder"):
        open_data(f"pairs:{tmp_path / 'list.txt'}")

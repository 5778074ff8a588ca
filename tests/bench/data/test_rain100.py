"""Which version of Rain100L and Rain100H is told by the pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.data import rain100
from bench.data.pairs import open_pairs
from bench.data.rain100 import fingerprint
from bench.images import read_image, write_image

WriteImage = Callable[..., Path]


def photo(seed: int, size: tuple[int, int] = (321, 481)) -> np.ndarray:
    small = np.random.default_rng(seed).integers(
        0, 256, (size[0] // 9 + 1, size[1] // 9 + 1, 3), dtype=np.uint8
    )
    return small.repeat(9, 0).repeat(9, 1)[: size[0], : size[1]].copy()


def make(folder: Path, *pairs: tuple[np.ndarray, np.ndarray]) -> Path:
    for number, images in enumerate(pairs):
        for side, image in zip(("rain", "norain"), images, strict=True):
            (folder / side).mkdir(parents=True, exist_ok=True)
            write_image(folder / side / f"{number}.png", image)
    return folder


def note(folder: Path) -> str:
    return " ".join(open_pairs(folder).notes)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos 0 and 1, with rain 10 and 11 in the first Rain100L, and 20 and 21 in the first Rain100H."""
    for name, seeds in (("_PHOTOS", (0, 1)), ("_LIGHT", (10, 11)), ("_HEAVY", (20, 21))):
        monkeypatch.setattr(rain100, name, frozenset(fingerprint(photo(seed)) for seed in seeds))


def test_versions_are_told_by_content_whatever_the_folder_is_called(known: None, tmp_path: Path) -> None:
    light = make(tmp_path / "mine", (photo(10), photo(0)), (photo(30), photo(2)))
    assert note(light) == "by its content the first version of Rain100L, that of published tables"
    heavy = make(tmp_path / "Rain100L_named_so", (photo(20), photo(0)), (photo(21), photo(1)))
    assert "first version of Rain100H, that of published tables" in note(heavy)
    mixed = make(tmp_path / "mixed", (photo(10), photo(0)), (photo(31), photo(1)))
    assert "(of 1 alone: the rain of 1 others is another)" in note(mixed)


def test_copies_without_the_last_row_and_column_are_known(known: None, tmp_path: Path) -> None:
    cut = make(tmp_path / "cut", (photo(20)[:320, :480], photo(0)[:320, :480]))
    assert "first version of Rain100H" in note(cut)


def test_the_same_photos_in_another_rain_are_a_later_version(known: None, tmp_path: Path) -> None:
    later = make(tmp_path / "rain200", (photo(40), photo(0)), (photo(41), photo(1)))
    assert "its rain is of neither's first version: a later one, also called RainLight and RainHeavy" in note(
        later
    )


def test_unknown_content_is_said_to_be_unknown(known: None, tmp_path: Path) -> None:
    unknown = make(tmp_path / "Rain100H" / "test", (photo(50), photo(5)))
    assert "its content is unknown, so which version of Rain100L or Rain100H it is cannot be told" in note(
        unknown
    )
    assert note(make(tmp_path / "mine", (photo(50), photo(5)))) == ""
    assert "cannot be told" not in note(make(tmp_path / "Rain100L", (photo(1, (32, 48)), photo(2, (32, 48)))))


@pytest.mark.parametrize(("name", "title"), [("rain100l", "Rain100L"), ("rain100h", "Rain100H")])
def test_the_real_ones_are_the_first_versions(shared: Path, tmp_path: Path, name: str, title: str) -> None:
    source = shared / "data" / name
    if not source.is_dir():
        pytest.skip(f"{source} is absent")
    for side in ("rain", "norain"):
        (tmp_path / "few" / side).mkdir(parents=True)
        for path in sorted((source / side).glob("*.png"))[::10]:
            shutil.copy(path, tmp_path / "few" / side)
    assert note(tmp_path / "few") == f"by its content the first version of {title}, that of published tables"
    assert read_image(source / "rain" / "001.png").shape[:2] in {(320, 480), (321, 481)}

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.matching import match
from bench.errors import BadData

stems = st.lists(st.integers(0, 9999), min_size=1, max_size=12, unique=True)


def side(names: list[str], folder: str) -> list[Path]:
    return [Path(folder) / f"{name}.png" for name in names]


@given(numbers=stems, prefixed=st.booleans(), seed=st.integers(0, 99))
def test_order_of_listing_does_not_matter(numbers: list[int], prefixed: bool, seed: int) -> None:
    rainy = side([f"rain-{n:03d}" if prefixed else f"{n}" for n in numbers], "rain")
    clean = side([f"norain-{n:03d}" if prefixed else f"{n}" for n in numbers], "norain")
    expected = sorted(zip(rainy, clean, strict=True))
    random.Random(seed).shuffle(rainy)
    random.Random(seed + 1).shuffle(clean)
    assert sorted(match(rainy, clean)) == expected


@given(numbers=st.lists(st.integers(0, 9999), min_size=2, max_size=12, unique=True), data=st.data())
def test_any_missing_file_is_found(numbers: list[int], data: st.DataObject) -> None:
    names = [str(n) for n in numbers]
    lost = data.draw(st.sampled_from(names))
    kept = [name for name in names if name != lost]
    with pytest.raises(BadData, match=f"rain/{lost}.png has no clean image"):
        match(side(names, "rain"), side(kept, "norain"))
    with pytest.raises(BadData, match=f"norain/{lost}.png has no rainy image"):
        match(side(kept, "rain"), side(names, "norain"))


@given(numbers=stems, versions=st.integers(2, 4), data=st.data())
def test_versions(numbers: list[int], versions: int, data: st.DataObject) -> None:
    names = [f"{n}_{v}" for n in numbers for v in range(1, versions + 1)]
    pairs = match(side(names, "rain"), side([str(n) for n in numbers], "norain"))
    assert len(pairs) == len(names)
    assert all(rainy.stem.split("_")[0] == clean.stem for rainy, clean in pairs)
    lost = data.draw(st.sampled_from(names))
    if len(numbers) > 1:
        rest = [name for name in names if name != lost]
        with pytest.raises(BadData, match=f"{lost} is missing"):
            match(side(rest, "rain"), side([str(n) for n in numbers], "norain"))

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.published import count_note


@pytest.mark.parametrize(
    ("folder", "pairs", "expected"),
    [
        ("/d/Rain100L", 100, None),
        ("/d/Rain100L", 99, 100),
        ("/d/Rain200H/test", 200, None),
        ("/d/Rain200H/test", 1800, 200),
        ("/d/Rain200H/train", 1800, None),
        ("/d/Rain200H/train", 200, 1800),
        ("/d/Rain13K/test/Test1200", 1200, None),
        ("/d/Rain13K/test/Test2800", 2801, 2800),
        ("/d/Rain13K/train", 13712, None),
        ("/d/DDN-Data/testing", 1400, None),
        ("/d/DDN-Data/training", 12600, None),
        ("/d/Rain1400", 1400, None),
        ("/d/Rain1400", 12600, None),
        ("/d/other", 7, None),
    ],
)
def test_counts(folder: str, pairs: int, expected: int | None) -> None:
    note = count_note(Path(folder), pairs)
    assert (note is None) == (expected is None)
    if note is not None:
        assert f"as published has {expected}" in note


def test_test100_is_98() -> None:
    assert count_note(Path("/d/Test100"), 98) == "Test100 as distributed: 98 of its 100 pairs"
    assert count_note(Path("/d/Test100"), 100) is None
    assert "as published has 98" in (count_note(Path("/d/Test100"), 97) or "")

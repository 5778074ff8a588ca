from __future__ import annotations

import pytest

from reports.board import words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("none", "no rain"),
        ("own", "its own rain"),
        ("streaks:heavy", "heavy streaks"),
        ("rainfall:50", "50 mm/h"),
        ("rendered:rain", "rendered rain"),
        ("mine:3", "mine:3"),
    ],
)
def test_rains_are_called_in_plain_words(name: str, shown: str) -> None:
    assert words.rain(name) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("coco/val2017", "COCO val2017"),
        ("coco/val2017[:5]", "COCO val2017[:5]"),
        ("masks/camvid/val", "CamVid val"),
        ("images/real_rain", "real rain (photos)"),
        ("pairs/ours", "ours"),
    ],
)
def test_data_sets_are_called_as_the_field_does(name: str, shown: str) -> None:
    assert words.data(name) == shown

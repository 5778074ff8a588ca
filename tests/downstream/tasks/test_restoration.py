"""Restoration: what a score says of the images that have no finite number."""

from __future__ import annotations

import pytest

from downstream.tasks.per_image import Numbers
from downstream.tasks.restoration import Restoration


@pytest.mark.parametrize(
    ("psnr", "images", "note"),
    [
        ((30.0, 31.0), 2, None),
        ((30.0, float("inf")), 1, "1 image identical to the clean one left out"),
        ((float("inf"),) * 3, 0, "all images identical to the clean one"),
    ],
)
def test_a_note_counts_the_images_left_out_unless_none_is_left(
    psnr: tuple[float, ...], images: int, note: str | None
) -> None:
    rows = [Numbers(str(at), "", 0.0, {"psnr_y": value}) for at, value in enumerate(psnr)]
    scoring = Restoration().scoring({})
    assert scoring.counted("psnr_y", 0.0, rows) == (images, note)

"""Numbers that others measured, reached by a whole run and not only by the function that computes them."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench


@pytest.mark.usefixtures("here")
def test_ap_of_real_photos_is_mmdetections_own(shared: Path, tmp_path: Path) -> None:
    """MMDetection's test script gives YOLOX-Nano 0.330 (AP50 0.491) on these 50 photos, 0.406 on the first 25."""

    def run(limit: int | None) -> list[dict[str, float | None]]:
        done = bench.run(
            task="detection",
            data=f"coco:{shared / 'data' / 'coco_tiny'}",
            split="val2017",
            rain="none",
            model="yolox_nano_8xb8-300e_coco",
            checkpoint=str(shared / "weights" / "yolox_nano_coco.pth"),
            out=tmp_path / "run",
            limit=limit,
            device="cpu",
            workers=1,
        )
        assert done.problems == []
        seen = [record for record in done.records if record.task == "detection"]
        assert [(record.derainer.label, record.images) for record in seen] == [
            ("clean", limit or 50),
            ("none", limit or 50),
        ]
        return [{score.metric: score.value for score in record.scores} for record in seen]

    clean, dry = run(None)
    assert clean["ap"] == pytest.approx(0.330, abs=1e-3)
    assert clean["ap50"] == pytest.approx(0.491, abs=1e-3)
    assert dry == clean  # on a dry day the rainy photo is the clean one
    clean, _ = run(25)  # of the same evidence
    assert clean["ap"] == pytest.approx(0.406, abs=1e-3)

"""A video file as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bench.api import run_suite
from bench.data import open_data
from bench.engine.suite import suite_of
from bench.errors import BadData
from bench.video.read import frames, open_clip


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERAIN_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "dash.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        y, x = np.indices((32, 48))
        for i in range(5):
            image = np.stack([x * 4, y * 6, np.full_like(x, 40 * i)], axis=2).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_its_frames_are_scenes_and_are_taken_out_once(clip: Path, tmp_path: Path, inline: Any) -> None:
    data = open_data(f"video:{clip}")
    assert [scene.id for scene in data.scenes] == [f"{i:06}" for i in range(1, 6)]
    assert data.own_rain
    assert data.name == "video/dash"
    for scene, frame in zip(data.scenes, frames(open_clip(clip)), strict=True):
        assert np.array_equal(data.rainy(scene), frame.image)
    (folder,) = (tmp_path / "cache" / "video").iterdir()
    (folder / "000001.png").unlink()
    assert len(open_data(f"video:{clip}").scenes) == 4  # from the cache
    suite = suite_of({"derainer": "median", "measure": "piqe", "data": f"video:{clip}"})
    run = run_suite(suite, tmp_path / "run", device="cpu", place=inline)
    assert {(r.variant, r.status) for r in run.records} == {("video/dash@own", "ok")}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("video", "names no file: use video:FILE"),
        ("video:absent.mp4", "there is no file absent.mp4"),
        ("video:{folder}", "there is no file"),
        ("video:{folder}/text.mp4", "text.mp4 is no video that can be read"),
    ],
)
def test_what_is_no_video_is_one_line(tmp_path: Path, spec: str, said: str) -> None:
    (tmp_path / "text.mp4").write_text("text")
    with pytest.raises(BadData, match=said) as caught:
        open_data(spec.format(folder=tmp_path))
    assert "\n" not in str(caught.value)


def test_it_has_no_splits(clip: Path) -> None:
    with pytest.raises(BadData, match="has no splits"):
        open_data(f"video:{clip}", "test")

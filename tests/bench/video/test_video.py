"""A clip restored end to end, killed and resumed, turned, cut off; and side by side with what a model sees."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bench import image_headers
from bench.cli import app
from bench.errors import BadConfig, BadData, MissingDependency
from bench.video import read, restore
from bench.video.panel import beside, marked, write_side_by_side
from bench.video.read import Clip, Frame, frames, open_clip
from bench.video.restore import check, restore_clip
from derainers import load_derainer, parse_derainers
from downstream.tasks.base import Drawing

FRAMES = 40


def write_clip(path: Path, rate: Fraction = Fraction(30000, 1001), sound: bool = True) -> Path:
    """A moving picture of 64x96 with a tone."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
        tone = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        y, x = np.indices((64, 96))
        for i in range(FRAMES):
            planes = [(x + 3 * i) % 200, (2 * y + i) % 200, np.full_like(x, 4 * i)]
            image = np.stack(planes, axis=2).astype(np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(picture.encode(None))
        if tone is not None:
            for start in range(0, int(16000 * FRAMES / rate), 1024):
                wave = (8000 * np.sin(np.arange(start, start + 1024) / 10)).astype(np.int16)[None]
                frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                frame.sample_rate, frame.pts = 16000, start
                container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "dash.mp4")


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "SEGMENT", 16)


@pytest.fixture(scope="module")
def median() -> Any:
    return load_derainer(parse_derainers("median")[0])


def images(path: Path) -> list[Frame]:
    return list(frames(open_clip(path)))


def sound_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.dts is not None]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_a_clip_keeps_frames_times_rate_size_and_sound(
    source: Path, median: Any, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / "folder" / f"dry.{ending}"
    told: list[int] = []
    assert restore_clip(check(source, out), out, median, told.append) == FRAMES == sum(told)
    before, after = open_clip(source), open_clip(out)
    assert (after.size, after.rate) == (before.size, before.rate)
    rainy, dry = images(source), images(out)
    assert len(dry) == FRAMES
    for one, other in zip(rainy, dry, strict=True):
        late = float(other.time * after.time_base - one.time * before.time_base)
        assert abs(late - float(dry[0].time * after.time_base)) < 0.001
        wanted = median.restore([one.image])[0]
        assert (
            np.abs(wanted.astype(int) - other.image).mean() < 4
        )  # colours at half the size, hardly any loss else
    assert sound_of(out) == sound_of(source)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_run_that_was_killed_goes_on_to_the_same_file(source: Path, median: Any, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole.mp4", tmp_path / "stopped.mp4"
    restore_clip(check(source, whole), whole, median, lambda count: None)
    done = 0

    def kill(count: int) -> None:
        nonlocal done
        done += count
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_clip(check(source, stopped), stopped, median, kill)
    parts = tmp_path / "stopped.mp4.parts"
    assert sorted(path.name for path in parts.iterdir()) == ["000000.nut", "what.json"]
    again: list[int] = []
    restore_clip(check(source, stopped), stopped, median, again.append)
    assert again[0] == 16  # the finished segment is not restored again
    assert stopped.read_bytes() == whole.read_bytes()
    assert not parts.exists()


def test_parts_of_another_derainer_are_not_taken(source: Path, median: Any, tmp_path: Path) -> None:
    out = tmp_path / "dry.mp4"

    def kill(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_clip(check(source, out), out, median, kill)
    with pytest.raises(
        BadConfig, match=r"dry\.mp4\.parts holds a part of another clip, or of one by another"
    ):
        restore_clip(check(source, out), out, load_derainer(parse_derainers("guided")[0]), lambda count: None)


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [((0, 1, 0, -1, 0, 0, 0, 0), -1), ((-1, 0, 0, 0, -1, 0, 0, 0), 2), ((0, -1, 0, 1, 0, 0, 0, 0), 1)],
)
def test_a_turned_clip_is_upright_for_the_derainer_and_in_the_result(
    source: Path, median: Any, tmp_path: Path, matrix: tuple[int, ...], turns: int
) -> None:
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", *(value << 16 for value in matrix), 1 << 30)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data)
    upright = next(frames(open_clip(turned))).image
    assert np.array_equal(upright, np.rot90(images(source)[0].image, turns))
    out = tmp_path / "dry.mp4"
    restore_clip(check(turned, out), out, median, lambda count: None)
    assert open_clip(out).size == open_clip(turned).size == upright.shape[:2]


def test_a_clip_that_ends_early_is_restored_as_far_as_it_goes(
    source: Path, median: Any, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole.mkv", tmp_path / "dry.mp4"
    restore_clip(check(source, whole), whole, median, lambda count: None)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(BadData, match=r"cut\.mkv ends early, after \d+ of 4\d frames: .*dry\.mp4 has these"):
        restore_clip(check(cut, out), out, median, lambda count: None)
    assert 10 < len(images(out)) < FRAMES


def test_side_by_side_shows_both_with_boxes(source: Path, median: Any, tmp_path: Path) -> None:
    out = tmp_path / "beside.mp4"
    boxes = Drawing(boxes=np.array([[10.0, 10.0, 60.0, 50.0]]), names=["car"])
    write_side_by_side(open_clip(source), out, median, lambda image: boxes, lambda count: None)
    clip = open_clip(out)
    assert (
        clip
        == Clip(out, (64, 192), clip.rate, clip.time_base, FRAMES, False)
        == beside(Clip(out, (64, 96), clip.rate, clip.time_base, FRAMES, False))
    )
    assert clip.rate == open_clip(source).rate
    drawn = marked(images(source)[0].image, boxes)
    assert tuple(drawn[10, 30]) == tuple(drawn[50, 30]) == (255, 80, 60)
    shown = images(out)[0].image
    for half in (shown[:, :96], shown[:, 96:]):
        assert int(half[30, 10, 0]) - int(half[30, 10, 2]) > 80  # the box's left edge is red
    assert sound_of(out) == sound_of(source)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("no.mp4", b"hello" * 100, "no.mp4 is no video that can be read: invalid data"),
        ("absent.mp4", None, "absent.mp4 does not exist"),
        ("half.mp4", slice(0, 3000), "half.mp4 is no video that can be read"),
    ],
)
def test_what_is_no_video_is_one_line(
    source: Path, tmp_path: Path, name: str, content: bytes | slice | None, said: str
) -> None:
    if content is not None:
        data = source.read_bytes()[content] if isinstance(content, slice) else content
        (tmp_path / name).write_bytes(data)
    with pytest.raises(BadData, match=said) as caught:
        check(tmp_path / name, tmp_path / "dry.mp4")
    assert "\n" not in str(caught.value)


def test_a_playlist_does_not_lead_to_other_files(source: Path, median: Any, tmp_path: Path) -> None:
    restore_clip(check(source, tmp_path / "other.ts"), tmp_path / "other.ts", median, lambda count: None)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.ts\n")
    with av.open(str(tmp_path / "list.mp4")) as container:
        assert container.format.name == "concat"  # what FFmpeg by itself does
    with pytest.raises(BadData, match=r"list\.mp4 is no video that can be read"):
        check(tmp_path / "list.mp4", tmp_path / "dry.mp4")


def test_frames_that_are_too_large_are_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_headers, "MOST_PIXELS", 64 * 96 - 1)
    with pytest.raises(BadData, match=r"dash\.mp4 is 96 x 64, more than the 6,143 pixels that are decoded"):
        check(source, tmp_path / "dry.mp4")


def test_outputs_that_cannot_be_are_said_before_any_work(source: Path, tmp_path: Path) -> None:
    for name in ("dry.gif", "dry"):
        with pytest.raises(BadConfig, match=r"video is written as \.mp4, .*: give such a name"):
            check(source, tmp_path / name)
    (tmp_path / "there.mp4").write_bytes(b"mine")
    with pytest.raises(BadConfig, match="is there already"):
        check(source, tmp_path / "there.mp4")
    check(source, tmp_path / "there.mp4", overwrite=True)
    with pytest.raises(BadConfig, match="is the clip itself"):
        check(source, source, overwrite=True)


def test_the_verb_restores_one_video_by_itself(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dry.mp4"
    run = ["restore", str(source), "--derainer", "median", "--device", "cpu"]
    with pytest.raises(SystemExit) as done:
        app.app([*run, "--out", str(out)])
    assert done.value.code in (0, None)
    assert len(images(out)) == FRAMES
    assert f"{FRAMES}/{FRAMES} images" in capsys.readouterr().err
    with pytest.raises(BadConfig, match="a video is restored by itself"):
        app.app([*run, str(tmp_path), "--out", str(tmp_path / "x.mp4")], standalone_mode=False)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependency, match=r"pip install 'derain-bench\[video\]'"):
        read.library()

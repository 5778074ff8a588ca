"""Clips written: a segment of frames as a file, and segments joined with the sound of the clip that they come from.

Segments are H.264 without frames that look ahead, each beginning anew, so that they can be joined without being encoded
again and a clip that was made in two goes is the one that was made in one.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.errors import BadConfig, OutputError
from bench.files import TEMPORARY_PREFIX
from bench.video.read import Clip, Frame, library, opened

#: x264: nearly without loss. One thread, because the number of threads shows in the last bits, and no macroblock tree,
#: with which one run in some hundreds gives other bytes for the same frames.
OPTIONS = {"crf": "14", "preset": "medium", "threads": "1", "x264-params": "mbtree=0"}
#: The container of segments: it keeps any unit of time.
_SEGMENT = "nut"


def check_writable(clip: Clip, out: Path) -> None:
    """Check that a clip with the sound of another can be written, before any work.

    Raises:
        BadConfig: If the format is unknown, or does not take the sound.
        OutputError: If the file cannot be written.
    """
    av = library()
    trial = out.with_name(f"{TEMPORARY_PREFIX}{out.name}")
    try:
        with opened(clip.path) as source, av.open(str(trial), "w", format=_format(av, out)) as target:
            _picture(target, clip)
            for stream in source.streams.audio:
                target.add_stream_from_template(stream)
            target.start_encoding()
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ValueError):
            raise OutputError(f"{out} cannot be written: {error.strerror}") from None
        raise BadConfig(
            f"--out {out}: {out.suffix or 'a file without an ending'} does not take the picture and the sound of "
            f"{clip.path.name}: give a name that ends in .mkv"
        ) from None
    finally:
        trial.unlink(missing_ok=True)


def write_segment(path: Path, clip: Clip, frames: Sequence[Frame]) -> None:
    """Encode some frames as a file, atomically.

    Args:
        path: The segment.
        clip: Where the frames come from: their rate, units of time and colours.
        frames: In the order of their times, all of the clip's size.

    Raises:
        OutputError: If it cannot be written.
    """
    av = library()
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
    try:
        with av.open(str(temporary), "w", format=_SEGMENT) as target:
            stream = _picture(target, clip)
            for item in frames:
                frame = av.VideoFrame.from_ndarray(item.image, format="rgb24")
                frame = frame.reformat(
                    format=stream.pix_fmt, src_colorspace=clip.matrix, dst_colorspace=clip.matrix
                )
                frame.pts, frame.time_base = item.time, clip.time_base
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        os.replace(temporary, path)
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{path} cannot be written: {error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def join(segments: Sequence[Path], clip: Clip, out: Path) -> None:
    """Write segments as one clip, with the sound of the clip that they come from, atomically.

    Raises:
        OutputError: If it cannot be written.
    """
    av = library()
    temporary = out.with_name(f"{TEMPORARY_PREFIX}{out.name}")
    try:
        with (
            opened(clip.path) as source,
            av.open(str(temporary), "w", format=_format(av, out)) as target,
        ):
            # The encoder states rate and head; its frames are those of the segments, which it has made the same way.
            picture = _picture(target, clip)
            sounds = {
                stream.index: target.add_stream_from_template(stream) for stream in source.streams.audio
            }
            parts = [_pictures(av, segments, picture, clip)]
            if sounds:
                parts.append(_sound(source, sounds))
            for packet in heapq.merge(*parts, key=lambda packet: packet.dts * packet.time_base):
                target.mux(packet)
        os.replace(temporary, out)
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{out} cannot be written: {error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _pictures(av: Any, segments: Sequence[Path], stream: Any, clip: Clip) -> Iterator[Any]:
    for path in segments:
        with opened(path) as segment:
            for packet in segment.demux(video=0):
                if packet.dts is not None:
                    packet.duration = round(1 / (clip.rate * packet.time_base))
                    packet.stream = stream
                    yield packet


def _sound(source: Any, streams: dict[int, Any]) -> Iterator[Any]:
    for packet in source.demux(*source.streams.audio):
        if packet.dts is not None:
            packet.stream = streams[packet.stream.index]
            yield packet


def _picture(target: Any, clip: Clip) -> Any:
    stream = target.add_stream("libx264", rate=clip.rate, options=OPTIONS)
    height, width = clip.size
    stream.width, stream.height = width, height
    # Colours at half the size need even sides.
    stream.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    stream.codec_context.time_base = clip.time_base
    stream.codec_context.max_b_frames = 0
    stream.codec_context.colorspace = 1 if clip.bt709 else 6
    return stream


def _format(av: Any, out: Path) -> str:
    """FFmpeg's name of a format by the file's ending."""
    endings = {"mp4": "mp4", "m4v": "mp4", "mov": "mov", "mkv": "matroska", "avi": "avi", "ts": "mpegts"}
    found = endings.get(out.suffix.lower().lstrip("."))
    if found is None:
        raise BadConfig(
            f"--out {out}: video is written as {', '.join(f'.{ending}' for ending in endings)}: give such a name"
        )
    return found

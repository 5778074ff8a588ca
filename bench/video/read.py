"""Clips: what a video file holds, and its frames one after the other, upright, as RGB."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BadData, MissingDependency
from bench.image_headers import check_size
from bench.ordinary import check_ordinary

#: What files are taken for, by what is in them. Playlists are not among them: they name further files and addresses.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,nut"

#: FFmpeg's number of the BT.709 matrix; everything else is read by that of BT.601, as players do.
_BT709 = 1


@dataclass(frozen=True)
class Clip:
    """What a video file says of itself.

    Attributes:
        path: The file.
        size: (height, width) as it is shown, after its rotation.
        rate: Frames per second, on average.
        time_base: Seconds of one unit of a frame's time.
        stated: Frames that the file says it has; 0 where it says nothing.
        bt709: Whether its colours are those of BT.709.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    stated: int
    bt709: bool

    @property
    def matrix(self) -> str:
        """What PyAV calls its colour matrix."""
        return "ITU709" if self.bt709 else "ITU601"


@dataclass(frozen=True)
class Frame:
    """A frame: its time in the clip's units, and its pixels (uint8 RGB HxWx3), upright."""

    time: int
    image: np.ndarray


def library() -> Any:
    """Return PyAV.

    Raises:
        MissingDependency: If it is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingDependency("video needs PyAV: pip install 'derain-bench[video]'") from None
    return av


def opened(path: Path) -> Any:
    """Open a media file for reading; a context manager.

    Raises:
        av.FFmpegError: If it is none.
    """
    return library().open(str(path), options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"})


def open_clip(path: Path) -> Clip:
    """Read what a video file says of itself, and its first frame.

    Raises:
        BadData: If it is no file, no video, or holds no frame.
        MissingDependency: If PyAV is not installed.
    """
    av = library()
    if not path.exists():
        raise BadData(f"{path} does not exist: check the path")
    check_ordinary(path, BadData, sys.maxsize)  # frames are read one by one
    try:
        with opened(path) as container:
            stream = _picture(container)
            if stream is None:
                raise BadData(f"{path} holds no picture: it is no video")
            check_size(path, (stream.height, stream.width))
            first = next(container.decode(stream), None)
            if first is None:
                raise BadData(f"{path} holds no frame that can be read")
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            seconds = float(container.duration or 0) / av.time_base
            height, width = _upright(first.to_ndarray(format="rgb24"), first).shape[:2]
            return Clip(
                path=path,
                size=(height, width),
                rate=rate,
                time_base=stream.time_base,
                stated=stream.frames or round(seconds * rate),
                bt709=stream.codec_context.colorspace == _BT709,
            )
    except av.FFmpegError as error:
        raise BadData(f"{path} is no video that can be read: {_why(error)}") from None


def frames(clip: Clip) -> Iterator[Frame]:
    """Yield a clip's frames in the order of their times; ends without a word where the file breaks off.

    Raises:
        BadData: If it cannot be opened any more.
    """
    av = library()
    step = 1 / (clip.rate * clip.time_base)
    last = None
    try:
        with opened(clip.path) as container:
            stream = _picture(container)
            for found in _decoded(av, container, stream):
                time = found.pts if found.pts is not None else 0 if last is None else last + round(step)
                if last is not None and time <= last:
                    time = last + 1  # two frames of one time: a player shows the second for no time
                last = time
                image = found.to_ndarray(
                    format="rgb24", src_colorspace=clip.matrix, dst_colorspace=clip.matrix
                )
                yield Frame(time, _upright(image, found))
    except av.FFmpegError as error:
        raise BadData(f"{clip.path} is no video that can be read: {_why(error)}") from None


def _picture(container: Any) -> Any:
    """The stream that a player shows; None where there is none. Covers of albums are streams of one picture."""
    return container.streams.best("video")


def _decoded(av: Any, container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            found = packet.decode()
        except (StopIteration, av.EOFError):
            return
        except av.InvalidDataError:  # what follows may still be whole
            if _is_over(packets):
                return
            continue
        yield from found


def _is_over(packets: Any) -> bool:
    """Whether a generator has ended, as one does that has raised."""
    return getattr(packets, "gi_frame", None) is None


def _upright(image: np.ndarray, frame: Any) -> np.ndarray:
    """Turn a picture as its file says it is to be shown, in steps of 90 degrees counterclockwise."""
    turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns))


def _why(error: Any) -> str:
    return (error.strerror or "damaged").lower()

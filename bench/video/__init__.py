"""Video files: read frame by frame, restored in segments, written with their sound. Needs PyAV (extra ``video``)."""

from __future__ import annotations

from pathlib import Path

#: File name endings that are read as video.
SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mts")


def is_video(path: Path) -> bool:
    """Whether a file is one by its name."""
    return path.suffix.lower() in SUFFIXES

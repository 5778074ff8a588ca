"""What ``--device`` comes to on this machine; the one place that decides it."""

from __future__ import annotations

import os
import re

from bench.errors import BadConfig

#: How PyTorch says that a GPU was asked for where there is none.
_NO_GPU = re.compile(
    r"not compiled with CUDA|no NVIDIA driver|No CUDA GPUs|CUDA driver initialization failed", re.I
)


def resolve_device(device: str) -> str:
    """Return ``cpu``, ``cuda`` (all GPUs, or the first for a single network) or ``cuda:N``.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        BadConfig: If the name is unknown, or a GPU is asked for and there is none.
    """
    if device not in ("auto", "cpu", "cuda") and not re.fullmatch(r"cuda:\d+", device):
        raise BadConfig(f"--device {device}: write auto, cpu, cuda or cuda:N")
    # Asking torch costs seconds; without the driver's device file there is nothing to ask about.
    if device == "cpu" or (device == "auto" and not os.path.exists("/dev/nvidiactl")):
        return "cpu"
    count = gpu_count()
    if device == "auto":
        return "cuda" if count else "cpu"
    if int(device.partition(":")[2] or 0) >= count:
        raise BadConfig(
            f"--device {device}: PyTorch sees {count} GPUs here; use --device cpu, or see `bench doctor`"
        )
    return device


def gpu_count() -> int:
    """Return how many GPUs PyTorch sees."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def gpu_advice(error: BaseException) -> str:
    """Return what to do where anyone's code asks for a GPU and there is none; empty for other errors."""
    if not _NO_GPU.search(str(error)):
        return ""
    return (
        "; there is no GPU here: leave .cuda() and device='cuda' out, a network is moved to where it runs and "
        "forward finds that in x.device"
    )

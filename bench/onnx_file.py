"""Opens ONNX files: on which device, and what is wrong with an input that is no image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import BadWeights

#: What ONNX calls the floats that an image may be given as, and what numpy and PyTorch call them.
FLOATS = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
}


def open_session(path: Path, device: str) -> Any:
    """Open an ONNX file on as many threads as PyTorch has.

    Args:
        path: The file.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; the GPU is taken where ONNX Runtime can.

    Returns:
        An ``onnxruntime.InferenceSession``.

    Raises:
        BadWeights: If the file cannot be loaded.
    """
    import onnxruntime as ort
    import torch

    from bench.device import resolve_device

    providers = ["CPUExecutionProvider"]
    if resolve_device(device) != "cpu" and "CUDAExecutionProvider" in ort.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime has a dozen exception classes of its own
        raise BadWeights(
            f"{path}: not an ONNX file that can be loaded, or a damaged one; copy or export it again"
        ) from error


def input_fault(kind: str, shape: Sequence[int | str | None], who: str) -> str | None:
    """Say why an input is none for one image as float NCHW of three channels; None where it is.

    Args:
        kind: As ONNX Runtime writes it, e.g. ``tensor(float)``.
        shape: Numbers are fixed, all else is free.
        who: What the file is to be, as messages call it.
    """
    if kind not in FLOATS:
        return f"takes {kind.removeprefix('tensor(').rstrip(')')} values: export it with a float input"
    if len(shape) != 4:
        return f"takes an input of {len(shape)} dimensions: export it with an NCHW input"
    batch, channels, _, width = shape
    if width == 3 and channels != 3:
        return "takes NHWC images: export it with an NCHW input"
    if isinstance(channels, int) and channels != 3:
        return f"takes images of {channels} channel{'s' * (channels != 1)}: {who} takes three, RGB"
    if isinstance(batch, int) and batch != 1:
        return f"takes {batch} images at a time: export it for one, or with a free batch"
    return None

"""Networks that were exported to a file: TorchScript and ONNX (float NCHW, RGB in [0, 1]).

What a file says of its input is checked when it is loaded, and then it is shown a grey image, so that a network that
takes something else is refused in one line instead of failing on every image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import plugins
from bench.errors import BadConfig, BadWeights
from bench.hashing import sha256_file
from bench.onnx_file import FLOATS, input_fault, open_session
from derainers.base import Card, Derainer, DerainerError, DerainerSpec, FixedSize, Runtime
from derainers.harness.interface import SAID

if TYPE_CHECKING:
    import torch

    from derainers.harness.network import NetworkDerainer

#: Sides of the grey squares that a network is tried on; the second for those that want an image of some size.
_TRIED = (64, 256)


def _stated(spec: DerainerSpec) -> dict[str, Any]:
    """What a user says of an exported network.

    Raises:
        BadConfig: If the user gives arguments, which such a network does not take, or says what is unknown.
    """
    if spec.options.arguments:
        raise BadConfig(
            f"derainer {spec}: a {spec.name} file takes no arguments; what it takes and returns is said with a dot "
            f"before the name, such as {spec.name}?.value_range=-1..1:FILE"
        )
    plugins.build(None, f"derainer {spec}", spec.options, says=SAID)
    return dict(spec.options.attributes)


def load_torchscript(path: Path, spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Load a TorchScript file, whose program is read before it may run.

    Raises:
        BadWeights: If it cannot be read, calls anything but arithmetic, or does not restore a grey image.
        BadConfig: If the user says of it what is unknown.
    """
    import torch

    from bench import torchscript
    from derainers.harness.casting import cast
    from derainers.harness.interface import interface_of, multiple_of
    from derainers.harness.load import count_parameters
    from derainers.harness.network import NetworkDerainer

    stated = _stated(spec)
    module = torchscript.load(path)
    digest = sha256_file(path)
    card = Card(
        path.stem,
        "TorchScript",
        weights_sha256=digest,
        params=count_parameters(module),
        multiple=multiple_of(stated, _multiple(module), str(spec)),
    )
    key = {"name": "torchscript", "weights": digest, **({"arguments": stated} if stated else {})}
    kind = next((weight.dtype for weight in module.parameters() if weight.is_floating_point()), None)
    if kind not in (None, torch.float32):
        # The file says what it computes in: its images are cast, and autocasting has nothing to do.
        module, runtime = cast(module, kind), dataclasses.replace(runtime, precision="fp32")
    return _tried(
        NetworkDerainer(module, card, key, runtime, interface=interface_of(stated, str(spec))), path
    )


def load_onnx(path: Path, spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Load an ONNX file; one with a fixed square input is run in overlapping tiles of that size.

    Raises:
        BadWeights: If it cannot be read, takes something else than one float NCHW image of three channels, or does not
            restore a grey image.
        BadConfig: If the user says of it what is unknown.
    """
    import torch

    from derainers.harness.interface import interface_of, multiple_of
    from derainers.harness.network import NetworkDerainer

    session = open_session(path, runtime.device)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4:
        raise BadWeights(
            f"{path}: a derainer has one NCHW input and one output, not {len(inputs)} and {len(outputs)}"
        )
    if fault := _input_fault(inputs[0].type, inputs[0].shape):
        raise BadWeights(f"{path}: {fault}")
    name, kind = inputs[0].name, getattr(torch, FLOATS[inputs[0].type])

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        # One by one: many exports fix the batch at 1, and a batch is not faster on a CPU.
        taken = pixels.to(kind).cpu()
        parts = [session.run(None, {name: image[None].contiguous().numpy()})[0] for image in taken]
        restored = torch.cat([torch.from_numpy(part) for part in parts]).to(pixels.device)
        return restored.float() if restored.is_floating_point() else restored

    side = inputs[0].shape[2]
    fixed = FixedSize(side, side // 4) if isinstance(side, int) else None
    digest = sha256_file(path)
    stated = _stated(spec)
    multiple = multiple_of(stated, _onnx_multiple(session), str(spec))
    card = Card(path.stem, "ONNX", weights_sha256=digest, multiple=multiple, fixed=fixed)
    # The file says what it computes in; autocasting PyTorch would not reach it.
    runtime = dataclasses.replace(runtime, precision="fp32")
    key = {"name": "onnx", "weights": digest, **({"arguments": stated} if stated else {})}
    return _tried(
        NetworkDerainer(forward, card, key, runtime, interface=interface_of(stated, str(spec))), path
    )


def _input_fault(kind: str, shape: Sequence[int | str | None]) -> str | None:
    """Say why an input is none for images of any size, or of one square one."""
    if fault := input_fault(kind, shape, "a derainer"):
        return fault
    height, width = shape[2:]
    if height != width and (isinstance(height, int) or isinstance(width, int)):
        return f"takes {height}x{width} images only; export it with free height and width"
    return None


def _tried(derainer: NetworkDerainer, path: Path) -> NetworkDerainer:
    """Let a network restore a grey image.

    Raises:
        BadWeights: If it cannot.
    """
    fault: DerainerError | None = None
    for side in _TRIED if derainer.card.fixed is None else (derainer.card.fixed.side,):
        try:
            derainer(np.full((side, side, 3), 114, np.uint8))
        except DerainerError as error:
            fault = fault or error
        else:
            return derainer
    raise BadWeights(f"{path}: {fault}: export it for float NCHW images, RGB in [0, 1]")


def _multiple(module: torch.nn.Module) -> int:
    value = getattr(module, "multiple", 1)
    return value if isinstance(value, int) and value > 0 else 1


def _onnx_multiple(session: Any) -> int:
    """What the author wrote into the file's metadata as ``multiple``; 1 where nothing is written."""
    text = session.get_modelmeta().custom_metadata_map.get("multiple", "1")
    return int(text) if text.isdigit() and int(text) > 0 else 1

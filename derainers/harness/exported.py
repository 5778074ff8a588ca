"""Networks that were exported to a file: TorchScript and ONNX (float NCHW, RGB in [0, 1])."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.errors import BadConfig, BadWeights
from bench.hashing import sha256_file
from derainers.base import Card, Derainer, DerainerSpec, FixedSize, Runtime
from derainers.harness.interface import SAID

if TYPE_CHECKING:
    import torch


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
        BadWeights: If it cannot be read, or calls anything but arithmetic.
        BadConfig: If the user says of it what is unknown.
    """
    from bench import torchscript
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
    return NetworkDerainer(module, card, key, runtime, interface=interface_of(stated, str(spec)))


def load_onnx(path: Path, spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Load an ONNX file; one with a fixed square input is run in overlapping tiles of that size.

    Raises:
        BadWeights: If it cannot be read, or is no network from one image to one image.
        BadConfig: If the user says of it what is unknown.
    """
    import onnxruntime as ort
    import torch

    from bench.device import resolve_device
    from derainers.harness.interface import interface_of, multiple_of
    from derainers.harness.network import NetworkDerainer

    device = torch.device(resolve_device(runtime.device))
    providers = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in ort.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime has a dozen exception classes of its own
        raise BadWeights(
            f"{path}: not an ONNX file that can be loaded, or a damaged one; copy or export it again"
        ) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4:
        raise BadWeights(
            f"{path}: a derainer has one NCHW input and one output, not {len(inputs)} and {len(outputs)}"
        )
    name, half = inputs[0].name, inputs[0].type == "tensor(float16)"

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        # One by one: many exports fix the batch at 1, and a batch is not faster on a CPU.
        taken = (pixels.half() if half else pixels).cpu()
        parts = [session.run(None, {name: image[None].contiguous().numpy()})[0] for image in taken]
        return torch.cat([torch.from_numpy(part) for part in parts]).float().to(pixels.device)

    height, width = inputs[0].shape[2:]
    fixed = FixedSize(height, height // 4) if isinstance(height, int) else None
    if height != width and (isinstance(height, int) or isinstance(width, int)):
        raise BadWeights(f"{path}: takes {height}x{width} images only; export it with free height and width")
    digest = sha256_file(path)
    stated = _stated(spec)
    multiple = multiple_of(stated, _onnx_multiple(session), str(spec))
    card = Card(path.stem, "ONNX", weights_sha256=digest, multiple=multiple, fixed=fixed)
    # The file says what it computes in; autocasting PyTorch would not reach it.
    runtime = dataclasses.replace(runtime, precision="fp32")
    key = {"name": "onnx", "weights": digest, **({"arguments": stated} if stated else {})}
    return NetworkDerainer(forward, card, key, runtime, interface=interface_of(stated, str(spec)))


def _multiple(module: torch.nn.Module) -> int:
    value = getattr(module, "multiple", 1)
    return value if isinstance(value, int) and value > 0 else 1


def _onnx_multiple(session: Any) -> int:
    """What the author wrote into the file's metadata as ``multiple``; 1 where nothing is written."""
    text = session.get_modelmeta().custom_metadata_map.get("multiple", "1")
    return int(text) if text.isdigit() and int(text) > 0 else 1

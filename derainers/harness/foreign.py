"""Derainers from outside: objects of a user's Python file or package, TorchScript, ONNX, folders of restored
images.

What an object is decides what it is given:

* a class, or a function that lacks nothing, is called with what the user wrote after a question mark; what it makes
  counts as the object;
* an ``nn.Module`` is a network: float NCHW, RGB in [0, 1]. Its
  attributes ``multiple`` (what height and width must be multiples of) and ``card`` are heeded;
* a :class:`~derainers.base.Derainer` (an object with ``card``, ``key`` and ``restore``) is used as it is;
* a function or another object that can be called gets one uint8 RGB image.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadData, BadWeights, BenchError, MissingDependency, said
from bench.hashing import content_key, sha256_file
from derainers.base import Card, Derainer, DerainerError, DerainerSpec, FixedSize, Runtime

if TYPE_CHECKING:
    import numpy as np
    import torch


def check_file(spec: DerainerSpec) -> None:
    """Check that the file of a derainer exists, without importing or running anything.

    Raises:
        BadWeights, BadConfig, MissingDependency: If it does not, or ONNX Runtime is not there.
    """
    plugin = spec.plugin
    if plugin is not None:
        plugins.check(plugin, "derainer")
        if spec.arg is not None and not Path(spec.arg).expanduser().is_file():
            raise BadWeights(f"derainer {spec.name!r}: no weights file {spec.arg}")
        return
    path = _path(spec)
    if not path.is_file():
        raise BadWeights(f"derainer {spec}: no file {path}")
    if spec.name == "onnx" and importlib.util.find_spec("onnxruntime") is None:
        raise MissingDependency("derainer onnx needs ONNX Runtime: pip install 'derain-bench[onnx]'")


def load_file(spec: DerainerSpec, runtime: Runtime) -> Derainer:
    """Load a derainer from a Python file, a TorchScript or ONNX file, or a folder.

    Raises:
        BenchError: If that fails; one line says why.
    """
    if spec.name == "folder":
        return open_folder(spec)
    check_file(spec)
    if spec.name == "torchscript":
        return _load_torchscript(_path(spec), runtime)
    if spec.name == "onnx":
        return _load_onnx(_path(spec), runtime)
    plugin = spec.plugin
    assert plugin is not None
    made = plugins.make(plugin, **_trained_with(spec))
    given = {"arguments": made.given} if made.given else {}
    return adapt(made.object, spec, runtime, {"name": plugin.name, "code": made.key, **given})


def build(found: Any, spec: DerainerSpec) -> Any:
    """Make the object of what an installed package has registered, with the options that the user wrote.

    Raises:
        BadConfig: If it does not take them, or making it raises.
    """
    return plugins.build(found, f"derainer {spec}", spec.options, **_trained_with(spec))


def _trained_with(spec: DerainerSpec) -> dict[str, Any]:
    """What the network of a weights file that `bench train` exported was made with."""
    from derainers.harness.load import metadata

    return metadata(Path(spec.arg).expanduser(), "config") if spec.arg is not None else {}


def adapt(found: Any, spec: DerainerSpec, runtime: Runtime, key: dict[str, Any]) -> Derainer:
    """Make a derainer of a user's object; see the module's text for what is made of what.

    Args:
        found: The object, made.
        spec: Where it comes from; its argument is a weights file for an ``nn.Module``.
        runtime: Device, precision and tiles, for networks.
        key: What identifies the object's code.

    Raises:
        BenchError: If it is none of the known kinds, or cannot be made.
    """
    try:
        return _adapt(found, spec, runtime, key)
    except BenchError:
        raise
    except ANYTHING as error:  # its constructor and its attributes are anyone's code
        raise DerainerError(f"derainer {spec.name!r}: making it raised {said(error)}") from error


def _adapt(found: Any, spec: DerainerSpec, runtime: Runtime, key: dict[str, Any]) -> Derainer:
    import torch

    name = spec.name.rpartition(":")[2]
    card = getattr(found, "card", None)
    card = card if isinstance(card, Card) else Card(name, _summary(found))
    if isinstance(found, torch.nn.Module):
        from derainers.harness.load import count_parameters
        from derainers.harness.network import NetworkDerainer

        digest = None
        if spec.arg is not None:
            from bench.weights import load_state, match_state

            digest = sha256_file(Path(spec.arg).expanduser())
            match_state(found, load_state(Path(spec.arg).expanduser(), runtime.trust), f"{spec.arg} ({name})")
        multiple = getattr(found, "multiple", card.multiple)
        if not isinstance(multiple, int) or multiple < 1:
            raise BadConfig(
                f"derainer {spec.name!r}: its attribute multiple is {multiple!r}, not a whole number from 1"
            )
        card = dataclasses.replace(
            card, multiple=multiple, params=count_parameters(found), weights_sha256=digest
        )
        # Weights made in the object's constructor are part of what it computes, and a seed may not be fixed
        # there.
        state = _state_digest(found)
        return NetworkDerainer(found, card, {**key, "weights": state}, runtime)
    if spec.arg is not None:
        raise BadConfig(
            f"derainer {spec.name!r} is no torch.nn.Module, so it takes no weights file ({spec.arg!r})"
        )
    if isinstance(found, Derainer):
        _check_description(found, spec.name)
        return found
    if callable(found):
        from derainers.harness.load import FunctionDerainer

        return FunctionDerainer(found, card, key)
    raise BadConfig(
        f"derainer {spec.name!r} is a {type(found).__name__}: it must be a function, an nn.Module or a class"
    )


def _check_description(found: Derainer, name: str) -> None:
    """Check that records can hold what an object says of itself.

    Raises:
        BadConfig: If its card is no card, or its key is not made of plain values.
    """
    if not isinstance(found.card, Card):
        raise BadConfig(f"derainer {name!r}: its card is a {type(found.card).__name__}, not a derainers.Card")
    try:
        content_key(dict(found.key))
        content_key(found.card.kept())
    except (TypeError, ValueError):
        raise BadConfig(
            f"derainer {name!r}: its key and its card must be made of text, numbers, lists and dictionaries, "
            f"which go into the record"
        ) from None


def _load_torchscript(path: Path, runtime: Runtime) -> Derainer:
    from bench import torchscript
    from derainers.harness.load import count_parameters
    from derainers.harness.network import NetworkDerainer

    module = torchscript.load(path)
    digest = sha256_file(path)
    card = Card(
        path.stem,
        "TorchScript",
        weights_sha256=digest,
        params=count_parameters(module),
        multiple=_multiple(module),
    )
    return NetworkDerainer(module, card, {"name": "torchscript", "weights": digest}, runtime)


def _load_onnx(path: Path, runtime: Runtime) -> Derainer:
    import onnxruntime as ort
    import torch

    from bench.device import resolve_device
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
    name = inputs[0].name

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        # One by one: many exports fix the batch at 1, and a batch is not faster on a CPU.
        parts = [session.run(None, {name: image[None].contiguous().cpu().numpy()})[0] for image in pixels]
        return torch.cat([torch.from_numpy(part) for part in parts]).to(pixels.device)

    height, width = inputs[0].shape[2:]
    fixed = FixedSize(height, height // 4) if isinstance(height, int) else None
    if height != width and (isinstance(height, int) or isinstance(width, int)):
        raise BadWeights(f"{path}: takes {height}x{width} images only; export it with free height and width")
    digest = sha256_file(path)
    card = Card(path.stem, "ONNX", weights_sha256=digest, multiple=_onnx_multiple(session), fixed=fixed)
    # The file says what it computes in; autocasting PyTorch would not reach it.
    runtime = dataclasses.replace(runtime, precision="fp32")
    return NetworkDerainer(forward, card, {"name": "onnx", "weights": digest}, runtime)


def open_folder(spec: DerainerSpec) -> FolderDerainer:
    """Open a folder of images that were restored elsewhere.

    Raises:
        BadData: If it is no folder or holds no images.
    """
    return FolderDerainer(_path(spec))


class FolderDerainer:
    """Images restored elsewhere, found by the scene's id: ``ID.png`` or another image suffix, also in
    subfolders.

    A scene's id is its clean image's file name without suffix, with the folder where the data set has
    several; a file may carry the id's last part only, as long as that is unique.
    """

    def __init__(self, folder: Path) -> None:
        from bench.files import list_files
        from bench.images import SUFFIXES

        if not folder.is_dir():
            raise BadData(f"derainer folder: no folder {folder}")
        self._folder = folder
        self._files = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in list_files(folder, SUFFIXES, deep=True)
        }
        if not self._files:
            raise BadData(f"derainer folder: {folder} holds no images")
        self._short: dict[str, list[Path]] = {}
        for name, path in self._files.items():
            self._short.setdefault(name.rpartition("/")[2], []).append(path)
        self.card = Card("folder", f"{len(self._files)} images restored elsewhere")
        self._key: dict[str, Any] | None = None

    @property
    def key(self) -> dict[str, Any]:
        """The hash of every image's name and content; read once."""
        if self._key is None:
            digest = hashlib.sha256()
            for name, path in self._files.items():
                digest.update(f"{name}\0{sha256_file(path)}\n".encode())
            self._key = {"name": "folder", "images": digest.hexdigest()}
        return self._key

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Scenes that no file, or more than one, could belong to."""
        return [scene for scene in ids if self._find(scene) is None]

    def restore_scenes(self, ids: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Read the restored images of some scenes.

        Raises:
            BadData: If one is missing, unreadable, or of another size than the scene.
        """
        from bench.images import read_image
        from derainers.base import checked

        results = []
        for scene, image in zip(ids, images, strict=True):
            path = self._find(scene)
            if path is None:
                raise BadData(f"derainer folder: {self._folder} has no image for scene {scene!r}")
            restored = read_image(path)
            if restored.shape != image.shape:
                raise BadData(
                    f"{path} is {restored.shape[1]}x{restored.shape[0]}, but scene {scene!r} is "
                    f"{image.shape[1]}x{image.shape[0]}: restore it at its own size"
                )
            results.append(checked(restored, image, "folder"))
        return results

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Refused: a folder must be told the scene.

        Raises:
            DerainerError: Always.
        """
        raise DerainerError(
            "a folder of restored images can restore scenes of a data set only, not a lone image"
        )

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Refused, as :meth:`__call__`."""
        return [self(image) for image in images]

    def _find(self, scene: str) -> Path | None:
        if scene in self._files:
            return self._files[scene]
        short = self._short.get(scene.rpartition("/")[2], [])
        return short[0] if len(short) == 1 else None


def _path(spec: DerainerSpec) -> Path:
    return Path(spec.arg or "").expanduser()


def _multiple(module: torch.nn.Module) -> int:
    value = getattr(module, "multiple", 1)
    return value if isinstance(value, int) and value > 0 else 1


def _onnx_multiple(session: Any) -> int:
    """What the author wrote into the file's metadata as ``multiple``; 1 where nothing is written."""
    text = session.get_modelmeta().custom_metadata_map.get("multiple", "1")
    return int(text) if text.isdigit() and int(text) > 0 else 1


def _state_digest(module: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for chunk in _state_bytes(module):
        digest.update(chunk)
    return digest.hexdigest()


def _state_bytes(module: torch.nn.Module) -> Iterator[bytes]:
    import torch

    for name, tensor in sorted(module.state_dict().items()):
        yield f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode()
        yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _summary(found: Any) -> str:
    """The first line of an object's own documentation, if it wrote any."""
    text = inspect.getdoc(found if inspect.isroutine(found) else type(found)) or ""
    return "" if type(found).__module__.startswith("torch") else text.partition("\n")[0]

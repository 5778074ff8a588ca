"""Models that were exported to a file: ``onnx:FILE`` and ``torchscript:FILE``.

What the outputs are is named (``onnx?layout=yolo:FILE``, or ``--layout``) or read from the file's metadata; so are the
classes and how an image is made the input. The layouts are those of :mod:`downstream.models.layouts`.
"""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import plugins
from bench.errors import ANYTHING, BadConfig, BadWeights, BenchError, MissingDependency, said
from bench.hashing import sha256_file
from bench.onnx_file import FLOATS, input_fault, open_session
from bench.vocabulary import DETECTION, SEGMENTATION
from downstream.models.base import Listed, Model
from downstream.models.layouts import LAYOUTS, RESIZES, Input, place, read_boxes, read_label_map

#: Raise when a change here changes predictions; part of every key.
VERSION = 1
_SERVES = {"labelmap": SEGMENTATION}
#: What may be said of an exported network after the question mark.
SAID = (
    "layout",
    "classes",
    "size",
    "resize",
    "range",
    "mean",
    "std",
    "channels",
    "multiple",
    "score",
    "overlap",
    "most",
)


@dataclass(frozen=True)
class _Network:
    """A network that runs: float32 (1, 3, H, W) in, arrays out; and what its file says of itself."""

    run: Callable[[NDArray[np.float32]], Sequence[Any]]
    size: tuple[int, int] | None
    metadata: Mapping[str, Any]


class ExportedSource:
    """See :class:`downstream.models.base.ModelSource`.

    Args:
        kind: ``onnx`` or ``torchscript``.
        open_file: Loads such a file.
    """

    def __init__(self, kind: str, open_file: Callable[[Path, str], _Network]) -> None:
        self.kind = kind
        self._open = open_file

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the file is there and what is said of it can be read; it is not loaded."""
        path, stated = self._parse(name)
        if checkpoint is not None:
            raise BadWeights(f"model {name} has its weights in its file and takes no --checkpoint")
        layout = stated.get("layout")
        if layout is not None:
            _check_layout(layout, task, str(name))
        _settings(stated, str(name))
        if not path.is_file():
            raise BadWeights(f"model {name}: no file {path}")
        if self.kind == "onnx":
            import importlib.util

            if importlib.util.find_spec("onnxruntime") is None:
                raise MissingDependency("model onnx needs ONNX Runtime: pip install 'derain-bench[onnx]'")
        return path.stem

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Load the file and try it on a grey image."""
        self.check(task, name, checkpoint)
        path, stated = self._parse(name)
        network = self._open(path, device)
        stated = {**_of_metadata(network.metadata), **stated}
        if "layout" not in stated:
            raise BadConfig(
                f"model {name} does not say what its outputs are: add --layout {'|'.join(LAYOUTS)}"
            )
        _check_layout(stated["layout"], task, str(name))
        classes = _classes(stated.get("classes"), str(name))
        model = ExportedModel(path, self.kind, task, classes, network, stated)
        model.predict(np.full((*model.trial, 3), 114, np.uint8))  # what is wrong is found now, not mid-run
        return model

    def listed(self, task: str | None) -> list[Listed]:
        """Say how they are named."""
        return [
            Listed(
                f"{self.kind}:FILE",
                each,
                f"in the file; --layout {', '.join(_layouts(each))} if it does not say",
            )
            for each in (DETECTION, SEGMENTATION)
            if task in (None, each)
        ]

    def is_data(self, name: str) -> bool:
        """What a file computes follows from its bytes, once its program has been read."""
        return True

    def _parse(self, name: str | None) -> tuple[Path, dict[str, Any]]:
        _, query, file = plugins.cut(name or "")
        if not file:
            raise BadConfig(f"model {name} needs a file: {self.kind}:FILE")
        options = plugins.read_options(query)
        stated = {**options.arguments, **options.attributes}
        unknown = next((key for key in stated if key not in SAID), None)
        if unknown is not None:
            raise BadConfig(
                f"model {name}: {unknown!r} is not said of a {self.kind} file; {', '.join(SAID)} are"
            )
        return Path(file).expanduser(), stated


class ExportedModel:
    """See :class:`downstream.models.base.Model`."""

    def __init__(
        self,
        path: Path,
        kind: str,
        task: str,
        classes: tuple[str, ...],
        network: _Network,
        stated: Mapping[str, Any],
    ) -> None:
        self.name = path.stem
        self.task = task
        self.classes = classes
        self._network = network
        self._layout = str(stated["layout"])
        settings = _settings(stated, self.name)
        self._input = dataclasses.replace(settings.input, size=settings.input.size or network.size)
        self._settings = settings
        self.key: dict[str, Any] = {
            "task": task,
            "kind": kind,
            "weights": sha256_file(path),
            "classes": list(classes),
            "layout": self._layout,
            "input": dataclasses.asdict(self._input),
            "kept": [settings.score, settings.overlap, settings.most],
            "version": VERSION,
        }

    @property
    def trial(self) -> tuple[int, int]:
        """Height and width of an image that it must be able to look at."""
        size = self._input.size
        return size if size is not None and self._input.resize == "keep" else (64, 96)

    def predict(self, image: NDArray[np.uint8]) -> Any:
        """Look at one image.

        Raises:
            BadConfig: If the image does not fit into the input, the network raises, or what it returns is not of its
                layout.
        """
        try:
            pixels, placed = place(image, self._input)
        except BadConfig as error:
            raise BadConfig(f"model {self.name}: {error}") from None
        try:
            outputs = self._network.run(pixels)
        except ANYTHING as error:
            if isinstance(error, BenchError):
                raise
            raise BadConfig(
                f"model {self.name} failed on an input of {pixels.shape[2]}x{pixels.shape[3]}: {said(error)}"
            ) from error
        try:
            if self._layout == "labelmap":
                return read_label_map(outputs, len(self.classes), placed)
            kept = self._settings
            return read_boxes(
                self._layout,
                outputs,
                len(self.classes),
                placed,
                least=kept.score,
                overlap=kept.overlap,
                most=kept.most,
            )
        except BadConfig as error:
            raise BadConfig(f"model {self.name}: {error}") from None


@dataclass(frozen=True)
class _Settings:
    input: Input
    score: float
    overlap: float
    most: int


def _settings(stated: Mapping[str, Any], name: str) -> _Settings:
    """Read how an image is made the input, and which boxes are kept.

    Raises:
        BadConfig: If a value is none of those that may stand there.
    """
    resize = stated.get("resize", "letterbox" if stated.get("layout") in ("yolo", None) else "stretch")
    channels = str(stated.get("channels", "rgb"))
    span = str(stated.get("range", "0..1"))
    for key, value, known in (
        ("resize", resize, RESIZES),
        ("channels", channels, ("rgb", "bgr")),
        ("range", span, ("0..1", "0..255")),
    ):
        if value not in known:
            raise BadConfig(f"model {name}: {key}={value}; write {' or '.join(known)}")
    try:
        size = _size(stated.get("size"))
        numbers = {key: float(stated.get(key, value)) for key, value in (("score", 0.01), ("overlap", 0.65))}
        most, multiple = int(stated.get("most", 300)), int(stated.get("multiple", 32))
        mean, std = (_triple(stated.get(key, value)) for key, value in (("mean", 0.0), ("std", 1.0)))
        if min(most, multiple, *(size or (1,))) < 1 or 0.0 in std:
            raise ValueError
    except (TypeError, ValueError):
        raise BadConfig(
            f"model {name}: write size=640 or size=[HEIGHT, WIDTH], mean=[R, G, B], std=[R, G, B], and numbers for "
            f"score, overlap, most and multiple"
        ) from None
    how = Input(size, str(resize), 1.0 if span == "0..1" else 255.0, mean, std, channels == "bgr", multiple)
    return _Settings(how, numbers["score"], numbers["overlap"], most)


def _size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    height, width = value if isinstance(value, list) else (value, value)
    return int(height), int(width)


def _triple(value: Any) -> tuple[float, ...]:
    numbers = tuple(float(each) for each in (value if isinstance(value, list) else [value]))
    if len(numbers) not in (1, 3):
        raise ValueError
    return numbers


def _layouts(task: str) -> list[str]:
    return [layout for layout in LAYOUTS if _serves(layout) == task]


def _serves(layout: str) -> str:
    return _SERVES.get(layout, DETECTION)


def _check_layout(layout: Any, task: str, name: str) -> None:
    if layout not in LAYOUTS:
        raise BadConfig(f"model {name}: unknown layout {layout!r}; write {', '.join(LAYOUTS)}")
    serves = _serves(layout)
    if serves != task:
        raise BadConfig(f"model {name}: layout {layout} is for {serves}, not for {task}")


def _classes(value: Any, name: str) -> tuple[str, ...]:
    """Class names: a list, or a text file with one a line."""
    if isinstance(value, list | tuple) and value:
        return tuple(str(each) for each in value)
    if isinstance(value, str):
        path = Path(value).expanduser()
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"model {name}: classes {value} cannot be read: {said(error)}") from None
        if lines:
            return tuple(lines)
    raise BadConfig(
        f"model {name} does not say its classes: write ?classes=[car, person] or ?classes=FILE, one a line"
    )


def _of_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What an exporter wrote into a file: our own words, or Ultralytics' ``task``, ``names`` and ``imgsz``."""
    found: dict[str, Any] = {}
    for key in SAID:
        if key in metadata:
            found[key] = _read(metadata[key])
    if "names" in metadata and "layout" not in found:
        names = _read(metadata["names"])
        if isinstance(names, dict):
            found.setdefault("classes", [str(names[index]) for index in sorted(names)])
        if metadata.get("task") == "detect":
            found["layout"] = "yolo"
    return found


def _read(text: Any) -> Any:
    """A value that an exporter wrote as JSON or as Python writes it; the text itself where it is neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return text


def _open_onnx(path: Path, device: str) -> _Network:
    session = open_session(path, device)
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise BadWeights(f"{path}: a model has one input, an image, not {len(inputs)}")
    if fault := input_fault(inputs[0].type, inputs[0].shape, "a model"):
        raise BadWeights(f"{path}: {fault}")
    name, kind, shape = inputs[0].name, np.dtype(FLOATS[inputs[0].type]), inputs[0].shape
    size = (shape[2], shape[3]) if all(isinstance(side, int) for side in shape[2:]) else None

    def run(pixels: NDArray[np.float32]) -> Sequence[Any]:
        return [np.asarray(each) for each in session.run(None, {name: pixels.astype(kind, copy=False)})]

    return _Network(run, size, dict(session.get_modelmeta().custom_metadata_map))


def _open_torchscript(path: Path, device: str) -> _Network:
    import torch

    from bench import torchscript
    from bench.device import resolve_device

    place_on = torch.device(resolve_device(device))
    module = torchscript.load(path).eval().to(place_on)
    kind = next((w.dtype for w in module.parameters() if w.is_floating_point()), torch.float32)

    def run(pixels: NDArray[np.float32]) -> Sequence[Any]:
        with torch.inference_mode():
            found = module(torch.from_numpy(pixels).to(place_on, kind))
        if isinstance(found, dict):
            found = list(found.values())
        parts = list(found) if isinstance(found, list | tuple) else [found]
        return [
            part.float().cpu().numpy() if part.is_floating_point() else part.cpu().numpy() for part in parts
        ]

    return _Network(run, None, {})


ONNX = ExportedSource("onnx", _open_onnx)
TORCHSCRIPT = ExportedSource("torchscript", _open_torchscript)

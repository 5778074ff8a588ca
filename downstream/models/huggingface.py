"""Networks in Hugging Face's format, ``hf:NAME_OR_DIR``, looked at through transformers with their own processors.

A folder is one that ``save_pretrained`` wrote for the network and for its image processor; a name is looked up in what
``hf download`` has put on this machine. Nothing is fetched, only safetensors are read, and no code of theirs is run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import plugins
from bench.errors import BadConfig, BadWeights, MissingDependency, said
from bench.hashing import sha256_file
from bench.ordinary import LARGEST_TEXT, read_ordinary
from bench.vocabulary import DETECTION, SEGMENTATION
from downstream.models.answers import Answering, tried
from downstream.models.base import Listed, Model

#: The classes of transformers that may serve a task, by what their networks' names end with.
_HEADS = {
    DETECTION: {"ForObjectDetection": "AutoModelForObjectDetection"},
    SEGMENTATION: {
        "ForSemanticSegmentation": "AutoModelForSemanticSegmentation",
        "ForUniversalSegmentation": "AutoModelForUniversalSegmentation",
        "ForInstanceSegmentation": "AutoModelForUniversalSegmentation",  # MaskFormer's name for the same
    },
}
#: What a folder's answers follow from.
_COUNTED = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "model.safetensors.index.json",
)


class HuggingFaceSource:
    """See :class:`downstream.models.base.ModelSource`."""

    def check(self, task: str, name: str | None, checkpoint: str | Path | None) -> str:
        """Check that the network is on this machine and made for the task; transformers is not imported."""
        if task not in _HEADS:
            raise BadConfig(
                f"model {name}: transformers' networks here are for {' or '.join(_HEADS)}, not {task}"
            )
        if checkpoint is not None:
            raise BadWeights(f"model {name} takes no --checkpoint: its weights are in its folder")
        if importlib.util.find_spec("transformers") is None:
            raise MissingDependency(f"model {name} needs transformers: pip install 'derain-bench[hf]'")
        folder = _folder(name)
        _head(folder, task, f"model {name}")
        if not sorted(folder.glob("*.safetensors")):
            others = sorted(path.name for path in folder.glob("*.bin"))
            found = f", and {others[0]} is a pickle, which is not read" if others else ""
            raise BadWeights(
                f"model {name}: no weights in safetensors in {folder}{found}: write them with "
                f"model.save_pretrained(DIR) and processor.save_pretrained(DIR)"
            )
        return _spec(name).rstrip("/").rpartition("/")[2] or folder.resolve().name

    def load(
        self, task: str, name: str | None, checkpoint: str | Path | None, device: str, trust: str | None
    ) -> Model:
        """Load the network and its processor from the folder and try them on an image."""
        import torch

        from bench.device import resolve_device

        title = self.check(task, name, checkpoint)
        what, folder = f"model {name}", _folder(name)
        place = resolve_device(device)
        with _offline():
            import transformers

            given = {"local_files_only": True, "trust_remote_code": False}
            try:
                processor = transformers.AutoImageProcessor.from_pretrained(folder, **given)
                kind = getattr(transformers, _head(folder, task, what))
                network, state = kind.from_pretrained(
                    folder, use_safetensors=True, output_loading_info=True, **given
                )
            except Exception as error:  # of its dozens of classes and modules
                raise BadConfig(f"{what}: transformers cannot load it: {said(error)}") from error
        lacking = sorted(state["missing_keys"])
        if lacking:
            raise BadWeights(
                f"{what}: its weights lack {len(lacking)} of the network's, such as {lacking[0]}, which would be random"
            )
        network = network.float().to(place).eval()
        names = network.config.id2label
        classes = tuple(str(names[index]) for index in sorted(names))
        finish = _FINISH[task]

        def look(image: NDArray[np.uint8]) -> Any:
            with torch.no_grad():
                inputs = processor(images=image, return_tensors="pt", input_data_format="channels_last")
                tensors = {key: value.to(place) for key, value in inputs.items() if torch.is_tensor(value)}
                return finish(processor, network(**tensors), image.shape[:2])

        files = sorted([*folder.glob("*.safetensors"), *(folder / each for each in _COUNTED)])
        key = {
            "files": {path.name: sha256_file(path) for path in files if path.is_file()},
            "versions": {"transformers": transformers.__version__},
            "processor": type(processor).__name__,
        }
        return tried(Answering(title, task, classes, key, look))

    def listed(self, task: str | None) -> list[Listed]:
        """Say how they are named."""
        return [
            Listed("hf:NAME_OR_DIR", each, "a folder, or what `hf download` has put on this machine")
            for each in _HEADS
            if task in (None, each)
        ]

    def is_data(self, name: str) -> bool:
        """The code is transformers' own."""
        return True


def _detections(processor: Any, outputs: Any, size: tuple[int, int]) -> Any:
    (found,) = processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=[size])
    boxes, scores, labels = (found[key].cpu().numpy() for key in ("boxes", "scores", "labels"))
    boxes = boxes.clip(0, np.array([size[1], size[0]] * 2))
    return boxes, scores, labels


def _labels(processor: Any, outputs: Any, size: tuple[int, int]) -> Any:
    (found,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[size])
    return found.cpu().numpy()


#: What makes an answer of a network's outputs, by task.
_FINISH = {DETECTION: _detections, SEGMENTATION: _labels}


def _head(folder: Path, task: str, what: str) -> str:
    """Return the class of transformers that a folder's network is loaded with.

    Raises:
        BadConfig: If it is for something else, or wants code of its own.
    """
    path = folder / "config.json"
    try:
        config = json.loads(read_ordinary(path, BadConfig, LARGEST_TEXT, what=f"{what}: "))
    except (ValueError, RecursionError) as error:
        raise BadConfig(f"{what}: {path} is not JSON ({str(error).splitlines()[0]})") from None
    config = config if isinstance(config, dict) else {}
    if "auto_map" in config:
        raise BadConfig(
            f"{what}: it brings code of its own, which is not run: take a network of transformers'"
        )
    stated = [str(each) for each in config.get("architectures") or ()]
    for ending, head in _HEADS[task].items():
        if any(each.endswith(ending) for each in stated):
            return head
    raise BadConfig(
        f"{what}: it is {' and '.join(stated) or 'of no stated architecture'}, which is not for {task}: "
        f"wanted ...{' or ...'.join(_HEADS[task])}"
    )


def _spec(name: str | None) -> str:
    return plugins.cut(name or "")[2] or ""


def _folder(name: str | None) -> Path:
    """Return the folder of a network: as it is named, or of the newest download of that name.

    Raises:
        BadConfig: If there is neither.
    """
    spec = _spec(name)
    folder = Path(spec).expanduser()
    if spec and folder.is_dir():
        return folder
    cache = Path(os.environ.get("HF_HUB_CACHE") or _home() / "hub")
    kept = cache / f"models--{spec.replace('/', '--')}"
    with contextlib.suppress(OSError, ValueError):
        snapshot = kept / "snapshots" / (kept / "refs" / "main").read_text(encoding="utf-8").strip()
        if snapshot.is_dir() and "/" in spec and ".." not in spec:
            return snapshot
    raise BadConfig(
        f"model {name}: no folder {spec or '(none named)'}, and no download of that name on this machine: "
        f"`hf download {spec or 'NAME'}`, or give the folder"
    )


def _home() -> Path:
    return Path(os.environ.get("HF_HOME") or Path("~/.cache/huggingface")).expanduser()


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Import and use transformers without its bars, warnings and questions to the network."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import transformers

    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)


SOURCE = HuggingFaceSource()

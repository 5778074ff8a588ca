"""Sample scenes for the slider: the clean, the rainy and the restored picture of a few scenes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadData
from bench.files import ensure_folder, write_atomic
from bench.keep.records import slug
from bench.vocabulary import CLEAN, NONE
from reports.results import label_order

if TYPE_CHECKING:
    import numpy as np

INDEX = "samples.json"
#: WebP takes half of what JPEG takes for scenes that look the same.
SUFFIX, _QUALITY = ".webp", 80


@dataclass(frozen=True)
class SampleImage:
    """One version of a scene: whose, the file's name on the site, and its bytes."""

    label: str
    file: str
    content: bytes


@dataclass(frozen=True)
class Sample:
    """A scene with its versions, `clean` and `none` first."""

    variant: str
    scene: str
    width: int
    height: int
    images: tuple[SampleImage, ...]


def write_sample(folder: Path, variant: str, scene: str, images: Mapping[str, np.ndarray]) -> None:
    """Keep a scene for the slider.

    Of a scene that is there already, what other derainers made of it stays where it is the same scene in the same rain
    to the byte; else it is replaced.

    Args:
        folder: Where samples are kept.
        variant: The variant's name.
        scene: The scene's id.
        images: By derainer label, `none` and `clean` among them: uint8 RGB HxWx3, all of one size.

    Raises:
        BadData: If the images differ in size.
        OutputError: If the folder cannot be written to.
    """
    import cv2

    sizes = {image.shape[:2] for image in images.values()}
    if len(sizes) != 1:
        raise BadData(f"sample {scene} of {variant} has images of {len(sizes)} sizes: give one size")
    (height, width) = sizes.pop()
    ensure_folder(folder)
    contents = {}
    for label, image in images.items():
        done, data = cv2.imencode(SUFFIX, image[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
        if not done:
            raise BadData(f"sample {scene} of {variant}: the image of {label} cannot be written as WebP")
        contents[label] = data.tobytes()
    index = _index(folder)
    entries = [e for e in index if (e["variant"], e["scene"]) != (variant, scene)]
    files = {label: f"{slug(variant)}--{slug(scene)}--{slug(label)}{SUFFIX}" for label in images}
    if all(label in contents and _holds(folder / files[label], contents[label]) for label in (CLEAN, NONE)):
        before = [e["images"] for e in index if (e["variant"], e["scene"]) == (variant, scene)]
        files = {**(before[0] if before else {}), **files}
    for label, content in contents.items():
        write_atomic(folder / files[label], content)
    entry = {"variant": variant, "scene": scene, "width": int(width), "height": int(height), "images": files}
    entries = sorted([*entries, entry], key=lambda e: (e["variant"], e["scene"]))
    write_atomic(folder / INDEX, (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode())


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def read_samples(folder: Path) -> list[Sample]:
    """Read what `write_sample` kept; nothing where there is no such folder.

    Raises:
        BadData: If the index or an image is missing or not what it should be.
    """
    samples = []
    for entry in _index(folder):
        try:
            images = []
            for label in sorted(entry["images"], key=label_order):
                name = str(entry["images"][label])
                if Path(name).name != name:
                    raise BadData(f"{folder / INDEX}: {name!r} is not the name of a file beside it")
                images.append(SampleImage(str(label), f"samples/{name}", (folder / name).read_bytes()))
            size = int(entry["width"]), int(entry["height"])
            samples.append(Sample(str(entry["variant"]), str(entry["scene"]), *size, tuple(images)))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise BadData(f"{folder / INDEX} is not an index of samples: make the samples again") from None
        except OSError as error:
            raise BadData(
                f"sample {error.filename} cannot be read: {error.strerror}; make the samples again"
            ) from None
    return samples


def _index(folder: Path) -> list[dict[str, Any]]:
    path = folder / INDEX
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise BadData(f"{path} cannot be read as JSON: make the samples again") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadData(f"{path} is not an index of samples: make the samples again")
    return entries

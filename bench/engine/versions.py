"""From a scene to the images that the tasks look at: clean, rainy, restored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.base import DataSet, Scene
from bench.deadline import unit
from bench.images import read_only
from bench.rain import BroughtRain, add_rain, situation_of

if TYPE_CHECKING:
    import numpy as np

    from derainers import Derainer, Setting


def read_variant(data: DataSet, rain: Any, seed: int, scene: Scene) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the clean image (None where unknown) and the rainy one of a scene (uint8 RGB HxWx3 each).

    Raises:
        BadData: If a file of the scene cannot be used.
    """
    clean = data.clean(scene) if situation_of(rain, data).knows_clean else None
    if isinstance(rain, BroughtRain):
        return clean, rain.rainy(data, scene)
    assert clean is not None
    depth = data.depth(scene) if rain.needs_depth else None
    return clean, add_rain(rain, clean, scene.id, seed, depth)


def setting_of(data: DataSet, rain: Any) -> Setting:
    """Return what derainers are told of a variant that find their images by name."""
    from derainers import Setting

    def names(scene: Scene) -> tuple[str, ...]:
        return tuple(path.stem for path in (scene.rainy, scene.image) if path is not None)

    def image(scene: Scene) -> Path | None:
        files = data.files(scene)  # without these two names where only a part of a file is read
        return files.get("rainy", files.get("image"))

    name = None if isinstance(rain, BroughtRain) else rain.name
    # What a reader of anyone's makes of a file may have another size.
    images = {scene.id: path for scene in data.scenes if data.reader is None and (path := image(scene))}
    return Setting(name, {scene.id: names(scene) for scene in data.scenes}, images)


def restore(derainer: Derainer, ids: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Run a derainer over the images of some scenes.

    Raises:
        BenchError: If it does not return an image for each, of the same size.
    """
    from derainers import DerainerError
    from derainers.base import checked

    shown = [read_only(image) for image in images]
    by_scene = getattr(derainer, "restore_scenes", None)
    name = derainer.card.name
    with unit(f"derainer {name}", "restore an image"):
        results = list(by_scene(ids, shown) if by_scene else derainer.restore(shown))
    if len(results) != len(images):
        raise DerainerError(f"derainer {name!r} returned {len(results)} images for {len(images)}")
    return [checked(result, image, name) for result, image in zip(results, images, strict=True)]

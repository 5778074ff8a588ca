"""``rendered:DIR``: the rainy image of every scene lies in a folder, where somebody has rendered it.

Files are found by name below the folder, whatever lies between: RainCityscapes
(``val/lindau/lindau_000003_000019_leftImg8bit_rain_alpha_0.01_beta_0.005_dropsize_0.01_pattern_1.png``, 36 of a scene;
Hu et al., CVPR 2019, download page of Cityscapes), Foggy Cityscapes (``..._leftImg8bit_foggy_beta_0.02.png``, three of
a scene; Sakaridis et al., IJCV 2018), the weather augmentation of Cityscapes and KITTI
(``train/rain/100mm/rainy_image/aachen/aachen_000000_000019_leftImg8bit.png``; Tremblay et al., IJCV 2020), or plain
``SCENE.png``. Where a scene has several images, a part of their names says which is meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data import layout
from bench.data.fingerprint import file_digest
from bench.errors import BadConfig, BadData, some
from bench.hashing import content_key
from bench.images import read_image
from bench.rain.base import BroughtRain, Rain, RainEntry, RainFamily
from bench.situations import RENDERED, Situation

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import DataSet, Scene

_NAME = "rendered"
#: What Cityscapes' images end in; a scene's id does not.
_IMAGE = "_leftImg8bit"
#: Folders of what is no rainy image beside those that are.
_NO_IMAGES = ("rain_mask", "depth", "disparity", "transmittance")


@dataclass(frozen=True)
class RenderedRain(BroughtRain):
    """Rainy images in a folder.

    Attributes:
        folder: The folder.
        choice: Which image of a scene that has several is meant: neighbouring words of its name or its folders.
        version: Hash of the images; empty before :meth:`of`.
        files: Scene id to the image; empty before :meth:`of`.
    """

    folder: Path
    choice: str = ""
    version: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The spelling without the folders that lead there, so that moved files give the same rain."""
        return f"{_NAME}:{layout.title(self.folder)}" + (f":{self.choice}" if self.choice else "")

    @property
    def spec(self) -> str:
        """The spelling with the folders."""
        return f"{_NAME}:{self.folder}" + (f":{self.choice}" if self.choice else "")

    @property
    def key(self) -> dict[str, Any]:
        """The images' content."""
        return {"rain": _NAME, "version": self.version}

    def of(self, data: DataSet) -> RenderedRain:
        """Find the image of every scene and hold its size against the scene's.

        Raises:
            BadData: If a scene has no image, several, or one of another size; it is named.
        """
        found = self._find(data)
        missing = [scene.id for scene in data.scenes if scene.id not in found]
        if missing:
            raise BadData(
                f"rain {self.spec}: {len(missing)} of {len(data.scenes)} scenes of {data.name} have no image there, "
                f"the first is {missing[0]}: add them, or give data of the others alone; it holds "
                f"{layout.contents(self.folder)}"
            )
        layout.check_inside(list(found.values()), [self.folder])
        layout.in_threads(lambda scene: _check_size(scene, found[scene.id]), data.scenes)
        digests = layout.in_threads(lambda scene: file_digest(found[scene.id]), data.scenes)
        version = content_key([[s.id, digest] for s, digest in zip(data.scenes, digests, strict=True)])
        return replace(self, files=found, version=version[:16])

    def situation(self, data: DataSet) -> Situation:
        """Rendered."""
        return RENDERED

    def rainy(self, data: DataSet, scene: Scene) -> np.ndarray:
        """Return the image of a scene.

        Raises:
            BadData: If it cannot be read.
        """
        return read_image(self.files[scene.id])

    def _find(self, data: DataSet) -> dict[str, Path]:
        ids = {scene.id for scene in data.scenes}
        clean = {scene.image.resolve() for scene in data.scenes if scene.image is not None}
        depths = {scene_id.count("/") for scene_id in ids}
        every: dict[str, list[Path]] = defaultdict(list)
        for path in _images(self.folder):
            relative = path.relative_to(self.folder).with_suffix("")
            for depth in depths:
                name = "/".join(relative.parts[-1 - depth :])
                scene_id = next((part for part in _shorter(name) if part in ids), None)
                if scene_id is not None and path.resolve() not in clean:
                    every[scene_id].append(path)
                    break
        meant = {
            scene_id: [path for path in paths if self._is_meant(self._title(path))]
            for scene_id, paths in every.items()
        }
        for scene_id, paths in meant.items():
            if len(paths) > 1:
                raise BadData(self._doubtful(scene_id, paths))
        without = [scene.id for scene in data.scenes if meant.get(scene.id) == []]
        if without:
            raise BadData(self._unmet(without, every[without[0]], len(every)))
        return {scene_id: path for scene_id, (path,) in meant.items()}

    def _title(self, path: Path) -> str:
        return path.relative_to(self.folder).with_suffix("").as_posix()

    def _is_meant(self, title: str) -> bool:
        words = re.escape(self.choice.strip("/_"))
        return not words or re.search(rf"(^|[/_]){words}($|[/_])", title, re.IGNORECASE) is not None

    def _doubtful(self, scene_id: str, paths: list[Path]) -> str:
        return (
            f"rain {self.spec}: there are {len(paths)} images of scene {scene_id}: name one with :CHOICE, "
            f"such as {some(self._words(paths), 3)}"
        )

    def _unmet(self, without: list[str], paths: list[Path], count: int) -> str:
        """Say that scenes have images, but none that is meant; ``paths`` are the first one's, ``count`` all scenes'."""
        words = some(self._words(paths), 3)
        if len(without) == count:
            return (
                f"rain {self.spec}: none of {len(paths)} images of scene {without[0]} is called {self.choice}: "
                f"name one of {words}"
            )
        return (
            f"rain {self.spec}: {len(without)} of {count} scenes have no image called {self.choice}, the first is "
            f"{without[0]}, which has {words}: name what all have, or give data of the others alone"
        )

    def _words(self, paths: list[Path]) -> list[str]:
        names = sorted(map(self._title, paths), key=layout.natural)
        return names if len(names) == 1 else _differing(names, self.choice)


def _differing(names: Sequence[str], choice: str) -> list[str]:
    """Return the words in which names differ, those of a choice that did not do among them."""
    start = _whole(names[0], _alike(names))
    if re.match(r"[\d.]+($|[/_])", names[0][start:]):  # a number says little without the word before it
        start = _whole(names[0], start - 1)
    end = _whole(names[0][::-1], _alike([name[::-1] for name in names]))
    if choice and (at := names[0].lower().find(choice.lower())) >= 0:
        start = min(start, at)
    return [name[start : len(name) - end] for name in names]


def _alike(names: Sequence[str]) -> int:
    """Return how many letters names begin with in common."""
    letters = enumerate(zip(*names, strict=False))
    return next((at for at, each in letters if len(set(each)) > 1), min(map(len, names)))


def _whole(name: str, length: int) -> int:
    """Return the length of the longest beginning of a name that ends with a word, and is no longer."""
    return max(name.rfind(mark, 0, length) for mark in "/_") + 1


def _images(folder: Path) -> Iterator[Path]:
    yield from layout.image_files(folder)
    for inner in layout.folders(folder):
        if inner.name not in _NO_IMAGES:
            yield from _images(inner)


def _shorter(name: str) -> Iterator[str]:
    """Yield a name, then what is left of it without its last words."""
    while name:
        yield name
        yield name.removesuffix(_IMAGE)
        name = name.rpartition("_")[0]


def _check_size(scene: Scene, path: Path) -> None:
    size = scene.size or (layout.image_size(scene.image) if scene.image is not None else None)
    rendered = layout.image_size(path)
    if size is not None and rendered is not None and size != rendered:
        raise BadData(
            f"{path} is {rendered[1]}x{rendered[0]}, scene {scene.id} is {size[1]}x{size[0]}: "
            f"the rainy image must have the scene's size"
        )


def _parse(argument: str) -> Rain:
    folder, choice = argument, ""
    if ":" in argument and not Path(argument).expanduser().is_dir():
        folder, _, choice = argument.rpartition(":")
    if not folder:
        raise BadConfig(f"rain {_NAME!r} names no folder: write {_NAME}:DIR")
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise BadConfig(f"rain {_NAME}:{argument}: folder {path} does not exist (relative to {Path.cwd()})")
    return RenderedRain(path, choice)


FAMILY = RainFamily(
    _NAME,
    (
        RainEntry(
            f"{_NAME}:DIR[:CHOICE]",
            "rainy images that somebody rendered, found by the scene's name below DIR",
        ),
    ),
    _parse,
)

"""Rainy images with their clean ones, in each layout that restoration sets are published in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import layout
from bench.data.base import DataSet, Scene
from bench.data.matching import frames_of_scenes, halves_of_prefixed, match
from bench.data.published import count_note
from bench.data.rain100 import version_note
from bench.data.reader import Layout, Reader
from bench.errors import BadData, some
from bench.files import list_files
from bench.images import SUFFIXES, read_image
from bench.ordinary import LARGEST_TEXT, read_ordinary
from bench.vocabulary import CLEAN_IMAGES

if TYPE_CHECKING:
    import numpy as np

_RAINY = ("rain", "rainy", "input", "inputs", "rainy_image", "rainy_images", "rain_image")
_CLEAN = ("norain", "no_rain", "target", "targets", "ground_truth", "groundtruth", "gt", "clean")
#: RainDS has three rainy folders beside one clean one; ``--split`` ends in one of them.
_KINDS = ("raindrop", "rainstreak", "rainstreak_raindrop")
_EXPECTED = (
    "rain/ and norain/, input/ and target/, rainy_image/ and ground_truth/, data/ and gt/, rain-1.png beside "
    "norain-1.png, folders of frames called SCENE-C-0.png and SCENE-R-0.png, "
    "a list file of 'rainy clean' lines, or both halves side by side in each image"
)
#: Correlation of halves at 24x24. Its median is 0.91 over pairs of Rain100H, 0.2 over halves of one photo.
_SAME_SCENE = 0.5
#: How many images of a folder are looked at before it is taken for pairs side by side.
_LOOKED_AT = 9

_Pairs = list[tuple[Path, Path]]


@dataclass(frozen=True)
class PairSet(DataSet):
    """Pairs in separate files."""

    def clean(self, scene: Scene) -> np.ndarray | None:
        """Return the clean image (uint8 RGB HxWx3).

        Raises:
            BadData: If it is unreadable.
        """
        return None if scene.image is None else read_image(scene.image)

    def rainy(self, scene: Scene) -> np.ndarray | None:
        """Return the rainy image (uint8 RGB HxWx3).

        Raises:
            BadData: If it is unreadable.
        """
        return None if scene.rainy is None else read_image(scene.rainy)


@dataclass(frozen=True)
class SideBySideSet(DataSet):
    """Pairs in one file each: one half rainy, the other clean.

    Attributes:
        rainy_left: Whether the left half is the rainy one.
    """

    rainy_left: bool = True

    def clean(self, scene: Scene) -> np.ndarray | None:
        """Return the clean half (uint8 RGB HxWx3)."""
        return _half(read_image(_path(scene)), left=not self.rainy_left)

    def rainy(self, scene: Scene) -> np.ndarray | None:
        """Return the rainy half (uint8 RGB HxWx3)."""
        return _half(read_image(_path(scene)), left=self.rainy_left)

    def files(self, scene: Scene) -> dict[str, Path]:
        """Return the scene's one file, named after the side that is read as the rainy one."""
        return {f"rainy {'left' if self.rainy_left else 'right'}": _path(scene)}


def open_pairs(root: Path, split: str | None = None) -> DataSet:
    """Open a folder of rainy and clean images, in whichever published layout it is.

    Args:
        root: The folder of the set, or of one of its splits.
        split: A sub-folder (``test``), one with the kind of rain where there are several (``test/raindrop``), or a
            list file without ending (``real_test_1000``); None looks in ``root`` itself, then in ``test/``.

    Returns:
        The data set; a scene's id is its rainy file's name without ending.

    Raises:
        BadData: If no layout is recognised, an image has no partner, a file is a stray copy, or sizes differ.
    """
    kind = split.rpartition("/")[2] if split is not None else ""
    if kind in _KINDS and split is not None:
        folder, listing = _place(root, split.rpartition("/")[0] or None)
    else:
        folder, listing = _place(root, split)
        kind = ""
    name = _name(folder, listing) + (f"/{kind}" if kind else "")
    if listing is not None:
        return _from_pairs(_listed(listing), name, root, split, folder=listing.with_suffix(""))
    pairs = _two_folders(folder, kind)
    if pairs is None:
        pairs = _one_folder(folder)
    if pairs is None:
        pairs = _scene_folders(folder)
    if pairs is not None:
        return _from_pairs(pairs, name, root, split, folder)
    files = layout.image_files(folder)
    if files and _look_like_pairs(files[:_LOOKED_AT]):
        return _side_by_side(files, name, root, split, folder)
    held = f"it holds {layout.contents(folder)}"
    if files:
        raise BadData(
            f"{folder} has images but no pairs; expected {_EXPECTED}; photos without clean ones open as "
            f"images:{folder}; {held}"
        )
    raise BadData(f"{folder} has no pairs; expected {_EXPECTED}; {held}")


def lay_out(data: DataSet) -> Layout:
    """Say how a rainy variant is written: ``rain/`` and ``norain/``, whatever the layout of the pairs was.

    It suits every data set with clean images, and holds nothing else of it.
    """
    names = {scene.id: f"{scene.id.replace('/', '_')}.png" for scene in data.scenes}
    return Layout(
        kind="pairs",
        rainy={scene_id: f"rain/{name}" for scene_id, name in names.items()},
        clean={scene_id: f"norain/{name}" for scene_id, name in names.items()},
    )


READER = Reader(
    "pairs",
    "rainy and clean images matched by name, in any published layout; no rain is added",
    open_pairs,
    frozenset({CLEAN_IMAGES}),
    "none, else test",
    lay_out,
)


def _place(root: Path, split: str | None) -> tuple[Path, Path | None]:
    """Find the folder that holds the pairs, and the list file where there is one."""
    if split is not None:
        named = [path for path in _lists(root) if path.stem.lower() == split.lower()]
        if named:
            return root, named[0]
        chosen = layout.existing(root, split)
        if chosen is not None:
            lists = [] if _has_layout(chosen) else _lists(chosen)
            return chosen, _only(lists, chosen)
        choices = [path.name for path in layout.folders(root)] + [path.stem for path in _lists(root)]
        raise BadData(f"{root} has no split {split!r}: give --split with one of {some(choices)}")
    if _has_layout(root):
        return root, None
    lists = _lists(root)
    if lists:
        return root, _only(lists, root)
    for name in ("test", "testing"):
        inner = layout.existing(root, name)
        if inner is not None and not layout.image_files(root):
            return _place(root, inner.name)
    return root, None


def _has_layout(folder: Path) -> bool:
    names = {path.name.lower() for path in layout.folders(folder)}
    return bool(names & {*_RAINY, *_CLEAN})


def _only(lists: Sequence[Path], folder: Path) -> Path | None:
    if len(lists) > 1:
        raise BadData(
            f"{folder} has several list files: give --split {' or '.join(path.stem for path in lists)}"
        )
    return lists[0] if lists else None


def _name(folder: Path, listing: Path | None) -> str:
    if listing is not None:
        return f"pairs/{listing.stem}"
    plain = layout.title(folder)
    if plain.lower() in ("test", "testing", "train", "training", "val"):  # alone they say nothing
        return f"pairs/{layout.title(folder.absolute().parent)}/{plain}"
    return f"pairs/{plain}"


def _two_folders(folder: Path, kind: str) -> _Pairs | None:
    clean = _side(folder, _CLEAN, "clean")
    kinds = [path.name for path in layout.folders(folder) if path.name in _KINDS]
    if clean is not None and kinds and not kind:
        raise BadData(
            f"{folder} has several kinds of rain: give --split with one of {', '.join(kinds)} at its end, such as "
            f"test/{kinds[0]}"
        )
    rainy = _side(folder, (kind,) if kind else _RAINY, "rainy")
    if rainy is None and clean is not None and not kind:
        rainy = _side(folder, ("data",), "rainy")  # Raindrop's, a word that says nothing elsewhere
    if rainy is None and clean is None:
        return None
    if rainy is None or clean is None:
        there, lacks = (clean, "rainy images (rain/, input/ or rainy_image/)")
        if clean is None:
            there, lacks = (rainy, "clean images (norain/, target/ or ground_truth/)")
        raise BadData(f"{there} has no folder of {lacks} beside it; {folder} holds {layout.contents(folder)}")
    files = []
    for side in (rainy, clean):
        inside = layout.image_files(side)
        if not inside and layout.existing(side, "X2"):
            # Rain200 and the first Rain100 have rainy images one folder down, at full size despite its name.
            inside = layout.image_files(side / "X2")
        if not inside:
            raise BadData(
                f"{side} holds no images (it holds {layout.contents(side)}): put them right into it"
            )
        files.append(inside)
    return match(files[0], files[1])


def _side(folder: Path, names: Sequence[str], what: str) -> Path | None:
    found = [path for path in layout.folders(folder) if path.name.lower() in names]
    if len(found) > 1:
        both = " and ".join(path.name for path in found)
        raise BadData(f"{folder} has several folders of {what} images, {both}: keep one of them there")
    return found[0] if found else None


def _one_folder(folder: Path) -> _Pairs | None:
    sides = halves_of_prefixed(layout.image_files(folder))
    return None if sides is None else match(*sides)


def _scene_folders(folder: Path) -> _Pairs | None:
    files = layout.image_files(folder)
    return frames_of_scenes(
        files + [path for inner in layout.folders(folder) for path in layout.image_files(inner)]
    )


def _lists(folder: Path) -> list[Path]:
    return [path for path in list_files(folder, (".txt",)) if _is_list(path)]


def _is_list(path: Path) -> bool:
    lines = _lines(path)
    words = next((line.split() for line in lines if line.strip()), [])
    return len(words) == 2 and all(word.lower().endswith(SUFFIXES) for word in words)


def _lines(path: Path) -> list[str]:
    return read_ordinary(path, BadData, LARGEST_TEXT, what="list ").decode(errors="replace").splitlines()


def _listed(listing: Path) -> _Pairs:
    pairs = []
    for number, line in enumerate(_lines(listing), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            raise BadData(
                f"{listing}, line {number}: expected 'rainy clean', two file names, got {line.strip()!r:.80}"
            )
        # SPA-Data's lists start every name with a slash and mean the folder of the list.
        names = [
            layout.safe_name(word.lstrip("/"), f"{listing}, line {number},", str(listing.parent))
            for word in words
        ]
        pairs.append((listing.parent / names[0], listing.parent / names[1]))
    layout.check_present(
        [path for pair in pairs for path in pair],
        f"images that {listing} names",
        "unpack them beside the list",
    )
    seen: set[Path] = set()
    for rainy, clean in pairs:
        if rainy in seen or rainy == clean:
            fault = "names one file as rainy and clean" if rainy == clean else "lists a rainy image twice"
            raise BadData(f"{listing} {fault}, {rainy}: mend the list")
        seen.add(rainy)
    return pairs


def _from_pairs(pairs: _Pairs, name: str, root: Path, split: str | None, folder: Path) -> DataSet:
    paths = sorted({path for pair in pairs for path in pair})
    layout.check_inside(paths, [root, *{path.parent for path in paths}])
    sizes = dict(zip(paths, layout.in_threads(layout.image_size, paths), strict=True))
    for rainy, clean in pairs:
        if sizes[rainy] and sizes[clean] and sizes[rainy] != sizes[clean]:
            raise BadData(
                f"{rainy} is {_by(sizes[rainy])} but its clean image {clean} is {_by(sizes[clean])}: "
                f"the two images of a pair must have one size"
            )
    relative = [pair[0].relative_to(root).as_posix() for pair in pairs]
    scenes = [
        Scene(id=scene_id, image=clean, rainy=rainy, size=sizes[clean])
        for scene_id, (rainy, clean) in zip(layout.unique_ids(relative), pairs, strict=True)
    ]
    notes = (
        count_note(folder, len(pairs)),
        version_note(
            folder,
            [sizes[clean] for _, clean in pairs],
            lambda number: (read_image(pairs[number][0]), read_image(pairs[number][1])),
        ),
    )
    return PairSet(
        name=name,
        kind="pairs",
        root=root,
        split=split or "",
        scenes=tuple(sorted(scenes, key=lambda scene: layout.natural(scene.id))),
        own_rain=True,
        notes=tuple(note for note in notes if note),
    )


def _side_by_side(files: Sequence[Path], name: str, root: Path, split: str | None, folder: Path) -> DataSet:
    sizes = layout.in_threads(layout.image_size, files)
    for path, size in zip(files, sizes, strict=True):
        if size is not None and size[1] % 2:
            raise BadData(
                f"{path} is {size[1]} pixels wide: a pair side by side has an even width; remove the file"
            )
    layout.check_inside(files, [root, folder])
    scenes = tuple(
        Scene(id=scene_id, image=path, rainy=path, size=None if size is None else (size[0], size[1] // 2))
        for scene_id, path, size in zip(layout.unique_ids([p.name for p in files]), files, sizes, strict=True)
    )
    left = _left_is_rainy(files)
    note = count_note(folder, len(files))
    side = (
        f"pairs side by side: the {'left' if left else 'right'} half, the brighter, is read as the rainy one"
    )
    return SideBySideSet(
        name=name,
        kind="pairs",
        root=root,
        split=split or "",
        scenes=scenes,
        own_rain=True,
        notes=(side, note) if note else (side,),
        rainy_left=left,
    )


def _look_like_pairs(files: Sequence[Path]) -> bool:
    """Whether the two halves of these images mostly show one scene."""
    import cv2
    import numpy as np

    agreement = []
    for path in files:
        image = read_image(path)
        if image.shape[1] % 2:
            agreement.append(0.0)
            continue
        halves = [cv2.cvtColor(_half(image, left), cv2.COLOR_RGB2GRAY) for left in (True, False)]
        # Streaks are thin: at 24x24 the scene is left.
        small = [
            cv2.resize(half, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float64) for half in halves
        ]
        a, b = (half - half.mean() for half in small)
        norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
        agreement.append(float((a * b).sum()) / norm if norm > 0 else 0.0)
    return float(np.median(agreement)) > _SAME_SCENE


def _left_is_rainy(files: Sequence[Path]) -> bool:
    """Whether most left halves are brighter than the right ones: drawn rain adds light to the scene.

    DID-MDN has the rainy image on the left, the first distribution of Rain800 has it on the right.
    """
    votes = []
    for path in files[:_LOOKED_AT]:
        image = read_image(path)
        votes.append(_half(image, left=True).mean() > _half(image, left=False).mean())
    return 2 * sum(votes) > len(votes)


def _half(image: np.ndarray, left: bool) -> np.ndarray:
    import numpy as np

    middle = image.shape[1] // 2
    return np.ascontiguousarray(image[:, :middle] if left else image[:, middle : 2 * middle])


def _path(scene: Scene) -> Path:
    assert scene.image is not None  # a side-by-side scene always has its one file
    return scene.image


def _by(size: tuple[int, int] | None) -> str:
    return "of unknown size" if size is None else f"{size[1]}x{size[0]}"

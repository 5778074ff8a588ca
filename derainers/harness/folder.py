"""Images restored elsewhere, found by the names that people give them."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadData, some
from bench.hashing import sha256_file
from bench.listing import in_shell
from derainers.base import Card, DerainerError, DerainerSpec, Setting, checked

if TYPE_CHECKING:
    import numpy as np

#: What scripts put before or after a scene's name.
_WORDS = (
    *("restored", "derained", "derain", "deraining", "out", "output", "result", "res", "pred", "prediction"),
    *("clean", "fake", "fake_b", "fakeb", "enhanced", "rec", "sr", "dn", "x"),
)
#: Formats that change the pixels they keep.
_LOSSY = (".jpg", ".jpeg", ".webp")
_RAIN, _SCENE = "{rain}", "{scene}"


def open_folder(spec: DerainerSpec) -> FolderDerainer:
    """Open a folder of images that were restored elsewhere: ``folder:DIR``, with ``{rain}`` and ``{scene}`` or not.

    Raises:
        BadData: If it is no folder or holds no images.
    """
    return FolderDerainer(spec.arg or "")


def check_folder(spec: DerainerSpec, settings: Sequence[Setting]) -> None:
    """Check that a folder has one image for each scene of each variant, of the scene's size.

    Raises:
        BadData: If it has not; what is missing is listed beside what was found, with a proposal.
    """
    folder = open_folder(spec)
    rains = list(dict.fromkeys(setting.rain for setting in settings if setting.rain is not None))
    for rain in rains if len(rains) > 1 else ():
        if not folder.tells(rain):
            above, _, last = (spec.arg or "").rpartition("/")
            kept = above if _SCENE in last else re.sub(r"/+$", "", spec.arg or "")
            kept = kept.replace(f"/{_RAIN}", "")
            raise BadData(
                f"derainer {spec.label!r}: {spec.arg} has nothing of its own for the rain {rain}, and the run has "
                f"{len(rains)} ({some(rains)}): write {in_shell(f'folder:{kept}/{_RAIN}')}, with a sub-folder "
                f"for each, such as {kept}/{_forms(rain)[-1]}"
            )
    for setting in settings:
        if setting.rain is None and _RAIN in (spec.arg or ""):
            raise BadData(
                f"derainer {spec.label!r}: the data bring their own rain, {_RAIN} stands for nothing: name the folder"
            )
        folder.of_variant(setting).check(spec, list(setting.scenes))


@dataclass(frozen=True)
class _Index:
    """The images of a folder, by all that they may be found by."""

    folder: Path
    files: list[Path]
    names: dict[str, list[Path]]
    stems: dict[str, list[Path]]
    lower: dict[str, list[Path]]
    folders: dict[str, list[Path]]
    numbers: dict[int, list[Path]]


def _indexed(folder: Path, files: list[Path]) -> _Index:
    stems: dict[str, list[Path]] = {}
    folders: dict[str, list[Path]] = {}
    numbers: dict[int, list[Path]] = {}
    names: dict[str, list[Path]] = {}
    for path in files:
        names.setdefault(path.name, []).append(path)
        inner = path.relative_to(folder)
        stems.setdefault(inner.with_suffix("").as_posix(), []).append(path)
        if len(inner.parts) > 1:
            stems.setdefault(path.stem, []).append(path)
            for name in dict.fromkeys((inner.parent.as_posix(), inner.parent.name)):
                folders.setdefault(name, []).append(path)
        if (number := _number(path.stem)) is not None:
            numbers.setdefault(number, []).append(path)
    lower = {stem.lower(): paths for stem, paths in stems.items()}
    return _Index(folder, files, names, stems, lower, folders, numbers)


class FolderDerainer:
    """Images restored elsewhere, found by the scene's name.

    A scene is called by its id (its clean image's file name without suffix, with the folder where the data set has
    several), by the id's last part, or by the name of its rainy image. Of each a file may have the name alone, with a
    customary word before or after it (``SCENE_restored``), lie alone in a folder of that name (``SCENE/out.png``), or
    be the only one with the scene's number (``1.png`` for ``norain-1``); the first of these that gives one file holds.

    Args:
        pattern: The folder, with ``{rain}`` where a part of its path is a rain's name, and ``{scene}`` in its last part
            where files are named in another way.
        setting: The variant whose scenes are restored; None before that is known.
    """

    def __init__(self, pattern: str, setting: Setting | None = None) -> None:
        from bench.files import list_files
        from bench.images import SUFFIXES

        self._pattern, self._setting = pattern, setting
        fixed = re.split(r"/[^/]*\{(?:rain|scene)\}", pattern)[0]
        if _RAIN in fixed or _SCENE in fixed:
            raise BadData(f"derainer folder: name the folder that {pattern} is in: folder:DIR/{pattern}")
        whole = Path(fixed).expanduser()
        if not whole.is_dir():
            other = re.search(r"\*|\{\w+\}", whole.name)
            write = f": write {_SCENE} in the place of {other[0]}" if other else ""
            raise BadData(f"derainer folder: no folder {whole}{write}")
        self._all = list_files(whole, SUFFIXES, deep=True)
        if not self._all:
            raise BadData(f"derainer folder: {whole} holds no images")
        self._whole = whole
        self._indexes: dict[Path, _Index] = {}
        self._at = self._index_of(setting)
        self.card = Card("folder", f"{len(self._all)} images restored elsewhere")
        self._key: dict[str, Any] | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What compression did to the images."""
        lossy = sorted({path.suffix.lower() for path in self._at.files} & set(_LOSSY))
        return tuple(f"restored images are {suffix}: what compression did is scored too" for suffix in lossy)

    @property
    def key(self) -> dict[str, Any]:
        """The hash of every image's name and content, for every rain; read once."""
        if self._key is None:
            digest = hashlib.sha256()
            for path in self._all:
                name = path.relative_to(self._whole).with_suffix("").as_posix()
                digest.update(f"{name}\0{sha256_file(path)}\n".encode())
            self._key = {"name": "folder", "images": digest.hexdigest()}
        return self._key

    def tells(self, rain: str) -> bool:
        """Whether there is something for a rain alone."""
        folder = self._folder_of(rain)
        return folder != self._whole and folder.is_dir()

    def of_variant(self, setting: Setting) -> FolderDerainer:
        """Return the same folder as it serves a variant's scenes."""
        bound = copy.copy(self)
        bound._setting, bound._at = setting, self._index_of(setting)
        return bound

    def check(self, spec: DerainerSpec, ids: Sequence[str]) -> None:
        """Check that each scene has a file of its own.

        Raises:
            BadData: If not; the first names are given, what was found, and how the files might be named. Or if numbers
                begin with 0 in the folder alone, so that a file could be its neighbour's; or if files have other sizes
                than their scenes.
        """
        self._check_numbers(spec, ids)
        missing = self.missing(ids)
        if not missing:
            self._check_sizes(spec, ids)
            return
        found = [(scene, path) for scene in ids if scene not in missing and (path := self._find(scene))]
        used = {path for _, path in found}
        left = [path for path in self._at.files if path not in used]
        clauses = [f"derainer {spec.label!r} lacks {len(missing)} of {len(ids)} scenes ({some(missing, 3)})"]
        if found:
            clauses.append(f"it has {some((self._short(path) for _, path in found), 3)}")
        if left:
            clauses.append(f"nothing was made of {some(map(self._short, left), 3)}")
        text = "; ".join(clauses)
        template = self._proposal(missing, left)
        advice = f"write {in_shell(f'folder:{template}')}" if template else "add them or limit the run"
        raise BadData(f"{text}: {advice}")

    def _check_numbers(self, spec: DerainerSpec, ids: Sequence[str]) -> None:
        """Check that the folder's numbers are those of the scenes, and not places counted from 0."""
        zero = self._at.numbers.get(0, [])
        if not zero or any(_number(_last(name)) == 0 for scene in ids for name in self._names(scene)):
            return
        first = next((scene for scene in ids if self._named(scene) is None and self._find(scene)), None)
        if first is not None:
            raise BadData(
                f"derainer {spec.label!r}: {self._at.folder} is numbered from 0 ({self._short(zero[0])}) and the "
                f"scenes are not ({first}), so nobody can tell which image is whose: give each file its scene's "
                f"name, such as {_last(first)}{zero[0].suffix}"
            )

    def _check_sizes(self, spec: DerainerSpec, ids: Sequence[str]) -> None:
        """Compare the sizes that files and scenes state in their headers, where both do."""
        from bench.data.layout import image_size, in_threads

        images = self._setting.images if self._setting is not None else {}
        pairs = [(path, images[scene]) for scene in ids if scene in images and (path := self._find(scene))]
        sizes = in_threads(lambda pair: (image_size(pair[0]), image_size(pair[1])), pairs)
        wrong = [
            f"{self._short(path)} is {made[1]}x{made[0]} instead of {given[1]}x{given[0]}"
            for (path, _), (made, given) in zip(pairs, sizes, strict=True)
            if made is not None and given is not None and made != given
        ]
        if wrong:
            raise BadData(
                f"derainer {spec.label!r}: {len(wrong)} of {len(ids)} images in {self._at.folder} are of another size "
                f"than their scenes ({some(wrong, 3)}): restore them at the scenes' own size"
            )

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Scenes that no file, more than one, or another scene's file could belong to."""
        found = {scene: self._find(scene) for scene in ids}
        owners: dict[Path, int] = {}
        for path in found.values():
            if path is not None:
                owners[path] = owners.get(path, 0) + 1
        return [scene for scene, path in found.items() if path is None or owners[path] > 1]

    def restore_scenes(self, ids: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Read the restored images of some scenes.

        Raises:
            BadData: If one is missing, unreadable, or of another size than the scene.
        """
        from bench.images import read_image

        results = []
        for scene, image in zip(ids, images, strict=True):
            path = self._find(scene)
            if path is None:
                raise BadData(f"derainer folder: {self._at.folder} has no image for scene {scene!r}")
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

    def _index_of(self, setting: Setting | None) -> _Index:
        folder = self._folder_of(setting.rain if setting is not None else None)
        if folder not in self._indexes:
            self._indexes[folder] = _indexed(folder, [p for p in self._all if p.is_relative_to(folder)])
        return self._indexes[folder]

    def _folder_of(self, rain: str | None) -> Path:
        """The folder that serves a rain: that of the pattern, a sub-folder of its name, or the whole."""
        last = self._pattern.rpartition("/")
        folder = last[0] if _SCENE in last[2] else self._pattern
        if _RAIN in folder:
            found = [_as_it_is(Path(folder.replace(_RAIN, form)).expanduser()) for form in _forms(rain or "")]
            return next((path for path in found if path.is_dir()), found[-1] if rain else self._whole)
        subs = [_as_it_is(self._whole / form) for form in _forms(rain)] if rain else []
        return next((path for path in subs if path.is_dir()), self._whole)

    def _names(self, scene: str) -> list[str]:
        return list(dict.fromkeys(_names(scene, self._setting)))

    def _find(self, scene: str) -> Path | None:
        last = self._pattern.rpartition("/")[2]
        if _SCENE not in last:
            return self._named(scene) or self._first(scene, self._numbers_of)
        wanted = [last.replace(_SCENE, _last(name)) for name in self._names(scene)]
        found = [self._at.names[name] for name in wanted if name in self._at.names]
        return found[0][0] if found and len(found[0]) == 1 else None

    def _named(self, scene: str) -> Path | None:
        """The file that has a scene's name; None where at best a number tells."""
        return self._first(scene, self._stems_of) or self._first(scene, self._folders_of)

    def _first(self, scene: str, way: Callable[[str], Iterator[list[Path]]]) -> Path | None:
        each = (candidates for name in self._names(scene) for candidates in way(name))
        return next((candidates[0] for candidates in each if len(set(candidates)) == 1), None)

    def _stems_of(self, name: str) -> Iterator[list[Path]]:
        yield self._at.stems.get(name, [])
        worded = [f"{name}{gap}{word}" for gap in "_-." for word in _WORDS]
        worded += [f"{word}{gap}{name}" for gap in "_-." for word in _WORDS]
        yield [path for stem in worded for path in self._at.lower.get(stem.lower(), [])]

    def _folders_of(self, name: str) -> Iterator[list[Path]]:
        yield self._at.folders.get(name, [])

    def _numbers_of(self, name: str) -> Iterator[list[Path]]:
        number = _number(_last(name))
        yield [] if number is None else self._at.numbers.get(number, [])

    def _short(self, path: Path) -> str:
        return path.relative_to(self._at.folder).as_posix()

    def _proposal(self, missing: Sequence[str], left: Sequence[Path]) -> str | None:
        """How the files that are left would have to be called for by the scenes that lack one."""
        above, slash, last = self._pattern.rpartition("/")
        folder = above + slash if _SCENE in last else f"{self._pattern.rstrip('/')}/"
        for scene in missing:
            # Of norain-1 and rain-1, both in norain-1_x.png, the longer one is meant.
            for name in sorted({_last(name) for name in self._names(scene)}, key=len, reverse=True):
                for path in left:
                    if name in path.name:
                        pattern = f"{folder}{path.name.replace(name, _SCENE, 1)}"
                        tried = FolderDerainer(pattern, self._setting)
                        if not tried.missing(missing):
                            return pattern
        return None


def _names(scene: str, setting: Setting | None) -> list[str]:
    """What a scene is called: its id, the id's last part, and what its images are called."""
    others = setting.scenes.get(scene, ()) if setting is not None else ()
    return [scene, _last(scene), *others]


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _number(text: str) -> int | None:
    """The one number in a name."""
    found = re.findall(r"\d+", text)
    return int(found[0]) if len(found) == 1 else None


def _forms(rain: str) -> list[str]:
    """How people call a folder for a rain."""
    plain = [re.sub(r"[^\w.+-]+", gap, rain) for gap in "_-"]
    return list(dict.fromkeys([rain, *plain, rain.rpartition(":")[2]]))


def _as_it_is(folder: Path) -> Path:
    """A folder under the name that it has on the disk, where that differs in capital letters alone."""
    if folder.is_dir() or not folder.parent.is_dir():
        return folder
    found = [
        each for each in folder.parent.iterdir() if each.name.lower() == folder.name.lower() and each.is_dir()
    ]
    return found[0] if len(found) == 1 else folder

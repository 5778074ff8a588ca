"""Which rainy image belongs to which clean one: by name, never by the order of a listing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.data import layout
from bench.errors import BadData

#: What a file manager or a browser appends to the name of a second copy: ``901_1(1)``, ``901_1 - Copy``.
_COPY = re.compile(r"^(?P<original>.+?)(\s*\(\d+\)|\s*-\s*copy(\s*\(\d+\))?)$", re.IGNORECASE)
_PREFIX = re.compile(r"^(no[-_]?rain|rainy?|clean|gt|input|target)[-_]?(?=.)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=.)([-_](no[-_]?rain|rainy?|in|input|clean|gt|target)|gt|x2)$", re.IGNORECASE)
#: RainDS names what lies on the photo, after the part of the set: ``pie-rd-rain-7``, ``rain-7``, ``norain-7``.
_KIND = re.compile(r"^(pie-)?(no-?rain|rd-rain|rd|rain)-(?=.)", re.IGNORECASE)
#: GT-RAIN has one clean frame of a scene and many rainy ones: ``Gurutto_0-0-Webcam-C-000``, ``...-R-299``.
_FRAME = re.compile(r"^(?P<scene>.+)-(?P<side>[CR])-\d+$")
_VERSION = re.compile(r"^(?P<clean>.+)_(?P<version>\d+)$")


def _exact(stem: str) -> str:
    return stem.lower()


def _bare(stem: str) -> str:
    """Take off what names the side of a pair: ``norain-1``, ``001gt``, ``norain-1x2``."""
    return _PREFIX.sub("", _SUFFIX.sub("", stem)).lower()


def _without_kind(stem: str) -> str:
    return _KIND.sub(r"\1", stem).lower()


def _without_version(stem: str) -> str:
    match = _VERSION.match(stem)
    return match["clean"].lower() if match else stem.lower()


#: How a rainy and a clean stem become equal, tried in this order: (rainy, clean, one clean to many rainy).
_SCHEMES: tuple[tuple[Callable[[str], str], Callable[[str], str], bool], ...] = (
    (_exact, _exact, False),
    (_bare, _bare, False),
    (_without_kind, _without_kind, False),
    (_without_version, _exact, True),
)


def match(rainy: Sequence[Path], clean: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Pair every rainy image with its clean one.

    Names are compared without ending and regardless of case. Where they are not equal as they stand, what
    names the side is taken off (``rain-001`` and ``norain-001``), then the version of a clean image that has
    several rainy ones (``901_1`` to ``901_14`` and ``901``). The way that leaves the fewest unmatched is
    taken, and it must leave none.

    Returns:
        (rainy, clean) in the natural order of the rainy names.

    Raises:
        BadData: If a file is a stray copy, two share a name, one has no partner, or a version is missing.
    """
    for files in (rainy, clean):
        _check_copies(files)
        _check_endings(files)
    best: list[tuple[Path, Path]] = []
    fewest: tuple[list[Path], list[Path]] | None = None
    many = False
    for rainy_key, clean_key, to_many in _SCHEMES:
        pairs, alone = _pair(rainy, clean, rainy_key, clean_key, to_many)
        if fewest is None or len(alone[0]) + len(alone[1]) < len(fewest[0]) + len(fewest[1]):
            best, fewest, many = pairs, alone, to_many
    assert fewest is not None
    _refuse_unmatched(*fewest)
    if many:
        _check_versions(best)
    return sorted(best, key=lambda pair: layout.natural(pair[0].stem))


def halves_of_prefixed(files: Sequence[Path]) -> tuple[list[Path], list[Path]] | None:
    """Divide one folder's files into rainy and clean by their names.

    Returns:
        ``rain-*`` and ``norain-*``, or ``*_in`` and ``*_GT``; None where the names do not tell.
    """
    for rainy_side, clean_side in (
        (r"^rainy?[-_]?\d", r"^no[-_]?rain[-_]?\d"),
        (r"[-_]in(put)?$", r"[-_]gt$"),
    ):
        rainy = [path for path in files if re.search(rainy_side, path.stem, re.IGNORECASE)]
        clean = [path for path in files if re.search(clean_side, path.stem, re.IGNORECASE)]
        if rainy and clean:
            known = {*rainy, *clean}
            stray = [path for path in files if path not in known]
            if stray:
                raise BadData(
                    f"{stray[0]} is by its name neither a rainy nor a clean image, unlike {rainy[0].name} "
                    f"and {clean[0].name} beside it ({len(stray)} such): move it out of the folder"
                )
            return rainy, clean
    return None


def frames_of_scenes(files: Sequence[Path]) -> list[tuple[Path, Path]] | None:
    """Pair the rainy frames of scenes with each scene's one clean frame, by names of GT-RAIN's kind.

    A scene may have a clean frame of its own for each rainy one, of the same number, as Gurutto_1-2 there.

    Returns:
        (rainy, clean) in the natural order of the rainy names; None where the names are of another kind.

    Raises:
        BadData: If some names alone are, or a scene's clean frames are neither one nor one for each rainy one.
    """
    frames = [(path, found) for path in files if (found := _FRAME.match(path.stem))]
    if {found["side"] for _, found in frames} != {"C", "R"}:
        return None
    if len(frames) < len(files):
        stray = next(path for path in files if not _FRAME.match(path.stem))
        raise BadData(f"{stray} is by its name no frame of a scene, unlike {frames[0][0].name}: move it away")
    scenes: dict[tuple[Path, str], dict[str, list[Path]]] = defaultdict(lambda: {"C": [], "R": []})
    for path, found in frames:
        scenes[path.parent, found["scene"]][found["side"]].append(path)
    pairs = []
    for (folder, scene), sides in scenes.items():
        numbered = {path.stem.rpartition("-")[2]: path for path in sides["C"]}
        if len(sides["C"]) == 1 and sides["R"]:
            pairs += [(rainy, sides["C"][0]) for rainy in sides["R"]]
        elif sides["R"] and numbered.keys() == {path.stem.rpartition("-")[2] for path in sides["R"]}:
            pairs += [(rainy, numbered[rainy.stem.rpartition("-")[2]]) for rainy in sides["R"]]
        else:
            raise BadData(
                f"unmatched pair: {folder / scene} has {len(sides['C'])} clean frames (-C-) and {len(sides['R'])} "
                f"rainy ones (-R-): expected one clean frame and some, or one of each number; unpack the scene again"
            )
    return sorted(pairs, key=lambda pair: layout.natural(pair[0].stem))


def _pair(
    rainy: Sequence[Path],
    clean: Sequence[Path],
    rainy_key: Callable[[str], str],
    clean_key: Callable[[str], str],
    to_many: bool,
) -> tuple[list[tuple[Path, Path]], tuple[list[Path], list[Path]]]:
    partners: dict[str, Path] = {}
    for path in clean:
        partners.setdefault(clean_key(path.stem), path)
    # A second file under one key would silently replace the first.
    alone_clean = [path for path in clean if partners[clean_key(path.stem)] is not path]
    pairs, alone_rainy, used = [], [], set()
    for path in rainy:
        key = rainy_key(path.stem)
        if key in partners and (to_many or key not in used):
            pairs.append((path, partners[key]))
            used.add(key)
        else:
            alone_rainy.append(path)
    alone_clean += [path for key, path in partners.items() if key not in used]
    return pairs, (alone_rainy, alone_clean)


def _refuse_unmatched(rainy: list[Path], clean: list[Path]) -> None:
    counts = f"{len(rainy)} rainy and {len(clean)} clean images are without a partner"
    if rainy:
        raise BadData(
            f"unmatched pair: {rainy[0]} has no clean image of its name ({counts}): add it or remove the file"
        )
    if clean:
        raise BadData(
            f"unmatched pair: {clean[0]} has no rainy image of its name ({counts}): add it or remove the file"
        )


def _check_copies(files: Sequence[Path]) -> None:
    stems = {path.stem.lower() for path in files}
    for path in files:
        found = _COPY.match(path.stem)
        if found and found["original"].lower() in stems:
            original = f"{found['original']}{path.suffix}"
            raise BadData(
                f"stray file: {path} looks like a second copy of {original}: remove it, it would count twice"
            )


def _check_endings(files: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in files:
        other = seen.setdefault(path.stem.lower(), path)
        if other is not path:
            raise BadData(
                f"two files of one name: {other} and {path.name}: remove one, pairs are matched by name"
            )


def _check_versions(pairs: Sequence[tuple[Path, Path]]) -> None:
    versions: dict[Path, set[int]] = defaultdict(set)
    for rainy, clean in pairs:
        found = _VERSION.match(rainy.stem)
        # A rainy image without a number beside numbered ones counts as one version of its own.
        versions[clean].add(int(found["version"]) if found else -1)
    if all(len(numbers) == 1 for numbers in versions.values()):
        return
    every = set().union(*versions.values())
    for clean in sorted(versions, key=lambda path: layout.natural(path.stem)):
        missing = sorted(every - versions[clean])
        if missing:
            name = clean.stem if missing[0] < 0 else f"{clean.stem}_{missing[0]}"
            raise BadData(
                f"unmatched pair: {clean} has {len(versions[clean])} of {len(every)} rainy versions, {name} "
                f"is missing: add it, or remove that version of every image"
            )

"""Derainers made of derainers: a chain ``a+b``, and ``flip(a)``, which looks at the mirror image too."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadConfig
from bench.listing import split_outside
from bench.plugins import cut, parse
from derainers.base import CHAIN, FLIP, Card, Derainer, DerainerSpec, Setting

if TYPE_CHECKING:
    import numpy as np

_FLIP = re.compile(r"^flip\((.+)\)$")


def split(text: str, known: Callable[[str], bool]) -> tuple[str, tuple[str, ...]] | None:
    """Take a compound apart.

    Args:
        text: What a user wrote, without a label.
        known: Whether a part, up to its first colon, names a derainer.

    Returns:
        `CHAIN` or `FLIP` and the texts of the parts; None for a single derainer. A plus sign in the name of a file
        that exists, or beside something that is no derainer, is part of a name.
    """
    pieces = tuple(piece.strip() for piece in split_outside(text, "+"))
    if len(pieces) == 1:
        found = _FLIP.match(text)
        return (FLIP, (found.group(1),)) if found else None
    argument = text.partition(":")[2]
    if argument and Path(argument).expanduser().exists():
        return None

    def names(part: str) -> bool:
        return parse(part) is not None or bool(_FLIP.match(part)) or known(cut(part)[0])

    return (CHAIN, pieces) if all(map(names, pieces)) else None


def combined(spec: DerainerSpec, parts: Sequence[Derainer]) -> Derainer:
    """Make the derainer of a compound from those of its parts.

    Raises:
        BadConfig: A part finds its images by the scene and cannot be shown mirror images.
    """
    if spec.name == CHAIN:
        return Chain(spec.label, parts)
    if hasattr(parts[0], "restore_scenes"):
        raise BadConfig(f"derainer {spec}: images restored elsewhere have no mirror image; leave flip() away")
    return Flip(spec.label, parts[0])


def of_variant(derainer: Derainer, setting: Setting) -> Derainer:
    """Tell a derainer of the variant whose scenes it is to restore, if it wants to know."""
    told = getattr(derainer, "of_variant", None)
    return derainer if told is None else told(setting)


def probe(derainer: Derainer) -> None:
    """Let a derainer find out before the first image what every image would show, if it can.

    Raises:
        BenchError: If it returns no image whatever it is given; the message says what to declare.
    """
    getattr(derainer, "probe", lambda: None)()


class Chain:
    """One derainer after the other; each sees a uint8 image, as if the one before had written a file.

    Args:
        label: What the whole is called.
        parts: The first sees the rainy image.
    """

    def __init__(self, label: str, parts: Sequence[Derainer]) -> None:
        self._parts = tuple(parts)
        cards = [part.card for part in self._parts]
        self.card = Card(
            label,
            f"{', then '.join(card.name for card in cards)}",
            licence=_joined([card.licence for card in cards]),
            training_data=_joined([card.training_data for card in cards]),
            params=_sum([card.params for card in cards]),
            macs_256=_sum([card.macs_256 for card in cards]),
            learnt=tuple(dict.fromkeys(name for card in cards for name in card.learnt)),
        )

    @property
    def key(self) -> dict[str, Any]:
        """The parts' keys."""
        return {"name": CHAIN, "parts": [dict(part.key) for part in self._parts]}

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restore one uint8 RGB image."""
        return self.restore([image])[0]

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore several uint8 RGB images."""
        results = list(images)
        for part in self._parts:
            results = part.restore(results)
        return results

    def probe(self) -> None:
        """Find out before the first image what every image would show."""
        for part in self._parts:
            probe(part)

    def of_variant(self, setting: Setting) -> Chain:
        """The same chain with parts that are told of the variant."""
        return Chain(self.card.name, [of_variant(part, setting) for part in self._parts])

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Scenes that one of the parts cannot restore."""
        lacking = {scene for part in self._parts if hasattr(part, "missing") for scene in part.missing(ids)}
        return [scene for scene in ids if scene in lacking]

    def restore_scenes(self, ids: Sequence[str], images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """As `restore`, telling parts that need it which scene an image shows."""
        results = list(images)
        for part in self._parts:
            by_scene = getattr(part, "restore_scenes", None)
            results = part.restore(results) if by_scene is None else by_scene(ids, results)
        return results


class Flip:
    """The mean of what a derainer makes of an image and of its mirror image: self-ensembling at twice the cost.

    Rain falls as it falls, so left and right are the one symmetry of an image that a derainer should have.

    Args:
        label: What the whole is called.
        part: The derainer.
    """

    def __init__(self, label: str, part: Derainer) -> None:
        self._part = part
        card = part.card
        self.card = Card(
            label,
            f"mean of {card.name} on the image and on its mirror image",
            licence=card.licence,
            training_data=card.training_data,
            params=card.params,
            macs_256=None if card.macs_256 is None else 2 * card.macs_256,
            learnt=card.learnt,
        )

    def probe(self) -> None:
        """Find out before the first image what every image would show."""
        probe(self._part)

    @property
    def key(self) -> dict[str, Any]:
        """The part's key."""
        return {"name": FLIP, "parts": [dict(self._part.key)]}

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Restore one uint8 RGB image."""
        return self.restore([image])[0]

    def restore(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Restore several uint8 RGB images; a mean between two levels is rounded to the even one."""
        import numpy as np

        mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
        plain, other = self._part.restore(list(images)), self._part.restore(mirrored)
        return [_mean(one, two[:, ::-1]) for one, two in zip(plain, other, strict=True)]


def _mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.rint((a.astype(np.float32) + b) / 2).astype(np.uint8)


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(texts))

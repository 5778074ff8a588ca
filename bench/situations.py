"""How rain and image came together, and what follows from it: which rows a table has, what may be scored, and what a
derainer's score is stated against. Asked here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.vocabulary import CLEAN, CLEAN_IMAGES, GAIN, HARM, NONE, RECOVERY, REFERENCES


@dataclass(frozen=True)
class Situation:
    """A situation of rain.

    Attributes:
        name: What it is called.
        references: The rows beside the derainers'; ``clean`` is among them where something clean is known.
    """

    name: str
    references: tuple[str, ...] = REFERENCES

    @property
    def knows_clean(self) -> bool:
        """Whether every rainy image has a clean one."""
        return CLEAN in self.references

    def serves(self, has: frozenset[str]) -> frozenset[str]:
        """Return what scenes are good for, of all that a data set has of them."""
        return has if self.knows_clean else has - {CLEAN_IMAGES}


#: A rain is added to clean scenes, be it none.
ADDED = Situation("added")
#: Somebody rendered the rainy images of clean scenes.
RENDERED = Situation("rendered")
#: The data brings rainy images and clean ones.
PARTNERED = Situation("own, with a clean partner")
#: Photos of real rain; nothing is known of the scenes without it.
REAL = Situation("own, real", (NONE,))


def comparison_of(references: Mapping[str, object]) -> str | None:
    """Return what a derainer's score is stated against.

    Args:
        references: The evidence of each reference row by its name.

    Returns:
        ``gain`` where nothing clean is known; ``harm`` where the rainy images are the clean ones; else ``recovery``.
        None where there is no rainy row.
    """
    if NONE not in references:
        return None
    if CLEAN not in references:
        return GAIN
    return HARM if references[CLEAN] == references[NONE] else RECOVERY

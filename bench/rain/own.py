"""``own``: rain that is there, be it that the data brings rainy images beside clean ones, or photos of real rain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import unknown
from bench.rain.base import BroughtRain, Rain, RainEntry, RainFamily
from bench.situations import PARTNERED, REAL, Situation
from bench.vocabulary import CLEAN_IMAGES, OWN

if TYPE_CHECKING:
    import numpy as np

    from bench.data.base import DataSet, Scene


@dataclass(frozen=True)
class OwnRain(BroughtRain):
    """The rainy images of data that brings them; of other data its photos, which nobody then calls clean."""

    name: str = OWN
    version: str = OWN

    @property
    def key(self) -> dict[str, Any]:
        """Nothing beside the scenes' files."""
        return {"rain": OWN}

    def situation(self, data: DataSet) -> Situation:
        """Real rain, unless the data says what is clean."""
        return PARTNERED if data.own_rain and CLEAN_IMAGES in data.serves else REAL

    def rainy(self, data: DataSet, scene: Scene) -> np.ndarray:
        """Return the rainy image that the data brings, or its photo."""
        image = data.rainy(scene) if data.own_rain else data.clean(scene)
        assert image is not None  # every scene has the one or the other
        return image


def _parse(argument: str) -> Rain:
    if argument:
        raise unknown("rain", f"{OWN}:{argument}", [OWN])
    return OwnRain()


FAMILY = RainFamily(
    OWN,
    (RainEntry(OWN, "photos of real rain: none is added, and nothing is known of the scenes without it"),),
    _parse,
)

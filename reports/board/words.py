"""What a visitor reads where records have names: rows, rains, data sets and tasks in plain words."""

from __future__ import annotations

from bench.vocabulary import CLEAN, DRY, NONE, OWN
from reports.results import Group

_ROWS = {CLEAN: "no rain", NONE: "rainy, as it is"}
_SETS = {
    "camvid": "CamVid",
    "cityscapes": "Cityscapes",
    "coco": "COCO",
    "nturain": "NTURain",
    "rain100h": "Rain100H",
    "rain100l": "Rain100L",
    "real": "real rain (frames)",
    "real_rain": "real rain (photos)",
    "street": "street",
}
#: Kinds of data that are named by their folder alone.
_FOLDERS = ("pairs", "images", "masks", "boxes")
#: Kinds of data that are rendered for tests; what holds for them need not hold for photos.
_RENDERED = ("street",)
_EXPLAINED = {
    "ap": "AP, from 0 to 100, says how well a detector finds objects.",
    "miou": "mIoU, from 0 to 100, says how well a segmenter names the class of each pixel.",
    "mask_ap": "Mask AP, from 0 to 100, says how well a network outlines objects.",
}


def row(label: str) -> str:
    """How a row is called: a reference in plain words, a derainer by its label."""
    return _ROWS.get(label, label)


def rain(name: str) -> str:
    """How a rain is called beside others: ``heavy streaks``, ``50 mm/h``; an unknown one by its name."""
    family, _, amount = name.partition(":")
    if name == DRY:
        return "no rain"
    if name == OWN:
        return "its own rain"
    if family == "streaks" and amount:
        return f"{amount} streaks"
    if family == "rainfall" and amount:
        return f"{amount} mm/h"
    if family == "rendered" and amount:
        return f"rendered {amount}"
    return name


def rain_begins(name: str) -> str:
    """How a sentence about a rain begins."""
    family, _, amount = name.partition(":")
    if family == "streaks" and amount in ("light", "heavy"):
        return f"{amount.capitalize()} rain"
    if family == "rainfall" and amount:
        return f"Rain of {amount} mm/h"
    return "Rain"


def data(name: str) -> str:
    """How a data set is called: ``COCO val2017``, ``Rain100L``."""
    kind, slash, rest = name.partition("/")
    if slash and kind in _FOLDERS:
        return data(rest)
    known, bracket, limit = kind.partition("[")
    first = _SETS.get(known, known) + bracket + limit
    return f"{first} {rest}".strip()


def smoke(group: Group) -> bool:
    """Whether a group's scenes are rendered, so that its numbers show that things work and no more."""
    return group.first.data.kind in _RENDERED


def explained(metric: str) -> str:
    """What a metric says, as a sentence; empty for one that is not of a network that looks."""
    return _EXPLAINED.get(metric, "")

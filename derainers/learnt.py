"""What weights have learnt from: rains and data sets by name, so that reports can mark who has seen the test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Released files, by their SHA-256; where their authors trained them.
RELEASED: Mapping[str, tuple[str, ...]] = {
    "1101130423a75b93babed1f97e0e26cdd108e7edad0930e26dbe0fc9bb704565": ("Rain100H",),  # BRN
    "9046833601a5095ff994f216679de06545ce240d40487473d6432c375a5ea802": ("Rain100L",),
    "0d4793d7d015a54bb09c5642ced08ed09adf11a75b920c337ab0f0601bd67b91": ("Rain100H",),  # DDN
    "947df6832522747302cdcdc9d7cd046456ef97ef8e4b166f552a210df57b2cd8": ("Rain100L",),
    "2c73033df65b8ce78a7a0e7a2cee35528db8ed2c67fca53b5fa072fa1dd99e02": ("Rain100H",),  # DFN
    "48b26132272eb78eed489e35a705a0cfadf1e2f6f8c2d28260995ec1591ae256": ("Rain100L",),
    "ece8127c651cf49026d998fa36857cb9d462c92cf535b640a377fc025f765b5f": ("Rain100H",),  # PReNet_r
    "31dd4419cdb0f4da623d974747113d60e2c22803598c39dcf03d789f86a7f62b": ("Rain100L",),
    "127c0098787c5272f1f8583f6c5202e7ef674f750cd145a1691912a6d9e96210": ("Rain100H",),  # PReNet
    "cb9b743bb33cf6e5c56ba45f8ade93add46266dea9fa582e1934dc5eed942333": ("Rain100L",),
    "d5744dc2e35d73187a3f34936b3413884d293277073ffb78b961a78e65337879": ("Rain1400",),
    "99242ce096c9c617bd529a5e189797e8955a4b8611d355974c7c1c64a18b9074": ("Rain100H",),  # PRN_r
    "87ee3b1c027b33e7e532a4881c3b077d100cf40c65dd2843690600e3023acee0": ("Rain100L",),
    "f1d56a7df0851eb087652663781d3f34c4c37a4c7ddd9a3f0802abbede1a06c2": ("Rain100H",),  # PRN
    "ed4be5b78f76dcec5c781e1655dee48c2a90b56993de555945d72e31848aea99": ("Rain100L",),
    "838b45ca8e5adcaf8c214d3a5542f1abdf72ded82445abf6a0d0094f5a9bb2e9": ("Rain200L",),  # ROM
    "3b5d58d0f4569004a0d2dc6f4373463bd60991fc8a04c061361357cf012e5eb0": ("SPA-Data",),  # SPANet
    "59f7dd2a608ea6c7313563bd0d262841b8923087fdec2348c7a0d556696d2e54": ("Rain800", "Test100"),  # UMRL
}

#: What a training calls its rain -> the rain whose drops it draws.
_FAMILY = {"wide": "streaks"}


def learnt_from(digest: str, card: Mapping[str, Any]) -> tuple[str, ...]:
    """The rains and data sets that weights have learnt from; nothing where nobody says.

    Args:
        digest: SHA-256 of the file.
        card: What a file that was trained here says of itself: ``rain`` and ``data``.
    """
    if digest in RELEASED:
        return RELEASED[digest]
    rain, data = card.get("rain"), card.get("data")
    kinds: list[str] = []
    waiting = list(rain) if isinstance(rain, list) else []
    while waiting:
        choice = waiting.pop(0)
        if isinstance(choice, Mapping):
            kinds.append(str(choice.get("kind")))
            waiting.append(choice.get("then"))
    found = [_FAMILY.get(kind, kind) for kind in kinds if kind != "none"]
    return tuple(dict.fromkeys([*found, *map(str, data if isinstance(data, list) else ())]))

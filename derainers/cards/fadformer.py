"""FADformer and its small form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{gao2024fadformer,
  title     = {Efficient Frequency-Domain Image Deraining with Contrastive Regularization},
  author    = {Gao, Ning and Jiang, Xingyu and Zhang, Xiuhui and Deng, Yue},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  year      = {2024}
}"""


def _fadformer(name: str, title: str, config: Mapping[str, Any], params: int, macs: int) -> Entry:
    card = Card(
        name,
        title,
        "Gao et al., Efficient Frequency-Domain Image Deraining with Contrastive Regularization, ECCV 2024",
        _BIBTEX,
        2024,
        YOURS + "no licence stated",
        "the file's: Rain200L, Rain200H, DID, DDN or SPA-Data",
        multiple=4,
        # Reflection by two pixels at a quarter of the size takes three.
        least=12,
        params=params,
        macs_256=macs,
        weights_note="github.com/deng-ai-lab/FADformer, by Baidu; no licence stated",
        kind="frequency",
    )
    return Entry(card, "derainers.nets.fadformer:FADformer", config=config)


# The authors' networks compute half of a layer in each block that nothing uses (47.53 and 12.41 GMACs); left out here.
ENTRIES = (
    _fadformer(
        "fadformer",
        "convolutions of features and of their spectra, beside a map of where it rains",
        {},
        7_435_737,
        45_250_416_640,
    ),
    _fadformer(
        "fadformer-mini",
        "FADformer with a quarter of the weights",
        {"embed_dim": [24, 48, 96, 48, 24], "depth": [2, 3, 4, 3, 2]},
        1_816_485,
        11_882_686_336,
    ),
)

"""NAFNet, and its local form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{chen2022nafnet,
  title     = {Simple Baselines for Image Restoration},
  author    = {Chen, Liangyu and Chu, Xiaojie and Zhang, Xiangyu and Sun, Jian},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  pages     = {17--33},
  year      = {2022}
}"""


def _nafnet(name: str, title: str, config: Mapping[str, Any]) -> Entry:
    card = Card(
        name,
        title,
        "Chen et al., Simple Baselines for Image Restoration, ECCV 2022",
        _BIBTEX,
        2022,
        YOURS + "MIT (the authors' code)",
        "the file's",
        params=17_111_907,
        macs_256=15_956_027_392,
        weights_note="none for deraining; github.com/megvii-research/NAFNet has denoising and deblurring",
        kind="convolutional",
    )
    return Entry(card, "derainers.nets.nafnet:NAFNet", config=config)


# Images are padded with black by the network itself, as the authors do.
ENTRIES = (
    _nafnet("nafnet", "U-Net without activation functions (width 32)", {}),
    _nafnet(
        "nafnet_local",
        "NAFNet with the means of channel attention taken around each pixel, over 384x384",
        {"train_size": [1, 3, 256, 256]},
    ),
)

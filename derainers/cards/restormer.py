"""Restormer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{zamir2022restormer,
  title     = {Restormer: Efficient Transformer for High-Resolution Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and
               Khan, Fahad Shahbaz and Yang, Ming-Hsuan},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {5728--5739},
  year      = {2022}
}"""


ENTRIES = (
    Entry(
        Card(
            "restormer",
            "transformer over channels, four levels",
            "Zamir et al., Restormer: Efficient Transformer for High-Resolution Image Restoration, CVPR 2022",
            _BIBTEX,
            2022,
            YOURS + "non-commercial (academic public licence)",
            "Rain13K",
            multiple=8,
            params=26_126_644,
            macs_256=154_882_031_616,
            weights_note="github.com/swz30/Restormer (deraining.pth); academic, non-commercial",
            kind="transformer",
        ),
        "derainers.nets.restormer:Restormer",
        whole_pixels=HEAVY_PIXELS,
    ),
)

"""Histoformer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{sun2024histoformer,
  title     = {Restoring Images in Adverse Weather Conditions via Histogram Transformer},
  author    = {Sun, Shangquan and Ren, Wenqi and Gao, Xinwei and Wang, Rui and Cao, Xiaochun},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  year      = {2024}
}"""


ENTRIES = (
    Entry(
        Card(
            "histoformer",
            "transformer over pixels sorted by value, for all weather",
            "Sun et al., Restoring Images in Adverse Weather Conditions via Histogram Transformer, ECCV 2024",
            _BIBTEX,
            2024,
            YOURS + "no licence stated",
            "snow, rain with fog (Outdoor-Rain) and raindrops in one",
            multiple=8,
            params=16_615_100,
            macs_256=113_332_604_928,
            weights_note="github.com/sunshangquan/Histoformer (net_g_best.pth), by Google Drive; no licence stated",
            kind="all-in-one",
        ),
        "derainers.nets.histoformer:Histoformer",
        whole_pixels=HEAVY_PIXELS,
    ),
)

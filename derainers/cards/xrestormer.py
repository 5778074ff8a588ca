"""X-Restormer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{chen2024xrestormer,
  title     = {A Comparative Study of Image Restoration Networks for General Backbone Network Design},
  author    = {Chen, Xiangyu and Li, Zheyuan and Pu, Yuandong and Liu, Yihao and Zhou, Jiantao and Qiao, Yu and
               Dong, Chao},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  year      = {2024}
}"""


ENTRIES = (
    Entry(
        Card(
            "xrestormer",
            "Restormer with attention over overlapping windows in every block",
            "Chen et al., A Comparative Study of Image Restoration Networks for General Backbone Network Design, "
            "ECCV 2024",
            _BIBTEX,
            2024,
            YOURS + "MIT (the authors' code)",
            "the file's",
            multiple=64,
            least=64,
            params=26_041_208,
            macs_256=178_831_835_136,
            weights_note="github.com/Andrew0613/X-Restormer (derain_155k.pth), by Google Drive or Baidu",
            kind="transformer",
        ),
        "derainers.nets.xrestormer:XRestormer",
        whole_pixels=HEAVY_PIXELS,
    ),
)

"""DRSformer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{chen2023drsformer,
  title     = {Learning A Sparse Transformer Network for Effective Image Deraining},
  author    = {Chen, Xiang and Li, Hao and Li, Mingqiang and Pan, Jinshan},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {5896--5905},
  year      = {2023}
}"""


ENTRIES = (
    Entry(
        Card(
            "drsformer",
            "sparse transformer over channels with a mixture of experts",
            "Chen et al., Learning A Sparse Transformer Network for Effective Image Deraining, CVPR 2023",
            _BIBTEX,
            2023,
            YOURS + "see the repository",
            "the file's: Rain200H, Rain200L, DID, DDN or SPA-Data",
            multiple=8,
            params=33_655_424,
            macs_256=229_390_234_624,
            weights_note="github.com/cschenxiang/DRSformer; see its licence",
            kind="transformer",
        ),
        "derainers.nets.drsformer:DRSformer",
        whole_pixels=HEAVY_PIXELS,
    ),
)

"""MPRNet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{zamir2021mprnet,
  title     = {Multi-Stage Progressive Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and
               Khan, Fahad Shahbaz and Yang, Ming-Hsuan and Shao, Ling},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {14821--14831},
  year      = {2021}
}"""


ENTRIES = (
    Entry(
        Card(
            "mprnet",
            "three stages: quarters, halves and the whole image",
            "Zamir et al., Multi-Stage Progressive Image Restoration, CVPR 2021",
            _BIBTEX,
            2021,
            YOURS + "academic, non-commercial",
            "Rain13K",
            multiple=8,
            params=3_637_249,
            macs_256=140_982_247_208,
            weights_note="github.com/swz30/MPRNet (model_deraining.pth); academic, non-commercial",
            kind="convolutional",
        ),
        "derainers.nets.mprnet:MPRNet",
        whole_pixels=HEAVY_PIXELS,
    ),
)

"""SPANet."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{wang2019spanet,
  title     = {Spatial Attentive Single-Image Deraining With a High Quality Real Rain Dataset},
  author    = {Wang, Tianyu and Yang, Xin and Xu, Ke and Chen, Shaozhe and Zhang, Qiang and
               Lau, Rynson W. H.},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {12270--12279},
  year      = {2019}
}"""


ENTRIES = (
    Entry(
        Card(
            "spanet",
            "residual network with an attention map swept in four directions",
            "Wang et al., Spatial Attentive Single-Image Deraining With a High Quality Real Rain Dataset, CVPR 2019",
            _BIBTEX,
            2019,
            YOURS + "BSD-style",
            "SPA-Data (real rain)",
            params=283_716,
            macs_256=34_414_264_320,
            weights_note="github.com/stevewongv/SPANet; BSD-style",
            kind="convolutional",
        ),
        "derainers.nets.spanet:SPANet",
    ),
)

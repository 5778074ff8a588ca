"""AST."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import YOURS, Entry

_BIBTEX = """@inproceedings{zhou2024ast,
  title     = {Adapt or Perish: Adaptive Sparse Transformer with Attentive Feature Refinement for Image
               Restoration},
  author    = {Zhou, Shihao and Chen, Duosheng and Pan, Jinshan and Shi, Jinglei and Yang, Jufeng},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {2952--2963},
  year      = {2024}
}"""


ENTRIES = (
    Entry(
        Card(
            "ast",
            "U-shaped transformer with sparse attention on the way up (AST-B)",
            "Zhou et al., Adapt or Perish: Adaptive Sparse Transformer with Attentive Feature Refinement for Image "
            "Restoration, CVPR 2024",
            _BIBTEX,
            2024,
            YOURS + "Apache-2.0 (the authors' code)",
            "the file's: SPA-Data, or raindrops (AGAN)",
            multiple=128,
            square=True,
            params=65_362_455,
            macs_256=109_830_995_968,
            weights_note="github.com/joshyZhou/AST, by Baidu (SPAD, AGAN, Dense-Haze)",
            kind="transformer",
        ),
        "derainers.nets.ast:AST",
        whole_pixels=512 * 512,
    ),
)

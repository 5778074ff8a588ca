"""RDMC, the reference derainer."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import Entry

_BIBTEX = """@article{jiang2023rdmc,
  title   = {Contrastive Learning Based Recursive Dynamic Multi-Scale Network for Image Deraining},
  author  = {Jiang, Zhiying and Liu, Risheng and Yang, Shuzhou and Zhang, Zengxi and Fan, Xin},
  journal = {arXiv preprint arXiv:2305.18092},
  year    = {2023}
}"""


def _rdmc(name: str, title: str, *, params: int, macs: int, bears_bf16: bool = False) -> Entry:
    card = Card(
        name,
        title,
        "Jiang et al., Contrastive Learning Based Recursive Dynamic Multi-Scale Network for Image "
        "Deraining, arXiv 2023",
        _BIBTEX,
        2023,
        "Apache-2.0 (code and shipped weights)",
        "drawn rain on clean images; see docs/rdmc.md",
        params=params,
        macs_256=macs,
        multiple=16,
        weights_note="shipped; the authors released none",
        kind="recurrent",
    )
    return Entry(
        card,
        "derainers.nets.rdmc.network:RDMC",
        version=2,
        weights=f"{name}.safetensors",
        bears_bf16=bears_bf16,
        lighten="derainers.nets.rdmc.inference:lightened",
    )


ENTRIES = (
    _rdmc(
        "rdmc",
        "recursive dynamic multi-scale network with a contrastive prior; the reference",
        params=4_093_213,
        macs=31_128_604_416,
        bears_bf16=True,
    ),
    _rdmc("rdmc-s", "RDMC at a quarter of the width, for small machines", params=249_263, macs=1_276_379_136),
)

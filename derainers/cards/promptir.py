"""PromptIR."""

from __future__ import annotations

from derainers.base import Card
from derainers.cards.entry import HEAVY_PIXELS, YOURS, Entry

_BIBTEX = """@inproceedings{potlapalli2023promptir,
  title     = {{PromptIR}: Prompting for All-in-One Image Restoration},
  author    = {Potlapalli, Vaishnav and Zamir, Syed Waqas and Khan, Salman and Khan, Fahad Shahbaz},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2023}
}"""


ENTRIES = (
    Entry(
        Card(
            "promptir",
            "Restormer with prompts, for noise, rain and haze",
            "Potlapalli et al., PromptIR: Prompting for All-in-One Image Restoration, NeurIPS 2023",
            _BIBTEX,
            2023,
            YOURS + "non-commercial (academic public licence)",
            "noise, rain and haze in one",
            multiple=8,
            params=35_592_263,
            macs_256=172_705_557_792,
            weights_note="github.com/va1shn9v/PromptIR, release v1.0 (model.ckpt); academic, non-commercial",
            kind="all-in-one",
        ),
        "derainers.nets.promptir:PromptIR",
        whole_pixels=HEAVY_PIXELS,
    ),
)

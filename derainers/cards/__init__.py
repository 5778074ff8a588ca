"""The derainers that come with the bench: one module a family, each with its entries. It imports no torch.

A module of this folder is found by being here; its ``ENTRIES`` are what it adds to the registry.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace

from derainers.cards.entry import Entry
from derainers.published import published


def entries() -> Iterator[Entry]:
    """Every entry, by the modules' names, with what is published of it on its card."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "entry")
    for module in modules:
        for entry in importlib.import_module(f"{__name__}.{module}").ENTRIES:
            yield replace(entry, card=replace(entry.card, published=published(entry.card.name)))

"""The derainers that come with the bench: one module a family, each with its entries. It imports no torch.

A module of this folder is found by being here; its ``ENTRIES`` are what it adds to the registry.
"""

from __future__ import annotations

import importlib
import pkgutil

from derainers.cards.entry import Entry


def entries() -> tuple[Entry, ...]:
    """Every entry, by the modules' names."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "entry")
    return tuple(entry for name in modules for entry in importlib.import_module(f"{__name__}.{name}").ENTRIES)

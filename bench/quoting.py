"""Numbers of others by name: a file of one's own, or the one that is shipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.listing import names_in

if TYPE_CHECKING:
    from reports.quotes import Quoted


def quoted(texts: str | Sequence[str]) -> list[Quoted]:
    """Read ``FILE[:BLOCK,...]``, one or several; ``published`` is the file that is shipped.

    Raises:
        BadConfig: If a file cannot be read or is not written so.
        UnknownName: If it has no such block.
    """
    from derainers.published import FILE
    from reports.quotes import read_quotes

    found = []
    for text in [texts] if isinstance(texts, str) else texts:
        name, _, blocks = (text, "", "") if Path(text).is_file() else text.partition(":")
        found += read_quotes(FILE if name == "published" else Path(name), names_in(blocks))
    return found

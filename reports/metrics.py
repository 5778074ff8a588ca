"""How numbers are written."""

from __future__ import annotations

#: Missing; never 0.
MISSING = "—"


def written(value: float | None, digits: int, scale: float = 1.0) -> str:
    """A number with a fixed count of decimals, or the em dash; minus zero is zero."""
    if value is None:
        return MISSING
    text = f"{value * scale:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text

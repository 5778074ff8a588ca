"""Lists and pairs as users write them: ``a,b,c`` and ``old=new``, with double quotes around what holds a separator."""

from __future__ import annotations

import re
import shlex

#: A label is any text; in double quotes where it holds a quote's, list's or argument's own sign.
_LABEL = re.compile(r'^(?:"([^"]+)"|([^"=:,?]+?))\s*=\s*(.+)$', re.DOTALL)
_OPENING, _CLOSING = "([{", ")]}"
BRACKETS = _OPENING + _CLOSING
#: What a label that stands without quotes is made of; other text may be read as something else.
_PLAIN = "_.+-"


def split_outside(text: str, separator: str, most: int = -1) -> list[str]:
    """Split a text at a character, wherever it stands neither in brackets nor in double quotes.

    Args:
        text: As the user wrote it.
        separator: One character.
        most: How many splits at most; -1 for all.

    Example:
        >>> split_outside('a,b?x=[1,2],"c, d"=e', ",")
        ['a', 'b?x=[1,2]', '"c, d"=e']
    """
    depth, quoted, pieces = 0, False, [""]
    for letter in text:
        quoted ^= letter == '"'
        if not quoted:
            depth = max(0, depth + (letter in _OPENING) - (letter in _CLOSING))
        if letter == separator and depth == 0 and not quoted and most != 0:
            pieces.append("")
            most -= 1
        else:
            pieces[-1] += letter
    return pieces


def labelled(label: str, text: str) -> str:
    """Write ``LABEL=TEXT`` so that it is read as such."""
    plain = all(letter.isalnum() or letter in _PLAIN for letter in label)
    return f"{label}={text}" if plain else f'"{label}"={text}'


def label_before(text: str) -> tuple[str, str] | None:
    """Return the label of ``LABEL=TEXT`` and the text; None where no label stands before it.

    The equals sign in ``flip(a=b)`` belongs to what is in the brackets.

    Example:
        >>> label_before('"ours: v2"=rdmc'), label_before("w/o prior=rdmc"), label_before("my.py:Net?width=8")
        (('ours: v2', 'rdmc'), ('w/o prior', 'rdmc'), None)
    """
    found = _LABEL.match(text)
    if found is None or (found[2] and found[2].count("(") != found[2].count(")")):
        return None
    return found[1] or found[2], found[3]


def unquoted(text: str) -> str:
    """Text without the double quotes around it."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def in_shell(text: str) -> str:
    """Text as a shell takes it: in single quotes where it needs them, which lone braces do not.

    Example:
        >>> in_shell("folder:a/{scene}_x.png"), in_shell("my nets/net.py:Net")
        ('folder:a/{scene}_x.png', "'my nets/net.py:Net'")
    """
    bare = text.replace("{", "").replace("}", "")
    return text if shlex.quote(bare) == bare else shlex.quote(text)


def names_in(text: str) -> list[str]:
    """The parts of a list separated by commas, without quotes; empty ones are left out.

    Example:
        >>> names_in('a,"b, c"')
        ['a', 'b, c']
    """
    return [unquoted(part) for part in split_outside(text, ",") if part.strip()]


def pair(text: str, mark: str = "=") -> tuple[str, str] | None:
    """Both sides of a pair, without quotes; None where there is no separator or a side is empty.

    Example:
        >>> pair('"RDMC (ours)"=rdmc')
        ('RDMC (ours)', 'rdmc')
    """
    parts = [unquoted(part) for part in split_outside(text, mark, 1)]
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None

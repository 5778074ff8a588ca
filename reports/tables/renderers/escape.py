"""Names from records come from strangers: here they become text, whatever they contain."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping

#: Follows the name or the number of who has learnt from the test, and the number of who ties with the best.
SEEN, TIED = "†", "≈"
#: As wide as a digit.
FIGURE_SPACE = "\N{FIGURE SPACE}"

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    # After the end of a row, a bracket would be an optional argument.
    "[": "{[}",
    "]": "{]}",
    "—": "---",
    "–": "--",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "°": r"$^\circ$",
    "²": r"$^2$",
    "³": r"$^3$",
    "’": "'",
    "…": r"\dots{}",
}
_GREEK = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi o pi rho varsigma sigma tau
upsilon phi chi psi omega"""
_LATEX |= {
    chr(0x3B1 + place): name if name == "o" else f"$\\{name}$"
    for place, name in enumerate(re.findall(r"\w+", _GREEK))
}
_LATEX_LETTERS = range(0xC0, 0x180)


def visible(text: str) -> str:
    """Text on one line without control, formatting or private characters (terminal escapes, bidi overrides).

    White space of any kind becomes a space, anything else that does not show becomes U+FFFD.
    """
    if text.isprintable():
        return text
    shown = []
    for character in text:
        if character.isspace():
            shown.append(" ")
        elif unicodedata.category(character)[0] == "C":
            shown.append("\N{REPLACEMENT CHARACTER}")
        else:
            shown.append(character)
    return "".join(shown)


def markdown(text: str) -> str:
    """Text as it is, inside a cell of a Markdown table or a paragraph."""
    escaped = html.escape(visible(text), quote=False)
    escaped = re.sub(r"([\\`*\[\]~$])", r"\\\1", escaped)
    # Underscores inside words are literal in GitHub's Markdown, and readable sources matter.
    escaped = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", escaped)
    escaped = re.sub(r"\b(https?|ftp|www)([:.])", r"\1&#8203;\2", escaped)
    return escaped.replace("|", "&#124;")


def latex(text: str) -> str:
    """Text as it is, in a LaTeX paragraph, heading or cell; letters that pdflatex lacks become `?`."""
    parts: list[str] = []
    for character in visible(text):
        if character == "-" and parts and parts[-1].endswith("-"):
            # Two hyphens would become a dash.
            parts.append("{}-")
        elif character in _LATEX:
            parts.append(_LATEX[character])
        elif character.isascii() or ord(character) in _LATEX_LETTERS:
            parts.append(character)
        else:
            parts.append("?")
    return "".join(parts)


def markup(text: str) -> str:
    """Text as it is, in HTML content or a quoted attribute."""
    return html.escape(visible(text), quote=True)


def spreadsheet(text: str) -> str:
    """Text as it is, in a CSV cell: a leading apostrophe keeps spreadsheets from running it as a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip()[:1] in ("=", "+", "-", "@") and shown.strip() else shown


def raised(seen: bool, tied: bool, note: str | None, notes: Mapping[str, int]) -> str:
    """The signs that follow a label or a number, as plain text: learnt from the test, tied with the best, footnote."""
    return SEEN * seen + TIED * tied + (superscript(notes[note]) if note else "")


def superscript(number: int) -> str:
    """A number in superscript digits."""
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))

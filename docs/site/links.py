"""Leads links that are written for the repository to the site's pages.

The documents are read in the repository too, where README.md and its neighbours lie one folder up; on the site they are
pages beside the others. Files that are no pages are not linked there.
"""

from __future__ import annotations

import re
from typing import Any

#: Documents of the repository's root, and the pages that the site shows them as.
PAGES = {
    "README.md": "index.md",
    "LEADERBOARD.md": "board.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}

#: Where the site has pictures that lie elsewhere in the repository.
PICTURES = "repository"

_LINK = re.compile(r"(?P<mark>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Rewrite the links of a page; called by MkDocs for each."""
    return _LINK.sub(_led, markdown)


def _led(link: re.Match[str]) -> str:
    mark, text, target = link["mark"], link["text"], link["target"]
    if "://" in target or target.startswith("#"):
        return link[0]
    path, hash_mark, anchor = target.removeprefix("../").partition("#")
    if path in PAGES:
        return f"{mark}[{text}]({PAGES[path]}{hash_mark}{anchor})"
    if path.startswith("docs/"):  # in a document of the root
        return f"{mark}[{text}]({path.removeprefix('docs/')}{hash_mark}{anchor})"
    if mark and target.startswith("../"):
        return f"{mark}[{text}]({PICTURES}/{path})"
    # What lies elsewhere in the repository has no page.
    return f"{text}" if target.startswith("../") else link[0]


def pictures(markdown: str) -> set[str]:
    """Return the pictures of the repository that a document shows, from the repository's root."""
    found = (link["target"] for link in _LINK.finditer(markdown) if link["mark"])
    return {target.removeprefix("../") for target in found if target.startswith("../")}

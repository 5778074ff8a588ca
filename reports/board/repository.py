"""Where the program's own repository is, as its package says."""

from __future__ import annotations

#: What `[project.urls]` may call it, best first; names are compared without case.
_NAMES = ("repository", "source", "code", "homepage")


def own_repository() -> str | None:
    """The address that the installed package gives; None where it gives none."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        stated = metadata("derain-bench").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    urls = {name.strip().lower(): url.strip() for name, _, url in (each.partition(",") for each in stated)}
    return next((urls[name] for name in _NAMES if name in urls), None)

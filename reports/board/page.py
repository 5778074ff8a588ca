"""The leaderboard as a static site: one folder that opens from disk, without server or network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from bench.vocabulary import REFERENCES
from reports.board.charts import styles
from reports.board.checked import Filed
from reports.board.content import Board
from reports.board.derainer import derainer_pages
from reports.board.downloads import downloads
from reports.board.front import front_context
from reports.board.samples import Sample
from reports.board.sets import set_pages
from reports.tables.renderers.escape import visible

_STATIC = ("style.css", "app.js")


def build_site(
    board: Board,
    samples: Sequence[Sample] = (),
    records: Mapping[str, Filed] | None = None,
    repository: str | None = None,
) -> dict[str, bytes]:
    """Render the site.

    Args:
        board: A checked board.
        samples: Scenes for the before/after slider.
        records: By the name of a record's file, where the board has it.
        repository: Address of the repository that the site links to; None for none.

    Returns:
        Content by file name relative to the site's folder; the same board gives the same bytes.
    """
    own = [label for label in board.results.labels if label not in REFERENCES]
    filed = records or {}
    render = _renderer({"repository": repository})
    files = {"index.html": render("index.html.j2", front_context(board, samples), "")}
    for address, context in set_pages(board, filed, styles(own)).items():
        files[address] = render("set.html.j2", context, "../")
    for address, context in derainer_pages(board, samples, filed).items():
        files[address] = render("derainer.html.j2", context, "../")
    folder = resources.files("reports.board").joinpath("templates")
    files |= {name: folder.joinpath(name).read_bytes() for name in _STATIC}
    files |= downloads(board.results)
    for sample in samples:
        files.update({image.file: image.content for image in sample.images})
    return files


def _renderer(everywhere: Mapping[str, Any]) -> Any:
    """What renders a template: its name, its context, and the way up to the site's folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        # Whatever reaches the page is escaped by jinja; here it also loses what does not show.
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("reports.board", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def render(name: str, context: Mapping[str, Any], up: str) -> bytes:
        return environment.get_template(name).render(**everywhere, **context, up=up).encode()

    return render

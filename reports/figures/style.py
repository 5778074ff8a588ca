"""One look for every figure: legible in grey and to the colour-blind, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BadConfig, OutputError
from bench.keep.records import slug
from bench.vocabulary import CLEAN, REFERENCES
from reports.tables.renderers.escape import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reports.results import Group

FORMATS = ("png", "svg", "pdf")
_LETTERS_PER_INCH = 12
_LONGEST = 40
#: Okabe and Ito, Color universal design (2008), the yellow darkened for white paper.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7d4b3a", "#5b57a6")
_MARKERS = "osD^vPX*"
_DASHES = ("-", (0, (6, 2)), (0, (2, 2)), (0, (7, 2, 2, 2)))
_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
    "svg.hashsalt": "derain-bench",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
#: What files say of their making, without its date.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def picture_format(path: Path) -> str:
    """The format that a file's ending says.

    Raises:
        BadConfig: If no format has this ending.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise BadConfig(f"--out {path}: pictures end in {', '.join(f'.{each}' for each in FORMATS)}")
    return form


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib set up for files: no window, one look, no leftovers."""
    import warnings

    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context(_SETTINGS):
        # Names may hold letters that the font lacks; a box in a legend is no reason to warn.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def shown(text: str) -> str:
    """A name as matplotlib should print it; it drops legend entries that begin with an underscore.

    Names may be of any length; a figure has room for the beginning.
    """
    plain = visible(text)
    plain = plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
    return " " + plain if plain.startswith("_") else plain


def title_of(group: Group) -> str:
    """What a figure of one series is about: data set and model."""
    return shown(group.data + (f", {group.seen_by}" if group.model else ""))


def look(label: str, labels: Sequence[str]) -> dict[str, Any]:
    """Line, colour and marker of a derainer, by its place among the labels; references are black.

    The first eight have filled markers, the next eight the same ones hollow, with other dashes.
    """
    if label in REFERENCES:
        return {
            "color": "black",
            "linestyle": "-" if label == CLEAN else ":",
            "marker": "",
            "linewidth": 1.3,
        }
    place = [other for other in labels if other not in REFERENCES].index(label)
    colour, turn = _COLOURS[place % len(_COLOURS)], place // len(_COLOURS)
    return {
        "color": colour,
        "linestyle": _DASHES[(place // 2 + turn) % len(_DASHES)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "markerfacecolor": "white" if turn % 2 else colour,
        "linewidth": 1.5,
    }


def grid_of(count: int, width: float = 3.1, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """A figure of `count` axes in rows of up to four."""
    from matplotlib.figure import Figure

    columns = min(4, max(1, count))
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns + 0.4, height * rows + 0.6))
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(count)]
    return figure, axes


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all axes, under them."""
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        handles, labels = list(entries.values()), list(entries)
        widest = max(len(label) for label in labels) + 6
        fitting = int(figure.get_figwidth() * _LETTERS_PER_INCH / widest)
        columns = max(1, min(len(labels), fitting))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure in every format.

    Raises:
        OutputError: If a file cannot be written.
    """
    # Laid out once: each format would do it again, at several times the cost of drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    paths = []
    for form in FORMATS:
        path = folder / f"{slug(name)[:200]}.{form}"
        try:
            figure.savefig(path, dpi=200, metadata=METADATA[form])
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror or error}; give another folder"
            ) from None
        paths.append(path)
    return paths

"""Tables as a notebook shows them, and as a script takes them on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Tables:
    """The tables of a report: HTML in a notebook, Markdown in a terminal."""

    tables: tuple[Table, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per number, as stored; see ``bench report --format json``."""
        from reports.tables.flat import table_rows

        return table_rows(self.tables)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def render(self, form: str) -> str:
        """Return them as ``text``, ``md``, ``latex``, ``html``, ``csv`` or ``json``.

        Raises:
            UnknownName: If there is no such format.
        """
        from reports.tables.renderers import format_of, render_tables

        return render_tables(self.tables, format_of(form, None))

    def save(self, path: str | Path) -> Path:
        """Write them to a file, whose ending says the format.

        Raises:
            BadConfig: If no format has this ending.
            OutputError: If the file cannot be written.
        """
        from bench.files import write_atomic
        from reports.tables.renderers import format_of

        file = Path(path)
        write_atomic(file, self.render(format_of(None, file)).encode())
        return file

    def _repr_html_(self) -> str:
        return self.render("html")

    def __repr__(self) -> str:
        return self.render("md")

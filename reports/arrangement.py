"""In whose names, choice and order a report is written; decided at report time, without running anything again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.errors import BadConfig, unknown
from bench.keep.records import Record, slug
from bench.listing import names_in, pair, split_outside, unquoted
from bench.vocabulary import OWN, REFERENCES
from reports.combine import relabelled
from reports.quotes import Quoted

#: How the best of a column are marked: by value, or all within noise of the best alike.
Best = Literal["value", "ties"]

#: What a run over the first so many scenes has behind its data set's name.
_LIMIT = re.compile(r"\[:\d+\]")
_CITATION = re.compile(r"[A-Za-z0-9:_.+/-]+(,[A-Za-z0-9:_.+/-]+)*")


@dataclass(frozen=True)
class Arrangement:
    """In whose names, choice and order a report is written.

    Derainers may be named by their labels or by what they are renamed to.

    Attributes:
        rename: Label to what the derainer is called instead.
        only: The derainers shown; empty for all. The reference rows stay.
        drop: Rows left out.
        order: Rows in their order; the others follow. Empty leaves the order to the table.
        references: ``clean`` and ``none`` to what their rows are called.
        sections: Title and derainers of each group of rows.
        cites: Derainer to its key of a bibliography, for LaTeX.
        names: Short names of data sets, rains, variants and models.
        best: How the best of a column are marked.
        quotes: Numbers of others to stand beside.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    cites: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    best: Best = "value"
    quotes: tuple[Quoted, ...] = ()

    def label(self, label: str) -> str:
        """How a row or legend calls a derainer or a reference."""
        return self.references.get(label, label)

    def name(self, text: str) -> str:
        """How a data set, a rain, a variant or a model is called.

        ``pairs/rain100h[:8]`` may be named so, ``pairs/rain100h``, ``pairs-rain100h`` or ``rain100h``.
        """
        return next((self.names[form] for form in forms(text) if form in self.names), text)

    def variant(self, record: Record) -> str:
        """How a record's variant is called: ``DATA@RAIN``, of data that brings its own rain the data set alone."""
        if (name := self.name(record.variant)) != record.variant:
            return name
        data = self.name(record.data.name)
        if record.rain.name == OWN and data != record.data.name:
            return data
        seed = f"#{record.rain.seed}" if record.rain.seed else ""
        return f"{data}@{self.name(record.rain.name)}{seed}"

    def key(self, label: str) -> tuple[int, int, str]:
        """Sort key of rows: the order asked for, then the references, then by name."""
        if label in self.order:
            return (0, self.order.index(label), label)
        if label in REFERENCES:
            return (-1, REFERENCES.index(label), label)
        return (1, 0, label)

    def section(self, label: str) -> int | None:
        """The group of rows that a derainer stands in, by position; None for none."""
        return next((i for i, (_, members) in enumerate(self.sections) if label in members), None)


#: As records have it.
PLAIN = Arrangement()


def arrange(records: Sequence[Record], arrangement: Arrangement) -> tuple[list[Record], Arrangement]:
    """Choose and rename the derainers of records.

    Args:
        records: In any order.
        arrangement: As the user gave it.

    Returns:
        The records under their new labels, and the arrangement in terms of these. References that are dropped keep
        their records: marks are reckoned with them.

    Raises:
        UnknownName: If there is no such derainer.
        BadConfig: If two rows would have one name.
    """
    there = {record.derainer.label for record in records} - set(REFERENCES)
    for old, new in arrangement.rename.items():
        if old in REFERENCES:
            raise BadConfig(f"--rename {old}={new}: {old} is a reference row; write --reference {new}={old}")
        if old not in there:
            raise unknown("derainer", old, there)
    _check_names(records, arrangement)
    called = {label: arrangement.rename.get(label, label) for label in there}
    taken: dict[str, str] = {}
    for label, new in called.items():
        if new in REFERENCES or taken.setdefault(new, label) != label:
            raise BadConfig(f"two rows would be called {new}: rename one of them otherwise")
    known = {*called.values(), *REFERENCES, *(name for quote in arrangement.quotes for name in quote.rows)}

    def resolved(names: Iterable[str], what: str) -> tuple[str, ...]:
        found = []
        for name in names:
            shown = called.get(name, name)
            if shown not in known:
                raise unknown(f"derainer in {what}", name, {*known, *called})
            found.append(shown)
        return tuple(found)

    arranged = replace(
        arrangement,
        rename={},
        only=resolved(arrangement.only, "--only"),
        drop=resolved(arrangement.drop, "--drop"),
        order=resolved(arrangement.order, "--order"),
        sections=tuple((title, resolved(names, "--group")) for title, names in arrangement.sections),
        cites={resolved([name], "--cite")[0]: key for name, key in arrangement.cites.items()},
    )
    kept = []
    for record in records:
        label = called.get(record.derainer.label, record.derainer.label)
        if label in REFERENCES or (
            (not arranged.only or label in arranged.only) and label not in arranged.drop
        ):
            kept.append(relabelled(record, label) if label != record.derainer.label else record)
    return kept, arranged


def forms(text: str) -> tuple[str, ...]:
    """What users may write for the name of a data set, a rain, a variant or a model."""
    whole = _LIMIT.sub("", text)
    return tuple(filter(None, (text, whole, slug(whole), whole.partition("/")[2])))


def _check_names(records: Sequence[Record], arrangement: Arrangement) -> None:
    texts = dict.fromkeys(
        text
        for record in records
        for text in (record.data.name, record.rain.name, record.variant, record.model and record.model.name)
        if text
    )
    known = {form for text in texts for form in forms(text)}
    for name in arrangement.names:
        if name not in known:
            raise unknown("data set, rain, variant or model in --name", name, known)


def arrangement_of(
    *,
    rename: Sequence[str] = (),
    only: str = "",
    drop: str = "",
    order: str = "",
    reference: Sequence[str] = (),
    group: str = "",
    cite: Sequence[str] = (),
    name: Sequence[str] = (),
    best: str = "value",
    quotes: Sequence[Quoted] = (),
) -> Arrangement:
    """Read the options of `bench report`.

    Args:
        rename: ``OLD=NEW`` each.
        only: Labels, separated by commas; one with a comma in double quotes.
        drop: Likewise.
        order: Likewise.
        reference: ``TEXT=clean`` or ``TEXT=none`` each.
        group: ``TITLE: LABEL,LABEL; TITLE: LABEL``.
        cite: ``LABEL=KEY`` each.
        name: ``NAME=SHORT`` each.
        best: ``value`` or ``ties``.
        quotes: From :func:`reports.quotes.read_quotes`.

    Raises:
        BadConfig: If one is not written so.
    """
    references = {role: text for text, role in _pairs("--reference", reference, "TEXT=none").items()}
    return arranged(
        rename=_pairs("--rename", rename, "OLD=NEW"),
        only=only,
        drop=drop,
        order=order,
        reference=references,
        group=dict(_sections(group)),
        cite=_pairs("--cite", cite, "LABEL=KEY"),
        name=_pairs("--name", name, "NAME=SHORT"),
        best=best,  # type: ignore[arg-type]
        quotes=quotes,
    )


def _pairs(option: str, texts: Sequence[str], form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        parts = pair(text)
        if parts is None:
            raise BadConfig(f"{option} {text}: write {form}")
        if found.setdefault(*parts) != parts[1]:
            raise BadConfig(f"{option} names {parts[0]} twice: keep one")
    return found


def _sections(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    sections = []
    for part in filter(str.strip, split_outside(text, ";")):
        title, *rest = split_outside(part, ":", 1)
        if not rest or not names_in(rest[0]):
            raise BadConfig(f"--group {text}: write 'TITLE: LABEL,LABEL; TITLE: LABEL'")
        sections.append((unquoted(title), tuple(names_in(rest[0]))))
    return tuple(sections)


def arranged(
    *,
    rename: Mapping[str, str] | None = None,
    only: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    order: str | Sequence[str] = (),
    reference: Mapping[str, str] | None = None,
    group: Mapping[str, str | Sequence[str]] | None = None,
    cite: Mapping[str, str] | None = None,
    name: Mapping[str, str] | None = None,
    best: Best = "value",
    quotes: Sequence[Quoted] = (),
) -> Arrangement:
    """Take the options of `bench report` as Python has them: mappings from old to new, and names.

    Names are a sequence, or one text as on the command line.

    Raises:
        BadConfig: If a reference is none, or a key none of a bibliography.
    """
    return Arrangement(
        rename=dict(rename or {}),
        only=listed(only),
        drop=listed(drop),
        order=listed(order),
        references=_references(reference or {}),
        sections=tuple((title, listed(members)) for title, members in (group or {}).items()),
        cites=_cites(cite or {}),
        names=dict(name or {}),
        best=_best(best),
        quotes=tuple(quotes),
    )


def listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names as a sequence or as one text, ``a,b``; one with a comma in double quotes."""
    return tuple(names_in(names) if isinstance(names, str) else names)


def _references(names: Mapping[str, str]) -> dict[str, str]:
    for role, text in names.items():
        if role not in REFERENCES:
            raise BadConfig(f"--reference {text}={role}: the reference rows are {' and '.join(REFERENCES)}")
    return dict(names)


def _cites(keys: Mapping[str, str]) -> dict[str, str]:
    for label, key in keys.items():
        if not _CITATION.fullmatch(key):
            raise BadConfig(f"--cite {label}={key}: a key is made of letters, digits and any of :_.+/-")
    return dict(keys)


def _best(best: str) -> Best:
    if best not in ("value", "ties"):
        raise unknown("way to mark the best", best, ("value", "ties"))
    return best  # type: ignore[return-value]

"""What the board has measured: of each data set's results, how many each derainer has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bench.vocabulary import REFERENCES
from reports.board import words
from reports.results import Group, Results
from reports.tables.renderers.escape import markdown


@dataclass(frozen=True)
class Coverage:
    """What there is of a data set.

    Attributes:
        data: The data set's name, as in its records.
        groups: Its results: one for each rain, task and model that any derainer was measured in.
        measured: By derainer, the best covered first: how many of them it has, at least one; a failed record is none.
    """

    data: str
    groups: tuple[Group, ...]
    measured: Mapping[str, int]

    @property
    def results(self) -> int:
        """How many results there are."""
        return len(self.groups)

    @property
    def complete(self) -> tuple[str, ...]:
        """The derainers that have every result."""
        return tuple(label for label, count in self.measured.items() if count == self.results)


def coverage(results: Results) -> tuple[Coverage, ...]:
    """What there is of each data set, photos before rendered scenes."""
    sets: dict[str, list[Group]] = {}
    for group in sorted(results, key=words.smoke):
        sets.setdefault(group.first.data.name, []).append(group)
    found = []
    for data, groups in sets.items():
        counts = Counter(
            label
            for group in groups
            for label, record in group.records.items()
            if label not in REFERENCES and record.status != "failed"
        )
        ordered = sorted(counts, key=lambda label: (-counts[label], label))
        found.append(Coverage(data, tuple(groups), {label: counts[label] for label in ordered}))
    return tuple(found)


def coverage_table(found: tuple[Coverage, ...]) -> str:
    """The coverage as a Markdown table, one row for each data set."""
    rows = []
    for each in found:
        parts = [f"{label} ({n})" for label, n in each.measured.items() if n < each.results]
        row = (words.data(each.data), str(each.results), ", ".join(each.complete), ", ".join(parts))
        rows.append("| " + " | ".join(markdown(cell) if cell else "—" for cell in row) + " |")
    head = "| data set | results | all of them | some of them |\n|:--|--:|:--|:--|\n"
    return head + "\n".join(rows) + "\n"

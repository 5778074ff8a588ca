"""Finds out what kills its worker: work that does is done again in parts, by derainer and then by scene; networks are
loaded again one derainer at a time. What takes too long is known: it is given up by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.deadline import Unit
from bench.engine.outline import Networks
from bench.engine.plan import Components
from bench.engine.pool import Died
from bench.engine.work import CellWork, Failure, Outcome, Work
from bench.engine.worker import LOAD, broken, who_looks
from bench.errors import BenchError
from bench.vocabulary import REFERENCES

_LOADING = "a damaged file, code that ends its process, or out of memory"

#: A derainer or model that has killed its worker, or taken too long, on so many scenes in a row is not tried on further
#: ones: every death costs the start of a worker.
_STRIKES = 3


class Blame:
    """Keeps account of deaths over a run."""

    def __init__(self) -> None:
        self._strikes: dict[str, int] = {}

    def survived(self, work: Work) -> None:
        """Note that a worker came back from its work."""
        for cell in work.cells:
            for who in _those_who_do(cell):
                self._strikes.pop(who, None)

    def died(self, work: Work, advice: str) -> tuple[list[Work], Outcome | None]:
        """Say what becomes of work that has killed its worker.

        Args:
            work: The work.
            advice: What to do about it, for the reason.

        Returns:
            Smaller parts to do instead, or, of one derainer on one scene, the outcome that states its failure.
        """
        if parts := _parts(work):
            return parts, None
        (label,) = work.labels
        self._strike(f"derainer {label}")
        what = "models looked at it" if label in REFERENCES else f"{label} restored it"
        return [], _given_up(work, f"the worker died while {what}: {advice}")

    def late(self, work: Work, unit: Unit, seconds: float) -> tuple[list[Work], Outcome | None]:
        """Say what becomes of work in which something took too long.

        Args:
            work: The work.
            unit: What it was.
            seconds: The limit.

        Returns:
            What to do instead: the rest, and of several scenes that were done together each by itself; and the outcome
            that states the failure, if it was one scene or a network's loading.
        """
        rest = work.without(unit.keys, unit.scenes)
        if len(unit.scenes) > 1 and unit.doing != LOAD:
            concerned = [cell.key for cell in work.cells if cell.key not in unit.keys]
            alone = [work.of([scene]).without(concerned, work.scenes) for scene in unit.scenes]
            return [part for part in (*alone, rest) if part.cells], None
        self._strike(unit.who)
        failures = (
            Failure(work.variant, keys, scene, unit.given_up(seconds))
            for scene in unit.scenes
            if (keys := tuple(c.key for c in work.cells if c.key in unit.keys and scene in c.todo))
        )
        return [rest] if rest.cells else [], Outcome(failures=tuple(failures))

    def _strike(self, who: str) -> None:
        self._strikes[who] = self._strikes.get(who, 0) + 1

    def without_hopeless(self, work: Work) -> tuple[Work, Outcome | None]:
        """Take out of work the derainers and models that are not tried any more.

        Returns:
            What is left to do, perhaps nothing, and the outcome that states the failure of the others, if any.
        """
        hopeless = {who for who, strikes in self._strikes.items() if strikes >= _STRIKES}
        lost = {
            cell.key: named for cell in work.cells if (named := hopeless.intersection(_those_who_do(cell)))
        }
        if not lost:
            return work, None
        names = ", ".join(sorted(set().union(*lost.values())))
        reason = f"not tried: {names} killed the worker or took too long on {_STRIKES} scenes in a row"
        without = replace(work, cells=tuple(cell for cell in work.cells if cell.key in lost))
        return work.without(lost, work.scenes), _given_up(without, reason)


def load_blaming(
    networks: Networks, load: Callable[[Networks], Components | Died], seconds: float
) -> Components:
    """Load networks; of a derainer that kills its worker, or takes too long, say so.

    Args:
        networks: Derainers and models.
        load: Loads some in a worker; :class:`Died` where the worker died of it.
        seconds: What loading one may take.

    Raises:
        BenchError: If a worker dies and it is no single derainer that kills it, or a model cannot be loaded.
    """
    found = load(networks)
    if isinstance(found, Components):
        return found
    if found.overdue:
        fault = found.overdue[0].given_up(seconds)
        late = next((s for s in networks.derainers if found.overdue[0].who == f"derainer {s.label}"), None)
        if late is None:
            raise BenchError(fault)
        others = replace(networks, derainers=tuple(s for s in networks.derainers if s is not late))
        left = load_blaming(others, load, seconds)
        known = {**left.derainers, late.label: broken(late, fault)}
        return replace(left, derainers={spec.label: known[spec.label] for spec in networks.derainers})
    derainers = {}
    rest = load(replace(networks, derainers=()))
    if isinstance(rest, Components):
        for spec in networks.derainers:
            alone = load(Networks((spec,), ()))
            derainers[spec.label] = (
                alone.derainers[spec.label]
                if isinstance(alone, Components)
                else broken(spec, f"derainer {spec}: the worker that loaded it died: {_LOADING}")
            )
        apart = Components(derainers, rest.models)
        if apart.faults:
            return apart
    raise BenchError("a worker died while it loaded the networks: out of memory? fewer workers need less")


def _those_who_do(cell: CellWork) -> tuple[str, str]:
    return f"derainer {cell.label}", who_looks(cell)


def _parts(work: Work) -> list[Work]:
    if len(work.labels) > 1:
        return [work.by([label]) for label in work.labels]
    if len(work.scenes) > 1:
        return [part for part in (work.of([scene]) for scene in work.scenes) if part.cells]
    return []


def _given_up(work: Work, reason: str) -> Outcome:
    """Return the outcome of what could not be run: every cell has failed on those of the scenes that it wanted."""
    failures = (
        Failure(work.variant, tuple(cell.key for cell in work.cells if scene in cell.todo), scene, reason)
        for scene in work.scenes
    )
    return Outcome(failures=tuple(failure for failure in failures if failure.keys))

"""Finds out what kills its worker: work that does is done again in parts, by derainer and then by scene; networks are
loaded again one derainer at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.engine.plan import Components, Networks
from bench.engine.work import Failure, Outcome, Work
from bench.engine.worker import broken
from bench.errors import BenchError
from bench.vocabulary import REFERENCES

_LOADING = "a damaged file, code that ends its process, or out of memory"

#: A derainer that has killed its worker on so many scenes in a row is not tried on further ones: every death costs
#: the start of a worker.
_STRIKES = 3


class Blame:
    """Keeps account of deaths over a run."""

    def __init__(self) -> None:
        self._strikes: dict[str, int] = {}

    def survived(self, work: Work) -> None:
        """Note that a worker came back from its work."""
        for label in work.labels:
            self._strikes.pop(label, None)

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
        self._strikes[label] = self._strikes.get(label, 0) + 1
        what = "models looked at it" if label in REFERENCES else f"{label} restored it"
        return [], _given_up(work, f"the worker died while {what}: {advice}")

    def without_hopeless(self, work: Work) -> tuple[Work, Outcome | None]:
        """Take out of work the derainers that are not tried any more.

        Returns:
            What is left to do, perhaps nothing, and the outcome that states the failure of the others, if any.
        """
        hopeless = [label for label in work.labels if self._strikes.get(label, 0) >= _STRIKES]
        if not hopeless:
            return work, None
        reason = f"not tried: {', '.join(sorted(hopeless))} killed the worker on {_STRIKES} scenes in a row"
        left = work.by([label for label in work.labels if label not in hopeless])
        return left, _given_up(work.by(hopeless), reason)


def load_blaming(networks: Networks, load: Callable[[Networks], Components | None]) -> Components:
    """Load networks; of a derainer that kills its worker, say so.

    Args:
        networks: Derainers and models.
        load: Loads some in a worker; None where the worker died of it.

    Raises:
        BenchError: If a worker dies and it is no single derainer that kills it, or a model cannot be loaded.
    """
    if found := load(networks):
        return found
    derainers = {}
    rest = load(replace(networks, derainers=()))
    if rest is not None:
        for spec in networks.derainers:
            alone = load(Networks((spec,), ()))
            derainers[spec.label] = (
                alone.derainers[spec.label]
                if alone
                else broken(spec, f"derainer {spec}: the worker that loaded it died: {_LOADING}")
            )
        apart = Components(derainers, rest.models)
        if apart.faults:
            return apart
    raise BenchError("a worker died while it loaded the networks: out of memory? try fewer --workers")


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

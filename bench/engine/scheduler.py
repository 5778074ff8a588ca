"""Gives the shards of a plan to a pool of workers, and finds out what kills them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.engine.blame import Blame, load_blaming
from bench.engine.outline import Networks
from bench.engine.plan import Components, Plan
from bench.engine.pool import Died, Handle, Pool, result_of
from bench.engine.work import Failure, Note, Outcome, Work, cut
from bench.engine.worker import do_work, load_components, measure_work
from bench.errors import BenchError, Interrupted

#: Called with the number of images that a finished shard looked at.
Progress = Callable[[int], None]


class Stopped(BenchError):
    """``--fail-fast``, and something has failed: cells are not complete, though no choice was wrong."""

    exit_code = 1


@dataclass(frozen=True)
class Forecast:
    """What a plan will take, about.

    Attributes:
        seconds: Wall time.
        workers: Number of workers.
        memory: Bytes that one worker held at most while it looked at one scene.
    """

    seconds: float
    workers: int
    memory: int


@dataclass
class Execution:
    """What came of running a plan.

    Attributes:
        failures: Everything that did not work.
        images: Images looked at.
        network_seconds: Time inside the networks, added over workers.
        restoring: Of cells that a model looks for, by key: what the derainer took on each image, in seconds.
        notes: What derainers said, for the records.
        threads: CPU threads that a worker's networks or filters had, as many as any had.
        workers: How many workers there were.
    """

    failures: list[Failure] = field(default_factory=list)
    images: int = 0
    network_seconds: float = 0.0
    restoring: dict[str, list[float]] = field(default_factory=dict)
    notes: set[Note] = field(default_factory=set)
    threads: int = 0
    workers: int = 0

    def add(self, outcome: Outcome) -> None:
        """Take in what became of a piece of work."""
        self.failures += outcome.failures
        self.images += outcome.images
        self.network_seconds += outcome.network_seconds
        for key, seconds in outcome.restoring.items():
            self.restoring.setdefault(key, []).extend(seconds)
        self.notes |= set(outcome.notes)
        self.threads = max(self.threads, outcome.threads)


@dataclass(frozen=True)
class _Turn:
    """A piece of work in the queue.

    Attributes:
        work: The work.
        wait: Whether to wait for another run that holds its shard.
        alone: Whether nothing else runs meanwhile, so that a death is its own.
    """

    work: Work
    wait: bool = False
    alone: bool = False


def execute(
    pool: Pool, plan: Plan, works: Sequence[Work], progress: Progress, *, fail_fast: bool = False
) -> Execution:
    """Run every shard of the plan; shards that another run holds come last.

    Where a worker dies and it cannot be said of which work, each shard that was being worked on runs alone, so that
    the one that kills its worker is told from those that were merely there; see :class:`bench.engine.blame.Blame`.

    Args:
        pool: Where the work is done.
        plan: What is to be done.
        works: Of each variant of the plan.
        progress: Is told of every finished shard.
        fail_fast: Raise at the first failure instead of finishing the rest.

    Raises:
        Interrupted: On Ctrl-C; finished shards stay in the store.
        Stopped: With ``fail_fast``, on the first failure.
    """
    execution, blame = Execution(workers=pool.workers), Blame()
    works = [replace(work, settings=pool.settings) for work in works]
    queue = deque(_Turn(work) for work in cut(works, plan.shards))
    suspects: deque[_Turn] = deque()
    pending: dict[Handle, _Turn] = {}

    def start(turn: _Turn) -> None:
        left, lost = blame.without_hopeless(turn.work)
        if lost:
            execution.add(lost)
        if left.cells:
            pending[pool.submit(do_work, left, turn.wait)] = replace(turn, work=left)

    try:
        while queue or suspects or pending:
            if suspects:
                if not pending:
                    start(replace(suspects.popleft(), wait=True, alone=True))
            else:
                while queue and len(pending) < pool.depth:
                    start(queue.popleft())
            for handle, outcome in pool.wait(list(pending)).items() if pending else ():
                turn = pending.pop(handle)
                if not isinstance(outcome, Died):
                    if outcome.busy:
                        queue.append(replace(turn, wait=True))
                        continue
                    blame.survived(turn.work)
                    execution.add(outcome)
                    progress(outcome.images)
                elif outcome.overdue:
                    late = next((unit for unit in outcome.overdue if turn.work.holds(unit)), None)
                    smaller, lost = (
                        blame.late(turn.work, late, pool.settings.timeout) if late else ([turn.work], None)
                    )
                    queue.extendleft(_Turn(work, wait=True) for work in reversed(smaller))
                    if lost:
                        execution.add(lost)
                elif outcome.certain or turn.alone:
                    smaller, lost = blame.died(turn.work, outcome.advice)
                    # A pool that can tell goes on with several at a time.
                    (queue if outcome.certain else suspects).extendleft(
                        _Turn(work, wait=True) for work in reversed(smaller)
                    )
                    if lost:
                        execution.add(lost)
                else:
                    suspects.append(turn)
                if fail_fast and execution.failures:
                    raise Stopped(f"{execution.failures[0].reason} (stopped by --fail-fast)")
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after {execution.images} images; the same command goes on from there"
        ) from None
    finally:
        pool.cancel(list(pending))
    return execution


def load(pool: Pool, networks: Networks) -> Components:
    """Load every derainer and model in the workers, which keep them, and say what they are.

    Raises:
        BenchError: If a model cannot be loaded, or a worker dies of it.
    """

    def attempt(some: Networks) -> Components | Died:
        found: Components | Died = pool.everywhere(load_components, some, pool.settings)
        return found

    return load_blaming(networks, attempt, pool.settings.timeout)


def forecast(pool: Pool, plan: Plan, works: Sequence[Work]) -> Forecast:
    """Run one scene of each variant, store nothing, and scale to the whole plan.

    Raises:
        BenchError: If a worker dies.
    """
    total, memory = 0.0, 0
    for index, variant in enumerate(plan.outline.variants):
        shard = next((shard for shard in plan.shards if shard.variant == index), None)
        if shard is None:
            continue
        one = replace(works[index], settings=pool.settings).of(shard.scenes[:1])
        found = result_of(pool, measure_work, one)
        if isinstance(found, Died):
            late = [unit.given_up(pool.settings.timeout) for unit in found.overdue]
            raise BenchError(
                late[0] if late else f"a worker died while it looked at one scene: {found.advice}"
            )
        seconds, held = found
        total += seconds / plan.images_of(variant, one.scenes) * plan.images_of(variant)
        memory = max(memory, held)
    return Forecast(total / min(pool.workers, max(1, len(plan.shards))), pool.workers, memory)

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.engine.plan import Components, Outline, Plan
from bench.engine.scheduler import Execution, Forecast, Progress
from bench.engine.work import Job, Settings, cut_jobs
from bench.engine.worker import load_components, run_shard
from bench.images import write_image
from bench.seeds import rng_from


class InlineEngine:
    """Runs shards in the test's own process: no time goes into starting workers, and monkeypatches reach the work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def components(self, outline: Outline) -> Components:
        return load_components(outline, self.settings)

    def execute(self, plan: Plan, jobs: Sequence[Job], progress: Progress) -> Execution:
        execution = Execution()
        for job, shard in zip(cut_jobs(jobs, plan.shards), plan.shards, strict=True):
            execution.add(run_shard(job, shard, wait=True))
        return execution

    def forecast(self, plan: Plan, jobs: Sequence[Job]) -> Forecast:
        raise NotImplementedError

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def inline() -> type[InlineEngine]:
    return InlineEngine


@pytest.fixture(scope="session")
def write_pairs() -> Callable[..., Path]:
    """Write small pairs, 000 to 00N, that depend on ``kind``."""

    def write(folder: Path, count: int = 6, kind: str = "pairs") -> Path:
        for name in ("rain", "norain"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            rng = rng_from(kind, index)
            clean = np.kron(rng.integers(40, 200, (6, 8, 3)).astype(np.uint8), np.ones((6, 6, 1), np.uint8))
            rainy = clean.copy()
            rainy[:, rng.integers(0, 48, 10)] = 255
            rainy[0, 0] = index
            write_image(folder / "norain" / f"{index:03}.png", clean)
            write_image(folder / "rain" / f"{index:03}.png", rainy)
        return folder

    return write

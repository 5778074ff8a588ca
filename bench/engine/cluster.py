"""A Ray cluster as a pool: one that is there already, or a local one started for the run.

Ray queues, places, retries and moves objects; nothing of that is done here. Work is sent as paths and names; a worker
loads the networks from their files and keeps them.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.device import resolve_device
from bench.engine.pool import Died, result_of
from bench.engine.process import initialise
from bench.engine.work import Settings, Work
from bench.errors import BadConfig, BenchError, MissingDependency

#: How often Ray starts work again whose worker died.
_RETRIES = 3
#: Work that Ray knows of at a time: enough for any cluster, and for an autoscaler to see that more nodes would help.
_SUBMITTED = 512


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster.

    Attributes:
        address: See :func:`connect`.
    """

    address: str | None = None

    def resolve_device(self, device: str) -> str:
        """Return what ``--device`` comes to on the cluster, which may have GPUs where this machine has none.

        Raises:
            BadConfig: If a certain GPU is asked for, which is Ray's to choose, or the cluster has none.
        """
        if device == "cpu":
            return device
        if device not in ("auto", "cuda"):
            if device.startswith("cuda:"):
                raise BadConfig(f"--device {device}: Ray hands the GPUs out; write --device cuda")
            return resolve_device(device)
        connect(self.address)
        import ray

        has = ray.cluster_resources().get("GPU", 0) > 0
        if device == "cuda" and not has:
            raise BadConfig(
                "--device cuda: the Ray cluster has no GPU; use --device cpu, or add a node that has"
            )
        return "cuda" if has else "cpu"

    def open(self, settings: Settings) -> RayPool:
        """Return the pool.

        Raises:
            MissingDependency: If Ray is not installed.
            BenchError: If the cluster cannot be reached.
        """
        connect(self.address)
        return RayPool(settings)


class RayPool:
    """See :class:`bench.engine.pool.Pool`; work takes one core, and a GPU where networks run on one."""

    depth = _SUBMITTED

    def __init__(self, settings: Settings) -> None:
        import ray

        self._ray = ray
        self.settings = settings
        self._gpus = 1.0 if settings.device.startswith("cuda") else 0.0
        slots = ray.cluster_resources().get("GPU" if self._gpus else "CPU", 1.0)
        self.workers = max(1, int(slots))
        self._remote = ray.remote(
            num_cpus=1.0,
            num_gpus=self._gpus,
            max_retries=_RETRIES,
            # A mistake of the user's would only be made again.
            retry_exceptions=False,
        )(_call)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See :class:`bench.engine.pool.Pool`."""
        # A path must mean the same on every node.
        sent = tuple(replace(a, store=a.store.resolve()) if isinstance(a, Work) else a for a in arguments)
        return self._remote.remote(function, sent, os.getcwd(), self.settings.timeout)

    def wait(self, handles: Sequence[Any]) -> dict[Any, Any]:
        """See :class:`bench.engine.pool.Pool`; Ray says which work a worker died of."""
        ready, _ = self._ray.wait(list(handles), num_returns=1)
        return {handle: self._result(handle) for handle in ready}

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See :class:`bench.engine.pool.Pool`; which workers there will be is Ray's to say, so one does it."""
        return result_of(self, function, *arguments)

    def cancel(self, handles: Sequence[Any]) -> None:
        """See :class:`bench.engine.pool.Pool`."""
        for handle in handles:
            self._ray.cancel(handle, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started for this run ends."""
        global _connected
        if _connected:
            self._ray.shutdown()
            _connected = False

    def _result(self, handle: Any) -> Any:
        try:
            return self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, BenchError) else error from None
        except self._ray.exceptions.RayError as error:
            limit = (
                f" (or it took longer than {self.settings.timeout:g} s: --timeout)"
                if self.settings.timeout
                else ""
            )
            return Died(f"Ray started it {_RETRIES + 1} times; {_first_line(error)}{limit}", certain=True)


#: Whether this module made the connection, and so has to end it.
_connected = False


def connect(address: str | None) -> None:
    """Connect to a cluster, unless this process is connected already.

    Args:
        address: ``auto``, ``HOST:PORT``, ``ray://...`` or ``local``; None takes what ``RAY_ADDRESS`` says, else the
            cluster that runs on this machine, else starts one for the run.

    Raises:
        MissingDependency: If Ray is not installed.
        BenchError: If the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise MissingDependency(
            "--engine ray needs Ray, which is not installed: pip install 'derain-bench[ray]'"
        ) from None
    global _connected
    if ray.is_initialized():
        return
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BenchError(
            f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}; check --address"
        ) from None
    _connected = True


def _call(function: Callable[..., Any], arguments: tuple[Any, ...], folder: str, timeout: float) -> Any:
    """Call a function in a Ray worker; the folder that the run was started in is what relative paths start from."""
    with contextlib.suppress(OSError):  # a node that does not share it; absolute paths may still do
        os.chdir(folder)
    initialise(1, (timeout, None), ignore_interrupts=False)
    return function(*arguments)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

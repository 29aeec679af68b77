"""The engine of a Ray cluster: the same work, on as many machines as there are.

Only text travels: the function's name and the item as JSON, the reply as JSON. Every machine must have konio
installed and see the same output folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from konio.engine.contract import Failure, Json, attempt, outcome
from konio.errors import UsageError


class RayEngine:
    """A Ray cluster.

    Args:
        address: as in ``ray.init``; by default what ``RAY_ADDRESS`` says, or a new cluster on this machine.
        workers: items at a time; by default as many as the cluster has room for.
        threads: cores that one item asks for.
        gpus: GPUs that one item asks for; by default one where the cluster has any.
        attempts: how often an item whose process or machine died is tried.

    Raises:
        UsageError: if Ray is not installed or the cluster cannot be reached.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        threads: int = 1,
        gpus: float | None = None,
        attempts: int = 2,
    ) -> None:
        # Nothing leaves the machine: Ray would report its use to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise UsageError(
                "the engine ray needs Ray, which is not installed; pip install 'konio[cluster]' or use --engine local"
            ) from error
        self._ray = ray
        self.threads, self.attempts = threads, attempts
        self._own = not ray.is_initialized()
        if self._own:
            _connect(ray, address)
        room = dict(ray.cluster_resources())  # type: ignore[no-untyped-call]
        self.gpus = float(gpus if gpus is not None else room.get("GPU", 0) > 0)
        by_cores = int(room.get("CPU", 1)) // threads
        by_gpus = int(room.get("GPU", 0) / self.gpus) if self.gpus else by_cores
        self.workers = workers if workers is not None else max(1, min(by_cores, by_gpus))

    def run(self, function: str, items: Sequence[Json]) -> Iterator[tuple[int, Any | Failure]]:
        """Results as they finish; see `konio.engine.Engine.run`."""
        ray = self._ray
        work = ray.remote(
            num_cpus=self.threads, num_gpus=self.gpus, max_retries=self.attempts - 1, max_calls=0
        )(order)
        waiting = iter(enumerate(items))
        running: dict[Any, int] = {}
        try:
            while True:
                for position, item in waiting:
                    running[work.remote(function, json.dumps(dict(item)))] = position
                    if len(running) >= self.workers:
                        break
                if not running:
                    return
                ready, _ = ray.wait(list(running), num_returns=1)
                yield running.pop(ready[0]), self._result(ready[0])
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster; one that this engine started ends."""
        if self._own and self._ray.is_initialized():
            self._ray.shutdown()

    def _result(self, reference: Any) -> Any | Failure:
        try:
            return outcome(json.loads(self._ray.get(reference)))
        except self._ray.exceptions.RayError as error:
            return Failure(
                f"its process died {self.attempts} times ({type(error).__name__}), for want of memory most likely; "
                "give it a machine with more",
                str(error),
                self.attempts,
            )


def order(function: str, item: str) -> str:
    """One item on a machine of the cluster: text in, text out."""
    return json.dumps(attempt(function, json.loads(item)))


def _connect(ray: Any, address: str | None) -> None:
    joins = address or os.environ.get("RAY_ADDRESS")
    try:
        ray.init(address=address, include_dashboard=None if joins else False, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"the Ray cluster at {address or 'this machine'} cannot be reached ({error}); check --address"
        ) from error

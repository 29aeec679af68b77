"""The engine of a Ray cluster: the same work, on as many machines as there are.

Only text travels: the function's name and the item as JSON, the reply as JSON. Every machine must have konio
installed and see the same output folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from konio.engine.contract import Failure, Json, attempt, outcome
from konio.errors import UsageError


class RayEngine:
    """A Ray cluster.

    Args:
        address: as in ``ray.init``; by default what ``RAY_ADDRESS`` says, or a new cluster on this machine.
        workers: items at a time; by default as many as the cluster has room for, also when machines join or leave.
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
        self.gpus = float(gpus if gpus is not None else self._room().get("GPU", 0) > 0)
        self._workers = workers
        # Made once: each remote function that is made is sent to the whole cluster and stays there.
        self._order = ray.remote(
            num_cpus=threads, num_gpus=self.gpus, max_retries=attempts - 1, max_calls=0
        )(order)

    @property
    def workers(self) -> int:
        """Items at a time."""
        if self._workers is not None:
            return self._workers
        room = self._room()
        by_cores = int(room.get("CPU", 1)) // self.threads
        by_gpus = int(room.get("GPU", 0) / self.gpus) if self.gpus else by_cores
        return max(1, min(by_cores, by_gpus))

    def _room(self) -> dict[str, float]:
        return dict(self._ray.cluster_resources())  # type: ignore[no-untyped-call]

    def run(self, function: str, items: Sequence[Json]) -> Iterator[tuple[int, Any | Failure]]:
        """Results as they finish; see `konio.engine.Engine.run`."""
        ray = self._ray
        waiting = iter(enumerate(items))
        running: dict[Any, int] = {}
        try:
            while True:
                for position, item in islice(waiting, max(0, self.workers - len(running))):
                    running[self._order.remote(function, json.dumps(dict(item)))] = position
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
                died=not isinstance(error, self._ray.exceptions.RayTaskError),
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

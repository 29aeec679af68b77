"""Where work runs: processes of this machine, or a Ray cluster.

Work is a function named ``module:name`` that takes one JSON document and gives one back, and a list of such
documents. Nothing else crosses from one process to another, so that no pickle is ever written by konio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from konio.engine.contract import Engine, Failure, Json, resolve
from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.engine.cluster import RayEngine
    from konio.engine.local import LocalEngine

__all__ = [
    "ENGINES",
    "Engine",
    "Failure",
    "Json",
    "LocalEngine",
    "RayEngine",
    "open_engine",
    "resolve",
]

_HOMES: Final = {"LocalEngine": "local", "RayEngine": "cluster"}

#: What ``--engine`` may say.
ENGINES: Final = ("local", "ray")


def open_engine(name: str, *, workers: int | None = None, address: str | None = None) -> Engine:
    """An engine by name.

    Args:
        name: one of `ENGINES`.
        workers: items at a time; by default as many as the machine or the cluster has room for.
        address: of the Ray cluster; by default the one of this machine's environment, or a new local one.

    Raises:
        UsageError: on an unknown name, or where Ray is wanted and not installed.
    """
    if name == "local":
        from konio.engine.local import LocalEngine

        return LocalEngine(workers)
    if name == "ray":
        from konio.engine.cluster import RayEngine

        return RayEngine(address, workers=workers)
    raise UsageError(f"engine {name!r} is unknown; use one of {', '.join(ENGINES)}")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'konio.engine' has no attribute {name!r}")
    return getattr(import_module(f"konio.engine.{_HOMES[name]}"), name)

"""Engines of commands: options that mean the same everywhere, and what does not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.engine import Engine

Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, as ray.init takes it; with --engine ray.")
]


def check_address(address: str | None, engine: str) -> None:
    """Refuse the address of a cluster that is not asked to do anything.

    Raises:
        UsageError: if there is an address and the engine is not ``ray``.
    """
    if address is not None and engine != "ray":
        raise UsageError("--address names a Ray cluster; give --engine ray with it")


def engine_of(engine: str, workers: int | None, address: str | None) -> Engine:
    """The engine that was asked for.

    Raises:
        UsageError: if it is unknown or does not fit its options.
    """
    from konio.engine import open_engine

    check_address(address, engine)
    return open_engine(engine, workers=workers, address=address)

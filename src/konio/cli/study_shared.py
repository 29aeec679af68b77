"""What the study commands share: options that mean the same everywhere, and who says how far a study is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.terminal import complain, duration
from konio.errors import UsageError

if TYPE_CHECKING:
    from konio.engine import Engine
    from konio.studies.runner import StudyProgress

#: Seconds between two lines about the same stage.
_PAUSE: Final = 5.0

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the study.")]
MaybeOut = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder of the study.  [required, but for --estimate]"
    ),
]
EngineName = Annotated[str, typer.Option(help="local: this machine; ray: a Ray cluster.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Trials at a time; as many as fit by default.")
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster, as ray.init takes it; with --engine ray.")
]
Estimating = Annotated[
    bool, typer.Option("--estimate", help="Only measure some steps and say how long it takes.")
]
ReportOnly = Annotated[
    bool, typer.Option("--report-only", help="Only write the page of what is finished.")
]


def folder_of(out: Path | None) -> Path:
    """The study's folder.

    Raises:
        UsageError: if none was named.
    """
    if out is None:
        raise UsageError("the study needs a folder for what it makes; give --out DIR")
    return out


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


class Speaker:
    """Says on standard error how far a study is; not too often."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    def films(self, stage: str, done: int, films: int, left: float | None) -> None:
        """How many films or nodules of a stage are done.

        Args:
            stage: its name.
            done: so many.
            films: of so many.
            left: seconds, or ``None`` if unknown.
        """
        if done < films and not self._due(stage):
            return
        rest = f", {duration(left)} left" if left and done < films else ""
        complain(f"{stage}: {done} of {films}{rest}")

    def trial(self, stage: str, now: StudyProgress) -> None:
        """How many trials of a stage are done; a failure is told at once.

        Args:
            stage: its name.
            now: how far it is.
        """
        if now.failure:
            complain(f"{stage}: {now.last} failed: {now.failure}")
        ended = now.done + now.failed == now.trials
        if not ended and not self._due(stage):
            return
        parts = [f"{stage}: {now.done} of {now.trials} trials"]
        parts += [f"{now.failed} failed"] if now.failed else []
        if now.seconds_left is not None and not ended:
            parts.append(f"{duration(now.seconds_left)} left")
        if now.best is not None:
            parts.append(f"best so far {now.best[0]} ({now.best[1]:.3f})")
        complain(", ".join(parts))

    def _due(self, stage: str) -> bool:
        now = time.monotonic()
        if now - self.told.get(stage, -_PAUSE) < _PAUSE:
            return False
        self.told[stage] = now
        return True

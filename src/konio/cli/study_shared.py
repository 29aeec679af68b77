"""What the study commands share: options that mean the same everywhere, and who says how far a study is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.terminal import complain, duration
from konio.errors import UsageError

if TYPE_CHECKING:
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

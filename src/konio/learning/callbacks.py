"""What happens beside a training step: the state is saved, somebody is told how far it is, Ctrl-C is heeded."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import Checkpoint

from konio.learning.module import TrainingModule


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a run is.

    Args:
        step: steps done.
        steps: of the whole run.
        epoch: the epoch in progress, from 1.
        epochs: of the whole run.
        size: side of what the network sees now.
        loss: of the last step.
        films_per_second: since this start.
        seconds_left: by the pixels still to be seen.
        scores: of the last look at the held-out films.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    size: int
    loss: float
    films_per_second: float
    seconds_left: float
    scores: dict[str, float] = field(default_factory=dict)


def _ours(module: lightning.LightningModule) -> TrainingModule:
    if not isinstance(module, TrainingModule):
        raise TypeError(f"these callbacks belong to a TrainingModule, got {type(module).__name__}")
    return module


class StopSignal:
    """Set by Ctrl-C or a polite kill; the step in progress is finished, then the state is saved."""

    def __init__(self) -> None:
        self.given = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.given:
            raise KeyboardInterrupt
        self.given = True

    def listen(self) -> None:
        """Hear SIGINT and SIGTERM, and nobody else with us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Listen to SIGINT and SIGTERM; a second one interrupts at once. Only the main thread can listen."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class StateKeeper(Checkpoint):
    """Saves the run every so many steps, after every epoch, and when it is asked to stop.

    It is one of Lightning's checkpoint callbacks so that it comes after the module at the end of an epoch.

    Args:
        path: the state's file.
        every: steps between two saves.
        stop: looked at after every step.
    """

    def __init__(self, path: Path, every: int, stop: StopSignal) -> None:
        self.path = path
        self.every = every
        self.stop = stop

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lightning's own ear for SIGTERM ends a run with an exception, before anything is saved."""
        if threading.current_thread() is threading.main_thread():
            self.stop.listen()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save between epochs' ends, and pass a wish to stop on: all processes stop after the same step."""
        if self._asked_to_stop(trainer):
            trainer.should_stop = True
            return
        module = _ours(pl_module)
        step = module.step
        ended = step >= module.run.timetable.leg_at(step - 1).end
        # The end of an epoch is saved after the look at the held-out films, never before.
        if step % self.every == 0 and not ended:
            trainer.save_checkpoint(self.path)

    def _asked_to_stop(self, trainer: lightning.Trainer) -> bool:
        """Whether any of the processes was; one that stopped alone would leave the others waiting for its gradients."""
        if trainer.world_size == 1:
            return self.stop.given
        return bool(trainer.strategy.reduce_boolean_decision(self.stop.given, all=False))

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Save after an epoch, or in its middle when stopped."""
        trainer.save_checkpoint(self.path)


class ProgressTeller(lightning.Callback):
    """Tells how far the run is, at most once in ``pause`` seconds.

    Args:
        tell: called with a `TrainingProgress`.
        pause: seconds between two calls.
    """

    def __init__(self, tell: Callable[[TrainingProgress], None], pause: float = 1.0) -> None:
        self.tell = tell
        self.pause = pause
        self.begun = self.told = 0.0
        self.first = 0

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock."""
        self.begun = time.monotonic()
        self.first = _ours(pl_module).step

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Tell now and then."""
        now = time.monotonic()
        if now - self.told < self.pause and self.told:
            return
        self.told = now
        self.tell(self._progress(_ours(pl_module), float(outputs["loss"])))

    def _progress(self, module: TrainingModule, loss: float) -> TrainingProgress:
        table = module.run.timetable
        took = time.monotonic() - self.begun
        leg = table.leg_at(module.step - 1)
        left = table.pixels_left(module.step)
        seen = table.pixels_left(self.first) - left
        films = sum(
            (min(done.end, module.step) - max(done.first, self.first)) * done.phase.batch
            for done in table.remaining(self.first)
            if done.first < module.step
        )
        return TrainingProgress(
            step=module.step,
            steps=table.steps,
            epoch=leg.number + 1,
            epochs=len(table.legs),
            size=module.run.recipe.seen_side(leg.phase),
            loss=loss,
            films_per_second=films / took,
            seconds_left=took / seen * left,
            scores=module.scores,
        )

"""One run of Lightning, from its first step or from where it was stopped."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from konio.errors import RecipeError
from konio.learning.callbacks import ProgressTeller, StateKeeper, StopSignal, TrainingProgress
from konio.learning.checkpoint import STATE, SafetensorsIO
from konio.learning.module import Run, TrainingModule
from konio.learning.recipe import Recipe
from konio.learning.recipe_run import TrainerTable
from konio.networks.precision import fastest_dtype

#: Steps between two lines of the logs, where an epoch has that many.
_LOG_STEPS = 10
#: Remarks of Lightning about devices, products and its own code are not this run's progress.
_REMARKS = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
_WARNINGS = (r"`isinstance\(treespec, LeafSpec\)`", r"`weights_only` was not set")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a run.

    Args:
        network: the network to ship, on the CPU, in evaluation mode.
        step: steps done.
        finished: whether those were all.
        scores: of the last look at the held-out films.
        precision: arithmetic of the training.
    """

    network: nn.Module
    step: int
    finished: bool
    scores: dict[str, float]
    precision: str


def fit(
    run: Run,
    network: nn.Module,
    out: Path,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Fitted:
    """Train; where ``out`` holds the state of a run, go on from it.

    Args:
        run: what to do.
        network: with its first weights; trained in place.
        out: folder of state and logs.
        progress: told how far it is.

    Returns:
        The trained network; after Ctrl-C, as it was when the state was saved.
    """
    with _without_remarks():
        return _fit(run, network, out, progress)


def _fit(
    run: Run, network: nn.Module, out: Path, progress: Callable[[TrainingProgress], None] | None
) -> Fitted:
    state = out / STATE
    module = TrainingModule(run, network)
    if state.exists():
        module.take_up(SafetensorsIO().load_checkpoint(state))
    legs = run.timetable.remaining(module.step)
    trainer_table = run.recipe.trainer
    stop = StopSignal()
    precision = "float32"
    if legs:
        callbacks: list[Any] = [StateKeeper(state, trainer_table.checkpoint_steps, stop)]
        if progress is not None and first_process():
            callbacks.append(ProgressTeller(progress))
        trainer = lightning.Trainer(
            accelerator=trainer_table.accelerator,
            devices=_devices(run.recipe),
            strategy=_strategy(run.recipe),
            precision=_lightning_precision(run.recipe),
            max_epochs=len(legs),
            min_epochs=0,
            reload_dataloaders_every_n_epochs=1,
            callbacks=callbacks,
            plugins=[SafetensorsIO()],
            logger=_loggers(out, module.step),
            log_every_n_steps=_LOG_STEPS if legs[0].end - module.step >= _LOG_STEPS else 1,
            enable_checkpointing=True,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        _refuse_uneven(run.recipe, trainer.world_size)
        with stop.heeded():
            trainer.fit(module)
        precision = str(trainer.precision)
    return Fitted(
        network=module.answering.cpu().eval(),
        step=module.step,
        finished=module.step >= run.timetable.steps,
        scores=module.scores,
        precision=precision,
    )


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _REMARKS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _lightning_precision(recipe: Recipe) -> Any:
    wanted = recipe.trainer.precision
    if wanted == "auto":
        gpu = recipe.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
        fast = fastest_dtype("cuda" if gpu else "cpu")
        wanted = "bfloat16" if fast == torch.bfloat16 else "float32"
    return {"bfloat16": "bf16-mixed", "float32": "32-true"}[wanted]


def _devices(recipe: Recipe) -> int | str:
    """Lightning's ``auto`` takes every GPU but one processor."""
    return recipe.trainer.devices


def _strategy(recipe: Recipe) -> str:
    """Several devices wait for one another's gradients; a head without a label in the batch has none."""
    if recipe.trainer.strategy == "auto" and _several(recipe.trainer):
        return "ddp_find_unused_parameters_true"
    return recipe.trainer.strategy


def _several(table: TrainerTable) -> bool:
    """Whether Lightning is going to take more than one device."""
    wanted = str(table.devices)
    if wanted in ("auto", "-1"):
        return table.accelerator in ("auto", "gpu", "cuda") and torch.cuda.device_count() > 1
    listed = [part for part in wanted.split(",") if part.strip()]
    return len(listed) > 1 or (isinstance(table.devices, int) and table.devices > 1)


def first_process() -> bool:
    """Whether this is the process that was started, not one that Lightning started beside it for a further device."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def _loggers(out: Path, step: int) -> list[Any]:
    """TensorBoard and CSV; each start of a run writes a folder of its own.

    A start that was killed before it saved anything is begun again from the same step: its log goes.
    """
    version = f"from-step-{step:07d}"
    if first_process():
        shutil.rmtree(out / "logs" / version, ignore_errors=True)
    return [
        TensorBoardLogger(out, name="logs", version=f"{version}/tensorboard"),
        CSVLogger(out, name="logs", version=f"{version}/csv", flush_logs_every_n_steps=_LOG_STEPS),
    ]


def _refuse_uneven(recipe: Recipe, world: int) -> None:
    uneven = [phase.batch for phase in recipe.phases if phase.batch % world]
    if uneven:
        raise RecipeError(
            f"a batch of {uneven[0]} cannot be shared evenly by {world} devices; choose a multiple of {world}"
        )

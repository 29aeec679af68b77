"""Training of the lung network by a recipe: made-up patients, real pairs, and pictures without lungs.

The films are prepared once and kept as bytes. Every step draws its films and their changes from a generator seeded by
(seed, step), so a stopped training that goes on from its last checkpoint ends in the same weights.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from konio.errors import CohortError, RecipeError
from konio.learning.lungs_cohort import LungFilms
from konio.learning.lungs_films import apply_change, draw_change, no_lungs
from konio.networks.precision import fastest_dtype
from konio.networks.unet import LungUNet, UNetPlan, channels_last

Progress = Callable[[int, int, float], None]

#: File of a checkpoint: weights, optimizer and the step, in one file so that they never part.
CHECKPOINT = "checkpoint.safetensors"


class LungRecipe(BaseModel):
    """One training run of the lung network; the document is ``recipes/lungs.toml``.

    Args:
        widths: channels of the U-Net's levels.
        phantoms: made-up patients to draw.
        phantom_size: pixels a side at which they are drawn.
        warm_up_steps: steps on made-up patients alone.
        steps: steps on made-up patients and real pairs.
        batch: films a step.
        real_share: part of a batch that is real pairs, after the warm-up.
        no_lungs_share: part of a batch without lungs.
        learning_rate: peak of AdamW's learning rate; it rises over the first tenth and falls as a cosine.
        weight_decay: of AdamW.
        checkpoint_every: steps between checkpoints.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    widths: tuple[int, ...] = (16, 32, 64, 96, 128)
    phantoms: int = Field(480, ge=0)
    phantom_size: int = Field(384, ge=128)
    warm_up_steps: int = Field(200, ge=0)
    steps: int = Field(320, ge=1)
    batch: int = Field(16, ge=1)
    real_share: float = Field(0.5, ge=0, le=1)
    no_lungs_share: float = Field(0.1, ge=0, lt=1)
    learning_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    checkpoint_every: int = Field(100, ge=1)

    @classmethod
    def read(cls, path: Path) -> LungRecipe:
        """Read a recipe.

        Raises:
            RecipeError: if the file is no TOML or does not say what it must.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise RecipeError(f"the lung recipe {path} cannot be used: {error}") from error


@dataclass(frozen=True, slots=True)
class LungTraining:
    """What a training run is given.

    Args:
        recipe: how to train.
        phantoms: made-up patients; may be empty.
        real: real pairs; may be empty if there are phantoms.
        seed: of weights, films and changes.

    Raises:
        CohortError: if there is nothing to learn from.
    """

    recipe: LungRecipe
    phantoms: LungFilms
    real: LungFilms
    seed: int

    def __post_init__(self) -> None:
        if not len(self.phantoms) + len(self.real):
            raise CohortError("there is no film to learn from; give made-up patients or real pairs")

    @property
    def total(self) -> int:
        """Steps of both phases."""
        return self.recipe.warm_up_steps + self.recipe.steps

    def fingerprint(self) -> str:
        """SHA-256 over everything that decides the weights; a checkpoint goes on only under the same one."""
        digest = hashlib.sha256(f"{self.recipe.model_dump_json()} {self.seed}".encode())
        for part in (self.phantoms, self.real):
            digest.update(part.films.tobytes())
            digest.update(part.sides.tobytes())
        return digest.hexdigest()

    def warm_up(self) -> LungTraining:
        """The same run without the real pairs; its first phase is this one's, to the bit."""
        nothing = self.real.subset(())
        return LungTraining(self.recipe, self.phantoms, nothing, self.seed)


def draw_batch(training: LungTraining, step: int) -> tuple[Tensor, Tensor]:
    """The films of one step, changed, with their masks.

    Args:
        training: recipe, films and seed.
        step: which step, from 0.

    Returns:
        Films ``(B, 1, S, S)`` in -1..1 and masks ``(B, 2, S, S)`` in 0..1.
    """
    rng = np.random.default_rng((training.seed, step))
    drawn = [_draw_film(training, step, rng) for _ in range(training.recipe.batch)]
    films = torch.stack([film for film, _ in drawn])[:, None]
    return films * 2 - 1, torch.stack([masks for _, masks in drawn])


def _draw_film(
    training: LungTraining, step: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    recipe = training.recipe
    warming = step < recipe.warm_up_steps and len(training.phantoms) > 0
    real = not warming and rng.random() < recipe.real_share
    source = (
        training.real
        if (real and len(training.real)) or not len(training.phantoms)
        else training.phantoms
    )
    which = int(rng.integers(len(source)))
    film = source.films[which].astype(np.float32) / 255
    sides = source.sides[which]
    change = draw_change(rng)
    if rng.random() < recipe.no_lungs_share:
        film, sides = np.ascontiguousarray(no_lungs(film, rng)), np.zeros_like(sides)
    return apply_change(film, sides, change)


def lung_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Binary cross-entropy plus one minus the soft Dice of each lung over the batch (Milletari et al. 2016).

    Args:
        logits: ``(B, 2, S, S)``.
        masks: ``(B, 2, S, S)`` in 0..1.
    """
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, masks)
    found = logits.sigmoid()
    shared = (found * masks).sum(dim=(0, 2, 3))
    dice = (2 * shared + 1) / (found.sum(dim=(0, 2, 3)) + masks.sum(dim=(0, 2, 3)) + 1)
    return entropy + (1 - dice).mean()


def learning_rate_at(recipe: LungRecipe, step: int, total: int) -> float:
    """Linear rise over the first tenth, then a cosine to a hundredth of the peak."""
    rise = max(1, total // 10)
    if step < rise:
        return recipe.learning_rate * (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def train_lungs(
    training: LungTraining,
    out: Path,
    *,
    resume: bool = False,
    start: LungUNet | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
) -> LungUNet:
    """Train a lung network.

    Args:
        training: recipe, films, seed.
        out: folder of the checkpoint.
        resume: go on from the checkpoint in ``out`` if there is one.
        start: weights after the warm-up (from `LungTraining.warm_up` with the same seed); skips that phase. The
            optimizer starts afresh with the second phase in either case.
        progress: called with step, number of steps and loss.
        stop_after: leave after this many steps with a checkpoint, as an interruption would.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        RecipeError: if the checkpoint belongs to another training.
    """
    run = _Run.begin(training, start)
    if resume and (out / CHECKPOINT).exists():
        run.restore(out / CHECKPOINT)
    first = run.step
    for step in run.steps_left():
        loss = run.learn(step)
        if progress is not None:
            progress(step + 1, training.total, loss)
        done = step + 1
        stopping = stop_after is not None and done - first >= stop_after
        if stopping or done % training.recipe.checkpoint_every == 0 or done == training.total:
            run.keep(out)
        if stopping:
            break
    return run.network.eval()


@dataclass(slots=True)
class _Run:
    """A training on its way: network, optimizer and the next step."""

    training: LungTraining
    network: LungUNet
    optimizer: torch.optim.AdamW
    step: int

    @classmethod
    def begin(cls, training: LungTraining, start: LungUNet | None) -> _Run:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            network = LungUNet(UNetPlan(training.recipe.widths))
        if start is not None:
            network.load_state_dict(start.state_dict())
        channels_last(network).train()
        step = 0 if start is None else training.recipe.warm_up_steps
        return cls(training, network, _optimizer(network, training.recipe), step)

    def steps_left(self) -> Iterator[int]:
        return iter(range(self.step, self.training.total))

    def learn(self, step: int) -> float:
        recipe = self.training.recipe
        second = step >= recipe.warm_up_steps
        if step == recipe.warm_up_steps:
            self.optimizer = _optimizer(self.network, recipe)
        begun, steps = (
            (step - recipe.warm_up_steps, recipe.steps) if second else (step, recipe.warm_up_steps)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(recipe, begun, steps)
        films, masks = draw_batch(self.training, step)
        films = films.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=fastest_dtype() == torch.bfloat16):
            logits = self.network(films)
        loss = lung_loss(logits.float(), masks)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step = step + 1
        return float(loss.detach())

    def keep(self, out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        moments = {
            f"optimizer.{index}.{name}": value
            for index, state in self.optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        weights = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors = {k: v.contiguous().clone() for k, v in {**weights, **moments}.items()}
        state = {"step": self.step, "training": self.training.fingerprint()}
        part = out / f"{CHECKPOINT}.part"
        save_file(tensors, part, metadata={"state": json.dumps(state)})
        part.replace(out / CHECKPOINT)

    def restore(self, checkpoint: Path) -> None:
        with safe_open(checkpoint, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
        if state["training"] != self.training.fingerprint():
            raise RecipeError(
                f"the checkpoint {checkpoint} belongs to another recipe, seed or set of films; "
                "train into an empty folder"
            )
        tensors = load_file(checkpoint)
        self.network.load_state_dict(
            {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        )
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.step = int(state["step"])


def _optimizer(network: LungUNet, recipe: LungRecipe) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )

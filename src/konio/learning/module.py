"""The training module that Lightning runs.

Dropout is seeded by (seed, step, device) and the learning rate is read from the timetable, so the state of a run
is its weights, the optimiser's moments, the running mean of the weights, the plateau and the step; no more.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import lightning.pytorch as lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from konio.learning.batches import Batch, Examples, LegLoader, Shard
from konio.learning.look import look
from konio.learning.objective import Objective
from konio.learning.recipe import Recipe
from konio.learning.timetable import Leg, Plateau, Timetable
from konio.networks.balancing import Balance

#: Learning rate of what weighs the questions, as a multiple of the network's.
BALANCE_PACE: Final = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Everything a training run is given.

    Args:
        recipe: what to do.
        timetable: when.
        train: films to learn from.
        held_out: films to look at; may be empty.
        objective: what is learned.
        balance: what weighs the questions and learns with the network, if anything does; its state is kept.
    """

    recipe: Recipe
    timetable: Timetable
    train: Examples
    held_out: Examples
    objective: Objective
    balance: Balance | None = None


class TrainingModule(lightning.LightningModule):
    """Network, optimiser and running mean of one run.

    Args:
        run: what it is given.
        network: to train; moved to channels-last.

    Attributes:
        step: steps done over the whole run, across restarts.
        loss_sum: ``(2,)`` sum and number of the training losses of this epoch.
        scores: what the last look at the held-out films found.
    """

    def __init__(self, run: Run, network: nn.Module) -> None:
        super().__init__()
        self.loss_sum: Tensor
        self.run = run
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decay = run.recipe.trainer.ema
        self.mean = (
            AveragedModel(network, multi_avg_fn=_running_mean(decay), use_buffers=True)
            if decay
            else None
        )
        if self.mean is not None:
            self.mean.requires_grad_(requires_grad=False)
        self.register_buffer("loss_sum", torch.zeros(2))
        self.balance = run.balance
        self.step = 0
        self.scores: dict[str, float] = {}
        self.optimizer_state: dict[str, Any] | None = None
        schedule = run.recipe.schedule
        self.plateau = Plateau(schedule.factor, schedule.patience)

    @property
    def answering(self) -> nn.Module:
        """The network that is looked at and shipped: the running mean where there is one."""
        return self.network if self.mean is None else self.mean.module

    @property
    def leg(self) -> Leg:
        """The epoch in progress, the last one when all are done."""
        return self.run.timetable.leg_at(min(self.step, self.run.timetable.steps - 1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, AdamW or SGD, fused."""
        table = self.run.recipe.optimizer
        if table.name == "sgd":
            return torch.optim.SGD(
                self._learning(),
                lr=table.lr,
                momentum=table.momentum,
                weight_decay=table.weight_decay,
                fused=True,
            )
        kind = torch.optim.Adam if table.name == "adam" else torch.optim.AdamW
        return kind(self._learning(), lr=table.lr, weight_decay=table.weight_decay, fused=True)

    def _learning(self) -> list[dict[str, Any]]:
        """The network's weights, and what a balance learns beside it at a pace of its own and without decay."""
        groups: list[dict[str, Any]] = [{"params": list(self.network.parameters())}]
        beside = [] if self.balance is None else list(self.balance.parameters())
        if beside:
            groups.append({"params": beside, "weight_decay": 0.0, "pace": BALANCE_PACE})
        return groups

    def on_train_start(self) -> None:
        """Put the optimiser of a resumed run back where it was."""
        if self.optimizer_state is None:
            return
        optimizer = self.trainer.optimizers[0]
        optimizer.load_state_dict(self.optimizer_state)
        self.optimizer_state = None
        for parameter, state in optimizer.state.items():
            for name, value in state.items():
                # The fused step walks memory in order: moments must lie as their weights do.
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter).copy_(value)

    def train_dataloader(self) -> LegLoader:
        """What is left of the epoch in progress; Lightning asks anew for every epoch."""
        run = self.run
        shard = self._shard()
        return LegLoader(run.train, run.timetable, self.leg, self.step, run.recipe.augment, shard)

    def on_train_epoch_start(self) -> None:
        """Begin a phase from the running mean, and freeze the backbone where only heads learn."""
        leg = self.leg
        if self.mean is not None and 0 < self.step == leg.phase_steps[0]:
            self.network.load_state_dict(self.mean.module.state_dict())
            # Counting anew makes the mean forget quickly what a head was before it had labels.
            self.mean.n_averaged.zero_()
        backbone = self.network.get_submodule("backbone")
        backbone.requires_grad_(requires_grad=not leg.phase.heads)
        backbone.train(not leg.phase.heads)
        if leg.phase.statistics == "running":
            for part in backbone.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One step: learning rate from the timetable, dropout from the step."""
        phase = self.leg.phase
        table = self.run.recipe.optimizer
        for group in self.trainer.optimizers[0].param_groups:
            pace = group.get("pace", 1.0)
            group["lr"] = pace * table.lr * self.run.timetable.rate(self.step) * self.plateau.scale
        seen = self.run.train.view(batch, phase.size)
        image = seen.image.contiguous(memory_format=torch.channels_last)
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self._dropout_seed())
            cost = self.run.objective.cost(
                self.network,
                dataclasses.replace(seen, image=image),
                batch["labels"],
                batch["has_lesions"],
                windowed=phase.side > phase.size,
            )
        self.loss_sum += torch.stack((cost.total.detach(), torch.ones_like(cost.total)))
        logged = {f"train/{name}": part.detach() for name, part in cost.parts.items()}
        logged["train/loss"] = cost.total.detach()
        # Lightning counts steps of this start; the logs count those of the whole run.
        logged["step"] = torch.tensor(float(self.step))
        self.log_dict(logged, batch_size=len(image))
        return cost.total

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Clip the norm of the whole gradient, if the recipe says so."""
        if self.run.recipe.optimizer.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.run.recipe.optimizer.clip)

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """Step, count it and move the running mean, before any callback may save the state."""
        super().optimizer_step(*arguments, **options)
        self.step += 1
        if self.mean is not None:
            self.mean.update_parameters(self.network)

    def on_train_epoch_end(self) -> None:
        """Look at the held-out films when it is time, and let the plateau decide."""
        done = self.run.timetable.leg_at(self.step - 1)
        last = self.step >= self.run.timetable.steps
        due = last or (done.number + 1) % self.run.recipe.validation.every == 0
        if self.step < done.end:
            return
        if self.balance is not None:
            self.balance.end_epoch()
        loss = self._mean_loss()
        if not due:
            return
        if len(self.run.held_out):
            logits = self.look(self.run.held_out, done.phase.side)
            self.scores = self.run.objective.judge(logits, self.run.held_out.labels)
            logged = {f"validation/{name}": value for name, value in self.scores.items()}
            self.log_dict(logged | {"step": float(self.step)}, rank_zero_only=True)
        if self.run.recipe.schedule.kind == "plateau":
            self.plateau.look(self.scores.get("loss", loss))

    def look(self, films: Examples, side: int) -> NDArray[np.float32]:
        """Answers to some films.

        Args:
            films: to look at.
            side: at which size.

        Returns:
            ``(n, outputs)`` logits, in the order of the films, on every device.
        """
        network = self.answering
        was_training = network.training
        network.eval()
        self._share_statistics(network)
        answers = look(
            network,
            films,
            side,
            self.run.objective,
            device=self.device,
            shard=self._shard(),
            arithmetic=self.trainer.precision_plugin.forward_context,
        )
        network.train(was_training)
        # Each device filled in its own rows.
        answers = self.trainer.strategy.reduce(answers, reduce_op="sum")
        return np.asarray(answers.cpu().numpy(), np.float32)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what Lightning does not know of."""
        checkpoint["konio"] = {
            "step": self.step,
            "scores": dict(self.scores),
            "plateau": {
                "best": self.plateau.best,
                "waited": self.plateau.waited,
                "scale": self.plateau.scale,
            },
        }

    def take_up(self, checkpoint: dict[str, Any]) -> None:
        """Go on from a saved state.

        Args:
            checkpoint: from `konio.learning.checkpoint.SafetensorsIO`.
        """
        own = checkpoint["konio"]
        self.load_state_dict(checkpoint["state_dict"])
        self.optimizer_state = checkpoint["optimizer_states"][0]
        self.step = own["step"]
        self.scores = own["scores"]
        for name, value in own["plateau"].items():
            setattr(self.plateau, name, value)

    def _shard(self) -> Shard:
        return Shard(self.trainer.global_rank, self.trainer.world_size)

    def _share_statistics(self, network: nn.Module) -> None:
        """Means and variances of batches are each device's own; the first one's are saved, so that all answer with them."""
        if self.trainer.world_size > 1:
            for buffer in network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def _dropout_seed(self) -> int:
        key = [self.run.recipe.seed, self.step, self.trainer.global_rank, 2]
        return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)

    def _mean_loss(self) -> float:
        """Mean training loss since it was asked for last, over all devices."""
        total, count = self.trainer.strategy.reduce(self.loss_sum, reduce_op="sum").tolist()
        self.loss_sum.zero_()
        return float(total / max(count, 1))


def _running_mean(decay: float) -> Any:
    """Exponential mean of weights and statistics, quick at first: decay at most (1 + n) / (10 + n)."""

    def update(means: list[Tensor], weights: list[Tensor], count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        # Tensors come in groups of one type; counters of batches are the one that is not a number with a point.
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, weights, 1 - now)
        else:
            torch._foreach_copy_(means, weights)

    return update

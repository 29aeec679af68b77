"""What readers said as the table a run learns from, and the part of a recipe that describes a nodule network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from konio.errors import KonioError
from konio.tasks import NODULE_TASKS, TaskSet

if TYPE_CHECKING:
    from konio.networks.balancing import BalancePlan
    from konio.networks.nodule import NodulePlan
    from konio.networks.rated import RatedLoss
    from konio.nodules import Readings
    from konio.prepare.nodule import NodulePreparation


class NoduleTable(BaseModel):
    """What a run of the kind ``nodule`` trains.

    Args:
        tasks: names from `konio.tasks.NODULE_TASKS`.
        encoder: name of `konio.networks.nodule.ENCODERS`.
        grid: tiles to a side of the mosaic; with ``single``, patches to a side of the slice.
        patch: pixels to a side of a patch.
        single: one slice for each nodule instead of a cube.
        in_channels: 3 for published weights.
        position: ``grid``, ``depth`` or ``none``.
        hidden: width between the two layers of a head.
        dropout: between those two layers.
        side_mm: extent of the cube along z, y, x; one slice is as thick as ``side_mm[0]``.
        loss: ``squared`` (paper C, equation 3), ``classes`` or ``votes``.
        classes: 2 or 3 (below, at and above grade 3).
        discard_middle: learn a question only from nodules that have a class in it.
        balance: ``dwa`` (paper C, equations 4 and 5), ``equal``, ``gradnorm`` or ``uncertainty``.
        temperature: of ``dwa``.
        restoring: of ``gradnorm``.
        importance: question to a factor on its loss; 1 where not named.
        min_readers: nodules that fewer people read are left out.
        pretrained: published ViT (directory or name on the hub), a finished bundle, or the state of another run;
            empty for none. Directories are relative to the recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[str, ...] = NODULE_TASKS.names
    encoder: str = "vit-base"
    grid: Annotated[int, Field(ge=1)] = 7
    patch: Annotated[int, Field(ge=4)] = 32
    single: bool = False
    in_channels: Literal[1, 3] = 1
    position: Literal["grid", "depth", "none"] = "grid"
    hidden: Annotated[int, Field(ge=1)] = 128
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    side_mm: tuple[float, float, float] = (49.0, 32.0, 32.0)
    loss: Literal["squared", "classes", "votes"] = "squared"
    classes: Literal[2, 3] = 2
    discard_middle: bool = False
    balance: Literal["equal", "dwa", "gradnorm", "uncertainty"] = "dwa"
    temperature: Annotated[float, Field(gt=0)] = 2.0
    restoring: Annotated[float, Field(ge=0)] = 1.5
    importance: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    min_readers: Annotated[int, Field(ge=1)] = 3
    pretrained: str = ""

    @model_validator(mode="after")
    def _can_be_built(self) -> NoduleTable:
        strange = [name for name in self.importance if name not in self.tasks]
        if strange:
            raise ValueError(f"importance names {', '.join(strange)}, which is not in tasks")
        if len(set(self.tasks)) < len(self.tasks) or not self.tasks:
            raise ValueError(
                f"tasks must be different names, got {', '.join(self.tasks) or 'none'}"
            )
        try:
            self.plan()
        except KonioError as error:
            raise ValueError(str(error)) from error
        return self

    def plan(self) -> NodulePlan:
        """The network itself."""
        from konio.networks.nodule import NodulePlan

        return NodulePlan(
            tasks=self.tasks,
            encoder=self.encoder,
            grid=self.grid,
            patch=self.patch,
            single=self.single,
            in_channels=self.in_channels,
            position=self.position,
            hidden=self.hidden,
            dropout=self.dropout,
        )

    def preparation(self) -> NodulePreparation:
        """How cubes are cut for it."""
        from konio.prepare.nodule import NodulePreparation

        return NodulePreparation(self.plan().shape, self.side_mm)

    def rated_loss(self) -> RatedLoss:
        """The loss of each question."""
        from konio.networks.rated import RatedLoss

        return RatedLoss(self.loss, self.classes, self.discard_middle)

    def balance_plan(self) -> BalancePlan:
        """How the losses are joined."""
        from konio.networks.balancing import BalancePlan

        return BalancePlan(self.balance, self.temperature, self.restoring)


def votes_of(readings: Readings, tasks: TaskSet) -> dict[str, NDArray[np.float32]]:
    """Question to the share of the readers for each grade, ``(n, K)``; zeros where nobody rated."""
    import torch

    from konio.networks.rated import diameter_votes

    found = {}
    for task in tasks:
        if task.name == "diameter":
            found[task.name] = diameter_votes(torch.from_numpy(readings.diameters)).numpy()
            continue
        grades = readings.ratings(task.name)
        counts = (grades[:, :, None] == np.arange(1, len(task) + 1)).sum(axis=1)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        found[task.name] = np.asarray(counts / total, np.float32)
    return found


def classes_of(
    readings: Readings, tasks: TaskSet, classes: int = 2
) -> dict[str, NDArray[np.int64]]:
    """Question to class, ``(n,)``, by the rules of paper C; `konio.tasks.MISSING` in the middle.

    Calcification is absent or present (its codes carry no order) and the diameter below 8 mm or not, whatever the number
    of classes.

    Args:
        readings: the nodules.
        tasks: the questions.
        classes: 2 (below 2.75, above 3.25) or 3 (below, at and above 3).
    """
    from konio.nodules import labels

    found = {}
    for task in tasks:
        if task.name == "diameter":
            found[task.name] = labels.large(readings.diameters)
        elif not task.ordered:
            found[task.name] = labels.calcification(readings.ratings(task.name))
        elif classes == 2:
            found[task.name] = labels.two_classes(readings.mean(task.name))
        else:
            found[task.name] = labels.three_classes(readings.ratings(task.name))
    return found


def rated_table(readings: Readings, tasks: TaskSet, classes: int = 2) -> NDArray[np.float32]:
    """Votes of all questions side by side, then one class of each: ``(n, outputs + T)``."""
    votes = votes_of(readings, tasks)
    labels = classes_of(readings, tasks, classes)
    columns = [votes[name] for name in tasks.names]
    return np.concatenate(
        [*columns, np.stack([labels[name] for name in tasks.names], 1)], axis=1
    ).astype(np.float32)

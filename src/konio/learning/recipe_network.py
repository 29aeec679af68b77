"""The tables of a recipe that say what is trained and on which losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from konio.tasks import RADIOGRAPH_TASKS

if TYPE_CHECKING:
    from konio.networks.class_losses import ClassLossPlan
    from konio.networks.losses import LossPlan
    from konio.networks.plan import NetworkPlan
    from konio.prepare.crops import CropPlan

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Pooling = Literal["global", "zone", "lungs", "global+zones"]


class Table(BaseModel):
    """One table of a recipe: unknown keys are refused, values never change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkTable(Table):
    """What is trained.

    Args:
        backbone: name of the feature extractor.
        tasks: names from `konio.tasks.RADIOGRAPH_TASKS`, in the order of the bundle.
        hidden: width between the two fully connected layers of a head.
        dropout: between those two layers.
        pooling: of the questions about the whole film.
        zone_pooling: of the questions about one zone.
        shared_zone_head: one head answers for all six zones.
        auxiliary: also learn a map of lesions, where the cohort has lesion masks.
        deep: dense blocks, 1 to 3, whose own maps learn the lesions too, where the cohort has lesion masks.
        standardise: heads see pooled features less their mean over their standard deviation; part of their first
            layer in the finished bundle.
        in_channels: 3 keeps the first layer of published weights as it is.
        pretrained: file of weights to start from, relative to the recipe; empty for none. Published or
            pre-trained weights fill the backbone; the ``state.safetensors`` of another run of the same
            network, or a finished bundle of it, fills everything.
        first_filters: how the first layer begins without pre-trained weights: ``random`` as in the paper, or
            ``spots``, filters for spots, strands and edges (`konio.networks.filters`).
    """

    backbone: str = "densenet121"
    tasks: tuple[str, ...] = ("differential", "stage")
    hidden: Annotated[int, Field(ge=1)] = 512
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25
    pooling: Pooling = "global"
    zone_pooling: Pooling = "zone"
    shared_zone_head: bool = False
    auxiliary: bool = False
    deep: tuple[int, ...] = ()
    standardise: bool = False
    in_channels: Literal[1, 3] = 1
    pretrained: str = ""
    first_filters: Literal["random", "spots"] = "random"

    @model_validator(mode="after")
    def _known_tasks(self) -> NetworkTable:
        unknown = [name for name in self.tasks if name not in RADIOGRAPH_TASKS]
        if unknown or not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise ValueError(
                f"tasks must be different names of {', '.join(RADIOGRAPH_TASKS.names)}, "
                f"got {', '.join(self.tasks) or 'none'}"
            )
        return self

    def plan(self) -> NetworkPlan:
        """The network itself."""
        from konio.networks.plan import NetworkPlan

        return NetworkPlan(
            tasks=self.tasks,
            backbone=self.backbone,
            in_channels=self.in_channels,
            hidden=self.hidden,
            dropout=self.dropout,
            pooling={
                name: self.zone_pooling if RADIOGRAPH_TASKS[name].zone else self.pooling
                for name in self.tasks
            },
            shared_zone_head=self.shared_zone_head,
            auxiliary=self.auxiliary,
            deep=self.deep,
            standardise=self.standardise,
        )


class LossTable(Table):
    """How the losses of the tasks are joined; see `konio.networks.LossPlan`.

    Args:
        weighting: ``paper`` is paper A's omega = N2 / (N1 + N2) on the backbone, ``plain_sum`` one each.
        importance: task name to a factor on its weight; 1 where not named.
        ordinal_spread: width, in classes, of the soft label of an ordered question; 0 is the hard label.
        lesions: weight of the auxiliary lesion map.
        lesion_loss: ``bce`` or ``smooth_l1``.
    """

    weighting: Literal["paper", "plain_sum"] = "paper"
    importance: dict[str, NotNegative] = Field(default_factory=dict)
    ordinal_spread: NotNegative = 0.0
    lesions: NotNegative = 1.0
    lesion_loss: Literal["bce", "smooth_l1"] = "bce"

    def plan(self) -> LossPlan:
        """The loss itself."""
        from konio.networks.losses import LossPlan

        return LossPlan(**self.model_dump())


class LevelLossTable(Table):
    """The loss of one level; at most one of the tables of numbers, and only where the loss takes one.

    Args:
        kind: ``cross-entropy``, ``class-penalty`` or ``expected-cost`` (`konio.networks.class_losses`).
        penalties: of ``class-penalty``, one per class; the thesis' level 2 has 5, 8, 9.
        recalls: of a first training, whose inverses become the penalties.
        confusion: of a first training, truth by prediction; gives penalties or costs.
        costs: of ``expected-cost``, what calling class y (row) a k (column) costs.
    """

    kind: Literal["cross-entropy", "class-penalty", "expected-cost"] = "cross-entropy"
    penalties: tuple[float, ...] = ()
    recalls: tuple[float, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()

    @model_validator(mode="after")
    def _can_be(self) -> LevelLossTable:
        self.plan()
        return self

    def plan(self) -> ClassLossPlan:
        """The loss itself.

        Raises:
            RecordError: on numbers missing, left over or out of range.
        """
        from konio.networks.class_losses import ClassLossPlan
        from konio.networks.costs import (
            CostMatrix,
            penalties_from_confusion,
            penalties_from_recalls,
        )

        penalties, costs = self.penalties, self.costs
        if self.recalls:
            penalties += penalties_from_recalls(self.recalls)
        if self.confusion and self.kind == "expected-cost":
            costs += CostMatrix.of_confusion(self.confusion).values
        elif self.confusion:
            penalties += penalties_from_confusion(self.confusion)
        return ClassLossPlan(self.kind, penalties, costs)


class LevelsTable(Table):
    """What a run of the kind ``hierarchy`` trains: four classes at once, or two levels with a cut point.

    Args:
        count: 2 for diseased or not and then the stage (paper B, algorithm 2.1); 1 for end to end.
        zero: who is class 0: ``healthy`` people as in the thesis, ``exposed`` workers of stage 0, or ``both``.
        sampling: how often each training film is seen: ``as-they-are``, ``oversample`` or ``undersample``.
        targets: ratio of stage 0, I, II, III that sampling aims at; the thesis' is 16, 25, 16, 10.
        losses: one per level; plain cross-entropy where none is named.
        crop: side of a test crop as a share of the film's.
        ten_crops: answer for ten crops of a film, or for the central one.
        shared: let the first layers see a film once for all its crops (docs/decisions/0041).
        cut_point: fixed, or -1 to sweep it on the held-out films.
    """

    count: Literal[1, 2] = 2
    zero: Literal["healthy", "exposed", "both"] = "both"
    sampling: Literal["as-they-are", "oversample", "undersample"] = "as-they-are"
    targets: tuple[Positive, ...] = ()
    losses: tuple[LevelLossTable, ...] = ()
    crop: Annotated[float, Field(gt=0, le=1)] = 0.8
    ten_crops: bool = True
    shared: bool = False
    cut_point: Annotated[float, Field(ge=-1, le=1)] = -1

    @model_validator(mode="after")
    def _fits(self) -> LevelsTable:
        if (self.sampling == "as-they-are") == bool(self.targets) or len(self.targets) not in (
            0,
            4,
        ):
            raise ValueError(
                f"sampling {self.sampling} and {len(self.targets)} targets do not belong together; give four "
                "targets for stage 0, I, II, III with oversample or undersample, and none without"
            )
        if self.losses and len(self.losses) != self.count:
            raise ValueError(f"{self.count} levels need as many losses, got {len(self.losses)}")
        if -1 < self.cut_point < 0:
            raise ValueError(f"cut_point lies in 0..1, or is -1 to be swept, got {self.cut_point}")
        return self

    def loss(self, number: int) -> ClassLossPlan:
        """The loss of level 1 or 2."""
        return (self.losses[number - 1] if self.losses else LevelLossTable()).plan()

    def crops(self, size: int) -> CropPlan:
        """The test crops, brought to the size that training saw."""
        from konio.prepare.crops import CropPlan

        return CropPlan(self.crop, ten=self.ten_crops, size=size, shared=self.shared)

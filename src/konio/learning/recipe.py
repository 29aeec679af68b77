"""A training run as one TOML document, checked before anything starts.

A recipe says everything that decides the weights: the network, the loss, the optimiser, the augmentation
and the phases (size and epochs) that make progressive resolution one run. Nothing else may.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from konio.errors import RecipeError
from konio.learning.nodule_table import NoduleTable
from konio.tasks import RADIOGRAPH_TASKS

if TYPE_CHECKING:
    from konio.networks.class_losses import ClassLossPlan
    from konio.networks.losses import LossPlan
    from konio.networks.plan import NetworkPlan
    from konio.prepare.augment import Limits
    from konio.prepare.crops import CropPlan

#: Pixels of the image per cell of a DenseNet's feature map; sizes are multiples of it.
STRIDE: Final = 32

Fraction = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Pooling = Literal["global", "zone", "global+zones"]


class _Table(BaseModel):
    """One table of a recipe: unknown keys are refused, values never change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkTable(_Table):
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


class LossTable(_Table):
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


class LevelLossTable(_Table):
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


class LevelsTable(_Table):
    """What a run of the kind ``hierarchy`` trains: four classes at once, or two levels with a cut point.

    Args:
        count: 2 for diseased or not and then the stage (paper B, algorithm 2.1); 1 for end to end.
        zero: who is class 0: ``healthy`` people as in the thesis, ``exposed`` workers of stage 0, or ``both``.
        sampling: how often each training film is seen: ``as-they-are``, ``oversample`` or ``undersample``.
        targets: ratio of stage 0, I, II, III that sampling aims at; the thesis' is 16, 25, 16, 10.
        losses: one per level; plain cross-entropy where none is named.
        crop: side of a test crop as a share of the film's.
        ten_crops: answer for ten crops of a film, or for the central one.
        cut_point: fixed, or -1 to sweep it on the held-out films.
    """

    count: Literal[1, 2] = 2
    zero: Literal["healthy", "exposed", "both"] = "both"
    sampling: Literal["as-they-are", "oversample", "undersample"] = "as-they-are"
    targets: tuple[Positive, ...] = ()
    losses: tuple[LevelLossTable, ...] = ()
    crop: Annotated[float, Field(gt=0, le=1)] = 0.8
    ten_crops: bool = True
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

        return CropPlan(self.crop, ten=self.ten_crops, size=size)


class OptimizerTable(_Table):
    """Adam, AdamW or SGD.

    Args:
        name: ``adam``, ``adamw`` or ``sgd``.
        lr: learning rate at its highest.
        momentum: of ``sgd``.
        weight_decay: decoupled for AdamW.
        clip: largest norm of the whole gradient; 0 leaves it as it is.
    """

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Positive = 1e-5
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NotNegative = 0.0
    clip: NotNegative = 0.0


class ScheduleTable(_Table):
    """How the learning rate moves.

    Args:
        kind: ``constant``, ``plateau`` (times ``factor`` after ``patience`` epochs without a better
            validation loss), ``step`` (times ``factor`` every ``every`` epochs), ``one-cycle`` (up over ``warmup`` of all steps, then down as a cosine) or
            ``cycle-per-phase`` (the same within every phase).
        factor: of ``plateau`` and ``step``.
        every: of ``step``, in epochs.
        patience: of ``plateau``, in epochs.
        warmup: of the cycles, share of their steps.
        final: of the cycles, learning rate at the end as a share of the highest.
    """

    kind: Literal["constant", "plateau", "step", "one-cycle", "cycle-per-phase"] = "constant"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    every: Annotated[int, Field(ge=1)] = 40
    patience: Annotated[int, Field(ge=0)] = 5
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.15
    final: Fraction = 0.01


class AugmentTable(_Table):
    """How far a training film may be moved and toned; films that are only looked at never are.

    Args:
        scale: part of the film that fills the input is ``1 - scale`` to ``1 + scale``.
        rotation: degrees to either side.
        translation: share of the side, each way.
        gamma: exponent of the brightness curve is ``1 / (1 + gamma)`` to ``1 + gamma``; the paper has none.
        contrast: factor on the contrast is ``1 - contrast`` to ``1 + contrast``; the paper has none.
        crop: side of a random crop as a share of the film's, brought to the network's size; 0 takes as much as the
            network's size is of the film's.
        flip_horizontal: mirror half of the films left to right, which moves the heart to the other side.
        flip_vertical: turn half of the films upside down; no film of a chest looks so.

    References:
        Paper A, section 1.2 (dossier 4.1 P5); crop and flips: paper B, section 2.4.2 (dossier 4.2 T5, B10).
    """

    scale: Annotated[float, Field(ge=0, lt=0.5)] = 0.02
    rotation: Annotated[float, Field(ge=0, le=45)] = 15.0
    translation: Annotated[float, Field(ge=0, le=0.25)] = 0.02
    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    crop: Fraction = 0.0
    flip_horizontal: bool = False
    flip_vertical: bool = False

    def limits(self) -> Limits:
        """The same for `konio.prepare.draw`."""
        from konio.prepare.augment import Limits

        return Limits(
            scale=(1 - self.scale, 1 + self.scale),
            rotation=self.rotation,
            translation=self.translation,
            gamma=(1 / (1 + self.gamma), 1 + self.gamma),
            contrast=(1 - self.contrast, 1 + self.contrast),
        )


class ValidationTable(_Table):
    """The part of the cohort that is held out.

    Args:
        fraction: of the patients; 0 trains on all and calibrates nothing.
        every: epochs between two looks at it; the last epoch is always followed by one.
    """

    fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    every: Annotated[int, Field(ge=1)] = 1


class TrainerTable(_Table):
    """Where and how it is computed; passed to Lightning.

    Args:
        precision: ``auto`` takes bfloat16 where the device multiplies it natively.
        accelerator: as in Lightning.
        devices: as in Lightning.
        strategy: as in Lightning; several devices share each batch.
        checkpoint_steps: steps between two saved states, beside the one after every epoch.
        ema: decay of the running mean of the weights that is validated and shipped; 0 for none.
    """

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    accelerator: str = "auto"
    devices: int | str = "auto"
    strategy: str = "auto"
    checkpoint_steps: Annotated[int, Field(ge=1)] = 200
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Phase(_Table):
    """Some epochs at one resolution.

    Args:
        size: side in pixels of what the network sees.
        film: side in pixels of the whole prepared film; larger than ``size``, the network sees a window
            of it, at a random place (detail of a large film at the price of a small one). 0 means ``size``.
        epochs: passes over the training films; a part of one is allowed.
        batch: films per step, over all devices together.
        lr: factor on the optimiser's learning rate.
        heads: only the heads learn; the backbone keeps its weights and statistics, which costs a third.
        statistics: the backbone normalises by the ``batch``, or by the ``running`` statistics that it has, which
            then stay: right for a few large films a step, whose common density is news and no nuisance.
    """

    size: Annotated[int, Field(ge=STRIDE)] = 512
    film: Annotated[int, Field(ge=0)] = 0
    epochs: Positive = 1
    batch: Annotated[int, Field(ge=1)] = 16
    lr: Positive = 1.0
    heads: bool = False
    statistics: Literal["batch", "running"] = "batch"

    @model_validator(mode="after")
    def _fits(self) -> Phase:
        if self.size % STRIDE or self.side % STRIDE:
            raise ValueError(f"sizes must be multiples of {STRIDE}, got {self.size} of {self.side}")
        if self.side < self.size:
            raise ValueError(f"a window of {self.size} does not fit a film of {self.side}")
        return self

    @property
    def side(self) -> int:
        """Side in pixels of the prepared film."""
        return self.film or self.size


class Recipe(_Table):
    """One training run.

    Args:
        name: becomes the bundle's name.
        kind: ``radiograph`` trains the multi-task network; ``hierarchy`` one or two base classifiers that name a
            stage; ``nodule`` the network of nine questions about a nodule on CT; ``chestxray14`` pre-trains a backbone on the 14 findings of the NIH collection.
        about: one sentence for the model card.
        licence: SPDX identifier of the weights.
        seed: decides split, first weights, order, augmentation and dropout.
        phases: one after the other, on one learning-rate curve.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    kind: Literal["radiograph", "hierarchy", "nodule", "chestxray14"] = "radiograph"
    about: str = ""
    licence: str = "Apache-2.0"
    seed: Annotated[int, Field(ge=0)] = 1
    network: NetworkTable = NetworkTable()
    loss: LossTable = LossTable()
    levels: LevelsTable = LevelsTable()
    nodule: NoduleTable = NoduleTable()
    optimizer: OptimizerTable = OptimizerTable()
    schedule: ScheduleTable = ScheduleTable()
    augment: AugmentTable = AugmentTable()
    validation: ValidationTable = ValidationTable()
    trainer: TrainerTable = TrainerTable()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _loss_fits_tasks(self) -> Recipe:
        strange = [name for name in self.loss.importance if name not in self.network.tasks]
        if strange:
            raise ValueError(
                f"loss.importance names {', '.join(strange)}, which is not in network.tasks"
            )
        return self

    @model_validator(mode="after")
    def _levels_fit_kind(self) -> Recipe:
        if self.kind != "hierarchy" and self.levels != LevelsTable():
            raise ValueError("levels belong to recipes of the kind hierarchy")
        if self.kind != "hierarchy" and self.augment.crop:
            raise ValueError(
                "augment.crop belongs to recipes of the kind hierarchy; give phases a film larger than their size"
            )
        if self.kind == "hierarchy" and not self.validation.fraction and self.levels.cut_point < 0:
            raise ValueError(
                "validation.fraction is 0, so that no cut point can be chosen; hold films out or fix levels.cut_point"
            )
        return self

    @model_validator(mode="after")
    def _nodule_fits_kind(self) -> Recipe:
        if self.kind != "nodule" and self.nodule != NoduleTable():
            raise ValueError("nodule belongs to recipes of the kind nodule")
        if self.kind == "nodule" and any(phase.heads for phase in self.phases):
            raise ValueError("phases of a nodule network train all of it; leave heads out")
        return self

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the prepared films, each once, ascending."""
        return tuple(sorted({phase.side for phase in self.phases}))

    @property
    def final_side(self) -> int:
        """Side at which the finished network answers: the last phase's film."""
        return self.phases[-1].side

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the recipe's content; two runs with one fingerprint on one cohort agree."""
        # What a recipe does not say is left out, so that a later konio with more keys goes on with an older run.
        said = self.model_dump(mode="json", exclude_defaults=True)
        if "network" in said:
            said["network"].pop("pretrained", None)
        said["pretrained"] = Path(self.network.pretrained).name
        if self.nodule.pretrained:
            said["nodule"]["pretrained"] = Path(self.nodule.pretrained).name
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the bundle; pre-trained weights by the name of their file only."""
        plain = self.model_dump(mode="json")
        plain["network"]["pretrained"] = Path(self.network.pretrained).name
        plain["nodule"]["pretrained"] = Path(self.nodule.pretrained).name
        return plain


def read_recipe(path: str | Path) -> Recipe:
    """A recipe from its TOML file.

    Args:
        path: the file; ``network.pretrained`` is taken relative to its directory.

    Raises:
        RecipeError: if the file cannot be read, is no TOML, or says something a recipe must not.
    """
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(
            f"recipe {path} cannot be read ({error.strerror}); name a TOML file such as recipes/fast.toml"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} is not TOML ({error}); correct that line") from error
    recipe = parse_recipe(document, where=str(path))
    beside = path.parent / recipe.nodule.pretrained
    if recipe.nodule.pretrained and beside.exists():
        nodule = recipe.nodule.model_copy(update={"pretrained": str(beside.resolve())})
        recipe = recipe.model_copy(update={"nodule": nodule})
    if not recipe.network.pretrained:
        return recipe
    weights = str((path.parent / recipe.network.pretrained).resolve())
    network = recipe.network.model_copy(update={"pretrained": weights})
    return recipe.model_copy(update={"network": network})


def parse_recipe(document: dict[str, Any], where: str = "the recipe") -> Recipe:
    """A recipe from plain data.

    Args:
        document: as TOML or a bundle's JSON gives it.
        where: named in the error.

    Raises:
        RecipeError: with every fault and the key it belongs to.

    Examples:
        >>> parse_recipe({"name": "tiny", "phases": [{"size": 64}]}).sides
        (64,)
    """
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(_fault(item["loc"], item["msg"]) for item in error.errors())
        raise RecipeError(
            f"{where} does not describe a run ({faults}); correct these keys, see recipes/ for examples"
        ) from error


def _fault(place: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    return f"{key}: {text}" if key else text

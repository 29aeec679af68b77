"""The tables of a recipe that say how it is trained: optimiser, curve, augmentation, hold-out, trainer and phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, model_validator

from konio.learning.recipe_network import NotNegative, Positive, Table

if TYPE_CHECKING:
    from konio.prepare.augment import Limits

#: Pixels of the image per cell of a DenseNet's feature map; sizes are multiples of it.
STRIDE: Final = 32

Fraction = Annotated[float, Field(ge=0, le=1)]


class OptimizerTable(Table):
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


class ScheduleTable(Table):
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


class AugmentTable(Table):
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


class ValidationTable(Table):
    """The part of the cohort that is held out.

    Args:
        fraction: of the patients; 0 trains on all and calibrates nothing.
        every: epochs between two looks at it; the last epoch is always followed by one.
    """

    fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    every: Annotated[int, Field(ge=1)] = 1


class TrainerTable(Table):
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


class HeadsTable(Table):
    """After the last phase: heads that begin anew on what the finished backbone sees (docs/decisions/0038).

    The pooled features of every training film are computed once and kept; then each head learns from them alone, by
    AdamW on one cosine, at a price that does not count beside a single epoch of the whole network.

    Args:
        epochs: passes over the kept features; 0 leaves the heads as the phases trained them.
        views: how often each film is seen; the first time unmoved unless films are cropped, then moved and toned as
            ``[augment]`` says.
        batch: vectors per step.
        lr: learning rate at its highest.
        weight_decay: decoupled; large, since a head has more weights than there are films.
    """

    epochs: Annotated[int, Field(ge=0)] = 0
    views: Annotated[int, Field(ge=1)] = 1
    batch: Annotated[int, Field(ge=1)] = 64
    lr: Positive = 1e-3
    weight_decay: NotNegative = 1.0


class Phase(Table):
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

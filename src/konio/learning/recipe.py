"""A training run as one TOML document, checked before anything starts.

A recipe says everything that decides the weights: the network, the loss, the optimiser, the augmentation
and the phases (size and epochs) that make progressive resolution one run. Nothing else may.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from konio.errors import RecipeError
from konio.learning.nodule_table import NoduleTable
from konio.learning.recipe_network import (
    LevelLossTable,
    LevelsTable,
    LossTable,
    NetworkTable,
    Table,
)
from konio.learning.recipe_run import (
    STRIDE,
    AugmentTable,
    HeadsTable,
    OptimizerTable,
    Phase,
    ScheduleTable,
    TrainerTable,
    ValidationTable,
)

__all__ = [
    "STRIDE",
    "AugmentTable",
    "HeadsTable",
    "LevelLossTable",
    "LevelsTable",
    "LossTable",
    "NetworkTable",
    "OptimizerTable",
    "Phase",
    "Recipe",
    "ScheduleTable",
    "TrainerTable",
    "ValidationTable",
    "parse_recipe",
    "read_recipe",
]


class Recipe(Table):
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
    heads: HeadsTable = HeadsTable()
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
    def _heads_fit_kind(self) -> Recipe:
        if self.heads.epochs and self.kind not in ("radiograph", "hierarchy"):
            raise ValueError(
                f"heads that learn from kept features belong to radiograph and hierarchy, not to {self.kind}; "
                "leave the table [heads] out"
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

    def seen_side(self, phase: Phase) -> int:
        """Pixels to a side of what the network sees in a phase; nodules have one size in all of them."""
        return self.nodule.plan().shape[-1] if self.kind == "nodule" else phase.size

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

"""Which trainings the study consists of: presets, groups of networks, folds and seeds, as values.

Everything that is compared has the same recipe but for what it names: the same epochs, seeds, folds and width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from konio.errors import UsageError
from konio.studies.runner import Trial
from konio.tasks import NODULE_TASKS

#: Name of the network that answers all questions; everything else is compared with it.
MULTI: Final = "multi"
#: One network for each question.
SINGLE: Final = "single-"


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that differ from those of other groups in one thing.

    Args:
        name: in the names of trials.
        changes: to the recipe's ``nodule`` table.
        about: what differs, in English.
        about_zh: in Chinese.
    """

    name: str
    changes: Mapping[str, Any]
    about: str = ""
    about_zh: str = ""


#: Comparisons with `MULTI`, whose balance is dynamic weight averaging; the first four on any nodules.
ABLATIONS: Final = (
    Group("equal", {"balance": "equal"}, "equal weights", "等权重"),
    Group("gradnorm", {"balance": "gradnorm"}, "GradNorm", "GradNorm"),
    Group("uncertainty", {"balance": "uncertainty"}, "uncertainty weighting", "不确定性加权"),
    Group("no-position", {"position": "none"}, "no position embedding", "无位置编码"),
    Group("depth-position", {"position": "depth"}, "depth embedding", "深度编码"),
    Group(
        "paper-loss",
        {"loss": "squared", "discard_middle": True},
        "squared error, middles discarded (paper C)",
        "平方误差、弃去中间值（论文C）",
    ),
)
#: One slice in place of the mosaic, cut from the same cubes; needs a geometry that the preset gives.
PLAIN_SLICE: Final = Group("plain-slice", {}, "one slice instead of the mosaic", "单层代替拼接")


@dataclass(frozen=True, slots=True)
class Preset:
    """One size of the study.

    Args:
        name: of the preset.
        about: what it is and what it is not, in English.
        about_zh: the same in Chinese.
        recipe: of the kind ``nodule``, without name, seed and tasks.
        folds: of the cross-validation by patient.
        seeds: trainings of every fold.
        singles: questions that also have a network of their own.
        ablations: names of `ABLATIONS` or ``plain-slice``.
        plain: changes of the recipe's table for ``plain-slice``.
        cases: nodules of the made-up cohort where none is given.
        views: turned and mirrored copies over which an answer is averaged.
        repeats: of the classical model's cross-validation.
        draws: of the bootstraps.
        seed: of made-up nodules and splits.
    """

    name: str
    about: str
    about_zh: str
    recipe: Mapping[str, Any]
    folds: int = 5
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    singles: tuple[str, ...] = NODULE_TASKS.names
    ablations: tuple[str, ...] = ()
    plain: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cases: int = 600
    views: int = 1
    repeats: int = 10
    draws: int = 2000
    seed: int = 7

    def groups(self) -> tuple[Group, ...]:
        """Multi-task first, then one network for each question, then the ablations."""
        plain = dataclasses.replace(PLAIN_SLICE, changes=self.plain)
        known = {group.name: group for group in (*ABLATIONS, plain)}
        singles = tuple(Group(SINGLE + name, {"tasks": [name]}) for name in self.singles)
        return (
            Group(MULTI, {}, "dynamic weight averaging", "动态权重平均"),
            *singles,
            *(known[name] for name in self.ablations),
        )

    def trials(self, source: str) -> tuple[Trial, ...]:
        """Every training of the study on a source."""
        trials = []
        for group in self.groups():
            for fold in range(self.folds):
                for seed in self.seeds:
                    name = f"{group.name}-f{fold:02d}-s{seed:02d}"
                    trials.append(Trial(name, self._settings(group, fold, seed, source)))
        return tuple(trials)

    def _settings(self, group: Group, fold: int, seed: int, source: str) -> dict[str, Any]:
        recipe = dict(self.recipe)
        recipe["nodule"] = {**recipe["nodule"], **group.changes}
        recipe |= {"name": f"nodules-{group.name}", "kind": "nodule", "seed": seed}
        return {
            "group": group.name,
            "fold": fold,
            "folds": self.folds,
            "seed": seed,
            "split_seed": self.seed,
            "source": source,
            "views": self.views,
            "recipe": recipe,
        }


def _recipe(nodule: Mapping[str, Any], epochs: float, batch: int, lr: float) -> dict[str, Any]:
    return {
        "nodule": dict(nodule),
        "optimizer": {"name": "adamw", "lr": lr, "weight_decay": 0.02, "clip": 1.0},
        "schedule": {"kind": "one-cycle", "warmup": 0.2},
        "augment": {
            "scale": 0.08,
            "rotation": 45.0,
            "translation": 0.04,
            "contrast": 0.1,
            "flip_horizontal": True,
            "flip_vertical": True,
        },
        "validation": {"fraction": 0.0, "every": 1000},
        "trainer": {"accelerator": "auto", "devices": 1, "ema": 0.99},
        "phases": [{"epochs": epochs, "batch": batch}],
    }


_MOSAIC: Final = {
    "encoder": "vit-small-stem",
    "grid": 4,
    "patch": 32,
    "side_mm": [32.0, 32.0, 32.0],
    "loss": "votes",
    "min_readers": 1,
}
_SLICE: Final = {
    "encoder": "cnn-small",
    "grid": 6,
    "patch": 8,
    "single": True,
    "side_mm": [2.0, 36.0, 36.0],
    "loss": "votes",
    "min_readers": 1,
    "dropout": 0.3,
}
_SMOKE: Final = {**_MOSAIC, "encoder": "vit-mini-stem", "grid": 2, "patch": 16, "hidden": 16}
_PAPER: Final = {
    "encoder": "vit-base",
    "grid": 7,
    "patch": 32,
    "in_channels": 3,
    "side_mm": [49.0, 32.0, 32.0],
    "loss": "squared",
    "min_readers": 3,
}
_FOUR: Final = ("equal", "gradnorm", "uncertainty", "no-position")

#: Presets by name.
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                "smoke",
                "Everything once, on a few dozen nodules and a tiny network: shows that it runs, measures nothing.",
                "用几十个结节和极小网络把全部流程走一遍：只说明能运行，不作测量。",
                _recipe(_SMOKE, epochs=3, batch=8, lr=3e-3),
                folds=2,
                seeds=(1,),
                ablations=("equal", "no-position", "plain-slice"),
                plain={"encoder": "vit-mini", "grid": 2, "patch": 8, "single": True, "side_mm": [2.0, 32.0, 32.0]},
                cases=40,
                repeats=1,
                draws=200,
            ),
            Preset(
                "small",
                "The paper's comparison with a small transformer from nothing, 16 slices of 32 x 32.",
                "用从零训练的小型Transformer（16层，32×32）做论文的对照。",
                _recipe(_MOSAIC, epochs=20, batch=32, lr=1e-3),
                ablations=(*_FOUR, "depth-position", "paper-loss", "plain-slice"),
                plain={"encoder": "vit-small", "grid": 4, "patch": 8, "single": True, "side_mm": [2.0, 32.0, 32.0]},
            ),
            Preset(
                "paper",
                "ViT-B/32 with 49 slices of 32 x 32 and the paper's loss; name published weights in the recipe.",
                "ViT-B/32，49层32×32，论文的损失函数；预训练权重需在配置中给出。",
                _recipe(_PAPER, epochs=30, batch=32, lr=1e-4),
                ablations=(*_FOUR, "depth-position"),
            ),
            Preset(
                "slices",
                "One real slice of each nodule: convolutions from nothing, people's votes as target, eight views each.",
                "每个结节一层真实图像：从零训练的卷积网络，以读片者投票为目标，八视图平均。",
                _recipe(_SLICE, epochs=30, batch=32, lr=3e-3),
                ablations=("equal", "gradnorm", "uncertainty", "paper-loss"),
                views=8,
            ),
            Preset(
                "cubes",
                "134 real cubes, as a mosaic of 16 slices.",
                "134个真实立方体，拼接16层。",
                _recipe(_MOSAIC, epochs=40, batch=16, lr=1e-3),
                ablations=("equal",),
                views=8,
            ),
        )
    }
)  # fmt: skip


def preset_of(name: str) -> Preset:
    """A preset by name.

    Raises:
        UsageError: if it is unknown.
    """
    if name not in PRESETS:
        raise UsageError(f"preset {name!r} is unknown; use one of {', '.join(PRESETS)}")
    return PRESETS[name]

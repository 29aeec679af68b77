"""How large the study is: cohort, folds, dropouts, seeds and the recipe of every network, as values.

`paper` is the paper's own design. `small` keeps its numbers on the kept features of a finished backbone; `scratch` and `smoke` are the
same experiment made smaller. What they change is said in `Preset.about` and stands on the page. `real` and `real-kept` ask tuberculosis against normal of real films.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from konio.errors import UsageError

#: The two questions of paper A.
QUESTIONS: Final = ("differential", "stage")
#: As in `konio.networks.plan.PAPER_DROPOUTS`, which would bring torch with it.
_DROPOUTS: Final = (0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that are compared with those of other groups.

    Args:
        name: in the names of trials.
        tasks: what they answer.
        extra: whether made-up films are mixed into their training.
    """

    name: str
    tasks: tuple[str, ...]
    extra: bool = False

    @property
    def model(self) -> str:
        """``multi`` or ``single``."""
        return "multi" if len(self.tasks) > 1 else "single"


#: Multi-task, and one network for each question; the two together are the single-task model.
PAPER_GROUPS: Final = (
    Group("multi", QUESTIONS),
    Group("single-differential", ("differential",)),
    Group("single-stage", ("stage",)),
)
REAL: Final = Group("real", ("differential",))
MIXED: Final = Group("mixed", QUESTIONS, extra=True)


@dataclass(frozen=True, slots=True)
class Preset:
    """One size of the study.

    Args:
        name: of the preset.
        about: what it is and what it is not, in English.
        about_zh: the same in Chinese.
        recipe: a recipe of `konio.learning` without tasks, dropout and seed.
        groups: which networks.
        folds: of the cross-validation.
        dropouts: compared in it; the best one of each group is trained again.
        seeds: final trainings of every group, 0 for none.
        test_fraction: of the films, set aside before anything else; 0 for none.
        inner: part of the training side of a fold that the plateau and the temperature look at.
        repeats: trainings of every fold, each with a seed of its own.
        cases: films of the made-up cohort where none is given.
        film: their side in pixels.
        seed: of cohort and splits.
        extra: made-up films that are mixed into a real cohort's training.
        seen_by: a finished model whose features, with a linear model on top, are one more baseline; none where empty.
        kept: the networks see the kept features of that model in place of films (`konio.studies.multitask.kept`).
        kept_maps: of so many of its maps, counted from the last one.
    """

    name: str
    about: str
    about_zh: str
    recipe: Mapping[str, Any]
    groups: tuple[Group, ...] = PAPER_GROUPS
    folds: int = 10
    dropouts: tuple[float, ...] = _DROPOUTS
    seeds: int = 40
    test_fraction: float = 0.1
    inner: float = 0.1
    repeats: int = 1
    cases: int = 3600
    film: int = 512
    seed: int = 7
    extra: int = 0
    seen_by: str = ""
    kept: bool = False
    kept_maps: int = 1

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every question that a group asks, in the order of `QUESTIONS`."""
        return tuple(name for name in QUESTIONS if any(name in g.tasks for g in self.groups))

    @property
    def side(self) -> int:
        """Side of the films that the finished network sees."""
        last = self.recipe["phases"][-1]
        return int(last.get("film") or last["size"])

    def to_json(self) -> dict[str, Any]:
        """Plain data: everything that decides the numbers."""
        plain = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        for words in ("about", "about_zh"):
            del plain[words]
        groups = [{**dataclasses.asdict(g), "tasks": list(g.tasks)} for g in self.groups]
        return {
            **plain,
            "recipe": dict(self.recipe),
            "groups": groups,
            "dropouts": list(self.dropouts),
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what `to_json` says."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


#: P5 to P8 of the paper; width of the heads and the plateau are not printed there (dossier 4.1, gaps 4 and 7).
_PAPER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "network": {"backbone": "densenet121", "hidden": 512, "pooling": "global"},
        "loss": {"weighting": "paper"},
        "optimizer": {"name": "adam", "lr": 1e-5},
        "schedule": {"kind": "plateau", "factor": 0.1, "patience": 5},
        "augment": {"scale": 0.02, "rotation": 15, "translation": 0.02},
        "phases": [{"size": 512, "epochs": 50, "batch": 16}],
    }
)
_TINY: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "network": {"backbone": "densenet-mini", "hidden": 64, "pooling": "global"},
        "loss": {"weighting": "paper"},
        "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.02, "clip": 1.0},
        "schedule": {"kind": "one-cycle"},
        "augment": {"scale": 0.02, "rotation": 10, "translation": 0.02},
        "trainer": {"accelerator": "cpu", "precision": "float32", "checkpoint_steps": 1000},
        "phases": [{"size": 64, "epochs": 2, "batch": 16}],
    }
)
_KEPT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "network": {"backbone": "densenet121", "hidden": 64, "pooling": "lungs"},
        "loss": {"weighting": "paper"},
        "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.5},
        "schedule": {"kind": "one-cycle"},
        "trainer": {"accelerator": "cpu", "precision": "float32"},
        "phases": [{"size": 512, "epochs": 10, "batch": 16}],
    }
)
_SCRATCH: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "network": {
            "backbone": "densenet-mini",
            "hidden": 128,
            "pooling": "global+zones",
            "first_filters": "spots",
        },
        "loss": {"weighting": "paper"},
        "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.02, "clip": 1.0},
        "schedule": {"kind": "one-cycle"},
        "augment": {"scale": 0.02, "rotation": 10, "translation": 0.02, "gamma": 0.1},
        "trainer": {"accelerator": "cpu", "precision": "float32", "ema": 0.99},
        "phases": [{"size": 256, "epochs": 10, "batch": 16}],
    }
)
_REAL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "network": {
            "backbone": "densenet-mini",
            "hidden": 64,
            "pooling": "global+zones",
            "first_filters": "spots",
        },
        "loss": {"weighting": "plain_sum"},
        "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.05, "clip": 1.0},
        "schedule": {"kind": "one-cycle"},
        "augment": {
            "scale": 0.1,
            "rotation": 12,
            "translation": 0.05,
            "gamma": 0.4,
            "contrast": 0.2,
            "flip_horizontal": True,
        },
        "trainer": {"ema": 0.99},
        "phases": [{"size": 256, "epochs": 40, "batch": 16}],
    }
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "paper": Preset(
            name="paper",
            about="The design of the paper: 3,600 films, ten folds, four dropouts, 40 seeds, DenseNet121 at 512 x 512.",
            about_zh="论文原设计：3600 张胸片，十折，四种 dropout，40 个随机种子，DenseNet121，512 × 512。",
            recipe=_PAPER,
        ),
        "small": Preset(
            name="small",
            about=(
                "The paper's cohort, folds, dropouts and seeds on the kept features of a finished backbone: a shared layer and the "
                "paper's heads learn, the backbone does not. Its pre-training on other films stands where the paper's ChestX-ray14 does."
            ),
            about_zh=(
                "队列、折数、dropout 与随机种子同论文，但输入为已训练骨干网络对每张胸片保存的特征：只训练共享层和论文的输出层，骨干网络不变。"
                "骨干网络在其他胸片上的预训练代替论文的 ChestX-ray14。"
            ),
            recipe=_KEPT,
            seen_by="konio-radiograph",
            kept=True,
        ),
        "scratch": Preset(
            name="scratch",
            about="Smaller than the paper and from nothing: a network of 0.1 million weights at 256 x 256, fewer films, folds and seeds.",
            about_zh="小于论文规模，从零训练：约 10 万参数的网络，256 × 256，胸片、折数与随机种子均较少。",
            recipe=_SCRATCH,
            folds=5,
            seeds=10,
            cases=1200,
        ),
        "smoke": Preset(
            name="smoke",
            about="Tiny: shows in minutes that every part works. Its figures mean nothing.",
            about_zh="极小规模：数分钟内验证各环节可以运行，结果没有意义。",
            recipe=_TINY,
            folds=3,
            dropouts=(0.25, 0.75),
            seeds=3,
            test_fraction=0.2,
            inner=0.2,
            cases=96,
            film=256,
        ),
        "real": Preset(
            name="real",
            about="Real films: tuberculosis against normal, ten folds, no pre-trained weights.",
            about_zh="真实胸片：肺结核与正常，十折，不使用预训练权重。",
            recipe=_REAL,
            groups=(REAL,),
            dropouts=(0.5,),
            seeds=0,
            test_fraction=0.0,
            seen_by="konio-radiograph",
        ),
        "real-kept": Preset(
            name="real-kept",
            about=(
                "Real films: tuberculosis against normal, ten folds, on the kept features of a backbone that has learned from made-up "
                "patients alone; only the lung finder has seen real films, of another set. Of which maps the features are was chosen between two on "
                "the folds of the Shenzhen films: on those the result flatters by that choice."
            ),
            about_zh=(
                "真实胸片：肺结核与正常，十折；使用仅在虚构患者上训练的骨干网络所保存的特征，仅肺野分割网络学习过另一数据集的真实胸片。"
                "特征取自哪些特征图，是在深圳胸片的各折上二选一决定的：在该数据集上结果因此偏高。"
            ),
            recipe=_KEPT,
            groups=(REAL,),
            dropouts=(0.5,),
            seeds=0,
            repeats=3,
            test_fraction=0.0,
            seen_by="konio-radiograph",
            kept=True,
            kept_maps=3,
        ),
    }
)


def preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        UsageError: if there is none.
    """
    if name not in PRESETS:
        raise UsageError(f"preset {name!r} is unknown; use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def check(chosen: Preset, cohort: object | None, weights: object | None = None) -> None:
    """Refuse a preset without the films it needs, or with weights it has no use for.

    Args:
        chosen: the preset.
        cohort: the films, if any are given.
        weights: pre-trained weights or films to pre-train on, if any are given.

    Raises:
        UsageError: if it asks real films and none are given, or learns from kept features and is given weights.
    """
    if chosen.kept and weights is not None:
        raise UsageError(
            f"preset {chosen.name!r} trains no backbone; name the bundle whose features it learns from with --seen-by"
        )
    if cohort is None and REAL in chosen.groups:
        raise UsageError(
            f"preset {chosen.name!r} asks real films; give a cohort.csv or the folder of the Shenzhen set"
        )


def with_onlooker(chosen: Preset, model: str | None) -> Preset:
    """The same preset with the features of another finished model as a baseline, of none where the name is empty.

    Args:
        chosen: the preset.
        model: name or directory of a bundle; the preset's own where ``None``.
    """
    if model is None:
        return chosen
    if chosen.kept and not model:
        raise UsageError(
            f"preset {chosen.name!r} learns from what a finished model sees; name one with --seen-by, or leave it out"
        )
    return dataclasses.replace(chosen, seen_by=model)


def with_extra(chosen: Preset, films: int) -> Preset:
    """The same preset that also trains on made-up films.

    Raises:
        UsageError: if the preset's own cohort is made up.
    """
    if not films:
        return chosen
    if REAL not in chosen.groups:
        raise UsageError(
            f"--mix adds made-up films to real ones; preset {chosen.name!r} asks no real cohort, use --preset real or real-kept"
        )
    return dataclasses.replace(chosen, groups=(REAL, MIXED), extra=films)

"""How large the study is: patients, split, networks and the recipe of every training, as values.

`paper` is the thesis' own design. `small` keeps its numbers of films on the kept features of a finished backbone; `scratch` and
`smoke` train small networks from nothing. What they change is said in `Preset.about` and stands on the page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from konio.errors import UsageError

#: Films of stage 0, I, II, III in the thesis (table 2.1), and its targets of oversampling (table 2.3).
THESIS_COUNTS: Final = (316, 2533, 389, 79)
TARGETS: Final = (16.0, 25.0, 16.0, 10.0)

#: The thesis' penalties of level 2, and no cost at all.
COST: Final[Mapping[str, Any]] = MappingProxyType({"kind": "class-penalty", "penalties": [5, 8, 9]})
PLAIN: Final[Mapping[str, Any]] = MappingProxyType({"kind": "cross-entropy"})


@dataclass(frozen=True, slots=True)
class Preset:
    """One size of the study.

    Args:
        name: of the preset.
        about: what it is and what it is not, in English.
        about_zh: the same in Chinese.
        recipe: a recipe of the kind ``hierarchy`` without name, seed, network and levels.
        networks: name in the thesis' table to architecture and dropout; the last one makes the two levels.
        counts: made-up films of stage 0, I, II, III.
        film: their side in pixels.
        zero: who counts as stage 0.
        test: part of the patients measured at the end; the thesis' is 474 of 3317.
        validation: part of the rest that the cut point is chosen on.
        seeds: one training of everything for each.
        seed: of cohort and splits.
        forms: of the features, keys of `konio.features.scda.FORMS`; none where empty.
        seen_by: the finished model whose kept features the networks see in place of films
            (`konio.studies.hierarchy.kept`); none where empty.
        kept_maps: of so many of its maps, counted from the last one.
    """

    name: str
    about: str
    about_zh: str
    recipe: Mapping[str, Any]
    networks: Mapping[str, tuple[str, float]]
    counts: tuple[int, int, int, int] = THESIS_COUNTS
    film: int = 512
    zero: str = "healthy"
    test: float = 1 / 7
    validation: float = 0.15
    seeds: tuple[int, ...] = (1,)
    seed: int = 7
    forms: tuple[str, ...] = ("flattened", "pooled")
    seen_by: str = ""
    kept_maps: int = 1

    @property
    def kept(self) -> bool:
        """Whether the networks learn from kept features."""
        return bool(self.seen_by)

    @property
    def best(self) -> str:
        """The network that makes the two levels, as in the thesis."""
        return tuple(self.networks)[-1]

    def to_json(self) -> dict[str, Any]:
        """Plain data: everything that decides the numbers but the model that looks at the films, which its hash names."""
        plain = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        for words in ("about", "about_zh", "seen_by"):
            del plain[words]
        return {
            **plain,
            "recipe": dict(self.recipe),
            "networks": {name: list(made) for name, made in self.networks.items()},
            "counts": list(self.counts),
            "seeds": list(self.seeds),
            "forms": list(self.forms),
        }


_FULL: Final = MappingProxyType(
    {
        "alexnet": ("alexnet", 0.5),
        "vgg16": ("vgg16", 0.5),
        "resnet34": ("resnet34", 0.0),
        "densenet121": ("densenet121", 0.0),
    }
)
_MINI: Final = MappingProxyType(
    {
        "alexnet": ("alexnet-mini", 0.2),
        "vgg16": ("vgg-mini", 0.2),
        "resnet34": ("resnet-mini", 0.0),
        "densenet121": ("densenet-mini", 0.0),
    }
)
_STILL: Final = {"scale": 0.0, "rotation": 0.0, "translation": 0.0}
_THESIS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "optimizer": {"name": "sgd", "lr": 0.001, "momentum": 0.9},
        "schedule": {"kind": "step", "factor": 0.1, "every": 40},
        "augment": {**_STILL, "crop": 0.8, "flip_horizontal": True, "flip_vertical": True},
        "phases": [{"size": 224, "film": 288, "epochs": 80, "batch": 16}],
    }
)
_KEPT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.05},
        "schedule": {"kind": "one-cycle"},
        "trainer": {"accelerator": "cpu", "precision": "float32"},
        "phases": [{"size": 512, "epochs": 10, "batch": 32}],
    }
)


def _scratch(epochs: float, size: int, film: int) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.02, "clip": 1.0},
            "schedule": {"kind": "one-cycle"},
            "augment": {**_STILL, "crop": 0.8, "flip_horizontal": True},
            "trainer": {"accelerator": "cpu", "precision": "float32", "checkpoint_steps": 1000},
            "phases": [{"size": size, "film": film, "epochs": epochs, "batch": 16}],
        }
    )


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "paper": Preset(
            name="paper",
            about="The design of the thesis: 316 / 2533 / 389 / 79 films, four networks, SGD, 80 epochs, flips both ways.",
            about_zh="论文原设计：316 / 2533 / 389 / 79 张胸片，四种网络，SGD，80 轮，水平与垂直翻转。",
            recipe=_THESIS,
            networks=_FULL,
            seeds=(1, 2, 3),
        ),
        "small": Preset(
            name="small",
            about=(
                "The thesis' numbers of films on the kept features of a finished backbone: the levels learn, the backbone does not. "
                "The test part is 40 % of the patients in place of the thesis' 14 %, so that about 32 films of stage III are measured."
            ),
            about_zh=(
                "胸片数与论文相同，但输入为已训练骨干网络对每张胸片保存的特征：只训练各级网络，骨干网络不变。"
                "测试部分为患者的 40 %（论文为 14 %），使受测的 III 期胸片约有 32 张。"
            ),
            recipe=_KEPT,
            networks=MappingProxyType({"densenet121": ("densenet121", 0.3)}),
            seeds=tuple(range(1, 11)),
            test=0.4,
            forms=(),
            seen_by="konio-radiograph",
            kept_maps=3,
        ),
        "scratch": Preset(
            name="scratch",
            about="The thesis' numbers of films with networks of 0.1 million weights from nothing at 128 x 128 and no vertical flips.",
            about_zh="胸片数与论文相同，网络约 10 万参数，从零训练，128 × 128，无垂直翻转。",
            recipe=_scratch(8, 128, 160),
            networks=_MINI,
            film=256,
            seeds=(1, 2, 3),
        ),
        "smoke": Preset(
            name="smoke",
            about="Tiny: shows in minutes that every part works. Its figures mean nothing.",
            about_zh="极小规模：数分钟内验证各环节可以运行，结果没有意义。",
            recipe=_scratch(2, 64, 96),
            networks=_MINI,
            counts=(16, 64, 16, 8),
            film=256,
            seeds=(1, 2),
            test=0.25,
            validation=0.3,
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


def with_onlooker(chosen: Preset, model: str | None) -> Preset:
    """The same preset on the kept features of another finished model.

    Args:
        chosen: the preset.
        model: name or directory of a bundle; the preset's own where ``None``.

    Raises:
        UsageError: if the preset's networks look at films themselves, or the name is empty.
    """
    if model is None:
        return chosen
    if not chosen.kept:
        raise UsageError(
            f"networks of preset {chosen.name!r} look at films themselves; leave --seen-by out, or use --preset small"
        )
    if not model:
        raise UsageError(
            f"preset {chosen.name!r} learns from what a finished model sees; name one with --seen-by, or leave it out"
        )
    return dataclasses.replace(chosen, seen_by=model)


def check(chosen: Preset, weights: Collection[str]) -> None:
    """Refuse weights that a preset has no use for.

    Args:
        chosen: the preset.
        weights: names of the networks that they are given for.

    Raises:
        UsageError: if it trains no backbone, or has no such network.
    """
    if weights and chosen.kept:
        raise UsageError(
            f"preset {chosen.name!r} trains no backbone; name the bundle whose features it learns from with --seen-by"
        )
    strange = sorted(set(weights) - set(chosen.networks))
    if strange:
        raise UsageError(
            f"weights are named for {', '.join(strange)}; preset {chosen.name!r} has {', '.join(chosen.networks)}"
        )

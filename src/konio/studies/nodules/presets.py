"""The sizes of the study by name: each from a minute's smoke to the paper's own network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from konio.errors import UsageError
from konio.report.words import Words
from konio.studies.nodules.design import Preset
from konio.tasks import NODULE_TASKS


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
#: One slice as a network of its own: as many pixels of the plane, its patches parts of the slice.
_PLAIN: Final = {
    "encoder": "vit-small",
    "grid": 4,
    "patch": 8,
    "single": True,
    "side_mm": [2.0, 32.0, 32.0],
}
#: The questions of the paper's tables 1 and 2.
_TABULATED: Final = ("subtlety", "lobulation", "spiculation", "calcification", "malignancy")
#: What the collection of cubes tells.
_OF_CUBES: Final = tuple(name for name in NODULE_TASKS.names if name != "calcification")
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
                plain=_PLAIN,
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
                "One real slice of each nodule: convolutions, people's votes as target, eight views each.",
                "每个结节一层真实图像：卷积网络，以读片者投票为目标，八视图平均。",
                _recipe(_SLICE, epochs=6, batch=16, lr=2e-3),
                trimmed=Words(
                    "Three hours of one core. The preset slices-full has 30 epochs in place of 6, single-task networks for nine "
                    "questions in place of the five that the paper tabulates, five seeds for what else is compared in place of one, and "
                    "compares GradNorm, uncertainty weighting and the paper's loss as well.",
                    "单核约三小时。完整方案slices-full为30轮（此处6轮），九个问题均有单任务网络（此处为论文列出的五个），"
                    "其余对照也各用5个种子（此处1个），并比较GradNorm、不确定性加权和论文的损失函数。",
                ),
                seeds=(1,),
                more_seeds=(2, 3, 4, 5),
                singles=_TABULATED,
                ablations=("equal", "from-nothing"),
                views=8,
            ),
            Preset(
                "slices-full",
                "One real slice of each nodule, the whole comparison: convolutions, people's votes as target, eight views each.",
                "每个结节一层真实图像，完整对照：卷积网络，以读片者投票为目标，八视图平均。",
                _recipe(_SLICE, epochs=30, batch=16, lr=2e-3),
                ablations=("equal", "gradnorm", "uncertainty", "paper-loss", "from-nothing"),
                views=8,
            ),
            Preset(
                "cubes",
                "134 real cubes, as a mosaic of 16 slices; nobody rated their calcification.",
                "134个真实立方体，拼接16层；无钙化评分。",
                _recipe(_MOSAIC, epochs=15, batch=16, lr=1e-3),
                trimmed=Words(
                    "An hour and a half of one core. The preset cubes-full has 40 epochs in place of 15, five seeds for every network in "
                    "place of one, single-task networks for all eight questions in place of the four that the paper tabulates, and "
                    "compares equal weights as well.",
                    "单核约一个半小时。完整方案cubes-full为40轮（此处15轮），每个网络5个种子（此处1个），八个问题均有单任务网络"
                    "（此处为论文列出的四个），并比较等权。",
                ),
                seeds=(1,),
                singles=tuple(name for name in _TABULATED if name in _OF_CUBES),
                ablations=("from-nothing", "no-position", "plain-slice"),
                plain=_PLAIN,
                views=8,
            ),
            Preset(
                "cubes-full",
                "134 real cubes, as a mosaic of 16 slices, the whole comparison; nobody rated their calcification.",
                "134个真实立方体，拼接16层，完整对照；无钙化评分。",
                _recipe(_MOSAIC, epochs=40, batch=16, lr=1e-3),
                singles=_OF_CUBES,
                ablations=("equal", "from-nothing", "no-position", "depth-position", "plain-slice"),
                plain=_PLAIN,
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

"""Where the networks looked: channel maps, maps with boxes, and networks side by side (figures 3.3, 3.5 and 3.6).

The class that is explained is each network's own answer, right or wrong; the answer stands above its map.

References:
    Paper B, section 3.2 (dossier 4.2 T12, T17, B18, B29).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from konio.explain import Network, discriminative_maps, enlarge, explain
from konio.explain.pictures import channel_sheet, overlay
from konio.explain.regions import strong_parts
from konio.learning.batches import Films, in_order
from konio.learning.store import read_store
from konio.prepare.crops import CropPlan
from konio.report.words import Words, answer_words
from konio.studies.figures import Figure, Language, canvas
from konio.studies.hierarchy.design import design, trial_name
from konio.studies.hierarchy.fine import open_level
from konio.studies.hierarchy.parts import Parts
from konio.studies.hierarchy.presets import Preset
from konio.studies.hierarchy.trial import PREPARED, WEIGHTS, recipe_of
from konio.studies.runner import TRIALS
from konio.tasks import STAGE

#: Films that are shown, as in figure 3.5.
SHOWN: Final = 8
#: Channels of figure 3.3.
_CHANNELS: Final = 32
_NOT_DISEASE: Final = Words(
    "Colours show what moved each network, not where disease is. Above each film: the network's answer, and the truth in "
    "brackets where it differs.",
    "颜色表示影响网络判断的区域，并非病变位置。图上方为网络的回答，与真实期别不同时括号内为真实期别。",
)


def map_figures(
    networks: Mapping[str, Network], images: Tensor, truth: Sequence[int]
) -> tuple[Figure, Figure, Figure]:
    """Figures 3.3, 3.5 and 3.6.

    Args:
        networks: name to a network that answers the four stages; the last one is shown alone in the first two.
        images: ``(n, 1, S, S)`` films as the networks get them, n of `SHOWN` at most are shown.
        truth: their stages, 0..3.
    """
    films = images[:SHOWN]
    best = tuple(networks)[-1]
    shown = {name: _shown(network, films, truth) for name, network in networks.items()}
    said, maps = discriminative_maps(networks[best], films)
    place = int(said.heat.sum(dim=(1, 2)).argmax())
    return (
        _channels(channel_sheet(maps[place], _CHANNELS)),
        _films("figure-3-5", Words("What moved the network", "影响网络判断的区域"), {best: shown[best]}),
        _films("figure-3-6", Words("The same films, other networks", "相同胸片，不同网络"), shown),
    )  # fmt: skip


def read_map_figures(out: Path, preset: Preset, parts: Parts) -> tuple[Figure, ...]:
    """The figures of a finished study: diseased films of its test part first.

    None where the weights or the prepared films were taken away to save space; the other figures need neither.

    Args:
        out: the study's folder.
        preset: of the study.
        parts: of the study.
    """
    seed = preset.seeds[0]
    made = {trial.name: dict(trial.settings) for trial in design(preset, "", {}).trials}
    levels: dict[str, dict[str, Any]] = {
        name: {"name": own, "settings": made[own]}
        for name in preset.networks
        for own in (trial_name(f"four-{name}", seed),)
    }
    needed = [
        out / PREPARED,
        *(out / TRIALS / level["name"] / WEIGHTS for level in levels.values()),
    ]
    if not all(path.exists() for path in needed):
        return ()
    recipe = recipe_of(levels[preset.best]["settings"])
    labels = parts.labels(parts.test)
    order = np.argsort(-labels[:, 0], kind="stable")[:SHOWN]
    films = Films(
        read_store(out / PREPARED, recipe.sides),
        np.array(parts.test, np.int64)[order],
        labels[order],
    )
    crop = CropPlan(recipe.levels.crop, ten=False, size=recipe.phases[-1].size)
    (batch,) = in_order(films, recipe.final_side, SHOWN)
    images = crop.cut(batch["image"][:, None].float() / 127.5 - 1)
    networks = {name: open_level(out, level) for name, level in levels.items()}
    return map_figures(networks, images, labels[order, 0].tolist())


def _shown(
    network: Network, films: Tensor, truth: Sequence[int]
) -> list[tuple[NDArray[np.uint8], Words]]:
    """Each film with its map and boxes, and the words above it."""
    said = explain(network, films)
    side = films.shape[-1]
    cells = []
    for number, image in enumerate(films):
        boxes = strong_parts(enlarge(said.heat[number], side))
        words = answer_words(STAGE, STAGE.classes[int(said.chosen[number])])
        true = answer_words(STAGE, STAGE.classes[truth[number]])
        if words != true:
            words = Words(f"{words.en} ({true.en})", f"{words.zh}（{true.zh}）")
        cells.append((overlay(image, said.heat[number], boxes), words))
    return cells


def _channels(sheet: NDArray[np.uint8]) -> Figure:
    def draw(_: Language) -> Any:
        drawing, axes = canvas(7.2, 7.2 * sheet.shape[0] / sheet.shape[1])
        axes[0, 0].imshow(sheet)
        axes[0, 0].set_axis_off()
        return drawing

    caption = Words(
        "The 32 strongest channels of one film, weighted: orange for the answer, blue against it.",
        "一张胸片加权后最强的 32 个通道：橙色支持该回答，蓝色反对。",
    )
    return Figure("figure-3-3", Words("Maps of single channels", "单个通道的图"), draw, caption)


def _films(
    name: str, title: Words, shown: Mapping[str, Sequence[tuple[NDArray[np.uint8], Words]]]
) -> Figure:
    columns = len(next(iter(shown.values())))

    def draw(language: Language) -> Any:
        drawing, axes = canvas(1.5 * columns, 1.75 * len(shown), len(shown), columns)
        for row, (network, cells) in enumerate(shown.items()):
            for column, (picture, words) in enumerate(cells):
                axis = axes[row, column]
                axis.imshow(picture)
                axis.set_xticks([])
                axis.set_yticks([])
                axis.grid(visible=False)
                axis.set_title(words.zh if language == "zh" else words.en, fontsize=6.5)
                if column == 0:
                    axis.set_ylabel(network, fontsize=7)
        return drawing

    return Figure(name, title, draw, _NOT_DISEASE)

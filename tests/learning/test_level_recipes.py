"""Recipes of paper B: the preset is the paper, the anatomical one turns no chest over, flips and steps do what they say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from konio.learning.batches import draw_moves
from konio.learning.level_objective import LevelObjective
from konio.learning.levels import _plan
from konio.learning.recipe import AugmentTable, Phase, parse_recipe, read_recipe
from konio.learning.timetable import lay_out
from konio.learning.views import view
from konio.networks.class_losses import ClassLossPlan
from konio.prepare.crops import CropPlan

RECIPES = Path(__file__).parents[2] / "recipes"
PRESETS = ("paper-b", "paper-b-anatomical", "hierarchy", "hierarchy-smoke")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_describes_levels_that_can_be_built(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    assert recipe.kind == "hierarchy"
    plan = _plan(recipe)
    assert [level.classes for level in plan.levels] == [2, 3]
    # The thesis' crops are cut before the network; the shipped model shares first layers among them.
    assert plan.crops == CropPlan(
        0.8, ten=True, size=recipe.phases[-1].size, shared=name == "hierarchy"
    )
    for number, classes in ((1, 2), (2, 3)):
        assert recipe.levels.loss(number).classes in (None, classes)


def test_the_preset_is_the_paper() -> None:
    recipe = read_recipe(RECIPES / "paper-b.toml")
    assert recipe.levels.targets == (16, 25, 16, 10)
    assert recipe.levels.sampling == "oversample"
    assert recipe.levels.zero == "healthy"
    assert recipe.levels.loss(2).penalties == (5, 8, 9)
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.momentum) == ("sgd", 1e-3, 0.9)  # fmt: skip
    assert (recipe.schedule.kind, recipe.schedule.factor, recipe.schedule.every) == ("step", 0.1, 40)  # fmt: skip
    assert [phase.epochs for phase in recipe.phases] == [80]
    augment = recipe.augment
    assert (augment.crop, augment.flip_horizontal, augment.flip_vertical) == (0.8, True, True)
    assert augment.limits().scale == augment.limits().gamma == (1, 1)
    assert augment.rotation == augment.translation == 0


def test_the_anatomical_preset_differs_by_the_vertical_flips_alone() -> None:
    documents = [
        tomllib.loads((RECIPES / f"{name}.toml").read_text("utf-8"))
        for name in ("paper-b", "paper-b-anatomical")
    ]
    for document in documents:
        for key in ("name", "about"):
            document.pop(key)
    flips = [document["augment"].pop("flip_vertical") for document in documents]
    assert flips == [True, False]
    assert documents[0] == documents[1]


def test_the_rate_falls_to_a_tenth_every_forty_epochs() -> None:
    table = lay_out(read_recipe(RECIPES / "paper-b.toml"), films=64)
    rates = [table.rate(leg.first) for leg in table.legs]
    assert rates == pytest.approx([1.0] * 40 + [0.1] * 40)


def picture() -> dict[str, torch.Tensor]:
    """Two films, dark left half, with a bright upper edge."""
    image = torch.zeros(2, 40, 40, dtype=torch.uint8)
    image[:, :, 20:] = 200
    image[:, :4] = 255
    maps = torch.zeros(2, 10, 10, dtype=torch.uint8)
    return {"image": image, "zones": maps, "lesions": maps[:, None].repeat(1, 3, 1, 1)}


def moved(augment: AugmentTable, seed: int, films: int = 2) -> torch.Tensor:
    drawn = draw_moves([seed], films, augment, Phase(size=32, film=64))
    return view(picture() | drawn, 32).image


STILL = {"scale": 0.0, "rotation": 0.0, "translation": 0.0}


def test_a_crop_shows_its_share_of_the_film() -> None:
    places = draw_moves([0], 50, AugmentTable(**STILL, crop=0.8), Phase(size=32, film=64))["places"]
    assert places[:, 0, 0].tolist() == pytest.approx([0.8] * 50)
    assert float(places[:, :, 2].abs().max()) <= 0.2 + 1e-6
    assert float(places[:, :, 2].std()) > 0.05
    whole = draw_moves([0], 3, AugmentTable(**STILL, crop=1.0), Phase(size=32, film=64))["places"]
    torch.testing.assert_close(whole, torch.eye(2, 3).expand(3, 2, 3))


def test_flips_mirror_half_of_the_films_and_nothing_else() -> None:
    upright = [moved(AugmentTable(**STILL, crop=1.0, flip_horizontal=True), s) for s in range(20)]
    right = torch.cat([m[:, 0, 16, 24] > m[:, 0, 16, 8] for m in upright])
    assert 8 < int(right.sum()) < 32
    assert all(bool((m[:, 0, 1] > 0.8).all()) for m in upright)
    over = [moved(AugmentTable(**STILL, crop=1.0, flip_vertical=True), s) for s in range(20)]
    up = torch.cat([m[:, 0, 1, 4] > m[:, 0, 30, 4] for m in over])
    assert 8 < int(up.sum()) < 32
    assert all(bool((m[:, 0, 16, 24] > m[:, 0, 16, 8]).all()) for m in over)


def test_runs_without_flips_draw_what_they_always_drew() -> None:
    plain = draw_moves([7], 4, AugmentTable(), Phase(size=32, film=64))
    flipped = draw_moves([7], 4, AugmentTable(flip_horizontal=True), Phase(size=32, film=64))
    torch.testing.assert_close(plain["places"].abs(), flipped["places"].abs())
    assert torch.equal(plain["gamma"], flipped["gamma"])


def test_a_recipe_says_only_what_differs_so_that_older_fingerprints_stay() -> None:
    document = {"name": "tiny", "phases": [{"size": 64}]}
    assert parse_recipe(document).fingerprint == (
        parse_recipe(document | {"levels": {}, "optimizer": {"momentum": 0.0}}).fingerprint
    )
    shipped = {
        "paper-a": "88c0d5c54a8177dabe9d2a444fd2a05b06f6b8ea3ec6b5f6d176a191f05b164e",
        "fast": "b74e9f92b4b1349d9f082d6e5767c806497556e89637f7eda1cacf49729f871a",
        "smoke": "a1711045e691460a45e3d21e5064d43201877485ddb43ea3461f61a3e14185dd",
        "chestxray14": "dd1cf31d5004416235ccdf4893b08991a477f62b20d264958eb818ba7230b7ab",
    }
    for name, fingerprint in shipped.items():
        assert read_recipe(RECIPES / f"{name}.toml").fingerprint == fingerprint


def test_an_answer_is_the_logarithm_of_mean_probabilities() -> None:
    objective = LevelObjective(3, ClassLossPlan(), CropPlan())
    seen = view({"image": torch.zeros(2, 40, 40, dtype=torch.uint8),
                 "zones": torch.zeros(2, 10, 10, dtype=torch.uint8),
                 "lesions": torch.zeros(2, 3, 10, 10, dtype=torch.uint8)}, 32)  # fmt: skip
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    said = objective.answer(lambda crops: logits[: len(crops)], seen)
    truth = logits.softmax(1).reshape(2, 10, 3).mean(1)
    torch.testing.assert_close(said.exp(), truth)
    scores = objective.judge(said.numpy(), np.array([[0], [2]]))
    assert set(scores) == {"loss", "accuracy", "macro_recall"}
    assert scores["loss"] == pytest.approx(-float(truth[[0, 1], [0, 2]].log().mean()), rel=1e-5)

import tomllib
from pathlib import Path

import pytest

from konio.errors import RecipeError
from konio.learning.recipe import parse_recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
PRESETS = ("paper-a", "fast", "smoke", "konio-radiograph", "chestxray14")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_recipe_and_names_a_network(name):
    recipe = read_recipe(RECIPES / f"{name}.toml")
    assert recipe.name == name
    assert recipe.network.plan().backbone == recipe.network.backbone
    assert recipe.loss.plan().weighting == recipe.loss.weighting


def test_paper_preset_is_the_paper():
    recipe = read_recipe(RECIPES / "paper-a.toml")
    assert recipe.network.tasks == ("differential", "stage")
    assert (recipe.network.backbone, recipe.network.dropout) == ("densenet121", 0.75)
    assert set(recipe.network.plan().pooling.values()) == {"global"}
    assert recipe.loss.weighting == "paper"
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adam", 1e-5)
    assert recipe.optimizer.weight_decay == recipe.optimizer.clip == recipe.trainer.ema == 0
    assert (recipe.schedule.kind, recipe.schedule.factor, recipe.schedule.patience) == (
        "plateau",
        0.1,
        5,
    )
    (phase,) = recipe.phases
    assert (phase.size, phase.side, phase.epochs, phase.batch, phase.lr) == (512, 512, 50, 16, 1)
    limits = recipe.augment.limits()
    assert limits.scale == (0.98, 1.02)
    assert (limits.rotation, limits.translation) == (15, 0.02)
    assert limits.gamma == limits.contrast == (1, 1)


TINY = {"name": "t", "phases": [{"size": 64}]}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"nmae": "t"}, "nmae"),
        ({"name": "No Spaces"}, "name"),
        ({"phases": []}, "phases"),
        ({"phases": [{"size": 50}]}, "phases.0"),
        ({"phases": [{"size": 64, "film": 32}]}, "phases.0"),
        ({"phases": [{"size": 64, "epochs": 0}]}, "phases.0.epochs"),
        ({"network": {"tasks": ["stag"]}}, "network"),
        ({"network": {"dropout": 1.0}}, "network.dropout"),
        ({"optimizer": {"lr": "fast"}}, "optimizer.lr"),
        ({"loss": {"importance": {"zone_ru": 1}}}, "zone_ru"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_fault_is_named_by_its_key(change, named):
    with pytest.raises(RecipeError, match=named):
        parse_recipe(TINY | change)


def test_a_file_that_is_no_recipe_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(RecipeError, match="not TOML"):
        read_recipe(broken)


def test_pretrained_weights_are_beside_the_recipe_and_leave_no_path_behind(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text('name = "t"\n[network]\npretrained = "w.safetensors"\n[[phases]]\nsize = 64\n')
    recipe = read_recipe(file)
    assert recipe.network.pretrained == str(tmp_path / "w.safetensors")
    assert recipe.to_json()["network"]["pretrained"] == "w.safetensors"


def test_round_trip_and_fingerprint():
    recipe = parse_recipe(TINY)
    assert parse_recipe(recipe.to_json()) == recipe
    assert (
        recipe.fingerprint
        == parse_recipe(tomllib.loads('name="t"\n[[phases]]\nsize=64')).fingerprint
    )
    assert recipe.fingerprint != parse_recipe(TINY | {"seed": 2}).fingerprint


def test_the_size_that_is_told_is_the_one_that_the_network_sees():
    films = parse_recipe({"name": "films", "phases": [{"size": 384}]})
    nodules = read_recipe(RECIPES / "nodule-slice.toml")
    assert films.seen_side(films.phases[0]) == 384
    assert nodules.seen_side(nodules.phases[0]) == 48

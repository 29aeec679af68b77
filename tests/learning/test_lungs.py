import numpy as np
import pytest
import torch
from PIL import Image as Picture

from konio.errors import CohortError, RecipeError
from konio.learning.lungs import (
    LungRecipe,
    LungTraining,
    draw_batch,
    learning_rate_at,
    lung_loss,
    train_lungs,
)
from konio.learning.lungs_cohort import (
    LungFilms,
    pairs_of_cohort,
    pairs_of_folders,
    prepare_pairs,
    prepare_phantoms,
)
from konio.networks.unet import UNET_SIDE

RECIPE = LungRecipe(widths=(2, 3), warm_up_steps=2, steps=3, batch=2, checkpoint_every=2)


def toy_films(count, seed=0):
    side = 64
    rng = np.random.default_rng(seed)
    rows, columns = np.ogrid[:side, :side]
    films, sides = [], []
    for _ in range(count):
        middle = rng.integers(26, 34)
        right = ((rows - middle) / 18) ** 2 + ((columns - 18) / 9) ** 2 <= 1
        left = ((rows - middle) / 18) ** 2 + ((columns - 46) / 9) ** 2 <= 1
        films.append(np.where(right | left, 30, 200) + rng.integers(0, 30, (side, side)))
        sides.append(right + 2 * left)
    names = tuple(f"toy-{seed}-{i}" for i in range(count))
    return LungFilms(np.array(films, np.uint8), np.array(sides, np.uint8), names)


def training(recipe=RECIPE, seed=3):
    return LungTraining(recipe, toy_films(4), toy_films(3, seed=1), seed)


def same(one, other):
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_stopped_training_ends_in_the_same_weights(tmp_path, stop):
    whole = train_lungs(training(), tmp_path / "whole")
    train_lungs(training(), tmp_path / "parts", stop_after=stop)
    assert same(train_lungs(training(), tmp_path / "parts", resume=True), whole)


def test_folds_that_share_the_warm_up_are_the_whole_training(tmp_path):
    whole = train_lungs(training(), tmp_path / "whole")
    warm = train_lungs(training().warm_up(), tmp_path / "warm", stop_after=RECIPE.warm_up_steps)
    assert same(train_lungs(training(), tmp_path / "fold", start=warm), whole)


def test_another_seed_or_other_films_give_another_network(tmp_path):
    whole = train_lungs(training(), tmp_path / "a")
    assert not same(train_lungs(training(seed=4), tmp_path / "b"), whole)
    with pytest.raises(RecipeError, match="belongs to another"):
        train_lungs(training(seed=4), tmp_path / "a", resume=True)


def test_nothing_of_torchs_own_randomness_is_touched(tmp_path):
    before = torch.get_rng_state()
    train_lungs(training(), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_learns(tmp_path):
    recipe = LungRecipe(
        widths=(6, 8), warm_up_steps=0, steps=60, batch=4, no_lungs_share=0, learning_rate=0.02
    )
    losses = []
    train_lungs(
        training(recipe), tmp_path, progress=lambda _step, _total, loss: losses.append(loss)
    )
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_the_warm_up_sees_no_real_pair_and_later_steps_do():
    films = training()
    marked = LungFilms(np.full_like(films.real.films, 255), films.real.sides, films.real.names)
    recipe = RECIPE.model_copy(update={"real_share": 1.0, "no_lungs_share": 0.0})
    plain = LungTraining(recipe, films.phantoms, films.real, 3)
    changed = LungTraining(recipe, films.phantoms, marked, 3)
    assert torch.equal(draw_batch(plain, 1)[0], draw_batch(changed, 1)[0])
    assert not torch.equal(draw_batch(plain, 2)[0], draw_batch(changed, 2)[0])


def test_pictures_without_lungs_have_empty_masks():
    recipe = RECIPE.model_copy(update={"no_lungs_share": 0.999999, "batch": 6})
    _, masks = draw_batch(training(recipe), 0)
    assert masks.max() == 0


def test_the_loss_is_least_for_the_truth():
    masks = (torch.rand(2, 2, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    right, wrong = lung_loss(20 * (masks * 2 - 1), masks), lung_loss(-20 * (masks * 2 - 1), masks)
    assert float(right) < 1e-3
    assert float(right) < float(lung_loss(torch.zeros_like(masks), masks)) < float(wrong)
    empty = torch.zeros_like(masks)
    assert float(lung_loss(empty - 20, empty)) < 1e-3


def test_the_learning_rate_rises_and_falls():
    rates = [learning_rate_at(RECIPE, step, 100) for step in range(100)]
    peak = int(np.argmax(rates))
    assert peak in (9, 10)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] < 0.05 * max(rates)


def test_made_up_patients_are_prepared_and_kept(tmp_path):
    films = prepare_phantoms(2, seed=1, size=128, cache=tmp_path)
    assert films.films.shape == (2, UNET_SIDE, UNET_SIDE)
    assert set(np.unique(films.sides)) == {0, 1, 2}
    middle = UNET_SIDE // 2
    assert (films.sides[:, :, :middle] == 1).sum() > 0.95 * (films.sides == 1).sum()
    kept = list(tmp_path.iterdir())
    again = prepare_phantoms(2, seed=1, size=128, cache=tmp_path)
    assert np.array_equal(again.films, films.films)
    assert again.names == films.names
    assert list(tmp_path.iterdir()) == kept
    assert not np.array_equal(prepare_phantoms(1, seed=2, size=128).films[0], films.films[0])


def test_pairs_come_from_folders_and_from_a_cohort(tmp_path):
    films = toy_films(2)
    for folder in ("films", "masks"):
        (tmp_path / folder).mkdir()
    for name, film, sides in zip(films.names, films.films, films.sides, strict=True):
        Picture.fromarray(film).save(tmp_path / "films" / f"{name}.png")
        Picture.fromarray((sides > 0).astype(np.uint8) * 255).save(
            tmp_path / "masks" / f"{name}.png"
        )
    (tmp_path / "cohort.csv").write_text(
        "path,patient_id,lungs\n"
        + "".join(f"films/{n}.png,{n},masks/{n}.png\n" for n in films.names)
        + "films/other.png,x,\n"
    )
    pairs = pairs_of_folders(tmp_path / "films", tmp_path / "masks")
    assert pairs == pairs_of_cohort(tmp_path / "cohort.csv")

    def read(path):
        return np.asarray(Picture.open(path), np.float32) / 255

    prepared = prepare_pairs(pairs, read=read)
    grown = np.kron(films.sides[0], np.ones((4, 4), np.uint8))
    assert np.mean(prepared.sides[0] == grown) > 0.99


def test_folders_without_pairs_and_trainings_without_films_are_refused(tmp_path):
    with pytest.raises(CohortError, match="mask of its name"):
        pairs_of_folders(tmp_path, tmp_path)
    with pytest.raises(CohortError, match="no film"):
        LungTraining(RECIPE, LungFilms.none(), LungFilms.none(), 0)
    table = tmp_path / "cohort.csv"
    table.write_text("path,patient_id,lungs\na.png,1,\n")
    with pytest.raises(CohortError, match="mask"):
        pairs_of_cohort(table)


def test_recipes_are_read_or_refused(tmp_path):
    file = tmp_path / "lungs.toml"
    file.write_text("steps = 7\nwidths = [4, 8]\n")
    assert LungRecipe.read(file).steps == 7
    for wrong in ("steps = -1", "stepps = 1", "steps ="):
        file.write_text(wrong)
        with pytest.raises(RecipeError):
            LungRecipe.read(file)
    with pytest.raises(RecipeError):
        LungRecipe.read(tmp_path / "missing.toml")

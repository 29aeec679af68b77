import numpy as np
import pytest
import torch

from konio.learning.batches import Films, LegLoader, Shard, draw_moves, in_order
from konio.learning.recipe import AugmentTable, Phase, parse_recipe
from konio.learning.timetable import lay_out
from konio.learning.views import view, visible_labels
from konio.tasks import MISSING, RADIOGRAPH_TASKS

from .synthetic_run import labels, store

STILL = AugmentTable(scale=0, rotation=0, translation=0)
WHOLE = Phase(size=64)


def batch(count=3):
    films = Films(store(), np.arange(10), labels(10))
    return films.batch(np.arange(count), 64)


def moved(augment, phase, count=3, seed=0):
    return batch(count) | draw_moves([seed], count, augment, phase)


def by_cell(fine):
    return torch.nn.functional.avg_pool2d(fine, 4)


def test_not_moving_is_the_identity():
    still, untouched = view(moved(STILL, WHOLE), 64), view(batch(), 64)
    torch.testing.assert_close(still.image, untouched.image, atol=1e-5, rtol=0)
    torch.testing.assert_close(still.lesions, untouched.lesions, atol=1e-5, rtol=0)
    assert torch.equal(untouched.image, batch()["image"][:, None] / 127.5 - 1)
    assert (still.seen > 0.5).all()


def test_image_zones_and_lesions_move_together():
    """A square drawn into all three is found in the same cells after any movement."""
    side, points = 256, 64
    image = torch.zeros(1, side, side, dtype=torch.uint8)
    zones = torch.zeros(1, points, points, dtype=torch.uint8)
    lesions = torch.zeros(1, 3, points, points, dtype=torch.uint8)
    image[:, 96:160, 64:192], zones[:, 24:40, 16:48], lesions[:, 0, 24:40, 16:48] = 255, 1, 255
    still = {"image": image, "zones": zones, "lesions": lesions}
    augment = AugmentTable(scale=0.2, rotation=30, translation=0.1)
    for seed in range(5):
        seen = view(still | draw_moves([seed], 1, augment, Phase(size=256)), 256)
        bright = torch.nn.functional.avg_pool2d((seen.image + 1) / 2, 32)[0, 0]
        torch.testing.assert_close(bright, seen.zones[0, 0], atol=0.12, rtol=0)
        torch.testing.assert_close(bright, by_cell(seen.lesions)[0, 0], atol=0.12, rtol=0)


def test_a_window_is_a_part_of_the_film_at_its_own_resolution():
    phase = Phase(size=32, film=64)
    drawn = moved(STILL, phase, count=1)
    seen = view(drawn, 32)
    assert seen.image.shape == (1, 1, 32, 32)
    assert seen.zones.shape == (1, 6, 1, 1)
    centre = drawn["places"][0, :, 2]
    assert (centre.abs() <= 0.5).all()
    corner = (centre * 32 + 16).tolist()
    left, top = round(corner[0]), round(corner[1])
    shifted = moved(STILL, phase, count=1)
    shifted["places"][0, :, 2] = torch.tensor([(left - 16) / 32, (top - 16) / 32])
    exact = drawn["image"][0, top : top + 32, left : left + 32] / 127.5 - 1
    torch.testing.assert_close(view(shifted, 32).image[0, 0], exact, atol=1e-4, rtol=0)


def test_a_window_keeps_only_the_labels_of_zones_it_shows():
    tasks = RADIOGRAPH_TASKS.subset("stage", "zone_ru", "zone_ll")
    known = torch.tensor([[1, 5, 7], [2, MISSING, 8]])
    seen = torch.tensor([[0.9, 0, 0, 0, 0, 0.2], [0.9, 0, 0, 0, 0, 0.6]])
    assert visible_labels(known, seen, tasks, windowed=False) is known
    shown = visible_labels(known, seen, tasks, windowed=True)
    assert shown.tolist() == [[MISSING, 5, MISSING], [MISSING, MISSING, 8]]


def test_tone_stays_in_range_and_leaves_black_and_order():
    toned = view(moved(AugmentTable(gamma=0.5, contrast=0.3), WHOLE), 64).image
    assert toned.min() >= -1
    assert toned.max() <= 1


def loader(start=0, shard=Shard()):  # noqa: B008
    recipe = parse_recipe({"name": "t", "phases": [{"size": 64, "epochs": 2, "batch": 4}]})
    films = Films(store(), np.arange(16), labels(16))
    table = lay_out(recipe, len(films))
    leg = table.leg_at(start)
    return LegLoader(films, table, leg, start, recipe.augment, shard)


def test_batches_from_the_middle_are_those_of_the_whole_epoch():
    whole, rest = list(loader()), list(loader(start=2))
    assert (len(loader()), len(loader(start=2)), len(whole), len(rest)) == (4, 2, 4, 2)
    for one, other in zip(whole[2:], rest, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_two_devices_share_a_batch_without_overlap():
    whole = next(iter(loader()))
    halves = [next(iter(loader(shard=Shard(rank, 2)))) for rank in range(2)]
    for name, values in whole.items():
        assert torch.equal(values[0::2], halves[0][name])
        assert torch.equal(values[1::2], halves[1][name])


@pytest.mark.parametrize("world", [1, 3])
def test_looking_in_order_covers_every_film_once(world):
    films = Films(store(), np.arange(10), labels(10))
    places = [
        b["place"] for rank in range(world) for b in in_order(films, 64, 4, Shard(rank, world))
    ]
    assert sorted(torch.cat(places).tolist()) == list(range(10))

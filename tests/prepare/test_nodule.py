"""Cubes keep their Hounsfield units, their middle and their size while they are moved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from konio.errors import RecordError
from konio.prepare.augment import Drawing
from konio.prepare.nodule import CubeMoves, NodulePreparation, move_cubes

SMALL = NodulePreparation((4, 8, 8), (4.0, 8.0, 8.0))


def kept(seed: int = 0, preparation: NodulePreparation = SMALL) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (2, *preparation.kept.voxels), np.uint8))


def moves(places: list[list[float]], shift: int = 0, over: bool = False) -> CubeMoves:
    ones = torch.ones(2)
    table = torch.tensor(places)[None].expand(2, -1, -1)
    return CubeMoves(Drawing(table, ones, ones), torch.full((2,), shift), torch.full((2,), over))


STAY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_preparation_returns_from_json() -> None:
    assert NodulePreparation.from_json(SMALL.to_json()) == SMALL
    with pytest.raises(RecordError, match="another version"):
        NodulePreparation.from_json({"size": 3})
    with pytest.raises(RecordError, match="three sides"):
        NodulePreparation((0, 8, 8))
    with pytest.raises(RecordError, match="window"):
        NodulePreparation(low=400.0)


def test_kept_cube_has_the_same_voxels_and_more_of_them() -> None:
    larger = SMALL.kept
    assert larger.voxels == (8, 12, 12)
    assert larger.spacing_mm == SMALL.spacing_mm
    assert NodulePreparation((1, 48, 48), (1.0, 36.0, 36.0)).kept.voxels == (1, 72, 72)


def test_window() -> None:
    hu = np.array([-2000, -1000, -300, 400, 3000])
    assert SMALL.scaled(hu).tolist() == [-1, -1, 0, 1, 1]
    assert SMALL.bytes_of(hu).tolist() == [0, 0, 128, 255, 255]
    back = SMALL.bytes_of(hu[1:4]).astype(float) / 127.5 - 1
    assert np.abs(back - SMALL.scaled(hu[1:4])).max() <= 1 / 255 + 1e-6


def test_unmoved_and_moved_by_nothing_are_the_middle() -> None:
    cubes = kept()
    middle = cubes[:, 2:6, 2:10, 2:10].float() / 127.5 - 1
    assert torch.equal(move_cubes(cubes, SMALL), middle)
    assert torch.allclose(move_cubes(cubes, SMALL, moves(STAY)), middle, atol=1e-5)


def test_slices_shift_and_turn_over() -> None:
    cubes = kept()
    middle = cubes.float() / 127.5 - 1
    shifted = move_cubes(cubes, SMALL, moves(STAY, shift=2))
    assert torch.allclose(shifted, middle[:, 4:8, 2:10, 2:10], atol=1e-5)
    over = move_cubes(cubes, SMALL, moves(STAY, over=True))
    assert torch.allclose(over, middle[:, 2:6, 2:10, 2:10].flip(1), atol=1e-5)


def test_places_are_those_of_the_input_and_the_margin_is_seen() -> None:
    cubes = kept()
    mirrored = move_cubes(cubes, SMALL, moves([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert torch.allclose(mirrored, move_cubes(cubes, SMALL).flip(3), atol=1e-5)
    # A shift by a quarter of the input's side (0.5 of -1..1) is two voxels: into the margin, not into air.
    moved = move_cubes(cubes, SMALL, moves([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]))
    middle = cubes.float() / 127.5 - 1
    assert torch.allclose(moved, middle[:, 2:6, 2:10, 4:12], atol=1e-5)


def test_cubes_of_another_shape_are_refused() -> None:
    with pytest.raises(RecordError, match="prepare them again"):
        move_cubes(torch.zeros(1, 4, 8, 8, dtype=torch.uint8), SMALL)

"""Pictures of maps: the film shines through where nothing is said; channels share one scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from konio.errors import UsageError
from konio.explain.pictures import channel_sheet, overlay

FILM = torch.linspace(-1, 1, 64)[None, None].expand(1, 64, 64)


def test_without_heat_the_film_is_shown_as_it_is() -> None:
    picture = overlay(FILM, torch.zeros(2, 2))
    assert picture.shape == (64, 64, 3)
    assert picture[5, :, 0].tolist() == picture[5, :, 2].tolist()
    assert (picture[0, 0, 0], picture[0, -1, 0]) == (0, 255)


def test_heat_colours_its_own_place_and_boxes_are_drawn() -> None:
    heat = torch.zeros(4, 4)
    heat[0, 0] = 3.0
    picture = overlay(FILM * 0, heat).astype(int)
    assert picture[4, 4, 0] > picture[4, 4, 2] + 30
    assert abs(picture[60, 60, 0] - picture[60, 60, 2]) == 0
    framed = overlay(FILM * 0, heat, [(10, 20, 40, 50)])
    changed = (framed != picture).any(axis=2)
    assert changed[10, 20:50].all()
    assert changed[10:40, 20].all()
    assert not changed[20:35, 25:45].any()


def test_the_strongest_channels_come_first_on_one_scale() -> None:
    maps = torch.zeros(5, 4, 4)
    maps[3], maps[1] = -2.0, 1.0
    sheet = channel_sheet(maps, count=3, side=20, columns=2)
    assert sheet.shape == (40, 40, 3)
    first, second = sheet[10, 10].astype(int), sheet[10, 30].astype(int)
    assert first[2] > first[0]  # against the answer: blue
    assert second[0] > second[2]  # for it: orange
    assert second[0] < 160  # half of the scale
    assert np.all(sheet[30, 30] == 255)  # no fourth channel
    with pytest.raises(UsageError, match="one film"):
        channel_sheet(maps[None])

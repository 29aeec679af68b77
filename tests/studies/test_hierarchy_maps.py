"""Figures of where the networks looked, by their own answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from konio.explain.regions import RegionRule, strong_parts
from konio.learning.store import Store
from konio.networks.classifier import ClassifierPlan, build_classifier
from konio.studies.hierarchy.design import design
from konio.studies.hierarchy.maps import map_figures, read_map_figures
from konio.studies.hierarchy.parts import Parts
from konio.studies.hierarchy.presets import PRESETS
from konio.studies.hierarchy.trial import PREPARED, WEIGHTS, plan_of, recipe_of
from konio.studies.runner import TRIALS


def test_figures_of_two_networks() -> None:
    networks = {
        name: build_classifier(ClassifierPlan(4, name), torch.Generator().manual_seed(place)).eval()
        for place, name in enumerate(("vgg-mini", "densenet-mini"))
    }
    films = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    channels, alone, beside = map_figures(networks, films, [3, 2, 1])
    assert [figure.name for figure in (channels, alone, beside)] == [
        "figure-3-3",
        "figure-3-5",
        "figure-3-6",
    ]
    assert len(alone.draw("en").axes) == 3
    drawn = beside.draw("zh")
    assert len(drawn.axes) == 6
    answers = networks["vgg-mini"](films).argmax(dim=1).tolist()
    for axis, answer, truth in zip(drawn.axes[:3], answers, [3, 2, 1], strict=True):
        assert ("（" in axis.get_title() + axis.get_title(loc="left")) == (answer != truth)
    assert "<svg" in channels.svg()


def test_strong_parts_are_boxes_on_the_maps_own_grid() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[1:3, 1:4], heat[6, 6], heat[0, 7] = 1.0, 0.9, 0.2
    assert strong_parts(heat) == ((1, 1, 3, 4), (6, 6, 7, 7))
    assert strong_parts(heat, RegionRule(most=1)) == ((1, 1, 3, 4),)
    assert strong_parts(np.zeros((8, 8), np.float32)) == ()


def test_the_figures_of_a_finished_study_need_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset, side = PRESETS["smoke"], 96
    stages = (0, 3, 1, 2, 3)
    parts = Parts(stages, train=(0,), validation=(1,), test=(2, 3, 4), leaking_train=(), leaking_test=())  # fmt: skip
    assert read_map_figures(tmp_path, preset, parts) == ()
    (tmp_path / PREPARED).mkdir()
    for trial in design(preset, "", {}).trials:
        if trial.name.startswith("four-"):
            plan = plan_of(trial.settings, recipe_of(trial.settings))
            folder = tmp_path / TRIALS / trial.name
            folder.mkdir(parents=True)
            save_file(build_classifier(plan).state_dict(), folder / WEIGHTS)
    films = np.random.default_rng(0).integers(0, 256, (5, side, side), dtype=np.uint8)
    kept = Store(
        tmp_path, {side: films}, np.zeros((5, 24, 24), np.uint8), np.zeros((5, 3, 24, 24), np.uint8),
        np.zeros(5, bool), np.ones(5, bool), {},
    )  # fmt: skip
    monkeypatch.setattr("konio.studies.hierarchy.maps.read_store", lambda folder, sides: kept)
    figures = read_map_figures(tmp_path, preset, parts)
    assert [figure.name for figure in figures] == ["figure-3-3", "figure-3-5", "figure-3-6"]
    drawn = figures[2].draw("en")
    assert len(drawn.axes) == len(preset.networks) * 3
    assert "stage III" in drawn.axes[0].get_title()  # the film with the highest stage comes first

"""What share of a map lies inside the lungs: measured, in the JSON, and told where it is low."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from konio.assess.explained import LOW, explanation_facts, outside_the_lungs
from konio.modality import SHOWN_GRID, Explanation, explain_radiograph
from konio.networks import NetworkPlan, build_network
from konio.prepare import Preparation, prepare_film
from konio.report import render_page
from konio.report.words import WORDS
from konio.tasks import RADIOGRAPH_TASKS


def said(lungs, **maps: np.ndarray):
    frame = Preparation(size=64, margin=0.3).frame(lungs.shape_px, lungs)
    why = {name: Explanation(heat.astype(np.float32), ()) for name, heat in maps.items()}
    return SimpleNamespace(frame=frame, why=why), frame


def test_shares_inside_the_lungs(two_lungs) -> None:
    lungs = two_lungs((240, 200))
    answer, frame = said(lungs, stage=np.zeros((1, 1)))
    inside = frame.crop_labels(lungs.mask, 128).astype(float)
    maps = {"stage": inside, "differential": 1 - inside, "aggregation": np.ones((8, 8)),
            "large_opacity": np.zeros((8, 8)), "zone_ru": inside}  # fmt: skip
    facts = {}
    for name, heat in maps.items():
        answer, _ = said(lungs, **{name: heat})
        found = explanation_facts(RADIOGRAPH_TASKS, answer, lungs)
        facts[name] = None if found is None else found["in_lungs"][name]
    area = explanation_facts(RADIOGRAPH_TASKS, said(lungs, stage=np.ones((4, 4)))[0], lungs)
    assert facts["stage"] == 1
    assert facts["differential"] == 0
    assert facts["aggregation"] == pytest.approx(area["lungs_area"], abs=1e-3)
    assert facts["large_opacity"] is None  # nothing spoke for the answer
    assert facts["zone_ru"] is None  # a zone's question looks at its zone only
    assert explanation_facts(RADIOGRAPH_TASKS, said(lungs)[0], lungs) is None


def explained(chest, lungs, pooling: str):
    """Maps of every class of the stage and of a zone, by a network whose heads are fresh."""
    plan = NetworkPlan(
        ("stage", "zone_ru"), "densenet-mini", hidden=16,
        pooling={"stage": pooling, "zone_ru": "zone"},
    )  # fmt: skip
    network = build_network(plan, torch.Generator().manual_seed(3)).eval()
    prepared = prepare_film(chest, lungs, Preparation(size=128, margin=0.3))
    with torch.no_grad():
        features = network.features(prepared.image[None])
    labels = prepared.frame.crop_labels(lungs.zones, SHOWN_GRID)
    said = [
        explain_radiograph(network, features, prepared, lungs, {"stage": k, "zone_ru": k})
        for k in range(4)
    ]
    return said, labels


def test_a_map_ends_where_its_answer_stops_looking(two_lungs, chest) -> None:
    lungs = two_lungs(chest.shape)
    said, labels = explained(chest, lungs, "lungs")
    spoke = 0
    for every in said:
        for name, seen in (("stage", labels > 0), ("zone_ru", labels == 1)):
            heat = every[name].heat
            # A shown pixel is the mean of four; at the border one of them may still be lung.
            rim = np.zeros_like(seen)
            rim[1:-1, 1:-1] = np.lib.stride_tricks.sliding_window_view(seen, (3, 3)).any((2, 3))
            assert heat.shape == (SHOWN_GRID, SHOWN_GRID)
            assert not heat[~(seen | rim)].any()
            assert heat.max() in (0, 1)
            spoke += int(heat.max() == 1)
    assert spoke >= 4
    assert {every["stage"].within for every in said} == {"lungs"}
    assert {every["zone_ru"].within for every in said} == {"ru"}


def test_a_map_of_the_whole_square_is_not_cut(two_lungs, chest) -> None:
    said, labels = explained(chest, two_lungs(chest.shape), "global+zones")
    assert {every["stage"].within for every in said} == {""}
    assert any(every["stage"].heat[labels == 0].any() for every in said)


def test_answers_made_from_the_lungs_are_named(two_lungs) -> None:
    lungs = two_lungs((240, 200))
    answer, _ = said(lungs, stage=np.ones((4, 4)), differential=np.ones((4, 4)))
    answer.why["stage"] = dataclasses.replace(answer.why["stage"], within="lungs")
    facts = explanation_facts(RADIOGRAPH_TASKS, answer, lungs)
    assert facts["made_from_lungs"] == ["stage"]
    assert json.loads(json.dumps(facts)) == facts


def test_the_page_does_not_praise_a_map_that_cannot_lie_elsewhere(assessor, chest) -> None:
    examined = assessor.examine_image(chest)
    plain, alone = (page_with(examined, 0.98, within) for within in ((), ("stage",)))
    for language in ("en", "zh"):
        words, share = (getattr(WORDS[key], language) for key in ("lungs-alone", "in-lungs"))
        assert (words in plain, words in alone) == (False, True)
        assert (share in plain, share in alone) == (True, False)


def test_low_shares_are_named() -> None:
    shares = {"stage": LOW - 0.01, "differential": LOW, "large_opacity": None}
    assert outside_the_lungs({"in_lungs": shares}) == {"stage": LOW - 0.01}
    assert outside_the_lungs(None) == {}


def test_an_assessment_carries_the_shares(assessor, chest) -> None:
    plain = json.loads(json.dumps(assessor.examine_image(chest).assessment.to_json()))
    found = plain["explanation"]
    whole = [name for name, answer in plain["tasks"].items() if answer and "zone" not in name]
    assert list(found["in_lungs"]) == whole
    assert found["explainer"] == "hires-cam"
    assert 0 < found["lungs_area"] < 1
    assert all(share is None or 0 <= share <= 1 for share in found["in_lungs"].values())


def page_with(examined, share: float | None, made_from_lungs: tuple[str, ...] = ()) -> str:
    facts = {"explainer": "hires-cam", "in_lungs": {"stage": share}, "lungs_area": 0.4,
             "made_from_lungs": list(made_from_lungs)}  # fmt: skip
    assessment = dataclasses.replace(examined.assessment, explanation=facts)
    return render_page(dataclasses.replace(examined, assessment=assessment))


def test_the_page_tells_the_share_and_warns_where_it_is_low(assessor, chest) -> None:
    examined = assessor.examine_image(chest)
    good, bad, silent = (page_with(examined, share) for share in (0.91, 0.23, None))
    for words in (WORDS["outside-lungs"].en, WORDS["outside-lungs"].zh):
        assert words not in good
        assert words in bad
        assert words not in silent
    assert f"91 % {WORDS['in-lungs'].en}" in good.replace("\u00a0", " ")
    assert f"23 % {WORDS['in-lungs'].zh}" in bad.replace("\u00a0", " ")
    assert WORDS["in-lungs"].en not in silent

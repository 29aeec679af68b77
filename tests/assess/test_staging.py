"""Two levels on the way of an image: the verdict, the level that decided, its map, the page, and films that are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch

from konio.assess import Assessor, load
from konio.assess.staging import StagingAnswering
from konio.cli.models import verified
from konio.errors import BundleError, RefusedError
from konio.explain.regions import find_regions
from konio.hierarchy import STAGING, CutPoint, StagingPlan, build_staging
from konio.networks import BundleFacts, ClassifierPlan, write_bundle
from konio.networks.bundle import packed
from konio.prepare import Preparation
from konio.prepare.crops import CropPlan
from konio.records import Image
from konio.report import render_page
from konio.tasks import STAGE

ALWAYS, NEVER = 0.0, 1.0


def make(
    folder: Path,
    cut: float | None,
    architecture: str = "densenet-mini",
    temperatures: Mapping[str, float] = MappingProxyType({}),
) -> Path:
    classes = (4,) if cut is None else (2, 3)
    plan = StagingPlan(
        tuple(ClassifierPlan(count, architecture) for count in classes), CropPlan(size=64)
    )
    network = build_staging(plan, torch.Generator().manual_seed(3)).eval()
    state = network.state_dict()
    sha256 = packed(state)[1]
    facts = BundleFacts(
        name="two-levels",
        kind=STAGING,
        architecture=plan.to_json(),
        licence="Apache-2.0",
        intended_use="Testing.",
        tasks={STAGE.name: STAGE.classes},
        preprocessing=Preparation(size=96).to_json(),
        cohort={"description": "made-up patients", "films": 0},
        metrics={} if cut is None else {"cut_point": CutPoint(cut, sha256).to_json()},
        temperatures=dict(temperatures),
        cut_point=cut,
    )
    return write_bundle(folder, facts, state).path


@pytest.fixture(scope="module")
def open_model(tmp_path_factory, drawn_radiograph) -> Any:
    made: dict[Any, Assessor] = {}

    def give(cut: float | None, architecture: str = "densenet-mini") -> Assessor:
        if (cut, architecture) not in made:
            folder = make(tmp_path_factory.mktemp("staging") / "two-levels", cut, architecture)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("konio.modality.RADIOGRAPH", drawn_radiograph)
                made[cut, architecture] = load(folder)
        return made[cut, architecture]

    return give


def seeing(assessor: Assessor, value: float) -> Assessor:
    """The same model whose maps hold one value everywhere."""
    network = assessor.answering.staging.network

    def constant(channels: int, crops: torch.Tensor) -> torch.Tensor:
        return torch.full((len(crops), channels, 2, 2), value)

    features = tuple(partial(constant, network.level(n).channels) for n in (1, 2))
    answering = dataclasses.replace(assessor.answering, features=features)
    return dataclasses.replace(assessor, answering=answering)


@pytest.mark.parametrize(("cut", "level"), [(ALWAYS, 2), (NEVER, 1)])
def test_the_level_that_decided_names_the_stage_and_is_explained(
    open_model, chest: Image, cut: float, level: int
) -> None:
    examined = open_model(cut).examine_image(chest)
    assessment = examined.assessment
    decision = assessment.decision
    assert decision["level"] == level
    assert decision["cut_point"] == cut
    assert decision["crops"] == 10
    answer = assessment.tasks["stage"]
    assert (answer.prediction == "0") == (level == 1)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.probabilities["0"] == pytest.approx(1 - decision["disease"])
    (heat,) = examined.heats
    assert heat.answer == answer.prediction
    assert heat.values.min() >= 0
    assert heat.values.max() <= 1
    assert set(assessment.withheld) >= {"differential", "zone_ru", "large_opacity"}
    assert assessment.to_json()["decision"] == dict(decision)


def test_the_verdict_is_that_of_the_networks(open_model, chest: Image, two_lungs) -> None:
    assessor = open_model(ALWAYS)
    answering: StagingAnswering = assessor.answering
    prepared = assessor.modality.prepare(chest, two_lungs(chest.pixels.shape), assessor.preparation)
    network = answering.staging.network
    first, _ = network.probabilities(1, prepared.image[None])
    second, _ = network.probabilities(2, prepared.image[None])
    said = assessor.examine_image(chest).assessment.tasks["stage"]
    truth = [float(first[0, 0]), *(float(first[0, 1] * p) for p in second[0])]
    assert list(said.probabilities.values()) == pytest.approx(truth, abs=2e-3)
    assert said.prediction == STAGE.classes[1 + int(second[0].argmax())]


def test_the_network_is_left_as_it_was(open_model, chest: Image) -> None:
    network = open_model(ALWAYS).answering.staging.network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    open_model(ALWAYS).examine_image(chest)
    assert not network.training
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert all(torch.equal(v, before[n]) for n, v in network.state_dict().items())


def test_calibrated_levels_keep_the_verdict_and_show_calibrated_numbers(
    open_model, chest: Image, tmp_path: Path, drawn_radiograph, monkeypatch
) -> None:
    plain = open_model(0.4)
    monkeypatch.setattr("konio.modality.RADIOGRAPH", drawn_radiograph)
    warm = load(make(tmp_path / "two-levels", 0.4, temperatures={"level-1": 2.5, "level-2": 0.5}))
    raw, said = (one.examine_image(chest).assessment for one in (plain, warm))
    before, after = (one.tasks["stage"] for one in (raw, said))
    assert after.prediction == before.prediction
    assert said.decision["level"] == raw.decision["level"]

    def odds(p: float) -> float:
        return p / (1 - p)

    for name in ("disease", "cut_point"):
        assert odds(said.decision[name]) == pytest.approx(odds(raw.decision[name]) ** (1 / 2.5))
    one, two = ([own.probabilities[s] for s in ("I", "II", "III")] for own in (before, after))
    sharper = np.square(np.array(one) / sum(one))
    assert np.array(two) / sum(two) == pytest.approx(sharper / sharper.sum())
    assert after.probabilities["0"] == pytest.approx(1 - said.decision["disease"])
    pages = [
        render_page(own.examine_image(chest), about=own.about, language="en")
        for own in (plain, warm)
    ]
    assert ["probability, not calibrated" in page for page in pages] == [True, False]


def test_temperatures_that_are_none_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "two-levels", 0.4, temperatures={"level-1": 0.0, "level-2": 1.0})
    with pytest.raises(BundleError, match="above 0"):
        load(folder)


@pytest.mark.parametrize("architecture", ["alexnet-mini", "resnet-mini"])
def test_one_level_answers_without_a_cut_point(open_model, chest, architecture: str) -> None:
    examined = open_model(None, architecture).examine_image(chest)
    assessment = examined.assessment
    assert assessment.decision is None
    probabilities = assessment.tasks["stage"].probabilities
    assert assessment.tasks["stage"].prediction == max(probabilities, key=probabilities.get)
    assert [heat.task for heat in examined.heats] == ["stage"]


def test_a_constant_map_has_no_regions_and_no_error(open_model, chest: Image) -> None:
    assessor = open_model(ALWAYS)
    examined = seeing(assessor, 0.0).examine_image(chest)
    assert examined.assessment.status == "assessed"
    assert examined.assessment.regions == ()
    assert not examined.heats[0].values.any()
    assert find_regions("stage", np.zeros((8, 8), np.float32), None) == ()


def test_a_film_without_lungs_is_refused(open_model, chest: Image) -> None:
    def nothing(image: Image, locator: Any) -> Any:
        raise RefusedError("no-lungs", "none")

    assessor = open_model(ALWAYS)
    blind = dataclasses.replace(
        assessor, modality=dataclasses.replace(assessor.modality, locate=nothing)
    )
    assessment = blind.examine_image(chest).assessment
    assert assessment.refusal.code == "no-lungs"
    assert assessment.decision is None


def test_the_page_says_which_level_decided(open_model, chest: Image) -> None:
    for cut, words in (
        (ALWAYS, ("level 2 named the stage", "由第二级给出期别")),
        (NEVER, ("no stage was sought", "不再判定期别")),
    ):
        assessor = open_model(cut)
        page = render_page(assessor.examine_image(chest), about=assessor.about)
        for part in (*words, "10 crops", f"cut point {cut:.2f}", "No clinical claim"):
            assert part in page
    at_once = open_model(None, "resnet-mini")
    assert "cut point" not in render_page(at_once.examine_image(chest), about=at_once.about)


def test_a_model_that_answers_with_no_numbers_is_refused(open_model, chest: Image) -> None:
    assessor = open_model(ALWAYS)
    with pytest.raises(BundleError, match="no numbers"):
        seeing(assessor, float("nan")).examine_image(chest)


def test_the_bundle_is_verified_with_its_cut_point(tmp_path: Path) -> None:
    assert len(verified(make(tmp_path / "good", 0.4))) == 64
    folder = make(tmp_path / "bad", 0.4)
    text = (
        (folder / "bundle.json").read_text("utf-8").replace('"cut_point": 0.4', '"cut_point": 0.45')
    )
    (folder / "bundle.json").write_text(text, "utf-8")
    with pytest.raises(BundleError, match="names the cut points"):
        verified(folder)

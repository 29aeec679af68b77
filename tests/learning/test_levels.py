"""From a made-up cohort to a bundle of two levels with their cut point, and back to scores."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from konio.cohort import Cohort, read_cohort
from konio.cohort.made_up import write_phantom_cohort
from konio.errors import BundleError, CohortError, RecipeError
from konio.hierarchy import CUT_POINTS, read_staging, stages
from konio.learning import Options, evaluate, parse_recipe, train
from konio.learning.levels import _films, first_level, level_run
from konio.networks import ClassifierPlan, read_bundle
from konio.tasks import MISSING

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)
FILMS = 16
MIXTURE = {"healthy": 3, "tuberculosis": 1, "dust-0": 2, "dust-I": 4, "dust-II": 3, "dust-III": 3}


def recipe(**changes):
    document = {
        "name": "two-levels",
        "kind": "hierarchy",
        "network": {"backbone": "resnet-mini"},
        "levels": {"sampling": "oversample", "targets": [16, 25, 16, 10]},
        "optimizer": {"name": "sgd", "lr": 1e-3, "momentum": 0.9},
        "schedule": {"kind": "step", "every": 1},
        "augment": {"crop": 0.8, "flip_horizontal": True, "flip_vertical": True},
        "validation": {"fraction": 0.4},
        "trainer": {"accelerator": "cpu", "precision": "float32"},
        "phases": [{"size": 32, "film": 64, "batch": 4, "epochs": 2}],
    }
    return parse_recipe(document | changes)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    folder = tmp_path_factory.mktemp("cohort")
    write_phantom_cohort(folder, FILMS, 3, 256, {k: float(v) for k, v in MIXTURE.items()})
    return read_cohort(folder / "cohort.csv")


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> Options:
    return Options(cache=tmp_path_factory.mktemp("cache"), workers=1)


@pytest.fixture(scope="module")
def two_levels(cohort, options, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run")
    return train(cohort, recipe(), out, options=options)


def test_one_bundle_holds_both_levels_and_the_cut_point(two_levels: Path, cohort: Cohort) -> None:
    bundle = read_bundle(two_levels)
    facts = bundle.facts
    staging = read_staging(bundle)
    assert [level.classes for level in staging.network.plan.levels] == [2, 3]
    assert staging.cut_point in CUT_POINTS
    assert facts.cut_point == staging.cut_point
    kept = facts.metrics["cut_point"]
    assert kept["weights_sha256"] == bundle.weights_sha256
    assert len(kept["curve"]["macro_recall"]) == 19
    held_out = facts.metrics["held_out"]
    assert held_out["macro_recall"] == pytest.approx(max(kept["curve"]["macro_recall"]))
    assert held_out["hierarchy"]["slack"] >= 0
    assert facts.tasks == {"stage": ("0", "I", "II", "III")}
    assert facts.cohort["trained_on"] + facts.cohort["held_out"] == FILMS - 1  # no tuberculosis
    assert parse_recipe(facts.recipe["document"]) == recipe()
    assert set(facts.temperatures) == {"level-1", "level-2"}
    assert staging.temperatures == tuple(facts.temperatures.values())
    card = (two_levels / "MODEL_CARD.md").read_text("utf-8")
    assert "Calibration temperatures" in card
    assert "cut point" in card
    assert "these two levels allow at most" in card


def test_the_same_run_again_and_resumed_ends_in_the_same_weights(
    two_levels: Path, cohort, options, tmp_path
) -> None:
    again = train(cohort, recipe(), tmp_path, options=options)
    sha256 = read_bundle(again).weights_sha256
    assert sha256 == read_bundle(two_levels).weights_sha256
    # Stopped between the levels: the first is finished, the second and the bundle are not there.
    shutil.rmtree(tmp_path / "bundle")
    shutil.rmtree(tmp_path / "level-2")
    resumed = train(cohort, recipe(), tmp_path, resume=True, options=options)
    assert read_bundle(resumed).weights_sha256 == sha256


def test_a_cut_point_is_refused_with_other_weights(two_levels: Path, tmp_path: Path) -> None:
    other = shutil.copytree(two_levels, tmp_path / "other")
    weights = bytearray((other / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "weights.safetensors").write_bytes(weights)
    facts = json.loads((other / "bundle.json").read_text("utf-8"))
    facts["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    (other / "bundle.json").write_text(json.dumps(facts), "utf-8")
    with pytest.raises(BundleError, match="was chosen for the weights"):
        read_staging(read_bundle(other))
    facts["metrics"]["cut_point"]["weights_sha256"] = facts["weights_sha256"]
    facts["cut_point"] = 0.123
    (other / "bundle.json").write_text(json.dumps(facts), "utf-8")
    with pytest.raises(BundleError, match=r"names the cut points 0\.123 and"):
        read_staging(read_bundle(other))


def test_a_cohort_is_measured_with_the_bound_beside_it(
    two_levels: Path, cohort, options, tmp_path
) -> None:
    document = evaluate(cohort, two_levels, tmp_path, options=options)
    assert list(document["tasks"]) == ["stage"]
    found = document["tasks"]["stage"]
    assert found["films"] == FILMS - 1
    beside = document["hierarchy"]
    assert found["macro_recall"] == pytest.approx(beside["macro_recall"])
    assert beside["macro_recall"] <= beside["bound"] <= beside["ceiling"]
    assert "allow at most" in beside["sentence"]
    rows = (tmp_path / "predictions.csv").read_text("utf-8").splitlines()
    called = [row.split(",")[3] for row in rows[1:]]
    counts = np.sum(found["confusion"], axis=0)
    assert len(called) == FILMS
    assert sum(counts) == FILMS - 1
    assert called.count("III") >= counts[3]


@pytest.fixture(scope="module")
def parts(cohort, options, tmp_path_factory):
    return _films(cohort, recipe(), tmp_path_factory.mktemp("parts"), options)


def test_only_the_training_part_is_oversampled_and_no_patient_is_on_both_sides(parts) -> None:
    runs = {number: level_run(recipe(), parts, number) for number in (1, 2)}
    for run in runs.values():
        assert set(run.train.positions) <= set(parts.train.positions)
        assert set(run.held_out.positions) <= set(parts.held_out.positions)
        assert len(set(run.held_out.positions)) == len(run.held_out)
        people = [
            {parts.cohort.cases[i].patient_id for i in films.positions}
            for films in (run.train, run.held_out)
        ]
        assert not people[0] & people[1]
    assert len(runs[1].train) > len(parts.train)
    counts = np.bincount(runs[2].train.labels[:, 0], minlength=3)
    assert counts[0] > counts[1] > counts[2] > 0  # 25 : 16 : 10
    assert np.bincount(runs[1].train.labels[:, 0]).tolist() == [
        len(runs[1].train) - counts.sum(),
        counts.sum(),
    ]


def test_each_level_has_its_own_loss(parts) -> None:
    losses = [{"kind": "cross-entropy"}, {"kind": "class-penalty", "penalties": [5, 8, 9]}]
    own = recipe(levels={"losses": losses})
    assert len(level_run(own, parts, 1).held_out) == len(parts.held_out)
    # Held-out films are looked at once the head is final.
    assert len(level_run(recipe(heads={"epochs": 1}), parts, 1).held_out) == 0
    assert level_run(own, parts, 1).objective.loss.kind == "cross-entropy"
    assert level_run(own, parts, 2).objective.loss.penalties == (5, 8, 9)
    with pytest.raises(RecipeError, match="numbers for 3 classes and the level answers 2"):
        level_run(recipe(levels={"losses": losses[::-1]}), parts, 1)


def test_a_class_missing_from_the_training_part_is_refused(parts) -> None:
    labels = np.where(parts.train.labels == 3, 2, parts.train.labels)
    poorer = type(parts)(
        parts.cohort,
        type(parts.train)(parts.train.store, parts.train.positions, labels),
        parts.held_out,
    )
    with pytest.raises(CohortError, match="no film of class 3"):
        level_run(recipe(), poorer, 1)
    with pytest.raises(CohortError, match="level 2 has no training film of its class 2"):
        level_run(recipe(levels={}), poorer, 2)


def test_a_class_missing_from_the_held_out_part_is_refused(cohort, options, tmp_path) -> None:
    third = {i for i, case in enumerate(cohort) if case.labels.get("stage") == "III"}
    fewer = cohort.subset([i for i in range(len(cohort)) if i not in sorted(third)[1:]])
    with pytest.raises(CohortError, match="validation part has no film of class 3"):
        train(fewer, recipe(levels={}), tmp_path, options=options)


def test_a_cohort_without_stages_is_refused(cohort, options, tmp_path) -> None:
    sick = [i for i, stage in enumerate(stages(cohort, "both")) if stage == MISSING]
    with pytest.raises(CohortError, match="fill the columns"):
        train(cohort.subset(sick), recipe(), tmp_path, options=options)


def test_one_level_is_four_classes_without_a_cut_point(cohort, options, tmp_path) -> None:
    own = recipe(levels={"count": 1, "ten_crops": False, "zero": "healthy"})
    bundle = read_bundle(train(cohort, own, tmp_path / "run", options=options))
    staging = read_staging(bundle)
    assert staging.cut_point is bundle.facts.cut_point is None
    assert [level.classes for level in staging.network.plan.levels] == [4]
    assert set(bundle.facts.temperatures) == {"level-1"}
    document = evaluate(cohort, bundle.path, tmp_path / "out", options=options)
    assert "hierarchy" not in document
    assert document["tasks"]["stage"]["films"] == FILMS - 3  # nor exposed workers of stage 0


def test_levels_start_from_a_bundle(two_levels: Path, make_bundle) -> None:
    own = recipe(network={"backbone": "resnet-mini", "pretrained": str(two_levels)})
    level = first_level(own, ClassifierPlan(3, "resnet-mini"), 2)
    given = read_bundle(two_levels).weights
    assert all(v.equal(given[f"levels.1.{name}"]) for name, v in level.state_dict().items())
    multitask = make_bundle("stage")
    own = recipe(network={"backbone": "densenet-mini", "pretrained": str(multitask)})
    level = first_level(own, ClassifierPlan(2, "densenet-mini"), 1)
    given = read_bundle(multitask).weights
    assert level.backbone.get_parameter("features.conv0.weight").equal(
        given["backbone.features.conv0.weight"]
    )
    with pytest.raises(RecipeError, match="another backbone than vgg-mini"):
        first_level(own, ClassifierPlan(2, "vgg-mini"), 1)


def test_first_filters_fit_a_densenet_only() -> None:
    own = recipe(network={"backbone": "resnet-mini", "first_filters": "spots"})
    with pytest.raises(RecipeError, match="fit a DenseNet"):
        first_level(own, ClassifierPlan(2, "resnet-mini"), 1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"levels": {"sampling": "oversample"}}, "0 targets do not belong together"),
        ({"levels": {"targets": [1, 1, 1, 1]}}, "do not belong together"),
        ({"levels": {"sampling": "oversample", "targets": [1, 1]}}, "do not belong together"),
        ({"levels": {"losses": [{}]}}, "2 levels need as many losses"),
        ({"levels": {"losses": [{}, {"kind": "class-penalty"}]}}, "penalties is missing"),
        ({"levels": {"losses": [{}, {"kind": "expected-cost", "costs": [[0, -1], [1, 0]]}]}}, "negative"),
        ({"levels": {"cut_point": -0.5}}, "or is -1 to be swept"),
        ({"validation": {"fraction": 0}}, "no cut point can be chosen"),
        ({"kind": "radiograph"}, "belong to recipes of the kind hierarchy"),
        ({"kind": "radiograph", "levels": {}}, "augment.crop belongs"),
    ],
)  # fmt: skip
def test_recipes_that_cannot_be_are_refused(changes: dict, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        recipe(**changes)


def test_an_unknown_backbone_is_refused(cohort, options, tmp_path) -> None:
    with pytest.raises(RecipeError, match="none of alexnet, vgg16"):
        train(cohort, recipe(network={"backbone": "lenet"}), tmp_path, options=options)


def test_penalties_from_a_first_training() -> None:
    confusion = [[99, 1, 0], [10, 88, 2], [30, 12, 58]]
    table = {"losses": [{}, {"kind": "class-penalty", "confusion": confusion}]}
    by_recall = {"losses": [{}, {"kind": "class-penalty", "recalls": [0.99, 0.88, 0.58]}]}
    own = recipe(levels=table).levels.loss(2).penalties
    assert own == pytest.approx(recipe(levels=by_recall).levels.loss(2).penalties)
    costs = {"losses": [{}, {"kind": "expected-cost", "confusion": confusion}]}
    assert recipe(levels=costs).levels.loss(2).costs[2] == pytest.approx((0.3, 0.12, 0))

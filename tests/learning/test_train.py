"""From a made-up cohort to a bundle and back to scores."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from konio.cohort import Cohort, read_cohort
from konio.cohort.made_up import write_phantom_cohort
from konio.errors import CohortError, RecipeError, UsageError
from konio.learning import Options, StoppedError, evaluate, parse_recipe, train
from konio.learning.checkpoint import is_state
from konio.learning.pace import Pace
from konio.learning.remembered import in_common, learned_films, of_files
from konio.learning.training import first_network, part
from konio.networks import read_bundle
from konio.networks.filters import spot_filters
from konio.tasks import ZONES

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)
TASKS = ["differential", "stage", *(f"zone_{z}" for z in ZONES), "large_opacity", "aggregation"]
FILMS = 12


def recipe(**changes):
    document = {
        "name": "tiny",
        "network": {
            "backbone": "densenet-mini",
            "tasks": TASKS,
            "hidden": 8,
            "auxiliary": True,
            "deep": [2],
            "standardise": True,
            "shared_zone_head": True,
            "pooling": "global+zones",
        },
        "loss": {"weighting": "plain_sum", "ordinal_spread": 0.7},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "schedule": {"kind": "cycle-per-phase"},
        "validation": {"fraction": 0.25},
        "trainer": {"accelerator": "cpu", "precision": "float32", "ema": 0.9},
        "phases": [
            {"size": 32, "film": 64, "batch": 4},
            {"size": 64, "batch": 4, "heads": True},
            {"size": 64, "batch": 4, "epochs": 0.5, "statistics": "running"},
        ],
    }
    return parse_recipe(document | changes)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_phantom_cohort(folder, FILMS, seed=3, size=256)
    return read_cohort(folder / "cohort.csv")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return Options(cache=tmp_path_factory.mktemp("cache"), workers=1)


@pytest.fixture(scope="module")
def finished(cohort, options, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    assert train(cohort, recipe(), out, options=options) == out / "bundle"
    return out


def test_the_bundle_says_where_it_comes_from(finished, cohort):
    bundle = read_bundle(finished / "bundle")
    facts = bundle.facts
    assert facts.cohort["fingerprint"] == cohort.fingerprint
    assert facts.cohort["trained_on"] + facts.cohort["held_out"] == FILMS
    assert facts.recipe["fingerprint"] == recipe().fingerprint
    assert parse_recipe(facts.recipe["document"]) == recipe()
    assert set(facts.temperatures) <= set(TASKS)
    assert min(facts.temperatures.values()) > 0
    assert "differential/accuracy" in facts.metrics["held_out"]
    assert facts.preprocessing["size"] == 64
    # Every film can be known again, under whatever table it stands.
    known = learned_films(facts.cohort)
    assert in_common(known, lambda: of_files(case.path for case in cohort)) == FILMS
    card = (finished / "bundle" / "MODEL_CARD.md").read_text()
    assert "made up" in card
    assert "no clinical claim" in card
    assert not list(finished.rglob("*.ckpt"))
    assert bundle.network().tasks.names == tuple(TASKS)


def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(
    finished, cohort, options, tmp_path
):
    again = train(cohort, recipe(), tmp_path / "again", options=options)
    other = train(cohort, recipe(seed=2), tmp_path / "other", options=options)
    first = read_bundle(finished / "bundle").weights_sha256
    assert read_bundle(again).weights_sha256 == first
    assert read_bundle(other).weights_sha256 != first


def test_a_phase_of_heads_leaves_the_backbone_alone(cohort, options, tmp_path):
    only_heads = recipe(
        phases=[{"size": 64, "batch": 4, "epochs": 2, "heads": True}],
        trainer={"accelerator": "cpu", "precision": "float32"},
    )
    train(cohort, only_heads, tmp_path, options=options)
    before, _ = first_network(only_heads)
    after = read_bundle(tmp_path / "bundle").weights
    for name, value in before.plain().state_dict().items():
        kept = value.half().float() if value.ndim > 1 else value
        same = torch.equal(after[name], kept)
        learns = name.startswith(("lesions.", "deep."))
        assert same == (not name.startswith("heads.")) or learns, name


def test_a_run_can_start_from_the_state_of_another(finished):
    state = finished / "state.safetensors"
    assert is_state(state)
    network = {**recipe().to_json()["network"], "pretrained": str(state)}
    taken, origin = first_network(recipe(network=network))
    shipped = read_bundle(finished / "bundle").weights
    for name, value in taken.plain().state_dict().items():
        torch.testing.assert_close(value, shipped[name], atol=1e-2, rtol=1e-2)
    assert origin["file"] == "state.safetensors"
    with pytest.raises(RecipeError, match="another network"):
        first_network(recipe(network={**network, "standardise": False, "hidden": 9}))


def test_a_run_can_start_from_a_finished_bundle(finished):
    bundle = finished / "bundle"
    network = {**recipe().to_json()["network"], "pretrained": str(bundle)}
    taken, origin = first_network(recipe(network={**network, "standardise": False}))
    shipped = read_bundle(bundle)
    for name, value in taken.state_dict().items():
        assert torch.equal(value, shipped.weights[name]), name
    anew, _ = first_network(recipe(network=network))
    for name, value in anew.state_dict().items():
        if not name.startswith(("heads.", "deep.")):
            assert torch.equal(value, shipped.weights[name]), name
    assert origin == {"origin": "konio bundle", "file": "bundle", "sha256": shipped.weights_sha256}
    with pytest.raises(RecipeError, match="another network"):
        first_network(recipe(network={**network, "standardise": False, "hidden": 9}))


def test_the_first_layer_can_begin_with_spots():
    network = recipe().to_json()["network"]
    plain, _ = first_network(recipe(network=network))
    spots, origin = first_network(recipe(network={**network, "first_filters": "spots"}))
    first = "backbone.features.conv0.weight"
    assert origin == {"origin": "spots"}
    assert torch.equal(
        spots.state_dict()[first], spot_filters(*plain.state_dict()[first].shape[::2])
    )
    assert not torch.equal(spots.state_dict()[first], plain.state_dict()[first])


def test_a_folder_with_a_run_is_only_resumed_and_only_with_the_same_recipe(
    finished, cohort, options
):
    with pytest.raises(UsageError, match="--resume"):
        train(cohort, recipe(), finished, options=options)
    with pytest.raises(RecipeError, match="another recipe"):
        train(cohort, recipe(seed=9), finished, resume=True, options=options)
    with pytest.raises(RecipeError, match="another cohort"):
        train(cohort.subset(range(11)), recipe(), finished, resume=True, options=options)
    assert train(cohort, recipe(), finished, resume=True, options=options) == finished / "bundle"


def test_the_same_pixels_on_both_sides_stop_the_run(cohort, options, tmp_path):
    """Every film twice, the second time as another patient's: some pair is parted by any split."""
    doubled = []
    for number, case in enumerate(cohort.cases):
        copy = tmp_path / f"{number}.dcm"
        shutil.copy(case.path, copy)
        doubled.append(dataclasses.replace(case, path=str(copy), patient_id=f"copy-{number}"))
    leaking = Cohort((*cohort.cases, *doubled), cohort.root)
    with pytest.raises(CohortError, match="same pixels"):
        train(leaking, recipe(), tmp_path / "run", options=options)
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_a_cohort_without_labels_is_refused(cohort, options, tmp_path):
    bare = Cohort(
        tuple(dataclasses.replace(c, labels={}, patient_id=f"p{i}") for i, c in enumerate(cohort)),
        cohort.root,
    )
    with pytest.raises(CohortError, match="no film of the cohort has a label"):
        train(bare, recipe(), tmp_path, options=options)


def test_stopping_is_said_with_the_way_to_go_on(cohort, options, tmp_path, monkeypatch):
    from konio.learning.callbacks import StopSignal

    monkeypatch.setattr(StopSignal, "given", True, raising=False)
    monkeypatch.setattr(StopSignal, "__init__", lambda self: None)
    with pytest.raises(StoppedError, match=r"step 1 of .*--resume"):
        train(cohort, recipe(), tmp_path, options=options)
    monkeypatch.undo()
    train(cohort, recipe(), tmp_path, resume=True, options=options)


def test_progress_is_told(cohort, options, tmp_path):
    told = []
    train(cohort, recipe(), tmp_path, options=dataclasses.replace(options, training=told.append))
    assert told[0].step == 1
    assert told[0].steps == 5
    assert told[0].seconds_left > 0
    assert told[0].films_per_second > 0


def test_training_without_held_out_films_needs_no_calibration(cohort, options, tmp_path):
    bundle = train(cohort, recipe(validation={"fraction": 0}), tmp_path, options=options)
    facts = read_bundle(bundle).facts
    assert facts.temperatures == {}
    assert facts.metrics == {}
    assert facts.cohort["trained_on"] == FILMS


def test_evaluation_scores_every_question_and_lists_every_film(finished, cohort, options, tmp_path):
    document = evaluate(cohort, finished / "bundle", tmp_path, options=options)
    assert json.loads((tmp_path / "metrics.json").read_text()) == document
    assert document["cohort"]["assessed"] == FILMS
    tasks = document["tasks"]
    assert set(tasks) == {*TASKS, "stage_by_rule"}
    for name, found in tasks.items():
        matrix = np.array(found["confusion"])
        assert matrix.sum() == found["films"], name
        assert found["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
        below, above = found["macro_recall_95"]
        assert below <= found["macro_recall"] <= above
        for label, recall in found["recall"].items():
            bounds = found["recall_95"][label]
            assert bounds is None or bounds[0] <= recall <= bounds[1]
        low, high = found["accuracy_95"]
        assert low <= found["accuracy"] <= high
        assert (tmp_path / f"confusion-{name}.csv").exists()
    rows = list(csv.DictReader((tmp_path / "predictions.csv").read_text().splitlines()))
    assert len(rows) == FILMS
    for row in rows:
        total = sum(float(row[f"stage_p_{c}"]) for c in ("0", "I", "II", "III"))
        assert total == pytest.approx(1, abs=1e-5)
    hits = sum(r["differential_truth"] == r["differential_predicted"] for r in rows)
    assert hits / FILMS == pytest.approx(tasks["differential"]["accuracy"])


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare")
    write_phantom_cohort(folder, 4, seed=9, size=256, mix={"tuberculosis-miliary": 1})
    return read_cohort(folder / "cohort.csv")


def test_extra_films_teach_the_backbone_alone(cohort, rare, options, tmp_path, monkeypatch):
    seen = []

    def keep(network, films, recipe, told):
        seen.append(films)
        return network

    monkeypatch.setattr("konio.learning.refit.refit", keep)
    with_heads = recipe(heads={"epochs": 1})
    bundle = read_bundle(train(cohort, with_heads, tmp_path / "e", extra=rare, options=options))
    facts = bundle.facts.cohort
    assert facts["films"] == FILMS + len(rare)
    assert facts["held_out"] == round(0.25 * FILMS)
    assert facts["trained_on"] == FILMS - facts["held_out"] + len(rare)
    (films,) = seen  # what the new heads see: the cohort as it is mixed, less what is held out
    assert len(films) == FILMS - facts["held_out"]
    assert max(films.positions) < FILMS
    with pytest.raises(RecipeError, match="another cohort"):
        train(cohort, with_heads, tmp_path / "e", resume=True, options=options)


def test_extra_films_of_a_held_out_patient_stop_the_run(cohort, rare, options, tmp_path):
    held = part(cohort, recipe()).test[0]
    same = dataclasses.replace(rare.cases[0], patient_id=cohort.cases[held].patient_id)
    again = dataclasses.replace(rare, cases=(same, *rare.cases[1:]))
    with pytest.raises(CohortError, match="both"):
        train(cohort, recipe(), tmp_path, extra=again, options=options)
    with pytest.raises(UsageError, match="leave --extra out"):
        levels = parse_recipe({"name": "two", "kind": "hierarchy", "phases": [{"size": 64}]})
        train(cohort, levels, tmp_path / "two", extra=rare, options=options)


def test_work_that_knows_no_time_left_gets_it_from_its_pace(monkeypatch) -> None:
    from konio.learning import training

    clock, heard = iter((100.0, 110.0, 130.0)), []
    monkeypatch.setattr(training, "Pace", lambda: Pace(lambda: next(clock)))
    told = Options(preparing=lambda *said: heard.append(said)).counted()
    for done in (40, 45, 60):  # 40 lay there from before
        told(done, 100)
    assert heard == [(40, 100, None), (45, 100, 110.0), (60, 100, 60.0)]
    assert Options().counted() is None

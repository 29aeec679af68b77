"""The study on real films, made tiny: films are read, lungs are found, made-up films are mixed in."""

import csv
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from konio.cohort.shenzhen import read_shenzhen
from konio.errors import UsageError
from konio.learning.store import read_store
from konio.studies.multitask import record
from konio.studies.multitask.experiment import Ask, run_multitask
from konio.studies.multitask.parts import read_parts
from konio.studies.multitask.predictions import read_predictions
from konio.studies.multitask.presets import preset, with_extra
from konio.studies.runner import finished
from konio.studies.seen import features_file, look, onlooker

from .tiny_study import Here

DATA = Path(os.environ.get("KONIO_DATA", Path(__file__).parents[3] / "shared" / "data"))
SET = DATA / "nlm-tb"
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not SET.is_dir(), reason=f"no real films at {SET} (set KONIO_DATA)"),
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory, make_bundle):
    """Sixteen Shenzhen films, six made-up ones, two folds, one epoch."""
    everything = read_shenzhen(SET)
    films = everything.subset([*range(8), *range(400, 408)])
    tiny = dataclasses.replace(
        with_extra(preset("real"), 6),
        folds=2,
        inner=0.25,
        film=256,
        seen_by=str(make_bundle()),
        recipe={
            "network": {"backbone": "densenet-mini", "hidden": 8, "pooling": "global+zones"},
            "loss": {"weighting": "plain_sum"},
            "trainer": {"accelerator": "cpu", "precision": "float32"},
            "phases": [{"size": 64, "epochs": 1, "batch": 4}],
        },
    )
    out = tmp_path_factory.mktemp("real")
    page = run_multitask(out, Ask(tiny, cohort=films, workers=1), Here())
    assert page.exists()
    return out


def test_lungs_are_found_by_the_unet(study):
    store = read_store(study / "prepared", [64])
    assert store.ready.all()
    assert (np.unique(store.zones[:16]).tolist()) == list(range(7))


def test_both_groups_answer_every_real_film_once(study):
    for group in ("real", "mixed"):
        trials = [t for t in finished(study) if t.settings["group"] == group]
        assert [t.name for t in trials] == [f"cv-{group}-f00-s1", f"cv-{group}-f01-s1"]
        measured = np.concatenate([read_predictions(t.folder).position for t in trials])
        assert sorted(measured.tolist()) == list(range(16))
    extra = read_parts(study).extra
    assert extra == tuple(range(16, 22))
    with (study / "cases.csv").open(newline="") as file:
        parts = [row["part"] for row in csv.DictReader(file)]
    assert parts == ["train"] * 16 + ["extra"] * 6


def test_the_page_says_that_the_films_are_real(study):
    said = record.read(study)
    assert not said["cohort"]["made_up"]
    assert said["cohort"]["counts"]["differential"] == {
        "healthy": 8,
        "tuberculosis": 8,
        "dust": 0,
    }
    text = (study / "index.html").read_text("utf-8")
    assert "Made-up patients. Every film was computed" not in text
    assert said["notice"] in text


def test_a_finished_model_looks_at_every_film_once_and_answers_for_those_held_out(study):
    table = np.load(features_file(study))
    assert table.shape[0] == 22
    assert np.isfinite(table).all()
    assert (table[:16].std(axis=0) > 0).any()
    said = record.read(study)
    assert said["seen_by"]["model"] == "tiny"
    trials = [t for t in finished(study) if t.settings["group"] == "seen"]
    measured = np.concatenate([read_predictions(t.folder).position for t in trials])
    assert sorted(measured.tolist()) == list(range(16))
    text = (study / "index.html").read_text("utf-8")
    assert "features of a finished model" in text
    assert "network and features together" in text
    assert f"tiny (weights {said['seen_by']['sha256'][:12]})" in text


def test_a_model_that_has_learned_from_these_films_is_refused(study, make_bundle):
    directory = make_bundle()
    seen = json.loads((directory / "bundle.json").read_text("utf-8"))
    own = record.read(study)["cohort_fingerprint"]
    assert onlooker(str(directory), own) is not None
    (directory / "bundle.json").write_text(
        json.dumps({**seen, "cohort": {**seen["cohort"], "fingerprint": own}}), "utf-8"
    )
    with pytest.raises(UsageError, match="the very films"):
        onlooker(str(directory), own)
    assert onlooker("", own) is None


def test_other_weights_look_anew(study, make_bundle):
    store = read_store(study / "prepared", [64])
    before = np.load(features_file(study))
    other = make_bundle(spoil=lambda network: [p.mul_(0.9) for p in network.backbone.parameters()])
    model = onlooker(str(other), "another")
    look(study, store, model, Here(), lambda done, films: None)
    assert not np.array_equal(np.load(features_file(study)), before)

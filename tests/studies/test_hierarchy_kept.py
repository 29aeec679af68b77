"""Levels on kept features: zones are told apart, chance is the seed's, and films that are measured decide nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from konio.cohort import Cohort
from konio.errors import OutputError, UsageError
from konio.hierarchy import choose, sweep
from konio.learning import levels
from konio.learning.batches import Films
from konio.learning.levels import level_run
from konio.learning.module import Run
from konio.records import Case
from konio.studies.hierarchy import kept
from konio.studies.hierarchy.design import LEVELS, design, trial_name
from konio.studies.hierarchy.experiment import Ask, run_hierarchy
from konio.studies.hierarchy.parts import Parts, divide, write_parts
from konio.studies.hierarchy.presets import PLAIN, PRESETS, Preset, check, preset, with_onlooker
from konio.studies.hierarchy.record import report
from konio.studies.hierarchy.trial import (
    PREPARED,
    WEIGHTS,
    read_predictions,
    recipe_of,
    run_trial,
)
from konio.studies.runner import RESULT, TRIALS
from konio.studies.seen import features_file

from .tiny_staging import SMOKE, cohort, store
from .tiny_study import SIDE, Here, noise, write_store

#: Of the maps of a made-up backbone; the levels see the last two.
CHANNELS = (2, 3, 4)
SEEN = CHANNELS[-2:]
TINY = dataclasses.replace(
    PRESETS["small"],
    name="tiny",
    counts=SMOKE.counts,
    recipe={**PRESETS["small"].recipe, "phases": [{"size": SIDE, "epochs": 2, "batch": 16}]},
    seeds=(1, 2),
    test=0.25,
    validation=0.3,
    kept_maps=len(SEEN),
)


def table(stages: list[int], seed: int = 0) -> np.ndarray:
    """Features that know a little of the stage, in one channel of one zone."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(len(stages), 7 * sum(CHANNELS)))
    own[:, -7 * CHANNELS[-1]] += np.array(stages)
    return own.astype(np.float16)


def run_of(labels: np.ndarray, seed: int = 1, epochs: float = 20) -> Run:
    """Four classes at once on so many films, each of its own stage."""
    settings = {
        "recipe": {
            **TINY.recipe,
            "optimizer": {"name": "adamw", "lr": 5e-3},
            "phases": [{"size": SIDE, "epochs": epochs, "batch": 16}],
        },
        "way": "leaking", "count": 1, "number": 1, "loss": dict(PLAIN), "seed": seed,
        "architecture": "densenet121", "dropout": 0.1, "weights": "",
    }  # fmt: skip
    anyone = Cohort((Case("film.dcm", "P", {"differential": "healthy"}),), Path())
    films = Films(store(1), np.arange(len(labels)), labels[:, None])
    nobody = Films(store(1), np.zeros(0, np.int64), np.zeros((0, 1), np.int64))
    return level_run(recipe_of(settings), levels.Parts(anyone, films, nobody), number=1)


def test_what_is_kept_is_six_zones_and_the_greatest_values_of_the_last_maps() -> None:
    row = np.arange(7 * sum(CHANNELS)).astype(np.float16)
    zones, greatest = kept.Seen.of(row[None], SEEN).rows(np.array([0]))
    assert zones.shape == (1, 6, 7)
    first, second = 7 * 2, 7 * (2 + 3)
    assert zones[0, 0].tolist() == [first, first + 1, first + 2, *range(second, second + 4)]
    assert zones[0, 5, :3].tolist() == [first + 15, first + 16, first + 17]
    assert greatest[0].tolist() == [*range(first + 18, first + 21), *range(second + 24, second + 28)]  # fmt: skip
    assert zones.dtype == greatest.dtype == torch.float32


def test_zones_are_told_apart() -> None:
    # Every film has the four heights once each in four zones, so that neither mean nor greatest says which film it is.
    rng = np.random.default_rng(3)
    labels = np.arange(80) % 4
    zones = np.zeros((80, 6, 3), np.float32)
    zones[:, 4:] = rng.normal(size=(80, 2, 3)) * 0.05
    for film, label in enumerate(labels):
        others = rng.permutation([k for k in range(4) if k != label])
        zones[film, :4, 0] = [label, *others]
    seen = kept.Seen(torch.from_numpy(zones), torch.zeros((80, 3)))
    run = run_of(labels)
    said = kept.answer(kept.learn(run, seen, 1), seen, np.arange(80))
    assert (said.argmax(axis=1) == labels).mean() > 0.95
    other = seen._replace(zones=seen.zones.mean(dim=1, keepdim=True).expand(-1, 6, -1))
    blurred = kept.answer(kept.learn(run, other, 1), other, np.arange(80))
    assert (blurred.argmax(axis=1) == labels).mean() < 0.6


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    labels = np.arange(48) % 4
    seen = kept.Seen.of(table(labels.tolist()), SEEN)
    said = [
        kept.answer(kept.learn(run_of(labels, seed, 3), seen, 1), seen, np.arange(48))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(said[0], said[1])
    assert not np.allclose(said[0], said[2])
    assert said[0].sum(axis=1) == pytest.approx(1)
    assert kept.answer(kept.learn(run_of(labels, 1, 1), seen, 1), seen, np.zeros(0, int)).shape == (0, 4)  # fmt: skip


def lay(out: Path, spoilt: str = "") -> Parts:
    """What the study lays down; the features of one part are other ones where it is spoilt."""
    out.mkdir()
    made = cohort(out)
    parts = divide(made, store(len(made), side=32), TINY)
    write_parts(out, parts)
    write_store(out / PREPARED, noise(len(made)))
    own = table(list(parts.stages))
    if spoilt:
        places = list(getattr(parts, spoilt))
        own[places] = 9 * np.random.default_rng(1).normal(size=(len(places), own.shape[1]))
    np.save(features_file(out), own, allow_pickle=False)
    return parts


def tried(out: Path, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """One trial of a study that is laid down: its probabilities and its result."""
    trials = {trial.name: trial for trial in design(TINY, "f", {}, SEEN).trials}
    settings = trials[trial_name(name, 1)].settings
    folder = out / TRIALS / trial_name(name, 1)
    folder.mkdir(parents=True)
    result = run_trial(settings, folder)
    return read_predictions(folder), result


def test_measured_films_decide_neither_training_nor_cut_point(tmp_path: Path) -> None:
    names = ("four-densenet121", "level-1", "level-2-cost")
    cuts = []
    for place, spoilt in enumerate(("", "test", "validation")):
        parts = lay(tmp_path / str(place), spoilt)
        said = {name: tried(tmp_path / str(place), name)[0] for name in names}
        if not spoilt:
            clean = said
        for name in names:
            for side in ("validation", "test"):
                same = np.array_equal(said[name][side], clean[name][side])
                assert same == (side != spoilt), (name, side, spoilt)
        first, second = (said[name]["validation"] for name in ("level-1", "level-2-cost"))
        truth = parts.labels(parts.validation)[:, 0]
        cuts.append(choose(sweep(first[:, 1], second, truth)))
    assert cuts[0] == cuts[1]
    # Of the films to learn from the same cannot be said.
    lay(tmp_path / "other", "train")
    assert not np.array_equal(tried(tmp_path / "other", "level-1")[0]["test"], clean["level-1"]["test"])  # fmt: skip


def test_rare_stages_are_drawn_again_in_the_training_part_alone(tmp_path: Path) -> None:
    parts = lay(tmp_path / "s")
    said, result = tried(tmp_path / "s", "level-2-cost")
    diseased = sum(parts.counts(parts.train)[1:])
    assert result["films"]["train"] > diseased
    assert result["films"]["test"] == len(parts.test) == len(said["test"])
    assert said["test"].shape[1] == 3
    assert np.sum(result["confusion"]) == sum(parts.counts(parts.test)[1:])
    assert not (tmp_path / "s" / TRIALS / trial_name("level-2-cost", 1) / WEIGHTS).exists()
    leaking, result = tried(tmp_path / "s", "leaking-four")
    assert result["films"]["train"] == len(parts.leaking_train)
    assert leaking["validation"].shape == (0, 4)
    assert leaking["test"].shape == (len(parts.leaking_test), 4)


def test_the_preset_has_the_thesis_films_and_many_seeds() -> None:
    small = preset("small")
    assert small.kept and small.seen_by == "konio-radiograph"
    assert small.counts == preset("paper").counts
    assert (len(small.seeds), small.test, small.validation, small.forms) == (10, 0.4, 0.15, ())
    assert 79 - round(0.4 * 79) - 7 > 0 and round(0.4 * 79) == 32
    assert [name for name, own in PRESETS.items() if own.kept] == ["small"]
    trials = design(small, "f", {}, (8,)).trials
    assert len(trials) == 10 * (1 + len(LEVELS))
    assert all(trial.settings["kept"] == [8] for trial in trials)
    assert not any(t.settings["kept"] for t in design(preset("scratch"), "f", {}).trials)
    assert "seen_by" not in small.to_json()


def test_who_looks_can_be_named_where_the_levels_learn_from_it() -> None:
    small = preset("small")
    assert with_onlooker(small, "mine").seen_by == "mine"
    assert with_onlooker(small, None) is small
    with pytest.raises(UsageError, match="name one with --seen-by"):
        with_onlooker(small, "")
    for film in ("scratch", "smoke", "paper"):
        with pytest.raises(UsageError, match="look at films themselves"):
            with_onlooker(preset(film), "mine")
    with pytest.raises(UsageError, match="trains no backbone"):
        check(small, {"densenet121": Path("w.pth")})
    with pytest.raises(UsageError, match="has alexnet, vgg16"):
        check(preset("paper"), {"densenet169": Path("w.pth")})
    check(preset("paper"), {"densenet121": Path("w.pth")})


def test_a_model_that_has_learned_from_these_films_is_refused(
    tmp_path: Path, make_bundle: Any
) -> None:
    made = cohort(tmp_path)
    directory = make_bundle()
    facts = json.loads((directory / "bundle.json").read_text("utf-8"))
    own = {**facts, "cohort": {**facts["cohort"], "fingerprint": made.fingerprint}}
    (directory / "bundle.json").write_text(json.dumps(own), "utf-8")
    ask = Ask(with_onlooker(TINY, str(directory)), made)
    with pytest.raises(UsageError, match="the very films"):
        run_hierarchy(tmp_path / "study", ask, Here())
    assert not (tmp_path / "study" / PREPARED).exists()
    with pytest.raises(UsageError, match="trains no backbone"):
        run_hierarchy(tmp_path / "s", Ask(TINY, made, {"densenet121": tmp_path}), Here())


@pytest.fixture
def noise_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """No film is read: prepared films are noise, also at the side of the tiny bundle."""

    def prepared(folder: Path, films: Cohort, *rest: Any) -> Any:
        (larger,) = rest[-1]
        made = write_store(folder, noise(len(films)))
        pixels = made.images[SIDE].repeat(larger // SIDE, axis=1).repeat(larger // SIDE, axis=2)
        np.save(folder / f"images-{larger}.npy", pixels, allow_pickle=False)
        return made

    monkeypatch.setattr("konio.studies.hierarchy.experiment.prepare_films", prepared)


def part_of_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that is not finished is left out of the page, and the page says so."""
    monkeypatch.setattr("konio.studies.hierarchy.record.preset", lambda name: TINY)
    whole = report(out).read_text("utf-8")
    assert "Not finished" not in whole
    lost = out / TRIALS / f"level-1-s{TINY.seeds[-1]}" / RESULT
    kept = lost.read_bytes()
    lost.unlink()
    part = report(out).read_text("utf-8")
    assert f"{len(TINY.seeds) - 1} of {len(TINY.seeds)} seeds" in part
    assert "尚未完成" in part
    first = out / TRIALS / f"level-1-s{TINY.seeds[0]}" / RESULT
    first.unlink()
    with pytest.raises(OutputError, match="no seed of the study"):
        report(out)
    lost.write_bytes(kept)


@pytest.mark.slow
def test_the_whole_study_ends_in_its_page(
    tmp_path: Path, noise_is_prepared: None, make_bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, bundle = cohort(tmp_path), str(make_bundle())

    def go(chosen: Preset) -> Path:
        return run_hierarchy(tmp_path / "study", Ask(chosen, made), Here())

    page = go(with_onlooker(TINY, bundle))
    text = page.read_text("utf-8")
    for part in (
        "above the backbone of tiny (SHA-256 ", "骨干网络保持不变", "Ten crops do not apply",
        "Four classes at once, kept features", "table-difference",
    ):  # fmt: skip
        assert part in text, part
    out = page.parent
    tables = {path.stem for path in (out / "tables").glob("*.csv")}
    assert tables >= {f"table-2-{k}" for k in range(1, 7)} | {"table-bounds", "table-leakage", "table-difference"}  # fmt: skip
    assert "table-3-1" not in tables
    assert not list((out / "figures").glob("figure-3-*"))
    assert json.loads((out / "study.json").read_text("utf-8"))["seen_by"]["model"] == "tiny"
    before = {path: path.stat().st_mtime_ns for path in (out / TRIALS).glob(f"*/{RESULT}")}
    assert len(before) == 2 * (1 + len(LEVELS))
    go(with_onlooker(TINY, bundle))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    seen = np.load(features_file(out))
    assert len(seen) == len(made)
    assert (seen.std(axis=0) > 0).any()
    settings = json.loads((next(iter(before)).parent / "trial.json").read_text("utf-8"))["settings"]
    assert 7 * sum(settings["kept"]) <= seen.shape[1]
    assert len(settings["kept"]) == len(SEEN)
    part_of_it(out, monkeypatch)
    other = make_bundle(spoil=lambda network: [p.mul_(0.9) for p in network.backbone.parameters()])
    with pytest.raises(OutputError, match="another study"):
        go(with_onlooker(TINY, str(other)))

"""The whole study on a few drawn slices: trainings, page, tables; folds never part a patient."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.learning.made_up_nodules import write_slices
from tests.studies.nodules import made_up_trials

from konio.engine import resolve
from konio.errors import CohortError, OutputError, UsageError
from konio.learning.nodule_sources import open_source
from konio.studies.nodules.design import ABLATIONS, MULTI
from konio.studies.nodules.evidence import Evidence, own_trials
from konio.studies.nodules.experiment import Ask, design_study, run_nodules
from konio.studies.nodules.presets import PRESETS, preset_of
from konio.studies.runner import finished

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


class Here:
    """An engine that runs in this process, one item after the other."""

    workers = 1

    def run(self, function: str, items: Sequence[dict[str, Any]]) -> Iterator[tuple[int, Any]]:
        for place, item in enumerate(items):
            yield place, resolve(function)(item)


def tiny() -> Any:
    return made_up_trials.tiny(seeds=(1,), singles=("malignancy",))


def test_from_slices_to_a_page(tmp_path: Path) -> None:
    folder, out = write_slices(tmp_path / "slices"), tmp_path / "out"
    page = run_nodules(out, Ask(tiny(), source=folder), Here())
    html = page.read_text()
    assert "slices-full" in html and "完整方案" in html  # what this size leaves out
    assert "from-nothing" not in html and "random" in html  # there is nothing to begin from
    for text in ("Paper C", "not for diagnosis", "论文C", "diameter only", "多任务"):
        assert text in html
    for number in range(1, 10):
        assert (out / "tables" / f"table-{number}.csv").exists()
    assert (out / "figures" / "figure-2.svg").exists() or (
        out / "figures" / "figure-2-en.svg"
    ).exists()
    document = json.loads((out / "study.json").read_text())
    assert document["cohort"]["nodules"] == 24 and not document["cohort"]["made_up"]
    trials = finished(out, "nodules")
    told = {trial.name: trial.result["from_answers"] for trial in trials}
    assert 0 <= told[f"{MULTI}-f00-s01"]["malignancy"]["accuracy"] <= 1
    assert told["single-malignancy-f00-s01"] == {}  # one question alone
    assert {trial.name for trial in trials} == {
        f"{group}-f0{fold}-s01"
        for group in (MULTI, "single-malignancy", "equal")
        for fold in (0, 1)
    }
    source = open_source(folder)
    held = {}
    for trial in trials:
        with np.load(trial.folder / "predictions.npz", allow_pickle=False) as kept:
            held[trial.name] = kept["position"].tolist()
    for group in (MULTI, "single-malignancy"):
        assert sorted(held[f"{group}-f00-s01"] + held[f"{group}-f01-s01"]) == list(range(24))
        who = [{source.readings.patients[p] for p in held[f"{group}-f0{f}-s01"]} for f in (0, 1)]
        assert not who[0] & who[1]
    assert (document["trials"], document["finished"]) == ({"all": 6, "done": 6, "failed": 0}, True)
    evidence = Evidence(own_trials(out, document["fingerprint"]), 2)
    assert evidence.difference(MULTI, "single-malignancy", "malignancy", "auc") is not None
    # Nothing is trained again: the same command finds everything finished.
    times = {t.name: (t.folder / "result.json").stat().st_mtime_ns for t in trials}
    run_nodules(out, Ask(tiny(), source=folder), Here())
    again = {
        t.name: (t.folder / "result.json").stat().st_mtime_ns for t in finished(out, "nodules")
    }
    assert again == times
    # Another size of the study does not write over it.
    other = dataclasses.replace(tiny(), folds=3)
    with pytest.raises(OutputError, match="study of other design"):
        run_nodules(out, Ask(other, source=folder), Here())
    with pytest.raises(OutputError, match="study of other first weights"):
        run_nodules(out, Ask(tiny(), source=folder, pretrained="someone/transformer"), Here())
    assert json.loads((out / "study.json").read_text()) == document


def test_readings_alone_are_studied_without_networks(tmp_path: Path) -> None:
    table = open_source(write_slices(tmp_path / "slices")).readings
    table.write(tmp_path / "readings.csv")
    page = run_nodules(tmp_path / "out", Ask(tiny(), source=tmp_path / "readings.csv"), Here())
    assert "table-6" in page.read_text() or (tmp_path / "out/tables/table-6.csv").exists()
    assert not finished(tmp_path / "out", "nodules")


def test_presets_ask_for_equal_budgets() -> None:
    for preset in PRESETS.values():
        trials = preset.trials("source")
        kept = [
            {
                k: v
                for k, v in trial.settings["recipe"].items()
                if k not in ("nodule", "name", "seed")
            }
            for trial in trials
        ]
        assert all(one == kept[0] for one in kept)
        names = {trial.settings["group"] for trial in trials}
        assert MULTI in names and {f"single-{q}" for q in preset.singles} <= names
    assert len(PRESETS["small"].seeds) >= 5 and PRESETS["small"].folds == 5
    assert {group.name for group in ABLATIONS} >= {
        "equal",
        "gradnorm",
        "uncertainty",
        "no-position",
    }
    with pytest.raises(UsageError, match="preset"):
        preset_of("huge")


def test_trimmed_presets_are_parts_of_the_whole_ones() -> None:
    for name in ("slices", "cubes"):
        trimmed, whole = PRESETS[name], PRESETS[f"{name}-full"]
        assert trimmed.trimmed is not None and f"{name}-full" in trimmed.trimmed.en
        own, all_ = ({t.name for t in preset.trials("s", "p")} for preset in (trimmed, whole))
        assert own < all_
        assert trimmed.recipe["phases"][0]["epochs"] < whole.recipe["phases"][0]["epochs"]
        assert trimmed.recipe["nodule"] == whole.recipe["nodule"]
    # Nobody rated the calcification of the cubes, so that no network can learn it alone.
    assert "calcification" not in PRESETS["cubes"].singles
    seeds: dict[str, set[int]] = {}
    for trial in PRESETS["slices"].trials("s"):
        seeds.setdefault(trial.settings["group"], set()).add(trial.settings["seed"])
    # What the paper compares has five; what else is compared has one.
    assert seeds.pop("equal") == {1}
    assert set(seeds) == {MULTI, *(f"single-{q}" for q in PRESETS["slices"].singles)}
    assert all(own == {1, 2, 3, 4, 5} for own in seeds.values())


def test_what_begins_from_nothing_is_compared_with_what_does_not() -> None:
    trials = PRESETS["slices"].trials("source", "given")
    first = {
        group: {t.settings["recipe"]["nodule"].get("pretrained", "") for t in trials if t.settings["group"] == group}
        for group in (MULTI, "single-malignancy", "equal", "from-nothing")
    }  # fmt: skip
    assert first == {
        MULTI: {"given"},
        "single-malignancy": {"given"},
        "equal": {"given"},
        "from-nothing": {""},
    }
    plain = {t.settings["group"] for t in PRESETS["slices"].trials("source")}
    assert "from-nothing" not in plain
    # One slice in place of the mosaic is another network, which no mosaic's weights fit.
    small = PRESETS["small"].trials("source", "given")
    assert all(
        "pretrained" not in t.settings["recipe"]["nodule"]
        for t in small
        if t.settings["group"] == "plain-slice"
    )


def test_other_weights_in_the_same_place_are_another_study(tmp_path: Path) -> None:
    source = open_source(write_slices(tmp_path / "slices", 8))
    (tmp_path / "bundle").mkdir()
    found = []
    for weights in (b"one", b"two", b"one"):
        (tmp_path / "bundle" / "weights.safetensors").write_bytes(weights)
        ask = Ask(tiny(), source=tmp_path, pretrained=str(tmp_path / "bundle"))
        found.append(design_study(ask, source, tmp_path).fingerprint)
    assert found[0] != found[1] and found[0] == found[2]


def test_slices_and_rows_must_be_of_the_same_nodules(tmp_path: Path) -> None:
    folder = write_slices(tmp_path / "slices")
    np.savez_compressed(folder / "slices_hu.npz", hu=np.zeros((3, 71, 71), np.int16))
    with pytest.raises(CohortError, match="same nodules"):
        open_source(folder)

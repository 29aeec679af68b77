"""A study's folder as the runner leaves it, with answers drawn from known distributions instead of networks.

`write` makes ``study.json``, ``cases.csv``, ``trials/`` and a small store of prepared films; how often each method is right is
given, so that a report can be checked against what was put in.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from konio.records import NOTICE
from konio.studies.multitask.predictions import Answers, Predictions, write_predictions
from konio.tasks import DIFFERENTIAL, MISSING, STAGE

TASKS = {"differential": DIFFERENTIAL, "stage": STAGE}
SIX = ("healthy", "tuberculosis", "0", "I", "II", "III")
DROPOUTS = (0.25, 0.75)
#: How far the logit of the right class stands above noise of spread 1.
SKILL: Mapping[str, float] = {"multi": 2.6, "single": 2.0, "texture": 1.0, "seen": 2.0, "majority": 0.0, "real": 2.2, "mixed": 2.4}  # fmt: skip


class Made:
    """Writes the folder; every choice comes from one seed."""

    def __init__(self, out: Path, films: int, folds: int, seeds: int, seed: int = 0, skill: Mapping[str, float] = SKILL) -> None:  # fmt: skip
        self.out, self.folds, self.seeds, self.skill = out, folds, seeds, skill
        self.rng = np.random.default_rng(seed)
        self.six = [SIX[i % 6] for i in range(films)]
        self.part = ["test" if (i // 6) % 5 == 0 else "train" for i in range(films)]
        seen = dict.fromkeys(SIX, 0)
        self.fold = {}
        for film in (i for i in range(films) if self.part[i] == "train"):
            self.fold[film] = seen[self.six[film]] % folds
            seen[self.six[film]] += 1
        self.hard = self.rng.normal(0, 0.8, films)  # some films are hard for every network
        self.names: list[str] = []

    def truth(self, task: str, films: np.ndarray) -> np.ndarray:
        def label(film: int) -> int:
            name = self.six[film]
            if task == "stage":
                return STAGE.index(name) if name in STAGE.classes else MISSING
            return DIFFERENTIAL.index(name if name in DIFFERENTIAL.classes else "dust")

        return np.array([label(int(film)) for film in films], np.int64)

    def trial(self, name: str, settings: dict[str, Any], films: np.ndarray, kind: str) -> None:
        answers = {task: self.answers(task, films, kind) for task in settings["tasks"]}
        folder = self.out / "trials" / name
        folder.mkdir(parents=True)
        write_predictions(folder, Predictions(films, answers))
        warm = dict.fromkeys(settings["tasks"], 1.4) if settings["role"] == "cv" and kind not in ("texture", "seen", "majority") else {}  # fmt: skip
        document = {
            "schema": "konio.trial/1", "study": "multitask", "name": name, "fingerprint": "f" * 64, "seconds": 1.0,
            "settings": settings,
            "result": {"films": {"measured": len(films)}, "temperatures": warm, "scores": {}, "score": 0.5},
        }  # fmt: skip
        (folder / "result.json").write_text(json.dumps(document), encoding="utf-8")
        self.names.append(name)

    def answers(self, task: str, films: np.ndarray, kind: str) -> Answers:
        truth = self.truth(task, films)
        classes = len(TASKS[task])
        logits = self.rng.normal(0, 1, (len(films), classes))
        if kind == "majority":
            logits = np.tile(np.arange(classes, 0, -1.0), (len(films), 1))
        rows = np.flatnonzero(truth != MISSING)
        logits[rows, truth[rows]] += self.skill[kind] - np.abs(self.hard[films[rows]])
        return Answers(truth, (1.5 * logits).astype(np.float32))

    def cross_validation(self, group: str, tasks: list[str], kind: str, dropout: float | None, extra: str = "") -> None:  # fmt: skip
        for fold in range(self.folds):
            films = np.array([film for film, own in self.fold.items() if own == fold], np.int64)
            rate = "" if dropout is None else f"-d{round(100 * dropout)}"
            model = "multi" if len(tasks) > 1 and kind != group else ("single" if group.startswith("single") else group)  # fmt: skip
            settings = {"role": "cv", "model": model, "group": group, "tasks": tasks, "dropout": dropout, "fold": fold, "seed": 1, "extra": False}  # fmt: skip
            self.trial(f"cv-{group}{rate}-f{fold:02d}{extra}", settings, films, kind)

    def final(self, group: str, tasks: list[str], kind: str, seed: int | None) -> None:
        films = np.array([i for i, part in enumerate(self.part) if part == "test"], np.int64)
        settings = {"role": "final", "model": kind, "group": group, "tasks": tasks, "dropout": 0.75, "fold": None, "seed": seed, "extra": False}  # fmt: skip
        self.trial(f"final-{group}" + ("" if seed is None else f"-s{seed:02d}"), settings, films, kind)  # fmt: skip

    def cases(self) -> None:
        names = ("position", "path", "patient_id", "differential", "stage", "part", "fold", "sex", "age", "device", "dust", "zones")  # fmt: skip
        with (self.out / "cases.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(names)
            for i, six in enumerate(self.six):
                dust = six not in ("healthy", "tuberculosis")
                table.writerow([
                    i, f"films/{i:04d}.dcm", f"P{i:04d}", "dust" if dust else six, six if dust else "", self.part[i],
                    self.fold.get(i, ""), "M" if i % 27 or not dust else "F", 32 + (i * 7) % 50, f"device-{i % 3}",
                    ("coal", "silica", "other")[i % 3] if dust else "", f"zones/{i:04d}.png",
                ])  # fmt: skip

    def films(self, side: int = 32) -> None:
        folder = self.out / "prepared" / "abc"
        folder.mkdir(parents=True)
        rows, columns = np.mgrid[:side, :side]
        ground = 60 + 90 * np.exp(-((columns - side / 2) ** 2) / 40) + rows
        table = np.stack([ground + (i % 6) * 8 for i in range(len(self.six))]).astype(np.uint8)
        np.save(folder / f"images-{side}.npy", table)

    def study(
        self,
        tasks: list[str],
        dropouts: list[float] | None = None,
        repeats: int = 1,
        **changes: Any,
    ) -> None:
        counts = {task: {c: sum(self.truth(task, np.arange(len(self.six))) == k) for k, c in enumerate(TASKS[task].classes)} for task in TASKS}  # fmt: skip
        document = {
            "schema": "konio.study/1", "study": "multitask", "preset": "smoke", "about": "Tiny.", "about_zh": "极小。",
            "konio_version": "0.1.0", "fingerprint": "a" * 64, "cohort_fingerprint": "b" * 64,
            "cohort": {"name": "made up", "made_up": True, "films": len(self.six), "patients": len(self.six), "refused": {},
                       "counts": {t: {c: int(n) for c, n in own.items()} for t, own in counts.items()}},
            "design": {"folds": self.folds, "test_fraction": 0.2, "dropouts": list(DROPOUTS) if dropouts is None else dropouts, "repeats": repeats,
                       "seeds": list(range(1, self.seeds + 1)), "tasks": tasks},
            "recipe": {}, "pretraining": {"stage": "skipped", "origin": "", "comparable_to_paper": False},
            "chosen": {"multi": 0.75, "single-differential": 0.75, "single-stage": 0.25},
            "temperatures": {g: {"differential": 1.4, "stage": 1.3} for g in ("multi", "single-differential", "single-stage")},
            "trials": {"all": len(self.names), "done": len(self.names), "failed": 0}, "finished": True, "notice": NOTICE,
            **changes,
        }  # fmt: skip
        (self.out / "study.json").write_text(json.dumps(document), encoding="utf-8")


def write(
    out: Path,
    films: int = 240,
    folds: int = 3,
    seeds: int = 3,
    *,
    skill: Mapping[str, float] = SKILL,
    seed: int = 0,
    **changes: Any,
) -> Made:
    """The whole of paper A in small: both baselines, three groups, two drop-out rates, folds and seeds."""
    out.mkdir(parents=True, exist_ok=True)
    made = Made(out, films, folds, seeds, seed, skill)
    both = ["differential", "stage"]
    for rate in DROPOUTS:
        made.cross_validation("multi", both, "multi", rate)
        for task in both:
            made.cross_validation(f"single-{task}", [task], "single", rate)
    for number in range(1, seeds + 1):
        made.final("multi", both, "multi", number)
        for task in both:
            made.final(f"single-{task}", [task], "single", number)
    for baseline in ("majority", "texture"):
        made.cross_validation(baseline, both, baseline, None)
        made.final(baseline, both, baseline, None)
    made.cases()
    made.films()
    made.study(both, **changes)
    return made


def write_real(out: Path, films: int = 240, folds: int = 4, *, mixed: bool = True) -> Made:
    """Real films: tuberculosis against normal, two seeds a fold, no test part, no stages."""
    out.mkdir(parents=True, exist_ok=True)
    made = Made(out, films, folds, 0)
    made.six = [("healthy", "tuberculosis")[i % 2] for i in range(films)]
    made.part = ["train"] * films
    made.fold = {i: (i // 2) % folds for i in range(films)}
    for group in ("real", "mixed") if mixed else ("real",):
        for seed in (1, 2):
            made.cross_validation(group, ["differential"], group, 0.5, f"-s{seed}")
    for baseline in ("majority", "texture", "seen"):
        made.cross_validation(baseline, ["differential"], baseline, None)
    made.cases()
    made.films()
    cohort = {"name": "shenzhen", "made_up": False, "films": films, "patients": films, "refused": {}, "counts": {}}  # fmt: skip
    made.study(
        ["differential"],
        preset="real",
        cohort=cohort,
        chosen=None,
        temperatures=None,
        dropouts=[0.5],
        repeats=2,
    )
    return made

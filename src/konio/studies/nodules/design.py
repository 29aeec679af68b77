"""Which trainings the study consists of: groups of networks, folds and seeds, as values.

Everything that is compared has the same recipe but for what it names: the same epochs, seeds, folds and width.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from konio.report.words import Words
from konio.studies.runner import Study, Trial
from konio.tasks import NODULE_TASKS

#: Name of the study in its trials.
STUDY_NAME: Final = "nodules"
#: What does one trial.
TRIAL: Final = "konio.studies.nodules.trial:run_trial"
#: Fields of a preset that are words about it and decide no number.
_WORDS: Final = ("about", "about_zh", "trimmed")
#: Fields of a preset that JSON turns into lists.
_TUPLES: Final = ("seeds", "more_seeds", "singles", "ablations")

#: Name of the network that answers all questions; everything else is compared with it.
MULTI: Final = "multi"
#: One network for each question.
SINGLE: Final = "single-"


@dataclass(frozen=True, slots=True)
class Group:
    """Networks that differ from those of other groups in one thing.

    Args:
        name: in the names of trials.
        changes: to the recipe's ``nodule`` table.
        about: what differs, in English.
        about_zh: in Chinese.
        starts_anew: its first weights are random, also where the others begin from a pre-trained network.
    """

    name: str
    changes: Mapping[str, Any]
    about: str = ""
    about_zh: str = ""
    starts_anew: bool = False


#: Comparisons with `MULTI`, whose balance is dynamic weight averaging; the first four on any nodules.
ABLATIONS: Final = (
    Group("equal", {"balance": "equal"}, "equal weights", "等权重"),
    Group("gradnorm", {"balance": "gradnorm"}, "GradNorm", "GradNorm"),
    Group("uncertainty", {"balance": "uncertainty"}, "uncertainty weighting", "不确定性加权"),
    Group("no-position", {"position": "none"}, "no position embedding", "无位置编码"),
    Group("depth-position", {"position": "depth"}, "depth embedding", "深度编码"),
    Group(
        "paper-loss",
        {"loss": "squared", "discard_middle": True},
        "squared error, middles discarded (paper C)",
        "平方误差、弃去中间值（论文C）",
    ),
)
#: One slice in place of the mosaic, cut from the same cubes; needs a geometry that the preset gives, which is another
#: network than the pre-trained one.
PLAIN_SLICE: Final = Group(
    "plain-slice", {}, "one slice instead of the mosaic", "单层代替拼接", starts_anew=True
)
#: What pre-training is worth; only where there is a pre-trained network to begin from.
FROM_NOTHING: Final = Group(
    "from-nothing", {}, "from nothing, not pre-trained", "从零训练，不预训练", starts_anew=True
)


@dataclass(frozen=True, slots=True)
class Preset:
    """One size of the study.

    Args:
        name: of the preset.
        about: what it is and what it is not, in English.
        about_zh: the same in Chinese.
        recipe: of the kind ``nodule``, without name, seed and tasks.
        trimmed: what a larger preset of the same nodules does beside, or ``None``.
        folds: of the cross-validation by patient.
        seeds: trainings of every fold.
        more_seeds: further trainings of every fold by what the paper compares: all questions together, and one each.
        singles: questions that also have a network of their own.
        ablations: names of `ABLATIONS`, ``plain-slice`` or ``from-nothing``.
        plain: changes of the recipe's table for ``plain-slice``.
        cases: nodules of the made-up cohort where none is given.
        views: turned and mirrored copies over which an answer is averaged.
        repeats: of the classical model's cross-validation.
        draws: of the bootstraps.
        seed: of made-up nodules and splits.
    """

    name: str
    about: str
    about_zh: str
    recipe: Mapping[str, Any]
    trimmed: Words | None = None
    folds: int = 5
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    more_seeds: tuple[int, ...] = ()
    singles: tuple[str, ...] = NODULE_TASKS.names
    ablations: tuple[str, ...] = ()
    plain: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cases: int = 600
    views: int = 1
    repeats: int = 10
    draws: int = 2000
    seed: int = 7

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything in it that decides the numbers."""
        plain = {name: value for name, value in self.to_json().items() if name not in _WORDS}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain data, from which `from_json` makes the same preset."""
        plain = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        lists = {name: list(plain[name]) for name in _TUPLES}
        words = None if self.trimmed is None else list(self.trimmed)
        return {**plain, **lists, "trimmed": words, "recipe": dict(self.recipe), "plain": dict(self.plain)}  # fmt: skip

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Preset:
        """The preset that `to_json` wrote."""
        tuples = {name: tuple(plain[name]) for name in _TUPLES}
        trimmed = plain["trimmed"]
        return cls(**{**plain, **tuples, "trimmed": None if trimmed is None else Words(*trimmed)})

    def groups(self) -> tuple[Group, ...]:
        """Multi-task first, then one network for each question, then the ablations."""
        plain = dataclasses.replace(PLAIN_SLICE, changes=self.plain)
        known = {group.name: group for group in (*ABLATIONS, plain, FROM_NOTHING)}
        singles = tuple(Group(SINGLE + name, {"tasks": [name]}) for name in self.singles)
        return (
            Group(MULTI, {}, "dynamic weight averaging", "动态权重平均"),
            *singles,
            *(known[name] for name in self.ablations),
        )

    def trials(self, source: str, pretrained: str = "") -> tuple[Trial, ...]:
        """Every training of the study.

        Args:
            source: where the nodules are.
            pretrained: what networks begin from; without it there is nothing to compare ``from-nothing`` with.
        """
        trials = []
        for group in self.groups():
            if group.name == FROM_NOTHING.name and not pretrained:
                continue
            first = "" if group.starts_anew else pretrained
            for fold in range(self.folds):
                for seed in self.seeds_of(group):
                    name = f"{group.name}-f{fold:02d}-s{seed:02d}"
                    settings = self._settings(group, fold, seed, source, first)
                    trials.append(Trial(name, settings))
        return tuple(trials)

    def seeds_of(self, group: Group) -> tuple[int, ...]:
        """Seeds of a group's trainings."""
        compared = group.name == MULTI or group.name.startswith(SINGLE)
        return self.seeds + (self.more_seeds if compared else ())

    def _settings(
        self, group: Group, fold: int, seed: int, source: str, pretrained: str
    ) -> dict[str, Any]:
        recipe = dict(self.recipe)
        recipe["nodule"] = {**recipe["nodule"], **group.changes}
        if pretrained:
            recipe["nodule"]["pretrained"] = pretrained
        recipe |= {"name": f"nodules-{group.name}", "kind": "nodule", "seed": seed}
        return {
            "group": group.name,
            "fold": fold,
            "folds": self.folds,
            "seed": seed,
            "split_seed": self.seed,
            "source": source,
            "views": self.views,
            "recipe": recipe,
        }


def study_of(trials: tuple[Trial, ...], fingerprint: str) -> Study:
    """Trainings as one study of the runner.

    Args:
        trials: of a preset; none where people's readings are studied alone.
        fingerprint: of recipes, first weights, readings and code.
    """
    return Study(STUDY_NAME, trials, TRIAL, fingerprint)

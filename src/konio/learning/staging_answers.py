"""A staging network asked about every film of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from konio.cohort import Cohort
from konio.hierarchy.bundle import read_staging
from konio.hierarchy.populations import stages
from konio.learning.batches import Films
from konio.learning.evaluation import Answers
from konio.learning.films import FilmPlan
from konio.learning.levels import look_at_levels
from konio.learning.staging_scores import hierarchy_facts
from konio.networks import Bundle
from konio.prepare import Preparation
from konio.tasks import MISSING, STAGE, TaskSet

if TYPE_CHECKING:
    from konio.learning.training import Options


def answer_stages(cohort: Cohort, bundle: Bundle, out: Path, options: Options) -> Answers:
    """What `konio.learning.evaluation.answer_cohort` does, for a staging network.

    The truth of stage 0 follows the bundle's own reading of it (`konio.hierarchy.populations`); films that are none of
    the four classes are answered and not scored.
    """
    from konio.learning.training import films_of

    staging = read_staging(bundle)
    plan = staging.network.plan
    preparation = Preparation.from_json(bundle.facts.preprocessing)
    store = films_of(
        cohort, FilmPlan(preparation, (preparation.size,), options.segmenter), out, options
    )
    kept = np.flatnonzero(store.ready)
    truth = stages(cohort, plan.zero)[kept]
    films = Films(store, kept, truth[:, None])
    said = look_at_levels(staging.network, films, preparation.size)
    verdicts = staging.verdicts(*said)
    known = truth != MISSING
    beside = {}
    if staging.cut_point is not None and known.any():
        beside["hierarchy"] = hierarchy_facts(truth[known], staging, [own[known] for own in said])
    return Answers(
        cases=tuple(cohort.cases[i] for i in kept),
        tasks=TaskSet((STAGE,)),
        probabilities={STAGE.name: verdicts.probabilities},
        truth={STAGE.name: truth},
        refused={cohort.cases[i].path: reason for i, reason in store.refusals.items()},
        decided={STAGE.name: verdicts.stage},
        beside=beside,
    )

"""Plans of films: the wished stage, coverage, readers, types."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from konio.errors import UsageError
from konio.phantom.labels import (
    FORM_WISHES,
    IRREGULAR_SHARE,
    WISHES,
    effective_levels,
    plan_film,
)
from konio.standards import gbz
from konio.tasks import STAGE


@pytest.mark.parametrize("wish", [w for w in WISHES if w.startswith("dust")])
def test_every_plan_has_the_wished_stage_by_the_rules(wish: str) -> None:
    for seed in range(40):
        plan = plan_film(np.random.default_rng(seed), wish)
        assert gbz.stage(plan.findings).stage == wish.removeprefix("dust-")
        assert plan.labels["aggregation"] == ("present" if plan.findings.aggregation else "absent")
        assert bool(plan.large) == bool(plan.findings.large)


def test_stage_three_is_reached_in_more_than_one_way() -> None:
    plans = [plan_film(np.random.default_rng(seed), "dust-III") for seed in range(120)]
    clauses = Counter(plan.staging.clause for plan in plans if plan.staging)
    assert clauses["5.3a"] > clauses["5.3b"] > 0
    assert set(clauses) <= {"5.3a", "5.3b", "5.3c"}


def test_a_patchy_zone_receives_less_than_was_drawn() -> None:
    drawn = (8, 5, 0, 11, 3, 1)
    assert effective_levels(drawn, (0.9,) * 6) == drawn
    assert effective_levels(drawn, (2 / 3,) * 6) == drawn
    patchy = effective_levels(drawn, (0.5,) * 6)
    assert all(new < old for new, old in zip(patchy, drawn, strict=True) if old)
    assert patchy[2] == 0


def test_patchy_zones_occur_and_lower_the_label() -> None:
    lowered = 0
    for seed in range(60):
        plan = plan_film(np.random.default_rng(seed), "dust-II")
        true = tuple(gbz.minor(level) for level in plan.findings.zones.values())
        assert true == effective_levels(plan.small.levels, plan.small.coverage)
        lowered += true != plan.small.levels
    assert 5 < lowered < 40


def test_types_are_alike_in_all_stages() -> None:
    for wish in ("dust-I", "dust-III"):
        primary = [plan_film(np.random.default_rng(s), wish).small for s in range(160)]
        irregular = np.mean([bool(set("stu") & {p.primary, p.secondary}) for p in primary])
        assert irregular == pytest.approx(IRREGULAR_SHARE, abs=0.08)
        rounded = Counter(p.primary for p in primary)
        assert rounded["q"] > rounded["p"] > rounded["r"] > 0


def test_readers_err_most_between_neighbours() -> None:
    pairs = []
    for stage in STAGE.classes:
        for seed in range(60):
            plan = plan_film(np.random.default_rng(seed), f"dust-{stage}")
            pairs.append((STAGE.index(stage), STAGE.index(plan.observed_stage)))
    gaps = np.abs(np.diff(np.asarray(pairs), axis=1))
    assert 0.6 < float((gaps == 0).mean()) < 0.98
    assert float((gaps > 1).mean()) < 0.06


def test_healthy_zones_are_level_nought() -> None:
    for seed in range(20):
        plan = plan_film(np.random.default_rng(seed), "healthy")
        assert set(plan.findings.zones.values()) <= {"0/-", "0/0"}
        assert plan.staging is None and plan.labels["stage"] is None


def test_an_unknown_wish_is_refused() -> None:
    with pytest.raises(UsageError, match="wish"):
        plan_film(np.random.default_rng(0), "dust-IV")


@pytest.mark.parametrize("wish", FORM_WISHES)
def test_a_form_that_is_wished_for_leads_and_nothing_else_changes(wish: str) -> None:
    form = wish.removeprefix("tuberculosis-")
    for seed in range(20):
        wished = plan_film(np.random.default_rng(seed), wish)
        drawn = plan_film(np.random.default_rng(seed), "tuberculosis")
        assert wished.tuberculosis is not None
        assert wished.tuberculosis.forms[0] == form
        assert wished.labels["differential"] == "tuberculosis"
        assert drawn.tuberculosis is not None
        if drawn.tuberculosis.forms[0] == form:
            assert wished.tuberculosis == drawn.tuberculosis
            assert (wished.small, wished.marking) == (drawn.small, drawn.marking)
            assert wished.labels == drawn.labels
    with pytest.raises(UsageError, match="tuberculosis-miliary"):
        plan_film(np.random.default_rng(0), "tuberculosis-rare")

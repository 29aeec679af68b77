"""What ``study.json`` says of the first weights."""

from __future__ import annotations

import dataclasses

from konio.studies.multitask import record

from .. import tiny_study


def test_networks_on_kept_features_do_not_say_that_they_begin_at_random(tmp_path):
    kept = dataclasses.replace(tiny_study.TINY, kept=True, seen_by="konio-radiograph")
    tiny_study.lay(tmp_path / "kept", preset=kept)
    tiny_study.lay(tmp_path / "films")
    stages = [record.read(tmp_path / name)["pretraining"] for name in ("kept", "films")]
    assert [stage["stage"] for stage in stages] == ["kept", "skipped"]
    assert "seen_by" in stages[0]["origin"]
    assert not stages[0]["comparable_to_paper"]

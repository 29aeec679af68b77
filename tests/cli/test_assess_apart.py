"""``konio assess --workers``: films in processes of their own, which find lungs with the shipped network."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_two_processes_say_what_one_says(konio, tiny, made_up_films, tmp_path) -> None:
    words = ["assess", *made_up_films, "--model", tiny, "--format", "json"]
    one, two = konio(*words), konio(*words, "--workers", "2", "--out", tmp_path)
    assert len(one.lines) == len(two.lines) == 3
    for alone, apart in zip(one.lines, two.lines, strict=True):
        assert (apart["input"], apart["status"]) == (alone["input"], alone["status"])
        assert Path(apart["files"]["json"]).is_file()
        for name, answer in alone["tasks"].items():
            if answer is not None:
                likely = pytest.approx(answer["probabilities"], abs=1e-4)
                assert apart["tasks"][name]["probabilities"] == likely
    assert two.err.splitlines()[-1] == one.err.splitlines()[-1] == "3 assessed, 0 failed"

"""``konio study multitask``: what it refuses, what it estimates, what it says."""

from pathlib import Path

import pytest

from konio.cli.study_shared import Speaker
from konio.studies.runner import StudyProgress


def test_wrong_usage_is_one_sentence(konio, tmp_path):
    said = konio("study", "multitask", "--preset", "huge", "--out", tmp_path / "s")
    assert said.status == 2
    assert "smoke" in said.err
    said = konio("study", "multitask", "--preset", "real", "--out", tmp_path / "s")
    assert (said.status, "Shenzhen" in said.err) == (2, True)
    said = konio("study", "multitask", "--address", "10.0.0.1:6379", "--out", tmp_path / "s")
    assert (said.status, "--engine ray" in said.err) == (2, True)
    said = konio("study", "multitask", "--engine", "cloud", "--out", tmp_path / "s")
    assert (said.status, "local, ray" in said.err) == (2, True)


def test_wrong_usage_of_the_nodules_is_one_sentence(konio, tmp_path):
    out = tmp_path / "s"
    said = konio("study", "nodules", "--preset", "huge", "--out", out)
    assert (said.status, "slices-full" in said.err) == (2, True)
    said = konio("study", "nodules", "--address", "10.0.0.1:6379", "--out", out)
    assert (said.status, "--engine ray" in said.err) == (2, True)
    said = konio("study", "nodules", "--estimate", "--out", out)
    assert (said.status, "counts nodules" in said.err) == (2, True)
    assert not out.exists()


def test_wrong_usage_of_the_hierarchy_is_one_sentence(konio, tmp_path):
    out, weights = tmp_path / "s", tmp_path / "w.pth"
    weights.touch()
    for options, words in (
        (["--preset", "huge"], "paper, small, scratch, smoke"),
        (["--preset", "smoke", "--seen-by", "konio-radiograph"], "leave --seen-by out"),
        (["--seen-by", ""], "name one with --seen-by"),
        (["--weights", f"densenet121={weights}"], "trains no backbone"),
        (["--preset", "paper", "--weights", f"vgg19={weights}"], "has alexnet, vgg16"),
    ):
        said = konio("study", "hierarchy", *options, "--out", out)
        assert (said.status, words in said.err) == (2, True), (options, said.err)
    assert not out.exists()


@pytest.mark.parametrize("study", ["multitask", "nodules"])
def test_only_an_estimate_needs_no_folder(konio, study):
    said = konio("study", study, "--preset", "smoke")
    assert (said.status, "give --out DIR" in said.err) == (2, True)


@pytest.mark.parametrize("study", ["multitask", "nodules"])
def test_a_report_of_nothing_is_refused(konio, tmp_path, study):
    said = konio("study", study, "--report-only", "--out", tmp_path)
    assert said.status == 1
    assert "holds no study" in said.err


def test_the_estimate_trains_nothing(konio, tmp_path):
    out = tmp_path / "s"
    said = konio("study", "multitask", "--preset", "smoke", "--estimate")
    assert said.status == 0
    assert konio("study", "multitask", "--preset", "smoke", "--estimate", "--out", out).status == 0
    assert "27 networks" in said.out
    assert "hours" in said.out
    assert not out.exists()


def test_help_shows_examples(konio):
    said = konio("study", "multitask", "--help")
    assert said.status == 0
    assert "--preset smoke" in said.out


def test_progress_says_done_left_and_best(capsys):
    speaker = Speaker()
    speaker.trial("cross-validation", StudyProgress(3, 0, 24, 65.0, ("cv-multi-f00", 0.5)))
    speaker.trial("cross-validation", StudyProgress(4, 0, 24, 60.0, None))  # too soon to say again
    speaker.trial("final", StudyProgress(4, 1, 5, 0.0, None, "final-multi-s02", "no room"))
    speaker.films("preparing films", 96, 96, 0.0)
    assert capsys.readouterr().err.splitlines() == [
        "cross-validation: 3 of 24 trials, 1 min 05 s left, best so far cv-multi-f00 (0.500)",
        "final: final-multi-s02 failed: no room",
        "final: 4 of 5 trials, 1 failed",
        "preparing films: 96 of 96",
    ]


def test_the_room_of_studies_is_not_imported_for_help():
    import subprocess
    import sys

    code = "import sys, konio.cli.app; sys.exit(any(m in sys.modules for m in ('torch', 'ray', 'konio.studies.runner')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path.cwd()).returncode == 0

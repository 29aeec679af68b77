"""A finished trial is never repeated, a kill loses at most the trial in flight, failures stop nobody."""

import dataclasses
import json
import subprocess
import sys
import time

import pytest

from konio.engine import Failure, LocalEngine
from konio.engine.contract import attempt, outcome
from konio.errors import OutputError, UsageError
from konio.studies import runner
from konio.studies.runner import Study, Trial, code_version, fingerprint, finished, run_study


class Here:
    """An engine in this very process, one item after the other."""

    workers = 1

    def run(self, function, items):
        for position, item in enumerate(items):
            yield position, outcome(attempt(function, item))


def study(count=4, function="square", **changes):
    trials = tuple(Trial(f"t-{n}", {"number": n}) for n in range(count))
    made = Study("squares", trials, f"study_work:{function}", fingerprint({"lr": 1}, "abc", "1.0"))
    return dataclasses.replace(made, **changes)


def starts(out):
    return (out / "starts.txt").read_text().split()


def squares(results):
    return {found.name: found.result["square"] for found in results}


def test_every_trial_is_done_once(tmp_path):
    first = run_study(study(), tmp_path, Here())
    assert squares(first) == {f"t-{n}": n * n for n in range(4)}
    again = run_study(study(), tmp_path, Here())
    assert again == first
    assert starts(tmp_path) == ["t-0", "t-1", "t-2", "t-3"]


def test_new_trials_are_added_to_old_ones(tmp_path):
    run_study(study(2), tmp_path, Here())
    run_study(study(4), tmp_path, Here())
    assert starts(tmp_path) == ["t-0", "t-1", "t-2", "t-3"]


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": fingerprint({"lr": 2}, "abc", "1.0")},
        {"fingerprint": fingerprint({"lr": 1}, "abd", "1.0")},
        {"fingerprint": fingerprint({"lr": 1}, "abc", "1.1")},
        {"trials": tuple(Trial(f"t-{n}", {"number": n, "seconds": 0.0}) for n in range(2))},
    ],
    ids=["recipe", "cohort", "code", "settings"],
)
def test_what_was_asked_of_another_recipe_cohort_or_code_is_done_anew(tmp_path, change):
    run_study(study(2), tmp_path, Here())
    (tmp_path / "trials" / "t-0" / "left-over").touch()
    run_study(study(2, **change), tmp_path, Here())
    assert starts(tmp_path) == ["t-0", "t-1"] * 2
    assert not (tmp_path / "trials" / "t-0" / "left-over").exists()


def test_a_trial_without_its_result_is_not_finished(tmp_path):
    run_study(study(2), tmp_path, Here())
    (tmp_path / "trials" / "t-1" / "result.json").write_text("{")
    assert [found.name for found in finished(tmp_path)] == ["t-0"]
    run_study(study(2), tmp_path, Here())
    assert starts(tmp_path) == ["t-0", "t-1", "t-1"]


def test_partial_results_can_be_read_at_any_time(tmp_path):
    seen = []
    run_study(study(3), tmp_path, Here(), lambda now: seen.append(len(finished(tmp_path))))
    assert seen == [0, 1, 2, 3]
    assert finished(tmp_path, "other") == []


def test_progress_says_done_left_and_best(tmp_path):
    told = []
    run_study(study(3), tmp_path, Here(), told.append)
    assert [now.done for now in told] == [0, 1, 2, 3]
    assert told[0].seconds_left is None
    assert told[0].best is None
    assert told[-1].seconds_left == 0
    assert told[-1].best == ("t-2", 0.2)
    run_study(study(3), tmp_path, Here(), told.append)
    assert (told[-1].done, told[-1].best) == (3, ("t-2", 0.2))


def test_a_failure_stops_nobody_and_is_tried_again(tmp_path):
    trials = (Trial("bad", {"number": 1, "fails": True}), Trial("good", {"number": 2}))
    told = []
    done = run_study(study(trials=trials), tmp_path, Here(), told.append)
    assert squares(done) == {"good": 4}
    assert (told[-1].done, told[-1].failed) == (1, 1)
    assert told[1].failure == "there are no films; add rows"
    assert runner.failures(study(trials=trials), tmp_path) == {"bad": told[1].failure}
    mended = (Trial("bad", {"number": 1}), trials[1])
    assert squares(run_study(study(trials=mended), tmp_path, Here())) == {"bad": 1, "good": 4}
    assert runner.failures(study(trials=mended), tmp_path) == {}


def test_a_dead_process_is_replaced_and_its_trial_goes_on(tmp_path):
    trials = tuple(Trial(f"t-{n}", {"number": n, "dies": n == 1}) for n in range(3))
    asked = study(trials=trials, function="killed_midway")
    done = run_study(asked, tmp_path, LocalEngine(2))
    assert {found.name: found.result["steps_before"] for found in done} == {
        "t-0": 0,
        "t-1": 1,
        "t-2": 0,
    }


SLOW = """
import sys
from pathlib import Path
from konio.engine import LocalEngine
from konio.studies.runner import Study, Trial, run_study

trials = tuple(Trial(f"t-{n}", {"number": n, "seconds": 0.3}) for n in range(8))
run_study(Study("squares", trials, "study_work:square", "f"), Path(sys.argv[1]), LocalEngine(1))
"""


def test_kill_9_twice_loses_at_most_the_trial_in_flight(tmp_path):
    command = [sys.executable, "-c", SLOW, str(tmp_path)]
    for wanted in (2, 5):
        process = subprocess.Popen(command)
        end = time.monotonic() + 60
        while len(finished(tmp_path)) < wanted and time.monotonic() < end:
            time.sleep(0.02)
        process.kill()
        process.wait()
        time.sleep(0.5)  # its worker sees the end of its orders
        assert len(finished(tmp_path)) >= wanted
    subprocess.run(command, check=True)
    assert squares(finished(tmp_path)) == {f"t-{n}": n * n for n in range(8)}
    begun = starts(tmp_path)
    assert len(begun) <= 8 + 2
    assert not list(tmp_path.rglob("*.part"))


def test_two_studies_cannot_share_a_folder_at_a_time(tmp_path):
    class Impatient(Here):
        def run(self, function, items):
            with pytest.raises(OutputError, match="another process"):
                run_study(study(1), tmp_path, Here())
            return super().run(function, items)

    assert len(run_study(study(1), tmp_path, Impatient())) == 1


def test_results_are_plain_json(tmp_path):
    run_study(study(1), tmp_path, Here())
    plain = json.loads((tmp_path / "trials" / "t-0" / "result.json").read_text())
    assert plain["schema"] == "konio.trial/1"
    assert plain["settings"] == {"number": 0}
    assert plain["result"] == {"square": 0, "score": 0.0}


def test_the_code_version_follows_the_source(tmp_path, monkeypatch):
    package = tmp_path / "made"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = code_version("made")
    (package / "more.py").write_text("B = 2\n")
    assert code_version("made") != before
    with pytest.raises(UsageError, match="no module"):
        code_version("made.nothing")


def test_wrong_studies_are_refused():
    with pytest.raises(UsageError, match="letters"):
        Trial("../up", {})
    with pytest.raises(UsageError, match="rename"):
        study(trials=(Trial("a", {}), Trial("a", {})))
    assert Failure("why").attempts == 1

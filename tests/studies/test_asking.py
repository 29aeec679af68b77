"""What every study does around its trials."""

from __future__ import annotations

import pytest

from konio.errors import OutputError, StudyError
from konio.studies.asking import STUDY, Asking, read_study, refuse_failed
from konio.studies.hierarchy.experiment import Ask as HierarchyAsk
from konio.studies.multitask.experiment import Ask as MultitaskAsk
from konio.studies.nodules.experiment import Ask as NodulesAsk
from konio.studies.runner import Study, StudyProgress, Trial, run_study, write_json

from .tiny_study import Here

FAILS = {"number": 1, "fails": True}


@pytest.mark.parametrize("ask", [HierarchyAsk, MultitaskAsk, NodulesAsk])
def test_every_study_tells_its_stages_and_does_without_anybody_to_tell(ask):
    told = []
    own = ask("preset", count=lambda *said: told.append(said), tell=lambda *said: told.append(said))
    assert isinstance(own, Asking)
    own.counting("making films")(1, 3)
    own.counting("making films")(2, 3, 1.5)
    now = StudyProgress(1, 0, 2, None, None)
    own.telling("trials")(now)
    assert told == [("making films", 1, 3, None), ("making films", 2, 3, 1.5), ("trials", now)]
    silent = ask("preset")
    silent.counting("making films")(1, 3)
    silent.telling("trials")(now)
    assert silent.processes >= 1
    assert ask("preset", workers=5).processes == 5


def test_failed_trials_of_all_studies_are_counted_and_the_first_reason_said(tmp_path):
    wrong = Study("s", (Trial("a", FAILS), Trial("b", FAILS)), "study_work:square", "f")
    good = Study("s", (Trial("c", {"number": 2}),), "study_work:square", "f")
    for study in (wrong, good):
        run_study(study, tmp_path, Here())
    refuse_failed(tmp_path, good)
    with pytest.raises(
        StudyError,
        match=r"2 of 3 trials failed, the first \(a\) since there are no films; add rows; run .*anew",
    ):
        refuse_failed(tmp_path, good, wrong)
    with pytest.raises(StudyError, match=r"page .*index\.html is of the others"):
        refuse_failed(tmp_path, wrong, page=tmp_path / "index.html")


def test_a_folder_without_a_study_is_told(tmp_path):
    with pytest.raises(OutputError, match="holds no study"):
        read_study(tmp_path)
    write_json(tmp_path / STUDY, {"study": "s"})
    assert read_study(tmp_path) == {"study": "s"}

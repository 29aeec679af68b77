"""Processes of this machine: results as they finish, no thread too many, a dead process costs its item only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from konio.engine import Failure, LocalEngine, open_engine, resolve
from konio.errors import UsageError


def run(engine, name, items):
    return dict(engine.run(f"engine_work:{name}", items))


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def wait_until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def test_every_item_has_its_own_result():
    items = [{"number": n} for n in range(7)]
    assert run(LocalEngine(2), "double", items) == {n: {"twice": 2 * n} for n in range(7)}


def test_no_items_need_no_process():
    assert run(LocalEngine(2), "double", []) == {}


def test_results_come_as_they_finish():
    items = [{"seconds": 1.5}, {"seconds": 0.0}, {"seconds": 0.0}]
    order = [position for position, _ in LocalEngine(2).run("engine_work:late", items)]
    assert order[-1] == 0


@pytest.mark.parametrize(("cores", "workers", "threads"), [(8, 2, 4), (2, 2, 1), (2, 5, 1)])
def test_workers_share_the_cores(cores, workers, threads):
    assert LocalEngine(workers, cores=cores).threads == threads


def test_a_worker_is_told_its_threads():
    found = run(LocalEngine(2, cores=6), "threads", [{}, {}])
    assert {said[0] for said in found.values()} == {"3"}
    assert len({said[1] for said in found.values()}) == 2


def test_each_worker_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    engine = LocalEngine(cores=16)
    assert engine.workers == 2
    assert [engine.environment(slot)["CUDA_VISIBLE_DEVICES"] for slot in (0, 1)] == ["4", "7"]


def test_without_a_gpu_there_is_a_worker_per_core(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert LocalEngine(cores=3).workers == 3


def test_what_the_work_prints_is_no_reply():
    assert run(LocalEngine(1), "talkative", [{}]) == {0: "quiet"}


def test_an_error_of_the_work_is_a_failure_with_its_sentence():
    found = run(LocalEngine(1), "fails", [{"how": "konio"}, {"how": "other"}, {"how": "set"}])
    assert found[0] == Failure("the table is empty; add rows")
    assert "ZeroDivisionError" in found[1].reason
    assert "by nothing" in found[1].detail
    assert "no JSON" in found[2].reason


def test_an_item_whose_process_died_is_tried_again(tmp_path):
    items = [{"mark": str(tmp_path / str(n)), "dies": n == 1, "once": True} for n in range(4)]
    assert run(LocalEngine(2), "dies_once", items) == dict.fromkeys(range(4), "alive")


def test_an_item_that_always_kills_its_process_fails_alone(tmp_path):
    items = [{"mark": str(tmp_path / str(n)), "dies": n == 0, "once": False} for n in range(3)]
    found = run(LocalEngine(1), "dies_once", items)
    assert found[1] == found[2] == "alive"
    assert isinstance(found[0], Failure)
    assert found[0].attempts == 2


# A shell that starts something in the background has it ignore Ctrl-C; the test means a Ctrl-C that is heard.
FOR_EVER = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from konio.engine import LocalEngine
for _ in LocalEngine(1).run("engine_work:waits", [{"pid": sys.argv[1]}]):
    pass
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_an_engine_ends_it_leaves_no_process(tmp_path, how):
    mark = tmp_path / "pid"
    command = [sys.executable, "-c", FOR_EVER, str(mark)]
    engine = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_until(lambda: mark.exists() and mark.read_text())
    engine.send_signal(how)
    engine.wait(30)
    wait_until(lambda: gone(int(mark.read_text())))


def test_wrong_names_are_refused():
    with pytest.raises(UsageError, match="local, ray"):
        open_engine("cloud")
    with pytest.raises(UsageError, match="at least one worker"):
        LocalEngine(0)
    for name in ("nowhere:at_all", "math:nothing", "math:pi", "math"):
        with pytest.raises(UsageError, match="module:name"):
            resolve(name)

"""The same work on a Ray cluster of two machines that are two processes of this one."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# Ray is asked in a process of its own: its threads and sockets outlive a test and its warnings are not ours.
SCRIPT = """
import json, sys, time
from ray.cluster_utils import Cluster
from konio.engine import Failure, RayEngine

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
engine = RayEngine(cluster.address)
found = {"workers": [engine.workers, RayEngine(cluster.address, workers=7).workers]}
cluster.add_node(num_cpus=1)
while engine.workers < 2:
    time.sleep(0.1)
marks = sys.argv[1]

def run(name, items):
    return {
        str(n): {"reason": r.reason, "attempts": r.attempts, "died": r.died} if isinstance(r, Failure) else r
        for n, r in engine.run("engine_work:" + name, items)
    }

found["double"] = run("double", [{"number": n} for n in range(5)])
found["threads"] = run("threads", [{"seconds": 4}] * 4)
found["fails"] = run("fails", [{"how": "konio"}, {"how": "other"}])
found["dies_once"] = run("dies_once", [{"mark": marks + "/once", "dies": True, "once": True}])
found["dies"] = run("dies_once", [{"mark": marks + "/dies", "dies": True, "once": False}])
engine.close()
cluster.shutdown()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_nodes_do_what_one_machine_does(tmp_path):
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }
    # The names of Ray's sockets must be short, so that its files lie outside pytest's folder.
    with tempfile.TemporaryDirectory(prefix="ray") as short:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path)],
            env=environment | {"RAY_TMPDIR": short},
            capture_output=True,
            text=True,
            timeout=280,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["workers"] == [1, 7]  # and two once the second machine has joined
    assert found["double"] == {str(n): {"twice": 2 * n} for n in range(5)}
    assert len({pid for _, pid in found["threads"].values()}) == 2
    assert found["fails"]["0"] == {
        "reason": "the table is empty; add rows", "attempts": 1, "died": False,
    }  # fmt: skip
    assert "ZeroDivisionError" in found["fails"]["1"]["reason"] and not found["fails"]["1"]["died"]
    assert found["dies_once"] == {"0": "alive"}
    assert (found["dies"]["0"]["attempts"], found["dies"]["0"]["died"]) == (2, True)

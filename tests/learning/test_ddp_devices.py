"""What the machine has trains: the processor always, a GPU where there is one.

A machine without a GPU has no test of one to leave out: the list of accelerators is what is there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from . import synthetic_run

ACCELERATORS = ("cpu", *(("gpu",) if torch.cuda.is_available() else ()))

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"
)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_a_run_ends_and_its_network_answers_the_same_on_every_device(
    tmp_path: Path, accelerator: str
) -> None:
    trainer = {"accelerator": accelerator, "devices": 1, "ema": 0.9}
    fitted = synthetic_run.train(tmp_path, synthetic_run.recipe(trainer=trainer))
    assert fitted.finished
    assert fitted.scores["differential/accuracy"] >= 0
    run, _ = synthetic_run.make_run(synthetic_run.recipe())
    batch = run.held_out.batch(np.arange(len(run.held_out)), 64)
    device = {"cpu": "cpu", "gpu": "cuda"}[accelerator]

    def answers(place: str) -> torch.Tensor:
        there = {name: values.to(place) for name, values in batch.items()}
        with torch.no_grad():
            said = run.objective.answer(fitted.network.to(place), run.held_out.view(there, 64))
        return said.cpu()

    there, here = answers(device), answers("cpu")
    assert torch.isfinite(here).all()
    torch.testing.assert_close(there, here, rtol=1e-3, atol=1e-3)

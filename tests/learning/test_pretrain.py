"""Pre-training on real films of ChestX-ray14, and the next run that starts from it."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from konio.errors import UsageError
from konio.learning import Options, parse_recipe, train
from konio.learning.training import first_network

FOLDER = (
    Path(os.environ.get("KONIO_DATA", Path(__file__).parents[3] / "shared/data")) / "nih-sample"
)
pytestmark = [
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:Warning"),
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is absent; set KONIO_DATA"),
]


def recipe(**changes):
    document = {
        "name": "tiny-pretraining",
        "kind": "chestxray14",
        "network": {"backbone": "densenet-mini"},
        "optimizer": {"lr": 1e-3},
        "validation": {"fraction": 0.2},
        "trainer": {"accelerator": "cpu", "precision": "float32"},
        "phases": [{"size": 64, "batch": 12}],
    }
    return parse_recipe(document | changes)


def test_two_steps_give_a_backbone_that_the_next_run_starts_from(tmp_path):
    backbone = train(FOLDER, recipe(), tmp_path, options=Options(workers=1))
    assert backbone == tmp_path / "backbone.safetensors"
    weights = load_file(backbone)
    assert weights["classifier.weight"].shape[0] == 14
    following = parse_recipe(
        {
            "name": "next",
            "network": {"backbone": "densenet-mini", "pretrained": str(backbone)},
            "phases": [{"size": 64}],
        }
    )
    network, origin = first_network(following)
    assert origin["origin"] == "konio"
    assert origin["file"] == "backbone.safetensors"
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, weights[f"backbone.{name}"]), name
    assert train(FOLDER, recipe(), tmp_path, resume=True) == backbone


def test_a_table_of_cases_is_no_chestxray14(tmp_path):
    from konio.cohort import Cohort
    from konio.records import Case

    cohort = Cohort((Case("a.png", "p", {}),), tmp_path)
    with pytest.raises(UsageError, match="original download"):
        train(cohort, recipe(), tmp_path)

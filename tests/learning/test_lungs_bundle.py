import json

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from konio.errors import BundleError, CohortError
from konio.learning.lungs import LungRecipe, LungTraining, train_lungs
from konio.learning.lungs_bundle import real_pairs, train_lung_bundle, write_lung_bundle
from konio.learning.lungs_cohort import LungFilms
from konio.lungs import load_segmenter
from konio.networks.unet import UNET_SIDE
from konio.phantom import radiograph

RECIPE = LungRecipe(widths=(2, 3), phantoms=1, phantom_size=128, warm_up_steps=0, steps=1, batch=1)


def films():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (1, 64, 64), dtype=np.uint8)
    return LungFilms(pixels, (pixels % 3).astype(np.uint8), ("toy",))


@pytest.fixture
def bundle(tmp_path):
    training = LungTraining(RECIPE, films(), LungFilms.none(), 0)
    network = train_lungs(training, tmp_path / "run")
    return network, write_lung_bundle(tmp_path / "bundle", network, training, {"dice": 0.5})


def test_a_written_network_answers_as_it_did(bundle):
    network, written = bundle
    film = np.random.default_rng(1).random((UNET_SIDE, UNET_SIDE), np.float32)
    got = load_segmenter(written.path).probabilities_of_square(film)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(film * 2 - 1)[None, None]).sigmoid()[0].numpy()
    np.testing.assert_allclose(got, wanted, atol=0.02)


def test_the_card_says_what_it_learned_from_and_claims_nothing(bundle):
    _, written = bundle
    card = (written.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "made-up patients" in card
    assert "No clinical claim" in card
    assert "Montgomery" in card


def test_another_kind_of_bundle_is_refused(bundle):
    _, written = bundle
    facts = written.path / "bundle.json"
    plain = json.loads(facts.read_text(encoding="utf-8"))
    facts.write_text(json.dumps({**plain, "kind": "something"}), encoding="utf-8")
    with pytest.raises(BundleError, match="not a 'lungs-unet'"):
        load_segmenter(written.path)
    wrong = {**plain, "architecture": {"widths": [2, 4]}}
    facts.write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(BundleError, match="do not fit"):
        load_segmenter(written.path)


def test_from_a_folder_of_pairs_to_a_bundle(tmp_path):
    for folder in ("set", "set-lungs"):
        (tmp_path / folder).mkdir()
    made_up = radiograph(7, "healthy", size=256)
    Picture.fromarray((made_up.display * 255).astype(np.uint8)).save(tmp_path / "set" / "a.png")
    Picture.fromarray(made_up.lungs.astype(np.uint8) * 255).save(tmp_path / "set-lungs" / "a.png")
    assert len(real_pairs(tmp_path / "set")) == 1
    steps = []
    made = train_lung_bundle(
        tmp_path / "set",
        RECIPE,
        tmp_path / "run",
        progress=lambda step, total, _: steps.append((step, total)),
    )
    assert steps == [(1, 1)]
    assert made.facts.recipe["steps"] == 1
    assert made.facts.cohort["real pairs"].startswith("1 ")
    with pytest.raises(CohortError, match="neither"):
        real_pairs(tmp_path / "nowhere")

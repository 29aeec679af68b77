"""The way of an image, with a tiny network: order, refusals, duplicates, memory, contract."""

from __future__ import annotations

import dataclasses
import gc
import itertools
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image as Picture

import konio
from konio.assess import Assessor, load
from konio.errors import BundleError, RefusedError, UsageError
from konio.modality import SHOWN_GRID
from konio.records import NOTICE, Image
from konio.tasks import ZONES


def test_load_is_what_the_package_offers() -> None:
    assert konio.load is load


def test_a_film_is_assessed_in_the_shape_of_the_contract(assessor: Assessor, made_up_films) -> None:
    (assessment,) = assessor.assess(made_up_films[:1])
    plain = assessment.to_json()
    assert plain["schema"] == "konio.assessment/1"
    assert plain["status"] == "assessed"
    assert plain["refusal"] is None
    assert plain["notice"] == NOTICE
    assert set(plain["input"]) >= {
        "path", "sha256", "kind", "sop_instance_uid", "rows", "columns", "spacing_mm", "model_spacing_mm",
    }  # fmt: skip
    assert plain["input"]["kind"] == "radiograph"
    assert plain["input"]["rows"] == 256
    assert set(plain["model"]) == {"name", "weights_sha256", "konio_version", "precision"}
    for name, answer in plain["tasks"].items():
        if answer is not None:
            assert abs(sum(answer["probabilities"].values()) - 1) <= 1e-6
            assert answer["prediction"] in answer["probabilities"]
            ordered = name == "stage" or name.startswith("zone_")
            assert ("expected" in answer) == ordered
    assert set(plain["zones"]) == set(ZONES)
    assert set(plain["rule"]) >= {"stage", "clause", "by_interpretation"}


def test_regions_lie_on_the_film_and_name_an_answered_question(assessor, made_up_films) -> None:
    (assessment,) = assessor.assess(made_up_films[1:2])
    assert assessment.regions
    for region in assessment.regions:
        top, left, bottom, right = region.box_px
        assert 0 <= top < bottom <= 256
        assert 0 <= left < right <= 256
        assert 0 < region.share <= 1
        assert assessment.tasks[region.task] is not None


def test_a_zones_evidence_lies_in_that_zone(assessor: Assessor, chest: Image) -> None:
    zones = {
        r.zone for r in assessor.examine_image(chest).assessment.regions if r.task == "zone_lu"
    }
    assert zones <= {"lu", None}


def test_every_answer_has_a_map_between_zero_and_one(assessor: Assessor, chest: Image) -> None:
    examined = assessor.examine_image(chest)
    answered = {name for name, answer in examined.assessment.tasks.items() if answer is not None}
    assert {heat.task for heat in examined.heats} == answered
    for heat in examined.heats:
        assert heat.values.shape == (SHOWN_GRID, SHOWN_GRID)
        assert heat.values.min() >= 0
        assert heat.values.max() <= 1
        assert heat.answer == examined.assessment.tasks[heat.task].prediction


def test_answers_come_in_the_order_of_the_inputs_and_one_bad_file_stops_none(
    assessor, made_up_films, tmp_path: Path
) -> None:
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.dcm").write_bytes(made_up_films[0].read_bytes()[:3000])
    paths = [
        tmp_path / "empty.dcm", made_up_films[0], tmp_path / "missing.dcm", tmp_path / "text.png",
        made_up_films[1], tmp_path / "cut.dcm",
    ]  # fmt: skip
    found = list(assessor.assess(paths))
    assert [item.input["path"] for item in found] == [str(path) for path in paths]
    assert [item.status for item in found] == [
        "refused", "assessed", "refused", "refused", "assessed", "refused",
    ]  # fmt: skip
    codes = [item.refusal.code for item in found if item.refusal]
    assert codes == ["empty", "missing", "not-an-image", "truncated"]
    for item in found:
        assert set(item.to_json()) == set(found[1].to_json())


def test_a_folder_stands_for_its_films(assessor: Assessor, made_up_films) -> None:
    found = list(assessor.assess(made_up_films[0].parent))
    assert [item.input["path"] for item in found] == [str(path) for path in made_up_films]


def test_the_same_bytes_get_the_same_answer_and_a_note(assessor, made_up_films, tmp_path) -> None:
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(made_up_films[0].read_bytes())
    first, second = assessor.assess([made_up_films[0], copy])
    assert second.tasks == first.tasks
    assert second.quality["duplicate_of"] == str(made_up_films[0])
    assert "duplicate_of" not in first.quality


def test_a_film_whose_lungs_are_not_found_is_refused(assessor, chest, monkeypatch) -> None:
    def nothing(image, locator):
        raise RefusedError("no-lungs", "one side or both show no lung")

    blind = dataclasses.replace(
        assessor, modality=dataclasses.replace(assessor.modality, locate=nothing)
    )
    examined = blind.examine_image(chest)
    assert examined.assessment.refusal.code == "no-lungs"
    assert examined.assessment.input["sha256"] == chest.source.sha256
    assert examined.heats == ()


def test_the_answer_equals_the_networks_own(assessor: Assessor, chest: Image, two_lungs) -> None:
    import torch

    prepared = assessor.modality.prepare(chest, two_lungs(chest.pixels.shape), assessor.preparation)
    with torch.no_grad():
        own = assessor.answering.network(prepared.image[None], prepared.zones[None])
    answers = assessor.examine_image(chest).assessment.tasks
    for name, temperature in (("stage", 2.0), ("differential", 1.0)):
        wanted = torch.softmax(own[name][0] / temperature, 0).tolist()
        assert list(answers[name].probabilities.values()) == pytest.approx(wanted, abs=0.02)


def test_an_assessment_leaves_the_network_as_it_was(assessor: Assessor, chest: Image) -> None:
    before = {
        name: value.clone() for name, value in assessor.answering.network.state_dict().items()
    }
    assessor.examine_image(chest)
    assert not assessor.answering.network.training
    assert all(p.grad is None for p in assessor.answering.network.parameters())
    assert all((before[n] == v).all() for n, v in assessor.answering.network.state_dict().items())


@pytest.mark.usefixtures("drawn_lungs")
def test_a_model_of_two_questions_says_so(make_bundle, chest: Image) -> None:
    assessment = load(make_bundle("differential", "stage")).examine_image(chest).assessment
    assert set(assessment.tasks) == {"differential", "stage"}
    assert assessment.zones is None
    assert assessment.rule is None
    assert "zone_ru" in assessment.withheld


@pytest.mark.usefixtures("drawn_lungs")
def test_unknown_and_altered_models_are_refused(make_bundle) -> None:
    with pytest.raises(UsageError, match="neither"):
        load("no-such-model")
    bundle = make_bundle()
    weights = bundle / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"oops")
    with pytest.raises(BundleError, match="altered"):
        load(bundle)


def test_a_stream_of_paths_is_read_as_it_comes(assessor: Assessor, tmp_path: Path) -> None:
    endless = (str(tmp_path / f"missing-{n}.dcm") for n in itertools.count())
    found = list(itertools.islice(assessor.assess(endless), 5))
    assert [item.refusal.code for item in found] == ["missing"] * 5


def test_memory_does_not_grow_with_the_number_of_films(assessor, made_up_films, tmp_path) -> None:
    film = konio.read(made_up_films[0]).pixels
    picture = Picture.fromarray((film * 255).astype(np.uint8)).resize((1500, 1500))
    picture.save(tmp_path / "film.png", compress_level=1)

    def memory_after(films: int) -> int:
        found = [item.status for item in assessor.assess([tmp_path / "film.png"] * films)]
        assert found == ["assessed"] * films
        gc.collect()
        return psutil.Process().memory_info().rss

    settled = memory_after(4)
    assert memory_after(12) - settled < 40 * 2**20  # twelve films of 9 MB would be 108 MB

"""From a scan and a place to nine answers, an explanation of slices and a page; refusals say why."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from konio.assess import load
from konio.assess.nodules import NoduleAssessor, Place, load_nodules, parse_place, read_places
from konio.cli.app import run
from konio.errors import BundleError, CohortError, UsageError
from konio.io import Grid, Volume, write_mhd
from konio.networks import BundleFacts, write_bundle
from konio.networks.bundle import tasks_json
from konio.networks.nodule import NodulePlan, build_nodule_network
from konio.networks.nodule_bundle import NODULE
from konio.prepare.nodule import NodulePreparation
from konio.report.nodule_page import render_nodule_list, render_nodule_page
from konio.tasks import NODULE_TASKS

GRID = Grid((24, 40, 40), (-20.0, -30.0, 100.0), (1.0, 1.0, 1.5))
CENTRE = (-0.5, -10.5, 117.25)


def bundle(folder: Path, *tasks: str, single: bool = False) -> Path:
    plan = NodulePlan(
        tasks or NODULE_TASKS.names, "vit-mini", grid=4, patch=16, hidden=8, single=single
    )
    side = (2.0, 32.0, 32.0) if single else (24.0, 16.0, 16.0)
    network = build_nodule_network(plan, torch.Generator().manual_seed(1))
    facts = BundleFacts(
        name="tiny-nodule",
        kind=NODULE,
        architecture=plan.to_json(),
        licence="Apache-2.0",
        intended_use="Testing.",
        tasks=tasks_json(plan.task_set),
        preprocessing=NodulePreparation(plan.shape, side).to_json(),
        cohort={"made_up": True},
        metrics={
            "diameter_only": {"midpoint_mm": 8.0, "slope": 2.0, "nodules": 100},
            "reader_spread": {"malignancy": {name: {"sd": 0.7, "nodules": 9} for name in "12345"}},
        },
        temperatures={"margin": 2.0},
    )
    return write_bundle(folder / "tiny-nodule", facts, network.state_dict(), torch.float32).path


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> NoduleAssessor:
    return load_nodules(bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="module")
def volume() -> Volume:
    z, y, x = np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing="ij")
    ball = (1.5 * (z - 11.5)) ** 2 + (y - 19.5) ** 2 + (x - 19.5) ** 2 < 36
    hu = np.where(ball, 20, -850) + np.random.default_rng(0).normal(0, 20, GRID.shape)
    return Volume.from_array(hu.astype(np.int16), GRID, "scan.mhd")


def test_nine_answers_with_their_explanation(assessor: NoduleAssessor, volume: Volume) -> None:
    found = assessor.examine_place(volume, Place(CENTRE))
    plain = found.assessment.to_json()
    json.dumps(plain, allow_nan=False)
    assert plain["status"] == "assessed" and plain["input"]["at_mm"] == list(CENTRE)
    assert plain["input"]["kind"] == "nodule" and plain["input"]["spacing_mm"] == [1.5, 1.0, 1.0]
    assert set(plain["tasks"]) == set(NODULE_TASKS.names)
    for task in NODULE_TASKS:
        answer = plain["tasks"][task.name]
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert ("expected" in answer) is task.ordered
    why = plain["explanation"]
    assert len(why["attention"]) == 16 and sum(why["attention"]) == pytest.approx(1, abs=1e-4)
    assert why["deletion"]["removed"] == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    chosen = plain["tasks"]["malignancy"]["prediction"]
    whole = plain["tasks"]["malignancy"]["probabilities"][chosen]
    assert why["deletion"]["probability"][0] == pytest.approx(whole, abs=1e-5)
    assert why["readers"]["malignancy"]["sd"] == 0.7


def test_regions_name_the_scans_own_slices(assessor: NoduleAssessor, volume: Volume) -> None:
    found = assessor.examine_place(volume, Place(CENTRE))
    attention = np.array((found.assessment.explanation or {})["attention"])
    regions = found.assessment.regions
    assert [region.share for region in regions] == pytest.approx(
        sorted(attention)[::-1][:3], abs=1e-5
    )
    for region, number in zip(regions, np.argsort(-attention)[:3], strict=True):
        z = CENTRE[2] + (number + 0.5) * 1.5 - 12
        assert region.slice_index == round((z - 100) / 1.5)
        top, left, bottom, right = region.box_px
        assert (top, left) == (11, 11) and (bottom, right) == (29, 29)
    assert "slice_index" in found.assessment.to_json()["regions"][0]


def test_the_ruler_takes_what_was_measured(assessor: NoduleAssessor, volume: Volume) -> None:
    def ruler(diameter: float | None) -> Any:
        found = assessor.examine_place(volume, Place(CENTRE, diameter))
        return (found.assessment.explanation or {})["diameter_only"]

    assert ruler(8.0)["probability"] == 0.5 and ruler(8.0)["measured"]
    assert ruler(16.0)["probability"] == pytest.approx(1 / (1 + np.exp(-2)))
    assert not ruler(None)["measured"] and ruler(None)["diameter_mm"] == ruler(None)["estimated_mm"]


def test_asking_leaves_the_network_as_it_was(assessor: NoduleAssessor, volume: Volume) -> None:
    before = {name: value.clone() for name, value in assessor.network.state_dict().items()}
    first = assessor.examine_place(volume, Place(CENTRE)).assessment.tasks
    again = assessor.examine_place(volume, Place(CENTRE)).assessment.tasks
    assert first == again and not assessor.network.training
    assert all(torch.equal(before[n], v) for n, v in assessor.network.state_dict().items())


def test_places_without_an_answer_are_refused(assessor: NoduleAssessor, volume: Volume) -> None:
    outside = assessor.examine_place(volume, Place((500.0, 0.0, 0.0)))
    assert outside.assessment.refusal is not None
    assert outside.assessment.refusal.code == "outside-scan" and outside.cube is None
    with pytest.raises(UsageError, match="refused"):
        render_nodule_page(outside)
    gone = list(assessor.examine("nothing.mhd", [Place(CENTRE)]))
    assert [one.assessment.status for one in gone] == ["refused"]
    assert "nothing" in render_nodule_list([(gone[0], "")])


def test_fewer_questions_and_single_slices(tmp_path: Path, volume: Volume) -> None:
    assessor = load_nodules(bundle(tmp_path, "margin", single=True))
    found = assessor.examine_place(volume, Place(CENTRE))
    assert set(found.assessment.tasks) == {"margin"} and "malignancy" in found.assessment.withheld
    assert found.assessment.regions == ()
    html = render_nodule_page(found)
    assert "polyline" not in html and html.count("data:image/png") == 1
    assert 'class="main-answer"' not in html and "coronal" not in html


def test_page_shows_everything_in_both_languages(assessor: NoduleAssessor, volume: Volume) -> None:
    found = assessor.examine_place(volume, Place(CENTRE, 12.0, "nodule 1"))
    html = render_nodule_page(found, about=assessor.about)
    for task in NODULE_TASKS:
        assert task.en in html and task.zh in html
    for text in ("not for diagnosis", "polyline", "12.0 mm", "people differ by ± 0.70", "读片者"):
        assert text in html
    assert html.count("data:image/png") == 4  # the mosaic and three planes
    assert "http://" not in html and "https://" not in html
    # Every question has its bars once, malignancy above the others; plane names are in one language at a time.
    assert html.count('<table class="bars">') == 9
    assert html.index('class="main-answer"') < html.index('class="pair grades"')
    assert '<span lang="en">coronal</span><span lang="zh-Hans">冠状面</span>' in html
    assert "coronal 冠状面" not in html
    assert "real scans" in html and "real films" not in html
    assert "expected diameter" in html and "期望直径" in html


def test_page_runs_only_its_own_style_and_script(assessor: NoduleAssessor, volume: Volume) -> None:
    found = assessor.examine_place(volume, Place(CENTRE))
    html = render_nodule_page(found)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in html.replace("&#39;", "'")
    assert ".planes figcaption" in style


def test_command_reads_a_scan_and_writes_pages(
    tmp_path: Path, volume: Volume, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bundle(tmp_path)
    scan = tmp_path / "scan.mhd"
    write_mhd(scan, volume.box(slice(None), slice(None), slice(None)), GRID)
    table = tmp_path / "places.csv"
    table.write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
        f"scan,{CENTRE[0]},{CENTRE[1]},{CENTRE[2]},12\nscan,900,0,0,5\nother,1,2,3,4\n"
    )
    words = [
        str(scan),
        "--nodules",
        str(table),
        "--model",
        str(model),
        "--out",
        str(tmp_path / "o"),
    ]
    assert run(["assess", *words], debug=True) == 1  # one of the two places lies outside
    told = capsys.readouterr()
    assert "malignancy" in told.out and "outside-scan" in told.err
    assert (tmp_path / "o" / "scan-001.html").exists() and not (
        tmp_path / "o" / "scan-002.html"
    ).exists()
    assert "does not lie inside the scan" in (tmp_path / "o" / "index.html").read_text()
    at = ",".join(str(value) for value in CENTRE)
    words = [str(scan), f"--at={at}", "--model", str(model), "--format", "json"]
    assert run(["assess", *words], debug=True) == 0
    assert json.loads(capsys.readouterr().out)["input"]["at_mm"] == list(CENTRE)


def test_wrong_places_and_models(tmp_path: Path, make_bundle: Any) -> None:
    for text in ("1,2", "a,b,c", "1,2,nan"):
        with pytest.raises(UsageError, match="no place"):
            parse_place(text)
    table = tmp_path / "places.csv"
    table.write_text("path,x_mm,y_mm,z_mm\nscans/a.mhd,1,2,\n")
    with pytest.raises(CohortError, match="row 2"):
        read_places(table, "a.mhd")
    with pytest.raises(CohortError, match="names no place"):
        read_places(table, "b.mhd")
    with pytest.raises(BundleError, match="not a 'nodule-multitask'"):
        load_nodules(make_bundle("stage"))
    with pytest.raises(BundleError, match="nothing about radiographs"):
        load(bundle(tmp_path))

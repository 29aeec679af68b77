"""What several rooms' tests share: a tiny model, a film of a made-up chest, an examined film."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from konio.records import Image, Lungs, Source
from konio.tasks import RADIOGRAPH_TASKS

# A busy machine is no defect: time is judged by benchmarks, not by laws.
settings.register_profile("konio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("konio")

MakeBundle = Callable[..., Path]


def _ellipses(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    mask = np.zeros(shape, bool)
    for centre in (0.31, 0.69):
        mask |= ((rows - 0.5) / 0.36) ** 2 + ((columns - centre) / 0.15) ** 2 < 1
    return mask


@pytest.fixture(scope="session")
def two_lungs() -> Callable[[tuple[int, int]], Lungs]:
    """Two ellipses as lungs for a film of any shape."""
    from konio.lungs import zones_from_mask

    def make(shape: tuple[int, int]) -> Lungs:
        zones = zones_from_mask(_ellipses((96, 96)))
        return Lungs(zones > 0, zones, shape)

    return make


@pytest.fixture(scope="session")
def chest() -> Image:
    """A drawn chest, 240 x 200 pixels: bright body, dark lungs, a little noise."""
    rng = np.random.default_rng(5)
    pixels = np.where(_ellipses((240, 200)), 0.3, 0.75) + rng.normal(0, 0.02, (240, 200))
    source = Source("films/chest 1.dcm", "ab" * 32, "memory", 240, 200)
    return Image(np.clip(pixels, 0, 1).astype(np.float32), (0.5, 0.5), "radiograph", source)


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> MakeBundle:
    """Writes a bundle of a tiny network with random weights through the real interface."""
    import torch

    from konio.networks import BundleFacts, NetworkPlan, build_network, write_bundle
    from konio.networks.bundle import MULTITASK, tasks_json
    from konio.prepare import Preparation

    def make(*tasks: str, spoil: Callable[[Any], None] | None = None) -> Path:
        plan = NetworkPlan(tasks or RADIOGRAPH_TASKS.names, backbone="densenet-mini", hidden=16)
        network = build_network(plan, torch.Generator().manual_seed(3)).eval()
        if spoil is not None:
            with torch.no_grad():
                spoil(network)
        facts = BundleFacts(
            name="tiny",
            kind=MULTITASK,
            architecture=plan.to_json(),
            licence="Apache-2.0",
            intended_use="Testing.",
            tasks=tasks_json(plan.task_set),
            preprocessing=Preparation(size=64).to_json(),
            cohort={"description": "made-up patients", "films": 0},
            metrics={"held_out": {"stage/kappa": 0.5, "aggregation/accuracy": 0.1}},
            temperatures={"stage": 2.0},
        )
        folder = tmp_path_factory.mktemp("bundle") / "tiny"
        return write_bundle(folder, facts, network.state_dict(), torch.float32).path

    return make


@pytest.fixture(scope="session")
def drawn_radiograph(two_lungs: Callable[..., Lungs]) -> Any:
    """The kind of image whose lungs are drawn, so that no trained lung network is needed."""
    from konio.modality import RADIOGRAPH

    return dataclasses.replace(
        RADIOGRAPH,
        load_locator=lambda name, device: None,
        locate=lambda image, locator: two_lungs(image.pixels.shape),
    )


@pytest.fixture
def drawn_lungs(monkeypatch: pytest.MonkeyPatch, drawn_radiograph: Any) -> None:
    """Lets every assessor that is loaded find drawn lungs."""
    monkeypatch.setattr("konio.modality.RADIOGRAPH", drawn_radiograph)


@pytest.fixture(scope="session")
def assessor(make_bundle: MakeBundle, drawn_radiograph: Any) -> Any:
    """A tiny network that answers every question, with drawn lungs."""
    from konio.assess import load

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("konio.modality.RADIOGRAPH", drawn_radiograph)
        return load(make_bundle())


@pytest.fixture(scope="session")
def made_up_films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three DICOM films of made-up patients, 256 pixels square."""
    from konio.cohort.made_up import write_phantom_cohort

    folder = tmp_path_factory.mktemp("made-up")
    write_phantom_cohort(folder, 3, 5, 256, {"dust-II": 1.0, "healthy": 1.0, "tuberculosis": 1.0})
    return sorted((folder / "films").iterdir())


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data."""
    folder = Path(os.environ.get("KONIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set KONIO_DATA")
    return folder

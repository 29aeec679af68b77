"""A made-up film: same seed same bytes, labels out of the rules, masks that fit the labels."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from konio.errors import UsageError
from konio.phantom import DEVICES, FORM_WISHES, WISHES, PhantomFilm, radiograph
from konio.phantom.canvas import CO_FINDING, LARGE, SMALL, TUBERCULOSIS
from konio.phantom.film import _covariates
from konio.phantom.subject import CO_FINDINGS, Subject, draw_subject
from konio.standards import gbz
from konio.tasks import RADIOGRAPH_TASKS, ZONES


@pytest.fixture(scope="module")
def films() -> dict[str, PhantomFilm]:
    return {wish: radiograph(11, wish, size=256) for wish in WISHES}


def digest(film: PhantomFilm) -> str:
    parts = (film.pixels, film.lungs, film.zones, film.lesions)
    text = repr((dict(film.labels), dict(film.covariates)))
    return hashlib.sha256(b"".join(p.tobytes() for p in parts) + text.encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes(films: dict[str, PhantomFilm]) -> None:
    assert digest(radiograph(11, "dust-III", size=256)) == digest(films["dust-III"])
    generator = np.random.default_rng(11)
    assert digest(radiograph(generator, "dust-III", size=256)) == digest(films["dust-III"])


def test_another_seed_gives_another_film(films: dict[str, PhantomFilm]) -> None:
    assert digest(radiograph(12, "healthy", size=256)) != digest(films["healthy"])


def test_another_wish_gives_the_same_person(films: dict[str, PhantomFilm]) -> None:
    person = [
        (f.covariates["sex"], f.covariates["age"], f.covariates["device"]) for f in films.values()
    ]
    assert len(set(person)) == 1
    for film in films.values():
        np.testing.assert_array_equal(film.lungs, films["healthy"].lungs)


@pytest.mark.parametrize("wish", WISHES)
def test_shapes_types_and_ranges(films: dict[str, PhantomFilm], wish: str) -> None:
    film = films[wish]
    assert film.pixels.dtype == np.uint16 and int(film.pixels.max()) < 4096
    assert film.display.dtype == np.float32 and 0 <= film.display.min() < film.display.max() <= 1
    np.testing.assert_array_equal(np.round(film.display * 4095), film.pixels)
    assert film.zones.dtype == film.lesions.dtype == np.uint8
    assert not film.pixels.flags.writeable
    assert film.spacing_mm == (430 / 256, 430 / 256)


@pytest.mark.parametrize("wish", WISHES)
def test_labels_are_answers_of_the_one_table(films: dict[str, PhantomFilm], wish: str) -> None:
    labels = films[wish].labels
    assert set(labels) == set(RADIOGRAPH_TASKS.names)
    for task in RADIOGRAPH_TASKS:
        task.index(labels[task.name])
    assert labels["differential"] == wish.partition("-")[0]
    dust = wish.startswith("dust")
    assert (labels["stage"] is not None) == dust
    assert (labels["large_opacity"] is not None) == (labels["aggregation"] is not None) == dust
    zoned = [labels[f"zone_{zone}"] is not None for zone in ZONES]
    assert all(zoned) if wish != "tuberculosis" else not any(zoned)


@pytest.mark.parametrize("wish", [w for w in WISHES if w.startswith("dust")])
def test_the_stage_comes_out_of_the_rules(films: dict[str, PhantomFilm], wish: str) -> None:
    film = films[wish]
    assert film.staging is not None
    assert film.staging == gbz.stage(film.findings)
    assert film.labels["stage"] == film.staging.stage == wish.removeprefix("dust-")
    assert {z: film.labels[f"zone_{z}"] for z in ZONES} == dict(film.findings.zones)


def test_zones_fill_the_lung_fields(films: dict[str, PhantomFilm]) -> None:
    film = films["healthy"]
    np.testing.assert_array_equal(film.zones > 0, film.lungs)
    assert set(np.unique(film.zones)) == set(range(7))
    middle = [np.argwhere(film.zones == k + 1).mean(0) for k in range(6)]
    assert middle[0][0] < middle[1][0] < middle[2][0]
    assert all(middle[k][1] < middle[k + 3][1] for k in range(3))
    assert 0.10 < film.lungs.mean() < 0.45


def test_lungs_are_darker_than_the_middle(films: dict[str, PhantomFilm]) -> None:
    film = films["healthy"]
    row = int(np.argwhere(film.lungs).mean(0)[0])
    middle = film.display[row, 118:138].mean()
    assert film.display[film.lungs].mean() < middle - 0.2
    assert film.display[:20, :10].mean() < 0.2


def test_masks_agree_with_labels(films: dict[str, PhantomFilm]) -> None:
    for wish, film in films.items():
        kinds = set(np.unique(film.lesions))
        assert (TUBERCULOSIS in kinds) == (wish == "tuberculosis")
        assert (LARGE in kinds) == bool(film.findings.large)
    share = [float((films[f"dust-{s}"].lesions == SMALL).sum()) for s in ("0", "I", "II")]
    assert share[0] < share[1] < share[2]


def test_the_large_opacitys_mask_has_the_size_of_its_label() -> None:
    seen = 0
    for seed in range(40, 52):
        film = radiograph(seed, "dust-III", size=256)
        if len(film.findings.large) != 1:
            continue
        points = np.argwhere(film.lesions == LARGE) * film.spacing_mm[0]
        gap = points[:, None, :] - points[None, :, :]
        longest = float(np.sqrt((gap**2).sum(2).max())) + film.spacing_mm[0]
        assert longest == pytest.approx(
            film.findings.large[0].long_mm, abs=2.5 * film.spacing_mm[0]
        )
        seen += 1
    assert seen


def test_devices_change_the_picture_and_not_the_truth() -> None:
    assert len(DEVICES) >= 3
    films = [radiograph(5, "dust-I", 128, device_name=name) for name in DEVICES]
    assert len({digest(f) for f in films}) == len(films)
    for film in films:
        np.testing.assert_array_equal(film.lesions, films[0].lesions)
        assert film.labels == films[0].labels


def test_covariates_know_nothing_of_the_class_unless_confounded() -> None:
    def shares(preset: str, differential: str) -> tuple[float, Counter[str]]:
        drawn = [
            _covariates(np.random.default_rng(seed), differential, preset) for seed in range(200)
        ]
        return drawn[0][1], Counter(make for make, _ in drawn)

    fair = [shares("independent", name) for name in ("healthy", "tuberculosis", "dust")]
    assert fair[0] == fair[1] == fair[2]
    assert min(fair[0][1].values()) > 30
    healthy, dust = (shares("paper_confounded", name) for name in ("healthy", "dust"))
    assert healthy[0] < dust[0] == 0.99
    assert healthy[1].most_common(1)[0][0] != dust[1].most_common(1)[0][0]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="wish"):
        radiograph(1, "asbestos")
    with pytest.raises(UsageError, match="size"):
        radiograph(1, "healthy", size=4)
    with pytest.raises(UsageError, match="preset"):
        radiograph(1, "healthy", preset="fair")
    with pytest.raises(UsageError, match="device"):
        radiograph(1, "healthy", size=128, device_name="omega")


@pytest.mark.parametrize("wish", (*WISHES, *FORM_WISHES))
def test_a_film_of_512_pixels_takes_a_second_of_one_core_at_most(wish: str) -> None:
    """A promise of the project; benchmarks/phantom_times.py measures it, and the films of 1024 pixels.

    Time of the processor, and the shorter of two: neither waiting for a core nor one disturbance counts. A film takes 0.3 to
    0.6 s, which leaves a slower machine its margin.
    """
    assert min(_spent(number, wish) for number in (3, 4)) < 1.0


def _spent(number: int, wish: str) -> float:
    start = time.process_time()
    radiograph(number, wish)
    return time.process_time() - start


def test_a_film_of_1024_pixels_takes_three_seconds_of_one_core_at_most() -> None:
    start = time.process_time()
    radiograph(3, "dust-III", size=1024)
    assert time.process_time() - start < 3.0


@pytest.mark.parametrize("differential", ["healthy", "tuberculosis", "dust"])
def test_every_co_finding_is_seen_in_every_class(differential: str) -> None:
    """Drawn as `radiograph` draws them: the class has no say, and over 120 people none is missing."""
    found = Counter[str]()
    for seed in range(120):
        body = np.random.default_rng(seed).spawn(4)[0]
        _, male = _covariates(body, differential, "independent")
        found.update(draw_subject(body, male).co_findings)
    assert set(found) == set(CO_FINDINGS)


#: What leaves a mark on the film; a large heart, emphysema and bronchitis are in the anatomy.
MARKED = tuple(sorted(set(CO_FINDINGS) - {"large_heart", "emphysema", "bronchitis"}))


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("wish", ["healthy", "tuberculosis", "dust-II"])
def test_a_co_finding_is_painted_and_told_whatever_the_class(
    wish: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_only(names: tuple[str, ...]) -> PhantomFilm:
        def drawn(rng: np.random.Generator, male_share: float) -> Subject:
            return replace(draw_subject(rng, male_share), co_findings=names)

        monkeypatch.setattr("konio.phantom.film.draw_subject", drawn)
        return radiograph(6, wish, size=128)

    without, with_it = with_only(()), with_only((name,))
    assert CO_FINDING not in without.lesions
    assert (with_it.lesions == CO_FINDING).any()
    assert with_it.covariates["co_findings"] == name
    assert with_it.labels == without.labels
    assert (with_it.pixels != without.pixels).any()

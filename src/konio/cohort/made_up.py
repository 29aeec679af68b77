"""A cohort of made-up radiographs: DICOM films, masks and ``cohort.csv``, the same bytes for the same seed.

Every film depends on ``(seed, its number)`` alone, so that order, number of workers and an interrupted run
change nothing. A film counts as finished when its record exists, which is written last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.cohort.cohort import Cohort, write_cohort
from konio.errors import OutputError, UsageError
from konio.io.numbered import case_name, claim_folder, make_cases, replace_file
from konio.records import Case

#: Paper A's proportions: healthy, tuberculosis and dust alike, the four stages alike.
PAPER_MIX: Final[Mapping[str, float]] = MappingProxyType(
    {
        "healthy": 1.0,
        "tuberculosis": 1.0,
        "dust-0": 0.25,
        "dust-I": 0.25,
        "dust-II": 0.25,
        "dust-III": 0.25,
    }
)
#: Folders of a cohort.
FOLDERS: Final = ("films", "lungs", "zones", "lesions", "records")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MadeUpPlan:
    """What decides every byte of a made-up cohort besides the number of cases.

    Args:
        seed: any whole number from 0.
        size: rows and columns.
        mix: wish and weight, in order.
        preset: ``independent`` or ``paper_confounded``.
        recipe: version of the phantom.
    """

    seed: int
    size: int
    mix: tuple[tuple[str, float], ...]
    preset: str
    recipe: str

    def wishes(self, cases: int) -> list[str]:
        """The classes of the first ``cases`` films."""
        total = sum(weight for _, weight in self.mix)
        made = dict.fromkeys((name for name, _ in self.mix), 0)
        out = []
        for k in range(cases):
            lag = {name: weight / total * (k + 1) - made[name] for name, weight in self.mix}
            name = max(lag, key=lag.__getitem__)
            made[name] += 1
            out.append(name)
        return out


def write_phantom_cohort(
    out: str | Path,
    cases: int,
    seed: int,
    size: int = 512,
    mix: Mapping[str, float] = PAPER_MIX,
    preset: str = "independent",
    workers: int = 1,
    progress: Progress | None = None,
) -> Cohort:
    """Makes ``cases`` films with masks and writes ``cohort.csv``.

    Finished films of an earlier run with the same plan are kept, so that an interrupted run goes on and a
    cohort can be made larger.

    Args:
        out: folder; made if absent.
        cases: number of films, at least 1.
        seed: of everything.
        size: rows and columns, pixels.
        mix: weight of each wish of `konio.phantom.WISHES` and `konio.phantom.FORM_WISHES`.
        preset: of `konio.phantom.PRESETS`.
        workers: processes.
        progress: called with (finished, all) after each film.

    Returns:
        The cohort as its table says.

    Raises:
        UsageError: on arguments that do not fit.
        OutputError: if the folder holds another cohort or cannot be written.
    """
    plan = _plan(seed, size, mix, preset, cases, workers)
    root = Path(out).expanduser().absolute()
    claim_folder(root, FOLDERS, asdict(plan))
    wishes = plan.wishes(cases)
    missing = [k for k in range(cases) if _record(root, k) is None]
    if progress is not None:
        progress(cases - len(missing), cases)
    done = cases - len(missing)
    jobs = [(root, plan, k, wishes[k]) for k in missing]
    for _ in make_cases(make_film, jobs, workers):
        done += 1
        if progress is not None:
            progress(done, cases)
    cohort = Cohort(tuple(_case(root, k) for k in range(cases)), root)
    write_cohort(cohort, root / "cohort.csv")
    return cohort


def _plan(
    seed: int, size: int, mix: Mapping[str, float], preset: str, cases: int, workers: int
) -> MadeUpPlan:
    from konio.phantom import FORM_WISHES, PRESETS, RECIPE, WISHES
    from konio.phantom.film import SIZES

    if cases < 1 or workers < 1 or seed < 0:
        raise UsageError(
            f"cases and workers must be at least 1 and seed at least 0, got {cases}, {workers}, {seed}; "
            "correct them"
        )
    known = (*WISHES, *FORM_WISHES)
    unknown = [name for name in mix if name not in known]
    if unknown or not mix or min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise UsageError(
            f"mix {dict(mix)} cannot be used; give weights above 0 for some of {', '.join(known)}"
        )
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(
            f"size must lie in {SIZES[0]}..{SIZES[1]} pixels, got {size}; give e.g. 512"
        )
    if preset not in PRESETS:
        raise UsageError(f"preset {preset!r} is unknown; use one of {', '.join(PRESETS)}")
    weights = tuple((name, float(weight)) for name, weight in mix.items() if weight > 0)
    return MadeUpPlan(seed, size, weights, preset, RECIPE)


def make_film(root: Path, plan: MadeUpPlan, number: int, wish: str) -> int:
    """Makes and writes one film with its masks and its record.

    Args:
        root: folder of the cohort.
        plan: of the cohort.
        number: of the film, from 0.
        wish: its class.

    Returns:
        The number.

    Raises:
        OutputError: if something cannot be written.
    """
    from konio.io.write import FilmFacts, write_radiograph
    from konio.phantom import radiograph

    rng = np.random.default_rng([plan.seed, number])
    film = radiograph(rng, wish, plan.size, preset=plan.preset)
    facts = FilmFacts(
        key=f"{plan.recipe}|{plan.preset}|{plan.size}|{plan.seed}|{number}|{wish}",
        patient_id=_patient(plan, number),
        sex=film.covariates["sex"],
        age=int(film.covariates["age"]),
        device=film.covariates["device"],
        comment=f"Recipe {plan.recipe}, seed {plan.seed}, film {number}.",
    )
    name = case_name(number)
    write_radiograph(root / "films" / f"{name}.dcm", film.pixels, film.spacing_mm, facts)
    record = {
        "patient_id": facts.patient_id,
        "labels": dict(film.labels),
        "covariates": dict(film.covariates),
    }
    masks = {"lungs": film.lungs.astype(np.uint8) * np.uint8(255), "zones": film.zones, "lesions": film.lesions}  # fmt: skip
    for kind, mask in masks.items():
        replace_file(root / kind / f"{name}.png", _png(mask))
    replace_file(root / "records" / f"{name}.json", json.dumps(record, indent=1).encode())
    return number


def _patient(plan: MadeUpPlan, number: int) -> str:
    return f"PHANTOM-{plan.seed}-{number:06d}"


def _png(mask: NDArray[np.uint8]) -> bytes:
    from PIL import Image as Pictures

    buffer = BytesIO()
    Pictures.fromarray(np.ascontiguousarray(mask)).save(buffer, "PNG")
    return buffer.getvalue()


def _record(root: Path, number: int) -> dict[str, Any] | None:
    """The record of a finished film, or ``None``."""
    file = root / "records" / f"{case_name(number)}.json"
    try:
        record = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _case(root: Path, number: int) -> Case:
    record = _record(root, number)
    if record is None:
        raise OutputError(
            f"{root}/records/{case_name(number)}.json vanished while the cohort was made; make it again"
        )
    name = case_name(number)
    return Case(
        path=str(root / "films" / f"{name}.dcm"),
        patient_id=record["patient_id"],
        labels=record["labels"],
        lungs=str(root / "lungs" / f"{name}.png"),
        lesions=str(root / "lesions" / f"{name}.png"),
        covariates={"zones": str(root / "zones" / f"{name}.png"), **record["covariates"]},
    )

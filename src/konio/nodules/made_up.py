"""A cohort of made-up nodules: MHD scans, masks, ``cohort.csv``, ``readings.csv`` and LUNA16's ``annotations.csv``.

Every scan depends on ``(seed, its number)`` alone, so that order, number of workers and an interrupted run change
nothing. A scan counts as finished when its record exists, which is written last.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from konio.errors import OutputError, UsageError
from konio.io.grid import Grid, Triple
from konio.io.numbered import PLAN_FILE, case_name, claim_folder, make_cases, replace_file
from konio.io.write_volume import write_mhd
from konio.nodules.attributes import RATED
from konio.nodules.shapes import RealShape
from konio.nodules.table import Nodule, Readings
from konio.phantom import FIELD_MM, NODULE_RECIPE, PhantomNodule, draw_truth, nodule

#: Folders of a cohort.
FOLDERS: Final = ("scans", "masks", "records")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class NodulePlan:
    """What decides every byte of a made-up cohort besides the number of cases.

    Args:
        seed: any whole number from 0.
        field_mm: side of a scan.
        balanced: draw rare looks often instead of as they occur.
        shapes: fingerprint of the real outlines that are filled, empty for made-up outlines.
        recipe: version of the phantom.
    """

    seed: int
    field_mm: float
    balanced: bool
    shapes: str
    recipe: str


def write_phantom_nodules(
    out: str | Path,
    cases: int,
    seed: int,
    *,
    field_mm: float = FIELD_MM,
    balanced: bool = False,
    shapes: Sequence[RealShape] = (),
    share: float = 1.0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Readings:
    """Make ``cases`` scans of one nodule each and write the tables.

    Finished scans of an earlier run with the same plan are kept, so that an interrupted run goes on and a cohort can
    be made larger.

    Args:
        out: folder; made if absent.
        cases: number of scans, at least 1.
        seed: of everything.
        field_mm: side of a scan, 24..128 mm.
        balanced: draw rare looks often (for training) instead of as they occur.
        shapes: outlines of real nodules to fill; one is drawn for each scan. Their readers' mean grades take the place of
            the drawn ones.
        share: part of the scans that fill a real outline, above 0 up to 1; the others have made-up ones.
        workers: processes.
        progress: called with (finished, all) after each scan.

    Returns:
        The made-up readings, with paths and world coordinates.

    Raises:
        UsageError: on arguments that do not fit.
        OutputError: if the folder holds another cohort or cannot be written.
    """
    if cases < 1 or workers < 1 or seed < 0 or not 24 <= field_mm <= 128:
        raise UsageError(
            f"cases and workers must be at least 1, seed at least 0 and the field 24..128 mm, got {cases}, "
            f"{workers}, {seed}, {field_mm}; correct them"
        )
    if not 0 < share <= 1:
        raise UsageError(
            f"the share of real outlines lies above 0 up to 1, got {share}; correct it"
        )
    plan = NodulePlan(seed, field_mm, balanced, _mark(shapes, share), NODULE_RECIPE)
    root = Path(out).expanduser().absolute()
    claim_folder(root, FOLDERS, asdict(plan))
    missing = [k for k in range(cases) if not _record(root, k).is_file()]
    done = cases - len(missing)
    jobs = [(root, plan, k, _shape_of(seed, k, shapes, share)) for k in missing]
    for _ in make_cases(make_scan, jobs, workers):
        done += 1
        if progress is not None:
            progress(done, cases)
    table = Readings(tuple(_read(root, k) for k in range(cases)))
    _write_tables(root, table)
    return table


def outlined_patient(nodule: Nodule) -> str:
    """Whose outline a made-up nodule has, by its record beside its scan.

    Returns:
        The patient; empty for made-up outlines, for nodules that are not made up and where the record is gone.
    """
    scan = Path(nodule.path)
    record = scan.parent.parent / FOLDERS[2] / f"{scan.stem}.json"
    try:
        name = str(json.loads(record.read_text("utf-8"))["shape"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name.partition("/")[0]  # PATIENT/READING, as `konio.nodules.shapes` calls it


def make_scan(root: Path, plan: NodulePlan, number: int, shape: RealShape | None) -> int:
    """Make and write one scan with its mask and its record.

    Args:
        root: folder of the cohort.
        plan: of the cohort.
        number: of the scan, from 0.
        shape: a real outline to fill, or ``None``.

    Returns:
        The number.

    Raises:
        OutputError: if something cannot be written.
    """
    rng = np.random.default_rng([plan.seed, number])
    truth = draw_truth(rng, balanced=plan.balanced)
    if shape is None:
        made = nodule(rng, truth, field_mm=plan.field_mm)
    else:
        made = nodule(rng, shape.truth(truth), shape=shape.outlined(), field_mm=plan.field_mm)
    grid = _grid(rng, made)
    name = case_name(number)
    write_mhd(root / "scans" / f"{name}.mhd", made.pixels, grid, compressed=True, synthetic=True)
    write_mhd(
        root / "masks" / f"{name}.mhd",
        made.mask.astype(np.uint8),
        grid,
        compressed=True,
        synthetic=True,
    )
    record = {
        "at_mm": [round(float(c), 3) for c in grid.to_world(made.centre_voxel)],
        "diameter_mm": round(made.truth.diameter_mm, 3),
        "thickness_mm": grid.spacing_mm[2],
        "ratings": {key: list(grades) for key, grades in made.ratings.items()},
        "truth": asdict(made.truth),
        "shape": "" if shape is None else shape.name,
    }
    replace_file(_record(root, number), json.dumps(record, indent=1).encode())
    return number


def _grid(rng: np.random.Generator, made: PhantomNodule) -> Grid:
    """A place in a chest for the cube; every sixth scan is stored turned by half a turn, as some of LUNA16's are."""
    z, y, x = made.spacing_mm
    centre = (
        float(rng.uniform(-120, 120)),
        float(rng.uniform(-90, 90)),
        float(rng.uniform(-300, 0)),
    )
    sign = -1.0 if rng.random() < 1 / 6 else 1.0
    direction: tuple[Triple, Triple, Triple] = ((sign, 0.0, 0.0), (0.0, sign, 0.0), (0.0, 0.0, 1.0))
    middle = made.centre_voxel
    origin = (
        centre[0] - sign * middle[2] * x,
        centre[1] - sign * middle[1] * y,
        centre[2] - middle[0] * z,
    )
    return Grid(
        (made.pixels.shape[0], made.pixels.shape[1], made.pixels.shape[2]),
        origin,
        (x, y, z),
        direction,
    )


def _mark(shapes: Sequence[RealShape], share: float) -> str:
    if not shapes:
        return ""
    part = "" if share == 1 else f", in {share:g} of the scans"
    return f"{len(shapes)} real outlines, first {shapes[0].name}{part}"


def _shape_of(
    seed: int, number: int, shapes: Sequence[RealShape], share: float
) -> RealShape | None:
    if not shapes:
        return None
    rng = np.random.default_rng([seed, number, 1])
    shape = shapes[int(rng.integers(len(shapes)))]
    return shape if rng.random() < share else None


def _read(root: Path, number: int) -> Nodule:
    try:
        record: dict[str, Any] = json.loads(_record(root, number).read_text("utf-8"))
    except (OSError, ValueError) as why:
        raise OutputError(
            f"{_record(root, number)} vanished while the cohort was made; make it again"
        ) from why
    x, y, z = record["at_mm"]
    seed = json.loads((root / PLAN_FILE).read_text("utf-8"))["seed"]
    return Nodule(
        nodule_id=case_name(number),
        patient_id=f"PHANTOM-{seed}-{number:06d}",
        ratings={key: tuple(grades) for key, grades in record["ratings"].items()},
        series_uid=case_name(number),
        path=str(root / "scans" / f"{case_name(number)}.mhd"),
        at_mm=(x, y, z),
        diameter_mm=record["diameter_mm"],
        thickness_mm=record["thickness_mm"],
        index=number,
    )


def _write_tables(root: Path, table: Readings) -> None:
    table.write(root / "readings.csv")
    means = {name: table.mean(name) for name in RATED}
    cohort: list[tuple[str, ...]] = [
        ("path", "patient_id", "x_mm", "y_mm", "z_mm", "diameter_mm", *RATED, "num_readers")
    ]
    luna: list[tuple[str, ...]] = [("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")]
    for row, one in enumerate(table):
        place = tuple(f"{c:.3f}" for c in one.at_mm or ())
        diameter = f"{one.diameter_mm:.3f}"
        grades = (f"{means[name][row]:.4g}" for name in RATED)
        path = Path(one.path).relative_to(root).as_posix()
        cohort.append((path, one.patient_id, *place, diameter, *grades, str(one.readers)))
        luna.append((one.series_uid, *place, diameter))
    replace_file(root / "cohort.csv", _csv(cohort).encode())
    replace_file(root / "annotations.csv", _csv(luna).encode())


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _record(root: Path, number: int) -> Path:
    return root / "records" / f"{case_name(number)}.json"

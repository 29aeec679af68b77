"""The Shenzhen set of the U.S. National Library of Medicine: tuberculosis or normal, one film a person.

Two layouts are understood: a folder with ``shenzhen.csv`` (``file,tuberculosis,sex,age,findings``), and the original
download (``CXR_png/CHNCXR_0001_0.png`` with ``ClinicalReadings/CHNCXR_0001_0.txt``), whose names end in the label.

References:
    Jaeger et al., Two public chest X-ray datasets, Quant Imaging Med Surg 2014;4(6):475-477.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from konio.cohort.cohort import Cohort
from konio.errors import CohortError
from konio.records import Case

TABLE: Final = "shenzhen.csv"
_FILMS: Final = "CXR_png"
_READINGS: Final = "ClinicalReadings"
_CLASSES: Final = {"0": "healthy", "1": "tuberculosis"}
_NAME: Final = re.compile(r"CHNCXR_\d+_([01])$")
_SEX: Final = re.compile(r"\b(male|female)\b", re.IGNORECASE)
_AGE: Final = re.compile(r"(\d+)\s*(?:yrs?|years?)\b", re.IGNORECASE)


def is_shenzhen(folder: str | Path) -> bool:
    """Whether a folder holds the set in one of its two layouts."""
    root = Path(folder)
    return (root / TABLE).is_file() or (root / _FILMS).is_dir()


def read_shenzhen(folder: str | Path) -> Cohort:
    """The set as a cohort.

    ``normal`` becomes ``healthy``; nobody has a stage, since nobody is known to have worked in dust. Sex and age are
    covariates.

    Args:
        folder: that holds one of the two layouts.

    Raises:
        CohortError: if it holds neither, a row is wrong or films are missing.
    """
    root = Path(folder).expanduser().absolute()
    if (root / TABLE).is_file():
        cases = tuple(_from_table(root))
    elif (root / _FILMS).is_dir():
        cases = tuple(_from_download(root))
    else:
        raise CohortError(
            f"{root} holds neither {TABLE} nor the folder {_FILMS}; give the folder of the Shenzhen set"
        )
    missing = [case.path for case in cases if not Path(case.path).is_file()]
    if missing:
        raise CohortError(
            f"{root}: {len(missing)} of {len(cases)} films do not exist, the first is {missing[0]}; copy them there"
        )
    return Cohort(cases, root)


def _from_table(root: Path) -> Iterator[Case]:
    with (root / TABLE).open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            name, label = row.get("file") or "", row.get("tuberculosis") or ""
            if not name or label not in _CLASSES:
                raise CohortError(
                    f"{root / TABLE}, row {number}: needs file and tuberculosis 0 or 1, got {name!r} and {label!r}; "
                    "correct the row"
                )
            yield _case(root / name, label, row.get("sex") or "", row.get("age") or "")


def _from_download(root: Path) -> Iterator[Case]:
    for film in sorted((root / _FILMS).glob("*.png")):
        label = _NAME.match(film.stem)
        if label is None:
            raise CohortError(
                f"{film} is not named like CHNCXR_0001_0.png; leave only the set's own films in the folder"
            )
        reading = root / _READINGS / f"{film.stem}.txt"
        text = reading.read_text("utf-8", errors="replace") if reading.is_file() else ""
        sex, age = _SEX.search(text), _AGE.search(text)
        yield _case(film, label[1], sex[1] if sex else "", age[1] if age else "")


def _case(film: Path, label: str, sex: str, age: str) -> Case:
    return Case(
        path=str(film),
        patient_id=film.stem,
        labels={"differential": _CLASSES[label]},
        covariates={"sex": sex.strip().casefold(), "age": age.strip(), "site": "Shenzhen"},
    )

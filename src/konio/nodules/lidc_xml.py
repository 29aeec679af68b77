"""LIDC-IDRI's readings from the XML files of the collection, parsed with ``defusedxml``.

::

    LidcReadMessage ─► ResponseHeader/SeriesInstanceUid
                    ─► readingSession (up to four) ─► unblindedReadNodule ─► characteristics (nine)
                                                                          ─► roi ─► imageZposition, inclusion, edgeMap

Nodules below 3 mm have one point and no characteristics and are left out, as are findings that are no nodules.

References:
    LIDC-IDRI XML schema; dossier section 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from konio.errors import CohortError, RecordError
from konio.io.grid import Grid
from konio.nodules.attributes import RATED, rated_name
from konio.nodules.marks import Contour, Mark, MarkedScan

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SERIES: Final = "SeriesInstanceUid"
#: How the public collection calls a patient, and TCIA the folder of one.
PATIENT: Final = re.compile(r"LIDC-IDRI-\d{4}")


def read_lidc_xml(
    path: Path, grids: Mapping[str, Grid], patients: Mapping[str, str] | None = None
) -> Iterator[MarkedScan]:
    """All CT scans with their marks, files in the order of their names.

    Args:
        path: one XML file, or a folder that is searched for them.
        grids: series UID to the scan's grid; scans without one are passed over.
        patients: series UID to patient; where it is not named, the folder LIDC-IDRI-0000 the file lies in is its patient,
            and otherwise the series stands for one.

    Raises:
        CohortError: if a file is no LIDC XML, or there is none.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.xml"))
    if not files:
        raise CohortError(f"{path} holds no XML file; give a folder of LIDC-IDRI XML")
    for file in files:
        root = _parse(file)
        if _local(root.tag) != "LidcReadMessage":
            continue  # the collection's readings of films have a root of their own
        series = _text(root, "ResponseHeader", _SERIES)
        grid = grids.get(series)
        if grid is None:
            continue
        yield MarkedScan(
            patient_id=(patients or {}).get(series) or _patient_folder(file) or series,
            series_uid=series,
            pixel_mm=grid.spacing_mm[0],
            thickness_mm=grid.spacing_mm[2],
            spacing_mm=grid.spacing_mm[2],
            marks=tuple(_marks(file, root)),
        )


def _patient_folder(file: Path) -> str:
    """The collection's folder of a patient that a file lies in, or nothing."""
    return next((part for part in reversed(file.parts[:-1]) if PATIENT.fullmatch(part)), "")


def _parse(file: Path) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import parse

    try:
        root: Element = parse(file, forbid_dtd=True).getroot()
    except (OSError, ParseError, DefusedXmlException, ValueError) as why:
        raise CohortError(
            f"{file} cannot be read as XML ({type(why).__name__}); copy it again from its source"
        ) from why
    return root


def _marks(file: Path, root: Element) -> Iterator[Mark]:
    for reader, session in enumerate(_children(root, "readingSession")):
        for element in _children(session, "unblindedReadNodule"):
            described = next(iter(_children(element, "characteristics")), None)
            if described is None or not len(described):
                continue
            name = f"{reader}/{_text(element, 'noduleID')}"
            try:
                yield Mark(name, _ratings(described), _contours(element))
            except (RecordError, ValueError) as why:
                raise CohortError(f"{file}: mark {name}: {why}") from why


def _ratings(described: Element) -> dict[str, int | None]:
    found: dict[str, int | None] = dict.fromkeys(RATED)
    for element in described:
        name = rated_name(_local(element.tag))
        if name is not None:
            grade = int((element.text or "0").strip() or 0)
            found[name] = grade or None  # 0 stands where a reader gave none
    return found


def _contours(element: Element) -> tuple[Contour, ...]:
    out = []
    for roi in _children(element, "roi"):
        points = [
            (int(_text(edge, "xCoord")), int(_text(edge, "yCoord")))
            for edge in _children(roi, "edgeMap")
        ]
        if points:
            inclusion = _text(roi, "inclusion").casefold() != "false"
            z_mm = float(_text(roi, "imageZposition"))
            out.append(Contour(z_mm, np.array(points, np.int32), inclusion))
    return tuple(sorted(out, key=lambda contour: contour.z_mm))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _local(child.tag) == name]


def _text(element: Element, *names: str) -> str:
    for name in names:
        found = _children(element, name)
        if not found:
            return ""
        element = found[0]
    return (element.text or "").strip()

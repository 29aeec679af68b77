"""An assessment together with the pixels it speaks about: what pages, pictures and DICOM results are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konio.errors import RecordError
from konio.records import Assessment, Image, Lungs, frozen
from konio.tasks import TaskSet


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """What moved the answer to one question, cell by cell.

    Args:
        task: name of the question.
        answer: the class that is explained.
        values: ``(h, w)`` float32 in 0..1; 1 is the strongest evidence.
        box_px: top, left, bottom, right of the map on the stored film in pixels; may reach beyond the film.

    Raises:
        RecordError: on a map of another rank or a box without area.
    """

    task: str
    answer: str
    values: NDArray[np.float32]
    box_px: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        top, left, bottom, right = self.box_px
        if self.values.ndim != 2 or bottom <= top or right <= left:
            raise RecordError(
                f"a heat map needs two dimensions and a box with area, got {self.values.shape} over {self.box_px}"
            )
        frozen(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One input after it was looked at.

    Args:
        assessment: what is said about it.
        questions: the questions of the model that spoke.
        image: the film; ``None`` if it could not be read.
        lungs: where the lungs lie; ``None`` if they were not found.
        heats: one map for every answer that is explained, in the order of the questions.
    """

    assessment: Assessment
    questions: TaskSet
    image: Image | None = None
    lungs: Lungs | None = None
    heats: tuple[HeatMap, ...] = ()

"""An examiner that looks at no pixels: its answer follows from the film's hash."""

from __future__ import annotations

import base64
import time
from typing import Any

import numpy as np

from konio.lungs.quality import REMARKS
from konio.records import NOTICE
from konio.tasks import PROFUSIONS, ZONES
from konio.web.assessing import Outcome, Report
from konio.web.storage import Storage

#: Seconds one film takes.
SECONDS = 0.0


def examine(sha256: str, storage: Storage, report: Report) -> Outcome:
    """An outcome of the real shape."""
    report("reading", 0.1)
    content = storage.film(sha256).read_bytes()
    if SECONDS:
        time.sleep(SECONDS)
    report("assessing", 0.5)
    if b"refuse me" in content:
        return Outcome({}, {"code": "too-small", "reason": "too small", "reason_zh": "过小"})
    if b"break me" in content:
        raise ZeroDivisionError("a name of a patient")
    return Outcome(
        assessment=assessment(sha256),
        withheld_zh={"film_grade": "由医师评定"},
        outlines={"shape_px": [160, 160], "lungs": [[[1, 1], [2, 1], [2, 2]]], "zones": {}},
        heats=(heat("stage"), heat("differential")),
        header={"patient_id": f"P{int(sha256[:2], 16) % 7}", "study_date": "2026-01-02"},
        facts={"rows": 160, "columns": 160, "spacing_mm": [0.2, 0.2], "notes": ["synthetic"]},
    )


def assessment(sha256: str) -> dict[str, Any]:
    stage = ("0", "I", "II", "III")[int(sha256[0], 16) % 4]
    level = PROFUSIONS[int(sha256[1], 16) % 12]
    return {
        "schema": "konio.assessment/1",
        "input": {"path": "", "sha256": sha256},
        "model": {"name": "fake", "weights_sha256": "ab" * 32},
        "status": "assessed",
        "refusal": None,
        "tasks": {
            "differential": {"prediction": "dust", "probabilities": {"dust": 1.0}},
            "stage": {"prediction": stage, "probabilities": {stage: 1.0}},
        },
        "withheld": {"film_grade": "given by a physician"},
        "regions": [],
        "zones": {zone: {"profusion": level, "doubtful": False} for zone in ZONES},
        "rule": {"stage": stage, "clause": "5.1a", "sentence": "so", "sentence_zh": "如此"},
        "quality": {"sharpness": 0.5, "remarks": [REMARKS[2].en]},
        "explanation": {
            "explainer": "hires-cam",
            "in_lungs": {"stage": 0.72, "differential": 0.31, "aggregation": 0.97},
            "made_from_lungs": ["aggregation"],
            "lungs_area": 0.4,
        },
        "files": {},
        "notice": NOTICE,
    }


def heat(task: str) -> dict[str, Any]:
    values = np.linspace(0, 1, 16, dtype="<f4").reshape(4, 4)
    return {
        "task": task,
        "answer": "I",
        "box_px": [10, 10, 150, 150],
        "shape": [4, 4],
        "values": base64.b64encode(values.tobytes()).decode(),
    }

"""What a made-up nodule is and what four made-up readers say of it.

The true grades are continuous (2.6 lies between two grades); readers see them with noise and round. Malignancy follows
from size, spiculation, lobulation, sphericity, margin and calcification by one formula whose coefficients were set so
that the readings behave like the real ones of LIDC-IDRI. It is a convention of the phantom, not a clinical fact.

References:
    Dossier section 2.5 (coefficients and the real figures they are checked against: `benchmarks/nodule_phantom.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from konio.errors import UsageError

#: Grades that are drawn; internal structure and calcification are codes, subtlety and malignancy are outcomes.
GRADED: Final = ("sphericity", "margin", "lobulation", "spiculation", "texture")
#: Smallest and largest diameter, mm (LUNA16: 3.25 to 32.3).
DIAMETERS: Final = (3.2, 32.3)
#: Code of calcification that means absent.
ABSENT: Final = 6
#: How often readers of LIDC-IDRI give the grades 1 to 5 (nodules of at least three readers).
_SHARES: Final = MappingProxyType(
    {
        "sphericity": (0.002, 0.078, 0.318, 0.345, 0.257),
        "margin": (0.042, 0.072, 0.125, 0.335, 0.426),
        "lobulation": (0.562, 0.236, 0.115, 0.061, 0.026),
        "spiculation": (0.653, 0.189, 0.080, 0.038, 0.040),
        "texture": (0.058, 0.017, 0.044, 0.114, 0.767),
    }
)
#: Standard deviation of a reader's error before rounding.
_ERRORS: Final = MappingProxyType(
    {
        "subtlety": 0.85,
        "sphericity": 0.82,
        "margin": 0.95,
        "lobulation": 0.95,
        "spiculation": 0.90,
        "texture": 0.75,
        "malignancy": 0.88,
    }
)
#: Of calcified nodules: popcorn, laminated, solid, non-central, central.
_CALCIFIED: Final = (0.01, 0.03, 0.80, 0.06, 0.10)
_INTERNAL: Final = (0.994, 0.002, 0.001, 0.003)
#: Of a balanced cohort, how often each look is drawn evenly instead of as it occurs.
_EVENLY: Final = 0.5
_AGREE: Final = 0.92  # a reader names the true code so often
_FOUR_READERS: Final = 0.625


@dataclass(frozen=True, slots=True)
class NoduleTruth:
    """Everything that decides how a nodule looks, and its true malignancy.

    Args:
        diameter_mm: of the sphere of the same volume.
        sphericity: 1..5, as the other grades continuous.
        margin: 1 poorly defined … 5 sharp.
        lobulation: 1 none … 5 marked.
        spiculation: 1 none … 5 marked.
        texture: 1 non-solid … 5 solid.
        calcification: code 1..6, 6 absent.
        internal_structure: code 1 soft tissue, 2 fluid, 3 fat, 4 air.
        malignancy: 1..5.
        pleural: whether it lies at the pleura.
        vascular: whether a vessel runs into it.
        subtlety: 1 extremely subtle … 5 obvious; worked out from the finished picture, 0 before.

    Raises:
        UsageError: on values outside their scale.
    """

    diameter_mm: float
    sphericity: float = 4.0
    margin: float = 5.0
    lobulation: float = 1.0
    spiculation: float = 1.0
    texture: float = 5.0
    calcification: int = ABSENT
    internal_structure: int = 1
    malignancy: float = 3.0
    pleural: bool = False
    vascular: bool = False
    subtlety: float = 0.0

    def __post_init__(self) -> None:
        grades = {name: getattr(self, name) for name in (*GRADED, "malignancy")}
        wrong = [name for name, grade in grades.items() if not 1 <= grade <= 5]
        if wrong or not 1 <= self.diameter_mm <= 50:
            raise UsageError(
                f"a nodule of {self.diameter_mm} mm with {grades} cannot be made; grades go from 1 to 5, "
                "diameters from 1 to 50 mm"
            )
        if not 1 <= self.calcification <= ABSENT or not 1 <= self.internal_structure <= 4:
            raise UsageError(
                f"calcification {self.calcification} and internal structure {self.internal_structure} are codes "
                "1..6 and 1..4; correct them"
            )

    def seen(self, subtlety: float) -> NoduleTruth:
        """The same nodule with the subtlety that its picture has."""
        return replace(self, subtlety=subtlety)


def draw_truth(rng: np.random.Generator, *, balanced: bool = False) -> NoduleTruth:
    """A nodule as they occur, or one that shows rare looks, for training.

    A nodule of ``balanced`` has each of its looks and its size, by a coin of its own, drawn evenly (the diameter on a
    logarithmic scale) or as they occur. Drawn evenly all at once, they would hide one another: strands, a blurred
    edge and ground glass cover the outline of seven nodules in eight, and lobes of a nodule of 5 mm are finer than a
    voxel, so that nobody could learn shapes from them.

    Args:
        rng: generator.
        balanced: draw rare looks often, and calcification in a third; malignancy follows from them by the same
            formula.
    """
    from scipy.special import ndtr

    diameter = _even_diameter(rng) if balanced and rng.random() < _EVENLY else _diameter(rng)
    size = (np.log(diameter) - 1.99) / 0.47
    common, own = rng.standard_normal(), rng.standard_normal(5)
    latent = {
        "spiculation": 0.50 * size + 0.45 * common + 0.74 * own[0],
        "lobulation": 0.45 * size + 0.45 * common + 0.77 * own[1],
        "sphericity": own[2] - 0.10 * common,
        "margin": own[3] - 0.15 * common,
        "texture": own[4],
    }
    grades = {name: _grade(float(ndtr(latent[name])), _SHARES[name]) for name in GRADED}
    for name in GRADED if balanced else ():
        if rng.random() < _EVENLY:
            grades[name] = float(rng.uniform(1, 5))
            latent[name] = (grades[name] - 3) / 1.15
    odds = -2.35 - 0.55 * size - 0.5 * latent["spiculation"]
    calcified = rng.random() < (1 / 3 if balanced else 1 / (1 + np.exp(-odds)))
    codes = np.full(5, 0.2) if balanced else np.array(_CALCIFIED)
    code = int(rng.choice(5, p=codes)) + 1 if calcified else ABSENT
    malignancy = (
        2.95 + 0.58 * size + 0.14 * latent["spiculation"] + 0.12 * latent["lobulation"]
        - 0.08 * latent["sphericity"] - 0.03 * latent["margin"] - 1.5 * calcified + 0.43 * rng.standard_normal()
    )  # fmt: skip
    return NoduleTruth(
        diameter_mm=diameter,
        **grades,
        calcification=code,
        internal_structure=int(rng.choice(4, p=_INTERNAL)) + 1,
        malignancy=float(np.clip(malignancy, 1, 5)),
        pleural=bool(rng.random() < 0.2),
        vascular=bool(rng.random() < 0.2),
    )


def read_by(
    rng: np.random.Generator, truth: NoduleTruth, readers: int | None = None
) -> Mapping[str, tuple[int, ...]]:
    """What independent readers say.

    Args:
        rng: generator.
        truth: with its subtlety.
        readers: how many; 3 or 4 as in LUNA16 if ``None``.

    Returns:
        Nine characteristics, one grade each per reader.
    """
    count = readers or (4 if rng.random() < _FOUR_READERS else 3)
    out: dict[str, tuple[int, ...]] = {}
    for name, error in _ERRORS.items():
        seen = getattr(truth, name) + error * rng.standard_normal(count)
        out[name] = tuple(np.clip(np.rint(seen), 1, 5).astype(int).tolist())
    out["calcification"] = _codes(rng, truth.calcification, count, (ABSENT, 3))
    out["internal_structure"] = _codes(rng, truth.internal_structure, count, (1, 1))
    return MappingProxyType(out)


def _diameter(rng: np.random.Generator) -> float:
    while True:
        drawn = float(DIAMETERS[0] + np.exp(rng.normal(1.19, 0.95)))
        if drawn <= DIAMETERS[1]:
            return drawn


def _even_diameter(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(DIAMETERS))))


def _grade(rank: float, shares: tuple[float, ...]) -> float:
    """The continuous grade at a rank 0..1: grade ``k`` reaches from ``k - 0.5`` to ``k + 0.5``, cut to 1..5."""
    ends = np.concatenate([[0.0], np.cumsum(shares)])
    return float(np.clip(np.interp(rank, ends, np.arange(6) + 0.5), 1, 5))


def _codes(
    rng: np.random.Generator, code: int, count: int, mistaken: tuple[int, int]
) -> tuple[int, ...]:
    """A nominal code as readers name it: mostly right, otherwise the commonest other one."""
    wrong = mistaken[1] if code == mistaken[0] else mistaken[0]
    agree = 1 - (1 - _AGREE) / (4 if code == mistaken[0] else 1)
    picks: NDArray[np.bool_] = rng.random(count) < agree
    return tuple(code if right else wrong for right in picks.tolist())

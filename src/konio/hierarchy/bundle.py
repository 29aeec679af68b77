"""One bundle with both levels and the cut point between them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio.errors import BundleError, RecordError
from konio.hierarchy.calibration import temperatures_of, warmed
from konio.hierarchy.cut import CutPoint, Verdicts, decide, joined
from konio.hierarchy.network import StagingNetwork, StagingPlan
from konio.networks.bundle import Bundle
from konio.tasks import STAGE

#: Kind of the bundles that hold one level or two.
STAGING: Final = "radiograph-staging"

#: Where the facts of such a bundle keep the sweep, among the metrics.
CUT: Final = "cut_point"


@dataclass(frozen=True, slots=True, eq=False)
class Staging:
    """A staging network that may answer.

    Args:
        network: in evaluation mode.
        cut_point: between its two levels, of their probabilities as they are; ``None`` where it has one.
        temperatures: of every level (`konio.hierarchy.calibration`); all 1 where empty.
    """

    network: StagingNetwork
    cut_point: float | None
    temperatures: tuple[float, ...] = ()

    def verdicts(
        self, first: NDArray[np.float64], second: NDArray[np.float64] | None = None
    ) -> Verdicts:
        """What the levels' probabilities come to: the verdict by these, its probabilities calibrated.

        Args:
            first: of level 1, ``(n, 2)`` or ``(n, 4)``.
            second: of level 2, ``(n, 3)``, where there are two.
        """
        if second is None or self.cut_point is None:
            stage = first.argmax(axis=1)
            return Verdicts(stage, np.ones(len(stage), np.int64), self._warmed(1, first))
        found = decide(first[:, 1], second, self.cut_point)
        calibrated = joined(self._warmed(1, first)[:, 1], self._warmed(2, second))
        return dataclasses.replace(found, probabilities=calibrated)

    @property
    def calibrated_cut_point(self) -> float | None:
        """The cut point of calibrated probabilities; the same films pass it."""
        if self.cut_point is None:
            return None
        sides = np.array([[1 - self.cut_point, self.cut_point]])
        return float(self._warmed(1, sides)[0, 1])

    def _warmed(self, number: int, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        own = self.temperatures[number - 1] if self.temperatures else 1.0
        return warmed(probabilities, own)


def read_staging(bundle: Bundle) -> Staging:
    """The network of a bundle with its cut point.

    Raises:
        BundleError: if the bundle is of another kind, its weights do not fit its plan, it answers other classes, its
            cut point is missing or was chosen for other weights, or a temperature is none.
    """
    facts = bundle.facts
    if facts.kind != STAGING:
        raise BundleError(
            f"bundle {facts.name!r} is a {facts.kind!r}, not a {STAGING!r}; choose another model"
        )
    if dict(facts.tasks) != {STAGE.name: STAGE.classes}:
        raise BundleError(
            f"bundle {facts.name!r} answers {dict(facts.tasks)} and not the stages of this konio; "
            "use the konio that wrote it"
        )
    network = _network(bundle)
    temperatures = temperatures_of(facts.temperatures, len(network.levels))
    if not all(np.isfinite(own) and own > 0 for own in temperatures):
        raise BundleError(
            f"bundle {facts.name!r} has the temperatures {temperatures}, which are above 0; get the bundle again"
        )
    if len(network.levels) == 1:
        return Staging(network, None, temperatures)
    kept: Any = facts.metrics.get(CUT)
    value = CutPoint.for_weights(kept, bundle.weights_sha256, facts.name)
    if facts.cut_point != value:
        raise BundleError(
            f"bundle {facts.name!r} names the cut points {facts.cut_point} and {value}; get the bundle again"
        )
    return Staging(network, value, temperatures)


def _network(bundle: Bundle) -> StagingNetwork:
    try:
        plan = StagingPlan.from_json(bundle.facts.architecture)
    except (RecordError, TypeError, KeyError) as error:
        raise BundleError(f"bundle {bundle.facts.name!r} cannot be built: {error}") from error
    with torch.device("meta"):
        network = StagingNetwork(plan)
    try:
        network.load_state_dict(dict(bundle.weights), assign=True)
    except RuntimeError as error:
        raise BundleError(
            f"the weights of {bundle.facts.name!r} do not fit their plan "
            f"({str(error).splitlines()[-1].strip()}); get the bundle again"
        ) from error
    return network.eval()

"""How one level or two that name a stage answer for a film: crops, verdict, and the map of the level that decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from konio.assess.answering import Said
from konio.assess.explained import EXPLAINER
from konio.assess.interpret import interpret
from konio.errors import BundleError
from konio.explain.contract import Asked
from konio.explain.regions import find_regions
from konio.explain.registry import EXPLAINERS
from konio.modality import REGION_GRID, Explanation
from konio.records import Image, Lungs, TaskAnswer
from konio.tasks import STAGE, TaskSet

if TYPE_CHECKING:
    from konio.hierarchy import Staging
    from konio.modality import Modality
    from konio.prepare import Preparation

_QUESTIONS: Final = TaskSet((STAGE,))
_LEAST: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True, eq=False)
class StagingAnswering:
    """A staging network with its cut point.

    Args:
        modality: the kind of image.
        staging: network and cut point.
        features: each level's way to its map, in its fastest form.
        preparation: how a film becomes the square that the crops are cut from.
        device: where it computes.
    """

    modality: Modality
    staging: Staging
    features: tuple[Callable[[Tensor], Tensor], ...]
    preparation: Preparation
    device: str

    @property
    def questions(self) -> TaskSet:
        """The stage alone."""
        return _QUESTIONS

    @property
    def precision(self) -> str:
        """Of the levels' fastest form."""
        dtype = getattr(self.features[0], "dtype", torch.float32)
        return str(dtype).removeprefix("torch.")

    def answer(self, film: Image, lungs: Lungs) -> Said:
        """Algorithm 2.1 over all crops of the film; both levels are asked, so that every stage has a probability."""
        prepared = self.modality.prepare(film, lungs, self.preparation)
        image = prepared.image[None].to(self.device)
        asked = [
            self.staging.network.probabilities(number, image, features)
            for number, features in enumerate(self.features, start=1)
        ]
        said = [np.asarray(own.double().cpu().numpy()) for own, _ in asked]
        if not all(np.isfinite(own).all() for own in said):
            raise BundleError(
                "the model answers with values that are no numbers; get or train it again"
            )
        verdicts = self.staging.verdicts(*said)
        stage, level = int(verdicts.stage[0]), int(verdicts.level[0])
        logits = {STAGE.name: np.log(np.maximum(verdicts.probabilities[0], _LEAST)).tolist()}
        read = interpret(_QUESTIONS, logits, {}, self.modality.tasks)
        plain = read.tasks[STAGE.name]
        answer = None if plain is None else TaskAnswer(plain.probabilities, plain.expected, STAGE.classes[stage])  # fmt: skip
        heat = self._heat(level, stage, image, asked[level - 1][1])
        peak = float(heat.max())
        why = Explanation(
            np.asarray(heat / peak if peak > 0 else heat, np.float32),
            find_regions(STAGE.name, heat, prepared.frame, lungs),
        )
        return Said(
            {STAGE.name: answer},
            read.withheld,
            prepared.frame,
            {STAGE.name: why},
            decision=self._decision(level, float(1 - verdicts.probabilities[0, 0])),
        )

    def _heat(self, level: int, stage: int, image: Tensor, maps: Tensor) -> Any:
        """HiResCAM of the verdict in every crop by the level that decided, laid back over the square."""
        network, plan = self.staging.network.level(level), self.staging.network.plan
        chosen = stage - 1 if level == 2 else stage
        with torch.no_grad():
            logits = network.answer(maps)
        classes = torch.full((len(maps),), chosen, device=maps.device)
        crops = Asked(network, plan.crops.cut(image), maps.float(), logits, classes)
        heat = EXPLAINERS[EXPLAINER](crops).detach()
        laid: Tensor = plan.crops.lay_out(heat, REGION_GRID, image.shape[-1])[0]
        return laid.float().numpy(force=True)

    def _decision(self, level: int, disease: float) -> Mapping[str, Any] | None:
        """Which level decided and why, both numbers calibrated; nothing where there is one level only."""
        if self.staging.cut_point is None:
            return None
        crops = self.staging.network.plan.crops
        return {
            "level": level,
            "disease": disease,
            "cut_point": self.staging.calibrated_cut_point,
            "crops": 10 if crops.ten else 1,
        }

"""How a model answers for one film whose lungs are found: what every kind of bundle offers to the assessor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from konio.assess.interpret import Reason, interpret
from konio.records import Image, Lungs, TaskAnswer
from konio.tasks import TaskSet

if TYPE_CHECKING:
    from konio.modality import Explanation, Modality
    from konio.networks import FoldedDenseNet, MultiTaskNetwork
    from konio.prepare import Frame, Preparation


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a model says about one film.

    Args:
        tasks: question to answer; ``None`` where it is withheld.
        withheld: question to the reason in both languages.
        frame: the square of the film that was looked at.
        why: question to what moved its answer.
        zones: as in `konio.records.Assessment`.
        rule: likewise.
        decision: likewise.
    """

    tasks: Mapping[str, TaskAnswer | None]
    withheld: Mapping[str, Reason]
    frame: Frame
    why: Mapping[str, Explanation] = field(default_factory=dict)
    zones: Mapping[str, Mapping[str, Any]] | None = None
    rule: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None


class Answering(Protocol):
    """A model, ready to answer."""

    @property
    def questions(self) -> TaskSet:
        """What it answers."""

    @property
    def precision(self) -> str:
        """Number format of its networks, as torch names it."""

    def answer(self, film: Image, lungs: Lungs) -> Said:
        """Everything it says about one film."""


@dataclass(frozen=True, slots=True, eq=False)
class MultiTaskAnswering:
    """One network, all questions from one map.

    Args:
        modality: the kind of image.
        network: the heads.
        backbone: the network up to the feature map, in its fastest form.
        preparation: how a film becomes the network's input.
        temperatures: question to the temperature its logits are divided by.
        device: where it computes.
    """

    modality: Modality
    network: MultiTaskNetwork
    backbone: FoldedDenseNet
    preparation: Preparation
    temperatures: Mapping[str, float]
    device: str

    @property
    def questions(self) -> TaskSet:
        """The network's tasks."""
        return self.network.tasks

    @property
    def precision(self) -> str:
        """Of the backbone."""
        return str(self.backbone.dtype).removeprefix("torch.")

    def answer(self, film: Image, lungs: Lungs) -> Said:
        """Prepare, ask, calibrate, explain."""
        prepared = self.modality.prepare(film, lungs, self.preparation)
        zones = None if prepared.zones is None else prepared.zones[None].to(self.device)
        features = self.backbone(prepared.image[None].to(self.device))
        logits = {
            name: values[0].tolist()
            for name, values in self.network.answer(features, zones).items()
        }
        said = interpret(self.questions, logits, self.temperatures, self.modality.tasks)
        chosen = {
            name: self.questions[name].index(answer.prediction)
            for name, answer in said.tasks.items()
            if answer is not None
        }
        why = self.modality.explain(self.network, features, prepared, lungs, chosen)
        return Said(said.tasks, said.withheld, prepared.frame, why, said.zones, said.rule)

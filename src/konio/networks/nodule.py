"""The network that answers nine questions about a nodule: slices as patches, one transformer, one head per question.

Plan and network answer to the same names as those of films (`NetworkPlan`, `MultiTaskNetwork`), so that one room trains
either.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from konio.errors import RecordError, UsageError
from konio.networks.heads import TaskHead
from konio.networks.losses import scale_gradient
from konio.networks.mosaic import Mosaic
from konio.networks.vit import POSITIONS, TRANSFORMERS, Position, build_vit
from konio.tasks import NODULE_TASKS, TaskSet

#: Encoders by name: the transformers, and convolutions with a mean over the slices to compare them with.
CONVOLUTIONS: Final[Mapping[str, int]] = {"cnn-small": 24, "cnn-mini": 8}
ENCODERS: Final = (*TRANSFORMERS, *CONVOLUTIONS)


@dataclass(frozen=True, slots=True)
class NodulePlan:
    """One encoder, one head per question.

    Args:
        tasks: names of `konio.tasks.NODULE_TASKS`, in the order of the answers.
        encoder: a name of `ENCODERS`.
        grid: tiles to a side of the mosaic; in single-slice mode, patches to a side of the slice.
        patch: pixels to a side of a patch.
        single: one slice instead of a cube: the patches are parts of it and the picture is the slice itself.
        in_channels: 1, or 3 for published weights (the same grey three times).
        position: ``grid``, ``depth`` or ``none``; see `konio.networks.vit.build_vit`.
        hidden: width between the two layers of a head.
        dropout: share of the hidden units dropped in training, 0 <= dropout < 1.

    Raises:
        RecordError: on an unknown name or a number out of range.

    Examples:
        >>> NodulePlan().slices, NodulePlan(grid=6, patch=8, single=True).shape
        (49, (1, 48, 48))

    References:
        Paper C, section 2; sizes of the heads are not given there.
    """

    tasks: tuple[str, ...] = NODULE_TASKS.names
    encoder: str = "vit-base"
    grid: int = 7
    patch: int = 32
    single: bool = False
    in_channels: int = 1
    position: Position = "grid"
    hidden: int = 128
    dropout: float = 0.1

    def __post_init__(self) -> None:
        rules = (
            (self.encoder in ENCODERS, f"encoder {self.encoder!r} is none of {list(ENCODERS)}"),
            (self.position in POSITIONS, f"position {self.position!r} is none of {POSITIONS}"),
            (self.grid >= 1 and self.patch >= 4, f"grid {self.grid} and patch {self.patch} are too small"),
            (self.in_channels in (1, 3), f"in_channels must be 1 or 3, got {self.in_channels}"),
            (self.hidden >= 1, f"hidden must be at least 1, got {self.hidden}"),
            (0 <= self.dropout < 1, f"dropout must be in 0 <= dropout < 1, got {self.dropout}"),
            (len(self.task_set) > 0, "a network needs at least one task"),
            (not (self.single and self.position == "depth"), "one slice has no depth to embed"),
        )  # fmt: skip
        for holds, why in rules:
            if not holds:
                raise RecordError(f"a nodule network cannot be built: {why}; correct the plan")

    @property
    def task_set(self) -> TaskSet:
        """The questions themselves."""
        return NODULE_TASKS.subset(*self.tasks)

    @property
    def mosaic(self) -> Mosaic:
        """How slices, or patches of one slice, lie in the picture."""
        return Mosaic(self.grid, self.patch)

    @property
    def slices(self) -> int:
        """Slices of what the network takes."""
        return 1 if self.single else self.mosaic.slices

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(slices, height, width)`` of what the network takes."""
        side = self.mosaic.side if self.single else self.patch
        return (self.slices, side, side)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**dataclasses.asdict(self), "tasks": list(self.tasks)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NodulePlan:
        """The plan that `to_json` wrote.

        Raises:
            RecordError: on a field that no plan has.
        """
        fields = {part.name for part in dataclasses.fields(cls)}
        if not set(plain) <= fields or "tasks" not in plain:
            raise RecordError(
                f"a nodule plan has the fields {sorted(fields)} and needs tasks, got {sorted(plain)}; "
                "the file may come from another version of konio"
            )
        return cls(**{**plain, "tasks": tuple(plain["tasks"])})


class SliceMean(nn.Module):
    """Convolutions in each slice, then mean and maximum over places and the mean over slices.

    Args:
        width: channels of the first layers; four times as many at the end.
        channels: of a slice.
        generator: source of the first weights.
    """

    def __init__(self, width: int, channels: int, generator: torch.Generator | None) -> None:
        super().__init__()
        steps = (channels, width, width, 2 * width, 2 * width, 4 * width, 4 * width)
        layers: list[nn.Module] = []
        for number, (given, made) in enumerate(itertools.pairwise(steps)):
            conv = nn.Conv2d(given, made, 3, padding=1, bias=False)
            if not conv.weight.is_meta:
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu", generator=generator)
            layers += [conv, nn.BatchNorm2d(made), nn.ReLU()]
            if number % 2 and number < len(steps) - 2:
                layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        self.out_features = 8 * width

    def forward(self, cube: Tensor) -> Tensor:
        """``(B, slices, C, P, P)`` to ``(B, out_features)``."""
        maps: Tensor = self.layers(cube.flatten(0, 1))
        both = torch.cat((maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))), dim=1)
        return both.reshape(*cube.shape[:2], -1).mean(dim=1)


class NoduleNetwork(nn.Module):
    """Answers all its questions from one vector.

    Args:
        plan: what it is made of.
        generator: source of the first weights; torch's own where ``None``.

    Attributes:
        plan: as given.
        tasks: the questions, in order.
        backbone: the encoder, a transformer or `SliceMean`.
    """

    def __init__(self, plan: NodulePlan, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.tasks = plan.task_set
        self.transformer = plan.encoder in TRANSFORMERS
        if self.transformer:
            shape = TRANSFORMERS[plan.encoder]
            self.backbone: Any = build_vit(
                shape, plan.mosaic, plan.in_channels, plan.position, generator
            )
            width = shape.width
        else:
            self.backbone = SliceMean(CONVOLUTIONS[plan.encoder], plan.in_channels, generator)
            width = self.backbone.out_features
        self.heads = nn.ModuleDict(
            {
                task.name: TaskHead(width, plan.hidden, len(task), plan.dropout, generator)
                for task in self.tasks
            }
        )

    def picture(self, cube: Tensor) -> Tensor:
        """``(B, slices, H, W)`` to the mosaic ``(B, in_channels, side, side)``; one slice stays as it is."""
        if tuple(cube.shape[1:]) != self.plan.shape:
            raise RecordError(
                f"this network takes cubes of {self.plan.shape}, got {tuple(cube.shape[1:])}; prepare them "
                "with the bundle's own preparation"
            )
        flat = cube if self.plan.single else self.plan.mosaic.tile(cube)[:, None]
        return flat.expand(-1, self.plan.in_channels, -1, -1)

    def features(self, cube: Tensor) -> Tensor:
        """``(B, slices, H, W)`` in -1..1 to the vector that all heads see, ``(B, width)``."""
        if self.transformer:
            tokens: Tensor = self.backbone(pixel_values=self.picture(cube)).last_hidden_state
            return tokens[:, 0]
        vector: Tensor = self.backbone(
            cube[:, :, None].expand(-1, -1, self.plan.in_channels, -1, -1)
        )
        return vector

    def attentive(self, cube: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Like `features`, with the attention of every layer, ``(B, heads, 1 + n, 1 + n)``.

        Raises:
            UsageError: if the encoder is no transformer.
        """
        if not self.transformer:
            raise UsageError(
                f"encoder {self.plan.encoder!r} has no attention; choose a transformer"
            )
        seen = self.backbone(pixel_values=self.picture(cube), output_attentions=True)
        return seen.last_hidden_state[:, 0], tuple(seen.attentions)

    def forward(
        self, cube: Tensor, zones: Tensor | None = None, weights: Mapping[str, float] | None = None
    ) -> dict[str, Tensor]:
        """Logits of every question.

        Args:
            cube: ``(B, slices, H, W)`` in -1..1.
            zones: unused; a nodule has no lung zones.
            weights: how strongly each question moves the encoder; 1 where ``None``.

        Returns:
            question to logits ``(B, classes)``.
        """
        return self.answer(self.features(cube), weights=weights)

    def answer(
        self,
        features: Tensor,
        zones: Tensor | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> dict[str, Tensor]:
        """Logits of every question from the shared vector; arguments and result as for `forward`."""
        return {
            name: head(
                features if weights is None else scale_gradient(features, weights.get(name, 1.0))
            )
            for name, head in self.heads.items()
        }

    def shared(self) -> tuple[nn.Parameter, ...]:
        """Weights of the last layer that all questions share (what GradNorm looks at)."""
        last = self.backbone.layers[-1]
        if self.transformer:
            return tuple(last.mlp.fc2.parameters())
        convolutions = [part for part in self.backbone.layers if isinstance(part, nn.Conv2d)]
        return tuple(convolutions[-1].parameters())


def build_nodule_network(
    plan: NodulePlan, generator: torch.Generator | None = None
) -> NoduleNetwork:
    """The network of a plan, in training mode, with fresh weights."""
    return NoduleNetwork(plan, generator)

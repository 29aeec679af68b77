"""What a network is made of, as a value that travels as JSON beside its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, get_args

from konio.errors import RecordError
from konio.networks.densenet import DENSENET121, DENSENET_MINI, DenseNetShape
from konio.networks.pooling import Pooling
from konio.tasks import RADIOGRAPH_TASKS, Task, TaskSet

#: Backbones by name. The small one is for smoke runs and tests.
BACKBONES: Final[Mapping[str, DenseNetShape]] = MappingProxyType(
    {"densenet121": DENSENET121, "densenet-mini": DENSENET_MINI}
)

POOLINGS: Final[tuple[Pooling, ...]] = get_args(Pooling)

#: The dropouts that paper A compares (section 2.3, tables 2 and 3).
PAPER_DROPOUTS: Final = (0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """One backbone, one head per task.

    Args:
        tasks: names of the questions, in the order of the answers.
        backbone: a key of `BACKBONES`.
        in_channels: 1, or 3 for published weights whose first layer is kept as it is.
        hidden: width between the two fully connected layers of a head.
        dropout: share of the hidden units dropped in training, 0 <= dropout < 1.
        pooling: how each task pools the feature map; tasks not named take `default_pooling`.
        shared_zone_head: one head for all six zones instead of six, since the question is the same.
        auxiliary: also learn a map of lesions per cell (training only).
        standardise: heads see pooled features through `konio.networks.heads.Standardise`.
        deep: numbers of dense blocks, 1 to 3, whose maps learn the lesions too, each in its own finer grid
            (training only; needs ``auxiliary``).

    Raises:
        RecordError: on an unknown backbone, pooling or task, or a number out of range.

    Examples:
        >>> plan = NetworkPlan(tasks=("differential", "stage"), dropout=0.75)
        >>> NetworkPlan.from_json(plan.to_json()) == plan
        True

    References:
        Paper A, section 1.3 and figure 1. The hidden width is not given there (dossier 4.1 gap 4).
    """

    tasks: tuple[str, ...]
    backbone: str = "densenet121"
    in_channels: int = 1
    hidden: int = 512
    dropout: float = 0.5
    pooling: Mapping[str, Pooling] = field(default_factory=dict)
    shared_zone_head: bool = False
    auxiliary: bool = False
    standardise: bool = False
    deep: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        questions = self.task_set
        known = {
            task.name: self.pooling.get(task.name, default_pooling(task)) for task in questions
        }
        strangers = sorted(set(self.pooling) - set(questions.names))
        rules = (
            (self.backbone in BACKBONES, f"backbone {self.backbone!r} is none of {list(BACKBONES)}"),
            (self.in_channels in (1, 3), f"in_channels must be 1 or 3, got {self.in_channels}"),
            (self.hidden >= 1, f"hidden must be at least 1, got {self.hidden}"),
            (0 <= self.dropout < 1, f"dropout must be in 0 <= dropout < 1, got {self.dropout}"),
            (not strangers, f"pooling names {strangers}, which are no tasks of the plan"),
            (set(self.deep) <= {1, 2, 3}, f"deep names dense blocks 1 to 3, got {list(self.deep)}"),
            (self.auxiliary or not self.deep, "deep blocks learn the lesion map, which auxiliary turns on"),
            (len(questions) > 0, "a network needs at least one task"),
            *((known[t.name] in POOLINGS, f"pooling must be one of {POOLINGS}, got {known}") for t in questions),
            *(
                (t.zone is not None or known[t.name] != "zone", f"task {t.name!r} has no zone to pool")
                for t in questions
            ),
        )  # fmt: skip
        for holds, why in rules:
            if not holds:
                raise RecordError(f"a network plan cannot be built: {why}; correct the plan")
        object.__setattr__(self, "pooling", MappingProxyType(known))

    def __hash__(self) -> int:
        return hash(tuple(sorted((key, repr(value)) for key, value in self.to_json().items())))

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        """Copied and sent between processes as its JSON, since a read-only mapping cannot be."""
        return (type(self).from_json, (self.to_json(),))

    @property
    def task_set(self) -> TaskSet:
        """The questions themselves."""
        return RADIOGRAPH_TASKS.subset(*self.tasks)

    @property
    def needs_zones(self) -> bool:
        """Whether answering needs the six zones of the lungs."""
        return any(pooling != "global" for pooling in self.pooling.values())

    def head_of(self, task: Task) -> str:
        """Which head answers a task; tasks may share one."""
        return "zones" if self.shared_zone_head and task.zone is not None else task.name

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        return {
            **plain,
            "tasks": list(self.tasks),
            "pooling": dict(self.pooling),
            "deep": list(self.deep),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> NetworkPlan:
        """The plan that `to_json` wrote.

        Raises:
            RecordError: on a field that no plan has, or a field missing.
        """
        fields = {part.name for part in dataclasses.fields(cls)}
        if not set(plain) <= fields or "tasks" not in plain:
            raise RecordError(
                f"a network plan has the fields {sorted(fields)} and needs tasks, got {sorted(plain)}; "
                "the file may come from another version of konio"
            )
        return cls(
            **{**plain, "tasks": tuple(plain["tasks"]), "deep": tuple(plain.get("deep", ()))}
        )


def default_pooling(task: Task) -> Pooling:
    """A zone's question looks at its zone, every other at the whole image (paper A)."""
    return "global" if task.zone is None else "zone"

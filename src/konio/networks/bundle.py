"""A model as a directory: weights, facts about them, a card. Nothing in it is ever executed.

::

    NAME/
    ├── weights.safetensors    tensors, and nothing but tensors
    ├── bundle.json            schema konio.bundle/1; carries the SHA-256 of the weights
    └── MODEL_CARD.md          the same facts for people

The weights are hashed before they are parsed, and a directory with a pickle in it is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from konio.errors import BundleError, RecordError, UsageError
from konio.networks.card import model_card
from konio.networks.plan import NetworkPlan
from konio.tasks import TaskSet

if TYPE_CHECKING:
    from konio.networks.multitask import MultiTaskNetwork

SCHEMA: Final = "konio.bundle/1"

#: Kind of the bundles that `Bundle.network` builds.
MULTITASK: Final = "radiograph-multitask"

WEIGHTS: Final = "weights.safetensors"
FACTS: Final = "bundle.json"
CARD: Final = "MODEL_CARD.md"

#: Endings of files that a reader would have to execute. None may lie in a bundle.
PICKLES: Final = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".bin")

_LARGEST_FACTS: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What is known about a model besides its weights; the content of ``bundle.json``.

    Args:
        name: how it is called for.
        kind: which builder understands ``architecture`` (`MULTITASK`, ``lungs-unet``, ...).
        architecture: the plan of the network as plain data.
        tasks: task name to its classes in order; empty for a model that answers no questions.
        preprocessing: how a film becomes its input (size, margin, range, ...).
        recipe: the training recipe as plain data.
        cohort: fingerprint and description of the cases it learned from, and ``films_sha256``, by which a film that was among
            them is known again (`konio.learning.remembered`); bundles of before lack the last.
        metrics: what was measured, with the cohort it was measured on.
        temperatures: task name to the temperature its logits are divided by; 1 where not named.
        cut_point: probability from which the first level calls a film diseased, if there is one.
        licence: SPDX identifier of the weights.
        intended_use: one paragraph; says what it is not for.
        konio_version: which konio wrote it.
    """

    name: str
    kind: str
    architecture: Mapping[str, Any]
    licence: str
    intended_use: str
    tasks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    cohort: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    temperatures: Mapping[str, float] = field(default_factory=dict)
    cut_point: float | None = None
    konio_version: str = field(default_factory=lambda: metadata.version("konio"))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        plain = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        return {**plain, "tasks": {name: list(classes) for name, classes in self.tasks.items()}}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> BundleFacts:
        """The facts that `to_json` wrote.

        Raises:
            BundleError: if fields are missing or unknown.
        """
        wanted = {part.name for part in dataclasses.fields(cls)}
        if set(plain) != wanted:
            raise BundleError(
                f"{FACTS} lacks {sorted(wanted - set(plain))} and has the unknown {sorted(set(plain) - wanted)}; "
                "get the bundle again or use the konio that wrote it"
            )
        tasks = {name: tuple(classes) for name, classes in plain["tasks"].items()}
        return cls(**{**plain, "tasks": tasks})


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A model read from its directory.

    Args:
        path: the directory.
        facts: what ``bundle.json`` says.
        weights: tensor name to tensor, float32 where it was stored in half precision.
        weights_sha256: hash of the weights file; the model's identity.
    """

    path: Path
    facts: BundleFacts
    weights: Mapping[str, Tensor]
    weights_sha256: str

    def network(self) -> MultiTaskNetwork:
        """The multi-task network, in evaluation mode.

        Raises:
            BundleError: if the bundle is of another kind or its weights do not fit its plan.
        """
        from konio.networks.multitask import build_network

        if self.facts.kind != MULTITASK:
            raise BundleError(
                f"bundle {self.facts.name!r} is a {self.facts.kind!r}, not a {MULTITASK!r}; choose another model"
            )
        with torch.device("meta"):
            network = build_network(_plan(self.facts))
        try:
            network.load_state_dict(dict(self.weights), assign=True)
        except RuntimeError as error:
            raise BundleError(
                f"the weights of {self.facts.name!r} do not fit their plan "
                f"({str(error).splitlines()[-1].strip()}); get the bundle again"
            ) from error
        return network.eval()


def tasks_json(tasks: TaskSet) -> dict[str, tuple[str, ...]]:
    """Task name to classes, as `BundleFacts.tasks` wants it."""
    return {task.name: task.classes for task in tasks}


def write_bundle(
    directory: str | os.PathLike[str],
    facts: BundleFacts,
    weights: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float16,
) -> Bundle:
    """Write a model so that it is there completely or not at all.

    Args:
        directory: where; an older bundle there is replaced, anything else is not.
        facts: everything about it.
        weights: a state dict. Matrices and kernels are stored as ``dtype``; vectors (biases, running
            variances, which half precision may overflow) stay float32.
        dtype: ``torch.float16``, ``torch.bfloat16`` or ``torch.float32``.

    Returns:
        The bundle as `read_bundle` reads it back.

    Raises:
        BundleError: if the directory holds something else, or the facts are no JSON.
    """
    target = Path(directory)
    if target.exists() and not (target / FACTS).is_file() and any(target.iterdir()):
        raise BundleError(f"{target} holds something that is no bundle; choose a new directory")
    payload, sha256 = packed(weights, dtype)
    document = {"schema": SCHEMA, "weights_sha256": sha256, **facts.to_json()}
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BundleError(
            f"the facts of {facts.name!r} are no JSON ({error}); use plain data without NaN"
        ) from error
    _replace_directory(
        target,
        {
            WEIGHTS: payload,
            FACTS: f"{text}\n".encode(),
            CARD: model_card(facts.to_json(), sha256, len(payload)).encode(),
        },
    )
    return read_bundle(target)


def packed(weights: Mapping[str, Tensor], dtype: torch.dtype = torch.float16) -> tuple[bytes, str]:
    """Content of a weights file as `write_bundle` stores it, and its SHA-256.

    What is chosen for certain weights, a cut point for instance, can name them before the bundle is written.
    """
    payload = save({name: _stored(value, dtype) for name, value in weights.items()})
    return payload, hashlib.sha256(payload).hexdigest()


def unpacked(payload: bytes) -> dict[str, Tensor]:
    """The weights of `packed` as a bundle gives them back: float32, rounded as stored."""
    return {name: _restored(value) for name, value in load(payload).items()}


def read_bundle(directory: str | os.PathLike[str]) -> Bundle:
    """Read a model; the weights are hashed before they are parsed.

    Raises:
        BundleError: if something is missing, altered, a pickle, or written for other tasks.
    """
    path = Path(directory)
    _refuse_pickles(path)
    document = _read_facts(path)
    sha256 = document.pop("weights_sha256")
    document.pop("schema")
    facts = BundleFacts.from_json(document)
    if facts.kind == MULTITASK:
        _check_tasks(facts)
    payload = _read(path / WEIGHTS)
    found = hashlib.sha256(payload).hexdigest()
    if found != sha256:
        raise BundleError(
            f"{path / WEIGHTS} was altered: its SHA-256 is {found[:12]}... and {FACTS} says "
            f"{str(sha256)[:12]}...; get the bundle again"
        )
    try:
        weights = load(payload)
    except SafetensorError as error:
        raise BundleError(
            f"{path / WEIGHTS} is no safetensors file ({error}); get the bundle again"
        ) from error
    return Bundle(path, facts, {name: _restored(value) for name, value in weights.items()}, sha256)


def shipped_bundles() -> dict[str, Path]:
    """The bundles that came with konio: name to directory, sorted by name."""
    package = Path(str(resources.files("konio"))).resolve()
    places = [package / "models", package.parents[1] / "models"]  # the second: an editable install
    found = {
        facts.parent.name: facts.parent
        for place in reversed(places)
        if place.is_dir()
        for facts in place.glob(f"*/{FACTS}")
    }
    return dict(sorted(found.items()))


def find_bundle(name: str | os.PathLike[str]) -> Path:
    """Directory of a bundle given by its shipped name or its path.

    Raises:
        UsageError: if there is neither.
    """
    shipped = shipped_bundles()
    if str(name) in shipped:
        return shipped[str(name)]
    if Path(name).exists():
        return Path(name)
    known = ", ".join(shipped) or "none is installed"
    raise UsageError(
        f"model {str(name)!r} is neither a directory nor a shipped bundle; shipped: {known}"
    )


def _plan(facts: BundleFacts) -> NetworkPlan:
    try:
        return NetworkPlan.from_json(facts.architecture)
    except (RecordError, UsageError, TypeError) as error:
        raise BundleError(f"bundle {facts.name!r} cannot be built: {error}") from error


def _check_tasks(facts: BundleFacts) -> None:
    ours = tasks_json(_plan(facts).task_set)
    if dict(facts.tasks) != ours:
        wrong = [
            name for name in {**facts.tasks, **ours} if facts.tasks.get(name) != ours.get(name)
        ]
        raise BundleError(
            f"bundle {facts.name!r} answers {wrong} with other classes than this konio knows; "
            "use the konio that wrote it"
        )


def _refuse_pickles(path: Path) -> None:
    files = [path] if path.is_file() else sorted(path.iterdir()) if path.is_dir() else []
    for file in files:
        if file.suffix.lower() in PICKLES:
            raise BundleError(
                f"{file} may run code when it is opened and is refused; a bundle holds {WEIGHTS}, {FACTS} and {CARD}"
            )
    if not path.is_dir():
        raise BundleError(f"{path} is no bundle directory; give one that holds {FACTS}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{file} cannot be read ({error.strerror}); get the bundle again"
        ) from error


def _read_facts(path: Path) -> dict[str, Any]:
    payload = _read(path / FACTS)
    try:
        document = json.loads(payload) if len(payload) <= _LARGEST_FACTS else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BundleError(f"{path / FACTS} is not of schema {SCHEMA}; get the bundle again")
    if "weights_sha256" not in document:
        raise BundleError(f"{path / FACTS} names no hash of its weights; get the bundle again")
    return document


def _stored(value: Tensor, dtype: torch.dtype) -> Tensor:
    value = value.detach().cpu()
    if value.is_floating_point() and value.ndim >= 2:
        value = value.to(dtype)
    return value.clone(memory_format=torch.contiguous_format)


def _restored(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _replace_directory(target: Path, files: Mapping[str, bytes]) -> None:
    """Write beside the target, then take its place in one rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, payload in files.items():
            (fresh / name).write_bytes(payload)
        fresh.chmod(0o755)
        if target.exists():
            old = fresh.with_name(f"{fresh.name}-old")
            target.rename(old)
            fresh.rename(target)
            shutil.rmtree(old)
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)

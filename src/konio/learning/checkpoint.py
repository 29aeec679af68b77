"""States of a run on disk without pickle: one safetensors file, its structure as JSON in the header.

One file is replaced at once or not at all, so a kill at any moment leaves the last whole state behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from konio.errors import OutputError, RecipeError

#: Where a run keeps how far it is, in its folder.
STATE: Final = "state.safetensors"
_HEADER: Final = "konio.checkpoint/1"

#: Where the training module keeps the network, and the running mean of its weights.
_NETWORK: Final = "network."
_MEAN: Final = "mean.module."


class SafetensorsIO(CheckpointIO):
    """Lightning's checkpoint plug-in that writes no pickle.

    Tensors go into the safetensors body; numbers, words, lists and tables into a JSON text in the header.
    Anything else is refused.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a state.

        Args:
            checkpoint: nested tables and lists of tensors, numbers and words.
            path: the file; it is replaced in one step.
            storage_options: part of Lightning's signature, unused.

        Raises:
            OutputError: if it cannot be written.
            TypeError: on a value that is neither.
        """
        path = Path(path)
        tensors: dict[str, Tensor] = {}
        structure = json.dumps(_flatten(checkpoint, tensors))
        # A file of no tensors at all cannot be written; every state carries at least this one.
        tensors["format"] = torch.ones(1)
        beside = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, beside, metadata={_HEADER: structure})
            with beside.open("rb") as written:
                os.fsync(written.fileno())
            beside.replace(path)
        except (OSError, SafetensorError) as error:
            raise OutputError(
                f"the state of the run cannot be written to {path} ({error}); free space or choose another folder"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a state back.

        Args:
            path: the file.
            map_location: device of the tensors, the CPU where ``None``.
            weights_only: part of Lightning's signature, unused: nothing here can carry code.

        Raises:
            RecipeError: if the file is no state of a run.
        """
        try:
            with safe_open(path, framework="pt", device=str(map_location or "cpu")) as opened:
                structure = (opened.metadata() or {})[_HEADER]
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, KeyError) as error:
            raise RecipeError(
                f"{path} is no saved state of a run ({error}); delete it to begin anew"
            ) from error
        state = _unflatten(json.loads(structure), tensors)
        if not isinstance(state, dict):
            raise RecipeError(f"{path} is no saved state of a run; delete it to begin anew")
        return state

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a state, if it is there."""
        Path(path).unlink(missing_ok=True)


def is_state(path: str | Path) -> bool:
    """Whether a file is the state of a run, by its header."""
    try:
        with safe_open(path, framework="pt") as opened:
            return _HEADER in (opened.metadata() or {})
    except (OSError, SafetensorError):
        return False


def take_over(network: nn.Module, path: str | Path) -> None:
    """Fill a network with what another run of the same network has learned so far.

    Args:
        network: filled with the running mean of the weights where that run kept one.
        path: its ``state.safetensors``.

    Raises:
        RecipeError: if it is the state of another network.
    """
    state = SafetensorsIO().load_checkpoint(path)["state_dict"]
    kept = any(name.startswith(_MEAN) for name in state)
    prefix = _MEAN if kept else _NETWORK
    try:
        network.load_state_dict(
            {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
        )
    except RuntimeError as error:
        raise RecipeError(
            f"{path} is the state of another network ({str(error).splitlines()[-1].strip()}); "
            "give the run's own recipe the same [network]"
        ) from error


def _flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON; tensors are moved into ``tensors`` and leave their name behind."""
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().to("cpu").contiguous().clone()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"table": [[_plain_key(k), _flatten(v, tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_flatten(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"a saved state holds tensors, numbers and words, got {type(value).__name__}; leave it out"
    )


def _plain_key(key: Any) -> Any:
    if isinstance(key, (str, int)):
        return key
    raise TypeError(f"keys of a saved state are words or whole numbers, got {type(key).__name__}")


def _unflatten(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unflatten(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "tuple" in value:
        return tuple(_unflatten(item, tensors) for item in value["tuple"])
    return {key: _unflatten(item, tensors) for key, item in value["table"]}

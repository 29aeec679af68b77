"""Which number format a device computes fastest in."""

from __future__ import annotations

from typing import Final

import torch

# torch.cpu asks the processor under these names; which of them exist depends on the torch release.
_BF16_PROBES: Final = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def fastest_dtype(device: str | torch.device = "cpu") -> torch.dtype:
    """bfloat16 where the device multiplies it natively, float32 elsewhere.

    Args:
        device: a torch device or its name.

    Examples:
        >>> fastest_dtype("meta")
        torch.float32
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if kind == "cpu" and any(getattr(torch.cpu, probe, bool)() for probe in _BF16_PROBES):
        return torch.bfloat16
    return torch.float32

"""The lung network made ready to answer: folded, channels last, bfloat16 where the processor computes in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from konio.errors import BundleError, UsageError
from konio.lungs.film import Letterbox, to_square
from konio.networks.precision import fastest_dtype
from konio.networks.unet import UNET_SIDE, LungUNet, UNetPlan, channels_last

#: Kind of the bundles that hold a lung network.
KIND: Final = "lungs-unet"

#: Name of the shipped bundle.
SHIPPED: Final = "konio-lungs"


@dataclass(frozen=True, slots=True)
class LungSegmenter:
    """A lung network ready for inference; build it with `LungSegmenter.of` or `load_segmenter`.

    Args:
        network: folded, in evaluation mode, on its device.
        device: where it computes.
        dtype: arithmetic of the convolutions.
    """

    network: LungUNet
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(
        cls, network: LungUNet, device: str = "cpu", dtype: torch.dtype | None = None
    ) -> LungSegmenter:
        """Fold and place a trained network.

        Args:
            network: trained; left as it was.
            device: ``cpu`` or ``cuda``.
            dtype: float32 or bfloat16; by default what is fastest on the device.
        """
        wanted = dtype or fastest_dtype(device)
        ready = channels_last(network.folded().to(device=device, dtype=wanted))
        return cls(ready, torch.device(device), wanted)

    def probabilities(self, pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], Letterbox]:
        """Probability of right and left lung in every pixel of the network's square.

        Args:
            pixels: ``(H, W)`` float32 in 0..1, bright bone.

        Returns:
            ``(2, UNET_SIDE, UNET_SIDE)`` float32 and where the film lies in the square.
        """
        square, box = to_square(pixels, UNET_SIDE)
        return self.probabilities_of_square(square), box

    def probabilities_of_square(self, square: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for a film that is already a square ``(S, S)`` of 0..1; returns ``(2, S, S)``."""
        image = torch.from_numpy(square * 2 - 1)[None, None].to(self.device, self.dtype)
        with torch.inference_mode():
            logits = self.network(image.contiguous(memory_format=torch.channels_last))
            return np.asarray(logits[0].float().sigmoid().cpu().numpy(), np.float32)


def load_segmenter(model: str | os.PathLike[str] = SHIPPED, device: str = "cpu") -> LungSegmenter:
    """Open a lung bundle.

    Args:
        model: name of a shipped bundle or a bundle's directory.
        device: ``cpu`` or ``cuda``.

    Raises:
        UsageError: if there is no such bundle.
        BundleError: if it is no lung network, or altered.
    """
    from konio.networks.bundle import find_bundle, read_bundle

    bundle = read_bundle(find_bundle(model))
    if bundle.facts.kind != KIND:
        raise BundleError(
            f"bundle {bundle.facts.name!r} is a {bundle.facts.kind!r}, not a {KIND!r}; choose another model"
        )
    try:
        network = LungUNet(UNetPlan(tuple(bundle.facts.architecture["widths"])))
        network.load_state_dict(dict(bundle.weights))
    except (KeyError, TypeError, RuntimeError, UsageError) as error:
        raise BundleError(
            f"the weights of {bundle.facts.name!r} do not fit their plan "
            f"({str(error).splitlines()[-1].strip()}); get the bundle again"
        ) from error
    return LungSegmenter.of(network, device)

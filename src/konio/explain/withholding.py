"""Maps without a gradient that depend on the class: what happens to the score when something is withheld.

References:
    Desai and Ramaswamy, Ablation-CAM, WACV 2020, equation 2. Wang et al., Score-CAM, CVPR workshops 2020, algorithm 1.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from konio.explain.contract import Asked

#: Variants of one image that are answered at once; bounds the memory.
_AT_ONCE: Final = 32
#: Channels that Score-CAM asks about, those with the most energy; each costs a whole forward pass.
SCORE_CHANNELS: Final = 64
#: Black in the images that a network gets.
_BLACK: Final = -1.0


@torch.no_grad()
def ablation_cam(asked: Asked) -> Tensor:
    """Every channel weighs as much as the score falls without it, ``(B, h, w)``.

    Only what lies behind the map is asked again, once for each channel. Unlike in the paper the fall is not divided by
    the score, which may be zero or negative; the division would scale the whole map.
    """
    return torch.stack([_ablated(asked, number) for number in range(len(asked.maps))])


def _ablated(asked: Asked, number: int) -> Tensor:
    maps, chosen = asked.maps[number], int(asked.chosen[number])
    one = asked.alone(number)
    falls = []
    for channels in torch.split(torch.arange(len(maps), device=maps.device), _AT_ONCE):
        variants = maps.repeat(len(channels), 1, 1, 1)
        variants[torch.arange(len(channels)), channels] = 0
        falls.append(asked.logits[number, chosen] - one.answer(variants)[:, chosen])
    return torch.einsum("c,chw->hw", torch.cat(falls), maps).relu()


@torch.no_grad()
def score_cam(asked: Asked) -> Tensor:
    """Every channel weighs by the score of the image seen through it alone, ``(B, h, w)``.

    A channel, enlarged and brought to 0..1, masks the image towards black; the weights are the softmax over channels
    of the score's rise over a black image. Asked are the `SCORE_CHANNELS` channels with the most energy.
    """
    return torch.stack([_scored(asked, number) for number in range(len(asked.maps))])


def _scored(asked: Asked, number: int) -> Tensor:
    maps, chosen = asked.maps[number], int(asked.chosen[number])
    image, one = asked.image[number : number + 1], asked.alone(number)
    spread = maps.amax(dim=(1, 2)) - maps.amin(dim=(1, 2))
    telling = torch.where(spread > 0, maps.sum(dim=(1, 2)), -torch.inf)
    kept = telling.topk(min(SCORE_CHANNELS, len(maps))).indices
    kept = kept[spread[kept] > 0]
    if not len(kept):
        return torch.zeros_like(maps[0])
    scores = []
    for channels in torch.split(kept, _AT_ONCE):
        seen = _BLACK + (image - _BLACK) * _masks(maps[channels], image.shape[-2:])
        scores.append(one.answer(one.features(seen))[:, chosen])
    black = one.answer(one.features(torch.full_like(image, _BLACK)))[0, chosen]
    weights = torch.softmax(torch.cat(scores).float() - black, dim=0)
    return torch.einsum("c,chw->hw", weights, maps[kept]).relu()


def _masks(maps: Tensor, size: torch.Size) -> Tensor:
    """Channels ``(n, h, w)`` as masks ``(n, 1, H, W)`` in 0..1."""
    grown = functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)
    low, high = grown.amin(dim=(2, 3), keepdim=True), grown.amax(dim=(2, 3), keepdim=True)
    return (grown - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny)

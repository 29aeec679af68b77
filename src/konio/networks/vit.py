"""Vision Transformers (Hugging Face) whose patches are slices: shapes, positions, published weights, attention.

`transformers` is imported when a network is built, since it takes seconds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from konio.errors import BundleError, UsageError
from konio.networks.mosaic import Mosaic

Stem = Literal["linear", "convolutions"]
Position = Literal["grid", "depth", "none"]

POSITIONS: Final[tuple[Position, ...]] = get_args(Position)

#: Standard deviation of a new network's weights, as in the published ones.
_SPREAD: Final = 0.02


@dataclass(frozen=True, slots=True)
class VitShape:
    """Sizes of a transformer.

    Args:
        width: numbers per token.
        layers: blocks.
        heads: attention heads per block; divides ``width``.
        inner: numbers between the two layers of a block's perceptron.
        stem: how a patch becomes a token: ``linear`` as published, or ``convolutions`` within each slice.
    """

    width: int
    layers: int
    heads: int
    inner: int
    stem: Stem = "linear"


#: Transformers by name. ``vit-base`` with patches of 32 is ViT-B/32; the small ones are trained from nothing.
TRANSFORMERS: Final[Mapping[str, VitShape]] = MappingProxyType(
    {
        "vit-base": VitShape(768, 12, 12, 3072),
        "vit-small": VitShape(192, 6, 6, 768),
        "vit-mini": VitShape(64, 3, 4, 128),
        "vit-small-stem": VitShape(128, 4, 4, 256, "convolutions"),
        "vit-mini-stem": VitShape(48, 2, 4, 96, "convolutions"),
    }
)


class SliceStem(nn.Module):
    """Three strided convolutions within each slice, then its mean: one token per slice, nothing across slices.

    It stands where a ViT has its linear patch embedding, which learns little from few cubes (Xiao et al., NeurIPS
    2021, on photographs).

    Args:
        mosaic: the geometry.
        channels: of the picture.
        width: of a token.
    """

    def __init__(self, mosaic: Mosaic, channels: int, width: int) -> None:
        super().__init__()
        self.mosaic = mosaic
        self.layers = nn.Sequential(
            *_block(channels, width // 2, 1),
            *_block(width // 2, width // 2, 2),
            *_block(width // 2, width, 2),
            *_block(width, width, 2),
        )

    @property
    def weight(self) -> Tensor:
        """First kernel; a ViT asks its patch embedding for the number format."""
        return self.layers[0].get_parameter("weight")

    def forward(self, picture: Tensor) -> Tensor:
        """``(B, channels, side, side)`` to ``(B, width, grid, grid)``."""
        grid, patch = self.mosaic.grid, self.mosaic.patch
        slices = self.mosaic.untile(picture).transpose(1, 2)  # (B, slices, channels, P, P)
        maps: Tensor = self.layers(slices.reshape(-1, picture.shape[1], patch, patch))
        return maps.mean(dim=(2, 3)).reshape(len(picture), grid, grid, -1).permute(0, 3, 1, 2)


def _block(channels: int, out: int, stride: int) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
    return conv, nn.GroupNorm(min(8, out), out), nn.GELU()


def build_vit(
    shape: VitShape,
    mosaic: Mosaic,
    channels: int,
    position: Position,
    generator: torch.Generator | None = None,
) -> Any:
    """A `transformers.ViTModel` without pooling layer.

    Args:
        shape: its sizes.
        mosaic: picture and patches.
        channels: of the picture.
        position: ``grid``: learned, one per tile, as published. ``depth``: sines of the slice's number, never
            trained, so that neighbours in the body are neighbours for the network. ``none``: the network cannot
            tell slices apart.
        generator: source of the first weights; torch's own where ``None``.
    """
    from transformers import ViTConfig, ViTModel

    sizes: dict[str, Any] = {
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "image_size": mosaic.side,
        "patch_size": mosaic.patch,
        "num_channels": channels,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "attn_implementation": "eager",  # the only one that also gives its attention away
    }
    model: Any = ViTModel(ViTConfig(**sizes), add_pooling_layer=False)
    if shape.stem == "convolutions":
        model.embeddings.patch_embeddings.projection = SliceStem(mosaic, channels, shape.width)
    if not model.embeddings.cls_token.is_meta:
        _begin(model, generator)
    _place(model, position)
    return model


def _begin(model: nn.Module, generator: torch.Generator | None) -> None:
    """First weights from the generator alone: normal of 0.02, zero biases, norms that change nothing."""
    for part in model.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            if isinstance(part, nn.Conv2d) and part.kernel_size == (3, 3):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            else:
                nn.init.trunc_normal_(part.weight, std=_SPREAD, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    embeddings = model.get_submodule("embeddings")
    for token in (embeddings.cls_token, embeddings.position_embeddings):
        nn.init.trunc_normal_(token, std=_SPREAD, generator=generator)  # type: ignore[arg-type]


def _place(model: Any, position: Position) -> None:
    table = model.embeddings.position_embeddings
    if position == "grid":
        return
    table.requires_grad_(requires_grad=False)
    if table.is_meta:
        return
    with torch.no_grad():
        table.zero_()
        if position == "depth":
            table[0, 1:] = depth_waves(table.shape[1] - 1, table.shape[2])


def depth_waves(slices: int, width: int) -> Tensor:
    r"""Sines and cosines of the slice's number, ``(slices, width)``, as strong as published position embeddings are.

    .. math:: e_{i,2j} = \sin(i / 10000^{2j/w}), \quad e_{i,2j+1} = \cos(i / 10000^{2j/w})

    References:
        Vaswani et al., NeurIPS 2017, section 3.5.
    """
    place = torch.arange(slices, dtype=torch.float32)[:, None]
    rates = torch.exp(-torch.arange(0, width, 2) / width * torch.log(torch.tensor(10000.0)))
    waves = torch.zeros(slices, width)
    waves[:, 0::2] = torch.sin(place * rates)
    waves[:, 1::2] = torch.cos(place * rates[: width // 2])
    return waves * 0.1


def load_published(model: Any, source: str | os.PathLike[str], position: Position) -> str:
    """Fill a transformer with published weights (a directory in Hugging Face's layout, or a name on its hub).

    Only safetensors files are read. Position embeddings of another grid are resampled; with ``depth`` or ``none``
    they are not taken over.

    Args:
        model: from `build_vit` with a linear stem.
        source: directory, or name such as ``google/vit-base-patch32-224-in21k``.
        position: as the model was built.

    Returns:
        SHA-256 of the weights file, or the name with its revision from the hub.

    Raises:
        UsageError: if there is no such directory and the hub cannot be reached.
        BundleError: if its sizes differ from the model's.
    """
    from transformers import ViTModel

    place = Path(source)
    try:
        published = ViTModel.from_pretrained(
            os.fspath(source),
            add_pooling_layer=False,
            use_safetensors=True,
            local_files_only=place.is_dir(),
        )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"weights {os.fspath(source)!r} cannot be read ({reason}); give a directory with config.json and "
            "model.safetensors, or a name while there is a network"
        ) from error
    weights = dict(published.state_dict())
    own = model.state_dict()
    table = "embeddings.position_embeddings"
    weights[table] = own[table] if position != "grid" else _resampled(weights[table], own[table])
    wrong = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
    if wrong:
        raise BundleError(
            f"the weights of {os.fspath(source)!r} are of another network ({wrong[0]} differs); choose the "
            "transformer and the patch they were published with"
        )
    model.load_state_dict(weights)
    file = place / "model.safetensors"
    if file.is_file():
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return f"{os.fspath(source)} {getattr(published.config, '_commit_hash', None) or ''}".strip()


def _resampled(table: Tensor, like: Tensor) -> Tensor:
    """Position embeddings ``(1, 1 + n, w)`` for another number of tiles; the first token's stays."""
    if table.shape == like.shape or table.shape[2] != like.shape[2]:
        return table
    old, new = (round((t.shape[1] - 1) ** 0.5) for t in (table, like))
    grid = table[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    fitted = functional.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return torch.cat((table[:, :1], fitted.permute(0, 2, 3, 1).reshape(1, new * new, -1)), dim=1)


def attention_rollout(attentions: Sequence[Tensor]) -> Tensor:
    r"""How much of the answer's token comes from each slice through all layers.

    .. math:: R = \prod_l \tfrac12 (\bar A_l + I)

    with :math:`\bar A_l` the mean over the heads of layer l; the row of the first token without its own share.

    Args:
        attentions: one ``(B, heads, 1 + n, 1 + n)`` per layer, from the first on.

    Returns:
        ``(B, n)``, each row sums to 1.

    References:
        Abnar and Zuidema, ACL 2020.
    """
    rolled: Tensor | None = None
    for layer in attentions:
        mixed = layer.mean(dim=1)
        mixed = (mixed + torch.eye(mixed.shape[-1], device=mixed.device)) / 2
        rolled = mixed if rolled is None else mixed @ rolled
    if rolled is None:
        raise UsageError("no attention was given; ask the network for it")
    shares = rolled[:, 0, 1:]
    return shares / shares.sum(dim=1, keepdim=True)

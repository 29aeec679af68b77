"""Pictures for pages: the film as it is, heat maps, outlines of the zones, thumbnails.

The film is only ever made smaller and cut to 8 bit; nothing is sharpened, smoothed or stretched beyond what the
header asks for (GBZ 70-2015 F.3.3 forbids enhancement of what a reader looks at).
"""

from __future__ import annotations

import base64
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from konio.assess import HeatMap
from konio.records import Image, Lungs
from konio.report.contours import Points, lung_outlines

#: Longest side of the film on a page, in pixels; a film that is smaller stays as it is.
PAGE_SIDE: Final = 1600
#: Longest side of the heat-map picture.
HEAT_SIDE: Final = 1024
#: Longest side of a thumbnail in the list of a batch.
THUMB_SIDE: Final = 112
#: Side of the embedded heat layers; they are smooth and the browser enlarges them.
LAYER_SIDE: Final = 192

# Warm scale from nothing to the strongest evidence: value, red, green, blue, opacity.
_HEAT: Final = np.array(
    [
        (0.00, 70, 10, 80, 0),
        (0.15, 90, 15, 95, 20),
        (0.35, 160, 35, 85, 120),
        (0.55, 220, 75, 45, 175),
        (0.75, 250, 145, 25, 205),
        (1.00, 255, 232, 120, 230),
    ],
    dtype=np.float64,
)


def film_picture(image: Image, side: int = PAGE_SIDE) -> Picture.Image:
    """The film in 8 bit, its longest side at most ``side`` pixels, areas averaged.

    Args:
        image: a radiograph.
        side: longest side, pixels.
    """
    height, width = image.shape
    smaller = Picture.fromarray(image.pixels).resize(
        _fit(width, height, side), Picture.Resampling.BOX
    )
    return Picture.fromarray(np.rint(np.asarray(smaller) * 255).astype(np.uint8))


def _fit(width: int, height: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def film_uri(picture: Picture.Image) -> str:
    """The picture as a lossless data address."""
    return _uri("image/png", png_bytes(picture))


def thumbnail_uri(image: Image) -> str:
    """A small picture of the film as a data address of about three kilobytes."""
    buffer = io.BytesIO()
    film_picture(image, THUMB_SIDE).save(buffer, "WEBP", quality=80)
    return _uri("image/webp", buffer.getvalue())


def heat_colours(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colour and opacity of a heat map.

    Args:
        values: ``(h, w)`` in 0..1.

    Returns:
        ``(h, w, 4)`` uint8: red, green, blue, opacity; nothing is quite transparent.
    """
    channels = [np.interp(values, _HEAT[:, 0], _HEAT[:, column]) for column in range(1, 5)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def heat_layer_uri(heat: HeatMap) -> str:
    """One heat map as a transparent picture, to be laid over ``heat.box_px`` of the film."""
    smooth = Picture.fromarray(np.asarray(heat.values, np.float32))
    smooth = smooth.resize((LAYER_SIDE, LAYER_SIDE), Picture.Resampling.BICUBIC)
    colours = heat_colours(np.clip(np.asarray(smooth), 0, 1))
    buffer = io.BytesIO()
    Picture.fromarray(colours).save(buffer, "WEBP", quality=70, alpha_quality=80, method=2)
    return _uri("image/webp", buffer.getvalue())


def heat_on_film(image: Image, heat: HeatMap | None, side: int = HEAT_SIDE) -> Picture.Image:
    """The film with one heat map on it; without a heat map, the film alone.

    Args:
        image: a radiograph.
        heat: what to lay over it.
        side: longest side, pixels.
    """
    film = film_picture(image, side).convert("RGB")
    if heat is None:
        return film
    down, across = film.height / image.shape[0], film.width / image.shape[1]
    top, left, bottom, right = heat.box_px
    size = (max(1, round((right - left) * across)), max(1, round((bottom - top) * down)))
    smooth = Picture.fromarray(np.asarray(heat.values, np.float32))
    smooth = smooth.resize(size, Picture.Resampling.BICUBIC)
    layer = Picture.fromarray(heat_colours(np.clip(np.asarray(smooth), 0, 1)))
    film.paste(layer, (round(left * across), round(top * down)), layer.getchannel("A"))
    return film


def png_bytes(picture: Picture.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def zone_outlines(lungs: Lungs) -> dict[str, str]:
    """Outline of each zone as an SVG path in film pixels.

    Args:
        lungs: mask and zones on their own grid.

    Returns:
        Zone name to path data; a zone without area is absent.
    """
    zones = lung_outlines(lungs).zones
    return {zone: "".join(map(_path, curves)) for zone, curves in zones.items() if curves}


def _path(curve: Points) -> str:
    return "M" + "L".join(f"{x:.6g} {y:.6g}" for x, y in curve.round(2).tolist()) + "Z"


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"

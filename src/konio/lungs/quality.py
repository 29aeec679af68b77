"""What of a film's quality can be measured from its pixels and its lung mask.

The Chinese grades of a film (excellent, good, poor, reject; GBZ 70-2015 appendix C) are given by a physician who looks
at more than this: scapulae, motion, foreign bodies, optical densities of a printed film. So no grade is computed here.
Seven facts are measured, and a film that lies outside what real films show (see `REMARKS`) gets a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from konio.records import Image, Lungs

#: About so many film pixels are looked at for brightness, so that a film of any size costs the same.
_SAMPLE_SIDE = 512

#: Rows and columns of the native pixels that are looked at for sharpness.
_PATCH_SIDE = 256


@dataclass(frozen=True, slots=True)
class FilmQuality:
    """Measured facts.

    Args:
        margin: narrowest strip of film between a lung and the film's edge, as part of the lungs' height; 0 where a
            lung touches the edge, so that an apex or a costophrenic angle may be cut off.
        rotation: how far the middle of the gap between the upper lungs lies from the middle between the chest walls,
            as part of the chest's width; positive towards the film's right. A stand-in for the distances of the
            clavicles from the spine: a body turned by a few degrees or a displaced mediastinum moves it.
        inspiration: mean height of the lungs (apex to dome) to the chest's width; low for a shallow breath.
        lung_contrast: brightness range inside the lungs, 5th to 95th percentile, 0..1.
        mediastinum_contrast: median brightness between the lungs less that of the lungs, -1..1.
        clipped: part of the lungs' pixels at the very black or white end, where nothing can be seen.
        sharpness: standard deviation of differences over one pixel to those over four, in the film's native pixels
            around the lungs. Under 0.3 for a picture that was enlarged or blurred; noise raises it.
    """

    margin: float
    rotation: float
    inspiration: float
    lung_contrast: float
    mediastinum_contrast: float
    clipped: float
    sharpness: float

    def remarks(self) -> tuple[Remark, ...]:
        """The remarks that apply."""
        return tuple(remark for remark in REMARKS if remark.applies(self))

    def facts(self) -> dict[str, Any]:
        """Numbers, and the English remarks, for `konio.records.Assessment.quality`."""
        numbers = {name: round(float(getattr(self, name)), 4) for name in self.__slots__}
        return {**numbers, "remarks": [remark.en for remark in self.remarks()]}


class Remark(NamedTuple):
    """A sentence about a film's quality and when it applies."""

    code: str
    applies: Callable[[FilmQuality], bool]
    en: str
    zh: str


#: Where real films lie: the least of a measure or, for ``rotation`` and ``clipped``, the most of it. The limits lie outside
#: the middle 98 % of 119 real frontal films of three hospitals; ``benchmarks/lungs.py films`` prints the percentiles.
USUAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        "margin": 0.002,
        "rotation": 0.10,
        "inspiration": 0.45,
        "lung_contrast": 0.20,
        "clipped": 0.02,
        "sharpness": 0.30,
    }
)

#: What is said of a film that lies outside of `USUAL`.
REMARKS: Final = (
    Remark(
        "cut-off",
        lambda q: q.margin <= USUAL["margin"],
        "a lung touches the edge of the film: an apex or a costophrenic angle may be cut off",
        "肺野触及胶片边缘，肺尖或肋膈角可能未包括在内",
    ),
    Remark(
        "rotated",
        lambda q: abs(q.rotation) > USUAL["rotation"],
        "the gap between the lungs is off the middle: the body may be turned or the mediastinum displaced",
        "两肺间隙偏离中线，可能体位旋转或纵隔移位",
    ),
    Remark(
        "shallow",
        lambda q: q.inspiration < USUAL["inspiration"],
        "the lungs are low for the width of the chest: the breath may be shallow",
        "肺野高度相对胸廓宽度偏小，可能吸气不足",
    ),
    Remark(
        "flat",
        lambda q: q.lung_contrast < USUAL["lung_contrast"],
        "there is little contrast inside the lungs",
        "肺野内对比度偏低",
    ),
    Remark(
        "clipped",
        lambda q: q.clipped > USUAL["clipped"],
        "parts of the lungs are clipped to black or white",
        "部分肺野亮度被截断为全黑或全白",
    ),
    Remark(
        "blurred",
        lambda q: q.sharpness < USUAL["sharpness"],
        "the film is blurred or was enlarged: fine opacities may not show",
        "图像模糊或经过放大，细小阴影可能无法显示",
    ),
)


def remarks_zh(remarks: Iterable[str]) -> list[str]:
    """English remarks of `FilmQuality.facts` in Chinese, in their order; one that is not known stays as it is."""
    chinese = {remark.en: remark.zh for remark in REMARKS}
    return [chinese.get(remark, remark) for remark in remarks]


def measure_quality(image: Image, lungs: Lungs) -> FilmQuality:
    """Measure a film.

    Args:
        image: a radiograph.
        lungs: its lungs.

    Returns:
        The facts; `FilmQuality.remarks` says which of them are unusual.
    """
    right = np.asarray((lungs.zones >= 1) & (lungs.zones <= 3))
    left = np.asarray(lungs.zones >= 4)
    values, inside, between = _sample(image.pixels, lungs, _gap(right, left))
    low, middle, high = np.percentile(values[inside], (5, 50, 95))
    gap = float(np.median(values[between])) if between.any() else float(middle)
    ends = (values[inside] <= 0) | (values[inside] >= 1)
    return FilmQuality(
        margin=_margin(lungs),
        rotation=_rotation(right, left),
        inspiration=_inspiration(lungs, right, left),
        lung_contrast=float(high - low),
        mediastinum_contrast=gap - float(middle),
        clipped=float(ends.mean()),
        sharpness=_sharpness(image.pixels, lungs),
    )


def _margin(lungs: Lungs) -> float:
    top, start, bottom, end = lungs.box_px
    rows, columns = lungs.shape_px
    return max(0, min(top, start, rows - bottom, columns - end)) / (bottom - top)


def _gap(right: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What lies between the lungs in the rows that both have."""
    columns = np.arange(right.shape[1])
    first, last = _inner(right, left)
    both = np.asarray(right.any(axis=1) & left.any(axis=1))
    return both[:, None] & (columns > first[:, None]) & (columns < last[:, None])


def _inner(
    right: NDArray[np.bool_], left: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Last column of the right lung and first of the left one, row by row."""
    return right.shape[1] - 1 - np.argmax(right[:, ::-1], axis=1), np.argmax(left, axis=1)


def _outer(
    right: NDArray[np.bool_], left: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First column of the right lung and last of the left one, row by row."""
    return np.argmax(right, axis=1), left.shape[1] - 1 - np.argmax(left[:, ::-1], axis=1)


def _rotation(right: NDArray[np.bool_], left: NDArray[np.bool_]) -> float:
    """Signed distance of the gap's middle from the chest's, in the upper half of the rows that both lungs have."""
    rows = np.flatnonzero(right.any(axis=1) & left.any(axis=1))
    rows = rows[: max(1, len(rows) // 2)]
    if len(rows) == 0:
        return 0.0
    inner, outer = _inner(right[rows], left[rows]), _outer(right[rows], left[rows])
    width = np.maximum(outer[1] - outer[0], 1)
    return float(np.median((inner[0] + inner[1] - outer[0] - outer[1]) / (2 * width)))


def _inspiration(lungs: Lungs, right: NDArray[np.bool_], left: NDArray[np.bool_]) -> float:
    from konio.lungs.zones import zone_limits

    down, across = lungs.scale
    heights = [limits[3] - limits[0] for limits in (zone_limits(right), zone_limits(left))]
    columns = np.flatnonzero(lungs.mask.any(axis=0))
    return float(np.mean(heights) * down / ((columns[-1] - columns[0] + 1) * across))


def _sample(
    pixels: NDArray[np.float32], lungs: Lungs, gap: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Every n-th pixel of the film, and whether it lies in a lung or between them."""
    step = max(1, max(pixels.shape) // _SAMPLE_SIDE)
    rows, columns = (np.arange(0, extent, step) for extent in pixels.shape)
    at_rows = (rows / lungs.scale[0]).astype(np.intp)
    at_columns = (columns / lungs.scale[1]).astype(np.intp)
    cells = np.ix_(at_rows, at_columns)
    return pixels[::step, ::step], lungs.mask[cells], gap[cells]


def _sharpness(pixels: NDArray[np.float32], lungs: Lungs) -> float:
    """Differences over one pixel against differences over four, in a patch at the middle of each lung."""
    near, far = [], []
    for name in ("rm", "lm"):
        zone = lungs.zone(name)
        if not zone.any():
            continue
        middle = [c.mean() * s for c, s in zip(np.nonzero(zone), lungs.scale, strict=True)]
        rows, columns = (
            slice(max(0, round(m) - _PATCH_SIDE // 2), round(m) + _PATCH_SIDE // 2) for m in middle
        )
        patch = pixels[rows, columns]
        near.append(_spread(patch, 1))
        far.append(_spread(patch, 4))
    return float(sum(near) / sum(far)) if sum(far) > 0 else 0.0


def _spread(patch: NDArray[np.float32], step: int) -> float:
    down, across = patch[step:] - patch[:-step], patch[:, step:] - patch[:, :-step]
    return float(down.std() + across.std()) if min(down.size, across.size) else 0.0

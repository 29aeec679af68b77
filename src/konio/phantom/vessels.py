"""Pulmonary arteries and veins as branching trees in the lung's volume, with Murray's law.

References:
    Dossier section 2.3 ("Vessels").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from konio.phantom.anatomy import Chest
from konio.phantom.frame import Frame, magnification
from konio.phantom.smooth import Floats
from konio.phantom.strokes import add_tubes

_MURRAY: Final = 2.35
_GAIN: Final = 1.2
#: (targets, cap of the root's radius in mm) of arteries and veins.
_ARTERIES: Final = (190, 8.2)
_VEINS: Final = (130, 6.2)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A branching tree: nodes ``(K, 3)`` (x, d, z), parent of each node, radius in mm."""

    nodes: Floats
    parent: list[int]
    radius: Floats


def draw_vessels(
    rng: np.random.Generator, chest: Chest, frame: Frame, marking: float = 1.0
) -> Floats:
    """Length of blood along the beam, ``(N, N)`` float32, mm.

    Args:
        rng: the film's generator.
        chest: whose.
        frame: the film.
        marking: factor of the radii of small vessels (thickened markings above 1).
    """
    out = np.zeros((frame.size, frame.size), np.float32)
    for side in (-1, 1):
        for kind in (_ARTERIES, _VEINS):
            tree = _grow(rng, chest, side, kind, marking)
            _draw(out, tree, frame)
    out *= np.float32(frame.spacing)
    return np.asarray(22 * (1 - np.exp(-out / 22)), np.float32)


def _trunk(side: int, kind: tuple[int, float], rng: np.random.Generator) -> list[list[float]]:
    wobble = rng.normal(0, 2, 3)
    if kind is _VEINS:
        return [
            [20, -10, -42], [34, -12, -46 + wobble[0]], [48, -14, -54],
            [34, -4, -22], [46, 6, 4 + wobble[1]],
        ]  # fmt: skip
    top = 8 if side > 0 else -2
    return [
        [24, 4, top], [36, -8, top - 12], [42, -16, top - 30 + wobble[0]],
        [48, -24, -52], [56, -32, -72 + wobble[1]],
        [36, 2, top + 14], [44, 0, top + 28], [50, 0, top + 44 + wobble[2]],
    ]  # fmt: skip


_TRUNK_PARENT: Final = {5: [-1, 0, 1, 0, 3], 8: [-1, 0, 1, 2, 3, 0, 5, 6]}


def _targets(rng: np.random.Generator, chest: Chest, side: int, count: int) -> Floats:
    """Random end points inside the lung, more of them low down."""
    s = chest.subject
    found = np.zeros((0, 3))
    while len(found) < count:
        x = side * rng.uniform(8, 145 * s.scale[0], 900)
        d = rng.uniform(-92, 92, 900) * s.scale[2]
        z = rng.uniform(-190, 118 * s.scale[1], 900)
        likely = rng.random(900) < 0.40 + 0.60 * np.clip((70 - z) / 150, 0, 1)
        keep = likely & chest.inside(side, x, d, z)
        found = np.concatenate([found, np.stack([x, d, z], 1)[keep]])
    return found[:count].astype(np.float32)


def _grow(
    rng: np.random.Generator, chest: Chest, side: int, kind: tuple[int, float], marking: float
) -> Tree:
    scale = np.asarray(chest.subject.scale, np.float32)[[0, 2, 1]]
    trunk = np.asarray(_trunk(side, kind, rng), np.float32) * scale
    trunk[:, 0] *= side
    targets = _targets(rng, chest, side, kind[0])
    targets = targets[np.argsort(((targets - trunk[0]) ** 2).sum(1))]
    room = len(trunk) + 2 * len(targets)
    nodes = np.zeros((room, 3), np.float32)
    heading = np.zeros((room, 3), np.float32)
    count = len(trunk)
    nodes[:count] = trunk
    parent = list(_TRUNK_PARENT[count])
    for k in range(1, count):
        heading[k] = _unit(nodes[k] - nodes[parent[k]])
    heading[0] = (side, 0, 0)
    shakes = rng.normal(0, 0.06, (len(targets), 3)).astype(np.float32)
    penalty = np.zeros(room, np.float32)
    penalty[0] = 25
    for target, shake in zip(targets, shakes, strict=True):
        way = target - nodes[:count]
        length = np.sqrt((way * way).sum(1)) + np.float32(1e-3)
        cosine = (way * heading[:count]).sum(1) / length
        best = int(np.argmin(length * (1.7 - 0.7 * cosine) + penalty[:count]))
        bend = nodes[best] + 0.5 * way[best] + length[best] * (0.07 * heading[best] + shake)
        nodes[count], nodes[count + 1] = bend, target
        heading[count] = _unit(bend - nodes[best])
        heading[count + 1] = _unit(target - bend)
        parent += [best, count]
        count += 2
    return Tree(nodes, parent, _murray(rng, parent, kind[1], marking))


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / (np.sqrt((vector * vector).sum()) + 1e-6), np.float32)


def _murray(rng: np.random.Generator, parent: list[int], cap: float, marking: float) -> Floats:
    """Radii from the leaves: the parent's power is the sum of its children's."""
    leaves = rng.uniform(0.55, 0.85, len(parent)) * marking
    power = np.zeros(len(parent))
    for k in range(len(parent) - 1, -1, -1):
        if power[k] == 0:
            power[k] = leaves[k] ** _MURRAY
        if parent[k] >= 0:
            power[parent[k]] += power[k]
    return np.minimum(power ** (1 / _MURRAY) * _GAIN, cap).astype(np.float32)


def _draw(out: Floats, tree: Tree, frame: Frame) -> None:
    """Draws every branch as a quadratic Bezier of three straight tubes."""
    child = np.asarray([k for k, p in enumerate(tree.parent) if p >= 0])
    above = np.asarray(tree.parent)[child]
    grand = np.asarray(tree.parent)[above]
    start, end = tree.nodes[above], tree.nodes[child]
    back = np.where(grand[:, None] >= 0, start - tree.nodes[np.maximum(grand, 0)], end - start)
    back = back / (np.sqrt((back * back).sum(1, keepdims=True)) + 1e-6)
    length = np.sqrt(((end - start) ** 2).sum(1, keepdims=True))
    control = (start + end) / 2 + 0.25 * length * (back - (end - start) / (length + 1e-6)) * 0.5
    r0 = np.minimum(tree.radius[above], 1.35 * tree.radius[child])
    steps = np.linspace(0, 1, 4, dtype=np.float32)
    curve = [(1 - t) ** 2 * start + 2 * t * (1 - t) * control + t * t * end for t in steps]
    for k in range(3):
        a, b = curve[k], curve[k + 1]
        span = np.sqrt(((b - a) ** 2).sum(1)) + np.float32(1e-6)
        flat = np.sqrt((b - a)[:, 0] ** 2 + (b - a)[:, 2] ** 2)
        sine = np.maximum(flat / span, 0.35)
        t = (k + 0.5) / 3
        radius = ((1 - t) * r0 + t * tree.radius[child]) * magnification(a[:, 1]) / frame.spacing
        p0 = np.stack(frame.to_pixels(a[:, 0], a[:, 1], a[:, 2]), 1)
        p1 = np.stack(frame.to_pixels(b[:, 0], b[:, 1], b[:, 2]), 1)
        add_tubes(out, p0, p1, radius.astype(np.float32), (1 / sine).astype(np.float32))

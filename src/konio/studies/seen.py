"""What a finished model sees in the films of a study, looked at once and kept beside them.

On these features stand a baseline that was never taught the question on real films (the multi-task study's preset ``real``), and
networks that learn above a backbone without moving it (`konio.studies.kept`).

References:
    docs/decisions/0042, 0045, 0046 and 0047.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from konio.engine import Engine
from konio.errors import BundleError, StudyError, UsageError
from konio.learning.remembered import in_common, learned_films, of_files, of_pixels

if TYPE_CHECKING:
    from konio.learning.store import Store
    from konio.studies.asking import Counting

SEEN: Final = "seen"
#: Films that are looked at in one piece of work.
_CHUNK: Final = 16
_MEASURE: Final = "konio.studies.seen:measure"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """The model whose features are taken.

    Args:
        path: its bundle.
        name: for tables.
        sha256: of its weights.
        side: of the films it looks at.
        channels: of the maps that `konio.features.blocks` describes, the last one at the end.
        learned: the films it has learned from (`konio.learning.remembered`); empty where its bundle does not tell.
    """

    path: str
    name: str
    sha256: str
    side: int
    channels: tuple[int, ...]
    learned: str = ""

    def to_json(self) -> dict[str, str]:
        """``seen_by`` of ``study.json``; where the bundle lies says nothing about the numbers."""
        return {"model": self.name, "sha256": self.sha256}


def onlooker(model: str, cohort: str, films: Sequence[str] = ()) -> Onlooker | None:
    """The model that looks at a study's films, or ``None`` where none is named.

    Args:
        model: name or directory of its bundle; none where empty.
        cohort: fingerprint of the study's films.
        films: their files; those that the model has learned from are known again where its bundle tells them. The same
            films in other files are found by `look`.

    Raises:
        UsageError: if it is no multi-task model of radiographs, or has learned from these films or some of them.
        BundleError: if it cannot be read.
    """
    if not model:
        return None
    from konio.features.blocks import described_channels
    from konio.networks import find_bundle, read_bundle
    from konio.networks.bundle import MULTITASK

    bundle = read_bundle(find_bundle(model))
    if bundle.facts.kind != MULTITASK:
        raise UsageError(
            f"--seen-by needs a multi-task model of radiographs, and {model} is a {bundle.facts.kind!r}; name another"
        )
    if bundle.facts.cohort.get("fingerprint") == cohort:
        raise UsageError(
            f"{model} has learned from the very films that are to be measured; name a model that has not seen them"
        )
    learned = learned_films(bundle.facts.cohort)
    _refuse_learned(model, in_common(learned, lambda: of_files(films)), len(films))
    return Onlooker(
        path=str(bundle.path),
        name=bundle.facts.name,
        sha256=bundle.weights_sha256,
        side=int(bundle.facts.preprocessing["size"]),
        channels=described_channels(bundle.network()),
        learned=learned,
    )


def _refuse_learned(model: str, seen: int, films: int) -> None:
    if seen:
        raise UsageError(
            f"{model} has learned from {seen} of the {films} films that are to be measured; name a model that has not "
            "seen them, or take them out of the table"
        )


def look(out: Path, store: Store, model: Onlooker, engine: Engine, tell: Counting) -> None:
    """Features of every film of a study, once for all trials; what is there is kept.

    Args:
        out: the study's folder; gets one file for so many films in a folder of these weights, and all of them in ``seen.npy``.
        store: the prepared films, also at the model's side.
        model: whose features.
        engine: does the work.
        tell: told pieces done and pieces in all.

    Raises:
        StudyError: if a piece of work fails.
        UsageError: if the model has learned from some of the films, in whatever files they lay then.
    """
    again = in_common(model.learned, lambda: of_pixels(store, model.side))
    _refuse_learned(model.name, again, int(store.ready.sum()))
    target = features_file(out)
    folder = out / SEEN / model.sha256[:12]
    folder.mkdir(parents=True, exist_ok=True)
    common = {"folder": str(store.folder), "side": model.side, "bundle": model.path, "into": str(folder)}  # fmt: skip
    starts = [k for k in range(0, len(store), _CHUNK) if not _part(folder, k).exists()]
    items = [{**common, "first": k, "end": min(k + _CHUNK, len(store))} for k in starts]
    for done, (_, found) in enumerate(engine.run(_MEASURE, items), start=1):
        if not isinstance(found, list):
            raise StudyError(f"{model.name} could not look at the films: {found.reason}")
        tell(done, len(items))
    parts = [np.load(_part(folder, k)) for k in range(0, len(store), _CHUNK)]
    beside = target.with_suffix(".part")
    with beside.open("wb") as file:
        np.save(file, np.concatenate(parts), allow_pickle=False)
    beside.replace(target)


def features_file(out: Path) -> Path:
    """Where the features of a study lie: ``(N, d)`` float16, rows of the cohort."""
    return out / f"{SEEN}.npy"


def measure(item: Mapping[str, Any]) -> list[int]:
    """Features of the films ``first`` to ``end`` (exclusive) of the store in ``folder``, written into a file of ``into``.

    Returns:
        Number of films and of features; rows of refused films are zero.

    Raises:
        BundleError: if the model answers with values that are no numbers.
    """
    import torch

    from konio.features.blocks import block_features
    from konio.learning.store import read_store
    from konio.networks import read_bundle
    from konio.networks.precision import fastest_dtype
    from konio.prepare import zone_weights

    store = read_store(Path(item["folder"]), [item["side"]])
    rows = slice(item["first"], item["end"])
    network = read_bundle(item["bundle"]).network()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.from_numpy(np.array(store.images[item["side"]][rows]))[:, None]
    labels = torch.from_numpy(np.array(store.zones[rows]))
    zones = zone_weights(labels, item["side"] // 32)
    dtype = fastest_dtype("cpu")
    found = []
    for k in range(len(images)):
        seen = (images[k : k + 1].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            found.append(block_features(network, seen, zones[k : k + 1]).float())
    table: NDArray[np.float16] = torch.cat(found).half().numpy()
    table[~store.ready[rows]] = 0
    if not np.isfinite(table).all():
        raise BundleError(
            "the model answers with values that are no numbers; get or train it again"
        )
    target = _part(Path(item["into"]), item["first"])
    beside = target.with_suffix(".part")
    with beside.open("wb") as file:
        np.save(file, table, allow_pickle=False)
    beside.replace(target)
    return list(table.shape)


def _part(folder: Path, first: int) -> Path:
    return folder / f"{first:06d}.npy"

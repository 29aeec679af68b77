"""A bundle comes back as it was written, and an altered one does not come back at all."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from konio.errors import BundleError, UsageError
from konio.networks import bundle as room
from konio.networks.bundle import (
    MULTITASK,
    Bundle,
    BundleFacts,
    find_bundle,
    read_bundle,
    shipped_bundles,
    tasks_json,
    write_bundle,
)
from konio.networks.multitask import MultiTaskNetwork, build_network
from konio.networks.plan import NetworkPlan

PLAN = NetworkPlan(("differential", "zone_ru"), backbone="densenet-mini", hidden=8)


def network() -> MultiTaskNetwork:
    return build_network(PLAN, torch.Generator().manual_seed(0)).eval()


def facts(**changes: Any) -> BundleFacts:
    known = BundleFacts(
        name="made-up",
        kind=MULTITASK,
        architecture=PLAN.to_json(),
        tasks=tasks_json(PLAN.task_set),
        licence="Apache-2.0",
        intended_use="Tests on made-up patients; no clinical claim.",
        preprocessing={"size": 64},
        cohort={"fingerprint": "abc", "cases": 12},
        metrics={"differential": {"accuracy": 0.5}},
        temperatures={"differential": 1.3},
    )
    return dataclasses.replace(known, **changes)


@pytest.fixture
def written(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "made-up", facts(), network().state_dict(), torch.float32)


def test_round_trip(written: Bundle) -> None:
    again = read_bundle(written.path)
    assert again.facts == facts()
    assert again.weights_sha256 == written.weights_sha256
    image, zones = torch.randn(1, 1, 64, 64), torch.rand(1, 6, 2, 2)
    with torch.no_grad():
        truth, found = network()(image, zones), again.network()(image, zones)
    assert all(torch.equal(truth[name], found[name]) for name in truth)
    assert not again.network().training


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_halves_kernels_and_keeps_vectors(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    state = network().state_dict()
    state["backbone.features.norm0.running_var"] = torch.full((16,), 1e6)  # no half holds it
    bundle = write_bundle(tmp_path / "b", facts(), state, dtype)
    assert torch.equal(
        bundle.weights["backbone.features.norm0.running_var"], torch.full((16,), 1e6)
    )
    assert all(v.dtype == torch.float32 for v in bundle.weights.values() if v.is_floating_point())
    name = "backbone.features.conv0.weight"
    assert torch.equal(bundle.weights[name], state[name].to(dtype).float())


def test_writing_twice_gives_the_same_bytes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    bytes_of = []
    for _ in range(2):
        path = write_bundle(tmp_path / "b", facts(), network().state_dict()).path
        bytes_of.append({file.name: file.read_bytes() for file in path.iterdir()})
    assert bytes_of[0] == bytes_of[1]
    assert set(bytes_of[0]) == {"weights.safetensors", "bundle.json", "MODEL_CARD.md"}
    assert [file.name for file in tmp_path.iterdir()] == ["b"]


def test_the_card_says_what_the_facts_say(written: Bundle) -> None:
    card = (written.path / "MODEL_CARD.md").read_text()
    for words in (
        "made-up patients",
        "not for diagnosis",
        "Apache-2.0",
        written.weights_sha256,
        "0/-",
    ):
        assert words in card
    assert "differential.accuracy | 0.5" in card


def test_a_failed_write_leaves_the_old_bundle(
    written: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="space"):
        write_bundle(written.path, facts(licence="MIT"), network().state_dict())
    assert read_bundle(written.path).facts.licence == "Apache-2.0"
    assert [file.name for file in written.path.parent.iterdir()] == ["made-up"]


def test_one_changed_byte_is_found_before_parsing(
    written: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written.path / "weights.safetensors"
    payload = bytearray(file.read_bytes())
    payload[-1] ^= 1
    file.write_bytes(payload)

    def parsed(_: bytes) -> dict[str, torch.Tensor]:
        raise AssertionError("altered weights were parsed")

    monkeypatch.setattr(room, "load", parsed)
    with pytest.raises(BundleError, match="altered"):
        read_bundle(written.path)


@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt", ".pkl", ".PTH"])
def test_pickles_are_refused(written: Bundle, ending: str) -> None:
    extra = written.path / f"weights{ending}"
    extra.write_bytes(b"\x80\x04.")
    for path in (written.path, extra):
        with pytest.raises(BundleError, match="may run code"):
            read_bundle(path)


def edit(path: Path, **changes: Any) -> None:
    document = json.loads((path / "bundle.json").read_text())
    (path / "bundle.json").write_text(json.dumps({**document, **changes}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": "konio.bundle/9"}, "schema"),
        ({"colour": "red"}, "unknown"),
        ({"weights_sha256": "0" * 64}, "altered"),
        ({"architecture": {"tasks": ["mood"]}}, "cannot be built"),
        ({"architecture": {"tasks": ["differential", "zone_ru"], "depth": 3}}, "cannot be built"),
        ({"tasks": {"differential": ["healthy", "ill"]}}, "other classes"),
        ({"kind": "lungs-unet"}, "lungs-unet"),
        ({"architecture": {**PLAN.to_json(), "hidden": 9}}, "do not fit"),
    ],
)
def test_altered_facts_are_refused(written: Bundle, changes: dict[str, Any], why: str) -> None:
    edit(written.path, **changes)
    with pytest.raises(BundleError, match=why):
        read_bundle(written.path).network()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_broken_facts_are_refused(written: Bundle, content: bytes) -> None:
    (written.path / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match="schema"):
        read_bundle(written.path)


def test_weights_that_are_no_safetensors_are_refused(written: Bundle) -> None:
    import hashlib

    payload = b"PK\x03\x04 a zip in disguise"
    (written.path / "weights.safetensors").write_bytes(payload)
    edit(written.path, weights_sha256=hashlib.sha256(payload).hexdigest())
    with pytest.raises(BundleError, match="no safetensors"):
        read_bundle(written.path)


def test_incomplete_and_absent_bundles_are_refused(written: Bundle, tmp_path: Path) -> None:
    (written.path / "weights.safetensors").unlink()
    for path in (written.path, tmp_path / "nowhere"):
        with pytest.raises(BundleError, match="bundle"):
            read_bundle(path)


def test_other_directories_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="no bundle"):
        write_bundle(tmp_path, facts(), network().state_dict())


def test_facts_that_are_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no JSON"):
        write_bundle(tmp_path / "b", facts(metrics={"auc": float("nan")}), network().state_dict())
    assert list(tmp_path.iterdir()) == []


def test_bundles_are_found_by_name_or_path(written: Bundle) -> None:
    assert find_bundle(written.path) == written.path
    for name, path in shipped_bundles().items():
        assert find_bundle(name) == path
    with pytest.raises(UsageError, match="shipped"):
        find_bundle("no-such-model")

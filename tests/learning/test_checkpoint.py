import math

import pytest
import torch

from konio.errors import OutputError, RecipeError
from konio.learning.checkpoint import SafetensorsIO

STATE = {
    "konio": {"step": 7, "best": math.inf, "words": ["a", None, True]},
    "optimizer_states": [{"state": {0: {"exp_avg": torch.arange(6.0).view(2, 3)}}, "groups": [{"betas": (0.9, 0.999)}]}],
    "state_dict": {"w": torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last), "n": torch.tensor(3)},
}  # fmt: skip


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and all(map(same, one, other))
    return one == other


def test_round_trip_keeps_types_keys_and_bits(tmp_path):
    SafetensorsIO().save_checkpoint(STATE, tmp_path / "deep" / "s.safetensors")
    assert same(STATE, SafetensorsIO().load_checkpoint(tmp_path / "deep" / "s.safetensors"))
    assert [f.name for f in (tmp_path / "deep").iterdir()] == ["s.safetensors"]


def test_nothing_that_could_carry_code_is_written(tmp_path):
    with pytest.raises(TypeError, match="tensors, numbers and words"):
        SafetensorsIO().save_checkpoint({"f": print}, tmp_path / "s.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_last_state(tmp_path):
    path = tmp_path / "s.safetensors"
    SafetensorsIO().save_checkpoint({"konio": {"step": 1}}, path)
    (tmp_path / "s.safetensors.part").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        SafetensorsIO().save_checkpoint({"konio": {"step": 2}}, path)
    assert SafetensorsIO().load_checkpoint(path)["konio"]["step"] == 1


@pytest.mark.parametrize("content", [b"", b"not a state", b"\x80\x04K\x01."])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "s.safetensors"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="no saved state"):
        SafetensorsIO().load_checkpoint(path)

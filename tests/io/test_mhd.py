"""MetaImage volumes: written and read again, slab by slab, raw and compressed, and hostile headers refused."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from konio.errors import OutputError, RecordError, RefusedError, UsageError
from konio.io import Grid, Volume, open_ct, open_mhd, write_mhd
from konio.io.inflate import Inflated

TURNED = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))


def voxels(shape=(12, 20, 30)):
    return np.random.default_rng(2).integers(-1000, 1500, shape).astype(np.int16)


@pytest.fixture(params=[False, True], ids=["raw", "zraw"])
def written(request, tmp_path):
    pixels = voxels()
    grid = Grid(pixels.shape, (10.5, -20.25, -300.0), (0.7, 0.8, 1.25), TURNED)
    path = write_mhd(tmp_path / "scan.mhd", pixels, grid, compressed=request.param, synthetic=True)
    return path, pixels, grid


def test_writing_and_reading_gives_the_same_volume(written):
    path, pixels, grid = written
    volume = open_ct(path)
    assert volume.grid == grid
    assert volume.notes == ("SYNTHETIC",)
    image = volume.image()
    assert image.kind == "ct"
    assert image.spacing_mm == (1.25, 0.8, 0.7)
    assert np.array_equal(image.pixels, np.maximum(pixels, -1024))
    assert len(image.source.sha256) == 64


@pytest.mark.parametrize(
    "box",
    [
        (slice(0, 1), slice(None), slice(None)),
        (slice(7, 11), slice(3, 9), slice(20, 30)),
        (slice(-2, None), slice(0, 1), slice(29, 30)),
    ],
)
def test_a_box_is_the_part_of_the_whole(written, box):
    path, pixels, _ = written
    volume = open_mhd(path)
    assert np.array_equal(volume.box(*box), pixels[box])
    assert np.array_equal(volume.box(*box), pixels[box])  # again, from a kept state


def test_an_empty_box_is_wrong_usage(written):
    with pytest.raises(UsageError, match="no voxel"):
        open_mhd(written[0]).box(slice(3, 3), slice(None), slice(None))


def test_padding_below_air_is_air(tmp_path):
    pixels = np.full((2, 3, 4), -3024, np.int16)
    path = write_mhd(tmp_path / "p.mhd", pixels, Grid((2, 3, 4), (0, 0, 0), (1, 1, 1)))
    assert open_mhd(path).image().pixels.max() == -1024


def test_a_slab_of_a_compressed_scan_costs_no_more_than_itself(tmp_path):
    pixels = np.zeros((120, 256, 256), np.int16)
    pixels[100] = 7
    path = write_mhd(
        tmp_path / "big.mhd", pixels, Grid(pixels.shape, (0, 0, 0), (1, 1, 1)), compressed=True
    )
    volume = open_mhd(path)
    tracemalloc.start()
    slab = volume.box(slice(98, 103), slice(0, 64), slice(0, 64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [int(part.max()) for part in slab] == [0, 0, 7, 0, 0]
    assert peak < 6 * 2**20  # the whole scan is 15 MiB


def test_kept_states_lead_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("konio.io.inflate._APART", 1000)
    content = np.random.default_rng(3).bytes(400_000)
    file = tmp_path / "stream"
    file.write_bytes(b"head" + zlib.compress(content))
    stream = Inflated(file, 4, len(content))
    for position, length in ((399_000, 1000), (5, 10), (123_456, 70_000), (0, 400_000)):
        target = bytearray(length)
        stream.into(memoryview(target), position)
        assert bytes(target) == content[position : position + length]


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("MET_UCHAR", "u1"),
        ("MET_USHORT", "u2"),
        ("MET_INT", "i4"),
        ("MET_FLOAT", "f4"),
        ("MET_SHORT", ">i2"),
    ],
)
def test_other_element_types_and_byte_orders(tmp_path, kind, numbers):
    values = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a.raw").write_bytes(values.astype(numbers).tobytes())
    (tmp_path / "a.mhd").write_text(
        header(ElementType=kind, BinaryDataByteOrderMSB=str(numbers.startswith(">")))
    )
    assert np.array_equal(open_mhd(tmp_path / "a.mhd").image().pixels, values)


def test_voxels_in_the_header_s_own_file(tmp_path):
    values = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    path = tmp_path / "a.mha"
    path.write_bytes(header(ElementDataFile="LOCAL").encode() + values.tobytes())
    assert np.array_equal(open_ct(path).image().pixels, values)


def test_the_matrix_holds_one_row_for_each_axis(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(48))
    (tmp_path / "a.mhd").write_text(header(TransformMatrix="0 1 0 0 0 1 1 0 0"))
    grid = open_mhd(tmp_path / "a.mhd").grid
    assert grid.to_world([0, 0, 1]).tolist() == [0, 1, 0]  # the array's x axis is the world's y
    assert grid.to_world([1, 0, 0]).tolist() == [1, 0, 0]


def header(**changes: str) -> str:
    keys = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "0 0 0",
        "ElementSpacing": "1 1 1", "DimSize": "4 3 2", "ElementType": "MET_SHORT", "ElementDataFile": "a.raw",
    }  # fmt: skip
    last = {"ElementDataFile": changes.pop("ElementDataFile", keys.pop("ElementDataFile"))}
    return "".join(f"{key} = {value}\n" for key, value in {**keys, **changes, **last}.items())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"NDims": "2"}, "bad-header"),
        ({"DimSize": "4 3"}, "bad-header"),
        ({"DimSize": "4 3 nan"}, "bad-header"),
        ({"DimSize": "0 3 2"}, "bad-header"),
        ({"DimSize": "100000 100000 100000"}, "too-large"),
        ({"DimSize": "4 3 20"}, "truncated"),
        ({"ElementType": "MET_OTHER"}, "bad-header"),
        ({"ElementNumberOfChannels": "3"}, "bad-header"),
        ({"HeaderSize": "-1"}, "bad-header"),
        ({"ElementDataFile": "../a.raw"}, "bad-header"),
        ({"ElementDataFile": "/etc/hostname"}, "bad-header"),
        ({"ElementDataFile": "other.raw"}, "no-pixels"),
        ({"ElementSpacing": "1 1 0"}, "bad-header"),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "bad-header"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, changes, code):
    (tmp_path / "a.raw").write_bytes(bytes(48))
    (tmp_path / "a.mhd").write_text(header(**changes))
    with pytest.raises(RefusedError) as refused:
        open_mhd(tmp_path / "a.mhd")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing"), (b"", "empty"), (b"x = 1\n", "bad-header")]
)
def test_what_is_no_header_is_refused(tmp_path, content, code):
    path = tmp_path / "a.mhd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RefusedError) as refused:
        open_ct(path)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "code"), [(zlib.compress(bytes(20)), "truncated"), (b"nonsense" * 9, "decode-failed")]
)
def test_a_damaged_stream_is_refused(tmp_path, data, code):
    (tmp_path / "a.zraw").write_bytes(data)
    (tmp_path / "a.mhd").write_text(header(CompressedData="True", ElementDataFile="a.zraw"))
    with pytest.raises(RefusedError) as refused:
        open_mhd(tmp_path / "a.mhd").image()
    assert refused.value.code == code


def test_only_what_fits_is_written(tmp_path):
    grid = Grid((2, 3, 4), (0, 0, 0), (1, 1, 1))
    with pytest.raises(RecordError, match="int16"):
        write_mhd(tmp_path / "a.mhd", np.zeros((2, 3, 4), np.float32), grid)
    with pytest.raises(OutputError, match="cannot be written"):
        write_mhd(tmp_path / "no" / "a.mhd", np.zeros((2, 3, 4), np.int16), grid)
    with pytest.raises(UsageError, match="on that grid"):
        Volume.from_array(np.zeros((2, 3, 5), np.int16), grid)


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    grid = Grid((12, 20, 30), (0, 0, 0), (1, 1, 1))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_mhd(tmp_path / name / "s.mhd", voxels(), grid, compressed=True)
    read = [
        [(tmp_path / name / f"s.{end}").read_bytes() for end in ("mhd", "zraw")] for name in "ab"
    ]
    assert read[0] == read[1]


@pytest.mark.data
def test_all_headers_of_luna16(real: Path):
    from konio.nodules import read_grids

    grids = read_grids(real / "luna16" / "mhd-headers.zip")
    assert len(grids) == 888
    turned = [grid for grid in grids.values() if np.allclose(grid.matrix, np.array(TURNED))]
    assert len(turned) == 14
    assert all(grid.shape[1:] == (512, 512) for grid in grids.values())

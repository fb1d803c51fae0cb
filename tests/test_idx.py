"""What nnlib.idx promises: the right bytes of every type, or a clear error, whatever the file."""

import gzip
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from memory import peak_memory
from mnist_files import CODES, idx

from nnlib.idx import read_idx

MIB = 1 << 20


SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0)


@given(st.sampled_from(sorted(CODES)).flatmap(lambda t: hnp.arrays(t, SHAPES)), st.booleans())
def test_an_idx_file_comes_back_as_it_was_written(array, zipped):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any name"
        path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
        found = read_idx(path)
        assert found.dtype == array.dtype
        assert found.dtype.isnative
        assert found.shape == array.shape
        assert found.tobytes() == array.tobytes()  # NaN too
        found[...] = 1  # it is the caller's own


@pytest.mark.parametrize(
    ("code", "entries", "expected"),
    [
        (0x08, "00 7f 80 ff", np.array([0, 127, 128, 255], np.uint8)),
        (0x09, "00 7f 80 ff", np.array([0, 127, -128, -1], np.int8)),
        (0x0B, "00 01 7f ff 80 00 ff fe", np.array([1, 32767, -32768, -2], np.int16)),
        (0x0C, "00 00 00 01 ff ff ff fe 80 00 00 00", np.array([1, -2, -(2**31)], np.int32)),
        (0x0D, "3f 80 00 00 c0 20 00 00", np.array([1, -2.5], np.float32)),
        (0x0E, "3f f0 00 00 00 00 00 00 c0 04 00 00 00 00 00 00", np.array([1, -2.5])),
    ],
)
def test_each_type_of_entries_is_read_highest_byte_first(tmp_path, code, entries, expected):
    path, count = tmp_path / "file", len(expected)
    path.write_bytes(bytes([0, 0, code, 1, 0, 0, 0, count]) + bytes.fromhex(entries))
    found = read_idx(path)
    assert found.dtype == expected.dtype
    assert found.dtype.isnative
    assert found.tolist() == expected.tolist()


LABELS = idx(np.arange(10, dtype=np.uint8))
ZIPPED = gzip.compress(LABELS, mtime=0)
FLOATS = idx(np.arange(10.0))
HUGE = bytes([0, 0, 8, 3]) + b"\xff" * 12
CLAIMS_A_GIB = bytes([0, 0, 8, 1]) + (1 << 30).to_bytes(4, "big")
CLAIMS_MORE = bytes([0, 0, 14, 1]) + (1 << 30).to_bytes(4, "big")  # 8 GiB, as float64

BAD_FILES = {
    "empty": b"",
    "only a magic number": LABELS[:4],
    "cut in its shape": LABELS[:6],
    "cut in its entries": LABELS[:-1],
    "too long": LABELS + b"\0",
    "a web page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "labels as text": b"5\n0\n4\n1\n9\n",
    "no type": b"\0\0\x0a" + LABELS[3:],
    "little-endian": LABELS[3::-1] + LABELS[4:],
    "four bytes too few for floats": b"\0\0\x0d" + LABELS[3:],
    "floats cut within the last": FLOATS[:-3],
    "floats too long": FLOATS + b"\0",
    "8 GiB in 8 bytes": CLAIMS_MORE,
    "no dimensions": bytes([0, 0, 8, 0, 7]),
    "255 dimensions": bytes([0, 0, 8, 255]) + bytes([0, 0, 0, 1]) * 255 + b"\7",
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "zeros": bytes(5000),
    "more entries than int64 counts": HUGE + bytes(100),
    "no entries in a shape that overflows": bytes([0, 0, 8, 3]) + bytes(4) + b"\xff" * 8,
    "a GiB in 8 bytes": CLAIMS_A_GIB,
    "a pickle": b"\x80\x04\x95" + bytes(30),
    "gzip: empty": gzip.compress(b""),
    "gzip: a web page": gzip.compress(b"<html>" * 30),
    "gzip: cut entries": gzip.compress(LABELS[:-1]),
    "gzip: too long": gzip.compress(LABELS + b"\0"),
    "gzip: huge": gzip.compress(HUGE + bytes(100)),
    "gzip: a GiB in 8 bytes": gzip.compress(CLAIMS_A_GIB),
    "gzip: only a magic number": ZIPPED[:2],
    "gzip: cut header": ZIPPED[:7],
    "gzip: cut stream": ZIPPED[:-9],
    "gzip: no checksum": ZIPPED[:-8],
    "gzip: wrong checksum": ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:],
    "gzip: wrong length": ZIPPED[:-4] + bytes([ZIPPED[-4] ^ 1]) + ZIPPED[-3:],
    "gzip: wrong block": ZIPPED[:10] + b"\xff" + ZIPPED[11:],
    "gzip: something behind": ZIPPED + b"something",
    "gzip: twice": gzip.compress(ZIPPED),
    "gzip: the file twice over": ZIPPED + ZIPPED,
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_by_name_with_what_is_due_and_what_was_found(tmp_path, content):
    path = tmp_path / "some labels"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^read_idx: .*some labels must .*; got .+") as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_errors_say_found_and_expected_in_numbers(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(LABELS[:-3])
    with pytest.raises(ValueError, match=r"must hold 10 entries, for its shape \(10,\); got 7\."):
        read_idx(path)
    path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"00 00 08 .*; got 3c 68 74 6d\. Is it a web page"):
        read_idx(path)
    path.write_bytes(b"\0\0\x0a" + LABELS[3:])
    types = "08, 09, 0b, 0c, 0d, 0e"
    with pytest.raises(ValueError, match=rf"a type of {types} .*; got 00 00 0a 01\. Download"):
        read_idx(path)
    path.write_bytes(FLOATS[:-3])
    with pytest.raises(ValueError, match=r"must hold 10 entries, for its shape \(10,\); got 9\."):
        read_idx(path)
    path.write_bytes(CLAIMS_MORE)
    with pytest.raises(ValueError, match=r"at most 134,217,728 entries; got shape \(1073741824,"):
        read_idx(path)


@pytest.mark.parametrize("content", [LABELS, FLOATS, ZIPPED], ids=["plain", "floats", "gzip"])
def test_every_cut_is_noticed(tmp_path, content):
    path = tmp_path / "labels"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"^read_idx: "):
            read_idx(path)


def test_no_flipped_bit_in_a_gzip_file_changes_an_entry_unnoticed(tmp_path):
    path, right = tmp_path / "labels", np.arange(10)
    refused = 0
    for position in range(len(ZIPPED)):
        for bit in range(8):
            content = bytearray(ZIPPED)
            content[position] ^= 1 << bit
            path.write_bytes(content)
            try:
                assert np.array_equal(read_idx(path), right)  # the time stamp, say
            except ValueError:
                refused += 1
    assert refused > 4 * len(ZIPPED)


def test_a_gzip_bomb_is_read_no_further_than_its_header_says(tmp_path):
    path, deflate = tmp_path / "bomb", zlib.compressobj(1, wbits=31)
    pieces = [deflate.compress(LABELS), *(deflate.compress(bytes(MIB)) for _ in range(96))]
    path.write_bytes(b"".join([*pieces, deflate.flush()]))
    assert path.stat().st_size < MIB

    def explode():
        with pytest.raises(ValueError, match=r"must hold 10 entries.*; got more"):
            read_idx(path)

    assert peak_memory(explode) < 8 * MIB


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "claim", [HUGE, CLAIMS_A_GIB, CLAIMS_MORE], ids=["overflowing", "a GiB", "8 GiB"]
)
def test_nothing_is_allocated_for_entries_that_are_only_claimed(tmp_path, claim, pack):
    path = tmp_path / "huge"
    path.write_bytes(pack(claim + bytes(1000)))

    def read():
        with pytest.raises(ValueError, match=r"^read_idx: "):
            read_idx(path)

    assert peak_memory(read) < 4 * MIB


def test_a_path_that_is_no_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^read_idx: .*nowhere: no such file"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError, match=r"^read_idx: .*got the folder") as caught:
        read_idx(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("path", [None, 3, b"labels", ["labels"], np.zeros(3)])
def test_what_is_no_path_is_a_type_error(path):
    with pytest.raises(TypeError, match=r"^read_idx: path must be a path; got "):
        read_idx(path)

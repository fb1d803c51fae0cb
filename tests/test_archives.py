"""What nnlib.archives promises: nothing is read that was not looked at, nothing half is seen."""

import io
import struct
import zipfile

import numpy as np
import pytest

from nnlib import archives
from nnlib.archives import Archive, packed

ARRAYS = {
    "theta": np.arange(5.0, dtype="f"),
    "table": np.arange(6.0).reshape(2, 3),
    "turned": np.arange(6.0).reshape(2, 3).T,
    "empty": np.zeros((0, 3)),
    "t": 7,
    "flag": True,
    "words": "été",
}


def test_what_is_packed_is_read_again_here_and_by_numpy():
    content = packed(ARRAYS)
    archive = Archive(io.BytesIO(content))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert set(file.files) == set(archive.kinds) == set(ARRAYS)
        for name, value in ARRAYS.items():
            kind = archives.kind_of(value)
            assert archive.kinds[name] == kind
            for got in (archive[name], file[name]):
                np.testing.assert_array_equal(got, value, strict=kind.shape != ())
    assert packed(ARRAYS) == content


def test_objects_are_not_packed():
    with pytest.raises(ValueError, match="allow_pickle=False"):
        packed({"a": np.array([{}])})


def header_of(text):
    """An npy file with this header and no numbers."""
    text = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def zipped(*members, **options):
    """A zip of these pairs of name and content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"
SIXTY_THOUSAND = GOOD % "0," + " " * 60_000
BAD = {
    "two of one name": ((("a.npy", b""), ("a", b"")), "two of its arrays have one name"),
    "many": ([(str(k), b"") for k in range(archives.MOST + 1)], "more than 1000"),
    "no header": ((("a.npy", b"hello, world"),), "its a has no header that can be read"),
    "half a header": ((("a.npy", header_of(GOOD % "3,")[:40]),), "its a has no header that can"),
    "a long header": ((("a.npy", header_of(SIXTY_THOUSAND)),), "its a has no header that can"),
    "a call": ((("a.npy", header_of("exit()")),), "its a has no header that can be read"),
    "another version": ((("a.npy", b"\x93NUMPY\x03\x00" + bytes(99)),), "its a has no header"),
    "too short": ((("a.npy", header_of(GOOD % "3,")),), "its a is not as long as it says"),
    "huge": ((("a.npy", header_of(GOOD % "10**9,")),), "its a"),
    "overflow": ((("a.npy", header_of(GOOD % f"{2**62}, {2**62},")),), "its a is not as long"),
    "negative": ((("a.npy", header_of(GOOD % "-1,")),), "its a is not as long as it says"),
    "objects": ((("a.npy", header_of(GOOD.replace("<f8", "O") % "1,")),), "Python objects"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("members", "reason"), BAD.values(), ids=BAD)
def test_what_numpy_has_not_written_so_is_refused_by_its_header(members, reason):
    with pytest.raises(ValueError, match=reason) as raised:
        Archive(zipped(*members))
    assert "allow" not in str(raised.value)


def test_what_is_compressed_is_refused():
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(9))
    with pytest.raises(ValueError, match="its a is compressed"):
        Archive(file)


def test_a_flipped_number_is_found_by_its_checksum():
    content = bytearray(packed({"a": np.zeros(100)}))
    content[content.index(b"NUMPY") + 300] ^= 1
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        Archive(io.BytesIO(content))["a"]

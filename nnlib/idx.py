"""IDX, the format of MNIST: a shape and a type, then the entries; untrusted to the last byte."""

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nnlib.checks import Array, as_path

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
PIECE = 1 << 16  # bytes read at a time
LARGEST = 1 << 30  # bytes that a file may claim; the training images have 47 million


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array in an IDX file, plain or gzipped, whatever the file is called.

    IDX: two zero bytes, the type (8 for unsigned bytes, 9 signed, 11 and 12 for integers of two
    and four bytes, 13 and 14 for floats of four and eight), the number of dimensions, each
    dimension in four bytes, and the entries; highest byte first throughout. The array has this
    machine's own byte order. No more is read or allocated than the header calls for.

    Errors   FileNotFoundError, IsADirectoryError; ValueError for a file that is not exactly so.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     three_labels = Path(folder) / "labels"
    ...     _ = three_labels.write_bytes(bytes([0, 0, 8, 1] + [0, 0, 0, 3] + [5, 0, 4]))
    ...     read_idx(three_labels)
    array([5, 0, 4], dtype=uint8)
    """
    path = as_path("read_idx", "path", path)
    if path.is_dir():
        raise IsADirectoryError(f"read_idx: path must be an IDX file; got the folder {path}.")
    if not path.exists():
        raise FileNotFoundError(f"read_idx: path must be an IDX file; got {path}: no such file.")
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return read_stream(gzip.GzipFile(fileobj=file) if zipped else file, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"read_idx: {path} must be a whole gzip file; got one that is broken: {error}. "
                "Download it again."
            ) from error


def read_stream(file: Any, path: Path) -> Array:
    """The array in an open IDX file; path is what errors call it."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= 32:
        types = ", ".join(f"{code:02x}" for code in TYPES)
        text = "Is it a web page or another text saved by that name?"
        raise ValueError(
            f"read_idx: {path} must begin as an IDX file does, 00 00, a type of {types} and the "
            f"number of dimensions, so 00 00 08 03 for images; got {magic.hex(' ') or 'nothing'}. "
            + ("Download it again." if magic[:2] == b"\0\0" else text)
        )
    dtype = np.dtype(TYPES[magic[2]])
    dims = file.read(4 * magic[3])
    shape = tuple(int.from_bytes(dims[i : i + 4], "big") for i in range(0, 4 * magic[3], 4))
    cut = len(dims) < 4 * magic[3]
    if cut or math.prod(max(d, 1) for d in shape) * dtype.itemsize > LARGEST:
        most = LARGEST // dtype.itemsize
        raise ValueError(
            f"read_idx: {path} must have {magic[3]} dimensions and at most {most:,} entries; "
            f"got {'a file cut before its shape' if cut else f'shape {shape}'}. Download it again."
        )
    size, content = math.prod(shape) * dtype.itemsize, bytearray()
    for piece in pieces(file, size + 1):
        content += piece
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content) // dtype.itemsize:,}"
        raise ValueError(
            f"read_idx: {path} must hold {math.prod(shape):,} entries, for its shape {shape}; "
            f"got {found}. Download it again."
        )
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def pieces(file: Any, most: int) -> Iterator[bytes]:
    """What an open file holds, piece by piece, and no more than so many bytes of it."""
    while most and (piece := file.read(min(PIECE, most))):
        most -= len(piece)
        yield piece

"""Arrays in one file: written whole or not at all, looked at before they are read, no pickles."""

import io
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from nnlib.checks import Array, Shape

PART = ".nnlib-{}.part"  # a file on its way: a name of its own, short enough in any folder
MOST = 1000  # arrays in a file
ABANDONED = 3600  # seconds after which nobody is still writing it


class Kind(NamedTuple):
    """What a file says of an array before its numbers."""

    dtype: np.dtype
    shape: Shape

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


def kind_of(value: Any) -> Kind:
    """The kind of an array or a number.

    >>> str(kind_of(1.5))
    'float64 ()'
    """
    return Kind(np.asarray(value).dtype, np.shape(value))


class Zip(ZipFile):
    """A zip that is dropped as an interrupt leaves it: completing it would raise another error.

    Deleting it runs no line of Python, in which an interrupt would be lost.
    """

    __del__ = object  # type: ignore[assignment]


class Archive:
    """An .npz file open for reading: its kinds are known before any array is read.

    Errors   ValueError for a file that np.savez has not written so: compressed, with a name twice,
             with Python objects, or where an array is not as long as its header says.

    >>> archive = Archive(io.BytesIO(packed({"a": np.ones(3)})))
    >>> str(archive.kinds["a"]), archive["a"]
    ('float64 (3,)', array([1., 1., 1.]))
    """

    def __init__(self, file: Any) -> None:
        self.zip = Zip(file)
        members = self.zip.infolist()
        self.members = {info.filename.removesuffix(".npy"): info for info in members}
        if len(members) > MOST:
            raise ValueError(f"it holds {len(members)} arrays, more than {MOST}")
        if len(self.members) < len(members):
            raise ValueError("two of its arrays have one name")
        self.kinds = {name: self.kind(name) for name in self.members}

    def kind(self, name: str) -> Kind:
        """Type and shape of an array, from its header."""
        info = self.members[name]
        if info.compress_type != ZIP_STORED:
            raise ValueError(f"its {name} is compressed")
        with self.zip.open(info) as member:
            try:
                version = np.lib.format.read_magic(member)
                shape, _, dtype = np.lib.format.read_array_header_1_0(member)
            except ValueError as error:  # whose advice may be to trust the file
                raise ValueError(f"its {name} has no header that can be read") from error
            if version != (1, 0):
                raise ValueError(f"its {name} is of another version")
            if dtype.hasobject:
                raise ValueError(f"its {name} holds Python objects, which are never loaded")
            if info.file_size != member.tell() + math.prod(shape) * dtype.itemsize:
                raise ValueError(f"its {name} is not as long as it says")
        return Kind(dtype, shape)

    def __getitem__(self, name: str) -> Array:
        """An array, true to its checksum."""
        with self.zip.open(self.members[name]) as member:
            return np.lib.format.read_array(member, allow_pickle=False)


def packed(arrays: dict[str, Any]) -> bytes:
    """Arrays as the content of an .npz file, which np.load reads."""
    content = io.BytesIO()
    archive = Zip(content, "w", ZIP_STORED)
    for name, value in arrays.items():
        member = io.BytesIO()
        np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
        archive.writestr(ZipInfo(f"{name}.npy"), member.getvalue())
    archive.close()
    return content.getvalue()


def put(where: str, path: Path, content: bytes) -> None:
    """Write a file that a user has named, through a link, or say why that cannot be done."""
    target = Path(os.path.realpath(path))
    due = f"{where}: path must be a file that can be written; got {path}"
    if os.path.isdir(target):
        raise IsADirectoryError(f"{due}, a folder.")
    if os.path.lexists(target) and not os.path.isfile(target):
        raise OSError(f"{due}, which is no regular file.")
    try:
        write(target, content)
    except OSError as error:
        raise type(error)(f"{due}: {error.strerror or error}.") from error


def write(path: Path, content: bytes) -> None:
    """Give a file this content, or leave all as it is; nobody ever sees a part of it.

    Errors   OSError with the cause.
    """
    part = path.parent / PART.format(uuid4().hex)
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()
    clear_away(path.parent)


def clear_away(folder: Path) -> None:
    """Remove what processes that were killed have left half-written."""
    for part in folder.glob(PART.format("*")):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - ABANDONED:
                part.unlink()


def refuse_place(where: str, path: Path) -> None:
    """Refuse a path behind which there is no file to read."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{where}: {path} is a folder; give the file.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{where}: there is no file {path}.")
    if not os.path.isfile(path):
        raise OSError(f"{where}: {path} is no regular file.")
    if not os.access(path, os.R_OK):
        raise PermissionError(f"{where}: {path} cannot be read: permission denied.")


@contextmanager
def only_damage(where: str, path: Path, what: str) -> Iterator[None]:
    """What fails here is the fault of a file that should be what is said."""
    try:
        yield
    except Exception as error:
        reason = str(error)[:100].rstrip(".") or type(error).__name__
        raise ValueError(f"{where}: {path} is not {what}, or is damaged: {reason}.") from error

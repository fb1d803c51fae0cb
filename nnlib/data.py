"""Images of digits, bundled or MNIST, and what turns them into the arrays that a network takes.

``load_digits()`` always works. ``load_mnist()`` reads the four MNIST files from a folder and never
touches the network; ``python -m nnlib.data fetch`` downloads them once.
"""

import argparse
import errno
import gzip
import hashlib
import io
import math
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, Rng, as_path, class_numbers, float_dtype, generator, whole_number
from nnlib.progress import progress_bar

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {  # of the official files, in the order of Images
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
MNIST_FILES = ", ".join(MNIST_SHA256)
DIGITS = Path(__file__).parent / "assets" / "digits.npz"
DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"
DIGITS_COUNTS = (1500, 297)  # training, test

PIECE = 1 << 20  # bytes read at a time
LARGEST = 1 << 30  # bytes of pixels that an IDX file may claim; the training images have 47 million


# -- Images ---------------------------------------------------------------------------------------


class Images(NamedTuple):
    """Images, uint8 (N, height, width), and labels, int64 (N,), to train on and to test with.

    >>> x_train, labels_train, x_test, labels_test = load_digits()
    """

    x_train: Array
    labels_train: Array
    x_test: Array
    labels_test: Array

    @property
    def bundled(self) -> bool:
        """Whether these are the digits that come with nnlib, as they are or enlarged."""
        return (len(self.x_train), len(self.x_test)) == DIGITS_COUNTS


def load_digits() -> Images:
    """The 1,797 bundled digits of 8x8 pixels, 0 (ground) to 16 (ink): UCI, CC BY 4.0.

    The first 1,500 are for training, the last 297 for testing. They are not shuffled: one writer's
    images stand together, and a shuffled split would test on hands that it was trained on.

    Errors   ValueError when the bundled file was altered.

    >>> digits = load_digits()
    >>> digits.x_train.shape, digits.x_test.shape, digits.labels_train[:5]
    ((1500, 8, 8), (297, 8, 8), array([0, 1, 2, 3, 4]))
    """
    check_sha256("load_digits", DIGITS, DIGITS_SHA256, "Install nnlib again.")
    with np.load(DIGITS, allow_pickle=False) as stored:
        x, labels = stored["images"], stored["labels"].astype(np.int64)
    train = DIGITS_COUNTS[0]
    return Images(x[:train], labels[:train], x[train:], labels[train:])


def load_mnist(folder: str | os.PathLike[str] | None = None) -> Images:
    """MNIST from this computer, never from the network; the digits, enlarged, where it is not.

    Looks for the four files, as served or uncompressed, in ``folder``, or else in the folder that
    the environment variable NNLIB_MNIST names. A folder so named is the user's own: Fashion-MNIST's
    or KMNIST's files will do, and nothing replaces files that are missing. If none is named, the
    files that ``fetch`` downloaded are read, and their checksums verified; failing these, the
    result is the bundled digits at 28x28, 0 to 255, and a sentence that says so.

    Errors   FileNotFoundError that lists the four files, ValueError for a file that is not right.

    >>> load_mnist("no-such-folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: load_mnist: folder must hold train-images-idx3-ubyte.gz, ...
    """
    if folder is None:
        folder = os.environ.get("NNLIB_MNIST") or None
    if folder is not None:
        return read_folder(as_path("load_mnist", "folder", folder))
    cached = {cache_folder() / name: sha256 for name, sha256 in MNIST_SHA256.items()}
    if all(path.exists() for path in cached):
        for path, sha256 in cached.items():
            check_sha256("load_mnist", path, sha256, "Run python -m nnlib.data fetch again.")
        return read_folder(cache_folder())
    print(
        "MNIST is not on this computer, so these are the 1,797 bundled digits, enlarged to 28x28; "
        "`make mnist` or `python -m nnlib.data fetch` gets the real ones."
    )
    digits = load_digits()
    return digits._replace(x_train=enlarged(digits.x_train), x_test=enlarged(digits.x_test))


def enlarged(x: Array) -> Array:
    """8x8 pixels of 0..16 as 28x28 of 0..255: bilinear, three times as large, in a black border.

    Pixel i of 24 lies at (i - 1) / 3 between the 8. Counted in thirds, all of it is whole numbers,
    so every machine gets the same bytes.
    """
    at = np.clip(np.arange(24) - 1, 0, 21)[:, None]
    thirds = np.pad(np.maximum(0, 3 - abs(at - 3 * np.arange(8))), ((2, 2), (0, 0)))  # (28, 8)
    ninths = thirds @ x @ thirds.T
    return ((255 * ninths + 72) // (9 * 16)).astype(np.uint8)  # + 72: to the nearest


def read_folder(folder: Path) -> Images:
    """The four files of a folder, when they have the structure of MNIST."""
    served = [folder / name for name in MNIST_SHA256]
    paths = [path if path.exists() else path.with_suffix("") for path in served]
    missing = ", ".join(name for name, path in zip(MNIST_SHA256, paths) if not path.exists())
    if missing:
        raise FileNotFoundError(
            f"load_mnist: folder must hold {MNIST_FILES}, or these without .gz; "
            f"got {folder}, which lacks {missing}."
        )
    x_train, labels_train, x_test, labels_test = arrays = [read_idx(path) for path in paths]
    for path, a, dimensions in zip(paths, arrays, (3, 1, 3, 1)):
        if a.ndim != dimensions:
            raise ValueError(
                f"load_mnist: {path} must have {dimensions} dimensions; got shape {a.shape}. "
                "Were images and labels exchanged?"
            )
    for images, labels, path in (x_train, labels_train, paths[1]), (x_test, labels_test, paths[3]):
        if len(images) != len(labels):
            raise ValueError(
                f"load_mnist: {path} must have a label for each of {len(images)} images; "
                f"got {len(labels)}. Are all four files of one set?"
            )
        class_numbers("load_mnist", f"labels in {path}", labels, 10)
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ValueError(
            f"load_mnist: {paths[2]} must have images of {x_train.shape[1:]}, like those to train "
            f"on; got {x_test.shape[1:]}. Are all four files of one set?"
        )
    return Images(x_train, labels_train.astype(np.int64), x_test, labels_test.astype(np.int64))


# -- Files ----------------------------------------------------------------------------------------


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The uint8 array in an IDX file, plain or gzipped, whatever the file is called.

    IDX: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension in four
    bytes, highest first, and the entries. No more is read or allocated than that calls for.

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
            return read_idx_stream(gzip.GzipFile(fileobj=file) if zipped else file, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"read_idx: {path} must be a whole gzip file; got one that is broken: {error}. "
                "Download it again."
            ) from error


def read_idx_stream(file: io.BufferedIOBase, path: Path) -> Array:
    """The array in an open IDX file; path is what errors call it."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != b"\0\0\x08" or not 1 <= magic[3] <= 32:
        raise ValueError(
            f"read_idx: {path} must begin as an IDX file of bytes does, 00 00 08 and the number of "
            f"dimensions; got {magic.hex(' ') or 'nothing'}. Is it a web page saved by that name?"
        )
    dims = file.read(4 * magic[3])
    shape = tuple(int.from_bytes(dims[i : i + 4], "big") for i in range(0, 4 * magic[3], 4))
    cut = len(dims) < 4 * magic[3]
    if cut or math.prod(max(d, 1) for d in shape) > LARGEST:
        raise ValueError(
            f"read_idx: {path} must have {magic[3]} dimensions and at most {LARGEST:,} entries; "
            f"got {'a file cut before its shape' if cut else f'shape {shape}'}. Download it again."
        )
    size = math.prod(shape)
    content = bytearray()
    while len(content) <= size and (piece := file.read(min(PIECE, size + 1 - len(content)))):
        content += piece
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content):,}"
        raise ValueError(
            f"read_idx: {path} must hold {size:,} entries, for its shape {shape}; got {found}. "
            "Download it again."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def check_sha256(where: str, path: Path, expected: str, advice: str) -> None:
    """Refuse a file that is not, bit for bit, the one expected."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ValueError(f"{where}: {path} must have SHA-256 {expected}; got {found}. {advice}")


def cache_folder() -> Path:
    """Where ``fetch`` puts the files unless told otherwise: NNLIB_CACHE, or the user's cache."""
    import pooch

    return Path(os.path.expanduser(os.environ.get("NNLIB_CACHE") or pooch.os_cache("nnlib")))


# -- Download -------------------------------------------------------------------------------------


def fetch(
    folder: str | os.PathLike[str] | None = None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    timeout: float = 10,
) -> Path:
    """Download the four MNIST files into a folder, unless they are there, and return the folder.

    Without one, that is the cache, where ``load_mnist`` looks: the folder that the environment
    variable NNLIB_CACHE names, or the system's own. Each mirror is tried once, over https only, and
    given up after ``timeout`` seconds without a byte. A file gets its name once its checksum is
    right. A wrong file is replaced in the cache; in a folder of the user's it is an error.

    Errors   OSError when no mirror serves, PermissionError for a folder that cannot be written,
    ValueError for other files of these names.

    >>> list(MNIST_SHA256)[:2]
    ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz']
    """
    import pooch
    from requests import RequestException

    target = cache_folder() if folder is None else as_path("fetch", "folder", folder)
    for name, sha256 in MNIST_SHA256.items():
        if folder is not None and (target / name).exists():
            check_sha256("fetch", target / name, sha256, "Move it away, or name another folder.")
    downloader, reasons = partial(download, timeout=timeout), []
    for mirror in mirrors:
        try:
            for name, sha256 in MNIST_SHA256.items():
                pooch.retrieve(mirror + name, sha256, name, target, downloader=downloader)
            return target
        except (RequestException, ValueError) as error:
            cause = getattr(next(iter(error.args), None), "reason", None) or error
            reasons.append(f"{mirror + name} ({cause})")
        except OSError as error:  # the folder's fault, which another mirror would not mend
            refused = isinstance(error, PermissionError) or error.errno == errno.EROFS
            raise (PermissionError if refused else OSError)(
                f"fetch: folder must be writable, with 12 MB to spare; got {target}: {error}."
            ) from error
    raise OSError(
        f"fetch: a mirror must serve the files; got none from {' nor from '.join(reasons)}. "
        f"Put {MNIST_FILES} into {target} by hand, or set NNLIB_MNIST to a folder that has them."
    )


def download(url: str, output_file: str, pooch: Any, *, timeout: float) -> None:
    """Write what the url serves to a file, as pooch asks for it, with a progress bar."""
    import requests

    with requests.Session() as session:
        https = session.get_adapter("https://")
        session.adapters = {"https://": https}  # it knows no other way, so no redirect takes one
        as_it_is = {"Accept-Encoding": "identity"}
        with session.get(url, headers=as_it_is, stream=True, timeout=timeout) as response:
            response.raise_for_status()
            size = int(response.headers.get("Content-Length", 0)) or None
            bar = progress_bar(total=size, desc=Path(url).name, unit="B", unit_scale=True)
            with bar, open(output_file, "wb") as file:
                for piece in response.iter_content(1 << 16):
                    bar.update(file.write(piece))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line: ``python -m nnlib.data fetch [folder]``."""
    parser = argparse.ArgumentParser(prog="python -m nnlib.data", description="Download MNIST.")
    parser.add_argument("command", choices=["fetch"])
    parser.add_argument("folder", nargs="?", help="default: the user's cache")
    try:
        print("MNIST is in", fetch(parser.parse_args(arguments).folder))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


# -- Arrays for a network -------------------------------------------------------------------------


def scale(images: Array, dtype: Any = np.float32, *, white: int = 255) -> Array:
    """One row of pixels an image, divided by 255 (or what is white): (N, pixels) in [0, 1].

    Errors   TypeError unless images are uint8; ValueError for a single image or an entry above
    white. White is 16 for ``load_digits()``.   Source: E-scale.

    >>> scale(np.array([[[0, 51], [102, 255]]], np.uint8))
    array([[0. , 0.2, 0.4, 1. ]], dtype=float32)
    """
    white = whole_number("scale", "white", white, low=1, high=255)
    dtype = float_dtype("scale", dtype)
    if getattr(images, "dtype", None) != np.uint8:
        got = getattr(images, "dtype", type(images).__name__)
        raise TypeError(f"scale: images must be a uint8 array; got {got}. Scaled already?")
    if images.ndim < 3:
        raise ValueError(
            f"scale: images must have shape (N, height, width); got {images.shape}. "
            "For one image use image[None]."
        )
    if images.max(initial=0) > white:
        raise ValueError(f"scale: images must lie in 0..{white}; got {images.max()}.")
    rows = images.reshape(len(images), math.prod(images.shape[1:]))
    return np.divide(rows, white, dtype=dtype)


def one_hot(labels: Array, classes: int, dtype: Any = np.float64) -> Array:
    """A one in the column that the label names, zeros elsewhere: (...) -> (..., classes).

    Errors   TypeError unless labels are integers, ValueError outside 0..classes-1, with the
    position of the first.   Source: E-onehot.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    classes = whole_number("one_hot", "classes", classes, low=1)
    labels = class_numbers("one_hot", "labels", labels, classes)
    return (labels[..., None] == np.arange(classes)).astype(float_dtype("one_hot", dtype))


def batches(x: Array, y: Array, size: int, rng: Rng | int) -> Iterator[tuple[Array, Array]]:
    """Rows of x and y, together, in a new random order, size at a time; the last may be fewer.

    Errors   TypeError unless x and y are arrays, ValueError for unequal row counts or a size
    outside 1..N, all when called.

    >>> x = np.arange(5)
    >>> [len(x_batch) for x_batch, y_batch in batches(x, x**2, 2, rng=0)]
    [2, 2, 1]
    """
    for name, a in ("x", x), ("y", y):
        if not isinstance(a, np.ndarray):
            got = type(a).__name__
            raise TypeError(f"batches: {name} must be an array; got {got}. Use np.asarray({name}).")
    if x.ndim == 0 or x.shape[:1] != y.shape[:1] or len(x) == 0:
        raise ValueError(
            f"batches: x and y must have equally many rows, and some; got {x.shape} and {y.shape}."
        )
    size = whole_number("batches", "size", size, low=1, high=len(x))
    order = generator("batches", "rng", rng).permutation(len(x))
    return ((x[rows], y[rows]) for rows in np.split(order, range(size, len(x), size)))


if __name__ == "__main__":
    main()

"""Images of digits, bundled or MNIST, and what turns them into the arrays that a network takes.

``load_digits()`` always works. ``load_mnist()`` reads the four MNIST files from a folder and never
touches the network; ``python -m nnlib.data fetch`` downloads them once.
"""

import argparse
import errno
import hashlib
import math
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import (
    Array,
    Rng,
    as_path,
    class_numbers,
    float_dtype,
    generator,
    no_subclass,
    number,
    whole_number,
)
from nnlib.download import download, put, remove_leftovers
from nnlib.idx import read_idx

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
MNIST_BYTES = dict(zip(MNIST_SHA256, (9_912_422, 28_881, 1_648_877, 4_542)))
MNIST_FILES = ", ".join(MNIST_SHA256)
DIGITS = Path(__file__).parent / "assets" / "digits.npz"
DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"
DIGITS_COUNTS = (1500, 297)  # training, test


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
    the environment variable NNLIB_MNIST names; ``train-images.idx3-ubyte``, with a dot, will do as
    well. A folder so named is the user's own: Fashion-MNIST's or KMNIST's files will do, and
    nothing replaces files that are missing. If none is named, the files that ``fetch`` downloaded
    are read, and their checksums verified; failing these, the result is the bundled digits at
    28x28, 0 to 255, and a sentence that says so.

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
    paths = [file_of(folder, name) for name in MNIST_SHA256]
    missing = ", ".join(name for name, path in zip(MNIST_SHA256, paths) if not path.is_file())
    if missing:
        raise FileNotFoundError(
            f"load_mnist: folder must hold {MNIST_FILES}, or these without .gz, or with .idx for "
            f"-idx; got {folder}, which lacks {missing}."
        )
    x_train, labels_train, x_test, labels_test = arrays = [read_idx(path) for path in paths]
    due = (3, "u", "unsigned bytes"), (1, "iu", "integers")  # of images, of labels
    for path, a, (dimensions, kinds, entries) in zip(paths, arrays, due * 2):
        if a.ndim != dimensions:
            raise ValueError(
                f"load_mnist: {path} must have {dimensions} dimensions; got shape {a.shape}. "
                "Were images and labels exchanged?"
            )
        if a.dtype.kind not in kinds:
            raise ValueError(
                f"load_mnist: {path} must hold {entries}; got {a.dtype}. "
                "Use read_idx for files of other types."
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


def file_of(folder: Path, name: str) -> Path:
    """The file of MNIST in a folder, by its name as served or another that is usual."""
    dotted = name.replace("-idx", ".idx")
    names = (name, name.removesuffix(".gz"), dotted, dotted.removesuffix(".gz"))
    return next(filter(Path.is_file, map(folder.joinpath, names)), folder / name)


# -- Files ----------------------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(where: str, path: Path, expected: str, advice: str) -> None:
    """Refuse a file that is not, bit for bit, the one expected."""
    found = sha256_of(path)
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
    variable NNLIB_CACHE names, or the system's own. A mirror is asked over https only, and given up
    after ``timeout`` seconds without a byte, or one byte beyond a file's size; it is asked once
    more after all the others. A file gets its name once its checksum is right, and the mode of any
    new file. A wrong file is replaced in the cache; in a folder of the user's it is an error.

    Errors   ConnectionError when no mirror serves, PermissionError for a folder that cannot be
    written, OSError for one that is full, ValueError for other files of these names.

    >>> list(MNIST_SHA256)[:2]
    ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz']
    """
    if isinstance(mirrors, str):
        raise TypeError("fetch: mirrors must be a list of addresses; got str. Use [mirrors].")
    if not (turns := deque(mirrors)):
        raise ValueError("fetch: mirrors must be a list of addresses; got none.")
    timeout = number("fetch", "timeout", timeout, "(0, inf)")
    target = cache_folder() if folder is None else as_path("fetch", "folder", folder)
    files = {target / name: sha256 for name, sha256 in MNIST_SHA256.items()}
    for path, sha256 in files.items():
        if folder is not None and path.exists():
            check_sha256("fetch", path, sha256, "Move it away, or name another folder.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        remove_leftovers(files)
        for path, sha256 in files.items():
            if not path.is_file() or sha256_of(path) != sha256:
                put(path, from_mirrors(path, sha256, turns, timeout))
    except ConnectionError:
        raise
    except OSError as error:
        refused = isinstance(error, PermissionError) or error.errno == errno.EROFS
        raise (PermissionError if refused else OSError)(
            f"fetch: folder must be writable, with 12 MB to spare; got {target}: {error}."
        ) from error
    return target


def from_mirrors(path: Path, sha256: str, turns: deque[str], timeout: float) -> bytes:
    """The file of this name from the mirror whose turn it is, which lasts until it fails."""
    causes = {}
    for _ in range(2 * len(turns)):
        url = f"{turns[0].rstrip('/')}/{path.name}"
        try:
            return download(url, sha256, most=MNIST_BYTES[path.name], timeout=timeout)
        except ConnectionError as error:
            causes[url] = f"{url} ({error})"
            turns.rotate(-1)
    raise ConnectionError(
        f"fetch: a mirror must serve the files; got none from {' nor from '.join(causes.values())}."
        f" Put {MNIST_FILES} into {path.parent} by hand, or set NNLIB_MNIST to a folder that has "
        "them."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line: ``python -m nnlib.data fetch [folder]``."""
    parser = argparse.ArgumentParser(prog="python -m nnlib.data", description="Download MNIST.")
    parser.add_argument("command", choices=["fetch"])
    parser.add_argument("folder", nargs="?", help="default: the user's cache")
    try:
        print("MNIST is in", fetch(parser.parse_args(arguments).folder))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


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
        if not isinstance(no_subclass("batches", name, a), np.ndarray):
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

"""Small files like MNIST's, of noise, as bytes and in folders."""

import gzip
import hashlib

import numpy as np

NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}  # of the types in IDX files


def idx(array):
    """The bytes of an IDX file."""
    dims = b"".join(size.to_bytes(4, "big") for size in array.shape)
    big = array.astype(array.dtype.newbyteorder(">"))
    return bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + dims + big.tobytes()


def small_mnist():
    """Four arrays like MNIST's: 300 images to train on, 20 to test."""
    rng = np.random.default_rng(0)
    images = lambda n: rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
    labels = lambda n: rng.integers(10, size=n, dtype=np.uint8)
    return images(300), labels(300), images(20), labels(20)


ARRAYS = small_mnist()
SMALL = {name: gzip.compress(idx(a), mtime=0) for name, a in zip(NAMES, ARRAYS)}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in SMALL.items()}
SIZES = {name: len(content) for name, content in SMALL.items()}


def fill(folder, arrays=ARRAYS, names=NAMES):
    """Write four arrays as the files of MNIST, zipped or not as the names say."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, a in zip(names, arrays):
        content = gzip.compress(idx(a), 1) if name.endswith(".gz") else idx(a)
        (folder / name).write_bytes(content)
    return folder


def fill_cache(cache, names=NAMES):
    """Write the official files, byte for byte, as a download would."""
    cache.mkdir()
    for name in names:
        (cache / name).write_bytes(SMALL[name])


def is_small_mnist(images):
    return all(np.array_equal(a, b) for a, b in zip(images, ARRAYS, strict=True))

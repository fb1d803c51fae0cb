"""What nnlib.data promises: right bytes or a clear error, and no network but for `fetch`."""

import errno
import gzip
import hashlib
import http.server
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib import data

MIB = 1 << 20
REAL_MNIST = os.environ.get("NNLIB_MNIST")
NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No test sees the user's own settings or cache."""
    monkeypatch.delenv("NNLIB_MNIST", raising=False)
    monkeypatch.setenv("NNLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def idx(array):
    """The bytes of an IDX file."""
    dims = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + dims + array.tobytes()


def small_mnist():
    """Four arrays like MNIST's, of noise: 300 images to train on, 20 to test."""
    rng = np.random.default_rng(0)
    images = lambda n: rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
    labels = lambda n: rng.integers(10, size=n, dtype=np.uint8)
    return images(300), labels(300), images(20), labels(20)


ARRAYS = small_mnist()
SMALL = {name: gzip.compress(idx(a), mtime=0) for name, a in zip(NAMES, ARRAYS)}


def fill(folder, arrays=ARRAYS, zipped=True):
    """Write four arrays as the files of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, a in zip(NAMES, arrays):
        path = folder / (name if zipped else name.removesuffix(".gz"))
        path.write_bytes(gzip.compress(idx(a), 1) if zipped else idx(a))
    return folder


def fill_cache(cache, names=NAMES):
    """Write the official files, byte for byte, as a download would."""
    cache.mkdir()
    for name in names:
        (cache / name).write_bytes(SMALL[name])


def is_small_mnist(images):
    return all(np.array_equal(a, b) for a, b in zip(images, ARRAYS, strict=True))


@pytest.fixture
def official(monkeypatch):
    """Let the small files be the official ones."""
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in SMALL.items()}
    monkeypatch.setattr(data, "MNIST_SHA256", sha256)


def peak_memory(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- IDX files ------------------------------------------------------------------------------------


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0)), st.booleans())
def test_an_idx_file_comes_back_as_it_was_written(array, zipped):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any name"
        path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
        found = data.read_idx(path)
        assert found.dtype == np.uint8
        assert found.shape == array.shape
        assert np.array_equal(found, array)
        found[...] = 1  # it is the caller's own


LABELS = idx(np.arange(10, dtype=np.uint8))
ZIPPED = gzip.compress(LABELS, mtime=0)
HUGE = bytes([0, 0, 8, 3]) + b"\xff" * 12
CLAIMS_A_GIB = bytes([0, 0, 8, 1]) + (1 << 30).to_bytes(4, "big")

BAD_FILES = {
    "empty": b"",
    "only a magic number": LABELS[:4],
    "cut in its shape": LABELS[:6],
    "cut in its entries": LABELS[:-1],
    "too long": LABELS + b"\0",
    "a web page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "signed bytes": b"\0\0\x09" + LABELS[3:],
    "floats": b"\0\0\x0d" + LABELS[3:],
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
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"^read_idx: .*some labels must .*; got .+") as caught:
        data.read_idx(path)
    assert time.perf_counter() - start < 10
    assert str(path) in str(caught.value)


def test_errors_say_found_and_expected_in_numbers(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(LABELS[:-3])
    with pytest.raises(ValueError, match=r"must hold 10 entries, for its shape \(10,\); got 7\."):
        data.read_idx(path)
    path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"00 00 08 .*; got 3c 68 74 6d\. Is it a web page"):
        data.read_idx(path)


@pytest.mark.parametrize("content", [LABELS, ZIPPED], ids=["plain", "gzip"])
def test_every_cut_is_noticed(tmp_path, content):
    path = tmp_path / "labels"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"^read_idx: "):
            data.read_idx(path)


def test_no_flipped_bit_in_a_gzip_file_changes_an_entry_unnoticed(tmp_path):
    path, right = tmp_path / "labels", np.arange(10)
    refused = 0
    for position in range(len(ZIPPED)):
        for bit in range(8):
            content = bytearray(ZIPPED)
            content[position] ^= 1 << bit
            path.write_bytes(content)
            try:
                assert np.array_equal(data.read_idx(path), right)  # the time stamp, say
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
            data.read_idx(path)

    assert peak_memory(explode) < 8 * MIB


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("claim", [HUGE, CLAIMS_A_GIB], ids=["overflowing", "a GiB"])
def test_nothing_is_allocated_for_entries_that_are_only_claimed(tmp_path, claim, pack):
    path = tmp_path / "huge"
    path.write_bytes(pack(claim + bytes(1000)))

    def read():
        with pytest.raises(ValueError, match=r"^read_idx: "):
            data.read_idx(path)

    assert peak_memory(read) < 4 * MIB


def test_a_path_that_is_no_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^read_idx: .*nowhere: no such file"):
        data.read_idx(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError, match=r"^read_idx: .*got the folder") as caught:
        data.read_idx(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("path", [None, 3, b"labels", ["labels"], np.zeros(3)])
def test_what_is_no_path_is_a_type_error(path):
    with pytest.raises(TypeError, match=r"^read_idx: path must be a path; got "):
        data.read_idx(path)
    if path is not None:
        with pytest.raises(TypeError, match=r"^load_mnist: folder must be a path; got "):
            data.load_mnist(path)
        with pytest.raises(TypeError, match=r"^fetch: folder must be a path; got "):
            data.fetch(path)


# -- The digits -----------------------------------------------------------------------------------


def test_the_digits_are_the_1797_of_uci():
    digits = data.load_digits()
    labels = np.concatenate([digits.labels_train, digits.labels_test])
    assert [a.shape for a in digits] == [(1500, 8, 8), (1500,), (297, 8, 8), (297,)]
    assert digits.x_train.dtype == digits.x_test.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (digits.x_train.min(), digits.x_train.max()) == (0, 16)
    assert digits.bundled


def test_the_digits_come_with_their_source_licence_and_checksum():
    readme = data.DIGITS.with_name("README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data.DIGITS.read_bytes()).hexdigest() == data.DIGITS_SHA256
    assert data.DIGITS_SHA256 in readme
    assert "CC BY 4.0" in readme
    assert "Alpaydin" in readme
    assert data.DIGITS.stat().st_size < 46_000


def test_altered_digits_are_refused(tmp_path, monkeypatch):
    content = bytearray(data.DIGITS.read_bytes())
    content[20_000] ^= 1
    (tmp_path / "digits.npz").write_bytes(content)
    monkeypatch.setattr(data, "DIGITS", tmp_path / "digits.npz")
    with pytest.raises(ValueError, match=r"^load_digits: .*SHA-256 [0-9a-f]{64}; got [0-9a-f]{64}"):
        data.load_digits()


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    path = tmp_path / "digits.npz"
    np.savez(path, images=np.array([{}], dtype=object), labels=np.zeros(1))
    monkeypatch.setattr(data, "DIGITS", path)
    monkeypatch.setattr(data, "DIGITS_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        data.load_digits()


def test_two_calls_share_no_memory():
    one, other = data.load_digits(), data.load_digits()
    assert not any(np.shares_memory(a, b) for a, b in zip(one, other))


def test_enlarged_digits_are_bilinear_in_a_black_border():
    x = data.load_digits().x_test[:20]
    x.flags.writeable = False
    at, old = (np.arange(24) + 0.5) / 3 - 0.5, np.arange(8)  # where new pixels lie between the old
    columns = np.apply_along_axis(lambda a: np.interp(at, old, a), 1, x)
    expected = np.apply_along_axis(lambda a: np.interp(at, old, a), 2, columns) * 255 / 16
    found = data.enlarged(x)
    assert found.dtype == np.uint8
    assert np.abs(found[:, 2:-2, 2:-2] - expected).max() <= 0.5 + 1e-9
    found[:, 2:-2, 2:-2] = 0
    assert not found.any()


# -- MNIST from this computer ---------------------------------------------------------------------


def test_a_set_unpacks_as_four_arrays(tmp_path):
    images = data.load_mnist(fill(tmp_path / "mnist"))
    x_train, labels_train, x_test, labels_test = images
    assert x_train.shape == (300, 28, 28)
    assert x_test.shape == (20, 28, 28)
    assert labels_train.dtype == labels_test.dtype == np.int64
    assert is_small_mnist(images)
    assert not images.bundled


@pytest.mark.skipif(not REAL_MNIST, reason="NNLIB_MNIST is not set")
def test_the_real_mnist_is_read():
    images = data.load_mnist(REAL_MNIST)
    assert [len(a) for a in images] == [60_000, 60_000, 10_000, 10_000]
    assert images.x_train.shape[1:] == images.x_test.shape[1:] == (28, 28)
    assert not images.bundled
    labels = Path(REAL_MNIST).expanduser() / NAMES[3]
    if labels.exists() and hashlib.sha256(labels.read_bytes()).hexdigest() == OFFICIAL[NAMES[3]]:
        assert images.labels_train[:5].tolist() == [5, 0, 4, 1, 9]
        assert images.labels_test[:5].tolist() == [7, 2, 1, 0, 4]
        assert np.bincount(images.labels_test).min() == 892


OFFICIAL = dict(data.MNIST_SHA256)


def test_the_argument_goes_before_the_variable_before_the_cache(
    tmp_path, cache, monkeypatch, official, capsys
):
    first, second = ([ARRAYS[0] // k, *ARRAYS[1:]] for k in (2, 3))
    fill_cache(cache)
    assert is_small_mnist(data.load_mnist())
    monkeypatch.setenv("NNLIB_MNIST", str(fill(tmp_path / "second", second)))
    assert np.array_equal(data.load_mnist().x_train, ARRAYS[0] // 3)
    assert np.array_equal(data.load_mnist(fill(tmp_path / "1", first)).x_train, ARRAYS[0] // 2)
    monkeypatch.setenv("NNLIB_MNIST", "")
    assert is_small_mnist(data.load_mnist())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize("name", ["plain", "with some spaces", "Übung 数字", "~/in the home"])
def test_files_may_be_unpacked_and_folders_called_anything(tmp_path, monkeypatch, name, zipped):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    fill(tmp_path / name.removeprefix("~/"), zipped=zipped)
    monkeypatch.chdir(tmp_path)
    assert is_small_mnist(data.load_mnist(name))
    assert is_small_mnist(data.load_mnist(Path(name)))
    monkeypatch.setenv("NNLIB_MNIST", name)
    assert is_small_mnist(data.load_mnist())
    one = Path(name) / (NAMES[1] if zipped else NAMES[1].removesuffix(".gz"))
    assert np.array_equal(data.read_idx(one), ARRAYS[1])


@pytest.mark.parametrize("by", ["argument", "variable"])
@pytest.mark.parametrize("lacks", NAMES)
def test_a_folder_that_lacks_a_file_is_an_error_that_lists_all_four(
    tmp_path, monkeypatch, lacks, by
):
    folder = fill(tmp_path / "mnist")
    (folder / lacks).unlink()
    monkeypatch.setenv("NNLIB_MNIST", str(folder))
    with pytest.raises(FileNotFoundError, match=f"lacks {lacks}\\.$") as caught:
        data.load_mnist(*[folder] * (by == "argument"))
    assert all(name in str(caught.value) for name in [*NAMES, str(folder)])


def test_a_folder_that_is_missing_is_never_replaced_by_the_digits(tmp_path, monkeypatch):
    for folder in (tmp_path / "nowhere", ""):
        with pytest.raises(FileNotFoundError, match=r"^load_mnist: folder must hold train-images"):
            data.load_mnist(folder)
    monkeypatch.setenv("NNLIB_MNIST", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere, which lacks "):
        data.load_mnist()


x_train, labels_train, x_test, labels_test = ARRAYS
BAD_SETS = {
    "a label 200": (
        [x_train, np.where(np.arange(300) == 7, 200, labels_train), x_test, labels_test],
        "labels in .*train-labels-idx1-ubyte.gz must lie in 0..9; got 200 at index 7",
    ),
    "a test label 10": (
        [x_train, labels_train, x_test, np.where(np.arange(20) == 19, 10, labels_test)],
        "labels in .*t10k-labels-idx1-ubyte.gz must lie in 0..9; got 10 at index 19",
    ),
    "a label too few": (
        [x_train, labels_train[:-1], x_test, labels_test],
        "train-labels.* a label for each of 300 images; got 299",
    ),
    "a test image too few": (
        [x_train, labels_train, x_test[:-1], labels_test],
        "t10k-labels.* a label for each of 19 images; got 20",
    ),
    "images and labels exchanged": (
        [labels_train, x_train, x_test, labels_test],
        r"train-images.* must have 3 dimensions; got shape \(300,\).*exchanged",
    ),
    "one-hot labels": (
        [x_train, np.eye(10)[labels_train], x_test, labels_test],
        r"train-labels.* must have 1 dimensions; got shape \(300, 10\)",
    ),
    "test images of another size": (
        [x_train, labels_train, x_test[:, :20], labels_test],
        r"t10k-images.* must have images of \(28, 28\).*; got \(20, 28\)",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), BAD_SETS.values(), ids=BAD_SETS)
def test_files_that_do_not_belong_together_are_refused(tmp_path, arrays, message):
    folder = fill(tmp_path / "mnist", [a.astype(np.uint8) for a in arrays])
    with pytest.raises(ValueError, match=f"^load_mnist: .*{message}"):
        data.load_mnist(folder)


def test_a_bad_file_in_a_folder_is_named(tmp_path):
    folder = fill(tmp_path / "mnist")
    (folder / NAMES[2]).write_bytes(b"<html>")
    with pytest.raises(ValueError, match=f"^read_idx: .*{NAMES[2]} must begin"):
        data.load_mnist(folder)


def test_every_load_verifies_the_cache(cache, official):
    fill_cache(cache)
    assert is_small_mnist(data.load_mnist())
    labels = ARRAYS[3].copy()
    labels[0] = (labels[0] + 1) % 10  # as right in structure as before
    (cache / NAMES[3]).write_bytes(gzip.compress(idx(labels)))
    with pytest.raises(ValueError, match=rf"{NAMES[3]} must have SHA-256 \w{{64}}; got \w{{64}}\."):
        data.load_mnist()


def test_the_checksums_are_those_of_mnist():
    assert list(OFFICIAL) == NAMES
    assert [sha256[:8] for sha256 in OFFICIAL.values()] == [
        "440fcabf",
        "3552534a",
        "8d422c7b",
        "f7ae60f9",
    ]


@pytest.mark.parametrize("files", [0, 3], ids=["no cache", "half a download"])
def test_without_mnist_there_are_enlarged_digits_and_one_sentence(cache, capsys, files, official):
    fill_cache(cache, NAMES[:files])
    images = data.load_mnist()
    said = capsys.readouterr()
    assert images.bundled
    assert [a.shape for a in images] == [(1500, 28, 28), (1500,), (297, 28, 28), (297,)]
    assert images.x_train.dtype == np.uint8
    assert images.x_train.max() == 255
    assert np.array_equal(images.labels_test, data.load_digits().labels_test)
    assert np.array_equal(images.x_test, data.enlarged(data.load_digits().x_test))
    assert said.out.count("\n") == 1
    assert re.fullmatch(r"MNIST is not on this computer, .*\.\n", said.out)
    assert "`make mnist`" in said.out
    assert "`python -m nnlib.data fetch`" in said.out
    assert said.err == ""


@pytest.fixture
def unplugged(monkeypatch):
    """Count and refuse whatever would reach for the network."""
    calls = []

    def refuse(*arguments, **options):
        calls.append(arguments)
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return calls


def test_loading_never_reaches_for_the_network(tmp_path, unplugged, capsys):
    data.load_digits()
    data.load_mnist()
    data.load_mnist(fill(tmp_path / "mnist"))
    with pytest.raises(FileNotFoundError):
        data.load_mnist(tmp_path)
    assert unplugged == []


# -- Download -------------------------------------------------------------------------------------

# A key and certificate for 127.0.0.1 and for nothing else, so that the tests speak https too.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCHzRdvTO/svLA4hP
Lf+Q0XB/4h9nqh9DRxKpU0igFhahRANCAATfZqHzPtaAkHuYMUVQ59qUHB1ViyNV
XWG0cXjKw3XkadqwBdiJ4w9mCGnqgUNnPnCJJ+9FT6keZu8vDEhNnjEB
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBbDCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w
LjEwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN9mofM+1oCQe5gx
RVDn2pQcHVWLI1VdYbRxeMrDdeRp2rAF2InjD2YIaeqBQ2c+cIkn70VPqR5m7y8M
SE2eMQGjUzBRMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB0GA1Ud
DgQWBBSdxkCr0fzjucU3J+4VNtcIuc/XJjAPBgNVHREECDAGhwR/AAABMAoGCCqG
SM49BAMCA0gAMEUCIDDlQpE7kzkUqCcycGohXQBOI5uoFhFLQrttzfmuYsfpAiEA
qt4+r0RdylVhAtPfsrX6Ox67w9UYSuzRC04nejU8OmA=
-----END CERTIFICATE-----
"""


class BadServer(http.server.BaseHTTPRequestHandler):
    """Serves the small files, well or badly: the first part of the path says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        how, name = self.path.strip("/").split("/")
        content = SMALL[name]
        half, flipped = content[: len(content) // 2], content[:-99] + b"!" + content[-98:]
        self.server.requests.append(self.path)
        self.close_connection = True
        if how == "good":
            self.answer(content)
        elif how == "cut":
            self.answer(half, length=len(content))
        elif how == "short":  # ends early without having said how long it is
            self.answer(half, length=None)
        elif how == "eager":  # marks the file so that a client which accepts gzip unpacks it
            self.answer(content, "gzip" in self.headers["Accept-Encoding"] and "gzip")
        elif how == "corrupt":
            self.answer(flipped)
        elif how == "page":
            self.answer(b"<html>Please log in to the guest network</html>")
        elif how == "stall":
            self.answer(half, length=len(content))
            self.wfile.flush()
            self.server.over.wait(30)
        elif how == "mute":
            self.server.over.wait(30)
        elif how == "nonsense":
            self.wfile.write(b"\x16\x03\x01 what?\r\n\r\n")
        elif how == "error":
            self.send_error(500)
        elif how == "gone":
            self.send_error(404)
        else:
            self.redirect(self.server.targets[how] + name)

    def answer(self, content, encoding=None, length=0):
        self.send_response(200)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Type", "application/x-gzip")
        self.send_header("Content-Disposition", 'attachment; filename="../../evil"')
        if length is not None:
            self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def redirect(self, location):
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    """Keeps to itself that a client broke off."""

    def handle_error(self, request, client_address):
        pass


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """A server that speaks https, and one that speaks http and should never be asked."""
    pem = tmp_path_factory.mktemp("tls") / "loopback.pem"
    pem.write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    secure, plain = (QuietServer(("127.0.0.1", 0), BadServer) for _ in range(2))
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    at, plain_at = (f"127.0.0.1:{server.server_port}" for server in (secure, plain))
    for server in (secure, plain):
        server.requests, server.over, server.pem = [], threading.Event(), pem
        server.targets = {
            "moved": f"https://{at}/good/",
            "moved-twice": f"https://{at}/moved/",
            "downgraded": f"http://{plain_at}/good/",
            "downgraded-later": f"https://{at}/downgraded/",
            "shouted": f"HTTP://{plain_at}/good/",
            "circle": f"https://{at}/circle/",
            "to-a-file": pem.parent.as_uri() + "/",
        }
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield secure, plain
    for server in (secure, plain):
        server.over.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def mirror(servers, official, monkeypatch):
    """The address of a mirror that behaves as its name says."""
    secure, plain = servers
    secure.requests.clear()
    plain.requests.clear()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(secure.pem))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda how: f"https://127.0.0.1:{secure.server_port}/{how}/"


def assert_only_right_files(folder):
    """Whatever is there has a name of the four and the bytes that belong to it."""
    for path in folder.rglob("*") if folder.exists() else ():
        assert path.name in SMALL
        assert path.read_bytes() == SMALL[path.name]


def test_fetch_brings_the_four_files_that_load_mnist_then_finds(mirror, cache, servers, capsys):
    assert data.fetch(mirrors=[mirror("good")]) == cache
    assert sorted(path.name for path in cache.iterdir()) == sorted(NAMES)
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())
    assert servers[0].requests == [f"/good/{name}" for name in NAMES]
    said = capsys.readouterr()
    assert said.out == ""
    assert all(name in said.err for name in NAMES)  # the progress bars


def test_what_is_there_is_not_downloaded_again(mirror, cache, servers):
    data.fetch(mirrors=[mirror("good")])
    servers[0].requests.clear()
    data.fetch(mirrors=[mirror("error")])
    data.fetch(cache, mirrors=[mirror("error")])
    assert servers[0].requests == []


@pytest.mark.parametrize("name", ["with some spaces", "Übung 数字", "~/deep/in the home"])
def test_fetch_makes_the_folder_whatever_it_is_called(mirror, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    data.fetch(name, mirrors=[mirror("good")])
    assert is_small_mnist(data.load_mnist(tmp_path / name.removeprefix("~/")))
    monkeypatch.setenv("NNLIB_CACHE", name)
    assert is_small_mnist(data.load_mnist())


FAULTS = {
    "cut": "IncompleteRead|Connection broken",
    "short": "hash",
    "corrupt": "hash",
    "page": "hash",
    "stall": "timed out",
    "mute": "timed out",
    "nonsense": "BadStatusLine|Connection aborted",
    "error": "500 Server Error",
    "gone": "404 Client Error",
    "downgraded": "No connection adapters",
    "downgraded-later": "No connection adapters",
    "shouted": "No connection adapters",
    "circle": "30 redirects",
    "to-a-file": "No connection adapters",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_mirror_is_tried_once_and_leaves_nothing_wrong(mirror, cache, servers, fault):
    start = time.perf_counter()
    with pytest.raises(OSError, match=FAULTS[fault]) as caught:
        data.fetch(mirrors=[mirror(fault)], timeout=0.5)
    assert time.perf_counter() - start < 5
    assert not isinstance(caught.value, PermissionError)
    assert str(caught.value).startswith("fetch: a mirror must serve the files; got none from ")
    assert all(name in str(caught.value) for name in [*NAMES, mirror(fault), str(cache)])
    assert_only_right_files(cache)
    assert list(cache.iterdir()) == []
    assert servers[0].requests.count(f"/{fault}/{NAMES[0]}") == (31 if fault == "circle" else 1)
    assert servers[1].requests == []  # not one byte went without encryption


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_bad_mirror_comes_the_next(mirror, cache, fault):
    data.fetch(mirrors=[mirror(fault), mirror("good")], timeout=0.5)
    assert is_small_mnist(data.load_mnist())
    assert_only_right_files(cache)


def test_a_mirror_has_ten_seconds_for_its_next_byte():
    assert data.fetch.__kwdefaults__["timeout"] == 10


@pytest.mark.parametrize("way", ["moved", "moved-twice", "eager"])
def test_redirects_within_https_and_eager_servers_make_no_difference(mirror, way):
    data.fetch(mirrors=[mirror(way)])
    assert is_small_mnist(data.load_mnist())


def test_a_mirror_without_encryption_is_not_even_asked(mirror, servers, cache):
    plain = f"http://127.0.0.1:{servers[1].server_port}/good/"
    with pytest.raises(OSError, match="No connection adapters"):
        data.fetch(mirrors=[plain])
    assert servers[1].requests == []
    assert list(cache.iterdir()) == []


def test_a_mirror_that_cannot_prove_who_it_is_is_refused(mirror, servers, cache, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        data.fetch(mirrors=[mirror("good")])
    assert servers[0].requests == []


def test_every_mirror_is_named_when_all_fail(mirror):
    with pytest.raises(OSError, match=r"500 Server Error.* nor from .*404 Client Error") as caught:
        data.fetch(mirrors=[mirror("error"), mirror("gone")])
    assert "by hand" in str(caught.value)
    assert "NNLIB_MNIST" in str(caught.value)


def test_unplugged_the_error_says_which_files_to_put_where(unplugged, tmp_path):
    with pytest.raises(OSError, match=r"^fetch: .*unreachable") as caught:
        data.fetch(tmp_path / "mnist")
    assert all(word in str(caught.value) for word in [*NAMES, *data.MIRRORS, str(tmp_path)])
    assert str(caught.value).count("\n") == 0
    assert len(unplugged) == len(data.MIRRORS)


def test_a_wrong_file_is_replaced_in_the_cache(mirror, cache):
    cache.mkdir()
    (cache / NAMES[1]).write_bytes(b"half a downl")
    data.fetch(mirrors=[mirror("good")])
    assert_only_right_files(cache)
    assert is_small_mnist(data.load_mnist())


def test_a_wrong_file_in_the_cache_outlives_a_bad_mirror_no_worse(mirror, cache):
    cache.mkdir()
    (cache / NAMES[0]).write_bytes(b"half a downl")
    with pytest.raises(OSError, match="hash"):
        data.fetch(mirrors=[mirror("corrupt")])
    assert [path.name for path in cache.iterdir()] == [NAMES[0]]


def test_files_of_the_users_own_are_never_replaced(mirror, tmp_path, servers):
    fashion = fill(tmp_path / "fashion", [ARRAYS[0] // 2, *ARRAYS[1:]])
    before = {path.name: path.read_bytes() for path in fashion.iterdir()}
    with pytest.raises(ValueError, match=f"^fetch: .*{NAMES[0]} must have SHA-256 .*; got "):
        data.fetch(fashion, mirrors=[mirror("good")])
    assert {path.name: path.read_bytes() for path in fashion.iterdir()} == before
    assert servers[0].requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="chmod does not protect a folder there")
def test_a_folder_that_cannot_be_written_is_named(mirror, tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir()
    folder.chmod(0o500)
    if os.geteuid() == 0:  # root may write anywhere, but for what the kernel keeps to itself
        folder = Path("/sys/nnlib")
    if not folder.parent.exists():
        pytest.skip("root, and no /sys")
    with pytest.raises(PermissionError, match=r"^fetch: folder must be writable") as caught:
        data.fetch(folder, mirrors=[mirror("good")])
    assert str(folder) in str(caught.value)


def break_off(monkeypatch, error):
    """Let every download break off half-way."""

    def download(url, output_file, pooch, timeout):
        Path(output_file).write_bytes(SMALL[NAMES[0]][:1000])
        raise error

    monkeypatch.setattr(data, "download", download)


def test_a_read_only_disk_is_a_permission_error_too(mirror, cache, monkeypatch):
    break_off(monkeypatch, OSError(errno.EROFS, os.strerror(errno.EROFS)))
    with pytest.raises(PermissionError, match=f"got {re.escape(str(cache))}"):
        data.fetch(mirrors=[mirror("good")])


def test_a_full_disk_leaves_no_partial_file(mirror, cache, servers, monkeypatch):
    resource = pytest.importorskip("resource", reason="Unix only")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the first file is longer
    try:
        with pytest.raises(
            OSError, match=r"^fetch: folder must be .* 12 MB to spare; got "
        ) as caught:
            data.fetch(mirrors=[mirror("good"), mirror("good")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(cache) in str(caught.value)
    assert list(cache.iterdir()) == []
    assert len(servers[0].requests) == 1  # another mirror would not help


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_download_that_breaks_off_leaves_no_partial_file(mirror, cache, monkeypatch, error):
    break_off(monkeypatch, error)
    with pytest.raises(type(error)):
        data.fetch(mirrors=[mirror("good")])
    assert list(cache.iterdir()) == []


def test_the_command_line_fetches(mirror, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(data.fetch.__kwdefaults__, "mirrors", [mirror("good")])
    data.main(["fetch", str(tmp_path / "mnist")])
    assert capsys.readouterr().out == f"MNIST is in {tmp_path / 'mnist'}\n"
    assert is_small_mnist(data.load_mnist(tmp_path / "mnist"))
    monkeypatch.setitem(data.fetch.__kwdefaults__, "mirrors", [mirror("gone")])
    with pytest.raises(SystemExit, match=r"^fetch: .*404 Client Error"):
        data.main(["fetch"])


def test_the_module_is_a_command():
    command = [sys.executable, "-W", "error", "-m", "nnlib.data"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "python -m nnlib.data" in shown.stdout
    assert shown.stderr == ""
    wrong = subprocess.run([*command, "fetsh"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "fetch" in wrong.stderr


def test_all_that_is_named_in_the_source_is_https():
    source = Path(data.__file__).read_text(encoding="utf-8")
    assert "http://" not in source.lower()
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in data.MIRRORS)
    assert len(data.MIRRORS) == 2


def test_the_source_unpickles_and_evaluates_nothing():
    source = Path(data.__file__).read_text(encoding="utf-8")
    assert source.count("np.load(") == source.count("allow_pickle=False") == 1
    assert not re.search(r"pickle|eval\(|exec\(|yaml", source.replace("allow_pickle=False", ""))


def test_importing_loads_numpy_alone_and_does_nothing_else():
    script = """
import sys
import numpy
sys.addaudithook(lambda event, _: event.startswith(("socket.", "subprocess.")) and sys.exit(event))
import nnlib.data
heavy = {"pooch", "tqdm", "requests", "matplotlib", "ipywidgets", "sklearn", "scipy", "IPython"}
sys.exit(" ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    run = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- Arrays for a network -------------------------------------------------------------------------

FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@FLOATS
def test_scale_divides_each_value_by_255(dtype):
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    images.flags.writeable = False
    rows = data.scale(images, dtype)
    assert rows.dtype == dtype
    assert rows.shape == (4, 64)
    assert np.array_equal(rows.ravel(), np.arange(256, dtype=dtype) / 255)
    assert (rows.min(), rows.max()) == (0, 1)


def test_scale_gives_float32_and_takes_another_white():
    digits = data.load_digits()
    rows = data.scale(digits.x_train, white=16)
    assert rows.dtype == np.float32
    assert np.array_equal(rows * 16, digits.x_train.reshape(1500, 64))
    assert data.scale(digits.x_train[:0]).shape == (0, 64)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 8, 8)), "uint8 array; got float64. Scaled already"),
        (np.zeros((2, 8, 8), int), "uint8 array; got int64"),
        (np.zeros((2, 8, 8), bool), "uint8 array; got bool"),
        ([[[1, 2]]], "uint8 array; got list"),
        (None, "uint8 array; got NoneType"),
        ("train-images", "uint8 array; got str"),
    ],
)
def test_scale_takes_bytes_only(images, message):
    with pytest.raises(TypeError, match=f"^scale: images must be a {message}"):
        data.scale(images)


def test_scale_refuses_a_single_image_and_what_is_brighter_than_white():
    image = np.full((8, 8), 17, np.uint8)
    with pytest.raises(ValueError, match=r"^scale: images .* got \(8, 8\).*images?\[None\]"):
        data.scale(image)
    with pytest.raises(ValueError, match=r"^scale: images must lie in 0\.\.16; got 17"):
        data.scale(image[None], white=16)
    with pytest.raises(ValueError, match="Did you mean 'float32'"):
        data.scale(image[None], "flot32")
    for white, error in ((0, ValueError), (256, ValueError), (1.0, TypeError)):
        with pytest.raises(error, match=r"^scale: white must be an integer in 1..255; got "):
            data.scale(image[None], white=white)


@FLOATS
@given(st.data())
def test_one_hot_has_a_one_where_the_label_says(dtype, draw):
    classes = draw.draw(st.integers(1, 12))
    shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)
    whole = st.sampled_from([np.int64, np.uint8, np.dtype(">i4")])
    entries = st.integers(0, classes - 1)
    labels = draw.draw(whole.flatmap(lambda kind: hnp.arrays(kind, shapes, elements=entries)))
    labels.flags.writeable = False
    found = data.one_hot(labels, classes, dtype)
    assert found.dtype == dtype
    assert found.shape == (*labels.shape, classes)
    assert (found.sum(axis=-1) == 1).all()
    assert np.array_equal(found @ np.arange(classes), labels)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.array([0, 3, 10, 11]), ValueError, r"labels must lie in 0\.\.9; got 10 at index 2"),
        (np.array([0, -1]), ValueError, r"labels must lie in 0\.\.9; got -1 at index 1"),
        (np.array([0.0, 1.0]), TypeError, "labels must be integers; got float64"),
        (np.array([True]), TypeError, "labels must be integers; got bool"),
        ([0, 1], TypeError, "labels must be an integer array; got list"),
    ],
)
def test_one_hot_refuses_what_is_no_class(labels, error, message):
    with pytest.raises(error, match=f"^one_hot: {message}"):
        data.one_hot(labels, 10)


def test_one_hot_refuses_a_negative_label_however_many_classes_there_are():
    with pytest.raises(
        ValueError, match=r"^one_hot: labels must lie in 0\.\.999; got -1 at index 0"
    ):
        data.one_hot(np.array([-1], np.int8), 1000)


def test_one_hot_refuses_bad_classes_and_dtypes():
    labels = np.array([0])
    for classes, error in ((0, ValueError), (10.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"^one_hot: classes must be an integer >= 1; got "):
            data.one_hot(labels, classes)
    for dtype in (int, "flot64"):
        with pytest.raises(
            ValueError, match=r"^one_hot: dtype must be 'float32' or 'float64'; got"
        ):
            data.one_hot(labels, 10, dtype)


@given(st.integers(1, 40), st.data(), st.integers(0, 2**32))
def test_batches_hold_every_pair_once_in_sizes_as_asked(rows, draw, seed):
    size = draw.draw(st.integers(1, rows))
    x, y = np.arange(3 * rows).reshape(rows, 3), np.arange(rows)
    for a in (x, y):
        a.flags.writeable = False
    found = list(data.batches(x, y, size, np.random.default_rng(seed)))
    assert [len(y_batch) for _, y_batch in found][:-1] == [size] * ((rows - 1) // size)
    assert 1 <= len(found[-1][1]) <= size
    order = np.concatenate([y_batch for _, y_batch in found])
    assert np.array_equal(np.sort(order), y)
    assert np.array_equal(np.concatenate([x_batch for x_batch, _ in found]), x[order])
    assert not any(np.shares_memory(x, x_batch) for x_batch, _ in found)


def test_batches_come_in_an_order_that_the_generator_alone_decides():
    x = np.arange(100)
    order = lambda rng: np.concatenate([a for a, _ in data.batches(x, x, 32, rng=rng)]).tolist()
    state = np.random.get_state()[1].tolist()
    rng = np.random.default_rng(7)
    assert order(np.random.default_rng(7)) == order(7) == order(rng)
    assert order(rng) != order(7)  # the next epoch has an order of its own
    assert order(7) != x.tolist()
    assert np.random.get_state()[1].tolist() == state


X, Y = np.zeros((64, 3)), np.zeros(64, int)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X, Y[:60], 8, 0), ValueError, r"equally many rows.* got \(64, 3\) and \(60,\)"),
        ((X[:0], Y[:0], 8, 0), ValueError, r"and some; got \(0, 3\) and \(0,\)"),
        ((X[0, 0], Y, 1, 0), TypeError, "x must be an array; got float64"),
        ((np.array(1), np.array(1), 1, 0), ValueError, r"got \(\) and \(\)"),
        ((X, Y, 0, 0), ValueError, r"size must be an integer in 1\.\.64; got 0"),
        ((X, Y, 65, 0), ValueError, r"size must be an integer in 1\.\.64; got 65"),
        ((X, Y, 8.0, 0), TypeError, r"size must be an integer in 1\.\.64; got 8.0"),
        ((X, Y, True, 0), TypeError, r"size must be an integer"),
        ((X.tolist(), Y, 8, 0), TypeError, r"x must be an array; got list. Use np.asarray\(x\)"),
        ((X, None, 8, 0), TypeError, "y must be an array; got NoneType"),
        ((X, Y, 8, "42"), TypeError, "rng must be .* got '42'"),
        ((X, Y, 8, -1), ValueError, "rng must be .* got -1"),
    ],
)
def test_batches_are_refused_when_asked_for_not_when_used(arguments, error, message):
    with pytest.raises(error, match=f"^batches: .*{message}"):
        data.batches(*arguments)

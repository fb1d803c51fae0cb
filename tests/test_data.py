"""What nnlib.data promises: right bytes or a clear error, and no network but for `fetch`."""

import gzip
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mnist_files import ARRAYS, NAMES, fill, fill_cache, idx, is_small_mnist

from nnlib import data

REAL_MNIST = os.environ.get("NNLIB_MNIST")

pytestmark = pytest.mark.usefixtures("cache")


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


PLAIN = [name.removesuffix(".gz") for name in NAMES]
SPELLINGS = {
    "gzip": NAMES,
    "plain": PLAIN,
    "a dot": [name.replace("-idx", ".idx") for name in PLAIN],
    "a dot, gzip": [name.replace("-idx", ".idx") for name in NAMES],
    "mixed": [NAMES[0], PLAIN[1], "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte.gz"],
}


@pytest.mark.parametrize("names", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("name", ["plain", "with some spaces", "Übung 数字", "~/in the home"])
def test_files_may_be_unpacked_and_folders_called_anything(tmp_path, monkeypatch, name, names):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    fill(tmp_path / name.removeprefix("~/"), names=names)
    monkeypatch.chdir(tmp_path)
    assert is_small_mnist(data.load_mnist(name))
    assert is_small_mnist(data.load_mnist(Path(name)))
    monkeypatch.setenv("NNLIB_MNIST", name)
    assert is_small_mnist(data.load_mnist())
    assert np.array_equal(data.read_idx(Path(name) / names[1]), ARRAYS[1])


def test_a_folder_by_the_name_of_a_file_is_not_taken_for_it(tmp_path):
    """As some archives unpack: train-images-idx3-ubyte/train-images-idx3-ubyte, and with a dot."""
    folder = fill(tmp_path / "mnist", names=SPELLINGS["a dot"])
    for name in PLAIN:
        fill(folder / name, names=PLAIN)
    assert is_small_mnist(data.load_mnist(folder))
    (folder / SPELLINGS["a dot"][2]).unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks {NAMES[2]}\\.$"):
        data.load_mnist(folder)


@pytest.mark.parametrize("by", ["argument", "variable"])
@pytest.mark.parametrize("lacks", NAMES)
def test_a_folder_that_lacks_a_file_is_an_error_that_lists_all_four(
    tmp_path, monkeypatch, lacks, by
):
    folder = fill(tmp_path / "mnist")
    (folder / lacks).unlink()
    monkeypatch.setenv("NNLIB_MNIST", str(folder))
    due = f"without .gz, or with .idx for -idx; got .*, which lacks {lacks}\\.$"
    with pytest.raises(FileNotFoundError, match=due) as caught:
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


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4"])
def test_labels_may_be_integers_of_any_kind(tmp_path, dtype):
    labels = [a.astype(dtype) if a.ndim == 1 else a for a in ARRAYS]
    images = data.load_mnist(fill(tmp_path / "mnist", labels))
    assert is_small_mnist(images)
    assert images.labels_train.dtype == images.labels_test.dtype == np.int64
    labels[3] = labels[3] - 1
    at = int((labels[3] < 0).argmax())
    with pytest.raises(ValueError, match=rf"{NAMES[3]} must lie in 0..9; got -1 at index {at}"):
        data.load_mnist(fill(tmp_path / "mnist", labels))


@pytest.mark.parametrize(
    ("which", "dtype", "due"),
    [(i, t, "unsigned bytes") for i in (0, 2) for t in ("i1", "i2", "i4", "f4", "f8")]
    + [(i, t, "integers") for i in (1, 3) for t in ("f4", "f8")],
)
def test_images_are_bytes_and_labels_integers(tmp_path, which, dtype, due):
    arrays = [a.astype(dtype) if i == which else a for i, a in enumerate(ARRAYS)]
    folder = fill(tmp_path / "mnist", arrays)
    got = np.dtype(dtype).name
    with pytest.raises(
        ValueError, match=f"^load_mnist: .*{NAMES[which]} must hold {due}; got {got}\\. Use"
    ):
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


def test_the_sizes_are_those_of_mnist():
    folder = Path(REAL_MNIST or "nowhere").expanduser()
    assert list(data.MNIST_BYTES.items()) == list(zip(NAMES, (9_912_422, 28_881, 1_648_877, 4_542)))
    for path in (folder / name for name in NAMES):
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == OFFICIAL[path.name]:
            assert path.stat().st_size == data.MNIST_BYTES[path.name]


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


def test_loading_never_reaches_for_the_network(tmp_path, unplugged, capsys):
    data.load_digits()
    data.load_mnist()
    data.load_mnist(fill(tmp_path / "mnist"))
    with pytest.raises(FileNotFoundError):
        data.load_mnist(tmp_path)
    assert unplugged == []


# -- The module ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [3, b"labels", ["labels"], np.zeros(3)])
def test_a_folder_that_is_no_path_is_a_type_error(folder):
    with pytest.raises(TypeError, match=r"^load_mnist: folder must be a path; got "):
        data.load_mnist(folder)
    with pytest.raises(TypeError, match=r"^fetch: folder must be a path; got "):
        data.fetch(folder)


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
        (["cat", "dog"], TypeError, "labels must be an integer array; got list"),
        (np.array(["cat", "dog"]), TypeError, "labels must be .*got <U3.* Map the names to 0, 1"),
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
        ((np.ma.masked_array(X), Y, 8, 0), TypeError, "x must be an array; got MaskedArray"),
        ((X, Y.view(np.recarray), 8, 0), TypeError, "y must be an array; got recarray"),
        ((X, Y, 8, "42"), TypeError, "rng must be .* got '42'"),
        ((X, Y, 8, -1), ValueError, "rng must be .* got -1"),
    ],
)
def test_batches_are_refused_when_asked_for_not_when_used(arguments, error, message):
    with pytest.raises(error, match=f"^batches: .*{message}"):
        data.batches(*arguments)

"""Stored weights: small, exact to their type, loaded whole or not at all, never pickled."""

import pickle
import zipfile

import numpy as np
import pytest
from models import each_model, make
from runs import build

from nnlib.archives import packed
from nnlib.checkpoints import CHECKPOINTS, load_weights, place_of, store_weights
from nnlib.layers import Dropout, Linear, Sequential
from nnlib.mlp import MLP
from nnlib.parameters import named_parameters, parameter_vector
from nnlib.saving import save

STORED = sorted(path.stem for path in CHECKPOINTS.glob("*.npz"))
LARGEST = 600_000  # bytes of a file that comes with nnlib


def network(seed=0, dtype="float64"):
    """A small model."""
    return MLP(3, 4, 2, rng=seed, dtype=dtype)


def arrays_of(model, dtype="float16"):
    """Its parameters as a file has them."""
    params = [p for layer in model.layers() for p in layer.params.values()]
    names = [name for name, _ in named_parameters(model)]
    return {name: p.astype(dtype) for name, p in zip(names, params, strict=True)}


# -- there and back -------------------------------------------------------------------------------


@each_model
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_weights_come_back_as_their_type_keeps_them(name, dtype, tmp_path):
    model, x, _ = make(name)
    theta, _ = parameter_vector(model)
    want = theta.astype(dtype).astype(float)
    store_weights(tmp_path / "w.npz", model, dtype=dtype)
    other, _, _ = make(name)
    parameter_vector(other)[0][:] = 7
    assert load_weights(tmp_path / "w.npz", other) is other
    assert parameter_vector(other)[0].tobytes() == want.tobytes()
    theta[:] = want
    assert other(x)[0].tobytes() == model(x)[0].tobytes()


def test_a_model_of_either_precision_takes_weights_of_either(tmp_path):
    for stored in ("float32", "float64"):
        store_weights(tmp_path / "w.npz", network(dtype=stored), dtype="float16")
        for dtype in ("float32", "float64"):
            theta, _ = parameter_vector(load_weights(tmp_path / "w.npz", network(1, dtype)))
            assert theta.dtype == dtype
            want = parameter_vector(network())[0].astype("float16")
            np.testing.assert_array_equal(theta, want)


def test_a_file_has_the_parameters_by_name_and_numpy_reads_it_without_pickle(tmp_path):
    model = Sequential(Dropout(0.5), Linear(3, 2, rng=0))
    store_weights(tmp_path / "w.npz", model)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as file:
        assert {name: file[name].shape for name in file.files} == {"1.W": (2, 3), "1.b": (2,)}
        assert all(file[name].dtype == "float16" for name in file.files)


def test_what_a_run_needs_besides_is_not_stored(tmp_path):
    training = build()
    training.run(3)
    store_weights(tmp_path / "w.npz", training.model)
    with zipfile.ZipFile(tmp_path / "w.npz") as file:
        assert len(file.namelist()) == len(list(named_parameters(training.model)))


def test_loading_moves_no_array_so_that_an_optimizer_still_moves_the_model(tmp_path):
    training = build()
    store_weights(tmp_path / "w.npz", training.model)
    training.run(3)
    theta = training.theta
    load_weights(tmp_path / "w.npz", training.model)
    assert parameter_vector(training.model)[0] is theta
    before = theta.copy()
    training.run(1)
    assert (theta != before).any()


# -- the files that come with nnlib ---------------------------------------------------------------


@pytest.mark.parametrize("name", STORED)
def test_a_checkpoint_is_small_and_finite_and_in_half_precision(name):
    path = place_of(CHECKPOINTS / f"{name}.npz")
    assert path.stat().st_size <= LARGEST
    with np.load(path, allow_pickle=False) as file:
        for array in file.values():
            assert array.dtype == np.float16
            assert np.isfinite(array).all()


# -- what is refused ------------------------------------------------------------------------------


class Trap:
    """An object whose unpickling would be noticed."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def pickled(path):
    path.write_bytes(pickle.dumps(Trap()))


def with_object(path):
    np.savez(path, **{"0.W": np.array([Trap()], object)})


GOOD = arrays_of(network())
DAMAGE = {  # what stands in the file, and what is said of it
    "empty": (lambda path: path.write_bytes(b""), "is not a file of weights, or is damaged"),
    "text": (lambda path: path.write_text("weights"), "is not a file of weights, or is damaged"),
    "cut": (
        lambda path: path.write_bytes(packed(GOOD)[:-90]),
        "is not a file of weights, or is damaged",
    ),
    "changed": (
        lambda path: path.write_bytes(packed(GOOD).replace(GOOD["0.W"].tobytes(), b"\0" * 24)),
        "is not a file of weights, or is damaged: Bad CRC-32",
    ),
    "a pickle": (pickled, "is not a file of weights, or is damaged"),
    "an object": (with_object, "its 0.W holds Python objects, which are never loaded"),
    "one missing": (
        lambda path: path.write_bytes(packed({k: GOOD[k] for k in GOOD if k != "2.b"})),
        "weights: 2.b is missing.",
    ),
    "one more": (
        lambda path: path.write_bytes(packed(GOOD | {"3.W": np.ones(2)})),
        "weights: 3.W is unexpected.",
    ),
    "transposed": (
        lambda path: path.write_bytes(packed(GOOD | {"0.W": GOOD["0.W"].T})),
        "weights: 0.W is (3, 4), here (4, 3).",
    ),
    "of another model": (
        lambda path: store_weights(path, MLP(3, 5, 2, rng=0)),
        "weights: 0.W is (5, 3), here (4, 3), 0.b is (5,), here (4,), 2.W is (2, 5), here (2, 4).",
    ),
    "whole numbers": (
        lambda path: path.write_bytes(packed(GOOD | {"0.b": np.ones(4, int)})),
        "0.b must be one of float16, float32, float64; got int64.",
    ),
    "not a number": (
        lambda path: path.write_bytes(packed(GOOD | {"0.b": np.full(4, np.nan)})),
        "theta contains NaN: first at [12], 4 in all.",
    ),
    "too large": (
        lambda path: path.write_bytes(packed(GOOD | {"0.b": np.full(4, 1e300)})),
        "theta contains infinity",
    ),
    "a saved run": (lambda path: save(path, build()), "A saved run? Use nnlib.saving.load."),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_does_not_fit_is_refused_in_a_sentence_and_changes_nothing(damage, tmp_path):
    make_file, sentence = DAMAGE[damage]
    model, path = network(dtype="float32"), tmp_path / "w.npz"
    theta = parameter_vector(model)[0]
    before = theta.tobytes()
    make_file(path)
    with pytest.raises(ValueError, match=r"^load_weights: .*w\.npz") as raised:
        load_weights(path, model)
    assert sentence in str(raised.value)
    assert theta.tobytes() == before


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: load_weights("06_minst", network()), ValueError, "or one of 06_digits"),
        (lambda: load_weights("no/such.npz", network()), FileNotFoundError, "there is no file"),
        (lambda: load_weights(network(), "06_digits"), TypeError, "name_or_path must be a path"),
        (lambda: load_weights("w.npz", "a model"), TypeError, "model must be a layer or model"),
        (lambda: load_weights("w.npz"), TypeError, "model is missing; give it by keyword"),
        (lambda: store_weights("w.npz", build()), TypeError, "must be a layer or model; got Train"),
        (lambda: store_weights(network(), "w.npz"), TypeError, "path must be a path; got MLP."),
        (lambda: store_weights("w.npz", network(), dtype="half"), ValueError, "got 'half'."),
        (lambda: store_weights(".", network()), IsADirectoryError, "path must be a file that can"),
    ],
)
def test_what_is_no_model_or_no_file_is_refused_in_a_sentence(call, error, sentence):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(("load_weights: ", "store_weights: "))
    assert sentence in str(raised.value)


@pytest.mark.parametrize(("value", "dtype"), [(1e5, "float16"), (1e39, "float32")])
def test_weights_that_a_type_cannot_hold_leave_an_older_file(value, dtype, tmp_path):
    model, path = network(), tmp_path / "w.npz"
    store_weights(path, model)
    before = path.read_bytes()
    parameter_vector(model)[0][5] = value
    with pytest.raises(ValueError, match=rf"theta must fit {dtype}; it reaches 1"):
        store_weights(path, model, dtype=dtype)
    assert path.read_bytes() == before
    parameter_vector(model)[0][5] = np.nan
    with pytest.raises(ValueError, match=r"^store_weights: theta contains NaN"):
        store_weights(path, model, dtype=dtype)


def test_a_model_without_parameters_has_no_weights(tmp_path):
    with pytest.raises(ValueError, match="has no parameters"):
        store_weights(tmp_path / "w.npz", Dropout(0.5))

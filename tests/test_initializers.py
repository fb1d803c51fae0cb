"""What nnlib.initializers promises: the variance that is written, from the generator given."""

import inspect
import re
from math import sqrt

import numpy as np
import pytest

from nnlib import initializers
from nnlib.initializers import (
    constant,
    he_normal,
    he_uniform,
    normal,
    uniform,
    xavier_normal,
    xavier_uniform,
)

SHAPE = (500, 1000)  # (out, in): 500,000 draws
UNIFORM = {xavier_uniform: sqrt(6 / 1500), he_uniform: sqrt(6 / 1000)}  # and their bounds
STD = {
    xavier_uniform: sqrt(2 / 1500),
    xavier_normal: sqrt(2 / 1500),
    he_uniform: sqrt(2 / 1000),
    he_normal: sqrt(2 / 1000),
    uniform: 0.2 / sqrt(12),
    normal: 0.01,
}
ALL = [constant, *STD]
each = pytest.mark.parametrize("init", ALL, ids=lambda init: init.__name__)
each_random = pytest.mark.parametrize("init", STD, ids=lambda init: init.__name__)
each_uniform = pytest.mark.parametrize("init", UNIFORM, ids=lambda init: init.__name__)


def test_every_initializer_is_tried():
    public = {f for _, f in inspect.getmembers(initializers, inspect.isfunction) if takes_rng(f)}
    assert public == set(ALL)


def takes_rng(f):
    """Whether a function is an initializer of this module."""
    return f.__module__ == initializers.__name__ and "rng" in inspect.signature(f).parameters


@each_random
def test_the_spread_is_the_one_written(init):
    W = init(SHAPE, rng=0)
    assert W.shape == SHAPE
    assert W.std() == pytest.approx(STD[init], rel=0.01)
    assert abs(W.mean()) < 5 * STD[init] / sqrt(W.size)


@each_uniform
def test_uniform_draws_fill_their_interval_and_never_leave_it(init):
    bound, W = UNIFORM[init], init(SHAPE, rng=1)
    assert -bound <= W.min() < -0.9999 * bound
    assert 0.9999 * bound < W.max() < bound


@each_uniform
def test_the_bound_is_exact(init):
    """The same draws from U[0, 1), laid out between the bounds."""
    bound, u = UNIFORM[init], np.random.default_rng(2).random(SHAPE)
    np.testing.assert_allclose(init(SHAPE, rng=2), bound * (2 * u - 1), rtol=0, atol=1e-15)


@each
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(init):
    first, again, other = (init((40, 30), rng=seed) for seed in (0, np.random.default_rng(0), 1))
    assert first.tobytes() == again.tobytes()
    assert (first.tobytes() == other.tobytes()) == (init is constant)


@each
def test_the_global_generator_is_neither_read_nor_changed(init):
    before = np.random.get_state()
    W = init((4, 3), rng=0)
    assert repr(np.random.get_state()) == repr(before)
    try:
        np.random.seed(123)
        assert init((4, 3), rng=0).tobytes() == W.tobytes()
    finally:
        np.random.set_state(before)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32])
def test_the_type_is_the_one_asked_for(init, dtype):
    W = init((3, 2), rng=0, dtype=dtype)
    assert W.dtype == dtype
    assert W.tobytes() == init((3, 2), rng=0).astype(dtype).tobytes()


def test_the_numbers_given_are_the_numbers_used():
    assert np.all(constant((2, 3), value=-0.5) == -0.5)
    W = normal(SHAPE, rng=0, mean=3.0, std=0.5)
    assert (W.mean(), W.std()) == (pytest.approx(3, rel=0.01), pytest.approx(0.5, rel=0.01))
    W = uniform(SHAPE, rng=0, low=2.0, high=5.0)
    assert (W.min(), W.max()) == (pytest.approx(2, abs=1e-4), pytest.approx(5, abs=1e-4))


@each
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"shape": 3}, ValueError, "shape must be (out, in); got 3."),
        ({"shape": (2, 3, 4)}, ValueError, "shape must be (out, in); got (2, 3, 4)."),
        ({"shape": (0, 3)}, ValueError, "out must be an integer >= 1; got 0."),
        ({"shape": (2, 3.0)}, TypeError, "in must be an integer >= 1; got 3.0 (float)."),
        ({"dtype": "flot32"}, ValueError, "got 'flot32'. Did you mean 'float32'?"),
        ({"dtype": int}, ValueError, "dtype must be 'float32' or 'float64'; got 'int'."),
    ],
    ids=str,
)
def test_a_wrong_shape_or_type_is_refused(init, change, error, message):
    with pytest.raises(error) as raised:
        init(**{"shape": (2, 3), "rng": 0} | change)
    assert str(raised.value).startswith(f"{init.__name__}: ") or init in ALIASES
    assert message in str(raised.value)


ALIASES = (xavier_uniform, xavier_normal, he_uniform, he_normal)  # the type is uniform's, normal's


@each_random
@pytest.mark.parametrize(
    ("rng", "error"), [("42", TypeError), (1.5, TypeError), (-1, ValueError)], ids=str
)
def test_a_wrong_seed_is_refused(init, rng, error):
    with pytest.raises(error, match=f"rng must be an integer >= 0; got {rng!r}"):
        init((2, 3), rng=rng)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: constant((1, 1), value=np.inf), "constant: value must be a number in (-inf, inf)"),
        (lambda: normal((1, 1), rng=0, std=-1), "normal: std must be a number in [0, inf); got -1"),
        (lambda: uniform((1, 1), rng=0, low=1, high=0), "uniform: high must be a number in [1.0,"),
    ],
)
def test_a_number_out_of_range_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()

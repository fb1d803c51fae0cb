"""Inputs that a student gets wrong with blocks, losses and derivatives, and the kind errors.

Each row of the table changes one argument of a call that is right. The other inputs that students
get wrong belong to other modules.
"""

import copy
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import nnlib
from nnlib.blocks import (
    attention,
    attention_weights,
    dropout,
    embedding,
    layer_norm,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    softmax,
    standardize,
)
from nnlib.calculus import (
    check_vjp,
    directional_derivative,
    numerical_gradient,
    numerical_jacobian,
)
from nnlib.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    mse,
    softmax_cross_entropy,
)
from nnlib.mlp import MLP

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(64, 20)), RNG.normal(size=(10, 20)), RNG.normal(size=10)
Z, P = RNG.normal(size=(64, 10)), softmax(RNG.normal(size=(64, 10)))[0]
LABELS = np.arange(64) % 10
ONE_HOT = np.eye(10)[LABELS]
Q, K, V = (RNG.normal(size=(2, 4, 2, 8)) for _ in "qkv")
CAUSAL = np.tri(2, dtype=bool)
E, IDS = RNG.normal(size=(32, 4)), np.arange(16).reshape(2, 8)


def put(a, index, value):
    """A copy of an array with one entry changed."""
    a = a.copy()
    a[index] = value
    return a


def grows(x):
    x += 1
    return x.sum()


def random_block(x):
    return RNG.normal() * x, np.copy


class Tensor:
    """An array of another library: it has a shape and a dtype, but is none of NumPy's."""

    shape, dtype = (64, 20), "torch.float64"


# -- what the student means to write: each call is right as it stands ---------------------------


def classify(z=Z, labels=LABELS):
    return softmax_cross_entropy(z, labels=labels)


def classify_by_position(arrays=(Z,), **target):
    return softmax_cross_entropy(*arrays, **(target or {"labels": LABELS}))


def compare(p=P, target=ONE_HOT):
    return cross_entropy(p, target=target)


def fit_numbers(prediction=Z, target=Z):
    return mse(prediction, target=target)


def toss(p=P, target=ONE_HOT):
    return binary_cross_entropy(p, target=target)


def toss_from_scores(z=Z, target=ONE_HOT):
    return binary_cross_entropy_with_logits(z, target=target)


def affine(x=X, W=W, b=B):
    return linear(x, W, b)


def affine_by_position(arrays=(X, W, B)):
    return linear(*arrays)


def back(dy=Z):
    return linear(X, W, B)[1](dy)


def back_from_loss(dy=1.0):
    return mse(Z, target=Z)[1](dy)


def normalize(x=X, gamma=X[0], beta=X[1], eps=1e-5):
    return layer_norm(x, gamma, beta, eps=eps)


def drop(x=Z, keep=Z > 0, p=0.5):
    return dropout(x, keep=keep, p=p)


def look_up(ids=IDS):
    return embedding(E, ids=ids)


def attend(q=Q, k=K, v=V, mask=CAUSAL):
    return attention(q, k, v, mask=mask)


def weigh(q=Q, k=K, mask=CAUSAL):
    return attention_weights(q, k, mask=mask)


def network(activation=relu):
    return MLP(20, 10, 10, activation=activation, rng=0)


def gradient(f=np.sum, x=B, eps=1e-6):
    return numerical_gradient(f, x, eps=eps)


def jacobian(f=np.sin, x=B, eps=1e-6):
    return numerical_jacobian(f, x, eps=eps)


def along(f=np.sum, x=B, u=B, eps=1e-6):
    return directional_derivative(f, x, u, eps=eps)


def check(f=relu, x=B, **options):
    return check_vjp(f, x, **options)


# -- error, call, the argument that is wrong, what must be said beside its name -----------------

MISTAKES = [
    (ValueError, classify, {"labels": ONE_HOT.astype(int)}, "(64,) | (64, 10) | labels.argmax"),
    (ValueError, classify, {"labels": ONE_HOT}, "(64,) | z (64, 10) | (64, 10) | one-hot"),
    (ValueError, compare, {"target": LABELS}, "(64, 10) | (64,) | one_hot(target, 10)"),
    (ValueError, fit_numbers, {"target": LABELS}, "(64, 10) | (64,) | one_hot(target, 10)"),
    (ValueError, classify, {"labels": LABELS[:, None]}, "(64,) | (64, 1) | labels[..., 0]"),
    (ValueError, classify, {"labels": LABELS + 1}, "0..9 | 10 at index 9 | start at 1"),
    (ValueError, classify, {"labels": put(LABELS, 3, -1)}, "0..9 | -1 at index 3"),
    (TypeError, classify, {"labels": 1.0 * LABELS}, "integers | float64 | labels.astype(int)"),
    (ValueError, classify, {"labels": put(1.0 * LABELS, 5, np.nan)}, "NaN at index 5"),
    (TypeError, classify, {"labels": LABELS > 4}, "bool | astype(int), or binary cross-entropy"),
    (TypeError, classify, {"labels": LABELS.astype(str)}, "integers | <U | Map the names"),
    (TypeError, classify, {"labels": ["cat", "dog"]}, "list | np.asarray(labels)"),
    (ValueError, classify, {"labels": LABELS[:60]}, "(64,) | z (64, 10) | (60,)"),
    (ValueError, fit_numbers, {"target": Z[:60]}, "(64, 10) | (60, 10)"),
    (ValueError, affine, {"x": X.reshape(64, 4, 5)}, "W must have shape (m, 5) | (64, 4, 5)"),
    (ValueError, affine, {"x": X.T}, "W must have shape (m, 64) | (20, 64) | (10, 20)"),
    (ValueError, classify, {"z": Z[:0], "labels": LABELS[:0]}, "at least one | (0, 10)"),
    (ValueError, fit_numbers, {"prediction": Z[:0], "target": Z[:0]}, "at least one | (0, 10)"),
    (ValueError, affine, {"x": X[:, :0]}, "(..., n) | (64, 0) | Only leading axes"),
    (ValueError, fit_numbers, {"target": put(Z, (3, 4), np.nan)}, "NaN | [3, 4], 1 in all"),
    (ValueError, fit_numbers, {"target": put(Z, (3, 4), np.inf)}, "infinity | [3, 4]"),
    (TypeError, affine, {"x": np.array([[1.0], [1.0, 2.0]], object)}, "float64; got object"),
    (TypeError, affine, {"x": X.tolist()}, "float array; got list | np.asarray(x, float)"),
    (TypeError, affine, {"x": Tensor()}, "float array; got Tensor | np.asarray(x, float)"),
    (TypeError, affine, {"x": "train.npy"}, "float array; got str"),
    (TypeError, affine, {"x": X + 0j}, "float32 or float64; got complex128"),
    (TypeError, classify, {"z": Z + 0j}, "float32 or float64; got complex128"),
    (TypeError, affine, {"W": None}, "float array; got NoneType"),
    (TypeError, affine_by_position, {"arrays": (X, W)}, "(x, W, b) | 2 by position"),
    (TypeError, classify, {"labels": None}, "missing; give it by keyword, labels="),
    (TypeError, fit_numbers, {"target": None}, "missing; give it by keyword, target="),
    (TypeError, classify_by_position, {"arrays": (Z, LABELS)}, "labels by keyword | 2 by"),
    (TypeError, classify_by_position, {"label": LABELS}, "labels is missing | labels="),
    (
        TypeError,
        partial(softmax_cross_entropy, Z, labels=LABELS),
        {"temperature": 2.0},
        "takes no temperature. Its keywords are keep, labels",
    ),
    (
        TypeError,
        partial(dropout, Z, keep=Z > 0, p=0.5),
        {"P": 0.5},
        "takes no P. Its keywords are keep, p",
    ),
    (
        TypeError,
        partial(attention, Q, K, V),
        {"masc": CAUSAL},
        "takes no masc. Did you mean mask?",
    ),
    (ValueError, fit_numbers, {"target": Z[:, 0], "prediction": Z[:, :1]}, "target[..., None]"),
    (ValueError, fit_numbers, {"target": Z[:, :1], "prediction": Z[:, 0]}, "(64, 1). Use"),
    (ValueError, toss, {"target": 2 * ONE_HOT}, "[0, 1]; got 2"),
    (ValueError, toss_from_scores, {"target": 2 * ONE_HOT}, "[0, 1]; got 2"),
    (ValueError, toss, {"p": put(P, 0, 1.5)}, "[0, 1]; got 1.5 | logits | with_logits"),
    (
        ValueError,
        toss,
        {"p": 1 - ONE_HOT},
        "exactly 0 at index (0, 0) | with_logits",
    ),
    (ValueError, compare, {"p": 0.3 * P}, "sum to 1 | 0.3 | logits"),
    (ValueError, compare, {"p": Z}, "[0, 1]; got | logits | softmax_cross_entropy"),
    (TypeError, affine, {"x": X.astype(np.float16)}, "float32 or float64; got float16"),
    (TypeError, affine, {"x": X.astype(np.float32)}, "float32, W float64 | astype"),
    (ValueError, back, {"dy": Z.T}, "the output's shape (64, 10); got (10, 64)"),
    (
        TypeError,
        back,
        {"dy": Z.astype("f4")},
        "the output's type float64; got float32",
    ),
    (TypeError, back, {"dy": None}, "array | NoneType"),
    (ValueError, back_from_loss, {"dy": np.ones(64)}, "the output's shape (); got (64,)"),
    (TypeError, back_from_loss, {"dy": None}, "one number; got NoneType"),
    (ValueError, partial(softmax, Z), {"axis": 2}, "-2..1; got 2"),
    (TypeError, partial(log_softmax, Z), {"axis": 1.0}, "-2..1; got 1.0 (float)"),
    (ValueError, partial(standardize, Z), {"axis": (0, 2)}, "-2..1; got 2"),
    (ValueError, drop, {"p": 1.5}, "[0, 1); got 1.5"),
    (ValueError, drop, {"p": -0.1}, "[0, 1); got -0.1"),
    (ValueError, drop, {"p": 1}, "[0, 1); got 1"),
    (TypeError, drop, {"p": "0.5"}, "[0, 1); got '0.5' (str)"),
    (ValueError, drop, {"p": 50}, "[0, 1); got 50 | percentage? Use 0.5"),
    (TypeError, drop, {"keep": 1.0 * (Z > 0)}, "boolean | float64 | np.asarray(keep, bool)"),
    (ValueError, drop, {"keep": Z[0] > 0}, "(64, 10) | (10,)"),
    (ValueError, look_up, {"ids": put(IDS, (0, 7), 32)}, "0..31; got 32 at index (0, 7)"),
    (ValueError, look_up, {"ids": put(IDS, (1, 0), -1)}, "0..31; got -1 at index (1, 0)"),
    (TypeError, look_up, {"ids": 1.0 * IDS}, "integers; got float64"),
    (TypeError, look_up, {"ids": [1, 2]}, "list | np.asarray(ids)"),
    (ValueError, attend, {"mask": np.tri(3, dtype=bool)}, "(2, 4, 2, 2) | (3, 3)"),
    (ValueError, attend, {"mask": ~CAUSAL}, "query row 1 is blocked | True means *may"),
    (TypeError, attend, {"mask": 1 * CAUSAL}, "boolean | int64 | np.asarray(mask, bool)"),
    (
        TypeError,
        attend,
        {"mask": np.where(CAUSAL, 0, -np.inf)},
        "float64. Use mask == 0",
    ),
    (TypeError, weigh, {"mask": CAUSAL.tolist()}, "boolean | list | np.asarray(mask, bool)"),
    (ValueError, attend, {"k": K[..., :6]}, "(2, 4, s, 8) | q (2, 4, 2, 8) | (2, 4, 2, 6)"),
    (ValueError, weigh, {"k": K[..., :6]}, "(2, 4, s, 8) | q (2, 4, 2, 8) | (2, 4, 2, 6)"),
    (ValueError, attend, {"k": K[:1]}, "(2, 4, s, 8) | (1, 4, 2, 8)"),
    (ValueError, attend, {"v": V[..., :1, :]}, "(2, 4, 2, e) | (2, 4, 1, 8)"),
    (ValueError, normalize, {"gamma": np.ones(4)}, "(20,) | x (64, 20) | (4,)"),
    (ValueError, normalize, {"beta": np.zeros((1, 20))}, "(20,) | (1, 20)"),
    (ValueError, normalize, {"eps": 0}, "(0, inf); got 0"),
    (ValueError, normalize, {"eps": -1e-5}, "(0, inf); got -1e-05"),
    (TypeError, normalize, {"eps": "1e-5"}, "(0, inf); got '1e-5' (str)"),
    (ValueError, partial(standardize, Z), {"eps": np.nan}, "(0, inf); got nan"),
    (ValueError, partial(leaky_relu, Z), {"slope": -0.1}, "[0, inf); got -0.1"),
    (TypeError, network, {"activation": "relu"}, "a block such as nnlib.blocks.relu; got str"),
    (TypeError, network, {"activation": None}, "a block such as nnlib.blocks.relu; got None"),
    (TypeError, check, {"f": "relu"}, "function; got str"),
    (ValueError, gradient, {"f": np.sin}, "one number; got shape (10,)"),
    (ValueError, gradient, {"f": grows}, "changed its input | copy"),
    (ValueError, gradient, {"f": lambda x: RNG.normal()}, "two calls | differ. Fix its seed"),
    (TypeError, gradient, {"f": lambda x: None}, "numbers; got None. Is its return missing"),
    (TypeError, gradient, {"f": relu}, "numbers | (value, pullback) of a block | f(x)[0]"),
    (TypeError, gradient, {"x": np.arange(3)}, "float64 | int64 | np.asarray(x, float)"),
    (TypeError, gradient, {"x": B.astype("f4")}, "float64 | steps of 1e-6 vanish | float32"),
    (TypeError, jacobian, {"x": [1.0, 2.0]}, "float64 | list | np.asarray(x, float)"),
    (ValueError, along, {"u": np.ones(3)}, "x (10,); got (3,)"),
    (TypeError, check, {"x": np.arange(3)}, "float64 | int64"),
    (TypeError, check, {"x": B.astype("f4")}, "float64 | float32"),
    (AssertionError, check, {"f": np.sin}, "pair (value, pullback); got ndarray"),
    (AssertionError, check, {"f": random_block}, "two calls | different values"),
    (ValueError, gradient, {"eps": 0}, "[1e-12, 0.1]; got 0"),
    (ValueError, gradient, {"eps": 1e-16}, "[1e-12, 0.1]; got 1e-16"),
    (ValueError, along, {"eps": 10}, "[1e-12, 0.1]; got 10"),
    (ValueError, jacobian, {"eps": -1e-6}, "[1e-12, 0.1]; got -1e-06"),
    (ValueError, check, {"tol": 0}, "(0, 1); got 0"),
    (ValueError, check, {"directions": 0}, ">= 1; got 0"),
]

each_mistake = pytest.mark.parametrize(
    ("error", "call", "change", "words"),
    MISTAKES,
    ids=[f"{', '.join(change)}: {words}" for _, _, change, words in MISTAKES],
)
ARRAYS = {name: a for name, a in globals().items() if isinstance(a, np.ndarray)}
BEFORE = copy.deepcopy(ARRAYS)


@each_mistake
def test_a_mistake_meets_a_kind_error_and_works_once_put_right(error, call, change, words):
    with pytest.raises(error) as failure:
        call(**change)
    said = str(failure.value)
    assert type(failure.value) is error
    assert re.match(r"[a-z_A-Z]+(\(\S+\))?: ", said), "the function's name stands first"
    at = 0
    for word in words.split(" | "):
        assert word in said[at:], f"{word!r} is not said, or not there: {said}"
        at = said.index(word, at) + len(word)
    call()


@each_mistake
def test_the_error_names_the_argument(error, call, change, words):
    with pytest.raises(error) as failure:
        call(**change)
    _, _, said = str(failure.value).partition(": ")
    unnamed = words.startswith(("(x, W, b)", "labels", "query row", "pair", "two calls |"))
    assert unnamed or any(re.search(rf"\b{name}\b", said) for name in change)


@each_mistake
def test_no_error_comes_from_deep_inside(error, call, change, words):
    with pytest.raises(error) as failure:
        call(**change)
    raised_in = Path(failure.traceback[-1].path)
    assert raised_in.parent == Path(nnlib.__file__).parent
    assert failure.value.__context__ is failure.value.__cause__


@each_mistake
def test_a_mistake_changes_nothing(error, call, change, words):
    with pytest.raises(error):
        call(**change)
    for name, a in ARRAYS.items():
        assert a.tobytes() == BEFORE[name].tobytes(), name

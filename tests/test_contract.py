"""The contract of a block is read, enforced and told in plain sentences."""

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.contract import Contract, block, expected, read_dims


def ones(*shape, dtype=float):
    return np.ones(shape, dtype)


@block("x (..., n), W (m, n), b (m,); mark (...) -> y (..., m)")
def affine(x, W, b, *, mark):
    """Map every row.

    Details.
    """
    return x @ W.T + b, lambda dy: (dy @ W, dy.T @ x, dy.sum(axis=0))


@block("z (..., c); labels (...) -> L ()")
def loss(z, *, labels):
    """Count."""
    return float(z.sum()), lambda dL: np.full_like(z, dL)


@block("x (..., n, m) -> y (..., nm)")
def flat(x):
    """Lay out."""
    return x.reshape(*x.shape[:-2], -1), lambda dy: dy.reshape(x.shape)


@block("x (...) -> y (...)")
def blend(x, *, weight, bias=0.0):
    """Forget the pullback, for some weights."""
    return (weight * x + bias, np.copy) if weight else x


# -- reading and matching a contract -----------------------------------------------------------


def test_a_contract_is_read_as_it_is_written():
    contract = Contract("x (..., n), W (m, n), b (m,); mark (...) -> y (..., m)")
    assert contract.inputs == (("x", ("...", "n")), ("W", ("m", "n")), ("b", ("m",)))
    assert contract.constants == (("mark", ("...",)),)
    assert contract.output == ("...", "m")
    assert Contract("z (..., c); labels (...) -> L ()").output == ()
    assert read_dims("") == ()


@pytest.mark.parametrize("leading", [(), (4,), (4, 2), (0,), (1, 5, 1)], ids=str)
def test_dots_are_any_leading_axes(leading):
    y, _ = affine(ones(*leading, 3), ones(2, 3), ones(2), mark=ones(*leading))
    assert y.shape == (*leading, 2)


sizes = st.integers(1, 4)


@given(st.lists(sizes, max_size=3), sizes, sizes, sizes, sizes, st.lists(sizes, max_size=3))
def test_equal_letters_are_equal_sizes(leading, n, m, n_of_W, m_of_b, mark):
    arguments = ones(*leading, n), ones(m, n_of_W), ones(m_of_b)
    if n == n_of_W and m == m_of_b and mark == leading:
        assert affine(*arguments, mark=ones(*mark))[0].shape == (*leading, m)
    else:
        wrong = "W" if n != n_of_W else "b" if m != m_of_b else "mark"
        with pytest.raises(ValueError, match=f"^affine: {wrong} must have shape .*; got "):
            affine(*arguments, mark=ones(*mark))


def test_nothing_is_broadcast():
    for b in (ones(1), ones(1, 2), ones()):
        with pytest.raises(ValueError, match=r"^affine: b must have shape \(2,\)"):
            affine(ones(4, 3), ones(2, 3), b, mark=ones(4))


def test_a_size_that_the_contract_leaves_open_is_the_blocks_own():
    y, pullback = flat(ones(5, 2, 3))
    assert y.shape == (5, 6)
    with pytest.raises(ValueError, match=r"^flat: dy must have the output's shape \(5, 6\)"):
        pullback(ones(5, 2, 3))


def test_a_contract_is_shown_behind_the_first_line_of_the_docstring():
    first, empty, shapes, *rest = affine.__doc__.split("\n")
    assert (first, empty) == ("Map every row.", "")
    assert shapes == "    Shapes   x (..., n), W (m, n), b (m,); mark (...) -> y (..., m)"
    assert "Details." in rest[1]
    assert "Shapes   z (..., c); labels (...) -> L ()" in inspect.getdoc(loss)


def test_a_block_without_a_docstring_still_shows_its_shapes():
    @block("x (...) -> y (...)")
    def bare(x):
        return x, lambda dy: dy

    assert "Shapes   x (...) -> y (...)" in bare.__doc__


def test_a_block_keeps_its_name_its_arguments_and_its_contract():
    assert affine.__name__ == "affine"
    assert list(inspect.signature(affine).parameters) == ["x", "W", "b", "mark"]
    assert affine.contract.output == ("...", "m")
    assert pickle.loads(pickle.dumps(affine)) is affine


def test_a_block_that_breaks_its_own_contract_is_told():
    @block("x (..., n) -> y (..., n)")
    def halves(x):
        return x[..., ::2], lambda dy: dy

    @block("x (...) -> y (...)")
    def total(x):
        return float(x.sum()), lambda dy: dy

    @block("x (...) -> L ()")
    def vector(x):
        return x, lambda dy: dy

    for broken, got, due in (
        (halves, r"\(2, 2\)", r"\(2, 4\)"),
        (total, r"\(\)", r"\(2, 4\)"),
        (vector, r"\(2, 4\)", r"\(\)"),
    ):
        message = rf"^{broken.__name__}: its value has shape {got}, its contract says {due}\.$"
        with pytest.raises(ValueError, match=message):
            broken(ones(2, 4))


# -- what a contract refuses, word for word ----------------------------------------------------

GOOD = {"x": ones(4, 3), "W": ones(2, 3), "b": ones(2), "mark": ones(4)}
Z = ones(5, 10)
MASKED = np.ma.masked_array(ones(4, 3), ones(4, 3) > 0)


def affine_with(**change):
    return lambda: affine(*((GOOD | change)[k] for k in "xWb"), mark=(GOOD | change)["mark"])


MESSAGES = [
    # shapes, and what to do about them
    (affine_with(x=ones()), "x must have shape (..., n); got ()."),
    (affine_with(W=ones(2, 5)), "W must have shape (m, 3) to go with x (4, 3); got (2, 5)."),
    (
        affine_with(W=ones(3, 2)),
        "W must have shape (m, 3) to go with x (4, 3); got (3, 2). Transposed? Use W.T.",
    ),
    (affine_with(W=ones(3)), "W must have shape (m, 3) to go with x (4, 3); got (3,)."),
    (affine_with(b=ones(3)), "b must have shape (2,) to go with x (4, 3); got (3,)."),
    (
        affine_with(b=ones(2, 1)),
        "b must have shape (2,) to go with x (4, 3); got (2, 1). Use b[..., 0].",
    ),
    (
        affine_with(mark=ones(4, 1)),
        "mark must have shape (4,) to go with x (4, 3); got (4, 1). Use mark[..., 0].",
    ),
    (affine_with(mark=ones()), "mark must have shape (4,) to go with x (4, 3); got ()."),
    (
        affine_with(x=ones(4, 0)),
        "x must have shape (..., n); got (4, 0). Only leading axes may be empty.",
    ),
    (
        lambda: loss(Z, labels=ones(5, 10)),
        "labels must have shape (5,) to go with z (5, 10); got (5, 10). "
        "It looks one-hot: use labels.argmax(axis=-1).",
    ),
    (
        lambda: loss(Z, labels=ones(6)),
        "labels must have shape (5,) to go with z (5, 10); got (6,).",
    ),
    # types
    (affine_with(x=[1.0]), "x must be a float array; got list. Use np.asarray(x, float)."),
    (affine_with(W=None), "W must be a float array; got NoneType."),
    (affine_with(b="b"), "b must be a float array; got str."),
    (affine_with(x=3), "x must be a float array; got int. Use np.asarray(x, float)."),
    (
        affine_with(x=ones(4, 3, dtype=int)),
        "x must be float32 or float64; got int64. Use np.asarray(x, float).",
    ),
    (affine_with(x=ones(4, 3, dtype=complex)), "x must be float32 or float64; got complex128."),
    (affine_with(x=ones(4, 3, dtype=object)), "x must be float32 or float64; got object."),
    (
        affine_with(W=ones(2, 3, dtype=np.float32)),
        "all arrays must have one float type; got x float64, W float32, b float64. Use astype.",
    ),
    (affine_with(mark=None), "mark is missing; give it by keyword, mark=..."),
    (affine_with(mark=[1, 2]), "mark must be an array; got list. Use np.asarray(mark)."),
    # how many
    (
        lambda: affine(GOOD["x"], GOOD["W"], mark=GOOD["mark"]),
        "needs 3 arrays by position (x, W, b), mark by keyword; got 2 by position.",
    ),
    (
        lambda: affine(*GOOD.values()),
        "needs 3 arrays by position (x, W, b), mark by keyword; got 4",
    ),
    (lambda: affine(GOOD["x"], GOOD["W"], GOOD["b"]), "mark is missing; give it by keyword"),
    (
        lambda: affine(GOOD["x"], GOOD["W"], b=GOOD["b"], mark=GOOD["mark"]),
        "needs 3 arrays by position (x, W, b), mark by keyword; got 2 by position.",
    ),
    (lambda: loss(Z, label=ones(5)), "labels is missing; give it by keyword, labels=..."),
    (lambda: loss(Z, labels=ones(5), axis=1), "takes no axis. Its keywords are labels."),
    (lambda: flat(ones(2, 2), axis=1), "takes no axis."),
    (lambda: blend(Z, wieght=1.0), "weight is missing; give it by keyword, weight=..."),
    (lambda: blend(Z, weight=1.0, bais=2.0), "takes no bais. Did you mean bias?"),
    (lambda: blend(Z), "weight is missing; give it by keyword, weight=..."),
    # what is more than an array
    (affine_with(x=MASKED), "x must be a float array; got MaskedArray. Fill what is masked, then"),
    (affine_with(mark=MASKED[:, 0]), "mark must be an array; got MaskedArray. Fill what is masked"),
    (
        lambda: affine_with()()[1](np.ma.masked_array(ones(4, 2))),
        "dy must be an array of the output's type float64; got MaskedArray. Fill what is masked",
    ),
    (lambda: loss(Z, labels=ones(5))[1](np.ma.masked), "dy must be one number; got MaskedConst"),
    (lambda: loss(Z, labels=ones(5))[1](np.array("1")), "dy must be one number; got <U1"),
    (lambda: loss(Z, labels=ones(5))[1](np.array(1j)), "dy must be one number; got complex128"),
    # what is no pair
    (lambda: blend(Z, weight=0.0), "must return the pair (value, pullback); got ndarray. See"),
    (lambda: flat(), "needs 1 array by position (x); got 0 by position."),
    # the upstream gradient
    (
        lambda: affine_with()()[1](ones(2, 4)),
        "dy must have the output's shape (4, 2); got (2, 4).",
    ),
    (
        lambda: affine_with()()[1](ones(4, 2, dtype=np.float32)),
        "dy must be an array of the output's type float64; got float32.",
    ),
    (
        lambda: affine_with()()[1]([[1.0]]),
        "dy must be an array of the output's type float64; got list.",
    ),
    (lambda: loss(Z, labels=ones(5))[1](ones(5)), "dy must have the output's shape (); got (5,)."),
    (lambda: loss(Z, labels=ones(5))[1]("1"), "dy must be one number; got str."),
]


@pytest.mark.parametrize(("call", "message"), MESSAGES, ids=[message for _, message in MESSAGES])
def test_the_error_says_which_argument_what_is_due_and_what_came(call, message):
    with pytest.raises((TypeError, ValueError)) as failure:
        call()
    where, _, words = str(failure.value).partition(": ")
    assert where in ("affine", "loss", "flat", "blend")
    assert words.startswith(message)
    assert words[-1] in ".?"


@pytest.mark.parametrize(("call", "message"), MESSAGES, ids=[message for _, message in MESSAGES])
def test_the_traceback_ends_in_nnlib_and_tells_one_story(call, message):
    with pytest.raises((TypeError, ValueError)) as failure:
        call()
    assert Path(failure.traceback[-1].path).name in ("checks.py", "contract.py")
    assert failure.value.__context__ is None


def test_a_wrong_type_is_a_TypeError_and_a_wrong_shape_a_ValueError():
    for call, message in MESSAGES:
        shape = " shape " in message
        with pytest.raises(ValueError if shape else TypeError):
            call()


def test_a_keyword_is_looked_at_in_each_call_though_the_shapes_are_known():
    assert blend(Z, weight=2.0)[0].sum() == 100
    for wrong in ({"weight": 2.0, "wait": 1}, {"bias": 1.0}, {}):
        with pytest.raises(TypeError, match="^blend: "):
            blend(Z, **wrong)
    assert blend(Z, bias=1.0, weight=2.0)[0].sum() == 150


def test_a_subclass_is_refused_though_an_array_of_its_shape_has_passed():
    assert affine_with()()[0].shape == (4, 2)
    with pytest.raises(TypeError, match="got MaskedArray"):
        affine_with(x=MASKED)()


def test_an_error_leaves_the_contract_as_it_was():
    before = affine_with()()[0]
    for call, _ in MESSAGES:
        with pytest.raises((TypeError, ValueError)):
            call()
    assert np.array_equal(affine_with()()[0], before)


def test_a_missing_class_number_target_names_one_hot():
    @block("p (..., c); target (..., c) -> L ()")
    def against(p, *, target):
        return 0.0, lambda dL: p

    with pytest.raises(ValueError, match=r"got \(5,\)\. Class numbers\? Use one_hot\(target, 10\)"):
        against(Z, target=ones(5))
    with pytest.raises(ValueError, match=r"got \(10, 5\)\. Transposed\? Use target\.T"):
        against(Z, target=ones(10, 5))
    with pytest.raises(ValueError, match=r"got \(5,\)\. Use target\[\.\.\., None\]"):
        against(ones(5, 1), target=ones(5))


def test_expected_shows_the_sizes_known_so_far():
    assert expected(("...", "n"), {}) == "(..., n)"
    assert expected(("m", "n"), {"n": 3}) == "(m, 3)"
    assert expected(("m",), {"m": 2}) == "(2,)"
    assert expected(("...",), {"...": ()}) == "()"
    assert expected(("...", "s"), {"...": (4, 1)}) == "(4, 1, s)"

"""The contract of a block, and errors that say which argument is wrong, and what is due."""

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.checks import (
    all_finite,
    axis_of,
    boolean,
    callable_block,
    class_numbers,
    difference,
    finite,
    float_dtype,
    generator,
    number,
    numeric,
    raises,
    whole_number,
)
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
    assert where in ("affine", "loss", "flat")
    assert words.startswith(message)
    assert words.endswith(".")


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


# -- numbers -----------------------------------------------------------------------------------


def test_a_whole_number_is_given_back_as_an_int():
    for value in (3, np.int8(3), np.uint64(3)):
        assert type(whole_number("f", "n", value, low=1)) is int
        assert whole_number("f", "n", value, low=3, high=3) == 3


@pytest.mark.parametrize(
    ("value", "high", "message"),
    [
        (0, None, "n must be an integer >= 1; got 0."),
        (-5, None, "n must be an integer >= 1; got -5."),
        (61, 60, "n must be an integer in 1..60; got 61."),
        (2.0, None, "n must be an integer >= 1; got 2.0 (float)."),
        ("10", 60, "n must be an integer in 1..60; got '10' (str)."),
        (True, None, "n must be an integer >= 1; got True (bool)."),
        (np.True_, None, "n must be an integer >= 1; got np.True_ (bool)."),
        (None, None, "n must be an integer >= 1; got None (NoneType)."),
        (np.ones(1, int), None, "n must be an integer >= 1; got array([1]) (ndarray)."),
    ],
)
def test_what_is_no_whole_number_in_range_is_refused(value, high, message):
    kind = ValueError if isinstance(value, int) and value is not True else TypeError
    with pytest.raises(kind) as failure:
        whole_number("f", "n", value, low=1, high=high)
    assert str(failure.value) == f"f: {message}"


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1)", [0, 0.5, np.float32(0.999)], [-1e-300, 1, 1.0, 2]),
        ("(0, 1)", [5e-324, 0.5], [0, -0.0, 1]),
        ("(0, inf)", [1e-300, 1, np.int8(4)], [0, -1, np.inf]),
        ("[0, inf)", [0, 1e300], [-1, np.inf, -np.inf]),
        ("[1e-12, 0.1]", [1e-12, 0.1], [0.9e-12, 0.11]),
    ],
)
def test_an_interval_is_read_as_in_mathematics(interval, inside, outside):
    for value in inside:
        assert number("f", "p", value, interval) == value
        assert type(number("f", "p", value, interval)) is float
    for value in [*outside, np.nan]:
        with pytest.raises(ValueError, match=r"^f: p must be a number in [\[(]") as failure:
            number("f", "p", value, interval)
        assert f"in {interval}; got {value}." in str(failure.value)


@pytest.mark.parametrize("value", ["0.5", None, True, np.True_, [0.5], np.ones(1), 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^f: p must be a number in \[0, 1\); got .* \(\w+\)\.$"):
        number("f", "p", value, "[0, 1)")


def test_a_percentage_is_recognized():
    with pytest.raises(ValueError, match=r"got 50\. Is it a percentage\? Use 0\.5\.$"):
        number("f", "p", 50, "[0, 1)")
    for value, interval in ((-50, "[0, 1)"), (500, "[0, 1)"), (-1, "(0, inf)")):
        with pytest.raises(ValueError, match=r"got -?\d+\.$"):
            number("f", "p", value, interval)


# -- class numbers, masks and other arrays -----------------------------------------------------


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "i8", "u8", ">i4", ">u2"])
def test_class_numbers_of_any_integer_type_are_given_back_as_they_are(dtype):
    for labels in (np.array([0, 9, 3], dtype), np.array([[0], [9]], dtype), np.zeros(0, dtype)):
        assert class_numbers("f", "y", labels, 10) is labels
    strided = np.arange(10).astype(dtype)[::-3]
    assert class_numbers("f", "y", strided, 10) is strided


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([3, 10, 1]), "y must lie in 0..9; got 10 at index 1. Do they start at 1?"),
        (np.array([3, 10, 0]), "y must lie in 0..9; got 10 at index 1."),
        (np.array([3, 11, 1]), "y must lie in 0..9; got 11 at index 1."),
        (np.array([3, 0, -1, 12]), "y must lie in 0..9; got -1 at index 2."),
        (np.array([3, -1], "i1"), "y must lie in 0..9; got -1 at index 1."),
        (np.array([[0, 1], [2, 10]]), "y must lie in 0..9; got 10 at index (1, 1)."),
        (np.array(10), "y must lie in 0..9; got 10 at index ()."),
        (np.array([2**64 - 1], "u8"), "y must lie in 0..9; got 18446744073709551615 at index 0."),
        (np.array([1.0, np.nan]), "y must be integers; got NaN at index 1."),
    ],
)
def test_a_class_number_out_of_range_is_shown_with_its_place(labels, message):
    with pytest.raises(ValueError, match="^f: y must ") as failure:
        class_numbers("f", "y", labels, 10)
    assert str(failure.value) == f"f: {message}"


def test_a_small_negative_number_is_found_among_many_classes():
    with pytest.raises(ValueError, match=r"must lie in 0\.\.299; got -1 at index 0"):
        class_numbers("f", "y", np.array([-1], "i1"), 300)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "y must be an integer array; got list. Use np.asarray(y)."),
        (3, "y must be an integer array; got int. Use np.asarray(y)."),
        (np.array([0.0, 1.0]), "y must be integers; got float64. Use y.astype(int)."),
        (
            np.array([True]),
            "y must be integers; got bool. Use y.astype(int), or binary cross-entropy.",
        ),
        (np.array(["cat"]), "y must be integers; got <U3. Map the names to 0, 1, 2, ... first."),
        (np.array([None]), "y must be integers; got object."),
    ],
)
def test_what_is_no_class_number_is_refused(labels, message):
    with pytest.raises(TypeError, match="^f: y must be") as failure:
        class_numbers("f", "y", labels, 10)
    assert str(failure.value) == f"f: {message}"


def test_a_mask_is_boolean():
    for mask in (np.array([True]), np.True_, np.zeros((0, 2), bool)):
        boolean("f", "mask", mask)
    for mask, message in (
        ([True], "got list. Use np.asarray(mask, bool)."),
        (True, "got bool. Use np.asarray(mask, bool)."),
        (np.array([0, 1]), "got int64. Use np.asarray(mask, bool)."),
        (np.array([0.0, 1.0]), "got float64. Use np.asarray(mask, bool)."),
        (np.array([0.0, -np.inf]), "got float64. Use mask == 0."),  # -inf blocks, 0 does not
    ):
        with pytest.raises(TypeError) as failure:
            boolean("f", "mask", mask)
        assert str(failure.value) == f"f: mask must be a boolean array; {message}"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_finite_means_every_entry(shape):
    for value in (0.0, 1e-320, 1e300, -1e300):  # the square of 1e300 is not finite
        assert finite(np.full(shape, value))
    assert finite(np.full(shape, 1e30, np.float32))
    for value in (np.nan, np.inf, -np.inf):
        x = np.ones(shape)
        x[(-1,) * len(shape)] = value
        assert not finite(x)


def test_what_is_not_finite_is_counted_and_placed():
    x = ones(2, 3)
    all_finite("f", "x", x)
    all_finite("f", "x", np.array([2**62]))
    x[1, 0] = np.inf
    with pytest.raises(ValueError, match=r"^f: x contains infinity: first at \[1, 0\], 1 in all"):
        all_finite("f", "x", x)
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"^f: x contains NaN: first at \[1, 0\], 2 in all"):
        all_finite("f", "x", x)


def test_numeric_reads_what_can_be_read_as_numbers():
    assert numeric("f", "x", [[1, 2], [3, 4]]).shape == (2, 2)
    assert numeric("f", "x", (1.5, True)).dtype == float
    x = ones(3)
    assert numeric("f", "x", x) is x
    for wrong, message in (
        ([[1, 2], [3]], "got list. Do all rows have the same length?"),
        (np.array([[1], None], object), "got object. Do all rows have the same length?"),
        (["cat"], "got <U3. Map the names to 0, 1, 2, ... first."),
        (ones(2, dtype=complex), "got complex128."),
        ("train.csv", "got str. Did you mean nnlib.data.read_idx?"),
        (Path("train.csv"), "Path. Did you mean nnlib.data.read_idx?"),
        (None, "got NoneType."),
    ):
        with pytest.raises(TypeError, match="^f: x must be a") as failure:
            numeric("f", "x", wrong)
        assert message in str(failure.value)


# -- the rest ----------------------------------------------------------------------------------


def test_a_float_type_has_two_names():
    for dtype in ("float32", np.float32, np.dtype("float32")):
        assert float_dtype("f", dtype) == np.float32
    assert float_dtype("f", np.float64) == np.float64
    with pytest.raises(ValueError, match=r"got 'flot32'\. Did you mean 'float32'\?"):
        float_dtype("f", "flot32")
    for dtype in ("float", float, np.int32, "int32", None, "float16"):
        with pytest.raises(ValueError, match=r"^f: dtype must be 'float32' or 'float64'; got '"):
            float_dtype("f", dtype)


def test_a_generator_comes_from_a_seed_and_never_from_the_global_one():
    rng, state = np.random.default_rng(3), repr(np.random.get_state())
    assert generator("f", "rng", rng) is rng
    assert generator("f", "rng", 3).random() == np.random.default_rng(3).random()
    assert generator("f", "rng", None).random() != generator("f", "rng", None).random()
    assert repr(np.random.get_state()) == state
    for seed, error in (("42", TypeError), (1.5, TypeError), (True, TypeError), (-1, ValueError)):
        with pytest.raises(error, match=rf"^f: rng must be an integer >= 0; got {seed!r}"):
            generator("f", "rng", seed)


def test_an_axis_is_one_that_the_array_has():
    for axis in (-2, -1, 0, 1):
        assert axis_of("f", axis, 2) == axis
    for axis in (-3, 2):
        with pytest.raises(
            ValueError, match=rf"^f: axis must be an integer in -2\.\.1; got {axis}"
        ):
            axis_of("f", axis, 2)


def test_a_name_is_no_block():
    assert callable_block("f", "activation", flat) is flat
    for wrong in ("relu", None, np.tanh):
        message = "^f: activation must be a block such as nnlib.blocks.relu; got (str|None|ufunc)"
        with pytest.raises(TypeError, match=message):
            callable_block("f", "activation", wrong)


def test_a_difference_lists_what_is_missing_unexpected_and_changed():
    assert difference("lr", 0.1, 0.2) == "lr is 0.1, here 0.2."
    saved, here = {"W": (2, 3), "c": (1,), "b": (3,)}, {"W": (3, 3), "a": (4,), "b": (3,)}
    want = "shapes: W is (2, 3), here (3, 3), a is missing, c is unexpected."
    assert difference("shapes", saved, here) == want


def test_raises_prints_the_error_that_is_meant_and_nothing_else(capsys):
    raises(ValueError, affine_with(b=ones(3)))
    shown = "ValueError: affine: b must have shape (2,) to go with x (4, 3); got (3,).\n"
    assert capsys.readouterr().out == shown
    raises(ValueError, int, "x", base=10)
    assert capsys.readouterr().out.startswith("ValueError: invalid literal")


def test_raises_fails_when_nothing_or_something_else_is_raised(capsys):
    with pytest.raises(AssertionError, match="ValueError was due, but the call succeeded"):
        raises(ValueError, lambda: None)
    with pytest.raises(ZeroDivisionError):
        raises(ValueError, lambda: 1 / 0)
    assert capsys.readouterr().out == ""

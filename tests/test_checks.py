"""An argument that is wrong meets one sentence that says which it is, and what is due."""

import re
from pathlib import Path

import numpy as np
import pytest

from nnlib.checks import (
    all_finite,
    axis_of,
    boolean,
    callable_block,
    class_numbers,
    difference,
    finite,
    float_array,
    float_dtype,
    generator,
    no_subclass,
    number,
    numeric,
    pair,
    plain_array,
    raises,
    whole_number,
)


def ones(*shape, dtype=float):
    return np.ones(shape, dtype)


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


NAMES = ["cat", "dog"]


@pytest.mark.parametrize(
    "labels",
    [
        NAMES,
        [NAMES, NAMES],
        (b"cat", b"dog"),
        ["cat", 3],
        ["cat", ["dog"]],
        np.array(NAMES),
        np.array(NAMES, "S"),
        np.array(NAMES, object),
        np.array([*NAMES, None, 3], object),
        np.array([NAMES, NAMES], object),
        np.array(NAMES, np.dtypes.StringDType()),
    ],
    ids=repr,
)
def test_names_instead_of_numbers_are_told_as_such(labels):
    with pytest.raises(TypeError, match=r"^f: y must be a numeric .* Map the names to 0, 1, 2"):
        numeric("f", "y", labels)
    if isinstance(labels, np.ndarray):
        with pytest.raises(TypeError, match=r"^f: y must be integers; .* Map the names to 0, 1"):
            class_numbers("f", "y", labels, 10)


class Quantity(np.ndarray):
    """As a package for units would have it."""


SUBCLASSES = [
    np.ma.masked_array([1, 0], [False, True]),
    np.array([[1, 0]]).view(np.matrix),
    np.array([1, 0]).view(np.recarray),
    np.array([1, 0]).view(Quantity),
]


@pytest.mark.parametrize("a", SUBCLASSES, ids=lambda a: type(a).__name__)
def test_a_subclass_of_ndarray_is_no_array(a):
    """What a masked array leaves out would count, what a matrix multiplies would be entries."""
    for refuse in (
        lambda: float_array("f", "x", a),
        lambda: class_numbers("f", "x", a, 10),
        lambda: class_numbers("f", "x", a.astype(int), 10),
        lambda: boolean("f", "x", a.astype(bool)),
        lambda: numeric("f", "x", a),
        lambda: numeric("f", "x", [a, a]),
        lambda: plain_array("f", "x", a),
        lambda: no_subclass("f", "x", a),
    ):
        with pytest.raises(TypeError, match=rf"^f: x must be .*; got {type(a).__name__}\.") as told:
            refuse()
        assert re.search(r"[Uu]se np\.asarray\(x(, float|, bool)?\)\.$", str(told.value))
        assert ("Fill what is masked" in str(told.value)) == hasattr(a, "mask")


def test_an_array_on_disk_and_a_number_of_numpy_are_arrays(tmp_path):
    on_disk = np.memmap(tmp_path / "x", float, "w+", shape=3)
    for a in (on_disk, on_disk[1:], np.float32(1), np.zeros(2)):
        float_array("f", "x", a)
        plain_array("f", "x", a)
        assert type(numeric("f", "x", a)) is np.ndarray
    assert class_numbers("f", "x", np.int64(3), 10) == 3


def test_a_block_returns_a_value_and_a_pullback():
    both = 1.0, np.copy
    assert pair("f", both) is both
    for result, got in (
        (np.maximum(ones(2), 0), "ndarray"),
        (None, "NoneType"),
        ((1.0, 2.0), "tuple"),
        ((1.0, np.copy, 2), "tuple of 3"),
        ([1.0, np.copy], "list"),
    ):
        message = rf"^f: must return the pair \(value, pullback\); got {got}\. See nnlib\.blocks"
        with pytest.raises(TypeError, match=message):
            pair("f", result)


def test_numeric_reads_what_can_be_read_as_numbers():
    assert numeric("f", "x", [[1, 2], [3, 4]]).shape == (2, 2)
    assert numeric("f", "x", (1.5, True)).dtype == float
    x = ones(3)
    assert numeric("f", "x", x) is x
    for wrong, message in (
        ([[1, 2], [3]], "got list. Do all rows have the same length?"),
        ([[1, [2, 3]]], "got list. Do all rows have the same length?"),
        ([("ids", np.zeros((2, 3)))], "got list. Do all rows have the same length?"),
        (np.array([[1], None], object), "got object. Do all rows have the same length?"),
        (np.array([1, None], object), "got object."),
        (np.array([1, 2.5], object), "got object. Use np.asarray(x, float)."),
        ({"x": 1}, "got dict."),
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
    with pytest.raises(ValueError, match=r"^f: needs an array with an axis; got shape \(\)\.$"):
        axis_of("f", -1, 0)
    for axis in (-3, 2):
        with pytest.raises(
            ValueError, match=rf"^f: axis must be an integer in -2\.\.1; got {axis}"
        ):
            axis_of("f", axis, 2)


def test_a_name_is_no_block():
    assert callable_block("f", "activation", ones) is ones
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
    raises(ValueError, whole_number, "f", "n", 0, low=1)
    assert capsys.readouterr().out == "ValueError: f: n must be an integer >= 1; got 0.\n"
    raises(ValueError, int, "x", base=10)
    assert capsys.readouterr().out.startswith("ValueError: invalid literal")


def test_raises_fails_when_nothing_or_something_else_is_raised(capsys):
    with pytest.raises(AssertionError, match="ValueError was due, but the call succeeded"):
        raises(ValueError, lambda: None)
    with pytest.raises(ZeroDivisionError):
        raises(ValueError, lambda: 1 / 0)
    assert capsys.readouterr().out == ""

"""What a typed function promises: its value and gradient, and a refusal of all that is not one."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nnlib.expressions import ALLOWED, FUNCTIONS, formula
from nnlib.landscapes import GROUNDS

TYPED = {
    "bowl": "(x**2 + y**2) / 2",
    "ravine": "(x*x + 25*y*y) * 0.5",
    "Rosenbrock": "(1 - x)**2 + 100*(y - x**2)**2",
    "Beale": "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
    "Himmelblau": "(x**2 + y - 11)**2 + (x + y**2 - 7)**2",
    "saddle": "x**2/2 - 0.5*y**2",
    "plateau": "1 - exp(-(x**2 + y**2)/2)",
    "Rastrigin": "20 + x**2 - 10*cos(2*pi*x) + y**2 - 10*cos(2*pi*y)",
}
POINTS = np.random.default_rng(0).uniform(0.2, 2, (2, 7))
number = st.floats(-3, 3, allow_subnormal=False).map(lambda u: round(u, 3))
leaf = st.one_of(st.sampled_from(["x", "y", "pi", "e"]), number.map(str))


def grown(inner):
    """Texts of one operation more."""
    pair = st.tuples(inner, st.sampled_from(["+", " - ", "*", "/", "**"]), inner)
    return st.one_of(
        pair.map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(st.sampled_from(list(FUNCTIONS)), inner).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda t: f"-({t})"),
    )


texts = st.recursive(leaf, grown, max_leaves=6)


def trusted(text, x, y):
    """The value as Python computes it with NumPy's numbers: these texts were made here."""
    text = re.sub(r"\b\d+\.\d+\b", r"float64(\g<0>)", text)
    known = {"float64": np.float64} | {
        name: np_function for name, (np_function, _) in FUNCTIONS.items()
    }
    known |= {
        "x": np.float64(x),
        "y": np.float64(y),
        "pi": np.float64(np.pi),
        "e": np.float64(np.e),
    }
    with np.errstate(all="ignore"):
        return eval(text, {"__builtins__": {}}, known)


def read(text):
    """The formula, or what is said instead."""
    try:
        return formula(text), ""
    except ValueError as error:
        return None, str(error)


# -- value and gradient --------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPED)
def test_the_grounds_can_be_typed(name):
    typed, own = formula(TYPED[name]), GROUNDS[name]
    np.testing.assert_allclose(typed.value(POINTS), own.value(POINTS), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(typed.gradient(POINTS), own.gradient(POINTS), rtol=1e-11, atol=1e-12)
    assert typed.minima.shape == (2, 0)


@given(text=texts, x=number, y=number)
@example(text="(x)**(3.0)", x=-1.5, y=0.0)
@example(text="2.0**x - y/x", x=-1.5, y=0.3)
def test_the_value_is_what_is_written(text, x, y):
    typed, said = read(text)
    assert typed or "an exponent of" in said
    assume(typed)
    got, want = typed.value(np.array([x, y])), trusted(text, x, y)
    assume(not np.iscomplexobj(want))
    np.testing.assert_allclose(got, want, rtol=1e-12)


SMOOTH = {  # f, its derivatives along x and y by hand
    "x": (1, 0),
    "-y": (0, -1),
    "x*y": ("y", "x"),
    "x/y": ("1/y", "-x/y**2"),
    "x**3": ("3*x**2", "0"),
    "y**-2": ("0", "-2*y**-3"),
    "x**0.5": ("0.5*x**-0.5", "0"),
    "x**y": ("y*x**(y-1)", "log(x)*x**y"),
    "2**(x*y)": ("y*log(2)*2**(x*y)", "x*log(2)*2**(x*y)"),
    "sin(x*y)": ("y*cos(x*y)", "x*cos(x*y)"),
    "cos(y)": ("0", "-sin(y)"),
    "tan(x)": ("1/cos(x)**2", "0"),
    "exp(x - 2*y)": ("exp(x - 2*y)", "-2*exp(x - 2*y)"),
    "log(x + y)": ("1/(x + y)", "1/(x + y)"),
    "sqrt(y)": ("0", "1/(2*sqrt(y))"),
    "tanh(3*x)": ("3 - 3*tanh(3*x)**2", "0"),
    "abs(x - y)": ("(x - y)/abs(x - y)", "(y - x)/abs(x - y)"),
    "7": ("0", "0"),
}


@pytest.mark.parametrize("text", SMOOTH)
def test_the_gradient_is_the_gradient(text):
    want = np.array([np.broadcast_to(trusted(str(d), *POINTS), 7) for d in SMOOTH[text]])
    np.testing.assert_allclose(formula(text).gradient(POINTS), want, rtol=1e-12)


@given(text=texts, seed=st.integers(0, 99))
def test_differences_agree_with_the_gradient(text, seed):
    """Where the function is smooth and of moderate size, which two step sizes show."""
    typed, _ = read(text)
    assume(typed)
    p, u = np.random.default_rng(seed).uniform(0.3, 2, (2, 2))
    value = lambda h: (typed.value(p + h * u) - typed.value(p - h * u)) / (2 * h)
    with np.errstate(all="ignore"):
        near, nearer = value(2e-4), value(1e-4)
        assume(np.isfinite([near, nearer]).all())
        bend = abs(near - nearer)
        assume(bend <= 1e-5 * max(1.0, abs(nearer)))
        assume(abs(typed.value(p)) <= 1e4 * max(1.0, abs(nearer)))
        slope = typed.gradient(p) @ u
        assume(np.isfinite(slope))  # √(x - x) is 0 and has no derivative that a rule could find
    assert abs(slope - nearer) <= 4 * bend + 1e-7 * max(1.0, abs(nearer))


def test_a_point_and_a_grid_and_a_constant_have_the_shapes_of_landscapes():
    for text in ("x*y + 1", "3", "y"):
        typed = formula(text)
        for shape in ((), (4,), (4, 5)):
            p = np.ones((2, *shape))
            assert np.shape(typed.value(p)) == shape
            assert typed.gradient(p).shape == (2, *shape)


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "1/(x + 1)", "x**0.5", "1/0", "log(x*0)"])
def test_where_there_is_no_value_nothing_is_raised_or_said(text):
    typed = formula(text)
    with np.errstate(all="raise"):
        for x in (-1.0, 0.0, 2.0):
            typed.gradient(np.array([x, 1.0]))
            value = typed.value(np.array([x, 1.0]))
    assert np.isfinite(value) or text in ("1/0", "log(x*0)")
    if text == "log(x)":
        assert np.isnan(typed.gradient(np.array([-1.0, 1.0]))[0])


def test_what_does_not_depend_on_a_coordinate_has_slope_0_along_it_even_at_a_pole():
    np.testing.assert_array_equal(formula("log(x) + y").gradient(np.array([0.0, 1.0]))[1], 1.0)
    np.testing.assert_array_equal(formula("sqrt(x)").gradient(np.zeros(2)), [np.inf, 0.0])


# -- refusals ------------------------------------------------------------------------------------

REFUSED = {  # what is typed: what stands there, and where
    "x**2 + cot(y)": "'cot' at column 8",
    "x^2": "'^' at column 2. For a power write **.",
    "2x": "'2' without a sign behind it at column 1. For 2x write 2*x.",
    "y + 2.5(x)": "'2.5' without a sign behind it at column 5",
    "1e5y": "'1e5' without a sign behind it at column 1",
    "x y": "'y' at column 3. Is a sign",
    "  (x": "'(x' at column 3. Is a sign",
    "x +": "its end at column 4. Is a sign",
    "": "its end at column 1",
    "x + z": "'z' at column 5",
    "  z * x": "'z' at column 3",
    "xy": "'xy' at column 1",
    "y + sin": "'sin' without brackets at column 5. Write sin(x).",
    "sin()": "'sin' of nothing at column 1",
    "x(y)": "'x(' at column 1. Write x*(",
    "sin(x, y)": "',' at column 6",
    "x // y": "'x // y' at column 1",
    "x % y": "'%' at column 3",
    "x if y else 1": "'x if y else 1' at column 1",
    "x.real": "'x.real' at column 1",
    "True": "'True' at column 1",
    "x = 3": "'=' at column 3",
    "lambda: x": "':' at column 7",
    "__import__('os')": "'_' at column 1",
    "x" + chr(10) + "+ y": "'\\n' at column 2",
    "é + x": "'é' at column 1",
    "1e400": "a number that is too large at column 1",
    "x**101": "an exponent of 101 at column 4",
    "x**10**10**10": "an exponent of 1e+10 at column 8",
    "x**-(1/0)": "an exponent of -inf at column 4",
    "-" * 100 + "x": "more than 60 operations",
    "x+" * 150 + "x": "301 characters, the first too many at column 301",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_formula_is_refused_in_one_sentence_with_its_column(text):
    must = re.escape(f"formula: text must be a function of x and y; got {REFUSED[text]}")
    with pytest.raises(ValueError, match=f"^{must}"):
        formula(text)


@pytest.mark.parametrize("text", [None, 3.0, b"x", ["x"]])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match="^formula: text must be a str such as"):
        formula(text)


def test_the_list_of_what_is_allowed_is_what_is_allowed():
    for name in FUNCTIONS:
        assert f" {name}" in ALLOWED
        assert math.isfinite(formula(f"{name}(x)").value(np.ones(2)))


@given(st.text(max_size=40))
@example("((((((((((" * 30)
@example("9" * 300)
@example("x" + "**2" * 90)
def test_any_text_is_a_formula_or_is_refused(text):
    typed, said = read(text)
    if typed:
        assert typed.gradient(np.ones((2, 3))).shape == (2, 3)
    else:
        assert said.startswith("formula: text must be a function of x and y; got ")


@given(st.text("xy123.+-*/() esinlogabqrtp", max_size=30))
def test_any_text_of_the_right_letters_is_a_formula_or_is_refused(text):
    test_any_text_is_a_formula_or_is_refused.hypothesis.inner_test(text)

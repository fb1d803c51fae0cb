"""A difference knows by how much it may be off, and brackets hold the slope that is true."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.slopes import FAR, NEAR, ROUNDING, STEP, Line, Slopes, length


def slopes_of(f, x, claimed, unit=1.0):
    """The slopes of a function of one number at x, and the one line through it."""
    line = Line("of x", claimed, max(1.0, abs(x)), lambda t: (x + t - x, np.asarray(f(x + t))))
    return Slopes("check", np.asarray(f(x)), np.ones(()), unit, 1e-7), line


SMOOTH = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "square": (np.square, lambda x: 2 * x),
    "tanh": (np.tanh, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x))),
    "offset": (lambda x: 1e8 + np.sin(x), np.cos),
    "small": (lambda x: 1e-9 * np.sin(x), lambda x: 1e-9 * np.cos(x)),
    "line": (lambda x: 3 - 0.1 * x, lambda x: -0.1),
}
each_smooth = pytest.mark.parametrize(("f", "slope"), SMOOTH.values(), ids=list(SMOOTH))


@each_smooth
@given(x=st.floats(-3, 3))
def test_a_bracket_holds_the_true_slope(f, slope, x):
    slopes, line = slopes_of(f, x, slope(x))
    bracket = slopes.bracket(line, NEAR)
    assert abs(bracket.slope - slope(x)) <= bracket.blur + 1e-15 * abs(slope(x))
    assert bracket.blur < slopes.difference(line, STEP * line.size).blur


@pytest.mark.parametrize("x", [0.0, 0.3, -2.7, 1e5, -1e9])
@pytest.mark.parametrize("step", [1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9])
def test_the_blur_of_a_difference_covers_the_rounding_of_its_values(x, step):
    """A parabola has no truncation: what its difference is off by is rounding, of large values."""
    slopes, line = slopes_of(lambda x: x * x, x, 2 * x)
    difference = slopes.difference(line, step)
    assert abs(difference.slope - 2 * x) <= difference.blur
    assert difference.blur >= ROUNDING * (abs(x) + step) ** 2 / step


@each_smooth
def test_the_sides_of_a_smooth_function_differ_in_proportion_to_the_step(f, slope):
    slopes, line = slopes_of(f, 0.7, slope(0.7))
    near, wide = (slopes.difference(line, step) for step in (1e-3, 8e-3))
    assert near.jump <= 0.13 * wide.jump + 4 * near.blur


@pytest.mark.parametrize("distance", [1e-8, 1e-5, 1e-3, 0.05])
def test_a_bracket_ends_at_a_corner(distance):
    """Beyond the corner differences show half of the slope, and agree with each other."""
    slopes, line = slopes_of(lambda x: np.maximum(x, 0.0), distance, 1.0)
    assert slopes.difference(line, 0.5).slope < 0.56
    if distance > STEP:
        assert abs(slopes.bracket(line, FAR).slope - 1) <= 1e-9
    else:
        assert slopes.bracket(line, FAR) is None


def test_a_step_ends_where_the_function_does():
    for f in (math.sqrt, lambda x: 1 / (x > 0) and math.log(x), lambda x: np.sqrt(x)):
        slopes, line = slopes_of(f, 0.01, 1.0)
        with np.errstate(all="ignore"):
            steps = list(slopes.widening(line, FAR))
        assert 3 <= len(steps) <= 5


def test_a_length_is_right_where_squares_are_too_large_or_too_small():
    assert length(np.array([3.0, 4.0])) == 5
    assert length(np.array([[3e-200], [4e-200]])) == pytest.approx(5e-200, rel=1e-15)
    assert length(np.array([3e200, 4e200])) == pytest.approx(5e200, rel=1e-15)
    assert length(np.zeros(3)) == length(np.zeros(0)) == 0
    assert length(np.array(-2.0)) == 2

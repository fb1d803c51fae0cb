"""Derivatives by differences are right, and the gradient check finds every planted bug."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib import blocks, losses
from nnlib.blocks import layer_norm
from nnlib.calculus import (
    check_vjp,
    complex_step,
    directional_derivative,
    numerical_gradient,
    numerical_jacobian,
    vec,
)
from nnlib.contract import block


def vectors(n=3):
    return hnp.arrays(float, n, elements=st.floats(-3, 3))


def matrices(*shape):
    return hnp.arrays(float, shape, elements=st.floats(-3, 3))


# -- derivatives by differences ----------------------------------------------------------------


@given(matrices(3, 3), vectors(), vectors())
def test_the_gradient_of_a_quadratic_form(Q, b, x):
    gradient = numerical_gradient(lambda x: x @ Q @ x + b @ x, x)
    np.testing.assert_allclose(gradient, (Q + Q.T) @ x + b, atol=1e-7)


@given(matrices(2, 3), vectors(2), vectors())
def test_the_jacobian_of_a_linear_map_is_its_matrix(W, b, x):
    np.testing.assert_allclose(numerical_jacobian(lambda x: W @ x + b, x), W, atol=1e-7)


@given(vectors(), vectors())
def test_the_directional_derivative_is_the_gradient_times_the_direction(x, u):
    def f(x):
        return np.sin(x[0]) * x[1] + x[2] ** 2

    want = u @ numerical_gradient(f, x)
    assert directional_derivative(f, x, u) == pytest.approx(want, abs=2e-8)


@given(vectors())
def test_the_complex_step_is_exact(x):
    J = complex_step(lambda x: np.array([np.sin(x[0]) * x[1], np.exp(x[2]), x @ x]), x)
    want = [[np.cos(x[0]) * x[1], np.sin(x[0]), 0], [0, 0, np.exp(x[2])], 2 * x]
    np.testing.assert_allclose(J, want, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("derivative", [numerical_jacobian, complex_step])
def test_the_shape_of_a_jacobian_is_that_of_the_value_then_that_of_the_argument(derivative):
    X = np.arange(6.0).reshape(2, 3)
    A = np.arange(8.0).reshape(4, 2)
    J = derivative(lambda X: A @ X, X)  # dY_ij/dX_kl = A_ik δ_jl
    assert J.shape == (4, 3, 2, 3)
    np.testing.assert_allclose(J, np.einsum("ik,jl->ijkl", A, np.eye(3)), atol=1e-8)
    assert derivative(lambda x: x**2, np.array(3.0)) == pytest.approx(6)
    assert derivative(lambda x: x[:0], np.ones(3)).shape == (0, 3)
    assert derivative(lambda x: x, np.ones(0)).shape == (0, 0)


def test_the_gradient_has_the_shape_of_its_variable():
    X = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(numerical_gradient(lambda X: (X**2).sum(), X), 2 * X, atol=1e-8)
    assert numerical_gradient(lambda x: x**3, np.array(2.0)) == pytest.approx(12)
    assert numerical_gradient(np.sum, np.zeros((0, 3))).shape == (0, 3)
    np.testing.assert_allclose(numerical_gradient(lambda X: X[0, 1] * X[1, 2], X.T.copy().T),
                               [[0, 5, 0], [0, 0, 1]], atol=1e-8)  # fmt: skip


def test_the_error_falls_with_the_square_of_the_step():
    errors = [
        abs(float(numerical_gradient(np.exp, np.array(1.0), eps=eps)) - np.e)
        for eps in (1e-2, 1e-3, 1e-4)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-3)
    assert errors[1] / errors[2] == pytest.approx(100, rel=1e-2)


LARGE = [1e3, 1e5, -1e5, 1e9, 1e12, 1e16, -1e16]


@pytest.mark.parametrize("x", LARGE)
def test_a_step_grows_with_what_it_moves(x):
    """At 1e9 a step of 1e-6 is rounded by a tenth of itself, at 1e16 it is none."""
    x = np.array([x, 2.0])
    for derivative in (
        numerical_gradient,
        lambda f, x: np.array([directional_derivative(f, x, e) for e in np.eye(2)]),
    ):
        for f, slope in (
            (lambda x: x[0] + x[1], [1, 1]),
            (lambda x: x @ x, 2 * x),
            (lambda x: np.log(np.abs(x)).sum(), 1 / x),
        ):
            got = derivative(f, x)
            np.testing.assert_allclose(got[0], slope[0], rtol=1e-8)
    np.testing.assert_allclose(numerical_jacobian(lambda x: 3 * x, x), 3 * np.eye(2), rtol=1e-8)


@pytest.mark.parametrize("x", [0.3, -2.7, 1e5, 1e16])
def test_a_difference_is_divided_by_the_step_that_was_really_made(x):
    """x + 1e-12 is rounded by a ten-thousandth of the step."""
    x = np.array([x])
    assert numerical_gradient(lambda x: x[0], x, eps=1e-12) == pytest.approx(1, rel=1e-15)
    assert numerical_jacobian(lambda x: 3 * x, x, eps=1e-12) == pytest.approx(3, rel=1e-3)
    slope = directional_derivative(lambda x: x[0], x, [1.0], eps=1e-12)
    assert slope == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize("length", [5e-324, 1e-300, 1e-20, 1e-3, 1, 1e5, 1e20, 1e300])
@pytest.mark.parametrize("scale", [1, 1e5, 1e9])
def test_a_direction_may_be_of_any_length(length, scale):
    x, u = scale * np.array([0.7, -0.3, 1.2]), np.array([0.5, 1.0, 0.25]) * length
    got = directional_derivative(lambda x: x @ np.array([2.0, 3.0, 4.0]), x, u)
    np.testing.assert_allclose(got, u @ np.array([2.0, 3.0, 4.0]), rtol=1e-6, atol=5e-324)
    assert directional_derivative(np.sum, x, 0 * u) == 0


@pytest.mark.parametrize("x", [[1e16, 1.0], [1e12, 0.0]])
def test_a_step_that_vanishes_is_refused(x):
    """The second entry can bear no step that the first one would notice."""
    message = r"^directional_derivative: x must not be so large that the step vanishes .*1e\+1[26]"
    with pytest.raises(ValueError, match=message):
        directional_derivative(lambda x: x[0] + x[1] ** 2, np.array(x), np.ones(2))
    assert directional_derivative(lambda x: x[0], np.array(x), np.array([1.0, 0])) == 1


def test_derivatives_leave_their_argument_alone():
    x, u = np.arange(3.0), np.ones(3)
    numerical_gradient(np.sum, x)
    numerical_jacobian(np.sin, x)
    complex_step(np.sin, x)
    directional_derivative(np.sum, x, u)
    assert x.tolist() == [0, 1, 2]
    assert u.tolist() == [1, 1, 1]


def test_a_direction_may_be_written_as_a_list():
    assert directional_derivative(lambda x: x @ x, np.array([1.0, 2.0]), [0, 1]) == pytest.approx(4)


def test_vec_stacks_rows_and_vec_of_the_transpose_stacks_columns():
    X = np.arange(6).reshape(2, 3)
    assert vec(X).tolist() == [0, 1, 2, 3, 4, 5]
    assert vec(X.T).tolist() == [0, 3, 1, 4, 2, 5]
    assert vec(np.array(5)).tolist() == [5]
    assert vec([[1, 2], [3, 4]]).tolist() == [1, 2, 3, 4]


@given(matrices(2, 3), matrices(3, 4), matrices(4, 2))
def test_vec_turns_products_into_kronecker_products(A, X, B):
    np.testing.assert_allclose(vec(A @ X @ B), np.kron(A, B.T) @ vec(X), atol=1e-12)


# -- what cannot be differentiated is refused --------------------------------------------------

derivatives = pytest.mark.parametrize(
    "derivative",
    [
        numerical_gradient,
        numerical_jacobian,
        lambda f, x, **eps: directional_derivative(f, x, np.ones(np.shape(x)), **eps),
    ],
    ids=["numerical_gradient", "numerical_jacobian", "directional_derivative"],
)
POINT = np.array([1.0, -2.0, 0.5])


def add_one_in_place(x):
    x += 1
    return x.sum()


def sorted_in_place(x):
    x.sort()
    return x[0]


@derivatives
@pytest.mark.parametrize("f", [add_one_in_place, sorted_in_place])
def test_a_function_that_changes_its_argument_is_refused(derivative, f):
    x = POINT.copy()
    with pytest.raises(ValueError, match=r"^\w+: f changed its input; let it work on a copy"):
        derivative(f, x)
    assert np.array_equal(x, POINT)


@derivatives
def test_a_random_function_is_refused(derivative):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"^\w+: f must be a function; two calls at one x differ"):
        derivative(lambda x: x.sum() + rng.normal(), POINT)


@pytest.mark.parametrize(
    "derivative", [numerical_gradient, lambda f, x: directional_derivative(f, x, np.ones(3))]
)
@pytest.mark.parametrize(("f", "shape"), [(np.sin, r"\(3,\)"), (lambda x: x[:1], r"\(1,\)")])
def test_a_gradient_needs_one_number(derivative, f, shape):
    with pytest.raises(ValueError, match=rf"^\w+: f must return one number; got shape {shape}"):
        derivative(f, POINT)


@derivatives
def test_a_block_is_not_mistaken_for_a_function(derivative):
    for f in (blocks.relu, lambda x: losses.mse(x, target=POINT)):
        with pytest.raises(TypeError, match=r"^\w+: .* pair \(value, pullback\).*lambda x: f\(x\)"):
            derivative(f, POINT)
    assert np.isfinite(derivative(lambda x: losses.mse(x, target=POINT)[0], POINT)).all()


@derivatives
def test_a_forgotten_return_is_told(derivative):
    with pytest.raises(TypeError, match=r"^\w+: f must return numbers; got None\. Is its return"):
        derivative(lambda x: None, POINT)


@derivatives
def test_what_is_no_function_is_refused(derivative):
    for f in ("relu", None, np.sum(POINT)):
        with pytest.raises(TypeError, match=r"^\w+: f must be a function; got (str|None|float)"):
            derivative(f, POINT)


@derivatives
def test_only_a_float64_array_is_differentiated(derivative):
    for x in (POINT.astype(int), POINT.astype(np.float32), POINT.tolist(), 1.0):
        with pytest.raises(
            TypeError, match=r"^\w+: x must be a float64 array, since steps of 1e-6"
        ):
            derivative(np.sum, x)


@derivatives
@pytest.mark.parametrize("eps", [0, -1e-6, 1e-16, 0.5, 10, np.nan, np.inf])
def test_a_step_that_means_nothing_is_refused(derivative, eps):
    with pytest.raises(ValueError, match=rf"^\w+: eps must be .*\[1e-12, 0.1\]; got {eps}"):
        derivative(np.sum, POINT, eps=eps)


@derivatives
def test_a_step_is_a_number(derivative):
    for eps in ("1e-6", None, True):
        with pytest.raises(TypeError, match=rf"^\w+: eps must be a number .*got {eps!r}"):
            derivative(np.sum, POINT, eps=eps)


@derivatives
@pytest.mark.parametrize(("wrong", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_a_point_that_is_not_finite_is_refused(derivative, wrong, name):
    with pytest.raises(ValueError, match=rf"^\w+: x contains {name}: first at \[1\]"):
        derivative(np.sum, np.array([1.0, wrong, 2.0]))


@derivatives
def test_a_point_is_no_subclass_of_an_array(derivative):
    for kind in (np.ma.masked_array, lambda a: a.view(np.recarray)):
        with pytest.raises(TypeError, match=r"^\w+: x must be a float64 array.* got (Masked|rec)"):
            derivative(np.sum, kind(POINT))


def test_a_direction_is_finite_and_no_subclass_of_an_array():
    for wrong, error in (
        (np.ma.masked_array(POINT), TypeError),
        (np.array([1, np.nan, 0]), ValueError),
        ([np.inf, 0, 0], ValueError),
    ):
        with pytest.raises(error, match=r"^directional_derivative: u (must be|contains) "):
            directional_derivative(np.sum, POINT, wrong)
    with pytest.raises(TypeError, match=r"^vec: X must be an array; got MaskedArray"):
        vec(np.ma.masked_array(POINT))


@pytest.mark.parametrize("eps", [0, -1e-30, 1.0, np.nan, 1e-320])
def test_a_complex_step_is_a_small_number(eps):
    message = rf"^complex_step: eps must be a number in \[1e-100, 0\.1\]; got {eps}"
    with pytest.raises(ValueError, match=message):
        complex_step(np.sin, POINT, eps=eps)
    with pytest.raises(TypeError, match=r"^complex_step: f must be a function; got str"):
        complex_step("sin", POINT)
    with pytest.raises(TypeError, match=r"^complex_step: f must return numbers; got None"):
        complex_step(lambda x: None, POINT)


def test_a_direction_has_the_shape_of_the_point():
    with pytest.raises(ValueError, match=r"u must have the shape of x \(3,\); got \(2,\)"):
        directional_derivative(np.sum, POINT, np.ones(2))


@derivatives
def test_an_error_of_the_function_itself_is_passed_on(derivative):
    def fails(x):
        raise ValueError("the function's own")

    with pytest.raises(ValueError, match="^the function's own$"):
        derivative(fails, POINT)


# -- the gradient check finds every planted bug ------------------------------------------------

RNG = np.random.default_rng(7)
X, W, B = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=3)
RANDOM = np.random.default_rng(8)


def planted(*arrays, **constants):
    """Register a faulty block with the arguments to check it at."""

    def register(f):
        PLANTED[f.__name__] = (f, arrays, constants)
        return f

    return register


PLANTED = {}


@planted(X)
def wrong_sign(x):
    return np.sin(x), lambda dy: -dy * np.cos(x)


@planted(X)
def missing_factor(x):
    return x**2, lambda dy: dy * x


@planted(X)
def sigma_for_its_slope(x):
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y


@planted(X)
def forgets_the_upstream_gradient(x):
    return np.sin(x), lambda dy: np.cos(x)


@planted(X)
def one_percent_off_in_one_entry(x):
    def pullback(dy):
        dx = dy * np.cos(x)
        dx[2, 1] *= 1.01
        return dx

    return np.sin(x), pullback


@planted(X)
def forgets_one_of_two_paths(x):
    y = np.tanh(x)
    return x + y, lambda dy: dy * (1 - y**2)


@planted(X)
def softmax_with_the_pullback_of_its_loss(z):
    p, _ = blocks.softmax(z)
    return p, lambda dp: p - dp


@planted(X)
def softmax_with_its_diagonal_alone(z):
    p, _ = blocks.softmax(z)
    return p, lambda dp: dp * p * (1 - p)


@planted(X)
def standardize_with_a_constant_std(x):
    y, _ = blocks.standardize(x)
    return y, lambda dy: (dy - dy.mean()) / x.std()


@planted(X, W, B)
def transposed_dW(x, W, b):
    return x @ W.T + b, lambda dy: (dy @ W, x.T @ dy, dy.sum(axis=0))


@planted(X, W, B)
def dx_without_the_transpose(x, W, b):
    return x @ W.T + b, lambda dy: (dy @ W.T, dy.T @ x, dy.sum(axis=0))


@planted(X, W, B)
def mean_over_the_batch_instead_of_sum(x, W, b):
    return x @ W.T + b, lambda dy: (dy @ W, dy.T @ x, dy.mean(axis=0))


@planted(X, W, B)
def no_sum_over_the_batch(x, W, b):
    return x @ W.T + b, lambda dy: (dy @ W, dy.T @ x, dy)


@planted(X, W, B)
def first_sample_only(x, W, b):
    return x @ W.T + b, lambda dy: (dy @ W, dy.T @ x, dy[0])


@planted(X, W)
def gradients_in_the_wrong_order(x, W):
    return x @ W.T, lambda dy: (dy.T @ x, dy @ W)


@planted(W, W + 1)
def gradients_of_one_shape_in_the_wrong_order(a, b):
    return a * b, lambda dy: (dy * a, dy * b)


@planted(W, W + 1)
def one_gradient_for_two_arguments(a, b):
    return a + b, lambda dy: dy


@planted(X)
def gradient_laid_out_as_a_vector(x):
    return np.sin(x), lambda dy: (dy * np.cos(x)).reshape(-1)


@planted(X)
def none_for_a_gradient(x):
    return np.sin(x), lambda dy: None


@planted(RNG.normal(size=(5, 2)), ids=np.array([0, 3, 3]))
def embedding_that_forgets_repeated_ids(E, ids):
    def pullback(dy):
        dE = np.zeros_like(E)
        dE[ids] += dy
        return dE

    return E[ids], pullback


@planted(X)
def single_precision_inside(x):
    return np.sin(x.astype(np.float32)).astype(float), lambda dy: dy * np.cos(x)


@planted(X)
def single_precision_value(x):
    return np.sin(x).astype(np.float32), lambda dy: dy * np.cos(x)


@planted(X)
@block("x (...) -> y (...)")
def block_with_a_single_precision_value(x):
    return np.sin(x).astype(np.float32), lambda dy: dy * np.cos(x)


@planted(X)
def single_precision_gradient(x):
    return np.sin(x), lambda dy: (dy * np.cos(x)).astype(np.float32)


@planted(X)
def nan_in_one_entry(x):
    def pullback(dy):
        dx = dy * np.cos(x)
        dx[3, 0] = np.nan
        return dx

    return np.sin(x), pullback


@planted(X)
def changes_its_argument(x):
    x *= 2
    return x, lambda dy: 2 * dy


@planted(X, scale=np.ones(3))
def changes_a_constant(x, scale):
    scale += 1
    return x * scale, lambda dy: dy * scale


@planted(X)
def changes_the_upstream_gradient(x):
    def pullback(dy):
        dy *= np.cos(x)
        return dy

    return np.sin(x), pullback


@planted(X)
def changes_its_argument_on_the_way_back(x):
    def pullback(dy):
        np.cos(x, out=x)
        return dy * x

    return np.sin(x), pullback


@planted(X)
def changes_its_value_on_the_way_back(x):
    y = np.tanh(x)

    def pullback(dy):
        np.subtract(1, y**2, out=y)
        return dy * y

    return y, pullback


@planted(X)
def hidden_random_value(x):
    return x * RANDOM.normal(), lambda dy: dy


@planted(X)
def hidden_random_gradient(x):
    return np.sin(x), lambda dy: dy * np.cos(x) * RANDOM.normal()


class Stateful:
    """Remembers the latest call on itself, as layers with a cache do."""

    __name__ = "stateful"

    def __call__(self, x):
        self.x = x
        return np.sin(x), lambda dy: dy * np.cos(self.x)


class StatefulReLU:
    """Remembers no more than the signs of the latest call."""

    __name__ = "stateful_relu"

    def __call__(self, x):
        self.mask = x > 0
        return x * self.mask, lambda dy: dy * self.mask


planted(X)(Stateful())
planted(X)(StatefulReLU())


class Reused:
    """One piece of memory for the value, or for the gradient, of all calls."""

    def __init__(self, part):
        self.part, self.memory, self.__name__ = part, np.zeros_like(X), f"reused_{part}"

    def __call__(self, x):
        if self.part == "value":
            return np.sin(x, out=self.memory), lambda dy: dy * np.cos(x)
        return np.sin(x), lambda dy: np.multiply(dy, np.cos(x), out=self.memory)


planted(X)(Reused("value"))
planted(X)(Reused("gradient"))


@planted(X)
def accumulates_over_calls(x, sums=np.zeros_like(X)):  # noqa: B008 - the planted bug
    def pullback(dy):
        sums[...] += dy * np.cos(x)
        return sums.copy()

    return np.sin(x), pullback


@planted(X)
def spent_after_one_use(x):
    factors = [np.cos(x)]
    return np.sin(x), lambda dy: dy * (factors.pop() if factors else 0)


SATURATED = np.array([19.0, -19.0, 25.0, 30.0])


@planted(SATURATED)
def forgotten_on_a_saturated_sigmoid(x):
    return blocks.sigmoid(x)[0], lambda dy: np.zeros_like(x)


@planted(SATURATED)
def half_of_the_slope_of_a_saturated_sigmoid(x):
    y, pullback = blocks.sigmoid(x)
    return y, lambda dy: pullback(dy) / 2


@planted(np.array([8.0, 10.0, -12.0]))
def sign_of_the_slope_of_a_saturated_tanh(x):
    y, pullback = blocks.tanh(x)
    return y, lambda dy: -pullback(dy)


@planted(np.array([[0.0, -18.0, 1.0]]))
def forgets_a_class_that_is_improbable(z):
    p, pullback = blocks.softmax(z)
    return p, lambda dp: pullback(dp) * (p > 1e-6)


def beside(large, factor):
    """Entry 1 has a factor too much, beside an entry 0 whose gradient is large."""
    scale = np.array([large, 1.0])

    def f(x):
        return scale * np.sin(x), lambda dy: dy * scale * np.cos(x) * [1, factor]

    f.__name__ = f"{factor}_beside_{large:g}"
    return f


def summed_beside(large, factor):
    """The same, as a loss: the small entry's share is lost in the value's last digits."""
    scale = np.array([large, 1.0])

    def f(x):
        return float(scale @ x**2), lambda dL: 2 * dL * scale * x * [1, factor]

    f.__name__ = f"{factor}_summed_beside_{large:g}"
    return f


for large in (1e3, 1e7, 1e10):
    for factor in (1.05, 0.95, 2, 0.5, -1, 0):
        planted(np.array([0.5, 0.7]))(beside(large, factor))
        planted(np.array([0.5, 0.7]))(summed_beside(large, factor))


@planted(X)
def tiny_values_with_half_their_slope(x):
    return 1e-12 * x**2, lambda dy: 1e-12 * dy * x


@planted(np.array([0.1]))
def twice_the_slope_near_a_minimum(x):
    return (x - 0.1 + 1e-9) ** 2, lambda dy: 4 * dy * (x - 0.1 + 1e-9)


@planted(np.array([1e5, -2e5, 1e9]))
def half_of_the_slope_far_from_zero(x):
    return x * x, lambda dy: dy * x


@planted(X)
def no_pullback(x):
    return np.sin(x)


@planted(X)
def gradient_for_a_pullback(x):
    return np.sin(x), np.cos(x)


WORDS = {
    "wrong_sign": r"wrong gradient of x\. Worst entry dL/dx\[\d, \d\]: pullback .*, central",
    "sigma_for_its_slope": r"wrong gradient of x",
    "one_percent_off_in_one_entry": r"wrong gradient of x\. Worst entry dL/dx\[2, 1\]",
    "transposed_dW": r"wrong gradient of W\. Worst entry dL/dW\[",
    "dx_without_the_transpose": r"wrong gradient of x\.",
    "mean_over_the_batch_instead_of_sum": r"wrong gradient of b\. Worst entry dL/db\[\d\]",
    "no_sum_over_the_batch": r"db must have b's shape \(3,\); got \(4, 3\)",
    "first_sample_only": r"wrong gradient of b\.",
    "gradients_in_the_wrong_order": r"dx must have x's shape \(4, 3\); got \(3, 3\)",
    "gradients_of_one_shape_in_the_wrong_order": r"wrong gradient of a\.",
    "one_gradient_for_two_arguments": r"2 arguments need as many gradients; got 1",
    "gradient_laid_out_as_a_vector": r"dx must have x's shape \(4, 3\); got \(12,\)",
    "none_for_a_gradient": r"dx must have x's shape \(4, 3\); got \(\)",
    "embedding_that_forgets_repeated_ids": r"wrong gradient of E\. Worst entry dL/dE\[3, ",
    "single_precision_inside": r"wrong gradient of x",
    "single_precision_value": r"the value must be float64; got float32",
    "block_with_a_single_precision_value": r"the value must be float64; got float32",
    "single_precision_gradient": r"dx must be float64; got float32",
    "nan_in_one_entry": r"wrong .*Worst entry dL/dx\[3, 0\]: pullback nan, central.* gives NaN\.$",
    "changes_its_argument": r"the function changes one of its arguments",
    "changes_a_constant": r"the function changes one of its arguments",
    "changes_the_upstream_gradient": r"the pullback changes dy or an argument",
    "changes_its_argument_on_the_way_back": r"the pullback changes dy or an argument",
    "changes_its_value_on_the_way_back": r"the pullback changed the value returned",
    "hidden_random_value": r"two calls with the same arguments give different values",
    "hidden_random_gradient": r"the pullback called again, after a call elsewhere, differs",
    "stateful": r"the pullback called again, after a call elsewhere, differs",
    "stateful_relu": r"the pullback called again, after a call elsewhere, differs",
    "reused_value": r"a later call changed the value returned",
    "reused_gradient": r"a later pullback changed the gradients returned",
    "accumulates_over_calls": r"the pullback called again, after a call elsewhere, differs",
    "spent_after_one_use": r"the pullback called again, after a call elsewhere, differs",
    "forgets_a_class_that_is_improbable": r"wrong gradient of z\. Worst entry dL/dz\[0, 1\]",
    **{
        name: r"wrong gradient of x\. Worst entry dL/dx\[1\]"
        for name in PLANTED
        if "beside" in name
    },
    "no_pullback": r"must return the pair \(value, pullback\); got ndarray",
    "gradient_for_a_pullback": r"must return the pair \(value, pullback\); got tuple",
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_check_finds_the_planted_bug_and_names_it(name):
    f, arrays, constants = PLANTED[name]
    words = WORDS.get(name, "wrong gradient of ")
    with pytest.raises(AssertionError, match=rf"^check_vjp\({re.escape(name)}\): {words}"):
        check_vjp(f, *arrays, **constants)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in PLANTED
        if WORDS.get(name, "wrong").startswith("wrong") and "beside" not in name
    ],
)
def test_random_directions_find_the_planted_bug_too(name):
    f, arrays, constants = PLANTED[name]
    message = (
        rf"^check_vjp\({name}\): wrong gradient along a random direction: pullback .*, central"
    )
    with pytest.raises(AssertionError, match=message):
        check_vjp(f, *arrays, directions=5, **constants)


def test_a_failure_shows_both_values_and_the_error():
    with pytest.raises(AssertionError) as failure:
        check_vjp(lambda x: (2 * x, lambda dy: 3 * dy), np.array(1.0))
    dy = np.random.default_rng(0).standard_normal()
    shown = f"dL/dx: pullback {3 * dy:.6g}, central difference {2 * dy:.6g}, for"
    assert shown in str(failure.value)
    assert "0.5 > 1e-07" in str(failure.value)


def test_every_planted_bug_is_found_where_python_leaves_assertions_out():
    """``python -O`` skips assert statements; a promise does not rest on them."""
    script = """
import test_calculus as tests
assert False  # which is left out
for name, (f, arrays, constants) in tests.PLANTED.items():
    try:
        tests.check_vjp(f, *arrays, **constants)
    except AssertionError:
        continue
    print(name)
"""
    arguments = [sys.executable, "-O", "-W", "ignore", "-c", script]
    found = subprocess.run(
        arguments, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=300
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_library_asserts_nothing_that_python_may_leave_out():
    for path in Path(check_vjp.__code__.co_filename).parent.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not [node.lineno for node in nodes if isinstance(node, ast.Assert)], path


def test_an_argument_without_a_name_is_counted():
    with pytest.raises(AssertionError, match="wrong gradient of argument 1"):
        check_vjp(lambda *xs: (xs[0] + xs[1], lambda dy: (dy, 2 * dy)), X, X)
    partial = functools.partial(wrong_sign)
    with pytest.raises(AssertionError, match=r"^check_vjp\(partial\): wrong gradient of x"):
        check_vjp(partial, X)


def test_the_pullback_may_give_python_numbers():
    assert check_vjp(lambda x: (float(x), lambda dy: float(dy)), np.array(2.0)) < 1e-7
    with pytest.raises(AssertionError, match="wrong gradient of x"):
        check_vjp(lambda x: (float(x), lambda dy: 2 * float(dy)), np.array(2.0))


# -- kinks -------------------------------------------------------------------------------------

KINK = r"The slope is .* from the left and .* from the right: a kink or a jump lies within 1e-06"


@pytest.mark.parametrize("directions", [None, 3])
def test_a_kink_at_the_point_or_within_the_step_is_named_as_such(directions):
    x = np.array([1.0, 0.0, -2.0])
    for f in (blocks.relu, blocks.leaky_relu):
        with pytest.raises(AssertionError, match=KINK):
            check_vjp(f, x, directions=directions)
        with pytest.raises(AssertionError, match=KINK):
            check_vjp(f, x + 4e-7, directions=directions)  # here there is a derivative
        assert check_vjp(f, x + 1e-3, directions=directions) <= 1e-7


def test_stairs_within_the_step_are_no_reason_to_say_that_no_derivative_exists():
    """A function rounded to float32 is made of jumps; one of ReLU has its corner beside x."""

    def rounded(x):
        return np.sin(x.astype(np.float32)).astype(float), lambda dy: np.cos(x) * dy

    for f, x in ((rounded, 0.5), (blocks.relu, 1e-9), (np_floor, 1.0)):
        with pytest.raises(AssertionError, match=KINK) as failure:
            check_vjp(f, np.array([x]))
        assert "derivative" not in str(failure.value)


def np_floor(x):
    """A jump, and a slope of 0 beside it."""
    return np.floor(x), lambda dy: 0 * dy


def test_a_kink_between_equal_slopes_up_and_down_passes():
    """The central difference is 0 there, and so may the pullback be: only the two sides tell."""
    tent = lambda x: (np.abs(x), lambda dy: np.sign(x) * dy)
    assert check_vjp(tent, np.array([0.5, 0.0])) <= 1e-7


@pytest.mark.parametrize(
    "name", [name for name in PLANTED if WORDS.get(name, "wrong").startswith("wrong")]
)
@pytest.mark.parametrize("directions", [None, 5])
def test_a_bug_away_from_kinks_is_not_excused_by_one(name, directions):
    f, arrays, constants = PLANTED[name]
    if name == "single_precision_inside" or (directions and "beside" in name):
        return  # steps in single precision are stairs; a random direction sees the large entry
    with pytest.raises(AssertionError) as failure:
        check_vjp(f, *arrays, directions=directions, **constants)
    assert "kink" not in str(failure.value)


# -- what is too small to be seen, or no number -------------------------------------------------

HIDDEN = "too small to be checked here: the rounding of the value hides it"


@pytest.mark.parametrize("x", [33, 36, 40, 50, 100, 700])
@pytest.mark.parametrize("forget", [True, False])
def test_a_gradient_that_rounding_hides_is_not_called_right(x, forget):
    """Nothing but a forgotten gradient's value can be seen there, nor can a right one's."""

    def squash(x):
        y, pullback = blocks.sigmoid(x)
        return y, lambda dy: pullback(dy) * (not forget)

    for directions in (None, 2):
        with pytest.raises(AssertionError, match=rf"^check_vjp\(squash\): the gradient.* {HIDDEN}"):
            check_vjp(squash, np.array([float(x)]), directions=directions)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: (1e18 + x, lambda dy: 0 * dy), np.array(0.3)),
        (blocks.softmax, np.array([100.0, 0.0])),
        (blocks.tanh, np.array([-25.0])),
    ],
)
def test_what_hides_a_gradient_may_be_a_large_value_or_a_saturated_one(f, x):
    with pytest.raises(AssertionError, match=HIDDEN):
        check_vjp(f, x)


def test_an_entry_that_cannot_be_seen_is_no_fault_beside_one_that_can():
    assert check_vjp(blocks.sigmoid, np.linspace(-50, 50, 11)) <= 1e-7
    assert check_vjp(blocks.softmax, np.array([[100.0, 0.0], [1.0, 0.0]])) <= 1e-7


@pytest.mark.parametrize(
    "x", [[-1.0], [-1e-5], [-1e-3, -3.0], [-1.0, -2.0, -4.0, -8.0], [-(2.0**-19)]], ids=str
)
def test_a_gradient_that_is_0_of_a_value_that_stands_still_is_right(x):
    x = np.array(x)
    assert check_vjp(blocks.relu, x) == 0
    assert check_vjp(lambda x: (blocks.relu(x)[0] + 3, blocks.relu(x)[1]), x) == 0
    assert check_vjp(lambda x: (3 + 0 * x, lambda dy: 0 * dy), x) == 0
    assert check_vjp(blocks.softmax, x[:1]) == 0


def test_the_keys_that_a_mask_blocks_have_no_gradient_and_that_is_right():
    mask, v = np.array([[True, False]]), X[:2]

    def blocked(v):
        o, pullback = blocks.attention(X[:1], X[:2], np.vstack([X[:1], v]), mask=mask)
        return o, lambda do: pullback(do)[2][1:]

    assert check_vjp(blocked, v[:1]) == 0


@pytest.mark.parametrize("target", [0.05, 0.1, 0.3, 0.65, 0.95])
def test_a_minimum_is_no_fault(target):
    at, t = np.array([target]), np.array([target])
    assert check_vjp(losses.mse, at, target=t) <= 1e-7
    assert check_vjp(losses.binary_cross_entropy, at, target=t) <= 1e-7
    assert check_vjp(losses.mse, 0 * at, target=0 * t) <= 1e-7
    half, many = np.full((5, 5, 5), 0.5), np.zeros((5, 5, 5))
    assert check_vjp(losses.binary_cross_entropy_with_logits, many, target=half) <= 1e-7


@pytest.mark.parametrize("gamma", [1.0, 1e-12, 1e-200])
def test_a_function_that_bends_within_a_small_step_is_right(gamma):
    """A constant row is standardized by the root of eps: at 0.003 beside it nothing is straight."""
    x, gamma = np.zeros((2, 3)), np.full(3, gamma)
    assert check_vjp(blocks.layer_norm, x, gamma, np.ones(3)) <= 1e-7
    assert check_vjp(blocks.layer_norm, x, gamma, np.zeros(3)) <= 1e-7


@pytest.mark.parametrize("small", [1e-9, 1e-11, 1e-13, 1e-300, 5e-324])
def test_a_small_gradient_near_a_corner_is_right(small):
    for x in (1e-4, 1e-3, 0.03):
        right = lambda x: (1 + small * np.maximum(x, 0), lambda dy: dy * small)
        assert check_vjp(right, np.array([x])) <= 1e-7
        assert check_vjp(blocks.linear, np.array([x]), np.array([[small]]), np.ones(1)) <= 1e-7


@pytest.mark.parametrize("size", [1e-280, 1e-200, 1e-20, 1e-9, 1e7, 1e12, 1e100, 1e250])
def test_the_size_of_a_value_does_not_matter(size):
    assert check_vjp(lambda x: (size * np.sin(x), lambda dy: size * dy * np.cos(x)), X) <= 1e-7
    for wrong in (0, -1, 0.5, 1.05):
        f = lambda x, w=wrong: (size * np.sin(x), lambda dy: w * size * dy * np.cos(x))
        with pytest.raises(AssertionError, match="wrong gradient of x"):
            check_vjp(f, X)


@pytest.mark.parametrize("x", LARGE)
def test_the_size_of_the_point_does_not_matter(x):
    x = np.array([x])
    for f in (
        lambda x: (1 * x, lambda dy: dy),
        lambda x: (x * x, lambda dy: 2 * x * dy),
        lambda x: (np.log(np.abs(x)), lambda dy: dy / x),
    ):
        for directions in (None, 2):
            assert check_vjp(f, x, directions=directions) <= 1e-7
    assert check_vjp(blocks.linear, x * X, W, B) <= 1e-7
    assert check_vjp(blocks.linear, x * X, W, B, directions=3) <= 1e-7


def test_a_function_that_waves_fast_beside_its_point_is_seen():
    x = np.array([1e5, 1e9])
    assert check_vjp(lambda x: (np.sin(x), lambda dy: dy * np.cos(x)), x) <= 1e-7


def test_a_linear_layer_of_large_numbers_is_right():
    assert check_vjp(blocks.linear, 1e7 * X, 1e7 * W, B) <= 1e-7


@pytest.mark.parametrize("directions", [None, 2])
def test_what_is_no_number_is_told_as_such_and_not_called_a_kink(directions):
    for wrong, name in ((np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")):
        name = name if directions is None else "(NaN|infinity)"  # infinity less infinity
        with pytest.raises(AssertionError, match=rf"The pullback gives {name}\.$"):
            check_vjp(lambda x, w=wrong: (np.sin(x), lambda dy: dy * w), X, directions=directions)
    with pytest.raises(AssertionError, match="the value contains NaN or infinity"):
        check_vjp(lambda x: (x * np.nan, lambda dy: dy), X, directions=directions)
    edge = np.array([0.0])
    message = "the value is NaN or infinite at a step of 1e-06 from the point"
    with pytest.raises(AssertionError, match=message):
        check_vjp(lambda x: (np.sqrt(x), lambda dy: dy), edge, directions=directions)
    for wrong, name in ((np.nan, "NaN"), (np.inf, "infinity")):
        with pytest.raises(ValueError, match=rf"^check_vjp\(tanh\): x contains {name}"):
            check_vjp(blocks.tanh, np.array([wrong]), directions=directions)


# -- what the check accepts --------------------------------------------------------------------


def test_the_check_gives_the_error_and_passes_what_is_right():
    error = check_vjp(blocks.linear, X, W, B)
    assert type(error) is float
    assert 0 <= error <= 1e-7
    assert 0 <= check_vjp(blocks.linear, X, W, B, directions=4) <= 1e-7


def test_the_tolerance_decides():
    def slightly_off(x):
        return np.sin(x), lambda dy: dy * np.cos(x) * (1 + 1e-5)

    assert 1e-6 < check_vjp(slightly_off, X, tol=1e-4) < 1e-4
    with pytest.raises(AssertionError, match="> 1e-07"):
        check_vjp(slightly_off, X)


def test_the_error_is_that_of_the_worst_entry():
    def off_by(gap):
        def pullback(dy, x):
            dx = dy * np.cos(x)
            dx[2, 1] += gap
            return dx

        return lambda x: (np.sin(x), lambda dy: pullback(dy, x))

    dy = np.random.default_rng(0).standard_normal(X.shape)
    relative = 5e-6 / abs(dy * np.cos(X))[2, 1]
    assert check_vjp(off_by(5e-6), X, tol=1e-4) == pytest.approx(relative, rel=1e-3)
    with pytest.raises(AssertionError, match=r"Worst entry dL/dx\[2, 1\]"):
        check_vjp(off_by(5e-7), X)


def test_a_large_gradient_is_judged_by_its_size():
    def steep(x):
        return 1e6 * np.sin(x), lambda dy: 1e6 * dy * np.cos(x)

    assert check_vjp(steep, X) <= 1e-7


def test_the_check_accepts_empty_arrays_and_numbers():
    assert check_vjp(blocks.relu, np.zeros((0, 3))) == 0
    assert check_vjp(blocks.relu, np.zeros((0, 3)), directions=2) == 0
    assert check_vjp(lambda x: (x**2, lambda dy: 2 * x * dy), np.array(3.0)) <= 1e-7


def test_the_check_leaves_its_arguments_alone():
    x, W = X.copy(), X[0].copy()
    check_vjp(blocks.layer_norm, x, W, W + 1)
    assert np.array_equal(x, X)
    assert x.flags.writeable
    assert np.array_equal(W, X[0])


def test_the_check_says_the_same_each_time():
    state = np.random.get_state()[1].tolist()
    assert check_vjp(blocks.tanh, X) == check_vjp(blocks.tanh, X)
    assert check_vjp(blocks.tanh, X, directions=3) == check_vjp(blocks.tanh, X, directions=3)
    assert np.random.get_state()[1].tolist() == state


# -- what the check refuses --------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [X.astype(np.float32), X.astype(int), X.tolist(), 1.0, None],
    ids="f4 int list 1 None".split(),
)
def test_the_check_needs_float64(wrong):
    message = r"^check_vjp\(linear\): W must be a float64 array.*Use np\.asarray\(W, float\)"
    with pytest.raises(TypeError, match=message):
        check_vjp(blocks.linear, X, wrong, B)


@pytest.mark.parametrize("tol", [0, -1e-7, 1, np.nan, np.inf])
def test_a_tolerance_that_means_nothing_is_refused(tol):
    message = rf"^check_vjp\(relu\): tol must be a number in \(0, 1\); got {tol}"
    with pytest.raises(ValueError, match=message):
        check_vjp(blocks.relu, X, tol=tol)


@pytest.mark.parametrize(
    ("directions", "error"),
    [(0, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError)],
)
def test_a_number_of_directions_is_a_whole_number_from_1(directions, error):
    with pytest.raises(error, match=r"^check_vjp\(relu\): directions must be an integer >= 1; got"):
        check_vjp(blocks.relu, X, directions=directions)


def test_without_an_array_there_is_nothing_to_check():
    with pytest.raises(TypeError, match=r"^check_vjp\(relu\): needs an array .*; got none"):
        check_vjp(blocks.relu)


def test_what_is_no_function_cannot_be_checked():
    with pytest.raises(TypeError, match="^check_vjp: f must be a function; got str"):
        check_vjp("relu", X)


def test_an_error_of_the_block_is_passed_on():
    with pytest.raises(ValueError, match="^linear: W must have shape"):
        check_vjp(blocks.linear, X, W[:, :2], B)


def test_a_whole_model_is_checked_along_directions():
    """Many parameters, few evaluations: the objective of a small network, written by hand."""
    shapes = [(5, 3), (5,), (2, 5), (2,)]
    sizes = np.cumsum([int(np.prod(shape)) for shape in shapes])
    labels = np.array([0, 1, 1, 0])

    def objective(theta, wrong=1.0):
        W1, b1, W2, b2 = (p.reshape(s) for p, s in zip(np.split(theta, sizes[:-1]), shapes))
        h, back1 = blocks.linear(X, W1, b1)
        a, back2 = blocks.tanh(h)
        z, back3 = blocks.linear(a, W2, b2)
        L, back4 = losses.softmax_cross_entropy(z, labels=labels)

        def pullback(dL):
            da, dW2, db2 = back3(back4(dL))
            _, dW1, db1 = back1(back2(da))
            return np.concatenate([d.reshape(-1) for d in (dW1, wrong * db1, dW2, db2)])

        return L, pullback

    theta = np.random.default_rng(3).normal(size=sizes[-1])
    assert check_vjp(objective, theta) <= 1e-7
    assert check_vjp(objective, theta, tol=1e-6, directions=1) <= 1e-6
    with pytest.raises(AssertionError, match="along a random direction"):
        check_vjp(objective, theta, tol=1e-6, directions=1, wrong=0.0)


@pytest.mark.parametrize("x", [[3.0, 3.0], [0.0, 2.6875], [0.1, -2.0]])
@pytest.mark.parametrize("size", [1e-6, 1.7e-13, 1e-40])
def test_a_gradient_as_small_as_its_value_is_seen_even_where_the_function_soon_bends(x, size):
    gamma, beta = np.full(2, size), np.zeros(2)
    assert check_vjp(layer_norm, np.array(x), gamma, beta) <= 1e-7

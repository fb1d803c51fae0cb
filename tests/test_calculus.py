"""Derivatives by differences are right, and the gradient check finds every planted bug."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib import blocks, losses
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
    "nan_in_one_entry": r"wrong gradient of x\. Worst entry dL/dx\[3, 0\]: pullback nan, central",
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
    "no_pullback": r"must return the pair \(value, pullback\); got ndarray",
    "gradient_for_a_pullback": r"must return the pair \(value, pullback\); got tuple",
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_check_finds_the_planted_bug_and_names_it(name):
    f, arrays, constants = PLANTED[name]
    words = WORDS.get(name, "wrong gradient of ")
    with pytest.raises(AssertionError, match=rf"^check_vjp\({name}\): {words}"):
        check_vjp(f, *arrays, **constants)


@pytest.mark.parametrize(
    "name", [name for name in PLANTED if "wrong gradient" in WORDS.get(name, "wrong gradient")]
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
    assert "1.3e-01 > 1e-07" in str(failure.value)


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

KINK = r"The slope is .* from the left and .* from the right: the point sits on a kink"


@pytest.mark.parametrize("directions", [None, 3])
def test_a_point_on_a_kink_is_named_as_such(directions):
    x = np.array([1.0, 0.0, -2.0])
    for f in (blocks.relu, blocks.leaky_relu):
        with pytest.raises(AssertionError, match=KINK):
            check_vjp(f, x, directions=directions)
        with pytest.raises(AssertionError, match=KINK):
            check_vjp(f, x + 4e-7, directions=directions)
        assert check_vjp(f, x + 1e-3, directions=directions) <= 1e-7


@pytest.mark.parametrize("name", [name for name in PLANTED if "wrong" in WORDS.get(name, "wrong")])
@pytest.mark.parametrize("directions", [None, 5])
def test_a_bug_away_from_kinks_is_not_excused_by_one(name, directions):
    f, arrays, constants = PLANTED[name]
    if name in ("single_precision_inside", "nan_in_one_entry"):
        return  # steps in single precision are stairs; nothing compares with NaN
    with pytest.raises(AssertionError) as failure:
        check_vjp(f, *arrays, directions=directions, **constants)
    assert "kink" not in str(failure.value)


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

    assert check_vjp(off_by(5e-6), X, tol=1e-4) == pytest.approx(5e-6, rel=0.5)
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

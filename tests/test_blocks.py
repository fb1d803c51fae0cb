"""What single blocks promise beyond the generic: exact extremes, kinks, masks, known values."""

import itertools
import math

import exact
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib.blocks import (
    attention,
    attention_weights,
    dropout,
    embedding,
    layer_norm,
    leaky_relu,
    linear,
    linear_on_data,
    log_softmax,
    may_attend,
    relu,
    sigmoid,
    softmax,
    standardize,
    tanh,
)
from nnlib.calculus import check_vjp, numerical_jacobian

ROWS_OF_EXTREMES = [
    [0.0, 0.0, 0.0],
    [1e4, 1e4, 1e4 - 3.3],
    [1e300, 1e300, -1e300],
    [-1e300, -1e300, -1e300],
    [5e-324, -5e-324, 0.0],
    [0.0, -745.2, -36.7],
    [-1e4, 1e300, 1e4],
    [709.7, 709.8, 17.3],
    [1e-16, 0.0, -1e-300],
    [-1e4, -1e4 + 1e-3, -1e4 - 40],
]
each_row_of_extremes = pytest.mark.parametrize("z", ROWS_OF_EXTREMES, ids=str)
matrices = hnp.arrays(float, (3, 4), elements=st.floats(-30, 30))


@pytest.fixture(autouse=True)
def no_overflow():
    """Only underflow to 0 is silent."""
    with np.errstate(all="raise", under="ignore"):
        yield


# -- extremes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("block", "truth"), [(sigmoid, exact.sigmoid), (tanh, exact.tanh)])
def test_a_squashing_function_is_exact_at_extremes(block, truth):
    y, pullback = block(np.array(exact.EXTREMES))
    exact.assert_within_4_ulp(y, truth(exact.EXTREMES))
    slopes = pullback(np.ones_like(y))
    assert np.isfinite(slopes).all()
    assert (slopes >= 0).all()
    assert slopes[exact.EXTREMES.index(1e300)] == slopes[exact.EXTREMES.index(-1e300)] == 0


def test_the_slope_of_the_sigmoid_is_exact_where_its_value_is_nearly_1():
    x = np.array([20.0, 36.7, 100.0, 700.0])
    slopes = sigmoid(x)[1](np.ones(4))
    np.testing.assert_allclose(slopes, np.exp(-x) / (1 + np.exp(-x)) ** 2, rtol=1e-15)


@each_row_of_extremes
@pytest.mark.parametrize(
    ("block", "truth"), [(softmax, exact.softmax), (log_softmax, exact.log_softmax)]
)
def test_probabilities_are_exact_at_extremes(z, block, truth):
    y, pullback = block(np.array(z))
    exact.assert_within_4_ulp(y, truth(z))
    for dy in np.eye(3):
        assert np.isfinite(pullback(dy)).all()


@pytest.mark.parametrize("block", [relu, leaky_relu, sigmoid, tanh, softmax, log_softmax])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_extreme_argument_overflows(block, dtype):
    largest = np.finfo(dtype).max / 4
    x = np.array([0, 1e-45, 1e4, largest, -1e-45, -1e4, -largest], dtype)
    y, pullback = block(x)
    assert np.isfinite(y).all()
    assert np.isfinite(pullback(np.ones_like(y))).all()


# -- kinks -------------------------------------------------------------------------------------


def test_the_slope_of_relu_at_either_zero_is_0():
    y, pullback = relu(np.array([0.0, -0.0, 5e-324, -5e-324]))
    assert y.tolist() == [0, 0, 5e-324, 0]
    assert pullback(np.full(4, 7.0)).tolist() == [0, 0, 7, 0]


@pytest.mark.parametrize("slope", [0, 0.01, 0.3, 1, 2.5])
def test_the_slope_of_leaky_relu_at_either_zero_is_that_of_the_left(slope):
    y, pullback = leaky_relu(np.array([0.0, -0.0, 2.0, -2.0]), slope=slope)
    assert y.tolist() == [0, 0, 2, -2 * slope]
    assert pullback(np.full(4, 7.0)).tolist() == [7 * slope, 7 * slope, 7, 7 * slope]


def test_leaky_relu_without_slope_is_relu():
    x = np.array([-3.0, -0.5, 0.0, 2.0])
    (y, pullback), (want, relu_pullback) = leaky_relu(x, slope=0), relu(x)
    assert np.array_equal(y, want)
    assert np.array_equal(pullback(x + 1), relu_pullback(x + 1))


# -- known values ------------------------------------------------------------------------------


def test_linear_is_the_sum_of_products():
    rng = np.random.default_rng(0)
    x, W, b = (rng.normal(size=shape) for shape in [(2, 3, 4), (5, 4), (5,)])
    y, _ = linear(x, W, b)
    for i, j, m in np.ndindex(y.shape):
        assert y[i, j, m] == pytest.approx(sum(W[m, n] * x[i, j, n] for n in range(4)) + b[m])


def test_the_jacobian_of_linear_is_its_matrix():
    W, b = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.zeros(2)
    J = numerical_jacobian(lambda x: linear(x, W, b)[0], np.array([0.3, -1.0, 2.0]))
    np.testing.assert_allclose(J, W, atol=1e-8)


def test_the_linear_layer_on_data_gives_what_the_linear_layer_gives():
    rng = np.random.default_rng(0)
    x, W, b, dy = (rng.normal(size=shape) for shape in [(2, 3, 4), (5, 4), (5,), (2, 3, 5)])
    (y, pullback), (want, linear_pullback) = linear_on_data(W, b, x=x), linear(x, W, b)
    assert np.array_equal(y, want)
    for d, d_want in zip(pullback(dy), linear_pullback(dy)[1:]):
        assert np.array_equal(d, d_want)


@given(matrices)
def test_tanh_is_a_sigmoid_stretched(x):
    np.testing.assert_allclose(tanh(x)[0], 2 * sigmoid(2 * x)[0] - 1, atol=1e-15)


@given(matrices)
def test_sigmoids_of_opposite_numbers_sum_to_1(x):
    np.testing.assert_allclose(sigmoid(x)[0] + sigmoid(-x)[0], 1, rtol=4e-16)


# -- softmax -----------------------------------------------------------------------------------


@given(matrices, st.sampled_from([-2, -1, 0, 1]))
def test_softmax_sums_to_1_along_its_axis(z, axis):
    np.testing.assert_allclose(softmax(z, axis=axis)[0].sum(axis=axis), 1, rtol=1e-15)


@given(matrices)
def test_log_softmax_is_the_logarithm_of_softmax(z):
    np.testing.assert_allclose(log_softmax(z)[0], np.log(softmax(z)[0]), atol=1e-13)


@given(matrices, st.floats(-1e3, 1e3))
def test_softmax_does_not_see_a_shift_of_all_scores(z, shift):
    np.testing.assert_allclose(softmax(z + shift)[0], softmax(z)[0], atol=1e-12)
    dz = softmax(z)[1](z)
    np.testing.assert_allclose(dz.sum(axis=-1), 0, atol=1e-13 * (1 + np.abs(z).max()))


def test_the_jacobian_of_softmax_is_diag_p_minus_p_pᵀ():
    p, pullback = softmax(np.array([0.5, -1.0, 2.0]))
    J = np.stack([pullback(e) for e in np.eye(3)])
    np.testing.assert_allclose(J, np.diag(p) - np.outer(p, p), atol=1e-16)


@pytest.mark.parametrize("block", [softmax, log_softmax, standardize])
def test_an_axis_is_that_axis(block):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    moved = block(np.moveaxis(x, 1, -1), axis=-1)[0]
    np.testing.assert_allclose(block(x, axis=1)[0], np.moveaxis(moved, -1, 1), rtol=1e-14)
    for axis in (3, -4):
        with pytest.raises(ValueError, match=f"axis must be an integer in -3..2; got {axis}"):
            block(x, axis=axis)
    for axis in (1.0, "1", True):
        with pytest.raises(TypeError, match="axis must be an integer"):
            block(x, axis=axis)


@pytest.mark.parametrize("block", [softmax, log_softmax, standardize])
@pytest.mark.parametrize("axis", [0, 1])
def test_an_empty_axis_gives_an_empty_value(block, axis):
    y, pullback = block(np.zeros((0, 3)), axis=axis)
    assert y.shape == pullback(y).shape == (0, 3)


# -- standardize and layer norm ----------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 1e4, 1e6, 1e8])
def test_layer_norm_is_exact_far_from_zero(offset):
    x = offset + np.random.default_rng(0).normal(size=(4, 50))
    y, pullback = layer_norm(x, np.ones(50), np.zeros(50))
    truth = np.stack([exact.standardized(row, 1e-5) for row in x])
    np.testing.assert_allclose(y, truth, rtol=0, atol=1e-14 * max(offset, 1))
    dy = np.random.default_rng(1).normal(size=x.shape)
    near = layer_norm(x - offset, np.ones(50), np.zeros(50))[1](dy)[0]
    np.testing.assert_allclose(pullback(dy)[0], near, rtol=0, atol=1e-13 * max(offset, 1))


def test_standardize_gives_mean_0_and_variance_1():
    x = np.random.default_rng(0).normal(3, 5, size=(6, 7))
    for axis in (None, 0, 1, -1, (0, 1)):
        y, _ = standardize(x, axis=axis)
        np.testing.assert_allclose(y.mean(axis=axis), 0, atol=1e-15)
        np.testing.assert_allclose(y.var(axis=axis), 1, rtol=1e-8)


@pytest.mark.parametrize("constant", [7.0, 98.6, 1000.1, 1e6, 1e6 + 0.1, -3.3e7, 1e-3, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 64, 784])
def test_what_is_constant_is_standardized_to_0(constant, dtype, width):
    """The mean of 98.6, 98.6, 98.6 is not 98.6 in floating point: rounding is no spread."""
    x, one = np.full((3, width), constant, dtype), np.ones(width, dtype)
    dy = np.arange(x.size, dtype=dtype).reshape(x.shape)
    for axis in (None, 0, 1, -1, (0, 1)):
        y, pullback = standardize(x, axis=axis)
        assert np.abs(y).max() <= 1e-6
        assert np.isfinite(pullback(dy)).all()
    assert np.abs(layer_norm(x, one, 0 * one)[0]).max() <= 1e-6


@pytest.mark.parametrize("offset", [98.6, 1000.1, 1e6])
def test_a_small_spread_about_a_large_offset_is_kept(offset):
    """Neighbours in single precision, one unit apart: exact as numbers, so exact as a spread."""
    start = np.float32(offset)
    x = start + np.spacing(start) * np.arange(8, dtype=np.float32)
    truth = exact.standardized(x.astype(float), 1e-8)
    np.testing.assert_allclose(standardize(x)[0], truth, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [(0, 0), (0, -2), (1, -1), (1, 0, 1)], ids=str)
def test_an_axis_is_named_once(axis):
    x = np.arange(6.0).reshape(2, 3)
    with pytest.raises(ValueError, match=r"^standardize: axis must name each axis once; got \("):
        standardize(x, axis=axis)


def test_eps_is_inside_the_root():
    assert standardize(np.array([-1.0, 1.0]), eps=3.0)[0].tolist() == [-0.5, 0.5]
    one = np.ones(2)
    assert layer_norm(np.array([-1.0, 1.0]), 4 * one, one, eps=3.0)[0].tolist() == [-1, 3]


def test_the_gradient_of_standardize_is_right_for_its_own_eps():
    assert check_vjp(standardize, np.array([[1.0, 2.0, -1.5], [0.2, 3.0, 0.7]])) <= 1e-7


def test_standardize_does_not_see_shift_nor_scale():
    x = np.random.default_rng(0).normal(size=(3, 5))
    np.testing.assert_allclose(standardize(x)[0], standardize(8 * x - 4)[0], atol=1e-7)


# -- embedding and dropout ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", ">i8", "u8"])
def test_embedding_takes_any_whole_numbers(dtype):
    E, ids = np.arange(6.0).reshape(3, 2), np.array([[2, 0], [2, 1]], dtype)
    y, pullback = embedding(E, ids=ids)
    assert y[0].tolist() == [[4, 5], [0, 1]]
    assert pullback(np.ones((2, 2, 2))).tolist() == [[1, 1], [1, 1], [2, 2]]


@pytest.mark.parametrize("dtype", ["i1", "u1"])
def test_embedding_finds_the_last_row_of_a_table_longer_than_its_ids_can_count(dtype):
    last = np.iinfo(dtype).max
    y, _ = embedding(np.arange(300.0)[:, None], ids=np.array([last], dtype))
    assert y.tolist() == [[last]]


@pytest.mark.parametrize("p", [0, 0.25, 0.5, 0.9])
def test_dropout_keeps_the_mean(p):
    x = np.array([1.0, -2.0, 3.0])
    mean = np.zeros(3)
    for keep in itertools.product([True, False], repeat=3):
        chance = math.prod(1 - p if kept else p for kept in keep)
        mean += chance * dropout(x, keep=np.array(keep), p=p)[0]
    np.testing.assert_allclose(mean, x, rtol=1e-14)


def test_dropout_silences_value_and_gradient_alike():
    keep = np.array([True, False, True])
    y, pullback = dropout(np.array([1.0, 2.0, 3.0]), keep=keep, p=0.5)
    assert y.tolist() == [2, 0, 6]
    assert pullback(np.ones(3)).tolist() == [2, 0, 2]


# -- attention ---------------------------------------------------------------------------------


def query_key_value(t=3, s=4, d=2, e=5, leading=(2,), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(*leading, *last)) for last in [(t, d), (s, d), (s, e)]]


def test_attention_is_what_a_loop_over_the_queries_gives():
    q, k, v = query_key_value()
    A, _ = attention_weights(q, k)
    o, _ = attention(q, k, v)
    for b, t in np.ndindex(2, 3):
        weights = np.exp([q[b, t] @ key / math.sqrt(2) for key in k[b]])
        weights /= weights.sum()
        np.testing.assert_allclose(A[b, t], weights, rtol=1e-14)
        np.testing.assert_allclose(o[b, t], sum(a * u for a, u in zip(weights, v[b])), rtol=1e-13)


MASK = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 0, 1]], bool)  # nobody attends to key 2


def test_a_blocked_key_has_weight_0_and_gradient_0_exactly():
    q, k, v = query_key_value()
    A, _ = attention_weights(q, k, mask=MASK)
    assert not A[:, ~MASK].any()
    np.testing.assert_allclose(A.sum(axis=-1), 1, rtol=1e-15)
    _, dk, dv = attention(q, k, v, mask=MASK)[1](np.ones((2, 3, 5)))
    assert not dk[:, 2].any()
    assert not dv[:, 2].any()
    assert np.abs(dv[:, [0, 1, 3]]).min() > 0


def test_a_blocked_key_has_weight_0_even_where_the_others_score_terribly():
    q, k = np.array([[1.0]]), np.array([[-1e12], [3.0], [-1e12]])
    A, _ = attention_weights(q, k, mask=np.array([True, False, True]))
    assert A.tolist() == [[0.5, 0, 0.5]]


@pytest.mark.parametrize("huge", [1e30, -1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_blocked_key_holds_changes_nothing(huge, dtype):
    q, k, v = (a.astype(dtype) for a in query_key_value())
    dy = np.random.default_rng(1).normal(size=(2, 3, 5)).astype(dtype)
    o, pullback = attention(q, k, v, mask=MASK)
    k[:, 2], v[:, 2] = huge, huge
    o_huge, pullback_huge = attention(q, k, v, mask=MASK)
    assert np.array_equal(o, o_huge)
    for d, d_huge in zip(pullback(dy), pullback_huge(dy)):
        assert np.array_equal(d, d_huge)


def test_a_causal_mask_keeps_the_past_from_seeing_the_future():
    q, k, v = query_key_value(t=4, s=4)
    mask = np.tri(4, dtype=bool)
    o, _ = attention(q, k, v, mask=mask)
    k[:, 3], v[:, 3] = 1e30, -1e30
    later, _ = attention(q, k, v, mask=mask)
    assert np.array_equal(o[:, :3], later[:, :3])
    assert not np.array_equal(o[:, 3], later[:, 3])


def test_a_mask_that_blocks_nothing_is_no_mask():
    q, k, v = query_key_value()
    for mask in (np.array(True), np.True_):
        got, want = attention(q, k, v, mask=mask)[0], attention(q, k, v)[0]
        np.testing.assert_allclose(got, want, rtol=1e-13)  # which shift is taken differs


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 1), (2, 1, 4), (1, 3, 4), (2, 3, 4)], ids=str)
def test_a_mask_is_broadcast_to_the_weights(shape):
    q, k, v = query_key_value()
    mask = np.ones(shape, bool)
    if shape[-1] == 4:
        mask[..., 1] = False
    want, _ = attention(q, k, v, mask=np.broadcast_to(mask, (2, 3, 4)).copy())
    assert np.array_equal(attention(q, k, v, mask=mask)[0], want)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (5, 3, 4), (1, 2, 3, 4), (2,)], ids=str)
def test_a_mask_that_does_not_fit_is_refused(shape):
    q, k, v = query_key_value()
    message = rf"^attention: mask must broadcast to \(2, 3, 4\); got \({shape[0]},"
    with pytest.raises(ValueError, match=message):
        attention(q, k, v, mask=np.ones(shape, bool))


@pytest.mark.parametrize("row", [0, 2])
def test_a_query_with_every_key_blocked_is_refused(row):
    mask = np.ones((2, 3, 4), bool)
    mask[1, row] = False
    message = rf"^attention: every key of query row {row} is blocked.*True means \*may attend"
    for call in (attention, lambda q, k, v, mask: attention_weights(q, k, mask=mask)):
        with pytest.raises(ValueError, match=message):
            call(*query_key_value(), mask=mask)


def test_may_attend_gives_the_mask_itself():
    assert may_attend(MASK, (3, 4)) is MASK


def test_attention_to_one_key_is_its_value():
    q, k, v = query_key_value(s=1)
    np.testing.assert_array_equal(attention(q, k, v)[0], np.broadcast_to(v, (2, 3, 5)))


def test_the_order_of_the_keys_does_not_matter():
    q, k, v = query_key_value()
    order = [2, 0, 3, 1]
    o, _ = attention(q, k, v)
    np.testing.assert_allclose(attention(q, k[:, order], v[:, order])[0], o, rtol=1e-14)


def test_scores_may_be_huge():
    q, k, v = query_key_value()
    o, pullback = attention(1e100 * q, 1e100 * k, v)
    assert np.isfinite(o).all()
    assert all(np.isfinite(d).all() for d in pullback(np.ones_like(o)))

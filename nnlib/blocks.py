"""Blocks: pure functions that return their value and the way back, ``y, pullback = f(x)``."""

from math import sqrt

import numpy as np

from nnlib.arrays import largest, mean, native, rows, sum_of_rows, sums, times
from nnlib.checks import Array, Pullback, axis_of, boolean, class_numbers, finite, number
from nnlib.contract import block
from nnlib.masks import may_attend, refuse_unseen


@block("x (..., n), W (m, n), b (m,) -> y (..., m)")
def linear(x: Array, W: Array, b: Array) -> tuple[Array, Pullback]:
    """Map every row affinely: y = W x + b.

    Pullback   dx = Wᵀ dy,  dW = Σ dy xᵀ,  db = Σ dy  over all rows.
    Source     A-3.2-fwd, A-3.2-dW, A-3.2-db, A-3.2-dx; N-linear.

    >>> y, pullback = linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([5.0]))
    >>> y
    array([[16.]])
    >>> pullback(np.array([[1.0]]))
    (array([[3., 4.]]), array([[1., 2.]]), array([1.]))
    """

    def pullback(dy: Array) -> tuple[Array, Array, Array]:
        dy_rows, x_rows = rows(dy), rows(x)
        return times(dy, W), dy_rows.T @ x_rows, sum_of_rows(dy_rows)

    y = times(x, W.T)
    y += b
    return y, pullback


@block("W (m, n), b (m,); x (..., n) -> y (..., m)")
def linear_on_data(W: Array, b: Array, *, x: Array) -> tuple[Array, Pullback]:
    """The linear layer as a function of its parameters alone, for an x that is data: no dL/dx.

    Pullback   dW = Σ dy xᵀ,  db = Σ dy  over all rows.
    Source     A-3.2-dW, A-3.2-db.

    >>> W, b, x = np.array([[3.0, 4.0]]), np.array([5.0]), np.array([[1.0, 2.0]])
    >>> y, pullback = linear_on_data(W, b, x=x)
    >>> pullback(np.array([[1.0]]))
    (array([[1., 2.]]), array([1.]))
    """

    def pullback(dy: Array) -> tuple[Array, Array]:
        dy_rows = rows(dy)
        return dy_rows.T @ rows(x), sum_of_rows(dy_rows)

    y = times(x, W.T)
    y += b
    return y, pullback


@block("x (...) -> y (...)")
def relu(x: Array) -> tuple[Array, Pullback]:
    """Keep what is positive: y = max(x, 0).

    Pullback   dx = dy where x > 0, else 0; the slope at the corner x = 0 is set to 0.
    Source     A-3.3-fwd, B-relu, B-relu-d, D-relu.

    >>> y, pullback = relu(np.array([-1.0, 0.0, 2.0]))
    >>> y, pullback(np.ones(3))
    (array([0., 0., 2.]), array([0., 0., 1.]))
    """
    y = np.maximum(x, 0)

    def pullback(dy: Array) -> Array:
        return dy * (y > 0)

    return y, pullback


@block("x (...) -> y (...)")
def leaky_relu(x: Array, *, slope: float = 0.01) -> tuple[Array, Pullback]:
    """Keep what is positive and let a little of the rest through: y = x where x > 0, else slope x.

    Pullback   dx = dy where x > 0, else slope dy, at x = 0 too.
    Errors     ValueError for a negative slope.
    Source     E-lrelu, E-lrelu-d (which sets 1 at 0), D-leaky (whose maximum is this for
               slope <= 1 only).

    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)[0]
    array([-0.1,  2. ])
    """
    slope = number("leaky_relu", "slope", slope, "[0, inf)")
    slopes = np.where(x > 0, x.dtype.type(1), x.dtype.type(slope))

    def pullback(dy: Array) -> Array:
        return dy * slopes

    return x * slopes, pullback


@block("x (...) -> y (...)")
def sigmoid(x: Array) -> tuple[Array, Pullback]:
    """Squash to (0, 1): y = 1 / (1 + exp(-x)), from exp(-|x|), which cannot overflow.

    Pullback   dx = y (1 - y) dy, written without the difference that cancels.
    Source     B-sig, B-sig-d, D-sigmoid, E-sig-d.

    >>> y, pullback = sigmoid(np.array([0.0, 1e4]))
    >>> y, pullback(np.ones(2))
    (array([0.5, 1. ]), array([0.25, 0.  ]))
    """
    e = np.exp(-np.abs(x))
    y = np.where(x >= 0, 1, e) / (1 + e)

    def pullback(dy: Array) -> Array:
        return dy * e / (1 + e) ** 2

    return y, pullback


@block("x (...) -> y (...)")
def tanh(x: Array) -> tuple[Array, Pullback]:
    """Squash to (-1, 1): y = tanh x, which is 2 sigmoid(2x) - 1.

    Pullback   dx = (1 - y²) dy.
    Source     B-tanh, B-tanh-d, E-tanh-d; D-tanh-sig.

    >>> y, pullback = tanh(np.array([0.0, 1e4]))
    >>> y, pullback(np.ones(2))
    (array([0., 1.]), array([1., 0.]))
    """
    y = np.tanh(x)

    def pullback(dy: Array) -> Array:
        return dy * (1 - y) * (1 + y)

    return y, pullback


@block("z (...) -> p (...)")
def softmax(z: Array, *, axis: int = -1) -> tuple[Array, Pullback]:
    """Turn scores into probabilities along an axis: p = exp z / Σ exp z, shifted by max z first.

    Pullback   dz = p (dp - Σ p dp): the whole Jacobian diag p - p pᵀ in two products.
    Errors     ValueError for an axis that z does not have.
    Source     A-3.4-def, A-3.4-max, E-softmax; N-softmax-vjp.

    >>> softmax(np.array([1000.0, 1000.0]))[0]
    array([0.5, 0.5])
    """
    axis = axis_of("softmax", axis, z.ndim)
    if not z.size:  # no entry, no maximum
        return native(z), native
    p = np.exp(z - largest(z, axis))
    p /= p.sum(axis=axis, keepdims=True)

    def pullback(dp: Array) -> Array:
        return p * (dp - (p * dp).sum(axis=axis, keepdims=True))

    return p, pullback


@block("z (...) -> log_p (...)")
def log_softmax(z: Array, *, axis: int = -1) -> tuple[Array, Pullback]:
    """The logarithm of softmax, never taking the logarithm of a small number: z - log Σ exp z.

    Pullback   dz = dlog_p - p Σ dlog_p.
    Errors     ValueError for an axis that z does not have.
    Source     E-logq, B-ce-lse.

    >>> log_softmax(np.array([0.0, -1e4]))[0]
    array([     0., -10000.])
    """
    axis = axis_of("log_softmax", axis, z.ndim)
    if not z.size:  # no entry, no maximum
        return native(z), native
    log_p = z - largest(z, axis)
    log_p -= np.log(np.exp(log_p).sum(axis=axis, keepdims=True))

    def pullback(dlog_p: Array) -> Array:
        return dlog_p - np.exp(log_p) * dlog_p.sum(axis=axis, keepdims=True)

    return log_p, pullback


@block("x (...); keep (...) -> y (...)")
def dropout(x: Array, *, keep: Array, p: float) -> tuple[Array, Pullback]:
    """Silence the entries where keep, drawn with probability 1 - p, is False; scale up the rest.

    Pullback   dx = dy keep / (1 - p).
    Errors     TypeError for a keep that is not boolean; ValueError for a p outside [0, 1).
    Source     not in the documents.

    >>> dropout(np.ones(4), keep=np.array([True, False, True, True]), p=0.25)[0].round(3)
    array([1.333, 0.   , 1.333, 1.333])
    """
    boolean("dropout", "keep", keep)
    scale = 1 / (1 - number("dropout", "p", p, "[0, 1)"))

    def pullback(dy: Array) -> Array:
        return dy * keep * scale

    return x * keep * scale, pullback


@block("x (...) -> y (...)")
def standardize(
    x: Array, *, axis: int | tuple[int, ...] | None = None, eps: float = 1e-8
) -> tuple[Array, Pullback]:
    """Shift and scale to mean 0 and variance 1 along an axis, or over the whole array.

    y = (x - mean x) / std,  std = √(mean (x - mean x)² + eps); eps keeps a constant x from 0/0.

    Pullback   dx = (dy - mean dy - y mean(dy y)) / std.
    Errors     ValueError for an eps that is not positive, and for an axis that x does not have or
               that is named twice.
    Source     C1-F1, C2-F1, which leave the axis open and have no eps.

    >>> standardize(np.array([1.0, 2.0, 3.0]))[0].round(4)
    array([-1.2247,  0.    ,  1.2247])
    """
    named = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
    if len({axis_of("standardize", a, x.ndim) % x.ndim for a in named}) < len(named):
        raise ValueError(f"standardize: axis must name each axis once; got {axis}.")
    if not x.size:  # the mean of nothing is no number
        return native(x), native
    y = x - mean(x, axis)
    y -= mean(y, axis)  # the first mean was rounded: only now is what is constant 0
    variance = mean(y * y, axis)
    inverse_std = 1 / np.sqrt(variance + number("standardize", "eps", eps, "(0, inf)"))
    y *= inverse_std

    def pullback(dy: Array) -> Array:
        dx = dy - mean(dy, axis)
        dx -= y * mean(dy * y, axis)
        dx *= inverse_std
        return dx

    return y, pullback


@block("x (..., n), gamma (n,), beta (n,) -> y (..., n)")
def layer_norm(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Pullback]:
    """Standardize every row, then give it a learned scale and shift: y = gamma x_hat + beta.

    Pullback   dgamma = Σ dy x_hat,  dbeta = Σ dy  over all rows;  dx through the standardized rows.
    Errors     ValueError for an eps that is not positive.
    Source     N-layernorm; D-lnres names it without a formula.

    >>> layer_norm(np.array([[1.0, 3.0]]), np.array([2.0, 2.0]), np.zeros(2))[0].round(3)
    array([[-2.,  2.]])
    """
    eps = number("layer_norm", "eps", eps, "(0, inf)")
    x_hat, standardize_pullback = standardize(x, axis=-1, eps=eps)

    def pullback(dy: Array) -> tuple[Array, Array, Array]:
        dx = standardize_pullback(gamma * dy)
        return dx, sum_of_rows(rows(dy * x_hat)), sum_of_rows(rows(dy))

    y = gamma * x_hat
    y += beta
    return y, pullback


@block("E (v, d); ids (...) -> y (..., d)")
def embedding(E: Array, *, ids: Array) -> tuple[Array, Pullback]:
    """Look up a row of E for every id: y = E[ids].

    Pullback   dE[ids] += dy: a row that is used twice collects both gradients.
    Errors     TypeError for ids that are not integers; ValueError for ids outside 0..v-1.
    Source     N-embed.

    >>> y, pullback = embedding(np.eye(3), ids=np.array([2, 0, 2]))
    >>> pullback(np.ones((3, 3)))
    array([[1., 1., 1.],
           [0., 0., 0.],
           [2., 2., 2.]])
    """
    class_numbers("embedding", "ids", ids, len(E))
    y = E.astype(E.dtype.newbyteorder("="), copy=False)[ids]

    def pullback(dy: Array) -> Array:
        entries = ids.astype(np.intp)[..., None] * E.shape[1] + np.arange(E.shape[1])
        dE = np.bincount(entries.reshape(-1), dy.reshape(-1), E.size)  # much faster than np.add.at
        return dE.reshape(E.shape).astype(y.dtype, copy=False)

    return y, pullback


@block("q (..., t, d), k (..., s, d) -> A (..., t, s)")
def attention_weights(q: Array, k: Array, *, mask: Array | None = None) -> tuple[Array, Pullback]:
    """How much each query attends to each key: A = softmax(q kᵀ / √d) where mask is True, else 0.

    mask is boolean, True = may attend, and broadcasts to (..., t, s).

    Pullback   dS = A (dA - Σ A dA) / √d,  dq = dS k,  dk = dSᵀ q.
    Errors     TypeError for a mask that is not boolean; ValueError for one that does not fit or
               leaves a query without any key, and for NaN or infinity at a key that is blocked.
    Source     D-attn, D-attn-scale; N-attn-bwd.

    >>> attention_weights(np.eye(2), np.eye(2), mask=np.tri(2, dtype=bool))[0].round(3)
    array([[1.  , 0.  ],
           [0.33, 0.67]])
    """
    scale = 1 / sqrt(q.shape[-1])  # a Python float: a NumPy float64 would promote float32
    scores = scale * q @ k.mT
    if mask is not None:
        mask = may_attend(mask, scores.shape)
        if not finite(scores):
            refuse_unseen("k", ~np.isfinite(scores), mask)
        scores = np.where(mask, scores, -np.inf)
    A = softmax_of_rows(scores, own_shifts=mask is not None)

    def pullback(dA: Array) -> tuple[Array, Array]:
        dscores = A * dA
        dscores -= A * sums(dscores)
        dscores *= scale
        return dscores @ k, dscores.mT @ q

    return A, pullback


@block("q (..., t, d), k (..., s, d), v (..., s, e) -> o (..., t, e)")
def attention(q: Array, k: Array, v: Array, *, mask: Array | None = None) -> tuple[Array, Pullback]:
    """Mix the values of the keys that a query attends to: o = A v with A = attention_weights(q, k).

    A blocked key has weight exactly 0, and so has its gradient, whatever number stands there. NaN
    is no number, and 0 times NaN is NaN: behind a mask it is refused.

    Pullback   dv = Aᵀ do,  dA = do vᵀ, and dq, dk through the weights.
    Errors     as attention_weights.
    Source     D-attn; N-attn-bwd, N-attn-mask.

    >>> attention(np.zeros((1, 2)), np.eye(2), np.array([[2.0], [4.0]]))[0]
    array([[3.]])
    """
    A, weights_pullback = attention_weights(q, k, mask=mask)

    def pullback(do: Array) -> tuple[Array, Array, Array]:
        return *weights_pullback(do @ v.mT), A.mT @ do

    o = A @ v
    if mask is not None and not finite(o):
        refuse_unseen("v", ~np.isfinite(v).all(axis=-1)[..., None, :], mask)
    return o, pullback


def softmax_of_rows(z: Array, *, own_shifts: bool) -> Array:
    """softmax along the last axis, faster than the block: by default one maximum shifts all rows.

    Where that leaves a row too small to be told from 0, and under a mask, each has its own: a key
    that is blocked must not touch the last bits of any row.

    >>> softmax_of_rows(np.array([[0.0, 0.0], [-1e4, -1e4]]), own_shifts=False)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    def shifted_by(shift: Array) -> tuple[Array, Array]:
        p = z - shift
        np.exp(p, out=p)
        return p, sums(p)

    p, of_rows = shifted_by(largest(z, -1) if own_shifts else z.max(initial=-np.inf))
    precise = np.finfo(z.dtype)
    if not own_shifts and not of_rows.min(initial=np.inf) >= precise.tiny / precise.eps:
        p, of_rows = shifted_by(largest(z, -1))  # NaN comes here, too, and stays in its row
    p /= of_rows
    return p

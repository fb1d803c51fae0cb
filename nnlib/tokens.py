"""Tokens: a projection without bias, a token more, positions, and one row read out of many."""

import numpy as np

from nnlib.arrays import native, rows, sum_of_rows
from nnlib.checks import Array, Pullback, boolean, number, whole_number
from nnlib.contract import block


@block("x (..., n), W (m, n) -> y (..., m)")
def project(x: Array, W: Array) -> tuple[Array, Pullback]:
    """Map every row linearly, without a bias: y = W x.

    Pullback   dx = Wᵀ dy,  dW = Σ dy xᵀ  over all rows.
    Source     C2-F2, C2-F4, C2-F7.

    >>> project(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))[0]
    array([[11.]])
    """

    def pullback(dy: Array) -> tuple[Array, Array]:
        return dy @ W, rows(dy).T @ rows(x)

    return x @ W.T, pullback


@block("x (..., t, d), token (d,) -> y (..., u, d)")
def with_token(x: Array, token: Array, *, last: bool = False) -> tuple[Array, Pullback]:
    """Give every sample one token more, the same for all, as its first row or as its last.

    The value has u = t + 1 rows.

    Pullback   dx is the other rows of dy,  dtoken = Σ its row  over the samples.
    Source     C2-F3, where it is the last.

    >>> with_token(np.array([[1.0, 2.0]]), np.array([3.0, 4.0]))[0]
    array([[3., 4.],
           [1., 2.]])
    """
    *samples, t, d = x.shape
    own, others = (t, slice(t)) if last else (0, slice(1, t + 1))
    y = np.empty((*samples, t + 1, d), x.dtype.newbyteorder("="))
    y[..., own, :], y[..., others, :] = token, x

    def pullback(dy: Array) -> tuple[Array, Array]:
        return native(dy[..., others, :]), sum_of_rows(rows(dy[..., own, :]))

    return y, pullback


@block("x (..., t, d), P (n, d) -> y (..., t, d)")
def add_positions(x: Array, P: Array) -> tuple[Array, Pullback]:
    """Add to each token the row of P that belongs to its place: y_pos = x_pos + P_pos.

    Pullback   dx = dy,  dP_pos = Σ dy_pos  over the samples; 0 for places beyond x.
    Errors     ValueError for more tokens than P has rows.
    Source     D-pe, for positions that are learned.

    >>> add_positions(np.zeros((2, 1)), np.array([[1.0], [2.0], [3.0]]))[0]
    array([[1.],
           [2.]])
    """
    t, d = x.shape[-2:]
    if t > len(P):
        raise ValueError(f"add_positions: x must have at most {len(P)} tokens; got {t}.")

    y = x + P[:t]

    def pullback(dy: Array) -> tuple[Array, Array]:
        dP = np.zeros(P.shape, y.dtype)
        dP[:t] = sum_of_rows(dy.reshape(-1, t * d)).reshape(t, d)
        return native(dy), dP

    return y, pullback


@block("x (..., t, d) -> y (..., t, d)")
def add_sinusoids(x: Array) -> tuple[Array, Pullback]:
    """Add to each token the sines and cosines of its place, for sequences of any length.

    Pullback   dx = dy.
    Source     D-pe.

    >>> add_sinusoids(np.zeros((2, 2)))[0].round(3)
    array([[0.   , 1.   ],
           [0.841, 0.54 ]])
    """
    return x + positional_encoding(*x.shape[-2:]).astype(x.dtype), native


def positional_encoding(T: int, d: int, *, base: float = 10000.0) -> Array:
    """Sines and cosines of each place, in pairs, each pair slower than the one before.

    Pair i turns at the rate base^(-2i/d): PE[pos, 2i] = sin(pos rate), PE[pos, 2i+1] = cos(pos
    rate). So a step of k places turns every pair by the same angle wherever it begins,
    PE[pos + k] = R_k PE[pos] with R_k free of pos. Where d is odd, the last column is a sine alone,
    at the rate of its pair.

    Shapes   -> PE (T, d), float64
    Errors   TypeError or ValueError for sizes that are no integers >= 1, or a base not above 1.
    Source   D-pe.

    >>> positional_encoding(2, 3).round(3)
    array([[0.   , 1.   , 0.   ],
           [0.841, 0.54 , 0.002]])
    """
    T = whole_number("positional_encoding", "T", T, low=1)
    d = whole_number("positional_encoding", "d", d, low=1)
    base = number("positional_encoding", "base", base, "(1, inf)")
    angles = np.arange(T)[:, None] * base ** (-np.arange(0, d, 2) / d)  # (T, pairs)
    PE = np.empty((T, d))
    PE[:, 0::2], PE[:, 1::2] = np.sin(angles), np.cos(angles[:, : d // 2])
    return PE


@block("x (..., t, d); keep (..., t) -> y (..., d)")
def read_out(x: Array, *, keep: Array) -> tuple[Array, Pullback]:
    """One row for each sample: the mean of its tokens where keep is True.

    Pullback   dx_t = dy / (how many are kept) where keep is True, else 0.
    Errors     TypeError for a keep that is not boolean; ValueError for a sample that keeps none.

    >>> read_out(np.array([[1.0], [3.0], [8.0]]), keep=np.array([True, True, False]))[0]
    array([2.])
    """
    boolean("read_out", "keep", keep)
    if not keep.any(axis=-1).all():
        raise ValueError("read_out: keep must be True for a token of each sample; one has none.")
    share = (keep / keep.sum(axis=-1, keepdims=True)).astype(x.dtype.newbyteorder("="))

    def pullback(dy: Array) -> Array:
        return share[..., None] * dy[..., None, :]

    return (share[..., None, :] @ x)[..., 0, :], pullback

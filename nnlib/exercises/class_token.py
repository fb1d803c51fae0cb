"""An exercise on document C's encoder: what comes back to its class token by four ways."""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import softmax
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.transformer import OneLayerEncoder


def arrived(seed: int, tokens: int, d: int, c: float) -> tuple:
    """g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv, where a is g V' α and its sum therefore 0."""
    rng = np.random.default_rng(seed)
    g, Q_cls = rng.standard_normal((2, 1, d))
    K, V = rng.standard_normal((2, tokens + 1, d))
    S_cls, softmax_pullback = softmax(c * Q_cls @ K.T)
    return g, softmax_pullback(g @ V.T), c, S_cls, Q_cls, K, *rng.standard_normal((3, d, d)) / 2


def by_ways(
    residual: Callable = lambda g: g,
    value: Callable = lambda g, S_cls, Wv: S_cls[:, -1:] * (g @ Wv.T),
    query: Callable = lambda u, K, Wq: u @ K @ Wq.T,
    key: Callable = lambda u, Q_cls, Wk: u[:, -1:] * (Q_cls @ Wk.T),
    scale: Callable = lambda c: c,
) -> Callable:
    """The gradient of the class token as a sum of its ways, one of which may be another."""

    def gradient(
        g: Array, a: Array, c: float, S_cls: Array, Q_cls: Array, K: Array,
        Wq: Array, Wk: Array, Wv: Array,
    ) -> Array:  # fmt: skip
        u = scale(c) * a
        return residual(g) + value(g, S_cls, Wv) + query(u, K, Wq) + key(u, Q_cls, Wk)

    return gradient


class_token_gradient = by_ways()

CLASS_TOKEN = Exercise(
    task="Return dL/dcls, 1 × d: what comes back by residual, value, query and key.",
    right=class_token_gradient,
    samples={
        "with four tokens": arrived(0, 4, 6, 6**-0.5),
        "with one token": arrived(1, 1, 3, 1.0),
        "with as many rows as columns": arrived(2, 2, 3, 3**-0.5),
    },
    results=("dcls",),
    slips={
        "The key's way is lost: forgotten, or added to the scores of all rows alike, where it "
        "cancels, for the entries of a sum to 0.": by_ways(key=lambda u, Q_cls, Wk: 0),
        "The residual is forgotten: g arrives at the class token itself.": (
            by_ways(residual=lambda g: 0)
        ),
        "The query's way is forgotten: the class token asks, too.": (
            by_ways(query=lambda u, K, Wq: 0)
        ),
        "The value's way is forgotten: the class token looks at itself, too.": (
            by_ways(value=lambda g, S_cls, Wv: 0)
        ),
        "Key and value are forgotten: the class token is one of those that are looked at.": (
            by_ways(key=lambda u, Q_cls, Wk: 0, value=lambda g, S_cls, Wv: 0)
        ),
        "Query and key are forgotten: a comes back through the scores, to both.": (
            by_ways(query=lambda u, K, Wq: 0, key=lambda u, Q_cls, Wk: 0)
        ),
        "The key's way is there for every token: the class token's is the last row, -1:.": (
            by_ways(key=lambda u, Q_cls, Wk: u.T @ Q_cls @ Wk.T)
        ),
        "The scale c counts twice: u = c a has it already.": by_ways(scale=lambda c: c * c),
        "The whole row of weights stands for its last entry, as in document C: it sums to 1.": (
            by_ways(value=lambda g, S_cls, Wv: g @ Wv.T)
        ),
        "W_v is not transposed: it fits either way, being square.": (
            by_ways(value=lambda g, S_cls, Wv: S_cls[:, -1:] * (g @ Wv))
        ),
        "W_q is not transposed: it fits either way, being square.": (
            by_ways(query=lambda u, K, Wq: u @ K @ Wq)
        ),
        "W_k is not transposed: it fits either way, being square.": (
            by_ways(key=lambda u, Q_cls, Wk: u[:, -1:] * (Q_cls @ Wk))
        ),
        "None of the three is transposed: they fit either way, being square.": by_ways(
            value=lambda g, S_cls, Wv: S_cls[:, -1:] * (g @ Wv),
            query=lambda u, K, Wq: u @ K @ Wq,
            key=lambda u, Q_cls, Wk: u[:, -1:] * (Q_cls @ Wk),
        ),
        "The scale c is forgotten: a is the derivative by c QKᵀ, not by QKᵀ.": (
            by_ways(scale=lambda c: 1.0)
        ),
        "The scale c is missing on the query's way: the scores carry it on both.": (
            lambda g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv: (
                by_ways()(g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv) + (1 - c) * a @ K @ Wq.T
            )
        ),
        "The scale c is missing on the key's way: the scores carry it on both.": (
            lambda g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv: (
                by_ways()(g, a, c, S_cls, Q_cls, K, Wq, Wk, Wv)
                + (1 - c) * a[:, -1:] * (Q_cls @ Wk.T)
            )
        ),
        "Residual and value are forgotten: what reaches the row of h2 without the scores.": (
            by_ways(residual=lambda g: 0, value=lambda g, S_cls, Wv: 0)
        ),
        "dcls is a row of the matrix, 1 × d: a slice such as -1: keeps the axis.": (
            lambda *given: by_ways()(*given)[0]
        ),
        "The class token is the last row here: the first entry of S and of a is a token's.": (
            by_ways(
                value=lambda g, S_cls, Wv: S_cls[:, :1] * (g @ Wv.T),
                key=lambda u, Q_cls, Wk: u[:, :1] * (Q_cls @ Wk.T),
            )
        ),
        "Its query meets all keys, not its own alone: u K, a row times a matrix.": (
            by_ways(query=lambda u, K, Wq: u[:, -1:] * K[-1:] @ Wq.T)
        ),
    },
    proved="The class token is reached by four ways, each other token by two of them.",
    shown=OneLayerEncoder.__call__,
)

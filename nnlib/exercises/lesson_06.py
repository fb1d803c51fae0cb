"""The exercises of lesson 06: attention's pullback, heads, a mask, and layer norm's dx."""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import attention, attention_weights, layer_norm
from nnlib.checks import Array
from nnlib.exercises.class_token import CLASS_TOKEN
from nnlib.exercises.judge import Exercise
from nnlib.transformer import MultiHeadAttention, causal_mask

# -- attention's pullback -------------------------------------------------------------------------

RNG = np.random.default_rng(6)
QUERIES, KEYS, VALUES = (RNG.standard_normal(shape) for shape in ((2, 4), (3, 4), (3, 5)))
FEW = tuple(a[:2, :3] for a in (QUERIES, KEYS, VALUES))  # square: a transpose fits every shape


def with_weights(seed: int, q: Array, k: Array, v: Array) -> tuple[Array, ...]:
    """q, k, v, their attention weights and a random dL/do: what the pullback is computed from."""
    A, _ = attention_weights(q, k)
    return q, k, v, A, np.random.default_rng(seed).standard_normal((len(q), v.shape[1]))


def row_softmax(A: Array, dA: Array) -> Array:
    """The pullback of a softmax of each row, from its value."""
    return A * (dA - (A * dA).sum(axis=-1, keepdims=True))


def attention_with(
    values: Callable = lambda A, do: A.T @ do,
    weights: Callable = lambda do, v: do @ v.T,
    scores: Callable = row_softmax,
    scale: Callable = lambda q: 1 / np.sqrt(q.shape[-1]),
    queries: Callable = lambda dS, q, k: dS @ k,
    keys: Callable = lambda dS, q, k: dS.T @ q,
) -> Callable:
    """Attention's pullback, a line of which may be another."""

    def pullback(q: Array, k: Array, v: Array, A: Array, do: Array) -> tuple[Array, Array, Array]:
        dS = scores(A, weights(do, v)) * scale(q)
        return queries(dS, q, k), keys(dS, q, k), values(A, do)

    return pullback


ATTENTION = Exercise(
    task="Return dq, dk, dv from q, k, v, the weights A and do = dL/do.",
    right=attention_with(),
    samples={
        "with two queries and three keys": with_weights(0, QUERIES, KEYS, VALUES),
        "with as many queries as keys": with_weights(1, *FEW),
    },
    results=("dq", "dk", "dv"),
    slips={
        "dv needs Aᵀ: a value collects from every query that looked at it.": attention_with(
            values=lambda A, do: A @ do
        ),
        "1/√d is missing: the scores were divided by √d, so their gradient is too.": (
            attention_with(scale=lambda q: 1.0)
        ),
        "The scale counts twice: either in dS or in dq and dk.": attention_with(
            scale=lambda q: 1 / q.shape[-1]
        ),
        "It divides by the root of how many queries there are: d is the length of one of them.": (
            attention_with(scale=lambda q: 1 / np.sqrt(len(q)))
        ),
        "Softmax's second term is missing: what a row gains at one key it loses at the others.": (
            attention_with(scores=lambda A, dA: A * dA)
        ),
        "Softmax's second term is summed down the columns: each row of A is a softmax.": (
            attention_with(scores=lambda A, dA: A * (dA - (A * dA).sum(axis=0, keepdims=True)))
        ),
        "Softmax's second term is summed over all rows at once: each row is a softmax.": (
            attention_with(scores=lambda A, dA: A * (dA - (A * dA).sum()))
        ),
        "Softmax's second term needs the weights: sum A dA, not dA.": (
            attention_with(scores=lambda A, dA: A * (dA - dA.sum(axis=-1, keepdims=True)))
        ),
        "Softmax was passed over: dA is not yet dS.": attention_with(scores=lambda A, dA: dA),
        "Softmax is read entry by entry, A (1 - A): but it couples the row.": (
            attention_with(scores=lambda A, dA: A * (1 - A) * dA)
        ),
        "dk needs dSᵀ: a key collects from every query that looked at it.": (
            attention_with(keys=lambda dS, q, k: dS @ q)
        ),
        "dq and dk are exchanged.": attention_with(
            queries=lambda dS, q, k: dS.T @ q, keys=lambda dS, q, k: dS @ k
        ),
        "dA is do vᵀ: the transpose is on the wrong one.": attention_with(
            weights=lambda do, v: (do @ v.T).T
        ),
        "The sign of softmax's second term is wrong: it is taken off.": attention_with(
            scores=lambda A, dA: A * (dA + (A * dA).sum(axis=-1, keepdims=True))
        ),
        "Softmax's second term is the sum of A dA over the row, not its mean.": attention_with(
            scores=lambda A, dA: A * (dA - (A * dA).mean(axis=-1, keepdims=True))
        ),
        "keepdims=True is missing: each row's sum is to be taken off that row.": attention_with(
            scores=lambda A, dA: A * (dA - (A * dA).sum(axis=-1))
        ),
        "dq needs dS as it is: row i is what query i saw.": attention_with(
            queries=lambda dS, q, k: dS.T @ k
        ),
        "Only dq has the root: dk comes through the same scores.": attention_with(
            keys=lambda dS, q, k: dS.T @ q * np.sqrt(q.shape[-1])
        ),
        "dv has no root: the values meet the weights, behind the scale.": lambda q, *rest: (
            *attention_with()(q, *rest)[:2],
            attention_with()(q, *rest)[2] / np.sqrt(q.shape[-1]),
        ),
        "The order is dq, dk, dv, that of the arguments.": lambda *given: tuple(
            attention_with()(*given)[place] for place in (2, 0, 1)
        ),
    },
    proved="The whole way back takes four products of matrices and one line for softmax.",
    shown=attention,
)

# -- heads ----------------------------------------------------------------------------------------


def split(x: Array, heads: int) -> Array:
    """(T, d) -> (heads, T, d/heads)."""
    T, d = x.shape
    return x.reshape(T, heads, d // heads).swapaxes(0, 1)


HEADS = Exercise(
    task="Return x (T, d) as (heads, T, d/heads): each head has its block of columns of each row.",
    right=split,
    samples={
        "with two heads": (np.arange(24.0).reshape(4, 6), 2),
        "with as many heads as tokens": (np.arange(24.0).reshape(3, 8), 4),
    },
    results=("heads",),
    slips={
        "It cuts the memory, not the columns: reshape to (T, heads, d/heads) and swap.": (
            lambda x, heads: x.reshape(heads, len(x), -1)
        ),
        "The axes are still (T, heads, d/heads): swap the first two.": (
            lambda x, heads: x.reshape(len(x), heads, -1)
        ),
        "It deals the columns out in turn: a head has neighbours, a block of them.": (
            lambda x, heads: x.reshape(len(x), -1, heads).transpose(2, 0, 1)
        ),
        "The last two axes are exchanged: a head has rows of tokens.": (
            lambda x, heads: split(x, heads).swapaxes(1, 2)
        ),
    },
    proved="No number is computed: heads are another way to read the same rows.",
    shown=MultiHeadAttention.split,
)

# -- a mask ---------------------------------------------------------------------------------------

CAUSAL = Exercise(
    task="Return the boolean mask (T, T): query i may attend to key j where j is not after i.",
    right=lambda T: np.tri(T) > 0,
    samples={"for four tokens": (4,), "for one token": (1,)},
    results=("mask",),
    slips={
        "It is transposed: a row is a query, and it looks back, to the left.": (
            lambda T: np.tri(T).T > 0
        ),
        "It leaves out the diagonal: a token may look at itself, and the first has nobody else.": (
            lambda T: np.tri(T, k=-1) > 0
        ),
        "It is inverted: True means may attend.": lambda T: np.tri(T) == 0,
        "It lets a token see one place ahead: the answer that it is to find.": (
            lambda T: np.tri(T, k=1) > 0
        ),
        "Everyone may attend to everything.": lambda T: np.ones((T, T), bool),
        "Everyone sees itself alone.": lambda T: np.eye(T, dtype=bool),
    },
    proved="The first token has one key, itself, so no query is left without any.",
    shown=causal_mask,
)

# -- layer norm -----------------------------------------------------------------------------------

X = RNG.standard_normal((4, 4))
GAMMA, DY = RNG.uniform(0.5, 2, 4), RNG.standard_normal((4, 4))
EPS = 1e-5
mean_of_row = lambda a: a.mean(axis=-1, keepdims=True)


def norm_with(
    scaled: Callable = lambda dy, gamma: gamma * dy,
    terms: Callable = lambda g, x_hat: g - mean_of_row(g) - x_hat * mean_of_row(g * x_hat),
    divided: Callable = lambda dx, s: dx / s,
    deviation: Callable = lambda x: np.sqrt(x.var(axis=-1, keepdims=True) + EPS),
    centre: Callable = mean_of_row,
) -> Callable:
    """Layer norm's dx, a line of which may be another."""

    def dx(x: Array, gamma: Array, dy: Array) -> Array:
        s = deviation(x)
        return divided(terms(scaled(dy, gamma), (x - centre(x)) / s), s)

    return dx


def terms(change: Callable) -> Callable:
    """Layer norm's dx with these terms for those in the brackets."""
    return norm_with(terms=change)


column = lambda a: a.mean(axis=0, keepdims=True)

LAYER_NORM = Exercise(
    task="Return dx from x (T, d), gamma and dy; the variance is the mean square, plus 1e-5.",
    right=norm_with(),
    samples={
        "at four rows of four": (X, GAMMA, DY),
        "at one row": (X[:1] * 3, GAMMA, DY[:1]),
        "at rows of three": (X[:2, :3], GAMMA[:3], DY[:2, :3]),
    },
    results=("dx",),
    slips={
        "The deviation is taken for a constant: it depends on every entry of the row, which gives "
        "the term with x̂.": terms(lambda g, x_hat: g - mean_of_row(g)),
        "The mean's term is missing: raising one entry raises the mean, and lowers the others.": (
            terms(lambda g, x_hat: g - x_hat * mean_of_row(g * x_hat))
        ),
        "Both terms are missing: mean and deviation depend on every entry of the row.": (
            terms(lambda g, x_hat: g)
        ),
        "Both means run over the batch: layer norm knows its own row alone.": (
            terms(lambda g, x_hat: g - column(g) - x_hat * column(g * x_hat))
        ),
        "gamma is forgotten: it is g = gamma dy that goes back.": (
            norm_with(scaled=lambda dy, gamma: dy)
        ),
        "The terms are sums where means are due: 1/n is missing.": terms(
            lambda g, x_hat: (
                g - g.sum(axis=-1, keepdims=True) - x_hat * (g * x_hat).sum(axis=-1, keepdims=True)
            )
        ),
        "It is not divided by the deviation.": norm_with(divided=lambda dx, s: dx),
        "It is multiplied by the deviation; it is to be divided.": (
            norm_with(divided=lambda dx, s: dx * s)
        ),
        "It is divided by the variance; it is to be divided by its root.": (
            norm_with(divided=lambda dx, s: dx / s**2)
        ),
        "The sign of the last term is wrong: what lies along x̂ is taken off.": (
            terms(lambda g, x_hat: g - mean_of_row(g) + x_hat * mean_of_row(g * x_hat))
        ),
        "The last term lacks the factor x̂ in front: it has a share in every entry.": (
            terms(lambda g, x_hat: g - mean_of_row(g) - mean_of_row(g * x_hat))
        ),
        "The variance is divided by n - 1: layer norm takes the mean square.": norm_with(
            deviation=lambda x: np.sqrt(x.var(axis=-1, ddof=1, keepdims=True) + EPS)
        ),
        "ε is missing: it stands beside the variance, under the root.": norm_with(
            deviation=lambda x: np.sqrt(x.var(axis=-1, keepdims=True))
        ),
        "ε stands outside the root: it belongs beside the variance.": norm_with(
            deviation=lambda x: np.sqrt(x.var(axis=-1, keepdims=True)) + EPS
        ),
        "Mean and deviation are those of all rows: each row has its own.": norm_with(
            deviation=lambda x: np.sqrt(x.var() + EPS), centre=np.mean
        ),
        "Mean and deviation run down the columns: each row has its own.": norm_with(
            deviation=lambda x: np.sqrt(x.var(axis=0) + EPS), centre=column
        ),
        "It has x - μ where x̂ is due: divide by s first.": lambda x, gamma, dy: norm_with(
            terms=lambda g, _: (
                g - mean_of_row(g) - (x - mean_of_row(x)) * mean_of_row(g * (x - mean_of_row(x)))
            )
        )(x, gamma, dy),
        "It has x where x̂ is due.": lambda x, gamma, dy: norm_with(
            terms=lambda g, _: g - mean_of_row(g) - x * mean_of_row(g * x)
        )(x, gamma, dy),
        "gamma is multiplied at the end: the means want it before.": lambda x, gamma, dy: (
            gamma * norm_with(scaled=lambda dy, gamma: dy)(x, gamma, dy)
        ),
    },
    proved="What lies along 1 or along x̂ never comes back, for moving x that way changes no y.",
    shown=layer_norm,
)

EXERCISES = {
    "attention's pullback": ATTENTION,
    "split into heads": HEADS,
    "causal mask": CAUSAL,
    "class token's gradient": CLASS_TOKEN,
    "layer norm's dx": LAYER_NORM,
}

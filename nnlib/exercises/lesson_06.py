"""The exercises of lesson 06: a look-up, attention's pullback, heads, two masks; and all."""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import attention, attention_weights, softmax
from nnlib.checks import Array
from nnlib.exercises.class_token import CLASS_TOKEN
from nnlib.exercises.judge import Exercise
from nnlib.exercises.norms import LAYER_NORM, PRE_NORM
from nnlib.transformer import MultiHeadAttention, causal_mask, padding_mask

RNG = np.random.default_rng(6)

# -- a look-up ------------------------------------------------------------------------------------


def mixing(weights: Callable) -> Callable:
    """A look-up that shares the values out by these weights of the scores."""
    return lambda q, keys, values: weights(keys @ q) @ values


LOOK_UP = Exercise(
    task="Return what q (d,) finds: a score for each key, softmax, and the mean of the values.",
    right=mixing(lambda S: softmax(S)[0]),
    samples={
        "with three keys": tuple(RNG.standard_normal(shape) for shape in ((2,), (3, 2), (3, 4))),
        "with as many keys as features": tuple(RNG.standard_normal(s) for s in (3, (3, 3), (3, 3))),
    },
    results=("O",),
    slips={
        "Softmax is missing: scores may be negative, and do not sum to 1.": mixing(lambda S: S),
        "The exponentials are not yet shares: divide them by their sum.": mixing(np.exp),
        "The scores are divided by their sum; softmax divides their exponentials.": (
            mixing(lambda S: S / S.sum())
        ),
        "All keys weigh the same: the scores are not used.": (
            mixing(lambda S: np.full(len(S), 1 / len(S)))
        ),
        "It takes the value of the largest score alone, which has no slope.": (
            mixing(lambda S: np.eye(len(S))[S.argmax()])
        ),
        "It mixes the keys; what is handed over are the values.": (
            lambda q, keys, values: softmax(keys @ q)[0] @ keys
        ),
        "It returns the weights; with them the values are mixed.": (
            lambda q, keys, values: softmax(keys @ q)[0]
        ),
        "The scores lack a transpose: a key is a row.": (
            lambda q, keys, values: softmax(q @ keys)[0] @ values
        ),
        "The scores are divided by the root of d: here the query says how strongly it asks.": (
            lambda q, keys, values: softmax(keys @ q / np.sqrt(len(q)))[0] @ values
        ),
        "Each value has its share; they are still to be added up.": (
            lambda q, keys, values: softmax(keys @ q)[0][:, None] * values
        ),
        "softmax returns a pair, of which the weights are the first.": (
            lambda q, keys, values: softmax(keys @ q) @ values
        ),
    },
    proved="One score, one share and one mean: all of attention is in these lines.",
    shown=attention,
)

# -- attention's pullback -------------------------------------------------------------------------

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
    scale: Callable = lambda q, k, v: 1 / np.sqrt(q.shape[-1]),
    queries: Callable = lambda dS, q, k: dS @ k,
    keys: Callable = lambda dS, q, k: dS.T @ q,
) -> Callable:
    """Attention's pullback, a line of which may be another."""

    def pullback(q: Array, k: Array, v: Array, A: Array, do: Array) -> tuple[Array, Array, Array]:
        dS = scores(A, weights(do, v)) * scale(q, k, v)
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
        "1/√d_k is missing: the scores were divided by √d_k, so their gradient is too.": (
            attention_with(scale=lambda q, k, v: 1.0)
        ),
        "The scale counts twice: either in dS or in dq and dk.": attention_with(
            scale=lambda q, k, v: 1 / q.shape[-1]
        ),
        "It multiplies by √d_k: the scores were divided by it, so their gradient is too.": (
            attention_with(scale=lambda q, k, v: np.sqrt(q.shape[-1]))
        ),
        "It divides by the root of how many queries there are: d_k is the length of one.": (
            attention_with(scale=lambda q, k, v: 1 / np.sqrt(len(q)))
        ),
        "It divides by the root of how many keys there are: d_k is the length of one.": (
            attention_with(scale=lambda q, k, v: 1 / np.sqrt(len(k)))
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
        "The bracket is missing: A (dA - sum); A is a factor of both terms.": attention_with(
            scores=lambda A, dA: A * dA - (A * dA).sum(axis=-1, keepdims=True)
        ),
        "The root is of the values' width: the scores were divided by that of the queries'.": (
            attention_with(scale=lambda q, k, v: 1 / np.sqrt(v.shape[-1]))
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
        "The second and third axis are exchanged: it is the first two that are to change places.": (
            lambda x, heads: x.reshape(len(x), heads, -1).swapaxes(1, 2)
        ),
        "It shares out the tokens: each head has all of them, and a block of their columns.": (
            lambda x, heads: np.array(np.split(x, heads))
        ),
        "The last two axes are exchanged: a head has rows of tokens.": (
            lambda x, heads: split(x, heads).swapaxes(1, 2)
        ),
        ".T turns all three axes round: exchange the first two alone.": (
            lambda x, heads: x.reshape(len(x), heads, -1).T
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
        "0 and −∞ are what is added to scores; this mask is boolean, True = may attend.": (
            lambda T: np.where(np.tri(T) > 0, 0, -np.inf)
        ),
        "A large negative number is what may be added to scores; this mask is boolean, True = may "
        "attend.": lambda T: np.where(np.tri(T) > 0, 0, -1e9),
    },
    proved="The first token has one key, itself, so no query is left without any.",
    shown=causal_mask,
)

# -- a mask that hides what is looked at ----------------------------------------------------------

LOOKED = RNG.dirichlet(np.ones(7), size=3)  # by three samples at seven rows
MIXED_UP = LOOKED[:, ::-1] * np.array([[1.0], [2.0], [3.0]])  # to be ranked by each sample alone


def all_but(rank: Array, rows: int) -> Array:
    """(B, T) -> (B, 1, T): True but at so many of each sample that have the lowest rank."""
    there = np.ones(rank.shape, bool)
    np.put_along_axis(there, np.argsort(rank, axis=1)[:, :rows], False, axis=1)
    return there[:, None]


def hiding(choose: Callable) -> Callable:
    """A mask (B, 1, T) that is False where this says so of the weights and a number of rows."""
    return lambda looked, rows: ~choose(looked, rows)[:, None]


HIDDEN = Exercise(
    task="Return the mask (B, 1, T) that hides, of each sample, the rows with the largest weights.",
    right=lambda looked, rows: all_but(-looked, rows),
    samples={"with two of seven rows": (LOOKED, 2), "with four of seven rows": (MIXED_UP, 4)},
    results=("mask",),
    slips={
        "It is inverted: True means may be looked at.": (
            lambda looked, rows: ~all_but(-looked, rows)
        ),
        "It hides the least looked at: argsort begins with the smallest.": (
            lambda looked, rows: all_but(looked, rows)
        ),
        "It shows the least looked at and hides all others: so many are to be hidden, not shown.": (
            lambda looked, rows: ~all_but(looked, rows)
        ),
        "The queries' axis is missing, which all of a sample share: (B, 1, T).": (
            lambda looked, rows: all_but(-looked, rows)[:, 0]
        ),
        "The new axis stands first: it belongs between samples and rows.": (
            lambda looked, rows: all_but(-looked, rows)[None, :, 0]
        ),
        "The new axis stands last: it belongs between samples and rows.": (
            lambda looked, rows: all_but(-looked, rows).mT
        ),
        "argsort gives each rank its row, and each row's rank is due: another argsort.": (
            hiding(lambda looked, rows: np.argsort(-looked) < rows)
        ),
        "It ranks the samples, down the columns; rank the rows of each: axis=1.": (
            hiding(lambda looked, rows: np.argsort(np.argsort(-looked, axis=0), axis=0) < rows)
        ),
        "It ranks the rows of all samples together: each sample has its own.": (
            hiding(
                lambda looked, rows: looked > np.sort(looked, axis=None)[-len(looked) * rows - 1]
            )
        ),
        "It hides the same rows of every sample, those of the first.": (
            lambda looked, rows: all_but(-looked[[0] * len(looked)], rows)
        ),
        "It hides the first rows, whatever is looked at.": (
            hiding(lambda looked, rows: np.arange(looked.shape[1]) < rows + 0 * looked)
        ),
        "It hides one row too many.": lambda looked, rows: all_but(-looked, rows + 1),
        "It hides one row too few.": lambda looked, rows: all_but(-looked, rows - 1),
    },
    proved="One row for each sample serves all its queries, as in the mask of filled-up sentences.",
    shown=padding_mask,
)

EXERCISES = {
    "soft look-up": LOOK_UP,
    "attention's pullback": ATTENTION,
    "split into heads": HEADS,
    "causal mask": CAUSAL,
    "class token's gradient": CLASS_TOKEN,
    "layer norm's dx": LAYER_NORM,
    "pre-norm's pullback": PRE_NORM,
    "hide what is looked at": HIDDEN,
}

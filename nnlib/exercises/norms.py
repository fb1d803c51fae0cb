"""Exercises on norms: layer norm's dx, and the way back past a norm that stands first."""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import layer_norm
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.transformer import EncoderLayer

RNG = np.random.default_rng(6)

# -- layer norm -----------------------------------------------------------------------------------

X = RNG.standard_normal((4, 4))
GAMMA, DY = RNG.uniform(0.5, 2, 4), RNG.standard_normal((4, 4))
EPS = 1e-5
mean_of_row = lambda a: a.mean(axis=-1, keepdims=True)
deviation = lambda x: np.sqrt(x.var(axis=-1, keepdims=True) + EPS)


def norm_with(
    scaled: Callable = lambda dy, gamma: gamma * dy,
    terms: Callable = lambda g, x_hat: g - mean_of_row(g) - x_hat * mean_of_row(g * x_hat),
    divided: Callable = lambda dx, s: dx / s,
    deviation: Callable = deviation,
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
        "gamma is forgotten: it is gamma dy that goes back.": (
            norm_with(scaled=lambda dy, gamma: dy)
        ),
        "The terms are sums where means are due: 1/n is missing.": terms(
            lambda g, x_hat: (
                g - g.sum(axis=-1, keepdims=True) - x_hat * (g * x_hat).sum(axis=-1, keepdims=True)
            )
        ),
        "The last term has the sum where the mean is due: 1/n is missing.": terms(
            lambda g, x_hat: g - mean_of_row(g) - x_hat * (g * x_hat).sum(axis=-1, keepdims=True)
        ),
        "The mean's term has the sum where the mean is due: 1/n is missing.": terms(
            lambda g, x_hat: g - g.sum(axis=-1, keepdims=True) - x_hat * mean_of_row(g * x_hat)
        ),
        "gamma is in the first term alone: both means are of gamma dy.": lambda x, gamma, dy: (
            norm_with(scaled=lambda dy, gamma: dy)(x, gamma, dy)
            + (gamma - 1) * dy / np.sqrt(x.var(axis=-1, keepdims=True) + EPS)
        ),
        "gamma is missing in the last term: its mean is of gamma dy x̂.": lambda x, gamma, dy: (
            norm_with(terms=lambda g, x_hat: g - mean_of_row(g) - x_hat * mean_of_row(dy * x_hat))(
                x, gamma, dy
            )
        ),
        "gamma is missing in the mean's term: it is the mean of gamma dy.": lambda x, gamma, dy: (
            norm_with(terms=lambda g, x_hat: g - mean_of_row(dy) - x_hat * mean_of_row(g * x_hat))(
                x, gamma, dy
            )
        ),
        "Only the first term is divided by the deviation: s divides all three.": (
            lambda x, gamma, dy: norm_with(
                terms=lambda g, x_hat: (
                    g - deviation(x) * (mean_of_row(g) + x_hat * mean_of_row(g * x_hat))
                )
            )(x, gamma, dy)
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
        "The variance stands where its root is due, in x̂ and below all terms.": norm_with(
            deviation=lambda x: x.var(axis=-1, keepdims=True) + EPS
        ),
        "Everything runs down the columns: a row is normed by itself, along axis=-1.": norm_with(
            terms=lambda g, x_hat: g - column(g) - x_hat * column(g * x_hat),
            deviation=lambda x: np.sqrt(x.var(axis=0) + EPS),
            centre=column,
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
    proved="What lies along 1 never comes back, of what lies along x̂ only what ε lets through: "
    "moving x that way changes no y.",
    shown=layer_norm,
)

# -- pre-norm -------------------------------------------------------------------------------------

BY_F, BY_NORM = RNG.standard_normal((2, 3, 3))  # linear maps stand for both pullbacks

PRE_NORM = Exercise(
    task="Return dx of y = x + f(norm(x)): what comes by the addition, and what by norm and f.",
    right=lambda dy, f_back, norm_back: dy + norm_back(f_back(dy)),
    samples={
        "at two rows": (RNG.standard_normal((2, 3)), lambda a: a @ BY_F, lambda a: a @ BY_NORM),
    },
    results=("dx",),
    slips={
        "The addition is forgotten: dy itself arrives, whatever f does.": (
            lambda dy, f_back, norm_back: norm_back(f_back(dy))
        ),
        "The order is that of the way forward: back, f comes first.": (
            lambda dy, f_back, norm_back: dy + f_back(norm_back(dy))
        ),
        "The norm is passed over: it stands before f, so behind it on the way back.": (
            lambda dy, f_back, norm_back: dy + f_back(dy)
        ),
        "f is passed over.": lambda dy, f_back, norm_back: dy + norm_back(dy),
        "What comes by the addition goes through the norm: that is post-norm's way.": (
            lambda dy, f_back, norm_back: norm_back(dy + f_back(dy))
        ),
        "This is post-norm's dx: its norm is the first to be crossed.": (
            lambda dy, f_back, norm_back: norm_back(dy) + f_back(norm_back(dy))
        ),
        "Norm and f each send back on their own: they stand one behind the other.": (
            lambda dy, f_back, norm_back: dy + f_back(dy) + norm_back(dy)
        ),
        "dy counts twice.": lambda dy, f_back, norm_back: 2 * dy + norm_back(f_back(dy)),
    },
    proved="Whatever f and the norm do, dy is one of the two terms.",
    shown=EncoderLayer.__call__,
)

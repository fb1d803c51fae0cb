"""The exercises of lesson 03: losses and their gradients."""

from typing import Any

import numpy as np

from nnlib.blocks import log_softmax, sigmoid, softmax
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.losses import binary_cross_entropy_with_logits, mse, softmax_cross_entropy

RNG = np.random.default_rng(3)
Z, FAR = (
    RNG.standard_normal((3, 4)),
    np.array([[1000.0, 998.0, -2000.0], [-1000.0, -1001.0, -999.0]]),
)
Y = np.eye(4)[[2, 0, 3]]
SCORES, CLASSES = np.array([-1.5, 0.5, 2.0]), np.array([1.0, 0.0, 1.0])
PAIR = "sigmoid and softmax return (value, pullback): take [0]."


def of_sigmoid(z: Array) -> Array:
    """The value of the sigmoid alone."""
    return sigmoid(z)[0]


def of_softmax(z: Array, axis: int = -1) -> Array:
    """The value of softmax alone."""
    return softmax(z, axis=axis)[0]


SLOPE = Exercise(
    task="Return the derivative of -ln σ(z) by z; sigmoid(z)[0] is σ(z).",
    right=lambda z: of_sigmoid(z) - 1,
    samples={"at three scores": (SCORES,), "sure and wrong": (np.array([-8.0]),)},
    results=("slope",),
    slips={
        "The sign is wrong: a larger score lowers the loss.": lambda z: 1 - of_sigmoid(z),
        "That is the derivative by p: multiply it by dp/dz = p (1 - p).": (
            lambda z: -1 / of_sigmoid(z)
        ),
        "That is σ′(z) = p (1 - p): divide by p, and mind the minus.": (
            lambda z: of_sigmoid(z) * (1 - of_sigmoid(z))
        ),
        "The target 1 is missing: it is p - 1, not p.": of_sigmoid,
        "That is -p: what is left when p cancels is -(1 - p).": lambda z: -of_sigmoid(z),
        "That is -σ′(z) = -p (1 - p): the logarithm's derivative, 1 / p, is missing.": lambda z: (
            -of_sigmoid(z) * (1 - of_sigmoid(z))
        ),
        "That is the slope of the squares ½ (1 - p)²: the loss is -ln p.": lambda z: (
            -((1 - of_sigmoid(z)) ** 2) * of_sigmoid(z)
        ),
        "That is the loss itself: its derivative is due.": lambda z: -np.log(of_sigmoid(z)),
        "That is the logarithm's derivative by p: mind the minus, and multiply by p (1 - p).": (
            lambda z: 1 / of_sigmoid(z)
        ),
        "One factor 1 - p is enough: the logarithm's 1 / p cancels the p of p (1 - p).": lambda z: (
            -((1 - of_sigmoid(z)) ** 2)
        ),
        PAIR: lambda z: sigmoid(z) - 1,
    },
    proved="The surer and wrong the unit is, the nearer to 1 is its push.",
)

MSE = Exercise(
    task="Return the gradient of the mean of (prediction - target)² over all entries.",
    right=lambda prediction, target: 2 * (prediction - target) / prediction.size,
    samples={"at three rows of four": (Z, Y), "at one number": (Z[:1, :1], Y[:1, :1])},
    results=("dprediction",),
    slips={
        "The 2 of the square's derivative is missing.": lambda p, t: (p - t) / p.size,
        "The mean runs over all entries, not over the rows alone.": lambda p, t: (
            2 * (p - t) / len(p)
        ),
        "The 2 is missing, and the mean runs over all entries, not the rows.": lambda p, t: (
            (p - t) / len(p)
        ),
        "The mean runs over all entries, not over the columns alone.": lambda p, t: (
            2 * (p - t) / p.shape[-1]
        ),
        "The mean's 1/n is missing.": lambda p, t: 2 * (p - t),
        "That is of half the sum, as in D: the 2 and the mean's 1/n are missing.": lambda p, t: (
            p - t
        ),
        "The sign is wrong, and the mean's 1/n is missing.": lambda p, t: 2 * (t - p),
        "The sign is wrong, and the 2 is missing.": lambda p, t: (t - p) / p.size,
        "The sign is wrong, and the 2 and the mean's 1/n are missing.": lambda p, t: t - p,
        "The mean is in the loss: each entry keeps its own derivative, by n.": lambda p, t: np.mean(
            2 * (p - t)
        ),
        "That is the loss itself: its gradient is due.": lambda p, t: np.mean((p - t) ** 2),
        "Those are the squares, by n: their derivatives are due.": lambda p, t: (
            (p - t) ** 2 / p.size
        ),
        "Only the target is divided by n: brackets are missing.": lambda p, t: (
            2 * p - 2 * t / p.size
        ),
        "The sign is wrong: a prediction above its target is to be lowered.": lambda p, t: (
            2 * (t - p) / p.size
        ),
    },
    proved="One line: prediction less target, times a factor that a rate makes up for.",
    shown=mse,
)


def log_sum_exp_by(shift: Any, back: bool = True) -> Any:
    """Log-sum-exp with something taken out of the exponents, and added back or not."""

    def form(z: Array) -> Array:
        a = shift(z)
        return (a * back)[..., 0] + np.log(np.exp(z - a).sum(axis=-1))

    return form


def largest(z: Array) -> Array:
    """The largest score of each row, as a column."""
    return z.max(axis=-1, keepdims=True)


LOG_SUM_EXP = Exercise(
    task="Return ln Σ exp(z) of each row, for scores of any size.",
    right=log_sum_exp_by(largest),
    samples={"at small scores": (Z,), "at scores of 1000 and of -1000": (FAR,)},
    results=("log_sum_exp",),
    slips={
        "Nothing is taken out: e¹⁰⁰⁰ is no number.": log_sum_exp_by(lambda z: 0 * largest(z)),
        "What is taken out must be added back.": log_sum_exp_by(largest, back=False),
        "The mean is taken out: the largest may still be 1000 above it.": log_sum_exp_by(
            lambda z: z.mean(axis=-1, keepdims=True)
        ),
        "What is taken out is added back, not taken off once more.": lambda z: (
            log_sum_exp_by(largest, back=False)(z) - z.max(axis=-1)
        ),
        "One number for each row is due: index the column by [..., 0], or leave keepdims out.": (
            lambda z: log_sum_exp_by(largest)(z)[..., None]
        ),
        "A column and a row make a table: take [..., 0] of the column.": lambda z: (
            largest(z) + log_sum_exp_by(largest, back=False)(z)
        ),
        "The sum needs axis=-1, and the largest is to be taken out.": lambda z: np.log(
            np.exp(z).sum()
        ),
        "The sum needs axis=-1: each row has its own.": lambda z: (
            z.max() + np.log(np.exp(z - z.max()).sum())
        ),
        "Clipping changes the scores: 1000 becomes 50.": lambda z: np.log(
            np.exp(np.clip(z, -50, 50)).sum(axis=-1)
        ),
        "One number is taken out of all rows: each row has a largest score of its own.": (
            log_sum_exp_by(lambda z: np.full((*z.shape[:-1], 1), z.max()))
        ),
        "It is the sum of the exponentials, not their mean.": lambda z: (
            log_sum_exp_by(largest)(z) - np.log(z.shape[-1])
        ),
        "Beside a row its largest score must be a column: max needs keepdims=True.": lambda z: (
            z.max(axis=-1) + np.log(np.exp(z - z.max(axis=-1)).sum(axis=-1))
        ),
        "The sign is wrong: the loss takes the logarithm as it is.": lambda z: (
            -log_sum_exp_by(largest)(z)
        ),
        "The sum runs down the columns: a row is one sample, axis=-1.": lambda z: log_sum_exp_by(
            largest
        )(z.T),
        "That is the largest score alone: the logarithm of the sum is to be added.": lambda z: (
            z.max(axis=-1)
        ),
        "That is ln softmax: the scores are not to be taken in again.": lambda z: log_softmax(z)[0],
    },
    proved="What is taken out of the exponents cancels, whatever it is; the largest keeps them "
    "all at most 0.",
    shown=log_softmax,
)

SOFTMAX_CROSS_ENTROPY = Exercise(
    task="Return dz for scores z and one-hot rows Y, of the mean over the rows.",
    right=lambda z, Y: (of_softmax(z) - Y) / len(z),
    samples={"at three rows of four": (Z, Y), "at one row": (Z[:1], Y[:1])},
    results=("dz",),
    slips={
        "The sign is wrong: it is p - y, for the gradient points uphill.": lambda z, Y: (
            (Y - of_softmax(z)) / len(z)
        ),
        "The sign is wrong, and 1/n is missing.": lambda z, Y: Y - of_softmax(z),
        "There is no 2 in it: squares have one, -ln p has none.": lambda z, Y: (
            2 * (of_softmax(z) - Y) / len(z)
        ),
        "Those are sigmoids, each score by itself: softmax shares one sum.": lambda z, Y: (
            (of_sigmoid(z) - Y) / len(z)
        ),
        "Softmax runs over all entries there: a row is one sample.": lambda z, Y: (
            (of_softmax(z.ravel()).reshape(z.shape) - Y) / len(z)
        ),
        "The loss is the mean over the rows: 1/n is missing.": lambda z, Y: of_softmax(z) - Y,
        "It is summed over the batch: each row keeps its own gradient.": lambda z, Y: (
            np.tile((of_softmax(z) - Y).sum(axis=0), (len(z), 1)) / len(z)
        ),
        "The mean is in the loss: each row keeps its own gradient, divided by n.": lambda z, Y: (
            of_softmax(z) - Y
        ).mean(axis=0),
        "Only the true class is pushed: the sum over k, through softmax's coupling, is missing.": (
            lambda z, Y: -Y * (1 - of_softmax(z)) / len(z)
        ),
        "That is the gradient by the probabilities: it goes on through softmax.": lambda z, Y: (
            -Y / of_softmax(z) / len(z)
        ),
        "That is the gradient by the probabilities, and without 1/n.": lambda z, Y: (
            -Y / of_softmax(z)
        ),
        "Only the true class is pushed, and 1/n is missing.": lambda z, Y: -Y * (1 - of_softmax(z)),
        "Only Y is divided by n: brackets are missing.": lambda z, Y: of_softmax(z) - Y / len(z),
        "That is the loss: its gradient is due, a number for each score.": lambda z, Y: (
            -(Y * np.log(of_softmax(z))).sum() / len(z)
        ),
        PAIR: lambda z, Y: (softmax(z) - Y) / len(z),
        "Those are the scores: p is their softmax.": lambda z, Y: (z - Y) / len(z),
        "The mean runs over the rows, not over all entries.": lambda z, Y: (
            (of_softmax(z) - Y) / z.size
        ),
        "Softmax runs down the columns there: a row is one sample.": lambda z, Y: (
            (of_softmax(z, axis=0) - Y) / len(z)
        ),
    },
    proved="Softmax and logarithm cancel: what is left is prediction less target.",
    shown=softmax_cross_entropy,
)


def block_of(losses: Any, slopes: Any) -> Any:
    """The mean of some losses of (z, y), and its pullback."""
    return lambda z, y: (losses(z, y).mean(), lambda dL: dL * slopes(z, y) / z.size)


def stable(z: Array, y: Array) -> Array:
    """Each entry's cross-entropy from its score."""
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def difference(z: Array, y: Array) -> Array:
    """Prediction less target."""
    return of_sigmoid(z) - y


BINARY = Exercise(
    task="Return the mean of the losses from scores z and targets y, and its pullback.",
    right=block_of(stable, difference),
    samples={
        "at three scores": (SCORES, CLASSES),
        "at scores of 1000": (np.array([1000.0, -1000.0, 1000.0]), np.array([1.0, 1.0, 0.0])),
    },
    results=("L", "dz"),
    slips={
        "The sigmoid is computed first: it rounds to 1, and ln(1 - p) is -∞.": block_of(
            lambda z, y: -(y * np.log(of_sigmoid(z)) + (1 - y) * np.log(1 - of_sigmoid(z))),
            difference,
        ),
        "The exponent needs -|z|: e¹⁰⁰⁰ is no number.": block_of(
            lambda z, y: z - z * y + np.log1p(np.exp(-z)), difference
        ),
        "Its pullback has the wrong sign: it is p - y.": block_of(
            stable, lambda z, y: y - of_sigmoid(z)
        ),
        "In the value, the exponent needs -|z|, not +|z|.": block_of(
            lambda z, y: np.maximum(z, 0) - z * y + np.log1p(np.exp(np.abs(z))), difference
        ),
        "In the value, the sign of y z is wrong: it is taken off.": block_of(
            lambda z, y: stable(z, y) + 2 * z * y, difference
        ),
        "The sum is returned where the mean is due.": lambda z, y: (
            stable(z, y).sum(),
            lambda dL: dL * difference(z, y),
        ),
        "The losses are returned one by one where their mean is due.": lambda z, y: (
            stable(z, y),
            lambda dL: dL * difference(z, y) / z.size,
        ),
        "Both are returned one by one: the mean and its 1/n are missing.": lambda z, y: (
            stable(z, y),
            lambda dL: dL * difference(z, y),
        ),
        "The value is the mean; its pullback needs the mean's 1/n too.": lambda z, y: (
            stable(z, y).mean(),
            lambda dL: dL * difference(z, y),
        ),
        PAIR: block_of(stable, lambda z, y: sigmoid(z) - y),
        "Return two things: the value, and a function of dL, such as lambda dL: dL * ...": (
            lambda z, y: (stable(z, y).mean(), difference(z, y) / z.size)
        ),
        "The value is the mean too: its 1/n is missing.": lambda z, y: (
            stable(z, y).sum(),
            lambda dL: dL * difference(z, y) / z.size,
        ),
        "In the value, max(z, 0) is due, not |z|.": block_of(
            lambda z, y: np.abs(z) - z * y + np.log1p(np.exp(-np.abs(z))), difference
        ),
        "In the pullback, z is the score: p is its sigmoid.": block_of(stable, lambda z, y: z - y),
        "That is the derivative by the prediction: times p (1 - p), and they cancel.": block_of(
            stable,
            lambda z, y: difference(z, y) / (of_sigmoid(z) * (1 - of_sigmoid(z))),
        ),
        "The pullback leaves out dL.": lambda z, y: (
            stable(z, y).mean(),
            lambda dL: difference(z, y) / z.size,
        ),
    },
    proved="Softplus carries all of it, and no score is too large.",
    shown=binary_cross_entropy_with_logits,
    block=True,
)

EXERCISES = {
    "slope of -ln sigmoid": SLOPE,
    "gradient of squares": MSE,
    "log-sum-exp": LOG_SUM_EXP,
    "softmax cross-entropy": SOFTMAX_CROSS_ENTROPY,
    "cross-entropy of a score": BINARY,
}

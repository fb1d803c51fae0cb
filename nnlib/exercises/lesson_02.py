"""The exercises of lesson 02: the blocks' pullbacks, softmax for large scores, a chain of bends."""

import numpy as np

from nnlib.blocks import leaky_relu, linear, sigmoid, softmax
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise

RNG = np.random.default_rng(2)
PAIR = "sigmoid and softmax return (value, pullback): take [0]."


def normal(*shapes: tuple[int, ...]) -> tuple[Array, ...]:
    """An array of each shape, drawn once."""
    return tuple(RNG.standard_normal(shape) for shape in shapes)


LINEAR = Exercise(
    task="Return dx, dW, db of y = x Wᵀ + b; dy is dL/dy, samples are rows, W is (out, in).",
    right=lambda dy, x, W: (dy @ W, dy.T @ x, dy.sum(axis=0)),
    samples={
        "for four samples, three inputs and two outputs": normal((4, 2), (4, 3), (2, 3)),
        "for three of everything": normal((3, 3), (3, 3), (3, 3)),
    },
    results=("dx", "dW", "db"),
    slips={
        "dW is transposed: its shape is that of W, (out, in).": lambda dy, x, W: (
            dy @ W,
            x.T @ dy,
            dy.sum(axis=0),
        ),
        "Those are B's two formulas: its W is (in, out), this one (out, in).": lambda dy, x, W: (
            dy @ W.T,
            x.T @ dy,
            dy.sum(axis=0),
        ),
        "dx goes through W, not Wᵀ: output i sends dy_i w_ij to input j.": lambda dy, x, W: (
            dy @ W.T,
            dy.T @ x,
            dy.sum(axis=0),
        ),
        "Those are A's, for one column: with samples as rows, dx is dy W and dW dyᵀ x.": (
            lambda dy, x, W: (W.T @ dy, dy @ x.T, dy)
        ),
        "dx and dW are A's, for columns: with samples as rows, dx is dy W and dW dyᵀ x.": (
            lambda dy, x, W: (W.T @ dy, dy @ x.T, dy.sum(axis=0))
        ),
        "All three are for columns: here samples are rows, and axis 0 counts them.": (
            lambda dy, x, W: (W.T @ dy, dy @ x.T, dy.sum(axis=1))
        ),
        "dx is A's, for a column: with samples as rows it is dy W.": lambda dy, x, W: (
            W.T @ dy,
            dy.T @ x,
            dy.sum(axis=0),
        ),
        "dW is A's, for a column: with samples as rows it is dyᵀ x.": lambda dy, x, W: (
            dy @ W,
            dy @ x.T,
            dy.sum(axis=0),
        ),
        "The sum over the samples is missing in db: one b serves them all.": lambda dy, x, W: (
            dy @ W,
            dy.T @ x,
            dy,
        ),
        "db is summed along the outputs: sum over the samples, axis 0.": lambda dy, x, W: (
            dy @ W,
            dy.T @ x,
            dy.sum(axis=1),
        ),
        "db is one number: each output has its own bias.": lambda dy, x, W: (
            dy @ W,
            dy.T @ x,
            dy.sum(),
        ),
        "db is a mean: a mean over the samples would be in the loss, and so in dy.": (
            lambda dy, x, W: (dy @ W, dy.T @ x, dy.mean(axis=0))
        ),
        "dW and db are means: a mean over the samples would be in the loss, and so in dy.": (
            lambda dy, x, W: (dy @ W, dy.T @ x / len(x), dy.mean(axis=0))
        ),
        "dW is a mean: a mean over the samples would be in the loss, and so in dy.": (
            lambda dy, x, W: (dy @ W, dy.T @ x / len(x), dy.sum(axis=0))
        ),
        "All three are means: a mean over the samples would be in the loss, and so in dy.": (
            lambda dy, x, W: (dy @ W / len(x), dy.T @ x / len(x), dy.mean(axis=0))
        ),
        "db kept the summed axis: b is (out,), so no keepdims.": lambda dy, x, W: (
            dy @ W,
            dy.T @ x,
            dy.sum(axis=0, keepdims=True),
        ),
        "A product of sums is no sum of products: each dy goes with its own x.": (
            lambda dy, x, W: (
                dy @ W,
                np.outer(dy.sum(axis=0), x.sum(axis=0)),
                dy.sum(axis=0),
            )
        ),
        "All three are right; their order is dx, dW, db.": lambda dy, x, W: (
            dy.T @ x,
            dy.sum(axis=0),
            dy @ W,
        ),
    },
    proved="Three lines, and no Jacobian of y by W.",
    shown=linear,
)

LEAKY = Exercise(
    task="Return dx of y = x where x > 0, else slope · x; dy is dL/dy.",
    right=lambda dy, x, slope: np.where(x > 0, dy, slope * dy),
    samples={
        "on both sides": (np.array([2.0, -3.0, 1.0, -1.0]), np.array([-1.0, 2.0, 3.0, -2.0]), 0.1),
        "with a slope above 1": (np.array([1.0, -1.0]), np.array([-2.0, 2.0]), 2.0),
        "at the corner": (np.array([1.0]), np.array([0.0]), 0.1),
    },
    results=("dx",),
    slips={
        "Ask where x is, not dy: the slope belongs to the input.": lambda dy, x, slope: np.where(
            dy > 0, dy, slope * dy
        ),
        "Those are the slopes alone: multiply by dy.": lambda dy, x, slope: np.where(
            x > 0, 1, slope
        ),
        "The leak is missing: this is ReLU's.": lambda dy, x, slope: dy * (x > 0),
        "At the corner the course takes the left slope: x > 0, not x >= 0.": (
            lambda dy, x, slope: np.where(x >= 0, dy, slope * dy)
        ),
        "That is the way forward, y: dy has no part in it.": lambda dy, x, slope: np.where(
            x > 0, x, slope * x
        ),
        "That is dy times the value: its slope is due, 1 or the leak.": lambda dy, x, slope: (
            dy * np.where(x > 0, x, slope * x)
        ),
        "The sides are exchanged.": lambda dy, x, slope: np.where(x > 0, slope * dy, dy),
        "A factor of slope · x is the value: left of 0 the slope is a number, whatever x is.": (
            lambda dy, x, slope: dy * np.where(x > 0, 1, slope * x)
        ),
        "The leak has the wrong sign: left of 0, too, y rises with x.": lambda dy, x, slope: (
            dy * np.where(x > 0, 1, -slope)
        ),
        "The larger of 1 and the slope is one number for both sides: x decides.": (
            lambda dy, x, slope: dy * np.maximum(1, slope)
        ),
        "An if asks once for all of x: np.where asks at each entry.": lambda dy, x, slope: (
            dy if x > 0 else slope * dy
        ),
        "A maximum of dy and slope · dy asks for the sign of dy; x decides.": (
            lambda dy, x, slope: np.maximum(dy, slope * dy)
        ),
    },
    proved="A diagonal Jacobian is a factor for each entry.",
    shown=leaky_relu,
)


def plain_sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), as printed."""
    return 1 / (1 + np.exp(-x))


def slope_from_the_left(x: Array) -> Array:
    """σ′ by exp(-|x|), which neither overflows nor cancels."""
    e = np.exp(-np.abs(x))
    return e / (1 + e) ** 2


SIGMOID = Exercise(
    task="Return dx of y = S(x), for every x that a float can hold; dy is dL/dy.",
    right=lambda dy, x: dy * slope_from_the_left(x),
    samples={
        "at three inputs": (np.array([1.0, -2.0, 0.5]), np.array([-1.5, 0.25, 2.0])),
        "at x = 40, where dy is 10¹⁸": (np.array([1e18]), np.array([40.0])),
        "at x = −1000 and 1000": (np.array([1.0, 1.0]), np.array([-1000.0, 1000.0])),
    },
    results=("dx",),
    slips={
        "1 - S has cancelled: take the form before the difference.": lambda dy, x: (
            dy * plain_sigmoid(x) * (1 - plain_sigmoid(x))
        ),
        "e^(-x) overflows on the left: the slope is even, so take e^(-|x|).": lambda dy, x: (
            dy * np.exp(-x) / (1 + np.exp(-x)) ** 2
        ),
        "e^x overflows on the right: the slope is even, so take e^(-|x|).": lambda dy, x: (
            dy * np.exp(x) / (1 + np.exp(x)) ** 2
        ),
        "That is S, not its slope.": lambda dy, x: dy * plain_sigmoid(x),
        "dy is missing: that is the slope alone.": lambda dy, x: slope_from_the_left(x),
        "The square is missing below.": lambda dy, x: (
            dy * np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
        ),
        "x stands where S(x) is due.": lambda dy, x: dy * x * (1 - x),
        "1 - S² is for tanh: here it is S (1 - S).": lambda dy, x: dy * (1 - plain_sigmoid(x) ** 2),
        "The sign is wrong: S rises everywhere.": lambda dy, x: -dy * slope_from_the_left(x),
        PAIR: lambda dy, x: dy * sigmoid(x) * (1 - sigmoid(x)),
    },
    proved="Far out the slope is small, and not lost.",
    shown=sigmoid,
)


def less_weighted(dp: Array, p: Array, axis: int | None = -1) -> Array:
    """dp less the sum of p dp along an axis."""
    return dp - (p * dp).sum(axis=axis, keepdims=True)


P = softmax(RNG.standard_normal((3, 3)))[0]
SOFTMAX_BACK = Exercise(
    task="Return dz of p = softmax(z), from dp and p, one distribution a row.",
    right=lambda dp, p: p * less_weighted(dp, p),
    samples={
        "for two rows": (*normal((2, 3)), P[:2]),
        "for as many rows as scores": (*normal((3, 3)), P),
    },
    results=("dz",),
    slips={
        "The Jacobian is not diagonal: each score moves the other probabilities too.": (
            lambda dp, p: p * (1 - p) * dp
        ),
        "The sum is missing: it is what the other probabilities send.": lambda dp, p: p * dp,
        "The sum lost its axis: keepdims=True lines it up with the rows.": lambda dp, p: (
            p * (dp - (p * dp).sum(axis=-1))
        ),
        "The sum runs over the samples, which know nothing of each other.": lambda dp, p: (
            p * less_weighted(dp, p, axis=0)
        ),
        "The sum runs over all rows at once.": lambda dp, p: p * less_weighted(dp, p, axis=None),
        "The sum is weighted: of p dp, not of dp.": lambda dp, p: (
            p * (dp - dp.sum(axis=-1, keepdims=True))
        ),
        "dp pᵀ lets each row meet all others: the sum is of p dp, entry by entry.": (
            lambda dp, p: p * (dp - dp @ p.T)
        ),
        "A mean stands where the weighted sum is due.": lambda dp, p: (
            p * (dp - dp.mean(axis=-1, keepdims=True))
        ),
        "p in front is missing.": less_weighted,
        "p multiplies the whole difference: brackets are missing.": lambda dp, p: (
            p * dp - (p * dp).sum(axis=-1, keepdims=True)
        ),
        "The sign is wrong.": lambda dp, p: -p * less_weighted(dp, p),
        "That is for ln p: its pullback sums dp without weights.": lambda dp, p: (
            dp - p * dp.sum(axis=-1, keepdims=True)
        ),
    },
    proved="Two products and a sum do what the whole Jacobian does.",
    shown=softmax,
)


def shares(e: Array, axis: int | None = -1) -> Array:
    """Each entry by the sum along an axis."""
    return e / e.sum(axis=axis, keepdims=True)


def row_largest(z: Array) -> Array:
    """The largest score of each row, as a column."""
    return z.max(axis=-1, keepdims=True)


FAR = np.array([[1000.0, 998.0, -2000], [60, 55, 0], [-1000, -1001, -999], [400, 0, -400]])
STABLE = Exercise(
    task="Return softmax of each row of z, however large its scores are.",
    right=lambda z: shares(np.exp(z - row_largest(z))),
    samples={
        "for three rows of three": normal((3, 3)),
        "for large scores": (FAR,),
        "for 60, 55 and 0": (FAR[1:2],),
    },
    results=("p",),
    slips={
        "e to a large score overflows: subtract the row's largest first.": lambda z: shares(
            np.exp(z)
        ),
        "Clipping makes two scores beyond 50 equal: subtract the row's largest.": lambda z: shares(
            np.exp(np.clip(z, -50, 50))
        ),
        "The largest of all rows is too much for the low ones: each row has its own.": lambda z: (
            shares(np.exp(z - z.max()))
        ),
        "It is not divided by the sum.": lambda z: np.exp(z - row_largest(z)),
        "The sum runs over all rows: each row sums to 1.": lambda z: shares(
            np.exp(z - row_largest(z)), axis=None
        ),
        "The sum runs down the columns: each row sums to 1.": lambda z: shares(
            np.exp(z - row_largest(z)), axis=0
        ),
        "The row's largest has lost its axis: keepdims=True.": lambda z: shares(
            np.exp(z - z.max(axis=-1))
        ),
        "The row's sum has lost its axis: keepdims=True.": lambda z: (
            np.exp(z - row_largest(z)) / np.exp(z - row_largest(z)).sum(axis=-1)
        ),
        "Both have lost their axis, the row's largest and its sum: keepdims=True.": lambda z: (
            np.exp(z - z.max(axis=-1)) / np.exp(z - z.max(axis=-1)).sum(axis=-1)
        ),
        "The largest is that of the columns: a sample is a row, axis=-1.": lambda z: shares(
            np.exp(z - z.max(axis=0))
        ),
        "Largest and sum are those of the columns: a sample is a row, axis=-1.": lambda z: shares(
            np.exp(z - z.max(axis=0)), axis=0
        ),
        "The sum in the logarithm overflows: subtract the row's largest from z before.": (
            lambda z: np.exp(z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))
        ),
        "Divided by the largest, the scores keep no differences: subtract it.": lambda z: shares(
            np.exp(z / row_largest(z))
        ),
        "The smallest is subtracted: the largest then overflows.": lambda z: shares(
            np.exp(z - z.min(axis=-1, keepdims=True))
        ),
        "The mean is subtracted: the largest may still overflow.": lambda z: shares(
            np.exp(z - z.mean(axis=-1, keepdims=True))
        ),
        PAIR: softmax,
    },
    proved="A shift changes nothing, and no exponent is above 0.",
)

BENDS = Exercise(
    task="Return c of values[0] + Σ c relu(t - knot), one for each knot but the last.",
    right=lambda knots, values: np.diff(np.diff(values) / np.diff(knots), prepend=0),
    samples={
        "for four knots": (np.array([-1.0, 0.0, 0.5, 2.0]), np.array([0.5, 1.0, 3.0, 0.0])),
        "for two knots": (np.array([0.0, 2.0]), np.array([1.0, 4.0])),
    },
    results=("c",),
    slips={
        "Those are the slopes: the earlier units go on rising, so add what changes.": (
            lambda knots, values: np.diff(values) / np.diff(knots)
        ),
        "Those are rises: a slope is a rise by its distance.": lambda knots, values: np.diff(
            values
        ),
        "Those are changes of rises: a slope is a rise by its distance.": lambda knots, values: (
            np.diff(np.diff(values), prepend=0)
        ),
        "The first unit is missing: before it the slope is 0.": lambda knots, values: np.diff(
            np.diff(values) / np.diff(knots)
        ),
        "The first unit gets the whole first slope, since before it the slope is 0.": (
            lambda knots, values: np.append(0, np.diff(np.diff(values) / np.diff(knots)))
        ),
        "The sign is wrong: the new slope less the old one.": lambda knots, values: (
            -np.diff(np.diff(values) / np.diff(knots), prepend=0)
        ),
        "The last knot needs no unit: beyond it nothing is to be joined.": lambda knots, values: (
            np.diff(np.diff(values) / np.diff(knots), prepend=0, append=0)
        ),
        "The last knot needs no unit, be its amount 0.": lambda knots, values: np.append(
            np.diff(np.diff(values) / np.diff(knots), prepend=0), 0
        ),
        "The 0 goes before the slopes, not before values and knots.": lambda knots, values: (
            np.diff(values, prepend=0) / np.diff(knots, prepend=0)
        ),
        "Those are sums of slopes: the slope is the sum, so differences are due.": (
            lambda knots, values: np.cumsum(np.diff(values) / np.diff(knots))
        ),
        "Those are heights: a unit adds to the slope.": lambda knots, values: values[:-1],
        "Divide each rise by its own distance, then take the changes.": lambda knots, values: (
            np.diff(np.diff(values), prepend=0) / np.diff(knots)
        ),
    },
    proved="So one hidden layer meets any function at as many points as you like.",
)

EXERCISES = {
    "linear layer's pullback": LINEAR,
    "leaky ReLU's pullback": LEAKY,
    "sigmoid's pullback": SIGMOID,
    "softmax's pullback": SOFTMAX_BACK,
    "softmax of large scores": STABLE,
    "a bend at each knot": BENDS,
}

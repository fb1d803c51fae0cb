"""The exercises of lesson 01: slopes, Jacobians, the way back through a network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib.blocks import tanh
from nnlib.calculus import differences
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise

RNG = np.random.default_rng(1)

# -- the slope along an arrow ---------------------------------------------------------------------

SLOPE_ALONG = Exercise(
    task="Return the slope in the direction of u, which may have any length.",
    right=lambda gradient, u: gradient @ u / np.linalg.norm(u),
    samples={
        "along a long arrow": (np.array([1.0, 3.0]), np.array([3.0, 4.0])),
        "in three dimensions": (np.array([2.0, -1.0, 0.5]), np.array([0.2, -0.1, 0.3])),
    },
    results=("slope",),
    slips={
        "Right for arrows of length 1: divide by the length of u.": lambda g, u: g @ u,
        "That is cos θ: the length of the gradient stays.": lambda g, u: (
            g @ u / (np.linalg.norm(g) * np.linalg.norm(u))
        ),
        "It divides by the length of the gradient where that of u is due.": lambda g, u: (
            g @ u / np.linalg.norm(g)
        ),
        "That is ‖∇f‖, the slope straight uphill: cos θ is missing.": lambda g, u: np.linalg.norm(
            g
        ),
        "That is ‖u‖ ‖∇f‖: cos θ is missing, and u is to have length 1.": lambda g, u: (
            np.linalg.norm(u) * np.linalg.norm(g)
        ),
        "Those are the parts, one for each coordinate: add them up, and divide by the length of "
        "u.": lambda g, u: g * u,
        "Those are the parts, one for each coordinate: add them up.": lambda g, u: (
            g * u / np.linalg.norm(u)
        ),
        "It divides by ‖u‖², and one length is enough.": lambda g, u: g @ u / (u @ u),
        "The length is the root of the sum of squares, not the sum of the entries.": lambda g, u: (
            g @ u / u.sum()
        ),
        "The length is the root of the sum of squares, not the sum of the sizes.": lambda g, u: (
            g @ u / np.abs(u).sum()
        ),
        "The sign is wrong: along the gradient it goes up.": lambda g, u: (
            -(g @ u) / np.linalg.norm(u)
        ),
    },
    proved="One gradient holds the slopes in all directions.",
)

# -- the Jacobian by differences ------------------------------------------------------------------


def bent(x: Array) -> Array:
    """Three numbers of two."""
    return np.array([x[0] * x[1], x[0] + 3 * x[1], x[0] ** 2])


def turned(x: Array) -> Array:
    """Two numbers of two."""
    return np.array([2 * x[0] - x[1] ** 2, x[0] * x[1]])


def columns_of(column: Callable) -> Callable:
    """The matrix whose columns are column(y, x, h, e_j)."""
    return lambda y, x, h: np.stack([column(y, x, h, e) for e in np.eye(len(x))], axis=1)


difference = lambda y, x, h, e: (y(x + h * e) - y(x - h * e)) / (2 * h)
forward = lambda y, x, h, e: (y(x + h * e) - y(x)) / h
jacobian = columns_of(difference)

JACOBIAN = Exercise(
    task="Return the matrix whose column j is how y answers a nudge of x[j], by the step.",
    right=jacobian,
    samples={
        "at two inputs and three outputs": (bent, np.array([2.0, 1.0]), 1e-3),
        "at two inputs and two outputs": (turned, np.array([0.5, -1.5]), 1e-2),
    },
    results=("J",),
    slips={
        "It is transposed: outputs are rows, so each nudge fills a column.": lambda y, x, h: (
            jacobian(y, x, h).T
        ),
        "That is the forward difference: step to either side, and divide by 2h.": (
            columns_of(forward)
        ),
        "That is the backward difference: step to either side, and divide by 2h.": columns_of(
            lambda y, x, h, e: (y(x) - y(x - h * e)) / h
        ),
        "From x - h to x + h it is 2h: it divides by h.": columns_of(
            lambda y, x, h, e: 2 * difference(y, x, h, e)
        ),
        "From x to x + h it is h: it divides by 2h.": columns_of(
            lambda y, x, h, e: (y(x + h * e) - y(x)) / (2 * h)
        ),
        "2h needs brackets: / 2 * h multiplies by h.": columns_of(
            lambda y, x, h, e: (y(x + h * e) - y(x - h * e)) / 2 * h
        ),
        "2h needs brackets, for / 2 * h multiplies by h; and it is transposed.": (
            lambda y, x, h: columns_of(lambda *at: difference(*at) * h**2)(y, x, h).T
        ),
        "From x - h to x + h it is 2h, and it divides by h; and it is transposed.": (
            lambda y, x, h: 2 * jacobian(y, x, h).T
        ),
        "That is the forward difference: step to either side; and it is transposed.": (
            lambda y, x, h: columns_of(forward)(y, x, h).T
        ),
        "The change is not divided by the step.": columns_of(
            lambda y, x, h, e: y(x + h * e) - y(x - h * e)
        ),
        "The sign is wrong: the step up comes first.": columns_of(
            lambda y, x, h, e: -difference(y, x, h, e)
        ),
        "It nudges all inputs at once: nudge x[j] alone, with h e_j.": columns_of(
            lambda y, x, h, e: (y(x + h) - y(x - h)) / (2 * h)
        ),
        "All inputs are nudged at once: one column for each input is due.": lambda y, x, h: (
            (y(x + h) - y(x - h)) / (2 * h)
        ),
        "Those are the columns, side by side in one vector: stack them with axis=1.": (
            lambda y, x, h: np.concatenate(list(jacobian(y, x, h).T))
        ),
    },
    proved="Every formula of this lesson is compared with it. The library's loop takes any shape, "
    "steps farther where x is large, and divides by the step really made.",
    shown=differences,
)

# -- the pullback of a layer ----------------------------------------------------------------------


def back_by(slope: Callable) -> Callable:
    """Wᵀ times dy weighed by slope(z, y)."""

    def back(x: Array, W: Array, dy: Array) -> Array:
        z = W @ x
        return W.T @ (slope(z, np.tanh(z)) * dy)

    return back


tanh_slope = lambda z, y: 1 - y**2
LAYER = Exercise(
    task="Return dx for y = tanh(W x), given dy: last step first, and no Jacobian.",
    right=back_by(tanh_slope),
    samples={
        "at three outputs and two inputs": (
            np.array([0.4, -0.6]),
            np.array([[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]]),
            np.array([1.0, -2.0, 0.5]),
        ),
        "at two and two": (np.array([0.5, 1.0]), np.array([[1.0, 0.2], [-0.3, 0.6]]), np.ones(2)),
    },
    results=("dx",),
    slips={
        "W is to be transposed: x[j] collects column j.": lambda x, W, dy: (
            W @ (tanh_slope(0, np.tanh(W @ x)) * dy)
        ),
        "The slope of tanh is missing: dz = (1 - y²) ⊙ dy comes first.": back_by(lambda z, y: 1),
        "The slope of tanh is missing, and W is to be transposed.": lambda x, W, dy: W @ dy,
        "The slope of tanh is 1 - tanh², not 1 - tanh.": back_by(lambda z, y: 1 - y),
        "The square is of tanh alone: 1 - tanh², not (1 - tanh)².": back_by(
            lambda z, y: (1 - y) ** 2
        ),
        "It takes 1 - z²: the slope is 1 - y², with y = tanh z.": back_by(lambda z, y: 1 - z**2),
        "That is tanh where its slope is due: 1 - y².": back_by(lambda z, y: y),
        "That is tanh², where its slope is due: 1 - y².": back_by(lambda z, y: y**2),
        "The slope is y (1 - y) for the sigmoid; for tanh it is 1 - y².": back_by(
            lambda z, y: y * (1 - y)
        ),
        "tanh is taken twice: y is tanh z already, and the slope 1 - y².": back_by(
            lambda z, y: 1 - np.tanh(y) ** 2
        ),
        "The slope is squared: it comes once.": back_by(lambda z, y: (1 - y**2) ** 2),
        "The sign is wrong: the slope of tanh is 1 - y², never below 0.": back_by(
            lambda z, y: y**2 - 1
        ),
        "It stops at dz: the linear step is still to come, Wᵀ dz.": lambda x, W, dy: (
            (1 - np.tanh(W @ x) ** 2) * dy
        ),
        "dy is missing: the pullback takes what comes from behind.": lambda x, W, dy: (
            W.T @ (1 - np.tanh(W @ x) ** 2)
        ),
        "That is dW, the gradient of the weights: dx = Wᵀ dz is due.": lambda x, W, dy: np.outer(
            (1 - np.tanh(W @ x) ** 2) * dy, x
        ),
        "That is the Jacobian: its transpose times dy is due.": lambda x, W, dy: (
            (1 - np.tanh(W @ x) ** 2)[:, None] * W
        ),
    },
    proved="It is Jᵀ dy, and no J was built.",
    shown=tanh,
)

# -- the reversed list ----------------------------------------------------------------------------

TALL, SQUARE = np.array([[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]]), np.array([[1.0, 2.0], [0.5, -1.0]])
WEIGHTS = np.array([0.5, 2.0, -1.0])
LAYERS = (
    lambda dy: TALL.T @ dy,
    lambda dy: WEIGHTS * dy,
    lambda dL: dL * np.array([2.0, 1.0, 3.0]),
)
TURNS = (lambda dy: SQUARE.T @ dy, lambda dy: dy * np.array([3.0, 0.5]), lambda dy: SQUARE @ dy)


def chained(pullbacks: Any, dL: Any) -> Any:
    """What one pullback after the other makes of dL."""
    for pullback in pullbacks:
        dL = pullback(dL)
    return dL


def kept(pullbacks: Any, dL: Any) -> list:
    """What each pullback made, from the last one on."""
    return [chained(pullbacks[k:][::-1], dL) for k in reversed(range(len(pullbacks)))]


def in_place(change: str, *arguments: Any) -> Callable:
    """Work on the list itself, which is none: it cannot be changed."""

    def answer(pullbacks: Any, dL: Any) -> Any:
        turned = getattr(pullbacks, change)(*arguments)
        return chained(turned, dL)

    return answer


WAY_BACK = Exercise(
    task="Return what the pullbacks make of dL, one after the other, the last one first.",
    right=lambda pullbacks, dL: chained(reversed(pullbacks), dL),
    samples={
        "at a network of three steps": (LAYERS, 1.5),
        "at three steps from two to two": (TURNS, np.array([1.0, -2.0])),
    },
    results=("dx",),
    slips={
        "They come in the order of the way forward: the last step's pullback comes first.": chained,
        "Each pullback gets the dL of the end: it is to get what the one behind it made.": (
            lambda pullbacks, dL: pullbacks[0](dL)
        ),
        "What they make of dL is added: each is to get what the one behind it made.": (
            lambda pullbacks, dL: sum(pullback(dL) for pullback in pullbacks)
        ),
        "Only the last step's pullback is used: go on to the first.": lambda pullbacks, dL: (
            pullbacks[-1](dL)
        ),
        "It stops before the first step: reversed(pullbacks) goes through all.": (
            lambda pullbacks, dL: chained(pullbacks[:0:-1], dL)
        ),
        "It leaves out the last step: reversed(pullbacks) goes through all.": (
            lambda pullbacks, dL: chained(pullbacks[-2::-1], dL)
        ),
        "Nothing has gone back: call each pullback.": lambda pullbacks, dL: dL,
        "Those are what all pullbacks made, from the last on: the last of them is dx.": kept,
        "Those are what all pullbacks made, with dx in front: return dx alone.": (
            lambda pullbacks, dL: kept(pullbacks, dL)[::-1]
        ),
        "Each pullback gets the dL of the end, and all answers are returned: each is to get what "
        "the one behind it made, and dx is the last.": lambda pullbacks, dL: [
            pullback(dL) for pullback in pullbacks
        ],
        "Each pullback gets the dL of the end, from the last on, and all answers are returned: "
        "each is to get what the one behind it made, and dx is the last.": (
            lambda pullbacks, dL: [pullback(dL) for pullback in reversed(pullbacks)]
        ),
        "reverse() changes a list in place, and returns None: reversed(pullbacks) leaves it as it "
        "is.": in_place("reverse"),
        "pop() takes from a list that others need: reversed(pullbacks) leaves it as it is.": (
            in_place("pop")
        ),
    },
    proved="These two lines carry derivatives back to x, whatever the steps are; on its way each "
    "pullback may hand out its step's dW and db too.",
)

# -- slopes from both sides -----------------------------------------------------------------------


def sides_of(left: Callable, right: Callable) -> Callable:
    """Two slopes of the values below, at and above x, and of the step."""
    both = lambda *values: (left(*values), right(*values))
    return lambda f, x, h: both(f(x - h), f(x), f(x + h), h)


from_left = lambda below, here, above, h: (here - below) / h
from_right = lambda below, here, above, h: (above - here) / h
central = lambda below, here, above, h: (above - below) / (2 * h)

BOTH_SIDES = Exercise(
    task="Return the slope over [x - h, x], and the slope over [x, x + h].",
    right=sides_of(from_left, from_right),
    samples={
        "on ReLU's corner": (lambda x: max(0.0, x), 0.0, 1e-3),
        "on a smooth curve": (lambda x: x**3, 2.0, 1e-2),
    },
    results=("left", "right"),
    slips={
        "They are exchanged: the left one first.": sides_of(from_right, from_left),
        "The one from the left has the wrong sign: it too goes from left to right, f(x) - "
        "f(x - h).": sides_of(lambda *values: -from_left(*values), from_right),
        "The one from the right has the wrong sign: f(x + h) - f(x).": sides_of(
            from_left, lambda *values: -from_right(*values)
        ),
        "Both go to the same side, x + h: the left one is f(x) - f(x - h).": sides_of(
            lambda *values: -from_right(*values), from_right
        ),
        "Both are the slope from the right: the left one is f(x) - f(x - h).": sides_of(
            from_right, from_right
        ),
        "Both signs are wrong: what lies on the left is taken off.": sides_of(
            lambda *values: -from_left(*values), lambda *values: -from_right(*values)
        ),
        "Both are the central difference, which mixes the two sides.": sides_of(central, central),
        "The way gone is h, not 2h.": sides_of(
            lambda *values: from_left(*values) / 2, lambda *values: from_right(*values) / 2
        ),
        "They are not divided by the step.": sides_of(
            lambda below, here, above, h: here - below, lambda below, here, above, h: above - here
        ),
        "That is by how much the sides differ: return both.": lambda f, x, h: (
            (f(x + h) - 2 * f(x) + f(x - h)) / h
        ),
    },
    proved="Where they stay apart as h shrinks there is a kink, and no derivative.",
)

EXERCISES = {
    "slope along u": SLOPE_ALONG,
    "Jacobian by differences": JACOBIAN,
    "pullback of a layer": LAYER,
    "way back": WAY_BACK,
    "slopes from both sides": BOTH_SIDES,
}

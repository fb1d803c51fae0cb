"""What lesson 01 measures: ways down, steps of gradient descent, differences at every step size.

A point of the plane is an array with its two coordinates first, (2, ...), so that one formula takes
one point, many, or a grid of them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import linear, log_softmax, relu, tanh
from nnlib.calculus import directional_derivative
from nnlib.checks import Array, float_dtype, number, whole_number

# -- Ways down ------------------------------------------------------------------------------------


class Landscape(NamedTuple):
    """A function of the plane, its gradient, and where its minimum lies.

    >>> Landscape(lambda p: p[0] ** 2, lambda p: 2 * p, np.zeros(2)).value(np.array([3.0, 1.0]))
    np.float64(9.0)
    """

    value: Callable
    gradient: Callable
    minimum: Array


def bowl(curvature: float) -> Landscape:
    """(x² + curvature y²) / 2, whose level sets are ellipses: the larger, the narrower.

    >>> bowl(100.0).gradient(np.array([10.0, 1.0]))
    array([ 10., 100.])
    """
    value = lambda p: (p[0] ** 2 + curvature * p[1] ** 2) / 2
    return Landscape(value, lambda p: np.array([p[0], curvature * p[1]]), np.zeros(2))


def rosenbrock(size: float = 1.0) -> Landscape:
    """(1 - x)² + 100 (y - x²)² with x and y measured in units of size: a bent valley.

    >>> value, gradient, minimum = rosenbrock()
    >>> value(np.array([-1.0, 1.0])), gradient(minimum), minimum
    (np.float64(4.0), array([-0.,  0.]), array([1., 1.]))
    """

    def value(p: Array) -> Any:
        x, y = p / size
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(p: Array) -> Array:
        x, y = p / size
        return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]) / size

    return Landscape(value, gradient, size * np.ones(2))


LANDSCAPES = {
    "round bowl ½(x² + y²)": bowl(1),
    "bowl ½(x² + 3y²)": bowl(3),
    "valley ½(x² + 100y²)": bowl(100),
    "Rosenbrock's bent valley": rosenbrock(6),
}


def angle(u: Array, v: Array) -> float:
    """Degrees between two directions, exact for small angles too; nan when one of them is 0.

    >>> angle(np.array([1.0, 0.0]), np.array([0.0, 2.0]))
    90.0
    """
    lengths = np.linalg.norm(u), np.linalg.norm(v)
    if 0 in lengths:
        return float("nan")
    u, v = u / lengths[0], v / lengths[1]
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))))


def times(A: Array, B: Array) -> Array:
    """The matrix product A @ B, with an error that speaks of shapes alone.

    Errors   ValueError where the product is undefined.

    >>> times(np.ones((2, 3)), np.ones((2, 3)))
    Traceback (most recent call last):
    ...
    ValueError: times: (2, 3) times (2, 3) is undefined: 3 is not 2.
    """
    inner, outer = np.shape(A)[-1], np.shape(B)[0]
    if inner != outer:
        shapes = f"{np.shape(A)} times {np.shape(B)}"
        raise ValueError(f"times: {shapes} is undefined: {inner} is not {outer}.")
    return A @ B


class Ways(NamedTuple):
    """What there is to know about leaving a point p of a landscape along a unit vector u.

    slope   along u, by differences.
    theta   degrees from u to the gradient, nan where that is 0.
    off     degrees from steepest descent to the minimum, nan at the minimum.
    curve   the slopes along the directions of 0, 5, ..., 360 degrees.
    """

    u: Array
    gradient: Array
    slope: float
    theta: float
    off: float
    curve: Array


def ways(landscape: Landscape, p: Array, degrees: float) -> Ways:
    """Leave a point along the direction of so many degrees from the x-axis.

    Source   A-2-cos, A-2-steepest, A-2-tomin.

    >>> found = ways(bowl(100), np.array([10.0, 1.0]), 0.0)
    >>> round(found.slope, 3), round(found.theta, 1), round(found.off, 1)
    (10.0, 84.3, 78.6)
    """
    value, gradient, minimum = landscape
    turn = np.radians([degrees, *range(0, 361, 5)])
    u, *directions = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    g = gradient(p)
    slope = directional_derivative(value, p, u)
    curve = np.array(directions) @ g
    return Ways(u, g, slope, angle(u, g), angle(-g, minimum - p), curve)


# -- Steps of gradient descent --------------------------------------------------------------------


def descend(gradient: Callable, start: Array, *, rate: Any, steps: int) -> Array:
    """The path of p <- p - rate ∇f(p), the start first.

    Shapes   start (...) -> (steps + 1, ...)
    Source   A-2-step.

    >>> descend(lambda x: x, np.array([8.0]), rate=0.5, steps=3).ravel()
    array([8., 4., 2., 1.])
    """
    path = [np.asarray(start, float)]
    for _ in range(whole_number("descend", "steps", steps, low=0)):
        path.append(path[-1] - rate * gradient(path[-1]))
    return np.array(path)


class Descents(NamedTuple):
    """Gradient descent with several rates (rows) from several starts (columns).

    closer   the share of the steps that came closer to the minimum.
    steps    how many it took to a thousandth of the first distance; inf when it never came there.
    off      degrees from the first step to the minimum, one for each start.
    """

    closer: Array
    steps: Array
    off: Array


def descents(landscape: Landscape, starts: Array, rates: Sequence[float], *, most: int) -> Descents:
    """Walk until each run has come to a thousandth of its distance, or is a million times as far.

    Shapes   starts (2, starts), rates (rates,) -> closer and steps (rates, starts), off (starts,)
    Source   A-c7.

    >>> found = descents(bowl(1), np.array([[8.0], [0.0]]), [0.5, 2.5], most=100)
    >>> found.closer.ravel(), found.steps.ravel(), found.off
    (array([1., 0.]), array([10., inf]), array([0.]))
    """
    _, gradient, minimum = landscape
    to_minimum = lambda p: np.linalg.norm(p - minimum[:, None, None], axis=0)
    rate = np.asarray(rates, float)[:, None]
    p = np.repeat(starts[:, None], len(rate), axis=1)  # (2, rates, starts)
    first = distance = to_minimum(p)
    going, taken, closer = distance > 0, np.zeros(first.shape, int), np.zeros(first.shape, int)
    for _ in range(whole_number("descents", "most", most, low=1)):
        p = np.where(going, p - rate * gradient(p), p)
        before, distance = distance, to_minimum(p)
        taken, closer = taken + going, closer + (going & (distance < before))
        going = going & (distance > first / 1000) & (distance < 1e6 * first)
        if not going.any():
            break
    steps = np.where(distance <= first / 1000, taken, np.inf)
    off = [angle(-gradient(start), minimum - start) for start in starts.T]
    return Descents(closer / np.maximum(taken, 1), steps, np.array(off))


# -- Differences, close up ------------------------------------------------------------------------

STEPS = 10 ** np.arange(-12, -0.9, 0.25)
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}  # what rounding a number may cost, relatively
TOLERANCE = {"float64": 1e-7, "float32": 1e-3}
BUGGY = (1, 4)  # the entry of W in which the bug is planted


def step_errors(f: Callable, x: float, slope: float, steps: Array, *, central: bool) -> Array:
    """|difference - slope| at each step, in the type of the steps.

    >>> step_errors(lambda x: x * x, 1.0, 2.0, np.array([0.5, 0.25]), central=False)
    array([0.5 , 0.25])
    """
    x, below = steps.dtype.type(x), steps if central else 0 * steps
    return np.abs((f(x + steps) - f(x - below)) / (steps + below) - slope).astype(float)


class Specimen(NamedTuple):
    """A small loss L(W) = -ln softmax(activation(W x + b))[0] and its gradient from the pullbacks.

    W (4, 6), x (6,) and b (4,) are small multiples of 1/8, so that float32 holds them exactly.
    """

    W: Array
    x: Array
    b: Array
    activation: Callable

    def values(self, W: Array) -> Array:
        """L for each W (..., 4, 6)."""
        return -log_softmax(self.activation(W @ self.x + self.b)[0])[0][..., 0]

    def gradient(self) -> Array:
        """dL/dW."""
        z, linear_pullback = linear(self.x, self.W, self.b)
        h, activation_pullback = self.activation(z)
        log_p, log_softmax_pullback = log_softmax(h)
        d_log_p = -np.eye(len(log_p), dtype=log_p.dtype)[0]
        return linear_pullback(activation_pullback(log_softmax_pullback(d_log_p)))[1]


def specimen(*, dtype: str = "float64", kink: float | None = None) -> Specimen:
    """The loss under the microscope.

    kink   None: tanh, which is smooth; a number: ReLU, one unit of which is so far from its corner.

    >>> sample = specimen(kink=0.001)
    >>> (sample.W @ sample.x + sample.b).round(3)
    array([0.75 , 0.75 , 0.001, 0.875])
    """
    kind = float_dtype("specimen", dtype)
    x = np.array([8, -6, 4, 7, -10, 5], kind) / 8
    W = np.array([[2, 0, -1, 3, 1, -2], [0, 1, 2, -1, 2, 1], [1, -2, 0, 1, 1, 0],
                  [-1, 2, 1, 2, 0, -3]], kind) / 8  # fmt: skip
    z = np.array([6, 6, 8 if kink is None else 0, 7], kind) / 8
    z[2] += 0 if kink is None else number("specimen", "kink", kink, "[0, 1]")
    return Specimen(W, x, z - W @ x, tanh if kink is None else relu)


class View(NamedTuple):
    """A gradient check at one step size, among all the others.

    errors      the scaled error at every one of STEPS: the largest gap.
    truncation  what the bend of the curve costs at every one of STEPS, about.
    roundoff    what rounding the loss costs at every one of STEPS, about.
    gaps        |pullback - difference| / max(1, largest difference), one for each entry of W.
    error       the largest of these.
    finding     one of: right, kink, round-off, truncation, wrong.
    verdict     the finding in words.
    """

    errors: Array
    truncation: Array
    roundoff: Array
    gaps: Array
    error: float
    finding: str
    verdict: str


def microscope(
    step: float,
    *,
    dtype: str = "float64",
    central: bool = True,
    kink: float | None = None,
    bug: float = 1.0,
) -> View:
    """Check the gradient of the specimen's loss by differences, and say what the error comes from.

    bug   what one entry of the gradient is multiplied by; 1 plants nothing.

    >>> view = microscope(1e-5, bug=1.01)
    >>> view.finding, [int(k) for k in np.unravel_index(view.gaps.argmax(), (4, 6))]
    ('wrong', [1, 4])
    """
    step = number("microscope", "step", step, "[1e-12, 0.1]")
    sample = specimen(dtype=dtype, kink=kink)
    got = sample.gradient()
    got[BUGGY] *= bug
    gaps, crossed = entry_gaps(sample, got, np.append(STEPS, step), central=central)
    errors, roundoff = gaps.max(axis=(1, 2)), UNIT[dtype] / np.append(STEPS, step)
    finding = find(errors, crossed, roundoff, tolerance=TOLERANCE[dtype])
    truncation = STEPS**2 / 10 if central else STEPS / 2  # its derivatives are about 1 in size
    error = float(errors[-1])
    view = View(errors[:-1], truncation, roundoff[:-1], gaps[-1], error, finding, "")
    return view._replace(verdict=verdict(view, dtype, kink))


def entry_gaps(sample: Specimen, got: Array, steps: Array, *, central: bool) -> tuple[Array, Array]:
    """The gap of every entry at every step, and at which steps a ReLU of the loss changes sides.

    Shapes   steps (steps,) -> (steps, 4, 6), (steps,)
    """
    W, kind = sample.W, sample.W.dtype
    nudge = np.eye(W.size, dtype=kind).reshape(W.size, *W.shape)
    h = steps.astype(kind)[:, None]
    up = W + h[..., None, None] * nudge  # (steps, entries, 4, 6)
    down = W - h[..., None, None] * nudge if central else np.broadcast_to(W, up.shape)
    want = (sample.values(up) - sample.values(down)) / (2 * h if central else h)
    gaps = np.abs(got.ravel() - want) / np.maximum(1, np.abs(want).max(axis=1, keepdims=True))
    on = lambda W: W @ sample.x + sample.b > 0
    crossed = (on(up) != on(down)).any(axis=(1, 2)) & (sample.activation is relu)
    return gaps.reshape(-1, *W.shape).astype(float), crossed


def find(errors: Array, crossed: Array, roundoff: Array, *, tolerance: float) -> str:
    """What the error of the last step comes from, given those of the others.

    >>> errors, no = np.array([1e-9, 1e-3]), np.array([False, False])
    >>> find(errors, no, np.array([1e-10, 1e-14]), tolerance=1e-7)
    'truncation'
    """
    if errors[-1] <= tolerance:
        return "right"
    if crossed[-1]:
        return "kink"
    if errors[-1] <= 10 * roundoff[-1]:
        return "round-off"
    return "truncation" if errors.min() <= tolerance else "wrong"


def verdict(view: View, dtype: str, kink: float | None) -> str:
    """A finding in words."""
    best, bound = STEPS[view.errors.argmin()], TOLERANCE[dtype]
    i, j = np.unravel_index(view.gaps.argmax(), view.gaps.shape)
    if view.finding == "right":
        return f"Agreed: the error is below {bound:.0e}, all that is asked of {dtype}."
    if view.finding == "kink":
        where = "The point sits on a kink" if kink == 0 else "A kink lies within the step"
        advice = "check elsewhere" if kink == 0 else "take a smaller step or another point"
        return f"{where}: the difference mixes two slopes in row {i} of W; {advice}."
    better = f" The best step here is about {best:.0e}."
    if view.finding == "round-off":
        return f"Round-off: the step is too small for {dtype}, the digits cancel.{better}"
    if view.finding == "truncation":
        return f"Truncation: the step is too large, the curve bends within it.{better}"
    return (
        f"Wrong gradient: no step brings the error below {bound:.0e}. Here the worst entry is "
        f"W[{i}, {j}]."
    )

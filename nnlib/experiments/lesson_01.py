"""What lesson 01 measures: ways down, steps of gradient descent, differences at every step size."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import linear, log_softmax, relu, tanh
from nnlib.calculus import directional_derivative
from nnlib.checks import Array, float_dtype, number, whole_number
from nnlib.landscapes import LANDSCAPES, Landscape

# -- Ways down ------------------------------------------------------------------------------------


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

    landscape   its name in LANDSCAPES; "" for another one.
    degrees     from the x-axis to u.
    slope       along u, by differences.
    theta       degrees from u to the gradient, nan where that is 0.
    off         degrees from steepest descent to the nearest minimum, nan there.
    curve       the slopes along the directions of 0, 5, ..., 360 degrees.
    """

    landscape: str
    p: Array
    degrees: float
    u: Array
    gradient: Array
    slope: float
    theta: float
    off: float
    curve: Array


def ways(landscape: Landscape, p: Array, degrees: float) -> Ways:
    """Leave a point along the direction of so many degrees from the x-axis.

    Source   A-2-cos, A-2-steepest, A-2-tomin.

    >>> from nnlib.landscapes import bowl
    >>> found = ways(bowl(100), np.array([10.0, 1.0]), 0.0)
    >>> round(found.slope, 3), round(found.theta, 1), round(found.off, 1)
    (10.0, 84.3, 78.6)
    """
    turn = np.radians([degrees, *range(0, 361, 5)])
    u, *directions = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    g = landscape.gradient(p)
    slope = directional_derivative(landscape.value, p, u)
    curve = np.array(directions) @ g
    off = angle(-g, landscape.nearest(p) - p)
    return Ways("", p, degrees, u, g, slope, angle(u, g), off, curve)


def ways_on(landscape: str, x: float, y: float, degrees: float) -> Ways:
    """Leave the point (x, y) of the landscape with this name.

    >>> round(ways_on("valley ½(x² + 100y²)", 10, 1, 90).slope, 3)
    100.0
    """
    found = ways(LANDSCAPES[landscape], np.array([x, y], float), degrees)
    return found._replace(landscape=landscape)


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


# -- Differences, close up ------------------------------------------------------------------------

STEPS = 10 ** np.arange(-12, -0.9, 0.25)
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24}  # what rounding a number may cost, relatively
TOLERANCE = {"float64": 1e-7, "float32": 5e-3}
SMALLEST = 1 / 16  # about, of the entries of the gradient; rounding blurs that one most
BUGGY = (1, 4)  # the entry of W in which the bug is planted
KINKS = {
    "none (tanh)": None,
    "ReLU, 0.1 away": 0.1,
    "ReLU, 1e-3 away": 1e-3,
    "ReLU, 1e-5 away": 1e-5,
    "ReLU, 1e-7 away": 1e-7,
    "ReLU, exactly on it": 0.0,
}
BUGS = {"none": 1.0, "sign flipped": -1.0, "1 % too large": 1.01, "0.001 % too large": 1.00001}


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

    central     whether by central differences; else by forward ones.
    errors      the largest gap at every one of STEPS.
    others      the same by the other kind of difference.
    truncation  what the bend of the curve costs at every one of STEPS, about.
    roundoff    what rounding the loss costs at every one of STEPS, about.
    gaps        |pullback - difference| / |difference|, one for each entry of W.
    error       the largest of these.
    finding     one of: right, kink, round-off, truncation, wrong.
    verdict     the finding in words.
    """

    step: float
    dtype: str
    central: bool
    error: float
    finding: str
    verdict: str
    gaps: Array
    errors: Array
    others: Array
    truncation: Array
    roundoff: Array


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
    errors, roundoff = gaps.max(axis=(1, 2)), UNIT[dtype] / SMALLEST / np.append(STEPS, step)
    others = entry_gaps(sample, got, STEPS, central=not central)[0].max(axis=(1, 2))
    agreed = min(errors.min(), others.min()) <= TOLERANCE[dtype]
    finding = find(errors[-1], crossed[-1], roundoff[-1], agreed, tolerance=TOLERANCE[dtype])
    truncation = 0.3 * STEPS**2 if central else 0.9 * STEPS  # as its second, third derivative say
    error = float(errors[-1])
    curves = errors[:-1], others, truncation, roundoff[:-1]
    view = View(step, dtype, central, error, finding, "", gaps[-1], *curves)
    return view._replace(verdict=verdict(view, kink))


def look(step: float, *, dtype: str, central: bool, kink: str, bug: str) -> View:
    """The microscope with its kink and its bug by name, as KINKS and BUGS have them.

    >>> look(1e-5, dtype="float64", central=True, kink="none (tanh)", bug="sign flipped").finding
    'wrong'
    """
    return microscope(step, dtype=dtype, central=central, kink=KINKS[kink], bug=BUGS[bug])


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
    gaps = np.abs(got.ravel() - want)
    with np.errstate(divide="ignore"):  # against a difference of 0 nothing but 0 is right
        gaps = np.divide(gaps, np.abs(want), out=np.zeros_like(gaps), where=gaps > 0)
    on = lambda W: W @ sample.x + sample.b > 0
    crossed = (on(up) != on(down)).any(axis=(1, 2)) & (sample.activation is relu)
    return gaps.reshape(-1, *W.shape).astype(float), crossed


def find(error: float, crossed: bool, roundoff: float, agreed: bool, *, tolerance: float) -> str:
    """What the error of a step comes from, given whether any step agreed.

    It is infinite where all digits cancel and a difference is 0.

    >>> find(1e-3, False, 1e-14, True, tolerance=1e-7)
    'truncation'
    """
    if error <= tolerance:
        return "right"
    if crossed:
        return "kink"
    if error <= 10 * roundoff or error == np.inf:
        return "round-off"
    return "truncation" if agreed else "wrong"


def verdict(view: View, kink: float | None) -> str:
    """A finding in words."""
    dtype, best = view.dtype, STEPS[view.errors.argmin()]
    bound = TOLERANCE[dtype]
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

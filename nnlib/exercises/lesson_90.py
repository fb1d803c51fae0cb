"""The exercises of lesson 90: a slope and an error from numbers, a check, a Jacobian mended."""

from collections.abc import Callable, Sequence

import numpy as np

from nnlib.blocks import softmax
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise

Function = Callable[[Array], Array]
RNG = np.random.default_rng(90)
NORMAL = RNG.standard_normal((3, 4))  # three inputs
STEP, EXACT = 1e-30, 1e-9


def complex_slope(f: Function, x: Array) -> Array:
    """How fast f grows at x, by a step into the complex plane."""
    return f(x + 1j * STEP).imag / STEP


SLOPE = Exercise(
    task="Return the slopes of f at x from one call of f, at x plus a tiny imaginary number.",
    right=complex_slope,
    samples={
        "for tanh": (np.tanh, np.array([-1.5, 0.3, 2.0])),
        "for x³": (lambda x: x**3, np.array([-0.7, 1.1, 2.0])),
        "for the sigmoid": (lambda x: 1 / (1 + np.exp(-x)), np.array([-2.0, 0.5])),
    },
    results=("slope",),
    slips={
        "That is f itself: the slope is in the imaginary part.": lambda f, x: f(x + STEP * 1j).real,
        "Next to 0: the step is imaginary, 1e-30j, and the imaginary part is divided by it.": (
            lambda f, x: f(x + STEP * 1j).imag
        ),
        "The step is so long that its square shows: nothing cancels here, so 1e-30 will do.": (
            lambda f, x: f(x + 0.01j).imag / 0.01
        ),
        "A difference of two values: half of the digits cancel. Step into the complex plane.": (
            lambda f, x: (f(x + 1e-6) - f(x)) / 1e-6
        ),
    },
    proved="So a slope needs no derivation and no difference, and has all its digits.",
    shown=complex_slope,
)


def relative_error(form: Array, truth: Array) -> float:
    """The largest deviation, as a share of the largest true entry."""
    return np.abs(form - truth).max() / np.abs(truth).max()


ERROR = Exercise(
    task="Return the largest deviation of form from truth, as a share of truth's largest size.",
    right=relative_error,
    samples={
        "where a true entry is 0": (np.array([0.5, 2.0, -9.0]), np.array([0.0, 2.5, -3.0])),
        "among numbers near a million": (1e6 * NORMAL[0], 1e6 * NORMAL[1]),
        "in a matrix": (NORMAL - 0.3, -2 * NORMAL),
    },
    results=("error",),
    slips={
        "That is the deviation itself: divide by the largest entry of truth, in size.": (
            lambda form, truth: np.abs(form - truth).max()
        ),
        "Each entry is divided by its own: a true entry of 0 makes any deviation infinite.": (
            lambda form, truth: (np.abs(form - truth) / np.abs(truth)).max()
        ),
        "The mean hides one wrong entry among many: take the largest.": (
            lambda form, truth: np.abs(form - truth).mean() / np.abs(truth).max()
        ),
        "It is a share of the truth, not of the form that is on trial.": (
            lambda form, truth: np.abs(form - truth).max() / np.abs(form).max()
        ),
        "A deviation downwards is one, too: take sizes before the largest.": (
            lambda form, truth: (form - truth).max() / np.abs(truth).max()
        ),
        "The largest true entry may be negative: take its size.": (
            lambda form, truth: np.abs(form - truth).max() / truth.max()
        ),
    },
    proved="So forms of any size are held to the same bound.",
    shown=relative_error,
)


def convict(printed: Function, truth: Function, inputs: Sequence[Array]) -> bool:
    """Whether a printed form is off, or has no value, on any of the inputs."""
    return any(not relative_error(printed(x), truth(x)) <= EXACT for x in inputs)


def stable(z: Array) -> Array:
    """Softmax of one row of scores of any size."""
    return softmax(z)[0]


def as_written(z: Array) -> Array:
    """Softmax by its formula, nan where an exponential overflows."""
    return np.exp(z) / np.exp(z).sum()


def clipped(z: Array) -> Array:
    """Softmax of scores that are clipped."""
    return stable(np.clip(z, -50, 50))


CONVICT = Exercise(
    task="Return True where printed is off by more than 1e-9 of truth's size on any input; else "
    "False.",
    right=convict,
    samples={
        "for a right form": (lambda x: 1 - np.tanh(x) ** 2, lambda x: 1 / np.cosh(x) ** 2, NORMAL),
        "for a wrong one": (lambda x: 1 - np.tanh(x), lambda x: 1 / np.cosh(x) ** 2, NORMAL),
        "for clipping, on usual scores": (clipped, stable, NORMAL),
        "for clipping, with large scores last": (
            clipped,
            stable,
            [*NORMAL, np.array([60.0, 55, 0, 0])],
        ),
        "for clipping, with large scores first": (
            clipped,
            stable,
            [np.array([60.0, 55, 0, 0]), *NORMAL],
        ),
        "for a form that gives nan": (as_written, stable, [np.array([1000.0, 0.0])]),
        "for a right form of large values": (
            lambda x: 1e12 * x**2 / 3,
            lambda x: (1e6 * x) ** 2 / 3,
            NORMAL,
        ),
        "for a wrong form of small values": (lambda x: 1e-12 * x**2, lambda x: 1e-12 * x, NORMAL),
        "for a form that is too small": (lambda x: x**2 - 1, lambda x: x**2, NORMAL),
    },
    results=("convicted",),
    slips={
        "It tries the first input only: the extreme one may come last.": (
            lambda printed, truth, inputs: convict(printed, truth, inputs[:1])
        ),
        "It acquits what is right on one input: a single wrong one is enough.": (
            lambda printed, truth, inputs: all(convict(printed, truth, [x]) for x in inputs)
        ),
        "nan > bound is False, so a form without a value goes free: convict unless it is within.": (
            lambda printed, truth, inputs: any(
                relative_error(printed(x), truth(x)) > EXACT for x in inputs
            )
        ),
        "Its bound is absolute: large values are convicted for rounding, small ones go free.": (
            lambda printed, truth, inputs: any(
                not np.abs(printed(x) - truth(x)).max() <= EXACT for x in inputs
            )
        ),
        "A form that is too small goes free: take the size of the deviation.": (
            lambda printed, truth, inputs: any(
                not (printed(x) - truth(x)).max() / np.abs(truth(x)).max() <= EXACT for x in inputs
            )
        ),
        "It is the other way round: True convicts.": (
            lambda printed, truth, inputs: not convict(printed, truth, inputs)
        ),
    },
    proved="It convicts clipping on one input and acquits it on three: the inputs are the check.",
    shown=convict,
)


def softmax_jacobian(z: Array) -> Array:
    """The derivative of each probability by each score."""
    s = np.exp(z - z.max())
    s = s / s.sum()
    return np.diag(s) - np.outer(s, s)


JACOBIAN = Exercise(
    task="Return the matrix of the derivatives of softmax(z) by z, for one row of scores z.",
    right=softmax_jacobian,
    samples={
        "at generic scores": (np.array([0.5, -1.0, 2.0]),),
        "at equal scores": (np.zeros(4),),
        "with a score of 800": (np.array([800.0, 799.0, 0.0]),),
    },
    results=("jacobian",),
    slips={
        "The second term has the scores: the slip in the notes. Both terms need probabilities.": (
            lambda z: np.diag(stable(z)) - np.outer(z, z)
        ),
        "Only the diagonal: each score moves all probabilities, for they sum to 1.": (
            lambda z: np.diag(stable(z) * (1 - stable(z)))
        ),
        "The rows do not sum to 0: the product of two probabilities is taken away.": (
            lambda z: np.diag(stable(z)) + np.outer(stable(z), stable(z))
        ),
        "Half of it: the diagonal has the probabilities themselves, too.": (
            lambda z: -np.outer(stable(z), stable(z))
        ),
        "An exponential overflows: subtract the largest score first, or call softmax.": (
            lambda z: np.diag(as_written(z)) - np.outer(as_written(z), as_written(z))
        ),
    },
    proved="Each row sums to 0, at any scores.",
    shown=softmax_jacobian,
)

EXERCISES = {
    "slope by a complex step": SLOPE,
    "error of a form": ERROR,
    "check that convicts": CONVICT,
    "Jacobian mended": JACOBIAN,
}

"""Truth for extreme arguments: the functions in decimal arithmetic of 400 digits."""

import math
from decimal import Context, Decimal, localcontext
from functools import wraps

import numpy as np

EXTREMES = [0.0, 5e-324, 1e-300, 1e-16, 1e-3, 0.5, 1.0, 17.3, 36.7, 709.7, 745.2, 1e4, 1e300]
EXTREMES += [-x for x in EXTREMES]


def exact(function):
    """Compute with 400 digits: 1 + 5e-324 needs 325 of them."""

    @wraps(function)
    def with_digits(*numbers):
        with localcontext(Context(prec=400, Emin=-(10**17), Emax=10**17)):
            return function(*([Decimal(float(x)) for x in row] for row in numbers))

    return with_digits


def log_of_sum(z):
    """ln Σ exp z."""
    return max(z) + sum((z_i - max(z)).exp() for z_i in z).ln()


@exact
def sigmoid(x):
    return [1 / (1 + (-x_i).exp()) if x_i > 0 else 1 - 1 / (1 + x_i.exp()) for x_i in x]


@exact
def tanh(x):
    return [((1 - e) / (1 + e)).copy_sign(x_i) for x_i in x for e in [(-2 * abs(x_i)).exp()]]


@exact
def softmax(z):
    return [(z_i - log_of_sum(z)).exp() for z_i in z]


@exact
def log_softmax(z):
    return [z_i - log_of_sum(z) for z_i in z]


@exact
def cross_entropies(z):
    """The cross-entropy of softmax(z), for each label."""
    return [log_of_sum(z) - z_i for z_i in z]


@exact
def binary_cross_entropies(z, target):
    """ln(1 + exp z) - z target."""
    zero = Decimal(0)
    return [log_of_sum([zero, z_i]) - z_i * t for z_i, t in zip(z, target)]


def standardized(row, eps):
    """(x - mean) / √(variance + eps)."""

    @exact
    def compute(x, eps):
        mean = sum(x) / len(x)
        variance = sum((x_i - mean) ** 2 for x_i in x) / len(x)
        return [(x_i - mean) / (variance + eps[0]).sqrt() for x_i in x]

    return np.array(compute(row, [eps]), float)


def assert_within_4_ulp(got, truth):
    """Every number within 4 units in its last place of the truth, or within 1e-15."""
    for g, t in zip(np.ravel(got).tolist(), truth, strict=True):
        assert math.isfinite(g)
        gap, ulp = abs(Decimal(g) - t), Decimal(math.ulp(float(t)))
        assert gap <= max(4 * ulp, Decimal("1e-15")), f"{g!r} is {gap / ulp:.3g} ulp from {t:.20g}"

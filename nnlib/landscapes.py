"""Functions of the plane to go down: each with its gradient, its domain and its minima.

A point of the plane is an array with its two coordinates first, (2, ...), so that one formula takes
one point, many, or a grid of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array

Domain = tuple[tuple[float, float], tuple[float, float]]  # the ends of x and those of y


class Landscape(NamedTuple):
    """A function of the plane: p (2, ...) -> value (...), gradient (2, ...).

    domain   the ends of x and those of y between which it is looked at.
    minima   (2, k), a column for each point where it is lowest.

    >>> square = ((-1, 1), (-1, 1))
    >>> slope = Landscape(lambda p: p[0] ** 2, lambda p: 2 * p, square, np.zeros((2, 1)))
    >>> slope.value(np.array([3.0, 1.0]))
    np.float64(9.0)
    """

    value: Callable
    gradient: Callable
    domain: Domain
    minima: Array

    def nearest(self, p: Array) -> Array:
        """The minimum that lies nearest to each point.

        Shapes   p (2, ...) -> (2, ...)

        >>> both = np.array([[-1.0, 1.0], [0.0, 0.0]])
        >>> Landscape(np.sum, np.sign, ((-2, 2), (-2, 2)), both).nearest(np.array([0.3, 5.0]))
        array([1., 0.])
        """
        to_each = np.expand_dims(p, -1) - self.minima.reshape(2, *[1] * (np.ndim(p) - 1), -1)
        return self.minima[:, np.linalg.norm(to_each, axis=0).argmin(axis=-1)]


def bowl(curvature: float) -> Landscape:
    """(x² + curvature y²) / 2, whose level sets are ellipses: the larger, the narrower.

    >>> bowl(100.0).gradient(np.array([10.0, 1.0]))
    array([ 10., 100.])
    """
    value = lambda p: (p[0] ** 2 + curvature * p[1] ** 2) / 2
    gradient = lambda p: np.array([p[0], curvature * p[1]])
    return Landscape(value, gradient, ((-15, 15), (-15, 15)), np.zeros((2, 1)))


def rosenbrock(size: float = 1.0) -> Landscape:
    """(1 - x)² + 100 (y - x²)² with x and y measured in units of size: a bent valley.

    >>> value, gradient, _, minima = rosenbrock()
    >>> value(np.array([-1.0, 1.0])), gradient(minima[:, 0]), minima.ravel()
    (np.float64(4.0), array([-0.,  0.]), array([1., 1.]))
    """

    def value(p: Array) -> Any:
        x, y = p / size
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(p: Array) -> Array:
        x, y = p / size
        return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]) / size

    ends = (-2.5 * size, 2.5 * size)
    return Landscape(value, gradient, (ends, ends), size * np.ones((2, 1)))


LANDSCAPES = {
    "round bowl ½(x² + y²)": bowl(1),
    "bowl ½(x² + 3y²)": bowl(3),
    "valley ½(x² + 100y²)": bowl(100),
    "Rosenbrock's bent valley": rosenbrock(6),
}

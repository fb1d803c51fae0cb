"""Functions of the plane to go down: each with its gradient, its domain and its minima.

A point of the plane is an array with its two coordinates first, (2, ...), so that one formula takes
one point, many, or a grid of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array

Domain = tuple[tuple[float, float], ...]  # the ends of x, those of y, and of more if there are


class Landscape(NamedTuple):
    """A function of the plane: p (2, ...) -> value (...), gradient (2, ...).

    domain   the ends of x and those of y between which it is looked at.
    minima   (2, k), a column for each point where it is lowest; (2, 0) when it has none, or none
             is known.

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
        """The minimum that lies nearest to each point, nan where there is none.

        Shapes   p (2, ...) -> (2, ...)

        >>> both = np.array([[-1.0, 1.0], [0.0, 0.0]])
        >>> Landscape(np.sum, np.sign, ((-2, 2), (-2, 2)), both).nearest(np.array([0.3, 5.0]))
        array([1., 0.])
        """
        if not self.minima.size:
            return np.full(np.shape(p), np.nan)
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


def beale() -> Landscape:
    """Σ (c - x + x yᵏ)² for k = 1, 2, 3 and c = 1.5, 2.25, 2.625: flat, with steep walls far out.

    >>> value, gradient, _, minima = beale()
    >>> value(minima[:, 0]), gradient(np.zeros(2))
    (np.float64(0.0), array([-12.75,   0.  ]))
    """

    def misses(x: Any, y: Any) -> tuple[Any, Any, Any]:
        return 1.5 - x + x * y, 2.25 - x + x * y * y, 2.625 - x + x * y * y * y

    def value(p: Array) -> Any:
        a, b, c = misses(*p)
        return a**2 + b**2 + c**2

    def gradient(p: Array) -> Array:
        x, y = p
        a, b, c = misses(x, y)
        along_x = 2 * (a * (y - 1) + b * (y * y - 1) + c * (y * y * y - 1))
        return np.array([along_x, 2 * x * (a + 2 * b * y + 3 * c * y * y)])

    return Landscape(value, gradient, ((-4.5, 4.5), (-4.5, 4.5)), np.array([[3.0], [0.5]]))


def himmelblau() -> Landscape:
    """(x² + y - 11)² + (x + y² - 7)², which is 0 at four points.

    >>> value, gradient, _, minima = himmelblau()
    >>> minima.round(2), bool((value(minima) < 1e-28).all())
    (array([[ 3.  , -2.81, -3.78,  3.58],
           [ 2.  ,  3.13, -3.28, -1.85]]), True)
    """

    def value(p: Array) -> Any:
        x, y = p
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(p: Array) -> Array:
        x, y = p
        a, b = x**2 + y - 11, x + y**2 - 7
        return np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])

    minima = [
        [3.0, -2.805118086952745, -3.779310253377747, 3.584428340330492],
        [2.0, 3.131312518250573, -3.283185991286170, -1.848126526964404],
    ]
    return Landscape(value, gradient, ((-6, 6), (-6, 6)), np.array(minima))


def saddle() -> Landscape:
    """(x² - y²) / 2: down along x to the ridge, and along y down for ever, so without a minimum.

    >>> saddle().gradient(np.array([1.0, 2.0])), saddle().minima.shape
    (array([ 1., -2.]), (2, 0))
    """
    value = lambda p: (p[0] ** 2 - p[1] ** 2) / 2
    gradient = lambda p: np.array([p[0], -p[1]])
    return Landscape(value, gradient, ((-3, 3), (-3, 3)), np.empty((2, 0)))


def plateau() -> Landscape:
    """1 - exp(-(x² + y²) / 2): a hole in a plain on which the gradient all but vanishes.

    >>> value, gradient, *_ = plateau()
    >>> value(np.zeros(2)), gradient(np.array([5.0, 0.0])).round(6)
    (np.float64(0.0), array([1.9e-05, 0.0e+00]))
    """
    hole = lambda p: np.exp(-(p[0] ** 2 + p[1] ** 2) / 2)
    ends = (-6, 6)
    return Landscape(lambda p: 1 - hole(p), lambda p: p * hole(p), (ends, ends), np.zeros((2, 1)))


def rastrigin() -> Landscape:
    """20 + Σ (x² - 10 cos 2πx) over both coordinates: a bowl full of dents, lowest in its middle.

    >>> value, gradient, _, minima = rastrigin()
    >>> value(np.array([1.0, 0.0])), gradient(minima[:, 0])
    (np.float64(1.0), array([0., 0.]))
    """
    value = lambda p: 20 + (p**2 - 10 * np.cos(2 * np.pi * p)).sum(axis=0)
    gradient = lambda p: 2 * p + 20 * np.pi * np.sin(2 * np.pi * p)
    return Landscape(value, gradient, ((-5.12, 5.12), (-5.12, 5.12)), np.zeros((2, 1)))


GROUNDS = {  # of the race; bowl(κ) is a ravine for any κ
    "bowl": bowl(1),
    "ravine": bowl(25),
    "Rosenbrock": rosenbrock(),
    "Beale": beale(),
    "Himmelblau": himmelblau(),
    "saddle": saddle(),
    "plateau": plateau(),
    "Rastrigin": rastrigin(),
}
LANDSCAPES = {
    "round bowl ½(x² + y²)": bowl(1),
    "bowl ½(x² + 3y²)": bowl(3),
    "valley ½(x² + 100y²)": bowl(100),
    "Rosenbrock's bent valley": rosenbrock(6),
}

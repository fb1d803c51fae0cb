"""What lesson 00 measures: the slope of a sigmoid at a point."""

from typing import NamedTuple

import numpy as np

from nnlib.blocks import sigmoid
from nnlib.checks import number

REACH = 6.0
EVERYWHERE = np.linspace(-REACH, REACH, 241)
CURVE = EVERYWHERE, sigmoid(EVERYWHERE)[0]


class Tangent(NamedTuple):
    """A point of the sigmoid and its slope there."""

    x: float
    y: float
    slope: float


def tangent(x: float) -> Tangent:
    """The sigmoid's value at x, and what its pullback says of the slope.

    >>> tangent(0.0)
    Tangent(x=0.0, y=0.5, slope=0.25)
    """
    x = number("tangent", "x", x, f"[-{REACH:g}, {REACH:g}]")
    y, pullback = sigmoid(np.array([x]))
    return Tangent(x, float(y[0]), float(pullback(np.ones(1))[0]))

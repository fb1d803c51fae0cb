"""A real ground: the plane through a trained network on which its loss on the digits is looked at.

The plane goes through the trained weights θ* along two random directions, filter-normalised (Li et
al. 2018): the part that belongs to a unit is scaled to the length of that unit's weights in θ*, so
that a step of 1 is as large as the weights themselves, whatever their layer.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nnlib.blocks import tanh
from nnlib.checks import Array, Rng
from nnlib.data import load_digits, scale
from nnlib.landscapes import Domain, Landscape
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import Model, objective, parameter_vector

IMAGES, HIDDEN, STEPS = 100, 8, 150
ENDS: Domain = ((-1.5, 1.5), (-1.5, 1.5))


class Slice(NamedTuple):
    """A loss in all its parameters, and the plane that is looked at.

    whole        the landscape over θ (P, ...).
    center       θ* (P,), and directions (2, P), the plane's coordinates along its rows.
    """

    whole: Landscape
    center: Array
    directions: Array

    def lifted(self, p: Array) -> Array:
        """The parameters at points of the plane: p (2, ...) -> θ (P, ...).

        Errors   ValueError for p with another number of coordinates.
        """
        if len(p) != 2:
            raise ValueError(f"lifted: p must have two coordinates; got {len(p)}.")
        return np.tensordot(self.directions, p, axes=(0, 0)) + shaped(self.center, np.ndim(p))

    def seen(self, theta: Array) -> Array:
        """The points of the plane nearest to these parameters: θ (P, ...) -> p (2, ...)."""
        return self.part(theta - shaped(self.center, np.ndim(theta)))

    def part(self, way: Array) -> Array:
        """What of a way lies in the plane, in its coordinates: (P, ...) -> (2, ...)."""
        return np.tensordot(np.linalg.pinv(self.directions.T), way, axes=(1, 0))

    def plane(self) -> Landscape:
        """The loss on the plane: its gradient is that of the whole, along the two directions."""
        whole = self.whole
        value = lambda p: whole.value(self.lifted(np.asarray(p, float)))
        gradient = lambda p: np.tensordot(
            self.directions, whole.gradient(self.lifted(np.asarray(p, float))), axes=(1, 0)
        )
        return Landscape(value, gradient, ENDS, np.empty((2, 0)))


def shaped(vector: Array, dimensions: int) -> Array:
    """A vector with axes of length 1 behind its own, so many in all."""
    return vector.reshape(-1, *[1] * (dimensions - 1))


def of_block(loss: Callable, size: int) -> Landscape:
    """The landscape of a block θ → L(θ), one point after another; where it is lowest is not known.

    size   how many coordinates θ has.

    >>> block = lambda theta: (float(theta @ theta), lambda dL: 2 * dL * theta)
    >>> of_block(block, 2).gradient(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[2., 4.],
           [6., 8.]])
    """

    def value(theta: Array) -> Array:
        points = theta.reshape(len(theta), -1).T
        return np.array([loss(p.copy())[0] for p in points]).reshape(theta.shape[1:])[()]

    def gradient(theta: Array) -> Array:
        points = theta.reshape(len(theta), -1).T
        rows = [loss(p.copy())[1](1.0) for p in points]
        return np.array(rows).T.reshape(theta.shape)

    return Landscape(value, gradient, ENDS[:1] * size, np.empty((size, 0)))


def filter_normalised(model: Model, rng: Rng) -> Array:
    """A random direction of the model's parameters, each unit's part as long as its weights are.

    >>> model = MLP(2, 3, rng=0, dtype="float64")
    >>> theta, _ = parameter_vector(model)
    >>> along = filter_normalised(model, np.random.default_rng(1))
    >>> bool(np.isclose(np.linalg.norm(along[:2]), np.linalg.norm(theta[:2])))
    True
    """
    parts = []
    for layer in model.layers():
        for array in layer.params.values() if layer.params else ():
            part = rng.standard_normal(array.shape)
            axis = -1 if array.ndim > 1 else None
            size = np.linalg.norm(part, axis=axis, keepdims=True)
            parts.append(part * np.linalg.norm(array, axis=axis, keepdims=True) / size)
    return np.concatenate([part.ravel() for part in parts])


@lru_cache(maxsize=1)
def digits_slice() -> Slice:
    """The slice through a small network's loss on a hundred of the bundled digits, float64.

    >>> found = digits_slice()
    >>> found.directions.shape, bool(found.plane().value(np.zeros(2)) < 0.1)
    ((2, 610), True)
    """
    digits = load_digits()
    x = scale(digits.x_train[:IMAGES], np.float64, white=16)
    model = MLP(x.shape[1], HIDDEN, 10, activation=tanh, rng=0, dtype="float64")
    loss = objective(model, softmax_cross_entropy, x, labels=digits.labels_train[:IMAGES])
    theta, _ = parameter_vector(model)
    rule = Adam(theta, lr=0.05)
    for _ in range(STEPS):
        rule.step(loss(theta)[1](1.0))
    rng = np.random.default_rng(1)
    directions = np.array([filter_normalised(model, rng) for _ in range(2)])
    return Slice(of_block(loss, theta.size), theta.copy(), directions)

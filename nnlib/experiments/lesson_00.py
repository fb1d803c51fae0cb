"""What lesson 00 measures: a network that learns to read digits, and a sigmoid's slope."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nnlib.blocks import linear, sigmoid
from nnlib.checks import Array, number, whole_number
from nnlib.data import load_digits, one_hot, scale
from nnlib.losses import mse

# -- a network that reads digits ------------------------------------------------------------------

UNITS, RATE, BATCH = 16, 20.0, 50  # images, in their order, from which a step learns
STEPS = (0, 10, 30, 100, 300, 1000)  # of gradient descent, after which the network is looked at
UNSEEN, MEANT = load_digits()[2:]  # images from which nothing is learned, and their labels


class Network(NamedTuple):
    """The parameters of two linear layers, a sigmoid behind each."""

    W1: Array
    b1: Array
    W2: Array
    b2: Array


class Reading(NamedTuple):
    """What becomes of an image on its way through a network.

    units     the numbers in the middle, one for each unit.
    pushes    what each unit adds to the score of the answer.
    outputs   ten numbers, of which the largest is the answer.
    share     of all unseen images, those that the network reads right.
    """

    image: Array
    units: Array
    pushes: Array
    outputs: Array
    answer: int
    meant: int
    share: float


def pixels(images: Array) -> Array:
    """A row of 64 numbers in [0, 1] for each image.

    >>> pixels(UNSEEN).shape
    (297, 64)
    """
    return scale(images, np.float64, white=16)


@lru_cache
def learned() -> dict[int, Network]:
    """The network after each of STEPS, learned from the 1,500 bundled training digits.

    >>> list(learned()) == list(STEPS), sum(array.size for array in learned()[0])
    (True, 1210)
    """
    digits, rng = load_digits(), np.random.default_rng(0)
    x, target = pixels(digits.x_train), one_hot(digits.labels_train, 10)
    W1, W2 = rng.normal(0, 0.3, (UNITS, 64)), rng.normal(0, 0.3, (10, UNITS))
    network, kept = Network(W1, np.zeros(UNITS), W2, np.zeros(10)), {}
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            kept[step] = network
        rows = np.arange(step * BATCH, (step + 1) * BATCH) % len(x)
        gradients = slopes(network, x[rows], target[rows])
        network = Network(*(a - RATE * da for a, da in zip(network, gradients)))
    return kept


def slopes(network: Network, x: Array, target: Array) -> Network:
    """The gradient of the mean squared error by each parameter: forward, and all the way back."""
    W1, b1, W2, b2 = network
    z1, z1_pullback = linear(x, W1, b1)
    h, h_pullback = sigmoid(z1)
    z2, z2_pullback = linear(h, W2, b2)
    y, y_pullback = sigmoid(z2)
    dy = mse(y, target=target)[1](1.0)
    dh, dW2, db2 = z2_pullback(y_pullback(dy))
    _, dW1, db1 = z1_pullback(h_pullback(dh))
    return Network(dW1, db1, dW2, db2)


def units_and_outputs(network: Network, x: Array) -> tuple[Array, Array]:
    """What a network makes of rows of pixels: its numbers in the middle, and its outputs."""
    units = sigmoid(linear(x, network.W1, network.b1)[0])[0]
    return units, sigmoid(linear(units, network.W2, network.b2)[0])[0]


def answers(steps: int) -> Array:
    """The digit that the network says of each unseen image after one of STEPS.

    >>> answers(1000).shape
    (297,)
    """
    return units_and_outputs(after(steps), pixels(UNSEEN))[1].argmax(axis=1)


def after(steps: int) -> Network:
    """The network after so many steps.

    Errors   ValueError for what is not one of STEPS.
    """
    if steps not in STEPS:
        raise ValueError(f"after: steps must be one of {STEPS}; got {steps!r}.")
    return learned()[steps]


def reading(steps: int, image: int) -> Reading:
    """An unseen image on its way through the network after one of STEPS.

    >>> found = reading(1000, 0)
    >>> found.answer, found.meant, found.pushes.shape
    (1, 1, (16,))
    """
    image = whole_number("reading", "image", image, low=0)
    if image >= len(UNSEEN):
        raise ValueError(f"reading: image must be below {len(UNSEEN)}; got {image}.")
    network = after(steps)
    units, outputs = units_and_outputs(network, pixels(UNSEEN[image : image + 1]))
    answer, share = int(outputs.argmax()), float((answers(steps) == MEANT).mean())
    pushes = network.W2[answer] * units[0]
    return Reading(UNSEEN[image], units[0], pushes, outputs[0], answer, int(MEANT[image]), share)


# -- the slope of the sigmoid ---------------------------------------------------------------------

REACH = 6.0
EVERYWHERE = np.linspace(-REACH, REACH, 241)
CURVE = EVERYWHERE, sigmoid(EVERYWHERE)[0]


class Tangent(NamedTuple):
    """A point of the sigmoid and its slope there."""

    z: float
    p: float
    slope: float


def tangent(z: float) -> Tangent:
    """The sigmoid's value at z, and what its pullback says of the slope.

    >>> tangent(0.0)
    Tangent(z=0.0, p=0.5, slope=0.25)
    """
    z = number("tangent", "z", z, f"[-{REACH:g}, {REACH:g}]")
    p, pullback = sigmoid(np.array([z]))
    return Tangent(z, float(p[0]), float(pullback(np.ones(1))[0]))

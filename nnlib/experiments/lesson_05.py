"""What lesson 05 measures: signals through depth, noise of gradients, confusions, drawn digits."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import relu, softmax
from nnlib.checks import Array, Rng, generator, whole_number
from nnlib.data import scale
from nnlib.experiments.watched import Curves
from nnlib.initializers import he_normal
from nnlib.layers import Model
from nnlib.machine import one_blas_thread
from nnlib.mlp import MLP
from nnlib.parameters import objective, parameter_vector


def signal(
    init: Callable = he_normal,
    *,
    depth: int = 20,
    width: int = 256,
    activation: Callable = relu,
    samples: int = 200,
    rng: Rng | int,
) -> Array:
    """The mean square of the activations behind 0, 1, ..., depth layers, where the input's is 1.

    Shapes   -> (depth + 1,)
    Source   E-he-u, E-xavier-n: a wrong constant shows after a few layers.

    >>> signal(depth=2, width=8, rng=0).shape
    (3,)
    """
    depth = whole_number("signal", "depth", depth, low=1)
    rng = generator("signal", "rng", rng)
    network = MLP(
        *[width] * (depth + 1), activation=activation, init=init, rng=rng, dtype="float64"
    )
    x = rng.standard_normal((samples, width))
    outputs = network.values(x)  # of linear, activation, linear, ...; the last has no activation
    activations = [x, *outputs[1::2], activation(outputs[-1])[0]]
    return np.array([np.mean(a * a) for a in activations]) / np.mean(x * x)


def gradient_noise(
    model: Model,
    loss: Callable,
    x: Array,
    labels: Array,
    sizes: list[int],
    *,
    draws: int,
    rng: Rng | int,
) -> Array:
    """How far a random batch's gradient lies from that of all rows, for each batch size.

    The root of the mean squared distance over the draws, relative to the length of the whole
    gradient; rows are drawn with replacement, so that it falls exactly as 1/√size.

    Shapes   x (N, ...), labels (N,), sizes (k,) -> (k,)
    Source   D-bp-avg.

    >>> from nnlib.losses import softmax_cross_entropy
    >>> x, labels = np.eye(4), np.array([0, 1, 0, 1])
    >>> model = MLP(4, 2, rng=0, dtype="float64")
    >>> noise = gradient_noise(model, softmax_cross_entropy, x, labels, [1, 100], draws=50, rng=0)
    >>> bool(5 < noise[0] / noise[1] < 20)
    True
    """
    rng, (theta, _) = generator("gradient_noise", "rng", rng), parameter_vector(model)

    def gradient(rows: Any) -> Array:
        _, pullback = objective(model, loss, x[rows], labels=labels[rows])(theta)
        return pullback(1.0)

    whole = gradient(slice(None))
    distances = [
        [np.linalg.norm(gradient(rng.integers(len(x), size=size)) - whole) for _ in range(draws)]
        for size in sizes
    ]
    return np.sqrt(np.mean(np.square(distances), axis=1)) / np.linalg.norm(whole)


def confusion(model: Model, x: Array, labels: Array, classes: int) -> Array:
    """How often each class (row) was read as each class (column).

    Shapes   x (N, ...), labels (N,) -> (classes, classes) of counts

    >>> model = MLP(2, 2, init=lambda shape, rng: np.eye(2), rng=0, dtype="float64")
    >>> confusion(model, np.eye(2)[[0, 0, 1]], np.array([0, 1, 1]), 2)
    array([[1, 0],
           [1, 1]])
    """
    z, _ = model(x)
    cells = classes * labels + z.argmax(axis=-1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


class Watched(NamedTuple):
    """A run as far as it has come, of so many steps, on the way to those that were asked for.

    ended   why it diverged, if it did.
    runs    its curves, and those of the run that it is compared with, by what tells them apart.
    """

    optimizer: str
    lr: float
    batch_size: int
    steps: int
    done: int
    ended: str
    runs: dict[str, Curves]


# -- Digits drawn by hand -------------------------------------------------------------------------


def ink_size(images: Array) -> int:
    """The larger side of the box around the ink, the median over the images: 20 for MNIST.

    Shapes   images (N, height, width) -> pixels
    Errors   ValueError when there is no ink at all.

    >>> ink_size(np.eye(28)[None, :, 4:10])
    6
    """
    inked = [np.argwhere(image) for image in images]
    sides = [np.ptp(places, axis=0).max() + 1 for places in inked if len(places)]
    if not sides:
        raise ValueError("ink_size: images must have ink; all of them are empty.")
    return int(np.median(sides))


def centred(ink: Array, *, size: int = 20) -> Array:
    """A drawing as MNIST's makers stored theirs, 28 x 28: cropped, scaled and centred by its mass.

    The box around the ink is scaled to ``size`` pixels, each the mean of what it covers, and laid
    so that the centre of its mass comes next to pixel (14, 14), or as near as all of it fits in.

    Shapes   ink (height, width), uint8, 0 for paper -> (28, 28), uint8
    Errors   TypeError unless ink is uint8, ValueError for another shape or a drawing without ink.

    >>> pad = np.zeros((200, 100), np.uint8)
    >>> pad[20:100, 60:80] = 255                   # a stroke, 80 x 20, off the middle
    >>> rows, columns = np.nonzero(centred(pad))
    >>> rows.min(), rows.max(), columns.min(), columns.max()
    (np.int64(4), np.int64(23), np.int64(12), np.int64(16))
    """
    if getattr(ink, "dtype", None) != np.uint8:
        got = getattr(ink, "dtype", type(ink).__name__)
        raise TypeError(f"centred: ink must be a uint8 array, 0 for paper; got {got}.")
    if ink.ndim != 2:
        raise ValueError(f"centred: ink must be one image (height, width); got {ink.shape}.")
    size = whole_number("centred", "size", size, low=1, high=28)
    if not ink.any():
        raise ValueError("centred: ink must not be empty: draw a digit.")
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(size * side / max(ink.shape))) for side in ink.shape)
    small = covering(height, ink.shape[0]) @ ink @ covering(width, ink.shape[1]).T
    centre = [np.arange(height) @ small.sum(axis=1), np.arange(width) @ small.sum(axis=0)]
    top, left = (
        int(np.clip(round(14 - moment / small.sum()), 0, 28 - side))
        for moment, side in zip(centre, small.shape)
    )
    image = np.zeros((28, 28), np.uint8)
    image[top : top + height, left : left + width] = np.rint(small)
    return image


def covering(m: int, n: int) -> Array:
    """Row j: the shares of n pixels in the j-th of the m equal parts that they are laid out into.

    >>> covering(2, 3).round(3)
    array([[0.667, 0.333, 0.   ],
           [0.   , 0.333, 0.667]])
    """
    edges, pixels = np.arange(m + 1) * n / m, np.arange(n)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0) * m / n


def read_digit(model: Model, image: Array) -> Array:
    """The probability that the network gives each digit, for one image.

    Shapes   image (height, width), uint8 -> (10,)

    >>> read_digit(MLP(784, 10, rng=0), np.zeros((28, 28), np.uint8)).round(3)[:3]
    array([0.1, 0.1, 0.1], dtype=float32)
    """
    logits, _ = model(scale(image[None], parameter_vector(model)[0].dtype))
    return softmax(logits)[0][0]


class Reading(NamedTuple):
    """What a network sees of a drawing, and the probability that it gives each digit.

    first, second   the likeliest two. Where nothing is drawn all is 0.
    """

    first: int
    second: int
    p: Array
    image: Array


def read_drawing(model: Model, ink: bytes, *, side: int, size: int) -> Reading:
    """Read what is drawn on a pad of side x side bytes, made as large as the images learned from.

    Errors   ValueError for another number of bytes.

    >>> model = MLP(784, 10, init=lambda shape, rng: np.zeros(shape), rng=0)
    >>> read_drawing(model, bytes([255]) * 1600, side=40, size=20).image[4:24, 4:24].min()
    np.uint8(255)
    """
    drawn = np.frombuffer(ink, np.uint8)
    if drawn.size != side * side:
        raise ValueError(
            f"read_drawing: ink must be {side} x {side} bytes; got {drawn.size}. "
            "Clear the pad and draw again."
        )
    if not drawn.any():
        return Reading(0, 0, np.zeros(10), np.zeros((28, 28), np.uint8))
    with one_blas_thread():  # for so little work others would only be waited for
        image = centred(drawn.reshape(side, side), size=size)
        p = read_digit(model, image)
    second, first = np.argsort(p)[-2:]
    return Reading(int(first), int(second), p, image)

"""What lesson 05 measures: a slip raced, signals, noise of gradients, confusions, drawn digits."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import relu, sigmoid, softmax
from nnlib.checks import Array, Pullback, Rng, generator, whole_number
from nnlib.contract import block
from nnlib.data import load_digits, scale
from nnlib.experiments.stored import stored
from nnlib.experiments.watched import Curves
from nnlib.initializers import he_normal, uniform, xavier_normal
from nnlib.layers import Model
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import one_blas_thread
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import objective, parameter_vector
from nnlib.training import Training, accuracy


@block("x (...) -> y (...)")
def sigma_for_slope(x: Array) -> tuple[Array, Pullback]:
    """The sigmoid σ with a slip on the way back: σ itself, where its slope σ(1 - σ) is due.

    Source   E-delta-code.

    >>> y, pullback = sigma_for_slope(np.zeros(1))
    >>> y, pullback(np.ones(1))
    (array([0.5]), array([0.5]))
    """
    y, _ = sigmoid(x)
    return y, lambda dy: dy * y


HIDDEN = {"A": sigma_for_slope, "B": sigmoid}  # the hidden units of two networks, one with a slip


class Learned(NamedTuple):
    """What a run has come to.

    unseen   the accuracy on unseen digits before the first step, and after every so many.
    off, on  the shares of its first hidden values, on the training digits, that end below 0.02
             and above 0.98.
    """

    unseen: Array
    off: float
    on: float


def learned(
    hidden: Callable,
    rate: float,
    *,
    seed: int,
    widths: tuple[int, ...] = (64, 30, 10),
    steps: int = 450,
    every: int = 450,
) -> Learned:
    """A network with these hidden units learns to read the bundled digits.

    By gradient descent on batches of 100; the seed is that of first weights and batches.

    >>> learned(sigmoid, 1.0, seed=0, steps=40, every=20).unseen.shape
    (3,)
    """
    digits = load_digits()
    x, x_test = (scale(part, np.float64, white=16) for part in (digits.x_train, digits.x_test))
    network = MLP(*widths, activation=hidden, init=xavier_normal, rng=seed, dtype="float64")
    rule, loss = GradientDescent(parameter_vector(network)[0], rate), softmax_cross_entropy
    run = Training(network, loss, rule, x, digits.labels_train, batch_size=100, seed=seed)
    unseen = [accuracy(network, x_test, digits.labels_test)]
    for _ in range(steps // every):
        run.run(every)
        unseen.append(accuracy(network, x_test, digits.labels_test))
    values = network.values(x)[1]
    return Learned(np.array(unseen), float(np.mean(values < 0.02)), float(np.mean(values > 0.98)))


@block("z (..., c); labels (...) -> L ()")
def summed_cross_entropy(z: Array, *, labels: Array) -> tuple[float, Pullback]:
    """Softmax cross-entropy summed over the rows, where their mean is usual.

    Source   E-normalise.

    >>> L, pullback = summed_cross_entropy(np.zeros((3, 2)), labels=np.array([0, 1, 1]))
    >>> round(L, 3), pullback(1.0)[0]
    (2.079, array([-0.5,  0.5]))
    """
    L, pullback = softmax_cross_entropy(z, labels=labels)
    rows = labels.size
    return rows * L, lambda dL: pullback(rows * dL)


def in_columns(model: Model, x: Array) -> tuple[list[Array], list[Array]]:
    """The logits of each linear layer and the inputs of each, as E keeps them: samples as columns.

    Shapes   x (B, n) -> logits [(m, B), ...], activations [(n, B), ...], the input the first

    >>> logits, activations = in_columns(MLP(4, 3, 2, rng=0, dtype="float64"), np.ones((5, 4)))
    >>> [z.shape for z in logits], [a.shape for a in activations]
    ([(3, 5), (2, 5)], [(4, 5), (3, 5)])
    """
    values = model.values(x)  # type: ignore[attr-defined]  # of linear, relu, linear, ...
    return [z.T for z in values[::2]], [x.T, *(a.T for a in values[1::2])]


def reader(*widths: int, data: tuple[Array, Array], steps: int) -> MLP:
    """An MLP that has learned to read these images with Adam at its usual rate, batches of 100.

    data   the images in rows, and their labels.

    >>> digits = load_digits()
    >>> data = scale(digits.x_train, white=16), digits.labels_train
    >>> one = reader(64, 10, data=data, steps=400)
    >>> accuracy(one, *data) > 0.6
    True
    """
    network = MLP(*widths, rng=0)
    rule, loss = Adam(parameter_vector(network)[0]), softmax_cross_entropy
    Training(network, loss, rule, *data, batch_size=100, seed=0).run(steps)
    return network


class Fit(NamedTuple):
    """A network before the first epoch and after each: on what it learns from, and on what not."""

    seen: Array
    unseen: Array


def accuracy_by_epoch(run: Training, x_test: Array, labels_test: Array, *, epochs: int) -> Fit:
    """Train for so many epochs and read all images, seen and unseen, after each.

    >>> model, x, labels = MLP(2, 2, rng=0), np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> rule = Adam(parameter_vector(model)[0], lr=0.1)
    >>> run = Training(model, softmax_cross_entropy, rule, x, labels, batch_size=2, seed=0)
    >>> accuracy_by_epoch(run, x, labels, epochs=20).seen[-1]
    np.float64(1.0)
    """
    read = lambda: [
        accuracy(run.model, run.x, run.labels), accuracy(run.model, x_test, labels_test)
    ]  # fmt: skip
    found = [read()]
    for _ in range(epochs):
        run.run(run.steps_per_epoch)
        found.append(read())
    return Fit(*np.transpose(found))


def stored_runs(claim: str, measure: str = "test accuracy") -> list[dict[str, str]]:
    """The stored rows of lesson 05 about one thing, of measures that begin so.

    >>> [row["arm"] for row in stored_runs("pixels")]
    ['0 to 255', '0 to 1']
    """
    rows = stored("05_runs")
    return [r for r in rows if r["claim"] == claim and r["measure"].startswith(measure)]


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


def bounded(share: float) -> Callable:
    """An initialiser: uniform between ±√(share/n) where a unit has n inputs; He's share is 6.

    Source   E-he-u prints 3.

    >>> from nnlib.initializers import he_uniform
    >>> np.allclose(bounded(6)((2, 3), rng=0), he_uniform((2, 3), rng=0))
    True
    """

    def init(shape: tuple[int, int], *, rng: Rng | int, dtype: object = "float64") -> Array:
        bound = np.sqrt(share / shape[1])
        return uniform(shape, low=-bound, high=bound, rng=rng, dtype=dtype)

    return init


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

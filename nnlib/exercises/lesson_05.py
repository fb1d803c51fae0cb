"""The exercises of lesson 05: forward, a bound, the last δ, one layer back, dW and db, counts."""

from collections.abc import Callable

import numpy as np

from nnlib.blocks import sigmoid, softmax
from nnlib.checks import Array
from nnlib.data import one_hot
from nnlib.exercises.judge import Exercise
from nnlib.initializers import he_uniform
from nnlib.losses import softmax_cross_entropy

RNG = np.random.default_rng(5)

# -- the forward pass -----------------------------------------------------------------------------


def relu_of(z: Array) -> Array:
    """ReLU's value."""
    return np.maximum(z, 0)


def columns_softmax(z: Array, axis: int | None = 0) -> Array:
    """Softmax down each column, or along another axis, or over all."""
    e = np.exp(z - z.max())
    return e / e.sum(axis=axis, keepdims=True)


def shared_out(z: Array, axis: int | None) -> Array:
    """The exponentials, the largest of each column being 1, as shares of a sum along this axis."""
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=axis, keepdims=True)


def forward_with(
    hidden: Callable = relu_of, last: Callable = columns_softmax, bias: Callable = lambda b: b
) -> Callable:
    """E's forward pass, a part of which may be another."""

    def forward(weights: list[Array], biases: list[Array], a: Array) -> Array:
        for W, b in zip(weights[:-1], biases[:-1]):
            a = hidden(W @ a + bias(b))
        return last(weights[-1] @ a + bias(biases[-1]))

    return forward


def bias_behind_relu(weights: list[Array], biases: list[Array], a: Array) -> Array:
    """The forward pass with max(Wa, 0) + b."""
    for W, b in zip(weights[:-1], biases[:-1]):
        a = relu_of(W @ a) + b
    return columns_softmax(weights[-1] @ a + biases[-1])


def small_network(*widths: int) -> tuple[list[Array], list[Array]]:
    """Weights (m, n) and biases (m, 1) of these widths, without pattern."""
    pairs = list(zip(widths[1:], widths))
    return [RNG.standard_normal(pair) for pair in pairs], [
        RNG.standard_normal((m, 1)) for m, _ in pairs
    ]


FORWARD = Exercise(
    task="Return the probabilities, a column for each image: ReLU between layers, softmax last.",
    right=forward_with(),
    samples={
        "with five images and widths 4, 3, 3, 2": (
            *small_network(4, 3, 3, 2),
            RNG.standard_normal((4, 5)),
        ),
        "with three images and widths 3, 3, 3": (
            *small_network(3, 3, 3),
            RNG.standard_normal((3, 3)),
        ),
    },
    results=("p",),
    slips={
        "ReLU stands behind the last layer too: its scores may be negative, softmax takes them.": (
            forward_with(last=lambda z: columns_softmax(relu_of(z)))
        ),
        "The scores of the last layer are returned; softmax is still to come.": (
            forward_with(last=lambda z: z)
        ),
        "Nothing stands between the layers: so they are one linear map. Put ReLU there.": (
            forward_with(hidden=lambda z: z)
        ),
        "Softmax runs along the rows: an image is a column, and its probabilities sum to 1.": (
            forward_with(last=lambda z: columns_softmax(z, 1))
        ),
        "Softmax runs over all images at once: each column is to sum to 1.": (
            forward_with(last=lambda z: columns_softmax(z, None))
        ),
        "The largest of each column is taken off, but the sum runs along the rows.": (
            forward_with(last=lambda z: shared_out(z, 1))
        ),
        "The largest of each column is taken off, but the sum runs over all images at once.": (
            forward_with(last=lambda z: shared_out(z, None))
        ),
        "The biases are left out.": forward_with(bias=lambda b: 0 * b),
        "The bias comes behind ReLU; it belongs into z, which ReLU then cuts.": bias_behind_relu,
        "The hidden layers have a sigmoid; this network has ReLU.": (
            forward_with(hidden=lambda z: sigmoid(z)[0])
        ),
        "ReLU stands behind the last layer in place of softmax.": forward_with(last=relu_of),
        "The last layer has a sigmoid: ten separate answers, whose sum is not 1.": (
            forward_with(last=lambda z: sigmoid(z)[0])
        ),
        "softmax returns a pair, of which the probabilities are the first.": (
            forward_with(last=lambda z: softmax(z, axis=0))
        ),
    },
    proved="This is all that the network computes; whatever it knows is in W and b.",
)

# -- He's bound -----------------------------------------------------------------------------------

BOUND = Exercise(
    task="Return the b for which weights from a uniform on [-b, b] keep the signal, for n inputs.",
    right=lambda n: np.sqrt(6 / n),
    samples={"for 784 inputs": (784,), "for 20 inputs": (20,)},
    results=("b",),
    slips={
        "The variance of this uniform is 1/n: ReLU halves the mean square, so 2/n is due.": (
            lambda n: np.sqrt(3 / n)
        ),
        "That is He's standard deviation; a uniform on [-b, b] has b/√3.": (
            lambda n: np.sqrt(2 / n)
        ),
        "That is LeCun's deviation: ReLU wants twice the variance, a uniform √3 of its root.": (
            lambda n: np.sqrt(1 / n)
        ),
        "The root is of n as well: b² = 6/n.": lambda n: np.sqrt(6) / n,
        "That is the variance; the bound is √3 of its root.": lambda n: 2 / n,
        "The root is missing: b²/3 is the variance.": lambda n: 6 / n,
        "A uniform on [-b, b] has the variance b²/3; b²/12 is that of one from 0 to b.": (
            lambda n: np.sqrt(24 / n)
        ),
        "It is the variance that is to be 2/n, b²/3; here b/√3, the deviation, is.": (
            lambda n: np.sqrt(3) * 2 / n
        ),
        "This grows with n; a sum of more products needs smaller ones.": lambda n: np.sqrt(n / 6),
    },
    proved="It is the bound of he_uniform.",
    shown=he_uniform,
)

# -- the last δ -----------------------------------------------------------------------------------


def with_answers(B: int, C: int) -> tuple[Array, Array]:
    """Probabilities (C, B) and one-hot answers, a column for each image."""
    labels = np.arange(B) % C
    return RNG.dirichlet(np.ones(C), size=B).T, one_hot(labels, C).T


LAST = Exercise(
    task="Return δ of the last layer, dL/dz, from p and Y, a column for each image.",
    right=lambda p, Y: (p - Y) / p.shape[1],
    samples={
        "with three classes and five images": with_answers(5, 3),
        "with as many classes as images": with_answers(4, 4),
    },
    results=("delta",),
    slips={
        "The sign is turned: where p is too large, the score is to fall, so dL/dz is positive.": (
            lambda p, Y: (Y - p) / p.shape[1]
        ),
        "The loss is a mean over the images: divide by their number, as E does last of all.": (
            lambda p, Y: p - Y
        ),
        "The sign is turned, and 1/n is missing.": lambda p, Y: Y - p,
        "Softmax is read entry by entry, p(1 - p): but each score moves all probabilities.": (
            lambda p, Y: -Y * (1 - p) / p.shape[1]
        ),
        "That is dL/dp; the way through softmax is still to go.": (
            lambda p, Y: -Y / (p * p.shape[1])
        ),
        "It divides by the number of classes; the mean is over the images.": (
            lambda p, Y: (p - Y) / p.shape[0]
        ),
        "The number of images is p.shape[1], and 100 in the lesson's batch alone.": (
            lambda p, Y: (p - Y) / 100
        ),
        "It is transposed: E keeps a column for each image.": (
            lambda p, Y: ((p - Y) / p.shape[1]).T
        ),
        "It is a mean over the images: each keeps a column of its own.": (
            lambda p, Y: ((p - Y) / p.shape[1]).mean(axis=1)
        ),
        "It divides by the number of entries; the mean is over the images.": (
            lambda p, Y: (p - Y) / p.size
        ),
        "The images are summed: each keeps a column of its own, until it has met its input.": (
            lambda p, Y: ((p - Y) / p.shape[1]).sum(axis=1)
        ),
        "The images are summed: keepdims=True keeps the axis, but they are to stay apart.": (
            lambda p, Y: ((p - Y) / p.shape[1]).sum(axis=1, keepdims=True)
        ),
        "The slope p(1 - p) counts once too often: it has cancelled against 1/p.": (
            lambda p, Y: (p - Y) * p * (1 - p) / p.shape[1]
        ),
    },
    proved="Ten numbers for each image, and they sum to 0: what one score gains the others lose.",
    shown=softmax_cross_entropy,
)

# -- one layer back -------------------------------------------------------------------------------


def one_layer(*, wide: int, high: int, B: int) -> tuple[Array, ...]:
    """W (high, wide) and delta (high, B) of the layer above, z (wide, B) of the layer below."""
    return tuple(RNG.standard_normal(shape) for shape in ((high, wide), (high, B), (wide, B)))


ONE_BACK = Exercise(
    task="Return δ of the layer below, from W and delta of the layer above it, and its own z.",
    right=lambda W, delta, z: (W.T @ delta) * (z > 0),
    samples={
        "with 4 units below 3": one_layer(wide=4, high=3, B=5),
        "with 3 units below 3": one_layer(wide=3, high=3, B=3),
    },
    results=("delta",),
    slips={
        "That is f(z), the value of ReLU, where its slope f′(z) is due: 1 where z > 0, else 0.": (
            lambda W, delta, z: (W.T @ delta) * relu_of(z)
        ),
        "W needs its transpose: unit j collects from all units k that it went to, W[k, j].": (
            lambda W, delta, z: (W @ delta) * (z > 0)
        ),
        "ReLU's slope is missing: a unit that was off has passed nothing on.": (
            lambda W, delta, z: W.T @ delta
        ),
        "The mask is turned round: a slope is 1 where z > 0.": (
            lambda W, delta, z: (W.T @ delta) * (z <= 0)
        ),
        "It keeps where the *gradient* is positive; ReLU's slope asks for the sign of z.": (
            lambda W, delta, z: relu_of(W.T @ delta)
        ),
        "That is σ, and neither this network's activation nor a slope.": (
            lambda W, delta, z: (W.T @ delta) * sigmoid(z)[0]
        ),
        "That is the slope of the sigmoid; this network has ReLU.": (
            lambda W, delta, z: (W.T @ delta) * sigmoid(z)[0] * (1 - sigmoid(z)[0])
        ),
        "The slope where z < 0 is 0, not −1 as np.sign gives.": (
            lambda W, delta, z: (W.T @ delta) * np.sign(z)
        ),
        "It multiplies by z; the slope of ReLU is 1 or 0.": lambda W, delta, z: (W.T @ delta) * z,
        "The mask belongs behind W: it is the lower layer's z that has passed ReLU.": (
            lambda W, delta, z: W.T @ (delta * (z > 0))
        ),
        "ReLU's slope enters as a matrix product; it belongs entry by entry.": (
            lambda W, delta, z: (W.T @ delta) @ (z > 0)
        ),
        "The sign is turned.": lambda W, delta, z: -(W.T @ delta) * (z > 0),
        "It is transposed: E keeps a column for each image.": (
            lambda W, delta, z: ((W.T @ delta) * (z > 0)).T
        ),
    },
    proved="From the last δ, this line gives all others: it is the chain rule, layer by layer.",
)

# -- weights and biases ---------------------------------------------------------------------------


def gradients_with(
    dW: Callable = lambda delta, a: delta @ a.T,
    db: Callable = lambda delta: delta.sum(axis=1, keepdims=True),
) -> Callable:
    """A layer's gradients, one of which may be another."""
    return lambda delta, a: (dW(delta, a), db(delta))


GRADIENTS = Exercise(
    task="Return dW (m, n) and db (m, 1) of a layer, from its δ (m, B) and its input a (n, B).",
    right=gradients_with(),
    samples={
        "with 3 units, 4 inputs and 5 images": (
            RNG.standard_normal((3, 5)),
            RNG.standard_normal((4, 5)),
        ),
        "with 3 units, 3 inputs and 3 images": (
            RNG.standard_normal((3, 3)),
            RNG.standard_normal((3, 3)),
        ),
    },
    results=("dW", "db"),
    slips={
        "dW is transposed: a row of W belongs to a unit, and so does a row of δ.": (
            gradients_with(dW=lambda delta, a: a @ delta.T)
        ),
        "a needs its transpose: the product is to sum over the images.": (
            gradients_with(dW=lambda delta, a: delta @ a)
        ),
        "δ is transposed, and not a: the product is to sum over the images.": (
            gradients_with(dW=lambda delta, a: delta.T @ a)
        ),
        "np.outer pairs all numbers with all, across images; each δ meets its own image's a.": (
            gradients_with(dW=np.outer)
        ),
        "db is still a column for each image: the sum over the images is forgotten.": (
            gradients_with(db=lambda delta: delta)
        ),
        "db is the mean over the images; the 1/n is in δ already, so sum.": (
            gradients_with(db=lambda delta: delta.mean(axis=1, keepdims=True))
        ),
        "db sums down the columns: a unit is a row, and its images are summed.": (
            gradients_with(db=lambda delta: delta.sum(axis=0, keepdims=True))
        ),
        "db has lost its axis: keepdims=True keeps the column (m, 1) that b is.": (
            gradients_with(db=lambda delta: delta.sum(axis=1))
        ),
        "Both are divided by the number of images; the 1/n is in δ already.": (
            lambda delta, a: tuple(g / delta.shape[1] for g in gradients_with()(delta, a))
        ),
        "Only dW is divided by the number of images; the 1/n is in δ already.": (
            gradients_with(dW=lambda delta, a: delta @ a.T / delta.shape[1])
        ),
        "δ is summed before it meets its inputs: each image's δ belongs to that image's a.": (
            gradients_with(
                dW=lambda delta, a: np.outer(delta.sum(axis=1), a.mean(axis=1)),
            )
        ),
        "δ and a are each summed before they meet: each image's δ belongs to that image's a.": (
            gradients_with(dW=lambda delta, a: np.outer(delta.sum(axis=1), a.sum(axis=1)))
        ),
        "The order is dW, db.": lambda delta, a: gradients_with()(delta, a)[::-1],
    },
    proved="Both have the shapes of W and b, and with the two lines before they are all of it.",
)

# -- which for which ------------------------------------------------------------------------------


def counted(labels: Array, read: Array) -> Array:
    """How often each digit (row) was read as each digit (column)."""
    counts = np.zeros((10, 10))
    np.add.at(counts, (labels, read), 1)
    return counts


def counted_once(labels: Array, read: Array) -> Array:
    """The same, of pairs that occur, however often."""
    return np.minimum(counted(labels, read), 1)


def without_right(counts: Array) -> Array:
    """The mistakes alone."""
    return counts * (1 - np.eye(10))


CONFUSION = Exercise(
    task="Return the (10, 10) table: how often each digit (row) was read as each digit (column).",
    right=counted,
    samples={
        "with forty images": (RNG.integers(10, size=40), RNG.integers(10, size=40)),
        "with two digits only": (np.array([4, 4, 7, 7]), np.array([4, 7, 7, 4])),
    },
    results=("counts",),
    slips={
        "counts[labels, read] += 1 adds 1 once, however often a pair occurs: use np.add.at.": (
            counted_once
        ),
        "It is transposed: the true digit is the row.": lambda labels, read: counted(read, labels),
        "The right answers are missing; they belong on the diagonal.": (
            lambda labels, read: without_right(counted(labels, read))
        ),
        "Each row is a share of its digit's images; how often is asked.": (
            lambda labels, read: (
                counted(labels, read) / counted(labels, read).sum(axis=1, keepdims=True)
            )
        ),
        "It is a share of all images; how often is asked.": (
            lambda labels, read: counted(labels, read) / len(labels)
        ),
        "Each pair counts both ways: 4 read as 9 is not 9 read as 4.": (
            lambda labels, read: counted(labels, read) + counted(read, labels)
        ),
        "Only right answers are counted.": (
            lambda labels, read: counted(labels, read) * np.eye(10)
        ),
    },
    proved="Its diagonal is the right answers, and each row sums to how often its digit occurs.",
)

EXERCISES = {
    "forward pass": FORWARD,
    "He's bound": BOUND,
    "last delta": LAST,
    "one layer back": ONE_BACK,
    "layer's gradients": GRADIENTS,
    "confusion": CONFUSION,
}

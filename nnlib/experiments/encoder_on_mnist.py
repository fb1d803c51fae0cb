"""A transformer's encoder that reads digits: its tokens, its training, what it has learned.

The settings were chosen on the last 5,000 of MNIST's training images. The long runs are those of
``python -m benchmarks.encoder_06``, which stores their tables and weights.
"""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from nnlib.checkpoints import load_weights
from nnlib.checks import Array, Rng, one_of, whole_number
from nnlib.data import scale
from nnlib.experiments.stored import stored
from nnlib.images import Shift, patches
from nnlib.layers import Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam, cosine_decay, warmup
from nnlib.parameters import Model, parameter_vector
from nnlib.training import Training
from nnlib.transformer import TokenClassifier

SIDE, CLASSES = 28, 10
BATCH, RATE, WARM = 64, 2e-3, 200  # images, learning rate, steps until it is reached
LIVE = 4000  # steps of a run that a class waits for: some 15 seconds, and 0.97 or more
AT_ONCE = 1000  # images in a batch that is only read
COMPARISONS = "equal_time", "readout", "tokens", "positions", "norm", "norm_deep"
VARIANTS: dict[str, dict[str, Any]] = {  # how the file of each is called, and what is different
    "": {},
    "_two_layers": {"layers": 2},
    "_post_norm": {"norm_first": False},
    "_no_positions": {"positions": None},
}


def as_tokens(images: Array, patch: tuple[int, int] = (1, SIDE)) -> Array:
    """Images as rows of tokens: each a patch of so many rows and columns, its pixels in [0, 1].

    Shapes   images (N, height, width), uint8 -> (N, T, f), float32
    Errors   as nnlib.data.scale; ValueError for a patch that does not divide the images.

    >>> images = np.zeros((5, 28, 28), np.uint8)
    >>> as_tokens(images).shape, as_tokens(images, (4, 4)).shape, as_tokens(images, (7, 7)).shape
    ((5, 28, 28), (5, 49, 16), (5, 16, 49))
    """
    return patches(scale(images).reshape(images.shape), patch=patch)[0]


def encoder(*, rng: Rng | int | None, **options: Any) -> TokenClassifier:
    """The encoder that reads 28 rows of 28 pixels: d 64, 4 heads, d_ff 256, one layer.

    options   of nnlib.transformer.TokenClassifier.

    >>> [parameter_vector(encoder(rng=0, layers=layers))[0].size for layers in (1, 2)]
    [54538, 104522]
    """
    return TokenClassifier(SIDE, SIDE, CLASSES, rng=rng, **options)


def trained(data: str = "mnist", **options: Any) -> TokenClassifier:
    """The encoder with the weights that a run of some minutes has stored.

    data      "mnist", or "digits": the bundled ones, enlarged as ``load_mnist`` gives them.
    options   those of a variant that is stored: none, ``layers=2``, ``norm_first=False`` or
              ``positions=None``.
    Errors    ValueError for another.

    >>> model = trained("digits", layers=2)
    >>> model(np.zeros((1, 28, 28), np.float32))[0].shape
    (1, 10)
    """
    one_of("trained", "data", data, ("mnist", "digits"))
    if options not in VARIANTS.values():
        due = " or ".join(str(its) for its in VARIANTS.values())
        raise ValueError(
            f"trained: options must be {due}, whose weights are stored; got {options}."
        )
    return load_weights(stored_as(data, options), encoder(rng=0, **options))


def stored_as(data: str, options: dict[str, Any]) -> str:
    """The name of a variant's weights.

    >>> stored_as("mnist", {"layers": 2})
    '06_mnist_two_layers'
    """
    return f"06_{data}" + next(name for name, its in VARIANTS.items() if its == options)


def training_of(
    model: Model,
    x: Array,
    labels: Array,
    *,
    steps: int,
    seed: int,
    lr: float = RATE,
    warm: int = WARM,
    batch_size: int = BATCH,
    pixels: int = 1,
    workers: int = 1,
) -> Training:
    """A run of so many steps on images that are moved by up to so many pixels each time.

    Adam's rate rises to lr over the first ``warm`` steps and falls to 0 along half a cosine, so the
    number of steps belongs to the run: ``training.run(steps)`` takes them all.

    Shapes   x (N, height, width), labels (N,)
    Errors   as nnlib.training.Training, Shift, warmup and cosine_decay.

    >>> x, labels = np.zeros((8, 28, 28), np.float32), np.arange(8)
    >>> training = training_of(encoder(rng=0), x, labels, steps=2, seed=0, batch_size=8)
    >>> len(training.run(2)), training.optimizer.lr
    (2, 1e-05)
    """
    schedule = cosine_decay(lr, steps=whole_number("training_of", "steps", steps, low=1))
    if warm:
        schedule = warmup(schedule, steps=warm)
    seen = Sequential(Shift(pixels), model)
    optimizer = Adam(parameter_vector(seen)[0], lr=lr)
    options: Any = {"batch_size": batch_size, "seed": seed, "workers": workers}
    return Training(seen, softmax_cross_entropy, optimizer, x, labels, schedule=schedule, **options)


class Mistakes(NamedTuple):
    """What a model reads wrongly.

    share   of all images.
    rows    (n,) which images, in order.
    read    (n,) as what they are read.
    pairs   (what it is, as what it is read, how often), the most frequent first.
    """

    share: float
    rows: Array
    read: Array
    pairs: list[tuple[int, int, int]]


def mistakes(model: Model, x: Array, labels: Array) -> Mistakes:
    """Which images a model reads wrongly, and as what.

    Shapes   x (N, ...), labels (N,)

    >>> from nnlib.layers import Linear
    >>> model = Linear(3, 3, init=lambda shape, rng: np.eye(3), rng=0)
    >>> mistakes(model, np.eye(3)[[0, 1, 2, 2]], np.array([0, 2, 1, 1]))
    Mistakes(share=0.75, rows=array([1, 2, 3]), read=array([1, 2, 2]), pairs=[(1, 2, 2), (2, 1, 1)])
    """
    parts = [model(x[first : first + AT_ONCE])[0] for first in range(0, len(x), AT_ONCE)]
    read = np.concatenate(parts).argmax(axis=-1)
    rows = np.flatnonzero(read != labels)
    counts = Counter(zip(labels[rows].tolist(), read[rows].tolist()))
    pairs = sorted(((*pair, times) for pair, times in counts.items()), key=lambda p: (-p[2], p))
    return Mistakes(len(rows) / len(x), rows, read[rows], pairs)


# -- what the long runs have stored ----------------------------------------------------------------


class Course(NamedTuple):
    """What the encoder reached along a run: means over the seeds, and how far these lie apart.

    steps, accuracy, spread   of the test images read rightly behind so many steps.
    loss_at, loss             the mean over the steps since the one before.
    """

    steps: Array
    accuracy: Array
    spread: Array
    loss_at: Array
    loss: Array


def course(budget: str = "90 s") -> Course:
    """The course of the encoder's run of "90 s" or "5 minutes", on two cores.

    Errors   ValueError for another.

    >>> found = course()
    >>> bool(found.accuracy[-1] >= 0.98), len(found.steps) == len(found.loss) + 1
    (True, True)
    """
    one_of("course", "budget", budget, ("90 s", "5 minutes"))
    rows = [row for row in stored("06_curves") if row["arm"] == budget]
    tested, losses = (
        [row for row in rows if row["measure"].startswith(start)] for start in ("test", "training")
    )
    last = lambda some: np.array([int(row["measure"].split()[-1]) for row in some])
    column = lambda some, name: np.array([float(row[name]) for row in some])
    return Course(
        last(tested),
        column(tested, "mean"),
        column(tested, "spread"),
        last(losses),
        column(losses, "mean"),
    )


class Outcome(NamedTuple):
    """What an arm of a comparison reached on the test images, the mean over the seeds.

    spread   the largest less the smallest.
    ahead    by each other arm, with what share of the seeds this one was better: a seed gives arms
             with batches of one size the same batches and shifts.
    """

    accuracy: float
    spread: float
    seeds: int
    ahead: dict[str, float]


def comparison(table: str) -> dict[str, Outcome]:
    """The arms of a stored comparison, by their names.

    table    one of COMPARISONS.
    Errors   ValueError for another.

    >>> found = comparison("readout")
    >>> sorted(found), found["class"].seeds
    (['class', 'mean'], 5)
    """
    one_of("comparison", "table", table, COMPARISONS)
    arms: dict[str, Outcome] = {}
    for row in stored(f"06_{table}"):
        mean, measure = float(row["mean"]), row["measure"]
        if measure == "test accuracy":
            arms[row["arm"]] = Outcome(mean, float(row["spread"]), int(row["seeds"]), {})
        else:
            arms[row["arm"]].ahead[measure.removeprefix("share of seeds ahead of ")] = mean
    return arms

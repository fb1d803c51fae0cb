"""What lesson 06 measures: pages to look up, saturated rows, norms, the gradient's way back."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import relu, softmax
from nnlib.checks import Array, Pullback, Rng, generator, one_of, whole_number
from nnlib.data import load_digits, scale
from nnlib.layers import Composite, Layer, Linear, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, flatten
from nnlib.optimizers import Adam
from nnlib.parameters import Model, parameter_vector
from nnlib.training import Training, accuracy
from nnlib.transformer import EncoderLayer, MultiHeadAttention, TokenClassifier

# -- A page of names with a digit each -------------------------------------------------------------

PAIRS, NAMES, DIGITS = 4, 8, 10  # on a page; and to choose from


class Pages(NamedTuple):
    """Pages of names with a digit each, the name that is asked, and its digit.

    Shapes   names and digits (N, 4); asked and answer (N,)
    """

    names: Array
    digits: Array
    asked: Array
    answer: Array


def random_pages(n: int, *, rng: Rng | int) -> Pages:
    """Pages on which no name stands twice; a digit may.

    >>> pages = random_pages(1, rng=0)
    >>> pages.names[0].tolist(), pages.digits[0].tolist(), pages.asked.tolist()
    ([2, 4, 3, 6], [1, 8, 6, 9], [3])
    """
    n, rng = whole_number("random_pages", "n", n, low=1), generator("random_pages", "rng", rng)
    names = rng.permuted(np.tile(np.arange(NAMES), (n, 1)), axis=1)[:, :PAIRS]
    digits = rng.integers(0, DIGITS, (n, PAIRS))
    page, place = np.arange(n), rng.integers(0, PAIRS, n)
    return Pages(names, digits, names[page, place], digits[page, place])


def page_tokens(pages: Pages) -> Array:
    """What is asked and the four pairs as rows: a name's one-hot row beside a digit's.

    The first row, which asks, has no digit.

    Shapes   -> (N, 5, 18)

    >>> page_tokens(random_pages(3, rng=0)).sum(axis=-1)[0]
    array([1., 2., 2., 2., 2.])
    """
    asked = np.zeros((len(pages.asked), 1, NAMES + DIGITS))
    asked[:, 0, :NAMES] = np.eye(NAMES)[pages.asked]
    pairs = [np.eye(NAMES)[pages.names], np.eye(DIGITS)[pages.digits]]
    return np.concatenate([asked, np.concatenate(pairs, axis=-1)], axis=1)


class LookUp(Composite):
    """Attention in one head from the first token to the others; the digit's part of what it finds.

    Shapes     x (B, 5, 18) -> z (B, 10)
    Pullback   dx.

    >>> LookUp(rng=0)(page_tokens(random_pages(3, rng=0)))[0].shape
    (3, 10)
    """

    def __init__(self, *, rng: Rng | int) -> None:
        self.attend = MultiHeadAttention(NAMES + DIGITS, 1, rng=rng)
        super().__init__(self.attend)

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        y, attend_pullback = self.attend(x[:, :1], x[:, 1:])

        def pullback(dz: Array) -> Array:
            dy = np.zeros_like(y)
            dy[:, 0, NAMES:] = dz
            return np.concatenate(attend_pullback(dy), axis=1)

        return y[:, 0, NAMES:], pullback

    def weights(self, x: Array) -> Array:
        """How much the first token attends to each of the others.

        Shapes   x (B, 5, 18) -> (B, 4)
        """
        return self.attend.weights(x[:, :1], x[:, 1:])[:, 0, 0]


def page_mlp(*hidden: int, seed: int) -> Sequential:
    """An MLP that gets a page's five tokens side by side.

    >>> parameter_vector(page_mlp(128, seed=0))[0].size
    12938
    """
    widths = (PAIRS + 1) * (NAMES + DIGITS), *hidden, DIGITS
    return Sequential(Layer(flatten), MLP(*widths, rng=seed, dtype="float64"))


class Reader(NamedTuple):
    """What a network answers after it was trained on pages.

    seen      the share of right answers on those pages.
    unseen    the same on 2,000 new ones.
    on_page   how often its answer for a new page is a digit that stands on it.
    numbers   how many parameters it has.
    """

    seen: float
    unseen: float
    on_page: float
    numbers: int


def new_pages(seed: int) -> Pages:
    """2,000 pages to ask about; no training draws from the same generator."""
    return random_pages(2000, rng=np.random.default_rng([seed, 1]))


def taught(
    model: Model, *, pages: int = 2000, steps: int = 1000, lr: float = 3e-3, seed: int
) -> Reader:
    """Train a model on so many pages, and ask it about new ones.

    >>> taught(LookUp(rng=0), pages=200, steps=1, seed=0).numbers
    1368
    """
    learned, new = random_pages(pages, rng=seed), new_pages(seed)
    rule = Adam(parameter_vector(model)[0], lr)
    data = page_tokens(learned), learned.answer
    Training(model, softmax_cross_entropy, rule, *data, batch_size=100, seed=seed).run(steps)
    answers = [model(page_tokens(some))[0].argmax(axis=-1) for some in (learned, new)]
    seen, unseen = ((said == some.answer).mean() for said, some in zip(answers, (learned, new)))
    on_page = (new.digits == answers[1][:, None]).any(axis=1).mean()
    return Reader(float(seen), float(unseen), float(on_page), rule.theta.size)


def most_frequent(pages: Pages) -> float:
    """The share of right answers of who names the digit that stands most often on each page.

    Where several stand equally often, one of them by chance.

    >>> most_frequent(Pages(*(np.array(a) for a in ([[0, 1, 2, 3]], [[7, 7, 5, 1]], [2], [5]))))
    0.0
    """
    counts = (pages.digits[:, :, None] == np.arange(DIGITS)).sum(axis=1)
    often = counts == counts.max(axis=1, keepdims=True)
    right = often[np.arange(len(often)), pages.answer] / often.sum(axis=1)
    return float(right.mean())


# -- What softmax does with large scores -----------------------------------------------------------


class Rows(NamedTuple):
    """The rows of attention at the first weights.

    entropy    the mean over the rows, in nats; ln T where all weights are equal.
    largest    the mean of each row's largest weight.
    gradient   the length of dL/dscores in the middle row, by length, for a random dL/dA.
    """

    entropy: float
    largest: float
    gradient: float


def first_rows(d: int, *, scaled: bool, tokens: int = 28, seed: int) -> Rows:
    """Attention's rows where all entries of q and k are standard normal.

    >>> free, scaled = (first_rows(64, scaled=scaled, seed=0).entropy for scaled in (False, True))
    >>> scaled > 2 * free
    True
    """
    rng = generator("first_rows", "seed", seed)
    q, k = rng.standard_normal((2, tokens, whole_number("first_rows", "d", d, low=1)))
    scores = q @ k.T / (np.sqrt(d) if scaled else 1.0)
    A, pullback = softmax(scores)
    lengths = np.linalg.norm(pullback(rng.standard_normal(A.shape)), axis=1)
    entropies = -(A * np.log(np.maximum(A, np.finfo(float).tiny))).sum(axis=1)
    return Rows(*(float(x) for x in (entropies.mean(), A.max(axis=1).mean(), np.median(lengths))))


# -- Layer norm with another way back --------------------------------------------------------------


def trained_with(norm: Callable, *, steps: int = 300, seed: int) -> tuple[Array, float]:
    """The losses of an MLP whose layers are normed by this block, and its accuracy on new digits.

    64-32-32-32-10, ReLU behind each norm, on the bundled digits, float64, Adam, batches of 100.

    >>> from nnlib.blocks import layer_norm
    >>> losses, right = trained_with(layer_norm, steps=5, seed=0)
    >>> losses.shape, 0 < right < 1
    ((5,), True)
    """
    digits = load_digits()
    x, x_new = (scale(x, np.float64, white=16) for x in (digits.x_train, digits.x_test))
    rng, parts = generator("trained_with", "seed", seed), []
    for d_in in (64, 32, 32):
        normed = Layer(norm, gamma=np.ones(32), beta=np.zeros(32))
        parts += [Linear(d_in, 32, rng=rng), normed, Layer(relu)]
    model = Sequential(*parts, Linear(32, 10, rng=rng))
    rule = Adam(parameter_vector(model)[0], 3e-3)
    data = x, digits.labels_train
    run = Training(model, softmax_cross_entropy, rule, *data, batch_size=100, seed=seed)
    return run.run(steps).loss, accuracy(model, x_new, digits.labels_test)


# -- The gradient's way back through many layers ---------------------------------------------------


class OneWay(Composite):
    """A part whose value counts, while nothing comes back through it.

    Pullback   0 for each array, so that what comes back came around the part.

    >>> y, pullback = OneWay(Layer(relu))(np.ones(2))
    >>> y, pullback(np.ones(2))
    (array([1., 1.]), array([0., 0.]))
    """

    def __call__(self, *x: Array, **constants: Any) -> tuple[Array, Pullback]:
        (part,) = self.parts
        y, _ = part(*x, **constants)
        nothing = tuple(np.zeros_like(a) for a in x)
        return y, lambda dy: nothing[0] if len(nothing) == 1 else nothing


def sent_back(norm_first: bool, *, depth: int = 12, around_only: bool = False, seed: int) -> Array:
    """How long the gradient is below each encoder layer at its first weights, where 1 is sent in.

    Layers of width 32 with 4 heads, on 4 samples of 10 tokens; a random dL/dy.

    around_only   only what comes around attention and MLP, along the additions.

    Shapes   -> (depth + 1,), from the lowest layer's input to the last one's output

    >>> sent_back(True, depth=2, around_only=True, seed=0)
    array([1., 1., 1.])
    """
    rng, pullbacks = generator("sent_back", "seed", seed), []
    x = rng.standard_normal((4, 10, 32))
    for _ in range(whole_number("sent_back", "depth", depth, low=1)):
        layer = EncoderLayer(32, 4, 128, norm_first=norm_first, rng=rng)
        if around_only:
            norm1, attend, norm2, think = layer.parts
            layer.parts = norm1, OneWay(attend), norm2, OneWay(think)
        x, pullback = layer(x)
        pullbacks.append(pullback)
    gradients = [rng.standard_normal(x.shape)]
    for pullback in reversed(pullbacks):
        gradients.append(pullback(gradients[-1]))
    lengths = np.array([np.linalg.norm(g) for g in gradients])
    return lengths[::-1] / lengths[0]


# -- What it looks at, hidden ----------------------------------------------------------------------


def read_with_rows_hidden(
    model: TokenClassifier, x: Array, labels: Array, *, which: str, layer: int = -1, rows: int = 4
) -> float:
    """The share of images still read when so many of each one's rows with ink are masked.

    which   the rows that the class token looks at "most" or "least", the mean over the heads of a
            layer; those with most "ink"; drawn at random, a "block" side by side, or "any".
    Errors  ValueError for another choice.

    >>> x = np.ones((3, 28, 28), np.float32)
    >>> model = TokenClassifier(28, 28, 10, d=8, heads=2, d_ff=8, rng=0)
    >>> 0 <= read_with_rows_hidden(model, x, np.array([1, 2, 3]), which="most") <= 1
    True
    """
    one_of("read_with_rows_hidden", "which", which, ("most", "least", "ink", "block", "any"))
    looked = model.weights(x)[layer][:, :, 0, 1:].mean(axis=1)
    inked, chance = x.any(axis=-1), np.random.default_rng(0).random(looked.shape)
    middle = np.where(inked, chance, -1).argmax(axis=-1)[:, None]
    far = np.abs(np.arange(x.shape[1]) - middle - 0.25)  # of two as far, the later row comes first
    ranks = {"most": -looked, "least": looked, "ink": -x.sum(axis=-1), "block": far, "any": chance}
    rank = np.where(inked, ranks[which], np.inf)  # rows without ink come last
    there = np.ones((len(x), 1, x.shape[1]), bool)
    hidden = np.argsort(rank, axis=-1)[:, None, :rows]
    np.put_along_axis(there, hidden, False, axis=-1)
    return float((model(x, mask=there)[0].argmax(axis=-1) == labels).mean())

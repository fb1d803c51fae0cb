"""Counting instead of learning: what follows the last tokens, how often."""

from collections.abc import Iterable

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.tasks import MARKS, PAD, START, Split
from nnlib.vocabulary import token_ids

SMOOTHING = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class NGrams:
    """How often each token follows the n - 1 tokens before it, a added to each count.

    p(next | context) = (count of context and next + a) / (count of context + a K), for the K
    tokens that can follow: all but PAD and START. Before the start there is PAD.

    Called as a language model, ``ngrams(ids=ids)``; its scores are ln p, and there is no way back.

    Shapes   ids (B, T) -> log_p (B, T, vocabulary)
    Errors   TypeError or ValueError for an n that is no integer >= 1 or an a that is not positive.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> bigrams = NGrams(2, task.train, len(task.symbols), a=0.1)
    >>> log_p, _ = bigrams(ids=task.test.x["ids"])
    >>> round(float(np.exp(log_p[0, 0]).sum()), 6)
    1.0
    """

    def __init__(self, n: int, split: Split, vocabulary: int, *, a: float) -> None:
        self.n = whole_number("NGrams", "n", n, low=1)
        self.vocabulary = whole_number("NGrams", "vocabulary", vocabulary, low=len(MARKS) + 1)
        self.a = number("NGrams", "a", a, "(0, inf)")
        contexts, labels = self.contexts(split.x["ids"])[split.keep], split.labels[split.keep]
        self.seen, row = np.unique(contexts, return_inverse=True)
        size = len(self.seen) + 1, vocabulary  # the last row is of contexts never seen
        counts = np.bincount(row * vocabulary + labels, minlength=size[0] * size[1]).reshape(size)
        self.log_p = self.smoothed(counts)

    def smoothed(self, counts: Array) -> Array:
        """ln p of each token behind each context."""
        follow = np.ones(self.vocabulary, bool)
        follow[[PAD, START]] = False
        shares = np.where(follow, counts + self.a, 0)
        with np.errstate(divide="ignore"):  # ln 0, for what never follows
            return np.log(shares / shares.sum(axis=-1, keepdims=True))

    def contexts(self, ids: Array) -> Array:
        """The n - 1 tokens up to and with each, as one number: (B, T) -> (B, T)."""
        before = np.pad(ids, ((0, 0), (max(self.n - 2, 0), 0)), constant_values=PAD)
        code, T = np.zeros(ids.shape, np.int64), ids.shape[1]
        for k in range(self.n - 1):
            code = code * self.vocabulary + before[:, k : k + T]
        return code

    def __call__(self, *, ids: Array) -> tuple[Array, None]:
        token_ids("NGrams", "ids", ids, self.vocabulary, None)
        code = self.contexts(ids)
        place = np.searchsorted(self.seen, code)
        known = self.seen[np.minimum(place, len(self.seen) - 1)] == code
        return self.log_p[np.where(known, place, -1)], None

    def begin(self, source: Array) -> tuple[Array, Array]:
        """Nothing is written yet, and what is to be written first."""
        token_ids("NGrams", "source", source, self.vocabulary, None, least=0)
        return source[:, :0], source

    def step(self, ids: Array, written: Array) -> tuple[Array, Array]:
        """ln p (B, vocabulary) of what follows one token more, (B,), and all that is written."""
        written = np.concatenate([written, ids[:, None]], axis=1)
        return self(ids=written)[0][:, -1], written


def smoothest(
    n: int, train: Split, validation: Split, vocabulary: int, *, grid: Iterable[float] = SMOOTHING
) -> NGrams:
    """The n-gram counts of one split with the a by which another is likeliest.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> smoothest(1, task.train, task.validation, len(task.symbols), grid=(0.1, 1000.0)).a
    0.1
    """
    found = [NGrams(n, train, vocabulary, a=a) for a in grid]
    return min(found, key=lambda ngrams: cost(ngrams, validation))


def cost(ngrams: NGrams, split: Split) -> float:
    """The mean of -ln p over the labels."""
    return float(-ngrams(**split.x)[0][split.keep, split.labels[split.keep]].mean())

"""Counting instead of learning: what follows the last tokens, how often."""

from collections.abc import Iterable
from math import log
from typing import TypeVar

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.tasks import MARKS, PAD, START, Split
from nnlib.vocabulary import token_ids

SMOOTHING = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TIMES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)


class Table:
    """How often each token followed each context, of grams that are one number each.

    seen     the contexts that were seen, (R,).
    counts   (R + 1, vocabulary); the last row is of all others, which nothing has followed.
    """

    def __init__(self, grams: Array, vocabulary: int) -> None:
        contexts, following = np.divmod(grams, vocabulary)
        self.seen, row = np.unique(contexts, return_inverse=True)
        size = len(self.seen) + 1, vocabulary
        counts = np.bincount(row * vocabulary + following, minlength=size[0] * size[1])
        self.counts = counts.reshape(size)

    def rows(self, contexts: Array) -> Array:
        """Where the counts of each context stand."""
        return np.where(np.isin(contexts, self.seen), np.searchsorted(self.seen, contexts), -1)


class Counted:
    """What all n-gram models are: they look n - 1 tokens back; before the start there is PAD.

    Called as a language model, ``ngrams(ids=ids)``; its scores are ln p, and there is no way back.
    All but PAD and START can follow. A context is one number, and so is a gram: a context and what
    follows it.
    """

    def __init__(self, n: int, vocabulary: int) -> None:
        name = type(self).__name__
        self.vocabulary = whole_number(name, "vocabulary", vocabulary, low=len(MARKS) + 1)
        most = int(log(2**63) / log(vocabulary))  # an int64 holds such a gram
        self.n = whole_number(name, "n", n, low=1, high=most)
        self.follow = np.ones(vocabulary, bool)
        self.follow[[PAD, START]] = False

    def contexts(self, ids: Array) -> Array:
        """The n - 1 tokens up to and with each, as one number: (B, T) -> (B, T)."""
        before = np.pad(ids, ((0, 0), (max(self.n - 2, 0), 0)), constant_values=PAD)
        code, T = np.zeros(ids.shape, np.int64), ids.shape[1]
        for k in range(self.n - 1):
            code = code * self.vocabulary + before[:, k : k + T]
        return code

    def grams(self, split: Split) -> Array:
        """Each label with the n - 1 tokens before it, as one number: (number of labels,)."""
        return (self.contexts(split.x["ids"]) * self.vocabulary + split.labels)[split.keep]

    def p(self, contexts: Array) -> Array:
        """The probability of each token behind each context: (...) -> (..., vocabulary)."""
        raise NotImplementedError

    def __call__(self, *, ids: Array) -> tuple[Array, None]:
        token_ids(type(self).__name__, "ids", ids, self.vocabulary, None)
        with np.errstate(divide="ignore"):  # ln 0, for what never follows
            return np.log(self.p(self.contexts(ids))), None

    def begin(self, source: Array) -> tuple[Array, Array]:
        """Nothing is written yet, and what is to be written first."""
        token_ids(type(self).__name__, "source", source, self.vocabulary, None, least=0)
        return source[:, :0], source

    def step(self, ids: Array, written: Array) -> tuple[Array, Array]:
        """ln p (B, vocabulary) of what follows one token more, (B,), and all that is written."""
        written = np.concatenate([written, ids[:, None]], axis=1)
        return self(ids=written)[0][:, -1], written


class NGrams(Counted):
    """How often each token follows the n - 1 tokens before it, a added to each count.

    p(next | context) = (count of context and next + a) / (count of context + a K), for the K
    tokens that can follow. A context never seen tells nothing.

    Shapes   ids (B, T) -> log_p (B, T, vocabulary)
    Errors   TypeError or ValueError for an n that is no integer >= 1, or so large that an int64
             cannot number all grams, and for an a that is not positive.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> bigrams = NGrams(2, task.train, len(task.symbols), a=0.1)
    >>> log_p, _ = bigrams(ids=task.test.x["ids"])
    >>> round(float(np.exp(log_p[0, 0]).sum()), 6)
    1.0
    """

    def __init__(self, n: int, split: Split, vocabulary: int, *, a: float) -> None:
        super().__init__(n, vocabulary)
        self.a = number("NGrams", "a", a, "(0, inf)")
        self.table = Table(self.grams(split), vocabulary)
        self.seen = self.table.seen

    def p(self, contexts: Array) -> Array:
        counts = self.table.counts[self.table.rows(contexts)]
        shares = np.where(self.follow, counts + self.a, 0)
        return shares / shares.sum(axis=-1, keepdims=True)


class KneserNey(Counted):
    """Counts that ask a shorter context for what a long one has not seen (interpolated Kneser-Ney).

    A discount is taken from each count of a context, and what is taken in all is given out again
    by the rest of the context, the one without its oldest token:

        p(next | context) = (count - discount, where there is one + taken · p(next | rest)) / total

    The counts of the longest contexts, and of those that begin with START, tell how often a token
    followed. Those of another tell behind how many different tokens the two were found: what
    follows often, but always behind the same, is not likely behind another. A context never seen
    leaves all to its rest. The last rest is no context at all, and then each of the K tokens that
    can follow has 1 / K. Kneser and Ney found this in 1995; with all lengths mixed, as here, and
    with three discounts it is Chen and Goodman's modified form of 1998.

    discount   of every count. By default each length of contexts has three of its own, those of
               ``three_discounts``.
    times      how many times as much is taken, but no more than a count of 1, 2 or 3 holds.

    Shapes   ids (B, T) -> log_p (B, T, vocabulary)
    Errors   as NGrams; ValueError for a discount outside (0, 1) or a times outside (0, inf).
    Source   not in the documents.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> bigrams = KneserNey(2, task.train, len(task.symbols))
    >>> log_p, _ = bigrams(ids=task.test.x["ids"])
    >>> round(float(np.exp(log_p[0, 0]).sum()), 6)
    1.0
    """

    def __init__(
        self,
        n: int,
        split: Split,
        vocabulary: int,
        *,
        discount: float | None = None,
        times: float = 1.0,
    ) -> None:
        super().__init__(n, vocabulary)
        if discount is not None:
            number("KneserNey", "discount", discount, "(0, 1)")
        self.discount, self.times = discount, number("KneserNey", "times", times, "(0, inf)")
        self.tables, self.discounts, grams = [], [], self.grams(split)
        for k in range(n, 0, -1):  # from the longest contexts to none
            short = grams < vocabulary ** (k - 1)  # they begin with PAD: before START is nothing
            table = Table(grams[~short], vocabulary)
            each = three_discounts(table.counts) if discount is None else np.full(3, discount)
            self.tables.append(table)
            self.discounts.append(np.minimum([0, *(times * each)], range(4)))  # of 0, 1, 2, more
            once = np.unique(grams[~short]) % vocabulary ** (k - 1)  # without their oldest
            grams = np.concatenate([grams[short], once])

    def p(self, contexts: Array) -> Array:
        p = self.follow / self.follow.sum()
        for k, (table, discounts) in enumerate(zip(self.tables[::-1], self.discounts[::-1])):
            counts = table.counts[table.rows(contexts % self.vocabulary**k)]
            total, taken = counts.sum(axis=-1, keepdims=True), discounts[np.minimum(counts, 3)]
            given = taken.sum(axis=-1, keepdims=True) * p
            p = np.where(total, (counts - taken + given) / np.maximum(total, 1), p)
        return p


def three_discounts(counts: Array) -> Array:
    """What to take from a count of 1, of 2, and of 3 or more, by how many there are of each.

    D_k = k - (k + 1) Y n_{k+1} / n_k, for n_k counts that are k and Y = n_1 / (n_1 + 2 n_2): by so
    much those of k are too large, as those of k + 1 let expect (Chen and Goodman 1998). Where there
    are too few to tell, and one D_k would not lie between 0 and k, half of each count is taken.

    Shapes   counts (...), whole numbers -> (3,)

    >>> three_discounts(np.repeat([0, 1, 2, 3, 4], [99, 60, 30, 10, 5]))
    array([0.5, 1.5, 2. ])
    >>> three_discounts(np.array([7, 8]))
    array([0.5, 1. , 1.5])
    """
    k, n = np.arange(1, 4), np.bincount(counts.ravel(), minlength=5)
    with np.errstate(divide="ignore", invalid="ignore"):  # of some there may be none
        taken = k - (k + 1) * n[1] / (n[1] + 2 * n[2]) * n[2:5] / n[1:4]
    return taken if ((taken > 0) & (taken < k)).all() else k / 2


def smoothest(
    n: int, train: Split, validation: Split, vocabulary: int, *, grid: Iterable[float] = SMOOTHING
) -> NGrams:
    """The n-gram counts of one split with the a by which another is likeliest.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> smoothest(1, task.train, task.validation, len(task.symbols), grid=(0.1, 1000.0)).a
    0.1
    """
    return likeliest((NGrams(n, train, vocabulary, a=a) for a in grid), validation)


def discounted(
    n: int, train: Split, validation: Split, vocabulary: int, *, grid: Iterable[float] = TIMES
) -> KneserNey:
    """The n-gram counts of one split with the factor of the three discounts that another chooses.

    >>> from nnlib.tasks import names
    >>> task = names()
    >>> discounted(3, task.train, task.validation, len(task.symbols), grid=(0.5, 1.0)).times
    1.0
    """
    return likeliest((KneserNey(n, train, vocabulary, times=k) for k in grid), validation)


AnyCounted = TypeVar("AnyCounted", bound=Counted)


def likeliest(found: Iterable[AnyCounted], split: Split) -> AnyCounted:
    """The model by which a split is likeliest."""
    return min(found, key=lambda ngrams: cost(ngrams, split))


def cost(ngrams: Counted, split: Split) -> float:
    """The mean of -ln p over the labels."""
    return float(-ngrams(**split.x)[0][split.keep, split.labels[split.keep]].mean())

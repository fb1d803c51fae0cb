"""Writing: token by token, each chosen from the scores of what may follow those before it.

All of it works with any model that has ``begin`` and ``step``: the transformers keep keys and
values of what is written, the recurrent models their state, n-gram counts the last tokens.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import log_softmax, softmax
from nnlib.checks import Array, Rng, class_numbers, float_array, generator, number, whole_number
from nnlib.losses import softmax_cross_entropy
from nnlib.tasks import END, PAD, START, Split

BATCH = 1000  # samples that are written or scored at once


class Steps:
    """A model that writes, one token at a time, and what it keeps so that none is read twice.

    The source is what an encoder-decoder reads, or what a language model goes on from, (B, S).
    ``scores`` (B, vocabulary) are those of the next token, equal but for rounding to those that the
    model gives for all that is written at once. ``push`` writes a token to each sample, the model's
    own or another, and ``back`` takes the last one back.

    Errors   as the model for a source; TypeError or ValueError for ids that are no tokens, one for
             each sample, for more of them than the model has room for, and for taking back the
             start. Nothing is changed then.

    >>> from nnlib.transformer import LanguageModel
    >>> steps = Steps(LanguageModel(7, 8, 2, 16, 1, longest=5, rng=0), np.array([[3]]))
    >>> first = steps.scores
    >>> steps.push([4]); steps.push([6]); steps.ids
    array([[3, 4, 6]])
    >>> steps.back(); steps.back(); steps.ids, bool((steps.scores == first).all())
    (array([[3]]), True)
    """

    def __init__(self, model: Any, source: Array, *, start: int = START) -> None:
        self.model = model
        start = whole_number("Steps", "start", start, low=0, high=model.vocabulary - 1)
        state, prefix = model.begin(source)
        first = np.full(len(source), start, source.dtype)
        self.past = [(prefix[:, :0], *model.step(first, state))]
        for ids in prefix.T:
            self.push(ids)
        self.begun = len(self.past)

    @property
    def ids(self) -> Array:
        """What is written behind the start, (B, t)."""
        return self.past[-1][0]

    @property
    def scores(self) -> Array:
        """The scores of what may come next, (B, vocabulary)."""
        return self.past[-1][1]

    def push(self, ids: Any) -> None:
        """Write a token to each sample, (B,)."""
        written, _, state = self.past[-1]
        ids = np.asarray(ids)
        if ids.shape != (len(written),):
            raise ValueError(
                f"Steps: ids must be a token for each of {len(written)} samples; got {ids.shape}."
            )
        class_numbers("Steps", "ids", ids, self.model.vocabulary)
        scores, state = self.model.step(ids, state)
        self.past.append((np.concatenate([written, ids[:, None]], axis=1), scores, state))

    def back(self) -> None:
        """Take back the token written last."""
        if len(self.past) == self.begun:
            raise ValueError("Steps: back must take back a token that was pushed; there is none.")
        self.past.pop()

    def choose(self, rows: Array) -> None:
        """Go on with some of the samples, in this order; what was before them is forgotten."""
        self.past, self.begun = [taken(self.past[-1], rows)], 1


def taken(state: Any, rows: Array) -> Any:
    """Some of the samples of all the arrays in a state.

    >>> taken((np.array([[1], [2]]), ()), np.array([1, 1]))
    (array([[2],
           [2]]), ())
    """
    if isinstance(state, tuple):
        return tuple(taken(part, rows) for part in state)
    return state[rows]


def distribution(scores: Array, *, temperature: float = 1.0, top_k: int | None = None) -> Array:
    """What the next token is drawn from: softmax(scores / temperature), of the top_k best alone.

    A temperature below 1 prefers what is likely, one above 1 evens out; top_k=1 is greedy. Among
    equal scores, those of lower ids count as the better.

    Shapes   scores (..., v) -> p (..., v), float64
    Errors   TypeError or ValueError for a temperature that is not positive or a top_k outside 1..v;
             FloatingPointError for scores that are NaN or infinity. A score of -inf is that of what
             never comes.

    >>> distribution(np.array([0.0, 1.0, 2.0]), temperature=0.5, top_k=2).round(3)
    array([0.   , 0.119, 0.881])
    """
    float_array("distribution", "scores", scores)
    temperature, top_k = drawing("distribution", temperature, top_k, scores.shape[-1])
    refuse_runaway("distribution", scores)
    best = np.argsort(-scores, axis=-1, kind="stable")
    z = (scores - scores.max(axis=-1, keepdims=True)).astype(float) / temperature
    np.put_along_axis(z, best[..., top_k:], -np.inf, axis=-1)
    return softmax(z)[0]


def drawing(
    where: str, temperature: float, top_k: int | None, vocabulary: int
) -> tuple[float, int]:
    """A temperature and a top_k, when they are such."""
    temperature = number(where, "temperature", temperature, "(0, inf)")
    top_k = vocabulary if top_k is None else top_k
    return temperature, whole_number(where, "top_k", top_k, low=1, high=vocabulary)


def refuse_runaway(where: str, scores: Array) -> None:
    """Refuse scores that no softmax can make probabilities of.

    >>> refuse_runaway("greedy", np.array([0.0, np.nan]))
    Traceback (most recent call last):
    ...
    FloatingPointError: greedy: scores must be finite; got NaN or infinity. \
Did the parameters run away?
    """
    if not (scores < np.inf).all():
        raise FloatingPointError(
            f"{where}: scores must be finite; got NaN or infinity. Did the parameters run away?"
        )


def greedy(model: Any, source: Array, *, start: int = START, end: int = END, longest: int) -> Array:
    """Write the likeliest token each time, until each sample has its end.

    Shapes   source (B, S) -> ids (B, T), T <= longest; PAD behind an end
    Errors   as Steps; TypeError or ValueError for an end that is no token, and for a longest that
             is no integer >= 1 or for which the model has no room; FloatingPointError for scores
             that are NaN or infinity.

    >>> from nnlib.transformer import EncoderDecoder
    >>> model = EncoderDecoder(7, 8, 2, longest=5, rng=0)
    >>> len(greedy(model, np.array([[3, 4], [4, 3]]), longest=4))
    2
    """
    steps = Steps(model, source, start=start)
    return write("greedy", steps, lambda scores: scores.argmax(axis=-1), end, longest)


def sample(
    model: Any,
    source: Array,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    start: int = START,
    end: int = END,
    longest: int,
    rng: Rng | int | None,
) -> Array:
    """Draw each token from the distribution, until each sample has its end.

    For a language model the source is what each sample begins with: np.zeros((B, 0), int) for
    nothing.

    Shapes   source (B, S) -> ids (B, T), T <= longest; PAD behind an end
    Errors   as greedy and distribution.

    >>> from nnlib.transformer import LanguageModel
    >>> model = LanguageModel(7, 8, 2, 16, 1, longest=5, rng=0)
    >>> sample(model, np.zeros((3, 0), int), longest=4, rng=0).shape
    (3, 4)
    """
    temperature, top_k = drawing("sample", temperature, top_k, model.vocabulary)
    rng = generator("sample", "rng", rng)
    steps = Steps(model, source, start=start)

    def draw(scores: Array) -> Array:
        p = distribution(scores, temperature=temperature, top_k=top_k)
        below = p.cumsum(axis=-1) <= rng.random((len(p), 1))
        return np.minimum(below.sum(axis=-1), likeliest_last(p))

    return write("sample", steps, draw, end, longest)


def likeliest_last(p: Array) -> Array:
    """The last token with a probability, which rounding must not draw beyond."""
    return p.shape[-1] - 1 - (p[..., ::-1] > 0).argmax(axis=-1)


def limits(where: str, steps: Steps, end: int, longest: int) -> tuple[int, int]:
    """The token that ends a text, and how long it may become: as far as the model has places."""
    most = getattr(steps.model, "longest", None)  # a state has no places to run out of
    high = None if most is None else most - steps.ids.shape[1]
    end = whole_number(where, "end", end, low=0, high=steps.model.vocabulary - 1)
    return end, whole_number(where, "longest", longest, low=1, high=high)


def write(
    where: str, steps: Steps, choose: Callable[[Array], Array], end: int, longest: int
) -> Array:
    """Push what is chosen from the scores until each sample has its end or is `longest` long."""
    (end, longest), ids = limits(where, steps, end, longest), []
    done = np.zeros(len(steps.ids), bool)
    while True:
        refuse_runaway(where, steps.scores)
        ids.append(np.where(done, PAD, choose(steps.scores)))
        done |= ids[-1] == end
        if done.all() or len(ids) == longest:
            return np.stack(ids, axis=1)
        steps.push(ids[-1])


class Beam(NamedTuple):
    """The best that was found for each sample, the best first: ids, and ln of their probability."""

    ids: Array  # (B, width, T)
    log_p: Array  # (B, width)


def beam(
    model: Any, source: Array, *, width: int = 5, start: int = START, end: int = END, longest: int
) -> Beam:
    """Go on with the `width` likeliest beginnings at once, and keep the likeliest that follow.

    A text's probability is the product of its tokens'. Texts that are complete stay as they are.
    With width=1 this is greedy. The likeliest text may begin unlikely and be missed. Where there
    are fewer texts than width, the rest have ln p = -inf.

    Errors   as greedy; TypeError or ValueError for a width that is no integer >= 1.

    >>> from nnlib.transformer import EncoderDecoder
    >>> model = EncoderDecoder(7, 8, 2, longest=5, rng=0)
    >>> found = beam(model, np.array([[3, 4]]), longest=4)
    >>> found.ids.shape, bool((np.diff(found.log_p) <= 0).all())
    ((1, 5, 4), True)
    """
    width = whole_number("beam", "width", width, low=1)
    steps = Steps(model, source, start=start)
    end, longest = limits("beam", steps, end, longest)
    B, v = steps.scores.shape
    steps.choose(np.repeat(np.arange(B), width))
    log_p = np.full((B, width), -np.inf)
    log_p[:, 0] = 0  # the others are the same beginning
    ids, done = np.empty((B, width, 0), int), np.zeros((B, width), bool)
    samples = np.arange(B)[:, None]
    while True:
        refuse_runaway("beam", steps.scores)
        following = log_softmax(steps.scores.astype(float))[0].reshape(B, width, v)
        following[done] = np.where(np.arange(v) == PAD, 0, -np.inf)
        log_p_each = (log_p[:, :, None] + following).reshape(B, width * v)
        best = np.argsort(-log_p_each, axis=-1, kind="stable")[:, :width]
        log_p, (which, token) = log_p_each[samples, best], divmod(best, v)
        ids = np.concatenate([ids[samples, which], token[..., None]], axis=-1)
        done = done[samples, which] | (token == end)
        if done.all() or ids.shape[-1] == longest:
            return Beam(ids, log_p)
        steps.choose((samples * width + which).ravel())
        steps.push(token.ravel())


def exact(model: Any, split: Split) -> Array:
    """Whether each source is answered right, the whole answer with its end, written greedily.

    The model goes on from its own tokens, not from the right ones. (N,) boolean.
    """
    right = []
    for part in batches_of("exact", split):
        ids = greedy(model, part.source, longest=part.labels.shape[1])
        ids = np.pad(ids, ((0, 0), (0, part.labels.shape[1] - ids.shape[1])), constant_values=PAD)
        right.append(((ids == part.labels) | ~part.keep).all(axis=1))
    return np.concatenate(right)


def exact_match(model: Any, split: Split) -> float:
    """The share of sources that are answered right, as by exact.

    >>> from nnlib.tasks import reversing
    >>> from nnlib.transformer import EncoderDecoder
    >>> task = reversing(10, held_out=10)
    >>> model = EncoderDecoder(len(task.symbols), 8, 2, longest=task.longest, rng=0)
    >>> exact_match(model, task.test)
    0.0
    """
    return float(exact(model, split).mean())


def nats(model: Any, split: Split) -> float:
    """What a label costs on average, in nats: the mean of -ln of its probability, END included.

    >>> from nnlib.tasks import names
    >>> from nnlib.recurrent import RecurrentLanguageModel
    >>> model = RecurrentLanguageModel(29, 4, rng=0)
    >>> bool(abs(nats(model, names().test[:100]) - np.log(29)) < 1)
    True
    """
    total = 0.0
    for part in batches_of("nats", split):
        z, _ = model(**part.x)
        loss, _ = softmax_cross_entropy(z, labels=part.labels, keep=part.keep)
        total += loss * np.count_nonzero(part.keep)
    return float(total / np.count_nonzero(split.keep))


def batches_of(where: str, split: Split) -> Iterator[Split]:
    """The rows of a split, some at a time."""
    if not len(split):
        raise ValueError(f"{where}: split must have a row; got none.")
    return (split[first : first + BATCH] for first in range(0, len(split), BATCH))

"""What lesson 07 measures: how far a gradient reaches, what a forced token does, what is likely."""

from typing import Any

import numpy as np

from nnlib.attention import MultiHeadAttention
from nnlib.blocks import log_softmax
from nnlib.checks import Array, Rng, generator, number, whole_number
from nnlib.generation import Steps, batches_of
from nnlib.recurrent import RecurrentCell
from nnlib.tasks import END, Split, Task

READ, STATE = 8, 32  # how wide a token is, and how wide the state
HEAT = {"A": 1.5, "B": 0.5, "C": 1.0}  # the temperatures of lists that a class is to tell apart


def turning(factor: float, *, seed: int) -> RecurrentCell:
    """A cell whose U turns the state and stretches it by a factor, in all directions alike.

    >>> U = turning(2.0, seed=0).params["U"]
    >>> bool(np.allclose(U @ U.T, 4 * np.eye(32)))
    True
    """
    factor = number("turning", "factor", factor, "(0, inf)")
    rng = generator("turning", "seed", seed)
    cell = RecurrentCell(READ, STATE, rng=rng)
    cell.params["U"] = factor * np.linalg.qr(rng.standard_normal((STATE, STATE)))[0]
    return cell


def reach(factor: float, *, strength: float = 1.0, steps: int = 50, seed: int) -> Array:
    """How long dL/dh is so many steps back in a turning cell, where 1 is sent into the last state.

    The tokens are standard normal, times ``strength``; of strength 0, the state stays at 0, where
    the slope of tanh is 1.

    Shapes   -> (steps + 1,), the last state first

    >>> reach(0.5, strength=0.0, steps=3, seed=0).round(6)
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    cell, rng = turning(factor, seed=seed), np.random.default_rng([seed, 1])
    steps = whole_number("reach", "steps", steps, low=1)
    x = strength * rng.standard_normal((1, steps, READ))
    dh = np.zeros((1, steps, STATE))
    dh[0, -1] = rng.standard_normal(STATE)
    lengths = np.linalg.norm(cell.gradients(x, dh)[0], axis=-1)[::-1]
    return lengths / lengths[0]


def attention_reach(*, steps: int = 50, seed: int) -> Array:
    """How long dL/dx is at tokens so many steps back, where the last of them attends to all.

    Attention of width 32 in 4 heads at its first weights; 1 is the mean over the tokens.

    Shapes   -> (steps + 1,), the last token first

    >>> attention_reach(steps=3, seed=0).shape
    (4,)
    """
    rng = generator("attention_reach", "seed", seed)
    attend = MultiHeadAttention(STATE, 4, rng=rng)
    x = rng.standard_normal((1, whole_number("attention_reach", "steps", steps, low=1) + 1, STATE))
    _, pullback = attend(x[:, -1:], x)
    _, dx = pullback(rng.standard_normal((1, 1, STATE)))
    lengths = np.linalg.norm(dx[0], axis=-1)[::-1]
    return lengths / lengths.mean()


def forced_right(model: Any, split: Split) -> float:
    """The share of tokens that are told rightly when the right text so far is given.

    >>> from nnlib.tasks import reversing
    >>> from nnlib.transformer import EncoderDecoder
    >>> task = reversing(10, held_out=10)
    >>> model = EncoderDecoder(len(task.symbols), 8, 2, longest=task.longest, rng=0)
    >>> forced_right(model, task.test) < 0.3
    True
    """
    z, _ = model(**split.x)
    return float((z.argmax(axis=-1) == split.labels)[split.keep].mean())


def forced(model: Any, source: Array, *, place: int, token: int, longest: int) -> Array:
    """What a model writes greedily when one token is forced on it, END included where it comes.

    Shapes   source (1, S) -> ids (T,), T <= longest

    >>> from nnlib.transformer import EncoderDecoder
    >>> model = EncoderDecoder(7, 8, 2, longest=5, rng=0)
    >>> int(forced(model, np.array([[3, 4]]), place=1, token=5, longest=4)[1])
    5
    """
    steps, longest = Steps(model, source), whole_number("forced", "longest", longest, low=1)
    place = whole_number("forced", "place", place, low=0, high=longest - 1)
    for t in range(longest):
        steps.push([token if t == place else int(steps.scores[0].argmax())])
        if steps.ids[0, -1] == END or t == longest - 1:
            break
    return steps.ids[0]


def goes_on(
    model: Any, task: Task, split: Split, character: str, *, rng: Rng | int | None
) -> Array:
    """Whether the rest is right when a character is forced on each answer, at a place drawn.

    Shapes   -> (N,) boolean

    >>> from nnlib.experiments.writing import JOBS, trained
    >>> task = JOBS["reversing"].task(seed=0)
    >>> goes_on(trained("reversing"), task, task.test[:3], "z", rng=0)
    array([ True,  True,  True])
    """
    (token,), rng, right = task.encode(character)[0], generator("goes_on", "rng", rng), []
    for row, length in enumerate(split.keep.sum(axis=1)):
        due, place = split.labels[row, :length].copy(), int(rng.integers(length - 1))
        due[place] = token
        source, longest = split.x["source"][row : row + 1], split.labels.shape[1]
        ids = forced(model, source, place=place, token=token, longest=longest)
        right.append(np.array_equal(ids, due))
    return np.array(right)


def probability(model: Any, split: Split) -> Array:
    """How likely a language model is to write each of these texts, its end included: (N,).

    >>> from nnlib.tasks import names
    >>> from nnlib.ngrams import NGrams
    >>> task = names()
    >>> letters = NGrams(1, task.train, len(task.symbols), a=1.0)
    >>> bool(probability(letters, task.test[:3]).max() < 1e-3)
    True
    """
    p = np.empty(len(split))
    for length in np.unique(split.kinds):  # those of one length need no padding
        rows, found = np.flatnonzero(split.kinds == length), []
        for part in batches_of("probability", split[rows]):
            ids, labels = part.x["ids"][:, : length + 1], part.labels[:, : length + 1]
            log_p, _ = log_softmax(model(ids=ids)[0])
            found.append(np.take_along_axis(log_p, labels[..., None], axis=-1).sum(axis=(1, 2)))
        p[rows] = np.exp(np.concatenate(found, dtype=float))
    return p

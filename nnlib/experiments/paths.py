"""How far a token's influence goes: through a state from step to step, or straight by attention."""

from typing import Any

import numpy as np

from nnlib.checks import Rng, one_of, whole_number
from nnlib.parameters import Model, parameter_vector
from nnlib.recurrent import RecurrentCell
from nnlib.tasks import Task, of_strings
from nnlib.transformer import MultiHeadAttention

KINDS = "recurrent", "attention"


def mixer(kind: str, d: int, *, rng: Rng | int | None, dtype: Any = "float64") -> Model:
    """A layer by which tokens of width d learn of each other: a recurrent cell or attention.

    Errors   ValueError for another kind.

    >>> type(mixer("attention", 8, rng=0)).__name__
    'MultiHeadAttention'
    """
    one_of("mixer", "kind", kind, KINDS)
    if kind == "recurrent":
        return RecurrentCell(d, d, rng=rng, dtype=dtype)
    return MultiHeadAttention(d, 4, rng=rng, dtype=dtype)


def mixed(layer: Model, x: Any) -> tuple[Any, Any]:
    """What a mixer makes of tokens x (B, T, d), and the pullback that gives dx."""
    if isinstance(layer, RecurrentCell):
        return layer(x)
    y, pullback = layer(x, x)
    return y, lambda dy: np.add(*pullback(dy))


def path_length(kind: str, length: int) -> int:
    """How many weights stand one behind the other between the first token and the last output.

    So many products must wait for each other, on the way there and on the way of the gradient
    back. It is measured: where all inputs are 0, the derivative of the last output by the first
    token is a product of weights, and halving all of them halves it once for each.

    Errors   TypeError or ValueError for another kind, or a length outside 1..512.

    >>> [path_length("recurrent", T) for T in (1, 10, 50)]
    [1, 10, 50]
    >>> [path_length("attention", T) for T in (1, 10, 50)]
    [2, 2, 2]
    """
    length = whole_number("path_length", "length", length, low=1, high=512)
    layer, reached = mixer(kind, 8, rng=0), []
    theta, _ = parameter_vector(layer)
    x, dy = np.zeros((2, 1, length, 8))
    dy[0, -1] = 1
    for _ in range(2):
        _, pullback = mixed(layer, x)
        reached.append(np.abs(pullback(dy)[0, 0]).max())
        theta /= 2
    return round(np.log2(reached[0] / reached[1]))


def keeping(length: int, n: int = 10_000, *, seed: int = 0) -> Task:
    """Strings of which the first character alone is asked, when the last one is read.

    Eight characters, so that a guess is right once in eight; 500 strings for each other split.

    Errors   as nnlib.tasks.reversing.

    >>> task = keeping(5, 100)
    >>> task.decode(task.test.source[0])[0] == task.decode(task.test.labels[0])
    True
    """
    return of_strings("keeping", lambda text: text[0], n, (length,), "abcdefgh", 500, seed)

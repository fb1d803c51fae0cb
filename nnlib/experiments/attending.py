"""Attention looked into: every step of it on one sample, its gradient, and what a change does."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from nnlib.blocks import softmax
from nnlib.checks import Array, Pullback, Rng, number, one_of, whole_number
from nnlib.encoder import ALL, Encoder
from nnlib.layers import Composite
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import one_blas_thread
from nnlib.masks import may_attend
from nnlib.parameters import Model, replica
from nnlib.slopes import length
from nnlib.transformer import MultiHeadAttention

LOSS, BOTH = "loss", (True, False)
Place = tuple[int, int, int]  # of a score: its head, its query, its key

# -- attention, step by step ----------------------------------------------------------------------


class Steps(NamedTuple):
    """What attention computes on its way, in every head.

    Shapes   raw, scaled, masked, A (B, heads, t, s), v (B, heads, s, d/heads), o like the queries
    """

    raw: Array
    scaled: Array
    masked: Array
    A: Array
    v: Array
    o: Array


class SpelledOut(MultiHeadAttention):
    """An attention with the parts of another, step by step: what it computes is kept, as ``steps``.

    scaled   whether scores are divided by √(d/heads).
    edits    what is added to the scores q kᵀ at some places.

    Shapes     as of MultiHeadAttention
    Pullback   dx, dcontext; keeps dL/dA, each weight taken for free, as ``dA``.

    >>> attend, x = MultiHeadAttention(4, 2, rng=0), np.ones((1, 3, 4))
    >>> spelled = SpelledOut(attend)
    >>> np.allclose(spelled(x, x)[0], attend(x, x)[0]), spelled.steps.A.shape
    (True, (1, 2, 3, 3))
    """

    steps: Steps
    dA: Array

    def __init__(
        self, attend: MultiHeadAttention, *, scaled: bool = True, edits: Mapping[Place, float] = {}
    ) -> None:
        vars(self).update(vars(attend))
        self.scaled, self.edits = scaled, edits

    def __call__(
        self, x: Array, context: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        to_q, to_k, to_v, to_y = self.parts
        (q, q_pullback), (k, k_pullback), (v, v_pullback) = to_q(x), to_k(context), to_v(context)
        q, k, v = map(self.split, (q, k, v))
        scale = 1 / sqrt(q.shape[-1]) if self.scaled else 1.0
        mask = self.for_heads(mask, x, context)

        raw = q @ k.mT
        for place, added in self.edits.items():
            raw[:, *place] += added
        scaled = scale * raw
        allowed = True if mask is None else may_attend(mask, raw.shape)
        masked = np.where(allowed, scaled, -np.inf)
        A, softmax_pullback = softmax(masked)
        o = A @ v
        y, y_pullback = to_y(self.merge(o))
        self.steps = Steps(raw, scaled, masked, A, v, o)

        def pullback(dy: Array) -> tuple[Array, Array]:
            do = self.split(y_pullback(dy))
            dv, self.dA = A.mT @ do, do @ v.mT
            draw = scale * softmax_pullback(self.dA)
            dq, dk, dv = map(self.merge, (draw @ k, draw.mT @ q, dv))
            return q_pullback(dq), k_pullback(dk) + v_pullback(dv)

        return y, pullback


class Whole(Composite):
    """An encoder that computes every row, for each query to be seen, and gives those asked for.

    >>> whole = Whole(Encoder(1, 4, 2, 8, rng=0))
    >>> whole(np.eye(4)[None], rows=slice(1))[0].shape
    (1, 1, 4)
    """

    def __call__(
        self, x: Array, mask: Array | None = None, rng: Rng | None = None, rows: slice = ALL
    ) -> tuple[Array, Pullback]:
        y, encoder_pullback = self.parts[0](x, mask=mask, rng=rng)

        def pullback(dy_rows: Array) -> Array:
            dy = np.zeros_like(y)
            dy[..., rows, :] = dy_rows
            return encoder_pullback(dy)

        return y[..., rows, :], pullback


def spelled_out(model: Model) -> tuple[Model, list[SpelledOut]]:
    """A twin of a model, with its parameters, whose attentions are spelled out; and these in order.

    >>> from nnlib.transformer import TokenClassifier
    >>> twin, attends = spelled_out(TokenClassifier(4, 6, 10, d=8, heads=2, layers=3, rng=0))
    >>> len(attends), [attend.heads for attend in attends]
    (3, [2, 2, 2])
    """
    found: list[SpelledOut] = []

    def spelled(part: Model) -> Model:
        if isinstance(part, MultiHeadAttention):
            found.append(SpelledOut(part))
            return found[-1]
        if isinstance(part, Composite):
            part.parts = tuple(map(spelled, part.parts))
        return Whole(part) if isinstance(part, Encoder) else part

    return spelled(replica(model)), found


# -- one sample -----------------------------------------------------------------------------------


class Attended(NamedTuple):
    """How a query attends in one head, step by step, and how it does in all heads.

    label, p          the true class, and the probability of each class
    raw, scaled       the scores q kᵀ of the keys, and the same divided by √(d/heads)
    masked, weights   the same with -inf where a key is blocked, and their softmax
    mixed, o          each key's value times its weight, and the sum of these
    everywhere        the query's weights in every layer and head
    entropy           of these, in nats: e to that power is how many keys alike would have it
    A, dA             the head's weights for all queries, and the gradient by them
    plain_p, ...      p, weights and o of the network as it is: scaled, nothing masked or edited

    Shapes   raw, scaled, masked, weights, plain_weights (s,); mixed (s, d/heads);
             o, plain_o (d/heads,); everywhere (layers, heads, s); entropy (layers, heads);
             A, dA (s, s); p, plain_p (classes,)
    """

    label: int
    p: Array
    plain_p: Array
    raw: Array
    scaled: Array
    masked: Array
    weights: Array
    plain_weights: Array
    mixed: Array
    o: Array
    plain_o: Array
    everywhere: Array
    entropy: Array
    A: Array
    dA: Array

    @property
    def most_entropy(self) -> float:
        """The largest entropy that there may be: all keys alike that are not blocked."""
        return float(np.log(np.isfinite(self.masked).sum()))


def attended(
    model: Model,
    x: Array,
    label: int,
    *,
    layer: int = 0,
    head: int = 0,
    query: int = 0,
    of: int | str = LOSS,
    scaled: bool = True,
    masked: Sequence[int] = (),
    key: int = 0,
    added: float = 0.0,
) -> Attended:
    """Look into a classifier's attention on one sample, as it is or with something changed.

    x        the sample's tokens, (T, features). The model's class token, if any, is token 0 and
             theirs are 1 to T; else theirs are 0 to T - 1.
    of       what the gradient is of: the loss, or the score of the class with this number.
    masked   tokens of the sample that nobody attends to, in any layer.
    key      the key to whose score, from this query in this head, ``added`` is added.
    Errors   TypeError or ValueError for a layer, head, token or class that there is not.

    >>> from nnlib.transformer import TokenClassifier
    >>> model = TokenClassifier(4, 6, 10, d=8, heads=2, rng=0)
    >>> found = attended(model, np.eye(6, 4, dtype=np.float32), 3, masked=[2])
    >>> found.weights.shape, float(found.weights[2])
    ((7,), 0.0)
    """
    with one_blas_thread():  # for so little work others would only be waited for
        twin, attends = spelled_out(model)
        plain_z, _ = twin(x[None])
        plain = [attend.steps for attend in attends]
        shape = len(attends), *plain[0].A.shape[1:]
        edits = {(head, query, key): number("attended", "added", added, "(-inf, inf)")}
        there = unmasked(masked, shape[-1], len(x))
        refuse_places(shape, plain_z.shape[-1], layer, head, query, key, label)
        one_of("attended", "of", of, (LOSS, *range(plain_z.shape[-1])))

        for attend in attends:
            attend.scaled = one_of("attended", "scaled", scaled, BOTH)
        attends[layer].edits = edits
        z, pullback = twin(x[None], mask=there)
        pullback(slope_of(z, of, label))
    raw, scores, blocked, A, v, o = (step[0, head] for step in attends[layer].steps)
    everywhere = np.array([attend.steps.A[0, :, query] for attend in attends])
    return Attended(
        label=int(label),
        p=softmax(z)[0][0],
        plain_p=softmax(plain_z)[0][0],
        raw=raw[query],
        scaled=scores[query],
        masked=blocked[query],
        weights=A[query],
        plain_weights=plain[layer].A[0, head, query],
        mixed=A[query, :, None] * v,
        o=o[query],
        plain_o=plain[layer].o[0, head, query],
        everywhere=everywhere,
        entropy=entropy(everywhere),
        A=A,
        dA=attends[layer].dA[0, head],
    )


def moved(found: Attended) -> float:
    """How far a query's output has moved from what it is when nothing is changed, as a share of it.

    >>> from nnlib.transformer import TokenClassifier
    >>> model = TokenClassifier(4, 6, 10, d=8, heads=2, rng=0)
    >>> moved(attended(model, np.eye(6, 4, dtype=np.float32), 3))
    0.0
    """
    return float(length(found.o - found.plain_o) / (length(found.plain_o) or 1))


def unmasked(masked: Sequence[int], size: int, count: int) -> Array:
    """The mask (1, 1, count) that blocks these of ``size`` tokens, the last ``count`` a sample's.

    >>> unmasked([1], 4, 3)
    array([[[False,  True,  True]]])
    """
    mask, first = np.ones((1, 1, count), bool), size - count
    for token in masked:
        at = whole_number("attended", "masked", token, low=first, high=size - 1)
        mask[..., at - first] = False
    return mask


def refuse_places(shape: tuple[int, ...], classes: int, *places: int) -> None:
    """Refuse a layer, head, query, key or class that there is not."""
    names, sizes = ("layer", "head", "query", "key", "label"), (*shape, classes)
    for name, place, size in zip(names, places, sizes, strict=True):
        whole_number("attended", name, place, low=0, high=size - 1)


def slope_of(z: Array, of: int | str, label: int) -> Array:
    """The gradient by the scores z (1, classes) of the loss, or of the score of a class.

    >>> slope_of(np.zeros((1, 2)), "loss", 0), slope_of(np.zeros((1, 2)), 1, 0)
    (array([[-0.5,  0.5]]), array([[0., 1.]]))
    """
    if of == LOSS:
        return softmax_cross_entropy(z, labels=np.array([label]))[1](1.0)
    return np.eye(z.shape[-1], dtype=z.dtype)[[int(of)]]


def entropy(A: Array) -> Array:
    """The entropy of each row of weights, in nats: 0 for one key alone, ln s for all alike.

    Shapes   A (..., s) -> (...)

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(3)
    array([0.   , 0.693])
    """
    return -np.sum(A * np.log(np.where(A > 0, A, 1)), axis=-1) + 0.0


def hardest(model: Model, x: Array, labels: Array) -> int:
    """Which sample a model is least sure of: the one whose class has the smallest probability.

    Shapes   x (N, T, features), labels (N,)

    >>> from nnlib.layers import Linear
    >>> hardest(Linear(2, 2, init=lambda shape, rng: np.eye(2), rng=0), np.eye(2), np.array([0, 0]))
    1
    """
    p = softmax(model(x)[0])[0]
    return int(p[np.arange(len(x)), labels].argmin())

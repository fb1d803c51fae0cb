"""The models that write, as forward passes for a tape: not a line here says how to go back."""

from collections.abc import Callable
from functools import partial, singledispatch
from typing import Any

from nnlib.blocks import attention
from nnlib.checks import Array, Pullback
from nnlib.decoder import all_of
from nnlib.layers import Layer, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.parameters import Model, parameter_vector
from nnlib.tape import add, taped
from nnlib.transformer import (
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderDecoder,
    EncoderLayer,
    LanguageModel,
    MultiHeadAttention,
)


def by_tape(part: Model) -> Callable:
    """A model, or a part of one, as a block whose way back a tape has made.

    Its layers are blocks with parameters and remain: their pullbacks add to the gradients.

    >>> import numpy as np
    >>> layer = EncoderLayer(4, 2, 8, rng=0)
    >>> x = np.random.default_rng(0).standard_normal((1, 3, 4))
    >>> (y, by_hand), (y_taped, from_tape) = layer(x), by_tape(layer)(x)
    >>> bool((by_hand(x) == from_tape(x)).all())
    True
    """
    return part if isinstance(part, Layer) else taped(partial(forward, part))


@singledispatch
def forward(part: Any, tape: Callable, *x: Array, **constants: Any) -> Any:
    """The value of a part; without a forward pass here, it is one call with its own pullback."""
    return tape(part, *x, **constants)


@forward.register
def sequential(
    parts: Sequential, tape: Callable, *x: Array, rng: Any = None, **constants: Any
) -> Any:
    """One part after the other."""
    first, *rest = map(by_tape, parts.parts)
    y = tape(first, *x, rng=rng, **constants)
    for part in rest:
        y = tape(part, y, rng=rng)
    return y


@forward.register
def multi_head_attention(
    attend: MultiHeadAttention,
    tape: Callable,
    x: Array,
    context: Array,
    mask: Array | None = None,
    rng: Any = None,
) -> Array:
    """Attention in heads; to share out a row and to join it again are each other's way back."""

    def split(x: Array) -> tuple[Array, Pullback]:
        return attend.split(x), attend.merge

    def merge(o: Array) -> tuple[Array, Pullback]:
        return attend.merge(o), attend.split

    to_q, to_k, to_v, to_y = attend.parts
    q, k, v = tape(to_q, x), tape(to_k, context), tape(to_v, context)
    q, k, v = tape(split, q), tape(split, k), tape(split, v)
    o = tape(attention, q, k, v, mask=attend.for_heads(mask, x, context))
    return tape(to_y, tape(merge, o))


@forward.register
def encoder_layer(
    layer: EncoderLayer, tape: Callable, x: Array, mask: Array | None = None, rng: Any = None
) -> Array:
    """Attend, think; the norm stands before each or behind its sum."""
    norm1, attend, norm2, think = map(by_tape, layer.parts)
    before, after = where_to_norm(layer, tape)
    n = before(norm1, x)
    h = after(norm1, tape(add, x, tape(attend, n, n, mask=mask, rng=rng)))
    m = before(norm2, h)
    return after(norm2, tape(add, h, tape(think, m, rng=rng)))


@forward.register
def decoder_layer(
    layer: DecoderLayer,
    tape: Callable,
    x: Array,
    memory: Array,
    mask: Array | None = None,
    memory_mask: Array | None = None,
    rng: Any = None,
) -> Array:
    """Look back, read, think; the norm stands before each or behind its sum."""
    norm1, attend, norm2, read, norm3, think = map(by_tape, layer.parts)
    before, after = where_to_norm(layer, tape)
    n = before(norm1, x)
    h = after(norm1, tape(add, x, tape(attend, n, n, mask=mask, rng=rng)))
    m = before(norm2, h)
    c = tape(read, m, memory, mask=all_of(memory, memory_mask), rng=rng)
    g = after(norm2, tape(add, h, c))
    u = before(norm3, g)
    return after(norm3, tape(add, g, tape(think, u, rng=rng)))


def where_to_norm(layer: Any, tape: Callable) -> tuple[Callable, Callable]:
    """What happens before a branch and behind its sum: a norm at one of the two places."""

    def no_norm(norm: Callable, x: Array) -> Array:
        return tape(same, x)

    return (tape, no_norm) if layer.norm_first else (no_norm, tape)


def same(x: Array) -> tuple[Array, Pullback]:
    """x as a value of its own: its uses are added up before they join those of x.

    Of three numbers the sum depends on which two are added first, in its last bit.
    """
    return x.view(), lambda dy: dy


@forward.register
def encoder(
    stack: Encoder, tape: Callable, x: Array, mask: Array | None = None, rng: Any = None
) -> Array:
    """One layer on the other, each with the same mask, and a last norm if there is one."""
    for layer in stack.parts[: stack.depth]:
        x = tape(by_tape(layer), x, mask=mask, rng=rng)
    for last in stack.parts[stack.depth :]:
        x = tape(last, x)
    return x


@forward.register
def decoder(
    stack: Decoder, tape: Callable, x: Array, memory: Array, rng: Any = None, **masks: Any
) -> Array:
    """One layer on the other, each with the same memory, and a last norm if there is one."""
    for layer in stack.parts[: stack.depth]:
        x = tape(by_tape(layer), x, memory, rng=rng, **masks)
    for last in stack.parts[stack.depth :]:
        x = tape(last, x)
    return x


@forward.register
def encoder_decoder(
    model: EncoderDecoder, tape: Callable, *, source: Array, target: Array, rng: Any = None
) -> Array:
    """Read the source, then score what follows each token of the target."""
    read, encode, write, decode, score = map(by_tape, model.parts)
    masks = {"mask": model.target_mask(target), "memory_mask": model.source_mask(source)}
    memory = tape(encode, tape(read, ids=source), mask=masks["memory_mask"], rng=rng)
    y = tape(decode, tape(write, ids=target), memory, rng=rng, **masks)
    return tape(score, y)


@forward.register
def language_model(model: LanguageModel, tape: Callable, *, ids: Array, rng: Any = None) -> Array:
    """Score what follows each token."""
    embed, layers, score = map(by_tape, model.parts)
    return tape(score, tape(layers, tape(embed, ids=ids), mask=model.mask(ids), rng=rng))


def loss_and_gradient(
    model: Model, way: Callable, x: dict[str, Array], **answer: Array
) -> tuple[float, Array]:
    """The loss of a model that is called this way, as itself or by tape, and dL/dtheta.

    >>> import numpy as np
    >>> model, ids = LanguageModel(7, 4, 2, 8, 1, longest=5, rng=0), np.array([[1, 4, 2]])
    >>> L, grad = loss_and_gradient(model, by_tape(model), {"ids": ids}, labels=ids)
    >>> grad.shape == parameter_vector(model)[0].shape
    True
    """
    _, grad = parameter_vector(model)
    z, z_pullback = way(**x)
    L, L_pullback = softmax_cross_entropy(z, **answer)
    grad[:] = 0
    z_pullback(L_pullback(1.0))
    return L, grad.copy()

"""The transformer's decoder: layers that attend to what is written and to what was read.

Each forward pass is written from top to bottom and its pullback from bottom to top, with the same
names. A token that is written makes its keys and values once: they are kept for those after it.
"""

from typing import Any

import numpy as np

from nnlib.attention import of_tokens
from nnlib.blocks import attention
from nnlib.checks import Array, Pullback, Rng
from nnlib.encoder import Stack, TransformerLayer, where_to_norm

Kept = tuple[Array, Array]  # keys and values, each (B, heads, t, d/heads)


class DecoderLayer(TransformerLayer):
    """Tokens attend to those before them, then to what was read, then each thinks alone.

    norm_first   True: each of the three norms what it takes and adds to what was there,
                 h = x + attend(norm x), g = h + read(norm h, memory), y = g + think(norm g).
                 False, as first published: each sum is normed, h = norm(x + attend x) and so on.
    dropout      the share of what the three add that is silenced in training.

    Called as ``layer(x, memory, mask=None, memory_mask=None, rng=None)``: one mask for x, as a rule
    causal, one for the memory, as a rule its padding. What is read is the memory as it is: an
    encoder has normed it.

    Shapes     x (B, T, d), memory (B, S, d) -> y (B, T, d)
    Pullback   dx, dmemory.
    Errors     as EncoderLayer.
    Source     D-encdec; N-attn-bwd, N-causal, N-residual.

    >>> layer = DecoderLayer(4, 2, 8, rng=0)
    >>> x, memory = np.ones((1, 3, 4)), np.ones((1, 5, 4))
    >>> y, pullback = layer(x, memory, mask=np.tri(3, dtype=bool))
    >>> y.shape, [dx.shape for dx in pullback(y)], [A.shape for A in layer.weights(x, memory)]
    ((1, 3, 4), [(1, 3, 4), (1, 5, 4)], [(1, 2, 3, 3), (1, 2, 3, 5)])
    """

    attentions = 2

    def __call__(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        rng: Rng | None = None,
    ) -> tuple[Array, Pullback]:
        of_tokens("DecoderLayer", "x", x, self.d)
        of_tokens("DecoderLayer", "memory", memory, self.d, x.shape[:-2])
        before, after = where_to_norm(self.norm_first)
        norm1, attend, norm2, read, norm3, think = self.parts
        n, n_pullback = before(norm1, x)
        a, a_pullback = attend(n, n, mask=mask, rng=rng)
        h, h_pullback = after(norm1, x + a)
        m, m_pullback = before(norm2, h)
        c, c_pullback = read(m, memory, mask=all_of(memory, memory_mask), rng=rng)
        g, g_pullback = after(norm2, h + c)
        u, u_pullback = before(norm3, g)
        f, f_pullback = think(u, rng=rng)
        y, y_pullback = after(norm3, g + f)

        def pullback(dy: Array) -> tuple[Array, Array]:
            dsum = y_pullback(dy)
            dsum = g_pullback(dsum + u_pullback(f_pullback(dsum)))
            dm, dmemory = c_pullback(dsum)
            dsum = h_pullback(dsum + m_pullback(dm))
            dn_q, dn_kv = a_pullback(dsum)
            return dsum + n_pullback(dn_q + dn_kv), dmemory

        return y, pullback

    def weights(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
    ) -> tuple[Array, Array]:
        """Both attentions' weights, (B, heads, T, T) and (B, heads, T, S), for looking at."""
        before, after = where_to_norm(self.norm_first)
        parts: Any = self.parts
        norm1, attend, norm2, read, _, _ = parts
        n, _ = before(norm1, x)
        h, _ = after(norm1, x + attend(n, n, mask=mask)[0])
        m, _ = before(norm2, h)
        A_cross = read.parts[0].weights(m, memory, all_of(memory, memory_mask))
        return attend.parts[0].weights(n, n, mask), A_cross


class Decoder(Stack):
    """So many decoder layers, one on the other, and a last norm when each norms first.

    Called as a layer is; every layer has the same memory and the same masks.

    Shapes     x (B, T, d), memory (B, S, d) -> y (B, T, d)
    Pullback   dx, dmemory: the memory collects the gradients of all layers.
    Errors     as DecoderLayer; TypeError or ValueError for layers that are no integer >= 1.
    Source     D-encdec.

    >>> decoder = Decoder(2, 4, 2, 8, rng=0)
    >>> y, pullback = decoder(np.ones((1, 3, 4)), np.ones((1, 5, 4)))
    >>> y.shape, [dx.shape for dx in pullback(y)]
    ((1, 3, 4), [(1, 3, 4), (1, 5, 4)])
    """

    kind = DecoderLayer

    def __call__(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
        rng: Rng | None = None,
    ) -> tuple[Array, Pullback]:
        layers, last = self.parts[: self.depth], self.parts[self.depth :]
        layer_pullbacks, norm_pullbacks = [], []
        for layer in layers:
            x, layer_pullback = layer(x, memory, mask=mask, memory_mask=memory_mask, rng=rng)
            layer_pullbacks.append(layer_pullback)
        for last_norm in last:
            x, norm_pullback = last_norm(x)
            norm_pullbacks.append(norm_pullback)

        def pullback(dx: Array) -> tuple[Array, Array]:
            for norm_pullback in norm_pullbacks:
                dx = norm_pullback(dx)
            dmemory = np.zeros_like(memory)
            for layer_pullback in reversed(layer_pullbacks):
                dx, dmemory_here = layer_pullback(dx)
                dmemory += dmemory_here
            return dx, dmemory

        return x, pullback

    def weights(
        self,
        x: Array,
        memory: Array,
        mask: Array | None = None,
        memory_mask: Array | None = None,
    ) -> tuple[list[Array], list[Array]]:
        """Both attentions' weights in each layer, (B, heads, T, T) and (B, heads, T, S)."""
        own: list[Array] = []
        cross: list[Array] = []
        layers: Any = self.parts[: self.depth]
        for layer in layers:
            A, A_cross = layer.weights(x, memory, mask, memory_mask)
            own.append(A)
            cross.append(A_cross)
            x, _ = layer(x, memory, mask=mask, memory_mask=memory_mask)
        return own, cross


def all_of(memory: Array, mask: Array | None) -> Array:
    """The mask of a memory, or one that blocks nothing.

    Under a mask the scores of each query are shifted by their own maximum, otherwise by that of
    all: then a later token would change the rounding of those before it.
    """
    return np.ones((1, memory.shape[-2]), bool) if mask is None else mask


# -- one token more -------------------------------------------------------------------------------


def keys_and_values(attend: Any, context: Array) -> Kept:
    """What an attention in heads keeps of tokens, so that later ones can attend to them."""
    _, to_k, to_v, _ = attend.parts
    return attend.split(to_k(context)[0]), attend.split(to_v(context)[0])


def attended(attend: Any, x: Array, kept: Kept, mask: Array | None) -> Array:
    """What attention in heads makes of queries x and the keys and values kept; a mask (B, 1, t)."""
    to_q, _, _, to_y = attend.parts
    for_heads = None if mask is None else mask[:, None]
    o, _ = attention(attend.split(to_q(x)[0]), *kept, mask=for_heads)
    return to_y(attend.merge(o))[0]


def one_token_more(
    layer: Any, x: Array, kept: Kept, mask: Array | None, memory: Kept | None, memory_mask: Any
) -> tuple[Array, Kept]:
    """A layer of either kind on the last token alone, (B, 1, d), and what is kept with it."""
    before, after = where_to_norm(layer.norm_first)
    norm1, attend, *reading, norm3, think = layer.parts
    n, _ = before(norm1, x)
    k, v = (
        np.concatenate(both, axis=-2) for both in zip(kept, keys_and_values(attend.parts[0], n))
    )
    x, _ = after(norm1, x + attended(attend.parts[0], n, (k, v), mask))
    if memory is not None:
        norm2, read = reading
        m, _ = before(norm2, x)
        x, _ = after(norm2, x + attended(read.parts[0], m, memory, memory_mask))
    u, _ = before(norm3, x)
    y, _ = after(norm3, x + think(u)[0])
    return y, (k, v)

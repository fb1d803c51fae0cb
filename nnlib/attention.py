"""Attention in several heads, the masks for it, and document C's encoder, which is little else."""

from math import sqrt
from typing import Any

import numpy as np

from nnlib.blocks import attention, attention_weights
from nnlib.checks import (
    Array,
    Pullback,
    Rng,
    boolean,
    float_array,
    float_dtype,
    generator,
    one_of,
    whole_number,
)
from nnlib.initializers import normal, xavier_normal
from nnlib.layers import Composite, Layer, Linear, drawn
from nnlib.masks import fits
from nnlib.mlp import standardize_sample
from nnlib.tokens import project, with_token


class MultiHeadAttention(Composite):
    """Attention in several heads at once, each on its share of the width, joined by a linear layer.

    Called as ``attend(x, context, mask=None)``: queries come from x, keys and values from context.
    A mask is boolean, True = may attend: (t, s) for all, (B, t, s) for each sample, whatever B is,
    or (B, heads, t, s); axes of size 1 broadcast.

    The weights are drawn with variance 1/d: from rows of variance 1, as a layer norm gives them,
    they make queries, keys and values of variance 1, and so scores of variance 1.

    Shapes     x (B, t, d), context (B, s, d) -> y (B, t, d)
    Pullback   dx, dcontext.
    Errors     ValueError when the width cannot be shared out among the heads, for tokens of another
               width, or for a mask that does not fit or leaves a query without any key.
    Source     D-mha, N-mha-bwd.

    >>> import numpy as np
    >>> attend = MultiHeadAttention(4, 2, rng=0)
    >>> x = np.ones((1, 3, 4))
    >>> attend(x, x)[0].shape, attend.weights(x, x).shape
    ((1, 3, 4), (1, 2, 3, 3))
    """

    def __init__(
        self, d: int, heads: int, *, rng: Rng | int | None, dtype: Any = "float64"
    ) -> None:
        d, heads = shared_out("MultiHeadAttention", d, heads)
        rng = generator("MultiHeadAttention", "rng", rng)
        of_width = {"init": xavier_normal, "rng": rng, "dtype": dtype}
        super().__init__(*(Linear(d, d, **of_width) for _ in ("q", "k", "v", "y")))
        self.d, self.heads = d, heads

    def split(self, x: Array) -> Array:
        """(B, T, d) -> (B, heads, T, d/heads)."""
        return x.reshape(*x.shape[:-1], self.heads, x.shape[-1] // self.heads).swapaxes(-2, -3)

    def merge(self, x: Array) -> Array:
        """(B, heads, T, d/heads) -> (B, T, d)."""
        x = x.swapaxes(-2, -3)
        return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])

    def for_heads(self, mask: Array | None, x: Array, context: Array) -> Array | None:
        """A mask for each sample, (B, t, s) -> (B, 1, t, s); others as they are, when they fit."""
        if mask is None:
            return None
        boolean("MultiHeadAttention", "mask", mask)
        scores = (*x.shape[:-1], context.shape[-2])  # (B, t, s)
        each_head = (*scores[:-2], self.heads, *scores[-2:])  # (B, heads, t, s)
        for_each = mask[..., None, :, :] if 2 < mask.ndim <= len(scores) else mask
        if not fits(for_each, each_head):
            raise ValueError(
                f"MultiHeadAttention: mask must be {scores[-2:]} for all, {scores} for each sample "
                f"or {each_head} for each head; got {mask.shape}."
            )
        return for_each

    def __call__(
        self, x: Array, context: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        of_tokens("MultiHeadAttention", "x", x, self.d)
        of_tokens("MultiHeadAttention", "context", context, self.d, x.shape[:-2])
        to_q, to_k, to_v, to_y = self.parts
        (q, q_pullback), (k, k_pullback), (v, v_pullback) = to_q(x), to_k(context), to_v(context)
        mask = self.for_heads(mask, x, context)
        o, attention_pullback = attention(self.split(q), self.split(k), self.split(v), mask=mask)
        y, y_pullback = to_y(self.merge(o))

        def pullback(dy: Array) -> tuple[Array, Array]:
            do = self.split(y_pullback(dy))
            dq, dk, dv = map(self.merge, attention_pullback(do))
            return q_pullback(dq), k_pullback(dk) + v_pullback(dv)

        return y, pullback

    def weights(self, x: Array, context: Array, mask: Array | None = None) -> Array:
        """The attention weights (B, heads, t, s), for looking at."""
        of_tokens("MultiHeadAttention", "x", x, self.d)
        of_tokens("MultiHeadAttention", "context", context, self.d, x.shape[:-2])
        to_q, to_k, _, _ = self.parts
        q, k = self.split(to_q(x)[0]), self.split(to_k(context)[0])
        return attention_weights(q, k, mask=self.for_heads(mask, x, context))[0]


def shared_out(where: str, d: int, heads: int) -> tuple[int, int]:
    """A width and the number of heads that share it, when they can.

    >>> shared_out("MultiHeadAttention", 10, 3)
    Traceback (most recent call last):
    ...
    ValueError: MultiHeadAttention: d (10) must be divisible by heads (3); try 2 or 5 or 10.
    """
    d, heads = (whole_number(where, name, n, low=1) for name, n in (("d", d), ("heads", heads)))
    if d % heads:
        divisors = " or ".join(str(h) for h in range(2, d + 1) if d % h == 0) or "1"
        raise ValueError(f"{where}: d ({d}) must be divisible by heads ({heads}); try {divisors}.")
    return d, heads


def of_tokens(
    where: str, name: str, x: Array, d: int, samples: tuple[int, ...] | None = None
) -> None:
    """Refuse what are no tokens of this width, or of other samples than these.

    >>> of_tokens("Encoder", "x", np.ones((2, 5, 3)), 4)
    Traceback (most recent call last):
    ...
    ValueError: Encoder: x must have shape (..., T, 4); got (2, 5, 3).
    """
    float_array(where, name, x)
    leading = "..., " if samples is None else "".join(f"{size}, " for size in samples)
    if x.ndim < 2 or x.shape[-1] != d or samples not in (None, x.shape[:-2]):
        raise ValueError(f"{where}: {name} must have shape ({leading}T, {d}); got {x.shape}.")
    if not x.shape[-2]:
        raise ValueError(
            f"{where}: {name} must have a token; got {x.shape}. Only leading axes may be empty."
        )


class OneLayerEncoder(Composite):
    """Document C's encoder: one head and a residual, read out at a class token in the last row.

    Its equations: h0 the standardized sample, h = concat(h0 W1, cls), q, k, v from h,
    h2 = softmax(c q kᵀ) v + h with c = 1, or 1/√d when scaled, and z = h2 W2 in the class token's
    row. No biases, no layer norm, no positions; weights are (out, in) here.

    Shapes     x (B, tokens, features) -> z (B, classes)
    Pullback   dx.
    Errors     TypeError or ValueError for sizes that are no integers >= 1, and for samples of
               another shape.
    Source     C2-F1, C2-F2, C2-F3, C2-F4, C2-F5, C2-F6 (with d1 = d2 = d), C2-F7; its gradients are
               C2-CLOSED-W1, C2-CLOSED-cls, C2-CLOSED-Wq, C2-CLOSED-Wk, C2-CLOSED-Wv, C2-CLOSED-W2.

    >>> model = OneLayerEncoder(28, 28, 16, 10, rng=0)
    >>> x = np.random.default_rng(0).random((5, 28, 28), np.float32)
    >>> model(x)[0].shape, model.weights(x).shape
    ((5, 10), (5, 29, 29))
    """

    def __init__(
        self,
        features: int,
        tokens: int,
        d: int,
        classes: int,
        *,
        scaled: bool = False,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "OneLayerEncoder"
        sizes = {"features": features, "tokens": tokens, "d": d, "classes": classes}
        for name, size in sizes.items():
            whole_number(where, name, size, low=1)
        one_of(where, "scaled", scaled, (True, False))
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)

        def projection(d_in: int, d_out: int) -> Layer:
            W = drawn(where, xavier_normal, (d_out, d_in), rng=rng, dtype=dtype)
            return Layer(project, W=W)

        super().__init__(
            Layer(standardize_sample),
            projection(features, d),
            Layer(with_token, token=normal((1, d), rng=rng, std=1, dtype=dtype)[0]),
            *(projection(d, d) for _ in ("q", "k", "v")),
            projection(d, classes),
        )
        self.tokens, self.features, self.d, self.scaled = tokens, features, d, scaled

    def rows(self, x: Array) -> tuple[Array, Pullback]:
        """The standardized and projected rows of x, with the class token behind."""
        if np.shape(x)[-2:] != (self.tokens, self.features):
            due = f"(..., {self.tokens}, {self.features})"
            raise ValueError(f"OneLayerEncoder: x must have shape {due}; got {np.shape(x)}.")
        standardize, embed, append, *_ = self.parts
        h0, h0_pullback = standardize(x)
        h1, h1_pullback = embed(h0)
        h, h_pullback = append(h1, last=True)
        return h, lambda dh: h0_pullback(h1_pullback(h_pullback(dh)))

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        *_, to_q, to_k, to_v, read = self.parts
        h, h_pullback = self.rows(x)
        (q, q_pullback), (k, k_pullback), (v, v_pullback) = to_q(h), to_k(h), to_v(h)
        c = self.scale
        o, attention_pullback = attention(c * q, k, v)
        h2 = o + h
        z, z_pullback = read(h2[..., -1, :])

        def pullback(dz: Array) -> Array:
            dh2 = np.zeros_like(h2)
            dh2[..., -1, :] = z_pullback(dz)
            dcq, dk, dv = attention_pullback(dh2)
            dh = dh2 + q_pullback(c * dcq) + k_pullback(dk) + v_pullback(dv)
            return h_pullback(dh)

        return z, pullback

    @property
    def scale(self) -> float:
        """What queries are multiplied by, since attention divides its scores by √d."""
        return 1.0 if self.scaled else sqrt(self.d)

    def weights(self, x: Array) -> Array:
        """The attention weights (B, tokens + 1, tokens + 1), for looking at."""
        _, _, _, to_q, to_k, *_ = self.parts
        h, _ = self.rows(x)
        return attention_weights(self.scale * to_q(h)[0], to_k(h)[0])[0]

"""Multi-head attention: every token looks at others, in several ways at once."""

from typing import Any

from nnlib.blocks import attention, attention_weights, fits
from nnlib.checks import Array, Pullback, Rng, boolean, generator, whole_number
from nnlib.layers import Composite, Linear


class MultiHeadAttention(Composite):
    """Attention in several heads at once, each on its share of the width, joined by a linear layer.

    Called as ``attend(x, context, mask=None)``: queries come from x, keys and values from context.
    A mask is boolean, True = may attend: (t, s) for all, (B, t, s) for each sample, whatever B is,
    or (B, heads, t, s); axes of size 1 broadcast.

    Shapes     x (B, t, d), context (B, s, d) -> y (B, t, d)
    Pullback   dx, dcontext.
    Errors     ValueError when the width cannot be shared out among the heads, or for a mask that
               does not fit or leaves a query without any key.
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
        d = whole_number("MultiHeadAttention", "d", d, low=1)
        heads = whole_number("MultiHeadAttention", "heads", heads, low=1)
        if d % heads:
            divisors = " or ".join(str(h) for h in range(2, d + 1) if d % h == 0) or "1"
            raise ValueError(
                f"MultiHeadAttention: d ({d}) must be divisible by heads ({heads}); try {divisors}."
            )
        rng = generator("MultiHeadAttention", "rng", rng)
        super().__init__(*(Linear(d, d, rng=rng, dtype=dtype) for _ in ("q", "k", "v", "o")))
        self.heads = heads

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
        to_q, to_k, _, _ = self.parts
        q, k = self.split(to_q(x)[0]), self.split(to_k(context)[0])
        return attention_weights(q, k, mask=self.for_heads(mask, x, context))[0]

"""Multi-head attention: every token looks at others, in several ways at once."""

from typing import Any

from nnlib.blocks import attention, attention_weights
from nnlib.checks import Array, Pullback, Rng, generator, whole_number
from nnlib.layers import Composite, Linear


class MultiHeadAttention(Composite):
    """Attention in several heads at once, each on its share of the width, joined by a linear layer.

    Called as ``attend(x, context, mask=None)``: queries come from x, keys and values from context.

    Shapes     x (B, t, d), context (B, s, d) -> y (B, t, d)
    Pullback   dx, dcontext.
    Errors     ValueError when the width cannot be shared out among the heads.
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
            divisors = " or ".join(str(h) for h in range(2, d + 1) if d % h == 0)
            raise ValueError(
                f"MultiHeadAttention: d ({d}) must be divisible by heads ({heads}); try {divisors}."
            )
        rng = generator("MultiHeadAttention", "rng", rng)
        super().__init__(*(Linear(d, d, rng=rng, dtype=dtype) for _ in ("q", "k", "v", "o")))
        self.heads = heads

    def split(self, x: Array) -> Array:
        """(B, T, d) -> (B, heads, T, d/heads)."""
        return x.reshape(*x.shape[:-1], self.heads, -1).swapaxes(-2, -3)

    def merge(self, x: Array) -> Array:
        """(B, heads, T, d/heads) -> (B, T, d)."""
        x = x.swapaxes(-2, -3)
        return x.reshape(*x.shape[:-2], -1)

    def __call__(
        self, x: Array, context: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        to_q, to_k, to_v, to_y = self.parts
        (q, q_pullback), (k, k_pullback), (v, v_pullback) = to_q(x), to_k(context), to_v(context)
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
        return attention_weights(self.split(to_q(x)[0]), self.split(to_k(context)[0]), mask=mask)[0]

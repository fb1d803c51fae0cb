"""The transformer's encoder, and a classifier that reads it: layers that attend and think.

Each forward pass is written from top to bottom and its pullback from bottom to top, with the same
names. What a layer is made of stands in nnlib.attention and nnlib.tokens.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from nnlib.attention import (
    MultiHeadAttention,
    of_tokens,
    shared_out,
)
from nnlib.blocks import layer_norm
from nnlib.checks import (
    Array,
    Pullback,
    Rng,
    boolean,
    float_dtype,
    generator,
    number,
    one_of,
    whole_number,
)
from nnlib.initializers import normal, xavier_normal
from nnlib.layers import Composite, Dropout, Layer, Linear, Sequential, back_through
from nnlib.masks import fits
from nnlib.mlp import MLP
from nnlib.tokens import add_positions, add_sinusoids, read_out, with_token

ALL = slice(None)


def norm(d: int, dtype: Any) -> Layer:
    """A layer norm that begins with scale 1 and shift 0."""
    return Layer(layer_norm, gamma=np.ones(d, dtype), beta=np.zeros(d, dtype))


def where_to_norm(norm_first: bool) -> tuple[Callable, Callable]:
    """What happens before a branch and behind its sum: a norm at one of the two places.

    >>> before, after = where_to_norm(False)
    >>> before(norm(2, "float64"), np.array([1.0, 3.0]))[0]
    array([1., 3.])
    """
    return (with_norm, as_it_is) if norm_first else (as_it_is, with_norm)


def with_norm(its_norm: Callable, x: Array) -> tuple[Array, Pullback]:
    """The norm of x."""
    return its_norm(x)


def as_it_is(its_norm: Callable, x: Array) -> tuple[Array, Pullback]:
    """x itself."""
    return x, lambda dx: dx


class TransformerLayer(Composite):
    """What layers are made of: attention in heads, once or twice, and an MLP, each with a norm.

    Errors   as EncoderLayer.
    """

    attentions = 1

    def __init__(
        self,
        d: int,
        heads: int,
        d_ff: int,
        *,
        norm_first: bool = True,
        dropout: float = 0.0,
        rng: Rng | int | None,
        dtype: Any = "float64",
    ) -> None:
        where = type(self).__name__
        checked(where, d, heads, d_ff, norm_first, dropout)
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        silence = [Dropout(dropout)] if dropout else []
        parts: list[Any] = []
        for _ in range(self.attentions):
            attend = MultiHeadAttention(d, heads, rng=rng, dtype=dtype)
            parts += [norm(d, dtype), Sequential(attend, *silence)]
        think = MLP(d, d_ff, d, rng=rng, dtype=dtype)
        super().__init__(*parts, norm(d, dtype), Sequential(think, *silence))
        self.d, self.norm_first = d, norm_first


class EncoderLayer(TransformerLayer):
    """Tokens attend to each other, then each thinks alone; both times the layer adds to them.

    norm_first   True: y = h + think(norm h), h = x + attend(norm x): from y to x there is a way
                 for the gradient on which nothing is normed. False, as first published:
                 y = norm(h + think h), h = norm(x + attend x): each norm stands in its way.
    dropout      the share of what attention and thinking add that is silenced in training.

    Called as ``layer(x, mask=None, rng=None)``. Thinking is an MLP of widths d, d_ff, d with ReLU,
    its weights drawn as He does for a ReLU, attention's with variance 1/d.

    ``rows``, a slice, asks for some rows of y alone, at the cost of these: the others are only
    looked at, as keys and values. The mask's queries are then those rows.

    Shapes     x (B, T, d) -> y (B, T, d)
    Pullback   dx.
    Errors     TypeError or ValueError for sizes that are no integers >= 1 or heads that cannot
               share d, for a norm_first that is no bool, a dropout outside [0, 1), and for tokens
               or a mask that do not fit.
    Source     D-attn, D-mha, D-ffn, D-lnres; N-ffn-bwd, N-residual.

    >>> layer = EncoderLayer(4, 2, 8, rng=0)
    >>> y, pullback = layer(np.eye(4)[None], mask=np.tri(4, dtype=bool))
    >>> y.shape, pullback(y).shape, layer.weights(np.eye(4)[None]).shape
    ((1, 4, 4), (1, 4, 4), (1, 2, 4, 4))
    """

    def __call__(
        self,
        x: Array,
        mask: Array | None = None,
        rng: Rng | None = None,
        rows: slice = ALL,
    ) -> tuple[Array, Pullback]:
        of_tokens("EncoderLayer", "x", x, self.d)
        before, after = where_to_norm(self.norm_first)
        norm1, attend, norm2, think = self.parts
        n, n_pullback = before(norm1, x)
        a, a_pullback = attend(n[..., rows, :], n, mask=mask, rng=rng)
        h, h_pullback = after(norm1, x[..., rows, :] + a)
        m, m_pullback = before(norm2, h)
        f, f_pullback = think(m, rng=rng)
        y, y_pullback = after(norm2, h + f)

        def pullback(dy: Array) -> Array:
            dsum = y_pullback(dy)
            dsum = h_pullback(dsum + m_pullback(f_pullback(dsum)))
            dn_rows, dn = a_pullback(dsum)
            dn[..., rows, :] += dn_rows
            dx = n_pullback(dn)
            dx[..., rows, :] += dsum
            return dx

        return y, pullback

    def weights(self, x: Array, mask: Array | None = None) -> Array:
        """The attention weights (B, heads, T, T), for looking at."""
        before, _ = where_to_norm(self.norm_first)
        parts: Any = self.parts
        norm1, attend, _, _ = parts
        n, _ = before(norm1, x)
        return attend.parts[0].weights(n, n, mask)


class Stack(Composite):
    """So many layers of a kind, one on the other, and a last norm when each norms first.

    Errors   as EncoderLayer; TypeError or ValueError for layers that are no integer >= 1.
    """

    kind: type[TransformerLayer]

    def __init__(
        self,
        layers: int,
        d: int,
        heads: int,
        d_ff: int,
        *,
        norm_first: bool = True,
        dropout: float = 0.0,
        rng: Rng | int | None,
        dtype: Any = "float64",
    ) -> None:
        where = type(self).__name__
        layers = whole_number(where, "layers", layers, low=1)
        checked(where, d, heads, d_ff, norm_first, dropout)
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        options: Any = {"norm_first": norm_first, "dropout": dropout, "rng": rng, "dtype": dtype}
        parts: list[Any] = [self.kind(d, heads, d_ff, **options) for _ in range(layers)]
        super().__init__(*parts, *([norm(d, dtype)] if norm_first else []))
        self.depth = layers


class Encoder(Stack):
    """So many encoder layers, one on the other, and a last norm when each norms first.

    Called as ``encoder(x, mask=None, rng=None)``; every layer has the same mask. ``rows``, a slice,
    asks the last layer for some rows alone; the mask is then one for all queries, (..., 1, T).

    Shapes     x (B, T, d) -> y (B, T, d)
    Pullback   dx.
    Errors     as EncoderLayer; TypeError or ValueError for layers that are no integer >= 1.
    Source     D-encdec.

    >>> encoder = Encoder(2, 4, 2, 8, rng=0)
    >>> encoder(np.ones((1, 3, 4)))[0].shape, [A.shape for A in encoder.weights(np.ones((1, 3, 4)))]
    ((1, 3, 4), [(1, 2, 3, 3), (1, 2, 3, 3)])
    """

    kind = EncoderLayer

    def __call__(
        self,
        x: Array,
        mask: Array | None = None,
        rng: Rng | None = None,
        rows: slice = ALL,
    ) -> tuple[Array, Pullback]:
        layers, last_norm = self.parts[: self.depth], self.parts[self.depth :]
        pullbacks = []
        for layer in layers:
            asked = rows if layer is layers[-1] else ALL
            x, layer_pullback = layer(x, mask=mask, rng=rng, rows=asked)
            pullbacks.append(layer_pullback)
        for norm_layer in last_norm:
            x, norm_pullback = norm_layer(x)
            pullbacks.append(norm_pullback)

        return x, back_through(pullbacks)

    def weights(self, x: Array, mask: Array | None = None) -> list[Array]:
        """The attention weights of each layer, (B, heads, T, T), for looking at."""
        A: list[Array] = []
        layers: Any = self.parts[: self.depth]
        for layer in layers:
            A.append(layer.weights(x, mask))
            x, _ = layer(x, mask=mask)
        return A


class TokenClassifier(Composite):
    """Scores of a sample that is a row of tokens: embedded, given their places, encoded, read.

    positions   "learned": a row for each place; "sinusoids": those of positional_encoding; None:
                the order of the tokens then tells nothing.
    readout     "class": a learned class token stands before the others, in row 0, and its row is
                read; "mean": the mean of the tokens is.

    Called as ``model(x, mask=None, rng=None)``. The mask is boolean, (B, 1, T) as padding_mask
    gives it, for the tokens given: where it is False nobody attends to the token and the mean
    leaves it out, whatever number stands there; NaN is refused. The class token is always there.
    There may be fewer tokens than `tokens`, not more. Of the last layer only the rows that are read
    are computed: with a class token, that is its own.

    Without positions, tokens in another order give the same scores but for rounding: the sums over
    the keys run in another order, which in float64 changes the scores by 1e-12 of their size at
    most. Nothing else changes, so no bit is promised, and none is in another batch either.

    At first the scores are small, whatever the input, and the loss is that of chance: the weights
    that read are drawn with standard deviation 0.02. The class token and the learned places are
    drawn with 0.5, near the size of sinusoids, so that places are told from the first step on.

    Shapes     x (B, T, features), T <= tokens -> z (B, classes)
    Pullback   dx.
    Errors     as Encoder; TypeError or ValueError for positions or a readout that there is not, for
               more tokens than `tokens`, of another width, and for a mask that does not fit.
    Source     D-pe, D-perm, C2-F3, C2-F7.

    >>> model = TokenClassifier(28, 28, 10, d=16, heads=4, d_ff=32, rng=0)
    >>> x = np.random.default_rng(0).random((5, 28, 28), np.float32)
    >>> model(x)[0].shape, [A.shape for A in model.weights(x)]
    ((5, 10), [(5, 4, 29, 29)])
    """

    def __init__(
        self,
        features: int,
        tokens: int,
        classes: int,
        *,
        d: int = 64,
        heads: int = 4,
        d_ff: int = 256,
        layers: int = 1,
        positions: Literal["learned", "sinusoids"] | None = "learned",
        readout: Literal["class", "mean"] = "class",
        norm_first: bool = True,
        dropout: float = 0.0,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "TokenClassifier"
        sizes = {"features": features, "tokens": tokens, "classes": classes, "layers": layers}
        for name, size in sizes.items():
            whole_number(where, name, size, low=1)
        checked(where, d, heads, d_ff, norm_first, dropout)
        one_of(where, "positions", positions, ("learned", "sinusoids", None))
        one_of(where, "readout", readout, ("class", "mean"))
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)

        def drawn_rows(count: int) -> Array:
            return normal((count, d), rng=rng, std=0.5, dtype=dtype)

        places: list[Layer] = []
        token = [Layer(with_token, token=drawn_rows(1)[0])] if readout == "class" else []
        if positions == "learned":
            places = [Layer(add_positions, P=drawn_rows(tokens + len(token)))]
        elif positions == "sinusoids":
            places = [Layer(add_sinusoids)]
        options: Any = {"norm_first": norm_first, "dropout": dropout, "rng": rng, "dtype": dtype}
        embed = Linear(features, d, init=xavier_normal, rng=rng, dtype=dtype)
        read = Linear(d, classes, init=partial(normal, std=0.02), rng=rng, dtype=dtype)
        super().__init__(
            Sequential(embed, *token, *places), Encoder(layers, d, heads, d_ff, **options), read
        )
        self.features, self.tokens, self.readout = features, tokens, readout

    def __call__(
        self, x: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        mask = self.there(x, mask)
        return self.scores(self.parts[0](x), mask, rng)

    def on_data(
        self, x: Array, mask: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        mask = self.there(x, mask)
        return self.scores(self.parts[0].on_data(x), mask, rng)

    def scores(
        self, embedded: tuple[Array, Pullback], mask: Array | None, rng: Rng | None
    ) -> tuple[Array, Pullback]:
        """The encoder and what reads it, behind the embedding's value and pullback."""
        _, encoder, read = self.parts
        e, e_pullback = embedded
        h, h_pullback = encoder(e, mask=mask, rng=rng, rows=self.read_rows)
        keep = mask[..., 0, self.read_rows] if mask is not None else np.ones(h.shape[:-1], bool)
        r, r_pullback = read_out(h, keep=keep)
        z, z_pullback = read(r)

        def pullback(dz: Array) -> Array:
            return e_pullback(h_pullback(r_pullback(z_pullback(dz))))

        return z, pullback

    @property
    def read_rows(self) -> slice:
        """The rows of the encoder that are read: the class token's, or all."""
        return slice(1) if self.readout == "class" else ALL

    def there(self, x: Array, mask: Array | None) -> Array | None:
        """The mask (B, 1, T) with the class token before the others, when it and x are as due."""
        of_tokens("TokenClassifier", "x", x, self.features)
        *samples, T, _ = x.shape
        if self.tokens < T:
            raise ValueError(
                f"TokenClassifier: x must have at most {self.tokens} tokens; got {T}, {x.shape}."
            )
        if mask is None:
            return None
        boolean("TokenClassifier", "mask", mask)
        due = (*samples, 1, T)
        if not fits(mask, due):
            raise ValueError(
                f"TokenClassifier: mask must be {due}, True for each token that is there; "
                f"got {mask.shape}."
            )
        mask = np.broadcast_to(mask, due)
        if self.readout == "mean":
            return mask
        return np.concatenate([np.ones((*samples, 1, 1), bool), mask], axis=-1)

    def weights(self, x: Array, mask: Array | None = None) -> list[Array]:
        """The attention weights of each layer, (B, heads, rows, rows), for looking at.

        The rows are those of the T tokens, behind that of the class token if there is one.
        """
        parts: Any = self.parts
        embed, encoder, _ = parts
        mask = self.there(x, mask)
        return encoder.weights(embed(x)[0], mask)


def checked(where: str, d: int, heads: int, d_ff: int, norm_first: bool, dropout: float) -> None:
    """Refuse what no encoder can be made of, before anything is drawn."""
    shared_out(where, d, heads)
    whole_number(where, "d_ff", d_ff, low=1)
    one_of(where, "norm_first", norm_first, (True, False))
    number(where, "dropout", dropout, "[0, 1)")

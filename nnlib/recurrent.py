"""Recurrence: one state, carried from token to token, and backpropagation through time."""

from typing import Any

import numpy as np

from nnlib.arrays import rows, sum_of_rows
from nnlib.attention import of_tokens
from nnlib.checks import (
    Array,
    Pullback,
    Rng,
    float_dtype,
    generator,
    one_of,
    whole_number,
)
from nnlib.contract import block, kindly
from nnlib.initializers import xavier_normal
from nnlib.layers import Composite, Layer
from nnlib.vocabulary import Embedding, as_many, padding, scorer, there, token_ids


@block("x (..., t, n), h0 (..., d), W (d, n), U (d, d), b (d,) -> h (..., t, d)")
def recurrent(x: Array, h0: Array, W: Array, U: Array, b: Array) -> tuple[Array, Pullback]:
    """Carry a state through a sequence: h_t = tanh(W x_t + U h_{t-1} + b), from h_0 on.

    Pullback   backpropagation through time, from the last step to the first:
               dL/dh_t = dh_t + Uᵀ da_{t+1},  da_t = (1 - h_t²) dL/dh_t;  then
               dx_t = Wᵀ da_t,  dh0 = Uᵀ da_1;  dW = Σ da_t x_tᵀ,  dU = Σ da_t h_{t-1}ᵀ,
               db = Σ da_t.
    Source     D-rnn, which leaves x out.

    >>> x, h0 = np.array([[1.0], [0.0]]), np.zeros(1)
    >>> recurrent(x, h0, np.array([[1.0]]), np.array([[0.5]]), np.zeros(1))[0].round(3)
    array([[0.762],
           [0.363]])
    """
    h = x @ W.T + b
    before = h0
    for t in range(x.shape[-2]):
        before = h[..., t, :] = np.tanh(h[..., t, :] + before @ U.T)
    previous = np.concatenate([h0[..., None, :], h[..., :-1, :]], axis=-2)

    def pullback(dh: Array) -> tuple[Array, ...]:
        dL_dh = through_time(h, U, dh)
        da = (1 - h * h) * dL_dh[..., 1:, :]
        da_rows = rows(da)
        dW, dU = da_rows.T @ rows(x), da_rows.T @ rows(previous)
        return da @ W, dL_dh[..., 0, :].copy(), dW, dU, sum_of_rows(da_rows)

    return h, pullback


def through_time(h: Array, U: Array, dh: Array) -> Array:
    """dL/dh_t for t = 0..T: what reaches each state, directly (dh) and through all later ones.

    Shapes   h (..., T, d), U (d, d), dh (..., T, d) -> dL/dh (..., T + 1, d)

    >>> h, U, dh = np.zeros((3, 1)), np.array([[0.5]]), np.array([[0.0], [0.0], [1.0]])
    >>> through_time(h, U, dh)[:, 0]
    array([0.125, 0.25 , 0.5  , 1.   ])
    """
    *samples, T, d = h.shape
    dL_dh = np.empty((*samples, T + 1, d), h.dtype.newbyteorder("="))
    reaches: Any = np.zeros((*samples, d), dL_dh.dtype)
    for t in range(T, 0, -1):
        dL_dh[..., t, :] = dh[..., t - 1, :] + reaches
        reaches = ((1 - h[..., t - 1, :] ** 2) * dL_dh[..., t, :]) @ U
    dL_dh[..., 0, :] = reaches
    return dL_dh


class RecurrentCell(Layer):
    """A state of width d that reads a sequence of width d_in, each step by the same weights.

    Called as ``cell(x, h0=None)``; without h0 the state begins at 0. W and U are drawn with
    variance 2 / (in + out), so that at first U neither shrinks nor stretches by much.

    Shapes     x (B, T, d_in), h0 (B, d) -> h (B, T, d)
    Pullback   dx, or dx and dh0 where h0 was given.
    Errors     TypeError or ValueError for sizes that are no integers >= 1, or an x or h0 that does
               not fit.
    Source     D-rnn with its input.

    >>> cell = RecurrentCell(3, 4, rng=0)
    >>> h, pullback = cell(np.ones((2, 5, 3)))
    >>> h.shape, pullback(h).shape, cell.gradients(np.ones((2, 5, 3)), h).shape
    ((2, 5, 4), (2, 5, 3), (2, 6, 4))
    """

    def __init__(self, d_in: int, d: int, *, rng: Rng | int | None, dtype: Any = "float64") -> None:
        where = "RecurrentCell"
        d_in, d = (whole_number(where, k, n, low=1) for k, n in (("d_in", d_in), ("d", d)))
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        W, U = (xavier_normal((d, n), rng=rng, dtype=dtype) for n in (d_in, d))
        super().__init__(recurrent, W=W, U=U, b=np.zeros(d, dtype))

    def __call__(
        self, x: Array, h0: Array | None = None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        d, d_in = self.params["W"].shape
        of_tokens("RecurrentCell", "x", x, d_in)
        states = (*x.shape[:-2], d)
        if h0 is None:
            h, pullback = self.run(recurrent, x, np.zeros(states, x.dtype))
            return h, lambda dh: pullback(dh)[0]
        if np.shape(h0) != states:
            raise ValueError(f"RecurrentCell: h0 must have shape {states}; got {np.shape(h0)}.")
        return self.run(recurrent, x, h0)

    def gradients(self, x: Array, dh: Array, h0: Array | None = None) -> Array:
        """dL/dh_t for t = 0..T, (B, T + 1, d), of which dh is what reaches each state directly."""
        h, _ = self(x, h0)
        return through_time(h, self.params["U"], dh)


class RecurrentEncoderDecoder(Composite):
    """One cell reads the source, another writes the target from the state that the first ends in.

    All that the writer knows of the source is that one state. Called as EncoderDecoder is,
    ``model(source=ids, target=ids)``; the padding of a source stands behind its tokens. A sequence
    may be of any length: a state has no places to run out of.

    Shapes     source (B, S), target (B, T) -> z (B, T, vocabulary)
    Pullback   ().
    Errors     TypeError or ValueError for ids outside the vocabulary, empty sequences and a source
               that is all padding.
    Source     D-rnn, D-encdec.

    >>> model = RecurrentEncoderDecoder(7, 4, rng=0)
    >>> model(source=np.array([[3, 4, 0]]), target=np.array([[1, 4]]))[0].shape
    (1, 2, 7)
    """

    def __init__(
        self,
        vocabulary: int,
        d: int = 64,
        *,
        tied: bool = True,
        pad: int = 0,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "RecurrentEncoderDecoder"
        vocabulary, d, pad = sizes(where, vocabulary, d, pad, tied)
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        of_width: Any = {"rng": rng, "dtype": dtype}
        read, write = (Embedding(vocabulary, d, longest=1, **of_width) for _ in "st")
        super().__init__(
            read,
            RecurrentCell(d, d, **of_width),
            write,
            RecurrentCell(d, d, **of_width),
            scorer(write, tied, rng),
        )
        self.vocabulary, self.pad = vocabulary, pad

    def encode(self, source: Array) -> tuple[Array, Pullback]:
        """The state (B, d) behind the last token of each source."""
        where = "RecurrentEncoderDecoder"
        token_ids(where, "source", source, self.vocabulary, None)
        length = there(where, "source", source, self.pad).cumsum(axis=1).argmax(axis=1)
        last = np.arange(len(source)), length
        embed, cell, *_ = self.parts
        x, x_pullback = embed(ids=source)
        h, h_pullback = cell(x)

        def pullback(dstate: Array) -> tuple[()]:
            dh = np.zeros_like(h)
            dh[last] = dstate
            return x_pullback(h_pullback(dh))

        return h[last], pullback

    @kindly
    def __call__(
        self, *, source: Array, target: Array, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        where = "RecurrentEncoderDecoder"
        token_ids(where, "source", source, self.vocabulary, None)
        token_ids(where, "target", target, self.vocabulary, None)
        as_many(where, target, source)
        _, _, embed, cell, score = self.parts
        state, state_pullback = self.encode(source)
        x, x_pullback = embed(ids=target)
        h, h_pullback = cell(x, state)
        z, z_pullback = score(h)

        def pullback(dz: Array) -> tuple[()]:
            dx, dstate = h_pullback(z_pullback(dz))
            x_pullback(dx)
            return state_pullback(dstate)

        return z, pullback

    def begin(self, source: Array) -> tuple[Array, Array]:
        """What is known before a token is written: the state, and a prefix without tokens."""
        return self.encode(source)[0], source[:, :0]

    def step(self, ids: Array, state: Array) -> tuple[Array, Array]:
        """Scores (B, vocabulary) of what follows one token more, (B,), and the state then."""
        token_ids("RecurrentEncoderDecoder", "ids", ids[:, None], self.vocabulary, None)
        _, _, embed, cell, score = self.parts
        return one_step(embed, cell, score, ids, state)


class RecurrentLanguageModel(Composite):
    """A cell reads what is written and scores what follows, token by token.

    Called as LanguageModel is, ``model(ids=ids)``, with a sequence of any length.

    Shapes     ids (B, T) -> z (B, T, vocabulary)
    Pullback   ().
    Errors     TypeError or ValueError for ids outside the vocabulary and for empty sequences.
    Source     D-rnn.

    >>> RecurrentLanguageModel(7, 4, rng=0)(ids=np.array([[1, 4, 2]]))[0].shape
    (1, 3, 7)
    """

    def __init__(
        self,
        vocabulary: int,
        d: int = 64,
        *,
        tied: bool = True,
        pad: int = 0,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "RecurrentLanguageModel"
        vocabulary, d, pad = sizes(where, vocabulary, d, pad, tied)
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        embed = Embedding(vocabulary, d, longest=1, rng=rng, dtype=dtype)
        cell = RecurrentCell(d, d, rng=rng, dtype=dtype)
        super().__init__(embed, cell, scorer(embed, tied, rng))
        self.vocabulary, self.pad, self.d = vocabulary, pad, d

    @kindly
    def __call__(self, *, ids: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        token_ids("RecurrentLanguageModel", "ids", ids, self.vocabulary, None)
        embed, cell, score = self.parts
        x, x_pullback = embed(ids=ids)
        h, h_pullback = cell(x)
        z, z_pullback = score(h)
        return z, lambda dz: x_pullback(h_pullback(z_pullback(dz)))

    def begin(self, source: Array) -> tuple[Array, Array]:
        """A state of 0, as nothing is written yet, and what is to be written first."""
        token_ids("RecurrentLanguageModel", "source", source, self.vocabulary, None, least=0)
        embed: Any = self.parts[0]
        return np.zeros((len(source), self.d), embed.E.dtype), source

    def step(self, ids: Array, state: Array) -> tuple[Array, Array]:
        """Scores (B, vocabulary) of what follows one token more, (B,), and the state then."""
        token_ids("RecurrentLanguageModel", "ids", ids[:, None], self.vocabulary, None)
        embed, cell, score = self.parts
        return one_step(embed, cell, score, ids, state)


def one_step(embed: Any, cell: Any, score: Any, ids: Array, state: Array) -> tuple[Array, Array]:
    """One token more for a cell: the scores of what follows, and the state then."""
    h, _ = cell(embed.at(ids, 0), state)
    z, _ = score(h[:, 0])
    return z, h[:, 0]


def sizes(where: str, vocabulary: int, d: int, pad: int, tied: bool) -> tuple[int, int, int]:
    """What a recurrent model is made of, when it can be."""
    vocabulary = whole_number(where, "vocabulary", vocabulary, low=2)
    one_of(where, "tied", tied, (True, False))
    return vocabulary, whole_number(where, "d", d, low=1), padding(where, pad, vocabulary)

"""Transformers that write: the encoder-decoder, and the language model, a decoder alone."""

from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, Pullback, Rng, float_dtype, generator, one_of, whole_number
from nnlib.contract import kindly
from nnlib.decoder import Decoder, Kept, keys_and_values, one_token_more
from nnlib.encoder import Encoder, checked
from nnlib.layers import Composite
from nnlib.masks import causal_mask
from nnlib.vocabulary import (
    Embedding,
    Positions,
    as_many,
    begins,
    padding,
    scorer,
    there,
    token_ids,
)


class Weights(NamedTuple):
    """Attention weights, for each layer (B, heads, queries, keys)."""

    source: list[Array]  # source to source
    target: list[Array]  # target to target
    cross: list[Array]  # target to source


class EncoderDecoder(Composite):
    """Reads a source, and scores at each token of a target what comes next.

    The encoder's tokens attend to each other, the decoder's to those before them and to what the
    encoder made of the source. Padding, on either side, is attended to by nobody.

    tied        whether what embeds the target also scores it: one array, used twice.
    longest     how many tokens a source or a target may have.

    Called as ``model(source=ids, target=ids)``. In training the target is the right text with a
    start in front, the labels are the same text with an end behind: teacher forcing.

    Shapes     source (B, S), target (B, T) -> z (B, T, vocabulary)
    Pullback   ().
    Errors     as EncoderLayer; TypeError or ValueError for positions that there are not, ids
               outside the vocabulary, sequences that are empty or beyond `longest`, a source that
               is all padding and a target that begins with it.
    Source     D-encdec, D-out; N-causal, N-attn-mask.

    >>> model = EncoderDecoder(7, 8, 2, longest=5, rng=0)
    >>> source, target = np.array([[3, 4, 5, 0]]), np.array([[1, 5]])
    >>> model(source=source, target=target)[0].shape, model.weights(source, target).cross[0].shape
    ((1, 2, 7), (1, 2, 2, 4))
    """

    def __init__(
        self,
        vocabulary: int,
        d: int = 32,
        heads: int = 4,
        d_ff: int | None = None,
        layers: int = 1,
        *,
        longest: int,
        positions: Positions = "learned",
        norm_first: bool = True,
        dropout: float = 0.0,
        tied: bool = True,
        pad: int = 0,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "EncoderDecoder"
        d_ff = 2 * d if d_ff is None else d_ff
        self.vocabulary = whole_number(where, "vocabulary", vocabulary, low=2)
        self.longest = whole_number(where, "longest", longest, low=1)
        self.pad = padding(where, pad, vocabulary)
        whole_number(where, "layers", layers, low=1)
        checked(where, d, heads, d_ff, norm_first, dropout)
        one_of(where, "positions", positions, ("learned", "sinusoids", None))
        one_of(where, "tied", tied, (True, False))
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        options: Any = {"norm_first": norm_first, "dropout": dropout, "rng": rng, "dtype": dtype}
        places: Any = {"longest": longest, "positions": positions, "rng": rng, "dtype": dtype}
        read = Embedding(vocabulary, d, **places)
        encoder = Encoder(layers, d, heads, d_ff, **options)
        write = Embedding(vocabulary, d, **places)
        decoder = Decoder(layers, d, heads, d_ff, **options)
        super().__init__(read, encoder, write, decoder, scorer(write, tied, rng))

    @kindly
    def __call__(
        self, *, source: Array, target: Array, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        memory_mask, _ = self.source_mask(source), self.target_mask(target)  # or refused, both
        as_many("EncoderDecoder", target, source)
        memory, memory_pullback = self.encode(source, rng)
        z, z_pullback = self.decode(target, memory, memory_mask, rng)

        def pullback(dz: Array) -> tuple[()]:
            return memory_pullback(z_pullback(dz))

        return z, pullback

    def encode(self, source: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        """What the encoder makes of the source: memory (B, S, d)."""
        embed, encoder, *_ = self.parts
        mask = self.source_mask(source)
        x, x_pullback = embed(ids=source)
        memory, encoder_pullback = encoder(x, mask=mask, rng=rng)
        return memory, lambda dmemory: x_pullback(encoder_pullback(dmemory))

    def decode(
        self, target: Array, memory: Array, memory_mask: Array | None, rng: Rng | None = None
    ) -> tuple[Array, Pullback]:
        """Scores of what follows each token of the target; the pullback gives dmemory."""
        _, _, embed, decoder, score = self.parts
        mask = self.target_mask(target)
        x, x_pullback = embed(ids=target)
        y, y_pullback = decoder(x, memory, mask=mask, memory_mask=memory_mask, rng=rng)
        z, z_pullback = score(y)

        def pullback(dz: Array) -> Array:
            dx, dmemory = y_pullback(z_pullback(dz))
            x_pullback(dx)
            return dmemory

        return z, pullback

    def source_mask(self, source: Array) -> Array:
        """Where a source's tokens are no padding, (B, 1, S), when it is as due."""
        token_ids("EncoderDecoder", "source", source, self.vocabulary, self.longest)
        return there("EncoderDecoder", "source", source, self.pad)[:, None]

    def target_mask(self, target: Array) -> Array:
        """To which tokens of a target each may attend, (B, T, T), when it is as due."""
        token_ids("EncoderDecoder", "target", target, self.vocabulary, self.longest)
        return written_mask("EncoderDecoder", "target", target, self.pad)

    def weights(self, source: Array, target: Array) -> Weights:
        """The attention weights of each layer, for looking at."""
        parts: Any = self.parts
        read, encoder, write, decoder, _ = parts
        mask, target_mask = self.source_mask(source), self.target_mask(target)
        memory, _ = self.encode(source)
        own, cross = decoder.weights(write(ids=target)[0], memory, target_mask, mask)
        return Weights(encoder.weights(read(ids=source)[0], mask), own, cross)

    def begin(self, source: Array) -> tuple[tuple, Array]:
        """What is known before a token is written, and a prefix without tokens."""
        *_, decoder, _ = self.parts
        memory, _ = self.encode(source)
        layers: Any = decoder.parts[: decoder.depth]  # type: ignore[attr-defined]
        read = tuple(keys_and_values(layer.parts[3].parts[0], memory) for layer in layers)
        nothing = source[:, :0]
        return (nothing, nothing_kept(layers, memory), read, self.source_mask(source)), nothing

    def step(self, ids: Array, state: tuple) -> tuple[Array, tuple]:
        """Scores (B, vocabulary) of what follows one token more, (B,), and what is known then."""
        _, _, embed, decoder, score = self.parts
        return write_on("EncoderDecoder", self, (embed, decoder, score), ids, state)


class LanguageModel(Composite):
    """Scores at each token what comes next: layers of an encoder whose tokens see no later ones.

    Called as ``model(ids=ids)``. In training the ids are a text with a start in front, the labels
    the same text with an end behind.

    Shapes     ids (B, T) -> z (B, T, vocabulary)
    Pullback   ().
    Errors     as EncoderDecoder for its target.
    Source     D-out; N-causal.

    >>> model = LanguageModel(7, 8, 2, 16, 1, longest=5, rng=0)
    >>> model(ids=np.array([[1, 4, 2]]))[0].shape
    (1, 3, 7)
    """

    def __init__(
        self,
        vocabulary: int,
        d: int = 64,
        heads: int = 4,
        d_ff: int | None = 256,
        layers: int = 2,
        *,
        longest: int,
        positions: Positions = "learned",
        norm_first: bool = True,
        dropout: float = 0.0,
        tied: bool = True,
        pad: int = 0,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        where = "LanguageModel"
        d_ff = 2 * d if d_ff is None else d_ff
        self.vocabulary = whole_number(where, "vocabulary", vocabulary, low=2)
        self.longest = whole_number(where, "longest", longest, low=1)
        self.pad = padding(where, pad, vocabulary)
        whole_number(where, "layers", layers, low=1)
        checked(where, d, heads, d_ff, norm_first, dropout)
        one_of(where, "positions", positions, ("learned", "sinusoids", None))
        one_of(where, "tied", tied, (True, False))
        rng, dtype = generator(where, "rng", rng), float_dtype(where, dtype)
        options: Any = {"norm_first": norm_first, "dropout": dropout, "rng": rng, "dtype": dtype}
        places: Any = {"longest": longest, "positions": positions, "rng": rng, "dtype": dtype}
        embed = Embedding(vocabulary, d, **places)
        super().__init__(
            embed, Encoder(layers, d, heads, d_ff, **options), scorer(embed, tied, rng)
        )

    @kindly
    def __call__(self, *, ids: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        embed, layers, score = self.parts
        mask = self.mask(ids)
        x, x_pullback = embed(ids=ids)
        y, y_pullback = layers(x, mask=mask, rng=rng)
        z, z_pullback = score(y)
        return z, lambda dz: x_pullback(y_pullback(z_pullback(dz)))

    def mask(self, ids: Array) -> Array:
        """To which tokens each may attend, (B, T, T), when the ids are as due."""
        token_ids("LanguageModel", "ids", ids, self.vocabulary, self.longest)
        return written_mask("LanguageModel", "ids", ids, self.pad)

    def weights(self, ids: Array) -> list[Array]:
        """The attention weights of each layer, (B, heads, T, T), for looking at."""
        parts: Any = self.parts
        embed, layers, _ = parts
        return layers.weights(embed(ids=ids)[0], self.mask(ids))

    def begin(self, source: Array) -> tuple[tuple, Array]:
        """What is known before a token is written, and what is to be written first: the source."""
        parts: Any = self.parts
        embed, encoder, _ = parts
        token_ids("LanguageModel", "source", source, self.vocabulary, self.longest, least=0)
        layers = encoder.parts[: encoder.depth]
        empty = embed.E[source[:, :0]]  # (B, 0, d)
        return (source[:, :0], nothing_kept(layers, empty), (), ()), source

    def step(self, ids: Array, state: tuple) -> tuple[Array, tuple]:
        """Scores (B, vocabulary) of what follows one token more, (B,), and what is known then."""
        return write_on("LanguageModel", self, self.parts, ids, state)


def written_mask(where: str, name: str, ids: Array, pad: int) -> Array:
    """Each token may attend to itself and to those before it, as far as they are no padding."""
    begins(where, name, ids, pad)
    return causal_mask(ids.shape[1]) & (ids != pad)[:, None]


def nothing_kept(layers: Any, x: Array) -> tuple[Kept, ...]:
    """For each layer the keys and values of no token yet."""
    B, _, d = x.shape
    heads = [layer.parts[1].parts[0].heads for layer in layers]
    none = [np.empty((B, h, 0, d // h), x.dtype) for h in heads]
    return tuple((a, a) for a in none)


def write_on(where: str, model: Any, parts: Any, ids: Array, state: tuple) -> tuple[Array, tuple]:
    """One token more through the layers, which keep their keys and values."""
    embed, stack, score = parts
    written, kept, memory, memory_mask = state
    place = written.shape[1]
    written = np.concatenate([written, ids[:, None]], axis=1)
    token_ids(where, "ids", written, model.vocabulary, model.longest)
    begins(where, "ids", written, model.pad)
    mask = (written != model.pad)[:, None]
    x, now_kept = embed.at(ids, place), []
    for k, layer in enumerate(stack.parts[: stack.depth]):
        read = memory[k] if memory else None
        x, kept_here = one_token_more(layer, x, kept[k], mask, read, memory_mask)
        now_kept.append(kept_here)
    for last_norm in stack.parts[stack.depth :]:
        x, _ = last_norm(x)
    z, _ = score(x[:, 0])
    return z, (written, tuple(now_kept), memory, memory_mask)

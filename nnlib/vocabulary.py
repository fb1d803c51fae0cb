"""Between ids and rows: what reads tokens at their places, and what scores the whole vocabulary."""

from math import sqrt
from typing import Any, Literal

import numpy as np

from nnlib.blocks import embedding
from nnlib.checks import Array, Pullback, Rng, class_numbers, one_of, whole_number
from nnlib.contract import block
from nnlib.initializers import normal
from nnlib.layers import Layer, Sequential
from nnlib.tokens import add_positions, add_sinusoids, positional_encoding, project

Positions = Literal["learned", "sinusoids"] | None


@block("x (..., d), E (v, d) -> z (..., v)")
def unembed(x: Array, E: Array) -> tuple[Array, Pullback]:
    """Score every token of a vocabulary by the product of its row with x: z = E x.

    Where E also embeds the tokens, the weights are tied: one array is used twice, and its gradient
    is the sum of those of both uses.

    Pullback   dx = Eᵀ dz,  dE = Σ dz xᵀ  over all rows.
    Source     D-out.

    >>> unembed(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))[0]
    array([[1., 2., 3.]])
    """
    return project(x, E)


class Embedding(Sequential):
    """Each token is its row of E, to which what tells its place is added.

    positions   "learned": a row for each of `longest` places; "sinusoids": those of
                positional_encoding; None: the order of the tokens then tells nothing.

    Called as ``embed(ids=ids)``. Rows are drawn with variance 1/d: their length is about 1.

    Shapes     ids (B, T) -> x (B, T, d)
    Pullback   (), since an id has no gradient; a row of E collects those of all its tokens.
    Errors     TypeError or ValueError for positions that there are not, and for ids outside the
               vocabulary.
    Source     N-embed, D-pe.

    >>> embed = Embedding(5, 4, longest=3, positions="learned", rng=np.random.default_rng(0))
    >>> x, _ = embed(ids=np.array([[1, 2, 2]]))
    >>> bool((embed.at(np.array([2]), 1) == x[:, 1:2]).all())
    True
    """

    def __init__(
        self,
        vocabulary: int,
        d: int,
        *,
        longest: int,
        positions: Positions = None,
        rng: Rng,
        dtype: Any = "float64",
    ) -> None:
        one_of("Embedding", "positions", positions, ("learned", "sinusoids", None))
        places: list[Layer] = []
        if positions == "learned":
            places = [Layer(add_positions, P=unit_rows(longest, d, rng, dtype))]
        elif positions == "sinusoids":
            places = [Layer(add_sinusoids)]
        super().__init__(Layer(embedding, E=unit_rows(vocabulary, d, rng, dtype)), *places)
        self.positions = positions

    @property
    def E(self) -> Array:
        """The rows of the tokens."""
        return self.parts[0].params["E"]  # type: ignore[attr-defined]

    def at(self, ids: Array, place: int) -> Array:
        """One token of each sample, (B,), at a place that all of them have: (B, 1, d)."""
        x = self.E[ids[:, None]]
        if self.positions == "learned":
            return x + self.parts[1].params["P"][place]  # type: ignore[attr-defined]
        if self.positions == "sinusoids":
            return x + positional_encoding(place + 1, x.shape[-1])[place].astype(x.dtype)
        return x


def unit_rows(count: int, d: int, rng: Rng, dtype: Any) -> Array:
    """Rows N(0, 1/d) of length about 1: from a row of variance 1 they score with variance 1."""
    return normal((count, d), rng=rng, std=1 / sqrt(d), dtype=dtype)


def scorer(embed: Embedding, tied: bool, rng: Rng) -> Layer:
    """What scores the vocabulary: by the rows that embed it, or by rows of its own."""
    E = embed.E
    return Layer(unembed, E=E if tied else unit_rows(len(E), E.shape[1], rng, E.dtype))


def token_ids(
    where: str, name: str, ids: Any, vocabulary: int, longest: int | None, *, least: int = 1
) -> Array:
    """The ids (B, T), when they are tokens of the vocabulary and no more than `longest`.

    >>> token_ids("EncoderDecoder", "target", np.array([[1, 9]]), 5, 8)
    Traceback (most recent call last):
    ...
    ValueError: EncoderDecoder: target must lie in 0..4; got 9 at index (0, 1).
    """
    class_numbers(where, name, ids, vocabulary)
    if ids.ndim != 2:
        advice = f" For one sequence use {name}[None]." if ids.ndim == 1 else ""
        raise ValueError(f"{where}: {name} must have shape (B, T); got {ids.shape}.{advice}")
    if (T := ids.shape[1]) < least:
        raise ValueError(f"{where}: {name} must have at least one token; got {ids.shape}.")
    if longest is not None and longest < T:
        raise ValueError(
            f"{where}: {name} must have at most {longest} tokens; got {T}. "
            f"Build the model with longest={T}, or shorten it."
        )
    return ids


def as_many(where: str, target: Array, source: Array) -> None:
    """Refuse a target that is not of the source's samples.

    >>> as_many("EncoderDecoder", np.ones((3, 2), int), np.ones((1, 4), int))
    Traceback (most recent call last):
    ...
    ValueError: EncoderDecoder: target must have a row for each of 1 sources; got (3, 2).
    """
    if len(target) != len(source):
        raise ValueError(
            f"{where}: target must have a row for each of {len(source)} sources; "
            f"got {target.shape}."
        )


def there(where: str, name: str, ids: Array, pad: int) -> Array:
    """Where a token is no padding, when each row has such a token.

    >>> there("EncoderDecoder", "source", np.array([[3, 0], [0, 0]]), pad=0)
    Traceback (most recent call last):
    ...
    ValueError: EncoderDecoder: source must have a token in each row; row 1 is all padding.
    """
    mask = ids != pad
    if not mask.any(axis=-1).all():
        row = int(np.argmin(mask.any(axis=-1)))
        raise ValueError(
            f"{where}: {name} must have a token in each row; row {row} is all padding."
        )
    return mask


def begins(where: str, name: str, ids: Array, pad: int) -> Array:
    """The ids, when each row begins with a token: the first one can attend to itself alone.

    >>> begins("LanguageModel", "ids", np.array([[1, 0], [0, 2]]), pad=0)
    Traceback (most recent call last):
    ...
    ValueError: LanguageModel: ids must begin with a token; row 1 begins with padding.
    """
    if (ids[:, 0] == pad).any():
        row = int(np.argmax(ids[:, 0] == pad))
        raise ValueError(f"{where}: {name} must begin with a token; row {row} begins with padding.")
    return ids


def padding(where: str, pad: int, vocabulary: int) -> int:
    """The id of padding, when it is one of the vocabulary."""
    return whole_number(where, "pad", pad, low=0, high=vocabulary - 1)

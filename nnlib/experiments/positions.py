"""What sinusoids say of a position: hands that turn, and how alike two positions look."""

from typing import NamedTuple

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.transformer import positional_encoding


def wavelengths(d: int, *, base: float = 10000.0) -> Array:
    """After how many positions each pair of columns begins anew: 2π·base^(2i/d) for pair i.

    The last column of an odd width is a sine without its cosine, and counts as a pair.

    Shapes   (ceil(d / 2),)
    Errors   ValueError for a width below 1 or a base not above 1.

    >>> wavelengths(4, base=100).round(1)
    array([ 6.3, 62.8])
    """
    d = whole_number("wavelengths", "d", d, low=1)
    base = number("wavelengths", "base", base, "(1, inf)")
    return 2 * np.pi * base ** (np.arange(0, d, 2) / d)


def hands(PE: Array) -> Array:
    """The pairs of columns as the tips of a clock's hands: sine to the right, cosine upwards.

    A cosine that is missing is 0, so that what is left lies flat.

    Shapes   PE (..., d) -> (..., ceil(d / 2), 2)

    >>> hands(positional_encoding(1, 3)).tolist()
    [[[0.0, 1.0], [0.0, 0.0]]]
    """
    beyond = np.zeros((*PE.shape[:-1], PE.shape[-1] % 2))
    whole = np.concatenate([PE, beyond], axis=-1)
    return whole.reshape(*PE.shape[:-1], whole.shape[-1] // 2, 2)


def rotation(shift: float, wavelengths: Array) -> Array:
    """The matrix R that takes every position so many steps on: PE(pos + shift) = R PE(pos).

    On its diagonal stand the rotations of the hands, 2 × 2, clockwise; all else is 0.

    Shapes   wavelengths (n,) -> (2n, 2n)

    >>> PE = positional_encoding(9, 4)
    >>> np.allclose(PE[5:], PE[:-5] @ rotation(5, wavelengths(4)).T)
    True
    """
    angles = 2 * np.pi * shift / wavelengths
    R = np.zeros((2 * len(angles), 2 * len(angles)))
    sines, cosines = np.arange(0, len(R), 2), np.arange(1, len(R), 2)
    R[sines, sines] = R[cosines, cosines] = np.cos(angles)
    R[sines, cosines], R[cosines, sines] = np.sin(angles), -np.sin(angles)
    return R


class Alike(NamedTuple):
    """How the likeness of two positions goes with their distance, as a share of the whole.

    half    the first distance at which it is below a half, or None.
    least   the smallest.
    later   the largest from the half on.
    again   the distance of that one.
    """

    half: int | None
    least: float
    later: float
    again: int


def alike(products: Array) -> Alike:
    """What to say of inner products with the positions 0, 1, 2, ... steps away.

    >>> alike(np.array([4.0, 3.0, 1.0, -2.0, 3.0]))
    Alike(half=2, least=-0.5, later=0.75, again=4)
    """
    shares = products / products[0]
    (below,) = np.nonzero(shares < 0.5)
    half = int(below[0]) if below.size else None
    again = (half or 0) + int(shares[half:].argmax())
    return Alike(half, float(shares.min()), float(shares[again]), again)


class Positions(NamedTuple):
    """Positions encoded, and one of them compared with the one some steps on.

    PE            the encoding of the first T positions.
    base          how far the wavelengths are apart.
    wavelengths   of the pairs of columns.
    position      the first of the two; shift, the steps to the second.
    here, there   their hands.
    turned        the hands of the first, taken on by the rotation.
    from_start    PE(0)·PE(δ) for the distances δ of 0..T-1.
    from_here     PE(position)·PE(position + δ) for these.
    spread        how much PE(pos)·PE(pos + shift) differs over the T positions, to 9 decimals.
    apart         |PE(position) - PE(position + shift)|.
    """

    PE: Array
    base: float
    wavelengths: Array
    position: int
    shift: int
    here: Array
    there: Array
    turned: Array
    from_start: Array
    from_here: Array
    spread: float
    apart: float


def positions(
    *, T: int = 84, d: int = 12, base: float = 10000.0, position: int = 5, shift: int = 7
) -> Positions:
    """Encode T positions in the width d, and look at one of them and the one some steps on.

    Both may lie beyond the T, for sinusoids go on.

    Errors   ValueError for a position below 0 or a shift outside 0..T-1.

    >>> found = positions(T=64, d=4, shift=0)
    >>> found.from_start[:2].round(2).tolist(), found.apart
    ([2.0, 1.54], 0.0)
    """
    T = whole_number("positions", "T", T, low=1)
    position = whole_number("positions", "position", position, low=0)
    shift = whole_number("positions", "shift", shift, low=0, high=T - 1)
    further = positional_encoding(position + shift + T, d, base=base)
    waves = wavelengths(d, base=base)
    here, there = further[position], further[position + shift]
    everywhere = (further[:T] * further[shift : shift + T]).sum(axis=1)
    turned = rotation(shift, waves) @ hands(here).ravel()
    return Positions(
        further[:T],
        base,
        waves,
        position,
        shift,
        hands(here),
        hands(there),
        turned.reshape(-1, 2),
        further[:T] @ further[0],
        further[position : position + T] @ here,
        round(float(np.ptp(everywhere)), 9),
        float(np.linalg.norm(here - there)),
    )

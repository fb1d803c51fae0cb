"""First weights: each function takes a shape (out, in) and a generator and returns an array."""

from math import sqrt

import numpy as np

from nnlib.checks import Array, Rng, float_dtype, generator, number, whole_number

Seed = Rng | int | None


def constant(
    shape: tuple[int, int], *, rng: Seed = None, value: float = 0.1, dtype: object = "float64"
) -> Array:
    """Every weight the same: a layer's units then get the same gradient and stay equal for ever.

    Errors   ValueError for a shape that is not (out, in), a value that is not finite, or an
             unknown dtype.
    Source   E-const.

    >>> constant((2, 3), value=0.5)
    array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]])
    """
    fan("constant", shape)
    value = number("constant", "value", value, "(-inf, inf)")
    return np.full(shape, value, float_dtype("constant", dtype))


def uniform(
    shape: tuple[int, int],
    *,
    rng: Seed,
    low: float = -0.1,
    high: float = 0.1,
    dtype: object = "float64",
) -> Array:
    """Drawn from U[low, high).

    Errors   ValueError for a shape that is not (out, in), or high < low.
    Source   E-random.

    >>> uniform((2, 3), rng=0, low=0, high=1).shape
    (2, 3)
    """
    fan("uniform", shape)
    low = number("uniform", "low", low, "(-inf, inf)")
    high = number("uniform", "high", high, f"[{low}, inf)")
    draw = generator("uniform", "rng", rng).uniform(low, high, shape)
    return draw.astype(float_dtype("uniform", dtype), copy=False)


def normal(
    shape: tuple[int, int],
    *,
    rng: Seed,
    mean: float = 0.0,
    std: float = 0.01,
    dtype: object = "float64",
) -> Array:
    """Drawn from N(mean, std²): the second number is the standard deviation.

    Errors   ValueError for a shape that is not (out, in), or a negative std.
    Source   E-random.

    >>> normal((2, 3), rng=0, std=0).sum()
    np.float64(0.0)
    """
    fan("normal", shape)
    mean = number("normal", "mean", mean, "(-inf, inf)")
    std = number("normal", "std", std, "[0, inf)")
    draw = generator("normal", "rng", rng).normal(mean, std, shape)
    return draw.astype(float_dtype("normal", dtype), copy=False)


def xavier_uniform(shape: tuple[int, int], *, rng: Seed, dtype: object = "float64") -> Array:
    """Uniform with variance 2 / (in + out): U[-b, b), b = √(6 / (in + out)). For tanh.

    Errors   as uniform.
    Source   E-xavier-u.

    >>> bool(np.abs(xavier_uniform((40, 20), rng=0)).max() < np.sqrt(6 / 60))
    True
    """
    d_out, d_in = fan("xavier_uniform", shape)
    bound = sqrt(6 / (d_in + d_out))
    return uniform(shape, rng=rng, low=-bound, high=bound, dtype=dtype)


def xavier_normal(shape: tuple[int, int], *, rng: Seed, dtype: object = "float64") -> Array:
    """Normal with variance 2 / (in + out). For tanh.

    Errors   as normal.
    Source   E-xavier-n, which prints the variance in the place of the standard deviation.

    >>> round(float(xavier_normal((400, 600), rng=0).std() / np.sqrt(2 / 1000)), 2)
    1.0
    """
    d_out, d_in = fan("xavier_normal", shape)
    return normal(shape, rng=rng, std=sqrt(2 / (d_in + d_out)), dtype=dtype)


def he_uniform(shape: tuple[int, int], *, rng: Seed, dtype: object = "float64") -> Array:
    """Uniform, variance 2 / in: U[-b, b), b = √(6 / in). For ReLU, which halves the mean square.

    Errors   as uniform.
    Source   E-he-u, which prints √(3 / in) and so half the variance.

    >>> bool(np.abs(he_uniform((40, 20), rng=0)).max() < np.sqrt(6 / 20))
    True
    """
    _, d_in = fan("he_uniform", shape)
    return uniform(shape, rng=rng, low=-sqrt(6 / d_in), high=sqrt(6 / d_in), dtype=dtype)


def he_normal(shape: tuple[int, int], *, rng: Seed, dtype: object = "float64") -> Array:
    """Normal with variance 2 / in. For ReLU, which halves the mean square.

    Errors   as normal.
    Source   E-he-n.

    >>> round(float(he_normal((400, 600), rng=0).std() / np.sqrt(2 / 600)), 2)
    1.0
    """
    _, d_in = fan("he_normal", shape)
    return normal(shape, rng=rng, std=sqrt(2 / d_in), dtype=dtype)


def fan(where: str, shape: tuple[int, int]) -> tuple[int, int]:
    """The shape, when it is (out, in) with both at least 1."""
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise ValueError(f"{where}: shape must be (out, in); got {shape!r}.")
    d_out, d_in = shape
    return whole_number(where, "out", d_out, low=1), whole_number(where, "in", d_in, low=1)

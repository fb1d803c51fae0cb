"""What blocks do with arrays, the fast way: rows, sums, means, maxima."""

from math import prod

import numpy as np

from nnlib.checks import Array


def rows(x: Array) -> Array:
    """All leading axes as one: (..., n) -> (N, n).

    >>> rows(np.zeros((2, 3, 4))).shape
    (6, 4)
    """
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])


def times(x: Array, M: Array) -> Array:
    """Every row of x times M: in one product, where ``x @ M`` makes one for each sample.

    >>> times(np.ones((5, 2, 3)), np.ones((3, 4))).shape
    (5, 2, 4)
    """
    return x @ M if x.ndim == 2 else (rows(x) @ M).reshape(*x.shape[:-1], *M.shape[1:])


def sum_of_rows(x: Array) -> Array:
    """Σ over the rows, as a product with ones: several times as fast as ``x.sum(axis=0)``.

    >>> sum_of_rows(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    return np.ones(len(x), x.dtype) @ x


def sums(x: Array) -> Array:
    """Σ along the last axis, which stays, as a product with ones, likewise.

    >>> sums(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3.],
           [7.]])
    """
    return times(x, np.ones((x.shape[-1], 1), x.dtype))


def mean(x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """The mean along axes, which stay; along the last one by sums, which is faster.

    >>> mean(np.array([[1.0, 2.0], [3.0, 4.0]]), -1)
    array([[1.5],
           [3.5]])
    """
    if axis == -1:
        return sums(x) / x.shape[-1]
    return x.mean(axis=axis, keepdims=True)


def largest(z: Array, axis: int) -> Array:
    """The maximum along an axis, which stays.

    A short axis that lies together in memory is laid apart first: three times as fast.

    >>> largest(np.array([[1.0, 2.0], [4.0, 3.0]]), -1)
    array([[2.],
           [4.]])
    """
    if z.strides[axis] == z.itemsize and z.shape[axis] < 32:
        z = z.copy("F")
    return z.max(axis=axis, keepdims=True)


def native(x: Array) -> Array:
    """A copy in this machine's byte order.

    >>> native(np.array([1.0], ">f8")).dtype.isnative
    True
    """
    return x.astype(x.dtype.newbyteorder("="))

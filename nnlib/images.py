"""Images on their way into a network: shifted while it trains, and cut into tokens."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nnlib.arrays import native
from nnlib.checks import Array, Pullback, Rng, generator_given, raise_for_kind, whole_number
from nnlib.contract import block
from nnlib.layers import Layer


@block("x (..., h, w); down (...), right (...) -> y (..., h, w)")
def shift(x: Array, *, down: Array, right: Array) -> tuple[Array, Pullback]:
    """Move each image down and right by so many pixels: 0 comes in, what leaves is lost.

    Pullback   dx is dy moved back, up and left by as many.
    Errors     TypeError for pixels that are not integers.

    >>> y, pullback = shift(np.array([[1.0, 2.0]]), down=np.array(0), right=np.array(1))
    >>> y, pullback(y)
    (array([[0., 1.]]), array([[1., 0.]]))
    """
    for name, pixels in ("down", down), ("right", right):
        if pixels.dtype.kind not in "iu":
            raise_for_kind("shift", name, pixels)
    down, right = down.astype(int), right.astype(int)  # uint8 has no minus

    def pullback(dy: Array) -> Array:
        return windows(dy, down, right)

    return windows(x, -down, -right), pullback


def windows(x: Array, top: Array, left: Array) -> Array:
    """What a window of an image's size sees of it from each corner: 0 beyond the border.

    >>> windows(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array(1), np.array(-1))
    array([[0., 3.],
           [0., 0.]])
    """
    h, w = x.shape[-2:]
    top, left = top.ravel().clip(-h, h), left.ravel().clip(-w, w)  # farther off is nothing, too
    edge = int(max(np.abs(top).max(initial=0), np.abs(left).max(initial=0)))
    padded = np.zeros((top.size, h + 2 * edge, w + 2 * edge), x.dtype.newbyteorder("="))
    padded[:, edge : edge + h, edge : edge + w] = x.reshape(-1, h, w)
    seen = sliding_window_view(padded, (h, w), axis=(1, 2))
    return seen[np.arange(top.size), edge + top, edge + left].reshape(x.shape)


@block("x (..., h, w) -> y (..., t, f)")
def patches(x: Array, *, patch: tuple[int, int]) -> tuple[Array, Pullback]:
    """Cut an image into tokens: patches of one size, row by row, each laid out as a row of pixels.

    Pullback   dx is dy put together again.
    Errors     ValueError for a patch that does not divide the image.

    >>> image = np.arange(8.0).reshape(2, 4)
    >>> patches(image, patch=(2, 2))[0]
    array([[0., 1., 4., 5.],
           [2., 3., 6., 7.]])
    >>> patches(image, patch=(1, 4))[0]
    array([[0., 1., 2., 3.],
           [4., 5., 6., 7.]])
    """
    h, w = size_of("patches", patch)
    height, width = x.shape[-2:]
    if height % h or width % w:
        raise ValueError(
            f"patches: patch must divide an image of {height} x {width}; got {(h, w)}. "
            f"Try {divisors(height)} rows, {divisors(width)} columns."
        )
    cut = (*x.shape[:-2], height // h, h, width // w, w)
    across = (*x.shape[:-2], height // h, width // w, h, w)

    def pullback(dy: Array) -> Array:
        return native(dy).reshape(across).swapaxes(-3, -2).reshape(x.shape)

    tokens = (*x.shape[:-2], (height // h) * (width // w), h * w)
    return native(x).reshape(cut).swapaxes(-3, -2).reshape(tokens), pullback


class Shift(Layer):
    """Move each image by up to so many pixels each way in training (an rng is given); else none.

    Every image is moved on its own, and anew each time, so that none is ever quite the same.

    Shapes   x (..., h, w) -> y (..., h, w)
    Errors   TypeError or ValueError for pixels that are no integer >= 0, TypeError for an rng that
             is no Generator.

    >>> layer, image = Shift(1), np.eye(3)
    >>> bool((layer(image)[0] == image).all())
    True
    >>> layer(image, rng=np.random.default_rng(0))[0]
    array([[0., 0., 0.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """

    draws = True

    def __init__(self, pixels: int) -> None:
        super().__init__(shift)
        self.pixels = whole_number("Shift", "pixels", pixels, low=0)

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        shape, most = (2, *np.shape(x)[:-2]), self.pixels
        if rng is None:
            drawn = np.zeros(shape, int)
        else:
            drawn = generator_given("Shift", rng).integers(-most, most, shape, endpoint=True)
        return shift(x, down=drawn[0, ...], right=drawn[1, ...])


class Patches(Layer):
    """Images cut into tokens, each a patch of so many rows and columns.

    Shapes   x (..., h, w) -> y (..., t, f)

    >>> Patches(7, 7)(np.zeros((64, 28, 28)))[0].shape
    (64, 16, 49)
    """

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(patches)
        self.patch = size_of("Patches", (rows, columns))

    def __call__(self, x: Array, rng: Rng | None = None) -> tuple[Array, Pullback]:
        return patches(x, patch=self.patch)


def size_of(where: str, patch: Any) -> tuple[int, int]:
    """The rows and columns of a patch, when these are two integers >= 1.

    >>> size_of("patches", 7)
    Traceback (most recent call last):
    ...
    TypeError: patches: patch must be (rows, columns); got 7.
    """
    if not isinstance(patch, tuple | list) or len(patch) != 2:
        raise TypeError(f"{where}: patch must be (rows, columns); got {patch!r}.")
    h, w = (
        whole_number(where, name, size, low=1) for name, size in zip(("rows", "columns"), patch)
    )
    return h, w


def divisors(size: int) -> str:
    """What divides a size.

    >>> divisors(28)
    '1, 2, 4, 7, 14, 28'
    """
    return ", ".join(str(k) for k in range(1, size + 1) if size % k == 0)

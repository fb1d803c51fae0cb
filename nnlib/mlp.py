"""The multilayer perceptron, and the two-layer network of document C."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nnlib.blocks import native, relu, standardize
from nnlib.checks import Array, Pullback, Rng, callable_block, float_dtype, generator, whole_number
from nnlib.contract import block
from nnlib.initializers import he_normal
from nnlib.layers import Layer, Linear, Model, Sequential, drawn


class MLP(Sequential):
    """Linear layers of the given widths with an activation between them; the value is the logits.

    Errors   TypeError or ValueError for widths that are no integers >= 1, fewer than two of them,
             or an activation that is no block.
    Source   A-3.1-mlp, E-shapes.

    >>> model = MLP(784, 40, 30, 20, 10, rng=np.random.default_rng(0))
    >>> logits, pullback = model(np.zeros((100, 784), np.float32))
    >>> logits.shape, [layer.params["W"].shape for layer in model.layers() if layer.params]
    ((100, 10), [(40, 784), (30, 40), (20, 30), (10, 20)])
    """

    def __init__(
        self,
        *widths: int,
        activation: Callable = relu,
        init: Callable = he_normal,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        if len(widths) < 2:
            raise ValueError(
                f"MLP: needs at least two widths, such as MLP(784, 40, 10); got {widths}."
            )
        widths = tuple(
            whole_number("MLP", f"width {k}", width, low=1) for k, width in enumerate(widths)
        )
        callable_block("MLP", "activation", activation)
        rng, dtype = generator("MLP", "rng", rng), float_dtype("MLP", dtype)
        parts: list[Model] = []
        for d_in, d_out in pairwise(widths):
            parts += [Linear(d_in, d_out, init=init, rng=rng, dtype=dtype), Layer(activation)]
        super().__init__(*parts[:-1])


@block("x (..., n, m), W (d, m), B (d, n) -> a (..., d, n)")
def shared_linear(x: Array, W: Array, B: Array) -> tuple[Array, Pullback]:
    """One W for all n rows of a sample, a bias of its own for each row: a = W xᵀ + B.

    Pullback   dx = daᵀ W,  dW = Σ da x,  dB = Σ da  over the samples.
    Source     C1-F2, C1-B5, C1-B7.

    >>> shared_linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([[5.0]]))[0]
    array([[16.]])
    """

    def pullback(da: Array) -> tuple[Array, Array, Array]:
        samples = tuple(range(da.ndim - 2))
        return da.mT @ W, (da @ x).sum(axis=samples), da.sum(axis=samples)

    return W @ x.mT + B, pullback


@block("h (..., d, n) -> y (..., dn)")
def flatten(h: Array) -> tuple[Array, Pullback]:
    """Lay the rows of each sample end to end, in an array of its own.

    Pullback   dh is dy folded back in the same order.
    Source     C1-F4.

    >>> flatten(np.array([[1.0, 2.0], [3.0, 4.0]]))[0]
    array([1., 2., 3., 4.])
    """

    def pullback(dy: Array) -> Array:
        return native(dy).reshape(h.shape)

    return native(h).reshape(*h.shape[:-2], h.shape[-2] * h.shape[-1]), pullback


@block("x (..., n, m) -> y (..., n, m)")
def standardize_sample(x: Array) -> tuple[Array, Pullback]:
    """Each sample to mean 0 and variance 1 over all of its entries.

    Pullback   that of standardize over the last two axes.
    Source     C1-F1, read over the whole matrix.

    >>> standardize_sample(np.array([[1.0, 3.0]]))[0].round(3)
    array([[-1.,  1.]])
    """
    return standardize(x, axis=(-2, -1))


class TwoLayerNetwork(Sequential):
    """Document C's network on n × m samples: standardize, one W₁ for all rows, ReLU, flatten, W₂.

    Errors   TypeError or ValueError for sizes that are no integers >= 1.
    Source   C1-F1, C1-F2, C1-F3, C1-F4, C1-F5, C1-F6; its gradients are C1-B3, C1-B4, C1-B5, C1-B6,
             C1-B7.

    >>> model = TwoLayerNetwork(28, 28, 16, 10, rng=np.random.default_rng(0))
    >>> model(np.ones((5, 28, 28), np.float32))[0].shape
    (5, 10)
    """

    def __init__(
        self,
        n: int,
        m: int,
        d: int,
        classes: int,
        *,
        init: Callable = he_normal,
        rng: Rng | int | None,
        dtype: Any = "float32",
    ) -> None:
        sizes = {"n": n, "m": m, "d": d, "classes": classes}
        for name, size in sizes.items():
            whole_number("TwoLayerNetwork", name, size, low=1)
        rng, dtype = generator("TwoLayerNetwork", "rng", rng), float_dtype("TwoLayerNetwork", dtype)
        W1 = drawn("TwoLayerNetwork", init, (d, m), rng=rng, dtype=dtype)
        super().__init__(
            Layer(standardize_sample),
            Layer(shared_linear, W=W1, B=np.zeros((d, n), dtype)),
            Layer(relu),
            Layer(flatten),
            Linear(d * n, classes, init=init, rng=rng, dtype=dtype),
        )

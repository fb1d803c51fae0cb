"""Models of all kinds, each at a generic point, for the tests."""

from functools import partial

import numpy as np
import pytest

from nnlib.blocks import layer_norm, leaky_relu, linear, sigmoid, tanh
from nnlib.layers import Composite, Dropout, Layer, Linear, Residual, Sequential
from nnlib.mlp import MLP, TwoLayerNetwork
from nnlib.parameters import parameter_vector
from nnlib.transformer import MultiHeadAttention, OneLayerEncoder, TokenClassifier


def normed(d, dtype="float64"):
    """A layer norm with its scale and shift."""
    return Layer(layer_norm, gamma=np.ones(d, dtype), beta=np.zeros(d, dtype))


class AttentionModel(Composite):
    """Attention from tokens to themselves, a residual step, and the first token's scores."""

    def __init__(self, d=4, heads=2, classes=3, dtype="float64"):
        attend = MultiHeadAttention(d, heads, rng=0, dtype=dtype)
        step = Sequential(normed(d, dtype), Linear(d, d, rng=1, dtype=dtype), Layer(tanh))
        super().__init__(attend, Residual(step), Linear(d, classes, rng=2, dtype=dtype))

    def __call__(self, x, *, mask=None, rng=None):
        attend, step, read = self.parts
        h, attend_pullback = attend(x, x, mask)
        h, step_pullback = step(h, rng=rng)
        z, read_pullback = read(h[..., 0, :])

        def pullback(dz):
            dh = np.zeros_like(h)
            dh[..., 0, :] = read_pullback(dz)
            dx, dcontext = attend_pullback(step_pullback(dh))
            return dx + dcontext

        return z, pullback


def tied(dtype="float64"):
    """Two linear layers with one W and a bias each."""
    W = np.random.default_rng(3).standard_normal((4, 4)).astype(dtype)
    first, second = (Layer(linear, W=W, b=np.full(4, b, dtype)) for b in (0.1, -0.2))
    return Sequential(first, Layer(tanh), second)


def used_twice(dtype="float64"):
    """One layer, used before and behind an activation."""
    layer = Linear(4, 4, rng=4, dtype=dtype)
    return Sequential(layer, Layer(tanh), layer)


def residual(dtype="float64"):
    """A normed step around which the input has a way, dropout, and a linear layer."""
    step = Sequential(normed(4, dtype), MLP(4, 6, 4, rng=0, dtype=dtype))
    return Sequential(Residual(step), Dropout(0.3), Linear(4, 3, rng=1, dtype=dtype))


def generic(model, seed=7):
    """The model away from its first parameters, where biases are 0 and scales are 1."""
    theta, _ = parameter_vector(model)
    theta += np.random.default_rng(seed).normal(0, 0.3, theta.size).astype(theta.dtype)
    return model


class Drawn(Composite):
    """A model whose dropout draws the same at each call."""

    def __call__(self, *x, rng=None, **constants):
        return self.parts[0](*x, rng=np.random.default_rng(3), **constants)


MODELS = {  # how to build each, and the shape of one sample
    "linear": (partial(Linear, 4, 3, rng=0), (4,)),
    "MLP": (partial(MLP, 4, 6, 5, 3, activation=tanh, rng=0), (4,)),
    "relu": (partial(MLP, 4, 9, 8, 3, rng=0), (4,)),
    "leaky relu": (partial(MLP, 4, 9, 3, activation=leaky_relu, rng=0), (4,)),
    "sigmoid": (partial(MLP, 4, 6, 3, activation=sigmoid, rng=0), (4,)),
    "tied": (tied, (4,)),
    "used twice": (used_twice, (4,)),
    "residual": (residual, (4,)),
    "attention": (AttentionModel, (5, 4)),
    "document C": (partial(TwoLayerNetwork, 3, 4, 5, 3, rng=0), (3, 4)),
}
encoder = partial(TokenClassifier, 4, 5, 3, d=6, heads=2, d_ff=8, rng=0)
MODELS |= {
    "encoder": (encoder, (5, 4)),
    "encoder, post-norm": (partial(encoder, norm_first=False), (5, 4)),
    "encoder, mean": (partial(encoder, layers=2, positions="sinusoids", readout="mean"), (5, 4)),
    "document C's encoder": (partial(OneLayerEncoder, 4, 5, 6, 3, rng=0), (5, 4)),
}
each_model = pytest.mark.parametrize("name", MODELS)


def make(name, dtype="float64", samples=6):
    """A model at a generic point, samples for it and upstream gradients."""
    build, shape = MODELS[name]
    model, rng = build(dtype=dtype), np.random.default_rng(9)
    theta, _ = parameter_vector(model)
    theta += 0.1 * rng.standard_normal(theta.size).astype(dtype)  # biases off zero and its kinks
    x = rng.standard_normal((samples, *shape)).astype(dtype)
    dy = rng.standard_normal(model(x)[0].shape).astype(dtype)
    return model, x, dy

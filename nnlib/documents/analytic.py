"""The functions of the documents as they define them, in a form that complex steps differentiate.

No maximum is subtracted and nothing is clipped: truth is computed from these, on moderate numbers.
"""

import numpy as np

from nnlib.calculus import complex_step


def softmax(z, axis=-1):
    """exp z over its sum along an axis."""
    e = np.exp(z)
    return e / e.sum(axis, keepdims=True)


def sigmoid(z):
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def dsigmoid(z):
    """The slope of the sigmoid."""
    return sigmoid(z) * (1 - sigmoid(z))


def relu(z):
    """z where its real part is positive, else 0."""
    return z * (np.real(z) > 0)


def standardize(x, axis=None):
    """To mean 0 and variance 1, over the whole array or along an axis."""
    centred = x - x.mean(axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis, keepdims=True))


# -- their derivatives, by complex steps -------------------------------------------------------


def derivative(f, x, along):
    """How fast f changes from x along an array: the derivative of t -> f(x + t along) at 0."""
    return complex_step(lambda t: f(x + t * along), np.zeros(()))


def slopes(f, z):
    """The derivative of an elementwise function at every entry of a vector."""
    return np.diag(complex_step(f, z))

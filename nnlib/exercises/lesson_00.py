"""The exercises of lesson 00: a curve, a step downhill, the shapes of gradients, and a way back."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib.blocks import sigmoid
from nnlib.checks import Array
from nnlib.exercises.judge import Exercise

Z = np.array([-3.0, -0.5, 0.0, 2.0])
THETA, GRAD = np.array([0.5, -1.0, 2.0]), np.array([0.25, 0.5, -1.5])


def curve(z: Array) -> Array:
    """The value of the sigmoid alone."""
    return 1 / (1 + np.exp(-z))


# -- the sigmoid ----------------------------------------------------------------------------------

SIGMOID = Exercise(
    task="Return 1 / (1 + e⁻ᶻ), for an array z; np.exp takes arrays.",
    right=curve,
    samples={"at four numbers": (Z,), "at one number": (np.array([1.0]),)},
    results=("p",),
    slips={
        "The minus in the exponent is missing: that curve falls.": lambda z: 1 / (1 + np.exp(z)),
        "That is eᶻ / e⁻ᶻ: a bracket is missing.": lambda z: np.exp(z) / np.exp(-z),
        "That is 1 - e⁻ᶻ: divide 1 by 1 + e⁻ᶻ.": lambda z: 1 - np.exp(-z),
        "The sign before the exponential is wrong: 1 + e⁻ᶻ is due.": (
            lambda z: 1 / (1 - np.exp(-z))
        ),
        "The 1 in the denominator is missing.": lambda z: 1 / np.exp(-z),
        "That is 1 + e⁻ᶻ: 1 is to be divided by all of it, so put it in brackets.": lambda z: (
            1 + np.exp(-z)
        ),
        "That is its slope: the value is due.": lambda z: curve(z) * (1 - curve(z)),
        "That is the hyperbolic tangent, which runs from -1 to 1.": np.tanh,
        "math.exp takes a single number, and np.exp an array.": lambda z: 1 / (1 + math.exp(-z)),
        "sigmoid returns (value, pullback): take [0], or better, write it with np.exp.": sigmoid,
    },
    proved="It is ½ at 0, and it never leaves the numbers from 0 to 1.",
)

# -- a step downhill ------------------------------------------------------------------------------

STEP = Exercise(
    task="Return the new θ: a step against the gradient, the learning rate times as long.",
    right=lambda theta, grad, lr: theta - lr * grad,
    samples={
        "with a rate of 0.1": (THETA, GRAD, 0.1),
        "with a rate of 2": (THETA[:1], GRAD[:1], 2.0),
    },
    results=("theta",),
    slips={
        "The sign is wrong: that step goes uphill.": lambda theta, grad, lr: theta + lr * grad,
        "The learning rate is missing.": lambda theta, grad, lr: theta - grad,
        "The sign is wrong, and the learning rate is missing.": lambda theta, grad, lr: (
            theta + grad
        ),
        "That is the way to go: take it from θ.": lambda theta, grad, lr: lr * grad,
        "That is the step alone: add it to θ.": lambda theta, grad, lr: -lr * grad,
        "The gradient is missing: every parameter moves alike.": lambda theta, grad, lr: theta - lr,
        "Brackets are missing, or too many: θ itself is not multiplied by the rate.": (
            lambda theta, grad, lr: lr * (theta - grad)
        ),
        "Only the signs of the gradient count there: a steep slope is to move θ farther.": (
            lambda theta, grad, lr: theta - lr * np.sign(grad)
        ),
        "The gradient is divided by the rate: a larger rate is to give a longer step.": (
            lambda theta, grad, lr: theta - grad / lr
        ),
        "θ is multiplied by the gradient: the step does not depend on where θ is.": (
            lambda theta, grad, lr: theta - lr * grad * theta
        ),
    },
    proved="Repeated, this line is gradient descent, by which all networks of the course learn.",
)

# -- the shapes of gradients ----------------------------------------------------------------------


def shapes(
    x: Callable = lambda n, i, o: (n, i),
    W: Callable = lambda n, i, o: (o, i),
    b: Callable = lambda n, i, o: (o,),
) -> Callable:
    """The shapes of dx, dW and db, from rules of the samples n, the inputs i and the outputs o."""
    return lambda samples, d_in, d_out: tuple(rule(samples, d_in, d_out) for rule in (x, W, b))


SHAPES = Exercise(
    task="Return the shapes of dx, dW and db, three tuples, for a layer y = x Wᵀ + b.",
    right=shapes(),
    samples={"for 5 samples, 3 inputs, 2 outputs": (5, 3, 2), "for one of each": (1, 1, 1)},
    results=("dx", "dW", "db"),
    slips={
        "dW is transposed: W is (out, in), and so is dW.": shapes(W=lambda n, i, o: (i, o)),
        "db has a row for each sample: the samples share b, so their slopes are summed.": shapes(
            b=lambda n, i, o: (n, o)
        ),
        "db is a column, or a row of a matrix: b is (out,), and so is db.": shapes(
            b=lambda n, i, o: (o, 1)
        ),
        "db is a row of a matrix: b is (out,), and so is db.": shapes(b=lambda n, i, o: (1, o)),
        "dx is transposed: samples are rows.": shapes(x=lambda n, i, o: (i, n)),
        "dx has lost its samples: each has a gradient of its own.": shapes(x=lambda n, i, o: (i,)),
        "That is the shape of y: dx has the shape of x.": shapes(x=lambda n, i, o: (n, o)),
        "dW has a matrix for each sample: the samples share W, so their slopes are summed.": shapes(
            W=lambda n, i, o: (n, o, i)
        ),
        "That is the Jacobian of y by W: L is one number, so dW is no larger than W.": shapes(
            W=lambda n, i, o: (n, o, o, i)
        ),
        "db is a number, and (out,) is a tuple: mind the comma in (d_out,).": (
            lambda samples, d_in, d_out: ((samples, d_in), (d_out, d_in), d_out)
        ),
        "The order is dx, dW, db.": lambda samples, d_in, d_out: (
            (d_out, d_in),
            (d_out,),
            (samples, d_in),
        ),
    },
    proved="A gradient has the shape of its variable: one slope for each of its numbers.",
)

# -- the sigmoid's pullback -----------------------------------------------------------------------


def back(pull: Callable) -> Callable:
    """The sigmoid with the pullback that pull makes of (dp, p, z)."""

    def answer(z: Array) -> Any:
        p = curve(z)
        return p, lambda dp: pull(dp, p, z)

    return answer


PULLBACK = Exercise(
    task="Return p = σ(z) and its pullback, which makes dz of dp; use σ′ = p (1 - p).",
    right=back(lambda dp, p, z: dp * p * (1 - p)),
    samples={"at four numbers": (Z,), "in two rows": (np.array([[1.0, -2.0], [0.3, 4.0]]),)},
    results=("p", "dz"),
    slips={
        "There σ stands for σ′: 1 - p is missing.": back(lambda dp, p, z: dp * p),
        "That is σ′ alone: what comes back, dp, is to be multiplied by it.": back(
            lambda dp, p, z: p * (1 - p)
        ),
        "p is missing: the slope is p (1 - p).": back(lambda dp, p, z: dp * (1 - p)),
        "That is tanh's slope, 1 - p²: the sigmoid's is p (1 - p).": back(
            lambda dp, p, z: dp * (1 - p**2)
        ),
        "The slope is made of z: it is p (1 - p), with the value p.": back(
            lambda dp, p, z: dp * z * (1 - z)
        ),
        "The sign is wrong: the sigmoid rises, so dz has the sign of dp.": back(
            lambda dp, p, z: -dp * p * (1 - p)
        ),
        "dp passes unchanged: multiply it by the slope.": back(lambda dp, p, z: dp),
        "σ is taken of dp: dp is multiplied, by the slope at z.": back(
            lambda dp, p, z: curve(dp) * (1 - curve(dp))
        ),
        "A product is due, dp times the slope: the chain rule does not add.": back(
            lambda dp, p, z: dp + p * (1 - p)
        ),
        "There 1 + p stands for 1 - p.": back(lambda dp, p, z: dp * p * (1 + p)),
        "Return p, a comma, and a function of dp, such as lambda dp: ...": curve,
    },
    proved="The way back needs nothing but the value: a network keeps p, and not z.",
    shown=sigmoid,
    block=True,
)

EXERCISES = {
    "sigmoid": SIGMOID,
    "step downhill": STEP,
    "shapes of gradients": SHAPES,
    "sigmoid, there and back": PULLBACK,
}

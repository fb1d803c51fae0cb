"""What lesson 02 measures: slopes through depth, softmax in three precisions, one hidden layer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import leaky_relu, relu, sigmoid, tanh
from nnlib.checks import Array, Pullback, Rng, generator, number, whole_number
from nnlib.contract import block
from nnlib.losses import mse
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector

# -- Activations ----------------------------------------------------------------------------------


@block("x (...) -> y (...)")
def identity(x: Array) -> tuple[Array, Pullback]:
    """No activation at all.

    >>> identity(np.array([2.0]))[0]
    array([2.])
    """
    return x.copy(), lambda dy: dy.copy()


@block("x (...) -> y (...)")
def square(x: Array) -> tuple[Array, Pullback]:
    """The polynomial activation y = x², which bends and yet cannot approximate: A-2-uat.

    >>> square(np.array([3.0]))[1](np.ones(1))
    array([6.])
    """
    return x * x, lambda dy: 2 * x * dy


ACTIVATIONS: dict[str, Callable] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "ReLU": relu,
    "leaky ReLU": leaky_relu,
}
LEAKY = "leaky ReLU"  # the one activation that has a leak
EVERYWHERE = np.linspace(-6, 6, 241)
NEAR = np.array([-1.0, 0.0, 1.0])


def through_depth(
    activation: Callable,
    *,
    depth: int = 20,
    width: int = 64,
    gain: float = 1.0,
    samples: int = 64,
    rng: Rng | int = 0,
) -> tuple[Array, Array]:
    """The typical size of the signal, and of the gradient, behind 0, 1, ..., depth layers.

    Each layer is linear, with weights of variance gain²/width and no bias, then the activation. The
    input, and the gradient that comes back from above, are drawn N(0, 1); sizes are root mean
    squares.

    Shapes   -> (depth + 1,), (depth + 1,)
    Source   D-slope.

    >>> signal, gradient = through_depth(sigmoid, depth=4)
    >>> bool(gradient[0] < 0.01 * gradient[4])
    True
    """
    depth = whole_number("through_depth", "depth", depth, low=1)
    gain = number("through_depth", "gain", gain, "(0, inf)")
    rng = generator("through_depth", "rng", rng)
    a = rng.standard_normal((samples, width))
    signal, way_back = [size(a)], []
    for _ in range(depth):
        W = gain / np.sqrt(width) * rng.standard_normal((width, width))
        a, pullback = activation(a @ W.T)
        signal.append(size(a))
        way_back.append((W, pullback))
    da = rng.standard_normal((samples, width))
    gradient = [size(da)]
    for W, pullback in reversed(way_back):
        da = pullback(da) @ W
        gradient.insert(0, size(da))
    return np.array(signal), np.array(gradient)


def size(x: Array) -> float:
    """The root of the mean square.

    >>> size(np.array([3.0, -3.0]))
    3.0
    """
    return float(np.sqrt(np.mean(x * x)))


def factor_per_layer(gradient: Array) -> float:
    """By what the gradient is multiplied in one layer: the slope of a line through its logarithm.

    >>> round(factor_per_layer(np.array([1.0, 4.0, 16.0])), 6)
    0.25
    """
    slope, _ = np.polyfit(np.arange(len(gradient)), np.log(gradient), 1)
    return float(np.exp(-slope))


class Activated(NamedTuple):
    """An activation at a point, and what many layers of it do to a signal.

    factor     what the gradient is multiplied by in one layer.
    near       x and a point on either side, where the Jacobian is taken.
    signal     its typical size behind 0, 1, ..., depth layers, as that of the gradient.
    curve      the activation at every one of EVERYWHERE, as its slopes.
    """

    activation: str
    x: float
    depth: int
    gain: float
    y: float
    slope: float
    factor: float
    near: Array
    jacobian: Array
    signal: Array
    gradient: Array
    curve: Array
    slopes: Array


def activated(activation: str, *, x: float, leak: float, depth: int, gain: float) -> Activated:
    """An activation by its name in ACTIVATIONS; the leak is that of the leaky ReLU alone.

    >>> found = activated("leaky ReLU", x=-2.0, leak=0.5, depth=1, gain=1.0)
    >>> found.y, found.slope
    (-1.0, 0.5)
    """
    f = partial(leaky_relu, slope=leak) if activation == LEAKY else ACTIVATIONS[activation]
    curve, curve_pullback = f(EVERYWHERE)
    y, pullback = f(x + NEAR)
    jacobian = np.diag(pullback(np.ones(3)))
    signal, gradient = through_depth(f, depth=depth, gain=gain)
    here = float(y[1]), float(jacobian[1, 1]), factor_per_layer(gradient)
    arrays = x + NEAR, jacobian, signal, gradient, curve, curve_pullback(np.ones_like(curve))
    return Activated(activation, x, depth, gain, *here, *arrays)


# -- Softmax in three precisions ------------------------------------------------------------------

REPAIRS: dict[str, Callable[[Array], Array]] = {
    "as defined": lambda z: z,
    "clip to ±50": lambda z: np.clip(z, -50, 50),
    "subtract the largest": lambda z: z - z.max(axis=-1, keepdims=True),
}
PRECISIONS = ("float64", "float32", "float16")
SCORES = (2.0, 1.8, 0.0, -1.0)


def repaired_softmax(z: Array, repair: str, dtype: Any = "float64") -> Array:
    """Softmax over the last axis with every step in this precision; nan where it breaks down.

    Source   A-3.4-def, A-3.4-clip, A-3.4-max.

    >>> repaired_softmax(np.array([60.0, 55.0]), "clip to ±50")
    array([0.5, 0.5])
    """
    with np.errstate(all="ignore"):
        e = np.exp(REPAIRS[repair](np.asarray(z, dtype)))
        return e / e.sum(axis=-1, keepdims=True)


def repaired_gradient(z: Array, label: int, repair: str, dtype: Any = "float64") -> Array:
    """dL/dz of L = -ln p[label] with its repair: p - target, and 0 where clipping is active.

    Source   A-3.4-clip-grad.

    >>> repaired_gradient(np.array([60.0, 55.0]), 1, "clip to ±50")
    array([0., 0.])
    """
    z = np.asarray(z, dtype)
    p = repaired_softmax(z, repair, dtype)
    target = np.eye(z.shape[-1], dtype=dtype)[label]
    free = np.abs(z) <= 50 if repair.startswith("clip") else np.ones(z.shape, bool)
    return np.where(free, p - target, 0 * p)  # 0 · nan stays nan


class Repaired(NamedTuple):
    """Softmax p of scores z with a repair in a precision, dL/dz of L = -ln p[label], the truth."""

    repair: str
    precision: str
    label: int
    z: Array
    p: Array
    gradient: Array
    true_p: Array
    true_gradient: Array


def repaired(
    *, scale: float, temperature: float, offset: float, repair: str, precision: str, label: int
) -> Repaired:
    """Softmax of SCORES, scaled, divided by a temperature and moved by an offset.

    The truth is that of the scores as the precision holds them.

    >>> repair = {"repair": "clip to ±50", "precision": "float64"}
    >>> found = repaired(scale=30, temperature=1, offset=0, label=1, **repair)
    >>> found.p.round(2), found.true_p.round(2)
    (array([0.5, 0.5, 0. , 0. ]), array([1., 0., 0., 0.]))
    """
    z = np.array(SCORES) * scale / temperature + offset
    held, best = z.astype(precision).astype(float), "subtract the largest"
    p, g = repaired_softmax(z, repair, precision), repaired_gradient(z, label, repair, precision)
    truth = repaired_softmax(held, best), repaired_gradient(held, label, best)
    return Repaired(repair, precision, label, z, p, g, *truth)


# -- One hidden layer -----------------------------------------------------------------------------

TARGETS: dict[str, Callable[[Array], Array]] = {
    "smooth": lambda t: np.sin(np.pi * t),
    "kinked": lambda t: np.abs(t - 0.3),
    "oscillating": lambda t: np.sin(5 * np.pi * t),
    "cubic": lambda t: t**3,
}
INSIDE = np.linspace(-1, 1, 401)
FINE = np.linspace(-1, 1, 4097)  # with points between the knots of 2, 4, ..., 1024 units
OUTSIDE = np.linspace(1, 2, 201)
UNITS = {**ACTIVATIONS, "x²": square, "none": identity}
WIDTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


@dataclass(frozen=True)
class OneHiddenLayer:
    """t -> c·activation(w t + b) + constant, a network with one input and one output.

    >>> bump = OneHiddenLayer(relu, np.ones(2), np.array([0.0, -1.0]), np.array([1.0, -1.0]), 5.0)
    >>> bump(np.array([-1.0, 0.5, 3.0]))
    array([5. , 5.5, 6. ])
    """

    activation: Callable
    w: Array
    b: Array
    c: Array
    constant: float

    def features(self, t: Array) -> Array:
        """The hidden units' values, a column each."""
        return self.activation(np.multiply.outer(t, self.w) + self.b)[0]

    def __call__(self, t: Array) -> Array:
        return self.features(t) @ self.c + self.constant


def constructed(f: Callable, width: int) -> OneHiddenLayer:
    """The ReLU network that joins equally spaced points of f over [-1, 1], without training.

    Unit k begins at knot k and adds what the slope changes by there.

    >>> constructed(lambda t: t * t, 2)(np.array([-1.0, -0.5, 0.0, 1.0]))
    array([1. , 0.5, 0. , 1. ])
    """
    knots = np.linspace(-1, 1, whole_number("constructed", "width", width, low=1) + 1)
    slopes = np.diff(f(knots)) / np.diff(knots)
    changes = np.diff(slopes, prepend=0)
    return OneHiddenLayer(relu, np.ones(width), -knots[:-1], changes, float(f(knots[0])))


def random_features(
    f: Callable, activation: Callable, width: int, *, rng: Rng | int = 0
) -> OneHiddenLayer:
    """Random hidden units, bending somewhere in [-1, 1]; the output weights by least squares.

    >>> network = random_features(lambda t: 2 * t + 1, relu, 20)
    >>> largest_error(network, lambda t: 2 * t + 1) < 0.01
    True
    """
    width = whole_number("random_features", "width", width, low=1)
    rng = generator("random_features", "rng", rng)
    signs, steepness = rng.choice([-1.0, 1.0], width), rng.uniform(1, 2 + width / 8, width)
    w, knots = signs * steepness, rng.uniform(-1, 1, width)
    network = OneHiddenLayer(activation, w, -w * knots, np.zeros(width), 0.0)
    columns = np.column_stack([network.features(INSIDE), np.ones(len(INSIDE))])
    *c, constant = np.linalg.lstsq(columns, f(INSIDE), rcond=1e-9)[0]
    return replace(network, c=np.array(c), constant=float(constant))


def trained(
    f: Callable, activation: Callable, width: int, *, lr: float, steps: int = 800, seed: int = 0
) -> OneHiddenLayer:
    """A network trained on 64 points of f by Adam, the rate falling to zero along a cosine.

    At first its units bend at random places of [-1, 1]: with He's zero biases all bend at 0.

    >>> largest_error(trained(lambda t: t + 1, relu, 8, lr=0.03), lambda t: t + 1) < 0.1
    True
    """
    rng, t = np.random.default_rng(seed), np.linspace(-1, 1, 64)
    model = MLP(1, width, 1, activation=activation, rng=rng, dtype="float64")
    hidden, *_, output = (layer.params for layer in model.layers())
    hidden["b"][:] = -hidden["W"][:, 0] * rng.uniform(-1, 1, width)
    theta, _ = parameter_vector(model)
    loss, rule = objective(model, mse, t[:, None], target=f(t)[:, None]), Adam(theta, lr)
    for step in range(steps):
        rule.lr = lr * (1 + np.cos(np.pi * step / steps)) / 2
        rule.step(loss(theta)[1](1.0))
    hidden, *_, output = (layer.params for layer in model.layers())
    w, b, c = hidden["W"][:, 0].copy(), hidden["b"].copy(), output["W"][0].copy()
    return OneHiddenLayer(activation, w, b, c, float(output["b"][0]))


def largest_error(network: Callable, f: Callable, t: Array = FINE) -> float:
    """max |network - f| over the points t, as a share of max |f| on the interval.

    >>> largest_error(lambda t: 0 * t, lambda t: 2 * t)
    1.0
    """
    return float(np.abs(network(t) - f(t)).max() / np.abs(f(INSIDE)).max())


class Approximation(NamedTuple):
    """One hidden layer against a function of t in [-2, 2], made on [-1, 1].

    inside   its largest error there, ``outside`` up to 2, as shares of the largest value.
    errors   the largest error inside for every one of WIDTHS, a row for each way to choose weights.
    curves   rows: t, the function, the network by each way.
    """

    target: str
    activation: str
    width: int
    inside: float
    outside: float
    ways: list[str]
    errors: Array
    curves: Array


def approximation(target: str, activation: str, width: int) -> Approximation:
    """Random units with output weights by least squares; ReLU with weights written down, too.

    target, activation   by their names in TARGETS and UNITS.

    >>> found = approximation("cubic", "none", 8)
    >>> found.ways, round(found.inside, 2)
    (['random units'], 0.4)
    """
    f, t = TARGETS[target], np.linspace(-2, 2, 401)
    ways = ["random units", *(["written down"] if activation == "ReLU" else [])]
    errors = np.array([[made(way, target, activation, w)[1] for w in WIDTHS] for way in ways])
    networks = [made(way, target, activation, width)[0] for way in ways]
    curves = np.array([t, f(t), *(network(t) for network in networks)])
    inside, outside = (largest_error(networks[0], f, where) for where in (FINE, OUTSIDE))
    return Approximation(target, activation, width, inside, outside, ways, errors, curves)


@lru_cache(maxsize=128)
def made(way: str, target: str, activation: str, width: int) -> tuple[OneHiddenLayer, float]:
    """A network of that width, and its largest error."""
    f, by_hand = TARGETS[target], way == "written down"
    network = constructed(f, width) if by_hand else random_features(f, UNITS[activation], width)
    return network, largest_error(network, f)

"""What nnlib.mlp promises: the perceptron and document C's network, with their true gradients."""

from itertools import pairwise
from math import log

import numpy as np
import pytest

from nnlib.blocks import leaky_relu, linear, relu, sigmoid, softmax, tanh
from nnlib.calculus import check_vjp
from nnlib.initializers import constant, xavier_uniform
from nnlib.layers import Layer, Linear
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, TwoLayerNetwork, flatten
from nnlib.parameters import objective, parameter_vector

WIDTHS = (784, 40, 30, 20, 10)  # the network of lesson 05
each_activation = pytest.mark.parametrize(
    "activation", [relu, leaky_relu, sigmoid, tanh], ids=lambda f: f.__name__
)


def at_a_generic_point(model, seed=0):
    """The model, with every parameter moved off zero and off the kinks that lie there."""
    theta, _ = parameter_vector(model)
    theta += 0.05 * np.random.default_rng(seed).standard_normal(theta.size)
    return model


def one_hot(labels, classes):
    return np.eye(classes)[labels]


# -- the perceptron ------------------------------------------------------------------------------


def test_the_network_of_the_lesson_has_the_shapes_of_the_lesson():
    model = MLP(*WIDTHS, rng=0)
    theta, _ = parameter_vector(model)
    assert theta.size == 33_460
    assert theta.dtype == np.float32
    shapes = [layer.params["W"].shape for layer in model.layers() if layer.params]
    assert shapes == [(d_out, d_in) for d_in, d_out in pairwise(WIDTHS)]
    assert model(np.zeros((5, 784), "f"))[0].shape == (5, 10)


def test_the_network_of_the_lesson_has_its_true_gradient():
    rng = np.random.default_rng(1)
    model = at_a_generic_point(MLP(*WIDTHS, rng=0, dtype="float64"))
    x, labels = rng.random((20, 784)), rng.integers(10, size=20)
    f = objective(model, softmax_cross_entropy, x, labels=labels)
    assert check_vjp(f, parameter_vector(model)[0], directions=10) <= 1e-7


@each_activation
def test_every_coordinate_of_a_narrower_networks_gradient_is_true(activation):
    rng = np.random.default_rng(2)
    model = at_a_generic_point(MLP(9, 7, 6, 5, 4, activation=activation, rng=0, dtype="float64"))
    x, labels = rng.standard_normal((5, 9)), rng.integers(4, size=5)
    f = objective(model, softmax_cross_entropy, x, labels=labels)
    assert check_vjp(f, parameter_vector(model)[0]) <= 1e-7


@each_activation
def test_the_logits_are_linear_layers_with_the_activation_between(activation):
    model = at_a_generic_point(MLP(5, 4, 3, 2, activation=activation, rng=0, dtype="float64"))
    x = np.random.default_rng(0).standard_normal((6, 5))
    first, second, third = (layer.params for layer in model.layers() if layer.params)
    h = activation(x @ first["W"].T + first["b"])[0]
    h = activation(h @ second["W"].T + second["b"])[0]
    np.testing.assert_allclose(model(x)[0], h @ third["W"].T + third["b"], rtol=1e-14)


def test_the_gradients_are_those_of_the_four_equations():
    """At the top delta = (p - y) / N, below (delta W) * relu'(a); dW = deltaᵀ h, db = Σ delta."""
    model = at_a_generic_point(MLP(5, 4, 3, 2, rng=0, dtype="float64"))
    x, labels = np.random.default_rng(0).standard_normal((6, 5)), np.array([0, 1, 1, 0, 1, 0])
    layers = [layer for layer in model.layers() if layer.params]
    h, sums = [x], []
    for layer in layers:
        sums.append(linear(h[-1], *layer.params.values())[0])
        h.append(np.maximum(sums[-1], 0))
    z, pullback = model(x)
    pullback(softmax_cross_entropy(z, labels=labels)[1](1.0))
    delta = (softmax(z)[0] - one_hot(labels, 2)) / len(x)
    for k in reversed(range(3)):
        np.testing.assert_allclose(layers[k].grads["W"], delta.T @ h[k], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(layers[k].grads["b"], delta.sum(axis=0), rtol=1e-12, atol=1e-15)
        delta = delta @ layers[k].params["W"] * (sums[k - 1] > 0) if k else None


def test_each_sample_is_computed_as_if_alone():
    model = at_a_generic_point(MLP(*WIDTHS, rng=0, dtype="float64"))
    x = np.random.default_rng(0).random((7, 784))
    alone = np.concatenate([model(x[i : i + 1])[0] for i in range(7)])
    np.testing.assert_allclose(model(x)[0], alone, rtol=0, atol=1e-12)


def test_a_network_that_knows_nothing_has_the_loss_of_chance():
    model = MLP(
        6, 5, 10, init=lambda shape, rng: constant(shape, value=0.0), rng=0, dtype="float64"
    )
    z, _ = model(np.ones((4, 6)))
    assert abs(softmax_cross_entropy(z, labels=np.arange(4))[0] - log(10)) <= 1e-12


def test_the_initializer_the_seed_and_the_type_are_those_given():
    first, again = (MLP(30, 20, 5, init=xavier_uniform, rng=7, dtype="float64") for _ in range(2))
    other = MLP(30, 20, 5, init=xavier_uniform, rng=8, dtype="float64")
    (theta, _), (same, _), (else_, _) = map(parameter_vector, (first, again, other))
    assert theta.tobytes() == same.tobytes() != else_.tobytes()
    W, b = first.layers()[0].params.values()
    assert 0.9 * np.sqrt(6 / 50) < np.abs(W).max() <= np.sqrt(6 / 50)
    assert not b.any()
    assert parameter_vector(MLP(3, 2, rng=0, dtype=np.float32))[0].dtype == np.float32


def test_the_layers_of_one_network_are_drawn_one_after_the_other():
    """Two layers of one size must not start out equal, and one generator serves several models."""
    rng = np.random.default_rng(0)
    first, second = MLP(4, 4, 4, rng=rng), MLP(4, 4, 4, rng=rng)
    weights = [m.layers()[k].params["W"].tobytes() for m in (first, second) for k in (0, 2)]
    assert len(set(weights)) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"widths": (784,)}, ValueError, "needs at least two widths, such as MLP(784, 40, 10)"),
        ({"widths": ()}, ValueError, "needs at least two widths"),
        ({"widths": (784, 0, 10)}, ValueError, "width 1 must be an integer >= 1; got 0."),
        ({"widths": (784.0, 10)}, TypeError, "width 0 must be an integer >= 1; got 784.0 (float)."),
        ({"widths": ([784, 40, 10], 1)}, TypeError, "width 0 must be an integer >= 1; got [784,"),
        ({"activation": "relu"}, TypeError, "activation must be a block such as nnlib.blocks.relu"),
        ({"activation": np.tanh}, TypeError, "nnlib.blocks.relu; got ufunc."),
        ({"dtype": "flot32"}, ValueError, "got 'flot32'. Did you mean 'float32'?"),
        ({"dtype": "float"}, ValueError, "dtype must be 'float32' or 'float64'; got 'float'."),
        ({"dtype": np.int32}, ValueError, "dtype must be 'float32' or 'float64'; got 'int32'."),
        ({"rng": "42"}, TypeError, "rng must be an integer >= 0; got '42' (str)."),
        ({"rng": -1}, ValueError, "rng must be an integer >= 0; got -1."),
    ],
    ids=str,
)
def test_a_wrong_network_is_refused_when_it_is_made(arguments, error, message):
    widths = arguments.get("widths", (4, 3, 2))
    options = {name: value for name, value in arguments.items() if name != "widths"}
    with pytest.raises(error) as raised:
        MLP(*widths, **{"rng": 0} | options)
    assert str(raised.value).startswith("MLP: ")
    assert message in str(raised.value)


# -- document C's network ------------------------------------------------------------------------


def document_c(n, m, d=6, classes=4, samples=5):
    """The network, samples and labels."""
    model = at_a_generic_point(TwoLayerNetwork(n, m, d, classes, rng=0, dtype="float64"))
    rng = np.random.default_rng(3)
    return model, rng.standard_normal((samples, n, m)), rng.integers(classes, size=samples)


def forward_of_the_document(X, W1, B1, W2, B2):
    """C1-F1 to C1-F7 for one sample, standardized over the whole matrix and with an eps."""
    pre_a1 = (X - X.mean()) / np.sqrt(X.var() + 1e-8)
    a1 = W1 @ pre_a1.T + B1
    h1 = np.maximum(a1, 0)
    pre_a2 = h1.reshape(-1)
    a2 = W2 @ pre_a2 + B2
    e = np.exp(a2 - a2.max())
    return pre_a1, a1, pre_a2, a2, e / e.sum()


sizes = pytest.mark.parametrize(("n", "m"), [(3, 5), (4, 4), (1, 7), (6, 2)])


@sizes
def test_the_forward_pass_is_the_documents(n, m):
    model, x, _ = document_c(n, m)
    z, _ = model(x)
    for X, z_of_X in zip(x, z):
        a2 = forward_of_the_document(X, *parameters_of(model))[3]
        np.testing.assert_allclose(z_of_X, a2, rtol=0, atol=1e-12)


def parameters_of(model):
    """W1, B1, W2 and B2."""
    return [p for layer in model.layers() for p in layer.params.values()]


@sizes
def test_the_gradients_are_the_documents_closed_forms(n, m):
    """C1-B3, C1-B5, C1-B6 and C1-B7, with the Hadamard product first; the mean over the batch."""
    model, x, labels = document_c(n, m)
    W1, B1, W2, B2 = parameters_of(model)
    want = [np.zeros_like(p) for p in (W1, B1, W2, B2)]
    for X, y in zip(x, one_hot(labels, 4)):
        pre_a1, a1, pre_a2, _, s = forward_of_the_document(X, W1, B1, W2, B2)
        G = (W2.T @ (s - y)).reshape(B1.shape) * (a1 > 0)
        for total, dp in zip(want, (G @ pre_a1, G, np.outer(s - y, pre_a2), s - y)):
            total += dp / len(x)
    z, pullback = model(x)
    pullback(softmax_cross_entropy(z, labels=labels)[1](1.0))
    got = [g for layer in model.layers() for g in layer.grads.values()]
    for g, w in zip(got, want):
        np.testing.assert_allclose(g, w, rtol=0, atol=1e-12)


@sizes
def test_document_cs_network_has_its_true_gradient(n, m):
    model, x, labels = document_c(n, m)
    f = objective(model, softmax_cross_entropy, x, labels=labels)
    assert check_vjp(f, parameter_vector(model)[0]) <= 1e-7


def test_a_blank_sample_gives_numbers():
    """C1-F1-eps: without the eps, a constant sample is 0/0."""
    model, x, _ = document_c(3, 5)
    x[1] = 0.25
    assert np.isfinite(model(x)[0]).all()


def test_document_cs_network_starts_with_the_spread_of_he_and_biases_of_zero():
    model = TwoLayerNetwork(28, 28, 16, 10, rng=0)
    W1, B1, W2, B2 = parameters_of(model)
    shapes = [p.shape for p in (W1, B1, W2, B2)]
    assert shapes == [(16, 28), (16, 28), (10, 448), (10,)]
    assert {p.dtype for p in (W1, B1, W2, B2)} == {np.dtype("float32")}
    assert W1.std() == pytest.approx(np.sqrt(2 / 28), rel=0.1)
    assert not B1.any()
    assert not B2.any()


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((28, 28, 0, 10), ValueError, "TwoLayerNetwork: d must be an integer >= 1; got 0."),
        ((28.0, 28, 4, 10), TypeError, "TwoLayerNetwork: n must be an integer >= 1; got 28.0"),
        (
            (28, 28, 4, True),
            TypeError,
            "TwoLayerNetwork: classes must be an integer >= 1; got True",
        ),
    ],
)
def test_wrong_sizes_are_refused(sizes, error, message):
    with pytest.raises(error) as raised:
        TwoLayerNetwork(*sizes, rng=0)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("axes", [(), (4,), (0,)])
@pytest.mark.parametrize("order", "CF")
def test_flattened_arrays_share_no_memory_with_what_they_come_from(axes, order):
    h = np.asarray(np.random.default_rng(0).standard_normal((*axes, 3, 2)), order=order)
    y, pullback = flatten(h)
    dy = y + 1
    dh = pullback(dy)
    assert not np.shares_memory(y, h)
    assert not np.shares_memory(dh, dy)
    assert y.tobytes() == h.tobytes()
    assert (dh.shape, dh.tobytes()) == (h.shape, dy.tobytes())
    assert check_vjp(flatten, h) <= 1e-7 if h.size else True


def test_layers_alone_make_the_same_network():
    """The class only wires what a reader could wire."""
    model = MLP(4, 3, 2, rng=0, dtype="float64")
    rng = np.random.default_rng(0)
    parts = Linear(4, 3, rng=rng), Layer(relu), Linear(3, 2, rng=rng)
    x = np.ones((2, 4))
    for part in parts:
        x, _ = part(x)
    assert model(np.ones((2, 4)))[0].tobytes() == x.tobytes()

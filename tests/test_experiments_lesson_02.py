"""What lesson 02 measures, against numbers worked out by hand."""

import functools
import math

import numpy as np
import pytest

import nnlib.experiments.lesson_02 as lab
from nnlib.blocks import leaky_relu, relu, sigmoid, tanh
from nnlib.calculus import check_vjp, numerical_gradient

# -- slopes through depth -------------------------------------------------------------------------


@pytest.mark.parametrize("block", [lab.identity, lab.square])
def test_the_two_extra_activations_have_right_pullbacks(block):
    assert check_vjp(block, np.array([[-1.0, 0.5], [2.0, 3.0]])) < 1e-7


def test_without_activation_signal_and_gradient_grow_by_the_weights_alone():
    signal, gradient = lab.through_depth(lab.identity, depth=6, width=400, gain=2.0, samples=50)
    assert np.allclose(signal, 2.0 ** np.arange(7), rtol=0.1)
    assert np.allclose(gradient, 2.0 ** np.arange(7)[::-1], rtol=0.1)


def test_the_gradient_through_depth_is_that_of_the_whole_stack():
    width, samples, rng = 5, 3, np.random.default_rng(4)
    x = rng.standard_normal((samples, width))
    weights = [1.5 / math.sqrt(width) * rng.standard_normal((width, width)) for _ in range(3)]
    da = rng.standard_normal((samples, width))

    def loss(x):
        for W in weights:
            x = np.tanh(x @ W.T)
        return (da * x).sum()

    _, gradient = lab.through_depth(tanh, depth=3, width=width, gain=1.5, samples=samples, rng=4)
    assert gradient[0] == pytest.approx(lab.size(numerical_gradient(loss, x)), rel=1e-6)
    assert gradient[-1] == pytest.approx(lab.size(da))


def test_a_relu_layer_keeps_half_of_the_mean_square():
    signal, gradient = lab.through_depth(relu, depth=1, width=500, samples=200)
    assert signal[1] ** 2 == pytest.approx(0.5, rel=0.05)
    assert gradient[0] ** 2 == pytest.approx(0.5, rel=0.05)


def test_the_factor_of_a_geometric_row():
    assert lab.factor_per_layer(3.0 * 0.25 ** np.arange(5)[::-1]) == pytest.approx(0.25)


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"depth": 2.5}, {"gain": 0}, {"gain": -1}])
def test_a_depth_or_gain_that_is_none_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=f"through_depth: {next(iter(wrong))}"):
        lab.through_depth(sigmoid, **wrong)


# -- softmax --------------------------------------------------------------------------------------

FAR = np.array([60.0, 55.0, 0.0])


def test_each_repair_at_60_55_0():
    p = 1 / (1 + math.exp(-5))
    assert np.allclose(lab.repaired_softmax(FAR, "as defined"), [p, 1 - p, 0], atol=1e-12)
    assert np.allclose(lab.repaired_softmax(FAR, "subtract the largest"), [p, 1 - p, 0], atol=1e-12)
    assert np.allclose(lab.repaired_softmax(FAR, "clip to ±50"), [0.5, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("precision", lab.PRECISIONS)
def test_every_step_is_in_the_precision_asked_for(precision):
    assert lab.repaired_softmax(FAR, "subtract the largest", precision).dtype == precision
    assert lab.repaired_gradient(FAR, 1, "clip to ±50", precision).dtype == precision


@pytest.mark.parametrize(
    ("repair", "precision", "largest"),
    [
        ("as defined", "float64", 709),
        ("as defined", "float32", 88),
        ("as defined", "float16", 11),
        ("clip to ±50", "float16", 11),
    ],
)
def test_where_the_exponential_overflows(repair, precision, largest):
    scores = lambda top: np.array([top, 0.0])
    assert np.isfinite(lab.repaired_softmax(scores(largest), repair, precision)).all()
    assert np.isnan(lab.repaired_softmax(scores(largest + 2), repair, precision)[0])


@pytest.mark.parametrize("repair", lab.REPAIRS)
@pytest.mark.parametrize("z", [FAR, np.array([1.0, -2.0, 0.5]), np.array([-70.0, 3.0, 1.0])])
def test_the_gradient_is_that_of_the_loss_with_its_repair(repair, z):
    loss = lambda z: -np.log(lab.repaired_softmax(z, repair)[1])
    got = lab.repaired_gradient(z, 1, repair)
    assert np.allclose(got, numerical_gradient(loss, z), atol=1e-7)


def test_an_undefined_softmax_has_an_undefined_gradient():
    assert np.isnan(lab.repaired_gradient(np.array([800.0, 0.0]), 0, "as defined")[0])


# -- one hidden layer -----------------------------------------------------------------------------


@pytest.mark.parametrize("f", lab.TARGETS.values(), ids=lab.TARGETS)
@pytest.mark.parametrize("width", [1, 2, 7, 64])
def test_the_constructed_network_meets_the_target_at_its_knots_and_its_chords_between(f, width):
    knots = np.linspace(-1, 1, width + 1)
    network, between = lab.constructed(f, width), np.linspace(-1, 1, 333)
    assert len(network.w) == width
    assert np.allclose(network(knots), f(knots), atol=1e-12)
    assert np.allclose(network(between), np.interp(between, knots, f(knots)), atol=1e-12)


def test_random_units_solve_the_least_squares_problem():
    f = lab.TARGETS["smooth"]
    network = lab.random_features(f, tanh, 5, rng=3)
    rest = network(lab.INSIDE) - f(lab.INSIDE)
    assert np.abs(network.features(lab.INSIDE).T @ rest).max() < 1e-9
    assert abs(rest.sum()) < 1e-9


def test_random_relu_units_bend_inside_the_interval():
    network = lab.random_features(lab.TARGETS["cubic"], relu, 50)
    assert (np.abs(network.b / network.w) <= 1).all()


@pytest.mark.parametrize("width", [3, 30, 300])
def test_squares_stay_at_a_parabola(width):
    network = lab.random_features(lab.TARGETS["cubic"], lab.square, width)
    t = lab.INSIDE
    parabola = np.polyval(np.polyfit(t, t**3, 2), t)
    assert np.allclose(network(t), parabola, atol=1e-6)


def test_training_lowers_the_error_and_does_the_same_twice():
    f = lab.TARGETS["smooth"]
    first, again, other = (lab.trained(f, tanh, 16, lr=0.03, seed=seed) for seed in (0, 0, 1))
    assert lab.largest_error(first, f) < 0.2
    assert np.array_equal(first.c, again.c)
    assert not np.array_equal(first.c, other.c)


def test_the_largest_error_is_a_share_of_the_largest_value():
    f = lambda t: 4 * t
    assert lab.largest_error(lambda t: 4 * t + 1, f) == pytest.approx(0.25)
    assert lab.largest_error(lambda t: 0 * t, f, lab.OUTSIDE) == pytest.approx(2)


@pytest.mark.parametrize("width", [8, 64, 256, 512])
def test_the_largest_error_is_seen_between_the_knots(width):
    middle = 1 / width  # between two knots about 0, where the parabola's chord is furthest off
    assert lab.largest_error(lab.constructed(np.square, width), np.square) == middle**2


def test_activations_are_the_library_s_own():
    assert {
        "sigmoid": sigmoid,
        "tanh": tanh,
        "ReLU": relu,
        "leaky ReLU": leaky_relu,
    } == lab.ACTIVATIONS


# -- what panels measure --------------------------------------------------------------------------


@pytest.mark.parametrize("name", lab.ACTIVATIONS)
def test_an_activation_is_measured_as_the_library_computes_it(name):
    found = lab.activated(name, x=-0.5, leak=0.25, depth=3, gain=2.0)
    f = functools.partial(leaky_relu, slope=0.25) if name == lab.LEAKY else lab.ACTIVATIONS[name]
    (y, pullback), (signal, gradient) = f(found.near), lab.through_depth(f, depth=3, gain=2.0)
    assert (found.y, found.slope) == (y[1], pullback(np.ones(3))[1])
    np.testing.assert_array_equal(np.diag(found.jacobian), pullback(np.ones(3)))
    np.testing.assert_array_equal(found.signal, signal)
    np.testing.assert_array_equal(found.gradient, gradient)
    np.testing.assert_array_equal(found.curve, f(lab.EVERYWHERE)[0])


def test_the_truth_is_that_of_the_scores_as_the_precision_holds_them():
    setting = {"scale": 1, "temperature": 1, "offset": 1000, "label": 0}
    found = lab.repaired(**setting, repair="subtract the largest", precision="float16")
    assert found.true_p[0] == found.true_p[1]  # 1002 and 1001.8 are one number there
    exact = lab.repaired(**setting, repair="as defined", precision="float64")
    assert exact.true_p[0] > exact.true_p[1]


def test_both_ways_to_choose_weights_are_measured_at_every_width():
    found, f = lab.approximation("kinked", "ReLU", 16), lab.TARGETS["kinked"]
    networks = lab.random_features(f, relu, 16), lab.constructed(f, 16)
    t, target, *curves = found.curves
    np.testing.assert_array_equal(target, f(t))
    np.testing.assert_array_equal(curves, [network(t) for network in networks])
    at = lab.WIDTHS.index(16)
    assert found.errors[:, at].tolist() == [lab.largest_error(one, f) for one in networks]
    assert found.inside == found.errors[0, at] < found.outside

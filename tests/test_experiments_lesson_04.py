"""What lesson 04 measures: given gradients, turned landscapes, short runs on the digits."""

import numpy as np
import pytest

from nnlib.calculus import numerical_gradient
from nnlib.experiments.lesson_04 import (
    loss_on_digits,
    moves,
    rates_below,
    turned,
)
from nnlib.landscapes import bowl, himmelblau, rosenbrock
from nnlib.optimizers import OPTIMIZERS, Adam, GradientDescent, Momentum

RNG = np.random.default_rng(0)

# -- a rule under given gradients ---------------------------------------------------------------


def test_moves_by_hand():
    np.testing.assert_allclose(moves(GradientDescent, np.array([3.0, -1.0]), lr=0.5), [1.5, -0.5])
    pushes = np.array([[1.0, 0.0], [1.0, 2.0]])
    due = [[1, 0], [1.5, 2]]
    np.testing.assert_allclose(moves(Momentum, pushes, lr=1.0, momentum=0.5), due)


@pytest.mark.parametrize("rule", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_moves_are_those_of_the_library_from_any_start(rule):
    gradients, theta = RNG.standard_normal((20, 3)), RNG.standard_normal(3)
    optimizer, start = rule(theta, lr=0.1), theta.copy()
    for g in gradients:
        optimizer.step(g)
    np.testing.assert_allclose(start - moves(rule, gradients, lr=0.1).sum(axis=0), theta)


def test_a_schedule_sets_the_rate_of_each_step():
    halved = moves(GradientDescent, np.ones(3), lr=9.0, schedule=lambda step: 0.5**step)
    assert halved.tolist() == [1, 0.5, 0.25]


# -- in a turned landscape ----------------------------------------------------------------------


@pytest.mark.parametrize("landscape", [bowl(100), rosenbrock(), himmelblau()])
@pytest.mark.parametrize("degrees", [0, 30, -135])
def test_a_turned_landscape_is_the_same_seen_from_elsewhere(landscape, degrees):
    ground, p = turned(landscape, degrees), np.array([0.7, -0.4])
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    moved = np.array([c * p[0] - s * p[1], s * p[0] + c * p[1]])
    assert ground.value(moved) == pytest.approx(landscape.value(p))
    slope = numerical_gradient(ground.value, moved)
    np.testing.assert_allclose(ground.gradient(moved), slope, atol=1e-5)
    assert ground.value(ground.minima) == pytest.approx(0, abs=1e-9)
    many = RNG.standard_normal((2, 4, 3))
    assert ground.value(many).shape == (4, 3)
    assert ground.gradient(many).shape == many.shape


# -- on the digits ------------------------------------------------------------------------------


def test_a_run_on_the_digits_learns_and_is_the_same_each_time():
    loss, anew = loss_on_digits(Adam, 0.01, seed=1, steps=60), loss_on_digits.__wrapped__
    assert loss < 0.5 < loss_on_digits(Adam, 0.01, seed=1, steps=1)
    assert loss == anew(Adam, 0.01, seed=1, steps=60)
    assert loss != loss_on_digits(Adam, 0.01, seed=2, steps=60)


def test_rules_share_first_weights_and_batches():
    plain = loss_on_digits(GradientDescent, 0.1, seed=3, steps=20)
    assert loss_on_digits(Momentum, 0.1, seed=3, steps=20, momentum=0.0) == pytest.approx(plain)


def test_a_run_that_diverges_has_an_infinite_loss():
    assert loss_on_digits(GradientDescent, 1e200, seed=0, steps=20) == float("inf")


def test_a_schedule_is_followed():
    still = loss_on_digits(Adam, 0.1, seed=0, steps=5, schedule=lambda step: 0.0)
    assert still == pytest.approx(loss_on_digits(Adam, 0.0, seed=0, steps=5))


@pytest.mark.parametrize("shift", [0.25, 1, 4])
def test_a_window_of_rates_moves_with_its_losses_and_keeps_its_width(shift):
    rates = shift * 10.0 ** np.arange(-3, 2)
    losses = np.array([[2.0, 0.0], [0.05, 0.15], [0.01, 0.01], [0.5, 0.5], [3.0, 5.0]])
    least, most = rates_below(0.1, rates, losses)
    np.testing.assert_allclose(least, rates[1], rtol=0.01)
    share = np.log(0.1 / 0.01) / np.log(0.5 / 0.01)
    np.testing.assert_allclose(most, rates[2] * 10**share, rtol=0.01)


def test_a_bound_below_every_loss_is_refused():
    with pytest.raises(ValueError, match="^rates_below: bound must be above the least mean loss"):
        rates_below(0.1, [1, 2], np.ones((2, 3)))

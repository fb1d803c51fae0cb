"""What the learned rate promises: its derivative is one, and it goes where that says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.experiments.hypergradient import Learned, gradient_left, learned_rate, rate_slope
from nnlib.experiments.lesson_01 import descend
from nnlib.landscapes import GROUNDS, bowl

START = np.array([-1.2, 0.7])
each_ground = pytest.mark.parametrize("ground", GROUNDS.values(), ids=list(GROUNDS))


@each_ground
def test_the_hypergradient_is_the_derivative_along_the_rate(ground):
    lr, h = 1e-3, 1e-7
    loss = lambda rate: ground.value(START - rate * ground.gradient(START))
    want = (loss(lr + h) - loss(lr - h)) / (2 * h)
    assert rate_slope(ground, START, lr) == pytest.approx(want, rel=1e-6, abs=1e-8)


@each_ground
def test_each_rate_is_the_one_before_less_its_share_of_the_slope(ground):
    found = learned_rate(ground, START, lr=1e-4, hyper_lr=1e-9, steps=20)
    assert found.slopes[0] == 0
    for k in range(1, 20):
        want = rate_slope(ground, found.path[k - 1], found.rates[k - 1])
        assert found.slopes[k] == pytest.approx(want, rel=1e-9)
        assert found.rates[k] == pytest.approx(found.rates[k - 1] - 1e-9 * want, rel=1e-12)
        moved = found.path[k] - found.rates[k] * ground.gradient(found.path[k])
        np.testing.assert_allclose(found.path[k + 1], moved, rtol=1e-12)


def test_without_a_rate_of_its_own_the_rate_stays():
    found = learned_rate(bowl(3), START, lr=0.1, hyper_lr=0.0, steps=9)
    want = descend(bowl(3).gradient, START, rate=0.1, steps=9)
    np.testing.assert_allclose(found.path, want, rtol=1e-12)
    assert (found.rates == 0.1).all()


@given(lr=st.floats(1e-4, 0.5))
def test_too_small_a_rate_grows_and_too_large_a_one_falls(lr):
    small = learned_rate(bowl(1), (2.0, 0.0), lr=lr, hyper_lr=1e-3, steps=2).rates
    large = learned_rate(bowl(1), (2.0, 0.0), lr=1 + lr, hyper_lr=1e-3, steps=2).rates
    assert small[1] > small[0]
    assert large[1] < large[0]


def test_what_is_left_is_the_gradient_where_the_rate_comes_to_stand():
    path = np.array([[8.0, 0.0], [6.0, 0.0], [4.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    for rates, left in [((1, 2, 3.001, 3), 4 / 8), ((3, 3, 3, 3), 1), ((1, 2, 2.9, 3), 1 / 8)]:
        found = Learned(path, np.array(rates, float), np.zeros(4))
        assert gradient_left(bowl(1), found) == left

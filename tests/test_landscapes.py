"""What every landscape promises: its gradient, minima that are minima, one formula for a grid."""

import numpy as np
import pytest

from nnlib.calculus import numerical_gradient
from nnlib.landscapes import LANDSCAPES, Landscape, bowl, rosenbrock

each_landscape = pytest.mark.parametrize("name", LANDSCAPES)


@each_landscape
def test_the_gradient_of_a_landscape_is_its_gradient_and_0_at_its_minima(name):
    value, gradient, _, minima = LANDSCAPES[name]
    for p in np.random.default_rng(0).uniform(-3, 3, (10, 2)):
        np.testing.assert_allclose(gradient(p), numerical_gradient(value, p), atol=1e-6)
        assert value(p) > value(minima).max()
    np.testing.assert_array_equal(gradient(minima), 0)


@each_landscape
def test_the_minima_lie_in_the_domain(name):
    for (low, high), places in zip(LANDSCAPES[name].domain, LANDSCAPES[name].minima, strict=True):
        assert low < places.min() <= places.max() < high


def test_one_formula_takes_a_point_and_a_grid():
    grid = np.random.default_rng(0).standard_normal((2, 4, 5))
    for value, gradient, *_ in (bowl(7), rosenbrock(2)):
        assert value(grid)[1, 2] == value(grid[:, 1, 2])
        np.testing.assert_array_equal(gradient(grid)[:, 1, 2], gradient(grid[:, 1, 2]))


@pytest.mark.parametrize("shape", [(), (7,), (4, 5)], ids=str)
def test_the_nearest_minimum_is_the_nearest(shape):
    rng = np.random.default_rng(0)
    minima, points = rng.standard_normal((2, 3)), rng.standard_normal((2, *shape))
    found = Landscape(np.sum, np.sign, ((-9, 9), (-9, 9)), minima).nearest(points)
    assert found.shape == points.shape
    for p, q in zip(points.reshape(2, -1).T, found.reshape(2, -1).T, strict=True):
        distances = np.linalg.norm(minima.T - p, axis=1)
        np.testing.assert_array_equal(q, minima.T[distances.argmin()])

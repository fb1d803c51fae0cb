"""What every landscape promises: its gradient, minima that are minima, one formula for a grid."""

import numpy as np
import pytest

from nnlib.landscapes import GROUNDS, LANDSCAPES, Landscape, bowl, rosenbrock

ALL = LANDSCAPES | GROUNDS | {f"bowl {k}": bowl(k) for k in (0.01, 7, 1e4)} | {"big": rosenbrock(2)}
each_landscape = pytest.mark.parametrize("landscape", ALL.values(), ids=list(ALL))


def points(landscape, *shape):
    """Points of the landscape's domain."""
    low, high = np.reshape(landscape.domain, (2, 2, *[1] * len(shape))).swapaxes(0, 1)
    return np.random.default_rng(0).uniform(low, high, (2, *shape))


@each_landscape
def test_the_gradient_of_a_landscape_is_its_gradient(landscape):
    """f(x + ih) = f(x) + ih f'(x) - ..., so that no difference is taken and no digit lost."""
    p, h = points(landscape, 30), 1e-30
    ways = 1j * h * np.eye(2)[:, :, None]
    want = np.array([landscape.value(p + way).imag / h for way in ways])
    np.testing.assert_allclose(landscape.gradient(p), want, rtol=1e-12, atol=1e-12)


@each_landscape
def test_a_minimum_is_flat_and_nothing_lies_lower(landscape):
    value, gradient, _, minima = landscape
    assert (np.abs(gradient(minima)) <= 1e-12 * np.abs(gradient(points(landscape, 99))).max()).all()
    lowest = value(minima)
    assert (lowest[:, None] <= value(points(landscape, 500)) + 1e-12).all()
    assert (lowest[:, None] <= value(minima[:, :, None] + 1e-3 * points(landscape, 1, 99))).all()


def test_all_minima_are_known_and_a_saddle_has_none():
    counts = {name: ground.minima.shape[1] for name, ground in GROUNDS.items()}
    assert counts == dict.fromkeys(GROUNDS, 1) | {"Himmelblau": 4, "saddle": 0}
    assert len(np.unique(GROUNDS["Himmelblau"].minima.round(3), axis=1).T) == 4


@each_landscape
def test_the_minima_lie_in_the_domain(landscape):
    for (low, high), places in zip(landscape.domain, landscape.minima, strict=True):
        assert ((low < places) & (places < high)).all()


@each_landscape
def test_one_formula_takes_a_point_and_a_grid(landscape):
    grid = points(landscape, 4, 5)
    value, gradient = landscape.value(grid), landscape.gradient(grid)
    assert (value.shape, gradient.shape) == ((4, 5), (2, 4, 5))
    np.testing.assert_allclose(value[1, 2], landscape.value(grid[:, 1, 2]), rtol=1e-14)
    np.testing.assert_allclose(
        gradient[:, 1, 2], landscape.gradient(grid[:, 1, 2]), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("shape", [(), (7,), (4, 5)], ids=str)
def test_where_there_is_no_minimum_none_is_nearest(shape):
    found = GROUNDS["saddle"].nearest(np.ones((2, *shape)))
    assert found.shape == (2, *shape)
    assert np.isnan(found).all()


@pytest.mark.parametrize("shape", [(), (7,), (4, 5)], ids=str)
def test_the_nearest_minimum_is_the_nearest(shape):
    rng = np.random.default_rng(0)
    minima, points = rng.standard_normal((2, 3)), rng.standard_normal((2, *shape))
    found = Landscape(np.sum, np.sign, ((-9, 9), (-9, 9)), minima).nearest(points)
    assert found.shape == points.shape
    for p, q in zip(points.reshape(2, -1).T, found.reshape(2, -1).T, strict=True):
        distances = np.linalg.norm(minima.T - p, axis=1)
        np.testing.assert_array_equal(q, minima.T[distances.argmin()])

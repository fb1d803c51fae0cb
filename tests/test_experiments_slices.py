"""What the slice of a network promises: a real loss, its exact gradient, and only a plane."""

import numpy as np
import pytest

from nnlib.calculus import numerical_gradient
from nnlib.experiments.grounds import DIGITS, NAMES, WEIGHTS, ground
from nnlib.experiments.race import Setting, race, run, runner
from nnlib.experiments.slices import digits_slice, filter_normalised, of_block
from nnlib.landscapes import GROUNDS, bowl
from nnlib.mlp import MLP
from nnlib.optimizers import OPTIMIZERS
from nnlib.parameters import parameter_vector

POINTS = np.random.default_rng(0).uniform(-1.5, 1.5, (6, 2))


@pytest.mark.parametrize("p", POINTS, ids=str)
def test_the_gradient_on_the_plane_is_the_gradient(p):
    plane = digits_slice().plane()
    np.testing.assert_allclose(
        plane.gradient(p), numerical_gradient(plane.value, p), rtol=1e-6, atol=1e-7
    )


def test_the_plane_takes_a_point_and_a_grid():
    plane, grid = ground(DIGITS).map, POINTS.T.reshape(2, 2, 3)
    assert plane.value(grid).shape == (2, 3)
    assert plane.gradient(grid).shape == (2, 2, 3)
    assert plane.value(grid)[1, 2] == pytest.approx(float(plane.value(grid[:, 1, 2])), rel=1e-12)
    np.testing.assert_allclose(plane.gradient(grid)[:, 1, 2], plane.gradient(grid[:, 1, 2]))


def test_the_network_is_trained_in_the_middle_and_knows_nothing_at_the_rim():
    plane = ground(DIGITS).map
    assert plane.value(np.zeros(2)) < 0.05
    rim = 1.5 * np.array([np.cos(np.arange(8)), np.sin(np.arange(8))])
    assert (plane.value(rim) > 1).all()


def test_a_place_on_the_plane_is_seen_where_it_is_and_one_beside_it_below():
    found = digits_slice()
    np.testing.assert_allclose(found.seen(found.lifted(POINTS.T)), POINTS.T, atol=1e-12)
    beside = np.random.default_rng(1).standard_normal(len(found.center))
    across = beside - found.lifted(found.seen(found.center + beside)) + found.center
    np.testing.assert_allclose(found.directions @ across, 0, atol=1e-9)


def test_each_unit_s_part_of_a_direction_is_as_long_as_its_weights():
    model = MLP(5, 4, 3, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    theta[:] = np.random.default_rng(2).standard_normal(len(theta))
    along = MLP(5, 4, 3, rng=0, dtype="float64")
    vector, _ = parameter_vector(along)
    vector[:] = filter_normalised(model, np.random.default_rng(3))
    pairs = [
        (a[name], b[name])
        for a, b in zip(*([x.params for x in m.layers() if x.params] for m in (model, along)),
                        strict=True)
        for name in a
    ]  # fmt: skip
    assert len(pairs) == 4
    for weights, part in pairs:
        axis = -1 if weights.ndim > 1 else None
        np.testing.assert_allclose(
            np.linalg.norm(part, axis=axis), np.linalg.norm(weights, axis=axis), rtol=1e-12
        )
        assert not np.allclose(part, weights)


@pytest.mark.parametrize("lr", [0.01, 1e3, 1e200])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_no_rate_is_too_large_for_a_race_on_it(rule, lr):
    for name in (DIGITS, WEIGHTS):
        (found,) = race(Setting((runner(rule, lr),), name, start=(1.0, -1.0), steps=6)).runs
        assert found.path.shape == (7, 2)
        assert np.isfinite(found.path).all()


def test_a_block_becomes_a_landscape():
    block = lambda theta: (float(theta @ theta) / 2, lambda dL: dL * theta)
    for shape in ((2,), (2, 3), (2, 3, 4)):
        p = np.random.default_rng(0).standard_normal(shape)
        np.testing.assert_allclose(of_block(block, 2).value(p), bowl(1).value(p))
        np.testing.assert_allclose(of_block(block, 2).gradient(p), bowl(1).gradient(p))
    found = run(of_block(block, 2), runner("Adam", 0.1), (1.0, 2.0), steps=9)
    want = run(bowl(1), runner("Adam", 0.1), (1.0, 2.0), steps=9)
    np.testing.assert_allclose(found.path, want.path)


def test_every_ground_has_a_name():
    assert set(NAMES) == {*GROUNDS, DIGITS, WEIGHTS}
    for name in NAMES:
        assert ground(name) is ground(name)

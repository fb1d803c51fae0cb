"""What the stored race on MNIST promises: rates chosen without the test, and one look at it."""

import numpy as np
import pytest

from benchmarks import race_04
from nnlib.experiments.race_on_mnist import race_on_mnist
from nnlib.experiments.stored import outcome, stored
from nnlib.optimizers import OPTIMIZERS
from nnlib.sweeps import Swept, sweep

# -- the table that is stored --------------------------------------------------------------------


def test_every_arm_tried_the_same_rates_and_kept_the_best_of_them():
    arms = race_on_mnist()
    assert list(arms) == list(race_04.ARMS)
    assert set(OPTIMIZERS) <= set(arms)
    for arm in arms.values():
        assert tuple(arm.rates) == race_04.RATES
        assert arm.best == arm.rates[arm.tried.argmax()]
        assert arm.rates[0] < arm.best < arm.rates[-1]  # else the grid ends too soon
        assert arm.steps.tolist() == list(range(100, 1001, 100))
        assert abs(arm.test - arm.tried.max()) < 0.02
    assert {row["seeds"] for row in stored("04_race")} == {"5"}


def test_every_arm_is_compared_with_every_other_seed_by_seed():
    arms = race_on_mnist()
    for name, arm in arms.items():
        assert list(arm.ahead) == [other for other in arms if other != name]
        for other, share in arm.ahead.items():
            assert share + arms[other].ahead[name] <= 1  # less where seeds are level
            if share == 1:
                assert arm.test > arms[other].test


def test_at_their_best_rates_the_rules_lie_close_and_their_rates_far_apart():
    arms = [race_on_mnist()[rule] for rule in OPTIMIZERS]
    tests = [arm.test for arm in arms]
    assert np.ptp(tests) < 2 * max(arm.spread for arm in arms)
    assert max(arm.best for arm in arms) >= 100 * min(arm.best for arm in arms)


def test_what_the_table_says_is_what_is_read():
    row = outcome("race", "s", "Adam", "test accuracy, best rate 0.003", [0.5, 0.7])
    arm = race_on_mnist()["Adam"]
    test = next(r for r in stored("04_race") if r["arm"] == "Adam" and r["measure"][:4] == "test")
    assert (str(arm.test), float(test["spread"])) == (test["mean"], arm.spread)
    assert row["measure"].split()[-1] == "0.003"


# -- how it is made ------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """The race in little: two arms, three rates, forty steps on images that are noise."""
    rng = np.random.default_rng(0)
    draw = lambda n: (rng.random((n, 784), np.float32), rng.integers(10, size=n))
    parts = draw(200), draw(50), draw(50)
    monkeypatch.setattr(race_04, "images", lambda: parts)
    monkeypatch.setattr(race_04, "STEPS", 40)
    monkeypatch.setattr(race_04, "BLOCK", 20)
    monkeypatch.setattr(race_04, "RATES", (1e-3, 0.1, 1e6))
    two = {arm: race_04.ARMS[arm] for arm in ("GradientDescent", "Adam, ε inside")}
    monkeypatch.setattr(race_04, "ARMS", two)


def test_a_run_depends_on_nothing_but_its_arm_its_rate_and_its_seed(small):
    one, same = race_04.train("Adam, ε inside", 0.1, 3), race_04.train("Adam, ε inside", 0.1, 3)
    other = race_04.train("Adam, ε inside", 0.1, 4)
    np.testing.assert_array_equal(one[2], same[2])
    assert (one[2] != other[2]).any()
    assert one[1].shape == (2,)


def test_every_arm_begins_with_the_weights_of_its_seed(small):
    first = {seed: [race_04.train(arm, 0.0, seed)[2] for arm in race_04.ARMS] for seed in (0, 1)}
    for one, other in first.values():
        np.testing.assert_array_equal(one, other)
    assert (first[0][0] != first[1][0]).any()


def test_a_run_that_diverges_stays_at_its_last_good_step(small):
    right, losses, theta = race_04.train("GradientDescent", 1e30, 0)
    assert 0 <= right <= 1
    assert np.isnan(losses[-1])
    assert np.isfinite(theta).all()


def test_the_test_images_are_looked_at_once_for_each_seed_of_an_arm_at_its_best_rate(
    small, monkeypatch
):
    looked = []
    reached = [[0.5, 0.6, 0.7], [0.5, 0.7, 0.8]]  # by the arm and the seed that are in theta
    look = lambda theta: looked.append(theta[0]) or reached[int(theta[0])][int(theta[2])]
    monkeypatch.setattr(race_04, "tested", look)
    found = [
        Swept({"arm": arm, "lr": lr}, seed, (score, np.ones(2), np.array([code, lr, seed])))
        for code, (arm, scores) in enumerate(zip(race_04.ARMS, ((0.1, 0.7, 0.2), (0.9, 0.3, 0.4))))
        for lr, score in zip(race_04.RATES, scores, strict=True)
        for seed in range(3)
    ]
    table = list(race_04.rows(found))
    chosen = [row["measure"] for row in table if row["measure"].startswith("test")]
    assert chosen == ["test accuracy, best rate 0.1", "test accuracy, best rate 0.001"]
    assert looked == [0, 0, 0, 1, 1, 1]
    assert len(table) == 2 * (3 + 2 + 1) + 2
    assert [row["mean"] for row in table[-2:]] == ["0", "0.6667"]  # level with one, ahead with two


def test_the_race_runs_through_a_sweep(small):
    grid = {"arm": list(race_04.ARMS), "lr": race_04.RATES}
    table = list(race_04.rows(sweep(race_04.train, grid, seeds=range(2))))
    assert {row["arm"] for row in table} == set(race_04.ARMS)
    assert all(row["seeds"] == 2 for row in table)


def test_the_images_that_choose_a_rate_are_drawn_and_are_in_no_training():
    (x, labels), (x_held, held), (x_test, _) = race_04.images.__wrapped__()
    assert len(x) == len(labels)
    assert len(x_held) == len(held) == (len(x) + len(x_held)) // race_04.HELD_BACK
    assert x.shape[1] == x_held.shape[1] == x_test.shape[1] == 784
    assert 0 <= x.min() <= x.max() == 1

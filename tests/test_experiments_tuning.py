"""What tuning promises: equal budgets, the value alone, and a ranking with its spread."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlib.experiments import tuning
from nnlib.experiments.race import Setting, race, run, runner
from nnlib.experiments.tuning import GRID, at_rates, ranked, ranking, tune, tunings
from nnlib.landscapes import GROUNDS, bowl
from nnlib.optimizers import OPTIMIZERS

ALL = tuple(runner(rule) for rule in OPTIMIZERS)
START = (-1.5, 2.0)


def test_rates_lie_evenly_on_a_logarithmic_scale():
    assert list(GRID) == sorted(GRID)
    assert (GRID[0], GRID[-1]) == (1e-4, 10.0)
    np.testing.assert_allclose(np.diff(np.log10(GRID)), 1 / 3, atol=0.07)


@pytest.mark.parametrize("name", GROUNDS)
def test_every_rule_gets_the_same_number_of_gradients_at_the_same_rates(name):
    asked = []
    count = lambda p: asked.append(1) or GROUNDS[name].gradient(p)
    ground, budgets = GROUNDS[name]._replace(gradient=count), []
    for who in ALL:
        asked.clear()
        found = tune(ground, who, START, steps=20)
        budgets.append(len(asked))
        assert found.calls == len(asked)
        assert found.rates == GRID
    assert set(budgets) == {20 * len(GRID)}


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_the_rate_chosen_is_that_of_the_lowest_value_and_every_try_is_told(rule):
    found = tune(GROUNDS["Beale"], runner(rule, momentum=0.8) if rule == "Momentum" else
                 runner(rule), START, steps=60, noise=0.1, seed=2)  # fmt: skip
    for lr, reached in zip(found.rates, found.reached, strict=True):
        tried = run(
            GROUNDS["Beale"], found.runner._replace(lr=lr), START, steps=60, noise=0.1, seed=2
        )
        assert reached == (np.inf if tried.diverged else tried.values[-1])
    assert found.runner.lr == found.rates[int(np.argmin(found.reached))]
    assert dict(found.runner.settings) == ({"momentum": 0.8} if rule == "Momentum" else {})


@pytest.mark.parametrize("name", GROUNDS)
def test_where_the_minimum_lies_plays_no_part(name):
    elsewhere = GROUNDS[name]._replace(minima=np.array([[77.0], [-77.0]]))
    for who in ALL:
        want = tune(GROUNDS[name], who, START, steps=15, rates=GRID[::3])
        assert tune(elsewhere, who, START, steps=15, rates=GRID[::3]) == want


def test_from_many_starts_the_mean_counts_and_one_that_diverges_spoils_it():
    starts = np.array([[1.0, 2.0], [0.0, 0.0]])
    found = tune(bowl(1), runner("GradientDescent"), starts, steps=2, rates=(0.5, 1e9))
    assert found.reached == (0.5 * np.mean([0.25**2, 0.5**2]), np.inf)


def test_tuning_a_race_tunes_each_runner_under_its_conditions():
    setting = Setting(ALL, "Himmelblau", start=(0.0, 5.0), steps=40, noise=0.5, seed=3)
    for who, one in zip(ALL, tunings(setting), strict=True):
        want = tune(GROUNDS["Himmelblau"], who, (0.0, 5.0), steps=40, noise=0.5, seed=3)
        assert one == want
    tuned = at_rates(setting, "tuned")
    assert [one.lr for one in tuned.runners] == [one.runner.lr for one in tunings(setting)]
    assert tuned._replace(runners=ALL) == setting


def test_rates_are_default_tuned_or_the_same_for_all():
    setting = Setting((runner("Adam", 5.0, beta1=0.5), runner("RMSprop", 5.0)), steps=5)
    assert at_rates(setting, "default").runners == (runner("Adam", beta1=0.5), runner("RMSprop"))
    assert at_rates(setting, 0.3).runners == (
        runner("Adam", 0.3, beta1=0.5),
        runner("RMSprop", 0.3),
    )
    with pytest.raises(ValueError, match='^at_rates: rates must be "default", "tuned" or a number'):
        at_rates(setting, "best")
    with pytest.raises(ValueError, match="^at_rates: rates must be a number in"):
        at_rates(setting, -1.0)
    with pytest.raises(ValueError, match="^tune: rates must hold one at least"):
        tune(bowl(1), ALL[0], START, steps=1, rates=())


# -- ranking -------------------------------------------------------------------------------------


@given(arrays(float, (5, 3), elements=st.sampled_from([0.0, 1.0, 2.5, -3.0, np.inf])))
def test_places_are_shared_by_those_who_are_level(reached):
    for column, got in zip(reached.T, ranked(reached, np.full(3, 1e-9)).T, strict=True):
        places = {v: np.mean(np.flatnonzero(np.sort(column) == v)) + 1 for v in column}
        assert got.tolist() == [places[v] for v in column]


def test_who_is_as_good_as_level_shares_the_place():
    reached = np.array([[1e-30], [0.0], [1e-3]])
    assert ranked(reached, np.array([1e-12])).ravel().tolist() == [1.5, 1.5, 3.0]


def test_a_ranking_is_the_race_from_each_start():
    setting = Setting(ALL, "Beale", start=(1.0, 1.0), steps=50, noise=0.2, seed=4)
    found = ranking(at_rates(setting, 0.05), starts=9)
    (low, high), _ = GROUNDS["Beale"].domain
    assert found.starts.shape == (2, 9)
    assert ((found.starts >= low) & (found.starts <= high)).all()
    for i, who in enumerate(found.runners):
        one = run(GROUNDS["Beale"], who, found.starts, steps=50, noise=0.2, seed=4)
        np.testing.assert_array_equal(found.reached[i], one.reached)
        assert found.diverged[i] == one.diverged.sum()
        assert found.mean[i] == pytest.approx(found.ranks[i].mean())
        low_quartile, high_quartile = found.spread[i]
        assert low_quartile <= np.median(found.ranks[i]) <= high_quartile
    np.testing.assert_allclose(found.ranks.sum(axis=0), 15)


def test_a_changed_runner_is_ranked_anew_alone(monkeypatch):
    sent = []
    spy = lambda *a, **named: sent.append(a[1]) or run(*a, **named)
    monkeypatch.setattr(tuning, "run", spy)
    setting = Setting(ALL, "bowl", start=[1.0, 2.0], steps=3, seed=77)
    ranking(setting)
    ranking(setting._replace(runners=(*ALL[:-1], runner("Adam", 0.5))))
    assert sent == [*ALL, runner("Adam", 0.5)]


def test_where_nobody_runs_nobody_is_ranked():
    found = ranking(Setting((), "bowl"), starts=3)
    assert (found.ranks.shape, found.mean.shape, found.spread.shape) == ((0, 3), (0,), (0, 2))
    assert tunings(Setting((), "bowl")) == ()


def test_the_seed_draws_the_starts():
    setting = Setting(ALL[:2], "bowl", steps=2)
    one, same, other = (ranking(setting._replace(seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.starts, same.starts)
    assert (one.starts != other.starts).any()
    assert one.starts.shape == (2, 20)


def test_a_tuned_race_ends_no_higher_than_at_the_default_rates():
    setting = Setting(ALL, "Rosenbrock", start=START, steps=100)
    default, tuned = (race(at_rates(setting, rates)).runs for rates in ("default", "tuned"))
    assert all(b.values[-1] <= a.values[-1] for a, b in zip(default, tuned, strict=True))

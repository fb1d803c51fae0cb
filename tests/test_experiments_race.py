"""What the race promises: the same conditions for all, nothing hidden, nothing clipped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.experiments import race as race_module
from nnlib.experiments.race import (
    Run,
    Runner,
    Setting,
    default_rate,
    kept_run,
    race,
    run,
    runner,
    settings_of,
)
from nnlib.landscapes import GROUNDS, Landscape, bowl
from nnlib.optimizers import OPTIMIZERS
from nnlib.stepping import Optimizer

START = np.array([-1.5, 2.0])
STARTS = np.random.default_rng(0).uniform(-2, 2, (2, 6))
SWITCHED = [  # every rule as it is, and with each of its conventions the other way
    *(runner(rule, 0.01) for rule in OPTIMIZERS),
    *(
        runner(rule, 0.01, **{name: not default})
        for rule in OPTIMIZERS
        for name, default in settings_of(rule).items()
        if isinstance(default, bool)
    ),
    runner("Momentum", 0.01, form="lr_inside"),
    runner("Momentum", 0.01, form="ema"),
    runner("Adam", 0.01, weight_decay=0.1),
]
each_runner = pytest.mark.parametrize("who", SWITCHED, ids=repr)
each_ground = pytest.mark.parametrize("ground", GROUNDS.values(), ids=list(GROUNDS))


def same(one, other):
    """Whether two runs are one, bit for bit."""
    for a, b in zip(one[1:], other[1:], strict=True):
        for key in a if isinstance(a, dict) else [None]:
            np.testing.assert_array_equal(
                a if key is None else a[key], b if key is None else b[key]
            )
    return True


def start_of(found, k):
    """The run of the k-th of several starts."""
    pick = lambda a: {n: v[..., k] for n, v in a.items()} if isinstance(a, dict) else a[..., k]
    return Run(found.runner, *(pick(a) for a in found[1:9]), found.calls)


# -- what is shown is what was done --------------------------------------------------------------


@each_runner
def test_a_run_is_the_rule_itself_stepped_along_the_gradients(who):
    ground, theta, who = GROUNDS["Rosenbrock"], START.copy(), who._replace(lr=2e-4)
    found, rule = run(ground, who, START, steps=50), who.on(theta)
    for k in range(50):
        np.testing.assert_array_equal(found.path[k], theta)
        assert found.values[k] == pytest.approx(ground.value(theta), rel=1e-12)
        np.testing.assert_array_equal(found.gradients[k], ground.gradient(theta))
        for name, rows in found.state.items():
            np.testing.assert_array_equal(rows[k], getattr(rule, name))
        rule.step(ground.gradient(theta))
    np.testing.assert_array_equal(found.path[50], theta)
    assert found.state.keys() == set(rule.moments)
    assert (found.ended, found.diverged, found.reached) == (50, False, found.values[-1])


@pytest.mark.parametrize("lr", [0.003, 0.3])
def test_the_rate_that_is_shown_is_the_rate_that_is_used(lr):
    g = GROUNDS["Himmelblau"].gradient(START)
    first = {
        "GradientDescent": lr * g,
        "Momentum": lr * g,
        "AdaGrad": lr * g / np.abs(g),
        "RMSprop": lr * g / np.sqrt(0.01 * g**2),
        "Adam": lr * g / np.abs(g),
    }
    for rule, step in first.items():
        found = run(GROUNDS["Himmelblau"], runner(rule, lr), START, steps=1)
        np.testing.assert_allclose(found.moves[0], -step, rtol=1e-7)


@each_runner
def test_effective_rates_are_moves_over_gradients(who):
    who = who._replace(lr=2e-4)
    found = run(GROUNDS["Beale"], who, START, steps=30, noise=0.1)
    np.testing.assert_allclose(found.rates * np.abs(found.given), np.abs(found.moves), rtol=1e-14)
    if who.rule == "GradientDescent":
        np.testing.assert_allclose(found.rates, who.lr, rtol=1e-9)


@each_ground
def test_the_lengths_of_gradients_are_theirs(ground):
    found = run(ground, runner("Adam", 0.01), STARTS, steps=20, noise=1.0)
    want = np.sqrt((found.gradients**2).sum(axis=1))
    np.testing.assert_allclose(found.norms, want, rtol=1e-14)
    before = np.moveaxis(found.path[:-1], 1, 0)
    np.testing.assert_array_equal(found.gradients, np.moveaxis(ground.gradient(before), 0, 1))


# -- the same for all ----------------------------------------------------------------------------


def counted(ground):
    """The ground, and the list of the places at which its gradient is asked for."""
    asked = []

    def gradient(p):
        asked.append(p.copy())
        return ground.gradient(p)

    return ground._replace(gradient=gradient), asked


@pytest.mark.parametrize("lr", [1e-4, 0.1, 1e3, 1e300], ids=str)
@pytest.mark.parametrize("start", [START, STARTS], ids=["one", "many"])
def test_every_runner_gets_the_same_number_of_gradients_even_if_it_diverges(lr, start):
    for rule in OPTIMIZERS:
        ground, asked = counted(GROUNDS["Rosenbrock"])
        found = run(ground, runner(rule, lr), start, steps=40)
        assert len(asked) == found.calls == 40


def test_every_runner_gets_the_same_noise_at_the_same_step():
    runs = [run(GROUNDS["bowl"], who, STARTS, steps=30, noise=0.5, seed=3) for who in SWITCHED]
    noises = [found.given - found.gradients for found in runs]
    for noise in noises:
        np.testing.assert_allclose(noise, noises[0], atol=1e-14)
    other = run(GROUNDS["bowl"], SWITCHED[0], STARTS, steps=30, noise=0.5, seed=4)
    assert not np.allclose(other.given - other.gradients, noises[0])


def test_noise_has_the_size_that_was_asked_for():
    found = run(GROUNDS["plateau"], runner("GradientDescent", 0.0), STARTS, steps=4000, noise=0.3)
    assert np.std(found.given - found.gradients) == pytest.approx(0.3, rel=0.02)


def test_a_path_far_out_is_returned_as_it_is():
    start, lr = np.array([4e5, -3e7]), 1.9
    found = run(bowl(1), runner("GradientDescent", lr), start, steps=60)
    want = start * (1 - lr) ** np.arange(61)[:, None]
    np.testing.assert_allclose(found.path, want, rtol=1e-12)
    assert not found.diverged


def test_who_leaves_the_map_and_comes_back_is_followed_all_the_way():
    ground, found = GROUNDS["ravine"], None
    found = run(ground, runner("Momentum", 0.07, momentum=0.95), (14.0, 14.0), steps=400)
    (low, high), _ = ground.domain
    assert not found.diverged
    assert ((found.path < low) | (found.path > high)).any()
    theta = np.array([14.0, 14.0])
    rule = found.runner.on(theta)
    for place in found.path:
        np.testing.assert_array_equal(place, theta)
        rule.step(ground.gradient(theta))


# -- many starts ---------------------------------------------------------------------------------


@each_runner
@each_ground
def test_each_of_many_starts_runs_as_it_would_alone(who, ground):
    together = run(ground, who, STARTS, steps=12)
    for k, start in enumerate(STARTS.T):
        alone = run(ground, who, start, steps=12)
        for one, other in zip(start_of(together, k)[1:6], alone[1:6], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@each_runner
@pytest.mark.parametrize("name", ["ravine", "saddle"])  # gradients are products: the same anywhere
def test_who_diverges_among_many_starts_disturbs_none(who, name):
    together = run(GROUNDS[name], who._replace(lr=3.0), STARTS * 10.0 ** np.arange(6), steps=60)
    for k in range(6):
        start = STARTS[:, k] * 10.0**k
        alone = run(GROUNDS[name], together.runner, start, steps=60)
        assert together.ended[k] == alone.ended
        np.testing.assert_array_equal(together.path[..., k], alone.path)
    assert together.diverged.all() or who.rule not in ("GradientDescent", "Momentum")


def test_noise_of_a_start_does_not_depend_on_those_beside_it():
    many, few = (
        run(GROUNDS["bowl"], SWITCHED[0], STARTS[:, :n], steps=9, noise=1.0) for n in (6, 2)
    )
    np.testing.assert_array_equal(many.given[..., :2], few.given)
    alone = run(GROUNDS["bowl"], SWITCHED[0], STARTS[:, 0], steps=9, noise=1.0)
    np.testing.assert_array_equal(many.given[..., 0], alone.given)


class UnitSteps(Optimizer):
    """Steps of one length, which the whole gradient decides."""

    moments = ("d",)

    def __init__(self, theta, lr):
        super().__init__(theta, lr)
        self.d = np.zeros_like(theta)

    def update(self, g):
        d = g / np.linalg.norm(g)
        self.t, self.d, self.theta[:] = self.t + 1, d, self.theta - self.lr * d


def test_a_rule_that_looks_at_the_whole_gradient_is_given_each_start_by_itself(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "UnitSteps", UnitSteps)
    together = run(GROUNDS["bowl"], runner("UnitSteps", 0.1), STARTS, steps=10)
    for k, start in enumerate(STARTS.T):
        assert same(start_of(together, k), run(GROUNDS["bowl"], together.runner, start, steps=10))


# -- who diverges is marked, and stays -----------------------------------------------------------

HOLES = {  # landscapes that end somewhere below 0
    "no value there": Landscape(lambda p: np.log(p[0]), lambda p: np.array([1 / p[0], 0 * p[1]]),
                                ((0, 3), (-1, 1)), np.empty((2, 0))),
    "no gradient there": Landscape(lambda p: p[0], lambda p: np.array([np.where(p[0] > 0, 1.0,
                                   np.nan), 0 * p[1]]), ((0, 3), (-1, 1)), np.empty((2, 0))),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_who_steps_where_there_is_nothing_stands_before_or_on_the_brink(name, rule):
    found = run(HOLES[name], runner(rule, 0.2), (3.0, 0.5), steps=300)
    k = int(found.ended)
    assert found.diverged
    assert 0 < k < 300
    assert np.isfinite(found.path).all()
    assert (found.path[k:] == found.path[k]).all()
    assert (found.path[1 : k + 1, 0] != found.path[:k, 0]).all()
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.given[:k]).all()
    assert np.isnan(found.given[k:]).all()
    assert np.isnan(found.rates[k:]).all()
    assert found.reached == np.inf
    assert found.beyond[0] <= 0


def test_where_the_step_led_that_was_not_taken_is_told():
    found = run(
        bowl(1), runner("GradientDescent", 1e8), np.array([[1.0, 0.0], [0.0, 0.0]]), steps=3
    )
    np.testing.assert_array_equal(found.beyond, [[1 - 1e8, np.nan], [0.0, np.nan]])
    assert found.ended.tolist() == [0, 3]


def test_a_start_where_there_is_nothing_is_marked_at_once():
    found = run(HOLES["no value there"], runner("Adam", 0.2), (-1.0, 0.5), steps=5)
    assert (found.ended, found.diverged) == (0, True)
    np.testing.assert_array_equal(found.path, np.tile([-1.0, 0.5], (6, 1)))


def test_gradient_descent_diverges_from_the_rate_two_over_the_curvature_on():
    for lr, diverges in ((1.99 / 25, False), (2.01 / 25, True)):
        found = run(bowl(25), runner("GradientDescent", lr), (1.0, 1.0), steps=2000)
        assert found.diverged == diverges
        growth = np.abs(found.path[1:, 1]) > np.abs(found.path[:-1, 1])
        assert growth[: found.ended].all() == diverges


@each_ground
@pytest.mark.parametrize("rule", OPTIMIZERS)
@settings(max_examples=20)
@given(lr=st.floats(0, 1e308), x=st.floats(-1e150, 1e150), noise=st.sampled_from([0.0, 1.0, 1e200]))
def test_no_rate_start_or_noise_raises_or_warns(ground, rule, lr, x, noise):
    found = run(ground, runner(rule, lr), (x, 1.0), steps=5, noise=noise)
    assert np.isfinite(found.path).all()
    assert (found.path[found.ended :] == found.path[found.ended]).all()
    assert np.isfinite(found.rates[: found.ended][found.given[: found.ended] != 0]).all()


# -- runners -------------------------------------------------------------------------------------


@each_runner
def test_a_runner_is_written_as_the_call_that_makes_it(who):
    assert eval(repr(who), {"runner": runner}) == who
    assert hash(who) == hash(eval(repr(who), {"runner": runner}))


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_setting_that_is_the_default_is_none_and_a_rate_of_none_the_default(rule):
    assert runner(rule, 0.1, **settings_of(rule)) == Runner(rule, 0.1)
    assert runner(rule).lr == default_rate(rule) > 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: runner("adam"), ValueError, "runner: rule must be one of GradientDescent, Mom"),
        (lambda: runner("Adam", 0.1, momentum=1), ValueError, "runner: a setting of Adam must be"),
        (lambda: runner("Adam", -1.0), ValueError, "Adam: lr must be a number in [0, inf)"),
        (lambda: runner("Adam", 0.1, beta1=2.0), ValueError, "Adam: beta1 must be a number in"),
        (lambda: run(bowl(1), SWITCHED[0], (1.0,), steps=1), ValueError, "run: start must have sh"),
        (lambda: run(bowl(1), SWITCHED[0], np.ones((2, 0)), steps=1), ValueError, "run: start mus"),
        (lambda: run(bowl(1), SWITCHED[0], (1, np.nan), steps=1), ValueError, "run: start con"),
        (lambda: run(bowl(1), SWITCHED[0], "ab", steps=1), TypeError, "run: start must be"),
        (lambda: run(bowl(1), SWITCHED[0], START, steps=0), ValueError, "run: steps must"),
        (lambda: run(bowl(1), SWITCHED[0], START, steps=1, noise=-1), ValueError, "run: noise"),
        (lambda: run(bowl(1), SWITCHED[0], START, steps=1, seed=1.5), TypeError, "run: seed must"),
        (lambda: race(Setting((SWITCHED[0],), "hill")), ValueError, "formula: text must be"),
    ],
)  # fmt: skip
def test_a_race_that_cannot_be_held_is_refused_in_one_sentence(make, error, message):
    with pytest.raises(error) as refused:
        make()
    assert str(refused.value).startswith(message)


# -- races ---------------------------------------------------------------------------------------


def test_a_race_is_the_runs_of_its_runners():
    setting = Setting(tuple(SWITCHED), "ravine", 40.0, (3.0, -2.0), 70, 0.2, 5)
    found = race(setting)
    assert (found.setting, len(found.runs)) == (setting, len(SWITCHED))
    for who, one in zip(SWITCHED, found.runs, strict=True):
        assert same(one, run(bowl(40), who, (3.0, -2.0), steps=70, noise=0.2, seed=5))


def test_a_changed_runner_is_sent_alone(monkeypatch):
    kept_run.cache_clear()
    sent = []
    spy = lambda *a, **named: sent.append(a[1]) or run(*a, **named)
    monkeypatch.setattr(race_module, "run", spy)
    setting = Setting(tuple(runner(rule) for rule in OPTIMIZERS), steps=20)
    race(setting)
    changed = runner("Adam", 0.5)
    race(setting._replace(runners=(*setting.runners[:-1], changed)))
    assert sent == [*setting.runners, changed]
    race(setting._replace(kappa=26.0))
    assert len(sent) == 2 * len(OPTIMIZERS) + 1
    kept_run.cache_clear()


def test_a_start_may_be_a_list_or_an_array():
    setting = Setting((runner("Adam", 0.1),), start=(1.0, 2.0), steps=5)
    for start in ([1.0, 2.0], np.array([1, 2])):
        assert race(setting._replace(start=start)).runs[0] is race(setting).runs[0]


def test_nothing_that_is_kept_can_be_written_to():
    found = race(Setting((runner("Adam", 0.1),), steps=5)).runs[0]
    for name in ("path", "values", "gradients", "given", "rates"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        found.state["m"][0] = 0

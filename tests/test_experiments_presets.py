"""What each preset promises: that what there is to notice is there."""

import numpy as np
import pytest

from nnlib.experiments.commentary import comments
from nnlib.experiments.grounds import ground
from nnlib.experiments.presets import BY_DISTANCE, PLAYED, PRESETS, demo
from nnlib.experiments.race import as_text, from_text, race
from nnlib.experiments.tricks import TRICKS
from nnlib.experiments.tuning import GRID, distance_to_minimum, tune
from nnlib.optimizers import OPTIMIZERS

GD, MOMENTUM, ADAGRAD, RMSPROP, ADAM = range(5)  # the runners' places where all run


def held(name):
    """The runs of a preset, their last values, and who is ahead of whom."""
    found = race(PRESETS[name].setting)
    values = np.array([one.reached for one in found.runs])
    return found, found.runs, values, list(values.argsort())


def far(one, k=-1):
    """How far from the middle a run is."""
    return np.linalg.norm(one.path[k])


def the_same_rate(found, runs, values, order):
    assert runs[GD].diverged
    assert not any(one.diverged for one in runs[1:])
    assert comments(found)[-2].state == "creeps"
    assert comments(found)[-2].runner.rule == "AdaGrad"
    assert {one.runner.lr for one in runs} == {0.1}
    assert 0.1 * found.setting.kappa > 2


def default_rates(found, runs, values, order):
    bend = [(one.path[-1, 0] > 0) for one in runs]
    assert bend == [False, True, False, False, False]


def a_ravine(found, runs, values, order):
    assert order[-1] == GD
    at_the_end = [one.runner.rule for one in runs if one.runner.lr == GRID[-1]]
    assert at_the_end == ["AdaGrad", "RMSprop"]  # the grid has no larger rate, and none is missed
    assert max(values[ADAGRAD], values[RMSPROP]) < 1e-50
    for one, other in zip(runs, race(found.setting._replace(kappa=25.0)).runs, strict=True):
        blind = one.runner.rule in ("AdaGrad", "RMSprop")
        np.testing.assert_array_equal(one.path[:, 0], other.path[:, 0])
        gap = np.abs(one.path[:, 1] - other.path[:, 1]).max()
        assert (gap < 1e-5) == blind or one.runner.rule == "Adam"
    assert values[GD] > 1e4 * values[MOMENTUM]
    longer = race(found.setting._replace(steps=500))
    (*_, last) = comments(longer)
    assert (last.runner.rule, last.state) == ("RMSprop", "swings")
    assert last.value > 1e3 * longer.runs[GD].reached
    rates = longer.runs[RMSPROP].rates[:, 0]
    assert rates[50] < 2 < rates[200]  # it rises beyond 2/μ


def turned(found, runs, values, order):
    for steps in (100, 150, 200, 300):  # who of the two is first, is luck of the step
        ends = [float(one.reached) for one in race(found.setting._replace(steps=steps)).runs]
        assert min(ends[ADAGRAD], ends[RMSPROP]) > 1e2 * max(ends[MOMENTUM], ends[ADAM])
    assert min(values[ADAGRAD], values[RMSPROP]) > 1e3 * max(values[MOMENTUM], values[ADAM])
    start = np.array(found.setting.start)
    there = [np.array([1.0, 1.0]) / 2**0.5, np.array([1.0, -1.0]) / 2**0.5]
    h = 1e-5
    for way, curvature in zip(there, (100.0, 1.0), strict=True):
        change = found.landscape.gradient(start + h * way) - found.landscape.gradient(start)
        np.testing.assert_allclose(change / h, curvature * way, rtol=1e-5)


def bent_valley(found, runs, values, order):
    assert order[0] == MOMENTUM
    assert values[MOMENTUM] < values[GD] / 3
    for one in runs:
        x, y = one.path[30:].T
        assert (np.abs(y - x**2) < 0.35).mean() > 0.7  # on the floor


def four_ends(found, runs, values, order):
    ends = {tuple(found.landscape.nearest(one.path[-1]).round(2)) for one in runs}
    assert len(ends) == 4
    assert (values < 1e-4).all()


def saddle(found, runs, values, order):
    assert np.linalg.norm(runs[GD].path[-1]) < 0.2
    assert (np.abs(runs[GD].path[:, 1]) < 1e-4).all()
    for k in (ADAGRAD, RMSPROP, ADAM):
        assert runs[k].path[1, 1] > 0.04
        assert runs[k].path[-1, 1] > 1


def plain(found, runs, values, order):
    still, walks, inside = runs
    assert 6e-7 < still.norms[0] < 7e-7
    assert far(still) > 5.6
    assert far(walks) < 0.01
    assert far(inside) > 5
    np.testing.assert_allclose(np.abs(walks.moves[:5]), 0.1, rtol=0.2)


def hollows(found, runs, values, order):
    assert (values > 1).all()
    start = np.array(found.setting.start)
    assert np.abs(runs[GD].path - start).max() < 0.5
    ends = {tuple(one.path[-1].round()) for one in runs}
    assert len(ends) >= 3


def noise(found, runs, values, order):
    large, small, falling = (np.sqrt((one.path[100:] ** 2).mean()) for one in runs)
    assert 2.0 < large / small < 5.5
    assert 2.0 < far(runs[0]) / far(runs[1]) < 5.5  # at the end, where one looks
    assert 5 < values[0] / values[1] < 20
    assert small > 0.3
    first, last = falling_rates = np.nanmedian(runs[2].rates[[0, -1]], axis=1)
    assert last < first / 3, falling_rates


def full_training(found, runs, values, order):
    assert found.landscape.value(np.array(found.setting.start)) == pytest.approx(4.8, abs=0.05)
    for one in runs:
        assert one.values[0] == pytest.approx(4.8, abs=0.05)
        assert one.values[-1] < 0.0205
        assert 3.5 < found.landscape.value(one.path[-1]) < 4.5
        assert np.linalg.norm(one.path - one.path[0], axis=1).max() < 3 / 10  # of a map 3 wide
        assert one.beside.size == 610
        assert 0 < one.beside.shares[-1] < 0.265


def forms(found, runs, values, order):
    standard, inside, slow, fast = (one.path for one in runs)
    np.testing.assert_allclose(inside, standard, atol=1e-10)
    np.testing.assert_allclose(fast, standard, atol=1e-10)
    np.testing.assert_allclose(slow[1] - slow[0], (standard[1] - standard[0]) / 10, rtol=1e-9)
    assert far(runs[2]) > 10 * far(runs[0])


def nesterov(found, runs, values, order):
    plain, ahead, without = runs
    across = [np.abs(one.path[20:, 1]).max() for one in (plain, ahead)]
    assert across[1] < across[0] / 2
    assert values[1] < values[0] < values[2]


def first_steps(found, runs, values, order):
    ratio = runs[1].moves[0] / runs[0].moves[0]
    np.testing.assert_allclose(ratio, 10**0.5, rtol=1e-6)


def demonstration(found, runs, values, order):
    assert order[0] == ADAM
    assert values[ADAM] < values[order[1]] / 10


def shown_rate(found, runs, values, order):
    before = held("as the well-known demos do it")[2]
    assert order[0] == MOMENTUM
    assert 50 < values[ADAM] / before[ADAM] < 200


def equal_steps(found, runs, values, order):
    before = held("… Adam at the rate that is shown")[2]
    assert order.index(ADAM) == 1
    assert 1.5 < values[ADAM] / before[ADAM] < 3
    assert {one.calls for one in runs} == {60}


def corrected(found, runs, values, order):
    assert order.index(ADAM) == 3


def not_clipped(found, runs, values, order):
    before = held("… and with its bias corrected")[1]
    (low, high), _ = found.landscape.domain
    assert np.abs(runs[MOMENTUM].path).max() > high
    assert np.abs(before[MOMENTUM].path).max() == high
    assert np.abs(runs[MOMENTUM].path[-1]).max() < high


def exact(found, runs, values, order):
    before = held("… and nobody clipped to the map")
    np.testing.assert_allclose(values, before[2], rtol=0.2)
    g = found.landscape.gradient(runs[0].path[0])
    error = np.linalg.norm(before[1][0].gradients[0] - g) / np.linalg.norm(g)
    assert 1e-6 < error < 1e-2


def fair(found, runs, values, order):
    before = held("… and gradients that are exact")[3]
    assert before[-1] == GD
    assert order == [MOMENTUM, ADAM, GD, RMSPROP, ADAGRAD]


NOTICED = {
    "the same rate for all": the_same_rate,
    "default rates": default_rates,
    "a ravine, every rule at its best": a_ravine,
    "the same ravine, turned by 45°": turned,
    "the bent valley": bent_valley,
    "one start, four ends": four_ends,
    "on a saddle": saddle,
    "on a plain: where ε sits": plain,
    "a field of hollows": hollows,
    "noise": noise,
    "a network's full training": full_training,
    "the forms of momentum": forms,
    "Nesterov's look ahead": nesterov,
    "Adam's first steps": first_steps,
    "as the well-known demos do it": demonstration,
    "… Adam at the rate that is shown": shown_rate,
    "… and with as many steps as the others": equal_steps,
    "… and with its bias corrected": corrected,
    "… and nobody clipped to the map": not_clipped,
    "… and gradients that are exact": exact,
    "… and rates tuned on the value: fair": fair,
}
each_preset = pytest.mark.parametrize("name", PRESETS)


@each_preset
def test_what_there_is_to_notice_is_there(name):
    NOTICED[name](*held(name))


@each_preset
def test_a_preset_is_a_whole_setting_that_can_be_written_down(name):
    setting, notice = PRESETS[name]
    assert from_text(as_text(setting)) == setting
    assert 1 < len(setting.runners) <= len(OPTIMIZERS)
    assert notice.endswith(".")
    assert len(notice.split()) <= 60


TUNED = ["a network's full training",
         "a ravine, every rule at its best", "the same ravine, turned by 45°", "the bent valley",
         "a field of hollows", "… and rates tuned on the value: fair"]  # fmt: skip


@pytest.mark.parametrize("name", TUNED)
def test_rates_at_their_best_are_those_that_tuning_finds(name):
    setting = PRESETS[name].setting
    on = ground(setting.ground, kappa=setting.kappa)
    for who in setting.runners:
        found = tune(on.whole, who, on.lifted(np.array(setting.start)), steps=setting.steps)
        reached = dict(zip(found.rates, found.reached, strict=True))
        assert reached[who.lr] <= 1.2 * min(found.reached) + 1e-12  # rounding may prefer another


def test_the_demos_rates_are_tuned_on_the_distance():
    landscape = ground(BY_DISTANCE.ground).map
    for who in BY_DISTANCE.runners:
        found = tune(landscape, who, BY_DISTANCE.start, steps=60, criterion=distance_to_minimum)
        assert found.runner == who


def test_the_demos_play_every_trick_and_lose_them_one_by_one():
    assert set(PLAYED) == set(TRICKS)
    names = [name for name in PRESETS if PRESETS[name].setting.tricks]
    assert [PRESETS[name].setting for name in names] == [demo(k) for k in range(5)]
    assert PRESETS["… and gradients that are exact"].setting == demo(5)
    assert demo(5).tricks == ()

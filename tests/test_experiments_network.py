"""What a network's own race promises: all weights move, and the map is told from the whole."""

import numpy as np
import pytest

from nnlib.experiments import grounds, tuning
from nnlib.experiments import race as race_module
from nnlib.experiments.commentary import comments
from nnlib.experiments.equations import update
from nnlib.experiments.grounds import DIGITS, WEIGHTS, ground
from nnlib.experiments.network import share_in
from nnlib.experiments.race import Setting, as_code, as_text, from_text, kept_run, race, runner
from nnlib.experiments.running import noise_of, run
from nnlib.experiments.slices import digits_slice
from nnlib.experiments.tricks import ON_A_MAP, TRICKS, playable
from nnlib.experiments.tuning import GRID, at_rates, ranking, tunings
from nnlib.optimizers import OPTIMIZERS

ALL = tuple(runner(rule, 0.01) for rule in OPTIMIZERS)
SETTING = Setting(ALL, WEIGHTS, start=(1.0, -0.8), steps=20)


def walked(who, setting):
    """The rule itself stepped along the network's gradients: weights and gradients at each step."""
    whole, theta = digits_slice().whole, digits_slice().lifted(np.array(setting.start))
    noise = setting.noise * noise_of(setting.seed, setting.steps, theta.shape)
    rule, places, gradients = who.on(theta), [theta.copy()], []
    for push in noise:
        gradients.append(whole.gradient(theta))
        rule.step(gradients[-1] + push)
        places.append(theta.copy())
    return np.array(places), np.array(gradients), np.array(gradients) + noise


# -- every number is the library's ----------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("who", ALL, ids=repr)
def test_every_weight_moves_by_the_rule_and_the_map_shows_the_nearest_points(who, noise):
    setting, plane = SETTING._replace(runners=(who,), noise=noise, seed=4), digits_slice()
    (found,) = race(setting).runs
    theta, gradients, given = walked(who, setting)
    pixels = gradients[0] != 0  # some weights belong to pixels that are white on every image
    np.testing.assert_array_equal(theta[-1] != theta[0], pixels | (noise > 0))
    assert pixels.mean() > 0.8
    np.testing.assert_allclose(found.values, plane.whole.value(theta.T), rtol=1e-9)
    onto = np.linalg.lstsq(plane.directions.T, (theta - plane.center).T, rcond=None)[0].T
    np.testing.assert_allclose(found.path, onto, atol=1e-9)
    np.testing.assert_allclose(found.norms, np.linalg.norm(gradients, axis=1), rtol=1e-7)
    for shown, whole in ((found.gradients, gradients), (found.given, given)):
        part = np.linalg.lstsq(plane.directions.T, whole.T, rcond=None)[0].T
        np.testing.assert_allclose(shown, part, rtol=1e-6, atol=1e-9)
    assert (found.calls, found.beside.size) == (20, 610)


@pytest.mark.parametrize("who", ALL, ids=repr)
def test_the_share_that_is_told_is_that_of_the_distance_from_the_start(who):
    (found,) = race(SETTING._replace(runners=(who,))).runs
    theta, *_ = walked(who, SETTING)
    moves = (found.path - found.path[0]) @ digits_slice().directions
    whole = np.linalg.norm(theta - theta[0], axis=1)
    np.testing.assert_allclose(
        found.beside.shares[1:], np.linalg.norm(moves, axis=1)[1:] / whole[1:], rtol=1e-6
    )
    assert np.isnan(found.beside.shares[0])
    assert (found.beside.shares[1:] < 0.5).all()


def test_of_a_way_in_the_plane_all_is_seen_and_of_one_across_nothing():
    plane = digits_slice()
    across = np.linalg.svd(plane.directions)[2][2:4]
    np.testing.assert_allclose(share_in(plane, plane.directions), 1, rtol=1e-9)
    np.testing.assert_allclose(share_in(plane, across), 0, atol=1e-9)


def test_gradient_descent_s_effective_rate_is_its_rate_on_the_map_too():
    (found,) = race(SETTING._replace(runners=(runner("GradientDescent", 0.3),))).runs
    np.testing.assert_allclose(found.rates, 0.3, rtol=1e-5)


def test_off_the_plane_a_step_leads_lower_and_less_far_on_the_map():
    """Six hundred directions are more than two: the valley that the plane shows is not the way."""
    setting = Setting((runner("GradientDescent", 0.1),), WEIGHTS, start=(1.2, 1.2), steps=100)
    whole, plane = race(setting).runs[0], race(setting._replace(ground=DIGITS)).runs[0]
    assert whole.values[0] == pytest.approx(plane.values[0], rel=1e-9)
    assert whole.values[-1] < 0.5 * whole.values[0]
    assert np.linalg.norm(whole.moves.sum(axis=0)) < np.linalg.norm(plane.moves.sum(axis=0)) / 3


# -- the same for all -----------------------------------------------------------------------------


def counted(monkeypatch):
    """The ground whose gradients are counted, and the list of the places where they were asked."""
    asked, on = [], ground(WEIGHTS)
    gradient = lambda theta: asked.append(theta.copy()) or on.whole.gradient(theta)
    spy = lambda name, kappa: on._replace(whole=on.whole._replace(gradient=gradient))
    monkeypatch.setattr(race_module, "ground", spy)
    monkeypatch.setattr(tuning, "ground", spy)
    return asked


@pytest.mark.parametrize("lr", [0.01, 1e9])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_all_begin_with_the_same_weights_and_get_as_many_gradients(rule, lr, monkeypatch):
    asked = counted(monkeypatch)
    same = race_module.conditions(SETTING)
    found = kept_run.__wrapped__(runner(rule, lr), same)
    assert len(asked) == found.calls == SETTING.steps
    np.testing.assert_array_equal(asked[0], digits_slice().lifted(np.array(SETTING.start)))


def test_every_runner_gets_the_same_noise_in_every_weight():
    runs = race(SETTING._replace(noise=0.5, seed=3)).runs
    noises = [one.given - one.gradients for one in runs]
    for noise in noises:
        np.testing.assert_allclose(noise, noises[0], atol=1e-9)
    assert np.abs(noises[0]).max() > 0.01


def test_who_diverges_is_marked_and_told_and_disturbs_nobody():
    wild, tame = runner("GradientDescent", 1e9), runner("Adam", 0.01)
    found = race(SETTING._replace(runners=(wild, tame)))
    assert [bool(one.diverged) for one in found.runs] == [True, False]
    assert np.isfinite(found.runs[0].path).all()
    first, last = comments(found)
    assert (first.runner, last.runner, last.state) == (tame, wild, "diverged")
    assert "diverged at step 1, flung out to a distance of " in last.words


def test_tuning_is_judged_by_the_network_s_own_loss_with_equal_budgets(monkeypatch):
    setting = SETTING._replace(steps=5)
    asked = counted(monkeypatch)
    found = [tuning.kept_tuning.__wrapped__(one, tuning.conditions(setting)) for one in ALL]
    assert len(asked) == sum(one.calls for one in found) == 5 * 5 * len(GRID)
    monkeypatch.undo()
    for one in found:
        tried = race(setting._replace(runners=tuple(one.runner._replace(lr=lr) for lr in GRID)))
        assert one.reached == tuple(float(run.reached) for run in tried.runs)
        assert one.runner.lr == GRID[int(np.argmin(one.reached))]
    tuned = at_rates(setting, "tuned").runners
    assert list(tuned) == [one.runner for one in tunings(setting)]


def test_a_ranking_is_the_race_of_all_weights_from_each_start():
    setting = SETTING._replace(steps=4, noise=0.1)
    found = ranking(setting, starts=1)  # whose noise is the race's own
    alone = race(setting._replace(start=tuple(found.starts[:, 0]))).runs
    np.testing.assert_allclose(found.reached[:, 0], [one.reached for one in alone], rtol=1e-12)
    assert ranking(setting, starts=3).reached.shape == (5, 3)


def test_a_changed_runner_is_sent_alone(monkeypatch):
    sent = []
    spy = lambda *a, **named: sent.append(a[1]) or run(*a, **named)
    monkeypatch.setattr(race_module, "run", spy)
    setting = SETTING._replace(steps=3, seed=81)
    race(setting)
    race(setting._replace(runners=(*ALL[:-1], runner("Adam", 0.5))))
    assert sent == [*ALL, runner("Adam", 0.5)]
    assert race(setting).runs[0] is race(setting).runs[0]


def test_nothing_that_is_kept_can_be_written_to():
    (found,) = race(SETTING._replace(runners=ALL[:1])).runs
    arrays = [found.path, found.values, found.gradients, found.given, found.rates]
    for array in (*arrays, found.norms, found.beside.shares):
        assert not array.flags.writeable


# -- in words, written down, and what makes no sense ----------------------------------------------


def test_the_words_say_how_little_of_the_way_is_seen():
    found = race(SETTING)
    for step in (1, 7, 20):
        shares = {one.runner: one.beside.shares[step] for one in found.runs}
        for one in comments(found, step):
            percent = f"{100 * shares[one.runner]:.0f} %"
            assert one.state == "beside"
            assert one.words.endswith(f"The map shows {percent} of its way in 610 weights.")
    for one in comments(found, 0):
        assert one.words.endswith("All 610 weights stand where they began.")


def test_text_and_code_hold_the_same_race():
    setting, known = SETTING._replace(noise=0.1, seed=2, tricks=("Adam twice the steps",)), {}
    assert from_text(as_text(setting)) == setting
    exec(as_code(setting), known)
    for one, other in zip(known["found"].runs, race(setting).runs, strict=True):
        np.testing.assert_array_equal(one.path, other.path)
        np.testing.assert_array_equal(one.values, other.values)


def test_tricks_that_need_a_map_are_refused_and_the_others_played():
    assert set(playable(610)) == set(TRICKS) - set(ON_A_MAP)
    for trick in ON_A_MAP:
        with pytest.raises(ValueError, match="^staged: tricks must be among .*; got '" + trick):
            race(SETTING._replace(tricks=(trick,)))
    twice = race(SETTING._replace(tricks=("Adam twice the steps",))).runs[-1]
    plain = race(SETTING._replace(steps=40)).runs[-1]
    np.testing.assert_array_equal(twice.path, plain.path[::2])
    np.testing.assert_array_equal(twice.norms, plain.norms[::2])
    np.testing.assert_array_equal(twice.beside.shares, plain.beside.shares[::2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (WEIGHTS, "lifted: p must have two coordinates; got 3"),
        ("bowl", "run: start must have shape"),
    ],
)
def test_what_is_no_place_on_the_map_is_no_start(name, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        race(SETTING._replace(ground=name, start=(1.0, 2.0, 3.0)))


def test_a_run_begins_with_a_number_for_each_weight():
    with pytest.raises(ValueError, match=r"^run: start must have shape \(610,\) or \(610, st"):
        run(ground(WEIGHTS).whole, ALL[0], (1.0, 2.0), steps=1)


def test_coordinates_of_the_map_have_no_update():
    with pytest.raises(
        ValueError, match="^update: found must be a run in the plane; got one of 610"
    ):
        update(race(SETTING).runs[0], 0, 0)


def test_a_ground_is_all_that_its_map_shows_unless_it_is_a_network():
    for name in grounds.NAMES:
        on = ground(name)
        assert len(on.map.domain) == 2
        assert (on.whole is on.map) == (name != WEIGHTS)

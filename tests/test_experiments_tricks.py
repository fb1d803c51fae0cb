"""What tricks promise: each does what it says, shows nothing of it, and none is played unasked."""

import numpy as np
import pytest

from nnlib.experiments.race import Setting, as_code, as_text, from_text, race, run, runner
from nnlib.experiments.tricks import TRICKS
from nnlib.landscapes import GROUNDS
from nnlib.optimizers import OPTIMIZERS

ALL = tuple(runner(rule, 0.02) for rule in OPTIMIZERS)
SETTING = Setting(ALL, "Beale", start=(-3.0, -2.0), steps=40, seed=1)
GROUND = GROUNDS["Beale"]


def adam(setting):
    """The run of Adam."""
    return next(one for one in race(setting).runs if one.runner.rule == "Adam")


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_changes_what_is_run_and_nothing_that_is_shown(trick):
    fair, staged = race(SETTING), race(SETTING._replace(tricks=(trick,)))
    assert [one.runner for one in staged.runs] == list(ALL)
    differ = [
        one.runner.rule
        for one, other in zip(fair.runs, staged.runs, strict=True)
        if (one.path.shape == other.path.shape and (one.path != other.path).any())
    ]
    assert all(one.path.shape == (41, 2) for one in staged.runs)
    assert "Adam" in differ or trick == "clipped to the map"
    if trick.startswith("Adam"):
        assert differ == ["Adam"]


def test_adam_is_run_at_three_times_the_rate():
    found = adam(SETTING._replace(tricks=("Adam at three times the rate",)))
    want = run(GROUND, runner("Adam", 0.06), SETTING.start, steps=40)
    np.testing.assert_allclose(found.path, want.path, rtol=1e-9)
    assert found.runner.lr == 0.02


def test_adam_is_run_without_correction():
    found = adam(SETTING._replace(tricks=("Adam without bias correction",)))
    want = run(GROUND, runner("Adam", 0.02, bias_correction=False), SETTING.start, steps=40)
    np.testing.assert_array_equal(found.path, want.path)


def test_adam_takes_twice_the_steps_and_the_gradients_for_them():
    found = adam(SETTING._replace(tricks=("Adam twice the steps",)))
    want = run(GROUND, runner("Adam", 0.02), SETTING.start, steps=80)
    np.testing.assert_array_equal(found.path, want.path[::2])
    np.testing.assert_array_equal(found.state["m"], want.state["m"][::2])
    np.testing.assert_array_equal(found.values, want.values[::2])
    assert found.calls == 2 * 40
    assert found.ended == 40
    np.testing.assert_allclose(found.rates, np.abs(found.moves) / np.abs(found.given))


def test_places_are_clipped_to_the_map():
    fast = tuple(one._replace(lr=1.0) for one in ALL)
    found = race(SETTING._replace(runners=fast, tricks=("clipped to the map",)))
    free = race(SETTING._replace(runners=fast))
    (low, high), _ = GROUND.domain
    assert all(((one.path >= low) & (one.path <= high)).all() for one in found.runs)
    assert any((np.abs(one.path) > high).any() for one in free.runs)
    assert not any(one.diverged for one in found.runs)


def test_differences_of_1e_12_are_mostly_rounding():
    found = race(SETTING._replace(tricks=("gradients by differences of 1e-12",))).runs[0]
    exact = GROUND.gradient(found.path[0])
    error = np.linalg.norm(found.gradients[0] - exact) / np.linalg.norm(exact)
    assert 1e-7 < error < 1


def test_tricks_add_up():
    found = adam(SETTING._replace(tricks=tuple(TRICKS)))
    (low, high), _ = GROUND.domain
    assert (found.calls, found.path.shape) == (80, (41, 2))
    assert ((found.path >= low) & (found.path <= high)).all()
    before = [run(GROUND, runner("Adam", 0.06, bias_correction=False), SETTING.start, steps=2).path]
    np.testing.assert_allclose(found.path[1], before[0][2], atol=0.05)


def test_a_trick_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="^staged: tricks must be among Adam at three times"):
        race(SETTING._replace(tricks=("bribe the referee",)))


def test_a_race_has_no_tricks_unless_it_is_told_so():
    assert Setting(ALL).tricks == ()


# -- a setting written down ----------------------------------------------------------------------

SETTINGS = [
    SETTING,
    Setting((), "saddle"),
    Setting(ALL, "x**2 + 3*y**4", 7.5, (0.1, -0.3), 20, 0.25, 9, ("clipped to the map",)),
    Setting((runner("Momentum", 0.1, form="ema", nesterov=True), *ALL), "ravine", 3.0, steps=7),
]
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.ground)


@each_setting
def test_a_setting_written_down_and_read_is_the_setting(setting):
    assert from_text(as_text(setting)) == setting
    assert "\n" not in as_text(setting)


def test_a_start_that_is_an_array_is_written_down_as_its_numbers():
    assert from_text(as_text(SETTING._replace(start=np.array([-3.0, -2.0])))) == SETTING


@each_setting
def test_the_code_of_a_setting_holds_its_race(setting):
    known = {}
    exec(as_code(setting), known)
    want = race(setting)
    assert known["found"].setting == setting
    for one, other in zip(known["found"].runs, want.runs, strict=True):
        np.testing.assert_array_equal(one.path, other.path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "from_text: text must be a setting as as_text writes it; got ''"),
        ("[]", "from_text: text must be a setting as as_text writes it; got '\\[\\]'"),
        ("{}", "from_text: text must be a setting as as_text writes it"),
        (None, "from_text: text must be a setting as as_text writes it; got 'None'"),
        ('{"runners": [{"rule": "Eve", "lr": 1}]}', "runner: rule must be one of"),
        ('{"runners": [{"rule": "Adam", "lr": -1}]}', "Adam: lr must be a number in"),
        ('{"runners": [], "speed": 3}', "from_text: text must be a setting"),
        ('{"runners": [{"rule": "Adam"}], "ground": "hill"}', "formula: text must be a function"),
        ('{"runners": [{"rule": "Adam"}], "steps": 0}', "run: steps must be an integer"),
        ('{"runners": [{"rule": "Adam"}], "start": [[1, 2], [3, 4]]}', "from_text: text must be"),
        ('{"runners": [{"rule": "Adam"}], "tricks": ["x"]}', "staged: tricks must be among"),
    ],
)
def test_a_text_that_is_no_setting_is_refused_in_one_sentence(text, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        from_text(text)

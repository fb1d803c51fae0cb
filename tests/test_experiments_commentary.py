"""What the words of a race promise: each is true of the run that it is said of."""

import numpy as np
import pytest

from nnlib.experiments.commentary import comments, label
from nnlib.experiments.grounds import WEIGHTS
from nnlib.experiments.race import Race, Setting, race, run, runner
from nnlib.landscapes import GROUNDS, Landscape
from nnlib.optimizers import OPTIMIZERS

ALL = tuple(runner(rule) for rule in OPTIMIZERS)
STARTS = {
    "bowl": (-12.0, 3.0), "ravine": (-12.0, 3.0), "Rosenbrock": (-1.5, 2.0), "Beale": (-3.0, -2.0),
    "Himmelblau": (0.0, -4.0), "saddle": (2.0, 1e-3), "plateau": (4.0, 4.0),
    "Rastrigin": (-3.3, 4.2), "digits": (1.2, 1.2), WEIGHTS: (1.2, 1.2),
    "x**2 + y**4": (2.0, 2.0),
}  # fmt: skip


def state(ground, who, start, steps, landscape=None):
    """The state at the end, and the words."""
    setting = Setting((who,), ground, start=start, steps=steps)
    found = race(setting) if landscape is None else Race(
        setting, landscape, (run(landscape, who, start, steps=steps),)
    )  # fmt: skip
    (said,) = comments(found)
    return said.state, said.words.partition(": ")[2]


def test_who_is_at_a_minimum_is_said_to_be_at_that_one():
    who = runner("GradientDescent", 0.01)
    for x, y in GROUNDS["Himmelblau"].minima.T:
        said, words = state("Himmelblau", who, (x + 0.3, y - 0.2), 300)
        assert said == "there"
        assert words.endswith(f"At the minimum ({x:.2f}, {y:.2f}).".replace("-", "−"))


def test_who_is_flung_out_is_said_to_be():
    said, words = state("ravine", runner("GradientDescent", 0.1), (-12.0, 3.0), 100)
    assert (said, words) == ("diverged", "diverged at step 38, flung out to a distance of 10⁷.")


def test_who_goes_down_for_ever_is_said_to():
    said, words = state("saddle", runner("Momentum", 0.1), (2.0, 1e-3), 200)
    assert said == "diverged"
    assert words.endswith("lower and lower beyond every bound.")


def test_who_steps_to_no_number_is_said_to():
    said, words = state("log(x) + y**2", runner("GradientDescent", 1.0), (0.5, 0.0), 5)
    assert (said, words) == ("diverged", "diverged at step 1, where its step led to no number.")


def test_who_stands_in_a_hollow_is_said_to_whether_its_floor_is_known_or_not():
    said, words = state("Rastrigin", runner("GradientDescent", 1e-3), (1.2, 0.1), 400)
    assert said == "hollow"
    assert "In a hollow, whose floor is " in words
    assert state("x**2 + y**2", runner("GradientDescent", 0.1), (2.0, 1.0), 80)[0] == "hollow"


def test_who_stands_on_a_saddle_is_said_to():
    assert state("saddle", runner("GradientDescent", 0.1), (2.0, 0.0), 100)[0] == "ridge"


def test_who_stands_on_the_plain_is_said_to_when_others_do_not():
    slow, fast = runner("GradientDescent", 0.1), runner("Adam", 0.1)
    found = comments(race(Setting((slow, fast), "plateau", start=(4.0, 4.0))))
    assert [(one.runner.rule, one.state) for one in found] == [
        ("Adam", "there"),
        ("GradientDescent", "flat"),
    ]


def test_who_swings_is_said_to_and_across_which_coordinate():
    said, words = state("ravine", runner("GradientDescent", 0.078), (-0.5, 3.0), 30)
    assert said == "swings"
    assert words.endswith("Swings across y: 9 turns in 10 steps.")


def test_who_creeps_is_said_to_and_for_how_long():
    said, words = state("bowl", runner("GradientDescent", 1e-5), (8.0, 0.0), 20)
    assert (said, words) == (
        "creeps",
        "f = 32, at (8.00, 0.00). Creeps: about 10⁵ more steps at this pace.",
    )


def test_who_lies_on_a_valley_s_floor_is_said_to_once_it_has_seen_its_walls():
    said, _ = state("Rosenbrock", runner("RMSprop", 0.5), (-1.5, 2.0), 200)
    assert said == "valley"


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("rate", [1e-4, 0.1, 5.0, 1e4])
@pytest.mark.parametrize("step", [0, 1, 40, None])
def test_the_order_and_the_numbers_are_those_of_the_runs(name, rate, step):
    setting = Setting(
        tuple(one._replace(lr=rate) for one in ALL), name, start=STARTS[name], steps=60
    )
    found = race(setting)
    said = comments(found, step)
    k = 60 if step is None else step
    runs = {one.runner: one for one in found.runs}
    assert {one.runner for one in said} == set(setting.runners)
    assert [one.place for one in said] == [1, 2, 3, 4, 5]
    keys = [(one.state == "diverged", one.value) for one in said]
    assert keys == sorted(keys)
    for one in said:
        assert one.value == runs[one.runner].values[k]
        gone = runs[one.runner].diverged and k >= runs[one.runner].ended
        assert (one.state == "diverged") == bool(gone)
        assert one.words.startswith(f"{one.place}. {label(one.runner)}: ")
        assert one.words.count(". ") <= 3
        assert "nan" not in one.words


def test_a_race_of_nobody_has_no_words():
    assert comments(race(Setting((), "bowl"))) == []


def test_a_ground_whose_gradient_is_no_number_somewhere_can_be_told():
    hole = Landscape(lambda p: np.sqrt(p[0]), lambda p: np.array([0.5 / np.sqrt(p[0]), 0 * p[1]]),
                     ((0, 3), (-1, 1)), np.empty((2, 0)))  # fmt: skip
    assert state("sqrt(x)", runner("Adam", 0.2), (1.0, 0.0), 50, hole)[0] == "diverged"

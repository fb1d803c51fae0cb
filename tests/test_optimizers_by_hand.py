"""Every rule and every switch: three steps as they come out on paper."""

import inspect
from math import sqrt

import numpy as np
import pytest

from nnlib.experiments.race import run, runner
from nnlib.landscapes import Landscape
from nnlib.optimizers import OPTIMIZERS

START, LR, GRADIENTS = 1.0, 0.1, (2.0, 1.0, -3.0)
ADAM = {"beta1": 0.5, "beta2": 0.75, "eps": 1.0}  # m = 1, 1, -1 and v = 1, 1, 3
M_HAT, V_HAT = (2, 4 / 3, -8 / 7), (4, 16 / 7, 192 / 37)  # over 1/2, 3/4, 7/8; 1/4, 7/16, 37/64
CORRECTED = [m / (sqrt(v) + 1) for m, v in zip(M_HAT, V_HAT, strict=True)]
BY_HAND = [  # rule, its constants, what is taken from theta at each step, over the rate
    ("GradientDescent", {}, (2, 1, -3)),
    ("Momentum", {"momentum": 0.5}, (2, 2, -2)),
    ("Momentum", {"momentum": 0.5, "form": "lr_inside"}, (2, 2, -2)),
    ("Momentum", {"momentum": 0.5, "form": "ema"}, (1, 1, -1)),
    ("Momentum", {"momentum": 0.5, "nesterov": True}, (3, 2, -4)),
    ("Momentum", {"momentum": 0.5, "nesterov": True, "form": "lr_inside"}, (3, 2, -4)),
    ("Momentum", {"momentum": 0.5, "nesterov": True, "form": "ema"}, (1.5, 1, -2)),
    ("AdaGrad", {"eps": 1.0}, (2 / 3, 1 / (sqrt(5) + 1), -3 / (sqrt(14) + 1))),
    ("AdaGrad", {"eps": 1.0, "eps_inside": True}, (2 / sqrt(5), 1 / sqrt(6), -3 / sqrt(15))),
    (
        "RMSprop",
        {"decay": 0.5, "eps": 1.0},
        (2 / (sqrt(2) + 1), 1 / (sqrt(1.5) + 1), -3 / (sqrt(5.25) + 1)),
    ),
    (
        "RMSprop",
        {"decay": 0.5, "eps": 1.0, "eps_inside": True},
        (2 / sqrt(3), 1 / sqrt(2.5), -3 / 2.5),
    ),
    ("Adam", ADAM, CORRECTED),
    (
        "Adam",
        ADAM | {"eps_inside": True},
        [m / sqrt(v + 1) for m, v in zip(M_HAT, V_HAT, strict=True)],
    ),
    ("Adam", ADAM | {"bias_correction": False}, (1 / 2, 1 / 2, -1 / (sqrt(3) + 1))),
    (
        "Adam",
        ADAM | {"bias_correction": False, "eps_inside": True},
        (1 / sqrt(2), 1 / sqrt(2), -1 / 2),
    ),
    (
        "Adam",
        ADAM | {"weight_decay": 1 / LR},  # all of theta is lost, so that only the last step stays
        (1 / LR + CORRECTED[0], CORRECTED[1] - CORRECTED[0], CORRECTED[2] - CORRECTED[1]),
    ),
]
each = pytest.mark.parametrize(
    ("rule", "constants", "taken"), BY_HAND, ids=[f"{rule} {named}" for rule, named, _ in BY_HAND]
)


@each
def test_three_steps_are_those_on_paper(rule, constants, taken):
    theta = np.array([START])
    optimizer = OPTIMIZERS[rule](theta, lr=LR, **constants)
    for g, want in zip(GRADIENTS, START - LR * np.cumsum(taken), strict=True):
        optimizer.step(np.array([g]))
        np.testing.assert_allclose(theta[0], want, rtol=0, atol=1e-12)


@each
def test_the_race_takes_the_same_three_steps(rule, constants, taken):
    gradients = iter(GRADIENTS)
    given = Landscape(
        lambda p: 0 * p[0],
        lambda p: np.full(2, next(gradients)),
        ((0, 1), (0, 1)),
        np.empty((2, 0)),
    )
    found = run(given, runner(rule, LR, **constants), (START, START), steps=3)
    want = START - LR * np.cumsum([0, *taken])
    np.testing.assert_allclose(found.path, np.transpose([want, want]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_every_switch_was_worked_out_on_paper(rule):
    """A switch is a setting that says how to compute, not how much."""
    parameters = inspect.signature(OPTIMIZERS[rule]).parameters
    switches = {k for k, p in parameters.items() if isinstance(p.default, bool | str)}
    done = [constants for name, constants, _ in BY_HAND if name == rule]
    assert done
    for switch in switches:
        assert any(switch in constants for constants in done), switch


def test_decay_takes_its_share_of_what_was_there_before_the_step():
    theta, bare = np.array([3.0, -2.0]), np.array([3.0, -2.0])
    g = np.array([1.0, 5.0])
    OPTIMIZERS["Adam"](theta, lr=0.1, weight_decay=0.2).step(g)
    OPTIMIZERS["Adam"](bare, lr=0.1).step(g)
    np.testing.assert_allclose(bare - theta, 0.1 * 0.2 * np.array([3.0, -2.0]), rtol=1e-13)


def test_a_decay_that_leaves_the_range_is_told_and_moves_nothing():
    theta = np.array([3.0, -2.0])
    optimizer = OPTIMIZERS["Adam"](theta, lr=1e300, weight_decay=1e300)
    with pytest.raises(FloatingPointError, match="^Adam: step 1 leaves the range of float64"):
        optimizer.step(np.ones(2))
    assert (optimizer.t, theta.tolist()) == (0, [3.0, -2.0])


@pytest.mark.parametrize("value", [-0.1, np.nan, "0.1", True])
def test_a_decay_that_is_no_share_is_refused(value):
    error = ValueError if isinstance(value, float) else TypeError
    with pytest.raises(error, match="^Adam: weight_decay must be a number in"):
        OPTIMIZERS["Adam"](np.ones(2), weight_decay=value)

"""What the phase diagram promises: the closed form is what runs do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.experiments.quadratic import best, contraction, phases
from nnlib.experiments.race import run, runner
from nnlib.landscapes import bowl
from nnlib.optimizers import Momentum

FORMS = [
    {"form": form, "nesterov": ahead}
    for form in ("standard", "lr_inside", "ema")
    for ahead in (False, True)
]
each_form = pytest.mark.parametrize("switches", FORMS, ids=str)


def step_matrix(lr, momentum, curvature, switches):
    """One step of the rule itself on (θ, v), column by column: it is linear."""
    columns = []
    for theta, v in np.eye(2):
        rule = Momentum(np.array([theta]), lr, momentum, **switches)
        rule.v = np.array([v])
        rule.step(curvature * rule.theta)
        columns.append([rule.theta[0], rule.v[0]])
    return np.transpose(columns)


@each_form
@given(lr=st.floats(1e-3, 3.0), momentum=st.floats(0.0, 0.99), curvature=st.floats(0.01, 10))
def test_the_contraction_is_the_spectral_radius_of_the_rules_own_step(
    switches, lr, momentum, curvature
):
    matrix = step_matrix(lr, momentum, curvature, switches)
    want = np.abs(np.linalg.eigvals(matrix)).max()
    got = contraction(lr, momentum, curvatures=[curvature], **switches)
    assert got == pytest.approx(want, rel=1e-6, abs=1e-7)  # a double eigenvalue has half the digits


@each_form
@pytest.mark.parametrize(("lr", "momentum"), [(0.03, 0.0), (0.02, 0.7), (0.05, 0.5)])
def test_a_long_run_loses_as_much_a_step_as_the_diagram_says(switches, lr, momentum):
    who = runner("Momentum", lr, momentum=momentum, **switches)
    path = run(bowl(25), who, (1.0, 1.0), steps=400).path
    far = np.linalg.norm(path, axis=1)
    left = (far[300:].max() / far[200:300].max()) ** (1 / 100)  # it swings: highest to highest
    assert left == pytest.approx(
        contraction(lr, momentum, curvatures=[1, 25], **switches), rel=5e-3
    )


@each_form
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_where_the_diagram_reaches_1_runs_diverge(switches, momentum):
    rates = np.geomspace(1e-3, 10, 24)
    left = contraction(rates, momentum, curvatures=[1, 25], **switches)
    for lr, what in zip(rates, left, strict=True):
        if abs(what - 1) > 0.03:
            who = runner("Momentum", float(lr), momentum=momentum, **switches)
            assert run(bowl(25), who, (1.0, 1.0), steps=1000).diverged == (what > 1)


def test_without_momentum_it_holds_on_up_to_two_over_the_largest_curvature():
    assert contraction(2 / 25, 0.0, curvatures=[1, 25]) == pytest.approx(1)
    assert contraction(0.999 * 2 / 25, 0.0, curvatures=[1, 25]) < 1


@given(kappa=st.floats(1, 1e4), lr=st.floats(0.2, 5), shift=st.floats(-0.2, 0.2))
def test_nothing_is_better_than_the_best(kappa, lr, shift):
    for with_momentum in (True, False):
        found = best(kappa, momentum=with_momentum)
        of = lambda rate, rho: contraction(rate, rho, curvatures=[1, kappa])
        assert of(found.lr, found.momentum) == pytest.approx(found.contraction, rel=1e-4, abs=1e-6)
        other = min(max(found.momentum + shift, 0), 0.999) if with_momentum else 0.0
        assert of(found.lr * lr, other) >= found.contraction - 1e-6


def test_momentum_puts_the_root_of_kappa_in_its_place():
    for kappa in (4.0, 100.0, 1e4):
        assert best(kappa).contraction == pytest.approx(
            best(kappa**0.5, momentum=False).contraction
        )


@each_form
def test_the_diagram_holds_the_closed_form_its_border_and_who_swings(switches):
    found = phases(25.0, **switches)
    assert found.contraction.shape == found.swings.shape == (61, 61)
    for i, j in ((0, 0), (30, 20), (60, 60), (10, 55)):
        lr, momentum = found.rates[j], found.momenta[i]
        want = contraction(lr, momentum, curvatures=[1, 25], **switches)
        assert found.contraction[i, j] == pytest.approx(want)
        path = run(
            bowl(25), runner("Momentum", lr, momentum=momentum, **switches), (0.0, 1.0), steps=150
        ).path[:, 1]
        turns = (np.sign(path[1:]) * np.sign(path[:-1]) < 0).sum()
        assert (turns >= 2) == found.swings[i, j]
    assert (found.contraction < 1).any()
    assert (found.contraction > 1).any()


def test_shapes_broadcast():
    assert np.shape(contraction(0.1, 0.5, curvatures=[1, 2])) == ()
    assert contraction(np.ones((1, 4)), np.ones((3, 1)) / 2, curvatures=[1]).shape == (3, 4)


@pytest.mark.parametrize("make", [best, phases])
def test_a_ravine_that_is_none_is_refused(make):
    with pytest.raises(ValueError, match=f"^{make.__name__}: kappa must be a number in"):
        make(0.5)

"""What lesson 01 computes: ways down, steps of gradient descent, differences at every step."""

import numpy as np
import pytest

from nnlib.blocks import log_softmax, relu, tanh
from nnlib.calculus import complex_step, numerical_gradient
from nnlib.experiments.lesson_01 import (
    BUGGY,
    STEPS,
    TOLERANCE,
    angle,
    descend,
    entry_gaps,
    find,
    look,
    microscope,
    specimen,
    step_errors,
    times,
    ways,
    ways_on,
)
from nnlib.landscapes import bowl

DTYPES = list(TOLERANCE)


# -- ways down ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("u", "v", "degrees"),
    [([1, 0], [5, 0], 0), ([1, 0], [0, 2], 90), ([1, 0], [-3, 0], 180), ([1, 0], [1, 1], 45)],
)
def test_angles_by_hand(u, v, degrees):
    assert angle(np.array(u, float), np.array(v, float)) == pytest.approx(degrees, abs=1e-12)


def test_a_tiny_angle_is_exact_and_no_direction_has_none():
    tiny = np.array([1, 1e-10])
    assert angle(np.array([1.0, 0]), tiny) == pytest.approx(np.degrees(1e-10), rel=1e-6)
    assert np.isnan(angle(np.zeros(2), tiny))


def test_the_valley_of_the_document_by_hand():
    found = ways(bowl(100), np.array([10.0, 1.0]), 90)
    assert found.gradient.tolist() == [10, 100]
    assert found.slope == pytest.approx(100, abs=1e-6)  # along y
    assert found.off == pytest.approx(np.degrees(np.arccos(200 / 1010)))
    assert found.theta == pytest.approx(np.degrees(np.arctan(0.1)))
    assert found.curve[[0, 18, 36, 54]] == pytest.approx([10, 100, -10, -100])


def test_at_the_minimum_there_is_no_way():
    found = ways(bowl(3), np.zeros(2), 30)
    assert found.slope == pytest.approx(0, abs=1e-9)
    assert np.isnan([found.theta, found.off]).all()


def test_an_undefined_product_says_its_shapes():
    assert times(np.ones((2, 3)), np.ones((3, 1))).tolist() == [[3], [3]]
    with pytest.raises(ValueError, match=r"times: \(2, 1\) times \(2, 3\) is undefined: 1 is not"):
        times(np.ones((2, 1)), np.ones((2, 3)))


# -- steps --------------------------------------------------------------------------------------


def test_steps_multiply_by_one_minus_rate_times_curvature():
    path = descend(bowl(4).gradient, np.array([1.0, 1.0]), rate=0.1, steps=3)
    np.testing.assert_allclose(path[:, 0], 0.9 ** np.arange(4))
    np.testing.assert_allclose(path[:, 1], 0.6 ** np.arange(4))


# -- differences --------------------------------------------------------------------------------


def test_errors_of_differences_by_hand():
    cube, h = lambda x: x**3, np.array([0.5, 0.25])  # forward 3h + h², central h², at 1
    np.testing.assert_allclose(step_errors(cube, 1.0, 3.0, h, central=False), 3 * h + h**2)
    np.testing.assert_allclose(step_errors(cube, 1.0, 3.0, h, central=True), h**2)


@pytest.mark.parametrize("kink", [None, 0.0, 1e-3, 0.5])
def test_the_specimen_has_the_gradient_that_complex_steps_find(kink):
    sample = specimen(kink=kink)
    z = sample.W @ sample.x + sample.b
    np.testing.assert_allclose(z, [0.75, 0.75, 1 if kink is None else kink, 0.875], atol=1e-15)

    def loss(W):
        z = W @ sample.x + sample.b
        h = np.tanh(z) if kink is None else np.where(z.real > 0, z, 0)
        return np.log(np.exp(h).sum()) - h[0]

    np.testing.assert_allclose(sample.gradient(), complex_step(loss, sample.W), atol=1e-14)
    h = (tanh if kink is None else relu)(z)[0]
    assert sample.values(sample.W) == -log_softmax(h)[0][0]
    assert np.abs(sample.gradient()[BUGGY]) > 0.15


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_specimen_is_exact_in_either_type(dtype):
    sample, double = specimen(dtype=dtype), specimen()
    for part, whole in zip(sample[:3], double[:3]):
        assert part.dtype == dtype
        np.testing.assert_array_equal(part, whole)
    assert sample.gradient().dtype == sample.values(sample.W).dtype == dtype


def test_gaps_are_those_of_the_library_s_own_differences():
    sample = specimen()
    want = numerical_gradient(lambda W: sample.values(W), sample.W, eps=1e-3)
    got = np.random.default_rng(0).standard_normal((4, 6))
    gaps, crossed = entry_gaps(sample, got, np.array([1e-3]), central=True)
    np.testing.assert_allclose(gaps[0], np.abs(got - want) / np.abs(want), rtol=1e-6)
    assert not crossed.any()


def test_a_gap_is_a_share_of_its_own_entry_and_only_0_agrees_with_a_difference_of_0():
    sample = specimen(kink=0.0)  # to the left of its corner row 2 does not move
    got = sample.gradient()
    gaps = entry_gaps(sample, got * 1.01, np.array([1e-5]), central=True)[0][0]
    np.testing.assert_allclose(gaps[[0, 1, 3]], 0.01, atol=1e-8)
    np.testing.assert_allclose(gaps[2], 1)  # 0, where half the slope is found
    gone = entry_gaps(specimen(dtype="float32"), np.eye(4, 6), np.array([1e-12]), central=True)
    assert (gone[0][0] == np.where(np.eye(4, 6), np.inf, 0)).all()


def test_the_branches_have_their_slopes():
    for central, power in ((True, 2), (False, 1)):
        view = microscope(1e-6, central=central)
        coarse = view.errors[-9:-4]  # steps from 1e-3 to 1e-2
        growth = np.diff(np.log10(coarse)) / 0.25
        np.testing.assert_allclose(growth, power, atol=0.1)
        np.testing.assert_allclose(np.log10(coarse / view.truncation[-9:-4]), 0, atol=0.3)
        fine = np.log10(view.errors[:12] / view.roundoff[:12])
        assert np.all(np.abs(fine) < 1.5)
        assert abs(fine.mean()) < 0.7


def test_central_goes_deeper_than_forward_and_float64_than_float32():
    best = {
        (dtype, central): microscope(1e-6, dtype=dtype, central=central).errors.min()
        for dtype in DTYPES
        for central in (True, False)
    }
    assert best["float64", True] < 1e-9 < best["float64", False] < 1e-7
    assert 1e-6 < best["float32", True] < 1e-4
    assert best["float32", True] < best["float32", False] < 1e-2


@pytest.mark.parametrize(
    ("step", "settings", "finding"),
    [
        (1e-6, {}, "right"),
        (1e-1, {}, "truncation"),
        (1e-12, {}, "round-off"),
        (1e-5, {"central": False}, "truncation"),
        (1e-6, {"central": False}, "truncation"),
        (1e-9, {"central": False}, "round-off"),
        (1e-6, {"dtype": "float32"}, "round-off"),
        (1e-12, {"dtype": "float32"}, "round-off"),
        (1e-1, {"dtype": "float32", "central": False}, "truncation"),
        (1e-2, {"dtype": "float32"}, "right"),
        (1e-6, {"kink": 1e-7}, "kink"),
        (1e-8, {"kink": 1e-7}, "right"),
        (1e-6, {"kink": 1e-3}, "right"),
        (1e-2, {"kink": 1e-3}, "kink"),
        (1e-6, {"kink": 0.0}, "kink"),
        (1e-8, {"kink": 0.0}, "kink"),
        (1e-6, {"bug": 1.01}, "wrong"),
        (1e-1, {"bug": 1.01}, "wrong"),
        (1e-6, {"bug": -1.0}, "wrong"),
        (1e-6, {"bug": 1.00001}, "wrong"),
        (1e-2, {"bug": 1.00001, "dtype": "float32"}, "right"),
        (1e-2, {"bug": 1.01, "dtype": "float32"}, "wrong"),
    ],
)
def test_the_microscope_says_where_the_error_comes_from(step, settings, finding):
    view = microscope(step, **settings)
    assert view.finding == finding
    words = {"right": "Agreed", "wrong": "Wrong gradient", "kink": "kink"}
    assert words.get(finding, finding.capitalize()) in view.verdict


def test_exactly_on_a_kink_the_error_does_not_move_with_the_step():
    """The pullback's 0 is off by all of either difference."""
    for central in (True, False):
        views = [microscope(h, kink=0.0, central=central) for h in (0.1, *STEPS)]
        assert np.allclose([view.error for view in views], 1)
        assert {view.finding for view in views} == {"kink"}  # and not that the gradient is wrong


@pytest.mark.parametrize("bug", [-1.0, 0.0, 1.01, 1.00001])
def test_the_bug_is_the_only_entry_that_fails_and_is_as_large_as_planted(bug):
    view = microscope(1e-6, bug=bug)
    assert np.argwhere(view.gaps > 1e-7).tolist() == [list(BUGGY)]
    assert view.error == pytest.approx(abs(bug - 1), abs=1e-8)
    assert f"W[{BUGGY[0]}, {BUGGY[1]}]" in view.verdict


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_gradient_is_never_called_wrong(dtype):
    for kink in (None, 0.0, 1e-7, 1e-5, 1e-3, 0.1):
        for central in (True, False):
            for step in STEPS:
                view = microscope(step, dtype=dtype, central=central, kink=kink)
                assert view.finding != "wrong", (kink, central, step)


def test_findings_by_hand():
    quiet, loud = 1e-14, 1e-3
    assert find(1e-3, True, quiet, True, tolerance=1e-2) == "right"
    assert find(1e-3, True, loud, True, tolerance=1e-7) == "kink"
    assert find(1e-3, False, loud, True, tolerance=1e-7) == "round-off"
    assert find(np.inf, False, quiet, False, tolerance=1e-7) == "round-off"
    assert find(1e-3, False, quiet, True, tolerance=1e-7) == "truncation"
    assert find(1e-3, False, quiet, False, tolerance=1e-7) == "wrong"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": 1.0}, "microscope: step must be a number"),
        ({"dtype": "flot32"}, "Did you mean 'float32'?"),
        ({"kink": -1.0}, "specimen: kink must be a number"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        microscope(**({"step": 1e-6} | settings))


# -- what panels measure --------------------------------------------------------------------------


def test_what_a_panel_names_is_what_it_stands_for():
    found = ways_on("valley ½(x² + 100y²)", 10, 1, 90)
    assert found.landscape == "valley ½(x² + 100y²)"
    same = ways(bowl(100), np.array([10.0, 1.0]), 90)
    np.testing.assert_equal(found._replace(landscape=""), same)
    view = look(1e-6, dtype="float32", central=False, kink="ReLU, 0.1 away", bug="1 % too large")
    same = microscope(1e-6, dtype="float32", central=False, kink=0.1, bug=1.01)
    np.testing.assert_equal(view, same)


def test_a_view_knows_the_other_kind_of_difference():
    view, other = microscope(1e-4), microscope(1e-4, central=False)
    np.testing.assert_equal((view.errors, view.others), (other.others, other.errors))
    assert not np.array_equal(view.errors, view.others)

"""What lesson 03 measures, against numbers worked out by hand."""

import math
from itertools import product

import numpy as np
import pytest

import nnlib.experiments.lesson_03 as lab
from nnlib.blocks import sigmoid, softmax
from nnlib.calculus import check_vjp
from nnlib.experiments.calibration import read_digits, reliability
from nnlib.experiments.score_losses import ONE, SEVERAL, hinge, pairwise_hinge
from nnlib.losses import softmax_cross_entropy

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((4, 3))
SOFT = RNG.dirichlet(np.ones(3), size=4)

# -- losses of scores ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE)
def test_losses_of_one_score_have_right_pullbacks(name):
    z, target = np.array([[-2.5], [0.3], [1.7]]), np.array([[1.0], [0.0], [0.7]])
    assert check_vjp(ONE[name], z, target=target) < 1e-7


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("target", [SOFT, np.eye(3)[[0, 2, 1, 1]], 2 * SOFT])
def test_losses_of_several_scores_have_right_pullbacks(name, target):
    assert check_vjp(SEVERAL[name], ROWS, target=target) < 1e-7
    assert check_vjp(SEVERAL[name], ROWS[0], target=target[0]) < 1e-7


@pytest.mark.parametrize("name", SEVERAL)
def test_a_loss_is_the_mean_over_the_rows(name):
    each = [SEVERAL[name](z, target=y)[0] for z, y in zip(ROWS, SOFT)]
    assert SEVERAL[name](ROWS, target=SOFT)[0] == pytest.approx(np.mean(each))


def test_cross_entropy_of_hard_targets_is_the_library_s():
    labels = np.array([0, 2, 1, 1])
    ours = SEVERAL["cross-entropy"](ROWS, target=np.eye(3)[labels])
    due = softmax_cross_entropy(ROWS, labels=labels)
    assert ours[0] == pytest.approx(due[0])
    assert np.allclose(ours[1](1.0), due[1](1.0))


def test_a_hinge_costs_nothing_beyond_its_margin():
    beyond = hinge(np.array([1.5]), target=np.array([1.0]))
    assert (beyond[0], beyond[1](1.0)) == (0.0, 0.0)
    apart = pairwise_hinge(np.array([3.0, 1.0, 1.9]), target=np.array([1.0, 0.0, 0.0]))
    assert apart[0] == 0
    assert not apart[1](1.0).any()


# -- the way out of a mistake ----------------------------------------------------------------------


def test_descent_by_hand():
    path = lab.descend(ONE["cross-entropy"], [0.0], [1.0], lr=2.0, steps=2)
    second = 1 + 2 * (1 - 1 / (1 + math.exp(-1)))
    assert path[:, 0] == pytest.approx([0, 1, second])


@pytest.mark.parametrize("start", [-1.0, -4.0, -8.0])
@pytest.mark.parametrize("rate", [0.05, 1.0])
@pytest.mark.parametrize("name", ["cross-entropy", "squares"])
def test_the_slope_predicts_the_steps(name, start, rate):
    counted = lab.steps_to_escape(ONE[name], start, lr=rate)
    assert counted == pytest.approx(lab.predicted_steps(ONE[name], start, lr=rate), rel=0.04, abs=1)


def test_predicted_steps_are_the_integral_worked_out_by_hand():
    m = 5.0
    by_hand = math.exp(m) + 3 * m + 2.5 - 3 * math.exp(-m) - math.exp(-2 * m) / 2
    assert lab.predicted_steps(ONE["squares"], -m) == pytest.approx(by_hand, rel=1e-5)
    assert lab.predicted_steps(ONE["cross-entropy"], -m) == pytest.approx(m + 1 - math.exp(-m))


def test_the_last_step_is_the_first_that_arrives():
    steps = lab.steps_to_escape(ONE["squares"], -3.0)
    path = lab.descend(ONE["squares"], [-3.0], [1.0], steps=steps)[:, 0]
    assert path[-2] < 0 <= path[-1]
    assert lab.steps_to_escape(ONE["squares"], 0.0) == 0


def test_a_rate_that_does_not_arrive_is_told():
    with pytest.raises(ValueError, match="lr must take z to 0 within 10 steps"):
        lab.steps_to_escape(ONE["squares"], -8.0, most=10)


# -- what a loss should do -------------------------------------------------------------------------


def test_properties_of_a_hard_target():
    cross_entropy, squares = (lab.properties(ONE[k], 1.0) for k in ("cross-entropy", "squares"))
    assert cross_entropy.least < 1e-12
    assert cross_entropy.wrong == pytest.approx(30)
    assert cross_entropy.push == pytest.approx(1)
    assert squares.wrong == pytest.approx(0.5)
    assert squares.push < 1e-12


@pytest.mark.parametrize("target", [0.7, 0.2])
def test_cross_entropy_is_least_at_a_soft_target_and_is_its_entropy_there(target):
    found = lab.properties(ONE["cross-entropy"], target)
    entropy = -(target * math.log(target) + (1 - target) * math.log(1 - target))
    assert found.where == pytest.approx(2 * [math.log(target / (1 - target))], abs=0.03)
    assert found.least == pytest.approx(entropy, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "first", "last"), [("hinge", 1, 30), ("plain squares", 1, 1), ("squares", 30, 30)]
)
def test_where_a_loss_is_least_is_told_in_scores_from_the_first_to_the_last(name, first, last):
    found = lab.properties(ONE[name], 1.0)
    assert found.where == (first, last)
    assert found.least == pytest.approx(0, abs=1e-9)


# -- cross-entropy in three precisions -------------------------------------------------------------


@pytest.mark.parametrize("form", lab.FORMS)
def test_all_forms_agree_at_small_scores(form):
    labels = np.array([0, 2, 1, 1])
    due = [-math.log(softmax(z)[0][label]) for z, label in zip(ROWS, labels)]
    assert lab.losses_as(form, ROWS, labels) == pytest.approx(due)


def test_a_form_computes_in_the_precision_asked_for():
    for form in lab.FORMS:
        for dtype in lab.PRECISIONS:
            assert lab.losses_as(form, ROWS, np.array([0, 2, 1, 1]), dtype).dtype == dtype


def test_only_the_largest_taken_off_first_never_fails():
    scales = [1, 10, 100, 1000, 10_000]
    *others, last = lab.FORMS
    for dtype in lab.PRECISIONS:
        assert math.isinf(lab.first_failure(last, dtype, seed=3, scales=scales))
        assert all(
            1 < lab.first_failure(form, dtype, seed=3, scales=scales) < math.inf
            for form in others[:-1]
        )


def test_the_first_scale_that_fails_is_found_not_the_last():
    plain = "softmax, then -ln"  # of scores beyond 709
    assert lab.first_failure(plain, "float64", seed=0, scales=[100, 400, 800]) == 400
    assert lab.first_failure(plain, "float64", seed=0, scales=[100]) == math.inf


@pytest.mark.parametrize("dtype", lab.PRECISIONS)
def test_exponentials_fail_beyond_the_largest_number_and_below_the_smallest(dtype):
    scales = [1.1**k for k in range(100)]
    largest = math.log(np.finfo(dtype).max)
    smallest = math.log(float(np.finfo(dtype).smallest_subnormal))
    for seed in range(10, 15):
        rows, labels = lab.rows_of_scores(seed)
        below = lab.of_true(rows - rows.max(axis=1, keepdims=True), labels)
        for form, due in {
            "log-sum-exp, a = 0": largest / rows.max(),
            "softmax less the largest, then -ln": smallest / below.min(),
        }.items():  # between two scales, and a little sooner where the smallest numbers are coarse
            assert 0.93 < lab.first_failure(form, dtype, seed=seed, scales=scales) / due < 1.12


# -- the rate that a scaling bears -----------------------------------------------------------------


@pytest.mark.parametrize("curvature", [0.5, 20.0])
def test_the_largest_rate_is_two_by_the_largest_curvature(curvature):
    steep = np.array([1.0, curvature])
    found = lab.largest_rate(lambda w: steep * w, np.ones(2))
    assert found == pytest.approx(2 / steep.max(), rel=0.01)


# -- calibration -----------------------------------------------------------------------------------


def test_reliability_by_hand():
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.45, 0.55]])
    found = reliability(p, np.array([0, 1, 1, 1]))
    assert found.share.tolist() == [0, 0, 0, 0, 0, 0.25, 0.25, 0, 0, 0.5]
    assert found.said[[5, 6, 9]] == pytest.approx([0.55, 0.65, 0.95])
    assert found.right[[5, 6, 9]] == pytest.approx([1, 1, 0.5])
    assert np.isnan(found.said[0])
    assert found.gap == pytest.approx(0.25 * 0.45 + 0.25 * 0.35 + 0.5 * 0.45)
    assert found.over == pytest.approx((0.95 + 0.95 + 0.65 + 0.55) / 4 - 0.75)
    assert found.accuracy == 0.75
    assert found.surprise == pytest.approx(-np.log([0.95, 0.05, 0.65, 0.55]).mean())


def test_who_is_sure_is_in_the_last_bin_and_a_sure_miss_is_finite():
    found = reliability(np.array([[1.0, 0.0]]), np.array([1]))
    assert found.share.tolist() == [0] * 9 + [1]
    assert 700 < found.surprise < math.inf


def test_whoever_says_the_true_shares_is_calibrated():
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(4), size=20_000)
    labels = (rng.random((20_000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert reliability(p, labels).gap < 0.02
    surer = p**2 / (p**2).sum(axis=1, keepdims=True)
    assert reliability(surer, labels).over > 0.1


def test_a_run_that_stops_on_the_way_ends_as_one_that_does_not():
    (once,) = read_digits(softmax_cross_entropy, steps=[40], images=100)
    _, late = read_digits(softmax_cross_entropy, steps=[15, 40], images=100)
    soft = read_digits(SEVERAL["cross-entropy"], steps=[40], images=100)[0]
    assert once.surprise == late.surprise
    assert soft.surprise == pytest.approx(once.surprise, rel=1e-9)  # one-hot or by label


def test_a_duel_counts_when_it_exceeds_the_larger_spread():
    first = lab.duels("test accuracy after 3 epochs", "squares behind sigmoids")[0]
    assert first == lab.Duel("digits, 0% wrong labels", 0.8175, 0.6, 0.15, ahead=0)
    assert first.counts
    assert not first._replace(spread=0.3).counts
    assert len(lab.duels("mean -ln p after 30 epochs", "squares behind softmax")) == 4


@pytest.mark.parametrize("second", ["squares behind sigmoids", "squares behind softmax"])
def test_pairs_agree_with_the_means(second):
    for what, epochs in product(("test accuracy", "mean -ln p"), (3, 30)):
        for duel in lab.duels(f"{what} after {epochs} epochs", second):
            assert 0 <= duel.ahead <= 5
            if duel.ahead in (0, 5):
                assert (duel.second > duel.first) == (duel.ahead == 5)


def test_a_soft_goal_is_arrived_at_from_either_side_and_not_passed():
    path = np.array([0.5, 0.9, 0.71, 0.695, 0.7])
    assert lab.arrived(path) == 1
    assert lab.arrived(path, 0.7) == 3
    assert lab.arrived(path[:2], 0.7) is None


# -- the loss explorer -----------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", lab.TARGETS)
@pytest.mark.parametrize("target", ["class 1", "class 2", "soft: 0.7"])
def test_what_is_explored_is_the_library_s(outputs, target):
    found = lab.explore(outputs=outputs, target=target, z1=-2.0, z2=1.0, z3=0.5, losses="all four",
                        lr=0.3, steps=30)  # fmt: skip
    y = np.array(lab.TARGETS[outputs][target])
    one = len(y) == 1
    p = sigmoid(np.array([-2.0]))[0] if one else softmax(np.array([-2.0, 1.0, 0.5]))[0]
    chance = {"class 1": p[0], "soft: 0.7": p[0], "class 2": 1 - p[0] if one else p[1]}[target]
    assert found.p == pytest.approx(chance)
    assert found.goal == (0.7 if target == "soft: 0.7" else 1)
    for name, loss in (ONE if one else SEVERAL).items():
        L, pullback = loss(found.z, target=y)
        assert found.values[name] == L
        assert (found.gradients[name] == pullback(1.0)).all()
        assert found.paths[name][0] == pytest.approx(chance)
        assert len(found.paths[name]) == 31
        assert np.interp(-2.0, found.at, found.curves[name]) == pytest.approx(L)


def test_a_whole_number_is_a_score_too():
    assert lab.explore(z1=-6).values == lab.explore(z1=-6.0).values


def test_the_first_step_of_a_path_goes_against_the_gradient():
    found = lab.explore(z1=-1.0, lr=0.5, steps=1)
    z = -1.0 - 0.5 * found.gradients["squares"][0]
    assert found.paths["squares"][1] == pytest.approx(1 / (1 + math.exp(-z)))

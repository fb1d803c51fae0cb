"""What single losses promise beyond the generic: known values, exact extremes, what is refused."""

import math
import re
from functools import partial

import exact
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib.blocks import dropout, embedding, log_softmax, sigmoid, softmax
from nnlib.contract import block
from nnlib.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    keyword_of,
    mse,
    softmax_cross_entropy,
)

scores = hnp.arrays(float, (3, 4), elements=st.floats(-15, 15))


@pytest.fixture(autouse=True)
def no_overflow():
    """Only underflow to 0 is silent."""
    with np.errstate(all="raise", under="ignore"):
        yield


# -- known values ------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 1000])
def test_whoever_guesses_blindly_loses_ln_C(classes):
    labels = np.arange(6) % classes
    uniform = np.full((6, classes), 1 / classes)
    one_hot = np.eye(classes)[labels]
    for z in (0.0, -3.5, 1e4):
        L, _ = softmax_cross_entropy(np.full((6, classes), z), labels=labels)
        assert abs(L - math.log(classes)) <= 1e-12
    assert abs(cross_entropy(uniform, target=one_hot)[0] - math.log(classes)) <= 1e-12


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_whoever_tosses_a_coin_loses_ln_2(target):
    t = np.full((2, 3), target)
    assert abs(binary_cross_entropy(np.full((2, 3), 0.5), target=t)[0] - math.log(2)) <= 1e-15
    assert (
        abs(binary_cross_entropy_with_logits(np.zeros((2, 3)), target=t)[0] - math.log(2)) < 1e-15
    )


def test_losses_of_small_examples():
    assert mse(np.array([[1.0, 2.0], [3.0, 5.0]]), target=np.ones((2, 2)))[0] == 21 / 4
    p, target = np.array([0.2, 0.9]), np.array([0.0, 1.0])
    assert binary_cross_entropy(p, target=target)[0] == pytest.approx(-math.log(0.8 * 0.9) / 2)
    p, target = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    assert cross_entropy(p, target=target)[0] == pytest.approx(-math.log(0.8 * 0.5) / 2)
    z, labels = np.log([[1.0, 2.0, 5.0], [3.0, 1.0, 1.0]]), np.array([2, 1])
    assert softmax_cross_entropy(z, labels=labels)[0] == pytest.approx(-math.log(5 / 8 / 5) / 2)


def test_gradients_of_small_examples():
    _, pullback = mse(np.array([[1.0, 2.0], [3.0, 5.0]]), target=np.ones((2, 2)))
    assert pullback(1.0).tolist() == [[0, 0.5], [1, 2]]
    assert pullback(-4.0).tolist() == [[0, -2], [-4, -8]]
    _, pullback = cross_entropy(np.array([[0.25, 0.75]]), target=np.array([[1.0, 0.0]]))
    assert pullback(1.0).tolist() == [[-4, 0]]
    _, pullback = softmax_cross_entropy(np.zeros((2, 2)), labels=np.array([0, 1]))
    assert pullback(1.0).tolist() == [[-0.25, 0.25], [0.25, -0.25]]


def test_a_loss_is_a_float_and_never_minus_zero():
    right = np.array([[1e4, 0.0]])
    for L in (
        softmax_cross_entropy(right, labels=np.array([0]))[0],
        cross_entropy(np.array([[1.0, 0.0]]), target=np.array([[1.0, 0.0]]))[0],
        binary_cross_entropy(np.array([1.0, 0.0]), target=np.array([1.0, 0.0]))[0],
        binary_cross_entropy_with_logits(right, target=np.array([[1.0, 1.0]]))[0] - math.log(2) / 2,
        mse(right, target=right)[0],
    ):
        assert type(L) is float
        assert str(L) == "0.0"


# -- one loss in the words of another ----------------------------------------------------------


def same_value_and_gradient(L, dz, other):
    """Whether a loss and its gradient are those of another."""
    np.testing.assert_allclose(L, other[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dz, other[1](1.0), rtol=0, atol=1e-12)


@given(scores, hnp.arrays(int, 3, elements=st.integers(0, 3)))
def test_softmax_cross_entropy_is_cross_entropy_after_softmax(z, labels):
    p, softmax_pullback = softmax(z)
    L, loss_pullback = cross_entropy(p, target=np.eye(4)[labels])
    other = softmax_cross_entropy(z, labels=labels)
    same_value_and_gradient(L, softmax_pullback(loss_pullback(1.0)), other)


@given(scores, hnp.arrays(float, (3, 4), elements=st.floats(0, 1)))
def test_binary_cross_entropy_with_logits_is_that_after_sigmoid(z, target):
    p, sigmoid_pullback = sigmoid(z)
    L, loss_pullback = binary_cross_entropy(p, target=target)
    other = binary_cross_entropy_with_logits(z, target=target)
    np.testing.assert_allclose(L, other[0], rtol=1e-9)
    np.testing.assert_allclose(sigmoid_pullback(loss_pullback(1.0)), other[1](1.0), atol=1e-9)


@given(scores, hnp.arrays(int, 3, elements=st.integers(0, 1)))
def test_two_classes_are_a_yes_and_a_no(z, labels):
    two = z[:, :2]
    other = softmax_cross_entropy(two, labels=labels)
    difference = two[:, 1] - two[:, 0]
    L, pullback = binary_cross_entropy_with_logits(difference, target=labels)
    same_value_and_gradient(L, np.stack([-pullback(1.0), pullback(1.0)], axis=1), other)


@given(scores)
def test_the_gradient_of_softmax_cross_entropy_sums_to_0_in_each_row(z):
    _, pullback = softmax_cross_entropy(z, labels=np.array([0, 3, 1]))
    np.testing.assert_allclose(pullback(1.0).sum(axis=-1), 0, atol=1e-15)


@given(scores)
def test_softmax_cross_entropy_does_not_see_a_shift_of_a_row(z):
    labels, shift = np.array([0, 3, 1]), np.array([[100.0], [-7.0], [0.5]])
    moved = softmax_cross_entropy(z + shift, labels=labels)
    L, pullback = softmax_cross_entropy(z, labels=labels)
    same_value_and_gradient(L, pullback(1.0), moved)


def test_a_target_may_be_whole_numbers_or_a_mask():
    x, target = np.array([0.2, 0.9]), np.array([0.0, 1.0])
    for loss in (mse, binary_cross_entropy, binary_cross_entropy_with_logits):
        for kind in (bool, int, np.uint8, np.int8):
            L, pullback = loss(x, target=target.astype(kind))
            assert loss(x, target=target)[0] == L
            assert pullback(1.0).dtype == float
        single, pullback = loss(x.astype(np.float32), target=target.astype(int))
        assert single == pytest.approx(L, rel=1e-6)
        assert pullback(1.0).dtype == np.float32


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", ">i8", "u8"])
def test_labels_may_be_of_any_whole_number_type(dtype):
    z, labels = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([1, 0])
    L, _ = softmax_cross_entropy(z, labels=labels.astype(dtype))
    assert softmax_cross_entropy(z, labels=labels)[0] == L


# -- positions that do not count ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (2, 3, 4), ()], ids=str)
def test_the_loss_of_what_is_kept_is_the_loss_of_that_alone(shape, dtype):
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((*shape, 4)).astype(dtype), rng.integers(4, size=shape)
    keep = np.asarray(rng.random(shape) < 0.6)
    keep.flat[0] = True
    L, pullback = softmax_cross_entropy(z, labels=labels, keep=keep)
    L_alone, pullback_alone = softmax_cross_entropy(z[keep], labels=labels[keep])
    assert L_alone == L
    dz = pullback(-1.5)
    assert dz.dtype == dtype
    assert dz[keep].tobytes() == pullback_alone(-1.5).tobytes()
    assert dz[~keep].tobytes() == bytes(dz[~keep].nbytes)  # exactly 0, and not -0


@pytest.mark.parametrize("label", [-1, -100, 4, 10**9])
@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, 1e300])
def test_what_stands_at_a_position_left_out_is_not_looked_at(score, label):
    rng, keep = np.random.default_rng(0), np.array([[True, False, True], [False, True, True]])
    z, labels = rng.standard_normal((2, 3, 4)), rng.integers(4, size=(2, 3))
    want = softmax_cross_entropy(z, labels=labels, keep=keep)
    z[~keep], labels[~keep] = score, label
    L, pullback = softmax_cross_entropy(z, labels=labels, keep=keep)
    assert want[0] == L
    assert pullback(1.0).tobytes() == want[1](1.0).tobytes()


def test_everything_kept_is_as_nothing_said():
    z, labels = (
        np.random.default_rng(0).standard_normal((2, 3, 4)),
        np.array([[0, 1, 3], [2, 2, 0]]),
    )
    for keep in (None, np.ones((2, 3), bool)):
        L, pullback = softmax_cross_entropy(z, labels=labels, keep=keep)
        assert softmax_cross_entropy(z, labels=labels)[0] == L
        assert pullback(1.0).tobytes() == softmax_cross_entropy(z, labels=labels)[1](1.0).tobytes()


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"keep": [True, True]}, TypeError, "keep must be a boolean array; got list. Use np.asarr"),
        ({"keep": np.ones(2)}, TypeError, "keep must be a boolean array; got float64."),
        ({"keep": np.array([1, 0])}, TypeError, "keep must be a boolean array; got int64."),
        ({"keep": True}, TypeError, "keep must be a boolean array; got bool."),
        ({"keep": np.True_}, ValueError, "keep must have shape (2,) as labels; got ()."),
        ({"keep": np.ones(3, bool)}, ValueError, "keep must have shape (2,) as labels; got (3,)."),
        ({"keep": np.ones((2, 4), bool)}, ValueError, "keep must have shape (2,) as labels; got"),
        ({"keep": np.zeros(2, bool)}, ValueError, "keep must keep a position; got False at all"),
        ({"labels": np.array([-1, 4])}, ValueError, "labels must lie in 0..3; got 4 at index 1."),
        ({"labels": np.array([-1.0, 1.0])}, TypeError, "labels must be integers; got float64. Use"),
        ({"labels": np.array([True, False])}, TypeError, "labels must be integers; got bool."),
        (
            {"z": np.array([[np.nan, 0], [0, np.nan]])},
            ValueError,
            "z contains NaN: first at [1, 1], 1",
        ),
    ],
)
def test_a_keep_that_does_not_fit_and_what_it_keeps_are_told_by_their_place(
    change, error, sentence
):
    """Here the first of two positions is left out, with a label and scores that are none."""
    z = np.array([[np.nan] * 4, [0.0] * 4])
    good = {"z": z, "labels": np.array([-1, 1]), "keep": np.array([False, True])}
    z, labels, keep = (good | change).values()
    with pytest.raises(error, match=f"^softmax_cross_entropy: {re.escape(sentence)}"):
        softmax_cross_entropy(z, labels=labels, keep=keep)
    softmax_cross_entropy(good.pop("z"), **good)


# -- extremes ----------------------------------------------------------------------------------

ROWS_OF_SCORES = [
    [0.0, 0.0, 0.0],
    [1e4, 1e4, 1e4 - 3.3],
    [1e300, 1e300, -1e300],
    [5e-324, -5e-324, 0.0],
    [0.0, -745.2, -36.7],
    [-1e4, 1e300, 1e4],
    [40.0, 0.0, -1e-300],
]


@pytest.mark.parametrize("z", ROWS_OF_SCORES, ids=str)
def test_softmax_cross_entropy_is_exact_at_extremes(z):
    for label, truth in enumerate(exact.cross_entropies(z)):
        L, pullback = softmax_cross_entropy(np.array([z]), labels=np.array([label]))
        exact.assert_within_4_ulp(L, [truth])
        assert np.isfinite(pullback(1.0)).all()


@pytest.mark.parametrize("target", [0.0, 1.0, 0.5, 0.3, 0.9, 1e-10, 1 - 1e-10])
def test_binary_cross_entropy_with_logits_is_exact_at_extremes(target):
    targets = np.full(len(exact.EXTREMES), target)
    for z, truth in zip(exact.EXTREMES, exact.binary_cross_entropies(exact.EXTREMES, targets)):
        L, pullback = binary_cross_entropy_with_logits(np.array([z]), target=np.array([target]))
        exact.assert_within_4_ulp(L, [truth])
        assert np.isfinite(pullback(1.0)).all()


def test_a_tiny_loss_keeps_its_digits():
    L, _ = binary_cross_entropy_with_logits(np.array([40.0, -40.0]), target=np.array([1, 0]))
    assert abs(L - math.exp(-40)) <= 4 * math.ulp(L)


def test_probabilities_may_be_exactly_0_or_1_where_the_target_agrees():
    certain = np.array([0.0, 1.0])
    L, pullback = binary_cross_entropy(certain, target=certain)
    assert L == 0
    assert pullback(1.0).tolist() == [0.5, -0.5]
    L, pullback = cross_entropy(certain[None], target=certain[None])
    assert L == 0
    assert pullback(1.0).tolist() == [[0, -1]]


def test_tiny_probabilities_are_no_special_case():
    L, pullback = binary_cross_entropy(np.array([1e-300]), target=np.array([1.0]))
    assert pytest.approx(300 * math.log(10)) == L
    assert pullback(1.0) == pytest.approx(-1e300)
    L, pullback = binary_cross_entropy(np.array([1e-17]), target=np.array([0.0]))
    assert L == 1e-17
    assert pullback(1.0) == 1


# -- what is refused ---------------------------------------------------------------------------


def test_an_infinite_loss_is_refused_where_it_arises():
    p, target = np.array([[0.5, 0.0], [0.3, 1.0]]), np.array([[1.0, 0.0], [0.0, 0.5]])
    message = r"^binary_cross_entropy: p is exactly 1 at index \(1, 1\).*_with_logits"
    with pytest.raises(ValueError, match=message):
        binary_cross_entropy(p, target=target)
    message = r"^cross_entropy: p is exactly 0 at index \(0, 1\).*Use softmax_cross_entropy"
    with pytest.raises(ValueError, match=message):
        cross_entropy(np.array([[1.0, 0.0]]), target=np.array([[0.5, 0.5]]))


@pytest.mark.parametrize("wrong", [-0.1, 1.5, np.nan, np.inf])
@pytest.mark.parametrize(
    "loss", [binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy]
)
def test_a_target_outside_the_unit_interval_is_refused(loss, wrong):
    target = np.array([[0.5, 0.5], [0.5, wrong]])
    message = rf"^{loss.__name__}: target must lie in \[0, 1\]; got {wrong:g}"
    with pytest.raises(ValueError, match=message):
        loss(np.full((2, 2), 0.5), target=target)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, np.nan, np.inf])
@pytest.mark.parametrize("loss", [binary_cross_entropy, cross_entropy])
def test_what_is_no_probability_is_refused(loss, wrong):
    message = rf"^{loss.__name__}: p must lie in \[0, 1\]; got {wrong:g}\. Are these logits\?"
    with pytest.raises(ValueError, match=message):
        loss(np.array([[0.5, 0.5], [0.5, wrong]]), target=np.full((2, 2), 0.5))


@pytest.mark.parametrize(("wrong", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_mse_refuses_a_target_that_is_not_finite(wrong, name):
    message = rf"^mse: target contains {name}: first at \[1, 0\], 2 in all"
    with pytest.raises(ValueError, match=message):
        mse(np.zeros((2, 2)), target=np.array([[0.0, 0.0], [wrong, -np.inf]]))
    huge = np.full((2, 2), 1e200)  # its square overflows, but it is finite
    assert mse(huge, target=huge)[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("wrong", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize(
    ("loss", "argument", "target"),
    [
        (mse, "prediction", {"target": np.array([[1, 0], [0, 1]])}),
        (binary_cross_entropy_with_logits, "z", {"target": np.array([[1, 0], [0, 1]])}),
        (softmax_cross_entropy, "z", {"labels": np.array([0, 1])}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_prediction_that_is_not_finite_has_no_loss(loss, argument, target, wrong, name, dtype):
    for index in np.ndindex(2, 2):
        z = np.ones((2, 2), dtype)
        z[index] = wrong
        place = ", ".join(map(str, index))
        message = rf"^{loss.__name__}: {argument} contains {name}: first at \[{place}\], 1 in all"
        with pytest.raises(ValueError, match=message):
            loss(z, **target)


def test_a_score_of_minus_infinity_is_a_class_that_cannot_be():
    z = np.array([[0.0, -np.inf, 0.0]])
    L, pullback = softmax_cross_entropy(z, labels=np.array([0]))
    assert pytest.approx(math.log(2)) == L
    assert pullback(1.0).tolist() == [[-0.5, 0, 0.5]]
    with pytest.raises(ValueError, match=r"z contains infinity: first at \[0, 1\]"):
        softmax_cross_entropy(z, labels=np.array([1]))


def test_the_keyword_of_a_loss_is_what_the_prediction_is_compared_with():
    @block("z (...); y (...) -> L ()")
    def huber(z, *, y, delta=1.0):
        return 0.0, np.copy

    assert keyword_of("f", mse) == "target"
    assert keyword_of("f", softmax_cross_entropy) == "labels"
    assert keyword_of("f", huber) == "y"
    assert keyword_of("f", partial(huber, delta=2.0)) == "y"
    assert keyword_of("f", lambda z, *, labels=None: (0.0, np.copy)) == "labels"
    assert keyword_of("f", lambda z, *, keep, labels: (0.0, np.copy)) == "labels"


@pytest.mark.parametrize(
    "wrong",
    [softmax, log_softmax, dropout, embedding, np.mean, np.add, len, "mse", None, lambda z, t: 0.0],
)
def test_what_is_no_loss_is_refused_by_name(wrong):
    got = re.escape(getattr(wrong, "__name__", repr(wrong)))
    message = rf"^f: loss must be a block such as nnlib\.losses\.mse; got {got}\.$"
    with pytest.raises(TypeError, match=message):
        keyword_of("f", wrong)


def test_rows_that_do_not_sum_to_1_are_refused():
    target = np.array([[1.0, 0.0]])
    cross_entropy(np.array([[0.4995, 0.5]]), target=target)
    for p in ([[0.498, 0.5]], [[0.6, 0.5]], [[0.0, 0.0]]):
        with pytest.raises(ValueError, match=rf"^cross_entropy: rows of p .*{sum(p[0]):.4g}"):
            cross_entropy(np.array(p), target=target)


@pytest.mark.parametrize(
    "loss", [mse, binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy]
)
def test_a_target_is_not_broadcast_and_keeps_its_precision(loss):
    p = np.full((4, 2), 0.5)
    for shape in [(4, 1), (1, 2), (2,), (4,), ()]:
        with pytest.raises(ValueError, match=rf"^{loss.__name__}: target must have shape \(4, 2\)"):
            loss(p, target=np.ones(shape))
    with pytest.raises(TypeError, match=f"^{loss.__name__}: target must be float64.*got float32"):
        loss(p, target=p.astype(np.float32))
    for dtype in (complex, str, object):
        with pytest.raises(TypeError, match=f"^{loss.__name__}: target must be a float array; got"):
            loss(p, target=p.astype(dtype))


def test_softmax_cross_entropy_says_what_it_cannot_refuse():
    p = softmax(np.array([[2.0, 0.0]]))[0]
    assert softmax_cross_entropy(p, labels=np.array([0]))[0] > 0
    assert "Probabilities given as z cannot be told" in softmax_cross_entropy.__doc__


def test_the_largest_loss_is_the_gap_of_the_scores():
    z = np.array([[0.0, -1e300]])
    assert softmax_cross_entropy(z, labels=np.array([1]))[0] == 1e300
    assert log_softmax(z)[0].tolist() == [[0, -1e300]]

"""What the experiments of lesson 05 promise: true measurements, and runs that can be watched."""

import re

import numpy as np
import pytest
from interrupts import interrupted, needs_timer
from runs import LABELS, X, build, replayed, state_of

from nnlib.blocks import sigmoid, softmax, tanh
from nnlib.calculus import check_vjp
from nnlib.data import load_mnist, scale
from nnlib.experiments.lesson_05 import (
    HIDDEN,
    accuracy_by_epoch,
    bounded,
    centred,
    confusion,
    covering,
    gradient_noise,
    in_columns,
    ink_size,
    learned,
    read_digit,
    read_drawing,
    reader,
    signal,
    stored_runs,
    summed_cross_entropy,
)
from nnlib.experiments.watched import WatchedRun, block_means
from nnlib.initializers import he_normal, he_uniform, xavier_normal
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam, GradientDescent
from nnlib.parameters import objective, parameter_vector
from nnlib.training import Training, accuracy, fit

# -- a slip, raced -------------------------------------------------------------------------------


def test_one_of_the_two_networks_has_a_wrong_way_back():
    point = np.array([-1.0, 0.5, 2.0])
    assert HIDDEN["B"] is sigmoid
    assert HIDDEN["A"](point)[0].tobytes() == sigmoid(point)[0].tobytes()
    assert check_vjp(HIDDEN["B"], point) < 1e-7
    with pytest.raises(AssertionError, match="wrong gradient of x"):
        check_vjp(HIDDEN["A"], point)


def test_what_a_network_learned_is_read_on_the_way():
    whole, parts = (learned(sigmoid, 1.0, seed=3, steps=60, every=every) for every in (60, 20))
    assert parts.unseen.shape == (4,)
    assert whole.unseen.tolist() == parts.unseen[[0, 3]].tolist()
    assert (whole.off, whole.on) == (parts.off, parts.on)
    assert parts.unseen[3] > parts.unseen[0]


def test_both_networks_begin_alike_and_differ_by_their_slip_alone():
    first = [learned(hidden, 0.1, seed=2, steps=30, every=30).unseen for hidden in HIDDEN.values()]
    assert first[0][0] == first[1][0]
    assert first[0][1] != first[1][1]


@pytest.mark.parametrize(
    ("value", "shares"), [(0.01, (1, 0)), (0.99, (0, 1)), (0.03, (0, 0)), (0.97, (0, 0))]
)
def test_values_near_0_and_near_1_are_counted_apart(value, shares):
    at_one_place = lambda x: (np.full_like(x, value), lambda dy: np.zeros_like(dy))
    found = learned(at_one_place, 0.1, seed=0, steps=1, every=1)
    assert (found.off, found.on) == shares


def test_the_network_that_learns_has_the_widths_given():
    seen = set()

    def noted(x):
        seen.add(x.shape[-1])
        return sigmoid(x)

    learned(noted, 1.0, seed=0, widths=(64, 12, 11, 10), steps=1, every=1)
    assert seen == {12, 11}


def test_the_summed_loss_is_the_mean_times_the_rows_and_has_its_gradient():
    z = np.random.default_rng(0).standard_normal((4, 3))
    labels = np.array([0, 2, 1, 1])
    assert check_vjp(summed_cross_entropy, z, labels=labels) < 1e-7
    mean, _ = softmax_cross_entropy(z, labels=labels)
    assert summed_cross_entropy(z, labels=labels)[0] == pytest.approx(4 * mean)


# -- what is kept for the way back ---------------------------------------------------------------


def test_columns_are_what_the_layers_compute():
    model = MLP(6, 5, 4, 3, rng=0, dtype="float64")
    logits, activations = in_columns(model, X)
    a = X.T
    for layer, z, kept in zip(model.parts[::2], logits, activations, strict=True):
        np.testing.assert_allclose(kept, a, atol=1e-12)
        a = layer.params["W"] @ a + layer.params["b"][:, None]
        np.testing.assert_allclose(z, a, atol=1e-12)
        a = np.maximum(a, 0)


# -- what was learned by heart -------------------------------------------------------------------


def test_accuracies_by_epoch_are_those_of_the_run_itself():
    found = accuracy_by_epoch(build(), X[:5], LABELS[:5], epochs=3)
    alone = build()
    for epoch in range(4):
        assert found.seen[epoch] == accuracy(alone.model, X, LABELS)
        assert found.unseen[epoch] == accuracy(alone.model, X[:5], LABELS[:5])
        alone.run(alone.steps_per_epoch)


def test_a_reader_is_the_network_that_fit_trains():
    data = np.tile(X, (3, 1)), np.tile(LABELS, 3)
    one, other = reader(6, 4, 3, data=data, steps=20), MLP(6, 4, 3, rng=0)
    rule, options = Adam(parameter_vector(other)[0]), {"batch_size": 100, "seed": 0}
    fit(other, softmax_cross_entropy, rule, *data, epochs=10, progress=False, **options)
    assert parameter_vector(one)[0].tobytes() == parameter_vector(other)[0].tobytes()


def test_stored_runs_are_of_what_is_asked_alone():
    pairs = stored_runs("confused", "test images")
    assert len(pairs) == 45
    assert {row["claim"] for row in pairs} == {"confused"}
    assert len(stored_runs("bounds")) == 8
    assert stored_runs("nothing") == []


# -- the signal through the layers ---------------------------------------------------------------


@pytest.mark.parametrize("init", [he_normal, he_uniform], ids=lambda init: init.__name__)
def test_hes_spread_carries_the_signal_through_twenty_relu_layers(init):
    ratios = np.mean([signal(init, rng=seed) for seed in range(5)], axis=0)
    assert ratios[0] == 1
    assert len(ratios) == 21
    assert np.all((ratios > 0.4) & (ratios < 2.5))


def test_a_smaller_spread_loses_its_share_at_every_layer():
    """Half the variance, as E-he-u prints it, halves the signal twenty times: 2^-20 is 1e-6."""
    whole, half = signal(he_uniform, rng=0), signal(bounded(3), rng=0)
    np.testing.assert_allclose(half, whole * 0.5 ** np.arange(21), rtol=1e-12)


def test_the_signal_is_measured_behind_the_activation_given():
    ratios = signal(xavier_normal, activation=tanh, depth=3, width=64, rng=0)
    rng = np.random.default_rng(0)
    network = MLP(64, 64, 64, 64, activation=tanh, init=xavier_normal, rng=rng, dtype="float64")
    h = x = rng.standard_normal((200, 64))
    for ratio, layer in zip(ratios[1:], network.parts[::2]):
        h = np.tanh(layer(h)[0])
        assert ratio == pytest.approx(np.mean(h * h) / np.mean(x * x), rel=1e-12)


# -- the gradient's noise ------------------------------------------------------------------------


def test_the_noise_of_one_rows_gradient_is_the_spread_of_the_gradients():
    model = MLP(6, 3, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    gradients = []
    for k in range(len(X)):
        row = slice(k, k + 1)
        f = objective(model, softmax_cross_entropy, X[row], labels=LABELS[row])
        gradients.append(f(theta)[1](1.0))
    whole = np.mean(gradients, axis=0)
    spread = np.sqrt(np.mean(np.sum((gradients - whole) ** 2, axis=1))) / np.linalg.norm(whole)
    arguments = model, softmax_cross_entropy, X, LABELS
    one, hundred = gradient_noise(*arguments, [1, 100], draws=1000, rng=0)
    assert one == pytest.approx(spread, rel=0.1)
    assert hundred == pytest.approx(spread / 10, rel=0.1)


def test_measuring_the_noise_leaves_the_model_as_it_was():
    model = MLP(6, 3, rng=0, dtype="float64")
    before = parameter_vector(model)[0].tobytes()
    first, again = (
        gradient_noise(model, softmax_cross_entropy, X, LABELS, [2, 5], draws=3, rng=0)
        for _ in range(2)
    )
    assert first.tobytes() == again.tobytes()
    assert parameter_vector(model)[0].tobytes() == before


# -- what was read as what -----------------------------------------------------------------------


def test_the_confusion_counts_every_row_once():
    model = MLP(6, 3, rng=0, dtype="float64")
    table = confusion(model, X, LABELS, 3)
    assert table.sum(axis=1).tolist() == np.bincount(LABELS, minlength=3).tolist()
    assert np.trace(table) / table.sum() == accuracy(model, X, LABELS)
    read = model(X)[0].argmax(axis=1)
    assert table[2, 0] == np.sum((LABELS == 2) & (read == 0))


# -- curves --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_block_means_weigh_every_value_once(size):
    values = np.random.default_rng(0).standard_normal(7)
    ends, means = block_means(values, size)
    assert ends[-1] == 7
    assert np.diff(ends, prepend=0) @ means == pytest.approx(values.sum())
    assert means[0] == pytest.approx(values[:size].mean())


def test_no_values_have_no_means():
    ends, means = block_means([], 5)
    assert len(ends) == len(means) == 0


# -- a run that is watched -----------------------------------------------------------------------


def watched(every=10, **options):
    """The small run, watched on its own data."""
    return WatchedRun(build(**options), X, LABELS, every=every)


def test_a_watched_run_is_the_run_itself():
    run, alone = watched().upto(25), build()
    history = alone.run(25)
    assert run.records == [tuple(row) for row in history]
    assert state_of(run.training) == state_of(alone)
    assert (run.tested_at, run.ended) == ([0, 10, 20], "")
    at_20 = build()
    at_20.run(20)
    assert run.test_accuracy[-1] == accuracy(at_20.model, X, LABELS)


def test_going_on_is_the_same_as_going_at_once():
    at_once, in_parts = watched().upto(40), watched()
    for steps in (7, 7, 3, 20, 21, 40):
        assert in_parts.upto(steps) is in_parts
        assert len(in_parts.records) == min(max(7, steps), 40)
    assert in_parts.records == at_once.records
    assert in_parts.tested_at == at_once.tested_at == [0, 10, 20, 30, 40]
    assert in_parts.test_accuracy == at_once.test_accuracy


def test_curves_show_the_run_as_it_stood_at_a_step():
    run = watched().upto(25)
    losses = [record.loss for record in run.records]
    curves = run.curves(20, block=8)
    assert curves.losses.tolist() == losses[:20]
    assert curves.mean_at.tolist() == [8, 16, 20]
    assert curves.mean_loss[2] == pytest.approx(np.mean(losses[16:20]))
    assert list(curves.tested_at) == [0, 10, 20]
    assert list(curves.test_accuracy) == run.test_accuracy[:3]
    assert not curves.diverged


def test_a_watched_run_that_diverges_ends_there_and_says_why():
    model = MLP(6, 3, rng=1)
    optimizer = GradientDescent(parameter_vector(model)[0], lr=1e38)
    options = {"batch_size": 8, "seed": 5}
    training = Training(model, softmax_cross_entropy, optimizer, X, LABELS, **options)
    run = WatchedRun(training, X, LABELS, every=1).upto(100)
    assert re.match("diverged at step .* learning rate of 1e.38 is too large", run.ended)
    count = len(run.records)
    assert count < 100
    assert run.curves(100).diverged
    assert not run.curves(0).diverged
    assert len(run.upto(200).records) == count


def test_a_watched_run_ends_where_the_unseen_scores_leave_the_range():
    model = MLP(6, 3, rng=1)
    optimizer = GradientDescent(parameter_vector(model)[0], lr=1e20)
    options = {"batch_size": 8, "seed": 5}
    training = Training(model, softmax_cross_entropy, optimizer, X, LABELS, **options)
    run = WatchedRun(training, 1e20 * X, LABELS, every=1).upto(1)
    assert run.ended.startswith("scores must be finite")
    assert (len(run.records), run.tested_at) == (1, [0])
    assert run.curves(1).diverged


@needs_timer
def test_an_interrupted_watched_run_goes_on_as_if_nothing_had_been():
    run, rng = watched(every=50), np.random.default_rng(0)
    for _ in range(10):
        assert interrupted(rng.uniform(0.001, 0.02), run.upto, 10**9)
        steps = [record.step for record in run.records]
        assert steps == sorted(set(steps))
        assert len(run.tested_at) == len(run.test_accuracy)
    done = run.training.steps
    run.upto(done + 100)
    assert state_of(run.training) == replayed(done + 100)
    assert run.tested_at == list(range(0, done + 101, 50))


# -- digits drawn by hand ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """Some images of digits, MNIST's or the bundled ones."""
    return load_mnist().x_test[:20]


def test_rows_and_columns_are_laid_out_without_loss():
    for m, n in ((2, 3), (3, 2), (4, 4), (1, 7), (20, 200), (5, 3)):
        shares = covering(m, n)
        assert shares.shape == (m, n)
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_allclose(shares.sum(axis=0), m / n)
    np.testing.assert_array_equal(covering(4, 4), np.eye(4))


def test_a_drawing_is_the_same_wherever_on_the_pad_it_stands(digits):
    for digit in digits:
        pads = np.zeros((2, 100, 120), np.uint8)
        pads[0, 3:31, 5:33] = pads[1, 60:88, 90:118] = digit
        assert centred(pads[0]).tobytes() == centred(pads[1]).tobytes()


def test_a_drawing_is_the_same_whatever_its_size(digits):
    for digit in digits:
        large = np.kron(digit, np.ones((5, 5), np.uint8))
        assert np.abs(centred(large).astype(int) - centred(digit)).max() <= 1


def test_a_centred_drawing_has_its_size_and_its_mass_in_the_middle(digits):
    for digit in digits:
        image = centred(digit).astype(float)
        inked = np.argwhere(image)
        assert np.ptp(inked, axis=0).max() + 1 in (19, 20)  # the faintest edge may round to 0
        centre = np.indices((28, 28)).reshape(2, -1) @ image.ravel() / image.sum()
        at_the_edge = (inked.min(axis=0) == 0) | (inked.max(axis=0) == 27)
        assert np.all((np.abs(centre - 14) <= 0.6) | at_the_edge)


def test_the_size_of_the_ink_is_the_larger_side_of_its_box():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 4:24, 10:12] = images[1, 5:10, 0:20] = images[2, 0, 0] = 1
    assert ink_size(images) == 20


def test_a_digit_is_read_as_the_network_reads_it(digits):
    for dtype in ("float32", "float64"):
        model = MLP(784, 10, rng=0, dtype=dtype)
        p = read_digit(model, digits[0])
        assert p.shape == (10,)
        assert p.dtype == dtype
        assert p.sum() == pytest.approx(1)
        want = softmax(model(scale(digits[:1], dtype))[0])[0][0]
        assert p.tobytes() == want.tobytes()


def test_a_drawing_is_read_as_its_image_is(digits):
    model, ink = MLP(784, 10, rng=0), digits[0].repeat(2, axis=0).repeat(2, axis=1)
    found = read_drawing(model, ink.tobytes(), side=56, size=20)
    np.testing.assert_array_equal(found.image, centred(ink))
    np.testing.assert_array_equal(found.p, read_digit(model, found.image))
    assert sorted(found.p)[::-1][:2] == [found.p[found.first], found.p[found.second]]


def test_nothing_drawn_is_nothing_read():
    found = read_drawing(MLP(784, 10, rng=0), bytes(9), side=3, size=20)
    assert not found.p.any()
    assert not found.image.any()


def read_four():
    """Read four bytes of a pad of nine."""
    return read_drawing(MLP(784, 10, rng=0), b"1234", side=3, size=20)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (read_four, ValueError, "read_drawing: ink must be 3 x 3 bytes; got 4. Clear the pad"),
        (lambda: centred(np.ones((9, 9))), TypeError, "centred: ink must be a uint8 array, 0 for"),
        (lambda: centred([[1]]), TypeError, "centred: ink must be a uint8 array, 0 for paper; got"),
        (lambda: centred(np.ones(9, np.uint8)), ValueError, "centred: ink must be one image"),
        (lambda: centred(np.zeros((9, 9), np.uint8)), ValueError, "centred: ink must not be empty"),
        (lambda: centred(np.eye(9, dtype=np.uint8), size=29), ValueError, "centred: size must be"),
        (lambda: block_means([1.0], 0), ValueError, "block_means: size must be an integer >= 1"),
        (lambda: signal(depth=0, rng=0), ValueError, "signal: depth must be an integer >= 1"),
        (lambda: signal(rng="0"), TypeError, "signal: rng must be an integer >= 0"),
        (lambda: watched(every=0), ValueError, "WatchedRun: every must be an integer >= 1; got 0"),
    ],
)
def test_nonsense_is_refused(call, error, sentence):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(sentence)

"""The encoder that reads digits: its tokens, its run, its mistakes and its stored weights."""

from time import perf_counter

import numpy as np
import pytest

from nnlib.data import enlarged, load_digits, load_mnist
from nnlib.experiments.encoder_on_mnist import (
    COMPARISONS,
    LIVE,
    VARIANTS,
    as_tokens,
    comparison,
    course,
    encoder,
    mistakes,
    stored_as,
    trained,
    training_of,
)
from nnlib.experiments.stored import stored
from nnlib.images import Shift
from nnlib.layers import Linear
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import accuracy

ALL = [(data, options) for data in ("digits", "mnist") for options in VARIANTS.values()]
each_trained = pytest.mark.parametrize(
    ("data", "options"), ALL, ids=[stored_as(*one) for one in ALL]
)


@pytest.fixture(scope="module")
def digits():
    """The bundled digits, rows as tokens: to train on, and to test with."""
    found = load_digits()
    x_train, x_test = (as_tokens(enlarged(x)) for x in (found.x_train, found.x_test))
    return found._replace(x_train=x_train, x_test=x_test)


# -- tokens ---------------------------------------------------------------------------------------


def test_rows_as_tokens_are_the_image_itself():
    images = load_digits().x_train[:5]
    tokens = as_tokens(enlarged(images))
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(tokens * 255, enlarged(images))


@pytest.mark.parametrize(("patch", "shape"), [((4, 4), (49, 16)), ((7, 7), (16, 49))], ids=str)
def test_patches_as_tokens_have_every_pixel_once(patch, shape):
    images = np.arange(2 * 784, dtype=np.uint16).reshape(2, 28, 28) % 251
    tokens = as_tokens(images.astype(np.uint8), patch)
    assert tokens.shape == (2, *shape)
    assert sorted(np.rint(tokens[0].ravel() * 255)) == sorted(images[0].ravel())
    h, w = patch
    np.testing.assert_allclose(tokens[1, 1] * 255, images[1, :h, w : 2 * w].ravel(), rtol=1e-6)


@pytest.mark.parametrize(
    ("images", "patch", "error", "sentence"),
    [
        (np.zeros((2, 28, 28)), (1, 28), TypeError, "scale: images must be a uint8 array"),
        (np.zeros((28, 28), np.uint8), (1, 28), ValueError, "For one image use image[None]."),
        (np.zeros((2, 28, 28), np.uint8), (5, 5), ValueError, "Try 1, 2, 4, 7, 14, 28 rows"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_a_sentence(images, patch, error, sentence):
    with pytest.raises(error) as raised:
        as_tokens(images, patch)
    assert sentence in str(raised.value)


# -- a run ----------------------------------------------------------------------------------------


def test_a_run_warms_up_falls_to_nothing_and_shifts(digits):
    model = encoder(rng=0)
    training = training_of(model, digits.x_train, digits.labels_train, steps=20, seed=0, warm=5)
    rates = [training.schedule(step) for step in range(21)]
    assert np.argmax(rates) == 4
    assert (np.diff(rates)[:4] > 0).all()
    assert (np.diff(rates)[5:] < 0).all()
    assert rates[-1] == 0
    assert isinstance(training.optimizer, Adam)
    assert [type(part) for part in training.model.parts[:1]] == [Shift]
    assert training.draws
    assert parameter_vector(training.model)[0] is parameter_vector(model)[0]


def test_a_short_run_learns_and_evaluation_sees_the_digits_as_they_are(digits):
    model = encoder(rng=0)
    training = training_of(model, digits.x_train, digits.labels_train, steps=120, seed=0, warm=20)
    assert len(training.run(120)) == 120
    right = accuracy(model, digits.x_test, digits.labels_test)
    assert right >= 0.6, "chance is 0.1"
    assert accuracy(training.model, digits.x_test, digits.labels_test) == right


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("pixels", -1), ("lr", -1.0)])
def test_a_run_that_cannot_be_is_refused(name, value, digits):
    options = {"steps": 5, "seed": 0} | {name: value}
    with pytest.raises(ValueError, match=name):
        training_of(encoder(rng=0), digits.x_train, digits.labels_train, **options)


# -- what is read wrongly -------------------------------------------------------------------------


def test_mistakes_are_those_of_one_score_after_the_other():
    rng = np.random.default_rng(0)
    model, x, labels = (
        Linear(5, 4, rng=1),
        rng.standard_normal((2500, 5)),
        rng.integers(4, size=2500),
    )
    found, read = mistakes(model, x, labels), model(x)[0].argmax(axis=1)
    np.testing.assert_array_equal(found.rows, [k for k in range(2500) if read[k] != labels[k]])
    np.testing.assert_array_equal(found.read, read[found.rows])
    assert found.share == 1 - accuracy(model, x, labels)
    assert sum(times for *_, times in found.pairs) == len(found.rows)
    for label, taken_for, times in found.pairs:
        assert times == np.sum((labels == label) & (read == taken_for))
        assert label != taken_for
    counts = [times for *_, times in found.pairs]
    assert counts == sorted(counts, reverse=True)


def test_a_model_that_reads_all_rightly_makes_no_mistake():
    model = Linear(3, 3, init=lambda shape, rng: np.eye(3), rng=0)
    found = mistakes(model, np.eye(3), np.arange(3))
    assert (found.share, len(found.rows), found.pairs) == (0.0, 0, [])


# -- the stored weights ---------------------------------------------------------------------------


@each_trained
def test_the_stored_weights_are_those_of_the_variant(data, options):
    model = trained(data, **options)
    twin = encoder(rng=1, **options)
    assert parameter_vector(model)[0].size == parameter_vector(twin)[0].size
    assert parameter_vector(model)[0].dtype == np.float32
    z, _ = model(np.zeros((1, 28, 28), np.float32))
    assert z.shape == (1, 10)


@each_trained
def test_the_stored_weights_read_as_many_test_images_as_the_table_says(data, options, digits):
    found = digits
    if data == "mnist":
        images = load_mnist()
        if images.bundled:
            pytest.skip("needs MNIST")
        found = images._replace(x_test=as_tokens(images.x_test))
    right = 1 - mistakes(trained(data, **options), found.x_test, found.labels_test).share
    (row,) = (row for row in stored("06_weights") if row["arm"] == stored_as(data, options))
    assert abs(right - float(row["mean"])) <= 2.5 / len(found.x_test), "two images may be rounded"


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        ("fashion", {}, "trained: data must be 'mnist' or 'digits'; got 'fashion'."),
        ("mnist", {"layers": 3}, "whose weights are stored; got {'layers': 3}."),
        ("mnist", {"layers": 2, "positions": None}, "trained: options must be {} or {'layers': 2}"),
    ],
)
def test_weights_that_are_not_stored_are_refused_in_a_sentence(data, options, sentence):
    with pytest.raises(ValueError, match="^trained: ") as raised:
        trained(data, **options)
    assert sentence in str(raised.value)


# -- the stored tables ----------------------------------------------------------------------------


@pytest.mark.parametrize(("budget", "least"), [("90 s", 0.98), ("5 minutes", 0.987)])
def test_the_course_of_a_run_is_its_table(budget, least):
    found = course(budget)
    rows = [row for row in stored("06_curves") if row["arm"] == budget]
    assert len(rows) == len(found.steps) + len(found.loss)
    for row in rows:
        *what, step = row["measure"].split()
        at, means = (
            (found.steps, found.accuracy) if what[0] == "test" else (found.loss_at, found.loss)
        )
        assert means[list(at).index(int(step))] == float(row["mean"])
    assert found.steps[0] == 0
    assert abs(found.accuracy[0] - 0.1) < 0.05
    assert (np.diff(found.steps) > 0).all()
    np.testing.assert_array_equal(found.steps[1:], found.loss_at)
    assert found.accuracy[-1] - found.spread[-1] >= least, "so every seed reaches it"


@pytest.mark.parametrize("table", COMPARISONS)
def test_a_comparison_is_its_table(table):
    found = comparison(table)
    for row in stored(f"06_{table}"):
        arm = found[row["arm"]]
        assert arm.seeds == int(row["seeds"])
        if row["measure"] == "test accuracy":
            assert (arm.accuracy, arm.spread) == (float(row["mean"]), float(row["spread"]))
        else:
            other = next(
                name for name in found if row["measure"] == f"share of seeds ahead of {name}"
            )
            assert arm.ahead[other] == float(row["mean"])
    for name, arm in found.items():
        assert set(arm.ahead) == set(found) - {name}
        assert all(share + found[other].ahead[name] <= 1 for other, share in arm.ahead.items())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: course("60 s"), "course: budget must be '90 s' or '5 minutes'; got '60 s'."),
        (lambda: comparison("norms"), "comparison: table must be 'equal_time', 'readout', "),
    ],
)
def test_a_table_that_is_not_there_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match="must be") as raised:
        call()
    assert str(raised.value).startswith(sentence)


# -- the figures ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("steps", "least"), [(LIVE, 0.97), (20_000, 0.98)])
def test_the_encoder_reads_mnist(steps, least, seed, capsys):
    """After a run that a class waits for, and after one of 90 seconds on two cores."""
    images = load_mnist()
    if images.bundled:
        pytest.skip("needs MNIST")
    model = encoder(rng=seed)
    x, labels = as_tokens(images.x_train), images.labels_train
    start = perf_counter()
    training_of(model, x, labels, steps=steps, seed=seed, workers=2).run(steps)
    seconds = perf_counter() - start
    share = 1 - mistakes(model, as_tokens(images.x_test), images.labels_test).share
    with capsys.disabled():
        print(f" seed {seed}: {share:.4f} in {seconds:.0f} s", end="")
    assert share >= least


@pytest.mark.slow
def test_the_encoder_reads_the_bundled_digits(digits):
    """A class without MNIST waits for a quarter of the steps."""
    for seed in range(3):
        model, steps = encoder(rng=seed), LIVE // 4
        training_of(model, digits.x_train, digits.labels_train, steps=steps, seed=seed).run(steps)
        assert 1 - mistakes(model, digits.x_test, digits.labels_test).share >= 0.9

"""Images shifted while a network trains, and cut into tokens."""

import numpy as np
import pytest
from runs import build, state_of

from nnlib.calculus import check_vjp
from nnlib.images import Patches, Shift, patches, shift
from nnlib.layers import Layer, Linear, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP, flatten
from nnlib.parameters import parameter_vector
from nnlib.saving import load, save
from nnlib.training import accuracy

rng = np.random.default_rng(0)
IMAGES = rng.uniform(size=(50, 4, 5))
LABELS = rng.integers(3, size=50)


def moved(image, down, right):
    """An image moved, pixel by pixel."""
    h, w = image.shape
    y = np.zeros_like(image)
    for i in range(h):
        for j in range(w):
            if 0 <= i + down < h and 0 <= j + right < w:
                y[i + down, j + right] = image[i, j]
    return y


def shifting(pixels=1):
    """A small classifier of images that are shifted while it trains."""
    return Sequential(Shift(pixels), Layer(flatten), MLP(20, 6, 3, rng=1, dtype="float64"))


# -- shift ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f8"])
@pytest.mark.parametrize("most", [0, 1, 3, 9])
def test_each_image_is_moved_as_far_as_is_said(most, dtype):
    x = IMAGES.astype(dtype)
    down, right = np.random.default_rng(1).integers(-most, most, (2, len(x)), endpoint=True)
    y, pullback = shift(x, down=down, right=right)
    np.testing.assert_array_equal(y, [moved(*each) for each in zip(x, down, right)])
    back = [moved(*each) for each in zip(y, -down, -right)]
    np.testing.assert_array_equal(pullback(y), back)


@pytest.mark.parametrize("leading", [(), (1,), (2, 3), (0,)])
def test_images_may_stand_in_any_leading_axes(leading):
    x = np.random.default_rng(2).uniform(size=(*leading, 3, 4))
    down = np.full(leading, 1)
    y, _ = shift(x, down=down, right=-down)
    np.testing.assert_array_equal(y[..., 1:, :-1], x[..., :-1, 1:])
    assert y.shape == x.shape
    assert not y[..., 0, :].any()
    assert not y[..., -1].any()


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_pixels_may_be_counted_in_any_type_of_integer(kind):
    far = np.array([1, 3], kind)
    y, _ = shift(IMAGES[:2], down=far, right=far)
    np.testing.assert_array_equal(y, [moved(IMAGES[0], 1, 1), moved(IMAGES[1], 3, 3)])


def test_a_shift_of_any_size_costs_no_room():
    far = np.array([10**9])
    assert not shift(IMAGES[:1], down=far, right=far)[0].any()


@pytest.mark.parametrize("down", [np.array([1.0]), np.array([True]), np.array(["a"])])
def test_pixels_that_are_not_whole_are_refused(down):
    with pytest.raises(TypeError, match=r"^shift: down must be integers; got "):
        shift(IMAGES[:1], down=down, right=np.array([1]))


# -- the layer that shifts ------------------------------------------------------------------------


def test_evaluation_sees_the_images_as_they_are():
    y, pullback = Shift(2)(IMAGES)
    assert y.tobytes() == IMAGES.tobytes()
    assert pullback(IMAGES).tobytes() == IMAGES.tobytes()
    model = shifting()
    plain = Sequential(*model.parts[1:])
    assert model(IMAGES)[0].tobytes() == plain(IMAGES)[0].tobytes()
    assert accuracy(model, IMAGES, LABELS) == accuracy(plain, IMAGES, LABELS)


def test_each_image_takes_each_of_the_nine_moves_equally_often():
    dots = np.zeros((9000, 3, 3))
    dots[:, 1, 1] = 1
    y, _ = Shift(1)(dots, rng=np.random.default_rng(0))
    counts = y.sum(axis=0)
    assert counts.sum() == len(dots), "no dot is lost, so none moves farther"
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(9000 * (1 / 9) * (8 / 9))


def test_a_shift_of_no_pixels_is_none():
    y, _ = Shift(0)(IMAGES, rng=np.random.default_rng(0))
    assert y.tobytes() == IMAGES.tobytes()


@pytest.mark.parametrize("pixels", [1, 2, 7])
def test_the_gradient_through_a_shift_is_the_true_one_for_a_given_draw(pixels):
    model = Sequential(Shift(pixels), Layer(flatten), Linear(20, 3, rng=1))
    assert check_vjp(lambda x: model(x, rng=np.random.default_rng(7)), IMAGES[:3]) <= 1e-7


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: Shift(-1), ValueError, "Shift: pixels must be an integer >= 0; got -1."),
        (lambda: Shift(0.5), TypeError, "Shift: pixels must be an integer >= 0; got 0.5 (float)."),
        (lambda: Shift(1)(IMAGES, rng=3), TypeError, "Shift: rng must be a Generator; got 3."),
        (
            lambda: Shift(1)(np.ones(4)),
            ValueError,
            "shift: x must have shape (..., h, w); got (4,)",
        ),
    ],
)
def test_what_no_shift_can_be_is_refused_in_a_sentence(call, error, sentence):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(sentence)


# -- a run with shifts ----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_step_sees_its_batch_moved_by_what_the_run_s_seed_draws_at_that_step(workers):
    training = build(model=shifting(), x=IMAGES, labels=LABELS, workers=workers)
    twin = shifting()
    theta, grad = parameter_vector(twin)
    for step in range(3):
        theta[:] = training.theta
        rows = np.random.default_rng([5, 0]).permutation(50)[8 * step : 8 * step + 8]
        want, moves = np.zeros_like(grad), []
        for k, part in enumerate(np.split(rows, workers)):
            draw = np.random.default_rng([5, step, k, 1]).integers(-1, 2, (2, len(part)))
            moves.append(draw)
            x = np.array([moved(*each) for each in zip(IMAGES[part], *draw)])
            grad[:] = 0
            z, pullback = twin(x)
            _, loss_pullback = softmax_cross_entropy(z, labels=LABELS[part])
            pullback(loss_pullback(1 / workers))
            want += grad
        assert np.any(moves)
        training.step()
        np.testing.assert_allclose(training.grad, want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_saved_run_with_shifts_goes_on_as_the_unbroken_one(workers, tmp_path):
    options = {"x": IMAGES, "labels": LABELS, "workers": workers}
    whole, first, second = (build(model=shifting(), **options) for _ in range(3))
    whole.run(20)
    first.run(9)
    save(tmp_path / "run.npz", first)
    load(tmp_path / "run.npz", second)
    second.run(11)
    assert state_of(second) == state_of(whole)
    still = build(model=shifting(0), **options)
    still.run(20)
    assert state_of(still) != state_of(whole)


def test_a_run_is_not_gone_on_with_by_other_shifts(tmp_path):
    first, second = (build(model=shifting(p), x=IMAGES, labels=LABELS) for p in (1, 2))
    save(tmp_path / "run.npz", first)
    with pytest.raises(ValueError, match=r"model\.parts\.0\.pixels is 1, here 2"):
        load(tmp_path / "run.npz", second)


def test_what_stands_before_the_first_parameters_is_data_too():
    model = shifting()
    assert model.on_data(IMAGES, rng=np.random.default_rng(0))[1](np.ones((50, 3))) == ()
    _, grad = parameter_vector(model)
    found = []
    for call in (model, model.on_data):
        grad[:] = 0
        y, pullback = call(IMAGES, rng=np.random.default_rng(0))
        pullback(y)
        found.append((y.tobytes(), grad.tobytes()))
    assert found[0] == found[1]


# -- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [(1, 6), (2, 3), (4, 1), (2, 2), (4, 6), (1, 1)], ids=str)
@pytest.mark.parametrize("leading", [(), (3,), (2, 1)], ids=str)
def test_a_token_is_a_patch_and_the_patches_stand_row_by_row(patch, leading):
    h, w = patch
    x = np.random.default_rng(3).uniform(size=(*leading, 4, 6))
    want = [x[..., i : i + h, j : j + w].reshape(*leading, h * w)
            for i in range(0, 4, h) for j in range(0, 6, w)]  # fmt: skip
    y, pullback = patches(x, patch=patch)
    np.testing.assert_array_equal(y, np.stack(want, axis=-2))
    np.testing.assert_array_equal(pullback(y), x)
    assert Patches(*patch)(x)[0].tobytes() == y.tobytes()
    assert check_vjp(patches, x, patch=patch) <= 1e-7


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: patches(IMAGES, patch=(3, 5)), ValueError,
         "patches: patch must divide an image of 4 x 5; got (3, 5). Try 1, 2, 4 rows, 1, 5 col"),
        (lambda: patches(IMAGES, patch=(4, 2)), ValueError, "patches: patch must divide an image"),
        (lambda: patches(IMAGES, patch=4), TypeError,
         "patches: patch must be (rows, columns); got 4."),
        (lambda: patches(IMAGES, patch=(1, 5, 1)), TypeError, "patches: patch must be (rows, col"),
        (lambda: Patches(0, 4), ValueError, "Patches: rows must be an integer >= 1; got 0."),
        (lambda: Patches(4, 1.5), TypeError, "Patches: columns must be an integer >= 1; got 1.5"),
    ],
)  # fmt: skip
def test_what_no_patch_can_be_is_refused_in_a_sentence(call, error, sentence):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(sentence)

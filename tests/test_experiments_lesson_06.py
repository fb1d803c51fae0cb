"""What lesson 06 measures, against what was worked out in another way."""

import numpy as np
import pytest

import nnlib.experiments.lesson_06 as lab
from nnlib.blocks import attention_weights, layer_norm, relu
from nnlib.calculus import check_vjp
from nnlib.layers import Layer, Linear, Sequential
from nnlib.mlp import flatten
from nnlib.parameters import parameter_vector
from nnlib.transformer import EncoderLayer

# -- pages -----------------------------------------------------------------------------------------


def test_a_page_answers_what_is_asked():
    pages = lab.random_pages(500, rng=3)
    for names, digits, asked, answer in zip(*pages):
        assert len(set(names)) == 4
        assert digits[list(names).index(asked)] == answer
    assert set(pages.names.ravel()) == set(range(8))
    assert set(pages.digits.ravel()) == set(range(10))
    places = (pages.names == pages.asked[:, None]).argmax(axis=1)
    assert set(places) == {0, 1, 2, 3}


def test_tokens_hold_the_page_and_nothing_else():
    pages = lab.random_pages(20, rng=0)
    x = lab.page_tokens(pages)
    assert (x[:, 0, :8].argmax(axis=-1) == pages.asked).all()
    assert (x[:, 1:, :8].argmax(axis=-1) == pages.names).all()
    assert (x[:, 1:, 8:].argmax(axis=-1) == pages.digits).all()
    assert not x[:, 0, 8:].any()  # the answer is not given away
    assert x.sum() == 20 * 9


def test_the_look_up_s_pullback_is_right():
    look, x = lab.LookUp(rng=0), lab.page_tokens(lab.random_pages(3, rng=1))
    assert check_vjp(look, x, directions=20) < 1e-7
    y, pullback = look(x)
    dx = pullback(np.ones_like(y))
    assert dx.shape == x.shape


def test_the_look_up_does_not_see_the_order_of_the_pairs():
    look, x = lab.LookUp(rng=0), lab.page_tokens(lab.random_pages(3, rng=1))
    other = x[:, [0, 3, 1, 4, 2]]
    np.testing.assert_allclose(look(other)[0], look(x)[0], atol=1e-12)
    np.testing.assert_allclose(look.weights(other), look.weights(x)[:, [2, 0, 3, 1]], atol=1e-12)


def test_a_reader_is_counted_on_its_own_pages_and_on_new_ones():
    always_three = Sequential(
        Layer(flatten), Linear(90, 10, init=lambda s, rng: np.zeros(s), rng=0)
    )
    always_three.parts[1].params["b"] = np.eye(10)[3]
    reader = lab.taught(always_three, pages=300, steps=0, seed=5)
    old, new = lab.random_pages(300, rng=5), lab.new_pages(5)
    assert reader.seen == pytest.approx((old.answer == 3).mean())
    assert reader.unseen == pytest.approx((new.answer == 3).mean())
    assert reader.on_page == pytest.approx((new.digits == 3).any(axis=1).mean())
    assert reader.numbers == 910


def test_new_pages_are_no_old_ones():
    old, new = lab.random_pages(2000, rng=5), lab.new_pages(5)
    assert (old.names[:2000] != new.names).any(axis=1).mean() > 0.9


def test_who_does_not_read_is_counted_by_hand():
    pages = lab.Pages(
        np.tile(np.arange(4), (3, 1)),
        np.array([[7, 7, 5, 1], [1, 2, 3, 4], [8, 8, 9, 9]]),
        np.array([0, 0, 0]),
        np.array([7, 1, 8]),
    )
    assert lab.most_frequent(pages) == pytest.approx((1 + 1 / 4 + 1 / 2) / 3)


@pytest.mark.parametrize("seed", range(3))
def test_attention_learns_to_look_where_an_mlp_learns_by_heart(seed):
    mlp = lab.page_mlp(128, seed=seed)
    by_heart = lab.taught(mlp, steps=1000, seed=seed)
    look = lab.LookUp(rng=seed)
    looked = lab.taught(look, steps=200, lr=1e-2, seed=seed)
    assert by_heart.seen > 0.99
    assert by_heart.unseen < 0.45
    assert looked.unseen > 0.99
    assert looked.numbers < by_heart.numbers / 9


# -- saturation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scaled", [True, False])
def test_rows_are_those_of_attention(scaled):
    d, found = 16, lab.first_rows(16, scaled=scaled, tokens=5, seed=2)
    rng = np.random.default_rng(2)
    q, k = rng.standard_normal((2, 5, d))
    dA = rng.standard_normal((5, 5))
    factor = 1 if scaled else np.sqrt(d)
    A, _ = attention_weights(factor * q, k)
    slopes = [(np.diag(a) - np.outer(a, a)) @ da for a, da in zip(A, dA)]
    assert found.largest == pytest.approx(A.max(axis=1).mean())
    assert found.entropy == pytest.approx(-(A * np.log(A)).sum() / 5)
    assert found.gradient == pytest.approx(np.median(np.linalg.norm(slopes, axis=1)))


def test_a_row_that_has_chosen_has_no_entropy_and_no_gradient():
    found = lab.first_rows(200_000, scaled=False, seed=0)
    assert found.entropy < 0.05
    assert found.gradient < 1e-6
    assert found.largest > 0.95


# -- layer norm ------------------------------------------------------------------------------------


def test_training_goes_through_the_norm_that_is_given():
    asked = []

    def norm(x, gamma, beta):
        asked.append(x.shape)
        return layer_norm(x, gamma, beta)

    losses, right = lab.trained_with(norm, steps=3, seed=0)
    assert losses.shape == (3,)
    assert asked.count((100, 32)) == 9  # three layers, three batches
    assert 0 <= right <= 1
    same, _ = lab.trained_with(layer_norm, steps=3, seed=0)
    np.testing.assert_array_equal(losses, same)


# -- the way back ----------------------------------------------------------------------------------


def test_nothing_comes_back_through_what_is_one_way():
    part = lab.OneWay(Linear(3, 3, rng=0))
    x = np.random.default_rng(0).standard_normal((2, 3))
    y, pullback = part(x)
    np.testing.assert_array_equal(y, part.parts[0](x)[0])
    assert not pullback(y).any()
    assert not part.parts[0].grads["W"].any()
    assert lab.OneWay(Layer(relu))(x)[1](x).shape == x.shape


@pytest.mark.parametrize("norm_first", [True, False])
def test_lengths_are_those_of_the_chain_s_gradients(norm_first):
    rng = np.random.default_rng(4)
    x, layers = rng.standard_normal((4, 10, 32)), []
    for _ in range(3):
        layers.append(EncoderLayer(32, 4, 128, norm_first=norm_first, rng=rng))
        x, _ = layers[-1](x)
    dy = rng.standard_normal(x.shape)
    start = np.random.default_rng(4).standard_normal((4, 10, 32))
    y, pullback = Sequential(*layers)(start)
    found = lab.sent_back(norm_first, depth=3, seed=4)
    assert found[-1] == 1
    assert found[0] == pytest.approx(np.linalg.norm(pullback(dy)) / np.linalg.norm(dy))


@pytest.mark.parametrize("seed", range(4))
def test_along_the_additions_all_comes_back_in_pre_norm_and_little_in_post_norm(seed):
    assert (lab.sent_back(True, around_only=True, seed=seed) == 1).all()
    through_norms = lab.sent_back(False, around_only=True, seed=seed)
    assert (np.diff(through_norms) > 0).all()
    assert through_norms[0] < 1e-3


def test_models_have_the_parameters_that_the_lesson_counts():
    assert parameter_vector(lab.LookUp(rng=0))[0].size == 4 * (18 * 18 + 18)


class Spied:
    """A classifier of two images with known weights, which notes the mask that it is given."""

    A = np.array([[0.2, 0.5, 0.1, 0.3], [0.4, 0.1, 0.2, 0.3]])  # over the rows

    def weights(self, x):
        rows = np.insert(self.A, 0, 0.0, axis=1)  # the class token first
        heads = np.stack([rows + 0.1, rows - 0.1], axis=1)
        return [None, np.repeat(heads[:, :, None], 5, axis=2)]

    def __call__(self, x, mask):
        self.mask = mask
        return np.eye(10)[[3, 4] * (len(self.A) // 2)], None


@pytest.mark.parametrize(
    ("which", "there"),
    [("most", [[1, 0, 1, 0], [0, 1, 0, 1]]), ("least", [[0, 1, 1, 0], [1, 0, 0, 1]])],
)
def test_hidden_are_the_rows_with_ink_that_are_looked_at(which, there):
    x = np.ones((2, 4, 3))
    x[0, 2] = x[1, 3] = 0  # without ink: never hidden while others are there
    model = Spied()
    share = lab.read_with_rows_hidden(model, x, np.array([3, 5]), which=which, rows=2)
    assert share == 0.5
    assert model.mask[:, 0].astype(int).tolist() == there


def test_hidden_are_the_rows_that_a_layer_looks_at():
    x, model = np.ones((2, 4, 3)), Spied()
    lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="most", layer=1, rows=1)
    assert model.mask[:, 0].astype(int).tolist() == [[1, 0, 1, 1], [0, 1, 1, 1]]
    with pytest.raises(TypeError):
        lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="most", layer=0)


def test_hidden_are_the_rows_with_most_ink_whatever_is_looked_at():
    x, model = np.arange(1.0, 25).reshape(2, 4, 3), Spied()
    x[1] = x[1, ::-1]
    lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="ink", rows=2)
    assert model.mask[:, 0].astype(int).tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]


def test_a_hidden_block_is_rows_side_by_side_and_lies_elsewhere_in_each_image():
    x = np.zeros((300, 12, 3))
    x[:, 2:9] = 1
    model = Spied()
    model.A = np.ones((300, 12))
    lab.read_with_rows_hidden(model, x, np.array([3, 4] * 150), which="block", rows=3)
    hidden = [np.flatnonzero(~row).tolist() for row in model.mask[:, 0]]
    assert {rows[0] for rows in hidden} == {2, 3, 4, 5, 6}
    assert all(rows == list(range(rows[0], rows[0] + 3)) for rows in hidden)


def test_any_rows_are_the_same_each_time_and_all_have_ink():
    x, model = np.ones((2, 4, 3)), Spied()
    x[:, 0] = 0
    lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="any", rows=1)
    first = model.mask
    lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="any", rows=1)
    np.testing.assert_array_equal(first, model.mask)
    assert first[:, 0, 0].all()
    assert (~first).sum() == 2
    with pytest.raises(ValueError, match="which must be"):
        lab.read_with_rows_hidden(model, x, np.array([3, 4]), which="best")

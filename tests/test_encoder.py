"""What nnlib.encoder promises: PyTorch's numbers, true gradients, masks that hide exactly."""

import numpy as np
import pytest
from blocks_table import scaled_error
from encoder_table import CASES
from models import Drawn, generic
from stored_values import golden_of

from nnlib.blocks import softmax
from nnlib.calculus import check_vjp
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector
from nnlib.training import Training, accuracy
from nnlib.transformer import (
    Encoder,
    EncoderLayer,
    MultiHeadAttention,
    OneLayerEncoder,
    TokenClassifier,
    causal_mask,
    padding_mask,
)

IDS = np.array([[4, 2, 7, 1, 3], [5, 5, 0, 0, 0]])
MASKS = {
    "no mask": None,
    "causal": causal_mask(5),
    "padded": padding_mask(IDS, 0),
    "both": causal_mask(5) & padding_mask(IDS, 0),
}
each_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
each_norm = pytest.mark.parametrize("norm_first", [True, False], ids=["pre-norm", "post-norm"])
each_readout = pytest.mark.parametrize("readout", ["class", "mean"])
each_positions = pytest.mark.parametrize("positions", ["learned", "sinusoids", None])


def layer_of(norm_first=True, dtype="float64", **options):
    return generic(EncoderLayer(6, 2, 8, norm_first=norm_first, rng=0, dtype=dtype, **options))


def encoder_of(norm_first=True, **options):
    return generic(Encoder(2, 6, 2, 8, norm_first=norm_first, rng=0, **options))


def classifier(dtype="float64", **options):
    options = {"d": 6, "heads": 2, "d_ff": 8} | options
    return generic(TokenClassifier(4, 5, 3, rng=0, dtype=dtype, **options))


def tokens(width=6, samples=2, count=5, seed=1):
    return np.random.default_rng(seed).standard_normal((samples, count, width))


# -- PyTorch's numbers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden():
    return golden_of("encoder")


def test_there_are_golden_values_of_every_case_and_of_no_other(golden):
    assert {name.partition("/")[0] for name in golden} == {str(case) for case in CASES}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_all_gradients_are_those_of_pytorch(golden, case, dtype, tolerance):
    stored = lambda name: golden[f"{case}/{name}"].astype(dtype)
    model = case.model(dtype)
    theta, grad = parameter_vector(model)
    theta[:] = stored("theta")
    inputs = ("x", "context") if case.kind == "attention" else ("x",)
    y, pullback = model(*map(stored, inputs), mask=case.mask())
    dx = pullback(stored("dy"))
    got = dict(zip([f"d{name}" for name in inputs], dx if len(inputs) > 1 else [dx]))
    got |= {"y": y, "grad": grad}
    for name, a in got.items():
        assert a.dtype == dtype
        assert scaled_error(a, golden[f"{case}/{name}"]) <= tolerance, name


# -- gradients ------------------------------------------------------------------------------------


@each_mask
@each_norm
@pytest.mark.parametrize("build", [layer_of, encoder_of], ids=["layer", "encoder"])
def test_the_gradient_for_the_tokens_is_the_true_one(build, norm_first, mask):
    assert check_vjp(build(norm_first), tokens(), mask=mask) <= 1e-7


@each_norm
@each_readout
@each_positions
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_gradient_of_a_whole_classifier_is_the_true_one(
    norm_first, readout, positions, masked, dropout
):
    options = {"norm_first": norm_first, "readout": readout, "positions": positions}
    model = Drawn(classifier(dropout=dropout, layers=2, **options))
    theta, _ = parameter_vector(model)
    constants = {"mask": padding_mask(IDS, 0)} if masked else {}
    x, labels = tokens(4), np.array([2, 0])
    f = objective(model, softmax_cross_entropy, x, constants=constants, labels=labels)
    assert check_vjp(f, theta, directions=5) <= 1e-7
    assert check_vjp(model, x, directions=5, **constants) <= 1e-7


@each_norm
def test_every_coordinate_of_a_classifier_s_gradient_is_the_true_one(norm_first):
    model = classifier(norm_first=norm_first)
    theta, _ = parameter_vector(model)
    f = objective(model, softmax_cross_entropy, tokens(4), labels=np.array([2, 0]))
    assert check_vjp(f, theta) <= 1e-7


@pytest.mark.parametrize("scaled", [False, True])
def test_the_gradients_of_document_c_s_encoder_are_true(scaled):
    model = OneLayerEncoder(4, 5, 6, 3, scaled=scaled, rng=0, dtype="float64")
    theta, _ = parameter_vector(model)
    x = tokens(4)
    f = objective(model, softmax_cross_entropy, x, labels=np.array([2, 0]))
    assert check_vjp(f, theta) <= 1e-7
    assert check_vjp(model, x) <= 1e-7


def test_data_that_need_no_gradient_get_none_and_the_parameters_get_theirs():
    model, x, dz = classifier(), tokens(4), tokens(3, count=2)[:, 0]
    _, grad = parameter_vector(model)
    (z, pullback), (z_data, data_pullback) = model(x), model.on_data(x)
    assert pullback(dz).shape == x.shape
    once, grad[:] = grad.copy(), 0
    assert data_pullback(dz) == ()
    np.testing.assert_array_equal(z_data, z)
    np.testing.assert_array_equal(grad, once)


# -- what the equations say -----------------------------------------------------------------------


def normed(x, layer):
    """Layer norm as its equation, with a layer's scale and shift."""
    x_hat = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return layer.params["gamma"] * x_hat + layer.params["beta"]


@each_norm
def test_a_layer_is_its_two_equations(norm_first):
    layer, x = layer_of(norm_first), tokens()
    norm1, attention, norm2, mlp = layer.parts
    attend, think = lambda n: attention(n, n)[0], lambda h: mlp(h)[0]
    if norm_first:
        h = x + attend(normed(x, norm1))
        want = h + think(normed(h, norm2))
    else:
        h = normed(x + attend(x), norm1)
        want = normed(h + think(h), norm2)
    np.testing.assert_allclose(layer(x)[0], want, rtol=1e-12, atol=1e-12)


@each_norm
def test_an_encoder_is_its_layers_in_order_and_a_last_norm_when_each_norms_first(norm_first):
    encoder, x = encoder_of(norm_first), tokens()
    first, second, *last = encoder.parts
    want = second(first(x)[0])[0]
    assert len(last) == norm_first
    if norm_first:
        want = normed(want, last[0])
    np.testing.assert_allclose(encoder(x)[0], want, rtol=1e-12, atol=1e-12)


def test_the_gradient_passes_a_pre_norm_layer_whose_branches_add_nothing_unchanged():
    layer, dy = layer_of(), tokens(seed=2)
    for branch in (layer.parts[1].parts[0].parts[-1], layer.parts[3].parts[0].parts[-1]):
        branch.params = {name: np.zeros_like(p) for name, p in branch.params.items()}
    _, pullback = layer(tokens())
    np.testing.assert_array_equal(pullback(dy), dy)


def test_the_scores_are_read_from_the_class_token_in_row_0():
    model, x = classifier(), tokens(4)
    (embed, token, places), encoder, read = model.parts[0].parts, *model.parts[1:]
    rows = [np.vstack([token.params["token"], embed(sample)[0]]) for sample in x]
    h, _ = encoder(np.stack(rows) + places.params["P"])
    np.testing.assert_allclose(model(x)[0], read(h[:, 0])[0], rtol=1e-12, atol=1e-12)


def test_the_mean_of_the_tokens_is_read_of_those_that_are_there():
    model, x, mask = classifier(readout="mean"), tokens(4), padding_mask(IDS, 0)
    (embed, places), encoder, read = model.parts[0].parts, *model.parts[1:]
    h, _ = encoder(embed(x)[0] + places.params["P"], mask=mask)
    means = np.stack([h[0].mean(axis=0), h[1, :2].mean(axis=0)])
    np.testing.assert_allclose(model(x, mask)[0], read(means)[0], rtol=1e-12, atol=1e-12)


def test_document_c_s_encoder_is_its_equations():
    for scaled, c in ((False, 1), (True, 1 / np.sqrt(6))):
        model = OneLayerEncoder(4, 5, 6, 3, scaled=scaled, rng=0, dtype="float64")
        _, embed, token, *qkv, read = model.parts
        W1, Wq, Wk, Wv, W2 = (part.params["W"].T for part in (embed, *qkv, read))
        x = tokens(4)
        for sample, z, A in zip(x, model(x)[0], model.weights(x), strict=True):
            h0 = (sample - sample.mean()) / np.sqrt(sample.var() + 1e-8)
            h = np.vstack([h0 @ W1, token.params["token"]])
            S, _ = softmax(c * h @ Wq @ (h @ Wk).T)
            np.testing.assert_allclose(A, S, rtol=1e-12)
            np.testing.assert_allclose(z, (S @ h @ Wv + h)[-1] @ W2, rtol=1e-12, atol=1e-12)


@each_norm
def test_the_weights_are_those_by_which_each_layer_attends(norm_first):
    model, x = classifier(layers=2, norm_first=norm_first), tokens(4)
    e, _ = model.parts[0](x)
    first, second, *_ = model.parts[1].parts
    A = model.weights(x)
    for layer, found in zip((first, second), A, strict=True):
        n = normed(e, layer.parts[0]) if norm_first else e
        np.testing.assert_allclose(found, layer.parts[1].parts[0].weights(n, n), rtol=1e-12)
        e, _ = layer(e)
    assert [a.shape for a in A] == [(2, 2, 6, 6)] * 2
    mask = padding_mask(IDS, 0)
    for found in model.weights(x, mask):
        assert (found[1, :, :, 3:] == 0).all()
        assert (found[1, :, :, :3] > 0).all()


# -- a sample is a case of its own, and order tells nothing without positions ----------------------


def invariant(f, x, tolerance):
    """Whether f of a batch is f of each sample, and of the batch in another order."""
    whole = f(x)
    each = np.concatenate([f(x[k : k + 1]) for k in range(len(x))])
    assert scaled_error(each, whole) <= tolerance
    assert scaled_error(f(x[::-1]), whole[::-1]) <= tolerance


@each_norm
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_a_batch_is_its_samples_one_by_one(norm_first, dtype, tolerance):
    options = {"norm_first": norm_first, "dtype": dtype}
    x = tokens(6, samples=7).astype(dtype)
    samples = x[..., :4]
    invariant(lambda x: layer_of(**options)(x)[0], x, tolerance)
    invariant(lambda x: encoder_of(**options)(x, causal_mask(5))[0], x, tolerance)
    for model in (classifier(readout=readout, **options) for readout in ("class", "mean")):
        invariant(lambda x, model=model: model(x)[0], samples, tolerance)
    model = OneLayerEncoder(4, 5, 6, 3, rng=0, dtype=dtype)
    invariant(lambda x: model(x)[0], samples, tolerance)


@each_norm
@each_readout
def test_only_positions_tell_the_order_of_the_tokens(norm_first, readout):
    x, order = tokens(4, samples=3), np.array([3, 0, 4, 1, 2])
    for positions in (None, "learned", "sinusoids"):
        model = classifier(positions=positions, readout=readout, norm_first=norm_first, layers=2)
        gap = scaled_error(model(x[:, order])[0], model(x)[0])
        assert gap <= 1e-12 if positions is None else gap > 1e-3


@each_readout
def test_tokens_that_are_masked_are_as_good_as_not_there(readout):
    model, x = classifier(readout=readout, layers=2), tokens(4)
    masked = model(x, padding_mask(IDS, 0))[0][1]
    np.testing.assert_allclose(masked, model(x[1:, :2])[0][0], rtol=1e-12, atol=1e-12)


# -- masks hide exactly ---------------------------------------------------------------------------


@each_norm
@pytest.mark.parametrize("build", [layer_of, encoder_of], ids=["layer", "encoder"])
@pytest.mark.parametrize("value", [1e30, -1e30, 0.0])
def test_what_comes_later_changes_nothing_before_it(build, norm_first, value):
    model, x, dy = build(norm_first), tokens(), tokens(seed=2)
    changed = x.copy()
    changed[:, 3] = value
    _, grad = parameter_vector(model)
    found = []
    for inputs in (x, changed):
        y, pullback = model(inputs, causal_mask(5))
        grad[:] = 0
        dx = pullback(np.where(np.arange(5)[:, None] < 3, dy, 0))
        assert (dx[:, 3:] == 0).all()
        found.append((y[:, :3].tobytes(), dx[:, :3].tobytes(), grad.tobytes()))
    assert found[0] == found[1]


@each_norm
@each_readout
def test_what_stands_at_a_padded_token_changes_nothing(norm_first, readout):
    model, x = classifier(norm_first=norm_first, readout=readout, layers=2), tokens(4)
    mask, dz = padding_mask(IDS, 0), tokens(3, count=2)[:, 0]
    found = []
    for value in (0.5, 1e30):
        x[1, 2:] = value
        z, pullback = model(x, mask)
        dx = pullback(dz)
        assert (dx[1, 2:] == 0).all()
        assert dx[1, :2].all()
        found.append((z.tobytes(), dx.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@each_norm
def test_what_is_no_number_is_refused_behind_a_mask(norm_first, bad):
    x = tokens(4)
    x[1, 3] = bad
    model = classifier(norm_first=norm_first)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match="attention: [kv] must be finite at a blocked key, too"),
    ):
        model(x, padding_mask(IDS, 0))


def test_a_query_that_sees_what_is_no_number_is_not_told_of_what_it_does_not_see():
    attend, x = MultiHeadAttention(6, 2, rng=0), np.full((1, 5, 6), np.nan)
    assert np.isnan(attend(x, x, causal_mask(5))[0]).all()


@each_norm
def test_a_query_without_any_key_is_refused(norm_first):
    mask = causal_mask(5)
    mask[2] = False
    with pytest.raises(ValueError, match=r"query row 2 is blocked\. In nnlib True means"):
        layer_of(norm_first)(tokens(), mask)
    with pytest.raises(ValueError, match="every key of query row 0 is blocked"):
        classifier(readout="mean")(tokens(4), np.zeros((2, 1, 5), bool))


# -- dropout, the first scores, training ----------------------------------------------------------


@each_norm
def test_dropout_acts_with_a_generator_only(norm_first):
    layer, twin = layer_of(norm_first, dropout=0.5), layer_of(norm_first)
    x = tokens()
    np.testing.assert_array_equal(layer(x)[0], twin(x)[0])
    draw = lambda seed: layer(x, rng=np.random.default_rng(seed))[0]
    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))
    assert not np.array_equal(draw(1), layer(x)[0])


@each_positions
@each_readout
def test_before_training_the_loss_is_that_of_chance(positions, readout):
    images = np.random.default_rng(0).random((64, 28, 28), np.float32)
    for layers in (1, 3):
        options = {"positions": positions, "readout": readout, "layers": layers}
        z, _ = TokenClassifier(28, 28, 10, rng=1, **options)(images)
        loss, _ = softmax_cross_entropy(z, labels=np.arange(64) % 10)
        assert abs(loss - np.log(10)) < 0.05


def test_at_first_a_layer_keeps_the_size_of_normed_tokens_and_scores_have_variance_1():
    x = np.random.default_rng(0).standard_normal((50, 20, 64))
    attend = MultiHeadAttention(64, 4, rng=1)
    q, k = (attend.split(part(x)[0]) for part in attend.parts[:2])
    assert abs((q @ k.mT / 4).std() - 1) < 0.1
    y, _ = EncoderLayer(64, 4, 256, rng=1)(x)
    assert 1 < y.std() < 2


@each_norm
@each_readout
@pytest.mark.parametrize("workers", [1, 2])
def test_a_classifier_learns_which_of_its_tokens_is_marked(norm_first, readout, workers):
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((300, 5, 4), np.float32), rng.integers(3, size=300)
    x[np.arange(300), labels + 1, 0] += 6
    options = {"d": 16, "heads": 2, "d_ff": 32, "norm_first": norm_first, "readout": readout}
    model = TokenClassifier(4, 5, 3, rng=0, **options)
    optimizer = Adam(parameter_vector(model)[0], lr=5e-3)
    options = {"batch_size": 30, "seed": 0, "workers": workers}
    training = Training(model, softmax_cross_entropy, optimizer, x[:200], labels[:200], **options)
    training.run(150)
    assert accuracy(model, x[200:], labels[200:]) > 0.9


def test_masks_come_with_the_tokens_by_name():
    rng = np.random.default_rng(0)
    x = {"x": rng.standard_normal((40, 5, 4)), "mask": rng.random((40, 1, 5)) < 0.7}
    x["mask"][:, :, 0] = True
    model = classifier(dropout=0.1)
    optimizer, labels = Adam(parameter_vector(model)[0], lr=0.01), rng.integers(3, size=40)
    options = {"batch_size": 8, "seed": 0, "workers": 2}
    training = Training(model, softmax_cross_entropy, optimizer, x, labels, **options)
    history = training.run(100)
    assert history.loss[-10:].mean() < 0.7 * history.loss[:10].mean()


# -- lengths and samples ---------------------------------------------------------------------------


@each_readout
def test_fewer_tokens_than_there_is_room_for_are_taken(readout):
    model, x = classifier(readout=readout), tokens(4)
    assert model(x[:, :3])[0].shape == (2, 3)
    _, grad = parameter_vector(model)
    model(x[:, :3])[1](np.ones((2, 3)))
    assert not model.parts[0].parts[-1].grads["P"][3 + (readout == "class") :].any()


def test_a_batch_without_samples_gives_scores_and_gradients_without_samples():
    model, none = classifier(), np.ones((0, 5, 4))
    z, pullback = model(none)
    assert z.shape == (0, 3)
    assert pullback(z).shape == none.shape
    assert not parameter_vector(model)[1].any()


def test_one_sample_needs_no_batch_axis():
    model, x = classifier(), tokens(4)
    np.testing.assert_allclose(model(x[0])[0], model(x)[0][0], rtol=1e-12, atol=1e-14)
    masked = model(x[1], padding_mask(IDS[1], 0))[0]
    np.testing.assert_allclose(masked, model(x, padding_mask(IDS, 0))[0][1], rtol=1e-12, atol=1e-14)

"""What decoders promise: PyTorch's numbers, true gradients, and a past that no future changes."""

import copy

import numpy as np
import pytest
from blocks_table import scaled_error
from decoder_table import CASES, KEEP, LABELS, SOURCE, TARGET
from models import Drawn, generic
from stored_values import golden_of

from nnlib.calculus import check_vjp
from nnlib.losses import softmax_cross_entropy
from nnlib.optimizers import Adam
from nnlib.parameters import objective, parameter_vector
from nnlib.recurrent import RecurrentEncoderDecoder, RecurrentLanguageModel
from nnlib.tasks import copying
from nnlib.training import Training, accuracy
from nnlib.transformer import (
    Decoder,
    DecoderLayer,
    EncoderDecoder,
    LanguageModel,
    causal_mask,
    padding_mask,
)

each_norm = pytest.mark.parametrize("norm_first", [True, False], ids=["pre-norm", "post-norm"])
each_positions = pytest.mark.parametrize("positions", ["learned", "sinusoids", None])
each_tied = pytest.mark.parametrize("tied", [True, False], ids=["tied", "apart"])
DATA = {"source": SOURCE, "target": TARGET}


def encoder_decoder(dtype="float64", layers=1, **options):
    return generic(EncoderDecoder(9, 4, 2, 6, layers, longest=6, rng=0, dtype=dtype, **options))


def language_model(dtype="float64", layers=2, **options):
    return generic(LanguageModel(9, 4, 2, 6, layers, longest=6, rng=0, dtype=dtype, **options))


def recurrent_encoder_decoder(dtype="float64", **options):
    return generic(RecurrentEncoderDecoder(9, 4, rng=0, dtype=dtype, **options))


def recurrent_language_model(dtype="float64", **options):
    return generic(RecurrentLanguageModel(9, 4, rng=0, dtype=dtype, **options))


READERS = [encoder_decoder, recurrent_encoder_decoder]
WRITERS = [language_model, recurrent_language_model]
each_model = pytest.mark.parametrize("build", READERS + WRITERS, ids=lambda f: f.__name__)
each_reader = pytest.mark.parametrize("build", READERS, ids=lambda f: f.__name__)


def data_of(model):
    """What a model of this kind is called with."""
    reads = isinstance(model, EncoderDecoder | RecurrentEncoderDecoder)
    return DATA if reads else {"ids": TARGET}


def loss_of(model, **data):
    """The objective of a model on padded sequences."""
    data = data or data_of(model)
    return objective(model, softmax_cross_entropy, constants=data, labels=LABELS, keep=KEEP)


def tokens(count=4, seed=1):
    return np.random.default_rng(seed).standard_normal((3, count, 4))


# -- PyTorch's numbers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden():
    return golden_of("decoder")


def test_there_are_golden_values_of_every_case_and_of_no_other(golden):
    assert {name.partition("/")[0] for name in golden} == {str(case) for case in CASES}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_all_gradients_are_those_of_pytorch(golden, case, dtype, tolerance):
    stored = lambda name: golden[f"{case}/{name}"].astype(dtype)
    model = case.model(dtype)
    theta, grad = parameter_vector(model)
    theta[:] = stored("theta")
    if case.kind == "layer":
        y, pullback = model(stored("x"), stored("memory"), **case.masks())
        dx, dmemory = pullback(stored("dy"))
        got = {"y": y, "dx": dx, "dmemory": dmemory}
    else:
        z, pullback = model(**DATA)
        loss, loss_pullback = softmax_cross_entropy(z, labels=LABELS, keep=KEEP)
        pullback(loss_pullback(1.0))
        got = {"z": z, "loss": np.array(loss, dtype)}
    for name, a in (got | {"grad": grad}).items():
        assert a.dtype == dtype
        assert scaled_error(a, golden[f"{case}/{name}"]) <= tolerance, name


# -- gradients ------------------------------------------------------------------------------------


@each_norm
@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradients_for_the_tokens_and_for_the_memory_are_true(norm_first, layers, masked):
    options = {"norm_first": norm_first, "rng": 0}
    build = Decoder(layers, 4, 2, 6, **options) if layers else DecoderLayer(4, 2, 6, **options)
    model = generic(build)
    masks = {"mask": causal_mask(4), "memory_mask": padding_mask(SOURCE, 0)} if masked else {}
    assert check_vjp(model, tokens(), tokens(5, seed=2), **masks) <= 1e-7


@each_norm
@each_positions
@each_tied
@pytest.mark.parametrize("build", [encoder_decoder, language_model], ids=["both", "alone"])
def test_every_coordinate_of_a_transformer_s_gradient_is_the_true_one(
    build, norm_first, positions, tied
):
    model = build(norm_first=norm_first, positions=positions, tied=tied)
    assert check_vjp(loss_of(model), parameter_vector(model)[0]) <= 1e-7


@each_tied
@pytest.mark.parametrize("build", [recurrent_encoder_decoder, recurrent_language_model])
def test_every_coordinate_of_a_recurrent_model_s_gradient_is_the_true_one(build, tied):
    model = build(tied=tied)
    assert check_vjp(loss_of(model), parameter_vector(model)[0]) <= 1e-7


@each_norm
@pytest.mark.parametrize("build", [encoder_decoder, language_model], ids=["both", "alone"])
def test_the_gradient_through_dropout_is_the_true_one_for_a_given_draw(build, norm_first):
    model = build(norm_first=norm_first, dropout=0.3)
    drawn, data = Drawn(model), data_of(model)
    assert not np.array_equal(drawn(**data)[0], model(**data)[0])
    f = objective(drawn, softmax_cross_entropy, constants=data, labels=LABELS, keep=KEEP)
    assert check_vjp(f, parameter_vector(model)[0], directions=5) <= 1e-7


def test_a_tied_array_collects_the_gradients_of_both_of_its_uses():
    for build in (encoder_decoder, language_model, recurrent_encoder_decoder):
        tied, apart = build(tied=True), build(tied=False)
        theta, grad = parameter_vector(tied)
        theta_apart, grad_apart = parameter_vector(apart)
        E, own = tied.parts[-1].params["E"], apart.parts[-1].params["E"]
        assert theta_apart.size == theta.size + E.size
        theta_apart[: theta.size], own[:] = theta, E
        z, pullback = tied(**data_of(tied))
        z_apart, pullback_apart = apart(**data_of(apart))
        np.testing.assert_allclose(z, z_apart, rtol=1e-12)
        pullback(z)
        pullback_apart(z)
        embed = apart.parts[-3].parts[0]
        both = embed.grads["E"] + apart.parts[-1].grads["E"]
        assert scaled_error(tied.parts[-1].grads["E"], both) <= 1e-12
        assert tied.parts[-3].parts[0].params["E"] is E


def test_the_row_of_a_token_collects_the_gradients_of_all_its_uses():
    model = language_model(positions=None, tied=False)
    embed, ids = model.parts[0], np.array([[1, 3, 3], [3, 1, 5]])
    x, pullback = embed(ids=ids)
    dx = np.random.default_rng(0).standard_normal(x.shape)
    assert pullback(dx) == ()
    dE = embed.parts[0].grads["E"]
    np.testing.assert_allclose(dE[3], dx[0, 1] + dx[0, 2] + dx[1, 0], rtol=1e-14)
    np.testing.assert_allclose(dE[1], dx[0, 0] + dx[1, 1], rtol=1e-14)
    assert not dE[[0, 2, 4, 6, 7, 8]].any()


@each_model
def test_the_loss_over_what_is_kept_moves_no_row_of_padding(build):
    model = build(tied=False)
    z, pullback = model(**data_of(model))
    loss, loss_pullback = softmax_cross_entropy(z, labels=LABELS, keep=KEEP)
    pullback(loss_pullback(1.0))
    for embed in model.parts[:-1:2]:
        dE = embed.parts[0].grads["E"]
        assert not dE[0].any()
        assert dE[1].any()


# -- what the equations say -----------------------------------------------------------------------


def normed(x, layer):
    """Layer norm as its equation, with a layer's scale and shift."""
    x_hat = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return layer.params["gamma"] * x_hat + layer.params["beta"]


@each_norm
def test_a_layer_is_its_three_equations(norm_first):
    layer = generic(DecoderLayer(4, 2, 6, norm_first=norm_first, rng=0))
    norm1, attention, norm2, cross, norm3, mlp = layer.parts
    x, memory, mask = tokens(), tokens(5, seed=2), causal_mask(4)
    attend = lambda n: attention(n, n, mask=mask)[0]
    read, think = lambda n: cross(n, memory)[0], lambda n: mlp(n)[0]
    if norm_first:
        h = x + attend(normed(x, norm1))
        g = h + read(normed(h, norm2))
        want = g + think(normed(g, norm3))
    else:
        h = normed(x + attend(x), norm1)
        g = normed(h + read(h), norm2)
        want = normed(g + think(g), norm3)
    np.testing.assert_allclose(layer(x, memory, mask)[0], want, rtol=1e-12, atol=1e-12)


@each_norm
def test_a_decoder_is_its_layers_in_order_and_a_last_norm_when_each_norms_first(norm_first):
    decoder = generic(Decoder(2, 4, 2, 6, norm_first=norm_first, rng=0))
    first, second, *last = decoder.parts
    x, memory = tokens(), tokens(5, seed=2)
    want = second(first(x, memory)[0], memory)[0]
    assert len(last) == norm_first
    if norm_first:
        want = normed(want, last[0])
    np.testing.assert_allclose(decoder(x, memory)[0], want, rtol=1e-12, atol=1e-12)


def test_an_embedding_is_the_row_of_the_token_and_that_of_its_place():
    read, *_, score = encoder_decoder(tied=False).parts
    look_up, place = read.parts
    E, P = look_up.params["E"], place.params["P"]
    np.testing.assert_array_equal(read(ids=SOURCE)[0], E[SOURCE] + P[: SOURCE.shape[1]])
    h = tokens()
    np.testing.assert_allclose(score(h)[0], h @ score.params["E"].T, rtol=1e-14)


@each_norm
def test_the_weights_are_those_by_which_each_layer_attends(norm_first):
    model = encoder_decoder(norm_first=norm_first, layers=2)
    found = model.weights(SOURCE, TARGET)
    assert [A.shape for A in found.source] == [(3, 2, 5, 5)] * 2
    assert [A.shape for A in found.target] == [(3, 2, 4, 4)] * 2
    assert [A.shape for A in found.cross] == [(3, 2, 4, 5)] * 2
    blocked = ~(causal_mask(4) & padding_mask(TARGET, 0))
    for A in found.target:
        assert (A[np.broadcast_to(blocked[:, None], A.shape)] == 0).all()
    for A in (*found.source, *found.cross):
        assert (A[1, :, :, 2:] == 0).all()
        assert (A[1, :, :, :2] > 0).all()
    for A in (*found.source, *found.target, *found.cross):
        np.testing.assert_allclose(A.sum(axis=-1), 1, rtol=1e-12)
    read, encoder, write, decoder, _ = model.parts
    memory, _ = model.encode(SOURCE)
    masks = {"mask": ~blocked, "memory_mask": padding_mask(SOURCE, 0)}
    x, _ = write(ids=TARGET)
    for layer, own, cross in zip(decoder.parts, found.target, found.cross):
        norm1, attend, norm2, look, *_ = layer.parts
        n = normed(x, norm1) if norm_first else x
        np.testing.assert_allclose(own, attend.parts[0].weights(n, n, ~blocked), rtol=1e-12)
        h = x + attend(n, n, mask=~blocked)[0]
        m = normed(h, norm2) if norm_first else normed(h, norm1)
        want = look.parts[0].weights(m, memory, masks["memory_mask"])
        np.testing.assert_allclose(cross, want, rtol=1e-12)
        x, _ = layer(x, memory, **masks)


# -- the past does not know the future ------------------------------------------------------------


@each_norm
@pytest.mark.parametrize("value", [1e30, -1e30, 0.0])
def test_what_comes_later_changes_nothing_before_it(norm_first, value):
    decoder, memory = generic(Decoder(2, 4, 2, 6, norm_first=norm_first, rng=0)), tokens(5, seed=2)
    x, dy = tokens(), np.where(np.arange(4)[:, None] < 2, tokens(seed=3), 0)
    _, grad = parameter_vector(decoder)
    found = []
    for later in (x[:, 2:].copy(), value):
        x[:, 2:] = later
        y, pullback = decoder(x, memory, causal_mask(4))
        grad[:] = 0
        dx, dmemory = pullback(dy)
        assert (dx[:, 2:] == 0).all()
        found.append([a.tobytes() for a in (y[:, :2], dx[:, :2], dmemory, grad)])
    assert found[0] == found[1]


@each_model
@pytest.mark.parametrize("place", [1, 2, 3])
def test_another_token_later_changes_no_bit_of_the_scores_before_it(build, place):
    model = build()
    data = data_of(model)
    name = list(data)[-1]
    other = data[name].copy()
    other[:, place:] = 8 - other[:, place:]
    z, changed = model(**data)[0], model(**(data | {name: other}))[0]
    assert z[:, :place].tobytes() == changed[:, :place].tobytes()
    assert not np.array_equal(z[:, place:], changed[:, place:])


@each_reader
def test_padding_behind_a_source_changes_no_score_and_gets_no_gradient(build):
    model = build(tied=False)
    short = {"source": SOURCE[1:2, :2], "target": TARGET[1:2]}
    padded = {"source": SOURCE[1:2], "target": TARGET[1:2]}
    np.testing.assert_allclose(model(**padded)[0], model(**short)[0], rtol=1e-12, atol=1e-12)
    z, pullback = model(**padded)
    pullback(np.ones_like(z))
    assert not model.parts[0].parts[0].grads["E"][0].any()


@each_model
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_a_batch_is_its_samples_one_by_one(build, dtype, tolerance):
    model = build(dtype=dtype)
    data = data_of(model)
    z, _ = model(**data)
    assert z.dtype == dtype
    each = [model(**{name: a[k : k + 1] for name, a in data.items()})[0] for k in range(3)]
    assert scaled_error(np.concatenate(each), z) <= tolerance


def test_without_positions_the_order_of_the_source_tells_nothing():
    order = np.array([3, 0, 4, 1, 2])
    source, target = np.array([[4, 3, 7, 1, 3]]), TARGET[:1]
    for positions in (None, "learned", "sinusoids"):
        model = encoder_decoder(positions=positions, layers=2)
        z, other = (model(source=s, target=target)[0] for s in (source, source[:, order]))
        gap = scaled_error(other, z)
        assert gap <= 1e-12 if positions is None else gap > 1e-3


# -- how it begins, how it is trained -------------------------------------------------------------


@each_tied
@each_model
def test_before_training_the_loss_is_about_that_of_chance(build, tied):
    ids = np.random.default_rng(0).integers(3, 29, size=(64, 10))
    kind = type(build())
    room = {} if kind.__name__.startswith("Recurrent") else {"longest": 10}
    model = kind(29, tied=tied, rng=1, **room)
    reads = isinstance(model, EncoderDecoder | RecurrentEncoderDecoder)
    z, _ = model(**({"source": ids, "target": ids} if reads else {"ids": ids}))
    loss, _ = softmax_cross_entropy(z, labels=ids[::-1])
    assert abs(loss - np.log(29)) < 1


@pytest.mark.parametrize("workers", [1, 2])
@each_reader
def test_a_model_learns_to_write_what_it_reads(build, workers):
    task = copying(200, lengths=(2, 3), symbols="abcdef", held_out=1, seed=0)
    train = task.train
    kind = type(build())
    room = {} if kind is RecurrentEncoderDecoder else {"longest": task.longest}
    model = kind(len(task.symbols), 16, rng=0, **room)
    optimizer = Adam(parameter_vector(model)[0], lr=0.01)
    options = {"batch_size": 40, "seed": 0, "workers": workers, "keep": train.keep}
    training = Training(model, softmax_cross_entropy, optimizer, train.x, train.labels, **options)
    history = training.run(120)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert accuracy(model, train.x, train.labels, keep=train.keep) > 0.6


def test_a_model_that_is_copied_keeps_its_arrays_tied():
    twin = copy.deepcopy(encoder_decoder())
    theta, _ = parameter_vector(twin)
    write, score = twin.parts[2], twin.parts[4]
    assert score.params["E"] is write.parts[0].params["E"]
    theta[:] = 0
    assert not write.E.any()

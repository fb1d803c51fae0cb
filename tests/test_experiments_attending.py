"""Attention looked into: what is shown is what the library computes, changed or not."""

from itertools import product

import numpy as np
import pytest

from nnlib.calculus import check_vjp
from nnlib.data import enlarged, load_digits
from nnlib.experiments import attending
from nnlib.experiments.attending import (
    SpelledOut,
    attended,
    entropy,
    hardest,
    moved,
    spelled_out,
)
from nnlib.experiments.encoder_on_mnist import VARIANTS, as_tokens, trained
from nnlib.experiments.filmed import USUAL, is_stored, learning, network
from nnlib.losses import softmax_cross_entropy
from nnlib.parameters import parameter_vector
from nnlib.transformer import MultiHeadAttention, TokenClassifier

DIGITS = load_digits()
IMAGES = DIGITS._replace(x_train=enlarged(DIGITS.x_train), x_test=enlarged(DIGITS.x_test))
X = np.random.default_rng(1).normal(size=(6, 4))
LAYERS, HEADS, TOKENS, CLASSES = 2, 2, 7, 5
EVERY_HEAD = list(product(range(LAYERS), range(HEADS)))
KINDS = {
    "norm before": {},
    "norm behind": {"norm_first": False},
    "no positions": {"positions": None},
    "sinusoids": {"positions": "sinusoids"},
    "mean": {"readout": "mean"},
}
each_kind = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)


def classifier(**options):
    """A small classifier far from its first weights, where each gradient is large enough to see."""
    options = {"d": 8, "heads": HEADS, "d_ff": 12, "layers": LAYERS} | options
    model = TokenClassifier(4, 6, CLASSES, rng=0, dtype="float64", **options)
    theta, _ = parameter_vector(model)
    theta += np.random.default_rng(2).normal(0, 0.3, theta.shape)
    return model


def exp_share(scores):
    """Softmax, written out."""
    e = np.exp(scores - scores.max())
    return e / e.sum()


# -- as it is -------------------------------------------------------------------------------------


@each_kind
def test_what_is_shown_is_what_the_model_computes(options):
    model = classifier(**options)
    weights, (z,) = model.weights(X[None]), model(X[None])[0]
    size = weights[0].shape[-1]
    for (layer, head), query in product(EVERY_HEAD, range(size)):
        found = attended(model, X, 3, layer=layer, head=head, query=query)
        np.testing.assert_allclose(found.A, weights[layer][0, head], rtol=1e-12)
        np.testing.assert_allclose(found.weights, weights[layer][0, head, query], rtol=1e-12)
        own = np.array([A[0, :, query] for A in weights])
        np.testing.assert_allclose(found.everywhere, own, rtol=1e-12)
        np.testing.assert_allclose(found.p, exp_share(z), rtol=1e-12)
        assert (found.label, moved(found)) == (3, 0.0)
        np.testing.assert_array_equal(found.plain_p, found.p)


def test_the_steps_of_the_strip_follow_from_each_other():
    model = classifier()
    for layer, head in EVERY_HEAD:
        found = attended(model, X, 0, layer=layer, head=head, query=2, masked=[4])
        np.testing.assert_allclose(found.scaled, found.raw / np.sqrt(8 / HEADS), rtol=1e-12)
        blocked = np.arange(TOKENS) == 4
        np.testing.assert_array_equal(found.masked, np.where(blocked, -np.inf, found.scaled))
        np.testing.assert_allclose(found.weights, exp_share(found.masked), rtol=1e-12)
        np.testing.assert_allclose(found.o, found.mixed.sum(axis=0), rtol=1e-12, atol=1e-14)


def test_the_first_scores_are_products_of_queries_and_keys():
    model = classifier(layers=1)
    embed, encoder, _ = model.parts
    attend = next(part for part in spelled_out(model)[1])
    h, _ = embed(X[None])
    norm = encoder.parts[0].parts[0]
    n, _ = norm(h)
    q, k = (attend.split(part(n)[0])[0] for part in attend.parts[:2])
    found = attended(model, X, 0, head=1, query=3)
    np.testing.assert_allclose(found.raw, k[1] @ q[1, 3], rtol=1e-12)


def test_entropy_is_that_of_the_weights_in_every_head():
    found = attended(classifier(), X, 0, query=1)
    for place, nats in np.ndenumerate(found.entropy):
        A = found.everywhere[place]
        assert nats == pytest.approx(-(A * np.log(A)).sum(), rel=1e-12)
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(np.log(8), rel=1e-15)
    assert entropy(np.eye(8)[2]) == 0


def test_looking_leaves_the_model_and_the_sample_as_they_are():
    model, x = classifier(), X.copy()
    theta, grad = parameter_vector(model)
    grad[:] = 7
    before = theta.copy()
    attended(model, x, 1, masked=[2], added=3.0, scaled=False)
    assert (parameter_vector(model)[0] is theta, set(grad)) == (True, {7.0})
    np.testing.assert_array_equal(theta, before)
    np.testing.assert_array_equal(x, X)


# -- its gradient ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scaled", [True, False])
def test_an_attention_that_is_spelled_out_has_the_right_pullback(scaled):
    rng = np.random.default_rng(3)
    attend = MultiHeadAttention(6, 2, rng=0)
    spelled = SpelledOut(attend, scaled=scaled, edits={(1, 0, 2): 0.7})
    mask = np.array([[True, True, False, True]] * 3)
    x, context = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 4, 6))
    assert check_vjp(lambda x, c: spelled(x, c, mask), x, context) <= 1e-7


def test_its_parameters_get_the_gradients_of_the_attention_that_it_spells_out():
    rng = np.random.default_rng(4)
    attend, x, dy = MultiHeadAttention(6, 2, rng=0), *rng.normal(size=(2, 2, 3, 6))
    _, grad = parameter_vector(attend)
    attend(x, x)[1](dy)
    due, grad[:] = grad.copy(), 0
    SpelledOut(attend)(x, x)[1](dy)
    np.testing.assert_allclose(grad, due, rtol=1e-10, atol=1e-13)


def with_weight(monkeypatch, twin, place, by, x, mask):
    """The scores when one weight, at (layer, head, query, key), is moved by something."""
    softmax, (layer, *entry) = attending.softmax, place
    calls = iter(range(LAYERS))

    def moving(scores):
        A, pullback = softmax(scores)
        if next(calls) == layer:
            A[0, *entry] += by
        return A, pullback

    with monkeypatch.context() as patched:
        patched.setattr(attending, "softmax", moving)
        return twin(x[None], mask=mask)[0]


@each_kind
@pytest.mark.parametrize("of", ["loss", 0, 3])
def test_the_gradient_by_the_weights_is_the_numerical_one(options, of, monkeypatch):
    model, eps = classifier(**options), 1e-6
    twin, _ = spelled_out(model)

    def value(place, by, mask):
        z = with_weight(monkeypatch, twin, place, by, X, mask)
        return z[0, of] if of != "loss" else softmax_cross_entropy(z, labels=np.array([3]))[0]

    for layer, head in EVERY_HEAD:
        dA = attended(model, X, 3, layer=layer, head=head, of=of, masked=[2]).dA
        mask = np.arange(len(dA) - 6, len(dA)).reshape(1, 1, 6) != 2
        ends = [
            [value((layer, head, *entry), by, mask) for entry in np.ndindex(dA.shape)]
            for by in (eps, -eps)
        ]
        numerical = (np.subtract(*ends) / (2 * eps)).reshape(dA.shape)
        assert np.abs(dA - numerical).max() <= 1e-7 * np.abs(numerical).max()


def test_the_loss_pulls_as_the_scores_do_by_its_own_gradient():
    model = classifier()
    found = attended(model, X, 3)
    slopes = found.p - np.eye(CLASSES)[3]
    of_scores = [attended(model, X, 3, of=k).dA for k in range(CLASSES)]
    np.testing.assert_allclose(found.dA, np.tensordot(slopes, of_scores, 1), rtol=1e-9, atol=1e-12)


def test_in_the_last_layer_only_the_query_that_is_read_has_a_gradient():
    model = classifier()
    last, first = (attended(model, X, 0, layer=layer).dA for layer in (1, 0))
    assert last[0].all()
    assert not last[1:].any()
    assert first.any(axis=1).all()
    assert attended(classifier(readout="mean"), X, 0, layer=1).dA.any(axis=1).all()


# -- with something changed -----------------------------------------------------------------------


@each_kind
def test_a_masked_token_has_weight_exactly_0_everywhere(options):
    model = classifier(**options)
    size = attended(model, X, 0).weights.size
    first = size - 6
    there = np.array([[[False, True, True, False, True, True]]])
    masked = [first, first + 3]
    other = X.copy()
    other[[0, 3]] = 1e6
    for (layer, head), query in product(EVERY_HEAD, range(size)):
        look = {"layer": layer, "head": head, "query": query, "masked": masked}
        found, changed = (attended(model, x, 0, **look) for x in (X, other))
        assert not found.A[:, masked].any()
        assert not found.everywhere[..., masked].any()
        np.testing.assert_allclose(found.p, exp_share(model(X[None], there)[0][0]), rtol=1e-12)
        np.testing.assert_array_equal(found.p, changed.p)
        np.testing.assert_allclose(found.plain_p, exp_share(model(X[None])[0][0]), rtol=1e-12)


def test_an_edited_score_moves_its_row_and_nothing_else_in_its_head():
    model, look = classifier(), {"layer": 0, "head": 1, "query": 2}
    plain, found = attended(model, X, 0, **look), attended(model, X, 0, **look, key=5, added=3.0)
    raw = plain.raw + 3.0 * (np.arange(TOKENS) == 5)
    np.testing.assert_allclose(found.raw, raw, rtol=1e-12)
    weights = exp_share(raw / np.sqrt(8 / HEADS))
    np.testing.assert_allclose(found.weights, weights, rtol=1e-12)
    v = plain.mixed / plain.weights[:, None]
    np.testing.assert_allclose(found.o, weights @ v, rtol=1e-10)
    others = np.arange(TOKENS) != 2
    np.testing.assert_array_equal(found.A[others], plain.A[others])
    np.testing.assert_array_equal(found.everywhere[0, 0], plain.everywhere[0, 0])
    np.testing.assert_array_equal(found.plain_o, plain.o)
    far = np.linalg.norm(found.o - plain.o) / np.linalg.norm(plain.o)
    assert moved(found) == pytest.approx(far, rel=1e-12)


def test_an_edit_that_drowns_a_key_is_as_good_as_masking_it():
    model = classifier(layers=1, heads=1)  # where only the class token's row is read
    edited = attended(model, X, 0, key=4, added=-1e9)
    np.testing.assert_allclose(edited.p, attended(model, X, 0, masked=[4]).p, rtol=1e-12)
    assert np.abs(edited.p - edited.plain_p).max() > 1e-3


def test_an_edit_of_a_blocked_score_changes_nothing():
    model = classifier()
    plain, edited = (attended(model, X, 0, masked=[4], key=4, added=a) for a in (0.0, 30.0))
    np.testing.assert_array_equal(edited.p, plain.p)


def test_undivided_scores_are_those_of_a_model_with_longer_queries():
    model, longer = classifier(), classifier()
    for attend in spelled_out(longer)[1]:
        for values in attend.parts[0].params.values():
            values *= np.sqrt(8 / HEADS)
    found = attended(model, X, 0, scaled=False)
    np.testing.assert_array_equal(found.raw, found.scaled)
    np.testing.assert_allclose(found.p, exp_share(longer(X[None])[0][0]), rtol=1e-10)
    np.testing.assert_allclose(found.plain_p, exp_share(model(X[None])[0][0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"layer": 2}, "layer must be an integer in 0..1; got 2"),
        ({"head": -1}, "head must be an integer in 0..1; got -1"),
        ({"query": 7}, "query must be an integer in 0..6; got 7"),
        ({"key": 1.0}, r"key must be an integer in 0..6; got 1.0 \(float\)"),
        ({"masked": [0]}, "masked must be an integer in 1..6; got 0"),
        ({"added": float("inf")}, r"added must be a number in \(-inf, inf\); got inf"),
        ({"of": "los"}, "of must be 'loss', 0, 1, 2, 3 or 4; got 'los'. Did you mean 'loss'"),
        ({"of": 5}, "of must be 'loss', 0, 1, 2, 3 or 4; got 5"),
        ({"scaled": 1}, "scaled must be True or False; got 1"),
    ],
)
def test_what_there_is_not_is_refused_in_a_sentence(wrong, words):
    with pytest.raises((ValueError, TypeError), match=f"attended: {words}"):
        attended(classifier(), X, 0, **wrong)
    with pytest.raises(ValueError, match="attended: label must be an integer in 0..4; got 9"):
        attended(classifier(), X, 9)


# -- on its way -----------------------------------------------------------------------------------


def new_run(**shape):
    """The start of a run on the bundled digits, from new weights."""
    return learning(IMAGES, stored=False, **USUAL, **{"most": 12, "every": 4} | shape)


def theta_of(model):
    """A model's parameters."""
    return parameter_vector(model)[0]


def test_a_filmed_run_shows_the_model_as_it_was():
    run, alone = new_run().upto(12), new_run().upto(8)
    np.testing.assert_array_equal(theta_of(run.model_at(8)), theta_of(alone.model))
    np.testing.assert_array_equal(theta_of(run.model_at(11)), theta_of(alone.model))
    np.testing.assert_array_equal(theta_of(run.model_at(0)), theta_of(new_run().model))
    assert [run.seen_at(k) for k in (0, 3, 4, 11, 12, 99)] == [0, 0, 4, 8, 12, 12]
    assert (theta_of(run.model_at(12)) == theta_of(run.model)).all()
    assert run.model_at(12) is not run.model


def test_how_a_run_came_to_its_steps_does_not_tell():
    at_once, slowly = new_run().upto(12), new_run()
    for steps in (1, 5, 6, 12):
        slowly.upto(steps)
    np.testing.assert_array_equal(theta_of(slowly.model), theta_of(at_once.model))
    assert slowly.test_accuracy == at_once.test_accuracy


def test_stored_weights_are_where_a_run_from_them_begins():
    for options in VARIANTS.values():
        run = learning(IMAGES, stored=True, **USUAL | options)
        np.testing.assert_array_equal(theta_of(run.model), theta_of(trained("digits", **options)))


def test_what_is_stored_is_known():
    choices = product((1, 2), (True, False), ("learned", "sinusoids", None))
    told = {own for own in choices if is_stored(IMAGES, **dict(zip(USUAL, own, strict=True)))}
    assert told == {tuple((USUAL | options).values()) for options in VARIANTS.values()}


def test_the_hardest_sample_has_the_least_probability_of_its_class():
    model, labels = network(IMAGES, stored=True, **USUAL), IMAGES.labels_test[:20]
    x = as_tokens(IMAGES.x_test[:20])
    p = [attended(model, one, label).p[label] for one, label in zip(x, labels)]
    assert hardest(model, x, labels) == np.argmin(p)

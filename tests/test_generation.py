"""What nnlib.generation promises: a cache that changes nothing, draws as they should be, beams."""

import numpy as np
import pytest
from models import generic

from nnlib.blocks import log_softmax, softmax
from nnlib.generation import (
    Steps,
    beam,
    distribution,
    exact,
    exact_match,
    greedy,
    nats,
    sample,
)
from nnlib.losses import softmax_cross_entropy
from nnlib.ngrams import KneserNey, NGrams
from nnlib.recurrent import RecurrentEncoderDecoder, RecurrentLanguageModel
from nnlib.tasks import END, PAD, START, copying, names
from nnlib.transformer import EncoderDecoder, LanguageModel

SOURCE = np.array([[4, 3, 7, 1, 3], [5, 5, 0, 0, 0], [4, 6, 5, 8, 0]])
NOTHING = np.zeros((3, 0), int)


def transformer(dtype="float64", **options):
    return generic(EncoderDecoder(9, 4, 2, 6, 2, longest=8, rng=0, dtype=dtype, **options))


def language_model(dtype="float64", **options):
    return generic(LanguageModel(9, 4, 2, 6, 2, longest=8, rng=0, dtype=dtype, **options))


def recurrent(dtype="float64"):
    return generic(RecurrentEncoderDecoder(9, 4, rng=0, dtype=dtype))


def recurrent_language_model(dtype="float64"):
    return generic(RecurrentLanguageModel(9, 4, rng=0, dtype=dtype))


MODELS = [transformer, recurrent, language_model, recurrent_language_model]
each_model = pytest.mark.parametrize("build", MODELS, ids=lambda f: f.__name__)


def reads(model):
    return isinstance(model, EncoderDecoder | RecurrentEncoderDecoder)


def source_for(model):
    return SOURCE if reads(model) else NOTHING


def uncached(model, source, written):
    """The scores behind what is written, by the whole model at once."""
    ids = np.concatenate([np.full((len(written), 1), START), written], axis=1)
    z, _ = model(source=source, target=ids) if reads(model) else model(ids=ids)
    return z[:, -1]


# -- the step cache -------------------------------------------------------------------------------


@each_model
@pytest.mark.parametrize("options", [
    {}, {"norm_first": False}, {"positions": "sinusoids"}, {"positions": None}, {"tied": False},
], ids=str)  # fmt: skip
def test_scores_step_by_step_are_those_of_the_whole_model(build, options):
    if options and build in (recurrent, recurrent_language_model):
        return
    model = build(**options)
    source, written = source_for(model), NOTHING
    steps, rng = Steps(model, source), np.random.default_rng(0)
    for _ in range(7):
        want = uncached(model, source, written)
        np.testing.assert_allclose(steps.scores, want, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(steps.ids, written)
        token = rng.integers(0, 9, size=3)  # padding among them
        steps.push(token)
        written = np.concatenate([written, token[:, None]], axis=1)


@each_model
def test_a_single_precision_cache_keeps_its_type(build):
    model = build(dtype="float32")
    steps = Steps(model, source_for(model))
    steps.push([3, 4, 5])
    assert steps.scores.dtype == np.float32
    np.testing.assert_allclose(
        steps.scores, uncached(model, source_for(model), steps.ids), rtol=1e-4, atol=1e-5
    )


@each_model
def test_a_token_is_taken_back_and_another_is_forced(build):
    model = build()
    source = source_for(model)
    steps = Steps(model, source)
    first = steps.scores
    steps.push([3, 4, 5])
    second = steps.scores
    steps.push([6, 6, 6])
    steps.back()
    assert steps.scores is second
    steps.back()
    assert steps.scores is first
    steps.push([8, 7, 6])
    np.testing.assert_array_equal(steps.ids, [[8], [7], [6]])
    np.testing.assert_allclose(steps.scores, uncached(model, source, steps.ids), rtol=1e-12)
    steps.back()
    with pytest.raises(ValueError, match="Steps: back must take back a token that was pushed"):
        steps.back()
    assert steps.scores is first


@each_model
def test_some_of_the_samples_go_on_in_another_order(build):
    model = build()
    source, rows = source_for(model), np.array([2, 0, 0, 1])
    steps = Steps(model, source)
    steps.push([3, 4, 5])
    steps.choose(rows)
    steps.push([6, 7, 8, 6])
    np.testing.assert_array_equal(steps.ids, [[5, 6], [3, 7], [3, 8], [4, 6]])
    want = uncached(model, source[rows], steps.ids)
    np.testing.assert_allclose(steps.scores, want, rtol=1e-12, atol=1e-12)


def test_a_language_model_goes_on_from_a_prefix():
    model, prefix = language_model(), np.array([[3, 4], [5, 6]])
    steps = Steps(model, prefix)
    np.testing.assert_array_equal(steps.ids, prefix)
    np.testing.assert_allclose(steps.scores, uncached(model, None, prefix), rtol=1e-12)
    with pytest.raises(ValueError, match="there is none"):
        steps.back()


@pytest.mark.parametrize(("kind", "amount"), [(NGrams, {"a": 0.1}), (KneserNey, {"discount": 0.5})])
def test_counts_write_by_the_same_steps(kind, amount):
    task = names()
    bigrams = kind(2, task.train[:2000], len(task.symbols), **amount)
    steps = Steps(bigrams, task.encode("smi"))
    ids = np.array([[START, *task.encode("smi")[0]]])
    np.testing.assert_array_equal(steps.scores, bigrams(ids=ids)[0][:, -1])
    drawn = sample(bigrams, task.encode("smi"), longest=20, rng=0)
    assert task.decode(drawn)[0].isalpha()


# -- what the next token is drawn from ------------------------------------------------------------


def test_the_distribution_is_the_softmax_of_scores_over_temperature():
    z = np.random.default_rng(0).standard_normal((4, 3, 7))
    for temperature in (0.3, 1.0, 2.5):
        p = distribution(z, temperature=temperature)
        np.testing.assert_allclose(p, softmax(z / temperature)[0], rtol=1e-12)


@pytest.mark.parametrize("top_k", [1, 2, 5, 7])
def test_top_k_leaves_the_k_best_in_their_proportions(top_k):
    z = np.random.default_rng(0).standard_normal((4, 7))
    p, whole = distribution(z, top_k=top_k), softmax(z)[0]
    assert ((p > 0).sum(axis=-1) == top_k).all()
    for row, all_of_it in zip(p, whole):
        best = np.argsort(all_of_it)[-top_k:]
        np.testing.assert_allclose(row[best], all_of_it[best] / all_of_it[best].sum(), rtol=1e-12)


def test_among_equal_scores_exactly_k_are_left_the_first_ones():
    assert distribution(np.zeros(5), top_k=2).tolist() == [0.5, 0.5, 0, 0, 0]


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 1e9])
def test_extreme_temperatures_give_numbers(temperature):
    p = distribution(np.array([3.0, -2.0, 1000.0]), temperature=temperature)
    want = [0, 0, 1] if temperature < 1 else [1 / 3] * 3
    np.testing.assert_allclose(p, want, atol=1e-5)


def test_draws_are_as_frequent_as_the_distribution_says():
    model, many = language_model(), 20_000
    drawn = sample(model, np.zeros((many, 0), int), longest=1, temperature=0.7, top_k=4, rng=0)
    p = distribution(Steps(model, NOTHING).scores[:1], temperature=0.7, top_k=4)[0]
    found = np.bincount(drawn[:, 0], minlength=9) / many
    assert (abs(found - p) <= 5 * np.sqrt(p * (1 - p) / many)).all()


def test_the_same_seed_draws_the_same_text_and_another_another():
    model, none = language_model(), np.zeros((20, 0), int)
    draw = lambda seed, **options: sample(model, none, longest=6, rng=seed, **options)
    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))
    assert not np.array_equal(draw(1), draw(1, temperature=3.0))


@each_model
def test_sampling_the_best_alone_is_greedy(build):
    model = build()
    source = source_for(model)
    for options in ({"top_k": 1}, {"temperature": 1e-6}):
        drawn = sample(model, source, longest=6, rng=0, **options)
        np.testing.assert_array_equal(drawn, greedy(model, source, longest=6))


# -- greedy, beams --------------------------------------------------------------------------------


@each_model
def test_greedy_is_the_largest_score_again_and_again(build):
    model = build()
    source, written = source_for(model), NOTHING
    for _ in range(6):
        best = uncached(model, source, written).argmax(axis=-1)
        ended = (written == END).any(axis=1)
        written = np.column_stack([written, np.where(ended, PAD, best)])
    ids = greedy(model, source, longest=6)
    np.testing.assert_array_equal(ids, written[:, : ids.shape[1]])
    assert not written[:, ids.shape[1] :].any()


def test_writing_ends_when_every_sample_has_its_end():
    model = language_model(tied=False)
    E = model.parts[-1].params["E"]
    E[:] = 0
    E[END] = 5 * np.sign(model.parts[1](model.parts[0](ids=np.array([[START]]))[0])[0][0, 0])
    assert greedy(model, NOTHING, longest=6).tolist() == [[END]] * 3
    np.testing.assert_array_equal(beam(model, NOTHING, width=1, longest=6).ids, [[[END]]] * 3)


def all_texts(model, source, longest, begun=(), log_p=0.0):
    """Every text that the model can write, END behind if there is room, with ln of its p."""
    if END in begun or len(begun) == longest:
        return [(begun, log_p)]
    scores = uncached(model, source, np.array([begun], int))
    return [
        text
        for token, more in enumerate(log_softmax(scores)[0][0])
        for text in all_texts(model, source, longest, (*begun, token), log_p + more)
    ]


@each_model
def test_a_beam_that_keeps_all_finds_the_likeliest_texts(build):
    model = build()
    source = source_for(model)[:1]
    best = sorted(all_texts(model, source, 3), key=lambda text: -text[1])[:5]
    found = beam(model, source, width=81, longest=3)
    for ids, log_p, (text, want) in zip(found.ids[0], found.log_p[0], best):
        assert tuple(ids[: len(text)]) == text
        assert (ids[len(text) :] == PAD).all()
        assert abs(log_p - want) < 1e-10


@each_model
def test_a_beam_of_one_is_greedy_and_a_wider_one_is_at_least_as_likely(build):
    model = build()
    source = source_for(model)
    one, five = (beam(model, source, width=width, longest=5) for width in (1, 5))
    ids = greedy(model, source, longest=5)
    np.testing.assert_array_equal(one.ids[:, 0], ids)
    assert five.ids.shape == (3, 5, 5)
    assert (np.diff(five.log_p) <= 0).all()
    assert len({tuple(row) for row in five.ids[0]}) == 5


def test_a_beam_wider_than_there_are_texts_marks_the_rest_as_impossible():
    found = beam(transformer(), SOURCE, width=12, longest=1)
    assert np.isfinite(found.log_p[:, :9]).all()
    assert (found.log_p[:, 9:] == -np.inf).all()
    assert (np.sort(found.ids[:, :9, 0]) == np.arange(9)).all()


def test_each_sample_of_a_beam_is_as_if_alone():
    model = transformer()
    whole = beam(model, SOURCE, width=4, longest=5)
    for k in range(3):
        alone = beam(model, SOURCE[k : k + 1], width=4, longest=5)
        np.testing.assert_array_equal(alone.ids[0], whole.ids[k])
        np.testing.assert_allclose(alone.log_p[0], whole.log_p[k], rtol=1e-12)


# -- what a model has learned ---------------------------------------------------------------------


class Copyist:
    """A stand-in that writes its source, or in some rows one token too many, or another first."""

    def __init__(self, symbols, slips):
        self.vocabulary, self.slips = symbols, slips

    def begin(self, source):
        behind = np.pad(source, ((0, 0), (0, 2)))
        length = (source != PAD).sum(axis=1)
        behind[np.arange(len(source)), length] = END
        for row, slip in self.slips.items():
            if slip == "too long":
                behind[row, length[row] : length[row] + 2] = 3, END
            else:
                behind[row, 0] = 3 + (behind[row, 0] - 2) % 3
        return (behind, np.zeros(len(source), int)), source[:, :0]

    def step(self, ids, state):
        behind, place = state
        scores = np.eye(self.vocabulary)[behind[np.arange(len(ids)), place]]
        return scores, (behind, np.minimum(place + 1, behind.shape[1] - 1))


def test_an_answer_is_right_when_all_of_it_is_its_end_too():
    task = copying(5, lengths=(2, 3, 4), symbols="abc", held_out=30, seed=0)
    assert exact_match(Copyist(6, {}), task.test) == 1
    slips = {0: "too long", 4: "another", 7: "too long"}
    right = exact(Copyist(6, slips), task.test)
    assert np.flatnonzero(~right).tolist() == [0, 4, 7]
    assert exact_match(Copyist(6, slips), task.test) == 27 / 30


def test_the_share_does_not_hang_on_how_many_are_written_at_once(monkeypatch):
    task = copying(5, lengths=(2, 3), symbols="abc", held_out=12, seed=0)
    model = generic(EncoderDecoder(6, 4, 2, 6, longest=5, rng=0, dtype="float64"))
    parts = [exact(model, task.test)]
    monkeypatch.setattr("nnlib.generation.BATCH", 5)
    parts.append(exact(model, task.test))
    np.testing.assert_array_equal(*parts)


def test_nats_are_the_mean_over_the_kept_labels_of_all_batches(monkeypatch):
    test = names().test[:23]
    model = generic(LanguageModel(29, 4, 2, 6, 1, longest=14, rng=0, dtype="float64"))
    z, _ = model(**test.x)
    want, _ = softmax_cross_entropy(z, labels=test.labels, keep=test.keep)
    monkeypatch.setattr("nnlib.generation.BATCH", 10)
    assert abs(nats(model, test) - want) < 1e-12

"""What lesson 07 measures, against what was worked out in another way."""

import numpy as np
import pytest

import nnlib.experiments.lesson_07 as lab
from nnlib.blocks import softmax
from nnlib.experiments.writing import JOBS, trained
from nnlib.generation import exact_match, greedy, nats
from nnlib.tasks import END, START, names, reversing
from nnlib.transformer import EncoderDecoder, LanguageModel


@pytest.fixture(scope="module")
def task():
    """A few short strings."""
    return reversing(200, lengths=(3, 4), symbols="abcd", held_out=20, seed=1)


@pytest.fixture(scope="module")
def model(task):
    """A model that has learned nothing."""
    return EncoderDecoder(len(task.symbols), 8, 2, longest=9, rng=3, dtype="float64")


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.3])
def test_a_turning_cell_stretches_every_state_alike(factor):
    U = lab.turning(factor, seed=4).params["U"]
    states = np.random.default_rng(0).standard_normal((5, len(U)))
    lengths = np.linalg.norm(states @ U.T, axis=1) / np.linalg.norm(states, axis=1)
    np.testing.assert_allclose(lengths, factor)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_without_tokens_each_step_back_is_that_factor(factor):
    np.testing.assert_allclose(
        lab.reach(factor, strength=0.0, steps=9, seed=2), factor ** np.arange(10.0)
    )


def test_the_reach_is_that_of_the_chain_of_jacobians():
    steps, seed = 6, 5
    cell, rng = lab.turning(1.5, seed=seed), np.random.default_rng([seed, 1])
    x, g = rng.standard_normal((steps, lab.READ)), rng.standard_normal(lab.STATE)
    h, _ = cell(x[None])
    lengths = [np.linalg.norm(g)]
    for state in h[0][::-1]:
        g = np.diag(1 - state**2) @ g @ cell.params["U"]
        lengths.append(np.linalg.norm(g))
    np.testing.assert_allclose(lab.reach(1.5, steps=steps, seed=seed), lengths / lengths[0])


@pytest.mark.parametrize("seed", range(3))
def test_tokens_shrink_what_comes_back(seed):
    quiet, loud = (lab.reach(1.0, strength=s, seed=seed)[-1] for s in (0.1, 1.0))
    assert 1 > quiet > loud


def test_what_attention_sends_back_is_its_jacobian_s():
    steps, seed = 4, 6
    rng = np.random.default_rng(seed)
    attend = lab.MultiHeadAttention(lab.STATE, 4, rng=rng)
    x = rng.standard_normal((1, steps + 1, lab.STATE))
    dy = rng.standard_normal(lab.STATE)
    value = lambda x_kv: (dy * attend(x[:, -1:], x_kv)[0]).sum()
    lengths = []
    for token in range(steps + 1):
        slopes = []
        for entry in range(lab.STATE):
            away = np.zeros_like(x)
            away[0, token, entry] = 1e-6
            slopes.append((value(x + away) - value(x - away)) / 2e-6)
        lengths.append(np.linalg.norm(slopes))
    found = lab.attention_reach(steps=steps, seed=seed)
    np.testing.assert_allclose(found, np.array(lengths[::-1]) / np.mean(lengths), rtol=1e-6)
    assert found.mean() == pytest.approx(1)


def test_told_rightly_is_the_likeliest_token_behind_the_right_text(model, task):
    hits = []
    for row in range(len(task.test)):
        one = task.test[row : row + 1]
        p, _ = softmax(model(source=one.source, target=one.target)[0])
        size = int(one.keep.sum())
        hits += [int(np.argmax(p[0, t])) == one.labels[0, t] for t in range(size)]
    assert lab.forced_right(model, task.test) == pytest.approx(np.mean(hits))


def test_an_answer_is_right_where_each_of_its_tokens_is_told_rightly(model, task):
    z, _ = model(**task.test.x)
    whole = ((z.argmax(axis=-1) == task.test.labels) | ~task.test.keep).all(axis=1)
    assert exact_match(model, task.test) == whole.mean()


@pytest.mark.parametrize("place", [0, 2, 7])
def test_what_is_forced_stands_there_and_the_rest_is_greedy(place):
    model, task = trained("reversing"), JOBS["reversing"].task(seed=0)
    source, (token,) = task.encode("notebook"), task.encode("z")[0]
    free = greedy(model, source, longest=11)[0]
    ids = lab.forced(model, source, place=place, token=token, longest=11)
    assert ids[place] == token != free[place]
    np.testing.assert_array_equal(ids[:place], free[:place])
    for t in range(place + 1, len(ids)):
        z, _ = model(source=source, target=np.array([[START, *ids[:t]]]))
        assert ids[t] == z[0, -1].argmax()


def test_forcing_the_end_ends_it():
    model, task = trained("reversing"), JOBS["reversing"].task(seed=0)
    ids = lab.forced(model, task.encode("notebook"), place=3, token=END, longest=11)
    assert task.decode(ids) == "koo"


def test_a_model_that_reads_the_source_goes_on_and_one_that_has_learned_nothing_does_not(
    model, task
):
    reads, strings = trained("reversing"), JOBS["reversing"].task(seed=0)
    assert lab.goes_on(reads, strings, strings.test[:20], "z", rng=1).mean() > 0.8
    assert not lab.goes_on(model, task, task.test, "a", rng=1).any()


def test_who_goes_on_is_judged_by_the_whole_rest(monkeypatch):
    strings = JOBS["reversing"].task(seed=0)
    one, given = strings.test[:1], []

    def forced(model, source, *, place, token, longest):
        due = one.labels[0, : one.keep.sum()].copy()
        due[place] = token
        given.append(due)
        return due if len(given) == 1 else np.append(due[:-1], START)

    monkeypatch.setattr(lab, "forced", forced)
    assert lab.goes_on(None, strings, one, "z", rng=0).tolist() == [True]
    assert lab.goes_on(None, strings, one, "z", rng=0).tolist() == [False]


def test_the_probability_of_a_text_is_the_product_of_its_labels():
    texts = names().test[:30]
    model = LanguageModel(29, 8, 2, 16, 1, longest=names().longest, rng=5, dtype="float64")
    p = lab.probability(model, texts)
    assert -np.log(p).sum() / texts.keep.sum() == pytest.approx(nats(model, texts))
    assert p[7] == pytest.approx(lab.probability(model, texts[7:8])[0])
    z, _ = softmax(model(**texts[7:8].x)[0])
    labels = texts.labels[7, : texts.keep[7].sum()]
    assert p[7] == pytest.approx(np.prod([z[0, t, label] for t, label in enumerate(labels)]))

"""One step of a model that writes: its numbers are the library's, and what it refuses it says."""

import re

import numpy as np
import pytest

from nnlib.blocks import softmax
from nnlib.experiments.next_token import (
    BEST,
    HELD_OUT,
    INVENTED,
    LIKELIEST,
    MODELS,
    RIGHT,
    TRAINED,
    WRONG,
    due,
    judge,
    model_of,
    next_token,
    one_more,
    parsed,
    reads,
    writable,
)
from nnlib.generation import beam, distribution, greedy
from nnlib.tasks import END, START, names

STATES = [
    ("dates", "sunday, 1 march 1987", "1987-0"),
    ("dates", "4.7.1969", "1970END"),
    ("reversing", "notebook", ""),
    ("names", "", "smi"),
    ("names", "", ""),
]
each_state = pytest.mark.parametrize("state", STATES, ids=lambda state: "-".join(state))


def at_once(job, text, written):
    """A model, its scores at all that is written, computed in one pass, and its weights."""
    model, task = model_of(job)
    ids, _ = parsed(model, task, written)
    target = np.array([[START, *ids]])
    if not reads(job):
        return task, ids, model(ids=target)[0][0], model.weights(target), None
    source = task.encode(text)
    weights = model.weights(source, target)
    return task, ids, model(source=source, target=target)[0][0], weights.target, weights.cross


# -- its numbers ----------------------------------------------------------------------------------


@each_state
def test_probabilities_are_those_of_the_model_computed_at_once(state):
    found, (task, ids, z, _, _) = next_token(*state), at_once(*state)
    p = softmax(z.astype(float))[0]
    ended = state[2].endswith("END")
    assert found.written == [task.symbols[k] for k in ids] + ["END"] * ended
    written = [*ids, END][: len(found.written)]
    due = p[range(len(written)), written]
    np.testing.assert_allclose(found.sure, due, rtol=1e-4, atol=1e-9)
    assert found.likeliest == [task.symbols[k] for k in p[: len(written)].argmax(axis=1)]
    order = [task.symbols.index(token) for token in found.tokens]
    np.testing.assert_allclose(found.p, p[-1, order], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(found.p, np.sort(p[-1])[::-1][:LIKELIEST], rtol=1e-4, atol=1e-9)


@each_state
@pytest.mark.parametrize("head", [None, 0, 3])
def test_weights_are_those_of_the_model(state, head):
    found, (_, _, _, own, cross) = next_token(*state, head=head), at_once(*state)
    for seen, weights in ((found.own, own), (found.cross, cross)):
        if weights is None:
            assert seen.shape == (len(found.own), 0)
            continue
        due = weights[0][0].mean(axis=0) if head is None else weights[0][0, head]
        np.testing.assert_allclose(seen, due, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(seen.sum(axis=1), 1, rtol=1e-5)


def test_a_model_of_two_layers_shows_either():
    first, second = (next_token("names", "", "smi", layer=layer).own for layer in (0, 1))
    _, _, _, own, _ = at_once("names", "", "smi")
    np.testing.assert_allclose(second, own[1][0].mean(axis=0), rtol=1e-5)
    assert abs(first - second).max() > 0.1


@pytest.mark.parametrize(("temperature", "top_k"), [(0.5, None), (2.0, 3), (1.0, 1)])
def test_what_is_drawn_from_is_the_distribution_at_the_temperature(temperature, top_k):
    state = ("names", "", "smi")
    found = next_token(*state, temperature=temperature, top_k=top_k)
    task, _, z, _, _ = at_once(*state)
    p = distribution(z[-1:], temperature=temperature, top_k=top_k)[0]
    order = [task.symbols.index(token) for token in found.tokens]
    np.testing.assert_allclose(found.drawn, p[order], rtol=1e-4, atol=1e-9)
    assert not np.allclose(found.drawn, found.p)


@each_state
def test_the_best_texts_have_the_probability_of_their_tokens(state):
    found, (job, text, written) = next_token(*state), state
    begun = written.removesuffix("END")
    assert len(found.texts) == len(found.judged) == BEST
    assert (np.diff(found.texts_p) <= 0).all()
    for whole, p in zip(found.texts, found.texts_p):
        assert whole.startswith(begun)
        if not whole.endswith("…"):
            _, ids, z, _, _ = at_once(job, text, whole)
            each = softmax(z.astype(float))[0][range(len(ids) + 1), [*ids, END]]
            assert p == pytest.approx(each[len(begun) :].prod(), rel=1e-3, abs=1e-12)


def test_with_nothing_written_the_best_texts_are_those_of_a_beam():
    model, task = model_of("dates")
    text = "july 4, 1969"
    found, due = next_token("dates", text, ""), beam(model, task.encode(text), width=5, longest=14)
    assert found.texts[:3] == task.decode(due.ids[0])[:3]
    np.testing.assert_allclose(found.texts_p[:3], np.exp(due.log_p[0])[:3], rtol=1e-4)


# -- token by token -------------------------------------------------------------------------------


@pytest.mark.parametrize("job", MODELS)
def test_the_likeliest_token_again_and_again_is_greedy(job):
    model, task = model_of(job)
    text = task.decode(task.test.source[0]) if reads(job) else ""
    written, source = "", task.encode(text) if reads(job) else np.zeros((1, 0), int)
    while not written.endswith("END"):
        written = one_more(job, text, written, top_k=1)
    assert written.removesuffix("END") == task.decode(greedy(model, source, longest=11)[0])


def test_another_token_is_kept_and_gone_on_from():
    own, other = (next_token("dates", "sunday, 1 march 1987", f"1987-0{k}") for k in "37")
    assert (own.written[-1], own.likeliest[-1]) == ("3", "3")
    assert (other.written[-1], other.likeliest[-1]) == ("7", "3")
    assert own.sure[-1] > 0.9
    assert other.sure[-1] < 0.01
    assert (own.texts[0], own.judged[0]) == ("1987-03-01", RIGHT)
    assert (other.texts[0], other.judged[0]) == ("1987-07-01", WRONG)


def test_draws_come_as_often_as_they_are_likely():
    state, options = ("names", "", "smi"), {"temperature": 2.0, "top_k": 3}
    drawn = [one_more(*state, **options, seed=seed)[-1] for seed in range(300)]
    found = next_token(*state, **options)
    assert set(drawn) == set(found.tokens[:3])
    for token, p in zip(found.tokens[:3], found.drawn):
        assert abs(drawn.count(token) / 300 - p) < 4 * np.sqrt(p * (1 - p) / 300)
    assert one_more(*state, **options, seed=7)[-1] == drawn[7]


def test_where_end_is_written_the_step_is_the_one_that_wrote_it():
    before, after = (next_token("names", "", written) for written in ("smith", "smithEND"))
    assert after.written == [*"smith", "END"]
    np.testing.assert_array_equal(after.p, before.p)
    np.testing.assert_array_equal(after.own, before.own)
    assert after.sure[-1] == before.p[before.tokens.index("END")]
    assert (before.verdict, after.verdict) == ("", TRAINED)


# -- what is right --------------------------------------------------------------------------------


def test_the_right_answer_is_the_task_s():
    for job in ("dates", "reversing"):
        _, task = model_of(job)
        rows = task.test[::50]
        answers = [due(job, text) for text in task.decode(rows.source)]
        assert answers == task.decode(rows.labels)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1.1.1930", "1930-01-01"),
        ("12/31/29", "2029-12-31"),
        ("29 february 2000", "2000-02-29"),
        ("29 february 1999", ""),
        ("monday, 1 march 1987", ""),  # it was a sunday
        ("1987-03-01", ""),
        ("7 march", ""),
        ("1.1.1929", ""),
    ],
)
def test_there_is_a_right_answer_for_a_day_in_one_of_the_nine_forms(text, answer):
    assert due("dates", text) == answer
    assert judge("dates", answer, "1987-03-01") == (WRONG if answer else "")


def test_a_name_is_trained_or_held_out_or_in_no_list():
    task = names()
    one = {name: getattr(task, name) for name in ("train", "validation", "test")}
    told = [judge("names", "", task.decode(split.labels[0])) for split in one.values()]
    assert told == [TRAINED, HELD_OUT, HELD_OUT]
    assert [judge("names", "", text) for text in ("qqq", "", "smit…")] == [INVENTED] * 3


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"job": "poems"}, "next_token: job must be 'dates', 'reversing' or 'names'; got 'poems'."),
        ({"text": "March 1"}, "got 'M' in 'March 1'. Use lower case."),
        ({"text": ""}, "encode: text must have a character; got ''."),
        ({"text": 30 * "1"}, "EncoderDecoder: source must"),
        ({"written": "198x"}, "got 'x' in '198x'."),
        ({"written": 14 * "1"}, "written must have at most 13 characters; got 14. Take some back."),
        ({"job": "names"}, "next_token: text must be '' for names, which read none"),
        ({"temperature": 0.0}, "distribution: temperature must be"),
        ({"top_k": 0}, "distribution: top_k must be"),
        ({"layer": 1}, "next_token: layer must be an integer in 0..0; got 1"),
        ({"head": 4}, "next_token: head must be an integer in 0..3; got 4"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(change, message):
    state = {"job": "dates", "text": "1/2/03", "written": ""} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        next_token(**state)


def test_nothing_is_written_behind_an_end_or_beyond_the_room():
    with pytest.raises(ValueError, match="written must have no END; got '2END'. Take it back"):
        one_more("dates", "1/2/03", "2END")
    drawn = (one_more("names", "", 13 * "m", temperature=9.0, seed=seed) for seed in range(20))
    with pytest.raises(ValueError, match="at most 13 characters; got 14"):
        assert [text for text in drawn if not text.endswith("END")]


def test_padding_and_start_are_never_drawn():
    tokens = {one_more("names", "", "", temperature=1e6, seed=seed) for seed in range(200)}
    assert tokens == set(writable("names"))
    assert 0.02 < next_token("names", "", "", temperature=1e6).drawn[0] < 0.05


def test_all_but_padding_and_the_start_can_be_written():
    for job in MODELS:
        _, task = model_of(job)
        assert set(writable(job)) == set(task.symbols) - {"PAD", "START"}

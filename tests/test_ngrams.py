"""What nnlib.ngrams promises: counts, smoothed, on contexts that were seen or not."""

from collections import Counter

import numpy as np
import pytest

from nnlib.generation import nats
from nnlib.ngrams import DISCOUNTS, SMOOTHING, KneserNey, NGrams, discounted, smoothest
from nnlib.tasks import END, PAD, START, Split, names


@pytest.fixture(scope="module")
def task():
    return names()


def by_hand(n, texts, a, context, following, count=27):
    """p(following | the last n - 1 of context) from the texts themselves, marks as characters."""
    context = ("-" * n + "<" + context)[len(context) + 2 :] if n > 1 else ""
    counts = Counter()
    for text in texts:
        whole = "-" * (n - 2) + "<" + text + ">"
        for k in range(max(n - 1, 1), len(whole)):
            if whole[k - n + 1 : k] == context:
                counts[whole[k]] += 1
    return (counts[following] + a) / (counts.total() + a * count)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_probabilities_are_those_counted_by_hand(task, n):
    some = task.train[:50]
    texts = task.decode(some.labels)
    ngrams = NGrams(n, some, len(task.symbols), a=0.3)
    for text in [*texts[:3], "q", "zzz"]:
        p = np.exp(ngrams(ids=np.array([[START, *task.encode(text)[0]]]))[0][0])
        for k in range(len(text) + 1):
            following = [*text, ">"][k]
            label = END if following == ">" else task.symbols.index(following)
            want = by_hand(n, texts, 0.3, text[:k], following)
            assert abs(p[k, label] - want) < 1e-12, (text, k)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_what_can_follow_has_probability_one_in_all(task, n):
    ngrams = NGrams(n, task.train[:500], len(task.symbols), a=0.1)
    p = np.exp(ngrams(ids=task.test.x["ids"][:50])[0])
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
    assert not p[..., [PAD, START]].any()


def test_a_context_never_seen_tells_nothing(task):
    ngrams = NGrams(3, task.train[:5], len(task.symbols), a=0.1)
    p = np.exp(ngrams(ids=np.array([[START, *task.encode("qxz")[0]]]))[0][0, -1])
    np.testing.assert_allclose(p[END:], 1 / 27, rtol=1e-12)


def test_what_is_added_is_chosen_by_the_validation_split(task):
    train, few = task.train[:3000], task.validation[:500]
    for n in (1, 3, 5):
        best = smoothest(n, train, few, len(task.symbols))
        costs = [nats(NGrams(n, train, len(task.symbols), a=a), few) for a in SMOOTHING]
        assert best.a == SMOOTHING[int(np.argmin(costs))]
        assert SMOOTHING[0] < smoothest(5, train, few, len(task.symbols)).a < SMOOTHING[-1]


def test_longer_contexts_help_as_far_as_there_are_examples(task):
    cost = {n: nats(smoothest(n, task.train, task.validation, 29), task.test) for n in range(1, 6)}
    assert cost[1] > cost[2] > cost[3] > cost[4]
    assert cost[4] < cost[5]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": 0}, ValueError, "NGrams: n must be an integer in 1..12; got 0"),
        ({"n": 13}, ValueError, "NGrams: n must be an integer in 1..12; got 13"),
        ({"n": 2.0}, TypeError, "NGrams: n must be an integer in 1..12; got 2.0"),
        ({"a": 0}, ValueError, r"NGrams: a must be a number in \(0, inf\); got 0"),
        ({"vocabulary": 2}, ValueError, "NGrams: vocabulary must be an integer >= 4; got 2"),
    ],
)
def test_what_cannot_be_counted_is_refused(task, options, error, message):
    options = {"n": 2, "a": 0.1, "vocabulary": 29} | options
    with pytest.raises(error, match=message):
        NGrams(options.pop("n"), task.train[:5], options.pop("vocabulary"), **options)


# -- a discount, and shorter contexts that are asked ----------------------------------------------


def asked_in_turn(n, texts, discount, context, following):
    """p(following | the last n - 1 of context), as it is defined, from the texts themselves."""
    before = "-" * (n - 2) + "<"
    wholes = [before + text + ">" for text in texts]
    places = [(text, k) for text in wholes for k in range(max(n - 1, 1), len(text))]
    context = before + context

    def p(back):
        if back < 0:
            return 1 / 27
        end = context[len(context) - back :]
        found = [(text[k - back - 1 : k], text[k]) for text, k in places if text[:k].endswith(end)]
        if back < n - 1:  # behind how many different characters
            found = set(found)
        counts = Counter(next_one for _, next_one in found)
        if not counts:
            return p(back - 1)
        own = counts[following] - discount if counts[following] else 0
        return (own + discount * len(counts) * p(back - 1)) / counts.total()

    return p(n - 1)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_each_context_gives_what_it_takes_as_the_next_shorter_one_has_it(task, n):
    some = task.train[:60]
    texts = task.decode(some.labels)
    ngrams = KneserNey(n, some, len(task.symbols), discount=0.7)
    for text in [*texts[:3], "q", "zzz", "smxth"]:
        p = np.exp(ngrams(ids=np.array([[START, *task.encode(text)[0]]]))[0][0])
        for k in range(len(text) + 1):
            following = [*text, ">"][k]
            label = END if following == ">" else task.symbols.index(following)
            want = asked_in_turn(n, texts, 0.7, text[:k], following)
            assert abs(p[k, label] - want) < 1e-12, (text, k)


def test_two_names_twice_and_once_are_counted_on_paper():
    a, b = 3, 4  # the names are ab, ab and b
    ids = np.array([[START, a, b], [START, a, b], [START, b, PAD]])
    labels = np.array([[a, b, END], [a, b, END], [b, END, PAD]])
    texts = Split({"ids": ids}, labels, labels != PAD, np.array([2, 2, 1]))
    bigrams = KneserNey(2, texts, 5, discount=0.5)
    p = np.exp(bigrams(ids=np.array([[START, a, b, END]]))[0][0])[:, [a, b, END]]
    # behind anything: a was found behind one token, b behind two, END behind one, though thrice
    any_context = np.array([0.5, 1.5, 0.5]) / 4 + 1.5 / 4 / 3
    np.testing.assert_allclose(any_context, [1 / 4, 1 / 2, 1 / 4])
    np.testing.assert_allclose(p[0], [7 / 12, 4 / 12, 1 / 12])  # (1.5, 0.5, 0) / 3 + those / 3
    np.testing.assert_allclose(p[1], [1 / 16, 7 / 8, 1 / 16])  # (0, 1.5, 0) / 2 + those / 4
    np.testing.assert_allclose(p[2], [1 / 24, 2 / 24, 21 / 24])  # (0, 0, 2.5) / 3 + those / 6
    np.testing.assert_allclose(p[3], any_context)  # never seen


@pytest.mark.parametrize("n", [1, 2, 4, 6])
@pytest.mark.parametrize("discount", [1e-30, 0.3, 0.95])
def test_behind_every_context_the_probabilities_are_one_in_all(task, n, discount):
    ngrams = KneserNey(n, task.train[:500], len(task.symbols), discount=discount)
    never = np.random.default_rng(0).integers(0, len(task.symbols), (50, 12))
    for ids in task.train.x["ids"][:50], task.test.x["ids"][:50], never:
        p = np.exp(ngrams(ids=ids)[0])
        np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
        assert not p[..., [PAD, START]].any()
        assert (p[..., END:] > 0).all()


def test_the_discount_is_chosen_by_the_validation_split(task):
    train, few = task.train[:3000], task.validation[:500]
    for n in (2, 3, 5):
        best = discounted(n, train, few, len(task.symbols))
        costs = [nats(KneserNey(n, train, 29, discount=D), few) for D in DISCOUNTS]
        assert best.discount == DISCOUNTS[int(np.argmin(costs))]
        assert DISCOUNTS[0] < best.discount < DISCOUNTS[-1]


def test_who_can_ask_a_shorter_context_loses_nothing_by_a_longer_one(task):
    cost = [nats(KneserNey(n, task.train, 29, discount=0.9), task.test) for n in range(1, 7)]
    assert (np.diff(cost) < 0).all()
    best_with_a_added = nats(smoothest(4, task.train, task.validation, 29), task.test)
    assert cost[5] < cost[4] < best_with_a_added - 0.05


@pytest.mark.parametrize(
    ("n", "discount", "message"),
    [
        (13, 0.5, "KneserNey: n must be an integer in 1..12; got 13"),
        (2, 0, r"KneserNey: discount must be a number in \(0, 1\); got 0"),
        (2, 1.0, r"KneserNey: discount must be a number in \(0, 1\); got 1.0"),
    ],
)
def test_what_cannot_be_discounted_is_refused(task, n, discount, message):
    with pytest.raises(ValueError, match=message):
        KneserNey(n, task.train[:5], 29, discount=discount)


def test_the_longest_context_that_has_a_number_is_counted_rightly(task):
    some = task.train[:20]
    texts = task.decode(some.labels)
    text = max(texts, key=len)
    ngrams = KneserNey(12, some, 29, discount=0.5)
    p = np.exp(ngrams(ids=np.array([[START, *task.encode(text)[0]]]))[0][0])
    assert abs(p[-1, END] - asked_in_turn(12, texts, 0.5, text, ">")) < 1e-12

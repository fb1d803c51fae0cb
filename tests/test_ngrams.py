"""What nnlib.ngrams promises: counts, smoothed, on contexts that were seen or not."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import ngrams
from nnlib.generation import nats
from nnlib.ngrams import (
    SMOOTHING,
    TIMES,
    KneserNey,
    NGrams,
    discounted,
    smoothest,
    three_discounts,
)
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


def asked_in_turn(n, texts, take, context, following):
    """p(following | the last n - 1 of context), as it is defined, from the texts themselves.

    take   all counts of one length -> what is taken of 1, of 2, and of 3 or more
    """
    wholes, context = ["<" + text + ">" for text in texts], "<" + context
    places = [(text, k) for text in wholes for k in range(1, len(text))]

    def counts_of(back):
        grams = [text[k - back : k + 1] for text, k in places if k >= back]
        if back == n - 1:
            return Counter(grams)
        longer = {text[k - back - 1 : k + 1] for text, k in places if k > back}
        begins = Counter(gram for gram in grams if gram[0] == "<")  # nothing stands before
        return begins + Counter(gram[1:] for gram in longer)

    def p(back):
        if back < 0:
            return 1 / 27
        if back > len(context):
            return p(back - 1)
        counts, end = counts_of(back), context[len(context) - back :]
        taken = [0, *take([*counts.values()])]
        own = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == end}
        if not own:
            return p(back - 1)
        given = sum(taken[min(count, 3)] for count in own.values())
        count = own.get(following, 0)
        return (count - taken[min(count, 3)] + given * p(back - 1)) / sum(own.values())

    return p(n - 1)


def chen_and_goodman(counts):
    """Their three discounts, times 1.1, or of counts that are too few half of each."""
    n1, n2, n3, n4 = (counts.count(k) for k in (1, 2, 3, 4))
    try:
        Y = n1 / (n1 + 2 * n2)
        found = [1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3]
    except ZeroDivisionError:
        found = [0, 0, 0]
    if not all(0 < D < k for k, D in enumerate(found, 1)):
        found = [0.5, 1, 1.5]
    return [min(1.1 * D, k) for k, D in enumerate(found, 1)]


WAYS = {
    "one": (lambda counts: [0.7] * 3, {"discount": 0.7}),
    "three": (chen_and_goodman, {"times": 1.1}),
}


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("way", WAYS)
def test_each_context_gives_what_it_takes_as_the_next_shorter_one_has_it(task, n, way):
    some, (take, options) = task.train[:60], WAYS[way]
    texts = task.decode(some.labels)
    ngrams = KneserNey(n, some, len(task.symbols), **options)
    for text in [*texts[:3], "q", "zzz", "smxth"]:
        p = np.exp(ngrams(ids=np.array([[START, *task.encode(text)[0]]]))[0][0])
        for k in range(len(text) + 1):
            following = [*text, ">"][k]
            label = END if following == ">" else task.symbols.index(following)
            want = asked_in_turn(n, texts, take, text[:k], following)
            assert abs(p[k, label] - want) < 1e-12, (text, k)


def test_three_discounts_are_found_and_taken_on_paper():
    ids = np.full((2, 8), START)  # with no context, all the same
    labels = np.array([[3, 4, 4, 5, 5, 6, 6, 6], [6, 7, 8, 9, 7, 7, 10, END]])
    texts = Split({"ids": ids}, labels, labels > 0, np.array([7, 7]))
    # once 3, 8, 9, 10 and END; twice 4 and 5; thrice 7; four times 6: Y = 5 / (5 + 2 * 2)
    three = np.array([1 - 2 * 5 / 9 * 2 / 5, 2 - 3 * 5 / 9 * 1 / 2, 3 - 4 * 5 / 9 * 1 / 1])
    np.testing.assert_allclose(three, [5 / 9, 7 / 6, 7 / 9])
    p = np.exp(KneserNey(1, texts, 11)(ids=ids)[0][0, 0])
    given = (5 * 5 / 9 + 2 * 7 / 6 + 2 * 7 / 9) / 9  # nine tokens can follow
    np.testing.assert_allclose(p[[3, 8, 9, 10, END]], (1 - 5 / 9 + given) / 16)
    np.testing.assert_allclose(p[[4, 5]], (2 - 7 / 6 + given) / 16)
    np.testing.assert_allclose(p[[7, 6]], [(3 - 7 / 9 + given) / 16, (4 - 7 / 9 + given) / 16])


def test_one_discount_is_the_case_of_three_equal_ones(task, monkeypatch):
    some, ids = task.train[:300], task.test.x["ids"][:30]
    one = KneserNey(4, some, 29, discount=0.6)(ids=ids)[0]
    monkeypatch.setattr(ngrams, "three_discounts", lambda counts: np.full(3, 0.6))
    assert KneserNey(4, some, 29)(ids=ids)[0].tobytes() == one.tobytes()


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
@pytest.mark.parametrize("way", [{"discount": 1e-30}, {"discount": 0.95}, {}, {"times": 1.3}])
def test_behind_every_context_the_probabilities_are_one_in_all(task, n, way):
    ngrams = KneserNey(n, task.train[:500], len(task.symbols), **way)
    never = np.random.default_rng(0).integers(0, len(task.symbols), (50, 12))
    for ids in task.train.x["ids"][:50], task.test.x["ids"][:50], never:
        p = np.exp(ngrams(ids=ids)[0])
        np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
        assert not p[..., [PAD, START]].any()
        assert (p[..., END:] > 0).all()


some_texts = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=12)


@given(
    texts=some_texts,
    asked=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    n=st.integers(1, 7),
    discount=st.none() | st.floats(1e-6, 0.999),
    times=st.floats(0.01, 5),
)
@settings(deadline=None, max_examples=60)
def test_whatever_was_counted_each_context_shares_out_one(texts, asked, n, discount, times):
    longest = max(map(len, texts)) + 1
    padded = lambda ids: ids + [PAD] * (longest - len(ids))
    letters = [["abc".index(one) + 3 for one in text] for text in texts]
    labels = np.array([padded([*ids, END]) for ids in letters])
    ids = np.array([padded([START, *ids]) for ids in letters])
    split = Split({"ids": ids}, labels, labels != PAD, np.array([*map(len, texts)]))
    ngrams = KneserNey(n, split, 6, discount=discount, times=times)
    for some in ids, np.array([asked]):
        p = np.exp(ngrams(ids=some)[0])
        np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
        assert (p[..., END:] > 0).all()
        assert not p[..., [PAD, START]].any()


@pytest.mark.parametrize("counts", [[], [0, 0], [1], [2, 2], [1, 1, 2, 3, 3, 3, 4], [5, 6]])
def test_where_counts_are_too_few_half_of_each_is_taken(counts):
    np.testing.assert_array_equal(three_discounts(np.array(counts, int)), [0.5, 1, 1.5])


def test_how_much_is_taken_is_chosen_by_the_validation_split(task):
    train, few = task.train[:3000], task.validation[:500]
    for n in (2, 3, 5):
        best = discounted(n, train, few, len(task.symbols))
        costs = [nats(KneserNey(n, train, 29, times=k), few) for k in TIMES]
        assert best.times == TIMES[int(np.argmin(costs))]
        assert TIMES[0] < discounted(5, train, few, 29).times < TIMES[-1]


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
    assert abs(p[-1, END] - asked_in_turn(12, texts, lambda counts: [0.5] * 3, text, ">")) < 1e-12

"""What nnlib.ngrams promises: counts with a added, on contexts that were seen or not."""

from collections import Counter

import numpy as np
import pytest

from nnlib.generation import nats
from nnlib.ngrams import SMOOTHING, NGrams, smoothest
from nnlib.tasks import END, PAD, START, names


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
        ({"n": 0}, ValueError, "NGrams: n must be an integer >= 1; got 0"),
        ({"n": 2.0}, TypeError, "NGrams: n must be an integer >= 1; got 2.0"),
        ({"a": 0}, ValueError, r"NGrams: a must be a number in \(0, inf\); got 0"),
        ({"vocabulary": 2}, ValueError, "NGrams: vocabulary must be an integer >= 4; got 2"),
    ],
)
def test_what_cannot_be_counted_is_refused(task, options, error, message):
    options = {"n": 2, "a": 0.1, "vocabulary": 29} | options
    with pytest.raises(error, match=message):
        NGrams(options.pop("n"), task.train[:5], options.pop("vocabulary"), **options)

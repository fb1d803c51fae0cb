"""An exercise: writing greedily, the likeliest token each time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlib.checks import Array
from nnlib.exercises.judge import Exercise
from nnlib.tasks import END, PAD, START

MOST, AGAIN = 50, 1000  # tokens of a text, and calls with the same one: more, and it never ends


class Scores:
    """What may follow each prefix: scores that depend on all of it, the same whoever asks.

    >>> scores_of = Scores({(1,): 4, (1, 4): 2})
    >>> int(scores_of([1]).argmax()), int(scores_of([1, 4]).argmax())
    (4, 2)
    """

    def __init__(self, best: dict[tuple[int, ...], int], vocabulary: int = 7) -> None:
        self.best, self.vocabulary = best, vocabulary
        self.last: tuple[int, ...] = ()
        self.again = 0

    def __call__(self, ids: Any) -> Array:
        prefix = tuple(np.asarray(ids, int).ravel().tolist())
        self.again = self.again + 1 if prefix == self.last else 0
        self.last = prefix
        if len(prefix) > MOST or self.again > AGAIN:
            self.again = 0
            raise RuntimeError("it would never end; stop at END, or behind `longest` tokens")
        rng = np.random.default_rng([len(prefix), *prefix])
        scores = rng.standard_normal(self.vocabulary)
        scores[[PAD, START]] -= 3
        scores[self.best.get(prefix, 3 + len(prefix) % 4)] = (
            scores.max() + 0.3
        )  # a draw may miss it
        return scores


def prefixes(ids: Sequence[int]) -> dict[tuple[int, ...], int]:
    """Behind each prefix of a text its next token."""
    return {(START, *ids[:k]): token for k, token in enumerate(ids)}


ENDS, GOES_ON = [5, 3, 3, 6, END], [4, 4, 6, 5, 3, 3, 6, 4]


def greedy_ids(scores_of: Callable, longest: int) -> list[int]:
    """The likeliest token each time, up to END."""
    ids = [START]
    while ids[-1] != END and len(ids) <= longest:
        ids.append(int(np.argmax(scores_of(ids))))
    return ids[1:]


def greedily(
    choose: Callable = np.argmax,
    token: Callable = int,
    keep_start: bool = False,
    keep_end: bool = True,
    stop: bool = True,
    more: int = 0,
    seen: Callable = lambda ids: ids,
) -> Callable:
    """The same, a line of which may be another."""

    def answer(scores_of: Callable, longest: int) -> list[int]:
        ids = [START]
        for _ in range(longest + more):
            ids.append(token(choose(scores_of(seen(ids)))))
            if stop and ids[-1] == END:
                break
        if not keep_end and ids[-1] == END:
            ids.pop()
        return ids if keep_start else ids[1:]

    return answer


GREEDY = Exercise(
    task="Return the ids that are written behind START: the likeliest token each time, up to END.",
    right=greedy_ids,
    samples={
        "for a text that ends": (Scores(prefixes(ENDS)), 8),
        "for one that goes on and on": (Scores(prefixes(GOES_ON)), 6),
    },
    results=("ids",),
    slips={
        "It goes on behind END: stop there.": greedily(stop=False),
        "START is not part of what is written: leave it out of the answer.": (
            greedily(keep_start=True)
        ),
        "END belongs to what is written: append it, then stop.": greedily(keep_end=False),
        "It gives only the last token; all that is written counts.": greedily(
            seen=lambda ids: ids[-1:]
        ),
        "It always asks what follows START: give all that is written so far.": greedily(
            seen=lambda ids: ids[:1]
        ),
        "START is missing in what it asks with.": greedily(seen=lambda ids: ids[1:]),
        "It writes one token too few: `longest` may be written behind START.": greedily(more=-1),
        "It writes one token too many: at most `longest` behind START.": greedily(more=1),
        "It takes the least likely token: argmax.": greedily(choose=np.argmin),
        "max is the largest score; the token that has it is argmax.": greedily(
            choose=np.max, token=float
        ),
        "max is the largest score, here cut to an integer; the token that has it is argmax.": (
            greedily(choose=np.max)
        ),
        "It returns one id; all that were written are due.": (
            lambda scores_of, longest: greedily()(scores_of, longest)[-1]
        ),
    },
    proved="Writing is a loop around one forward pass; all that is learned is in the scores.",
    shown=greedy_ids,
)

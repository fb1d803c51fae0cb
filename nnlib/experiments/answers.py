"""What models that write have answered: rightly by kind, wrongly one by one, or from memory."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import one_of
from nnlib.experiments.stored import stored
from nnlib.generation import exact, greedy
from nnlib.tasks import Split, Task

TABLES = "exact", "untaught", "names", "keeping", "time", "weights", "steps", "clip"


def by_kind(model: Any, split: Split) -> dict[Any, float]:
    """The share of sources answered rightly, whole and written freely, of each length or format.

    >>> from nnlib.experiments.writing import JOBS, trained
    >>> by_kind(trained("reversing"), JOBS["reversing"].task(seed=0).test)
    {8: 1.0, 9: 1.0, 10: 1.0}
    """
    right = exact(model, split)
    return {
        kind.item(): float(right[split.kinds == kind].mean()) for kind in np.unique(split.kinds)
    }


class Mistake(NamedTuple):
    """A source, what was to be answered and what was written."""

    source: str
    due: str
    written: str


def mistakes(model: Any, task: Task, split: Split) -> list[Mistake]:
    """The sources that a model answers wrongly, with what it writes.

    >>> from nnlib.experiments.writing import JOBS, trained
    >>> task = JOBS["reversing"].task(seed=0)
    >>> mistakes(trained("reversing_no_positions"), task, task.test[:1])[0].due
    'eabbihnqw'
    """
    wrong = split[~exact(model, split)]
    if not len(wrong):
        return []
    ids = greedy(model, wrong.source, longest=wrong.labels.shape[1])
    return [Mistake(*row) for row in zip(*map(task.decode, (wrong.source, wrong.labels, ids)))]


def nearest(text: str, texts: Iterable[str]) -> tuple[str, int]:
    """The first of the texts that the fewest edits lead to, and how many these are.

    An edit puts a character in, takes one out or replaces one (Levenshtein 1966).

    Errors   ValueError for no texts.

    >>> nearest("smyth", ["jones", "smith", "smit"])
    ('smith', 1)
    """
    texts = list(texts)
    if not texts:
        raise ValueError("nearest: texts must hold one at least; got none.")
    lengths = np.array([*map(len, texts)])
    letters = np.array(texts, dtype=f"U{max(lengths.max(), 1)}")
    letters = letters.view(np.uint32).reshape(len(texts), -1)
    columns = np.arange(letters.shape[1] + 1)
    edits = np.tile(columns, (len(texts), 1))  # from nothing to the beginnings of each
    for character in text:
        replaced = edits[:, :-1] + (letters != ord(character))
        edits = edits + 1  # the character is taken out
        edits[:, 1:] = np.minimum(edits[:, 1:], replaced)
        edits = np.minimum.accumulate(edits - columns, axis=1) + columns  # others are put in
    whole = edits[np.arange(len(texts)), lengths]
    best = int(whole.argmin())
    return texts[best], int(whole[best])


class Outcome(NamedTuple):
    """The mean over the seeds, and the largest less the smallest."""

    mean: float
    spread: float
    seeds: int


def results(table: str) -> dict[str, dict[str, Outcome]]:
    """A stored table of the long runs: arm -> measure -> what came out.

    table    one of TABLES.
    Errors   ValueError for another.

    >>> results("exact")["reversing"]["exact"].mean >= 0.995
    True
    """
    one_of("results", "table", table, TABLES)
    arms: dict[str, dict[str, Outcome]] = {}
    for row in stored(f"07_{table}"):
        found = Outcome(float(row["mean"]), float(row["spread"]), int(row["seeds"]))
        arms.setdefault(row["arm"], {})[row["measure"]] = found
    return arms

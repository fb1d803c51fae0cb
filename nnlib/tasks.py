"""Sequence tasks: texts to turn round or to copy, dates to write anew, names to go on with.

Each is drawn from a seed into three splits that have nothing in common, as padded ids.
"""

import lzma
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np

from nnlib.checks import Array, Rng, class_numbers, one_of, whole_number
from nnlib.data import check_sha256

PAD, START, END = 0, 1, 2  # the ids that are no character
MARKS = ("PAD", "START", "END")
SURNAMES = Path(__file__).parent / "assets" / "surnames.txt.xz"
SURNAMES_SHA256 = "bc137c374f0901a3ae560f01cf9e93a669728af7e63f9cbe0483ef69a138c0bc"

MONTHS = """january february march april may june july august september october november
    december""".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
FIRST, LAST = date(1930, 1, 1), date(2029, 12, 31)
FORMATS: dict[str, Callable[[date], str]] = {
    "dots": lambda d: f"{d.day}.{d.month}.{d.year}",
    "slashes": lambda d: f"{d.month:02}/{d.day:02}/{d.year}",
    "two digits": lambda d: f"{d.month}/{d.day}/{d.year % 100:02}",
    "short": lambda d: f"{d.day} {month(d)[:3]} {d.year}",
    "short, month first": lambda d: f"{month(d)[:3]} {d.day}, {d.year}",
    "long": lambda d: f"{d.day} {month(d)} {d.year}",
    "long, month first": lambda d: f"{month(d)} {d.day}, {d.year}",
    "ordinal": lambda d: f"{month(d)} {d.day}{ending(d.day)}, {d.year}",
    "weekday": lambda d: f"{WEEKDAYS[d.weekday()]}, {d.day} {month(d)} {d.year}",
}


@dataclass(frozen=True)
class Split:
    """Examples: x is what a model takes by name, labels what it is to answer where keep is True.

    kinds tells of each row its length, or the format of its date.
    """

    x: dict[str, Array]
    labels: Array
    keep: Array
    kinds: Array

    @property
    def source(self) -> Array:
        """What is read, (N, S)."""
        return self.x["source"]

    @property
    def target(self) -> Array:
        """What is written, with START in front, (N, T)."""
        return self.x["target"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> "Split":
        """Some of the rows, by a slice, numbers or a mask."""
        x = {name: a[rows] for name, a in self.x.items()}
        return Split(x, self.labels[rows], self.keep[rows], self.kinds[rows])


@dataclass(frozen=True)
class Task:
    """A vocabulary, which gives each id its symbol, and examples to train, to choose and to test.

    >>> task = reversing(5, lengths=(2, 3), symbols="abc", held_out=2, seed=0)
    >>> task.encode("abc", "b"), task.decode(np.array([3, 4, END, 5]))
    (array([[3, 4, 5],
           [4, 0, 0]]), 'ab')
    """

    symbols: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    @property
    def longest(self) -> int:
        """The most tokens of any source or target."""
        splits = (self.train, self.validation, self.test)
        return max(a.shape[1] for split in splits for a in split.x.values())

    def encode(self, *texts: str) -> Array:
        """Texts as ids, (N, length of the longest), PAD behind shorter ones.

        Errors   ValueError for no text, an empty one, or characters that are not in the vocabulary.
        """
        return encode(self.symbols, texts)

    def decode(self, ids: Array) -> Any:
        """The text that ids (T,) spell up to END, or the texts of (N, T)."""
        class_numbers("decode", "ids", ids, len(self.symbols))
        if ids.ndim > 1:
            return [self.decode(row) for row in ids]
        written = ids[: [*ids, END].index(END)]
        return "".join(self.symbols[k] for k in written if k not in (PAD, START))


def encode(symbols: tuple[str, ...], texts: Iterable[str]) -> Array:
    """Texts as ids, padded.

    >>> encode((*MARKS, "a", "b"), ["Abc"])
    Traceback (most recent call last):
    ...
    ValueError: encode: text must be written with 'ab'; got 'A' and 'c' in 'Abc'.
    """
    known = symbols[len(MARKS) :]
    texts = list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"encode: text must be a string; got {type(text).__name__}.")
        if not text:
            raise ValueError("encode: text must have a character; got ''.")
    if strange := set().union(*texts) - set(known):
        text = next(text for text in texts if strange & set(text))
        got = " and ".join(repr(c) for c in dict.fromkeys(text) if c in strange)
        advice = " Use lower case." if not set(text.lower()) - set(known) else ""
        raise ValueError(
            f"encode: text must be written with {''.join(known)!r}; got {got} in {text!r}.{advice}"
        )
    if not texts:
        raise ValueError("encode: text must be given; got none.")
    table = np.zeros(max(map(ord, known)) + 1, np.int64)
    table[[ord(c) for c in known]] = np.arange(len(MARKS), len(symbols))
    letters = np.array(texts)
    return table[letters.view(np.uint32).reshape(len(texts), -1)]  # of code point 0, PAD


# -- tasks ----------------------------------------------------------------------------------------


def reversing(
    n: int = 20_000,
    *,
    lengths: Iterable[int] = (8, 9, 10),
    symbols: str = ascii_lowercase,
    held_out: int = 1000,
    seed: int = 0,
) -> Task:
    """Strings to be written from the last character to the first: "abc" to "cba".

    n strings are for training, held_out for each of the other splits; all are different. Each
    length is as likely as another, and so is each character.

    Errors   TypeError or ValueError for sizes that are no integers >= 1, symbols that are no
             characters or repeat one, and for more strings than there are.

    >>> task = reversing(100, seed=0)
    >>> text, answer = task.decode(task.test.source[0]), task.decode(task.test.labels[0])
    >>> answer == text[::-1]
    True
    """
    return of_strings("reversing", lambda text: text[::-1], n, lengths, symbols, held_out, seed)


def copying(
    n: int = 20_000,
    *,
    lengths: Iterable[int] = (8, 9, 10),
    symbols: str = ascii_lowercase,
    held_out: int = 1000,
    seed: int = 0,
) -> Task:
    """Strings to be written as they are, otherwise as reversing.

    Errors   as reversing.

    >>> task = copying(100, seed=0)
    >>> task.decode(task.test.source[0]) == task.decode(task.test.labels[0])
    True
    """
    return of_strings("copying", lambda text: text, n, lengths, symbols, held_out, seed)


def dates(
    n: int = 100_000,
    *,
    without_format: str | None = None,
    without_decade: int | None = None,
    but: int = 0,
    seed: int = 0,
) -> Task:
    """Dates of 1930 to 2029 in nine written forms, to be written as 1987-03-07.

    A tenth of the days is for testing, a twentieth for validation, and these are never trained in
    any form; n pairs of the other days are for training. Both held-out splits have 250 days, each
    in all nine forms.

    without_format   a key of FORMATS, of which no pair is trained.
    without_decade   such as 1950: none of its days is trained.
    but              how many pairs of what is left out are trained after all.

    Errors   TypeError or ValueError for a format or decade that there is not, and for more pairs
             than there are.

    >>> task = dates(1000, seed=0)
    >>> task.decode(task.encode("sat 7")[0]), len(task.test)
    ('sat 7', 2250)
    """
    where = "dates"
    n = whole_number(where, "n", n, low=1)
    but = whole_number(where, "but", but, low=0, high=n)
    one_of(where, "without_format", without_format, (*FORMATS, None))
    one_of(where, "without_decade", without_decade, (*range(FIRST.year, LAST.year, 10), None))
    rng = np.random.default_rng(whole_number(where, "seed", seed, low=0))
    days = [FIRST + timedelta(int(k)) for k in rng.permutation((LAST - FIRST).days + 1)]
    tenth = len(days) // 10
    test, validation, others = days[:250], days[tenth:][:250], days[tenth + tenth // 2 :]
    pairs = in_all_forms(others)
    out = np.array([
        name == without_format or day.year // 10 * 10 == without_decade for day, name in pairs
    ])  # fmt: skip
    drawn = [some("but", but, np.flatnonzero(out), rng)]
    drawn += [some("n", n - but, np.flatnonzero(~out), rng)]
    train = [pairs[k] for k in np.concatenate(drawn)]
    cuts = train, in_all_forms(validation), in_all_forms(test)
    rows = [[(FORMATS[name](d), d.isoformat(), name) for d, name in cut] for cut in cuts]
    a_year = [
        FORMATS[name](d) for d, name in in_all_forms([FIRST + timedelta(k) for k in range(365)])
    ]
    symbols = sorted(set("-").union(*a_year))
    return task_of((*MARKS, *symbols), rows)


def names(*, seed: int = 0) -> Task:
    """88,799 surnames of the United States, each once, to be gone on with character by character.

    A tenth is for testing and a twentieth for validation. x has ``ids``, each name with START in
    front; the labels are the same with END behind. They are of the census of 1990, in the public
    domain, as the PyPI package names 0.3.0 has them.

    Errors   ValueError when the bundled file was altered.
    Source   not in the documents.

    >>> task = names()
    >>> [len(split) for split in (task.train, task.validation, task.test)]
    [75481, 4439, 8879]
    """
    check_sha256("names", SURNAMES, SURNAMES_SHA256, "Install nnlib again.")
    every = lzma.decompress(SURNAMES.read_bytes()).decode("ascii").split()
    rng = np.random.default_rng(whole_number("names", "seed", seed, low=0))
    every = [every[k] for k in rng.permutation(len(every))]
    tenth, twentieth = len(every) // 10, len(every) // 20
    symbols, width, splits = (*MARKS, *ascii_lowercase), max(map(len, every)), []
    for texts in every[tenth + twentieth :], every[tenth:][:twentieth], every[:tenth]:
        ids, labels = written(symbols, texts, width)
        splits.append(Split({"ids": ids}, labels, labels != PAD, np.array([*map(len, texts)])))
    return Task(symbols, *splits)


# -- how a task is made ---------------------------------------------------------------------------


def month(day: date) -> str:
    """The English name of its month, whatever language the computer speaks."""
    return MONTHS[day.month - 1]


def in_all_forms(days: list[date]) -> list[tuple[date, str]]:
    """Each day with the name of each format."""
    return [(day, name) for day in days for name in FORMATS]


def ending(day: int) -> str:
    """What makes a number the name of a day.

    >>> [f"{day}{ending(day)}" for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '23rd', '30th']
    """
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def of_strings(
    where: str,
    answer: Callable[[str], str],
    n: int,
    lengths: Iterable[int],
    symbols: str,
    held_out: int,
    seed: int,
) -> Task:
    """A task of random strings, n and twice held_out of them, none twice."""
    n = whole_number(where, "n", n, low=1)
    held_out = whole_number(where, "held_out", held_out, low=1)
    if not isinstance(lengths, Iterable) or not (lengths := [*lengths]):
        got = f"{lengths!r}. Use ({lengths},)" if isinstance(lengths, int) else f"{lengths!r}"
        raise ValueError(f"{where}: lengths must be integers >= 1, one at least; got {got}.")
    sizes = sorted({whole_number(where, "a length", size, low=1) for size in lengths})
    if not isinstance(symbols, str) or not symbols or len(set(symbols)) < len(symbols):
        raise ValueError(f"{where}: symbols must be different characters; got {symbols!r}.")
    count, possible = n + 2 * held_out, sum(len(symbols) ** size for size in sizes)
    if count > possible:
        raise ValueError(
            f"{where}: n + 2 held_out must be at most {possible}, as many strings as there are; "
            f"got {count}."
        )
    rng = np.random.default_rng(whole_number(where, "seed", seed, low=0))
    different: dict[str, None] = {}
    while len(different) < count:
        different |= dict.fromkeys(random_strings(count, sizes, symbols, rng))
    texts = list(different)[:count]
    rows = [(text, answer(text), len(text)) for text in texts]
    cuts = rows[2 * held_out :], rows[held_out : 2 * held_out], rows[:held_out]
    return task_of((*MARKS, *symbols), cuts)


def random_strings(count: int, sizes: list[int], symbols: str, rng: Rng) -> list[str]:
    """So many strings, each length and each character as likely as another."""
    letters = np.array(list(symbols))[rng.integers(len(symbols), size=(count, sizes[-1]))]
    ends = np.array(sizes)[rng.integers(len(sizes), size=count)]
    return ["".join(row[:end]) for row, end in zip(letters, ends)]


def some(name: str, count: int, candidates: Array, rng: Rng) -> Array:
    """So many of the candidates, none twice.

    >>> some("n", 5, np.arange(3), np.random.default_rng(0))
    Traceback (most recent call last):
    ...
    ValueError: dates: n must ask for at most 3 such pairs; got 5.
    """
    if not 0 <= count <= len(candidates):
        raise ValueError(
            f"dates: {name} must ask for at most {len(candidates)} such pairs; got {count}."
        )
    return candidates[rng.permutation(len(candidates))[:count]]


def task_of(symbols: tuple[str, ...], cuts: Iterable[list[tuple[str, str, Any]]]) -> Task:
    """A task whose three splits are these rows of source, answer and kind."""
    columns = [list(zip(*rows)) for rows in cuts]
    reads, writes = (max(len(text) for c in columns for text in c[k]) for k in (0, 1))
    splits = []
    for sources, answers, kinds in columns:
        target, labels = written(symbols, answers, writes)
        x = {"source": padded(encode(symbols, sources), reads), "target": target}
        splits.append(Split(x, labels, labels != PAD, np.array(kinds)))
    return Task(symbols, *splits)


def written(symbols: tuple[str, ...], texts: Iterable[str], width: int) -> tuple[Array, Array]:
    """What is written so far, START in front, and what comes next, END behind, both padded.

    >>> written((*MARKS, "a", "b"), ["ab", "b"], 2)
    (array([[1, 3, 4],
           [1, 4, 0]]), array([[3, 4, 2],
           [4, 2, 0]]))
    """
    ids = padded(encode(symbols, texts), width)
    rows = np.arange(len(ids))
    labels = padded(ids, width + 1)
    labels[rows, (ids != PAD).sum(axis=1)] = END
    return np.pad(ids, ((0, 0), (1, 0)), constant_values=START), labels


def padded(ids: Array, width: int) -> Array:
    """Ids with PAD behind them, up to a width."""
    return np.pad(ids, ((0, 0), (0, width - ids.shape[1])), constant_values=PAD)

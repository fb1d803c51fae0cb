"""What nnlib.tasks promises: splits that share nothing, right answers, ids with names, a seed."""

import lzma
import string
from datetime import date

import numpy as np
import pytest

from nnlib import tasks
from nnlib.tasks import (
    END,
    FORMATS,
    MARKS,
    PAD,
    START,
    copying,
    dates,
    names,
    reversing,
)

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def some_dates():
    return dates(3000, seed=1)


@pytest.fixture(scope="module")
def surnames():
    return names()


def texts_of(task, split):
    """Sources and answers of a split as text."""
    return task.decode(split.source), task.decode(split.labels)


# -- texts and ids --------------------------------------------------------------------------------


def test_the_vocabulary_begins_with_the_marks_and_names_each_id():
    task = reversing(10, symbols="xyz", lengths=(4,), held_out=2, seed=0)
    assert task.symbols == ("PAD", "START", "END", "x", "y", "z")
    assert [task.symbols[k] for k in (PAD, START, END)] == list(MARKS)


def test_a_text_comes_back_from_its_ids():
    task = reversing(10, seed=0)
    texts = ["nine", string.ascii_lowercase, "z"]
    ids = task.encode(*texts)
    assert ids.shape == (3, 26)
    assert task.decode(ids) == texts
    assert [task.decode(row) for row in ids] == texts
    assert (ids[2, 1:] == PAD).all()


def test_decoding_ends_at_the_end_and_leaves_marks_out():
    task = reversing(10, symbols="ab", lengths=(8,), held_out=1, seed=0)
    assert task.decode(np.array([START, 3, PAD, 4, END, 3])) == "ab"
    assert task.decode(np.array([END])) == ""
    assert task.decode(np.zeros((2, 0), int)) == ["", ""]


def test_what_is_written_and_what_comes_next_are_the_same_text_one_place_apart(some_dates):
    for split in (getattr(some_dates, name) for name in SPLITS):
        assert (split.target[:, 0] == START).all()
        inner = split.keep[:, 1:]
        np.testing.assert_array_equal(split.target[:, 1:][inner], split.labels[:, :-1][inner])
        last = split.keep.sum(axis=1) - 1
        assert (split.labels[np.arange(len(split)), last] == END).all()
        np.testing.assert_array_equal(split.keep, split.labels != PAD)
        assert split.keep[:, 0].all()


def test_some_rows_of_a_split_are_a_split(some_dates):
    test = some_dates.test
    part = test[test.kinds == "dots"]
    assert len(part) == 250
    assert set(part.kinds) == {"dots"}
    np.testing.assert_array_equal(part.source, test.source[test.kinds == "dots"])
    assert len(test[:5]) == len(test[np.arange(5)]) == 5


# -- splits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "answer"), [(reversing, lambda s: s[::-1]), (copying, str)])
def test_strings_are_answered_right_and_stand_in_one_split_alone(make, answer):
    task = make(500, lengths=(3, 5), symbols="abcdef", held_out=100, seed=3)
    found = []
    for name, count in zip(SPLITS, (500, 100, 100), strict=True):
        split = getattr(task, name)
        sources, answers = texts_of(task, split)
        assert answers == [answer(text) for text in sources]
        assert len(split) == count
        assert list(split.kinds) == [len(text) for text in sources]
        assert {len(text) for text in sources} == {3, 5}
        found += sources
    assert len(set(found)) == 700
    assert task.longest == 6


def test_all_strings_that_there_are_can_be_asked_for():
    task = copying(2, lengths=(2,), symbols="ab", held_out=1, seed=0)
    found = [texts_of(task, getattr(task, name))[0] for name in SPLITS]
    assert sorted(sum(found, [])) == ["aa", "ab", "ba", "bb"]  # noqa: RUF017


def test_each_length_and_each_character_is_as_likely_as_another():
    task = reversing(30_000, seed=0)
    sizes = np.bincount(task.train.kinds)[8:]
    assert (abs(sizes - 10_000) < 400).all()
    letters = np.bincount(task.train.source[task.train.source != PAD])[3:]
    assert len(letters) == 26
    assert letters.std() / letters.mean() < 0.03


def test_no_day_of_the_held_out_splits_is_trained_in_any_form(some_dates):
    days = {name: set(texts_of(some_dates, getattr(some_dates, name))[1]) for name in SPLITS}
    assert not days["train"] & days["test"]
    assert not days["train"] & days["validation"]
    assert not days["test"] & days["validation"]
    assert len(days["test"]) == len(days["validation"]) == 250
    for split in (some_dates.test, some_dates.validation):
        kinds, counts = np.unique(split.kinds, return_counts=True)
        assert set(kinds) == set(FORMATS)
        assert set(counts) == {250}


def test_dates_are_drawn_once_each_from_all_years_and_forms(some_dates):
    sources, answers = texts_of(some_dates, some_dates.train)
    assert len({*zip(sources, some_dates.train.kinds)}) == 3000
    assert {int(day[:3]) for day in answers} == set(range(193, 203))
    assert set(some_dates.train.kinds) == set(FORMATS)


WEEKDAYS = "mon tue wed thu fri sat sun".split()
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def read(text, kind):
    """A written date read without the rules that wrote it."""
    words = text.replace(",", " ").replace("/", " ").replace(".", " ").split()
    if kind == "weekday":
        words = words[1:]
    month = next((k for k, word in enumerate(words) if word[:3] in MONTHS), None)
    if month is not None:
        number = MONTHS.index(words.pop(month)[:3]) + 1
        day, year = (int("".join(filter(str.isdigit, word))) for word in words)
    else:
        first, second, year = map(int, words)
        day, number = (first, second) if kind == "dots" else (second, first)
    if year < 100:
        year += 2000 if year < 30 else 1900
    return date(year, number, day)


def test_each_form_says_the_date_that_is_its_answer(some_dates):
    for name in SPLITS:
        split = getattr(some_dates, name)
        for text, day, kind in zip(*texts_of(some_dates, split), split.kinds):
            assert read(text, kind).isoformat() == day
            if kind == "weekday":
                assert text.startswith(WEEKDAYS[date.fromisoformat(day).weekday()])
    assert len(FORMATS) >= 8
    assert some_dates.longest <= 28


def test_the_vocabulary_of_dates_is_the_same_whatever_is_trained(some_dates):
    for task in (
        dates(5, seed=9),
        dates(9, without_format="weekday"),
        dates(9, without_decade=1950),
    ):
        assert task.symbols == some_dates.symbols
        assert task.longest == some_dates.longest


def test_a_form_or_a_decade_can_be_left_out_of_training_but_for_some():
    for but in (0, 20):
        task = dates(2000, without_format="ordinal", but=but, seed=0)
        assert (task.train.kinds == "ordinal").sum() == but
        assert len(task.train) == 2000
        assert (task.test.kinds == "ordinal").sum() == 250
        task = dates(2000, without_decade=1950, but=but, seed=0)
        days = texts_of(task, task.train)[1]
        assert sum(day.startswith("195") for day in days) == but
        assert any(day.startswith("195") for day in texts_of(task, task.test)[1])


def test_what_is_held_out_is_the_same_whatever_is_trained(some_dates):
    other = dates(10, without_format="dots", seed=1)
    np.testing.assert_array_equal(other.test.source, some_dates.test.source)
    np.testing.assert_array_equal(other.validation.labels, some_dates.validation.labels)


def test_surnames_stand_once_each_and_in_one_split_alone(surnames):
    found = [name for split in SPLITS for name in surnames.decode(getattr(surnames, split).labels)]
    assert len(found) == len(set(found)) == 88_799
    assert set("".join(found)) == set(string.ascii_lowercase)
    assert {"smith", "johnson", "metevier"} <= set(found)
    assert len(surnames.test) == 8_879
    for split in (getattr(surnames, name) for name in SPLITS):
        assert (split.x["ids"][:, 0] == START).all()
        np.testing.assert_array_equal(split.x["ids"][:, 1:] != PAD, split.keep[:, 1:])
        np.testing.assert_array_equal(split.keep.sum(axis=1), split.kinds + 1)


def test_a_bundled_list_that_was_altered_is_refused(monkeypatch, tmp_path):
    (tmp_path / "surnames.txt.xz").write_bytes(lzma.compress(b"smith\n"))
    monkeypatch.setattr(tasks, "SURNAMES", tmp_path / "surnames.txt.xz")
    with pytest.raises(
        ValueError, match=r"names: .* must have SHA-256 bc137c.*Install nnlib again"
    ):
        names()


@pytest.mark.parametrize("make", [lambda seed: reversing(50, seed=seed), names,
                                  lambda seed: dates(50, seed=seed)])  # fmt: skip
def test_the_same_seed_draws_the_same_and_another_draws_others(make):
    make_it = lambda seed: make(seed=seed) if make is names else make(seed)
    bytes_of = lambda task: [a.tobytes() for name in SPLITS
                             for a in getattr(task, name).x.values()]  # fmt: skip
    assert bytes_of(make_it(5)) == bytes_of(make_it(5))
    assert all(a != b for a, b in zip(bytes_of(make_it(5))[:1], bytes_of(make_it(6))))

"""What the lesson on every formula measures: counting, choosing, trying over draws, sources."""

import ast
import dataclasses
import math

import numpy as np
import pytest

from nnlib.documents import claims
from nnlib.documents.claims import ok, on_page, page, wrong
from nnlib.experiments.findings import Finding, chosen, counts, findings
from nnlib.experiments.lesson_90 import in_words, over_draws, source_of


@page("1 Sums", lessons="01 02")
def sums_page(rng):
    x = rng.uniform(1, 2)

    yield ok("Z-double", "twice is a sum", lambda: 2 * x, lambda: x + x)
    yield wrong("Z-square", "twice is a SQUARE", "no", lambda: x * x, lambda: 2 * x, lambda: x + x)


FOUND = findings(on_page(sums_page), seed=5)


def test_findings_hold_what_a_claim_says_and_both_errors():
    x = np.random.default_rng(5).uniform(1, 2)
    right, false = FOUND
    assert right[:4] == ("Z-double", "Z", "ok", ("01", "02"))
    assert (right.printed, right.corrected) == (0, 0)
    assert false.printed == pytest.approx((2 * x - x * x) / (2 * x))
    assert false.text == "Z-square 1 Sums twice is a SQUARE no"


def test_every_claim_of_the_documents_is_counted_once():
    table = counts(findings(claims().values()))
    assert sum(sum(row.values()) for row in table.values()) == len(claims())
    for document, row in table.items():
        own = [claim.status for claim in claims().values() if claim.document == document]
        assert row == {status: own.count(status) for status in set(own)}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, ["Z-double", "Z-square"]),
        ({"document": "Z", "status": "wrong"}, ["Z-square"]),
        ({"document": "A"}, []),
        ({"lesson": "02"}, ["Z-double", "Z-square"]),
        ({"lesson": "0"}, []),
        ({"containing": " square "}, ["Z-square"]),
        ({"containing": "DOUBLE"}, ["Z-double"]),
    ],
)
def test_claims_are_chosen_by_all_filters_together(filters, ids):
    assert [one.id for one in chosen(FOUND, **filters)] == ids


def test_each_draw_is_a_sample_of_its_own():
    right, false = on_page(sums_page)
    x = [np.random.default_rng(seed).uniform(1, 2) for seed in range(3)]
    assert over_draws(false, 3) == pytest.approx([1 - x_i / 2 for x_i in x])
    assert (over_draws(right, 3) == 0).all()


def test_the_source_of_a_claim_is_its_sample_and_its_own_lines():
    false = list(on_page(sums_page))[1]
    lines = source_of(false).splitlines()
    assert lines[:4] == [
        '@page("1 Sums", lessons="01 02")',
        "def sums_page(rng):",
        "    x = rng.uniform(1, 2)",
        "    ...",
    ]
    assert lines[4].startswith('    yield wrong("Z-square"')
    assert len(lines) == 5


@pytest.mark.parametrize("id", ["A-3.4-clip", "C2-B12", "E-split", "X-mse", "N-linear"])
def test_the_source_of_any_claim_is_python_that_names_it(id):
    source = source_of(claims()[id])
    ast.parse(source)
    assert f'"{id}"' in source
    assert source.count("yield") == 1


def test_a_claim_that_is_not_on_its_page_is_refused():
    stranger = dataclasses.replace(next(on_page(sums_page)), id="Z-none")
    with pytest.raises(ValueError, match="Z-none is not on its page"):
        source_of(stranger)


def finding(status, printed):
    """A finding with this verdict and error."""
    return Finding("Z-1", "Z", status, (), "", printed, 0.0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "No claim fits."),
        ([finding("note", math.nan)], "1 claim: 1 note."),
        ([finding("ok", 0.0)] * 3, "3 claims: 3 ok."),
        ([finding("reading", 2.0)], "1 claim: 1 reading."),
        (
            [finding("wrong", math.inf)] * 2 + [finding("misprint", 0.25), finding("wrong", 3.0)],
            "4 claims: 1 misprint, 3 wrong. Mistakes as printed: 2 undefined, 2 computable and off "
            "by 0.25 or more.",
        ),
        (
            [finding("wrong", 3.0)],
            "1 claim: 1 wrong. Mistakes as printed: 1 computable and off by 3 or more.",
        ),
    ],
)
def test_words_count_and_say_how_mistakes_fail(found, words):
    assert in_words(found) == words

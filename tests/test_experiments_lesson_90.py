"""What the lesson on every formula measures: counting, choosing, trying over draws, sources."""

import ast
import dataclasses
import math

import numpy as np
import pytest

from nnlib.documents import claims
from nnlib.documents.claims import ok, on_page, page, wrong
from nnlib.documents.slips import chain, slips
from nnlib.experiments.findings import Finding, chosen, counts, findings
from nnlib.experiments.lesson_90 import (
    begun,
    chosen_claims,
    in_words,
    over_draws,
    source_of,
    tried,
)


@page("1 Sums", lessons="01 02")
def sums_page(rng):
    x = rng.uniform(1, 2)

    yield ok("Z-double", "twice is a sum", lambda: 2 * x, lambda: x + x)
    own = {"defence": "a guess.", "slips": ("a sign", "a power")}
    false, right, true = lambda: x * x, lambda: 2 * x, lambda: x + x
    yield wrong("Z-square", "twice is a SQUARE", "no", false, right, true, **own)


FOUND = findings(on_page(sums_page), seed=5)


def test_findings_hold_what_a_claim_says_and_both_errors():
    x = np.random.default_rng(5).uniform(1, 2)
    right, false = FOUND
    assert right[:4] == ("Z-double", "Z", "ok", ("01", "02"))
    assert (right.slip, right.mistakes, false.mistakes) == ("Z-double", 0, 2)
    assert (right.printed, right.corrected) == (0, 0)
    assert false.printed == pytest.approx((2 * x - x * x) / (2 * x))
    for piece in ("Z-square", "1 Sums", "twice is a SQUARE", "no", "a guess.", "a sign", "a power"):
        assert piece in false.text


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
        ({"slip": "Z-square"}, ["Z-square"]),
        ({"containing": " square "}, ["Z-square"]),
        ({"containing": "a guess"}, ["Z-square"]),
        ({"containing": "DOUBLE"}, ["Z-double"]),
    ],
)
def test_claims_are_chosen_by_all_filters_together(filters, ids):
    assert [one.id for one in chosen(FOUND, **filters)] == ids


def test_of_a_slip_there_are_itself_and_all_that_follows_from_it():
    for slip in slips():
        found = chosen(tried(), slip=slip.id)
        assert {one.id for one in found} == {one.id for one, _ in chain(slip)}
        assert chosen_claims(slip=slip.id).cards == len(found)


def test_a_card_that_is_part_of_a_chain_has_the_whole_chain_and_no_other_has_one():
    for n, one in enumerate(tried(), start=1):
        found = chosen_claims(card=n)
        assert found.claim.claim.id == one.id
        begins = [slip for slip in slips() if one.id in {link.id for link, _ in chain(slip)}]
        lines = [link.id for slip in begins for link, _ in chain(slip)]
        assert [line.id for line, _ in found.chain.lines] == lines if begins else not found.chain


def test_a_slip_is_named_in_letters_and_signs():
    assert list(begun()) == [slip.id for slip in slips()]
    assert all(words and not set(words) & set("$\\{}") for words in begun().values())


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


def finding(status, printed, mistakes=0):
    """A finding with this verdict and error."""
    return Finding("Z-1", "Z", status, (), "", printed, 0.0, mistakes=mistakes)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "No claim fits."),
        ([finding("note", math.nan)], "1 claim: 1 note."),
        ([finding("ok", 0.0)] * 3, "3 claims: 3 ok."),
        ([finding("reading", 2.0)], "1 claim: 1 reading."),
        (
            [finding("wrong", math.inf, 2)] * 2 + [finding("follows", 0.25), finding("scan?", 3.0)],
            "4 claims: 2 wrong, 1 follows, 1 scan?. Independent mistakes: 4. As printed: 2 "
            "undefined, 2 off by 0.25 or more.",
        ),
        ([finding("misprint", 3.0)], "1 claim: 1 misprint. As printed: 1 off by 3 or more."),
    ],
)
def test_words_count_and_say_how_mistakes_fail(found, words):
    assert in_words(found) == words

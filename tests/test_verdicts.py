"""A verdict stands only where the best defence fails, and says on which input."""

import numpy as np
import pytest

from nnlib.documents import claims
from nnlib.documents.claims import ANY_DRAW, UNCHARGED
from nnlib.documents.verdicts import MISTAKES, VERDICTS

DRAWS, ROUND_OFF, VISIBLE = 20, 1e-9, 1e-3
CHARGED = [id for id, one in claims().items() if one.status in (*MISTAKES, "follows", "convention")]


def of_status(*statuses):
    """The ids with one of these verdicts."""
    return [id for id, one in claims().items() if one.status in statuses]


def over_draws(check):
    """What a check gives on twenty samples."""
    return np.array([check(np.random.default_rng(seed)) for seed in range(DRAWS)])


@pytest.mark.parametrize("id", list(claims()))
def test_every_claim_has_a_verdict_from_the_list_and_an_input_on_which_it_rests(id):
    assert claims()[id].status in VERDICTS
    assert claims()[id].rests_on


@pytest.mark.parametrize("id", CHARGED)
def test_what_is_charged_is_defended_in_words_of_its_own(id):
    defence = claims()[id].defence
    assert len(defence.split()) >= 5
    assert defence.endswith(".")
    assert [other for other in CHARGED if claims()[other].defence == defence] == [id]


@pytest.mark.parametrize("id", of_status("note", "added", "reading"))
def test_where_no_document_is_charged_that_is_the_defence(id):
    assert claims()[id].defence == UNCHARGED


@pytest.mark.parametrize("id", of_status("ok"))
def test_what_is_right_needs_no_defence(id):
    assert not claims()[id].defence


@pytest.mark.parametrize("id", list(claims()))
def test_what_is_wrong_and_nothing_else_names_its_slips(id):
    one = claims()[id]
    assert bool(one.slips) == (one.status == "wrong")
    assert all(isinstance(slip, str) and slip for slip in one.slips)


def test_no_slip_is_counted_twice():
    slips = [slip for one in claims().values() for slip in one.slips]
    assert len(slips) == len(set(slips)) > 0


@pytest.mark.parametrize("id", list(claims()))
def test_what_follows_and_nothing_else_names_a_slip_of_its_document(id):
    one = claims()[id]
    assert bool(one.follows) == (one.status == "follows")
    if one.follows:
        slip = claims()[one.follows]
        assert slip.status in MISTAKES
        assert slip.document == one.document


@pytest.mark.parametrize("id", of_status(*MISTAKES, "follows"))
def test_what_is_not_right_is_off_or_undefined_on_the_input_it_rests_on(id):
    printed, corrected = over_draws(claims()[id].check).T
    assert printed.min() >= VISIBLE
    assert corrected.max() <= ROUND_OFF


@pytest.mark.parametrize("id", list(claims()))
def test_what_is_overstated_and_nothing_else_is_right_under_a_condition(id):
    one = claims()[id]
    overstated = one.status == "overstated"
    assert bool(one.condition) == (one.under is not None) == overstated
    if overstated:
        assert over_draws(one.check_under).max() <= ROUND_OFF


@pytest.mark.parametrize("id", of_status("overstated"))
def test_a_condition_is_tried_on_more_than_one_friendly_input(id):
    for form in claims()[id].under:
        assert np.ndim(form()) >= 1
        assert len(form()) >= 3


def test_an_input_that_was_chosen_is_named():
    """One extreme input decides nothing about a draw at random, so both kinds are there."""
    chosen = [id for id in of_status(*MISTAKES) if claims()[id].rests_on != ANY_DRAW]
    assert 0 < len(chosen) < len(of_status(*MISTAKES))

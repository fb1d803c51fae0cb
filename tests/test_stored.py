"""The stored tables: each has its seeds, spread and date."""

import pytest

from nnlib.experiments.stored import RESULTS, stored

TABLES = sorted(path.stem for path in RESULTS.glob("*.csv"))


@pytest.mark.parametrize("name", TABLES)
def test_a_stored_table_says_how_many_seeds_how_far_apart_and_when(name):
    rows = stored(name)
    assert rows
    for row in rows:
        assert int(row["seeds"]) >= 3
        assert row["spread"]
        assert len(row["date"]) == len("2026-08-01")


def test_the_table_of_lesson_02_has_every_claim_of_its_share():
    claims = set(" ".join(row["claim"] for row in stored("02_claims")).split())
    assert claims == {"A-c2", "A-c9", "B-c2", "D-c1", "D-c2", "D-c3", "D-c5", "E-c7"}


@pytest.mark.parametrize("name", ["99_claims", "../README", "02_claims.csv", None, []])
def test_a_table_that_is_not_there_is_an_error_that_names_those_there_are(name):
    with pytest.raises(ValueError, match=r"stored: name must be one of .*02_claims.*; got "):
        stored(name)

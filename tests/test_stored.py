"""The stored tables: each has its seeds, spread and date."""

import numpy as np
import pytest

from nnlib.experiments import stored as module
from nnlib.experiments.stored import RESULTS, outcome, store, stored

TABLES = sorted(path.stem for path in RESULTS.glob("*.csv"))


@pytest.mark.parametrize("name", TABLES)
def test_a_stored_table_says_how_many_seeds_how_far_apart_and_when(name):
    rows = stored(name)
    assert rows
    for row in rows:
        of_one_run = row["claim"] == "weights" or "seed" in row["setting"] + row["measure"]
        assert int(row["seeds"]) >= 3 or of_one_run  # which says so
        assert row["spread"]
        assert len(row["date"]) == len("2026-08-01")


def test_the_table_of_lesson_02_has_every_claim_of_its_share():
    claims = set(" ".join(row["claim"] for row in stored("02_claims")).split())
    assert claims == {"A-c2", "A-c9", "B-c2", "D-c1", "D-c2", "D-c3", "D-c5", "E-c7"}


@pytest.mark.parametrize("name", ["99_claims", "../README", "02_claims.csv", None, []])
def test_a_table_that_is_not_there_is_an_error_that_names_those_there_are(name):
    with pytest.raises(ValueError, match=r"stored: name must be one of .*02_claims.*; got "):
        stored(name)


def test_what_is_stored_is_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    rows = [
        outcome("A-c2", "a, b", "σ", "accuracy", [0.5, 1.0]),
        outcome("D", "", "", "m", [np.inf]),
    ]
    assert store("03_claims", rows) == tmp_path / "03_claims.csv"
    assert stored("03_claims") == [{k: str(v) for k, v in row.items()} for row in rows]
    assert stored("03_claims")[1]["mean"] == "refused"


def test_an_experiment_that_gave_nothing_leaves_the_old_table(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    store("03_claims", [outcome("D", "", "", "m", [1])])
    with pytest.raises(ValueError, match="store: rows must hold one at least"):
        store("03_claims", [])
    assert len(stored("03_claims")) == 1


@pytest.mark.parametrize("name", TABLES)
def test_a_table_written_again_is_the_same_file(name, tmp_path, monkeypatch):
    rows, before = stored(name), (RESULTS / f"{name}.csv").read_bytes()
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    assert store(name, rows).read_bytes() == before

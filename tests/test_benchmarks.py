"""The benchmarks run, with whatever is installed."""

import pytest

from benchmarks import mlp_epoch


@pytest.mark.slow
def test_the_race_measures_every_contestant_that_is_installed(capsys):
    times = mlp_epoch.race(mlp_epoch.CONTESTANTS, turns=2)
    missing = capsys.readouterr().out.count("does not take part")
    assert {"matrix products alone", "nnlib"} <= set(times)
    assert len(times) + missing == len(mlp_epoch.CONTESTANTS)
    assert all(len(turns) == 2 and min(turns) > 0 for turns in times.values())

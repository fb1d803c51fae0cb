"""What a sweep promises: every combination, in one order, on any executor; errors with a name."""

import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib.sweeps import sweep


def draw(lr, width, seed):
    """A result that depends on everything."""
    return float(np.random.default_rng([width, seed]).standard_normal() * lr)


GRID, SEEDS = {"lr": (0.1, 1.0), "width": [3, 5, 7]}, range(4)


class Backwards(Executor):
    """Runs the last job first."""

    def __init__(self):
        self.jobs = []

    def submit(self, run, /, *args, **named):
        future = Future()
        future.result = lambda timeout=None: self.finish() or Future.result(future)
        self.jobs.append((future, run, args, named))
        return future

    def finish(self):
        while self.jobs:
            future, run, args, named = self.jobs.pop()
            future.set_result(run(*args, **named))


def test_every_combination_is_run_with_every_seed_in_the_order_of_the_grid():
    found = sweep(draw, GRID, seeds=SEEDS)
    want = [({"lr": lr, "width": w}, s) for lr in (0.1, 1.0) for w in (3, 5, 7) for s in range(4)]
    assert [(one.settings, one.seed) for one in found] == want
    assert [one.result for one in found] == [draw(**k, seed=s) for k, s in want]


@pytest.mark.parametrize("executor", ["threads", "processes", "backwards"])
def test_the_list_is_the_same_whoever_runs_it(executor):
    make = {
        "threads": lambda: ThreadPoolExecutor(3),
        "processes": lambda: ProcessPoolExecutor(1),
        "backwards": Backwards,
    }[executor]
    with make() as pool:
        assert sweep(draw, GRID, seeds=SEEDS, executor=pool) == sweep(draw, GRID, seeds=SEEDS)


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=3)),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
def test_there_are_as_many_runs_as_combinations_times_seeds(grid, seeds):
    found = sweep(lambda **named: named, grid, seeds=seeds)
    assert len(found) == np.prod([len(values) for values in grid.values()], dtype=int) * len(seeds)
    assert all(one.result == one.settings | {"seed": one.seed} for one in found)


def test_generators_of_values_and_seeds_are_read_once():
    found = sweep(lambda a, seed: (a, seed), {"a": iter("pq")}, seeds=iter([1, 2]))
    assert [one.result for one in found] == [("p", 1), ("p", 2), ("q", 1), ("q", 2)]


def fail_at_five(width, seed):
    """Fails in one of the runs."""
    if (width, seed) == (5, 1):
        raise ValueError("too wide")
    return width


@pytest.mark.parametrize("threads", [0, 2])
def test_a_run_that_fails_is_told_with_its_settings(threads):
    def go(executor=None):
        with pytest.raises(RuntimeError) as failed:
            sweep(fail_at_five, {"width": [3, 5]}, seeds=[0, 1], executor=executor)
        return failed.value

    if threads:
        with ThreadPoolExecutor(threads) as pool:
            error = go(pool)
            assert pool.submit(lambda: 7).result() == 7  # the executor is its owner's
    else:
        error = go()
    assert str(error) == "sweep: the run with width=5, seed=1 failed; ValueError: too wide"
    assert isinstance(error.__cause__, ValueError)


def test_what_has_not_begun_when_a_run_fails_never_begins():
    begun = []

    def run(k, seed):
        begun.append(k)
        if k == 0:
            raise ValueError("no")
        time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="k=0, seed=0"):
        sweep(run, {"k": range(1000)}, seeds=[0], executor=pool)
    assert len(begun) < 1000


def test_an_interrupt_is_an_interrupt():
    def run(seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(run, {}, seeds=[0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"run": 3}, TypeError, "run must be a function; got int"),
        ({"grid": [0.1]}, TypeError, "grid must map names to their values; got list"),
        (
            {"grid": {"lr": 0.1}},
            TypeError,
            r"grid\['lr'\] must be a list of values; got float. Use",
        ),
        ({"grid": {"init": "he"}}, TypeError, r"grid\['init'\] must be a list of values; got str"),
        ({"grid": {"lr": []}}, ValueError, r"grid\['lr'\] must hold a value at least; got none"),
        ({"grid": {"seed": [1]}}, ValueError, "grid must leave seed out; got it. Say seeds="),
        ({"seeds": 5}, TypeError, r"seeds must be a list of values; got int. Use \[5\]"),
        ({"seeds": []}, ValueError, "seeds must hold a value at least; got none"),
    ],
)
def test_a_sweep_of_nothing_is_refused_before_any_run(change, error, message):
    def run(**named):
        raise AssertionError("nothing may run")

    arguments = {"run": run, "grid": {"lr": [1]}, "seeds": [0]} | change
    with pytest.raises(error, match=f"^sweep: {message}"):
        sweep(arguments["run"], arguments["grid"], seeds=arguments["seeds"])

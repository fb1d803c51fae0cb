"""What nnlib.machine promises: one BLAS thread while anybody wants it, then as many as before."""

import threading
import time
from functools import partial

import numpy as np
import pytest
from interrupts import interrupted, interrupted_at, needs_timer
from runs import DROPOUT, LABELS, X, build, output_of, state_of

from nnlib import machine
from nnlib.machine import one_blas_thread, side_by_side
from nnlib.training import accuracy


class Library:
    """A BLAS of so many threads."""

    def __init__(self, threads):
        self.num_threads = threads

    def set_num_threads(self, threads):
        self.num_threads = threads


@pytest.fixture
def threads(monkeypatch):
    """How many threads two libraries have now, which have 2 and 4 when nobody is there."""
    libraries = [Library(2), Library(4)]
    monkeypatch.setattr(machine, "blas_libraries", lambda: libraries)
    yield lambda: [library.num_threads for library in libraries]
    assert not machine.USERS
    assert not machine.BEFORE


def test_the_number_of_threads_is_one_within_and_as_before_behind(threads):
    with one_blas_thread():
        assert threads() == [1, 1]
        with one_blas_thread():
            assert threads() == [1, 1]
        assert threads() == [1, 1]
    assert threads() == [2, 4]


def test_an_error_leaves_as_many_threads_as_before(threads):
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert threads() == [2, 4]


def test_users_that_overlap_in_threads_leave_as_many_as_before(threads):
    """The first to come is the first to go: only the last one takes the setting back."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    seen = []

    def first():
        with one_blas_thread():
            first_is_in.set()
            second_is_in.wait(60)
        seen.append(threads())
        first_is_out.set()

    def second():
        first_is_in.wait(60)
        with one_blas_thread():
            second_is_in.set()
            first_is_out.wait(60)
            seen.append(threads())
        seen.append(threads())

    users = [threading.Thread(target=f) for f in (first, second)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert seen == [[1, 1], [1, 1], [2, 4]]


@needs_timer
def test_an_interrupt_at_any_moment_leaves_as_many_threads_as_before(threads):
    def enter_and_leave():
        while True:
            with one_blas_thread():
                pass

    rng = np.random.default_rng(0)
    for _ in range(200):
        assert interrupted(rng.uniform(1e-4, 2e-3), enter_and_leave)
        assert threads() == [2, 4]


def test_work_is_done_side_by_side_and_all_of_it_has_ended():
    """Each waits for all others: none is done after another."""
    barrier, done = threading.Barrier(3, timeout=60), []

    def work(k):
        barrier.wait()
        done.append(k)
        return k * k

    assert side_by_side(work, 3) == [0, 1, 4]
    assert sorted(done) == [0, 1, 2]
    assert side_by_side(lambda k: k, 1) == [0]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_beside_others_is_raised_when_all_have_ended(failing):
    done = []

    def work(k):
        if k == failing:
            raise ZeroDivisionError
        time.sleep(0.05)
        done.append(k)

    with pytest.raises(ZeroDivisionError):
        side_by_side(work, 3)
    assert sorted(done) == [k for k in range(3) if k != failing]


@needs_timer
def test_an_interrupt_that_finds_one_waiting_is_raised_when_all_have_ended():
    done = []

    def work(k):
        if k:
            time.sleep(0.3)
            done.append(k)

    assert interrupted(0.1, side_by_side, work, 3)
    assert sorted(done) == [1, 2]


STEPS = """
import sys, numpy as np
from nnlib.losses import softmax_cross_entropy
from nnlib.machine import blas_libraries
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import Training

rng, threads = np.random.default_rng(0), lambda: {l.num_threads for l in blas_libraries()}
x, labels = rng.random((600, 784), np.float32), rng.integers(10, size=600)

def run():
    model = MLP(784, 40, 30, 10, rng=0)
    optimizer = Adam(parameter_vector(model)[0])
    return Training(model, softmax_cross_entropy, optimizer, x, labels, batch_size=100, seed=0)

first, second, before = run(), run(), threads()
first.run(20)
for _ in range(20): second.step()
print(first.theta.tobytes() == second.theta.tobytes(), threads() == before)
"""


def test_a_loop_of_steps_is_a_run_bit_for_bit_whatever_the_threads():
    for threads in ("1", "2"):
        assert output_of(STEPS, OPENBLAS_NUM_THREADS=threads).split() == ["True", "True"]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupt_at_any_moment_of_a_step_leaves_threads_and_state_whole(threads, workers):
    run = partial(build, dropout=DROPOUT, workers=workers)
    training, moment = run(), 1
    states = [state_of(training)]
    training.step()
    states.append(state_of(training))
    training = run()
    while interrupted_at(moment, training.step):
        assert threads() == [2, 4]
        assert state_of(training) == states[training.steps]
        training, moment = run(), moment + 1
    assert moment > 100


@needs_timer
def test_interrupted_steps_and_runs_leave_as_many_threads_as_before(threads):
    training, rng = build(), np.random.default_rng(2)

    def steps():
        while True:
            training.step()

    for call in (steps, lambda: training.run(10**9)):
        for _ in range(20):
            assert interrupted(rng.uniform(1e-3, 5e-3), call)
            assert threads() == [2, 4]


def test_fits_that_overlap_in_threads_leave_as_many_as_before(threads):
    runs = [build(seed=seed) for seed in range(4)]
    users = [threading.Thread(target=run.run, args=(40 + 20 * k,)) for k, run in enumerate(runs)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert threads() == [2, 4]


def careful_calls():
    """Calls that set NumPy's error handling for themselves."""
    training = build()
    return {
        "a run's step": training.step,
        "a run": partial(training.run, 1),
        "an optimizer's step": partial(training.optimizer.step, np.ones_like(training.theta)),
        "accuracy": partial(accuracy, training.model, X, LABELS),
    }


@pytest.mark.parametrize("name", careful_calls())
def test_an_interrupt_at_any_moment_leaves_the_error_handling_of_numpy_as_it_was(name):
    careful_calls()[name]()  # which finds the machine's libraries, once
    before, moment = np.geterr(), 1
    while interrupted_at(moment, careful_calls()[name]):
        assert np.geterr() == before
        moment += 1
    assert moment > 10

"""What a saved run promises: it goes on bit for bit, and no crash, bad file or Ctrl-C tears it."""

import os
import re
import subprocess
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from interrupts import interrupted, needs_timer
from runs import (
    COMBINATIONS,
    DROPOUT,
    LABELS,
    RULES,
    SCHEDULE,
    X,
    build,
    output_of,
    python,
    replayed,
    state_of,
)
from threads import no_thread_left

from nnlib import saving as module
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.parameters import parameter_vector
from nnlib.saving import load, save
from nnlib.training import Training, fit

# -- saved and resumed (B12) ---------------------------------------------------------------------

RESUME = """
import sys, numpy as np, runs as t
from nnlib.saving import load
for rule, dropout in t.COMBINATIONS:
    training = t.build(rule, dropout=dropout, schedule=t.SCHEDULE)
    load(f"{sys.argv[1]}/{rule}{dropout}.npz", training)
    end = training.optimizer.state() | {"history": training.run(30)}
    end |= training.optimizer.state() | {"theta": training.theta, "steps": training.steps}
    np.savez(f"{sys.argv[1]}/{rule}{dropout}-end.npz", **end)
"""


def test_a_run_resumed_in_a_new_process_is_the_unbroken_run_bit_for_bit(tmp_path):
    """Saved after step 30 of 60, in the middle of the fifth epoch."""
    for rule, dropout in COMBINATIONS:
        training = build(rule, dropout=dropout, schedule=SCHEDULE)
        training.run(30)
        save(tmp_path / f"{rule}{dropout}.npz", training)
    output_of(RESUME, tmp_path)
    for rule, dropout in COMBINATIONS:
        unbroken = build(rule, dropout=dropout, schedule=SCHEDULE)
        history = unbroken.run(60)
        with np.load(tmp_path / f"{rule}{dropout}-end.npz", allow_pickle=False) as file:
            resumed = {name: file[name].tobytes() for name in file.files}
        assert resumed.pop("history") == history[30:].tobytes()
        assert resumed == state_of(unbroken)


def test_a_run_can_be_loaded_into_one_that_went_elsewhere(tmp_path):
    first, second = build(), build()
    first.run(10)
    save(tmp_path / "run.npz", first)
    second.run(23)
    load(tmp_path / "run.npz", second)
    assert state_of(second) == state_of(first)
    assert second.run(9).tobytes() == first.run(9).tobytes()


def test_a_run_that_began_with_a_used_optimizer_is_resumed_at_its_own_step(tmp_path):
    first = build()
    first.run(4)
    options = {"batch_size": 8, "seed": 5}
    again = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    again.run(3)
    save(tmp_path / "run.npz", again)
    fresh = build()
    load(tmp_path / "run.npz", fresh)
    assert (fresh.steps, fresh.optimizer.t) == (3, 7)
    assert fresh.step() == again.step()


# -- files that are not right (B13, B14) ---------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """A run's file after ten steps, and its state."""
    training = build()
    training.run(10)
    save(tmp_path / "run.npz", training)
    return tmp_path / "run.npz", state_of(training)


def assert_refused(path, training, reason="", error=ValueError):
    """Loading fails with a word on the file, and changes nothing."""
    before = state_of(training)
    with pytest.raises(error) as raised:
        load(path, training)
    assert str(raised.value).startswith("load: ")
    assert str(path) in str(raised.value)
    assert re.search(reason, str(raised.value))
    assert state_of(training) == before


def test_a_file_that_was_cut_is_refused(saved):
    path, _ = saved
    content, training = path.read_bytes(), build()
    for length in {*range(0, len(content), 97), len(content) - 1}:
        path.write_bytes(content[:length])
        assert_refused(path, training, "is not a saved run, or is damaged")
    path.write_bytes(content)
    load(path, training)


def test_a_flipped_bit_is_refused_or_does_no_harm(saved):
    """A few bits of a zip file, such as its dates, mean nothing to anybody."""
    path, state = saved
    content, training, rng = path.read_bytes(), build(), np.random.default_rng(0)
    harmless = 0
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            load(path, training)
        except ValueError:
            assert_refused(path, training)
        else:
            harmless += 1
            assert state_of(training) == state
            training = build()
    assert harmless < 0.2 * len(range(0, len(content), 7))


def array(path, a):
    """Write one array, as an npy file."""
    with open(path, "wb") as file:
        np.save(file, a)


FOREIGN = {
    "empty": lambda path: path.write_bytes(b""),
    "a page": lambda path: path.write_text("<html>404</html>"),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)),
    "an array": lambda path: array(path, np.ones(3)),
    "other arrays": lambda path: np.savez(path, weights=np.ones(3)),
    "no about": lambda path: np.savez(path, theta=np.ones(3)),
    "a sentence": lambda path: np.savez(path, theta=np.ones(3), about="hello"),
    "a list": lambda path: np.savez(path, theta=np.ones(3), about="[1, 2]"),
    "nothing in it": lambda path: np.savez(path, theta=np.ones(3), about="{}"),
    "an empty archive": lambda path: zipfile.ZipFile(path, "w").close(),
}


@pytest.mark.parametrize("write", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(tmp_path, write):
    write(tmp_path / "run.npz")
    assert_refused(tmp_path / "run.npz", build())


class Bomb:
    """What unpickling would run."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = np.empty(1, object)
    bomb[0] = Bomb()
    np.savez("run.npz", theta=bomb, about="{}")
    assert_refused("run.npz", build(), "allow_pickle=False")
    bomb.dump("run.npz")
    assert_refused("run.npz", build())
    assert not Path("exploded").exists()


def test_a_file_of_an_older_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FORMAT", module.FORMAT - 1)
    save(tmp_path / "run.npz", build())
    monkeypatch.undo()
    assert_refused(tmp_path / "run.npz", build(), f"format is {module.FORMAT - 1}, here")


def wider(*widths):
    """A run of another network."""
    return partial(build, model=MLP(*widths, rng=0, dtype="float64"))


OTHERS = {
    "width": (wider(6, 9, 3), r"0\.W is \[8, 6\], here \[9, 6\]"),
    "depth": (wider(6, 8, 8, 3), r"4\.W is missing"),
    "fewer layers": (wider(6, 3), r"2\.W is unexpected"),
    "optimizer": (partial(build, "AdaGrad"), "name is Adam, here AdaGrad"),
    "type": (partial(build, dtype="float32"), "dtype is float64, here float32"),
    "seed": (partial(build, seed=6), "seed is 5, here 6"),
    "batch size": (partial(build, batch_size=9), "batch_size is 8, here 9"),
    "data": (partial(build, x=X[:40], labels=LABELS[:40]), "samples is 50, here 40"),
}


@pytest.mark.parametrize(("make", "reason"), OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_run_is_refused(saved, make, reason):
    assert_refused(saved[0], make(), reason)
    load(saved[0], build())


def test_arrays_that_do_not_fit_are_refused(saved):
    path, _ = saved
    with np.load(path, allow_pickle=False) as file:
        content = dict(file)
    for change in (
        {"m": content["m"][:-1]},
        {"theta": content["theta"].astype("f")},
        {"extra": np.ones(3)},
    ):
        np.savez(path, **content | change)
        assert_refused(path, build(), "its arrays do not fit")


def test_a_path_that_is_no_file_is_told(tmp_path):
    training = build()
    assert_refused(tmp_path / "none.npz", training, "there is no file", FileNotFoundError)
    assert_refused(tmp_path, training, "is a folder", IsADirectoryError)
    for call in (load, save):
        with pytest.raises(TypeError, match=f"^{call.__name__}: path must be a path; got int"):
            call(3, training)


@pytest.mark.parametrize("place", ["no folder/run.npz", "."])
def test_a_place_that_cannot_be_written_is_told(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        OSError, match=f"^save: path must be a file that can be written; got {place}"
    ):
        save(place, build())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_a_save_that_fails_leaves_the_older_file_and_nothing_else(saved, monkeypatch, error):
    path, state = saved
    written = module.np.savez

    def cut_short(file, **content):
        written(file, **content)
        file.truncate(100)
        raise error

    training = build()
    training.run(20)
    monkeypatch.setattr(module.np, "savez", cut_short)
    with pytest.raises(error):
        save(path, training)
    monkeypatch.undo()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    fresh = build()
    load(path, fresh)
    assert state_of(fresh) == state


def test_the_content_is_on_the_disk_before_the_file_gets_its_name(saved, monkeypatch):
    """So a crash of the whole computer, too, leaves the older file or the new one."""
    calls, functions = [], {name: getattr(os, name) for name in ("fsync", "replace")}

    def recording(name):
        return lambda *arguments: (calls.append(name), functions[name](*arguments))[1]

    for name in functions:
        monkeypatch.setattr(module.os, name, recording(name))
    save(saved[0], build())
    assert calls == ["fsync", "replace"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_whoever_reads_the_older_file_can_finish(saved):
    """A file is never written in place."""
    path, _ = saved
    content = path.read_bytes()
    with open(path, "rb") as older:
        save(path, build())
        assert older.read() == content
    assert path.read_bytes() != content


def test_a_path_may_have_a_home_spaces_and_other_letters(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    training = build()
    save("~/mein Lauf é.npz", training)
    assert (tmp_path / "mein Lauf é.npz").exists()
    load("~/mein Lauf é.npz", training)


SAVE_FOR_EVER = """
import sys, runs as t
from nnlib.saving import save
training = t.build()
while True:
    training.run(1)
    save(sys.argv[1], training)
    print(training.steps, flush=True)
"""


def kill_while_saving(path, seconds):
    """Kill a process that saves without end; its file must be whole, and of a step it had done."""
    process = python(SAVE_FOR_EVER, path)
    process.stdout.readline()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.stdout.close()
    process.wait()
    training = build()
    load(path, training)
    assert training.steps > 0
    assert state_of(training) == replayed(training.steps)


@pytest.mark.parametrize("seconds", [0.01, 0.04])
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path, seconds):
    kill_while_saving(tmp_path / "run.npz", seconds)


@pytest.mark.slow
def test_twenty_processes_killed_while_saving_leave_whole_files(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(20):
        kill_while_saving(tmp_path / f"{k}.npz", rng.uniform(0, 0.1))


# -- Ctrl-C (B15) --------------------------------------------------------------------------------


def wide():
    """A network of so many parameters that most of a step is the optimizer's."""
    return MLP(6, 4000, 3, rng=1, dtype="float64")


def torn_fits(trials, **options):
    """How often an interrupted fit leaves theta and the optimizer's state of different steps."""
    rng, torn = np.random.default_rng(0), 0
    sizes = {"batch_size": 8, "seed": 5, "progress": False}
    for _ in range(trials):
        model = wide()
        optimizer = RULES["Adam"](parameter_vector(model)[0])
        call = partial(fit, model, softmax_cross_entropy, optimizer, X, LABELS, **sizes, **options)
        with no_thread_left(patience=60):
            assert interrupted(rng.uniform(0.002, 0.1), partial(call, epochs=10**6))
        state = optimizer.state() | {"theta": optimizer.theta, "steps": optimizer.t}
        state = {name: np.asarray(value).tobytes() for name, value in state.items()}
        torn += state != replayed(optimizer.t, model=wide(), **options)
        assert len(call(epochs=1)) == 7
    return torn


@needs_timer
@pytest.mark.parametrize(("workers", "trials"), [(1, 12), (2, 3)])
def test_an_interrupted_fit_is_not_torn_and_can_be_called_again(workers, trials):
    assert torn_fits(trials, workers=workers) == 0


@pytest.mark.slow
@needs_timer
@pytest.mark.parametrize("workers", [1, 2])
def test_sixty_interrupted_fits_are_not_torn(workers):
    assert torn_fits(60, workers=workers) == 0


@needs_timer
def test_an_interrupted_run_goes_on_as_the_unbroken_one():
    training, rng = build(dropout=DROPOUT), np.random.default_rng(1)
    for _ in range(5):
        assert interrupted(rng.uniform(0.001, 0.02), training.run, 10**9)
    steps = training.steps + 10
    training.run(10)
    assert training.steps == steps
    assert state_of(training) == replayed(steps, dropout=DROPOUT)

"""What a saved run promises: it goes on bit for bit, and no crash, bad file or Ctrl-C tears it."""

import json
import os
import re
import subprocess
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from interrupts import interrupted, interrupted_at, needs_timer
from memory import peak_memory
from runs import (
    COMBINATIONS,
    DROPOUT,
    LABELS,
    RULES,
    SCHEDULE,
    X,
    build,
    network,
    output_of,
    python,
    replayed,
    state_of,
)
from threads import no_thread_left

from nnlib import archives
from nnlib import saving as module
from nnlib.blocks import leaky_relu, relu, tanh
from nnlib.layers import Dropout, Layer, Linear, Residual, Sequential
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Optimizer
from nnlib.parameters import parameter_vector
from nnlib.saving import load, save
from nnlib.training import Training, fit

# -- saved and resumed ---------------------------------------------------------------------------

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


def test_a_run_that_began_with_a_used_optimizer_is_resumed_where_it_stood(tmp_path):
    first = build()
    first.run(4)
    options = {"batch_size": 8, "seed": 5}
    again = Training(first.model, first.loss, first.optimizer, X, LABELS, **options)
    again.run(3)
    save(tmp_path / "run.npz", again)
    fresh = build()
    load(tmp_path / "run.npz", fresh)
    assert (fresh.steps, fresh.optimizer.t) == (7, 7)
    assert fresh.step() == again.step()


def test_a_run_that_was_left_behind_by_another_is_not_saved_but_may_be_loaded(tmp_path):
    first = build()
    first.run(3)
    save(tmp_path / "run.npz", first)
    other = Training(first.model, first.loss, first.optimizer, X, LABELS, batch_size=8, seed=5)
    other.step()
    other.step()
    with pytest.raises(ValueError, match="another run moved it"):
        save(tmp_path / "other.npz", first)
    assert not (tmp_path / "other.npz").exists()
    load(tmp_path / "run.npz", first)
    assert first.step().step == 4


class Named(Optimizer):
    """A rule of one's own that names what it remembers, a number among it."""

    moments = ("h", "scale")

    def __init__(self, theta):
        super().__init__(theta, lr=0.05)
        self.h, self.scale, self.floor = np.zeros_like(theta), np.float64(1), np.float32(1e-3)

    def update(self, g):
        h, scale = self.h + g * g, self.scale * np.float64(0.99)
        delta = (self.lr * float(scale)) * g / np.sqrt(h + float(self.floor))
        self.t, self.h, self.scale, self.theta[:] = self.t + 1, h, scale, self.theta - delta


class InPlace(Optimizer):
    """A rule that names nothing and writes into its array."""

    def __init__(self, theta):
        super().__init__(theta, lr=0.05)
        self.h = np.zeros_like(theta)

    def update(self, g):
        self.h += g * g
        self.t, self.theta[:] = self.t + 1, self.theta - self.lr * g / (np.sqrt(self.h) + 1e-3)


class InAList(InPlace):
    """A rule that keeps its array where no file finds it."""

    def __init__(self, theta):
        super().__init__(theta)
        self.hidden = [np.zeros_like(theta)]


class Listed(InPlace):
    """A rule that names what is neither a number nor an array."""

    moments = ("past",)
    past = (1.0, 2.0)


def ruled(rule, dtype="float64"):
    """A run with a rule of one's own."""
    model = network(dtype)
    optimizer = rule(parameter_vector(model)[0])
    return Training(model, softmax_cross_entropy, optimizer, X, LABELS, batch_size=8, seed=5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [Named, InPlace])
def test_a_rule_of_ones_own_is_saved_restored_and_resumed_bit_for_bit(tmp_path, rule, dtype):
    first, second = ruled(rule, dtype), ruled(rule, dtype)
    first.run(10)
    save(tmp_path / "run.npz", first)
    second.run(3)
    load(tmp_path / "run.npz", second)
    states = [run.optimizer.state().values() for run in (first, second)]
    assert [type(v) for v in states[0]] == [type(v) for v in states[1]]
    assert state_of(second) == state_of(first)
    assert second.run(10).tobytes() == first.run(10).tobytes()
    assert state_of(second) == state_of(first)


@pytest.mark.parametrize("rule", [Named, InPlace])
def test_a_rule_of_ones_own_stands_where_the_run_does_after_it_diverged(rule):
    training, replay = ruled(rule), ruled(rule)
    for run in (training, replay):
        run.run(5)
        run.optimizer.lr = 1e308
    with pytest.raises(FloatingPointError, match="those after step"):
        training.run(50)
    replay.run(training.steps - 5)
    assert state_of(training) == state_of(replay)


@pytest.mark.parametrize(("rule", "name"), [(InAList, "hidden"), (Listed, "past")])
def test_a_rule_whose_state_a_file_cannot_hold_is_refused_by_name(tmp_path, rule, name):
    with pytest.raises(TypeError, match=name):
        save(tmp_path / "run.npz", ruled(rule))
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_parameters_a_larger_model_took_is_neither_saved_nor_loaded(saved):
    path, _ = saved
    training = build()
    parameter_vector(Sequential(training.model, Linear(3, 2, rng=0)))
    for call in (save, load):
        before = path.read_bytes()
        with pytest.raises(ValueError, match="the model has left for a larger"):
            call(path, training)
        assert path.read_bytes() == before


# -- files that are not right --------------------------------------------------------------------


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
    assert_refused("run.npz", build(), "its theta holds Python objects, which are never loaded")
    bomb.dump("run.npz")
    assert_refused("run.npz", build(), "is not a zip file")
    assert not Path("exploded").exists()


def test_a_file_of_an_older_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FORMAT", module.FORMAT - 1)
    save(tmp_path / "run.npz", build())
    monkeypatch.undo()
    assert_refused(tmp_path / "run.npz", build(), f"format is {module.FORMAT - 1}, here")


def wider(*widths):
    """A run of another network."""
    return partial(build, model=MLP(*widths, rng=0, dtype="float64"))


def of(*parts):
    """A run of a network with the same parameters and other parts between them."""
    first, last = Linear(6, 8, rng=1), Linear(8, 3, rng=2)
    return partial(build, model=Sequential(first, *parts, last))


def tripled(z, *, labels):
    """Another loss."""
    L, pullback = softmax_cross_entropy(z, labels=labels)
    return 3 * L, lambda dL: pullback(3 * dL)


OTHERS = {
    "width": (wider(6, 9, 3), r"0\.W is \[8, 6\], here \[9, 6\]"),
    "depth": (wider(6, 8, 8, 3), r"4\.W is missing"),
    "fewer layers": (wider(6, 3), r"2\.W is unexpected"),
    "optimizer": (partial(build, "AdaGrad"), "name is Adam, here AdaGrad"),
    "type": (partial(build, dtype="float32"), "dtype is float64, here float32"),
    "seed": (partial(build, seed=6), "seed is 5, here 6"),
    "batch size": (partial(build, batch_size=9), "batch_size is 8, here 9"),
    "data": (partial(build, x=X[:40], labels=LABELS[:40]), "samples is 50, here 40"),
    "activation": (of(Layer(relu)), r"model: model\.parts\.1\.block is tanh, here relu"),
    "slope": (of(Layer(partial(leaky_relu, slope=0.2))), r"parts\.1\.block is tanh, here partial"),
    "dropout": (partial(build, dropout=0.5), r"parameters: 2\.W is unexpected, 3\.W is missing"),
    "residual": (of(Residual(Layer(tanh))), r"parts\.1 is Layer, here Residual"),
    "clip": (partial(build, clip=2.0), "clip is None, here 2.0"),
    "workers": (partial(build, workers=2), "workers is 1, here 2"),
    "schedule": (partial(build, schedule=SCHEDULE), "step 0 is None, here 0.02"),
    "other numbers": (partial(build, x=X + 1e-12), r"data: x is float64 \(50, 6\) \w+, here"),
    "order": (partial(build, x=X[::-1], labels=LABELS[::-1]), "data: labels is int64"),
    "labels": (partial(build, labels=np.roll(LABELS, 1)), "data: labels is int64"),
    "loss": (partial(build, loss=tripled), "loss is softmax_cross_entropy, here tripled"),
    "constant": (partial(build, constants={"beta1": 0.8}), "optimizer: beta1 is 0.9, here 0.8"),
}


@pytest.mark.parametrize(("make", "reason"), OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_run_is_refused(saved, make, reason):
    assert_refused(saved[0], make(), reason)
    load(saved[0], build())


BETWEEN = {
    "p": (Dropout(0.3), Dropout(0.5), r"parts\.1\.p is 0.3, here 0.5"),
    "partial": (
        Layer(partial(leaky_relu, slope=0.2)),
        Layer(partial(leaky_relu, slope=0.1)),
        r"block\.slope is 0.2, here 0.1",
    ),
    "lambda": (
        Layer(lambda x: leaky_relu(x, slope=0.2)),
        Layer(lambda x: leaky_relu(x, slope=0.1)),
        r"numbers\.0 is 0.2, here 0.1",
    ),
    "name in a lambda": (
        Layer(lambda x: relu(x)),
        Layer(lambda x: tanh(x)),
        r"names\.0 is relu, here tanh",
    ),
}


@pytest.mark.parametrize(("one", "other", "reason"), BETWEEN.values(), ids=BETWEEN)
def test_a_constant_of_a_part_is_part_of_the_run(tmp_path, one, other, reason):
    save(tmp_path / "run.npz", of(one)())
    load(tmp_path / "run.npz", of(one)())
    assert_refused(tmp_path / "run.npz", of(other)(), reason)


def test_a_schedule_is_known_by_its_rates(tmp_path):
    """However it is written; a table that ends is one too."""
    save(tmp_path / "run.npz", build(schedule=SCHEDULE))
    load(tmp_path / "run.npz", build(schedule=lambda step: 0.02 * 0.99**step))
    later = lambda step: 0.02 * 0.99 ** min(step, 5000)
    assert_refused(
        tmp_path / "run.npz",
        build(schedule=later),
        r"schedule: .*step 8192 is 3\.5\d+e-38, here 2\.9\d+e-24",
    )
    assert_refused(tmp_path / "run.npz", build(), "step 0 is 0.02, here None")
    table = [0.1, 0.2, 0.3].__getitem__
    save(tmp_path / "run.npz", build(schedule=table))
    load(tmp_path / "run.npz", build(schedule=table))
    assert_refused(tmp_path / "run.npz", build(schedule=[0.1, 0.2].__getitem__), "step 2 is 0.3,")


def test_a_number_of_numpys_among_the_constants_is_one_like_any(tmp_path):
    training = build()
    training.optimizer.beta1 = np.float32(0.5)
    training.model.parts[1].temperature = np.float64(0.25)
    save(tmp_path / "run.npz", training)
    fresh = build(constants={"beta1": 0.5})
    fresh.model.parts[1].temperature = 0.25
    load(tmp_path / "run.npz", fresh)


def changed(path, about=(), **arrays):
    """Write a run's file anew with other arrays, or with other words on itself."""
    with np.load(path, allow_pickle=False) as file:
        content = dict(file) | arrays
    told = json.loads(content["about"].item()) | dict(about)
    content["about"] = json.dumps({key: value for key, value in told.items() if value != "gone"})
    np.savez(path, **content)


WRONG_ARRAYS = {
    "shape": ({"m": np.ones(3)}, r"arrays: m is float64 \(3,\), here float64 \(83,\)"),
    "type": ({"theta": np.ones(83, "f")}, r"theta is float32 \(83,\), here float64 \(83,\)"),
    "extra": ({"extra": np.ones(3)}, "extra is unexpected"),
    "NaN": ({"theta": np.full(83, np.nan)}, r"theta contains NaN: first at \[0\], 83 in all"),
    "infinity": ({"v": np.full(83, np.inf)}, "v contains infinity"),
    "negative rate": ({"_lr": -5.0}, r"lr must be a number in \[0, inf\); got -5"),
    "rate of NaN": ({"_lr": np.nan}, r"lr must be a number in \[0, inf\); got nan"),
    "negative t": ({"t": -1}, "t must be an integer >= 0; got -1"),
    "t with a half": ({"t": 10.5}, r"t is float64 \(\), here int64 \(\)"),
    "t true": ({"t": True}, r"t is bool \(\), here int64 \(\)"),
    "t in a list": ({"t": [10]}, r"t is int64 \(1,\), here int64 \(\)"),
    "t as text": ({"t": "10"}, r"t is <U2 \(\), here int64 \(\)"),
    "another t": ({"t": 11}, "steps is 10, but t is 11"),
    "no steps": ({"about": {"steps": "gone"}}, "steps is None, but t is 10"),
    "negative steps": ({"about": {"steps": -10}}, "steps is -10, but t is 10"),
    "steps as text": ({"about": {"steps": "ten"}}, "steps is ten, but t is 10"),
    "half steps": ({"about": {"steps": 10.0}}, "steps is 10.0, but t is 10"),
    "steps without end": ({"about": {"steps": 10**4000}}, r"steps is 10+, but t is 10"),
    "no seed": ({"about": {"seed": "gone"}}, "seed is None, here 5"),
    "a long seed": ({"about": {"seed": "s" * 9999}}, r"seed is s{60}\.\.\., here 5"),
    "model of another kind": ({"about": {"model": [1, 2]}}, r"model is \[1, 2\], here"),
}


@pytest.mark.parametrize(("change", "reason"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_values_that_no_run_has_are_refused(saved, change, reason):
    changed(saved[0], **change)
    assert_refused(saved[0], build(), reason)


def test_true_is_not_taken_for_one_step(tmp_path):
    training = build()
    training.step()
    save(tmp_path / "run.npz", training)
    changed(tmp_path / "run.npz", about={"steps": True})
    assert_refused(tmp_path / "run.npz", build(), "steps is True, but t is 1")


ABOUT = {
    "no text": np.ones(3),
    "no JSON": "hello",
    "a list": "[1, 2]",
    "bytes": b"{}",
    "several": np.array(["{}", "{}"]),
    "deep": "[" * 100_000 + "]" * 100_000,
    "deeper": '{"a":' * 100_000,
    "long": "{}" + " " * module.LONGEST,
}


@pytest.mark.parametrize("about", ABOUT.values(), ids=ABOUT)
def test_a_file_that_does_not_say_what_run_it_is_is_refused(saved, about):
    with np.load(saved[0], allow_pickle=False) as file:
        content = dict(file) | {"about": about}
    np.savez(saved[0], **content)
    assert_refused(saved[0], build(), "is not a saved run, or is damaged: .")


def test_a_file_that_has_too_much_to_say_is_not_listened_to(saved):
    with np.load(saved[0], allow_pickle=False) as file:
        content = dict(file) | {"about": ABOUT["long"]}
    np.savez(saved[0], **content)
    training = build()
    assert peak_memory(lambda: assert_refused(saved[0], training, "does not say what run")) < 2e6


def test_a_bomb_is_refused_before_it_is_read(saved):
    """A member of 2 GB of zeros that takes 2 MB, a whole one with a hole, 1 GB of words."""
    path, _ = saved
    training = build()
    changed(path)
    with np.load(path, allow_pickle=False) as file:
        content = dict(file)
    for name in ("theta", "about", "extra"):
        np.savez_compressed(path, **content | {name: np.zeros(4_000_000)})
        assert peak_memory(lambda: assert_refused(path, training, "compressed")) < 2e6
        np.savez(path, **content | {name: np.zeros(4_000_000)})
        assert peak_memory(lambda: assert_refused(path, training)) < 2e6


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
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_older_file_and_nothing_else(
    saved, monkeypatch, error, function
):
    path, state = saved
    training = build()
    training.run(20)

    def fail(*arguments):
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(error):
        save(path, training)
    monkeypatch.undo()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    fresh = build()
    load(path, fresh)
    assert state_of(fresh) == state


def test_arguments_that_change_places_are_told():
    training = build()
    for call, name in ((save, "save"), (load, "load")):
        with pytest.raises(
            TypeError, match=rf"^{name}: path must be .* Use {name}\(path, training"
        ):
            call(training, "run.npz")
        for other in (training.model, training.optimizer, None, "run.npz"):
            sentence = f"^{name}: training must be a Training; got {type(other).__name__}"
            with pytest.raises(TypeError, match=sentence):
                call("run.npz", other)
    assert not Path("run.npz").exists()


def test_the_content_is_on_the_disk_before_the_file_gets_its_name(saved, monkeypatch):
    """So a crash of the whole computer, too, leaves the older file or the new one."""
    calls, functions = [], {name: getattr(os, name) for name in ("fsync", "replace")}

    def recording(name):
        return lambda *arguments: (calls.append(name), functions[name](*arguments))[1]

    for name in functions:
        monkeypatch.setattr(os, name, recording(name))
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


def test_a_name_as_long_as_a_folder_takes_is_fine_and_a_longer_one_is_told(tmp_path):
    training = build()
    for length in (249, 255):
        path = tmp_path / ("n" * (length - 4) + ".npz")
        save(path, training)
        load(path, training)
    with pytest.raises(OSError, match="^save: path must be .* got .*n.npz: File name too long"):
        save(tmp_path / ("n" * 300 + ".npz"), training)
    assert_refused(tmp_path / ("n" * 300), training, "there is no file", FileNotFoundError)
    for call in (save, load):
        with pytest.raises(ValueError, match=rf"^{call.__name__}: path must be .* a zero byte"):
            call("a\0b", training)


needs_links = pytest.mark.skipif(os.name == "nt", reason="needs links, devices and modes")


@needs_links
def test_a_link_is_followed(tmp_path):
    (tmp_path / "store").mkdir()
    link, target = tmp_path / "run.npz", tmp_path / "store" / "there.npz"
    link.symlink_to(Path("store", "there.npz"))
    training = build()
    for _ in range(2):  # first the target is new, then it is there
        training.step()
        save(link, training)
        assert link.is_symlink()
        assert [p.name for p in target.parent.iterdir()] == [target.name]
        load(target, build())
        load(link, build())


@needs_links
def test_what_is_no_regular_file_is_neither_replaced_nor_read(tmp_path):
    """A device, a pipe that nobody writes to, a link to itself."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    training = build()
    for path in ("/dev/null", tmp_path / "pipe", tmp_path / "loop"):
        with pytest.raises(OSError, match="^save: path must be .* is no regular file"):
            save(path, training)
    for path in ("/dev/zero", tmp_path / "pipe"):
        assert_refused(path, training, "is no regular file", OSError)
    assert_refused(tmp_path / "loop", training, "there is no file", OSError)
    assert not Path("/dev/null").is_file()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["loop", "pipe"]


@needs_links
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_told(saved):
    saved[0].chmod(0)
    assert_refused(saved[0], build(), "cannot be read: permission denied", PermissionError)


@needs_links
def test_a_file_has_the_mode_that_files_have_here(tmp_path):
    before = os.umask(0o027)
    try:
        save(tmp_path / "run.npz", build())
    finally:
        os.umask(before)
    assert (tmp_path / "run.npz").stat().st_mode & 0o777 == 0o640


def test_what_a_killed_process_left_is_cleared_away_by_a_later_save(tmp_path):
    old, fresh = (tmp_path / archives.PART.format(name) for name in ("old", "fresh"))
    for part in (old, fresh):
        part.write_bytes(b"half a file")
    os.utime(old, (0, 0))
    save(tmp_path / "run.npz", build())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([fresh.name, "run.npz"])


def test_threads_that_save_and_load_one_file_do_not_meet(tmp_path):
    path, failed = tmp_path / "run.npz", []
    save(path, build())

    def work():
        training = build()
        try:
            for _ in range(40):
                save(path, training)
                load(path, training)
        except Exception as error:
            failed.append(error)

    users = [threading.Thread(target=work) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert failed == []
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


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


# -- Ctrl-C --------------------------------------------------------------------------------------


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


@needs_timer
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of a file interrupted as it is opened
@pytest.mark.parametrize("call", [save, load])
def test_an_interrupt_in_save_or_load_is_one_and_does_no_harm(saved, call):
    """Neither another error nor a half-written file, and the next call works."""
    path, _ = saved
    training, rng = build(), np.random.default_rng(3)
    load(path, training)
    state = state_of(training)

    def for_ever():
        while True:
            call(path, training)

    for _ in range(60):
        assert interrupted(rng.uniform(1e-4, 5e-3), for_ever)
        assert [p.name for p in path.parent.iterdir()] == [path.name]
        assert state_of(training) == state
    load(path, training)
    assert state_of(training) == state


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # likewise
@pytest.mark.parametrize("call", [save, load])
def test_an_interrupt_at_any_moment_of_save_or_load_is_one_and_does_no_harm(saved, call):
    """Every 5th moment here; none is lost, none becomes another error, none leaves half a file."""
    path, _ = saved
    training = build()
    load(path, training)
    state, moment = state_of(training), 1
    while interrupted_at(moment, call, path, training):
        assert [p.name for p in path.parent.iterdir()] == [path.name]
        assert state_of(training) == state
        moment += 5
    assert moment > 1000
    load(path, training)
    assert state_of(training) == state

"""The models of lesson 07 that write, in runs of minutes: python -m benchmarks.writing_07

Rules. Learning rates, steps, the decay of weights and how long a gradient of a recurrent model may
be were chosen on the validation splits of seed 0, the steps of dates on those of three seeds: the
larger share exact or, where that is equal, the cheaper label. The test
splits are read at the end of each run, once, and choose nothing. A seed draws the texts, which of
them are held out, the parameters and the batches. Steps are fixed beforehand. An answer is right
when all of it is, its end too, and the model goes on from what it wrote itself. Spread is the
largest value less the smallest over the seeds. Seconds are the processor's, of training alone, on
one thread.

Expected before the first run. Strings and dates: 0.995 and 0.999 or more; next to nothing without
positions. The recurrent model, as large and for as many seconds, is behind on both. What was
never trained: next to no string of another length; a format better than nothing, for its parts are
known, a decade too; each remedy brings most of it back and costs little elsewhere. Names: the
transformer ahead of the recurrent model, that ahead of the best counts. Keeping a character: the
recurrent cell fails somewhere between ten and forty tokens, attention nowhere.
"""

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import combinations
from math import inf
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from nnlib.checkpoints import CHECKPOINTS, store_weights
from nnlib.checks import Array
from nnlib.experiments.answers import by_kind
from nnlib.experiments.paths import KINDS, keeping, mixed, mixer, path_length
from nnlib.experiments.stored import outcome, store
from nnlib.experiments.writing import (
    CLIP,
    JOBS,
    REMEDIES,
    recurrent_writer,
    trained,
    training_of,
    untaught,
    writer,
)
from nnlib.generation import exact, exact_match, greedy, nats
from nnlib.machine import keep_heap_warm, one_blas_thread
from nnlib.ngrams import KneserNey, NGrams, discounted, likeliest, smoothest
from nnlib.parameters import Model, parameter_vector
from nnlib.training import Training

SEEDS = range(3)
NAMING = "names", "names_recurrent"
ANSWER = [name for name in JOBS if name not in NAMING]
CHOICES = 2500, 4000  # steps, for dates
COUNTED, DISCOUNTED = range(1, 7), range(4, 9)  # n of the n-grams
BOUNDS = 0.3, 1.0, inf  # of the gradients of a recurrent model
KEPT, KEEPING = (4, 8, 12, 16, 24, 40, 80), 500  # lengths of strings, steps
TIMED, TURNS, SAMPLES, WIDTH = (8, 16, 32, 64, 128, 256, 512), 12, 8, 32
Row = dict[str, Any]


class Run(NamedTuple):
    """A model behind its run, and the processor's seconds that this took."""

    model: Model
    seconds: float


def timed(model: Model, training: Training, steps: int) -> Run:
    """The model behind so many steps."""
    begun = process_time()
    training.run(steps)
    return Run(model, process_time() - begun)


def run(name: str, seed: int, steps: int | None = None) -> Run:
    """A job, done in its own steps or in as many as are given."""
    return behind(name, seed, steps or JOBS[name].steps)


@cache
def behind(name: str, seed: int, steps: int) -> Run:
    """A job behind so many steps, in which its rate has fallen to nothing."""
    job = JOBS[name]._replace(steps=steps)
    done = timed(*job.begun(seed), steps)
    chosen_by = measure_of(name)(done.model, job.task(seed=seed).validation)
    print(name, steps, seed, f"{done.seconds:.1f} s, validation {chosen_by:.4f}", flush=True)
    return done


def measure_of(name: str) -> Callable[..., float]:
    """The share answered rightly, or what a label of names costs."""
    return exact_match if name in ANSWER else nats


@cache
def asked(name: str, seed: int) -> float:
    """What a job has reached, on the test split."""
    return measure_of(name)(run(name, seed).model, JOBS[name].task(seed=seed).test)


def rows(table: str, setting: str, arm: str, found: list[dict[str, float]]) -> Iterator[Row]:
    """A row for each measure, of which each seed has one value."""
    for measure in found[0]:
        yield outcome(table, setting, arm, measure, [values[measure] for values in found])


# -- tables ---------------------------------------------------------------------------------------


def chosen() -> Iterator[Row]:
    """Dates behind fewer steps and behind more, on the validation split, which chose."""
    for steps in CHOICES:
        found = []
        for seed in SEEDS:
            done, split = run("dates", seed, steps), JOBS["dates"].task(seed=seed).validation
            its = {"exact": exact_match(done.model, split), "nats": nats(done.model, split)}
            found.append(its | {"seconds": done.seconds})
        yield from rows("steps", "dates, validation split", f"{steps} steps", found)


def clipped() -> Iterator[Row]:
    """Recurrent cells that read dates, by how long a gradient may be, on the validation split."""
    for clip in BOUNDS:
        job = JOBS["dates_recurrent"]._replace(clip=clip)
        done = timed(*job.begun(0), job.steps)
        share = exact_match(done.model, job.task(seed=0).validation)
        yield outcome(
            "clip", "dates, validation split, seed 0", f"at most {clip:g}", "exact", share
        )


def weights() -> Iterator[Row]:
    """The weights of seed 0, what they reach as loaded, and how many answers the file has changed.

    Files that stand there are taken as they are, and what they have changed is then not known.
    """
    for name, job in JOBS.items():
        path, task = CHECKPOINTS / f"07_{name}.npz", job.task(seed=0)
        setting = f"{len(task.train)} examples, {job.steps} steps of 64, seed 0"
        size = parameter_vector(job.model(task, rng=0))[0].size
        found: dict[str, float] = {"parameters": size}
        if not path.exists():
            model = run(name, 0).model
            store_weights(path, model)
            if name in ANSWER:
                found["answers changed by float16"] = changed(model, trained(name), task.test)
        measure = measure_of(name)
        found[measure.__name__] = measure(trained(name), task.test)
        yield from rows("weights", setting, name, [found])


def changed(model: Model, other: Model, split: Any) -> int:
    """How many sources two models answer differently."""
    longest = split.labels.shape[1]
    ids = [
        np.pad(a, ((0, 0), (0, longest - a.shape[1])))
        for a in (greedy(its, split.source, longest=longest) for its in (model, other))
    ]
    return int((ids[0] != ids[1]).any(axis=1).sum())


def exact_answers() -> Iterator[Row]:
    """What each job that answers reaches, in all and by length or format."""
    for name in ANSWER:
        job, found = JOBS[name], []
        for seed in SEEDS:
            done, test = run(name, seed), job.task(seed=seed).test
            its = {"exact": asked(name, seed), "seconds": done.seconds}
            by = by_kind(done.model, test)
            found.append(its | {f"exact, {kind}": share for kind, share in by.items()})
        count = len(job.task(seed=0).train)
        yield from rows("exact", f"{count} examples, {job.steps} steps of 64", name, found)


def never_trained() -> Iterator[Row]:
    """What was never trained, before and behind a remedy, and what was, then."""
    for name, remedy in REMEDIES.items():
        found = []
        for seed in SEEDS:
            model, task = run(name, seed).model, remedy.task(seed=seed)
            its = measured(name, model, task)
            _, training = remedy.begun(seed, twin(model, name, seed))
            seconds = timed(training.model, training, remedy.steps).seconds
            its |= {f"{k}, remedied": v for k, v in measured(name, training.model, task).items()}
            found.append(its | {"seconds, remedied": seconds})
        count = len(remedy.task(seed=0).train)
        yield from rows(
            "untaught", f"{count} examples, {remedy.steps} steps of 64 more", name, found
        )


def twin(model: Model, name: str, seed: int) -> Model:
    """Another model of a job, with the same parameters."""
    other = JOBS[name].model(JOBS[name].task(seed=seed), rng=0)
    parameter_vector(other)[0][:] = parameter_vector(model)[0]
    return other


def measured(name: str, model: Model, task: Any) -> dict[str, float]:
    """The shares answered rightly of what was never trained, of the rest, and by length."""
    out, right = untaught(name, task, task.test), exact(model, task.test)
    found = {"untaught": float(right[out].mean())}
    if not out.all():
        found["taught"] = float(right[~out].mean())
    if name == "reversing":
        found |= {f"length {kind}": share for kind, share in by_kind(model, task.test).items()}
    return found


def names() -> Iterator[Row]:
    """What a label of a held-out surname costs: by counts, by a state, by attention.

    A state and attention are trained for as many steps, and compared with each other and with the
    counts seed by seed, on the same names.
    """
    cost = {}
    for name in NAMING:
        found = [named(name, seed) for seed in SEEDS]
        setting = f"75481 names, {JOBS[name].steps} steps of 64"
        yield from rows("names", setting, name, found)
        cost[name] = np.array([its["nats"] for its in found])
    cost["Kneser-Ney"] = np.array([best_counts(seed) for seed in SEEDS])
    setting = "75481 names, n and discounts by the validation split"
    for one, other in combinations(cost, 2):
        yield from compared(setting, f"{one} less {other}", cost[one] - cost[other])
    yield from counted()


def compared(setting: str, arm: str, less: Array) -> Iterator[Row]:
    """How much less one arm pays than another with each seed, and with how many seeds it does."""
    found = [{"nats": its, "share of seeds ahead": its < 0} for its in less]
    yield from rows("names", setting, arm, found)


@cache
def asking(n: int, seed: int) -> KneserNey:
    """Counts of the names of a seed that ask shorter contexts, smoothed on its validation split."""
    task = JOBS["names"].task(seed=seed)
    return discounted(n, task.train, task.validation, len(task.symbols))


def best_counts(seed: int) -> float:
    """What a label costs by the counts that cost least on the validation split."""
    task = JOBS["names"].task(seed=seed)
    best = likeliest((asking(n, seed) for n in DISCOUNTED), task.validation)
    return nats(best, task.test)


def named(name: str, seed: int) -> dict[str, float]:
    """What a label costs by a job that was done, on the test split and in training."""
    done, task = run(name, seed), JOBS[name].task(seed=seed)
    seen = nats(done.model, task.train[: len(task.test)])
    return {"nats": asked(name, seed), "nats in training": seen, "seconds": done.seconds}


def counted() -> Iterator[Row]:
    """The same by n-gram counts, what smooths those of each n chosen on the validation split."""
    for n in COUNTED:
        yield from counting("a", partial(added, n), f"{n}-grams")
    for n in DISCOUNTED:
        yield from counting("times", partial(asking, n), f"{n}-grams, Kneser-Ney")


def added(n: int, seed: int) -> NGrams:
    """Counts of the names of a seed, to each of which a little is added."""
    task = JOBS["names"].task(seed=seed)
    return smoothest(n, task.train, task.validation, len(task.symbols))


def counting(chosen: str, smoothed: Callable[..., Any], arm: str) -> Iterator[Row]:
    """One n, smoothed in one way, and what was chosen."""
    found = []
    for seed in SEEDS:
        task, counts = JOBS["names"].task(seed=seed), smoothed(seed=seed)
        seen = nats(counts, task.train[: len(task.test)])
        its = {"nats": nats(counts, task.test), "nats in training": seen}
        found.append(its | {chosen: getattr(counts, chosen)})
    yield from rows("names", f"75481 names, {chosen} by the validation split", arm, found)


def kept() -> Iterator[Row]:
    """The first of so many characters is asked when the last is read; seed by seed, too."""
    for length in KEPT:
        for kind, build, clip in ("recurrent", recurrent_writer, CLIP), ("attention", writer, inf):
            right = []
            for seed in SEEDS:
                task = keeping(length, 3000, seed=seed)
                model = build(task, rng=seed)
                options: Any = {"steps": KEEPING, "seed": seed, "clip": clip}
                training_of(model, task.train, **options).run(KEEPING)
                right.append(exact_match(model, task.test))
            setting, arm = f"3000 strings, {KEEPING} steps of 64", f"{kind}, length {length}"
            yield outcome("keeping", setting, arm, "exact", right)
            for seed, its in zip(SEEDS, right):
                yield outcome("keeping", setting, arm, f"exact, seed {seed}", its)


def time() -> Iterator[Row]:
    """Forth and back through one layer: milliseconds, the least of some turns, three times over."""
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    keep_heap_warm()
    with one_blas_thread():
        for _ in SEEDS:
            for kind, its in turns().items():
                found[kind].append(its)
    setting = f"{SAMPLES} samples, d {WIDTH}, float32, one thread, least of {TURNS} turns"
    for kind in KINDS:
        yield from rows("time", setting, kind, found[kind])
    over = [
        {m: a[m] / r[m] for m in r if m.startswith("ms")}
        for r, a in zip(found["recurrent"], found["attention"])
    ]
    yield from rows("time", setting, "attention over recurrent", over)


def turns() -> dict[str, dict[str, float]]:
    """The least milliseconds of each kind at each length, the kinds taking turns."""
    found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    for T in TIMED:
        x = np.random.default_rng(0).standard_normal((SAMPLES, T, WIDTH)).astype(np.float32)
        layers = {kind: mixer(kind, WIDTH, rng=0, dtype="float32") for kind in KINDS}
        took: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(TURNS):
            for kind, layer in layers.items():
                begun = process_time()
                y, pullback = mixed(layer, x)
                pullback(y)
                took[kind].append(1e3 * (process_time() - begun))
        for kind in KINDS:
            found[kind] |= {f"ms, length {T}": min(took[kind])}
            found[kind] |= {f"steps in a row, length {T}": path_length(kind, T)}
    return found


TABLES = {
    "time": time,
    "keeping": kept,
    "steps": chosen,
    "clip": clipped,
    "weights": weights,
    "exact": exact_answers,
    "untaught": never_trained,
    "names": names,
}


def main(asked_for: list[str]):
    """Make these tables, or all."""
    for name in asked_for or TABLES:
        table = []
        for row in TABLES[name]():
            table.append(row)
            print(*list(row.values())[:-1], sep=" | ", flush=True)
        store(f"07_{name}", table)


if __name__ == "__main__":
    main(sys.argv[1:])

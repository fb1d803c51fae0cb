"""The encoder of lesson 06 on MNIST, in runs of minutes: python -m benchmarks.encoder_06

Rules. Settings (rate, warm-up, shifts) were chosen on the last 5,000 training images. With these,
each arm trains on all 60,000 and reads the 10,000 test images at the end, once; curves read them on
the way and choose nothing. A seed gives arms with batches of one size the same batches and shifts,
so they are compared seed by seed: one is ahead of another when it is with every seed. Spread is the
largest value less the smallest over the seeds. Steps are fixed beforehand, from the time of a step
on two quiet cores.

Expected before the first run. Curves: 0.985 after the steps of 90 seconds, 0.99 after those of five
minutes. Equal time: the narrow MLP stays behind; the wide one is about level with the encoder on
images as they are, since it takes four times as many steps, and behind it on shifted ones. Readout:
no difference that holds with every seed. Tokens: patches are ahead of rows, for they see both
directions at once. Positions: learned and sinusoids alike, none far behind. Norm: no difference in
one layer but that post-norm needs the warm-up more; in four it fails without.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import permutations
from typing import Any

import numpy as np

from nnlib.checkpoints import CHECKPOINTS, store_weights
from nnlib.data import Images, enlarged, load_digits, load_mnist
from nnlib.experiments.encoder_on_mnist import (
    CLASSES,
    SIDE,
    VARIANTS,
    as_tokens,
    encoder,
    mistakes,
    stored_as,
    trained,
    training_of,
)
from nnlib.experiments.stored import outcome, store
from nnlib.experiments.watched import Curves, WatchedRun
from nnlib.images import Patches
from nnlib.layers import Layer, Sequential
from nnlib.mlp import MLP, flatten
from nnlib.parameters import Model
from nnlib.training import Training
from nnlib.transformer import TokenClassifier

SEEDS = range(3)  # of runs that take minutes
COURSES = {"90 s": (20_000, {}), "5 minutes": (20_000, {"layers": 2})}  # steps on two cores
EQUAL, MLP_STEPS = 7000, {(784, 40, 30, 20, 10): 35_000, (784, 64, 56, 10): 28_000}  # in 30 s
SHORT, DEEP = 2000, 400  # steps of the other comparisons; of those with four layers
KEPT, VARIANT, DIGITS = 60_000, 10_000, 2000  # steps behind the weights that are stored
Row = dict[str, Any]
Make = Callable[[int], Model]


# -- runs -----------------------------------------------------------------------------------------


@cache
def images(data: str) -> Images:
    """MNIST, or the bundled digits as they stand in for it, with rows as tokens."""
    found = load_mnist() if data == "mnist" else load_digits()
    if data == "digits":
        found = found._replace(x_train=enlarged(found.x_train), x_test=enlarged(found.x_test))
    elif found.bundled:
        raise FileNotFoundError("encoder_06: needs MNIST: `make mnist`, or set NNLIB_MNIST.")
    x_train, x_test = map(as_tokens, (found.x_train, found.x_test))
    return found._replace(x_train=x_train, x_test=x_test)


def begun(make: Make, seed: int, *, data: str = "mnist", **options: Any) -> tuple[Model, Training]:
    """A model and its run, about to take its first step."""
    model, found = make(seed), images(data)
    training = training_of(model, found.x_train, found.labels_train, seed=seed, **options)
    return model, training


@cache
def reached(make: Make, seed: int, *, steps: int, **options: Any) -> float:
    """The accuracy on the test images behind a run; one that diverges stays at its last step."""
    model, training = begun(make, seed, steps=steps, **options)
    with contextlib.suppress(FloatingPointError):
        training.run(steps)
    return right(model)


def right(model: Model, data: str = "mnist") -> float:
    """The accuracy on the test images."""
    found = images(data)
    return 1 - mistakes(model, found.x_test, found.labels_test).share


@cache
def rows_of(**options: Any) -> Make:
    """The encoder of rows, from a seed."""
    return lambda seed: encoder(rng=seed, **options)


def patches_of(rows: int, columns: int) -> Make:
    """The encoder of patches of so many rows and columns, from a seed."""
    size, count = rows * columns, (SIDE // rows) * (SIDE // columns)
    return lambda seed: Sequential(
        Patches(rows, columns), TokenClassifier(size, count, CLASSES, rng=seed)
    )


def mlp_of(*widths: int) -> Make:
    """The MLP of these widths, from a seed."""
    return lambda seed: Sequential(Layer(flatten), MLP(*widths, rng=seed))


# -- tables ---------------------------------------------------------------------------------------


def compared(table: str, setting: str, arms: dict[str, Callable], seeds: range) -> Iterator[Row]:
    """What each arm reaches with each seed, and with what share of these it is ahead."""
    found = {}
    for arm, run in arms.items():
        found[arm] = [run(seed) for seed in seeds]
        yield outcome(table, setting, arm, "test accuracy", found[arm])
    for arm, other in permutations(arms, 2):
        ahead = np.greater(found[arm], found[other])
        yield outcome(table, setting, arm, f"share of seeds ahead of {other}", ahead)


def watched(budget: str, seed: int) -> Curves:
    """The encoder's run of so many seconds; the test images are read 20 times on the way."""
    (steps, options), found = COURSES[budget], images("mnist")
    _, training = begun(rows_of(**options), seed, steps=steps, workers=2)
    run = WatchedRun(training, found.x_test, found.labels_test, every=steps // 20).upto(steps)
    print(budget, seed, run.test_accuracy[-1], flush=True)
    return run.curves(steps, block=steps // 20)


def curves() -> Iterator[Row]:
    """Loss and accuracy along the runs of 90 seconds, and of five minutes with two layers."""
    with ProcessPoolExecutor(len(SEEDS)) as pool:
        asked = {budget: [pool.submit(watched, budget, k) for k in SEEDS] for budget in COURSES}
        found = {budget: [run.result() for run in runs] for budget, runs in asked.items()}
    for budget, runs in found.items():
        steps, options = COURSES[budget]
        layers = options.get("layers", 1)
        setting = f"60000 images, layers: {layers}, {steps} steps of 64, workers=2"
        tested = np.transpose([run.test_accuracy for run in runs])
        for step, values in zip(runs[0].tested_at, tested, strict=True):
            yield outcome("curves", setting, budget, f"test accuracy, step {step}", values)
        losses = np.transpose([run.mean_loss for run in runs])
        for step, values in zip(runs[0].mean_at, losses, strict=True):
            yield outcome("curves", setting, budget, f"training loss, mean up to {step}", values)


def equal_time() -> Iterator[Row]:
    """MLPs in as many seconds as the encoder: lesson 05's, and one of as many parameters."""
    arms = {}
    for pixels, which in (0, "images as they are"), (1, "images shifted"):
        for widths, its_steps in MLP_STEPS.items():
            options: Any = {"steps": its_steps, "batch_size": 100, "pixels": pixels}
            name = f"MLP {'-'.join(map(str, widths))}, {which}"
            arms[name] = partial(reached, mlp_of(*widths), **options)
        arms[f"encoder, {which}"] = partial(reached, rows_of(), steps=EQUAL, pixels=pixels)
    mlps = " and ".join(str(its_steps) for its_steps in MLP_STEPS.values())
    setting = f"60000 images, 30 s: encoder {EQUAL} steps of 64, MLPs {mlps} of 100"
    yield from compared("equal_time", setting, arms, SEEDS)


def short(
    table: str, arms: dict[str, tuple[Make, dict[str, Any]]], seeds=range(5), steps: int = SHORT
) -> Iterator[Row]:
    """A table of arms in short runs."""
    setting = f"60000 images, {steps} steps of 64"
    runs = {arm: partial(reached, make, steps=steps, **its) for arm, (make, its) in arms.items()}
    yield from compared(table, setting, runs, seeds)


def readout() -> Iterator[Row]:
    """A class token, or the mean of the tokens."""
    yield from short("readout", {kind: (rows_of(readout=kind), {}) for kind in ("class", "mean")})


def tokens() -> Iterator[Row]:
    """Rows, or patches."""
    sizes = (1, 28), (4, 4), (7, 7)
    yield from short("tokens", {f"{h} x {w}": (patches_of(h, w), {}) for h, w in sizes})


def positions() -> Iterator[Row]:
    """Where a token stands: learned, sinusoids, or not told."""
    kinds = "learned", "sinusoids", None
    yield from short("positions", {str(kind): (rows_of(positions=kind), {}) for kind in kinds})


def places_of_norms(**options: Any) -> dict[str, tuple[Make, dict[str, Any]]]:
    """Pre- and post-norm, with and without a warm-up."""
    return {
        f"{name}-norm, {which} warm-up": (rows_of(norm_first=first, **options), its)
        for name, first in (("pre", True), ("post", False))
        for which, its in (("with", {}), ("without", {"warm": 0}))
    }


def norm() -> Iterator[Row]:
    """Where the norm stands, in one layer."""
    yield from short("norm", places_of_norms())


def norm_deep() -> Iterator[Row]:
    """Where the norm stands, in four layers."""
    yield from short("norm_deep", places_of_norms(layers=4), SEEDS, DEEP)


def weights() -> Iterator[Row]:
    """The weights that are stored, and what they reach when loaded; those missing are trained."""
    for data, options in [(data, its) for data in ("digits", "mnist") for its in VARIANTS.values()]:
        name = stored_as(data, options)
        path, steps = CHECKPOINTS / f"{name}.npz", VARIANT if options else KEPT
        steps = steps if data == "mnist" else DIGITS
        if not path.exists():
            model, training = begun(rows_of(**options), 0, data=data, steps=steps, workers=2)
            training.run(steps)
            store_weights(path, model)
        setting = f"{len(images(data).x_train)} images, {steps} steps of 64, workers=2, seed 0"
        accuracy = right(trained(data, **options), data)
        yield outcome(
            "weights", setting, name, "test accuracy of the weights as loaded", [accuracy]
        )


TABLES = {
    run.__name__: run
    for run in (curves, weights, readout, tokens, positions, norm, norm_deep, equal_time)
}


def main(names: list[str]):
    """Make these tables, or all."""
    for name in names or TABLES:
        table = []
        for row in TABLES[name]():
            table.append(row)
            print(*list(row.values())[:-1], sep=" | ", flush=True)
        store(f"06_{name}", table)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Document C's encoder, trained with each slip of its gradients: python -m benchmarks.slips_06

Rules, written before the run. The encoder with scaled scores, d = 16, on the bundled digits, whose
eight rows of pixels are the tokens, each with its number beside it; float64, Adam, 300 steps of 64
images, the same first weights and batches for all arms. Each arm has the rate, of the same five,
with which it reads most of the 300 images held back, on the mean of ten seeds; if that is the
first or the last of the five, the grid is extended. The test images are looked at once, at that
rate, with the same ten seeds.

An arm is the backward pass that holds with one slip, put right until it runs; the last has all of
them. Training finds a slip if with each of the ten seeds the gradient that holds reaches the higher
test accuracy.
"""

import numpy as np

from nnlib.experiments.one_layer import ARMS
from nnlib.experiments.one_layer_training import STEPS, trained
from nnlib.experiments.stored import outcome, store

SEEDS = range(10)
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
SETTING = f"digits, {STEPS} steps of 64, 300 images held back"


def accuracies(arm, rate, choosing):
    """The accuracy after the last step, for each seed."""
    ends = [trained(ARMS[arm], rate, seed=seed, choosing=choosing) for seed in SEEDS]
    return np.array([end.accuracy[-1] for end in ends])


def rows():
    """The rows of the table, printed as they are found."""
    holds = None
    for arm in ARMS:
        tried = {rate: accuracies(arm, rate, choosing=True) for rate in RATES}
        best = max(tried, key=lambda rate: tried[rate].mean())
        test = accuracies(arm, best, choosing=False)
        holds = test if holds is None else holds
        print(f"{arm:32} rate {best:<6g} {test.mean():.3f} ({test.min():.3f} to {test.max():.3f})")
        measured = {f"accuracy on those held back, rate {rate:g}": tried[rate] for rate in RATES}
        measured[f"test accuracy, rate {best:g}"] = test
        measured["share of seeds behind what holds"] = test < holds
        for measure, values in measured.items():
            yield outcome("C2", SETTING, arm, measure, values)


if __name__ == "__main__":
    print(store("06_slips", rows()))

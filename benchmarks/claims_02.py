"""The claims of lesson 02 that take minutes: python -m benchmarks.claims_02

Rules. Bundled digits, 1200 images to train on, 300 of other hands to choose the rate with, 297 test
images looked at once, for the rate chosen. All arms of a comparison have the same rates, steps,
batches and, where their sizes allow, the same first weights. Spread is the largest value less the
smallest over the seeds; a difference counts when it exceeds the spreads. What each experiment
expects, and what would count as support, stands in its docstring and was written before its first
run; after that run, made at one rate, clipped_training and probabilities were given a grid.
"""

import contextlib
from functools import partial

import numpy as np

from nnlib.blocks import relu, sigmoid, softmax, tanh
from nnlib.contract import block
from nnlib.data import load_digits, scale
from nnlib.experiments.lesson_02 import identity
from nnlib.experiments.stored import outcome, store
from nnlib.initializers import he_normal, xavier_normal
from nnlib.losses import binary_cross_entropy_with_logits, mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import GradientDescent
from nnlib.parameters import parameter_vector
from nnlib.training import Training, accuracy

SEEDS = range(3)
RATES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
SHARED = 0.1  # the rate at which all arms are compared besides

digits = load_digits()
x, x_test = (scale(images, np.float64, white=16) for images in (digits.x_train, digits.x_test))
labels, labels_test = digits.labels_train, digits.labels_test
TRAIN, VALID = slice(1200), slice(1200, 1500)


def train(model, x, labels, *, lr, seed, steps, loss=softmax_cross_entropy):
    """Plain gradient descent on batches of 100; a run that diverges stays at its last good step."""
    rule = GradientDescent(parameter_vector(model)[0], lr)
    size = min(100, len(x))
    run = Training(model, loss, rule, x, labels, batch_size=size, seed=seed)
    with contextlib.suppress(FloatingPointError):
        run.run(steps)
    return model


def at_best_rate(new_model, *, steps, rates=RATES, **options):
    """The rate that is best on the validation images, its test accuracies, those at SHARED."""
    runs = {
        lr: [train(new_model(s), x[TRAIN], labels[TRAIN], lr=lr, seed=s, steps=steps, **options)
             for s in SEEDS]
        for lr in rates
    }  # fmt: skip
    valid = {lr: np.mean([accuracy(m, x[VALID], labels[VALID]) for m in runs[lr]]) for lr in rates}
    best = max(valid, key=valid.get)
    tested = {lr: [accuracy(m, x_test, labels_test) for m in runs[lr]] for lr in (best, SHARED)}
    return best, tested[best], tested[SHARED]


def network(*widths_and_seed, **options):
    """The MLP of these widths; the last number is the seed of its weights."""
    *widths, seed = widths_and_seed
    return MLP(*widths, rng=seed, dtype="float64", **options)


def elementwise(function, slope):
    """A block from a function and its slope."""

    @block("x (...) -> y (...)")
    def activation(x):
        return function(x), lambda dy: dy * slope(x)

    return activation


value = lambda x: sigmoid(x)[0]
slope = lambda x: sigmoid(x)[1](np.ones_like(x))
centred = elementwise(lambda x: value(x) - 0.5, slope)
matched = elementwise(lambda x: 4 * value(x) - 2, lambda x: 4 * slope(x))


# -- D-c1, D-c2, D-c3 -----------------------------------------------------------------------------


def scaled_xavier(shape, *, rng, factor):
    """Xavier's weights times a factor."""
    return factor * xavier_normal(shape, rng=rng)


def activations_by_depth():
    """Sigmoid against tanh, and what the difference is made of, 1 to 8 hidden layers of 30.

    Expected: with one hidden layer at the best rate the arms lie within the spread (the classes of
    functions are equal); with 8 the plain sigmoid stays at chance at every rate, as its gradient
    shrinks by 4 in each layer. D-c2 is supported if centring alone (σ - ½) repairs most of it,
    D-c3 if the slope does (weights × 4 leave the mean at ½; 4σ - 2 mends both).
    """
    arms = {
        "sigmoid": (sigmoid, 1),
        "sigmoid, weights x4": (sigmoid, 4),
        "sigmoid - 1/2": (centred, 1),
        "4 sigmoid - 2": (matched, 1),
        "tanh": (tanh, 1),
        "ReLU": (relu, 2**0.5),
    }
    for depth in (1, 2, 4, 8):
        widths = [64, *[30] * depth, 10]
        for arm, (activation, factor) in arms.items():
            init = partial(scaled_xavier, factor=factor)
            new_model = partial(network, *widths, activation=activation, init=init)
            best, tested, shared = at_best_rate(new_model, steps=600)
            setting = f"{depth} hidden"
            yield outcome(
                "D-c1 D-c2 D-c3", setting, arm, f"test accuracy, best rate {best:g}", tested
            )
            measure = f"test accuracy, shared rate {SHARED:g}"
            yield outcome("D-c1 D-c2 D-c3", setting, arm, measure, shared)


def the_same_function():
    """D-c1: a trained sigmoid network rewritten with tanh gives the same scores.

    σ(z) = (1 + tanh(z/2))/2: halve what enters a unit, halve what leaves it, and half of the
    column sums goes into the next bias. Expected: equal to rounding.
    """
    gaps = []
    for seed in SEEDS:
        old = MLP(64, 30, 30, 10, activation=sigmoid, init=xavier_normal, rng=seed, dtype="float64")
        train(old, x[TRAIN], labels[TRAIN], lr=1.0, seed=seed, steps=600)
        new = MLP(64, 30, 30, 10, activation=tanh, init=xavier_normal, rng=seed, dtype="float64")
        sources = [layer.params for layer in old.layers() if layer.params]
        targets = [layer.params for layer in new.layers() if layer.params]
        for k, (source, target) in enumerate(zip(sources, targets)):
            W, b = source["W"], source["b"]
            if k > 0:
                W, b = W / 2, b + W.sum(axis=1) / 2
            if k < 2:
                W, b = W / 2, b / 2
            target["W"][...], target["b"][...] = W, b
        gaps.append(np.abs(old(x_test)[0] - new(x_test)[0]).max())
    same = [gap < 1e-9 for gap in gaps]
    yield outcome("D-c1", "rewritten with tanh", "tanh", "scores differ by less than 1e-9", same)


def probabilities():
    """D-c1, where tanh loses: one output unit for "is it at least 5", which should be P in (0, 1).

    Expected: tanh trained on targets 0 and 1 leaves (0, 1) for many images, sigmoid for none.
    """
    five, five_test = (np.array(y >= 5, float)[:, None] for y in (labels, labels_test))
    arms = {
        "tanh, squares": (lambda z, target: mse_of_tanh(z, target=target), tanh),
        "sigmoid, BCE": (binary_cross_entropy_with_logits, sigmoid),
    }
    for arm, (loss, output) in arms.items():
        runs = {lr: [one_output(loss, five, lr, seed) for seed in SEEDS] for lr in RATES[:-2]}
        valid = {
            lr: np.mean([share_right(m, output, x[VALID], five[VALID]) for m in runs[lr]])
            for lr in runs
        }
        best = max(valid, key=valid.get)
        p = [output(model(x_test)[0])[0] for model in runs[best]]
        outside = [np.mean((q <= 0) | (q >= 1)) for q in p]
        setting = f"one output unit, rate {best:g}"
        yield outcome("D-c1", setting, arm, "share of outputs outside (0, 1)", outside)
        tested = [share_right(model, output, x_test, five_test) for model in runs[best]]
        yield outcome("D-c1", setting, arm, "test accuracy", tested)


def share_right(model, output, x, target):
    """How often the output lies on the target's side of one half."""
    return np.mean((output(model(x)[0])[0] > 0.5) == (target > 0.5))


def one_output(loss, target, lr, seed):
    """Trained on all images at once, 1000 steps."""
    model = MLP(64, 30, 1, activation=tanh, init=xavier_normal, rng=seed, dtype="float64")
    theta, grad = parameter_vector(model)
    for _ in range(1000):
        z, back = model(x[TRAIN])
        grad[:] = 0
        back(loss(z, target=target[TRAIN])[1](1.0))
        theta -= lr * grad
    return model


def mse_of_tanh(z, *, target):
    """Squared error behind a tanh."""
    y, tanh_pullback = tanh(z)
    L, loss_pullback = mse(y, target=target)
    return L, lambda dL: tanh_pullback(loss_pullback(dL))


# -- A-c9 -----------------------------------------------------------------------------------------


def clipped_training():
    """How often is the clip active in training?

    Expected: never on scaled pixels at a sensible rate, so that both arms are one run bit for bit
    and "works well" is true and empty; often on raw pixels with weights N(0, 1), where the clipped
    arm learns less.
    """
    settings = {"pixels in [0, 1], He": (1.0, he_normal),
                "pixels 0..16, N(0, 1)": (16.0, unit_normal)}  # fmt: skip
    for setting, (factor, init) in settings.items():
        for arm, clip in (("subtract the largest", False), ("clip to 50", True)):
            runs = {lr: [logged_run(factor, init, lr, seed, clip) for seed in SEEDS]
                    for lr in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)}  # fmt: skip
            valid = {
                lr: np.mean([accuracy(m, factor * x[VALID], labels[VALID]) for m, _ in runs[lr]])
                for lr in runs
            }
            best = max(valid, key=valid.get)
            active = [share for _, share in runs[best]]
            yield outcome("A-c9", setting, arm, "share of scores beyond 50", active)
            tested = [accuracy(model, factor * x_test, labels_test) for model, _ in runs[best]]
            yield outcome("A-c9", setting, arm, f"test accuracy at rate {best:g}", tested)


def logged_run(factor, init, lr, seed, clip):
    """A trained model, and the share of scores beyond 50 over its 1200 steps."""
    log, rng = [], np.random.default_rng(seed)
    model = MLP(64, 30, 10, init=init, rng=seed, dtype="float64")
    theta, grad = parameter_vector(model)
    for _ in range(1200):
        batch = rng.integers(1200, size=100)
        z, back = model(factor * x[batch])
        grad[:] = 0
        back(logged_cross_entropy(z, labels=labels[batch], clip=clip, log=log))
        theta -= lr * grad
    return model, np.mean(log)


def unit_normal(shape, *, rng):
    """Weights N(0, 1)."""
    return rng.standard_normal(shape)


def logged_cross_entropy(z, *, labels, clip, log):
    """dL/dz of the mean cross-entropy, clipped or not; logs how many scores lie beyond 50."""
    beyond = np.abs(z) > 50
    log.append(beyond.mean())
    p, _ = softmax(np.clip(z, -50, 50) if clip else z)
    dz = (p - np.eye(10)[labels]) / len(z)
    return np.where(beyond, 0, dz) if clip else dz


# -- A-c2 -----------------------------------------------------------------------------------------


def rings(rng, n):
    """A disc in a ring."""
    label = rng.integers(2, size=n)
    angle, radius = rng.uniform(0, 2 * np.pi, n), rng.uniform(0, 1, n) + 1.5 * label
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), label


def spirals(rng, n):
    """Two arms of a spiral, a turn and a half each."""
    label, t = rng.integers(2, size=n), np.sqrt(rng.uniform(0.02, 1, n))
    angle = 3 * np.pi * t + np.pi * label
    points = 2 * t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return points + 0.05 * rng.standard_normal((n, 2)), label


def probe(h, y, h_test, y_test):
    """Test accuracy of the best linear rule by least squares on ±1, lightly damped."""
    add_one = lambda h: np.column_stack([h, np.ones(len(h))])
    A = add_one(h)
    w = np.linalg.solve(A.T @ A + 1e-3 * np.eye(A.shape[1]), A.T @ (2 * y - 1))
    return np.mean((add_one(h_test) @ w > 0) == y_test)


def separability():
    """A-c2: is a deeper layer easier to split by a plane?

    Expected: supported, but the untrained layer already helps on rings; training matters on the
    spirals; on 3 against 8 the raw pixels are nearly separable and nothing is gained.
    """
    three_eight = np.isin(labels, (3, 8)), np.isin(labels_test, (3, 8))
    for name in ("rings", "spirals", "digits 3 and 8"):
        found = {}
        for seed in range(5):
            rng = np.random.default_rng(seed)
            if name.startswith("digits"):
                (X, y), (X_test, y_test) = (
                    (data[chosen], (target[chosen] == 8).astype(int))
                    for data, target, chosen in ((x, labels, three_eight[0]),
                                                 (x_test, labels_test, three_eight[1]))
                )  # fmt: skip
            else:
                (X, y), (X_test, y_test) = (globals()[name](rng, 500) for _ in range(2))
            best = best_of_rates(X, y, seed)
            fresh = MLP(X.shape[1], 30, 30, 2, rng=seed, dtype="float64")
            for arm, model in (("untrained", fresh), ("trained", best)):
                hidden, tested = (model.values(data)[1::2] for data in (X, X_test))
                for k, (h, h_test) in enumerate(zip(hidden, tested), start=1):
                    found.setdefault(f"layer {k}, {arm}", []).append(probe(h, y, h_test, y_test))
            found.setdefault("raw input", []).append(probe(X, y, X_test, y_test))
        for arm, values in found.items():
            yield outcome("A-c2", name, arm, "accuracy of a linear rule", values)


def best_of_rates(X, y, seed):
    """Trained with the rate of the lowest error on the last fifth of the training points."""
    n, scores = 4 * len(X) // 5, {}
    for lr in (0.03, 0.1, 0.3, 1.0):
        model = MLP(X.shape[1], 30, 30, 2, rng=seed, dtype="float64")
        train(model, X[:n], y[:n], lr=lr, seed=seed, steps=3000)
        scores[accuracy(model, X[n:], y[n:])] = model
    return scores[max(scores)]


# -- B-c2 -----------------------------------------------------------------------------------------


def corner():
    """What slope at ReLU's corner does, and how often the corner is met.

    Expected: no hit at random weights, so three equal runs; with hidden weights that start at zero
    every unit sits on the corner, and slope 0 never lets go; whole-number weights hit it often.
    """
    settings = {
        "random weights": lambda shape, *, rng: he_normal(shape, rng=rng),
        "hidden weights 0": lambda shape, *, rng: (
            he_normal(shape, rng=rng) if shape[0] == 10 else np.zeros(shape)
        ),
        "weights -1, 0, 1, pixels 0..16": lambda shape, *, rng: rng.integers(-1, 2, shape) * 1.0,
    }
    for setting, init in settings.items():
        factor, lr = (16.0, 0.001) if "pixels" in setting else (1.0, 0.3)
        for at_zero in (0.0, 0.5, 1.0):
            slope = partial(step, at_zero=at_zero)
            activation = elementwise(lambda z: np.maximum(z, 0), slope)
            right, hits = [], []
            for seed in SEEDS:
                model = MLP(64, 30, 10, activation=activation, init=init, rng=seed, dtype="float64")
                hits.append(np.mean(model.values(factor * x[TRAIN])[0] == 0))
                train(model, factor * x[TRAIN], labels[TRAIN], lr=lr, seed=seed, steps=600)
                right.append(accuracy(model, factor * x_test, labels_test))
            arm = f"slope {at_zero:g} at the corner"
            yield outcome("B-c2", setting, arm, "share of units on the corner at first", hits)
            yield outcome("B-c2", setting, arm, "test accuracy", right)


def step(z, *, at_zero):
    """ReLU's slope with a choice at the corner."""
    return np.heaviside(z, at_zero)


# -- D-c5 -----------------------------------------------------------------------------------------


def linear_network():
    """D-c5: what a network without activations can do.

    Expected: it collapses to one matrix exactly and cannot do XOR; on the digits it is close to
    tanh in a short run, and behind in a long one.
    """
    gaps = []
    for steps in (60, 3000):
        for arm, activation in (("no activation", identity), ("tanh", tanh)):
            new_model = partial(network, 64, 30, 30, 10, activation=activation, init=xavier_normal)
            best, tested, _ = at_best_rate(new_model, steps=steps, rates=(0.03, 0.1, 0.3, 1.0))
            setting = f"{steps} steps"
            yield outcome("D-c5", setting, arm, f"test accuracy at rate {best:g}", tested)
    for seed in SEEDS:
        model = MLP(64, 30, 30, 10, activation=identity, rng=seed, dtype="float64")
        train(model, x[TRAIN], labels[TRAIN], lr=0.1, seed=seed, steps=600)
        W, b = np.eye(64), np.zeros(64)
        for layer in model.layers():
            if layer.params:
                W, b = layer.params["W"] @ W, layer.params["W"] @ b + layer.params["b"]
        gaps.append(np.abs(model(x_test)[0] - (x_test @ W.T + b)).max())
    setting, measure = "collapsed to one matrix", "scores differ by less than 1e-9"
    yield outcome("D-c5", setting, "no activation", measure, [gap < 1e-9 for gap in gaps])
    square, xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    for arm, activation in (("no activation", identity), ("tanh", tanh)):
        right = []
        for seed in range(5):
            model = MLP(2, 8, 2, activation=activation, rng=seed, dtype="float64")
            train(model, square, xor, lr=0.3, seed=seed, steps=2000)
            right.append(accuracy(model, square, xor))
        yield outcome("D-c5", "XOR", arm, "accuracy", right)


# -- E-c7 -----------------------------------------------------------------------------------------


def keepdims():
    """E-c7: softmax in both layouts, with and without keepdims, against a loop over the samples.

    Expected: (classes, batch) over axis 0 needs none; (batch, classes) over axis 1 is refused by
    NumPy, except that a square batch goes through, silently wrong.
    """
    for batch in (6, 4):
        for layout, axis in (("(4 classes, batch)", 0), ("(batch, 4 classes)", 1)):
            for keep in (True, False):
                errors = []
                for seed in SEEDS:
                    z = np.random.default_rng(seed).standard_normal((batch, 4))
                    z = z.T if axis == 0 else z
                    truth = np.apply_along_axis(lambda v: np.exp(v) / np.exp(v).sum(), axis, z)
                    try:
                        p = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=keep)
                        errors.append(np.abs(p - truth).max().round(9))
                    except ValueError:
                        errors.append(np.inf)  # refused
                arm = "keepdims" if keep else "no keepdims"
                yield outcome("E-c7", f"{layout}, batch of {batch}", arm, "error", errors)


EXPERIMENTS = [separability, clipped_training, corner, the_same_function, probabilities]
EXPERIMENTS += [activations_by_depth, linear_network, keepdims]


def main():
    """Run all and write the table."""
    rows = []
    for experiment in EXPERIMENTS:
        print(experiment.__name__, "...", flush=True)
        for line in experiment():
            rows.append(line)
            print("  ", *list(line.values())[:-1], sep=" | ", flush=True)
    store("02_claims", rows)


if __name__ == "__main__":
    main()

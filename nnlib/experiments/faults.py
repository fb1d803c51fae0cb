"""Planted faults: runs on the bundled digits in which one thing is wrong.

Faults are slips of the exercises where these have them. What sees them: nnlib.experiments.diagnoses
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from nnlib.blocks import layer_norm, linear, relu, sigmoid
from nnlib.checks import Array, Pullback
from nnlib.data import load_digits, scale
from nnlib.exercises import exercises
from nnlib.initializers import he_normal, xavier_normal
from nnlib.mlp import MLP
from nnlib.parameters import Model
from nnlib.transformer import TokenClassifier

CLASSES, PADDING = 10, 4


class Trial(NamedTuple):
    """All that a run is made of; a fault makes one of it another.

    rule   Adam's settings.
    """

    seed: int
    model: Model
    x: Any
    labels: Array
    x_test: Any
    labels_test: Array
    rule: dict[str, Any]


def of_widths(activation: Callable, init: Callable) -> Callable[[int], Model]:
    """A seed to an MLP of two hidden layers of sixteen units."""
    own: Any = {"activation": activation, "init": init, "dtype": "float64"}
    return lambda seed: MLP(64, 16, 16, CLASSES, rng=seed, **own)


NETWORKS: dict[str, Callable[[int], Model]] = {
    "rectifiers": of_widths(relu, he_normal),
    "sigmoids": of_widths(sigmoid, xavier_normal),
    "encoder": lambda seed: TokenClassifier(
        8, 8 + PADDING, CLASSES, d=16, heads=2, d_ff=32, rng=seed, dtype="float64"
    ),
}
RATES = {"rectifiers": 0.01, "sigmoids": 0.01, "encoder": 0.005}


def without_fault(network: str, seed: int) -> Trial:
    """A network that learns to read the bundled digits, with nothing wrong.

    The encoder reads the eight rows of an image, and behind them some of zeros, which are masked.

    >>> trial = without_fault("encoder", 0)
    >>> trial.x["x"].shape, trial.x["mask"][0].astype(int)
    ((1500, 12, 8), array([[1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]]))
    """
    digits = load_digits()
    as_read = with_padding if network == "encoder" else lambda x: x
    x, x_test = (as_read(scale(a, np.float64, white=16)) for a in (digits.x_train, digits.x_test))
    model, rule = NETWORKS[network](seed), {"lr": RATES[network]}
    return Trial(seed, model, x, digits.labels_train, x_test, digits.labels_test, rule)


def with_padding(x: Array) -> dict[str, Array]:
    """Rows of pixels, behind them rows of zeros, and the mask that tells which are which."""
    rows = np.pad(x.reshape(len(x), 8, 8), ((0, 0), (0, PADDING), (0, 0)))
    there = np.arange(8 + PADDING) < 8
    return {"x": rows, "mask": np.tile(there, (len(x), 1, 1))}


# -- faults ----------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """What is wrong, in words, in which network, and how it is planted.

    of_gradient   whether the pullback is no longer that of the value.
    """

    network: str
    of_gradient: bool
    words: str
    plant: Callable[[Trial], Trial]


def slip(exercise: str, start: str) -> tuple[str, Callable]:
    """A named slip of an exercise: its sentence, which begins so, and the wrong version.

    >>> slip("causal mask", "It is inverted")[0]
    'It is inverted: True means may attend.'
    """
    slips = exercises()[exercise].slips.items()
    return next(found for found in slips if found[0].startswith(start))


def planted(block: Callable, back: Callable) -> Callable:
    """The block with another way back: back(dy, what is right, *arrays)."""

    @wraps(block)
    def faulty(*arrays: Array, **constants: Any) -> tuple[Array, Pullback]:
        y, pullback = block(*arrays, **constants)
        return y, lambda dy: back(dy, pullback(dy), *arrays)

    return faulty


def in_layers(block: Callable, back: Callable, *places: int) -> Callable[[Trial], Trial]:
    """Plant another way back in the layers of this block: in all, or at these places of them."""

    def plant(trial: Trial) -> Trial:
        layers = [layer for layer in trial.model.layers() if layer.block is block]
        for place in places or range(len(layers)):
            layers[place].block = planted(block, back)
        return trial

    return plant


def slip_in_linear(start: str, place: int) -> tuple[str, Callable]:
    """The sentence of a slip in a linear layer, and how to plant it in the one at this place."""
    words, wrong = slip("linear layer's pullback", start)
    return words, in_layers(linear, lambda dy, right, x, W, b: wrong(dy, x, W), place)


def slip_in_sigmoid() -> tuple[str, Callable]:
    """The value for the slope, in every layer of sigmoids."""
    words, wrong = slip("sigmoid's pullback", "That is S, not its slope")
    return words, in_layers(sigmoid, lambda dy, right, x: wrong(dy, x))


def slip_in_norm() -> tuple[str, Callable]:
    """The deviation held constant, in every layer norm."""
    words, wrong = slip("layer norm's dx", "The deviation is taken for a constant")
    return words, in_layers(
        layer_norm, lambda dy, right, x, gamma, beta: (wrong(x, gamma, dy), *right[1:])
    )


def one_percent(dy: Array, right: Array, x: Array) -> Array:
    """The gradient of one unit, a hundredth too large."""
    return right * np.where(np.arange(x.shape[-1]) == 3, 1.01, 1.0)


def slip_in_mask() -> tuple[str, Callable]:
    """The mask that shows what it is to hide."""
    words, wrong = slip("hide what is looked at", "It is inverted")
    invert = lambda x: x | {"mask": wrong(~x["mask"][:, 0] + 0.0, PADDING)}
    return words, lambda trial: trial._replace(x=invert(trial.x), x_test=invert(trial.x_test))


def uncorrected(trial: Trial) -> Trial:
    """Adam's moments as they are, as the exercise's slip has them."""
    return trial._replace(rule=trial.rule | {"bias_correction": False})


def shuffled(trial: Trial) -> Trial:
    """The labels to train on, dealt out anew."""
    return trial._replace(labels=np.random.default_rng(trial.seed).permutation(trial.labels))


def unscaled(trial: Trial) -> Trial:
    """Pixels as they are stored, from 0 to 16."""
    return trial._replace(x=16 * trial.x, x_test=16 * trial.x_test)


FAULTS = {
    "dW transposed, 10 × 16": Fault("rectifiers", True, *slip_in_linear("dW is transposed", 2)),
    "dW transposed, 16 × 16": Fault("rectifiers", True, *slip_in_linear("dW is transposed", 1)),
    "the batch's sum forgotten": Fault(
        "rectifiers", True, *slip_in_linear("The sum over the samples is missing in db", 1)
    ),
    "a mean for the batch's sum": Fault("rectifiers", True, *slip_in_linear("db is a mean", 1)),
    "σ for σ′": Fault("sigmoids", True, *slip_in_sigmoid()),
    "one unit's slope off by 1 %": Fault(
        "sigmoids",
        True,
        "One of sixteen sigmoids sends back 1.01 times what it should.",
        in_layers(sigmoid, one_percent, 0),
    ),
    "the deviation held constant": Fault("encoder", True, *slip_in_norm()),
    "a mask inverted": Fault("encoder", False, *slip_in_mask()),
    "bias correction left out": Fault(
        "rectifiers", False, slip("Adam step", "m and v are not corrected")[0], uncorrected
    ),
    "labels shuffled": Fault(
        "rectifiers", False, "Each image has the label of another one.", shuffled
    ),
    "pixels unscaled": Fault(
        "rectifiers", False, "Pixels go from 0 to 16; they are due from 0 to 1.", unscaled
    ),
}
NOTHING = {  # to see that no diagnostic cries wolf
    f"nothing wrong, {network}": Fault(network, False, "Nothing is wrong.", lambda trial: trial)
    for network in NETWORKS
}

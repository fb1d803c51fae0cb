"""A network on its way: a run of lesson 06's encoder, kept as a film of its parameters."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from nnlib.checkpoints import CHECKPOINTS
from nnlib.checks import Array
from nnlib.data import Images
from nnlib.experiments.encoder_on_mnist import (
    VARIANTS,
    as_tokens,
    encoder,
    stored_as,
    trained,
    training_of,
)
from nnlib.experiments.watched import WatchedRun
from nnlib.parameters import Model, parameter_vector
from nnlib.training import Training
from nnlib.transformer import TokenClassifier

SEEN, UNSEEN = 5_000, 300  # images at most to train on, and to be tested on
USUAL = {"layers": 1, "norm_first": True, "positions": "learned"}  # of what is stored
RATES = {
    False: (2e-3, 60),
    True: (2e-4, 20),
}  # and warm-up, of weights drawn anew and of stored ones


class Filmed(WatchedRun):
    """A watched run that keeps the parameters of a model at each look at the unseen images.

    model   what is trained, or the part of it that is to be seen.

    >>> import numpy as np
    >>> from nnlib.losses import softmax_cross_entropy
    >>> from nnlib.mlp import MLP
    >>> from nnlib.optimizers import GradientDescent
    >>> model, x, labels = MLP(2, 2, rng=0), np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> rule, loss = GradientDescent(parameter_vector(model)[0], lr=1.0), softmax_cross_entropy
    >>> training = Training(model, loss, rule, x, labels, batch_size=2, seed=0)
    >>> film, first = Filmed(model, training, x, labels, every=5), parameter_vector(model)[0].copy()
    >>> bool((parameter_vector(film.upto(12).model_at(4))[0] == first).all()), sorted(film.kept)
    (True, [0, 5, 10])
    """

    def __init__(
        self, model: Model, training: Training, x_test: Array, labels_test: Array, *, every: int
    ) -> None:
        self.model = model
        self.kept: dict[int, Array] = {}  # by how many steps were done
        super().__init__(training, x_test, labels_test, every=every)

    def accuracy(self) -> float:
        self.kept[self.training.steps] = parameter_vector(self.model)[0].copy()
        return super().accuracy()

    def seen_at(self, steps: int) -> int:
        """The last look up to so many steps: after how many."""
        return max(k for k in self.tested_at if k <= steps)

    def model_at(self, steps: int) -> Model:
        """The model as it was at the last look up to so many steps."""
        model = deepcopy(self.model)
        parameter_vector(model)[0][:] = self.kept[self.seen_at(steps)]
        return model


def learning(
    images: Images, *, stored: bool, most: int = 600, every: int = 20, **options: Any
) -> Filmed:
    """The start of a run of lesson 06's encoder, from its stored weights or from new ones.

    It sees the rows of the first images, moved by a pixel each time; its rate falls to 0 at its
    ``most`` steps.

    options   of the encoder: layers, norm_first, positions.
    Errors    ValueError for options whose weights are not stored, where these are asked for.

    >>> from nnlib.data import enlarged, load_digits
    >>> digits = load_digits()
    >>> images = digits._replace(x_train=enlarged(digits.x_train), x_test=enlarged(digits.x_test))
    >>> run = learning(images, stored=False, layers=1, norm_first=True, positions=None)
    >>> run.tested_at
    [0]
    """
    model = network(images, stored=stored, **options)
    x, labels = as_tokens(images.x_train[:SEEN]), images.labels_train[:SEEN]
    lr, warm = RATES[stored]
    training = training_of(model, x, labels, steps=most, seed=0, lr=lr, warm=warm)
    unseen = as_tokens(images.x_test[:UNSEEN]), images.labels_test[:UNSEEN]
    return Filmed(model, training, *unseen, every=every)


def network(images: Images, *, stored: bool, **options: Any) -> TokenClassifier:
    """The encoder with the weights that are stored for such images, or with the same new ones.

    >>> import numpy as np
    >>> from nnlib.data import load_digits
    >>> model = network(load_digits(), stored=False, layers=2, positions=None)
    >>> len(model.weights(np.zeros((1, 28, 28), np.float32)))
    2
    """
    return trained(kind(images), **unusual(options)) if stored else encoder(rng=0, **options)


def is_stored(images: Images, **options: Any) -> bool:
    """Whether weights are stored for such images and these options of the encoder.

    >>> from nnlib.data import load_digits
    >>> digits = load_digits()
    >>> is_stored(digits, layers=2), is_stored(digits, layers=2, positions=None)
    (True, False)
    """
    own = unusual(options)
    if own not in VARIANTS.values():
        return False
    return (CHECKPOINTS / f"{stored_as(kind(images), own)}.npz").exists()


def kind(images: Images) -> str:
    """How the images are called that weights are stored for."""
    return "digits" if images.bundled else "mnist"


def unusual(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not the usual ones.

    >>> unusual({"layers": 2, "norm_first": True})
    {'layers': 2}
    """
    return {name: value for name, value in options.items() if value != USUAL[name]}

"""An epoch of lesson 05's network: nnlib beside its matrix products alone and beside its peers.

Each contestant has one thread. Prints; never asserts.
"""

import sys
import warnings
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.racing import compete, race, show

WIDTHS, BATCH = (784, 40, 30, 20, 10), 100
BURST, TURNS = 100, 40  # steps in a burst, bursts of each


def images():
    """The training images as rows of float32, and their labels."""
    from nnlib.data import load_mnist, scale

    loaded = load_mnist()
    return scale(loaded.x_train), loaded.labels_train


# -- the contestants: each prepares a burst, and says how many steps it has ---------------------


def matrix_products():
    """For each layer x Wᵀ, dyᵀ x and, above the first, dy W, on the batches as they are stored."""
    x, _ = images()
    rng = np.random.default_rng(0)
    layers = [
        (rng.random((d_out, d_in), np.float32), rng.random((BATCH, d_out), np.float32))
        for d_in, d_out in pairwise(WIDTHS)
    ]
    batches = for_ever(lambda: np.split(x, range(BATCH, len(x), BATCH)))

    def step():
        below = next(batches)
        for k, (W, dy) in enumerate(layers):
            below @ W.T
            dy.T @ below
            if k:
                dy @ W
            below = dy

    return lambda: (partial(repeat, step), BURST)


def nnlib_training():
    """``Training``, as the lesson uses it."""
    from nnlib.losses import softmax_cross_entropy
    from nnlib.mlp import MLP
    from nnlib.optimizers import Adam
    from nnlib.parameters import parameter_vector
    from nnlib.training import Training

    model, loss = MLP(*WIDTHS, rng=0), softmax_cross_entropy
    optimizer = Adam(parameter_vector(model)[0])
    training = Training(model, loss, optimizer, *images(), batch_size=BATCH, seed=0)
    return lambda: (partial(training.run, BURST), BURST)


def pytorch(loader=True, **options):
    """The loop of PyTorch's tutorials with a DataLoader, or with rows taken by their numbers."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, labels = map(torch.from_numpy, images())
    parts = []
    for d_in, d_out in pairwise(WIDTHS):
        parts += [torch.nn.Linear(d_in, d_out), torch.nn.ReLU()]
    model, loss = torch.nn.Sequential(*parts[:-1]), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), **options)
    data = torch.utils.data.TensorDataset(x, labels)
    if loader:
        epoch = lambda: torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    else:
        epoch = lambda: (data[rows] for rows in torch.randperm(len(x)).split(BATCH))
    batches = for_ever(epoch)

    def step():
        x_batch, labels_batch = next(batches)
        optimizer.zero_grad()
        loss(model(x_batch), labels_batch).backward()
        optimizer.step()

    return lambda: (partial(repeat, step), BURST)


def scikit_learn():
    """``MLPClassifier``, an epoch in each burst."""
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # it says that one epoch is not enough
    x, labels = images()
    model = MLPClassifier(WIDTHS[1:-1], batch_size=BATCH, max_iter=1, warm_start=True)
    return lambda: (partial(model.fit, x, labels), -(-len(x) // BATCH))


def for_ever(epoch):
    """The batches of one epoch after the other."""
    while True:
        yield from epoch()


def repeat(step):
    """A burst of steps."""
    for _ in range(BURST):
        step()


CONTESTANTS = {
    "matrix products alone": matrix_products,
    "nnlib": nnlib_training,
    "PyTorch, DataLoader, Adam": pytorch,
    "PyTorch, DataLoader, fused Adam": partial(pytorch, fused=True),
    "PyTorch, rows taken, fused Adam": partial(pytorch, loader=False, fused=True),
    "scikit-learn": scikit_learn,
}


def main():
    """Race and print the table."""
    count, network = len(images()[0]), "-".join(map(str, WIDTHS))
    print(f"{network}, float32, {count} images in batches of {BATCH}, Adam, one thread each")
    times = race(__file__, CONTESTANTS, TURNS)
    others = {"/ products": "matrix products alone", "/ nnlib": "nnlib"}
    show(times, f"{TURNS} bursts of {BURST} steps", others, others.values())


if __name__ == "__main__":
    compete(CONTESTANTS[sys.argv[1]]) if sys.argv[1:] else main()

"""The accuracy on the test images of lesson 05's network after ten epochs, at three seeds."""

from time import perf_counter

from nnlib.data import load_mnist, scale
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.optimizers import Adam
from nnlib.parameters import parameter_vector
from nnlib.training import accuracy, fit

EPOCHS, BATCH, SEEDS = 10, 100, (0, 1, 2)


def main():
    """Train and print a line for each seed."""
    images = load_mnist()
    x, x_test = scale(images.x_train), scale(images.x_test)
    print(f"784-40-30-20-10, ReLU, He, Adam 1e-3, batches of {BATCH}, {EPOCHS} epochs of {len(x)}")
    for seed in SEEDS:
        model = MLP(784, 40, 30, 20, 10, rng=seed)
        optimizer = Adam(parameter_vector(model)[0])
        options = {"epochs": EPOCHS, "batch_size": BATCH, "seed": seed, "progress": False}
        start = perf_counter()
        fit(model, softmax_cross_entropy, optimizer, x, images.labels_train, **options)
        seconds, right = perf_counter() - start, accuracy(model, x_test, images.labels_test)
        print(f"seed {seed}   test accuracy {right:.4f}   {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()

"""Document E, *MNIST MLP notes*: what becomes of the gradients: batches and momentum."""

import numpy as np

from nnlib.blocks import sigmoid
from nnlib.documents.claims import convention, misprint, ok, overstated, page, reading
from nnlib.losses import softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.parameters import objective, parameter_vector


@page("Backpropagation", lessons="05")
def normalising_page(rng):
    """A task of its own, the same for every draw: a hundred points in three clouds."""
    fixed, seed = np.random.default_rng(0), rng.integers(2**32)
    labels = np.arange(100) % 3
    points = 3 * fixed.standard_normal((3, 4))[labels] + fixed.standard_normal((100, 4))
    network = lambda rng: MLP(4, 6, 5, 3, activation=sigmoid, rng=rng, dtype="float64")

    def trained(model, rate, factor, steps=100):
        """The model after some steps with its mean gradient times a factor: 100 for the sum."""
        theta, _ = parameter_vector(model)
        loss = objective(model, softmax_cross_entropy, points, labels=labels)
        for _ in range(steps):
            theta -= rate * loss(theta)[1](factor)
        return model

    def improves(rate, factor):
        """Whether the accuracy, about a third at first, rises by more than a third."""
        right = lambda model: np.mean(model(points)[0].argmax(axis=1) == labels)
        return float(right(trained(network(1), rate, factor)) > right(network(1)) + 1 / 3)

    def weights_after(rate, factor):
        return parameter_vector(trained(network(int(seed)), rate, factor, steps=20))[0]

    yield overstated(
        "E-normalise",
        "Normalise the gradients by the size of the batch, or the accuracy would not improve.",
        r"The mean gradient with the rate $lr$ is the summed one with $lr/B$, so only the range of "
        "usable rates moves. Compared: whether the accuracy improves with the sum, 1 or 0.",
        lambda: 0.0,
        lambda: improves(rate=3, factor=1),
        lambda: improves(rate=3 / 100, factor=100),
        defence="At a rate as large as the mean bears it is what one sees: the sum overshoots and "
        "nothing is learned. At a small one the sum is ahead.",
        rests_on="a small network, 100 points, and the mean's rate divided by 100",
        condition="the rate is near the largest that the mean bears, and stays the same for the "
        "sum",
        under=(
            lambda: [[1, 0]] * 3,  # the mean improves, the sum does not
            lambda: [[improves(rate, factor) for factor in (1, 100)] for rate in (3, 5, 8)],
        ),
    )
    yield reading(
        "E-normalise-rate",
        "The sum, with the rate that the mean had.",
        "With that rate divided by the size of the batch both give the same weights. Compared: "
        "these after 20 steps.",
        lambda: weights_after(rate=1, factor=100),
        lambda: weights_after(rate=1 / 100, factor=100),
        lambda: weights_after(rate=1, factor=1),
    )


@page("Data Splitting and Mini-Batch Gradient Descent", lessons="05")
def splitting_page(rng):
    mu, lr, start = rng.uniform(0.5, 0.9), rng.uniform(0.1, 1), rng.standard_normal(3)
    g = rng.standard_normal((3, 4, 3))  # three epochs of four batches

    def each_epoch():
        w, v = start, np.zeros(3)
        for epoch in g:
            remembered = v
            for g_t in epoch:
                v = mu * remembered + (1 - mu) * g_t
                w = w - lr * v
        return w

    def each_step():
        w, v = start, np.zeros(3)
        for g_t in g.reshape(12, 3):
            v = mu * v + (1 - mu) * g_t
            w = w - lr * v
        return w

    def sizes_in_headers():
        """Both files of MNIST begin with a kind and then their sizes, four bytes each."""
        images, labels = "00000803 0000ea60 0000001c 0000001c", "00000801 0000ea60"
        n, height, width = np.frombuffer(bytes.fromhex(images), ">u4")[1:].astype(int)
        return [n, height * width, *np.frombuffer(bytes.fromhex(labels), ">u4")[1:]]

    yield ok(
        "E-split",
        r"$X=(60k,784)$, $y=(60k,)$",
        lambda: [60_000, 784, 60_000],
        sizes_in_headers,
        "Compared: what the first bytes of MNIST's two files say.",
        rests_on="the headers of MNIST",
    )
    yield misprint(
        "E-epoch",
        "The velocity remembers the gradients of the previous epoch; memory is updated at each "
        "epoch.",
        "The previous step: each mini-batch. Compared: the weights after three epochs of four "
        "batches.",
        each_epoch,
        each_step,
        lambda: start - lr * sum((1 - mu ** (12 - s)) * g.reshape(12, 3)[s] for s in range(12)),
        defence="Where a batch holds all images, an epoch is a step and the words are right; on "
        "the same page batches are small.",
        rests_on="several batches an epoch",
    )


@page("Momentum", lessons="04")
def momentum_page(rng):
    mu, T = 0.9, 10
    g, etas = rng.standard_normal((T, 3)), rng.uniform(0.1, 1) * 0.5 ** np.arange(T)
    eta, start = etas[0], rng.standard_normal(3)

    def moved(rates):
        """How far the document's rule moves the weights."""
        w, v = start, 0
        for rate, g_t in zip(rates, g):
            v = mu * v + (1 - mu) * g_t
            w = w - rate * v
        return w - start

    def moved_with_rate_inside(rates):
        w, v = start, 0
        for rate, g_t in zip(rates, g):
            v = mu * v + (1 - mu) * rate * g_t
            w = w - v
        return w - start

    def heavy_ball(rates):
        """Document A's rule without its velocity: the last step again, shortened, and a new one."""
        w = [start, start]
        for rate, g_t in zip(rates, g):
            w.append(w[-1] + mu * (w[-1] - w[-2]) - rate * g_t)
        return w[-1] - start

    yield ok(
        "E-momentum",
        r"$v=\mu v+(1-\mu)g$, $w=w-lr\,v$",
        lambda: moved([eta] * T),
        lambda: -eta * sum((1 - mu ** (T - s)) * g[s] for s in range(T)),
        r"$v_0=0$; $w$ is a weight or a bias.",
    )
    yield convention(
        "E-momentum-conv",
        r"$lr$ outside the velocity and $(1-\mu)$ inside; document A has $v=\rho v+\eta g$, "
        r"$w=w-v$.",
        r"At the same rate the steps are $1/(1-\mu)=10$ times smaller. Equal with "
        r"$lr=\eta/(1-\mu)$, while the rate is constant.",
        lambda: moved([eta] * T),
        lambda: moved([eta / (1 - mu)] * T),
        lambda: heavy_ball([eta] * T),
        defence="A moving average is as usual a form, and it is stated with its factor; a rate "
        r"$1/(1-\mu)$ times as large makes it the other.",
    )
    yield reading(
        "E-momentum-sched",
        r"With a schedule, $lr_t=\eta_t/(1-\mu)$ does not make them equal.",
        r"The rate has to go inside the velocity, $v=\mu v+(1-\mu)\,lr_tg$, $w=w-v$.",
        lambda: moved(etas / (1 - mu)),
        lambda: moved_with_rate_inside(etas / (1 - mu)),
        lambda: heavy_ball(etas),
    )

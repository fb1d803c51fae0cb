"""Writes training.npz: what PyTorch's optimizers do with given gradients, and a run of its own.

Needs PyTorch, which the tests do not:
`PYTHONPATH=.:tests python tests/golden/make_golden_training.py`.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from rules_table import TWINS

STEPS, SIZE, EVERY = 200, 12, 5  # the parameters are written after every fifth step
WIDTHS, SAMPLES, BATCH, RUN_STEPS = (6, 5, 4, 3), 20, 8, 60  # three batches an epoch, one smaller


def trajectories(torch):
    """The parameters on each optimizer's way, for gradients of sizes 1e-6 to 1e3, and none."""
    rng = np.random.default_rng(0)
    sizes = np.logspace(-6, 3, SIZE)
    gradients = rng.standard_normal((STEPS, SIZE)) * sizes
    gradients[::7] = 0
    theta = rng.standard_normal(SIZE)
    content = {"gradients": gradients, "theta": theta}
    for name, twins in TWINS.items():
        parameter = torch.nn.Parameter(torch.tensor(theta))
        optimizer, path = eval(twins.torch, vars(torch.optim) | {"p": [parameter]}), []
        for g in gradients:
            parameter.grad = torch.tensor(g)
            optimizer.step()
            path.append(parameter.detach().numpy().copy())
        content[name] = np.array(path[EVERY - 1 :: EVERY])
    return content


def run(torch):
    """A perceptron's losses and its parameters behind sixty steps of Adam on small batches."""
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((SAMPLES, WIDTHS[0])), rng.integers(WIDTHS[-1], size=SAMPLES)
    shapes = [shape for d_in, d_out in pairwise(WIDTHS) for shape in ((d_out, d_in), (d_out,))]
    start = [rng.standard_normal(shape) / 2 for shape in shapes]
    parameters = [torch.nn.Parameter(torch.tensor(p)) for p in start]
    optimizer, losses = torch.optim.Adam(parameters, lr=0.01), []
    epochs = -(-RUN_STEPS * BATCH // SAMPLES)
    orders = [np.random.default_rng([5, epoch]).permutation(SAMPLES) for epoch in range(epochs)]
    batches = [order[i : i + BATCH] for order in orders for i in range(0, SAMPLES, BATCH)]
    for rows in batches[:RUN_STEPS]:
        h = torch.tensor(x[rows])
        for k in range(0, len(parameters), 2):
            h = torch.nn.functional.linear(h if k == 0 else h.relu(), *parameters[k : k + 2])
        loss = torch.nn.functional.cross_entropy(h, torch.tensor(labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    flat = lambda arrays: np.concatenate([np.asarray(a).ravel() for a in arrays])
    return {
        "run/x": x,
        "run/labels": labels,
        "run/start": flat(start),
        "run/end": flat([p.detach().numpy() for p in parameters]),
        "run/losses": np.array(losses),
    }


if __name__ == "__main__":
    import torch

    np.savez(Path(__file__).with_name("training.npz"), **trajectories(torch), **run(torch))

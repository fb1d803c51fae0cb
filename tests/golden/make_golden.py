"""Writes blocks.npz: values and gradients of every row of the table as PyTorch computes them.

Needs PyTorch, which the tests do not: `PYTHONPATH=.:tests python tests/golden/make_golden.py`.
"""

from pathlib import Path

import numpy as np
from blocks_table import TABLE, as_float32

LEADING, SIZES = (5, 3), (4, 6, 3, 7)


def references():
    """Each block in PyTorch's words, by the row's name; arguments as nnlib takes them."""
    import torch
    from torch.nn import functional as F

    def standardize(x, axis=None, eps=1e-8):
        variance, mean = torch.var_mean(x, axis, correction=0, keepdim=True)
        return (x - mean) / torch.sqrt(variance + eps)

    def attention_weights(q, k, mask=None):
        scores = q @ k.mT / q.shape[-1] ** 0.5
        blocked = torch.tensor(False) if mask is None else ~mask
        return scores.masked_fill(blocked, -torch.inf).softmax(-1)

    def attention(q, k, v, mask=None):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    def cross_entropy(p, target):
        return -(target * p.log()).sum(-1).mean()

    return {
        "linear": F.linear,
        "linear_on_data": lambda W, b, x: F.linear(x, W, b),
        "relu": F.relu,
        "leaky_relu": lambda x, slope=0.01: F.leaky_relu(x, slope),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softmax": lambda z, axis=-1: F.softmax(z, axis),
        "log_softmax": lambda z, axis=-1: F.log_softmax(z, axis),
        "dropout": lambda x, keep, p: x * keep / (1 - p),
        "standardize": standardize,
        "standardize_sample": lambda x: standardize(x, (-2, -1)),
        "layer_norm": lambda x, gamma, beta: F.layer_norm(x, x.shape[-1:], gamma, beta),
        "embedding": lambda E, ids: F.embedding(ids, E),
        "attention_weights": attention_weights,
        "attention": attention,
        "mse": F.mse_loss,
        "binary_cross_entropy": F.binary_cross_entropy,
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
        "cross_entropy": cross_entropy,
        "softmax_cross_entropy": lambda z, labels: F.cross_entropy(
            z.flatten(0, -2), labels.flatten()
        ),
        "shared_linear": lambda x, W, B: W @ x.mT + B,
    }


def golden_of(row, reference):
    """Arguments, upstream gradient, value and gradients of one row, in float64."""
    import torch

    arrays, constants = row.sample(LEADING, SIZES, seed=3)
    single = {name: as_float32(a) for name, a in constants.items()}  # exact in both precisions
    single |= {name: as_float32(a) for (name, _), a in zip(row.inputs, arrays)}
    double = {name: a.astype(float) if a.dtype == "f4" else a for name, a in single.items()}
    tensors = {name: torch.tensor(a) for name, a in double.items()}
    inputs = [tensors.pop(name).requires_grad_() for name, _ in row.inputs]
    y = reference(*inputs, **tensors, **row.options)
    dy = as_float32(np.random.default_rng(4).standard_normal(tuple(y.shape)) + np.zeros(y.shape))
    y.backward(torch.tensor(dy.astype(float)))
    gradients = {f"d{name}": x.grad.numpy() for (name, _), x in zip(row.inputs, inputs)}
    return double | {"dy": dy.astype(float), "y": y.detach().numpy()} | gradients


def main():
    by_name, golden = references(), {}
    for row in TABLE:
        of_row = golden_of(row, by_name[row.name])
        golden |= {f"{row}/{name}": array for name, array in of_row.items()}
    np.savez_compressed(Path(__file__).parent / "blocks.npz", **golden)


if __name__ == "__main__":
    main()

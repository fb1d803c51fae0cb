"""Writes blocks.npz: values and gradients of the rows of the table as PyTorch computes them.

Needs PyTorch, which the tests do not: `PYTHONPATH=.:tests python tests/golden/make_golden.py`.
"""

from pathlib import Path

import numpy as np
from blocks_table import TABLE, as_float32

LEADING, SIZES = (5, 3), (4, 6, 3, 7)


def names():
    """What a row may call in PyTorch's words; arguments are as nnlib takes them."""
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

    def own_row(x, token):
        return token.expand(*x.shape[:-2], 1, -1)

    def softmax_cross_entropy(z, labels, keep):
        labels = labels.masked_fill(~keep, -100)  # by which PyTorch knows what is left out
        return F.cross_entropy(z.flatten(0, -2), labels.flatten())

    def recurrent(x, h0, W, U, b):
        cell = torch.nn.RNN(W.shape[1], W.shape[0], batch_first=True, dtype=x.dtype)
        weights = {"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": 0 * b}
        return torch.func.functional_call(cell, weights, (x, h0[None]))[0]

    return locals()


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
    known, golden = names(), {}
    for row in TABLE:
        of_row = golden_of(row, eval(row.torch, known)) if row.torch else {}
        golden |= {f"{row}/{name}": array for name, array in of_row.items()}
    np.savez_compressed(Path(__file__).parent / "blocks.npz", **golden)


if __name__ == "__main__":
    main()

"""Writes encoder.npz: values and gradients of attention, encoder layers and encoders by PyTorch.

Needs PyTorch, which the tests do not:
`PYTHONPATH=.:tests python tests/golden/make_golden_encoder.py`.
"""

from pathlib import Path

import numpy as np
import torch
from encoder_table import CASES, D_FF, HEADS, IDS, SAMPLES, D, T
from torch import nn


def twin(case):
    """PyTorch's module of a case, in double precision and without dropout."""
    if case.kind == "attention":
        return nn.MultiheadAttention(D, HEADS, batch_first=True, dtype=torch.float64)
    options = {"batch_first": True, "norm_first": case.norm_first, "dtype": torch.float64}
    layer = nn.TransformerEncoderLayer(D, HEADS, D_FF, dropout=0.0, **options)
    if case.kind == "layer":
        return layer
    last = nn.LayerNorm(D, dtype=torch.float64) if case.norm_first else None
    return nn.TransformerEncoder(layer, 2, last, enable_nested_tensor=False)


def in_order(module, of=lambda p: p):
    """A module's parameters, or what belongs to each, in the order of nnlib's theta."""
    flat = lambda *parameters: np.concatenate([of(p).detach().numpy().ravel() for p in parameters])
    if isinstance(module, nn.MultiheadAttention):
        weights = of(module.in_proj_weight).detach().chunk(3)
        biases = of(module.in_proj_bias).detach().chunk(3)
        qkv = [part.numpy().ravel() for pair in zip(weights, biases) for part in pair]
        return np.concatenate([*qkv, flat(module.out_proj.weight, module.out_proj.bias)])
    if isinstance(module, nn.TransformerEncoderLayer):
        parts = module.norm1, module.self_attn, module.norm2, module.linear1, module.linear2
    elif isinstance(module, nn.TransformerEncoder):
        parts = *module.layers, *([module.norm] if module.norm else [])
    else:
        return flat(module.weight, module.bias)
    return np.concatenate([in_order(part, of) for part in parts])


def called(module, case, x, context):
    """A module's value; PyTorch's masks are True for what is blocked."""
    blocked = torch.tensor(IDS[:, : case.context] == 0) if case.padded else None
    if case.kind == "attention":
        return module(x, context, context, key_padding_mask=blocked, need_weights=False)[0]
    future = torch.ones(T, T, dtype=torch.bool).triu(1) if case.causal else None
    return module(x, future, src_key_padding_mask=blocked)


def golden_of(case):
    """What a case is given, in float32, and its value and gradients in float64."""
    rng = np.random.default_rng(0)
    module = twin(case)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(rng.standard_normal(p.shape, np.float32)) / 2)
    shapes = {"x": (SAMPLES, T, D), "context": (SAMPLES, case.context, D), "dy": (SAMPLES, T, D)}
    given = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    x, context, dy = (torch.tensor(a.astype(float)) for a in given.values())
    y = called(module, case, x.requires_grad_(), context.requires_grad_())
    y.backward(dy)
    found = {"y": y.detach().numpy(), "dx": x.grad.numpy()}
    found["grad"] = in_order(module, lambda p: p.grad)
    if case.kind == "attention":
        found["dcontext"] = context.grad.numpy()
    given["theta"] = in_order(module).astype(np.float32)
    return {f"{case}/{name}": a for name, a in (given | found).items()}


def main():
    golden = {}
    for case in CASES:
        golden |= golden_of(case)
    np.savez_compressed(Path(__file__).with_name("encoder.npz"), **golden)


if __name__ == "__main__":
    main()

"""Writes decoder.npz: values and gradients of decoder layers and encoder-decoders by PyTorch.

Needs PyTorch, which the tests do not:
`PYTHONPATH=.:tests:tests/golden python tests/golden/make_golden_decoder.py`.
"""

from pathlib import Path

import numpy as np
import torch
from decoder_table import (
    CASES,
    D_FF,
    HEADS,
    KEEP,
    LABELS,
    LONGEST,
    SOURCE,
    TARGET,
    VOCABULARY,
    D,
)
from make_golden_encoder import in_order
from torch import nn

BLOCKED_SOURCE, BLOCKED_TARGET = torch.tensor(SOURCE == 0), torch.tensor(TARGET == 0)
FUTURE = torch.ones(TARGET.shape[1], TARGET.shape[1], dtype=torch.bool).triu(1)


class EncoderDecoder(nn.Module):
    """Embeddings with learned places, PyTorch's own stacks, and the target's rows as scorers."""

    def __init__(self, norm_first):
        super().__init__()
        double = {"dtype": torch.float64}
        options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first} | double
        last = lambda: nn.LayerNorm(D, **double) if norm_first else None
        self.read, self.write = (nn.Embedding(VOCABULARY, D, **double) for _ in "st")
        self.read_at, self.write_at = (nn.Embedding(LONGEST, D, **double) for _ in "st")
        layer = nn.TransformerEncoderLayer(D, HEADS, D_FF, **options)
        self.encoder = nn.TransformerEncoder(layer, 2, last(), enable_nested_tensor=False)
        layer = nn.TransformerDecoderLayer(D, HEADS, D_FF, **options)
        self.decoder = nn.TransformerDecoder(layer, 2, last())

    def forward(self, source, target):
        x = self.read(source) + self.read_at.weight[: source.shape[1]]
        memory = self.encoder(x, src_key_padding_mask=BLOCKED_SOURCE)
        y = self.decoder(
            self.write(target) + self.write_at.weight[: target.shape[1]],
            memory,
            tgt_mask=FUTURE,
            tgt_key_padding_mask=BLOCKED_TARGET,
            memory_key_padding_mask=BLOCKED_SOURCE,
        )
        return nn.functional.linear(y, self.write.weight)


def parts(module):
    """The modules of which a decoder is made, in the order of nnlib's theta."""
    if isinstance(module, EncoderDecoder):
        before = module.read, module.read_at, module.encoder, module.write, module.write_at
        return [part for one in (*before, module.decoder) for part in parts(one)]
    if isinstance(module, nn.TransformerDecoder):
        last = [module.norm] if module.norm else []
        return [part for layer in module.layers for part in parts(layer)] + last
    if isinstance(module, nn.TransformerDecoderLayer):
        m = module
        return [m.norm1, m.self_attn, m.norm2, m.multihead_attn, m.norm3, m.linear1, m.linear2]
    return [module]


def flat(module, of=lambda p: p):
    """A module's parameters, or what belongs to each, as one vector in nnlib's order."""
    vectors = [
        of(part.weight).detach().numpy().ravel()
        if isinstance(part, nn.Embedding)
        else in_order(part, of)
        for part in parts(module)
    ]
    return np.concatenate(vectors)


def of_layer(case, rng):
    """A decoder layer, given what it is called with: its value and all its gradients."""
    options = {"dropout": 0.0, "batch_first": True, "norm_first": case.norm_first}
    module = nn.TransformerDecoderLayer(D, HEADS, D_FF, dtype=torch.float64, **options)
    theta = drawn(module, rng)
    shapes = {"x": (*TARGET.shape, D), "memory": (*SOURCE.shape, D), "dy": (*TARGET.shape, D)}
    given = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    x, memory, dy = (torch.tensor(a.astype(float)) for a in given.values())
    y = module(
        x.requires_grad_(),
        memory.requires_grad_(),
        tgt_mask=FUTURE if case.causal else None,
        tgt_key_padding_mask=BLOCKED_TARGET if case.padded else None,
        memory_key_padding_mask=BLOCKED_SOURCE if case.padded else None,
    )
    y.backward(dy)
    gradients = {"dx": x.grad.numpy(), "dmemory": memory.grad.numpy()}
    found = {"theta": theta, "y": y.detach().numpy(), "grad": flat(module, lambda p: p.grad)}
    return given | found | gradients


def of_model(case, rng):
    """An encoder-decoder: its scores, the loss over what is kept, and all its gradients."""
    module = EncoderDecoder(case.norm_first)
    theta = drawn(module, rng)
    z = module(torch.tensor(SOURCE), torch.tensor(TARGET))
    labels = torch.tensor(np.where(KEEP, LABELS, -100))
    loss = nn.functional.cross_entropy(z.flatten(0, -2), labels.flatten())
    loss.backward()
    found = {"z": z.detach().numpy(), "loss": loss.item(), "grad": flat(module, lambda p: p.grad)}
    return {"theta": theta} | found


def drawn(module, rng):
    """Give a module parameters that are exact in both precisions, and return them."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(rng.standard_normal(p.shape, np.float32)) / 2)
    return flat(module).astype(np.float32)


def main():
    golden = {}
    for case in CASES:
        found = (of_layer if case.kind == "layer" else of_model)(case, np.random.default_rng(0))
        golden |= {f"{case}/{name}": a for name, a in found.items()}
    np.savez_compressed(Path(__file__).with_name("decoder.npz"), **golden)


if __name__ == "__main__":
    main()

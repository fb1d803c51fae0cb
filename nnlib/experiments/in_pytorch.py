"""The lesson's encoder-decoder once more, in PyTorch: the same weights, loss and gradients.

PyTorch is asked where it is installed; nothing here needs it, since its numbers are stored too.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.experiments.stored import RESULTS
from nnlib.parameters import parameter_vector
from nnlib.transformer import EncoderDecoder

STORED = RESULTS / "07_pytorch.npz"
VOCABULARY, D, HEADS, LONGEST = 29, 16, 4, 11  # half as wide as the lesson's: a smaller file


class Case(NamedTuple):
    """Weights, a batch of strings to be reversed, and what PyTorch computed of them."""

    theta: Array  # (n,), float32
    source: Array  # (B, S)
    target: Array  # (B, T)
    labels: Array  # (B, T)
    keep: Array  # (B, T), boolean
    loss: float
    grad: Array  # dL/dtheta in the order of theta, float64
    version: str  # of PyTorch


def stored_case() -> Case:
    """What is stored; ``python -m benchmarks.pytorch_07`` writes it anew.

    >>> case = stored_case()
    >>> case.theta.shape == case.grad.shape, case.source.shape, case.target.shape
    (True, (8, 10), (8, 11))
    """
    with np.load(STORED, allow_pickle=False) as file:
        case = Case(**file)
    return case._replace(loss=float(case.loss), version=str(case.version))


def model_of(theta: Array, dtype: str = "float64") -> EncoderDecoder:
    """nnlib's model with these weights.

    >>> model_of(stored_case().theta).longest
    11
    """
    model = EncoderDecoder(VOCABULARY, D, HEADS, longest=LONGEST, rng=0, dtype=dtype)
    parameter_vector(model)[0][:] = theta
    return model


def from_pytorch() -> Case:
    """The stored case, its loss and gradient computed now where PyTorch is installed."""
    case = stored_case()
    try:
        torch: Any = import_module("torch")
    except (ImportError, OSError):  # a part of it that is missing is an OSError
        return case
    return computed(torch, case)


def computed(torch: Any, case: Case) -> Case:
    """The case with the loss and the gradient that this PyTorch computes."""
    net = encoder_decoder(torch)
    with torch.no_grad():
        place = 0
        for p in pieces(torch, net):
            p.copy_(torch.tensor(case.theta[place : place + p.numel()]).reshape(p.shape))
            place += p.numel()
    z = net(torch.tensor(case.source), torch.tensor(case.target))
    labels = torch.tensor(np.where(case.keep, case.labels, -100))  # -100: not to be counted
    loss = torch.nn.functional.cross_entropy(z.flatten(0, 1), labels.flatten())
    loss.backward()
    grad = [g.numpy().ravel() for g in pieces(torch, net, lambda p: p.grad)]
    version = str(torch.__version__).partition("+")[0]
    return case._replace(loss=loss.item(), grad=np.concatenate(grad), version=version)


def encoder_decoder(torch: Any) -> Any:
    """EncoderDecoder(29, 16, 4, longest=11), from PyTorch's own layers."""
    nn: Any = torch.nn

    class EncoderDecoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.write = nn.Embedding(VOCABULARY, D), nn.Embedding(VOCABULARY, D)
            self.read_at, self.write_at = nn.Embedding(LONGEST, D), nn.Embedding(LONGEST, D)
            options = {"dropout": 0.0, "batch_first": True, "norm_first": True}
            layer = nn.TransformerEncoderLayer(D, HEADS, 2 * D, **options)
            fixed = {"enable_nested_tensor": False}
            self.encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(D), **fixed)
            layer = nn.TransformerDecoderLayer(D, HEADS, 2 * D, **options)
            self.decoder = nn.TransformerDecoder(layer, 1, nn.LayerNorm(D))

        def forward(self, source: Any, target: Any) -> Any:
            S, T = source.shape[1], target.shape[1]
            x = self.read(source) + self.read_at.weight[:S]
            memory = self.encoder(x, src_key_padding_mask=source == 0)  # True: blocked
            y = self.decoder(
                self.write(target) + self.write_at.weight[:T],
                memory,
                tgt_mask=torch.ones(T, T, dtype=torch.bool).triu(1),
                tgt_key_padding_mask=target == 0,
                memory_key_padding_mask=source == 0,
            )
            return y @ self.write.weight.T

    return EncoderDecoder().double()


def pieces(torch: Any, module: Any, of: Any = lambda p: p) -> Iterator[Any]:
    """A module's parameters, or what belongs to each, in the order of nnlib's theta.

    PyTorch keeps the weights of queries, keys and values in one array, one below the other.
    """
    nn, m = torch.nn, module
    if isinstance(m, nn.MultiheadAttention):
        for pair in zip(of(m.in_proj_weight).chunk(3), of(m.in_proj_bias).chunk(3)):
            yield from pair
        inner = [m.out_proj]
    elif isinstance(m, nn.TransformerEncoderLayer):
        inner = [m.norm1, m.self_attn, m.norm2, m.linear1, m.linear2]
    elif isinstance(m, nn.TransformerDecoderLayer):
        inner = [m.norm1, m.self_attn, m.norm2, m.multihead_attn, m.norm3, m.linear1, m.linear2]
    elif isinstance(m, nn.TransformerEncoder | nn.TransformerDecoder):
        inner = [*m.layers, m.norm]
    elif hasattr(m, "read_at"):
        inner = [m.read, m.read_at, m.encoder, m.write, m.write_at, m.decoder]
    else:
        yield from (of(p) for p in m.parameters())
        return
    for part in inner:
        yield from pieces(torch, part, of)

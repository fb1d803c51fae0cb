"""The one table of blocks: a new block is one line here, and all the generic tests try it.

Its line says what numbers its arguments take, where any would be wrong, and how PyTorch says it:
tests/golden/make_golden.py then writes what PyTorch computes, to be compared. A block that PyTorch
has not leaves that out, and is held to its gradient and to all other promises alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnlib import blocks, images, losses, mlp, recurrent, tape, tokens, vocabulary
from nnlib.contract import read_dims

GENERIC = st.integers(-3072, 3072).map(lambda n: n / 1024)  # in [-3, 3], none but 0 is tiny


# -- what numbers an argument takes: each kind is made from numbers in [-3, 3] ------------------


def numbers(raw, sizes):
    """Any numbers in [-3, 3]."""
    return raw


def off_the_kink(raw, sizes):
    """Numbers that a step of 1e-6 does not carry across 0."""
    return np.where(np.abs(raw) < 2e-6, raw + 1e-3, raw)


def probabilities(raw, sizes):
    """Numbers in [0.05, 0.95]."""
    return 0.5 + 0.15 * raw


def distributions(raw, sizes):
    """Rows of probabilities that sum to 1, but for the room that a step of 1e-6 needs."""
    p = probabilities(raw, sizes)
    return (1 - 1e-5) * p / p.sum(axis=-1, keepdims=True)


def spread(raw, sizes):
    """Numbers no two of which in a matrix are close: equal ones have a variance of 0."""
    steps = np.linspace(-2.9, 2.9, np.prod(raw.shape[-2:], dtype=int))
    return steps.reshape(raw.shape[-2:]) + raw / 60


def coins(raw, sizes):
    """True or False."""
    return raw < 1


def keys_to_attend(raw, sizes):
    """True or False, with one True in every row at least."""
    return coins(raw, sizes) | (raw == raw.min(axis=-1, keepdims=True))


def some_kept(raw, sizes):
    """True or False, with one True for each index of the first axis at least."""
    return coins(raw, sizes) | (raw == raw.min(axis=tuple(range(1, raw.ndim)), keepdims=True))


def whole(raw, sizes):
    """Whole numbers from -3 to 3."""
    return np.asarray(np.rint(raw), int)


def below(letter):
    """Whole numbers below a size."""

    def whole_numbers(raw, sizes):
        numbers_below = np.minimum((raw + 3) / 6 * sizes[letter], sizes[letter] - 1)
        return np.asarray(numbers_below, int)

    return whole_numbers


# -- a row of the table ------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A block, its options, and what numbers its arguments take where any would be wrong."""

    block: Callable
    options: dict = field(default_factory=dict)
    also: str = ""  # keyword arrays that the contract does not name
    least: int = 0  # leading axes that the options need
    at_least: dict = field(default_factory=dict)  # a letter, and another whose size it has at least
    by_sample: bool = True  # whether each index of the first axis is a case of its own
    values: dict = field(default_factory=dict)
    torch: str = ""  # the same block in PyTorch's words; make_golden.py says which names it may use

    def __str__(self):
        options = [f"{name}={value}" for name, value in self.options.items()]
        return " ".join([self.name, *options, *self.also.split()[:1]])

    @property
    def name(self):
        return self.block.__name__

    @property
    def is_loss(self):
        return self.block.contract.output == ()

    @property
    def inputs(self):
        """The differentiable arguments, as (name, dims)."""
        return self.block.contract.inputs

    @property
    def dims(self):
        """The dims of every array argument by its name, the differentiable first."""
        return dict(self.inputs + self.block.contract.constants + read_dims(self.also))

    @property
    def letters(self):
        return list(dict.fromkeys(d for dims in self.dims.values() for d in dims if d != "..."))

    @property
    def leading_axes(self):
        """How many leading axes there may be, so that no array has more than three or none."""
        deep = [len(dims) - 1 for dims in self.dims.values() if "..." in dims]
        return max(self.least, int(self.inputs[0][1] == ("...",))), 3 - max(deep)

    def fill(self, sizes, raw):
        """(arrays, constants) of these sizes, from a source of numbers in [-3, 3]."""
        made = {}
        sizes = sizes | {one: max(sizes[one], sizes[o]) for one, o in self.at_least.items()}
        for name, dims in self.dims.items():
            shape = sum((sizes[d] if d == "..." else (sizes[d],) for d in dims), ())
            made[name] = self.values.get(name, numbers)(raw(shape), sizes)
        arrays = [made.pop(name) for name, _ in self.inputs]
        return arrays, made

    def sample(self, leading=(4, 2), sizes=(3, 2, 4, 5), seed=0):
        """(arrays, constants), the same for the same seed."""
        rng = np.random.default_rng(seed)
        leading = leading[: self.leading_axes[1]]
        every_size = dict(zip(self.letters, cycle(sizes))) | {"...": leading}
        return self.fill(every_size, lambda shape: rng.uniform(-3, 3, shape))

    def __call__(self, arrays, constants):
        """Value and pullback."""
        return self.block(*arrays, **constants, **self.options)


@st.composite
def arguments_of(draw, row):
    """(arrays, constants) of any sizes from 1 to 5."""
    size, (least, most) = st.integers(1, 5), row.leading_axes
    sizes = {letter: draw(size) for letter in row.letters}
    sizes["..."] = tuple(draw(st.lists(size, min_size=least, max_size=most)))
    return row.fill(sizes, lambda shape: draw(hnp.arrays(float, shape, elements=GENERIC)))


def row(
    block, *, torch="", options=None, also="", least=0, at_least=None, by_sample=True, **values
):
    """A line of the table."""
    return Row(block, options or {}, also, least, at_least or {}, by_sample, values, torch)


TABLE = [
    row(blocks.linear, torch="F.linear"),
    row(blocks.linear_on_data, torch="lambda W, b, x: F.linear(x, W, b)"),
    row(blocks.relu, torch="F.relu", x=off_the_kink),
    row(blocks.leaky_relu, torch="F.leaky_relu", x=off_the_kink),
    row(
        blocks.leaky_relu,
        torch="lambda x, slope: F.leaky_relu(x, slope)",
        x=off_the_kink,
        options={"slope": 0.2},
    ),
    row(blocks.sigmoid, torch="torch.sigmoid"),
    row(blocks.tanh, torch="torch.tanh"),
    row(blocks.softmax, torch="lambda z: F.softmax(z, -1)"),
    row(
        blocks.softmax,
        torch="lambda z, axis: F.softmax(z, axis)",
        options={"axis": 0},
        by_sample=False,
    ),
    row(blocks.log_softmax, torch="lambda z: F.log_softmax(z, -1)"),
    row(
        blocks.log_softmax,
        torch="lambda z, axis: F.log_softmax(z, axis)",
        options={"axis": 0},
        by_sample=False,
    ),
    row(
        blocks.dropout,
        torch="lambda x, keep, p: x * keep / (1 - p)",
        options={"p": 0.25},
        keep=coins,
    ),
    row(blocks.standardize, torch="standardize", options={"eps": 1e-5}, by_sample=False),
    row(
        blocks.standardize,
        torch="standardize",
        options={"axis": (-2, -1)},
        least=2,
        by_sample=False,
        x=spread,
    ),
    row(
        blocks.layer_norm,
        torch="lambda x, gamma, beta: F.layer_norm(x, x.shape[-1:], gamma, beta)",
    ),
    row(blocks.embedding, torch="lambda E, ids: F.embedding(ids, E)", ids=below("v")),
    row(blocks.attention_weights, torch="attention_weights"),
    row(
        blocks.attention_weights,
        torch="attention_weights",
        also="mask (..., t, s)",
        mask=keys_to_attend,
    ),
    row(blocks.attention, torch="attention"),
    row(blocks.attention, torch="attention", also="mask (t, s)", mask=keys_to_attend),
    row(losses.mse, torch="F.mse_loss"),
    row(
        losses.binary_cross_entropy,
        torch="F.binary_cross_entropy",
        p=probabilities,
        target=probabilities,
    ),
    row(
        losses.binary_cross_entropy_with_logits,
        torch="F.binary_cross_entropy_with_logits",
        target=probabilities,
    ),
    row(
        losses.cross_entropy,
        torch="lambda p, target: -(target * p.log()).sum(-1).mean()",
        p=distributions,
        target=distributions,
    ),
    row(
        losses.softmax_cross_entropy,
        torch="lambda z, labels: F.cross_entropy(z.flatten(0, -2), labels.flatten())",
        labels=below("c"),
    ),
    row(
        losses.softmax_cross_entropy,
        torch="softmax_cross_entropy",
        also="keep (...)",
        labels=below("c"),
        keep=some_kept,
    ),
    row(mlp.shared_linear, torch="lambda x, W, B: W @ x.mT + B"),
    row(mlp.standardize_sample, torch="lambda x: standardize(x, (-2, -1))", x=spread),
    row(mlp.flatten),
    row(images.shift, down=whole, right=whole),
    row(images.patches, options={"patch": (1, 1)}),
    row(tokens.project, torch="F.linear"),
    row(tokens.with_token, torch="lambda x, token: torch.cat([own_row(x, token), x], -2)"),
    row(
        tokens.with_token,
        torch="lambda x, token, last: torch.cat([x, own_row(x, token)], -2)",
        options={"last": True},
    ),
    row(
        tokens.add_positions,
        torch="lambda x, P: x + P[: x.shape[-2]]",
        at_least={"n": "t"},
    ),
    row(tokens.add_sinusoids),
    row(
        tokens.read_out,
        torch="lambda x, keep: (x * keep[..., None]).sum(-2) / keep.sum(-1, keepdim=True)",
        keep=keys_to_attend,
    ),
    row(vocabulary.unembed, torch="F.linear"),
    row(tape.add),
    row(recurrent.recurrent, torch="recurrent"),
]
each_row = pytest.mark.parametrize("row", TABLE, ids=str)
each_block = pytest.mark.parametrize("row", [r for r in TABLE if not r.is_loss], ids=str)
each_loss = pytest.mark.parametrize("row", [r for r in TABLE if r.is_loss], ids=str)


# -- what tests do with a row ------------------------------------------------------------------


def upstream(y, seed=1):
    """A gradient N(0, 1) for a value, in its type."""
    if isinstance(y, float):
        return 1.5
    return np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)


def gradients(pullback, dy):
    """What a pullback gives, as a tuple even for one argument."""
    dx = pullback(dy)
    return dx if isinstance(dx, tuple) else (dx,)


def results(row, arrays, constants):
    """The value and every gradient, for the upstream gradient that belongs to the value."""
    y, pullback = row(arrays, constants)
    return [y, *gradients(pullback, upstream(y))]


def changed(change, arrays, constants):
    """The arguments with every array put through a change."""
    return [change(a) for a in arrays], {name: change(c) for name, c in constants.items()}


def as_float32(a):
    """Floats in single precision; whole numbers and masks as they are."""
    return a.astype(np.float32) if a.dtype.kind == "f" else a


def scaled_error(got, want):
    """max|got - want| / max(1, max|want|)."""
    assert np.shape(got) == np.shape(want)
    gap = np.abs(np.subtract(got, want, dtype=float))
    return float(gap.max(initial=0) / np.abs(want).max(initial=1))


def bytes_of(values):
    """The bytes of every array in a list."""
    return [np.asarray(v).tobytes() for v in values]

"""What nnlib.fingerprints promises: the same for what computes the same, else another."""

from functools import partial

import numpy as np
import pytest

from nnlib.blocks import leaky_relu, relu, tanh
from nnlib.fingerprints import described, digest, rates
from nnlib.layers import Dropout, Layer, Linear, Residual, Sequential
from nnlib.losses import mse, softmax_cross_entropy
from nnlib.mlp import MLP
from nnlib.transformer import MultiHeadAttention


def leaky(slope):
    """A block with its slope in a closure."""
    return lambda x: leaky_relu(x, slope=slope)


def with_default(x, slope=0.2):
    return leaky_relu(x, slope=slope)


def with_keyword(x, *, slope=0.2):
    return leaky_relu(x, slope=slope)


class Scaled(Sequential):
    """A model with a constant of its own."""

    def __init__(self, *parts, scale):
        super().__init__(*parts)
        self.scale = scale


first = partial(Linear, 3, 4, rng=0)
DIFFERENT = [
    *(lambda block=block: Layer(block) for block in (relu, tanh, leaky_relu)),
    *(lambda slope=slope: Layer(leaky(slope)) for slope in (0.1, 0.2)),
    *(lambda slope=slope: Layer(partial(leaky_relu, slope=slope)) for slope in (0.1, 0.2)),
    lambda: Layer(with_default),
    lambda: Layer(with_keyword),
    lambda: Dropout(0.1),
    lambda: Dropout(0.2),
    first,
    lambda: Sequential(first()),
    lambda: Sequential(first(), Layer(relu)),
    lambda: Sequential(Layer(relu), first()),
    lambda: Residual(Layer(relu)),
    lambda: MLP(3, 4, 2, rng=0),
    lambda: MLP(3, 4, 2, rng=0, activation=tanh),
    lambda: MultiHeadAttention(4, 1, rng=0),
    lambda: MultiHeadAttention(4, 2, rng=0),
    lambda: Scaled(first(), scale=np.float32(0.5)),
    lambda: Scaled(first(), scale=2),
    lambda: Scaled(first(), scale=np.arange(3)),
    lambda: Scaled(first(), scale=np.arange(3.0)),
    lambda: Scaled(first(), scale={"a": 1}),
    lambda: Scaled(first(), scale=[1, 2]),
    lambda: softmax_cross_entropy,
    lambda: mse,
    lambda: None,
]


def test_what_is_made_differently_is_described_differently_and_the_same_alike():
    found = [described(make(), "it") for make in DIFFERENT]
    assert found == [described(make(), "it") for make in DIFFERENT]
    for k, one in enumerate(found):
        assert one not in found[:k], one


def test_parameters_are_no_part_of_a_description():
    one, other = (MLP(3, 4, 2, rng=seed) for seed in (0, 1))
    assert described(one, "it") == described(other, "it")


def test_a_description_is_plain_data_by_paths():
    leaves = described(Scaled(first(), Dropout(0.1), scale=np.float32(0.5)), "model")
    assert leaves["model"] == "Scaled"
    assert leaves["model.parts.1.p"] == 0.1
    assert {type(leaf) for leaf in leaves.values()} <= {str, int, float, bool, type(None)}


def test_a_part_may_know_the_whole():
    model = Scaled(first(), scale=1)
    model.parts[0].whole = model
    assert described(model, "model")["model.parts.0"] == "Linear"


def test_a_schedule_is_its_rates_even_where_it_ends():
    assert rates(None) == dict.fromkeys(rates(None))
    assert rates([0.5].__getitem__)["step 1"] == "IndexError"
    assert rates(lambda step: np.float32(0.5))["step 64"] == 0.5


@pytest.mark.parametrize(
    "form", [np.asfortranarray, lambda a: a[::-1][::-1], lambda a: np.repeat(a, 2, 0)[::2]]
)
def test_a_digest_is_of_the_numbers_whatever_their_place(form):
    a = np.arange(12.0).reshape(3, 4)
    assert digest(form(a)) == digest(a)


def test_a_digest_tells_order_type_shape_and_the_last_bit():
    a = np.arange(12.0)
    others = [a[::-1], a.astype("f"), a.reshape(3, 4), np.nextafter(a, 99), a.astype(int)]
    assert len({digest(b) for b in [a, *others]}) == 6

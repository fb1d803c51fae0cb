"""From forward passes alone a tape makes the way back of every model that writes, to the bit."""

from itertools import product

import numpy as np
import pytest
from decoder_table import KEEP, LABELS, SOURCE, TARGET
from models import generic

from nnlib.calculus import check_vjp
from nnlib.experiments.taped import by_tape, loss_and_gradient
from nnlib.layers import Composite, Linear
from nnlib.recurrent import RecurrentLanguageModel
from nnlib.transformer import (
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderDecoder,
    EncoderLayer,
    LanguageModel,
    MultiHeadAttention,
    causal_mask,
)

DATA = {"source": SOURCE, "target": TARGET}
SETTINGS = {
    "norm_first": (True, False),
    "layers": (1, 3),
    "positions": ("learned", "sinusoids", None),
    "tied": (True, False),
    "dropout": (0.0, 0.3),
    "dtype": ("float32", "float64"),
}
each_setting = pytest.mark.parametrize(
    "options", [dict(zip(SETTINGS, s)) for s in product(*SETTINGS.values())], ids=repr
)
each_norm = pytest.mark.parametrize("norm_first", [True, False], ids=["pre-norm", "post-norm"])


def there_and_back(model, call, data):
    """Scores, loss and gradient of a model that is called in one way or the other."""
    draws = lambda **x: call(**x, rng=np.random.default_rng(5))
    L, grad = loss_and_gradient(model, draws, data, labels=LABELS, keep=KEEP)
    return draws(**data)[0].tobytes(), L, grad.tobytes()


@each_setting
def test_the_gradients_of_an_encoder_decoder_are_those_composed_by_hand_to_the_bit(options):
    model = generic(EncoderDecoder(9, 8, 2, longest=6, rng=0, **options))
    by_hand = there_and_back(model, model, DATA)
    assert there_and_back(model, by_tape(model), DATA) == by_hand


@each_norm
def test_so_are_those_of_a_language_model(norm_first):
    model = generic(LanguageModel(9, 8, 2, 12, longest=6, norm_first=norm_first, rng=0))
    data = {"ids": TARGET}
    assert there_and_back(model, by_tape(model), data) == there_and_back(model, model, data)


def test_a_model_without_a_forward_pass_here_is_one_call():
    model = generic(RecurrentLanguageModel(9, 8, rng=0))
    data = {"ids": TARGET}
    assert there_and_back(model, by_tape(model), data) == there_and_back(model, model, data)


PARTS = {
    MultiHeadAttention: lambda **norm: MultiHeadAttention(4, 2, rng=0),
    EncoderLayer: lambda **norm: EncoderLayer(4, 2, 6, rng=0, **norm),
    DecoderLayer: lambda **norm: DecoderLayer(4, 2, 6, rng=0, **norm),
    Encoder: lambda **norm: Encoder(2, 4, 2, 6, rng=0, **norm),
    Decoder: lambda **norm: Decoder(2, 4, 2, 6, rng=0, **norm),
}


@each_norm
@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_so_is_each_part_s_and_it_is_right(kind, masked, norm_first):
    part = generic(PARTS[kind](norm_first=norm_first))
    rng = np.random.default_rng(1)
    x, memory, dy = (rng.standard_normal((3, t, 4)) for t in (4, 4, 4))
    arrays = [x] if kind in (EncoderLayer, Encoder) else [x, memory]
    masks = {"mask": causal_mask(4)} if masked else {}
    if masked and kind in (DecoderLayer, Decoder):
        masks["memory_mask"] = np.arange(4) < 3
    (y, pullback), (y_taped, taped_pullback) = (f(*arrays, **masks) for f in (part, by_tape(part)))
    assert y_taped.tobytes() == y.tobytes()
    dx, dx_taped = (np.array(f(dy)) for f in (pullback, taped_pullback))
    assert (dx_taped == dx).all()
    assert check_vjp(by_tape(part), *arrays, directions=20, **masks) < 1e-7


def test_one_array_as_queries_and_as_context_has_two_gradients():
    attend = generic(MultiHeadAttention(4, 2, rng=0))
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    by_hand, from_tape = (f(x, x)[1](x) for f in (attend, by_tape(attend)))
    assert (np.array(from_tape) == np.array(by_hand)).all()


def test_no_pullback_that_was_composed_by_hand_is_used(monkeypatch):
    model = generic(EncoderDecoder(9, 8, 2, layers=2, dropout=0.2, longest=6, rng=0))
    due = there_and_back(model, model, DATA)

    def refused(self, *x, **constants):
        raise AssertionError(f"{type(self).__name__} was called")

    composites = [Composite]
    for kind in composites:
        composites += kind.__subclasses__()
        if "__call__" in vars(kind):
            monkeypatch.setattr(kind, "__call__", refused)
    with pytest.raises(AssertionError, match="was called"):
        model(**DATA)
    assert there_and_back(model, by_tape(model), DATA) == due


def test_a_layer_is_a_block_already():
    layer = Linear(3, 2, rng=0)
    assert by_tape(layer) is layer


def test_a_gradient_is_of_one_call_alone():
    model = generic(LanguageModel(9, 8, 2, 12, longest=6, rng=0))
    first, second = (
        loss_and_gradient(model, by_tape(model), {"ids": TARGET}, labels=LABELS, keep=KEEP)[1]
        for _ in "ab"
    )
    assert first.any()
    assert first.tobytes() == second.tobytes()

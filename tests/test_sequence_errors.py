"""Inputs that a student gets wrong with sequences, and the sentence that helps; nothing changes.

Each row of the table changes one argument of a call that is right as it stands.
"""

import re

import numpy as np
import pytest

from nnlib.generation import Steps, beam, distribution, exact_match, greedy, nats, sample
from nnlib.parameters import parameter_vector
from nnlib.recurrent import RecurrentCell, RecurrentEncoderDecoder, RecurrentLanguageModel
from nnlib.tasks import copying, dates, reversing
from nnlib.transformer import Decoder, DecoderLayer, EncoderDecoder, LanguageModel

SOURCE, TARGET = np.array([[3, 4, 0], [5, 5, 6]]), np.array([[1, 4], [1, 5]])
X, MEMORY = np.ones((2, 3, 4)), np.ones((2, 5, 4))
MODEL = EncoderDecoder(9, 4, 2, longest=5, rng=0)
RECURRENT = RecurrentEncoderDecoder(9, 4, rng=0)
WRITER = LanguageModel(9, 4, 2, 8, 1, longest=5, rng=0)
RECURRENT_WRITER = RecurrentLanguageModel(9, 4, rng=0)
LAYER, CELL = DecoderLayer(4, 2, 8, rng=0), RecurrentCell(4, 3, rng=0)
STEPS = Steps(MODEL, SOURCE)
TASK = reversing(5, symbols="abcxyz", held_out=2)


# -- what the student means to write: each call is right as it stands ---------------------------


def answer(source=SOURCE, target=TARGET):
    return MODEL(source=source, target=target)


def answer_by_state(source=SOURCE, target=TARGET):
    return RECURRENT(source=source, target=target)


def go_on(ids=TARGET):
    return WRITER(ids=ids)


def go_on_by_state(ids=TARGET):
    return RECURRENT_WRITER(ids=ids)


def weigh(source=SOURCE, target=TARGET):
    return MODEL.weights(source, target)


def build(vocabulary=9, d=4, heads=2, d_ff=8, layers=1, longest=5, **options):
    return EncoderDecoder(vocabulary, d, heads, d_ff, layers, longest=longest, rng=0, **options)


def build_writer(vocabulary=9, d=4, heads=2, d_ff=8, layers=1, longest=5, **options):
    return LanguageModel(vocabulary, d, heads, d_ff, layers, longest=longest, rng=0, **options)


def build_recurrent(vocabulary=9, d=4, **options):
    return RecurrentEncoderDecoder(vocabulary, d, rng=0, **options)


def build_cell(d_in=3, d=4):
    return RecurrentCell(d_in, d, rng=0)


def build_layer(d=4, heads=2, d_ff=8, **options):
    return DecoderLayer(d, heads, d_ff, rng=0, **options)


def build_decoder(layers=1, d=4):
    return Decoder(layers, d, 2, 8, rng=0)


def decode(x=X, memory=MEMORY, mask=None, memory_mask=None):
    return LAYER(x, memory, mask, memory_mask)


def carry(x=X, h0=np.ones((2, 3))):  # noqa: B008  an array of ones that nothing writes to
    return CELL(x, h0)


def write(source=SOURCE, longest=4, **options):
    return greedy(MODEL, source, longest=longest, **options)


def write_on(source=TARGET, longest=3):
    return greedy(WRITER, source, longest=longest)


def write_on_by_state(source=TARGET, longest=3):
    return greedy(RECURRENT_WRITER, source, longest=longest)


def draw(source=SOURCE, longest=4, rng=0, **options):
    return sample(MODEL, source, longest=longest, rng=rng, **options)


def look_ahead(source=SOURCE, longest=4, **options):
    return beam(MODEL, source, longest=longest, **options)


def weigh_scores(scores=np.zeros(9), **options):  # noqa: B008
    return distribution(scores, **options)


def push(ids=(3, 4)):
    STEPS.push(ids)
    STEPS.back()


def spell(text="abc"):
    return TASK.encode(text)


def read(ids=SOURCE):
    return TASK.decode(ids)


def strings(n=5, held_out=2, **options):
    return copying(n, held_out=held_out, **options)


def some_dates(n=9, **options):
    return dates(n, **options)


def put(a, index, value):
    """A copy of an array with one entry changed."""
    a = a.copy()
    a[index] = value
    return a


# -- error, call, the argument that is wrong, what must be said beside its name -----------------

LONG, NAN = np.ones((2, 6), int), put(np.zeros(9), 3, np.nan)
MISTAKES = [
    # ids outside the vocabulary
    (ValueError, answer, {"source": put(SOURCE, (1, 2), 9)}, "0..8 | 9 at index (1, 2)"),
    (ValueError, answer, {"source": put(SOURCE, (0, 1), -1)}, "0..8 | -1 at index (0, 1)"),
    (ValueError, answer, {"target": put(TARGET, (0, 1), 30)}, "0..8 | 30 at index (0, 1)"),
    (ValueError, answer_by_state, {"source": SOURCE + 9}, "0..8 | 12 at index (0, 0)"),
    (ValueError, answer_by_state, {"target": TARGET - 2}, "0..8 | -1 at index (0, 0)"),
    (ValueError, go_on, {"ids": TARGET + 8}, "0..8 | 9 at index (0, 0)"),
    (ValueError, go_on_by_state, {"ids": TARGET + 8}, "0..8 | 9 at index (0, 0)"),
    (ValueError, weigh, {"source": SOURCE + 9}, "0..8 | 12 at index (0, 0)"),
    (ValueError, write, {"source": SOURCE + 9}, "0..8 | 12 at index (0, 0)"),
    (ValueError, write_on, {"source": TARGET + 9}, "0..8 | 10 at index (0, 0)"),
    (ValueError, write_on_by_state, {"source": TARGET - 2}, "0..8 | -1 at index (0, 0)"),
    (ValueError, push, {"ids": (3, 9)}, "0..8 | 9 at index 1"),
    (ValueError, write, {"start": 9}, "0..8 | 9"),
    (ValueError, read, {"ids": SOURCE + 4}, "0..8 | 9 at index (1, 0)"),
    # no ids at all
    (TypeError, answer, {"source": SOURCE * 1.0}, "integers | float64 | source.astype(int)"),
    (TypeError, answer, {"target": TARGET.tolist()}, "integer array | list | np.asarray(target)"),
    (TypeError, answer, {"source": None}, "integer array | NoneType"),
    (TypeError, answer_by_state, {"source": "abc"}, "integer array | str"),
    (TypeError, go_on, {"ids": TARGET > 1}, "integers | bool"),
    (TypeError, go_on_by_state, {"ids": [1, 2]}, "integer array | list | np.asarray(ids)"),
    (TypeError, write_on, {"source": None}, "integer array | NoneType"),
    (TypeError, write_on_by_state, {"source": [[3]]}, "integer array | list"),
    (TypeError, push, {"ids": (0.5, 1.0)}, "integers | float64"),
    (ValueError, answer, {"source": SOURCE[0]}, "(B, T) | (3,) | source[None]"),
    (ValueError, answer, {"target": TARGET[None]}, "(B, T) | (1, 2, 2)"),
    (ValueError, go_on, {"ids": TARGET[0]}, "(B, T) | (2,) | ids[None]"),
    (ValueError, write, {"source": SOURCE[0]}, "(B, T) | (3,) | source[None]"),
    (ValueError, write_on, {"source": TARGET[0]}, "(B, T) | (2,) | source[None]"),
    (ValueError, push, {"ids": (3,)}, "a token for each of 2 samples | (1,)"),
    (ValueError, push, {"ids": 3}, "a token for each of 2 samples | ()"),
    # sequences that are empty, too long, of padding alone or of other samples
    (ValueError, answer, {"source": SOURCE[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, answer, {"target": TARGET[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, answer_by_state, {"source": SOURCE[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, answer_by_state, {"target": TARGET[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, go_on, {"ids": TARGET[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, go_on_by_state, {"ids": TARGET[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, write, {"source": SOURCE[:, :0]}, "at least one token | (2, 0)"),
    (ValueError, answer, {"source": LONG}, "at most 5 tokens | 6 | longest=6"),
    (ValueError, answer, {"target": LONG}, "at most 5 tokens | 6 | longest=6"),
    (ValueError, go_on, {"ids": LONG}, "at most 5 tokens | 6 | longest=6"),
    (ValueError, weigh, {"target": LONG}, "at most 5 tokens | 6 | longest=6"),
    (ValueError, write, {"source": LONG}, "at most 5 tokens | 6 | longest=6"),
    (ValueError, write_on, {"source": LONG}, "at most 5 tokens | 6 | longest=6"),
    (
        ValueError,
        answer,
        {"source": put(SOURCE, 1, 0)},
        "a token in each row | row 1 is all padding",
    ),
    (ValueError, answer_by_state, {"source": 0 * SOURCE}, "row 0 is all padding"),
    (ValueError, write, {"source": put(SOURCE, 0, 0)}, "row 0 is all padding"),
    (ValueError, answer, {"target": put(TARGET, (1, 0), 0)}, "begin with a token | row 1 begins"),
    (ValueError, go_on, {"ids": put(TARGET, (0, 0), 0)}, "begin with a token | row 0 begins"),
    (ValueError, answer, {"target": TARGET[:1]}, "a row for each of 2 sources | (1, 2)"),
    (ValueError, answer_by_state, {"target": TARGET[:1]}, "a row for each of 2 sources | (1, 2)"),
    # how it writes
    (ValueError, draw, {"temperature": 0}, "(0, inf) | 0"),
    (ValueError, draw, {"temperature": -0.5}, "(0, inf) | -0.5"),
    (ValueError, draw, {"temperature": np.nan}, "(0, inf) | nan"),
    (ValueError, draw, {"temperature": np.inf}, "(0, inf) | inf"),
    (TypeError, draw, {"temperature": "hot"}, "(0, inf) | 'hot' (str)"),
    (ValueError, draw, {"top_k": 0}, "1..9 | 0"),
    (ValueError, draw, {"top_k": 10}, "1..9 | 10"),
    (TypeError, draw, {"top_k": 2.0}, "1..9 | 2.0 (float)"),
    (TypeError, draw, {"rng": "seed"}, ">= 0 | 'seed' (str)"),
    (ValueError, weigh_scores, {"temperature": 0.0}, "(0, inf) | 0.0"),
    (ValueError, weigh_scores, {"top_k": 0}, "1..9 | 0"),
    (TypeError, weigh_scores, {"scores": [1.0, 2.0]}, "float array | list | np.asarray(scores"),
    (FloatingPointError, weigh_scores, {"scores": NAN}, "finite | NaN or infinity | run away"),
    (FloatingPointError, weigh_scores, {"scores": -NAN}, "finite | NaN or infinity | run away"),
    (ValueError, write, {"end": 9}, "0..8 | 9"),
    (TypeError, draw, {"end": None}, "0..8 | None"),
    (ValueError, look_ahead, {"end": -1}, "0..8 | -1"),
    (ValueError, write, {"longest": 0}, "1..5 | 0"),
    (ValueError, write, {"longest": 6}, "1..5 | 6"),
    (ValueError, write_on, {"longest": 4}, "1..3 | 4"),
    (TypeError, draw, {"longest": 2.5}, "1..5 | 2.5 (float)"),
    (ValueError, look_ahead, {"longest": 9}, "1..5 | 9"),
    (ValueError, look_ahead, {"width": 0}, ">= 1 | 0"),
    (TypeError, look_ahead, {"width": 2.5}, ">= 1 | 2.5 (float)"),
    # what a student types
    (ValueError, spell, {"text": "Abc"}, "'abcxyz' | 'A' in 'Abc' | Use lower case"),
    (ValueError, spell, {"text": "a-b?"}, "'abcxyz' | '-' and '?' in 'a-b?'"),
    (ValueError, spell, {"text": "äé"}, "'abcxyz' | 'ä' and 'é' in 'äé'"),
    (ValueError, spell, {"text": "\u0000a"}, "'abcxyz' | '\\x00'"),
    (ValueError, spell, {"text": ""}, "a character | ''"),
    (TypeError, spell, {"text": 3}, "a string | int"),
    (TypeError, spell, {"text": ["abc"]}, "a string | list"),
    # tasks
    (ValueError, strings, {"n": 0}, ">= 1 | 0"),
    (TypeError, strings, {"n": 1e3}, ">= 1 | 1000.0 (float)"),
    (ValueError, strings, {"held_out": 0}, ">= 1 | 0"),
    (ValueError, strings, {"lengths": ()}, "one at least | []"),
    (ValueError, strings, {"lengths": 8}, "one at least | 8 | (8,)"),
    (ValueError, strings, {"lengths": (0, 1)}, ">= 1 | 0"),
    (ValueError, strings, {"symbols": "aab"}, "different characters | 'aab'"),
    (ValueError, strings, {"symbols": ""}, "different characters | ''"),
    (ValueError, strings, {"n": 99, "symbols": "ab", "lengths": (2, 3)}, "at most 12 | 103"),
    (ValueError, strings, {"seed": -1}, ">= 0 | -1"),
    (ValueError, some_dates, {"without_format": "weekdays"}, "'weekday' or None | Did you mean"),
    (ValueError, some_dates, {"without_decade": 1955}, "1950 | 1955"),
    (ValueError, some_dates, {"n": 10**6}, "at most | 1000000"),
    (ValueError, some_dates, {"but": 3}, "at most 0 | 3"),
    (ValueError, some_dates, {"but": 10}, "0..9 | 10"),
    # models and layers
    (ValueError, build, {"vocabulary": 1}, ">= 2 | 1"),
    (ValueError, build, {"pad": 9}, "0..8 | 9"),
    (ValueError, build, {"longest": 0}, ">= 1 | 0"),
    (ValueError, build, {"layers": 0}, ">= 1 | 0"),
    (ValueError, build, {"heads": 3}, "(4) must be divisible by heads (3) | try 2 or 4"),
    (ValueError, build, {"d_ff": 0}, ">= 1 | 0"),
    (ValueError, build, {"positions": "learnt"}, "'learned', 'sinusoids' or None | Did you mean"),
    (TypeError, build, {"tied": 1}, "True or False | 1"),
    (TypeError, build, {"norm_first": "yes"}, "True or False | 'yes'"),
    (ValueError, build, {"dropout": 50}, "[0, 1) | 50 | percentage"),
    (ValueError, build_writer, {"longest": 0}, ">= 1 | 0"),
    (ValueError, build_writer, {"layers": 0}, ">= 1 | 0"),
    (ValueError, build_writer, {"positions": "sinusoid"}, "'sinusoids' or None | Did you mean"),
    (TypeError, build_writer, {"tied": None}, "True or False | None"),
    (ValueError, build_recurrent, {"d": 0}, ">= 1 | 0"),
    (ValueError, build_recurrent, {"pad": -1}, "0..8 | -1"),
    (TypeError, build_recurrent, {"tied": "no"}, "True or False | 'no'"),
    (ValueError, build_cell, {"d_in": 0}, ">= 1 | 0"),
    (TypeError, build_cell, {"d": 4.0}, ">= 1 | 4.0 (float)"),
    (ValueError, build_layer, {"heads": 3}, "divisible by heads (3) | try 2 or 4"),
    (ValueError, build_layer, {"dropout": 1}, "[0, 1) | 1"),
    (ValueError, build_decoder, {"layers": 0}, ">= 1 | 0"),
    (ValueError, decode, {"x": X[..., :3]}, "(..., T, 4) | (2, 3, 3)"),
    (ValueError, decode, {"memory": MEMORY[..., :3]}, "(2, T, 4) | (2, 5, 3)"),
    (ValueError, decode, {"memory": MEMORY[:1]}, "(2, T, 4) | (1, 5, 4)"),
    (ValueError, decode, {"memory": MEMORY[:, :0]}, "a token | (2, 0, 4)"),
    (ValueError, decode, {"mask": np.ones((3, 5), bool)}, "(3, 3) for all | (3, 5)"),
    (TypeError, decode, {"memory_mask": np.ones((3, 5))}, "a boolean array | float64"),
    (ValueError, carry, {"h0": np.ones((2, 4))}, "(2, 3) | (2, 4)"),
    (ValueError, carry, {"h0": np.ones((1, 3))}, "(2, 3) | (1, 3)"),
    (ValueError, carry, {"x": X[..., :3]}, "(..., T, 4) | (2, 3, 3)"),
    (TypeError, carry, {"x": X.astype("f")}, "one float type | x float32, h0 float64"),
    (ValueError, carry, {"x": X[:, :0]}, "a token | (2, 0, 4) | Only leading axes"),
]
OTHER_NAMES = {"lengths": "length", "memory_mask": "mask"}


def ids_of(mistake):
    _, call, wrong, _ = mistake
    return f"{call.__name__}-{'-'.join(wrong)}"


def state():
    """All that a refused call could have changed."""
    models = (MODEL, RECURRENT, WRITER, RECURRENT_WRITER, LAYER, CELL)
    vectors = [a.tobytes() for model in models for a in parameter_vector(model)]
    return vectors, STEPS.ids.tobytes(), STEPS.scores.tobytes(), len(STEPS.past)


@pytest.mark.parametrize("mistake", MISTAKES, ids=ids_of)
def test_a_mistake_is_told_in_one_sentence_that_helps_and_changes_nothing(mistake):
    error, call, wrong, said = mistake
    before, given = state(), {name: np.array(value) for name, value in wrong.items()
                              if isinstance(value, np.ndarray)}  # fmt: skip
    with pytest.raises(error) as raised:
        call(**wrong)
    message = str(raised.value)
    for part in said.split(" | "):
        assert part in message
    assert re.match(r"\w+: \w+", message)
    assert "\n" not in message
    name = next(iter(wrong))
    assert OTHER_NAMES.get(name, name) in message
    assert state() == before
    for name, value in given.items():
        np.testing.assert_array_equal(value, wrong[name])


@pytest.mark.parametrize("call", dict.fromkeys(mistake[1] for mistake in MISTAKES))
def test_each_call_is_right_as_it_stands(call):
    call()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: MODEL(source=SOURCE), "EncoderDecoder: target is missing; give it by keyword"),
        (lambda: RECURRENT(source=SOURCE), "RecurrentEncoderDecoder: target is missing; give it"),
        (lambda: WRITER(), "LanguageModel: ids is missing; give it by keyword, ids=..."),
        (lambda: RECURRENT_WRITER(), "RecurrentLanguageModel: ids is missing; give it by"),
        (lambda: MODEL(target=TARGET), "EncoderDecoder: source is missing; give it by keyword"),
        (lambda: MODEL(source=SOURCE, targets=TARGET), "takes no targets. Did you mean target?"),
        (lambda: WRITER(TARGET), "LanguageModel: too many positional arguments; its arguments are"),
    ],
)
def test_what_a_model_is_not_given_or_does_not_take_is_named(call, sentence):
    with pytest.raises(TypeError) as raised:
        call()
    assert sentence in str(raised.value)


def test_a_state_has_no_places_to_run_out_of():
    long = np.ones((1, 300), int)
    assert answer_by_state(long, long)[0].shape == (1, 300, 9)
    assert go_on_by_state(long)[0].shape == (1, 300, 9)
    assert write_on_by_state(long, longest=7).shape == (1, 7)


def test_a_share_of_nothing_is_refused():
    for share in (exact_match, nats):
        with pytest.raises(ValueError, match="split must have a row; got none"):
            share(MODEL, TASK.test[:0])


def test_no_text_at_all_is_refused():
    with pytest.raises(ValueError, match="encode: text must be given; got none"):
        TASK.encode()


def test_scores_that_ran_away_are_not_written_from():
    model = LanguageModel(9, 4, 2, 8, 1, longest=5, rng=0)
    parameter_vector(model)[0][:] = np.nan
    none = np.zeros((1, 0), int)
    for write, where in ((greedy, "greedy"), (sample, "sample"), (beam, "beam")):
        options = {"rng": 0} if write is sample else {}
        with (
            np.errstate(invalid="ignore"),
            pytest.raises(FloatingPointError, match=f"{where}: scores must be finite"),
        ):
            write(model, none, longest=2, **options)


def test_a_step_that_is_refused_leaves_what_is_written():
    steps = Steps(WRITER, np.zeros((1, 0), int))
    for token in (3, 4, 5, 6):
        steps.push([token])
    scores = steps.scores
    with pytest.raises(ValueError, match="LanguageModel: ids must have at most 5 tokens; got 6"):
        steps.push([7])
    assert steps.ids.tolist() == [[3, 4, 5, 6]]
    assert steps.scores is scores

"""What a student gets wrong with encoders, and the one sentence that says what to put right."""

import numpy as np
import pytest

from nnlib.transformer import (
    Encoder,
    EncoderLayer,
    MultiHeadAttention,
    OneLayerEncoder,
    TokenClassifier,
    causal_mask,
    padding_mask,
    positional_encoding,
)

X, CONTEXT, SAMPLES = np.ones((2, 5, 8)), np.ones((2, 4, 8)), np.ones((2, 5, 4))
IDS = np.array([[4, 2, 7, 1, 3], [5, 5, 0, 0, 0]])
CAUSAL = causal_mask(5)


# -- what the student means to write: each call is right as it stands ---------------------------


def heads_of(d=8, heads=4, **options):
    return MultiHeadAttention(d, heads, **({"rng": 0} | options))


def layer_of(d=8, heads=4, d_ff=16, **options):
    return EncoderLayer(d, heads, d_ff, **({"rng": 0} | options))


def encoder_of(layers=2, d=8, heads=4, d_ff=16, **options):
    return Encoder(layers, d, heads, d_ff, **({"rng": 0} | options))


def classifier_of(features=4, tokens=5, classes=3, **options):
    return TokenClassifier(features, tokens, classes, **({"rng": 0} | options))


def document_c_of(features=4, tokens=5, d=6, classes=3, **options):
    return OneLayerEncoder(features, tokens, d, classes, **({"rng": 0} | options))


def attend(x=X, context=CONTEXT, mask=None):
    return heads_of()(x, context, mask)


def weigh(x=X, context=CONTEXT, mask=None):
    return heads_of().weights(x, context, mask)


def encode(x=X, mask=None, rng=None):
    return layer_of(dropout=0.5)(x, mask, rng)


def encode_twice(x=X, mask=None, rng=None):
    return encoder_of(dropout=0.5)(x, mask, rng)


def classify(x=SAMPLES, mask=None):
    return classifier_of(dtype="float64")(x, mask)


def look(x=SAMPLES, mask=None):
    return classifier_of(dtype="float64").weights(x, mask)


def classify_c(x=SAMPLES):
    return document_c_of(dtype="float64")(x)


def pad(ids=IDS, pad=0):
    return padding_mask(ids, pad)


def causal(T=5):
    return causal_mask(T)


def positions(T=5, d=8, base=10000.0):
    return positional_encoding(T, d, base=base)


# -- error, calls, the argument that is wrong, what must be said ---------------------------------

BUILDERS = (layer_of, encoder_of, classifier_of)
FOR_EACH = [
    (ValueError, (heads_of, *BUILDERS), {"d": 10, "heads": 3}, "d (10) | heads (3); try 2 or 5 or"),
    (ValueError, (heads_of, *BUILDERS), {"d": 7, "heads": 2}, "d (7) | heads (2); try 7."),
    (TypeError, (heads_of, *BUILDERS), {"heads": 2.0}, "heads | integer >= 1; got 2.0 (float)"),
    (ValueError, (heads_of, *BUILDERS), {"heads": 0}, "heads | integer >= 1; got 0"),
    (ValueError, (heads_of, *BUILDERS), {"d": -8}, "d must be an integer >= 1; got -8"),
    (TypeError, BUILDERS, {"norm_first": "pre"}, "norm_first must be True or False; got 'pre'"),
    (TypeError, BUILDERS, {"norm_first": 1}, "norm_first must be True or False; got 1."),
    (TypeError, BUILDERS, {"norm_first": None}, "norm_first must be True or False; got None"),
    (ValueError, BUILDERS, {"dropout": 50}, "dropout | [0, 1); got 50 | percentage? Use 0.5."),
    (ValueError, BUILDERS, {"dropout": 1}, "dropout must be a number in [0, 1); got 1."),
    (TypeError, BUILDERS, {"dropout": None}, "dropout must be a number in [0, 1); got None"),
    (ValueError, BUILDERS, {"d_ff": 0}, "d_ff must be an integer >= 1; got 0"),
    (ValueError, BUILDERS, {"dtype": "float46"}, "dtype | got 'float46'. Did you mean 'float64'?"),
    (TypeError, BUILDERS, {"rng": "0"}, "rng must be an integer >= 0; got '0' (str)"),
    (ValueError, (encoder_of, classifier_of), {"layers": 0}, "layers | integer >= 1; got 0"),
    (ValueError, (classifier_of, document_c_of), {"tokens": 0}, "tokens | integer >= 1; got 0"),
    (TypeError, (classifier_of, document_c_of), {"classes": "10"}, "classes | got '10' (str)"),
    (ValueError, (document_c_of,), {"d": 0}, "d must be an integer >= 1; got 0"),
    (TypeError, (document_c_of,), {"scaled": 1}, "scaled must be True or False; got 1."),
    (
        ValueError,
        (classifier_of,),
        {"positions": "learnt"},
        "positions | 'learned', 'sinusoids' or None; got 'learnt'. Did you mean 'learned'?",
    ),
    (TypeError, (classifier_of,), {"positions": True}, "'sinusoids' or None; got True."),
    (ValueError, (classifier_of,), {"readout": "cls"}, "got 'cls'. Did you mean 'class'?"),
    (TypeError, (classifier_of,), {"readout": None}, "readout must be 'class' or 'mean'; got None"),
    (ValueError, (attend, weigh), {"x": X[..., :6]}, "x | (..., T, 8); got (2, 5, 6)"),
    (ValueError, (attend, weigh), {"context": X[..., :6]}, "context | (2, T, 8); got (2, 5, 6)"),
    (ValueError, (attend, weigh), {"context": X[:1]}, "context | (2, T, 8); got (1, 5, 8)"),
    (ValueError, (attend, weigh), {"mask": CAUSAL}, "(5, 4) | (2, 5, 4) | (2, 4, 5, 4) | (5, 5)"),
    (TypeError, (attend, weigh), {"mask": np.ones((5, 4))}, "mask must be a boolean array; got f"),
    (TypeError, (attend, weigh), {"mask": [[True] * 4]}, "got list. Use np.asarray(mask, bool)"),
    (
        TypeError,
        (attend, weigh),
        {"mask": np.where(np.tri(5, 4), 0, -np.inf)},
        "mask must be a boolean array; got float64. Use mask == 0.",
    ),
    (
        ValueError,
        (attend, weigh),
        {"mask": np.tri(5, 4, -1, dtype=bool)},
        "every key of query row 0 is blocked. In nnlib True means *may attend*",
    ),
    (TypeError, (attend, encode), {"x": X.tolist()}, "x | got list. Use np.asarray(x, float)"),
    (
        TypeError,
        (encode, encode_twice),
        {"x": X.astype(int)},
        "x must be float32 or float64; got i",
    ),
    (TypeError, (encode, encode_twice), {"x": X.astype("f")}, "one float type; got x float32"),
    (ValueError, (encode, encode_twice), {"x": SAMPLES}, "x | (..., T, 8); got (2, 5, 4)"),
    (ValueError, (encode, encode_twice), {"x": X[0, 0]}, "x | (..., T, 8); got (8,)"),
    (ValueError, (encode, encode_twice), {"x": X[:, :0]}, "x must have a token; got (2, 0, 8)"),
    (ValueError, (encode, encode_twice), {"mask": IDS > 0}, "mask must be (5, 5) for all | (2, 5)"),
    (ValueError, (encode, encode_twice), {"mask": ~CAUSAL}, "query row 4 is blocked | True means"),
    (
        TypeError,
        (encode, encode_twice),
        {"rng": 7},
        "rng must be a Generator; got 7. Use np.random",
    ),
    (
        ValueError,
        (classify, look),
        {"x": np.ones((2, 6, 4))},
        "x must have at most 5 tokens; got 6, (2, 6, 4)",
    ),
    (ValueError, (classify, look), {"x": SAMPLES.mT}, "x | (..., T, 4); got (2, 4, 5)"),
    (TypeError, (classify, look), {"x": None}, "x must be a float array; got NoneType"),
    (TypeError, (classify, look), {"x": SAMPLES.astype("u1")}, "float32 or float64; got uint8"),
    (ValueError, (classify, look), {"mask": CAUSAL}, "(2, 1, 5), True for each token | (5, 5)"),
    (ValueError, (classify, look), {"mask": IDS > 0}, "(2, 1, 5), True for each token | (2, 5)"),
    (
        TypeError,
        (classify, look),
        {"mask": IDS[:, None]},
        "mask must be a boolean array; got int64",
    ),
    (ValueError, (classify_c,), {"x": SAMPLES[:, :4]}, "x | (..., 5, 4); got (2, 4, 4)"),
    (TypeError, (pad,), {"ids": 1.0 * IDS}, "ids must be integers; got float64. Use ids.astype(i"),
    (
        TypeError,
        (pad,),
        {"ids": IDS.tolist()},
        "ids | integer array; got list. Use np.asarray(ids)",
    ),
    (ValueError, (pad,), {"ids": IDS * [[1], [0]]}, "ids must have a token | row [1] has none"),
    (TypeError, (pad,), {"pad": 0.0}, "pad must be an integer >= 0; got 0.0 (float)"),
    (ValueError, (causal, positions), {"T": 0}, "T must be an integer >= 1; got 0"),
    (TypeError, (causal, positions), {"T": 5.0}, "T must be an integer >= 1; got 5.0 (float)"),
    (ValueError, (positions,), {"d": 0}, "d must be an integer >= 1; got 0"),
    (ValueError, (positions,), {"base": 1}, "base must be a number in (1, inf); got 1"),
]
MISTAKES = [
    (error, call, change, words) for error, calls, change, words in FOR_EACH for call in calls
]


@pytest.mark.parametrize(
    ("error", "call", "change", "words"),
    MISTAKES,
    ids=[f"{call.__name__}: {words}" for _, call, _, words in MISTAKES],
)
def test_a_mistake_meets_one_sentence_and_works_once_put_right(error, call, change, words):
    with pytest.raises(error) as failure:
        call(**change)
    assert type(failure.value) is error
    where, colon, said = str(failure.value).partition(": ")
    assert where.isidentifier()
    assert colon
    at = 0
    for word in words.split(" | "):
        assert word in said[at:], f"{word!r} is not said, or not there: {said}"
        at = said.index(word, at) + len(word)
    call()


def test_the_error_of_a_whole_names_the_whole():
    for build, where in zip(BUILDERS, ("EncoderLayer", "Encoder", "TokenClassifier"), strict=True):
        for wrong in ({"d": 10, "heads": 3}, {"dropout": 50}, {"norm_first": 0}, {"d_ff": 1.5}):
            with pytest.raises((TypeError, ValueError), match=f"^{where}: "):
                build(**wrong)


@pytest.mark.parametrize("build", [heads_of, *BUILDERS, document_c_of])
@pytest.mark.parametrize("wrong", [{"d": 0}, {"dtype": int}, {"heads": 3}, {"dropout": 2}])
def test_what_cannot_be_built_draws_nothing(build, wrong):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises((ValueError, TypeError)):
        build(**wrong, rng=rng)
    assert rng.bit_generator.state == before

"""A small model of sequences, padded sequences to be turned round, and runs on them."""

import numpy as np
from runs import RULES

from nnlib.blocks import embedding
from nnlib.layers import Composite, Dropout, Layer, Linear
from nnlib.losses import softmax_cross_entropy
from nnlib.parameters import parameter_vector
from nnlib.training import Training
from nnlib.transformer import MultiHeadAttention

WORDS, LONGEST = 7, 6
PAD = WORDS  # the id of padding, which is no word


class Reverser(Composite):
    """A transformer's least: tokens with their places attend, then each is scored.

    A token asks by its place from the end and answers by its place from the start.
    """

    def __init__(self, d=16, heads=2, dtype="float64", dropout=0.0):
        rng = np.random.default_rng(1)
        words, places = (rng.standard_normal((n, d)).astype(dtype) for n in (WORDS + 1, LONGEST))
        super().__init__(
            Layer(embedding, E=words),
            Layer(embedding, E=places),
            MultiHeadAttention(d, heads, rng=rng, dtype=dtype),
            Dropout(dropout),
            Linear(d, WORDS, rng=rng, dtype=dtype),
        )

    def __call__(self, *, ids, mask, rng=None):
        embed, place, attend, drop, read = self.parts
        from_start = np.arange(ids.shape[1])
        from_end = np.maximum(mask.sum(axis=-1) - 1 - from_start, 0)  # (B, 1, T) -> (B, T)
        e, e_pullback = embed(ids=ids)
        start, start_pullback = place(ids=from_start)
        end, end_pullback = place(ids=from_end)
        h, attend_pullback = attend(e + end, e + start, mask)
        h, drop_pullback = drop(h, rng=rng)
        z, read_pullback = read(h)

        def pullback(dz):
            dasks, danswers = attend_pullback(drop_pullback(read_pullback(dz)))
            end_pullback(dasks)
            start_pullback(danswers.sum(axis=0))
            return e_pullback(dasks + danswers)

        return z, pullback


def sequences(count, seed=0):
    """Padded ids and their mask by name, the words from the last to the first, and which count."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, LONGEST + 1, size=(count, 1))
    keep = np.arange(LONGEST) < lengths
    words = rng.integers(WORDS, size=(count, LONGEST))
    from_end = np.where(keep, lengths - 1 - np.arange(LONGEST), 0)
    labels = np.where(keep, np.take_along_axis(words, from_end, axis=1), -100)
    return {"ids": np.where(keep, words, PAD), "mask": keep[:, None]}, labels, keep


X, LABELS, KEEP = sequences(50)


def build(rule="Adam", dropout=0.0, x=X, labels=LABELS, keep=KEEP, **options):
    """A run with seven batches of at most eight in an epoch, the last of two."""
    model = Reverser(dropout=dropout)
    optimizer = RULES[rule](parameter_vector(model)[0])
    options = {"batch_size": 8, "seed": 5} | options
    return Training(model, softmax_cross_entropy, optimizer, x, labels, keep=keep, **options)

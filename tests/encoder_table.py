"""The encoders that are compared with PyTorch's: make_golden_encoder.py writes what it computes.

Parameters stand in one vector, in the order of nnlib's theta.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from nnlib.transformer import (
    Encoder,
    EncoderLayer,
    MultiHeadAttention,
    causal_mask,
    padding_mask,
)

SAMPLES, T, S, D, HEADS, D_FF = 3, 5, 4, 4, 2, 6
IDS = np.array([[4, 2, 7, 1, 3], [5, 5, 0, 0, 0], [1, 6, 2, 8, 0]])  # 0 is padding


@dataclass(frozen=True)
class Case:
    """What is compared: attention to a context, one encoder layer, or an encoder of two."""

    kind: str
    norm_first: bool = True
    causal: bool = False
    padded: bool = False

    def __str__(self):
        masks = [name for name in ("causal", "padded") if getattr(self, name)]
        place = [] if self.kind == "attention" else ["pre-norm" if self.norm_first else "post-norm"]
        return ", ".join([self.kind, *place, *masks])

    @property
    def context(self):
        """How many tokens are attended to."""
        return S if self.kind == "attention" else T

    def mask(self):
        """nnlib's mask, True = may attend; None where there is none."""
        causal = causal_mask(T) if self.causal else True
        padded = padding_mask(IDS[:, : self.context], pad=0) if self.padded else True
        return causal & padded if self.causal or self.padded else None

    def model(self, dtype="float64"):
        """nnlib's model, at parameters of its own."""
        if self.kind == "attention":
            return MultiHeadAttention(D, HEADS, rng=0, dtype=dtype)
        options = {"norm_first": self.norm_first, "rng": 0, "dtype": dtype}
        if self.kind == "layer":
            return EncoderLayer(D, HEADS, D_FF, **options)
        return Encoder(2, D, HEADS, D_FF, **options)


BOTH = (False, True)
CASES = [Case("attention", padded=padded) for padded in BOTH]
CASES += [Case("layer", *how) for how in product(BOTH, BOTH, BOTH)]
CASES += [Case("encoder", norm_first, masked, masked) for norm_first, masked in product(BOTH, BOTH)]

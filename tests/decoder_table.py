"""The decoders that are compared with PyTorch's: make_golden_decoder.py writes what it computes.

Parameters stand in one vector, in the order of nnlib's theta.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from nnlib.transformer import DecoderLayer, EncoderDecoder, causal_mask, padding_mask

D, HEADS, D_FF, VOCABULARY, LONGEST = 4, 2, 6, 9, 6
SOURCE = np.array([[4, 3, 7, 1, 3], [5, 5, 0, 0, 0], [1, 6, 2, 8, 0]])  # 0 is padding
TARGET = np.array([[1, 3, 7, 4], [1, 5, 0, 0], [1, 8, 2, 0]])
LABELS = np.array([[3, 7, 4, 2], [5, 2, 0, 0], [8, 2, 2, 0]])
KEEP = LABELS != 0


@dataclass(frozen=True)
class Case:
    """What is compared: a decoder layer, or an encoder-decoder with the loss of its scores."""

    kind: str
    norm_first: bool
    causal: bool = True
    padded: bool = True

    def __str__(self):
        masks = [name for name in ("causal", "padded") if getattr(self, name)]
        return ", ".join([self.kind, "pre-norm" if self.norm_first else "post-norm", *masks])

    def masks(self):
        """nnlib's masks of a layer, True = may attend; None where there is none."""
        causal = causal_mask(TARGET.shape[1]) if self.causal else True
        target = causal & padding_mask(TARGET, 0) if self.padded else causal
        return {
            "mask": None if target is True else target,
            "memory_mask": padding_mask(SOURCE, 0) if self.padded else None,
        }

    def model(self, dtype="float64"):
        """nnlib's model, at parameters of its own."""
        options = {"norm_first": self.norm_first, "rng": 0, "dtype": dtype}
        if self.kind == "layer":
            return DecoderLayer(D, HEADS, D_FF, **options)
        return EncoderDecoder(VOCABULARY, D, HEADS, D_FF, 2, longest=LONGEST, **options)


BOTH = (False, True)
CASES = [Case("layer", *how) for how in product(BOTH, BOTH, BOTH)]
CASES += [Case("encoder-decoder", norm_first) for norm_first in BOTH]

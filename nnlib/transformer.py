"""The transformer: what its parts in other modules are, under one roof."""

from nnlib.attention import MultiHeadAttention, OneLayerEncoder, causal_mask, padding_mask
from nnlib.encoder import Encoder, EncoderLayer, TokenClassifier
from nnlib.tokens import positional_encoding

__all__ = [
    "Encoder",
    "EncoderLayer",
    "MultiHeadAttention",
    "OneLayerEncoder",
    "TokenClassifier",
    "causal_mask",
    "padding_mask",
    "positional_encoding",
]

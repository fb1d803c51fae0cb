"""The transformer: what its parts in other modules are, under one roof."""

from nnlib.attention import MultiHeadAttention, OneLayerEncoder
from nnlib.decoder import Decoder, DecoderLayer
from nnlib.encoder import Encoder, EncoderLayer, TokenClassifier
from nnlib.encoder_decoder import EncoderDecoder, LanguageModel
from nnlib.masks import causal_mask, padding_mask
from nnlib.tokens import positional_encoding
from nnlib.vocabulary import Embedding, unembed

__all__ = [
    "Decoder",
    "DecoderLayer",
    "Embedding",
    "Encoder",
    "EncoderDecoder",
    "EncoderLayer",
    "LanguageModel",
    "MultiHeadAttention",
    "OneLayerEncoder",
    "TokenClassifier",
    "causal_mask",
    "padding_mask",
    "positional_encoding",
    "unembed",
]

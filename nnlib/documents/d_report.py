"""Document D, *Implementing Generative AI Transformer*: its claims, in three parts."""

from nnlib.documents.d_transformer import D  # which goes on from d_backprop, that from d_network

__all__ = ["D"]

"""Document A, *Transformer Model Notes*: its claims, in the three parts of the document."""

from nnlib.documents.a_descent import A  # which goes on from a_blocks, and that from a_calculus

__all__ = ["A"]

"""Document E, *MNIST MLP notes*: its claims, in three parts."""

from nnlib.documents.e_training import E  # which goes on from e_losses, and that from e_layers

__all__ = ["E"]

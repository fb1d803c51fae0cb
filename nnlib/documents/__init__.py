"""What the five documents claim, executed: printed form, corrected form, and the truth."""

from difflib import get_close_matches
from functools import lru_cache

from nnlib.documents import (
    a_blocks,
    a_calculus,
    a_descent,
    a_network,
    across,
    b_slides,
    c_encoder_backward,
    c_encoder_corrected,
    c_encoder_forward,
    c_two_layer,
    d_backprop,
    d_network,
    d_transformer,
    e_layers,
    e_losses,
    e_training,
    e_update,
    needed,
)
from nnlib.documents.card import Card, Table
from nnlib.documents.claims import Claim, Document
from nnlib.documents.lessons import LESSONS

TWO_LAYER = "Custom Neural Networks: two-layer network"
ENCODER = "Custom Neural Networks: one-layer transformer encoder"
DOCUMENTS = (
    Document("A", "Transformer Model Notes", a_network, a_calculus, a_blocks, a_descent),
    Document("B", "Neural Nets From Scratch", b_slides),
    Document("C1", TWO_LAYER, c_two_layer),
    Document("C2", ENCODER, c_encoder_forward, c_encoder_backward, c_encoder_corrected),
    Document("D", "Implementing Generative AI Transformer", d_network, d_backprop, d_transformer),
    Document("E", "MNIST MLP notes", e_layers, e_losses, e_training, e_update),
    Document("X", "Conventions across the documents", across),
    Document("N", "Formulas that no document prints", needed),
)


@lru_cache(maxsize=1)
def claims() -> dict[str, Claim]:
    """Every claim by its id, in the order of the documents.

    >>> claims()["A-3.4-clip"].status
    'overstated'
    """
    return {claim.id: claim for document in DOCUMENTS for claim in document.claims()}


def claim(id: str) -> Card:
    """A claim as a card: what is stated, the verdict, what holds, both errors computed now.

    Errors   ValueError for an id that is none, with the nearest ones.

    >>> claim("A-3.4-clip").errors.corrected < 1e-12
    True
    """
    if id not in claims():
        near = get_close_matches(str(id), claims(), n=3, cutoff=0.3)
        advice = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"claim: there is no claim {id!r}.{advice}")
    return Card(claims()[id], next(d.title for d in DOCUMENTS if d.letter == claims()[id].document))


def lessons_on_claims() -> list[str]:
    """The lessons of the course that deal with claims.

    >>> lessons_on_claims()[:2]
    ['01', '02']
    """
    named = {lesson for claim in claims().values() for lesson in claim.lessons}
    return [lesson for lesson in LESSONS if lesson in named]


def claims_table(lesson: str) -> Table:
    """All claims that a lesson deals with, folded, with their errors computed now.

    Errors   ValueError for a lesson without claims.

    >>> claims_table("02").heading.split(":")[0]
    'Every claim of this lesson'
    """
    own = [claim for claim in claims().values() if lesson in claim.lessons]
    if not own:
        raise ValueError(f"claims_table: no claim belongs to lesson {lesson!r}; give it as '05'.")
    return Table(own, f"Every claim of this lesson: {len(own)}, with both errors")

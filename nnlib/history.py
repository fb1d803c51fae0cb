"""What a run has seen: a record for each step, and all of them as one array."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Record(NamedTuple):
    """What one step saw before it moved: the loss, accuracy and gradient norm on its batch."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    gradient_norm: float


def as_history(records: Iterator[Record]) -> np.recarray:
    """Records as one array, the fields of Record as its columns.

    >>> as_history(Record(k, 1, 0.5**k, 1.0, 0.0) for k in range(3)).loss
    array([1.  , 0.5 , 0.25])
    """
    kinds = list(Record.__annotations__.items())
    return np.array(list(records), dtype=kinds).view(np.recarray)

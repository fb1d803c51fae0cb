"""The grounds of the race by their names, or as someone types them."""

from functools import lru_cache

from nnlib.experiments.slices import digits_slice
from nnlib.expressions import formula
from nnlib.landscapes import GROUNDS, Landscape, bowl

DIGITS = "digits"  # the slice through a network's loss
NAMES = (*GROUNDS, DIGITS)


@lru_cache(maxsize=32)
def ground(name: str, *, kappa: float = 25.0) -> Landscape:
    """The ground of this name, or the function of x and y that is written here.

    kappa    how many times steeper the ravine is across than along; other grounds have none.
    Errors   ValueError for what is neither.

    >>> ground("ravine", kappa=100.0).gradient([1.0, 1.0])
    array([  1., 100.])
    >>> ground("x**2 * y").gradient([1.0, 1.0])
    array([2., 1.])
    """
    if name == "ravine":
        return bowl(kappa)
    if name == DIGITS:
        return digits_slice().plane()
    return GROUNDS[name] if name in GROUNDS else formula(name)

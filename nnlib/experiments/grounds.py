"""The grounds of the race by their names, or as someone types them."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from nnlib.checks import Array
from nnlib.experiments.network import on_plane
from nnlib.experiments.running import Run
from nnlib.experiments.slices import digits_slice
from nnlib.expressions import formula
from nnlib.landscapes import GROUNDS, Landscape, bowl

DIGITS = "digits"  # the slice through a network's loss
WEIGHTS = "digits, all weights"  # the same network, from a place on the slice
NETWORKS = DIGITS, WEIGHTS  # where a gradient is a network's, and takes its time
NAMES = (*GROUNDS, *NETWORKS)


class Ground(NamedTuple):
    """What is run on, and what the map shows of it: in the plane, all.

    map      the landscape that the map shows, on which a start is chosen.
    whole    the landscape that is run on, in n coordinates.
    lifted   from points of the map (2, ...) to those that are run from (n, ...).
    seen     from a run from one start to what the map shows of it.
    """

    map: Landscape
    whole: Landscape
    lifted: Callable[[Array], Array]
    seen: Callable[[Run], Run]


def in_plane(landscape: Landscape) -> Ground:
    """The ground whose map shows all there is."""
    return Ground(landscape, landscape, lambda p: p, lambda found: found)


def all_weights() -> Ground:
    """The network of the slice: its loss in all weights, whose race the plane shows a part of.

    >>> len(all_weights().whole.domain)
    610
    """
    found = digits_slice()
    return Ground(found.plane(), found.whole, found.lifted, lambda run: on_plane(run, found))


@lru_cache(maxsize=32)
def ground(name: str, *, kappa: float = 25.0) -> Ground:
    """The ground of this name, or the function of x and y that is written here.

    kappa    how many times steeper the ravine is across than along; other grounds have none.
    Errors   ValueError for what is neither.

    >>> ground("ravine", kappa=100.0).map.gradient([1.0, 1.0])
    array([  1., 100.])
    >>> ground("x**2 * y").map.gradient([1.0, 1.0])
    array([2., 1.])
    """
    if name == WEIGHTS:
        return all_weights()
    if name == DIGITS:
        return in_plane(digits_slice().plane())
    if name == "ravine":
        return in_plane(bowl(kappa))
    return in_plane(GROUNDS[name] if name in GROUNDS else formula(name))

"""The race on a network itself: every weight moves, seen from the plane that the slice shows."""

import numpy as np

from nnlib.checks import Array
from nnlib.experiments.running import Beside, Run
from nnlib.experiments.slices import Slice
from nnlib.machine import apart


@apart
def on_plane(found: Run, plane: Slice) -> Run:
    """A run of all weights as it is seen on a plane.

    The path is the points of the plane nearest to θ; gradients are their parts in it, so that
    gradient descent's step is still its rate times the gradient. Values are those of the loss at θ
    itself, which soon lies far from the plane: a path may cross lines of height that its loss does
    not. How far a step led that was not taken is told in all weights; moments are left out.

    >>> from nnlib.experiments.race import Runner, Setting, race
    >>> everyone = Setting((Runner("Adam", 0.01),), "digits, all weights", start=(1, 1), steps=5)
    >>> (found,) = race(everyone).runs
    >>> found.path.shape, found.beside.size, bool(found.beside.shares[-1] < 0.2)
    ((6, 2), 610, True)
    """
    path = plane.seen(found.path.T).T
    gradients, given = plane.part(found.gradients.T).T, plane.part(found.given.T).T
    with np.errstate(all="ignore"):
        rates = np.abs(np.diff(path, axis=0)) / np.abs(given)
    shares = share_in(plane, found.path - found.path[0])
    beside = Beside(len(plane.center), found.norms, shares)
    for array in (path, gradients, given, rates, *beside[1:]):
        array.flags.writeable = False
    flat = {"path": path, "gradients": gradients, "given": given, "rates": rates, "state": {}}
    return found._replace(**flat, beside=beside)


def share_in(plane: Slice, ways: Array) -> Array:
    """How much of each way lies in the plane: ways (k, P) -> (k,), nan for one of no length.

    >>> from nnlib.landscapes import bowl
    >>> flat = Slice(bowl(1), np.zeros(3), np.eye(3)[:2])
    >>> share_in(flat, np.array([[2.0, 0.0, 0.0], [3.0, 0.0, 4.0]]))
    array([1. , 0.6])
    """
    inside = plane.part(ways.T).T @ plane.directions
    with np.errstate(invalid="ignore"):
        return np.linalg.norm(inside, axis=1) / np.linalg.norm(ways, axis=1)

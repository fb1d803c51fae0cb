"""The race on a network itself: every weight moves, seen from the plane that the slice shows."""

import numpy as np

from nnlib.experiments.race import Race, Run, Setting
from nnlib.experiments.running import noise_of, seen, walk
from nnlib.experiments.slices import Slice, digits_slice
from nnlib.machine import apart


@apart
def network_race(setting: Setting) -> Race:
    """The race of a setting on all weights of the network, from a place on its plane.

    A path is the points of the plane nearest to θ, and its gradients are those along the plane. The
    values are those of the loss at θ itself, which soon lies far from the plane: a path may cross
    lines of height that its loss does not. Moments are those of all weights, and are left out.

    >>> from nnlib.experiments.race import Runner
    >>> found = network_race(Setting((Runner("Adam", 0.01),), "digits", start=(1.0, 1.0), steps=5))
    >>> found.runs[0].path.shape, bool(found.runs[0].values[-1] < found.runs[0].values[0])
    ((6, 2), True)
    """
    found = digits_slice()
    start = found.lifted(np.asarray(setting.start, float))
    pushes = setting.noise * noise_of(setting.seed, setting.steps, start.shape)
    runs = (
        seen(found.whole, one, pushes, *walk(found.whole.gradient, one, start, pushes))
        for one in setting.runners
    )
    return Race(setting, found.plane(), tuple(flattened(one, found) for one in runs))


def flattened(one: Run, found: Slice) -> Run:
    """A run of all weights as it is seen on the plane."""
    path = found.seen(one.path.T).T
    gradients, given = one.gradients @ found.directions.T, one.given @ found.directions.T
    with np.errstate(all="ignore"):
        rates = np.abs(np.diff(path, axis=0)) / np.abs(given)
    return one._replace(path=path, gradients=gradients, given=given, rates=rates, state={})

"""One runner on a landscape: where it goes, all it sees and remembers, and where it can go no more.

What is fair about a run: every runner has the same start, the same number of gradients, each with
the same noise at the same step; the rate that is shown is the rate that is used; nothing is
clipped, and who leaves the range of numbers stands where it stood last, and is marked.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, all_finite, number, numeric, whole_number
from nnlib.landscapes import Landscape
from nnlib.machine import apart
from nnlib.optimizers import OPTIMIZERS, Optimizer

FAR = 1e6  # times the distance of the start from 0, at least 1: nobody comes back from there
STEEP = 1e100  # no gradient is followed that is larger: its square would leave the range
Walk = tuple[Array, Array, dict[str, Array]]  # places, gradients there, moments by name


class Runner(NamedTuple):
    """A rule by its name, with its rate and those of its settings that are not the default.

    >>> Runner("Adam", 0.1, (("beta1", 0.8),)).on(np.zeros(2)).beta1
    0.8
    """

    rule: str
    lr: float
    settings: tuple[tuple[str, Any], ...] = ()

    def on(self, theta: Array) -> Optimizer:
        """The rule, about to move theta."""
        return OPTIMIZERS[self.rule](theta, lr=self.lr, **dict(self.settings))

    def __repr__(self) -> str:
        """The call that makes it."""
        named = "".join(f", {name}={value!r}" for name, value in self.settings)
        return f"runner({self.rule!r}, {self.lr!r}{named})"


class Beside(NamedTuple):
    """What a map cannot show of a run in more coordinates than its two.

    size       in how many.
    norms      (steps,) length of the gradient at each place, in all of them.
    shares     (steps + 1,) what lies in the plane of the map, of its distance from the start; nan
               where that is 0.
    """

    size: int
    norms: Array
    shares: Array

    def every(self, pace: int) -> "Beside":
        """The same of a run of which every so many steps are shown."""
        return Beside(self.size, self.norms[::pace], self.shares[::pace])


class Run(NamedTuple):
    """What a runner did. Row k of an array belongs to step k, that of a place to the place before.

    path       (steps + 1, 2, ...) where it was; where it can go no further, it stands.
    values     (steps + 1, ...) of the landscape there.
    gradients  (steps, 2, ...) of the landscape there, nan where no step was taken.
    given      (steps, 2, ...) the gradients with their noise, which the rule was given.
    rates      (steps, 2, ...) effective rate of each coordinate: |move| / |given|, nan for 0 / 0.
    state      for each moment of the rule (steps + 1, 2, ...): what it remembered.
    ended      (...) how many steps were taken; where that is fewer than asked, it diverged.
    beyond     as a place of path, where the step not taken led; nan for who did not diverge.
    calls      how many gradients of each start were computed: one a step, whoever runs.
    beside     what a map cannot show of it; None for a run in the plane.
    """

    runner: Runner
    path: Array
    values: Array
    gradients: Array
    given: Array
    rates: Array
    state: dict[str, Array]
    ended: Array
    beyond: Array
    calls: int
    beside: Beside | None = None

    @property
    def moves(self) -> Array:
        """(steps, 2, ...): the step taken from each place."""
        return np.diff(self.path, axis=0)

    @property
    def norms(self) -> Array:
        """(steps, ...): the length of the landscape's gradient at each place."""
        return self.beside.norms if self.beside else np.linalg.norm(self.gradients, axis=1)

    @property
    def diverged(self) -> Array:
        """(...): whether it could go no further."""
        return self.ended < len(self.gradients)

    @property
    def reached(self) -> Array:
        """(...): the value of the landscape at the end, infinite for who diverged."""
        return np.where(self.diverged, np.inf, self.values[-1])


@apart
def run(
    landscape: Landscape,
    runner: Runner,
    start: Any,
    *,
    steps: int,
    noise: float = 0.0,
    seed: int = 0,
) -> Run:
    """Send a runner down a landscape.

    start    (n,), or (n, starts) for many at once, n = 2 in the plane; each goes as it would alone.
    noise    σ of the normal noise on each coordinate of each gradient, drawn from the seed: the
             same for all runners, and for a start whatever stands beside it.
    Errors   ValueError or TypeError for a start that is no finite point, steps < 1, noise < 0.

    >>> from nnlib.landscapes import bowl
    >>> found = run(bowl(1), Runner("GradientDescent", 0.5), (8.0, 0.0), steps=3)
    >>> found.path[:, 0], found.values
    (array([8., 4., 2., 1.]), array([32. ,  8. ,  2. ,  0.5]))
    >>> run(bowl(1), Runner("GradientDescent", 12.0), (8.0, 0.0), steps=50).ended
    array(5)
    """
    start = numeric("run", "start", start).astype(float)
    n = len(landscape.domain)
    if start.ndim not in (1, 2) or len(start) != n or not start.size:
        raise ValueError(f"run: start must have shape ({n},) or ({n}, starts); got {start.shape}.")
    all_finite("run", "start", start)
    steps = whole_number("run", "steps", steps, low=1)
    noise = number("run", "noise", noise, "[0, inf)")
    pushes = noise * noise_of(whole_number("run", "seed", seed, low=0), steps, start.shape)
    if start.ndim == 1 or OPTIMIZERS[runner.rule].elementwise:
        walked = walk(landscape.gradient, runner, start, pushes)
    else:
        each = zip(start.T, np.moveaxis(pushes, -1, 0))
        walked = side_by_side([walk(landscape.gradient, runner, *one) for one in each])
    return seen(landscape, runner, pushes, *walked)


def noise_of(seed: int, steps: int, shape: tuple[int, ...]) -> Array:
    """Standard normal noise for each step, from a generator of its own for each start.

    Shapes   (n,) -> (steps, n), (n, starts) -> (steps, n, starts)

    >>> bool((noise_of(0, 5, (2,)) == noise_of(0, 9, (2, 3))[:5, :, 0]).all())
    True
    """
    draws = [
        np.random.default_rng([seed, k]).standard_normal((steps, shape[0]))
        for k in range(shape[1] if len(shape) > 1 else 1)
    ]
    return np.stack(draws, axis=-1).reshape(steps, *shape)


def walk(gradient: Callable, runner: Runner, start: Array, pushes: Array) -> Walk:
    """The places, the gradients there and the moments, step by step, for as long as they are due.

    Who leaves the range of numbers takes gradients to the end as all do, but follows none.
    """
    theta = start.reshape(-1).copy()
    p, rule = theta.reshape(start.shape), runner.on(theta)
    path, gradients = [theta.copy()], []
    state = {name: [getattr(rule, name)] for name in rule.moments}
    with np.errstate(all="ignore"):
        for push in pushes:
            gradients.append(np.array(gradient(p), float))
            g = (gradients[-1] + push).reshape(-1)
            if not np.vdot(g, g) <= STEEP**2:
                g = np.where(np.abs(g) <= STEEP, g, 0.0)
            try:
                rule.advance(g)
            except FloatingPointError:
                theta[:] = np.nan
            path.append(theta.copy())
            for name, rows in state.items():
                rows.append(getattr(rule, name))
    shaped = lambda rows: np.reshape(rows, (len(rows), *start.shape))
    moments = {k: shaped(v) for k, v in state.items() if np.size(v[0]) == theta.size}
    return shaped(path), np.array(gradients), moments


def side_by_side(walks: list[Walk]) -> Walk:
    """Walks from several starts, for rules that must take each by itself."""
    paths, gradients, states = zip(*walks)
    joined = lambda arrays: np.stack(arrays, axis=-1)
    state = {name: joined([one[name] for one in states]) for name in states[0]}
    return joined(paths), joined(gradients), state


def seen(
    landscape: Landscape,
    runner: Runner,
    pushes: Array,
    path: Array,
    gradients: Array,
    state: dict[str, Array],
) -> Run:
    """What there is to see of a walk: up to the last step between two places that are sound."""
    steps, far = len(gradients), FAR * np.maximum(1.0, np.abs(path[0]).max(axis=0))
    with np.errstate(all="ignore"):
        given, values = gradients + pushes, landscape.value(np.moveaxis(path, 1, 0))
        sound = np.isfinite(values) & (np.abs(path).max(axis=1) <= far)
        sound = sound[:-1] & sound[1:] & (np.abs(given).max(axis=1) <= STEEP)
        taken = np.logical_and.accumulate(sound, axis=0)
        ended = np.asarray(taken.sum(axis=0))
        last = np.minimum(np.arange(steps + 1).reshape(-1, *[1] * ended.ndim), ended)
        stand = lambda rows: np.take_along_axis(rows, last[:, None], axis=0)
        going = lambda rows: np.where(taken[:, None], rows, np.nan)
        beyond = np.take_along_axis(path, np.minimum(ended + 1, steps)[None, None], axis=0)[0]
        beyond = np.where(ended < steps, beyond, np.nan)
        path, values = stand(path), np.take_along_axis(values, last, axis=0)
        gradients, given = going(gradients), going(given)
        rates = np.abs(np.diff(path, axis=0)) / np.abs(given)
    state = {name: stand(rows) for name, rows in state.items()}
    for array in (path, values, gradients, given, rates, *state.values(), ended, beyond):
        array.flags.writeable = False  # runs are kept, and handed out again
    return Run(runner, path, values, gradients, given, rates, state, ended, beyond, steps)

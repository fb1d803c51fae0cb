"""Rates for the race, chosen by a stated budget, and its ranking from many starts.

Every rule tries the same rates from the same start with the same number of gradients each. What
counts is the value of the landscape that is reached: where its minimum lies, no rule is told.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array, number, whole_number
from nnlib.experiments.grounds import ground
from nnlib.experiments.race import Run, Runner, Setting, conditions, default_rate, run
from nnlib.landscapes import Landscape

GRID = tuple(float(f"{d}e{k}") for k in range(-4, 1) for d in (1, 2, 5)) + (10.0,)
EQUAL = 1e-12  # of the height at the start: who comes so close to another is level with them

Criterion = Callable[[Landscape, Run], float]


def value_reached(landscape: Landscape, found: Run) -> float:
    """The value at the end, the mean over the starts; infinite where one diverged."""
    return float(np.mean(found.reached))


def distance_to_minimum(landscape: Landscape, found: Run) -> float:
    """How far from the nearest minimum it ends, which only who knows the answer can tune on."""
    end = found.path[-1]
    far = np.linalg.norm(end - landscape.nearest(end), axis=0)
    return float(np.mean(np.where(found.diverged, np.inf, far)))


class Tuning(NamedTuple):
    """What a runner tried, and the runner at the best of these rates.

    rates     those tried, and reached, what each came to: infinite for one that diverged.
    calls     gradients computed for each start: steps times rates, whoever is tuned.
    """

    runner: Runner
    rates: tuple[float, ...]
    reached: tuple[float, ...]
    calls: int


def tune(
    landscape: Landscape,
    who: Runner,
    start: Any,
    *,
    steps: int,
    noise: float = 0.0,
    seed: int = 0,
    rates: Sequence[float] = GRID,
    criterion: Criterion = value_reached,
) -> Tuning:
    """Try every rate, and keep the one with the smallest criterion, the smaller rate when level.

    Errors   ValueError for no rates, and those of ``run``.

    >>> from nnlib.landscapes import bowl
    >>> who = Runner("GradientDescent", 0.1)
    >>> found = tune(bowl(1), who, (8.0, 0.0), steps=3, rates=(0.5, 1, 9))
    >>> found.runner, found.reached, found.calls
    (runner('GradientDescent', 1), (0.5, 0.0, 8388608.0), 9)
    """
    if not len(rates):
        raise ValueError("tune: rates must hold one at least; got none.")
    runs = [
        run(landscape, who._replace(lr=lr), start, steps=steps, noise=noise, seed=seed)
        for lr in rates
    ]
    reached = tuple(criterion(landscape, one) for one in runs)
    best = runs[int(np.argmin(reached))].runner
    return Tuning(best, tuple(rates), reached, sum(one.calls for one in runs))


@lru_cache(maxsize=64)
def kept_tuning(who: Runner, same: Setting) -> Tuning:
    """The tuning of a runner under these conditions."""
    on = ground(same.ground, kappa=same.kappa)
    _, _, _, start, steps, noise, seed, _ = same
    return tune(on.whole, who, on.lifted(np.array(start)), steps=steps, noise=noise, seed=seed)


def tunings(setting: Setting) -> tuple[Tuning, ...]:
    """The tuning of each runner of a race, under the conditions of that race.

    >>> setting = Setting((Runner("GradientDescent", 1.0), Runner("Adam", 1.0)), steps=100)
    >>> [one.calls for one in tunings(setting)]
    [1600, 1600]
    """
    same = conditions(setting._replace(tricks=()))
    return tuple(kept_tuning(one._replace(lr=1.0), same) for one in setting.runners)


def at_rates(setting: Setting, rates: str | float) -> Setting:
    """The same race with other rates: "default", "tuned", or one number for all.

    Errors   ValueError or TypeError for anything else.

    >>> setting = Setting((Runner("GradientDescent", 9.0), Runner("Adam", 9.0)))
    >>> [one.lr for one in at_rates(setting, "default").runners]
    [0.001, 0.001]
    >>> [one.lr for one in at_rates(setting, 0.25).runners]
    [0.25, 0.25]
    """
    if rates == "tuned":
        chosen = [one.runner.lr for one in tunings(setting)]
    elif rates == "default":
        chosen = [default_rate(one.rule) for one in setting.runners]
    elif isinstance(rates, str):
        must = 'must be "default", "tuned" or a number'
        raise ValueError(f"at_rates: rates {must}; got {rates!r}.")
    else:
        chosen = [number("at_rates", "rates", rates, "[0, inf)")] * len(setting.runners)
    runners = (one._replace(lr=lr) for one, lr in zip(setting.runners, chosen))
    return setting._replace(runners=tuple(runners))


class Ranking(NamedTuple):
    """Who came how far from many starts. Rows are runners, columns starts.

    starts     (2, starts), drawn from the ground's domain.
    reached    the value at the end, infinite for who diverged.
    ranks      1 for the lowest; who is level shares the mean of the places.
    mean       of each runner's ranks, and its spread: the first and the third quartile.
    diverged   from how many starts each runner diverged.
    """

    runners: tuple[Runner, ...]
    starts: Array
    reached: Array
    ranks: Array
    mean: Array
    spread: Array
    diverged: Array


def ranking(setting: Setting, *, starts: int = 20) -> Ranking:
    """Hold the race from many starts, which the setting's seed draws, and rank at each.

    >>> slow, fast = Runner("GradientDescent", 0.001), Runner("GradientDescent", 0.03)
    >>> found = ranking(Setting((slow, fast), steps=50), starts=8)
    >>> found.mean, found.diverged
    (array([2., 1.]), array([0, 0]))
    """
    count = whole_number("ranking", "starts", starts, low=1)
    same = conditions(setting._replace(tricks=()))
    landscape, places = ground(same.ground, kappa=same.kappa).map, drawn(same, count)
    reached = np.reshape([kept_ends(one, same, count) for one in setting.runners], (-1, count))
    ranks = ranked(reached, EQUAL * np.abs(landscape.value(places)))
    spread = np.quantile(ranks, [0.25, 0.75], axis=1).T
    diverged = np.isinf(reached).sum(axis=1)
    return Ranking(setting.runners, places, reached, ranks, ranks.mean(axis=1), spread, diverged)


def drawn(same: Setting, count: int) -> Array:
    """So many places of the ground's domain, drawn from the seed: (2, count)."""
    low, high = np.transpose(ground(same.ground, kappa=same.kappa).map.domain)
    return np.random.default_rng(same.seed).uniform(low, high, (count, 2)).T


@lru_cache(maxsize=128)
def kept_ends(who: Runner, same: Setting, count: int) -> Array:
    """The values that a runner reaches from so many starts, infinite where it diverges."""
    on = ground(same.ground, kappa=same.kappa)
    starts = on.lifted(drawn(same, count))
    return run(on.whole, who, starts, steps=same.steps, noise=same.noise, seed=same.seed).reached


def ranked(reached: Array, level: Array) -> Array:
    """The place of each row in each column; rows that lie no further apart than level share it.

    >>> ranked(np.array([[3.0], [1.0], [1.0], [np.inf]]), np.array([0.1])).ravel()
    array([3. , 1.5, 1.5, 4. ])
    """
    ahead = reached[None] < reached[:, None] - level  # (runner, other, start): the other is ahead
    behind = ahead.swapaxes(0, 1)
    return 1 + ahead.sum(axis=1) + ((~ahead & ~behind).sum(axis=1) - 1) / 2

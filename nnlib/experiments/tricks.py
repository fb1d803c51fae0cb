"""What well-known demonstrations of optimizers do and do not say, so that it can be seen.

A trick changes what is run, and nothing that is shown. The race plays none unless it is told to.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlib.checks import Array
from nnlib.landscapes import Domain, Landscape
from nnlib.optimizers import Optimizer

TINY = 1e-12  # a step of differences at which rounding is larger than what is measured
FAVOURED = "Adam"
ON_A_MAP = (
    "gradients by differences of 1e-12",
    "clipped to the map",
)  # of points with two coordinates


class Act(NamedTuple):
    """What is run: on which landscape, who, how many steps for each that is shown."""

    landscape: Landscape
    runner: Any
    pace: int = 1


class Clipped(NamedTuple):
    """A runner that is put back to the edge of the map whenever it leaves."""

    runner: Any
    domain: Domain

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.runner.rule

    def on(self, theta: Array) -> Optimizer:
        """The rule, which then moves theta no further than to the edge."""
        rule, places = self.runner.on(theta), theta.reshape(2, -1)
        free, (low, high) = rule.update, np.transpose(self.domain)[:, :, None]

        def update(g: Array) -> None:
            free(g)
            np.clip(places, low, high, out=places)

        vars(rule)["update"] = update
        return rule


def favoured(trick: Callable[[Act], Act]) -> Callable[[Act], Act]:
    """A trick that is played for one rule alone."""
    return lambda act: trick(act) if act.runner.rule == FAVOURED else act


def by_differences(landscape: Landscape) -> Callable[[Array], Array]:
    """The gradient by central differences, with a step that is far too small."""
    ways = TINY * np.eye(2)
    value = landscape.value

    def gradient(p: Array) -> Array:
        steps = ways.reshape(2, 2, *[1] * (np.ndim(p) - 1))
        return np.array([(value(p + h) - value(p - h)) / (2 * TINY) for h in steps])

    return gradient


TRICKS: dict[str, Callable[[Act], Act]] = {
    "Adam at three times the rate": favoured(
        lambda act: act._replace(runner=act.runner._replace(lr=3 * act.runner.lr))
    ),
    "Adam without bias correction": favoured(
        lambda act: act._replace(
            runner=act.runner._replace(
                settings=(*act.runner.settings, ("bias_correction", False)),
            )
        )
    ),
    "Adam twice the steps": favoured(lambda act: act._replace(pace=2)),
    "gradients by differences of 1e-12": lambda act: act._replace(
        landscape=act.landscape._replace(gradient=by_differences(act.landscape))
    ),
    "clipped to the map": lambda act: act._replace(
        runner=Clipped(act.runner, act.landscape.domain)
    ),
}


def playable(size: int) -> list[str]:
    """The tricks that can be played where points have so many coordinates.

    >>> len(playable(2)) - len(playable(610))
    2
    """
    return [name for name in TRICKS if size == 2 or name not in ON_A_MAP]


def staged(landscape: Landscape, runner: Any, tricks: tuple[str, ...]) -> Act:
    """What is run when these tricks are played; without any, what is shown.

    Errors   ValueError for a trick that is unknown, or cannot be played on this landscape.

    >>> from nnlib.experiments.race import Runner
    >>> from nnlib.landscapes import bowl
    >>> staged(bowl(1), Runner("Adam", 0.1), ("Adam at three times the rate",)).runner.lr
    0.30000000000000004
    """
    known = playable(len(landscape.domain))
    if unknown := [name for name in tricks if name not in known]:
        due = ", ".join(known)
        raise ValueError(f"staged: tricks must be among {due}; got {unknown[0]!r}.")
    act = Act(landscape, runner)
    for name, trick in TRICKS.items():  # clipping last, for it hides the runner
        act = trick(act) if name in tricks else act
    return act

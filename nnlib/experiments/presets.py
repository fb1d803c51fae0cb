"""Races worth seeing: each a whole setting, and what there is to notice, which is tested."""

from typing import NamedTuple

from nnlib.experiments.grounds import WEIGHTS
from nnlib.experiments.race import Runner, Setting, runner
from nnlib.optimizers import OPTIMIZERS

TURNED = "((x + y)**2 * 100 + (x - y)**2) / 4"  # the ravine of κ = 100, turned by 45 degrees
PLAYED = (
    "Adam at three times the rate",
    "Adam twice the steps",
    "Adam without bias correction",
    "clipped to the map",
    "gradients by differences of 1e-12",
)


class Preset(NamedTuple):
    """A race by its setting, and what to notice in it."""

    setting: Setting
    notice: str


def at(*rates: float) -> tuple[Runner, ...]:
    """The rules in their order, each at its rate.

    >>> at(1.0, 0.5)
    (runner('GradientDescent', 1.0), runner('Momentum', 0.5))
    """
    return tuple(runner(rule, lr) for rule, lr in zip(OPTIMIZERS, rates))


RAVINE = Setting((), "ravine", 25.0, (-12.0, 3.0), 100)
BY_DISTANCE = Setting(at(0.002, 0.0005, 2.0, 0.2, 0.5), "Beale", start=(-3.0, -2.0), steps=60)


def demo(taken: int) -> Setting:
    """The race of the demonstrations, the first so many of its tricks taken away.

    >>> demo(4).tricks
    ('gradients by differences of 1e-12',)
    """
    return BY_DISTANCE._replace(tricks=PLAYED[taken:])


PRESETS = {
    "the same rate for all": Preset(
        RAVINE._replace(runners=at(0.1, 0.1, 0.1, 0.1, 0.1), steps=200),
        "One rate is five different things. At 0.1 gradient descent is flung out, for the ravine "
        "is too steep across (0.1 · 25 > 2); at the same 0.1 AdaGrad creeps.",
    ),
    "default rates": Preset(
        Setting(at(1e-3, 1e-3, 1e-2, 1e-2, 1e-3), "Rosenbrock", start=(-1.5, 2.0), steps=200),
        "Defaults are made for networks. Here only momentum, whose steps add up to ten, comes "
        "round the bend; the others still stand in the half where they started.",
    ),
    "a ravine, every rule at its best": Preset(
        RAVINE._replace(runners=at(0.01, 0.01, 10.0, 10.0, 1.0), kappa=100.0, steps=150),
        "Each at the best of sixteen rates for these 150 steps. AdaGrad and RMSprop divide each "
        "coordinate by its own gradients and do not see κ; gradient descent pays for it most. Now "
        "ask for 500 steps: RMSprop forgets how large its gradients were, its rate rises, and it "
        "is last.",
    ),
    "the same ravine, turned by 45°": Preset(
        Setting(at(0.01, 0.01, 1.0, 0.1, 2.0), TURNED, start=(-4.0, 3.0), steps=150),
        "Now both coordinates have the same gradients, and dividing alone helps nobody: AdaGrad "
        "and RMSprop fall far behind momentum, which does not care which way the ravine runs, and "
        "behind Adam, which has a momentum too.",
    ),
    "the bent valley": Preset(
        Setting(at(0.002, 0.002, 5.0, 0.2, 2.0), "Rosenbrock", start=(-1.5, 2.0), steps=300),
        "Everyone is in the valley at once; along its floor, where the gradient is small, momentum "
        "adds up many steps that agree.",
    ),
    "one start, four ends": Preset(
        Setting(at(0.01, 0.001, 5.0, 1.0, 0.5), "Himmelblau", start=(0.0, -4.0), steps=200),
        "All minima are equally low, so nobody wins: which one is reached depends on the first "
        "few steps, and so on the rate.",
    ),
    "on a saddle": Preset(
        Setting(at(0.05, 0.05, 0.05, 0.05, 0.05), "saddle", start=(2.0, 1e-6), steps=60),
        "A millionth beside the ridge. Gradient descent runs down to the saddle and stands there; "
        "rules that divide by the size of the gradient leave at once, for to them small is large.",
    ),
    "on a plain: where ε sits": Preset(
        Setting(
            (
                runner("GradientDescent", 0.1),
                runner("Adam", 0.1),
                runner("Adam", 0.1, eps_inside=True),
            ),
            "plateau",
            start=(4.0, 4.0),
        ),
        "The gradient is 6·10⁻⁷. Adam walks as if it were 1; with ε inside the root everything "
        "below 10⁻⁴ counts as nothing, and it stands beside gradient descent.",
    ),
    "a field of hollows": Preset(
        Setting(at(0.0005, 0.002, 1.0, 0.5, 2.0), "Rastrigin", start=(-3.3, 4.2), steps=200),
        "Nobody finds the lowest point. Gradient descent ends in the hollow where it began, others "
        "in another: which, is luck of the rate.",
    ),
    "noise": Preset(
        Setting(
            (
                runner("GradientDescent", 0.3),
                runner("GradientDescent", 0.03),
                runner("AdaGrad", 3.0),
            ),
            "bowl",
            start=(-12.0, 3.0),
            steps=500,
            noise=5.0,
            seed=10,
        ),
        "Nobody arrives. How far one hovers goes with the root of the rate: a tenth of it hovers, "
        "on the mean, a third as far, at a tenth of the height. AdaGrad's rate falls by itself.",
    ),
    "a network's full training": Preset(
        Setting(at(1.0, 0.5, 0.2, 0.02, 0.1), WEIGHTS, start=(1.2, 1.0), steps=100),
        "Every loss falls from 4.8 to 0.02 or less, yet on the map all but stand still, where its "
        "heights say 4: it shows a quarter or less of their way, two directions of 610.",
    ),
    "the forms of momentum": Preset(
        RAVINE._replace(
            runners=(
                runner("Momentum", 0.01),
                runner("Momentum", 0.01, form="lr_inside"),
                runner("Momentum", 0.01, form="ema"),
                runner("Momentum", 0.1, form="ema"),
            )
        ),
        "Three paths are one: the rate inside, outside, and the running mean at ten times the "
        "rate. The running mean at the same rate is ten times slower.",
    ),
    "Nesterov's look ahead": Preset(
        RAVINE._replace(
            runners=(
                runner("Momentum", 0.02),
                runner("Momentum", 0.02, nesterov=True),
                runner("GradientDescent", 0.02),
            )
        ),
        "The same momentum, but the step looks one gradient ahead: it brakes earlier, and swings "
        "across the ravine die out sooner.",
    ),
    "Adam's first steps": Preset(
        RAVINE._replace(
            runners=(runner("Adam", 0.5), runner("Adam", 0.5, bias_correction=False)),
            steps=40,
        ),
        "Without the correction the first step is √10 times too large, not too small: v starts "
        "further below its goal than m.",
    ),
    "as the well-known demos do it": Preset(
        demo(0),
        "Adam ends far below all others. What is not shown: it runs at three times its rate and "
        "takes twice the steps, uncorrected; all are clipped to the map, gradients are differences "
        "of 10⁻¹², rates are tuned on the distance to the minimum. Take them away one by one.",
    ),
    "… Adam at the rate that is shown": Preset(
        demo(1), "The lead is gone: momentum is first, and Adam a hundred times as high as before."
    ),
    "… and with as many steps as the others": Preset(
        demo(2), "Half the steps: Adam is second, and twice as high again."
    ),
    "… and with its bias corrected": Preset(
        demo(3),
        "Without the correction its first steps were three times too large, which helped where "
        "the rate was too small. Now Adam is fourth.",
    ),
    "… and nobody clipped to the map": Preset(
        demo(4),
        "Momentum leaves the map and comes back. Clipped, it slid along the edge, and nobody saw "
        "that it had overshot.",
    ),
    "… and gradients that are exact": Preset(
        demo(5),
        "A difference over 10⁻¹² has four right digits, in flat places none. Here it changed "
        "little, for nobody has come far enough for small gradients.",
    ),
    "… and rates tuned on the value: fair": Preset(
        BY_DISTANCE._replace(runners=at(0.001, 0.0005, 2.0, 0.2, 1.0)),
        "Who tunes on the distance must know the minimum. On the value reached, gradient descent "
        "takes half the rate and comes from last to third, Adam twice the rate and is second.",
    ),
}

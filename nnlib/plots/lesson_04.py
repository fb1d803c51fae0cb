"""Pictures of lesson 04: how fast the directions of a quadratic shrink, and who got how far."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, GREEN, INK, PALE, RED, legend_below, looks


def draw_factors(flat: float, steep: float, *, ax: Axes) -> None:
    """Draw by what a step multiplies the flat and the steep direction, over the rate.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_factors(1.0, 9.0, ax=ax)
    >>> ax.lines[-1].get_xydata().tolist()
    [[0.2, 0.8]]
    """
    limit, best = 2 / steep, 2 / (steep + flat)
    rates = np.linspace(0, 1.15 * limit, 400)
    each = {
        f"flat, λ = {flat:g}": (flat, BLUE, "-"),
        f"steep, λ = {steep:g}": (steep, RED, "--"),
    }
    for name, (curvature, colour, line) in each.items():
        ax.plot(rates, np.abs(1 - rates * curvature), line, color=colour, label=name)
    ax.axhline(1, color=INK, linewidth=1)
    ax.axvspan(limit, rates[-1], color=PALE, alpha=0.4, linewidth=0)
    ax.text((limit + rates[-1]) / 2, 0.25, "leaves", rotation=90, ha="center", va="center")
    both = "best: both shrink equally"
    ax.plot(best, 1 - best * flat, "o", color=GREEN, markersize=13, label=both)
    ax.set(xlabel="rate η", ylabel="factor |1 − ηλ| a step", ylim=(0, 1.25), xlim=(0, rates[-1]))
    ax.set_title("The best rate is where the two directions shrink equally fast")
    legend_below(ax, columns=3)


def draw_best_momentum(
    factors: Mapping[str, Sequence[float]],
    momenta: Sequence[float],
    best: Mapping[str, tuple[float, float]],
    *,
    ax: Axes,
) -> None:
    """Draw the factor a step at the best rate over the momentum, a line for each ravine.

    best   where the formula says that each line is lowest: the momentum and the factor there.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_best_momentum({"κ = 9": [0.8, 0.5]}, [0, 0.25], {"κ = 9": (0.25, 0.5)}, ax=ax)
    >>> [line.get_label() for line in ax.lines]
    ['κ = 9', 'by the formula']
    """
    for (name, values), look in zip(factors.items(), looks(factors)):
        ax.plot(momenta, values, label=name, **(look | {"marker": ""}))
    at, low = np.transpose(list(best.values()))
    ring = {"color": INK, "markerfacecolor": "none", "markeredgewidth": 2.5}
    ax.plot(at, low, "o", markersize=13, label="by the formula", **ring)
    ax.set(xlabel="momentum ρ, each with its best rate", ylabel="factor a step", ylim=(0, 1.05))
    ax.set_title("The narrower the ravine, the more momentum it wants")
    legend_below(ax, columns=len(factors) + 1)


def draw_reached(
    reached: Mapping[str, Mapping[str, Array]], *, title: str, lowest: float = 1e-12, ax: Axes
) -> None:
    """Draw the values that rules reached on several grounds: {ground: {rule: values}}.

    A mark is the median over the starts, a bar holds their middle half; grounds stand one below the
    other. What lies below the lowest value shown is marked at the edge.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> found = {"ravine": {"Adam": np.array([1e-3, 1e-2, 1.0]), "AdaGrad": np.array([1e-30])}}
    >>> draw_reached(found, title="AdaGrad is ahead", ax=ax)
    >>> ax.lines[0].get_xdata().tolist()
    [0.01, 1e-12]
    """
    rules = list(next(iter(reached.values())))
    shifts = 0.22 * (np.arange(len(reached)) - (len(reached) - 1) / 2)
    for (ground, found), look, shift in zip(reached.items(), looks(reached), shifts):
        quarters = [np.quantile(found[rule], [0.25, 0.5, 0.75], method="nearest") for rule in rules]
        low, middle, high = np.maximum(np.transpose(quarters), lowest)
        rows = np.arange(len(rules)) + shift
        ax.hlines(rows, low, high, color=look["color"], linewidth=4, alpha=0.5)
        ax.plot(middle, rows, **(look | {"linestyle": ""}), markersize=11, label=ground)
    ax.set_yticks(range(len(rules)), rules)
    ax.set(xscale="log", xlim=(lowest / 5, 1e2), ylim=(len(rules) - 0.5, -0.5))
    ax.set_xticks([1e-12, 1e-8, 1e-4, 1.0], ["below", "10⁻⁸", "10⁻⁴", "1"])
    ax.set(xlabel="value reached", title=title)
    ax.minorticks_off()
    legend_below(ax, columns=len(reached))

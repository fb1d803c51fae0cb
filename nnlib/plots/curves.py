"""Lines, one for each name; means over seeds, with the range that the seeds fill."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import legend_below, legend_beside, looks

LEGENDS: dict[str, Callable] = {
    "inside": Axes.legend,
    "below": legend_below,
    "stacked": partial(legend_below, columns=1),
    "beside": legend_beside,
}


def draw_lines(
    curves: Mapping[str, Array],
    x: Array | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    every: int = 0,
    legend: str = "below",
    ax: Axes,
    **settings: Any,
) -> None:
    """Draw one line for each name, over x or over 0, 1, 2, ...

    every      how many points a mark stands for; 0 draws none.
    legend     where the names stand: inside, below, stacked below or beside the axes.
    settings   what else the axes are set to, such as yscale="log".

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> curves = {"halved": np.array([1.0, 0.5, 0.25])}
    >>> draw_lines(curves, xlabel="step", ylabel="y", title="Halved twice", yscale="log", ax=ax)
    >>> ax.lines[0].get_xydata()[-1], ax.get_yscale()
    (array([2.  , 0.25]), 'log')
    """
    marks = {"markevery": every, "markersize": 8} if every else {"marker": ""}
    for (name, values), look in zip(curves.items(), looks(curves)):
        places = np.arange(len(values)) if x is None else x
        ax.plot(places, values, label=name, **(look | marks))
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, **settings)
    if x is None:
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.minorticks_off()
    LEGENDS[legend](ax)


def draw_means(
    x: Sequence[float],
    arms: Mapping[str, Array],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    legend: str = "inside",
    ax: Axes,
    **settings: Any,
) -> None:
    """Draw the mean of each arm (x, seeds) over x, logarithmic, and the range of its seeds.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> arms = {"right": np.array([[0.5, 0.7], [0.8, 0.9]])}
    >>> draw_means([0.1, 1], arms, xlabel="rate", ylabel="accuracy", title="More is more", ax=ax)
    >>> ax.lines[0].get_ydata()
    array([0.6 , 0.85])
    """
    for (name, values), look in zip(arms.items(), looks(arms)):
        runs = np.reshape(values, (len(x), -1))
        ax.plot(x, runs.mean(axis=1), label=name, markersize=8, **look)
        ends = runs.min(axis=1), runs.max(axis=1)
        ax.fill_between(x, *ends, color=look["color"], alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale="log", **settings)
    few = x[:: -(-len(x) // 8)]  # as many as have room
    ax.set_xticks(few, [f"{place:g}" for place in few])
    ax.minorticks_off()
    LEGENDS[legend](ax)

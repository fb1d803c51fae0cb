"""The plane seen from above: lines of equal height, and what goes down them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nnlib.checks import Array
from nnlib.landscapes import Domain, Landscape
from nnlib.plots.canvas import GREEN, INK, PALE, looks


def grid(domain: Domain) -> list[Array]:
    """The coordinates of points close enough for smooth lines of equal height.

    >>> [axis.shape for axis in grid(((-1, 1), (0, 2)))]
    [(121, 121), (121, 121)]
    """
    return list(np.meshgrid(*(np.linspace(*ends, 121) for ends in domain)))


def bottom(landscape: Landscape, heights: Array) -> float:
    """The lowest that the landscape is known to come: at its minima, or at one of these heights."""
    return float(np.concatenate([landscape.value(landscape.minima), heights]).min(initial=np.inf))


def draw_lines_of_height(x: Array, y: Array, heights: Array, levels: Array, *, ax: Axes) -> None:
    """Draw the lines of these levels, which rise; none where there is no height but one."""
    if levels[0] < levels[-1]:
        ax.contour(x, y, heights, levels=levels, colors=PALE, linewidths=1)


def draw_level_sets(landscape: Landscape, p: Array, *, ax: Axes) -> None:
    """Draw the lines of equal height over the landscape's domain, the one through p dashed.

    >>> from nnlib.landscapes import bowl
    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_level_sets(bowl(3), np.array([1.0, 1.0]), ax=ax)
    >>> ax.get_xlim()
    (np.float64(-15.0), np.float64(15.0))
    """
    across, up = landscape.domain
    x, y = grid(landscape.domain)
    heights = landscape.value(np.stack([x, y]))
    known = heights[np.isfinite(heights)]
    low, high = bottom(landscape, known), np.quantile(known, 0.98) if known.size else np.nan
    levels = low + (high - low) * np.linspace(0.03, 1, 7) ** 2
    draw_lines_of_height(x, y, heights, levels, ax=ax)
    here = float(landscape.value(p))
    if low < here < np.max(known, initial=low):
        ax.contour(x, y, heights, levels=[here], colors=INK, linewidths=1.5, linestyles="--")
    ax.plot(*landscape.minima, "*", color=GREEN, markersize=16)
    ax.set(xlabel="x", ylabel="y", xlim=across, ylim=up, aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, prune="both"))
    ax.grid(False)


def draw_arrow(name: str, p: Array, way: Array, *, ax: Axes, **look: Any) -> None:
    """Draw an arrow from p; a line with a head, for a legend shows lines."""
    ax.plot(*np.transpose([p, p + way]), label=name, **look)
    head = (3, 0, np.degrees(np.arctan2(way[1], way[0])) - 90)
    ax.plot(*(p + way), marker=head, color=look["color"], markersize=12)


def draw_paths(
    landscape: Landscape,
    paths: Mapping[str, Array],
    *,
    title: str,
    window: Domain | None = None,
    ax: Axes,
) -> None:
    """Draw paths (steps, 2) over the level sets, one line for each name.

    window   the part of the plane that is shown, as a domain; None: the landscape's own.

    >>> from nnlib.experiments.lesson_01 import descend
    >>> from nnlib.landscapes import bowl
    >>> from nnlib.plots.canvas import new_figure
    >>> path = descend(bowl(3).gradient, np.array([1.0, 1.0]), rate=0.1, steps=5)
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_paths(bowl(3), {"rate 0.1": path}, title="Down", ax=ax)
    >>> len(ax.lines[-1].get_xdata())
    6
    """
    start = next(iter(paths.values()))[0]
    across, up = window or landscape.domain
    x, y = grid((across, up))
    heights = landscape.value(np.stack([x, y]))
    known = heights[np.isfinite(heights)]
    low = bottom(landscape, known)
    above = float(landscape.value(start)) - low or float(np.max(known, initial=low)) - low
    draw_lines_of_height(x, y, heights, low + above * np.linspace(0.1, 1.4, 6) ** 2, ax=ax)
    ax.plot(*landscape.minima, "*", color=GREEN, markersize=18, label="minimum")
    for (name, path), look in zip(paths.items(), looks(paths)):
        ax.plot(*path.T, label=name, markersize=6, linewidth=1.8, **{**look, "marker": "o"})
    ax.set(xlabel="x", ylabel="y", title=title, xlim=across, ylim=up)
    ax.grid(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(paths) + 1)

"""The pictures of lesson 01."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.vector_calculus import STEPS, Landscape, View, Ways
from nnlib.plots.canvas import BLUE, GREEN, GREY, INK, PALE, RED, SMALL, looks
from nnlib.plots.words import minus, short, two_decimals

FILLS = ["#FFFFFF", "#BFE3F5", "#F7DFA8", "#CDEBDD"]  # pale enough for black letters

# -- Ways down ------------------------------------------------------------------------------------


def draw_level_sets(landscape: Landscape, p: Array, *, size: float, ax: Axes) -> None:
    """Draw the lines of equal height over a square of this half side, the one through p dashed.

    >>> from nnlib.experiments.vector_calculus import bowl
    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_level_sets(bowl(3), np.array([1.0, 1.0]), size=2, ax=ax)
    >>> ax.get_xlim()
    (np.float64(-2.0), np.float64(2.0))
    """
    line = np.linspace(-size, size, 121)
    x, y = np.meshgrid(line, line)
    heights = landscape.value(np.stack([x, y]))
    spread = np.quantile(heights, 0.98) * np.linspace(0.03, 1, 7) ** 2
    ax.contour(x, y, heights, levels=spread, colors=PALE, linewidths=1)
    here = float(landscape.value(p))
    if heights.min() < here < heights.max():
        ax.contour(x, y, heights, levels=[here], colors=INK, linewidths=1.5, linestyles="--")
    ax.plot(*landscape.minimum, "*", color=GREEN, markersize=16)
    ax.set(xlabel="x", ylabel="y", xlim=(-size, size), ylim=(-size, size), aspect="equal")
    ticks = np.array([-2, -1, 0, 1, 2]) * size // 3
    ax.set(xticks=ticks, yticks=ticks)
    ax.grid(False)


def draw_ways(landscape: Landscape, p: Array, found: Ways, *, size: float, ax: Axes) -> None:
    """Draw three directions at a point: the one chosen, steepest descent, and to the minimum.

    >>> from nnlib.experiments.vector_calculus import bowl, ways
    >>> from nnlib.plots.canvas import new_figure
    >>> p, ax = np.array([10.0, 1.0]), new_figure(4, 4).add_subplot()
    >>> draw_ways(bowl(100), p, ways(bowl(100), p, 0.0), size=12, ax=ax)
    >>> ax.get_title()
    '−∇f misses the minimum by 78.6°'
    """
    draw_level_sets(landscape, p, size=size, ax=ax)
    ax.plot(*np.transpose([p, landscape.minimum]), ":", color=GREEN, label="to the minimum")
    steepness = float(np.linalg.norm(found.gradient))
    arrows = [("u", found.u, BLUE, "-")]
    if steepness > 0:
        arrows.append(("−∇f", -found.gradient / steepness, RED, "--"))
    for name, way, colour, line in arrows:
        draw_arrow(name, p, 0.28 * size * way, color=colour, linestyle=line, ax=ax)
    ax.plot(*p, "o", color=INK, markersize=8)
    off = f"−∇f misses the minimum by {found.off:.1f}°" if found.off > 0.05 else ""
    ax.set_title(off or ("−∇f points to the minimum" if steepness else "No way down: ∇f = 0"))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, columnspacing=1.2)


def draw_arrow(name: str, p: Array, way: Array, *, ax: Axes, **look: Any) -> None:
    """Draw an arrow from p; a line with a head, for a legend shows lines."""
    ax.plot(*np.transpose([p, p + way]), label=name, **look)
    head = (3, 0, np.degrees(np.arctan2(way[1], way[0])) - 90)
    ax.plot(*(p + way), marker=head, color=look["color"], markersize=12)


def draw_cosine(found: Ways, degrees: float, *, ax: Axes) -> None:
    """Draw the slope in every direction, the one chosen, and the steepest way down.

    >>> from nnlib.experiments.vector_calculus import bowl, ways
    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_cosine(ways(bowl(3), np.array([4.0, 1.0]), 0.0), 0.0, ax=ax)
    >>> ax.get_title()
    'slope 4.00 = 5.00 · cos 37°'
    """
    steepness = float(np.linalg.norm(found.gradient))
    ax.axhline(0, color=GREY, linewidth=1)
    ax.plot(np.linspace(0, 360, len(found.curve)), found.curve, color=INK)
    if steepness > 0:
        down = np.degrees(np.arctan2(*-found.gradient[::-1])) % 360
        ax.plot(down, -steepness, "s", color=RED, markersize=11)
        ax.text(down, -1.2 * steepness, "−∇f", color=RED, ha="center", va="center")
        product = f"{two_decimals(steepness)} · cos {found.theta:.0f}°"
        title = f"slope {two_decimals(found.slope)} = {product}"
    else:
        title = "slope 0 in every direction"
    ax.plot(degrees % 360, found.slope, "o", color=BLUE, markersize=11)
    lift = 0.19 * (steepness or 1)
    ax.text(degrees % 360, found.slope + lift, "u", color=BLUE, ha="center", va="center")
    ax.set(xlabel="direction of u, degrees", ylabel="slope along u", title=title)
    most = 1.35 * steepness or 1
    ax.set(xlim=(-12, 372), ylim=(-most, most), xticks=range(0, 361, 90))


# -- Steps ----------------------------------------------------------------------------------------


def draw_paths(landscape: Landscape, paths: Mapping[str, Array], *, title: str, ax: Axes) -> None:
    """Draw the steps of gradient descent over the level sets, one line for each name.

    >>> from nnlib.experiments.vector_calculus import bowl, descend
    >>> from nnlib.plots.canvas import new_figure
    >>> path = descend(bowl(3).gradient, np.array([1.0, 1.0]), rate=0.1, steps=5)
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_paths(bowl(3), {"rate 0.1": path}, title="Down", ax=ax)
    >>> len(ax.lines[-1].get_xdata())
    6
    """
    start = next(iter(paths.values()))[0]
    x, y = np.meshgrid(np.linspace(-2, 12, 141), np.linspace(-2, 2, 81))
    heights = landscape.value(np.stack([x, y]))
    levels = float(landscape.value(start)) * np.linspace(0.1, 1.4, 6) ** 2
    ax.contour(x, y, heights, levels=levels, colors=PALE, linewidths=1)
    ax.plot(*landscape.minimum, "*", color=GREEN, markersize=18)
    for (name, path), look in zip(paths.items(), looks(paths)):
        ax.plot(*path.T, label=name, markersize=6, linewidth=1.8, **{**look, "marker": "o"})
    ax.set(xlabel="x", ylabel="y", title=title, xlim=(-1, 11.5), ylim=(-2, 2))
    ax.grid(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(paths))


def draw_remainder(sizes: Array, gaps: Array, *, ax: Axes) -> None:
    """Draw how far J δx is from the true change, against the size of δx.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_remainder(np.array([1.0, 0.1]), np.array([2.0, 0.02]), ax=ax)
    >>> ax.lines[1].get_ydata()
    array([2.  , 0.02])
    """
    ax.loglog(sizes, gaps, "o", color=BLUE, markersize=10, label="‖δy − J δx‖")
    ax.loglog(sizes, gaps[0] * (sizes / sizes[0]) ** 2, "--", color=RED, label="∝ ‖δx‖²")
    ax.set(
        xlabel="‖δx‖",
        ylabel="what J leaves out",
        title="A tenth of the step, a hundredth of the error",
    )
    ax.minorticks_off()
    ax.legend()


# -- Arrays ---------------------------------------------------------------------------------------


def draw_entries(
    arrays: Mapping[str, Array], groups: Mapping[str, Array], *, axes: Sequence[Axes]
) -> None:
    """Draw matrices of words, one on each axes, every cell in the colour of its group.

    >>> from nnlib.plots.canvas import new_figure
    >>> axes = new_figure(8, 3).subplots(1, 2)
    >>> draw_entries({"a": np.array([["11", "12"]])}, {"a": np.array([[1, 2]])}, axes=axes[:1])
    >>> [text.get_text() for text in axes[0].texts]
    ['11', '12']
    """
    for (title, words), ax in zip(arrays.items(), axes, strict=True):
        height, width = words.shape
        for (i, j), word in np.ndenumerate(words):
            box = {"facecolor": FILLS[groups[title][i, j] % len(FILLS)], "edgecolor": INK}
            ax.add_patch(ax.patch.__class__((j, i), 1, 1, **box))
            ax.text(j + 0.5, i + 0.5, word, ha="center", va="center", fontsize=SMALL)
        ax.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
        ax.set_title(title, fontsize=15)
        ax.axis("off")


# -- Differences ----------------------------------------------------------------------------------


def draw_step_errors(steps: Array, curves: Mapping[str, Array], *, title: str, ax: Axes) -> None:
    """Draw the error of differences against the step, one line for each kind.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_step_errors(np.array([1e-2, 1e-4]), {"forward": np.array([1e-2, 0])}, title="", ax=ax)
    >>> ax.get_xlabel()
    'step h'
    """
    for (name, errors), look in zip(curves.items(), looks(curves)):
        shown = np.maximum(errors, 1e-17)  # an error of 0 has no place on a logarithmic axis
        ax.loglog(steps, shown, label=name, markevery=4, markersize=8, **look)
    ax.set(xlabel="step h", ylabel="error of the slope", title=title)
    ax.minorticks_off()
    ax.legend()


def draw_microscope(
    step: float, view: View, errors: Mapping[str, Array], tolerance: float, *, ax: Axes
) -> None:
    """Draw the error of a gradient check against the step, and where one stands on it.

    errors   by the kind of difference: the first is the one looked at, the second is grey.

    >>> from nnlib.experiments.vector_calculus import microscope
    >>> from nnlib.plots.canvas import new_figure
    >>> ax, view = new_figure(6, 4).add_subplot(), microscope(1e-6)
    >>> draw_microscope(1e-6, view, {"central": view.errors}, 1e-7, ax=ax)
    >>> ax.get_ylabel()
    'largest error of an entry'
    """
    low, high = 1e-12, 10.0
    ax.axhspan(low, tolerance, color=GREEN, alpha=0.13, linewidth=0)
    ax.text(1.3e-12, tolerance / 1.6, "passes", color="#00573F", va="top", fontsize=SMALL)
    power = "h²" if "central" in next(iter(errors)) else "h"
    ax.plot(STEPS, view.roundoff, ":", color=INK, linewidth=1.5, label="round-off ∝ 1/h")
    ax.plot(STEPS, view.truncation, "-.", color=INK, linewidth=1.5, label=f"truncation ∝ {power}")
    for (name, values), colour, line in zip(errors.items(), (BLUE, GREY), ("-", "--")):
        shown = np.clip(values, low, high)
        ax.plot(STEPS, shown, color=colour, linestyle=line, label=name, linewidth=2.5)
    ax.plot(step, np.clip(view.error, low, high), "o", color=RED, markersize=12, clip_on=False)
    ax.set(xscale="log", yscale="log", xlim=(1e-12, 0.1), ylim=(low, high))
    ax.set(xlabel="step h", ylabel="largest error of an entry")
    size = f"Error {short(view.error)}" if view.error > low else "No error"
    ax.set_title(f"{size} at step {short(step)}")
    powers = 10.0 ** np.arange(-12, 1, 3)
    ticks = [short(power) for power in powers]  # formulas as labels take thrice as long to draw
    ax.set_xticks(powers[:-1], ticks[:-1])
    ax.set_yticks(powers, ticks)
    ax.minorticks_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, columnspacing=1.0)


def draw_gaps(gaps: Array, tolerance: float, *, ax: Axes) -> None:
    """Draw the error of every entry of a gradient; those above the tolerance are boxed.

    Numbers stand in these and in the worst entry: one in each takes too long to draw.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_gaps(np.array([[1e-9, 0.5]]), 1e-7, ax=ax)
    >>> ax.get_title()
    '1 of 2 entries fails'
    """
    shades = np.log10(np.clip(np.nan_to_num(gaps, nan=1.0), 1e-12, 1))
    edges = [np.arange(n + 1) - 0.5 for n in gaps.shape[::-1]]
    ax.pcolormesh(*edges, shades, cmap="Oranges", vmin=-12, vmax=0)  # faster than an image
    ax.invert_yaxis()
    failed = ~(gaps <= tolerance)
    worst = np.unravel_index(np.where(np.isnan(gaps), np.inf, gaps).argmax(), gaps.shape)
    for i, j in {tuple(map(int, at)) for at in (*np.argwhere(failed), worst)}:
        gap = gaps[i, j]
        text = str(round(np.log10(gap))) if gap > 1e-15 else "–"
        colour = "white" if gap > 1e-3 else INK
        ax.text(j, i, minus(text), ha="center", va="center", color=colour, fontsize=14)
        if failed[i, j]:
            ax.plot(*frame(i, j), "-", color=INK, linewidth=2.5, clip_on=False)
    count = int(failed.sum())
    ax.set_title(f"{count or 'none'} of {gaps.size} entries {'fail' if count > 1 else 'fails'}")
    ax.set(xlabel="column of W\nnumber: log₁₀ of the error", ylabel="row of W")
    ax.set(xticks=range(gaps.shape[1]), yticks=range(gaps.shape[0]))
    ax.tick_params(length=0)
    ax.grid(False)


def frame(i: int, j: int) -> tuple[list[float], list[float]]:
    """The outline of a cell, a little inside it."""
    a, b = -0.46, 0.46
    return [j + d for d in (a, b, b, a, a)], [i + d for d in (a, a, b, b, a)]

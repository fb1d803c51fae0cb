"""The pictures of lesson 01."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.lesson_01 import STEPS, View, Ways
from nnlib.landscapes import Landscape
from nnlib.plots.canvas import BLUE, GREEN, GREY, INK, RED, SMALL
from nnlib.plots.curves import draw_lines
from nnlib.plots.landscapes import draw_arrow, draw_level_sets
from nnlib.words import minus, short, two_decimals

# -- Ways down ------------------------------------------------------------------------------------


def draw_ways(landscape: Landscape, p: Array, found: Ways, *, ax: Axes) -> None:
    """Draw three directions at a point: the one chosen, steepest descent, and to the minimum.

    >>> from nnlib.experiments.lesson_01 import ways
    >>> from nnlib.landscapes import bowl
    >>> from nnlib.plots.canvas import new_figure
    >>> p, ax = np.array([10.0, 1.0]), new_figure(4, 4).add_subplot()
    >>> draw_ways(bowl(100), p, ways(bowl(100), p, 0.0), ax=ax)
    >>> ax.get_title()
    '−∇f misses the minimum by 78.6°'
    """
    draw_level_sets(landscape, p, ax=ax)
    ax.plot(*np.transpose([p, landscape.nearest(p)]), ":", color=GREEN, label="to the minimum")
    steepness = float(np.linalg.norm(found.gradient))
    arrows = [("u", found.u, BLUE, "-")]
    if steepness > 0:
        arrows.append(("−∇f", -found.gradient / steepness, RED, "--"))
    length = 0.14 * np.ptp(landscape.domain[0])
    for name, way, colour, line in arrows:
        draw_arrow(name, p, length * way, color=colour, linestyle=line, ax=ax)
    ax.plot(*p, "o", color=INK, markersize=8)
    off = f"−∇f misses the minimum by {found.off:.1f}°" if found.off > 0.05 else ""
    ax.set_title(off or ("−∇f points to the minimum" if steepness else "No way down: ∇f = 0"))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, columnspacing=1.2)


def draw_cosine(found: Ways, degrees: float, *, ax: Axes) -> None:
    """Draw the slope in every direction, the one chosen, and the steepest way down.

    >>> from nnlib.experiments.lesson_01 import ways
    >>> from nnlib.landscapes import bowl
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


# -- Differences ----------------------------------------------------------------------------------


def draw_step_errors(steps: Array, curves: Mapping[str, Array], *, title: str, ax: Axes) -> None:
    """Draw the error of differences against the step, one line for each kind.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_step_errors(np.array([1e-2, 1e-4]), {"forward": np.array([1e-2, 0])}, title="", ax=ax)
    >>> ax.get_xlabel()
    'step h'
    """
    shown = {name: np.maximum(errors, 1e-17) for name, errors in curves.items()}  # 0 has no place
    names = {"xlabel": "step h", "ylabel": "error of the slope", "title": title}
    scales = {"xscale": "log", "yscale": "log"}
    draw_lines(shown, steps, **names, **scales, every=4, legend="inside", ax=ax)


def draw_microscope(
    step: float, view: View, errors: Mapping[str, Array], tolerance: float, *, ax: Axes
) -> None:
    """Draw the error of a gradient check against the step, and where one stands on it.

    errors   by the kind of difference: the first is the one looked at, the second is grey.

    >>> from nnlib.experiments.lesson_01 import microscope
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

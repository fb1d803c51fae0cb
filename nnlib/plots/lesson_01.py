"""The pictures of lesson 01."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.lesson_01 import STEPS, View, Ways
from nnlib.landscapes import Landscape
from nnlib.plots.canvas import BLUE, GREEN, GREY, INK, PALE, RED, SMALL
from nnlib.plots.curves import draw_lines
from nnlib.plots.landscapes import draw_arrow, draw_level_sets
from nnlib.words import minus, short, two_decimals

CENTRED = {"ha": "center", "va": "center"}
BOX = {"facecolor": "white", "edgecolor": INK, "boxstyle": "round,pad=0.25"}
LINK = {
    "color": INK,
    "fontsize": SMALL,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 2},
}

# -- Ways down ------------------------------------------------------------------------------------


def draw_fog(landscape: Landscape, p: Array, *, ax: Axes) -> None:
    """Draw where somebody stands, and no way down: that is for the class to find.

    >>> from nnlib.landscapes import bowl
    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_fog(bowl(100), np.array([10.0, 1.0]), ax=ax)
    >>> ax.texts[-1].get_text()
    'you'
    """
    draw_level_sets(landscape, p, ax=ax)
    ax.plot(*p, "o", color=INK, markersize=11)
    ax.annotate("you", p, (0, 14), textcoords="offset points", ha="center", fontsize=SMALL)
    ax.set_title("Which way does the ground fall most?")


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


# -- The way back ---------------------------------------------------------------------------------


def draw_way_back(
    values: Mapping[str, Array],
    slopes: Sequence[Array],
    links: Sequence[Array],
    *,
    title: str,
    ax: Axes,
) -> None:
    """Draw a network: a place for each number, its value, and below it the loss's slope by it.

    slopes   of the last number by all others, in the shape of the values.
    links    the Jacobian of each layer of values by the one before; where it is 0 there is no line.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> three, one = np.array([3.0]), np.ones(1)
    >>> layers, links = {"x": three, "L": three**2}, [6 * np.eye(1)]
    >>> draw_way_back(layers, [6 * one, one], links, title="A square", ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['6', 'x = 3', 'dx = 6', 'L = 9', 'dL = 1', 'values forward', 'derivatives back']
    """
    places = [np.linspace(1, -1, 2 * len(layer) + 1)[1::2] for layer in values.values()]
    for k, J in enumerate(links):
        for i, j in np.argwhere(J):
            ends = places[k][j], places[k + 1][i]
            ax.plot([k, k + 1], ends, "-", color=PALE, linewidth=2, zorder=0)
            ax.text(k + 0.36, np.interp(0.36, [0, 1], ends), short(J[i, j]), **LINK, **CENTRED)
    for k, ((name, layer), back) in enumerate(zip(values.items(), slopes, strict=True)):
        for i, (value, slope) in enumerate(zip(layer, back, strict=True)):
            own = f"{name}{'₁₂₃₄₅₆₇₈₉'[i]}" if len(layer) > 1 else name
            x, y = k, places[k][i]
            ax.text(x, y + 0.11, f"{own} = {short(value)}", color=BLUE, bbox=BOX, **CENTRED)
            ax.text(x, y - 0.14, f"d{own} = {short(slope)}", color=RED, bbox=BOX, **CENTRED)
    last = len(links)
    for text, height, (start, end), colour in (
        ("values forward", 1.12, (0, last), BLUE),
        ("derivatives back", -1.12, (last, 0), RED),
    ):
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "mutation_scale": 18}
        ax.annotate("", (end, height), (start, height), arrowprops=arrow)
        ax.text(last / 2, height, text, color=colour, bbox=BOX | {"edgecolor": "white"}, **CENTRED)
    ax.set(xlim=(-0.4, last + 0.4), ylim=(-1.25, 1.25), title=title)
    ax.axis("off")


# -- Differences ----------------------------------------------------------------------------------


def draw_corner(h: float, *, ax: Axes) -> None:
    """Draw ReLU's corner, its slope on either side, and the chord of a central difference.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_corner(0.5, ax=ax)
    >>> [line.get_label() for line in ax.lines[:2]]
    ['y = max(0, w)', 'central difference: slope ½']
    """
    w = np.array([-1.0, 0.0, 1.0])
    ax.plot(w, np.maximum(0, w), "-", color=INK, label="y = max(0, w)")
    chord = np.array([-h, h])
    look = {"color": RED, "marker": "o", "markersize": 9, "linestyle": "--"}
    ax.plot(chord, np.maximum(0, chord), label="central difference: slope ½", **look)
    beside = {"color": BLUE, "fontsize": SMALL, "va": "bottom"}
    ax.text(-1, 0.04, "from the left: slope 0", **beside)
    ax.text(0.3, 0.12, "from the right: slope 1", **beside)
    ax.set(xlabel="weight w", ylabel="y", title="On the corner the chord has a slope of its own")
    ax.legend(loc="upper left")


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
    size = "No digit left" if view.error == np.inf else size
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
    pale = 6  # so that dark numbers can be read on the strongest cell
    ax.pcolormesh(*edges, shades, cmap="Oranges", vmin=-12, vmax=pale)  # faster than an image
    ax.invert_yaxis()
    failed = ~(gaps <= tolerance)
    worst = np.unravel_index(np.where(np.isnan(gaps), np.inf, gaps).argmax(), gaps.shape)
    for i, j in {tuple(map(int, at)) for at in (*np.argwhere(failed), worst)}:
        gap = gaps[i, j]
        text = str(round(np.log10(gap))) if 1e-15 < gap < np.inf else "–"
        text = "∞" if gap == np.inf else text
        ax.text(j, i, minus(text), color=INK, fontsize=14, **CENTRED)
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

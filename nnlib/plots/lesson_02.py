"""The pictures of lesson 02."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, RED, SKY, SMALL, legend_below, looks
from nnlib.plots.curves import draw_means
from nnlib.words import minus, short

# -- Networks -------------------------------------------------------------------------------------


def draw_network(
    values: Mapping[str, Array],
    links: Sequence[Array | str],
    slopes: Mapping[str, Array],
    *,
    title: str,
    ax: Axes,
) -> None:
    """Draw a small network: values forward in its circles, derivatives back below them.

    values   the numbers of each column by its letter, the input first; zeros are drawn too.
    links    between each column and the next: weights (out, in) or a function of each entry.
    slopes   the derivative of the loss by each number, by the same letters.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 3).add_subplot()
    >>> values, slopes = {"x": np.array([3.0]), "y": np.array([6.0])}, {"x": [2.0], "y": [1.0]}
    >>> draw_network(values, [np.array([[2.0]])], slopes, title="Twice", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['2', 'x', '3', '2', 'y', '6', '1']
    """
    heights = [
        -1.6 * (np.arange(len(column)) - (len(column) - 1) / 2) for column in values.values()
    ]
    for k, link in enumerate(links):
        draw_links(k, heights[k], heights[k + 1], link, ax)
    middle = {"ha": "center", "va": "center"}
    for k, (name, column) in enumerate(values.items()):
        for i, (value, slope, y) in enumerate(zip(column, slopes[name], heights[k])):
            letter = name + (below(i + 1) if len(column) > 1 else "")
            ax.plot(k, y, "o", color="white", markeredgecolor=BLUE, markersize=38, mew=2.5)
            ax.text(k, y + 0.56, letter, color=INK, fontsize=SMALL, **middle)
            ax.text(k, y, short(value), color=BLUE, weight="bold", fontsize=SMALL, **middle)
            ax.text(k, y - 0.56, short(slope), color=RED, weight="bold", **middle)
    reach = max(height.max() for height in heights)
    ax.set(xlim=(-0.4, len(values) - 0.6), ylim=(-reach - 0.8, reach + 0.75), title=title)
    ax.axis("off")


def draw_links(k: int, starts: Array, ends: Array, link: Array | str, ax: Axes) -> None:
    """Draw the links from column k to the next: their weights, or the function's name."""
    for j, start in enumerate(starts):
        for i, end in enumerate(ends):
            if isinstance(link, str) and i != j:
                continue
            weight = link if isinstance(link, str) else short(link[i, j])
            ax.plot([k, k + 1], [start, end], "-", color=PALE, linewidth=2, zorder=0)
            at = 0.5 if isinstance(link, str) else 0.3
            place = k + at, start + at * (end - start)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            ax.text(*place, weight, color=GREY, ha="center", va="center", bbox=box)


def below(index: int) -> str:
    """An index as it is written below a letter.

    >>> f"x{below(12)}"
    'x₁₂'
    """
    return str(index).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


# -- Curves ---------------------------------------------------------------------------------------


def draw_point_on_curve(
    x: float, everywhere: Array, y: Array, slopes: Array, *, name: str, ax: Axes
) -> None:
    """Draw an activation and its slope over x, with a mark on both where x is.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax, x = new_figure(8, 4).add_subplot(), np.linspace(-2, 2, 5)
    >>> draw_point_on_curve(1.0, x, x**2, 2 * x, name="square", ax=ax)
    >>> ax.get_title()
    'Slope 2 at 1'
    """
    at = np.argmin(np.abs(everywhere - x))
    ax.plot(everywhere, y, color=BLUE)
    ax.plot(everywhere, slopes, "--", color=RED)
    ax.plot([x, x], [y[at], slopes[at]], "o", color=INK, markersize=9, clip_on=False)
    ax.axvline(x, ymax=0.74, color=GREY, linestyle=":", linewidth=1.5)
    title = minus(f"Slope {short(slopes[at])} at {x:g}")
    ax.set(xlabel="x", ylabel="value, slope", title=title, xlim=everywhere[[0, -1]])
    low, high = min(y.min(), -0.2), max(y.max(), 1.0)
    ax.set_ylim(low - 0.05 * (high - low), high + 0.35 * (high - low))
    ax.set_xticks([-5, 0, 5])
    ax.yaxis.get_major_locator().set_params(nbins=4)
    name_two_lines(ax, name, "its slope")


def draw_signal_and_gradient(signal: Array, gradient: Array, *, ax: Axes) -> None:
    """Draw the size of the signal going up through the layers and of the gradient coming down.

    Sizes below 1e-16 and far above 1e12 leave the frame.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_signal_and_gradient(np.ones(3), np.array([0.01, 0.1, 1.0]), ax=ax)
    >>> ax.get_title()
    'Gradient × 0.01'
    """
    few = max(1, len(signal) // 6)
    ax.semilogy(signal, "-o", color=BLUE, markevery=few)
    ax.semilogy(gradient, "--s", color=RED, markevery=few)
    ends = np.concatenate([signal, gradient])
    low, high = max(min(ends.min(), 0.1), 1e-16), min(max(ends.max(), 10), 1e12)
    room = (high / low) ** 0.4  # for the legend
    ax.set(ylim=(low / 2, high * room), xlabel="layer", ylabel="typical size")
    ax.set_title(f"Gradient × {short(gradient[0] / gradient[-1])}")
    ax.xaxis.get_major_locator().set_params(integer=True, nbins=3)
    ax.yaxis.get_major_locator().set_params(numticks=4)
    ax.minorticks_off()
    name_two_lines(ax, "signal", "gradient")


def name_two_lines(ax: Axes, solid: str, dashed: str) -> None:
    """Say which line is which: a panel waits for a legend three times as long."""
    for height, text, colour in ((0.97, f"solid: {solid}", BLUE), (0.86, f"dashed: {dashed}", RED)):
        ax.text(0.04, height, text, color=colour, fontsize=SMALL, va="top", transform=ax.transAxes)


# -- Softmax --------------------------------------------------------------------------------------


def draw_moved_scores(rows: Mapping[str, Array], *, title: str, ax: Axes) -> None:
    """Draw the same scores on a line for each way to move them; those that meet are said to.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 3).add_subplot()
    >>> rows = {"as they are": np.array([60.0, 55.0]), "clipped": np.array([50.0, 50.0])}
    >>> draw_moved_scores(rows, title="Two become one", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['z₁', 'z₂', 'z₁ = z₂']
    """
    for row, scores in enumerate(rows.values()):
        ax.axhline(-row, color=PALE, linewidth=1.5, linestyle="-", zorder=0)
        ax.plot(scores, np.full(len(scores), -row), "o", color=BLUE, markersize=11)
        for score in dict.fromkeys(scores):
            met = " = ".join(f"z{below(i + 1)}" for i, one in enumerate(scores) if one == score)
            look = {"color": RED, "weight": "bold"} if "=" in met else {"color": INK}
            ax.text(score, 0.2 - row, met, ha="center", va="bottom", fontsize=SMALL, **look)
    ax.set(xlabel="score", ylabel="", title=title, ylim=(0.4 - len(rows), 0.75))
    ax.set_yticks([-row for row in range(len(rows))], list(rows))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")


def draw_beside_truth(
    got: Array, truth: Array, *, labels: Sequence[str], ylabel: str, title: str, ax: Axes
) -> None:
    """Draw a bar for each entry beside the outline of the true one; nan is written, not drawn.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> two = np.array([np.nan, 0.5])
    >>> draw_beside_truth(two, two, labels="ab", ylabel="p", title="One is lost", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['nan']
    """
    places = np.arange(len(got))
    ax.bar(places - 0.19, np.nan_to_num(truth), 0.36, color="white", edgecolor=INK, label="true")
    ax.bar(places + 0.19, np.nan_to_num(got), 0.36, color=BLUE, label="computed")
    for place in places[np.isnan(got)]:
        ax.text(place + 0.22, 0.03, "nan", ha="center", color=RED, fontsize=12, weight="bold")
    signed = truth.min(initial=0) < 0 or np.nan_to_num(got).min() < 0
    ax.set(ylabel=ylabel, title=title, ylim=(-1.1 if signed else 0, 1.35), xlabel="score")
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_yticks([-1, -0.5, 0, 0.5, 1] if signed else [0, 0.5, 1])
    ax.set_xticks(places, labels)
    ax.grid(False, axis="x")
    ax.legend(loc="upper right", ncols=2, borderpad=0)


# -- One hidden layer -----------------------------------------------------------------------------


def draw_two_planes(
    points: Array, features: Array, labels: Array, *, axes: Sequence[Axes], line: Callable
) -> None:
    """Draw labelled points as they are and in the hidden layer, there with a line between them.

    At each place stand its label and the points of the input that lie there.

    line   the second coordinate of the line from the first.

    >>> from nnlib.plots.canvas import new_figure
    >>> axes = new_figure(9, 4).subplots(1, 2)
    >>> points = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> draw_two_planes(points, 2 * points, np.array([0, 1]), axes=axes, line=lambda h: 1 - h)
    >>> [text.get_text() for text in axes[1].texts]
    ['0', '(0, 0)', '1', '(1, 1)']
    """
    for ax, places in zip(axes, (points, features), strict=True):
        for label, marker, colour in ((0, "o", BLUE), (1, "s", RED)):
            look = {"markerfacecolor": "white", "markeredgecolor": colour, "markersize": 19}
            ax.plot(*places[labels == label].T, marker, **look, markeredgewidth=3)
        for place in np.unique(places, axis=0):
            there = points[(places == place).all(axis=1)]
            names = "\n".join(f"({a:g}, {b:g})" for a, b in there)
            square = labels[(places == place).all(axis=1)][0]
            above = {"xytext": (0, -14), "va": "top"} if square else {"xytext": (0, 13)}
            ax.text(*place, f"{square:g}", color=INK, weight="bold", ha="center", va="center")
            ax.annotate(
                names, place, **above, ha="center", fontsize=SMALL, textcoords="offset points"
            )
        low, high = places.min(axis=0) - [0.5, 0.6], places.max(axis=0) + [0.5, 0.5]
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    h = np.array(axes[1].get_xlim())
    axes[1].plot(h, line(h), "--", color=INK, linewidth=2)
    axes[0].set(xlabel="x₁", ylabel="x₂", title="No line parts these")
    axes[1].set(xlabel="h₁", ylabel="h₂", title="In the hidden layer, one does")


def draw_fits(
    target: Callable, fits: Mapping[str, Callable], *, title: str, reach: float = 2.0, ax: Axes
) -> None:
    """Draw a function and its approximations, the interval that they were made on shaded.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_fits(np.sin, {"itself": np.sin}, title="Inside and outside", ax=ax)
    >>> len(ax.lines)
    2
    """
    t = np.linspace(-reach, reach, 401)
    values = {name: fit(t) for name, fit in fits.items()}
    draw_approximations(t, target(t), values, title=title, ax=ax)


def draw_approximations(
    t: Array, target: Array, fits: Mapping[str, Array], *, title: str, ax: Axes
) -> None:
    """Draw what a function and its approximations are at each t, [-1, 1] shaded.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax, t = new_figure(9, 4).add_subplot(), np.linspace(-2, 2, 9)
    >>> draw_approximations(t, t**2, {"itself": t**2}, title="Inside and outside", ax=ax)
    >>> ax.get_xlim()
    (np.float64(-2.0), np.float64(2.0))
    """
    ax.axvspan(-1, 1, color=SKY, alpha=0.2, linewidth=0)
    ax.plot(t, target, color=INK, linewidth=5, alpha=0.35, label="target")
    for (name, fit), look in zip(fits.items(), looks(fits)):
        ax.plot(t, fit, label=name, color=look["color"], linestyle=look["linestyle"])
    inside = target[abs(t) <= 1]
    low, high = inside.min(), inside.max()
    room = 0.7 * (high - low)
    ax.set(ylim=(low - room, high + room), xlim=t[[0, -1]], title=title)
    ax.set(xlabel="t  (made on the shaded part)", ylabel="value")
    legend_below(ax)


def draw_errors_by_width(
    widths: Sequence[int],
    errors: Mapping[str, Array],
    *,
    title: str,
    at: int | None = None,
    ax: Axes,
) -> None:
    """Draw the largest error (widths, seeds) against the number of hidden units, both logarithmic.

    at   a width to mark.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 4).add_subplot()
    >>> draw_errors_by_width([1, 2], {"a": np.array([1.0, 0.25])}, title="A quarter", ax=ax)
    >>> ax.lines[0].get_ydata()
    array([1.  , 0.25])
    """
    shown = {name: np.maximum(values, 1e-12) for name, values in errors.items()}
    legend = "beside" if len(errors) > 2 else "stacked"
    names = {"xlabel": "hidden units", "ylabel": "largest error", "title": title}
    draw_means(widths, shown, **names, legend=legend, yscale="log", ax=ax)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.005), max(high, 2))
    if at is not None:
        ax.axvline(at, color=PALE, linewidth=6, zorder=0)

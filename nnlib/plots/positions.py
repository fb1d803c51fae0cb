"""Positions as sinusoids: the matrix as a picture, its pairs as a clock's hands, inner products."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, RED
from nnlib.words import short

READING = "sine (solid here, dashed steps on, ring by R)"
DIALS, ACROSS = 6, 3  # as many as can be read, and in a row
WIDE, HIGH = 4.3, 2.5  # the room of a dial of radius 1, with what stands at its right


def draw_encoding(PE: Array, *, marked: Sequence[int] = (), title: str, ax: Axes) -> None:
    """Draw a positional encoding (T, d): a row a position, orange where negative, else violet.

    marked   at most two rows that lines point out, the first in blue, the second in red.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_encoding(np.eye(3, 2), marked=[2], title="Three positions", ax=ax)
    >>> ax.images[0].get_array().shape, ax.lines[0].get_ydata()
    ((3, 2), [2, 2])
    """
    ax.imshow(PE, cmap="PuOr", vmin=-1.2, vmax=1.2, aspect="auto")
    for row, colour, line in zip(marked, (BLUE, RED), ("-", "--")):
        ax.axhline(row, color=colour, linestyle=line, linewidth=2.5)
    ax.set(xlabel="column: violet 1, orange −1", ylabel="position", title=title)
    ax.set(ylim=(len(PE) - 0.5, -0.5))
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1, nbins=5)
    ax.grid(False)


def draw_hands(
    here: Array,
    there: Array,
    turned: Array,
    wavelengths: Array,
    *,
    title: str,
    ax: Axes,
) -> None:
    """Draw pairs of columns as clocks: the hand of a position, and that of one some steps on.

    Of many pairs some are shown, evenly chosen.

    Shapes   here, there, turned (n, 2), wavelengths (n,)

    turned   where the rotation takes the first hand.

    >>> from nnlib.experiments.positions import positions
    >>> from nnlib.plots.canvas import new_figure
    >>> ax, found = new_figure(6, 3).add_subplot(), positions(d=4)
    >>> hands = found.here, found.there, found.turned
    >>> draw_hands(*hands, found.wavelengths, title="Two clocks", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['i = 0\\nλ 6.28', 'i = 1\\nλ 628']
    """
    n = len(wavelengths)
    shown = np.unique(np.linspace(0, n - 1, min(n, DIALS)).round().astype(int))
    down, across = np.divmod(np.arange(len(shown)), ACROSS)
    centres = np.stack([WIDE * across, -HIGH * down], axis=-1)
    hours = np.arange(12) * np.pi / 6
    face = centres[:, None] + np.stack([np.sin(hours), np.cos(hours)], axis=-1)
    ax.plot(*face.reshape(-1, 2).T, "o", color=PALE, markersize=2.5)
    for ends, colour, line in ((here, BLUE, "-"), (there, RED, "--")):
        each = np.stack([centres, centres + ends[shown]], axis=1)
        ax.add_collection(LineCollection(each, colors=colour, linestyles=line, linewidths=3))
    ring = {"color": INK, "markerfacecolor": "none", "markersize": 8, "markeredgewidth": 1.5}
    ax.plot(*(centres + turned[shown]).T, "o", **ring)
    for i, (x, y) in zip(shown, centres):
        text = f"i = {i}\nλ {short(wavelengths[i], 3)}"
        ax.text(x + 1.2, y, text, va="center", fontsize=12, color=INK)
    xlim, ylim = (-1.2, WIDE * (across.max() + 1) - 1.2), (-HIGH * (down.max() + 0.5), HIGH / 2)
    ax.set(xlim=xlim, ylim=ylim, aspect="equal", title=title)
    ax.set(xlabel=READING, ylabel="cosine", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def draw_products(
    from_start: Array,
    from_here: Array,
    *,
    shift: int | None = None,
    title: str,
    ax: Axes,
) -> None:
    """Draw the inner products of two positions, 0 and another, with those 0, 1, 2, ... steps on.

    shift   a distance at which the second line has a dot.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 3).add_subplot()
    >>> draw_products(np.ones(2), np.array([1, 0.4]), shift=1, title="Less", ax=ax)
    >>> ax.lines[-1].get_xydata().tolist()
    [[1.0, 0.4]]
    """
    ax.axhline(0, color=GREY, linewidth=1, linestyle="-")
    ax.plot(from_start, color=PALE, linestyle="-", linewidth=5, antialiased=False)
    size = 4 if len(from_here) <= 100 else 2  # each has its dot
    ax.plot(from_here, "o", color=BLUE, markersize=size)
    if shift is not None:
        ax.plot(shift, from_here[shift], "o", color=RED, markersize=10, clip_on=False)
    steps = "steps on: from 0 grey, from here blue"  # the same at each step of a slider
    ax.set(xlabel=steps, ylabel="inner product", title=title, xlim=(-0.5, len(from_here) - 0.5))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.yaxis.get_major_locator().set_params(nbins=4)
    ax.grid(False)

"""Pictures of document C's encoder: who reaches the loss by which way, and curves without names."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, INK, PALE, RED, looks

ROLES = {"queries": "query", "keys": "key", "values": "value", "residual": "residual"}


def draw_ways(arrivals: Mapping[str, Array], *, ax: Axes) -> None:
    """Draw who reaches the loss by which way; where nothing comes back, a line crossed out.

    arrivals   what comes back to the rows by each way; the last row is the class token's.

    Shapes   each (n + 1, d)

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4.5).add_subplot()
    >>> draw_ways({"values": np.ones((3, 2)), "residual": np.eye(3)[:, 2:]}, ax=ax)
    >>> [line.get_label() for line in ax.lines if line.get_linestyle() == "--"]
    ['a token, residual']
    """
    rows = {"a token": slice(0, -1), "the class token": slice(-1, None)}
    heights = np.linspace(1.5, -1.5, len(arrivals))
    for (who, own), y in zip(rows.items(), (1, -1)):
        for (way, gradient), height in zip(arrivals.items(), heights):
            arrives = bool(np.any(gradient[own]))
            look = {"color": BLUE, "ls": "-"} if arrives else {"color": RED, "ls": "--"}
            ax.plot([0, 2], [y, height], label=f"{who}, {ROLES[way]}", **look)
            if not arrives:
                ax.plot(1.2, y + 0.6 * (height - y), "X", color=RED, ms=14)
        box(ax, 0, y, who)
    for way, height in zip(arrivals, heights):
        ax.plot([2, 4], [height, 0], "-", color=BLUE)
        box(ax, 2, height, ROLES[way])
    ax.plot([4, 5.4], [0, 0], "-", color=BLUE)
    box(ax, 4, 0, "the class token's\nrow of $h_2$")
    box(ax, 5.4, 0, "loss")
    ax.set(xlim=(-0.7, 5.8), ylim=(-1.9, 1.9))
    ax.set_title("A token reaches the loss by key and value, the class token by all four")
    ax.axis("off")


def box(ax: Axes, x: float, y: float, text: str) -> None:
    """Write a word in a frame."""
    frame = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": INK}
    ax.text(x, y, text, ha="center", va="center", bbox=frame, fontsize=14)


def draw_vote(curves: Mapping[str, Array], steps: Array, *, title: str, ax: Axes) -> None:
    """Draw the mean of each curve (seeds, points), and beside them where its seeds have ended.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4.5).add_subplot()
    >>> draw_vote({"A": np.array([[0, 0.5], [0, 0.7]])}, np.array([0, 300]), title="A?", ax=ax)
    >>> [line.get_ydata().tolist() for line in ax.lines[:2]], ax.texts[0].get_text()
    ([[0.0, 0.6], [0.5, 0.7]], 'A')
    """
    last = steps[-1]
    for k, ((name, values), look) in enumerate(zip(curves.items(), looks(curves)), start=1):
        place, ends = last * (1 + 0.05 * k), values[:, -1]
        ax.plot(steps, values.mean(axis=0), markevery=3, markersize=9, **look)
        dots = look | {"linestyle": "", "markersize": 9, "alpha": 0.6}
        ax.plot([place] * len(ends), ends, **dots)
        ax.text(place, ends.max() + 0.03, name, ha="center", fontsize=16, fontweight="bold")
    ax.axvline(last, color=PALE, linewidth=1)
    ax.set(xlabel="steps taken", ylabel="accuracy on other digits", title=title, ylim=(0, 1))
    beyond = 0.05 * (len(curves) + 1)
    ticks = [*np.linspace(0, last, 7)[:-1].round(), last * (1 + beyond / 2)]
    ax.set_xticks(ticks, [*(f"{tick:g}" for tick in ticks[:-1]), "the ends, by seed"])
    ax.set_xlim(0, last * (1 + beyond))

"""The pictures of lesson 00."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, INK, ORANGE, PALE, RED, SKY
from nnlib.plots.words import minus

FILLS = [PALE, RED, ORANGE, SKY, "white"]


def draw_claims(counts: Mapping[str, Sequence[int]], verdicts: Sequence[str], *, ax: Axes) -> None:
    """Draw a bar for each document, cut into as many parts as there are verdicts on its claims."""
    columns = np.array(list(counts.values())).T
    left = np.cumsum(columns, axis=0) - columns
    for verdict, column, start, colour in zip(verdicts, columns, left, FILLS, strict=False):
        hatch = "///" if verdict == "wrong" else ""
        bars = ax.barh(
            list(counts),
            column,
            left=start,
            color=colour,
            edgecolor=INK,
            hatch=hatch,
            label=verdict,
        )
        box = {"facecolor": colour, "edgecolor": "none", "pad": 2}
        for bar, n in zip(bars, column, strict=True):
            if n > 2:  # else the number is wider than its bar
                ax.annotate(str(n), bar.get_center(), ha="center", va="center", bbox=box)
    wrong, total = columns[list(verdicts).index("wrong")].sum(), columns.sum()
    ax.set(xlabel="claims", title=f"{total} claims, {wrong} of them wrong")
    ax.set(xlim=(0, 1.5 * columns.sum(axis=0).max()), ylim=(len(counts) - 0.4, -0.6))
    ax.grid(False, axis="y")
    ax.legend(loc="center right")


def draw_slope(x: float, y: float, slope: float, *, curve: tuple[Array, Array], ax: Axes) -> None:
    """Draw a curve, a point on it and the tangent there."""
    ax.plot(*curve, color=INK)
    near = np.array([-2.0, 2.0])
    ax.plot(x + near, y + slope * near, "--", color=RED)
    ax.plot(x, y, "o", color=RED, markersize=11, clip_on=False)
    ax.set(xlabel="x", ylabel="y = sigmoid(x)", ylim=(-0.25, 1.25), xlim=curve[0][[0, -1]])
    ax.set_title(minus(f"slope {slope:.3f} at x = {x:g}"))


def draw_losses(curves: Mapping[str, Sequence[float]], *, title: str, ax: Axes) -> None:
    """Draw the loss against the steps, one line for each name, close to the lowest loss."""
    lowest = min(map(min, curves.values()))
    for (name, losses), colour, line in zip(curves.items(), (BLUE, RED), ("-", "--"), strict=True):
        ax.plot(losses, color=colour, linestyle=line, label=name)
    ax.set(xlabel="steps taken", ylabel="loss", title=title, ylim=(0.98 * lowest, 1.3 * lowest))
    ax.legend()

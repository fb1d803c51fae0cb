"""The pictures of lesson 00."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.documents.verdicts import VERDICTS
from nnlib.plots.canvas import INK, RED
from nnlib.words import minus


def draw_claims(counts: Mapping[str, Mapping[str, int]], *, ax: Axes) -> None:
    """Draw a bar for each document, cut into a part for each verdict on its claims."""
    left = np.zeros(len(counts), int)
    for name, (meaning, colour, _) in VERDICTS.items():
        column = np.array([row.get(name, 0) for row in counts.values()])
        if column.any():
            hatch = "///" if name == "wrong" else ""
            bars = ax.barh(list(counts), column, left=left, color=colour, edgecolor="white",
                           hatch=hatch, label=meaning)  # fmt: skip
            for bar, n in zip(bars, column, strict=True):
                if n > 2:  # else the number is wider than its bar
                    box = {"facecolor": colour, "edgecolor": "none", "pad": 2}
                    ax.annotate(str(n), bar.get_center(), ha="center", va="center", bbox=box,
                                color="white", weight="bold")  # fmt: skip
            left += column
    wrong = sum(row.get("wrong", 0) for row in counts.values())
    ax.set(xlabel="claims", title=f"{left.sum()} claims, {wrong} of them wrong")
    ax.set(xlim=(0, 1.5 * left.max()), ylim=(len(counts) - 0.4, -0.6))
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

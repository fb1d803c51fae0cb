"""The pictures of lesson 00."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.documents.verdicts import VERDICTS
from nnlib.plots.canvas import BLUE, INK, PALE, RED, SMALL, legend_below
from nnlib.words import counted, minus

SIDE = 10.0  # of the image; units and outputs stand in columns of the same height
MIDDLE, RIGHT, WIDE = 15.0, 22.0, 6.0  # where they stand; the length of an output of 1
THICK = 3.5  # points; the line of what pushes most


def draw_reading(
    image: Array, units: Array, pushes: Array, outputs: Array, *, title: str, ax: Axes
) -> None:
    """Draw an image, the numbers that a network makes of it, and the outputs made of these.

    pushes   what each unit adds to the score of the largest output: a line, the thicker the more,
             blue for what raises it and red, in dashes, for what lowers it.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax, outputs = new_figure(9, 4).add_subplot(), np.array([0.1, 0.9])
    >>> draw_reading(np.eye(8), np.ones(1), np.ones(1), outputs, title="A stroke", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['64 pixels', '1 unit', '2 outputs', '0', '0.10', '1', '0.90']
    """
    answer, middle = outputs.argmax(), {"va": "center", "fontsize": SMALL}
    heights, rows = places(len(units)), places(len(outputs))
    ax.imshow(image, extent=(0, SIDE, SIDE, 0), vmin=0, vmax=max(1, image.max()))
    ax.plot([0, 0, SIDE, SIDE, 0], [0, SIDE, SIDE, 0, 0], "-", color=PALE, linewidth=1)
    for y, unit, push in zip(heights, units, THICK * pushes / max(np.abs(pushes).max(), 1e-300)):
        ax.plot([SIDE, MIDDLE], [SIDE / 2, y], "-", color=PALE, linewidth=1, zorder=0)
        look = {"color": BLUE, "linestyle": "-"} if push > 0 else {"color": RED, "linestyle": "--"}
        ax.plot([MIDDLE, RIGHT - 1], [y, rows[answer]], linewidth=abs(push), zorder=0, **look)
        ax.plot(MIDDLE, y, "o", color=str(1 - unit), markeredgecolor=INK, markersize=11)
    ax.barh(rows, WIDE * outputs, 0.7, left=RIGHT, color=BLUE)
    under = {
        SIDE / 2: f"{image.size} pixels",
        MIDDLE: counted(len(units), "unit"),
        RIGHT + WIDE / 2: counted(len(outputs), "output"),
    }
    for x, name in under.items():
        ax.text(x, SIDE + 1, name, ha="center", va="center")
    for digit, (y, output) in enumerate(zip(rows, outputs)):
        weight = "bold" if digit == answer else "normal"
        ax.text(RIGHT - 0.5, y, str(digit), ha="center", weight=weight, **middle)
        ax.text(RIGHT + WIDE * output + 0.2, y, f"{output:.2f}", ha="left", **middle)
    ax.set(xlim=(-0.5, RIGHT + WIDE + 2.5), ylim=(SIDE + 1.7, -0.3), aspect="equal", title=title)
    ax.axis("off")


def places(count: int) -> Array:
    """Where so many things stand that share a column of the image's height.

    >>> places(2)
    array([2.5, 7.5])
    """
    return (np.arange(count) + 0.5) * SIDE / count


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
    right = sum(row.get("ok", 0) for row in counts.values())
    ax.set(xlabel="claims", title=f"{right} of {left.sum()} claims are right")
    ax.set(xlim=(0, 1.02 * left.max()), ylim=(len(counts) - 0.4, -0.6))
    ax.grid(False, axis="y")
    legend_below(ax)


def draw_slope(x: float, y: float, slope: float, *, curve: tuple[Array, Array], ax: Axes) -> None:
    """Draw a curve, a point on it and the tangent there."""
    ax.plot(*curve, color=INK)
    near = np.array([-2.0, 2.0])
    ax.plot(x + near, y + slope * near, "--", color=RED)
    ax.plot(x, y, "o", color=RED, markersize=11, clip_on=False)
    ax.set(xlabel="z", ylabel="σ(z)", ylim=(-0.25, 1.25), xlim=curve[0][[0, -1]])
    ax.set_title(minus(f"slope {slope:.3f} at z = {x:g}"))

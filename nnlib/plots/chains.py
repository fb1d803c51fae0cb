"""Chains of numbers: each computed from the one before, and the derivatives on the way back."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.plots.canvas import BLUE, INK, RED, SMALL
from nnlib.words import short


def draw_way_back(
    values: Mapping[str, float], links: Sequence[tuple[str, float]], *, title: str, ax: Axes
) -> None:
    """Draw a chain of numbers forward, left to right, and the derivative of the last one back.

    values   each number by its name, in the order in which they are computed.
    links    between each number and the next: the function, and its derivative there.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(8, 2).add_subplot()
    >>> draw_way_back({"x": 3.0, "y": 9.0}, [("square", 6.0)], title="A square", ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['x = 3', 'y = 9', 'square', '6 ×', 'dy/dx = 6', 'dy/dy = 1']
    """
    style = {"ha": "center", "va": "center"}
    bold = style | {"weight": "bold"}  # thin strokes of red are lost in the back row
    box = {"facecolor": "white", "edgecolor": BLUE, "boxstyle": "round,pad=0.4", "linewidth": 2}
    for place, (name, value) in enumerate(values.items()):
        ax.text(place, 1, f"{name} = {short(value, 3)}", color=INK, bbox=box, **style)
    for place, (function, slope) in enumerate(links):
        draw_arrow(place + 0.3, place + 0.7, 1, BLUE, ax)
        draw_arrow(place + 0.62, place + 0.4, 0, RED, ax)  # what stands on the left is wide
        ax.text(place + 0.5, 1.25, function, color=BLUE, fontsize=SMALL, **style)
        ax.text(place + 0.5, 0.25, f"{short(slope, 3)} ×", color=RED, fontsize=SMALL, **bold)
    last = list(values)[-1]
    back = np.cumprod([1.0, *(slope for _, slope in reversed(links))])[::-1]
    for place, (name, slope) in enumerate(zip(values, back)):
        ax.text(place, 0, f"d{last}/d{name} = {short(slope, 3)}", color=RED, **bold)
    ax.set(xlim=(-0.45, len(values) - 0.55), ylim=(-0.3, 1.5), title=title)
    ax.axis("off")


def draw_arrow(start: float, end: float, height: float, colour: str, ax: Axes) -> None:
    """Draw an arrow across, at a height."""
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "mutation_scale": 18}
    ax.annotate("", (end, height), (start, height), arrowprops=look)

"""The pictures of lesson 06."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, GREY, INK, RED, SMALL, legend_below, looks
from nnlib.plots.matrices import draw_matrix

CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}
BOX: dict[str, Any] = {"facecolor": "white", "boxstyle": "round,pad=0.35", "linewidth": 2}


def draw_page(
    names: Array,
    digits: Array,
    asked: int,
    *,
    weights: Array | None = None,
    title: str,
    ax: Axes,
) -> None:
    """Draw a page: pairs of a name and a digit, below them the name that is asked.

    weights   how much the asked one attends to each pair: a line as thick, and the number.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 3).add_subplot()
    >>> draw_page(np.array([2, 0]), np.array([7, 1]), 0, title="A page", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['c\\n7', 'a\\n1', 'a ?']
    """
    middle = (len(names) - 1) / 2
    for place, (name, digit) in enumerate(zip(names, digits)):
        said = f"{chr(97 + name)}\n{digit}"
        ax.text(place, 1, said, fontsize=20, bbox=BOX | {"edgecolor": INK}, **CENTRED)
        if weights is not None:
            share = float(weights[place])
            ax.plot([middle, place], [0, 0.68], color=BLUE, linewidth=12 * share, linestyle="-")
            at = 0.62 * place + 0.38 * middle, 0.42
            backed = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            ax.text(*at, f"{share:.2f}", fontsize=SMALL, color=INK, bbox=backed, **CENTRED)
    said = f"{chr(97 + asked)} ?"
    ax.text(middle, 0, said, fontsize=20, bbox=BOX | {"edgecolor": BLUE}, zorder=3, **CENTRED)
    ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(-0.3, 1.4), title=title)
    ax.axis("off")


def draw_strip(
    stages: Mapping[str, Array], signs: Sequence[str], *, title: str, axes: Sequence[Axes]
) -> None:
    """Draw matrices from left to right, each under its name, and between them what is done.

    >>> from nnlib.plots.canvas import new_figure
    >>> axes = new_figure(9, 3).subplots(1, 2)
    >>> stages = {"S": np.eye(2), "S/2": np.eye(2) / 2}
    >>> draw_strip(stages, ["halved"], title="Half of it", axes=axes)
    >>> axes[1].get_title(), axes[1].texts[-1].get_text()
    ('S/2', 'halved\\n→')
    """
    for ax, (name, M) in zip(axes, stages.items(), strict=True):
        draw_matrix(M, title=name, ax=ax)
        ax.set_title(name, fontsize=14)
        ax.set(aspect="equal", xticks=[], yticks=[])
    for ax, sign in zip(axes[1:], signs, strict=True):
        ax.annotate(
            f"{sign}\n→", (-0.24, 0.5), xycoords="axes fraction", color=BLUE, fontsize=14, **CENTRED
        )
    axes[0].figure.suptitle(title, fontsize=16, fontweight="bold")


def draw_projection(g: Array, x_hat: Array, *, title: str, ax: Axes) -> None:
    """Draw a row's gradient in the plane that it spans with x̂: dx is what stands upright on x̂.

    Shapes   g, x_hat (n,); of g, the mean is taken off first.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> g, x_hat = np.array([1.0, -1.0, 0.0]), np.array([1.0, 0.0, -1.0])
    >>> draw_projection(g, x_hat, title="What remains", ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['dx̂ − its mean', 'along x̂', 'what remains']
    """
    g = g - g.mean()
    along = g @ x_hat / np.linalg.norm(x_hat)
    upright = np.sqrt(max(g @ g - along**2, 0.0))
    arrows = {
        "dx̂ − its mean": ((0, 0), (along, upright), GREY),
        "along x̂": ((0, 0), (along, 0), RED),
        "what remains": ((along, 0), (along, upright), BLUE),
    }
    for start, end, colour in arrows.values():
        look = {"arrowstyle": "-|>", "color": colour, "linewidth": 3, "mutation_scale": 22}
        ax.annotate("", end, start, arrowprops=look)
    side = np.sign(along) or 1.0
    far = max(abs(along), upright)
    places = [(along / 2 - side * 0.22 * far, upright / 2 + 0.1 * far), (along / 2, -0.12 * far)]
    places.append((along + side * 0.08 * far, upright / 2))
    for (name, (_, _, colour)), place, ha in zip(
        arrows.items(), places, ("center", "center", "left" if side > 0 else "right")
    ):
        ax.text(*place, name, color=colour, ha=ha, va="center")
    reach = 0.75 * far
    ax.set(xlim=sorted((-side * 0.4 * reach, along + side * reach)), title=title)
    ax.set(ylim=(-0.3 * far, upright + 0.2 * far), aspect="equal")
    ax.axis("off")


def draw_stream(norm_first: bool, *, title: str, ax: Axes) -> None:
    """Draw one encoder layer from x up to y, and the gradient's direct way down, where it is free.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 5).add_subplot()
    >>> draw_stream(True, title="Free", ax=ax)
    >>> sum(text.get_text() == "norm" for text in ax.texts)
    2
    """
    box = BOX | {"edgecolor": INK}
    top = 6.0
    line = {"color": INK, "linewidth": 2.5, "linestyle": "-", "marker": ""}
    ax.plot([0, 0], [0, top], zorder=1, **line)
    ax.text(0, -0.35, "x", **CENTRED)
    ax.text(0, top + 0.3, "y", **CENTRED)
    for foot, name in ((0.4, "attend"), (3.3, "MLP")):
        plus = foot + (2.1 if norm_first else 1.5)
        ax.plot([0, 1.6, 1.6, 0], [foot, foot, plus, plus], zorder=1, **line)
        branch = [("norm", 0.7), (name, 1.45)] if norm_first else [(name, 0.75)]
        for what, height in branch:
            ax.text(1.6, foot + height, what, bbox=box, fontsize=SMALL, zorder=3, **CENTRED)
        circle = {"boxstyle": "circle,pad=0.15", "edgecolor": INK, "facecolor": "white"}
        ax.text(0, plus, "+", bbox=circle | {"linewidth": 2}, zorder=3, **CENTRED)
        if not norm_first:
            ax.text(0, plus + 0.75, "norm", bbox=box, fontsize=SMALL, zorder=3, **CENTRED)
    bends = [top, 0.0] if norm_first else [top, 5.2, 2.3, 0.0]
    for start, end, width in zip(bends, bends[1:], (5.0,) if norm_first else (5.0, 3.0, 1.6)):
        look = {"arrowstyle": "-|>", "color": RED, "linewidth": width, "mutation_scale": 20}
        whole = {"shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (-0.75, end), (-0.75, start), arrowprops=look | whole)
    ax.text(-0.95, top / 2, "dL/dx", color=RED, rotation=90, ha="right", va="center")
    ax.set(xlim=(-1.8, 2.9), ylim=(-0.8, top + 0.8), title=title)
    ax.axis("off")


def draw_depths(arms: Mapping[str, Array], *, title: str, ax: Axes, **settings: Any) -> None:
    """Draw how long the gradient is at each depth: the seeds' middle, and the range they fill.

    settings   what else the axes are set to, such as yticks=[0.5, 1, 2].

    Shapes     of each arm (depth + 1, seeds), the lowest layer's input first

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 4).add_subplot()
    >>> draw_depths({"halved": np.array([[0.25, 0.3], [1.0, 1.0]])}, title="Halved", ax=ax)
    >>> ax.lines[0].get_xydata()[:, 0]
    array([0., 1.])
    """
    for (name, lengths), look in zip(arms.items(), looks(arms)):
        depth, (low, middle, high) = range(len(lengths)), np.quantile(lengths, [0, 0.5, 1], axis=1)
        ax.plot(depth, middle, label=name, markersize=7, markevery=3, **look)
        ax.fill_between(depth, low, high, color=look["color"], alpha=0.2, linewidth=0)
    ax.set(xlabel="layers below it; 0 is the input", ylabel="length of the gradient")
    ax.set(yscale="log", title=title, **settings)
    ax.set_xticks(range(0, len(lengths), 3))
    ax.minorticks_off()
    ax.yaxis.set_major_formatter("{x:g}")
    legend_below(ax)

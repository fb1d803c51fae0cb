"""The pictures of lesson 03."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.experiments.calibration import Reliability
from nnlib.experiments.score_losses import ONE
from nnlib.plots.canvas import GREY, INK, PALE, legend_below, looks
from nnlib.words import short


def draw_reliability(runs: Mapping[str, Sequence[Reliability]], *, title: str, ax: Axes) -> None:
    """Draw how often networks are right against how sure they say they are, over all seeds.

    Below the diagonal they are surer than they may be. A bin's ring stands at the mean over all
    seeds' images in it, and its area is their share of all images; bins that hold less than a
    hundredth are left out.

    >>> from nnlib.experiments.calibration import reliability
    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 5).add_subplot()
    >>> found = reliability(np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([0, 1]))
    >>> draw_reliability({"sure": [found]}, title="Too sure", ax=ax)
    >>> ax.lines[-1].get_xydata()
    array([[0.8, 0.5]])
    """
    as_sure = {"color": GREY, "linestyle": ":", "linewidth": 2, "marker": ""}
    ax.plot([0, 1], [0, 1], label="as sure as right", **as_sure)
    for (name, found), look in zip(runs.items(), looks(runs)):
        share = np.array([one.share for one in found])
        said, right = (
            np.nansum(share * values, axis=0)
            for values in ([one.said for one in found], [one.right for one in found])
        )
        total = share.sum(axis=0)
        many = total >= 0.01 * len(found)
        at = said[many] / total[many], right[many] / total[many]
        ax.plot(*at, label=name, **(look | {"marker": "."}))
        rings = {"facecolor": "none", "edgecolor": look["color"], "linewidth": 2, "zorder": 3}
        ax.scatter(*at, s=1500 * total[many] / len(found), **rings)
    ax.set(xlabel="how sure it says it is", ylabel="how often it is right", title=title)
    ax.set(xlim=(0.25, 1.05), ylim=(0.25, 1.05))
    legend_below(ax)


def own_looks(losses: Iterable[str]) -> list[dict[str, Any]]:
    """The look of each loss by its name, whichever others are drawn; of others, by their order.

    >>> own_looks(["squares", "hinge"])[1] == own_looks(["hinge"])[0]
    True
    """
    names = list(dict.fromkeys([*ONE, *losses]))
    own = dict(zip(names, looks(names)))
    return [own[name] for name in losses]


def draw_losses_at(
    x: float,
    at: Array,
    curves: Mapping[str, Array],
    *,
    name: str,
    title: str,
    most: float = 10,
    ax: Axes,
) -> None:
    """Draw each loss over a score, with marks where the score is.

    What exceeds most is cut off: an arrow at the edge stands for each mark there.
    Here and in the two pictures beside it a loss of ONE or SEVERAL always has the same look.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 4).add_subplot()
    >>> at = np.linspace(-1, 1, 3)
    >>> draw_losses_at(1.0, at, {"square": at**2}, name="z", title="One", ax=ax)
    >>> ax.lines[1].get_xydata()
    array([[1., 1.]])
    """
    beyond = 0.0
    for values, look in zip(curves.values(), own_looks(curves)):
        ax.plot(at, values, **(look | {"marker": ""}))
        height = np.interp(x, at, values)
        mark = {"color": look["color"], "clip_on": False, "zorder": 3, "linestyle": ""}
        if height <= most:
            ax.plot([x], [height], marker=look["marker"], markersize=11, **mark)
        else:  # side by side, toward the middle
            at_edge = [x - np.sign(x) * beyond], [0.94 * most]
            ax.plot(*at_edge, marker=r"$\uparrow$", markersize=16, **mark)
            beyond += 1.3
    ax.axvline(x, color=PALE, linewidth=1.5, linestyle=":", zorder=0)
    ax.set(xlabel=name, ylabel="loss", title=title, ylim=(-0.3, most), xlim=at[[0, -1]])


def draw_pulls(
    gradients: Mapping[str, Array], names: Sequence[str], *, title: str, ax: Axes
) -> None:
    """Draw where each loss sends each score: minus its gradient, a bar for each loss and score.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 4).add_subplot()
    >>> draw_pulls({"squares": np.array([-0.5])}, ["z"], title="Up", ax=ax)
    >>> float(ax.patches[0].get_height())
    0.5
    """
    width = 0.8 / max(1, len(gradients))
    for k, (gradient, look) in enumerate(zip(gradients.values(), own_looks(gradients))):
        places = np.arange(len(gradient)) - 0.4 + (k + 0.5) * width
        bars = ax.bar(places, np.clip(-gradient, -2, 2), 0.9 * width, color=look["color"])
        for bar, value in zip(bars, -gradient):
            beyond, within = abs(value) > 2, abs(value) < 5e-3
            text = short(value) if beyond else "≈0" if within and value else "0" if within else ""
            down = value > 0 if within else value < 0  # nearly 0: where no neighbour's bar is
            up = -0.03 if down else 0.03
            ax.text(bar.get_x() + bar.get_width() / 2, bar.get_height() + up, text, ha="center",
                    va="top" if down else "bottom", fontsize=12)  # fmt: skip
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_xticks(range(len(names)), names)
    ax.set(ylabel="minus the gradient", title=title, ylim=(-2.5, 2.5), xlabel="score")
    ax.set(xlim=(-0.55, len(names) - 0.45))
    ax.grid(False, axis="x")


def draw_ways_out(paths: Mapping[str, Array], *, goal: float = 1.0, title: str, ax: Axes) -> None:
    """Draw what the true class is given after each step of gradient descent, one line a loss.

    A dotted line stands where it is to arrive: at a half, or at a goal less than 1. What walks to
    and fro lies below the lines that settle.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(5, 4).add_subplot()
    >>> draw_ways_out({"squares": np.array([0.1, 0.2, 0.4])}, title="Up", ax=ax)
    >>> ax.lines[0].get_xydata()[-1]
    array([2. , 0.4])
    """
    for (name, path), look in zip(paths.items(), own_looks(paths)):
        every = max(1, len(path) // 8)
        calm = 2 + 1 / (1 + np.abs(np.diff(path)).sum())
        ax.plot(path, label=name, markevery=every, markersize=8, zorder=calm, **look)
    ax.axhline(0.5 if goal == 1 else goal, color=GREY, linewidth=1.5, linestyle=":", zorder=1)
    ax.set(xlabel="step", ylabel="p of the target's class", title=title)
    ax.set(ylim=(-0.03, 1.03))
    ax.xaxis.get_major_locator().set_params(integer=True, nbins=4)

"""The pictures of lesson 07."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import BLUE, GREY, INK, RED, SMALL, legend_below, looks
from nnlib.plots.matrices import FILLS
from nnlib.words import short

CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}
BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": INK, "boxstyle": "round,pad=0.35"}
ARROW: dict[str, Any] = {"arrowstyle": "-|>", "linewidth": 2, "mutation_scale": 18}
MANY = 12  # tokens, from which on there is no room for a number on each
BLANK = "␣"


def draw_unrolled(read: Sequence[str], h: Array, dL_dh: Array, *, title: str, ax: Axes) -> None:
    """Draw a state of one number through the steps, and below it what comes back to each.

    Shapes   h and dL_dh (T + 1,), from the state before the first step on; read, of T

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 3).add_subplot()
    >>> draw_unrolled(["a", "b"], np.array([0, 0.5, 1]), np.array([0.1, 0.2, 1]), title="", ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text()][:4]
    ['0', '0.1', '0.5', '0.2']
    """
    for t, (state, back) in enumerate(zip(h, dL_dh, strict=True)):
        ax.text(t, 1, short(state), bbox=BOX, **CENTRED)
        ax.text(t, 0.25, short(back), color=RED, fontsize=SMALL, **CENTRED)
        if not t:
            continue
        ax.annotate("", (t - 0.22, 1), (t - 0.78, 1), arrowprops=ARROW | {"color": INK})
        ax.text(t - 0.5, 1.16, "U", color=INK, fontsize=SMALL, **CENTRED)
        ax.text(t - 0.5, 0.45, "U (1 − h²)", color=RED, fontsize=SMALL, **CENTRED)
        ax.annotate("", (t - 0.8, 0.25), (t - 0.2, 0.25), arrowprops=ARROW | {"color": RED})
        ax.annotate("", (t, 1.2), (t, 1.62), arrowprops=ARROW | {"color": INK})
        ax.text(t, 1.8, read[t - 1], color=BLUE, **CENTRED)
    for height, said, colour in ((1.8, "read", BLUE), (1, "state h", INK), (0.25, "dL/dh", RED)):
        ax.text(-0.5, height, said, color=colour, ha="right", va="center", fontsize=SMALL)
    ax.set(xlim=(-1.3, len(h) - 0.5), ylim=(-0.1, 2.1), title=title)
    ax.axis("off")


def draw_reach(
    arms: Mapping[str, Array], *, title: str, columns: int = 3, ax: Axes, **settings: Any
) -> None:
    """Draw what arrives so many steps back: the seeds' middle, and the range they fill.

    columns  of names under the axes.

    Shapes   of each arm (steps + 1, seeds), the last step first

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_reach({"halved": 0.5 ** np.arange(4.0)[:, None]}, title="Halved", ax=ax)
    >>> ax.lines[0].get_ydata()
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    for (name, lengths), look in zip(arms.items(), looks(arms)):
        back, (low, middle, high) = range(len(lengths)), np.quantile(lengths, [0, 0.5, 1], axis=1)
        ax.plot(back, middle, label=name, **(look | {"markevery": 10, "markersize": 8}))
        ax.fill_between(back, low, high, color=look["color"], alpha=0.2, linewidth=0)
    names = {"xlabel": "steps back", "ylabel": "length of the gradient", "yscale": "log"}
    ax.set(**(names | settings), title=title)
    ax.minorticks_off()
    legend_below(ax, columns=columns)


def draw_seeds(
    x: Sequence[float], arms: Mapping[str, Array], *, guess: float, ax: Axes, **settings: Any
) -> None:
    """Draw what each seed has reached, a dot for each, and a line through their means.

    guess      what is reached by chance, a line across.
    settings   what else the axes are set to: title, xlabel, ylabel.

    Shapes   of each arm (len(x), seeds)

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> draw_seeds([4, 8], {"": np.array([[1.0, 0.8], [0.2, 0.6]])}, guess=0.1, title="", ax=ax)
    >>> ax.lines[1].get_ydata()
    array([0.9, 0.4])
    """
    ax.axhline(guess, color=GREY, linewidth=2)
    ax.text(x[0], guess + 0.02, "a guess", color=GREY, fontsize=SMALL, va="bottom")
    for (name, values), look in zip(arms.items(), looks(arms)):
        ax.plot(x, np.mean(values, axis=1), label=name, **(look | {"marker": ""}))
        dots = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
        ax.plot(x, values, markersize=8, alpha=0.7, **dots)
    ax.set(**settings)
    ax.minorticks_off()
    legend_below(ax, columns=1)


def draw_machine(source: str, target: str, *, title: str, ax: Axes) -> None:
    """Draw an encoder-decoder at work: what it reads, what it has written, what it says comes next.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 4).add_subplot()
    >>> draw_machine("abc", "cba", title="Reads, writes", ax=ax)
    >>> [text.get_text() for text in ax.texts if text.get_text()][-7:-3]
    ['c', 'b', 'a', 'END']
    """
    S, T = len(source), len(target) + 1
    right = S + 1.6
    for (left, width), name in zip(((0, S), (right, T)), ("encoder", "decoder")):
        ax.add_patch(ax.patch.__class__(
            (left - 0.5, 1), width, 1.2, facecolor=FILLS[1], edgecolor=INK, linewidth=2
        ))  # fmt: skip
        ax.text(left + width / 2 - 0.5, 1.6, name, **CENTRED)
    look = ARROW | {"color": BLUE, "linewidth": 4}
    ax.annotate("", (right - 0.5, 1.6), (S - 0.5, 1.6), arrowprops=look)
    ax.text((S + right - 1) / 2, 1.95, "memory", color=BLUE, fontsize=SMALL, **CENTRED)
    rows = ((0, 0.35, source), (right, 0.35, ["START", *target]), (right, 2.85, [*target, "END"]))
    for left, height, tokens in rows:
        for t, token in enumerate(tokens):
            small = SMALL if len(token) > 1 else None
            ax.text(left + t, height, token, fontsize=small, **CENTRED)
            start, end = (0.5, 1) if height < 1 else (2.2, 2.7)
            ax.annotate("", (left + t, end), (left + t, start), arrowprops=ARROW | {"color": INK})
    for x, height, said in ((-0.5, -0.1, "source"), (right - 0.5, -0.1, "target: the right text"),
                            (right - 0.5, 3.25, "labels: what comes next")):  # fmt: skip
        ax.text(x, height, said, color=GREY, fontsize=SMALL, va="center")
    ax.set(xlim=(-0.8, right + T - 0.3), ylim=(-0.4, 3.5), title=title)
    ax.axis("off")


def draw_reading(
    A: Array, written: Sequence[str], read: Sequence[str], *, title: str, ax: Axes
) -> None:
    """Draw where a model looks for each token that it writes: the deeper, the more weight.

    The token on the left is the one that is written from the row, not the one that is its query.

    Shapes   A (written, read)

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> draw_reading(np.array([[0.0, 1.0], [0.75, 0.25]]), "ba", "ab", title="Backwards", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['1.0', '0.8', '0.2']
    """
    pale = 1.6 * A.max()  # so that black letters can be read on the strongest cell
    ax.imshow(A, cmap="Blues", vmin=0, vmax=pale, aspect="auto")
    if A.shape[1] <= MANY:
        for cell, share in np.ndenumerate(A):
            if share >= 0.05:
                ax.text(*cell[::-1], f"{share:.1f}", fontsize=SMALL, color=INK, **CENTRED)
    ax.set_xticks(range(A.shape[1]), [BLANK if token == " " else token for token in read])
    ax.set_yticks(range(A.shape[0]), written)
    ax.set(xlabel="read", ylabel="written", title=title)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_next(
    arms: Mapping[str, Array], symbols: Sequence[str], *, most: int = 8, title: str, ax: Axes
) -> None:
    """Draw what may come next: the probability of each token, of the likeliest alone.

    Shapes   of each arm (v,)

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> draw_next({"": np.array([0.25, 0.75])}, ["a", "b"], title="b", ax=ax)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['b', 'a']
    """
    best = np.argsort(-next(iter(arms.values())), kind="stable")[:most]
    width, hatches = 0.8 / len(arms), ("", "//", "..")
    for k, ((name, p), look) in enumerate(zip(arms.items(), looks(arms))):
        places = np.arange(len(best)) + (k - (len(arms) - 1) / 2) * width
        bar = {"color": look["color"], "hatch": hatches[k % 3], "edgecolor": "white"}
        ax.bar(places, p[best], width, label=name, **bar)
    ax.set_xticks(range(len(best)), [symbols[k] for k in best])
    ax.set(xlabel="what comes next", ylabel="probability", title=title)
    ax.grid(axis="x", visible=False)
    legend_below(ax, columns=len(arms))

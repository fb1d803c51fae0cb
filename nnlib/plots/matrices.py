"""Matrices whose entries are read: numbers, words, counts."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.plots.canvas import INK, SMALL
from nnlib.words import short

FILLS = ["#FFFFFF", "#BFE3F5", "#F7DFA8", "#CDEBDD"]  # pale enough for black letters


def draw_entries(
    arrays: Mapping[str, Array], groups: Mapping[str, Array], *, axes: Sequence[Axes]
) -> None:
    """Draw matrices of words, one on each axes, every cell in the colour of its group.

    >>> from nnlib.plots.canvas import new_figure
    >>> axes = new_figure(8, 3).subplots(1, 2)
    >>> draw_entries({"a": np.array([["11", "12"]])}, {"a": np.array([[1, 2]])}, axes=axes[:1])
    >>> [text.get_text() for text in axes[0].texts]
    ['11', '12']
    """
    for (title, words), ax in zip(arrays.items(), axes, strict=True):
        height, width = words.shape
        for (i, j), word in np.ndenumerate(words):
            box = {"facecolor": FILLS[groups[title][i, j] % len(FILLS)], "edgecolor": INK}
            ax.add_patch(ax.patch.__class__((j, i), 1, 1, **box))
            ax.text(j + 0.5, i + 0.5, word, ha="center", va="center", fontsize=SMALL)
        ax.set(xlim=(-0.05, width + 0.05), ylim=(height + 0.05, -0.05), aspect="equal")
        ax.set_title(title, fontsize=15)
        ax.axis("off")


def draw_matrix(
    M: Array,
    *,
    title: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes,
) -> None:
    """Draw a small matrix with its numbers: blue where positive, orange where negative, · for 0.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(6, 4).add_subplot()
    >>> draw_matrix(np.array([[0.0, 1.5]]), title="A row", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['·', '1.5']
    """
    largest = np.abs(M).max() or 1.0
    pale = 2 * largest  # so that dark numbers can be read on the strongest cell
    ax.imshow(M, cmap="PuOr", vmin=-pale, vmax=pale, aspect="auto")
    for cell, entry in np.ndenumerate(M):
        text = "·" if entry == 0 else short(entry)
        ax.text(*cell[::-1], text, ha="center", va="center", fontsize=SMALL, color=INK)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.set_xticks(range(M.shape[1]), columns or range(1, M.shape[1] + 1))
    ax.set_yticks(range(M.shape[0]), rows or range(1, M.shape[0] + 1))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_confusion(counts: Array, *, title: str, ax: Axes) -> None:
    """Draw how often each class was read as each class; right answers, on the diagonal, are grey.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 5).add_subplot()
    >>> draw_confusion(np.array([[9, 1], [0, 8]]), title="One mistake", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['9', '1', '·', '8']
    """
    classes, right = range(len(counts)), np.eye(len(counts), dtype=bool)
    wrong = np.where(right, 0, counts)
    shown = np.ma.masked_where(right, wrong)  # what is masked lets the axes' grey through
    pale = max(1, 2 * wrong.max())  # so that dark numbers can be read on the strongest cell
    ax.imshow(shown, cmap="Oranges", vmin=0, vmax=pale, aspect="auto")
    for cell, count in np.ndenumerate(counts):
        weight = "bold" if wrong[cell] > 0.6 * wrong.max() else "normal"
        style = {"ha": "center", "va": "center", "fontsize": SMALL, "weight": weight, "color": INK}
        ax.text(*cell[::-1], str(count or "·"), **style)
    ax.set(xlabel="read as", ylabel="true digit", title=title, xticks=classes, yticks=classes)
    ax.set_facecolor("#E0E0E0")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(False)

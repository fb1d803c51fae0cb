"""The pictures of the lesson on every formula."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.documents.verdicts import VERDICTS
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, SMALL

EDGES = (1e-12, 0.01, 0.1, 1.0, 10.0, 100.0)  # round-off, ten decades, then each by itself
BLOCKS = (
    "not\nprinted",
    "round-off,\n≤ 10⁻¹²",
    "10⁻¹² to\n0.01",
    "0.01\nto 0.1",
    "0.1\nto 1",
    "1\nto 10",
    "10\nto 100",
    "over\n100",
    "unde-\nfined",
)
BETWEEN = 2  # the block of the ten decades
ABREAST, APART = 8, 10  # dots side by side in a block; from block to block


def block(error: float) -> int:
    """The place in BLOCKS of an error.

    >>> [block(error) for error in (math.nan, 1e-15, 0.5, math.inf)]
    [0, 1, 4, 8]
    """
    if math.isnan(error):
        return 0
    return len(BLOCKS) - 1 if math.isinf(error) else 1 + bisect_left(EDGES, error)


def places(errors: Iterable[float]) -> Array:
    """A point for each error, in the next free place of its block, row upon row.

    Shapes   -> (errors, 2)
    """
    taken = [0] * len(BLOCKS)
    points = []
    for error in errors:
        which = block(error)
        row, column = divmod(taken[which], ABREAST)
        points.append((APART * which + column - (ABREAST - 1) / 2, row))
        taken[which] += 1
    return np.array(points, float).reshape(-1, 2)


def draw_errors(
    printed: Array,
    status: Iterable[str],
    *,
    ax: Axes,
    title: str,
    highlighted: Array | None = None,
) -> None:
    """Draw a dot for each claim, in a block of all whose printed form is as far off.

    A height counts dots, and so does the number on each block. Claims that are not highlighted are
    pale.
    """
    status = np.array(list(status))
    order = np.argsort([list(VERDICTS).index(one) for one in status], kind="stable")
    points = np.zeros((len(status), 2))
    points[order] = places(printed[order])
    chosen = np.ones(len(status), bool) if highlighted is None else np.asarray(highlighted, bool)
    dot = {"s": 30, "linewidths": 0.4}
    for name in dict.fromkeys(status[order]):
        _, colour, marker = VERDICTS[name]
        pale, full = (points[(status == name) & which].T for which in (~chosen, chosen))
        ax.scatter(*pale, marker=marker, color=PALE, alpha=0.6, **dot)
        ax.scatter(*full, marker=marker, color=colour, edgecolors="white", label=name, **dot)
    blocks = np.array([block(error) for error in printed])
    write_counts(blocks, chosen, ax=ax)
    ax.set_xticks(APART * np.arange(len(BLOCKS)), BLOCKS)
    ax.set_yticks([])
    ax.set_xlim(APART * (blocks.min(initial=1) - 0.5), APART * (len(BLOCKS) - 0.5))
    ax.set(ylim=(-1, points[:, 1].max(initial=0) + 4), title=title)
    ax.set(xlabel="error of the form as printed", ylabel="a dot is a claim")
    ax.grid(False)
    ax.legend(ncols=3, loc="upper right", handletextpad=0.1, columnspacing=1, handlelength=1.5)


def write_counts(blocks: Array, chosen: Array, *, ax: Axes) -> None:
    """Write on each block how many dots it holds, or how many of them are chosen."""
    for which in range(len(BLOCKS)):
        inside = blocks == which
        count, some = inside.sum(), (inside & chosen).sum()
        if some:
            words = f"{some}" if chosen.all() else f"{some} of {count}"
            top = -(-count // ABREAST) - 0.4
            ax.text(APART * which, top, words, ha="center", va="bottom", fontsize=SMALL)
    if not (blocks == BETWEEN).any():
        middle, half = APART * BETWEEN, ABREAST / 2
        ax.axvspan(middle - half, middle + half, color=GREY, alpha=0.1, linewidth=0)
        ax.text(middle, 0, "none", ha="center", va="bottom", fontsize=SMALL)


def finding(printed: Array, corrected: Array) -> str:
    """What the picture of these errors shows, but for a correction that is off: then that.

    >>> finding(np.array([0.5, 0.0]), np.zeros(2))
    'Right to round-off, or visibly off: nothing between'
    >>> finding(np.array([0.5, 1e-6]), np.zeros(2))
    '1 of 2 forms is off by little'
    """
    wrong = int((corrected > EDGES[0]).sum())
    little = sum(block(error) == BETWEEN for error in printed)
    if wrong:
        return f"{wrong} of {len(corrected)} corrections are wrong"
    if little:
        return f"{little} of {len(printed)} forms {'is' if little == 1 else 'are'} off by little"
    return "Right to round-off, or visibly off: nothing between"


def draw_spread(errors: Mapping[str, Array], *, ax: Axes) -> None:
    """Draw a line for each formula, named in words, with a dot for its error on every draw."""
    ordered = sorted(errors.items(), key=lambda one: np.median(one[1]))
    for y, (_, values) in enumerate(ordered):
        ax.plot([values.min(), values.max()], [y, y], "-", color=PALE, linewidth=5, zorder=1)
        ax.scatter(values, np.full(len(values), y), s=18, color=BLUE, alpha=0.7, zorder=2)
        ax.plot(np.median(values), y, "|", color=INK, markersize=13, markeredgewidth=2.5)
    draws = max(map(len, errors.values()))
    ax.set_yticks(range(len(ordered)), [name for name, _ in ordered], fontsize=SMALL)
    ax.set(xscale="log", xlabel=f"error of the form in {draws} draws; bar: the median")
    ax.set(ylim=(-0.7, len(ordered) - 0.3), title="The size is luck, the presence is not")
    ax.grid(False, axis="y")

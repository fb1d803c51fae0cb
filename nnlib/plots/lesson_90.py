"""The pictures of the lesson on every formula."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes

from nnlib.checks import Array
from nnlib.documents.verdicts import VERDICTS
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, SMALL

NOISE, SMALLEST, LARGEST = 1e-12, 1e-2, 1e2  # round-off; what the middle of the axis shows
DECADE, STEP, ROWS = 5.0, 0.55, 17  # of the axis; from dot to dot; dots that the floor holds
ABSENT, FLOOR, GAP, HUGE, UNDEFINED = -31.0, -23.0, -14.0, 14.0, 18.7  # beside the middle
COLUMNS = {ABSENT: 4, FLOOR: 14, UNDEFINED: 4}  # dots side by side; elsewhere two


def place(error: float) -> float:
    """Where an error stands on the axis: its decade, or a place of its own.

    >>> [place(error) for error in (1.0, 1e-15, math.inf)]
    [0.0, -23.0, 18.7]
    """
    if math.isnan(error):
        return ABSENT
    if math.isinf(error):
        return UNDEFINED
    if error <= NOISE:
        return FLOOR
    if error > LARGEST:
        return HUGE
    return DECADE * math.log10(error) if error >= SMALLEST else GAP


def places(errors: Iterable[tuple[float, float]]) -> Array:
    """A point for each pair of errors, beside and above those that stand there already.

    Shapes   -> (pairs, 2)
    """
    taken: dict[tuple[float, float], int] = {}
    points = []
    for printed, corrected in errors:
        x, above = place(printed), place(corrected)
        columns = COLUMNS.get(x, 2)
        x = x if x in COLUMNS else round(x / (2 * STEP)) * 2 * STEP
        n = taken[x, above] = taken.get((x, above), -1) + 1
        row, column = divmod(n, columns)
        y = row if above == FLOOR else height(corrected)
        points.append((x + STEP * (column - (columns - 1) / 2), y))
    return np.reshape(points, (-1, 2))


def height(error: float) -> float:
    """Where the error of a correction stands when it is more than round-off: above the heaps."""
    return ROWS + 4 + max(-3, min(math.log10(max(error, NOISE)), 1))


def draw_errors(
    printed: Array,
    corrected: Array,
    status: Iterable[str],
    *,
    ax: Axes,
    highlighted: Array | None = None,
    title: str = "",
) -> None:
    """Draw a dot for each claim: the error of its printed form against that of its correction.

    Round-off, undefined forms and forms that are not printed have places of their own; dots of
    equal errors stand side by side and in heaps. Claims that are not highlighted are pale.
    """
    status = np.array(list(status))
    order = np.argsort([list(VERDICTS).index(one) for one in status], kind="stable")
    points = np.zeros((len(status), 2))
    points[order] = places(zip(printed[order], corrected[order]))
    chosen = np.ones(len(status), bool) if highlighted is None else np.asarray(highlighted, bool)
    dot = {"s": 34, "linewidths": 0.5}
    for name in dict.fromkeys(status[order]):
        _, colour, marker = VERDICTS[name]
        pale, full = (points[(status == name) & which].T for which in (~chosen, chosen))
        ax.scatter(*pale, marker=marker, color=PALE, alpha=0.6, **dot)
        ax.scatter(*full, marker=marker, color=colour, edgecolors="white", label=name, **dot)
    draw_axes(ax)
    rows = -(-len(set(status)) // 6)  # of the legend, each with room above the heaps
    top = ROWS + 5 + 4 * rows
    ax.set_ylim(-1, top)
    if not ((printed > NOISE) & (printed < SMALLEST)).any():
        left, right = FLOOR + 4.2, place(SMALLEST)
        ax.axvspan(left, right, ymax=ROWS / (top + 1), color=GREY, alpha=0.1)
        ax.text(
            (left + right) / 2, ROWS / 2, "none in\nthese 10\ndecades", ha="center", va="center"
        )
    ax.set_title(title or finding(printed, corrected))
    ax.legend(ncols=6, loc="upper center", handletextpad=0.1, columnspacing=1, handlelength=1.5)


def finding(printed: Array, corrected: Array) -> str:
    """What the picture of these errors shows.

    >>> finding(np.array([0.5, 0.0]), np.zeros(2))
    'All 2 corrected forms are exact; 1 printed is not'
    """
    wrong, off = int((corrected > NOISE).sum()), int((printed > NOISE).sum())
    if wrong:
        return f"{wrong} of {len(corrected)} corrections are wrong"
    are = "is" if off == 1 else "are"
    return f"All {len(corrected)} corrected forms are exact; {off} printed {are} not"


def draw_axes(ax: Axes) -> None:
    """The middle of the axis in decades, the places beside it in words."""
    ticks = dict(zip(DECADE * np.arange(-2, 3), ("0.01", "0.1", "1", "10", "100")))
    ticks |= {
        ABSENT: "not\nprinted",
        FLOOR: "round-off,\n≤ 10⁻¹²",
        HUGE: "more",
        UNDEFINED: "un-\ndefined",
    }
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.set_yticks([0, height(1e-3), height(1)], ["≤ 10⁻¹²", "0.001", "1"])
    ax.set(xlim=(ABSENT - 2, UNDEFINED + 2.5))
    ax.set(xlabel="error of the form as printed", ylabel="error as corrected")
    ax.grid(False)
    ax.axhspan(height(1e-3) - 0.5, height(10), color=GREY, alpha=0.1)
    middle = (height(1e-3) + height(10)) / 2
    ax.text(-5, middle, "a wrong correction would be up here", ha="center", va="center")


def draw_spread(errors: Mapping[str, Array], *, ax: Axes) -> None:
    """Draw a line for each claim, with a dot for its error on every draw."""
    ordered = sorted(errors.items(), key=lambda one: np.median(one[1]))
    for y, (_, values) in enumerate(ordered):
        ax.plot([values.min(), values.max()], [y, y], "-", color=PALE, linewidth=5, zorder=1)
        ax.scatter(values, np.full(len(values), y), s=18, color=BLUE, alpha=0.7, zorder=2)
        ax.plot(np.median(values), y, "|", color=INK, markersize=13, markeredgewidth=2.5)
    draws = max(map(len, errors.values()))
    ax.set_yticks(range(len(ordered)), [name for name, _ in ordered], fontsize=SMALL)
    ax.set(xscale="log", xlabel=f"error of the printed form in {draws} draws; bar: the median")
    ax.set(ylim=(-0.7, len(ordered) - 0.3), title="The size is luck, the presence is not")
    ax.grid(False, axis="y")

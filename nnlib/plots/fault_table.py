"""The table of planted faults and of the diagnostics that see them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from nnlib.plots.canvas import GREY, INK, PALE, SMALL

FILLS = {"seen": "#F7DFA8", "stops": "#F7DFA8", "sometimes": "#FBF0D5", "blind": "#FFFFFF"}
WORDS = {"blind": "·", "": "?"}  # others say themselves
ROOM, GAP = 3.15, 0.25  # cells that a row's name takes, and what lies between two groups


def draw_sheet(
    groups: Mapping[str, Mapping[str, Sequence[str]]],
    tallies: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    *,
    chosen: str,
    bets: Collection[tuple[str, str]] = (),
    title: str,
    ax: Axes,
) -> None:
    """Draw a row for each fault, a column for each diagnostic; last, how many of a group it saw.

    groups    outcomes: "seen", "stops", "sometimes", "blind", or "" where nothing was tried.
    chosen    the row whose name is bold.
    bets      rows and columns whose cell has a thick frame.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(9, 5).add_subplot()
    >>> rows, tallies = {"one": ["seen", "blind"], "two": ["", ""]}, {"all": ["1 of 1", "0 of 1"]}
    >>> draw_sheet({"all": rows}, tallies, ["a", "b"], chosen="one", title="", ax=ax)
    >>> [text.get_text() for text in ax.texts[:5]]
    ['a', 'b', 'one', 'seen', '·']
    """
    for j, name in enumerate(columns):
        ax.text(j + 0.5, -0.15, name.replace(" ", "\n"), ha="center", va="bottom", fontsize=SMALL)
    top = 0.0
    for rows in groups.values():
        for name, outcomes in rows.items():
            write_row(name, outcomes, top, bold=name == chosen, ax=ax)
            for column in [its for row, its in bets if row == name]:
                frame(columns.index(column), top, ax=ax)
            top += 1
        top += GAP
    for name, told in tallies.items():
        write_row(name, told, top, bold=True, ax=ax)
        top += 1
    ax.set(xlim=(-ROOM, len(columns) + 0.02), ylim=(top + 0.05, -1.4), title=title)
    ax.axis("off")


def frame(column: int, top: float, *, ax: Axes) -> None:
    """Draw a thick frame into a cell."""
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 2.5}
    ax.add_patch(Rectangle((column + 0.04, top + 0.06), 0.92, 0.88, **look))


def write_row(name: str, outcomes: Sequence[str], top: float, *, bold: bool, ax: Axes) -> None:
    """Write a row's name and its cells, each in the colour of its outcome."""
    middle, weight = top + 0.52, "bold" if bold else "normal"
    ax.text(-0.12, middle, name, ha="right", va="center", fontsize=SMALL, weight=weight)
    for j, outcome in enumerate(outcomes):
        fill = FILLS.get(outcome, "#F2F2F2")
        ax.add_patch(Rectangle((j, top), 1, 1, facecolor=fill, edgecolor=PALE, linewidth=1))
        look: Any = {"ha": "center", "va": "center", "color": INK if outcome else GREY}
        ax.text(j + 0.5, middle, WORDS.get(outcome, outcome), fontsize=SMALL, **look)

"""One step of a model that writes: where it looks, what may come next, and what that leads to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from nnlib.experiments.next_token import BEST, NextToken
from nnlib.plots.canvas import BLUE, GREY, INK, PALE, RED, SMALL
from nnlib.plots.texts import Texts
from nnlib.words import short

WEIGHTS = LinearSegmentedColormap.from_list("weights", ["white", BLUE])
SMALLEST = 12  # points
GAP = 2  # columns between the source and what is written
ROWS = 11  # of weights that there is room for; more are lower
INCHES = 3.25  # that are left for the rows of weights; what is above and below them stands still
LABELS, START, HEADING, TOP, SCALE, BOTTOM = 0.15, 0.04, 0.82, 0.97, 0.17, 0.3  # inches off them
SURE, WROTE = -0.11, -0.02  # where each row's labels end, as shares of the width
COLOURS = "white: weight 0, deep blue: 1"
OTHERS = "; red: another was likelier"


def visible(token: str) -> str:
    """A token as it can be seen: a blank has a sign.

    >>> visible(" "), visible("a")
    ('␣', 'a')
    """
    return "␣" if token == " " else token


def share(p: float) -> str:
    """A probability in few digits.

    >>> share(0.98765), share(0.00123), share(3e-7), share(0.9999), share(0.0)
    ('0.99', '0.0012', '3·10⁻⁷', '1.00', '0')
    """
    return f"{p:.2f}" if p >= 0.01 else short(p)


def draw_looks(found: NextToken, *, title: str, ax: Axes) -> None:
    """Draw for each token written, and the next one, the weights with which it was looked for.

    In the columns of the source, if there is one, and of what stood before it; the row of the next
    token, or of END, is framed, and what it looks at most is bold. Beside each row stands its
    token, with its probability: red where another was likelier.
    """
    (T, S), rows = found.cross.shape, max(len(found.cross), ROWS)
    own = S + GAP if S else 0
    weights = np.zeros((T, own + T))
    weights[:, :S], weights[:, own:] = found.cross, found.own
    look: Any = {"cmap": WEIGHTS, "vmin": 0, "vmax": 1, "aspect": "auto"}
    ax.imshow(weights, extent=(-0.5, own + T - 0.5, T - 0.5, -0.5), **look)
    blocks = {left: size for left, size in ((0, S), (own, T)) if size}
    frame(blocks, 0, T, color=PALE, linewidth=1, ax=ax)
    frame(blocks, T - 1, T, color=INK, linewidth=2, ax=ax)
    inch, below = rows / INCHES, rows - 0.5
    most = {left + int(weights[-1, left : left + size].argmax()) for left, size in blocks.items()}
    label_columns(found, own, most, inch, ax)
    label_rows(found, ax)
    headings = ["the source", "looking back"][-len(blocks) :]
    put([left - 0.5 for left in blocks], -0.5 - HEADING * inch, headings, ha="left", ax=ax)
    put(SURE, -0.5 - HEADING * inch, ["p"], ha="right", transform=ax.get_yaxis_transform(), ax=ax)
    key = COLOURS + OTHERS * (found.written != found.likeliest)
    put(-0.5, below + SCALE * inch, [key], ha="left", color=GREY, ax=ax)
    ax.set(xlim=(-0.5, own + below), ylim=(below + BOTTOM * inch, -0.5 - TOP * inch))
    bare(ax, title)


def label_columns(found: NextToken, own: int, most: set[int], inch: float, ax: Axes) -> None:
    """Write above the columns what is read, and from ``own`` on what is written; some in bold."""
    before = [visible(token) for token in found.written[: len(found.own) - 1]]
    names = dict(enumerate(map(visible, found.read))) | dict(enumerate(before, own + 1))
    for weight, chosen in (("bold", names.keys() & most), ("normal", names.keys() - most)):
        at, y = sorted(chosen), -0.5 - LABELS * inch
        put(at, y, [names[k] for k in at], family="monospace", weight=weight, ax=ax)
    look: Any = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": SMALLEST}
    look["weight"] = "bold" if own in most else "normal"
    ax.text(own - 0.25, -0.5 - START * inch, "START", **look)  # off what is written


def label_rows(found: NextToken, ax: Axes) -> None:
    """Write beside each row what was written there, and how probable that was."""
    look: Any = {"ha": "right", "transform": ax.get_yaxis_transform(), "ax": ax}
    likeliest = np.array([a == b for a, b in zip(found.written, found.likeliest)], bool)
    for rows, color in ((np.flatnonzero(likeliest), INK), (np.flatnonzero(~likeliest), RED)):
        put(WROTE, rows, [visible(found.written[k]) for k in rows], color=color, **look)
        put(SURE, rows, [share(found.sure[k]) for k in rows], color=color, **look)
    if len(found.written) < len(found.cross):
        put(WROTE, len(found.written), ["next"], **look)


def draw_next(found: NextToken, *, title: str, ax: Axes) -> None:
    """Draw the probabilities of the likeliest tokens: as drawn, before what the model gives."""
    rows, changed = np.arange(len(found.tokens)), not np.array_equal(found.p, found.drawn)
    if changed:
        ax.hlines(rows, 0, found.p, colors=PALE, linewidth=13)
    ax.hlines(rows, 0, found.drawn, colors=BLUE, linewidth=7 if changed else 13)
    put(-0.03, rows, [visible(token) for token in found.tokens], ha="right", ax=ax)
    ends = np.maximum(found.p, found.drawn) + 0.03
    put(ends, rows, [share(p) for p in found.drawn], ha="left", ax=ax)
    key = "blue as drawn, grey as scored" if changed else "probability of the next token"
    put(-0.2, len(rows) + 0.1, [key], ha="left", color=GREY, ax=ax)
    ax.set(xlim=(-0.22, 1.28), ylim=(len(rows) + 0.6, -0.6))
    bare(ax, title)


def draw_texts(found: NextToken, *, title: str, ax: Axes) -> None:
    """Write the best whole texts below each other, each with its probability and what it is."""
    rows = np.arange(len(found.texts))
    texts = ["".join(map(visible, text)) or "nothing" for text in found.texts]
    put(0, rows, texts, ha="left", family="monospace", ax=ax)
    put(0.73, rows, [share(p) for p in found.texts_p], ha="right", ax=ax)
    put(0.755, rows, found.judged, ha="left", ax=ax)
    put(0, BEST + 0.1, ["the five best whole texts from here"], ha="left", color=GREY, ax=ax)
    ax.set(xlim=(0, 1), ylim=(BEST + 0.6, -0.6))
    bare(ax, title)


def put(x: Any, y: Any, texts: Sequence[str], *, ax: Axes, **look: Any) -> None:
    """Write texts at these places."""
    look = {"ha": "center", "color": INK, "transform": ax.transData} | look
    if len(texts):
        places = np.stack(np.broadcast_arrays(x, y), axis=-1)
        ax.add_artist(Texts(places, texts, fontsize=SMALLEST, **look))


def frame(blocks: Mapping[int, int], top: int, below: int, *, ax: Axes, **look: Any) -> None:
    """Frame some rows of each block, which begins with a column and has so many."""
    corners: list[tuple[float, float]] = []
    for left, size in blocks.items():
        x0, x1, y0, y1 = left - 0.5, left + size - 0.5, top - 0.5, below - 0.5
        corners += [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0), (np.nan, np.nan)]
    ax.plot(*np.transpose(corners), "-", clip_on=False, **look)


def bare(ax: Axes, title: str) -> None:
    """A title, and nothing at the sides: what there is stands beside it."""
    ax.set_title(title, fontsize=SMALL + 1, loc="left")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.grid(False)

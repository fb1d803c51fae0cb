"""Attention: painted on what is looked at, step by step for one query, beside its gradient.

Blue is positive, orange negative, in every picture. Weights below a threshold are left out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Rectangle

from nnlib.checks import Array
from nnlib.experiments.attending import Attended
from nnlib.plots.canvas import BLUE, INK, ORANGE, PALE, SKY
from nnlib.plots.texts import Texts
from nnlib.words import minus, short

SIGNS = LinearSegmentedColormap.from_list("signs", [ORANGE, "white", SKY])  # all bear black letters
MOST = 30  # tokens that have room below each other
SMALLEST = 12  # points, of what is written in a row
# From left to right: tokens, cells of the steps, mixed values; or weights and slopes from their 0.
WIDTH, HEAD, TOKENS, CELLS, MIXED = 5.6, -1.25, (0, 1.1), (1.2, 4.65), (4.75, 5.6)
SHARES = ("softmax", "was")  # columns of weights, before the change in the last one
WEIGHTS, SLOPES = (1.3, 1.1), (4.0, 1.0)  # where 0 is, and how long the longest bar


# -- painted on an image --------------------------------------------------------------------------


def painted(image: Array, weights: Array, patch: tuple[int, int]) -> Array:
    """An image's ink on paper tinted by weights in [-1, 1]: blue, or orange where negative.

    Shapes   image (height, width), weights one for each patch -> RGB (height, width, 3)

    >>> painted(np.zeros((2, 1)), np.array([1.0, 0.0]), (1, 1)).round(2).tolist()
    [[[0.34, 0.71, 0.91]], [[1.0, 1.0, 1.0]]]
    """
    (height, width), (rows, columns) = image.shape, patch
    grid = np.reshape(weights, (height // rows, width // columns))
    share = np.kron(grid, np.ones(patch))[..., None]
    tint = np.where(share > 0, to_rgb(SKY), to_rgb(ORANGE))
    paper = 1 + np.abs(share) * (tint - 1)
    ink = image[..., None] / (image.max() or 1)
    return paper + ink * (np.array(to_rgb(INK)) - paper)


def draw_painted(
    image: Array,
    weights: Array,
    *,
    patch: tuple[int, int] = (1, 28),
    at: tuple[float, float] = (0.0, 0.0),
    caption: str = "",
    deepest: float | None = None,
    ax: Axes,
) -> None:
    """Draw an image with weights painted on it, the largest one deepest; in a box above, its own.

    weights   one for each patch, in rows; one more stands first and is the class token's, which
              has the box.
    deepest   the weight that has the deepest colour, where it is not the largest one.
    at        the upper left corner, in pixels of the axes' coordinates.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_painted(np.eye(28), np.arange(29) / 406, caption="looks at row 28", ax=ax)
    >>> len(ax.images), len(ax.patches), [text.get_text() for text in ax.texts]
    (1, 1, ['looks at row 28'])
    """
    (height, width), (x, y) = image.shape, at
    patches = image.size // (patch[0] * patch[1])
    shares = weights / (deepest or np.abs(weights).max() or 1)
    own, others = shares[:-patches], shares[-patches:]
    ax.imshow(painted(image, others, patch), extent=(x, x + width, y + height, y))
    if len(own):
        tint = painted(np.zeros((1, 1)), own, (1, 1))[0, 0]
        ax.add_patch(Rectangle((x, y - 4), width, 3, facecolor=tint, edgecolor=PALE))
    ax.text(x + width / 2, y + height + 1, caption, ha="center", va="top", fontsize=SMALLEST)


def draw_heads(
    image: Array,
    weights: Array,
    captions: Sequence[str],
    *,
    patch: tuple[int, int] = (1, 28),
    columns: int = 4,
    beside: Sequence[str] = (),
    threshold: float = 0.0,
    title: str = "",
    ax: Axes,
) -> None:
    """Draw an image once for each head, with what it looks at painted on it: one scale for all.

    beside   what stands beside each row of images.

    Shapes   image (height, width), weights (heads, tokens), a caption for each

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> draw_heads(np.eye(28), np.ones((2, 28)) / 28, ["one", "two"], title="Alike", ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['one', 'two']
    """
    (height, width), rows = image.shape, -(-len(weights) // columns)
    across, down = 1.15 * width, 1.8 * height
    seen, own_box = np.where(weights >= threshold, weights, 0), -2.5  # where its middle is
    look: Any = {"patch": patch, "deepest": seen.max(), "ax": ax}
    for k, (own, caption) in enumerate(zip(seen, captions, strict=True)):
        at = across * (k % columns), down * (k // columns)
        draw_painted(image, own, at=at, caption=caption, **look)
    ax.set(xlim=(-1, across * columns - 0.15 * width + 1), ylim=(down * rows - 0.2 * height, -5))
    named = dict(zip(height / 2 + down * np.arange(rows), beside))
    if image.size < patch[0] * patch[1] * weights.shape[1]:
        named |= dict.fromkeys(own_box + down * np.arange(rows), "class")
    ax.set_yticks([*named], [*named.values()])
    framed(ax, title, aspect="equal", anchor="N")


def framed(ax: Axes, title: str, **look: Any) -> None:
    """Give a picture its title and take away what it does not need: ticks, spines, grid."""
    ax.set(title=title, **look)
    ax.set_xticks([])
    ax.tick_params(length=0, labelsize=SMALLEST)
    ax.spines[:].set_visible(False)
    ax.grid(False)


# -- one query, the keys below each other ---------------------------------------------------------


def draw_strip(
    found: Attended,
    x: Array,
    names: Sequence[str],
    *,
    query: int,
    edited: int | None = None,
    threshold: float = 0.0,
    ax: Axes,
) -> None:
    """Draw each step from a query's scores to its output.

    Numbers stand where the weight is, or was before a change, at least the threshold; a mask that
    blocks nothing has none. Where there is no room for all keys, the heaviest are shown.

    x        the tokens of the sample, which are shown as they are.
    names    of all tokens, the class token's included.
    edited   the key whose score was changed: it has a frame.
    """
    now, was = found.weights, found.plain_weights
    keys, there = heaviest(now), np.maximum(now, was) >= threshold
    by = "1" if np.array_equal(found.raw, found.scaled) else f"√{len(found.o)}"
    scores, blocked = shares(found.scaled), np.isinf(found.masked)
    steps = {"q·k": found.raw, f"÷ {by}": found.scaled, "mask": found.masked}
    weights = [now] if np.array_equal(now, was) else [now, was]
    steps |= dict(zip(SHARES, weights))
    tints = np.where(there, weights, 0) / np.max(weights)  # one scale for both
    cells = np.stack([scores, scores, np.where(blocked, 0, scores), *tints], axis=1)
    draw_tokens(x, names, keys, query=query, ax=ax)
    draw_cells(cells[keys], CELLS, ax=ax)
    edges = np.linspace(*CELLS, len(steps) + 1)
    ax.vlines(edges, -0.5, len(keys) - 0.5, color="white", linewidth=4)
    for left, (heading, values) in zip(edges, steps.items()):
        middle = left + (edges[1] - edges[0]) / 2
        write(middle, HEAD, heading, ax=ax)
        if values is found.masked and not blocked.any():
            continue
        rows = np.flatnonzero((there | np.isinf(values))[keys] | (keys == edited))
        decimals = 2 if heading in SHARES else 1
        texts = [f"{value:.{decimals}f}".replace("-inf", "−∞") for value in values[keys[rows]]]
        write_rows(np.full(len(rows), middle), rows, texts, ax=ax)
    for row in np.flatnonzero(keys == edited).tolist():
        frame(edges[0], edges[1], row, ax=ax)
    largest = max(np.abs(found.mixed).max(), np.abs(found.o).max()) or 1
    below = len(keys) + 0.2
    draw_cells(np.where(there[:, None], found.mixed, 0)[keys] / largest, MIXED, ax=ax)
    draw_cells(found.o[None] / largest, MIXED, row=below, ax=ax)
    write(np.mean(MIXED), HEAD, "× value", ax=ax)
    write(MIXED[0] - 0.1, below, "sum over all keys, the output", ha="right", ax=ax)
    ax.set(xlim=(0, WIDTH), ylim=(below + 0.6, -1.7))
    best = int(now.argmax())
    title = f"Query {names[query]} looks most at {names[best]}: {now[best]:.2f}"
    framed(ax, who_pays(found, names, edited) or title, aspect="auto")


def who_pays(found: Attended, names: Sequence[str], edited: int | None = None) -> str:
    """Which key has lost or gained most by a change of others; nothing where none has.

    edited   the key whose score was changed; a blocked one is no other either.
    """
    others = np.isfinite(found.masked) & (np.arange(len(names)) != edited)
    change = np.where(others, found.weights - found.plain_weights, 0)
    most = int(np.abs(change).argmax())
    if not change[most]:
        return ""
    does = "pays" if change[most] < 0 else "gains"
    was, now = found.plain_weights[most], found.weights[most]
    return f"{names[most].capitalize()} {does} most: {was:.2f} → {now:.2f}"


def draw_gradient(
    found: Attended,
    x: Array,
    names: Sequence[str],
    *,
    query: int,
    of: str,
    threshold: float = 0.0,
    ax: Axes,
) -> None:
    """Draw a query's weights beside the gradient by them of the loss, or of a score.

    of   what the gradient is of, in words.
    """
    keys, slopes = heaviest(found.weights), found.dA[query]
    draw_tokens(x, names, keys, query=query, ax=ax)
    weights = np.where(found.weights >= threshold, found.weights, 0)
    bars = {"weights A": (weights, *WEIGHTS), f"d {of} / dA": (slopes, *SLOPES)}
    for heading, (values, zero, longest) in bars.items():
        values = values[keys]
        ends = zero + longest * shares(values)
        colours = np.where(values < 0, ORANGE, BLUE)
        ax.hlines(range(len(keys)), zero, ends, colors=colours, linewidth=8)
        ax.vlines(zero, -0.5, len(keys) - 0.5, color=INK, linewidth=1)
        write(zero, HEAD, heading, ha="left", ax=ax)
        for ha, sign in (("left", 1), ("right", -1)):
            rows = np.flatnonzero(sign * values > 0)
            texts = [short(value) for value in values[rows]]
            write_rows(ends[rows] + sign * 0.06, rows, texts, ha=ha, ax=ax)
    ax.set(xlim=(0, WIDTH), ylim=(len(keys), -1.7))
    framed(ax, what_to_move(found, names, query, of), aspect="auto")


def what_to_move(found: Attended, names: Sequence[str], query: int, of: str) -> str:
    """Between which keys weight would have to move, as far as a gradient tells."""
    slopes = found.dA[query]
    if not slopes.any():
        return f"Nobody reads query {names[query]}: no gradient"
    allowed = np.flatnonzero(np.isfinite(found.masked))
    down, up = (names[allowed[k]] for k in (slopes[allowed].argmin(), slopes[allowed].argmax()))
    if of == "loss":
        return f"Less on {up}, more on {down}: less loss"
    return f"Less on {down}, more on {up}: more {of}"


def heaviest(weights: Array) -> Array:
    """The keys that there is room for: all in order, or those of the largest weights.

    >>> heaviest(np.arange(40))[[0, -1]].tolist()
    [10, 39]
    """
    return np.sort(np.argsort(-weights, kind="stable")[:MOST])


def shares(values: Array) -> Array:
    """Values as shares of the largest one; 0 for what is not finite.

    >>> shares(np.array([1.0, -2.0, -np.inf])).tolist()
    [0.5, -1.0, 0.0]
    """
    values = np.where(np.isfinite(values), values, 0)
    return values / (np.abs(values).max() or 1)


def draw_tokens(x: Array, names: Sequence[str], keys: Array, *, query: int, ax: Axes) -> None:
    """Draw the keys' names, and beside each the token itself where the sample has it."""
    own = len(names) - len(x)
    shown = np.array([x[key - own] if key >= own else np.zeros(x.shape[1]) for key in keys])
    ends = (*TOKENS, len(keys) - 0.5, -0.5)
    ax.imshow(shown, extent=ends, cmap="gray_r", vmin=0, vmax=x.max() or 1, aspect="auto")
    ax.set_yticks(range(len(keys)), [names[key] for key in keys])
    for row in np.flatnonzero(keys == query).tolist():
        frame(*TOKENS, row, ax=ax)
    write(np.mean(TOKENS), HEAD, "▭ query", color=BLUE, weight="bold", ax=ax)


def frame(left: float, right: float, row: float, *, ax: Axes) -> None:
    """Frame a part of a row."""
    top, below = row - 0.5, row + 0.5
    ax.plot([left, right, right, left, left], [top, top, below, below, top], "-", color=BLUE)


def draw_cells(cells: Array, ends: tuple[float, float], *, row: float = 0, ax: Axes) -> None:
    """Draw rows of entries in [-1, 1] from ``row`` on: blue, orange below 0."""
    extent = (*ends, row + len(cells) - 0.5, row - 0.5)
    ax.imshow(cells, extent=extent, cmap=SIGNS, vmin=-1, vmax=1, aspect="auto")


def write(x: Any, y: Any, text: str, *, ha: str = "center", ax: Axes, **look: Any) -> None:
    """Write above the rows, or below them."""
    ax.text(x, y, minus(text), ha=ha, va="center_baseline", fontsize=SMALLEST, **look)


def write_rows(
    x: Array, rows: Array, texts: Sequence[str], *, ha: str = "center", ax: Axes
) -> None:
    """Write a text into each of these rows."""
    look: Any = {"ha": ha, "fontsize": SMALLEST, "transform": ax.transData}
    ax.add_artist(Texts(np.stack([x, rows], axis=-1), [minus(text) for text in texts], **look))


# -- all queries ----------------------------------------------------------------------------------


def draw_queries(
    found: Attended,
    names: Sequence[str],
    *,
    query: int,
    of: str,
    threshold: float = 0.0,
    ax: Axes,
) -> None:
    """Draw the weights of all queries beside the gradient by them; two lines mark one query."""
    size, gap = len(found.A), 0.06 * len(found.A)
    seen = np.where(threshold <= found.A, found.A, 0)
    for left, values, name in ((0, seen, "weights A"), (size + gap, found.dA, f"d {of} / dA")):
        ends = (left - 0.5, left + size - 0.5)
        draw_cells(shares(values), ends, ax=ax)
        ax.hlines([query - 0.5, query + 0.5], *ends, color=INK, linewidth=1.5)
        largest = values.flat[np.abs(values).argmax()]
        write(np.mean(ends), HEAD, f"{name}, to {short(largest)}", ax=ax)
        for ha, end, key in (("left", ends[0], 0), ("right", ends[1], size - 1)):
            write(end, size + 0.2, names[key], ha=ha, ax=ax)
        write(np.mean(ends), size + 0.2, "key →", ax=ax)
    ax.set(xlim=(-0.5, 2 * size + gap - 0.5), ylim=(size + 0.8, -1.7))
    shown = range(0, size, -(-size // MOST))  # as many names of queries as there is room for
    ax.set_yticks(shown, [names[row] for row in shown])
    read = np.flatnonzero(np.any(found.dA, axis=1))
    alone = f"Only query {names[read[0]]} has a gradient" if len(read) == 1 else ""
    framed(ax, alone or f"{len(read)} queries have a gradient", aspect="auto")


# -- what comes of it -----------------------------------------------------------------------------


def draw_change(
    before: Array, now: Array, *, title: str, xlabel: str, ylabel: str, ax: Axes
) -> None:
    """Draw numbers as bars before wide pale ones: what they were before. Its scale goes in steps.

    >>> from nnlib.plots.canvas import new_figure
    >>> ax = new_figure(4, 4).add_subplot()
    >>> names = {"title": "It moves", "xlabel": "digit", "ylabel": "probability"}
    >>> draw_change(np.array([0.1, 0.9]), np.array([0.8, 0.2]), **names, ax=ax)
    >>> [len(bars.get_paths()) for bars in ax.collections]
    [2, 2]
    """
    places, width = np.arange(len(now)), 100 / len(now)
    front = np.where(now < 0, ORANGE, BLUE)
    for ends, colours, wide in ((before, PALE, width), (now, front, 0.5 * width)):
        bars = np.stack([places, 0 * places, places, ends], axis=1).reshape(-1, 2, 2)
        ax.add_collection(LineCollection(bars, colors=colours, linewidths=wide), autolim=False)
    end = rounded_up(max(np.abs(before).max(), np.abs(now).max()))
    ax.set(ylim=(-end, end), yticks=[-end, 0, end])
    ax.tick_params(labelsize=SMALLEST)
    ax.set_title(title, fontsize=SMALLEST)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.7, len(now) - 0.3))
    ax.grid(False, axis="x")


def rounded_up(x: float) -> float:
    """The first of ... 0.5, 1, 2, 5, 10 ... that is not below a positive number; 1 for 0.

    >>> rounded_up(0.3), rounded_up(2.0), rounded_up(5.1)
    (0.5, 2.0, 10.0)
    """
    power = 10.0 ** np.floor(np.log10(x or 1))
    return float(next(step * power for step in (1, 2, 5, 10) if x <= step * power))
